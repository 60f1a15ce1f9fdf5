"""A two-lead electrocardiogram built beat by beat: rhythm, then waves.

Physiologically motivated
    * A beat is a sum of P, Q, R, S and T waves of Gaussian shape, as in McSharry et al. (2003),
      IEEE Trans. Biomed. Eng. 50(3), 289-294. That model integrates a differential equation
      sample by sample; here every wave of every beat is added at once, and the T wave may rise
      more slowly than it falls.
    * Beats occur where the integral of the instantaneous heart rate crosses whole numbers (the
      integral pulse frequency modulation model of the pacemaker).
    * RR intervals vary with respiration (about 0.2 to 0.35 Hz), around 0.1 Hz, and slowly with a
      1/f spectrum: the HF, LF and VLF bands of the Task Force of the ESC and NASPE (1996),
      Circulation 93, 1043-1065.
    * QT follows the cube root of RR (Fridericia 1920, Acta Med. Scand. 53, 469-486; Bazett 1920,
      Heart 7, 353-370, took the square root), and does so with a delay of several beats.
    * Each wave is a vector in the frontal plane, and a lead sees its projection: limb leads II
      (60 degrees) and I (0 degrees) of the hexaxial system. Respiration modulates the amplitude
      (Moody et al. 1985, Computers in Cardiology 12, 113-116).

Invented
    Every number below and its spread between people; the fixed PR interval; equal respiratory
    modulation of all waves; no ectopic beats; no ST segment other than the isoelectric line.

References are to ideas, not to code: this is our own implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.synthetic.recorder import GRID_HZ, slow_noise

WAVES = ("P", "Q", "R", "S", "T")
"""Waves of a beat in the order of time."""


LEAD_ANGLES = (60.0, 0.0)
"""Directions in degrees of lead 1 (like limb lead II) and lead 2 (like limb lead I)."""


STATE = (
    "heart_rate",
    "rsa",
    "slow_hrv",
    "resp_rate",
    "r_amplitude",
    "p_amplitude",
    "t_amplitude",
    "t_asymmetry",
    "qrs_width",
)
"""What may change from one recording to the next.

Mean heart rate (bpm); standard deviation of RR due to respiration and of the 0.1 Hz component
(ms); respiratory rate (Hz); magnitude of the R, P and T vectors (mV); asymmetry of the T wave
(0 is symmetric, its rise is longer than its fall by 1 + a to 1 - a); width of QRS (1 is nominal).
"""


_CENTRE_S = np.array([-0.165, -0.026, 0.0, 0.028, 0.295])  # after R; T at RR = 1 s


_WIDTH_S = np.array([0.021, 0.0080, 0.0098, 0.0088, 0.048])


_AXIS_DEG = np.array([50.0, 45.0, 45.0, 50.0, 38.0])


_QS_RATIO = np.array([0.09, 0.20])  # of the R magnitude


_SETTLING_S = 4.0


_QT_LAG_BEATS = 15.0


_VLF_SHARE = 0.035


_JITTER_S = 0.003


_RESPIRATORY_AMPLITUDE = 0.05


_BEAT_AMPLITUDE = 0.015


_SUPPORT = 4.0  # standard deviations drawn on either side of a wave


@dataclass(frozen=True, eq=False)
class Person:
    """The lasting shape of one person's beat.

    Parameters
    ----------
    centre : numpy.ndarray
        Shape (5,): time in seconds of each of `WAVES` after R, for T at an RR interval of 1 s.
    width : numpy.ndarray
        Shape (5,): standard deviation in seconds of each wave, for T at an RR interval of 1 s.
    axis : numpy.ndarray
        Shape (5,): direction in degrees of each wave in the frontal plane.
    qs_ratio : numpy.ndarray
        Shape (2,): magnitude of Q and of S relative to R.

    Examples
    --------
    >>> person = draw_person(1.0, np.random.default_rng(0))
    >>> len(WAVES), person.centre.shape, person.qs_ratio.shape
    (5, (5,), (2,))
    """

    centre: np.ndarray
    width: np.ndarray
    axis: np.ndarray
    qs_ratio: np.ndarray


@checked
def draw_person(spread: float, rng: np.random.Generator) -> Person:
    """Draw a person's morphology.

    Parameters
    ----------
    spread : float
        Multiplies every difference between people; 0 makes them alike.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Person
        Morphology with upright P, R and T waves in both leads.

    Raises
    ------
    DataError
        If the spread is negative.

    Examples
    --------
    >>> alike = [draw_person(0.0, np.random.default_rng(seed)).centre for seed in (1, 2)]
    >>> bool((alike[0] == alike[1]).all())
    True
    """
    checks.number("spread", spread, 0)
    centre = _CENTRE_S * np.exp(spread * 0.05 * rng.standard_normal(5))
    width = _WIDTH_S * np.exp(spread * 0.06 * rng.standard_normal(5))
    # One shared rotation of the heart, and a little for each wave on its own.
    turn = 8 * rng.standard_normal() + 4 * rng.standard_normal(5)
    axis = np.clip(_AXIS_DEG + spread * turn, 15, 65)
    qs_ratio = _QS_RATIO * np.exp(spread * 0.35 * rng.standard_normal(2))
    return Person(centre, width, axis, qs_ratio)


@checked
def state_curves(state: Mapping[str, np.ndarray], lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Spread one state per recording over time, each approached within seconds.

    Parameters
    ----------
    state : mapping of str to numpy.ndarray
        For each of `STATE` an array of shape (n_recordings,).
    lengths : numpy.ndarray
        Shape (n_recordings,): seconds of each recording, which follow each other without a gap.

    Returns
    -------
    dict of str to numpy.ndarray
        For each of `STATE` a curve at `GRID_HZ` over the whole session.

    Raises
    ------
    DataError
        If a length is not above 0.

    Examples
    --------
    >>> from ecglib.synthetic.people import FEATURES
    >>> state = {name: np.full(2, FEATURES[name].typical) for name in STATE}
    >>> curves = state_curves(state, np.array([10.0, 20.0]))
    >>> sorted(curves) == sorted(STATE), len(curves["heart_rate"]) > 30 * GRID_HZ
    (True, True)
    """
    checks.array("lengths", lengths)
    checks.number("lengths", lengths.min(), above=0)
    ends = np.cumsum(lengths)
    times = np.arange(int(np.ceil(ends[-1] * GRID_HZ)) + 1) / GRID_HZ
    recording = np.minimum(np.searchsorted(ends, times, side="right"), len(ends) - 1)
    keep = np.exp(-1 / (GRID_HZ * _SETTLING_S))
    return {name: _lag(np.asarray(state[name], dtype=float)[recording], keep) for name in STATE}


