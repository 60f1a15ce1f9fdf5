"""Segmentation: from a cohort of recordings to filtered, normalised windows of equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import later
from ecglib.core.errors import DataError
from ecglib.data.cohort import COLUMNS, DATASET, Cohort
from ecglib.data.labels import BASELINE
from ecglib.data.recording import Recording, check_rate
from ecglib.preprocessing.filters import highpass, n_resampled, resample
from ecglib.preprocessing.normalisation import ParticipantScaler
from ecglib.preprocessing.polarity import polarity
from ecglib.preprocessing.quality import BRIDGED, fill_gaps, on_new_grid, sample_quality
from ecglib.preprocessing.window_flags import FOREIGN, judge_windows
from ecglib.preprocessing.windows import META_COLUMNS, Windows


@dataclass(frozen=True)
class WindowConfig:
    """How windows are made; the defaults are those of the released code.

    Parameters
    ----------
    length_s : float
        Length of a window in seconds.
    overlap : float
        Share of a window that the next one repeats, from 0 up to but not including 1.
    last_s : float, optional
        Use only the last so many seconds of each recording (all of a shorter one); by default
        the whole recording.
    leads : tuple of int or str, optional
        Leads to use, by number from 1 or by name; each makes windows of its own. None takes all.
    conditions : tuple of str, optional
        Recordings to use; by default all but the neutral "baseline" before a clip.
    highpass_hz : float
        Cut-off of the high-pass filter in Hz.
    target_fs : float
        Sampling rate of the windows in Hz; recordings at another rate are resampled.
    turn : bool
        Turn a lead of a recording that is upside down (`ecglib.preprocessing.polarity.polarity`).

    Raises
    ------
    DataError
        If a value is outside its range.

    Examples
    --------
    >>> config = WindowConfig(length_s=5.0, overlap=0.5)
    >>> config.length_s * config.target_fs, config.leads
    (1280.0, (1,))
    """

    length_s: float = 10.0
    overlap: float = 0.0
    last_s: float | None = None
    leads: tuple[int | str, ...] | None = (1,)
    conditions: tuple[str, ...] | None = None
    highpass_hz: float = 0.8
    target_fs: float = 256.0
    turn: bool = later(False)

    def __post_init__(self) -> None:
        check_fields(self)
        _lengths(self.target_fs, *self._cutting)
        for field, kinds in (("leads", (int, str)), ("conditions", (str,))):
            values = getattr(self, field)
            if values is None:
                continue
            right = isinstance(values, tuple) and all(isinstance(v, kinds) for v in values)
            right = right and all(v >= 1 for v in values if isinstance(v, int))
            if not (right and values and len(set(values)) == len(values)):
                raise DataError(
                    f"{values!r}",
                    field=field,
                    expected="None for all, or names (of leads also numbers from 1), each once",
                )
        if not 0 < self.highpass_hz < self.target_fs / 2:
            raise DataError(
                f"{self.highpass_hz} Hz",
                field="highpass_hz",
                expected="a cut-off between 0 and half of target_fs",
            )

    @property
    def _cutting(self) -> tuple[float, float, float | None]:
        return self.length_s, self.overlap, self.last_s


@checked
def cut(
    signal: np.ndarray,
    fs: float,
    length_s: float = 10.0,
    overlap: float = 0.0,
    last_s: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one lead of a recording into windows of equal length.

    Windows follow each other from the start of the recording, or of its last `last_s` seconds;
    what is left at the end and shorter than a window is dropped.

    Parameters
    ----------
    signal : numpy.ndarray
        (n_samples,), any type.
    fs : float
        Sampling rate in Hz.
    length_s : float
        Length of a window in seconds, rounded to whole samples.
    overlap : float
        Share of a window that the next one repeats, from 0 up to but not including 1, rounded to
        whole samples.
    last_s : float, optional
        Use only the last so many seconds (everything if the recording is shorter).

    Returns
    -------
    windows : numpy.ndarray
        (n_windows, length): a read-only view of `signal`, so that overlaps cost no memory.
    starts : numpy.ndarray
        (n_windows,) seconds from the start of the recording.

    Raises
    ------
    DataError
        If the recording is shorter than one window or a value is outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> windows, starts = cut(np.arange(10), fs=1, length_s=4, overlap=0.5)
    >>> windows.tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9]]
    >>> starts.tolist()
    [0.0, 2.0, 4.0, 6.0]
    """
    signal = np.asarray(signal)
    if signal.ndim != 1:
        raise DataError(f"shape {signal.shape}", field="signal", expected="one lead, (n_samples,)")
    at, length = _grid(len(signal), fs, length_s, overlap, last_s)
    windows = np.lib.stride_tricks.sliding_window_view(signal, length)
    return windows[at.start :: at.step], np.array(at) / fs


