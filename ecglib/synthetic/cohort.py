"""A synthetic cohort in DREAMER.mat's own layout, with the truth that made it.

It shows that the machinery works, and how well, because what is planted is known. It never shows
that emotions can be read from an ECG.

Participants, film clips and recordings are those of the DREAMER study: 23 people, 18 clips of 65
to 393 s that everyone sees, a neutral baseline of 61 s before each, two leads at 256 Hz, ratings of
valence, arousal and dominance from 1 to 5. `ecglib.synthetic.heart`, `ecglib.synthetic.recorder`
and `ecglib.synthetic.people` say which parts are motivated by physiology, with sources, and which
are invented.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import savemat

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import atomic_path, load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.words import counted
from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import (
    COLUMNS,
    CONDITION_FIELDS,
    CONDITIONS,
    ECG_RATE,
    MIN_DURATION,
    RATING_FIELDS,
)
from ecglib.data.targets import SCALES, TARGETS
from ecglib.synthetic.heart import beat_times, draw_beats, draw_person, oscillate, state_curves
from ecglib.synthetic.people import FEATURES, clip_feelings, physiology, rate_clips
from ecglib.synthetic.recorder import recording_noise, to_counts

VERSION = "1.0.2 (synthetic)"
"""What the file says in the place where DREAMER.mat gives its version."""

# Invented but for the shortest and the longest; their mean, 199 s, is the study's.
_CLIP_LENGTHS_S = (
    *(208.0, 393.0, 179.0, 124.0, 261.0, 102.0, 148.0, 215.0, 86.0),
    *(312.0, 187.0, 233.0, 141.0, 276.0, 65.0, 110.0, 204.0, 338.0),
)

_HEADER = b"MATLAB 5.0 MAT-file, synthetic cohort in the layout of DREAMER 1.0.2, written by ecglib"
_NAMED, _HEADER_BYTES = b" as ", 116

_EEG_ELECTRODES = (
    *("AF3", "F7", "F3", "FC5", "T7", "P7", "O1"),
    *("O2", "P8", "T8", "FC6", "F4", "F8", "AF4"),
)
_EEG_RATE = 128


CONTROL = 3.0
"""An effect so strong that whatever reads the ECG finds it: a control, not a model of people.

One standard deviation of what is felt then moves a feature by about as much as everything else that
differs between a person's recordings. The usual effect, 1, is a third of it.
"""


@dataclass(frozen=True)
class CohortSpec:
    """What a synthetic cohort is like.

    Parameters
    ----------
    n_participants : int
        Number of participants.
    clip_lengths_s : tuple of float
        Length of each clip in seconds, the same for everyone; its length is the number of clips.
    baseline_s : float
        Length in seconds of the baseline before each clip.
    effect : float
        Multiplies every influence of felt valence, arousal and dominance on the ECG (the sizes
        are in `ecglib.synthetic.people.FEATURES`). With 0 the signals do not depend on the ratings
        at all; `CONTROL` is strong.
    slope_sd : float
        Standard deviation, between people, of how strongly each feeling moves each feature, in
        shares of the usual strength.
    person_sd : float
        Multiplies the differences between people.
    trial_sd : float
        Multiplies the differences between recordings of one person that no rating explains.
    clip_sd : float
        Differences between clips that everyone's ECG shares and no rating explains, in units of
        the trial standard deviation. 0 by default: any other value tells the clip from the ECG,
        and as the clip predicts the rating, it raises leave-one-subject-out scores although no
        emotion is read.
    noise : float
        Multiplies wander, mains, muscle and motion noise.
    artefacts_per_hour : float
        Expected number of electrode jumps.

    Raises
    ------
    DataError
        If a value is outside its range.

    Examples
    --------
    >>> spec = CohortSpec(n_participants=2, clip_lengths_s=(30.0, 60.0))
    >>> len(spec.clip_lengths_s), spec.effect
    (2, 1.0)
    """

    n_participants: int = 23
    clip_lengths_s: tuple[float, ...] = _CLIP_LENGTHS_S
    baseline_s: float = 61.0
    effect: float = 1.0
    slope_sd: float = 0.5
    person_sd: float = 1.0
    trial_sd: float = 1.0
    clip_sd: float = 0.0
    noise: float = 1.0
    artefacts_per_hour: float = 4.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.n_participants < 1:
            raise DataError(
                f"{self.n_participants}", field="n_participants", expected="at least 1 participant"
            )
        if len(self.clip_lengths_s) < 2:
            raise DataError(
                f"{len(self.clip_lengths_s)} clips",
                field="clip_lengths_s",
                expected="at least 2, so that a person's feelings can differ",
            )
        for field in ("clip_lengths_s", "baseline_s"):
            lengths = np.ravel(getattr(self, field))
            if not np.all((lengths >= MIN_DURATION) & (lengths < np.inf)):
                raise DataError(
                    f"{getattr(self, field)}",
                    field=field,
                    expected=f"at least {MIN_DURATION:g} s, one window",
                )
        for field in (
            "slope_sd",
            "person_sd",
            "trial_sd",
            "clip_sd",
            "noise",
            "artefacts_per_hour",
        ):
            if not 0 <= getattr(self, field) < np.inf:
                raise DataError(
                    f"{getattr(self, field)}", field=field, expected="a number not below 0"
                )
        if not np.isfinite(self.effect):
            raise DataError(f"{self.effect}", field="effect", expected="a finite number")


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known about a synthetic cohort, one entry per recording in the cohort's order.

    Parameters
    ----------
    recordings : pandas.DataFrame
        participant, clip, condition, what was felt (felt_valence, felt_arousal, felt_dominance:
        mean 0 and standard deviation 1 over a person's clips, 0 at baseline) and the value of
        each of `ecglib.synthetic.people.FEATURES` that the recording settles at.
    r_peaks : tuple of numpy.ndarray
        Sample indices of the R peaks, int64.
    disturbed : tuple of numpy.ndarray
        Shape (k, 2): first and one-past-last sample of muscle bursts and electrode jumps, int64.
    name : str
        The name that stands in the cohort's file too (`write_dreamer_mat`), if it has one.

    Examples
    --------
    >>> made = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0)
    >>> len(made.truth.recordings), len(made.truth.r_peaks)
    (4, 4)
    """

    recordings: pd.DataFrame
    r_peaks: tuple[np.ndarray, ...]
    disturbed: tuple[np.ndarray, ...]
    name: str = ""


