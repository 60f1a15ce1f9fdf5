"""Make synthetic recordings with their truth: a cohort in DREAMER's layout, or one recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from ecglib import __version__
from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.core.words import counted
from ecglib.data.recording import Recording, check_rate
from ecglib.synthetic.cohort import CohortSpec, make_cohort, save_truth, write_dreamer_mat
from ecglib.synthetic.heart import beat_times, draw_beats, draw_person, oscillate, state_curves
from ecglib.synthetic.people import FEATURES, physiology
from ecglib.synthetic.recorder import COUNTS_PER_MV, MID_SCALE, recording_noise, to_counts
from ecglib.workflows.output import refuse_to_replace, to_json

LEADS = ("ECG II synthetic", "ECG I synthetic")
"""Names of the leads of one recording: they go wherever the samples go."""

DISCLAIMER = "synthetic: no person was recorded"
"""What files say of themselves where they have a place for it."""

SECONDS = 300.0
"""Length of one recording, unless another is asked for."""

LONGEST_S = 86_400.0
"""Seconds of the longest recording: a day."""


@dataclass(frozen=True)
class Synthesized:
    """What was written.

    Parameters
    ----------
    file : Path
        The recordings.
    truth : Path
        What is known of them.
    what : str
        What it is, in a few words.

    Examples
    --------
    >>> import tempfile
    >>> made = synthesize(Path(tempfile.mkdtemp(), "anna.csv"), seconds=20, seed=1)
    >>> isinstance(made, Synthesized), made.file.name
    (True, 'anna.csv')
    """

    file: Path
    truth: Path
    what: str


@checked
def synthesize(
    out: str | os.PathLike[str],
    *,
    participants: int | None = None,
    clips: int | None = None,
    seconds: float | None = None,
    effect: float | None = None,
    fs: float | None = None,
    seed: int = 0,
    force: bool = False,
) -> Synthesized:
    """Write a synthetic cohort or one synthetic recording, with its truth beside it.

    Parameters
    ----------
    out : str or os.PathLike
        A cohort in DREAMER's layout if its name ends in .mat, with its truth in an .npz file of the
        same stem, where `ecglib.studies.study.Study` finds it. One recording of two leads in mV if
        it ends in .csv, .npz or .edf, with its truth in a file that ends in .truth.json.
    participants : int, optional
        Number of people of a cohort; by default 23.
    clips : int, optional
        Number of clips of a cohort; by default 18.
    seconds : float, optional
        Length of each clip, by default DREAMER's, or of the one recording, by default 300 s.
    effect : float, optional
        What feelings do to the ECG of a cohort: 0 is nothing, 1 the default.
    fs : float, optional
        Sampling rate of the one recording in Hz; by default 256. A cohort always has 256.
    seed : int
        The same seed gives the same recordings.
    force : bool
        Replace files that are there.

    Returns
    -------
    Synthesized

    Raises
    ------
    DataError
        If a file is there already, an option does not fit what is made, or a value is outside its
        range. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.data.readers.any_format import read_recording
    >>> made = synthesize(Path(tempfile.mkdtemp(), "anna.csv"), seconds=20, seed=1)
    >>> read_recording(made.file)
    <Recording 'anna': ECG II synthetic, ECG I synthetic; 20.0 s at 256 Hz, mV>
    """
    out = Path(out)
    kind = out.suffix.lower()
    cohort = kind == ".mat"
    if not cohort and kind not in _WRITERS:
        raise DataError(
            f"the extension {out.suffix!r}",
            file=out,
            expected=f".mat for a cohort; {', '.join(_WRITERS)} for one recording",
        )
    misplaced = (
        {"fs": fs} if cohort else {"participants": participants, "clips": clips, "effect": effect}
    )
    for name, value in misplaced.items():
        if value is not None:
            raise DataError(
                f"{value} for {'a cohort' if cohort else 'one recording'}",
                file=out,
                field=name,
                remedy="leave it out" + ("" if cohort else ", or name a .mat file for a cohort"),
            )
    if not (isinstance(seed, int) and seed >= 0):
        raise DataError(f"{seed!r}", field="seed", expected="a whole number from 0")
    truth = out.with_suffix(".npz" if cohort else ".truth.json")
    for path in (out, truth):
        refuse_to_replace(path, force)
    if cohort:
        made = make_cohort(_spec(participants, clips, seconds, effect), seed)
        save_truth(truth, made.truth)
        write_dreamer_mat(made.cohort, out)
        people = counted(made.cohort.recordings["participant"].nunique(), "participant")
        n_clips = counted(made.cohort.recordings["clip"].nunique(), "clip")
        return Synthesized(out, truth, f"a cohort of {people} and {n_clips}")
    recording, known = make_recording(SECONDS if seconds is None else seconds, fs or 256.0, seed)
    writer = _WRITERS[kind]
    with atomic_path(out) as partial:
        writer(partial, recording)
    with atomic_path(truth) as partial:
        partial.write_text(to_json(known) + "\n", encoding="utf-8")
    return Synthesized(out, truth, f"{recording.duration:g} s of two leads at {recording.fs:g} Hz")


@checked
def make_recording(
    seconds: float = SECONDS, fs: float = 256.0, seed: int = 0
) -> tuple[Recording, dict[str, Any]]:
    """Make one recording of one person at rest.

    Parameters
    ----------
    seconds : float
        Its length, 10 s to a day.
    fs : float
        Sampling rate in Hz, 100 or more, so that mains and its harmonic can be there.
    seed : int
        The same seed gives the same recording.

    Returns
    -------
    recording : Recording
        Two leads, `LEADS`, in mV, in steps of 1/240 mV.
    truth : dict
        What is known of it: r_peaks_s and disturbed_s (seconds), and the state of
        `ecglib.synthetic.heart.STATE`, as plain values.

    Raises
    ------
    DataError
        If the length or the rate is outside its range.

    Examples
    --------
    >>> recording, truth = make_recording(seconds=60, seed=3)
    >>> recording.duration, 45 < len(truth["r_peaks_s"]) < 130
    (60.0, True)
    """
    if not 10 <= seconds <= LONGEST_S:
        raise DataError(f"{seconds:g} s", field="seconds", expected="10 s to 86400 s, a day")
    if check_rate(fs) < 100:
        raise DataError(f"{fs:g} Hz", field="fs", expected="100 Hz or more")
    n_samples = round(seconds * fs)
    person_rng, trial_rng, breath_rng, beat_rng, wave_rng, noise_rng = (
        np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)
    )
    person = draw_person(1.0, person_rng)
    place = person_rng.standard_normal(len(FEATURES))
    nuisance = trial_rng.standard_normal((1, len(FEATURES)))
    state = physiology(np.zeros((1, 3)), nuisance, place, effect=0.0)
    curves = state_curves(state, np.array([seconds]))
    respiration = oscillate(curves["resp_rate"], breath_rng)
    times = beat_times(curves, respiration, beat_rng)
    heart = draw_beats(times, curves, respiration, person, n_samples, fs, wave_rng)
    noise, disturbed = recording_noise(respiration, n_samples, fs, 4.0, noise_rng)
    counts = to_counts(heart + noise)
    signals = (counts - np.float32(MID_SCALE)) / np.float32(COUNTS_PER_MV)
    peaks = times[np.rint(times * fs) < n_samples]
    truth = {
        "about": DISCLAIMER,
        "seed": seed,
        "fs": fs,
        "seconds": n_samples / fs,
        "state": {name: float(value[0]) for name, value in state.items()},
        "r_peaks_s": [round(float(t), 4) for t in peaks],
        "disturbed_s": (disturbed / fs).round(4).tolist(),
        "software": f"ecglib {__version__}",
    }
    return Recording(signals, fs, LEADS, "mV", "synthetic"), truth


def _spec(
    participants: int | None, clips: int | None, seconds: float | None, effect: float | None
) -> CohortSpec:
    usual = CohortSpec()
    n_clips = len(usual.clip_lengths_s) if clips is None else clips
    lengths: Sequence[float] = usual.clip_lengths_s if seconds is None else [float(seconds)]
    return CohortSpec(
        n_participants=usual.n_participants if participants is None else participants,
        clip_lengths_s=tuple(islice(cycle(lengths), max(0, n_clips))),
        effect=usual.effect if effect is None else effect,
    )


def _write_csv(path: Path, recording: Recording) -> None:
    """Write a column of times and one per lead, below a line of names and one of units."""
    time = np.arange(len(recording)) / recording.fs
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(["time", *recording.leads]) + "\n")
        stream.write(",".join(["s", *[recording.unit] * len(recording.leads)]) + "\n")
        np.savetxt(
            stream,
            np.column_stack([time, recording.signals]),
            fmt=["%.6f", *["%.5f"] * len(recording.leads)],
            delimiter=",",
        )


def _write_npz(path: Path, recording: Recording) -> None:
    arrays = {
        "ecg": recording.signals,
        "fs": np.array(recording.fs),
        "leads": np.array(recording.leads),
        "unit": np.array(recording.unit),
        "about": np.array(DISCLAIMER),
    }
    save_arrays(path, arrays)


def _write_edf(path: Path, recording: Recording) -> None:
    edfio = need("edfio", "readers", "EDF files")
    low, high = (limit / COUNTS_PER_MV for limit in (-MID_SCALE, 4095 - MID_SCALE))
    try:
        edfio.Edf(
            [
                edfio.EdfSignal(
                    recording.lead(lead).astype(np.float64),
                    recording.fs,
                    label=lead,
                    physical_dimension=recording.unit,
                    physical_range=(low, high),
                    digital_range=(-MID_SCALE, 4095 - MID_SCALE),
                )
                for lead in recording.leads
            ],
            patient=edfio.Patient(code="synthetic", additional=["no_person_was_recorded"]),
        ).write(path)
    except ValueError as error:
        raise DataError(
            f"{recording.duration:g} s at {recording.fs:g} Hz do not fit EDF ({error})",
            field="seconds, fs",
            expected="whole seconds, and a whole number of samples in each",
            remedy="change the seconds, or write a .csv or .npz file",
        ) from error


_WRITERS: dict[str, Callable[[Path, Recording], None]] = {
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".edf": _write_edf,
}