@checked
def oscillate(rate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a sine whose rate wanders by some 10 %: respiration, or the 0.1 Hz rhythm.

    Parameters
    ----------
    rate : numpy.ndarray
        Shape (n_grid,): mean rate in Hz, at `GRID_HZ`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n_grid,), at `GRID_HZ`, between -1 and 1 (for respiration: expired and inspired).

    Raises
    ------
    DataError
        If a rate is not finite.

    Examples
    --------
    >>> breath = oscillate(np.full(100, 0.25), np.random.default_rng(0))
    >>> breath.shape, bool(np.abs(breath).max() <= 1)
    ((100,), True)
    """
    checks.array("rate", rate)
    wandering = rate * np.exp(0.1 * slow_noise(rate.size, 0.005, 0.05, rng))
    return np.sin(2 * np.pi * (rng.uniform() + np.cumsum(wandering) / GRID_HZ))


@checked
def beat_times(
    curves: Mapping[str, np.ndarray], respiration: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Place the R peaks of a session.

    Parameters
    ----------
    curves : mapping of str to numpy.ndarray
        Result of `state_curves`.
    respiration : numpy.ndarray
        Result of `oscillate` at the respiratory rate.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n_beats,): times in seconds, increasing, inside the session.

    Raises
    ------
    DataError
        If the respiration is not finite.

    Examples
    --------
    >>> from ecglib.synthetic.people import FEATURES
    >>> state = {name: np.array([FEATURES[name].typical]) for name in STATE}
    >>> curves, rng = state_curves(state, np.array([60.0])), np.random.default_rng(0)
    >>> times = beat_times(curves, oscillate(curves["resp_rate"], rng), rng)
    >>> bool((np.diff(times) > 0).all()), 50 < len(times) < 90
    (True, True)
    """
    checks.array("respiration", respiration)
    n = respiration.size
    resting = 60 / curves["heart_rate"]
    slow_wave = oscillate(np.full(n, 0.1), rng)
    periodic = curves["slow_hrv"] * slow_wave - curves["rsa"] * respiration
    # A sine of amplitude sqrt(2) has a standard deviation of 1.
    rr = resting * (1 + _VLF_SHARE * slow_noise(n, 0.003, 0.04, rng)) + periodic * np.sqrt(2) / 1000
    rr = np.clip(rr, 0.36, 1.8)
    beats_so_far = np.cumsum(1 / rr) / GRID_HZ
    whole = np.arange(np.ceil(beats_so_far[0]), beats_so_far[-1])
    times = np.interp(whole, beats_so_far, np.arange(n) / GRID_HZ)
    times = times + _JITTER_S * np.clip(rng.standard_normal(times.size), -3, 3)
    return times[(times > 0) & (times < (n - 1) / GRID_HZ)]


