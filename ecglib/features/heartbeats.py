"""From one window of ECG to ten numbers: the heart's rhythm and the shape of its beat.

R peaks and the variability of the intervals between them come from NeuroKit2 (Makowski et al.,
2021); the shape is read off the median beat. Every number depends on its own window alone, and
not on which way round the electrodes sat: a window is turned so that its main deflection is up.

A short or bad window does not define every feature. A feature is missing when the window has fewer
beats than `Feature.beats`, or when its value is one that no heart produces. What leaves this module
is finite and says what is missing: see `BeatFeatures`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError


@dataclass(frozen=True)
class Feature:
    """One number that describes a window.

    Parameters
    ----------
    name : str
        Name of the feature.
    unit : str
        Its unit.
    beats : int
        A window with fewer beats does not define the feature.
    low : float
        A smaller value counts as missing.
    high : float
        A larger value counts as missing.
    meaning : str
        What it is.
    in_ten_seconds : str
        How far 10 s are enough to measure it.

    Examples
    --------
    >>> [feature.name for feature in FEATURES][:3], FEATURES[0].unit
    (['heart_rate', 'rmssd', 'sdnn'], '1/min')
    """

    name: str
    unit: str
    beats: int
    low: float
    high: float
    meaning: str
    in_ten_seconds: str


_SHAPE = "read off the median beat"


FEATURES = (
    Feature("heart_rate", "1/min", 2, 30, 200, "60 s over the mean RR interval", "yes"),
    Feature(
        "rmssd", "ms", 4, 0, 400, "root mean square of successive differences of RR", "r = 0.85"
    ),
    Feature("sdnn", "ms", 4, 0, 400, "standard deviation of RR", "r = 0.76: 30 s are advised"),
    Feature("pnn50", "%", 4, 0, 100, "share of successive differences above 50 ms", "coarse"),
    Feature("sd_ratio", "1", 4, 0, 20, "long to short axis of the Poincaré plot", "coarse"),
    Feature("r_amplitude", "SD", 3, 0, np.inf, "height of the R peak", _SHAPE),
    Feature("qrs_width", "ms", 3, 4, 150, "width of the R wave at half its height", _SHAPE),
    Feature("t_to_r", "1", 3, -3, 3, "height of the T wave over that of R, with its sign", _SHAPE),
    Feature("rt_interval", "ms", 3, 100, 500, "time from the R to the T peak", _SHAPE),
    Feature("p_to_r", "1", 3, -1, 1, "height of the P wave over that of R", _SHAPE),
)
"""The ten features, in the order of the columns of a `BeatFeatures`.

Each says, among other things, how far 10 s are enough to measure it. The correlations given there
are those of one recording of 10 s with one of 4 to 5 min in 3,387 adults (Munoz et
al., PLoS ONE 10, e0138921, 2015), which calls RMSSD valid in 10 s and asks for 30 s or several
recordings for SDNN. "Coarse": 10 s hold about ten differences, so pNN50 moves in steps of 10 %.
Powers of frequency bands are left out: 10 s hold less than one cycle of the lowest frequency of the
LF band, 0.04 Hz, and the Task Force of 1996 (Circulation 93, 1043-1065) asks for ten of them.

