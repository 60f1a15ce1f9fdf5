import numpy as np
import pytest

from ecglib.synthetic.heart import LEAD_ANGLES, STATE, draw_beats, draw_person
from ecglib.synthetic.people import FEATURES
from ecglib.synthetic.recorder import GRID_HZ

FS = 256


def test_waves_have_their_heights_and_places_in_both_leads():
    person = draw_person(0.0, np.random.default_rng(0))
    n_grid, rr = int(20 * GRID_HZ) + 1, 1.0
    curves = {name: np.full(n_grid, FEATURES[name].typical) for name in STATE}
    times = np.arange(0.5, 19.5, rr)
    ecg = draw_beats(times, curves, np.zeros(n_grid), person, 20 * FS, FS, np.random.default_rng(0))
    beats = np.stack([ecg[round(t * FS) - 64 : round(t * FS) + 128] for t in times])
    beat = beats.mean(axis=0)
    seconds = (np.arange(192) - 64) / FS
    for lead, angle in enumerate(LEAD_ANGLES):
        p, q, r, s, t = np.cos(np.deg2rad(angle - person.axis))
        around = {
            "P": beat[(seconds > -0.22) & (seconds < -0.10), lead].max() / (0.12 * p),
            "R": beat[64, lead] / (1.10 * r),
            "T": beat[(seconds > 0.2) & (seconds < 0.4), lead].max() / (0.29 * t),
        }
        assert around == pytest.approx({"P": 1.0, "R": 1.0, "T": 1.0}, abs=0.1)
        assert beat[(seconds > -0.05) & (seconds < 0), lead].min() < -0.03 * q
        assert beat[(seconds > 0) & (seconds < 0.06), lead].min() < -0.07 * s
    late = (seconds > 0.2) & (seconds < 0.4)
    assert seconds[late][beat[late, 0].argmax()] == pytest.approx(0.295, abs=0.01)


def test_qt_shortens_with_the_cube_root_of_rr():
    person = draw_person(0.0, np.random.default_rng(0))
    n_grid = int(30 * GRID_HZ) + 1
    curves = {name: np.full(n_grid, FEATURES[name].typical) for name in STATE}

    def t_peak(rr: float) -> float:
        times = np.arange(1.0, 28.0, rr)
        rng = np.random.default_rng(0)
        ecg = draw_beats(times, curves, np.zeros(n_grid), person, 30 * FS, FS, rng)
        after = round(times[10] * FS) + np.arange(int(0.15 * FS), int(0.45 * FS))
        return (after[ecg[after, 0].argmax()] - times[10] * FS) / FS

    assert t_peak(0.6) / t_peak(1.0) == pytest.approx(np.cbrt(0.6), abs=0.03)
