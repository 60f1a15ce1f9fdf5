"""Small files in DREAMER.mat's layout, and ways to spoil them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.io import savemat

ELECTRODES = [
    "AF3",
    "F7",
    "F3",
    "FC5",
    "T7",
    "P7",
    "O1",
    "O2",
    "P8",
    "T8",
    "FC6",
    "F4",
    "F8",
    "AF4",
]


def cell(items: list, shape: tuple[int, int]) -> np.ndarray:
    """Return a cell array of a given orientation."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def ecg_samples(participant: int, clip: int, condition: str, seconds: float) -> np.ndarray:
    """Return (n, 2) samples that no other recording has."""
    n = round(seconds * 256)
    base = 1000 * participant + 10 * clip + (condition == "stimulus")
    ramp = np.arange(n) % 200
    return np.column_stack([base + ramp, -(base + 2.0 * ramp)])


def seconds_of(clip: int, condition: str) -> float:
    """Return a different length for each clip."""
    return 11.0 if condition == "baseline" else 12.0 + clip


def rating_of(target: str, participant: int, clip: int) -> int:
    """Return a rating 1 to 5 with a different pattern per target."""
    step = {"valence": (1, 1), "arousal": (2, 3), "dominance": (3, 2)}[target]
    return (step[0] * participant + step[1] * clip) % 5 + 1


def dreamer_struct(n_participants: int = 3, n_clips: int = 2) -> dict:
    """Return the content of a sound file, ready for savemat."""
    data = []
    for p in range(1, n_participants + 1):
        clips = range(1, n_clips + 1)
        ecg = {
            name: cell(
                [ecg_samples(p, c, condition, seconds_of(c, condition)) for c in clips],
                (n_clips, 1),
            )
            for name, condition in (("baseline", "baseline"), ("stimuli", "stimulus"))
        }
        eeg = {
            name: cell([np.full((16, 14), 4000.0 + c) for c in clips], (n_clips, 1))
            for name in ("baseline", "stimuli")
        }
        scores = {
            f"Score{target.title()}": np.array([[float(rating_of(target, p, c))] for c in clips])
            for target in ("valence", "arousal", "dominance")
        }
        gender = "male" if p % 2 else "female"
        data.append({"Age": str(20 + p), "Gender": gender, "EEG": eeg, "ECG": ecg, **scores})
    return {
        "Data": cell(data, (1, n_participants)),
        "EEG_SamplingRate": 128.0,
        "ECG_SamplingRate": 256.0,
        "EEG_Electrodes": cell(ELECTRODES, (1, 14)),
        "noOfSubjects": float(n_participants),
        "noOfVideoSequences": float(n_clips),
        "Disclaimer": "While every care has been taken, nothing is promised.",
        "Provider": "A university",
        "Version": "1.0.2",
        "Acknowledgement": "Thanks to everyone.",
    }


def write_mat(
    path: Path,
    edit: Callable[[dict], object] | None = None,
    *,
    n_participants: int = 3,
    n_clips: int = 2,
    compress: bool = True,
    variable: str = "DREAMER",
) -> Path:
    """Write a file whose struct `edit` may change first."""
    struct = dreamer_struct(n_participants, n_clips)
    if edit is not None:
        edit(struct)
    savemat(path, {variable: struct}, do_compression=compress, oned_as="column")
    return path


def person(struct: dict, participant: int) -> dict:
    """Return one participant's struct for editing."""
    return struct["Data"].ravel()[participant - 1]


def set_ecg(participant: int, clip: int, field: str, change: Callable) -> Callable[[dict], None]:
    """Return an edit that replaces one ECG recording by a function of it."""

    def edit(struct: dict) -> None:
        recordings = person(struct, participant)["ECG"][field].ravel()
        recordings[clip - 1] = change(recordings[clip - 1])

    return edit


def set_field(name: str, value: object, participant: int | None = None) -> Callable[[dict], None]:
    """Return an edit that sets a field of the file or of one participant."""

    def edit(struct: dict) -> None:
        (struct if participant is None else person(struct, participant))[name] = value

    return edit


def drop_field(name: str, participant: int | None = None) -> Callable[[dict], None]:
    """Return an edit that removes a field of the file or of one participant."""

    def edit(struct: dict) -> None:
        del (struct if participant is None else person(struct, participant))[name]

    return edit