@dataclass(frozen=True, eq=False)
class SyntheticCohort:
    """A synthetic cohort and the truth behind it.

    Parameters
    ----------
    cohort : Cohort
        The recordings.
    truth : Truth
        What made them.

    Examples
    --------
    >>> made = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0)
    >>> type(made.cohort).__name__, type(made.truth).__name__
    ('Cohort', 'Truth')
    """

    cohort: Cohort
    truth: Truth


@dataclass(frozen=True, eq=False)
class Session:
    """One participant's recordings end to end, in the order baseline 1, clip 1, baseline 2, ...

    Parameters
    ----------
    signal : ndarray, shape (n_samples, 2)
        Both leads in converter units.
    r_peaks : ndarray of int
        Samples at which a beat has its R-peak.
    disturbed : ndarray of int, shape (k, 2)
        First and one-past-last sample of each muscle burst and electrode jump.
    state : dict of str to ndarray
        Physiological state of each recording, by feature.

    Examples
    --------
    >>> spec = CohortSpec(1, (20.0, 20.0), 11.0)
    >>> session = simulate_session(
    ...     spec, np.zeros((2, 3)), np.zeros((2, 9)), np.random.SeedSequence(0)
    ... )
    >>> session.signal.shape
    (15872, 2)
    """

    signal: np.ndarray
    r_peaks: np.ndarray
    disturbed: np.ndarray
    state: dict[str, np.ndarray]