@checked
def prepare(
    signal: np.ndarray, fs: float, config: WindowConfig | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Resample and filter one lead of a raw recording, and flag its samples.

    Cut both results with `cut`; normalise the windows with a `ParticipantScaler`.

    Parameters
    ----------
    signal : numpy.ndarray
        Raw samples, (n_samples,), any unit. Missing samples and spikes are flagged, and bridged by
        straight lines before filtering, so that their neighbours live.
    fs : float
        Sampling rate in Hz.
    config : WindowConfig, optional
        Its `target_fs` and `highpass_hz` are used.

    Returns
    -------
    filtered : numpy.ndarray
        (n_new,) float64, finite, at ``config.target_fs``, in the unit of `signal`.
    codes : numpy.ndarray
        (n_new,) int8, see `ecglib.preprocessing.quality.sample_quality`; decided on the raw
        samples.

    Raises
    ------
    DataError
        If the recording is of several leads or too short to be filtered, or its sampling rate
        cannot be converted.

    Examples
    --------
    >>> filtered, codes = prepare(np.sin(np.arange(5000) / 20), fs=500.0)
    >>> filtered.shape, codes.shape
    ((2560,), (2560,))
    """
    checks.array("signal", signal, (None,), finite=False)
    config = config or WindowConfig()
    check_rate(fs)
    codes = sample_quality(signal, fs)
    filtered = fill_gaps(signal, np.isin(codes, BRIDGED))
    if fs != config.target_fs:
        filtered = resample(filtered, fs, config.target_fs)
        codes = on_new_grid(codes, len(filtered), fs / config.target_fs)
    return highpass(filtered, config.target_fs, config.highpass_hz), codes


@checked
def make_windows(cohort: Cohort, config: WindowConfig | None = None) -> Windows:
    """Make the windows of a cohort.

    Every recording is resampled where needed and high-pass filtered as a whole. Each lead of
    each participant is then normalised with the mean and trimmed standard deviation of all its
    filtered samples, and cut.

    Parameters
    ----------
    cohort : Cohort
        The recordings.
    config : WindowConfig, optional
        How to make the windows.

    Returns
    -------
    Windows
        Ordered as the recordings, then by lead and start. Beside the columns of all windows there
        are the targets, and ``dataset`` where the cohort says it.

    Raises
    ------
    DataError
        If no recording has the conditions asked for, one is shorter than a window, or a lead of
        a participant does not vary; names the participant, and the clip where there is one.

    Notes
    -----
    The statistics cover the whole recordings of the conditions asked for, also outside the last
    `last_s` seconds. They leave out missing samples and spikes, and all samples of windows in which
    something else than a heart was recorded, unless a participant's lead has nothing else. They use
    no rating and no other participant, so that a participant held out for testing is normalised as
    a new user would be; windows of one participant on both sides of a split do share them, as in
    the released code. That code means to use all recordings of a person, but keeps only the last
    file read; here all count.

    Only one participant's recordings are held in memory beside the result.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> cohort = make_cohort(CohortSpec(1, (20.0, 30.0), 11.0), seed=0).cohort
    >>> windows = make_windows(cohort)
    >>> windows.X.shape, windows.meta["clip"].tolist()
    ((5, 2560), [1, 1, 2, 2, 2])
    """
    config = config or WindowConfig()
    tracks = _tracks(cohort, config)
    counts = [len(at) for at in tracks["at"]]
    first = np.cumsum([0, *counts])
    meta = tracks.loc[tracks.index.repeat(counts)].reset_index(drop=True)
    meta["start"] = np.concatenate(tracks["at"].to_list()) / config.target_fs
    quality = np.empty(len(meta), dtype=object)
    X = np.empty((len(meta), round(config.length_s * config.target_fs)), dtype=np.float32)
    for _, own in tracks.groupby("participant"):
        prepared = [
            prepare(
                cohort.signals[track.recording][:, track.lead - 1],
                cohort.rates[track.recording],
                config,
            )
            for track in own.itertuples()
        ]
        if config.turn:
            prepared = [
                (-x if polarity(x, config.target_fs).sign < 0 else x, codes)
                for x, codes in prepared
            ]
        units = [cohort.units[track.recording] for track in own.itertuples()]
        scaler = ParticipantScaler().fit(_representative(prepared, units, own, config), own)
        for track, (x, codes), unit in zip(own.index, prepared, units, strict=True):
            rows = slice(first[track], first[track + 1])
            windows, _ = cut(x, config.target_fs, *config._cutting)
            X[rows] = scaler.transform(windows, meta[rows])
            flags, _ = cut(codes, config.target_fs, *config._cutting)
            quality[rows] = judge_windows(windows, config.target_fs, unit, flags)
    meta["quality"] = quality
    more = [DATASET] * (DATASET in meta) + [target.name for target in cohort.targets]
    meta = meta[list(dict.fromkeys([*META_COLUMNS[:-1], *more, META_COLUMNS[-1]]))]
    return Windows(X, meta, config.target_fs, cohort.name)


@checked
def windows_of(
    x: np.ndarray | Recording,
    fs: float | None = None,
    *,
    unit: str = "",
    participant: int | str = 1,
    config: WindowConfig | None = None,
) -> Windows:
    """Make the windows of one recording.

    Parameters
    ----------
    x : numpy.ndarray or Recording
        Samples, (n_samples,) or (n_samples, n_leads), any unit; NaN where one is missing. Or what
        `ecglib.data.readers.any_format.read_recording` gave.
    fs : float, optional
        Sampling rate in Hz; a `Recording` knows its own.
    unit : str
        Unit of the samples, such as "mV"; empty if unknown.
    participant : int or str
        Whose it is.
    config : WindowConfig, optional
        How to make the windows; by default of all leads.

    Returns
    -------
    Windows
        Ordered by lead and start. The columns participant, clip (1), condition ("recording"), lead,
        start and quality describe them.

    Raises
    ------
    DataError
        If the samples are no recording, or as in `make_windows`.

    Examples
    --------
    >>> beats = np.tile(np.r_[np.hanning(25), 0.1 * np.hanning(175)], 60)
    >>> windows = windows_of(beats, fs=250, unit="mV")
    >>> windows.X.shape, windows.meta["quality"].unique().tolist()
    ((4, 2560), ['ok'])
    """
    if not isinstance(x, Recording):
        if fs is None:
            raise DataError(
                "the sampling rate is not given", field="fs", remedy="give it in Hz: fs=256"
            )
        x = Recording(x, fs, unit=unit)
    elif fs is not None and fs != x.fs:
        raise DataError(
            f"{fs} Hz for a recording at {x.fs:g} Hz",
            file=x.file or None,
            field="fs",
            remedy="leave out fs, or read the file with it",
        )
    row = (participant, 1, "recording", len(x), x.duration)
    cohort = Cohort(
        x.name,
        x.fs,
        pd.DataFrame([row], columns=list(COLUMNS)),
        (x.signals,),
        leads=tuple(x.leads),
        unit=x.unit,
    )
    try:
        return make_windows(cohort, config or WindowConfig(leads=None))
    except DataError as error:
        if not x.file:
            raise
        # The participant and the clip are made up here: the file is the place.
        raise error.but(file=x.file, participant=None, clip=None) from error


def _representative(
    prepared: list[tuple[np.ndarray, np.ndarray]],
    units: list[str],
    tracks: pd.DataFrame,
    config: WindowConfig,
) -> list[np.ndarray]:
    """Return the samples of each track that say how large this person's heart is recorded."""
    fs, alive, hearts = config.target_fs, [], []
    for (x, codes), unit in zip(prepared, units, strict=True):
        windows, _ = cut(x, fs, config.length_s)
        flags, _ = cut(codes, fs, config.length_s)
        foreign = np.isin(judge_windows(windows, fs, unit, flags), FOREIGN)
        covered = np.repeat(foreign, windows.shape[1])
        alive.append(~np.isin(codes, BRIDGED))
        hearts.append(alive[-1] & ~np.pad(covered, (0, len(x) - len(covered))))
    leads = tracks["lead"].to_numpy()
    for lead in np.unique(leads):
        own = np.flatnonzero(leads == lead)
        if not any(hearts[i].any() for i in own):
            for i in own:
                hearts[i] = alive[i]
    return [x[mask] for (x, _), mask in zip(prepared, hearts, strict=True)]


def _tracks(cohort: Cohort, config: WindowConfig) -> pd.DataFrame:
    """Return one row per recording and lead, with the samples `at` which its windows start."""
    rows = cohort.recordings
    present = rows["condition"].unique().tolist()
    wanted = config.conditions or [c for c in present if c != BASELINE] or present
    rows = rows[rows["condition"].isin(wanted)]
    if rows.empty:
        raise DataError(
            f"the cohort has no recording with condition {' or '.join(wanted)}",
            field="conditions",
            expected=f"one of {', '.join(present)}",
        )
    leads = [cohort.lead_number(lead) for lead in config.leads or cohort.leads]
    grids = []
    for row in rows.itertuples():
        fs = cohort.rates[row.Index]
        n_samples = n_resampled(len(cohort.signals[row.Index]), fs, config.target_fs)
        try:
            grids.append(_grid(n_samples, config.target_fs, *config._cutting)[0])
        except DataError as error:
            raise error.but(
                participant=row.participant,
                clip=row.clip,
                field=row.condition,
                remedy="leave out this recording or make shorter windows",
            ) from error
    tracks = rows.assign(recording=rows.index, at=grids)
    tracks = tracks.loc[tracks.index.repeat(len(leads))].reset_index(drop=True)
    return tracks.assign(lead=np.tile(leads, len(rows)))


def _grid(
    n_samples: int, fs: float, length_s: float, overlap: float, last_s: float | None
) -> tuple[range, int]:
    """Return the samples at which windows start, and their length in samples."""
    length, step, last = _lengths(fs, length_s, overlap, last_s)
    if n_samples < length:
        raise DataError(
            f"{n_samples} samples ({n_samples / fs:.2f} s) are shorter than one window",
            field="signal",
            expected=f"{length} samples ({length_s:g} s) or more",
        )
    begin = 0 if last is None else max(0, n_samples - last)
    return range(begin, n_samples - length + 1, step), length


def _lengths(
    fs: float, length_s: float, overlap: float, last_s: float | None
) -> tuple[int, int, int | None]:
    """Return the length of a window, the step to the next and the part to use, in samples."""
    if not (0 < fs < np.inf and 0 < length_s < np.inf and round(length_s * fs) > 0):
        raise DataError(f"{length_s} s at {fs} Hz", field="length_s", expected="one sample or more")
    length = round(length_s * fs)
    if not 0 <= overlap < 1 or round(overlap * length) == length:
        raise DataError(f"{overlap}", field="overlap", expected="a share from 0 to below 1")
    if last_s is not None and not length_s <= last_s < np.inf:
        raise DataError(f"{last_s} s", field="last_s", expected=f"{length_s} s (a window) or more")
    return length, length - round(overlap * length), None if last_s is None else round(last_s * fs)
