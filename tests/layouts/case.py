"""Files in the layout of CASE: interpolated ECG at 1000 Hz and joystick at 20 Hz, as text."""

from pathlib import Path

import numpy as np

HOME = Path("data", "interpolated")
PHYSIOLOGY = "daqtime,ecg,bvp,gsr,rsp,skt,emg_zygo,emg_coru,emg_trap,video"
ANNOTATIONS = "jstime,valence,arousal,video"


def order(person: int) -> list[int]:
    """Return the eight videos as a person saw them, each another order."""
    return list(np.random.default_rng(person).permutation(np.arange(1, 9)))


def runs(person: int, ms: int) -> list[tuple[int, int]]:
    """Return number and length of everything that was shown: a start, blue screens, an end."""
    shown = [(10, 100)]
    for video in order(person):
        shown += [(11, 130), (int(video), ms + 37 * int(video))]
    return [*shown, (11, 130), (12, 100)]


def ecg(person: int, video: int, ms: int) -> np.ndarray:
    """Return the ECG of a person during a video in mV, with the three decimals of the files."""
    rng = np.random.default_rng(100 * person + video)
    return np.round(np.sin(np.arange(ms) / 60) + 0.1 * rng.normal(size=ms), 3)


def rating(person: int, video: int, which: int) -> float:
    """Return where somebody brings the joystick during a video."""
    return 1 + (video + 3 * which + person) % 8


def joystick(person: int, video: int, which: int, n: int) -> np.ndarray:
    """Return positions that begin at the middle and end at the rating."""
    return np.round(np.linspace(5, rating(person, video, which), n), 3)


def write_case(folder: Path, people: int = 2, ms: int = 2000) -> Path:
    """Write the processed files of some people; a video lasts about `ms` milliseconds."""
    for person in range(1, people + 1):
        write_person(folder / HOME, person, runs(person, ms))
    return folder


def write_person(home: Path, person: int, shown: list[tuple[int, int]]) -> None:
    total = sum(ms for _, ms in shown)
    rows, ends = [], []
    for video, ms in shown:
        x = ecg(person, video, ms)
        rows += [f"{value:.3f},36.1,25.6,37.2,28.1,9.4,6.1,12.5,{video}" for value in x]
        ends.append((video, len(rows)))
    lines = [f"{t},{row}" for t, row in enumerate(rows)]
    physiology = home / "physiological" / f"sub_{person}.csv"
    physiology.parent.mkdir(parents=True, exist_ok=True)
    physiology.write_text("\n".join([PHYSIOLOGY, *lines]) + "\n")

    lines = []
    begin = 0
    for video, end in ends:
        times = [t for t in range(0, total, 50) if begin <= t < end]
        valence, arousal = (joystick(person, video, which, len(times)) for which in (0, 1))
        lines += [
            f"{t},{v:.3f},{a:.3f},{video}" for t, v, a in zip(times, valence, arousal, strict=True)
        ]
        begin = end
    annotations = home / "annotations" / f"sub_{person}.csv"
    annotations.parent.mkdir(parents=True, exist_ok=True)
    annotations.write_text("\n".join([ANNOTATIONS, *lines]) + "\n")
