"""Invented people: how they rate film clips, and how what they feel moves their ECG.

Taken from the literature
    * The mean valence and arousal ratings of the 18 clips of the DREAMER study, to two decimals,
      and the share of high valence ratings, 41.5 % (a public audit counts 58.5 % of windows at 3
      or below).
    * Directions. The sympathetic and the vagal nerve set the pace of the heart, and arousal shifts
      the balance: heart rate and breathing rise, respiratory sinus arrhythmia falls (Kreibig 2010,
      Biol. Psychol. 84, 394-421), the T wave flattens (Rau 1991, Psychophysiology 28, 231-239).
    * That people differ in what responds, and how much (Lacey and Lacey 1958, Am. J. Psychol. 71,
      50-73): every person has slopes of their own.
    * That people differ more than one person's recordings do.

Invented
    Every size; that valence changes the shape of the T wave, the width of QRS and the slow
    variability; that dominance does anything at all; the ratings of dominance; the other shares
    and the correlations of the ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS


@dataclass(frozen=True)
class Feature:
    """How one physiological feature varies, on a logarithmic scale unless `additive`.

    Parameters
    ----------
    typical : float
        Population median, in the feature's unit.
    low : float
        Lower limit, which no recording leaves.
    high : float
        Upper limit, which no recording leaves.
    person : float
        Standard deviation between people.
    trial : float
        Standard deviation between the recordings of one person, which is the smaller one.
    valence : float
        Shift, in standard deviations `trial`, per within-person standard deviation of valence.
    arousal : float
        The same for arousal.
    dominance : float
        The same for dominance.
    additive : bool
        Whether the feature varies on its own scale.

    Examples
    --------
    >>> feature = Feature(typical=70.0, low=40.0, high=180.0, person=0.15, trial=0.04, arousal=0.5)
    >>> feature.arousal, feature.additive
    (0.5, False)
    """

    typical: float
    low: float
    high: float
    person: float
    trial: float
    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0
    additive: bool = False


FEATURES = {
    "heart_rate": Feature(74.0, 48.0, 120.0, 0.12, 0.045, arousal=0.35),
    "rsa": Feature(24.0, 4.0, 70.0, 0.45, 0.20, arousal=-0.30),
    "slow_hrv": Feature(29.0, 5.0, 80.0, 0.45, 0.20, valence=0.30),
    "resp_rate": Feature(0.27, 0.20, 0.35, 0.12, 0.05, arousal=0.20),
    "r_amplitude": Feature(1.10, 0.60, 1.90, 0.20, 0.02, dominance=0.15),
    "p_amplitude": Feature(0.12, 0.05, 0.22, 0.20, 0.06, dominance=0.15),
    "t_amplitude": Feature(0.29, 0.10, 0.70, 0.25, 0.08, arousal=-0.35),
    "t_asymmetry": Feature(0.22, -0.25, 0.70, 0.15, 0.05, valence=0.40, additive=True),
    "qrs_width": Feature(1.00, 0.75, 1.35, 0.09, 0.02, valence=0.40),
}
"""The features of `ecglib.synthetic.heart.STATE`, their spread and what feelings do to them."""


HIGH_SHARE = {"valence": 0.415, "arousal": 0.425, "dominance": 0.47}
"""Expected share of ratings above 3, if everyone rates the 18 clips of the DREAMER study."""


CLIP_MEANS = {
    "valence": (
        *(3.17, 3.04, 4.57, 2.04, 3.22, 2.70, 4.52, 1.35, 1.39),
        *(2.17, 3.96, 3.96, 4.39, 2.35, 2.48, 3.65, 1.52, 2.65),
    ),
    "arousal": (
        *(2.26, 3.00, 3.83, 4.26, 3.70, 3.83, 3.17, 3.96, 3.00),
        *(3.30, 1.96, 2.61, 3.70, 2.22, 3.09, 3.35, 3.00, 3.91),
    ),
}
"""Mean rating of each of the 18 clips by the 23 people of the DREAMER study.