@checked
def make_cohort(spec: CohortSpec, seed: int) -> SyntheticCohort:
    """Make a synthetic cohort.

    Parameters
    ----------
    spec : CohortSpec
        What it is like.
    seed : int
        The same seed gives the same cohort, and its first participants do not depend on how many
        there are.

    Returns
    -------
    SyntheticCohort
        Signals are float32 whole counts of a 12-bit converter.

    Examples
    --------
    >>> made = make_cohort(CohortSpec(2, (20.0, 20.0), 11.0), seed=0)
    >>> made.cohort.recordings.groupby("condition").size().to_dict()
    {'baseline': 4, 'stimulus': 4}
    """
    clip_rng, nuisance_rng = (np.random.default_rng(s) for s in _seed(seed, 0).spawn(2))
    of_clips = clip_feelings(len(spec.clip_lengths_s), clip_rng)
    clip_nuisance = nuisance_rng.standard_normal((len(spec.clip_lengths_s), len(FEATURES)))
    rows: list[dict[str, object]] = []
    truths: list[dict[str, object]] = []
    signals: list[np.ndarray] = []
    r_peaks: list[np.ndarray] = []
    disturbed: list[np.ndarray] = []
    for participant in range(1, spec.n_participants + 1):
        rating_seed, session_seed = _seed(seed, participant).spawn(2)
        rng = np.random.default_rng(rating_seed)
        age, gender = int(rng.integers(22, 34)), ("male", "female")[rng.integers(2)]
        ratings, felt = rate_clips(of_clips, rng)
        session = simulate_session(spec, felt, clip_nuisance, session_seed)
        for index, (start, stop) in enumerate(_spans(spec)):
            clip, condition = index // 2, CONDITIONS[index % 2]
            who = {"participant": participant, "clip": clip + 1, "condition": condition}
            n_samples = stop - start
            size = {"n_samples": n_samples, "duration": n_samples / ECG_RATE}
            scores = {target: int(ratings[clip, i]) for i, target in enumerate(TARGETS)}
            rows.append({**who, **size, **scores, "age": age, "gender": gender})
            feelings = {
                f"felt_{target}": felt[clip, i] if condition == "stimulus" else 0.0
                for i, target in enumerate(TARGETS)
            }
            state = {name: value[index] for name, value in session.state.items()}
            truths.append({**who, **feelings, **state})
            signals.append(session.signal[start:stop])
            inside = (session.r_peaks >= start) & (session.r_peaks < stop)
            r_peaks.append(session.r_peaks[inside] - start)
            touching = (session.disturbed[:, 0] < stop) & (session.disturbed[:, 1] > start)
            disturbed.append(np.clip(session.disturbed[touching] - start, 0, n_samples))
    cohort = Cohort(
        name="synthetic",
        fs=float(ECG_RATE),
        recordings=pd.DataFrame(rows, columns=list(COLUMNS)),
        signals=tuple(signals),
        version=VERSION,
        targets=SCALES,
    )
    return SyntheticCohort(cohort, Truth(pd.DataFrame(truths), tuple(r_peaks), tuple(disturbed)))


@checked
def simulate_session(
    spec: CohortSpec, felt: np.ndarray, clip_nuisance: np.ndarray, seed: np.random.SeedSequence
) -> Session:
    """Simulate one participant's whole session.

    Parameters
    ----------
    spec : CohortSpec
        What the cohort is like.
    felt : numpy.ndarray
        Shape (n_clips, 3): valence, arousal, dominance.
    clip_nuisance : numpy.ndarray
        Shape (n_clips, n_features): standard normal values that all participants share.
    seed : numpy.random.SeedSequence
        The participant's own; nothing in it depends on the ratings.

    Returns
    -------
    Session
        Signal of shape (n_samples, 2), R peaks, disturbed spans and the state per recording.

    Raises
    ------
    DataError
        If feelings or nuisances have another shape, or one is not finite.

    Examples
    --------
    >>> spec = CohortSpec(1, (20.0, 20.0), 11.0)
    >>> session = simulate_session(
    ...     spec, np.zeros((2, 3)), np.zeros((2, 9)), np.random.SeedSequence(0)
    ... )
    >>> sorted(session.state)[:2]
    ['heart_rate', 'p_amplitude']
    """
    checks.array("felt", felt, (len(spec.clip_lengths_s), 3))
    checks.array("clip_nuisance", clip_nuisance, (len(felt), None))
    # Separate streams, so that the same person breathes and moves alike whatever the effect.
    person_rng, trial_rng, breath_rng, beat_rng, wave_rng, noise_rng = (
        np.random.default_rng(s) for s in seed.spawn(6)
    )
    n_clips, n_features = len(spec.clip_lengths_s), len(FEATURES)
    person = draw_person(spec.person_sd, person_rng)
    place = spec.person_sd * person_rng.standard_normal(n_features)
    slopes = spec.slope_sd * person_rng.standard_normal((n_features, len(TARGETS)))
    # Half of the trial variance is common to a baseline and the clip after it.
    common = np.repeat(trial_rng.standard_normal((n_clips, n_features)), 2, axis=0)
    own = trial_rng.standard_normal((2 * n_clips, n_features))
    nuisance = spec.trial_sd * (common + own) * np.sqrt(0.5)
    nuisance[1::2] += spec.clip_sd * clip_nuisance
    felt_always = np.zeros((2 * n_clips, 3))
    felt_always[1::2] = felt
    state = physiology(felt_always, nuisance, place, spec.effect, slopes)

    spans = _spans(spec)
    n_samples = int(spans[-1, 1])
    curves = state_curves(state, np.diff(spans, axis=1).ravel() / ECG_RATE)
    respiration = oscillate(curves["resp_rate"], breath_rng)
    times = beat_times(curves, respiration, beat_rng)
    heart = draw_beats(times, curves, respiration, person, n_samples, ECG_RATE, wave_rng)
    noise, disturbed = recording_noise(
        respiration, n_samples, ECG_RATE, spec.artefacts_per_hour, noise_rng
    )
    r_peaks = np.rint(times * ECG_RATE).astype(np.int64)
    return Session(
        signal=to_counts(heart + np.float32(spec.noise) * noise),
        r_peaks=r_peaks[r_peaks < n_samples],
        disturbed=disturbed,
        state=state,
    )


