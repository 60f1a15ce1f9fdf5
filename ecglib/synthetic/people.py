"""Invented people: how they rate film clips, and how what they feel moves their ECG.

Motivated by the literature, in direction only: arousal raises heart rate and lowers heart-rate
variability (Kreibig 2010, Biol. Psychol. 84, 394-421) and flattens the T wave (Rau 1991,
Psychophysiology 28, 231-239).

Invented: every size; that valence changes the shape of the T wave, the width of QRS and the slow
variability; that dominance does anything at all; the shares and correlations of the ratings. The
shares of high ratings imitate those of the DREAMER database (41.5 % of valence above 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS


@dataclass(frozen=True)
class Feature:
    """How one physiological feature varies, on a logarithmic scale unless `additive`.

    Parameters
    ----------
    typical, low, high : float
        Population median and the limits that no recording leaves, in the feature's unit.
    person, trial : float
        Standard deviations between people, and between the recordings of one person.
    valence, arousal, dominance : float
        Shift, in standard deviations `trial`, per within-person standard deviation of the feeling.
    additive : bool
        Whether the feature varies on its own scale.
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
    "heart_rate": Feature(74.0, 48.0, 120.0, 0.12, 0.045, arousal=1.0),
    "rsa": Feature(24.0, 4.0, 70.0, 0.35, 0.20, arousal=-0.8),
    "slow_hrv": Feature(29.0, 5.0, 80.0, 0.35, 0.20, valence=0.8),
    "resp_rate": Feature(0.27, 0.20, 0.35, 0.10, 0.05, arousal=0.5),
    "r_amplitude": Feature(1.10, 0.60, 1.90, 0.18, 0.02, dominance=0.3),
    "p_amplitude": Feature(0.12, 0.05, 0.22, 0.15, 0.06, dominance=0.4),
    "t_amplitude": Feature(0.29, 0.10, 0.70, 0.15, 0.09, arousal=-1.0),
    "t_asymmetry": Feature(0.22, -0.25, 0.60, 0.05, 0.07, valence=1.2, additive=True),
    "qrs_width": Feature(1.00, 0.75, 1.35, 0.04, 0.035, valence=1.2),
}
"""The features of `ecglib.synthetic.heart.STATE`, their spread and what feelings do to them."""


_RATING_SHARES = {  # of the ratings 1 to 5
    "valence": (0.18, 0.215, 0.19, 0.225, 0.19),
    "arousal": (0.11, 0.17, 0.27, 0.27, 0.18),
    "dominance": (0.10, 0.17, 0.26, 0.30, 0.17),
}


HIGH_SHARE = {target: sum(shares[3:]) for target, shares in _RATING_SHARES.items()}
"""Expected share of ratings above 3."""


_CLIP, _TRIAL, _PERSON, _REPORT = 0.32, 0.50, 0.08, 0.10  # shares of a rating's variance


_CORRELATION = np.array([[1.0, 0.15, 0.35], [0.15, 1.0, 0.20], [0.35, 0.20, 1.0]])


@checked
def clip_feelings(n_clips: int, rng: np.random.Generator) -> np.ndarray:
    """Draw what each clip makes everyone feel.

    Parameters
    ----------
    n_clips : int
        Number of clips.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n_clips, 3), valence, arousal, dominance; mean 0 and standard deviation 1 over clips.
    """
    checks.whole("n_clips", n_clips, 2)
    return _standardise(_correlated(n_clips, rng))


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
    """
    checks.array("of_clips", of_clips, (None, 3))
    n_clips = len(of_clips)
    felt = np.sqrt(_CLIP) * of_clips + np.sqrt(_TRIAL) * _correlated(n_clips, rng)
    habit = np.sqrt(_PERSON) * rng.standard_normal(3)
    error = np.sqrt(_REPORT) * rng.standard_normal((n_clips, 3))
    ratings = np.empty((n_clips, 3), dtype=np.int64)
    for column, target in enumerate(TARGETS):
        thresholds = norm.ppf(np.cumsum(_RATING_SHARES[target])[:-1])
        ratings[:, column] = 1 + np.searchsorted(
            thresholds, felt[:, column] + habit[column] + error[:, column]
        )
    return ratings, _standardise(felt)


@checked
def physiology(
    felt: np.ndarray,
    nuisance: np.ndarray,
    person: np.ndarray,
    effect: float,
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

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (n_recordings,) for each of `FEATURES`, in the feature's unit.
    """
    for name, values in (("felt", felt), ("nuisance", nuisance), ("person", person)):
        checks.array(name, values)
    checks.array("nuisance", nuisance, (len(felt), len(FEATURES)))
    checks.array("person", person, (len(FEATURES),))
    state = {}
    for column, (name, feature) in enumerate(FEATURES.items()):
        weights = effect * np.array([getattr(feature, target) for target in TARGETS])
        shift = feature.trial * (nuisance[:, column] + felt @ weights)
        shift = shift + feature.person * person[column]
        value = feature.typical + shift if feature.additive else feature.typical * np.exp(shift)
        state[name] = np.clip(value, feature.low, feature.high)
    return state


def _correlated(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (n, 3) normal values with the correlations between the three feelings."""
    return rng.standard_normal((n, 3)) @ np.linalg.cholesky(_CORRELATION).T


def _standardise(values: np.ndarray) -> np.ndarray:
    """Give every column mean 0 and standard deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