From a public repository that works with the file (miracle-huang/cross-video-emotion-recognition at
d561120, ``config.py``); all are multiples of 1/23. No such list of dominance was found.
"""


# Between the ratings 1 to 5, so that the shares above 3 are those of `HIGH_SHARE`.
_THRESHOLDS = {
    "valence": (-1.25, -0.28, 0.33, 1.45),
    "arousal": (-1.79, -0.77, 0.25, 1.27),
    "dominance": (-1.49, -0.71, 0.09, 1.11),
}


_REACTION, _PERSON, _REPORT = 0.70, 0.12, 0.18  # shares of the variance of ratings of one clip


_DOMINANCE_OF_CLIPS = 0.6  # standard deviation over clips, where that of one clip's ratings is 1


_CORRELATION = np.array([[1.0, 0.15, 0.35], [0.15, 1.0, 0.20], [0.35, 0.20, 1.0]])


@checked
def clip_feelings(n_clips: int, rng: np.random.Generator) -> np.ndarray:
    """Say what each clip makes everyone feel.

    Valence and arousal lie where they give the mean ratings `CLIP_MEANS`; a nineteenth clip is like
    the first. Dominance is drawn.

    Parameters
    ----------
    n_clips : int
        Number of clips.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n_clips, 3), valence, arousal, dominance, in standard deviations of the ratings of
        one clip.

    Raises
    ------
    DataError
        If there is one clip only.

    Examples
    --------
    >>> feelings = clip_feelings(18, np.random.default_rng(0))
    >>> saddest, happiest = feelings[:, 0].argmin(), feelings[:, 0].argmax()
    >>> int(saddest) + 1, int(happiest) + 1
    (8, 3)
    """
    checks.whole("n_clips", n_clips, 2)
    clips = np.arange(n_clips) % len(CLIP_MEANS["valence"])
    drawn = _DOMINANCE_OF_CLIPS * _standardise(rng.standard_normal(n_clips))
    return np.column_stack([_places("valence")[clips], _places("arousal")[clips], drawn])


@checked
def rate_clips(of_clips: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Let one person feel and rate every clip.

    A rating is the clip's feeling, the person's own reaction, the person's habit of rating high or
    low and an error of report, cut at the thresholds that give the expected shares. What is felt
    is the first two only.

    Parameters
    ----------
    of_clips : numpy.ndarray
        Result of `clip_feelings`, shape (n_clips, 3).
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ratings : numpy.ndarray
        Shape (n_clips, 3), whole numbers 1 to 5; valence, arousal, dominance.
    felt : numpy.ndarray
        Shape (n_clips, 3); mean 0 and standard deviation 1 over this person's clips.

    Raises
    ------
    DataError
        If the feelings have another shape, or one is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ratings, felt = rate_clips(clip_feelings(18, rng), rng)
    >>> ratings.shape, bool(np.isin(ratings, range(1, 6)).all()), felt.std(axis=0).round(3).tolist()
    ((18, 3), True, [1.0, 1.0, 1.0])
    """
    checks.array("of_clips", of_clips, (None, 3))
    n_clips = len(of_clips)
    felt = of_clips + np.sqrt(_REACTION) * _correlated(n_clips, rng)
    habit = np.sqrt(_PERSON) * rng.standard_normal(3)
    error = np.sqrt(_REPORT) * rng.standard_normal((n_clips, 3))
    ratings = np.empty((n_clips, 3), dtype=np.int64)
    for column, target in enumerate(TARGETS):
        ratings[:, column] = 1 + np.searchsorted(
            _THRESHOLDS[target], felt[:, column] + habit[column] + error[:, column]
        )
    return ratings, _standardise(felt)


@checked
def physiology(
    felt: np.ndarray,
    nuisance: np.ndarray,
    person: np.ndarray,
    effect: float,
    slopes: np.ndarray | float = 0.0,
) -> dict[str, np.ndarray]:
    """Turn a feeling per recording into the features of the ECG model.

    Parameters
    ----------
    felt : numpy.ndarray
        Shape (n_recordings, 3): valence, arousal, dominance; 0 at baseline.
    nuisance : numpy.ndarray
        Shape (n_recordings, n_features): what else moves each feature, in standard deviations
        `Feature.trial`.
    person : numpy.ndarray
        Shape (n_features,): the person's place, in standard deviations `Feature.person`.
    effect : float
        Multiplies every influence of feeling; with 0 there is exactly none.
    slopes : numpy.ndarray, optional
        Shape (n_features, 3): how much more, in shares of the usual influence, each feeling moves
        each feature of this person; -1 cancels it, and below that it is reversed.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (n_recordings,) for each of `FEATURES`, in the feature's unit.

    Raises
    ------
    DataError
        If an array has another shape, or a number is not finite.

    Examples
    --------
    >>> calm, aroused = np.zeros((1, 3)), np.array([[0.0, 2.0, 0.0]])
    >>> n = len(FEATURES)
    >>> still = [physiology(f, np.zeros((1, n)), np.zeros(n), effect=0.0) for f in (calm, aroused)]
    >>> all(still[0][name] == still[1][name] for name in FEATURES)
    True
    """
    checks.array("felt", felt)
    checks.array("nuisance", nuisance, (len(felt), len(FEATURES)))
    checks.array("person", person, (len(FEATURES),))
    if np.ndim(slopes):
        checks.array("slopes", slopes, (len(FEATURES), len(TARGETS)))
    state = {}
    usual = np.array([[getattr(f, target) for target in TARGETS] for f in FEATURES.values()])
    weights = effect * usual * (1 + slopes)
    for column, (name, feature) in enumerate(FEATURES.items()):
        shift = feature.trial * (nuisance[:, column] + felt @ weights[column])
        shift = shift + feature.person * person[column]
        value = feature.typical + shift if feature.additive else feature.typical * np.exp(shift)
        state[name] = np.clip(value, feature.low, feature.high)
    return state


@cache
def _places(target: str) -> np.ndarray:
    """Find where each clip must lie between the thresholds for its mean rating."""
    thresholds = np.array(_THRESHOLDS[target])

    def excess(place: float, mean: float) -> float:
        return 1 + norm.sf(thresholds - place).sum() - mean

    return np.array([brentq(excess, -9, 9, args=(mean,)) for mean in CLIP_MEANS[target]])


def _correlated(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (n, 3) normal values with the correlations between the three feelings."""
    return rng.standard_normal((n, 3)) @ np.linalg.cholesky(_CORRELATION).T


def _standardise(values: np.ndarray) -> np.ndarray:
    """Give every column mean 0 and standard deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