@checked
def write_dreamer_mat(
    cohort: Cohort, path: str | os.PathLike[str], *, compress: bool = False, name: str = ""
) -> Path:
    """Write a synthetic cohort as a MATLAB v5 file in the layout of DREAMER.mat 1.0.2.

    The EEG fields are there for the layout's sake: one second of zeros each. The file's bytes
    depend on nothing but the cohort and its name.

    Parameters
    ----------
    cohort : Cohort
        A synthetic one.
    path : str or os.PathLike
        Where to write; an existing file is replaced only by a complete one.
    compress : bool
        Whether to compress, to about a seventh of the size in twenty times the time.
    name : str
        A short name, such as a fingerprint of the recipe, to stand in the file's header;
        `written_name` reads it.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    DataError
        If the cohort is not synthetic (the agreement of the DREAMER database forbids passing on
        its data), or lacks a recording of some participant; if the name is longer than 25
        characters.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.data.dreamer import read_dreamer
    >>> cohort = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort
    >>> path = write_dreamer_mat(cohort, Path(tempfile.mkdtemp(), "DREAMER.mat"))
    >>> len(read_dreamer(path).recordings)
    4
    """
    header = _HEADER + (_NAMED + name.encode() if name else b"")
    if len(header) > _HEADER_BYTES:
        raise DataError(f"{name!r}", field="name", expected="at most 25 characters")
    if cohort.name != "synthetic":
        raise DataError(
            f"the cohort {cohort.name!r}",
            field="cohort",
            expected="a synthetic cohort",
            remedy="keep the file that you got from its provider, and do not write another",
        )
    rows = cohort.recordings
    participants, clips = rows["participant"].unique(), rows["clip"].unique()
    layout = pd.MultiIndex.from_product([participants, clips, CONDITIONS])
    if list(layout) != list(rows[["participant", "clip", "condition"]].itertuples(index=False)):
        raise DataError(
            f"{counted(len(rows), 'recording')} of {counted(len(participants), 'participant')} "
            f"and {counted(len(clips), 'clip')}",
            field="recordings",
            expected="one baseline and one stimulus of every participant and clip",
            remedy="write the whole cohort",
        )
    content = {
        "Data": _cell([_participant(cohort, p) for p in participants], (1, -1)),
        "EEG_SamplingRate": float(_EEG_RATE),
        "ECG_SamplingRate": float(ECG_RATE),
        "EEG_Electrodes": _cell(list(_EEG_ELECTRODES), (1, -1)),
        "noOfSubjects": float(len(participants)),
        "noOfVideoSequences": float(len(clips)),
        "Disclaimer": "A synthetic cohort: no person was recorded. The EEG is all zeros.",
        "Provider": "ecglib, synthetic cohort",
        "Version": cohort.version,
        "Acknowledgement": "The layout follows DREAMER by S. Katsigiannis and N. Ramzan (2018).",
    }
    path = Path(path)
    with atomic_path(path) as partial:
        savemat(partial, {"DREAMER": content}, do_compression=compress, appendmat=False)
        # SciPy's header holds the time of writing, which would give every run another checksum.
        with open(partial, "r+b") as stream:
            stream.write(header.ljust(_HEADER_BYTES))
    return path


@checked
def written_name(path: str | os.PathLike[str]) -> str:
    """Read the name in the header of the file at `path`; empty if there is none.

    Examples
    --------
    >>> import tempfile
    >>> cohort = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort
    >>> path = Path(tempfile.mkdtemp(), "DREAMER.mat")
    >>> written_name(write_dreamer_mat(cohort, path, name="two-clips"))
    'two-clips'
    """
    with open(path, "rb") as stream:
        header = stream.read(_HEADER_BYTES)
    start = _HEADER + _NAMED
    return header[len(start) :].decode("latin-1").strip() if header.startswith(start) else ""