@checked
def draw_beats(
    times: np.ndarray,
    curves: Mapping[str, np.ndarray],
    respiration: np.ndarray,
    person: Person,
    n_samples: int,
    fs: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw the waves of every beat in both leads.

    Parameters
    ----------
    times : numpy.ndarray
        Result of `beat_times`.
    curves : mapping of str to numpy.ndarray
        Result of `state_curves`.
    respiration : numpy.ndarray
        Result of `oscillate` at the respiratory rate.
    person : Person
        Morphology.
    n_samples : int
        Length of the session.
    fs : float
        Sampling rate in Hz.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n_samples, 2), mV, float32, without any noise.

    Raises
    ------
    DataError
        If there are fewer than two beats, or a number is not finite.

    Examples
    --------
    >>> from ecglib.synthetic.people import FEATURES
    >>> state = {name: np.array([FEATURES[name].typical]) for name in STATE}
    >>> curves, rng = state_curves(state, np.array([10.0])), np.random.default_rng(0)
    >>> breath, person = oscillate(curves["resp_rate"], rng), draw_person(1.0, rng)
    >>> draw_beats(beat_times(curves, breath, rng), curves, breath, person, 2560, 256.0, rng).shape
    (2560, 2)
    """
    checks.array("respiration", respiration)
    checks.array("times", times)
    if times.size < 2:
        raise DataError(f"{times.size} beats", field="times", expected="at least 2")
    grid = np.arange(respiration.size) / GRID_HZ
    now = {name: np.interp(times, grid, curve) for name, curve in curves.items()}
    breath = 1 + _RESPIRATORY_AMPLITUDE * np.interp(times, grid, respiration)
    rr = np.diff(times, prepend=2 * times[0] - times[1])
    qt = np.cbrt(_lag(rr, np.exp(-1 / _QT_LAG_BEATS)))
    q_ratio, s_ratio = person.qs_ratio
    magnitude = {
        "P": now["p_amplitude"],
        "Q": -q_ratio * now["r_amplitude"],
        "R": now["r_amplitude"],
        "S": -s_ratio * now["r_amplitude"],
        "T": now["t_amplitude"],
    }
    stretch = {
        "P": 1.0,
        "Q": now["qrs_width"],
        "R": now["qrs_width"],
        "S": now["qrs_width"],
        "T": qt,
    }

    margin = int(fs)  # waves may begin before the first sample and end after the last
    padded = np.zeros((n_samples + 2 * margin, len(LEAD_ANGLES)), dtype=np.float32)
    for index, wave in enumerate(WAVES):
        projection = np.cos(np.deg2rad(np.array(LEAD_ANGLES) - person.axis[index]))
        flicker = breath * (1 + _BEAT_AMPLITUDE * rng.standard_normal(times.size))
        asymmetry = now["t_asymmetry"] if wave == "T" else 0.0
        width = person.width[index] * stretch[wave] * np.ones(times.size)
        _add_wave(
            padded,
            (times + person.centre[index] * stretch[wave]) * fs + margin,
            (magnitude[wave] * flicker)[:, None] * projection,
            width * (1 + asymmetry) * fs,
            width * (1 - asymmetry) * fs,
        )
    return padded[margin : margin + n_samples]


def _add_wave(
    out: np.ndarray, centre: np.ndarray, amplitude: np.ndarray, left: np.ndarray, right: np.ndarray
) -> None:
    """Add one two-sided Gaussian per beat; every length is in samples."""
    reach = int(np.ceil(_SUPPORT * max(left.max(), right.max())))
    first = np.rint(centre).astype(np.int64)
    offset = np.arange(-reach, reach + 1)
    distance = offset[:, None] + (first - centre).astype(np.float32)
    width = np.where(distance < 0, left.astype(np.float32), right.astype(np.float32))
    shape = np.exp(-0.5 * np.square(distance / width), dtype=np.float32)
    amplitude = amplitude.astype(np.float32)
    # At one offset no two beats share a sample, so that plain indexed addition loses none.
    for step, row in zip(offset, shape, strict=True):
        out[first + step] += row[:, None] * amplitude


def _lag(curve: np.ndarray, keep: float) -> np.ndarray:
    """Follow a curve exponentially, starting from its first value."""
    return lfilter([1 - keep], [1, -keep], curve, zi=[keep * curve[0]])[0]