The limits are wider than those of a healthy heart at rest; they catch detections gone wrong.
"""


RR_LIMITS_S = (0.3, 2.0)
"""An interval outside these limits (200 and 30 beats a minute) is a gap, not an RR interval."""


BEFORE_S = 0.25
"""Seconds before the R peak that a beat covers."""


AFTER_S = 0.45
"""Seconds after the R peak that a beat covers."""


_BASELINE_S = (-0.10, -0.06)  # between P and QRS


_P_S = (-BEFORE_S, -0.10)


_T_FROM_S = 0.14


_REFINE_S = 0.05


_BLOCK_S = 2.0


_MIN_LENGTH_S = 2.0


@dataclass(frozen=True)
class BeatFeatures:
    """Features of windows, always finite, with an explicit mask of what is missing.

    Parameters
    ----------
    values : ndarray of float64, shape (n_windows, n_features)
        Columns as in `FEATURES`; 0 where a feature is missing.
    valid : ndarray of bool, shape (n_windows, n_features)
        False where a feature is missing.

    Examples
    --------
    >>> table = BeatFeatures(np.array([[70.0, 0.0]]), np.array([[True, False]]))
    >>> table.values.shape, table.valid.tolist()
    ((1, 2), [[True, False]])
    """

    values: np.ndarray
    valid: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @checked
    def relative_to_person(self, participant: np.ndarray) -> BeatFeatures:
        """Subtract from every feature the person's own mean over all of the person's windows.

        No rating is used, but every window of a person is: whoever classifies one window of a new
        person this way has seen the person's other windows.

        Parameters
        ----------
        participant : ndarray, shape (n_windows,)
            The participant of each window.

        Returns
        -------
        BeatFeatures
            With the same mask; what is missing stays 0, which now is the person's mean.
        """
        known = pd.DataFrame(np.where(self.valid, self.values, np.nan))
        centred = known - known.groupby(np.asarray(participant)).transform("mean")
        return BeatFeatures(centred.fillna(0.0).to_numpy(), self.valid)

    @checked
    def relative_to_baseline(
        self, trial: np.ndarray, baseline: BeatFeatures, baseline_trial: np.ndarray
    ) -> BeatFeatures:
        """Subtract from every feature its mean over the baseline recorded before the same trial.

        Neither a rating nor another trial is used.

        Parameters
        ----------
        trial : ndarray, shape (n_windows,)
            Which trial each window is of, by any name: one for every person and clip.
        baseline : BeatFeatures
            Features of the windows of the baselines, in the same units.
        baseline_trial : ndarray, shape (n_baseline_windows,)
            Before which trial each of those was recorded.

        Returns
        -------
        BeatFeatures
            A feature is missing where it was, or where no window of the baseline has it.

        Raises
        ------
        DataError
            If there is not one trial per window.

        Examples
        --------
        >>> clip = BeatFeatures(np.array([[70.0], [80.0]]), np.ones((2, 1), bool))
        >>> rest = BeatFeatures(np.array([[60.0], [64.0]]), np.ones((2, 1), bool))
        >>> found = clip.relative_to_baseline(np.array([1, 2]), rest, np.array([1, 1]))
        >>> found.values.ravel().tolist(), found.valid.ravel().tolist()
        ([8.0, 0.0], [True, False])
        """
        trial, baseline_trial = np.asarray(trial), np.asarray(baseline_trial)
        for name, names, table in (
            ("trial", trial, self),
            ("baseline_trial", baseline_trial, baseline),
        ):
            if names.shape != (len(table),):
                raise DataError(
                    f"array of shape {names.shape}", field=name, expected=f"({len(table)},)"
                )
        known = pd.DataFrame(np.where(baseline.valid, baseline.values, np.nan))
        rest = known.groupby(baseline_trial).mean().reindex(trial).to_numpy()
        valid = self.valid & np.isfinite(rest)
        return BeatFeatures(np.where(valid, self.values - np.where(valid, rest, 0.0), 0.0), valid)


@checked
def upright(x: np.ndarray, fs: float) -> np.ndarray:
    """Turn a window so that its main deflection points up.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        ECG without a slow drift.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_samples,)
        `x`, or ``-x`` if the typical depth of a block of 2 s exceeds its typical height.

    Raises
    ------
    DataError
        If the window is empty, or a sample is not finite.

    Examples
    --------
    >>> x = np.tile(np.r_[-np.hanning(25), np.zeros(231)], 10)
    >>> float(upright(x, 256.0).max())
    1.0
    """
    checks.array("x", x, (None,))
    length = min(int(_BLOCK_S * fs), len(x))
    blocks = x[: len(x) // length * length].reshape(-1, length) - np.median(x)
    return -x if np.median(-blocks.min(axis=1)) > np.median(blocks.max(axis=1)) else x


@checked
def find_beats(x: np.ndarray, fs: float) -> np.ndarray:
    """Find the R peaks of an upright window with NeuroKit2's detector.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        ECG with R peaks that point up.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of int, shape (n_beats,)
        Increasing positions of the largest sample within 50 ms of each detection; empty where
        nothing was found.

    Raises
    ------
    DataError
        If the window is empty, or a sample is not finite.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> print(np.unique(np.diff(find_beats(x, 256.0))))
    [256]
    """
    checks.array("x", x, (None,))
    import neurokit2 as nk  # an extra of this package, and slow to import

    if np.ptp(x) == 0:
        return np.empty(0, dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = nk.ecg_clean(x, sampling_rate=fs)
        found = nk.ecg_peaks(cleaned, sampling_rate=fs)[1]["ECG_R_Peaks"]
    reach = round(_REFINE_S * fs)
    starts = [max(int(peak) - reach, 0) for peak in found]
    return np.unique([s + np.argmax(x[s : s + 2 * reach + 1]) for s in starts]).astype(int)


@checked
def median_beat(x: np.ndarray, fs: float, peaks: np.ndarray) -> tuple[np.ndarray, int]:
    """Average the beats of a window by their median, sample by sample.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        ECG.
    fs : float
        Sampling rate in Hz.
    peaks : ndarray of int, shape (n_beats,)
        Positions of the R peaks.

    Returns
    -------
    beat : ndarray, shape (n,)
        From `BEFORE_S` before to `AFTER_S` after the R peak, with the level between P and QRS at
        zero; all zeros if no beat is complete.
    n_complete : int
        Number of beats that lie in the window from end to end.

    Raises
    ------
    DataError
        If the window is empty, or a sample is not finite.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> beat, n_complete = median_beat(x, 256.0, np.arange(112, 2560, 256))
    >>> n_complete, round(float(beat.max()), 2)
    (10, 1.0)
    """
    checks.array("x", x, (None,))
    checks.array("peaks", peaks, empty=True)
    beats = _whole_beats(x, fs, peaks)
    if not len(beats):
        return np.zeros(beats.shape[1]), 0
    beat = np.median(beats, axis=0)
    return beat - np.median(beat[_between(_BASELINE_S, fs)]), len(beats)


@checked
def landmarks(beat: np.ndarray, fs: float, rr_s: float | None = None) -> dict[str, float]:
    """Find the waves of a median beat.

    Parameters
    ----------
    beat : ndarray, shape (n,)
        From `median_beat`, with an R peak above zero.
    fs : float
        Sampling rate in Hz.
    rr_s : float, optional
        Interval between beats in seconds. The T wave is looked for until 0.6 of it, because in a
        fast heart the next P wave comes before the beat's `AFTER_S` are over.

    Returns
    -------
    dict of str to float
        Seconds after the R peak of: ``p``, the highest point 250 to 100 ms before R; ``rising`` and
        ``falling``, where the R wave passes half its height (NaN if it never does); ``t``, the
        point farthest from zero from 140 ms after R on, whatever its sign.

    Raises
    ------
    DataError
        If a sample is not finite, or the interval not above 0.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> beat, _ = median_beat(x, 256.0, np.arange(112, 2560, 256))
    >>> waves = landmarks(beat, 256.0, rr_s=1.0)
    >>> round(float(waves["falling"] - waves["rising"]), 3)
    0.047
    """
    checks.array("beat", beat, (None,))
    if rr_s is not None:
        checks.number("rr_s", rr_s, above=0, high=60)
    r = round(BEFORE_S * fs)
    p_wave = _between(_P_S, fs)
    t_wave = _between((_T_FROM_S, AFTER_S if rr_s is None else min(AFTER_S, 0.6 * rr_s)), fs)
    return {
        "p": (p_wave.start + int(np.argmax(beat[p_wave])) - r) / fs,
        "rising": -_until_half(beat[r::-1]) / fs,
        "falling": _until_half(beat[r:]) / fs,
        "t": (t_wave.start + int(np.argmax(np.abs(beat[t_wave]))) - r) / fs,
    }


@checked
def window_features(X: np.ndarray, fs: float) -> BeatFeatures:
    """Describe every window by the ten `FEATURES`.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_samples)
        Filtered and normalised windows of one lead each.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    BeatFeatures

    Raises
    ------
    DataError
        If `X` is not a table of windows of 2 s or more, or a window holds a value that is not
        finite. A window without a single heartbeat is no error: its features are missing.

    Notes
    -----
    NeuroKit2's own warnings about short windows are not passed on; the mask says the same.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> table = window_features(x[None], 256.0)
    >>> table.values.shape, round(float(table.values[0, 0]))
    ((1, 10), 60)
    """
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] < _MIN_LENGTH_S * fs:
        raise DataError(
            f"windows of shape {X.shape} at {fs:g} Hz",
            field="X",
            expected=f"shape (n_windows, n_samples), {_MIN_LENGTH_S:g} s or more each",
        )
    finite = np.isfinite(X).all(axis=1)
    if not finite.all():
        raise DataError(
            f"window {np.flatnonzero(~finite)[0]} holds values that are not finite",
            field="X",
            remedy='keep the windows whose quality is "ok"',
        )
    rows = [_describe(upright(x, fs), fs) for x in X]
    values = np.array(rows).reshape(len(X), len(FEATURES))
    low, high = (np.array([getattr(f, side) for f in FEATURES]) for side in ("low", "high"))
    valid = np.isfinite(values) & (values >= low) & (values <= high)
    return BeatFeatures(np.where(valid, values, 0.0), valid)


@dataclass(frozen=True)
class AnnotatedWindow:
    """One window, and where on it its features are measured.

    Parameters
    ----------
    ecg : ndarray, shape (n_samples,)
        The window, turned so that its main deflection points up.
    peaks : ndarray of int, shape (n_peaks,)
        Positions of the R peaks.
    beats : DataFrame
        The whole beats: a row per sample by its time after the R peak in seconds, a column per
        beat. All are shifted together, so that the level before QRS of their median is zero.
    beat : Series
        The median of the beats, by the same times.
    waves : DataFrame
        Rows "R", "T" and "P": `time` after the R peak in seconds, and `height` in the unit of the
        window.
    half_height : tuple of float
        Seconds after the R peak at which the R wave rises and falls through half its height.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> found = annotate_window(x, 256.0)
    >>> found.waves.index.tolist(), found.beats.shape[1]
    (['R', 'T', 'P'], 10)
    """

    ecg: np.ndarray
    peaks: np.ndarray
    beats: pd.DataFrame
    beat: pd.Series
    waves: pd.DataFrame
    half_height: tuple[float, float]


@checked
def annotate_window(x: np.ndarray, fs: float) -> AnnotatedWindow:
    """Find what the features of one window are measured on, to draw it.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        One filtered and normalised window of one lead.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    AnnotatedWindow

    Raises
    ------
    DataError
        If the window holds fewer than three whole beats, or they have no R wave.

    Examples
    --------
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> len(annotate_window(x, 256.0).peaks)
    10
    """
    x = upright(np.asarray(x, dtype=np.float64), fs)
    peaks = find_beats(x, fs)
    beat, n_complete = median_beat(x, fs, peaks)
    r = round(BEFORE_S * fs)
    if n_complete < 3 or not beat[r] > 1e-9 * np.ptp(x):
        raise DataError(
            f"a window with {n_complete} whole beats has no shape to show",
            field="x",
            expected="three whole beats or more, with R waves",
        )
    intervals = np.diff(peaks) / fs
    rr = intervals[(intervals >= RR_LIMITS_S[0]) & (intervals <= RR_LIMITS_S[1])]
    at = landmarks(beat, fs, float(np.median(rr)) if rr.size else None)
    beats = _whole_beats(x, fs, peaks)
    time = pd.Index((np.arange(len(beat)) - r) / fs, name="time")
    places = np.array([0.0, at["t"], at["p"]])
    return AnnotatedWindow(
        ecg=x,
        peaks=peaks,
        beats=pd.DataFrame((beats - (np.median(beats[:, 0]) - beat[0])).T, index=time),
        beat=pd.Series(beat, index=time),
        waves=pd.DataFrame(
            {"time": places, "height": beat[r + np.rint(places * fs).astype(int)]},
            index=["R", "T", "P"],
        ),
        half_height=(at["rising"], at["falling"]),
    )


@checked
def largest_deflection(x: np.ndarray, start: int, stop: int) -> int:
    """Find the sample farthest from zero in a part of a window: the R peak of one beat.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        A window with its baseline at zero.
    start, stop : int
        First and one-past-last sample of the part, such as one beat.

    Returns
    -------
    int
        Its position in `x`.

    Raises
    ------
    DataError
        If the part is empty, or a sample of it not finite.

    Examples
    --------
    >>> largest_deflection(np.array([0.0, 1.0, -3.0, 2.0]), 0, 4)
    2
    """
    checks.whole("start", start, 0)
    checks.whole("stop", stop, start + 1)
    part = checks.array("x", checks.array("x", x, (None,), finite=False)[start:stop])
    return start + int(np.argmax(np.abs(part)))


def _describe(x: np.ndarray, fs: float) -> list[float]:
    """Return the features of one upright window, NaN where it has too few beats."""
    peaks = find_beats(x, fs)
    intervals = np.diff(peaks) / fs
    plausible = (intervals >= RR_LIMITS_S[0]) & (intervals <= RR_LIMITS_S[1])
    found = _rhythm(intervals, plausible) | _shape(x, fs, peaks, intervals[plausible])
    return [found.get(f.name, np.nan) for f in FEATURES]


def _rhythm(intervals: np.ndarray, plausible: np.ndarray) -> dict[str, float]:
    """Describe RR intervals in seconds; the differences are those of neighbours without a gap."""
    import neurokit2 as nk

    rr = intervals[plausible]
    found = {"heart_rate": 60 / rr.mean()} if rr.size else {}
    neighbours = plausible[:-1] & plausible[1:]
    if rr.size < 3 or neighbours.sum() < 2:
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = np.cumsum(intervals)[plausible]
        hrv = nk.hrv_time({"RRI": 1000 * rr, "RRI_Time": times}).iloc[0]
    found |= {"rmssd": hrv["HRV_RMSSD"], "sdnn": hrv["HRV_SDNN"], "pnn50": hrv["HRV_pNN50"]}
    one, next_one = intervals[:-1][neighbours], intervals[1:][neighbours]
    short, long = np.std(next_one - one), np.std(next_one + one)
    return found | ({"sd_ratio": long / short} if short > 0 else {})


def _shape(x: np.ndarray, fs: float, peaks: np.ndarray, rr: np.ndarray) -> dict[str, float]:
    """Describe the median beat."""
    beat, n_complete = median_beat(x, fs, peaks)
    r = beat[round(BEFORE_S * fs)]
    if n_complete < 3 or not r > 1e-9 * np.ptp(x):
        return {}
    at = landmarks(beat, fs, float(np.median(rr)) if rr.size else None)
    p, t = (beat[round((BEFORE_S + at[wave]) * fs)] for wave in "pt")
    return {
        "r_amplitude": r,
        "qrs_width": 1000 * (at["falling"] - at["rising"]),
        "t_to_r": t / r,
        "rt_interval": 1000 * at["t"],
        "p_to_r": p / r,
    }


def _whole_beats(x: np.ndarray, fs: float, peaks: np.ndarray) -> np.ndarray:
    """Cut out the beats that lie in the window from end to end, (n_whole, n)."""
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    whole = peaks[(peaks >= before) & (peaks + after < len(x))]
    return x[whole[:, None] + np.arange(-before, after + 1)]


def _between(seconds: tuple[float, float], fs: float) -> slice:
    """Give the part of a beat between two times from its R peak."""
    start, stop = (round((BEFORE_S + s) * fs) for s in seconds)
    return slice(start, stop + 1)


def _until_half(flank: np.ndarray) -> float:
    """Count samples until a flank is below half its start, interpolated; NaN if it never is."""
    half = flank[0] / 2
    below = np.flatnonzero(flank < half)
    if not below.size:
        return np.nan
    i = int(below[0])
    return i - (half - flank[i]) / (flank[i - 1] - flank[i])