@checked
def save_truth(path: str | os.PathLike[str], truth: Truth) -> None:
    """Write a cohort's truth to an ``.npz`` file, atomically and without pickling.

    Parameters
    ----------
    path : str or os.PathLike
        Where to write.
    truth : Truth
        What to write.

    Examples
    --------
    >>> import tempfile
    >>> truth = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).truth
    >>> path = Path(tempfile.mkdtemp(), "truth.npz")
    >>> save_truth(path, truth)
    >>> path.is_file()
    True
    """
    table = {f"recordings/{name}": column.to_numpy() for name, column in truth.recordings.items()}
    table["recordings/condition"] = truth.recordings["condition"].to_numpy(dtype=np.str_)
    lists = {}
    for name, arrays in (("r_peaks", truth.r_peaks), ("disturbed", truth.disturbed)):
        lists[name] = np.concatenate(arrays)
        lists[f"{name}/count"] = np.array([len(array) for array in arrays])
    name = {"name": np.array(truth.name)} if truth.name else {}
    save_arrays(Path(path), {**table, **lists, **name})


@checked
def load_truth(path: str | os.PathLike[str]) -> Truth:
    """Read what `save_truth` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    Truth
        As it was saved.

    Raises
    ------
    DataError
        If the file is missing, damaged, or another kind of file.

    Examples
    --------
    >>> import tempfile
    >>> truth = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).truth
    >>> path = Path(tempfile.mkdtemp(), "truth.npz")
    >>> save_truth(path, truth)
    >>> load_truth(path).recordings.equals(truth.recordings)
    True
    """
    arrays = load_arrays(Path(path))
    try:
        lists = [
            tuple(np.split(arrays[name], np.cumsum(arrays[f"{name}/count"])[:-1]))
            for name in ("r_peaks", "disturbed")
        ]
        recordings = pd.DataFrame(
            {
                name.removeprefix("recordings/"): column
                for name, column in arrays.items()
                if name.startswith("recordings/")
            }
        )
    except KeyError as error:
        raise DataError(
            "the array is missing",
            file=path,
            field=str(error.args[0]),
            expected="the truth of a synthetic cohort",
            remedy="name the right file, or make the cohort again",
        ) from error
    recordings["condition"] = recordings["condition"].astype(object)
    return Truth(recordings, *lists, str(arrays.get("name", "")))


def _seed(seed: int, key: int) -> np.random.SeedSequence:
    """Return the seed of the clips (key 0) or of one participant, whoever else takes part."""
    return np.random.SeedSequence(seed, spawn_key=(key,))


def _spans(spec: CohortSpec) -> np.ndarray:
    """Return (2 · n_clips, 2) first and one-past-last samples of a session's recordings."""
    lengths = [(spec.baseline_s, clip) for clip in spec.clip_lengths_s]
    stops = np.cumsum(np.rint(np.ravel(lengths) * ECG_RATE).astype(np.int64))
    return np.column_stack([np.concatenate([[0], stops[:-1]]), stops])


def _participant(cohort: Cohort, participant: int) -> dict[str, object]:
    """Return the struct of one participant."""
    rows = cohort.recordings.query("participant == @participant")
    clips = rows[rows["condition"] == "stimulus"]
    ecg = {
        field: _cell(
            [cohort.signals[i].astype(np.float64) for i in rows.index[rows["condition"] == name]],
            (-1, 1),
        )
        for name, field in CONDITION_FIELDS.items()
    }
    silence = [np.zeros((_EEG_RATE, len(_EEG_ELECTRODES)))] * len(clips)
    eeg = {field: _cell(silence, (-1, 1)) for field in CONDITION_FIELDS.values()}
    scores = {
        field: clips[[target]].to_numpy(dtype=np.float64) for target, field in RATING_FIELDS.items()
    }
    first = rows.iloc[0]
    return {"Age": str(first["age"]), "Gender": first["gender"], "EEG": eeg, "ECG": ecg, **scores}


def _cell(items: list[object], shape: tuple[int, int]) -> np.ndarray:
    """Return a MATLAB cell array."""
    cell = np.empty(len(items), dtype=object)
    cell[:] = items
    return cell.reshape(shape)
