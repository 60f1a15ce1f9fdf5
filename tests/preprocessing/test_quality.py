import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.preprocessing.quality import (
    CLIPPED,
    FLAT,
    MISSING,
    OK,
    QUALITIES,
    SPIKE,
    fill_gaps,
    on_new_grid,
    sample_quality,
    window_quality,
)
from tests.real import shared_data

FS = 256


@pytest.fixture
def ecg():
    """30 s of a spike train on a wave with a little noise: alive, whatever its shape."""
    t = np.arange(30 * FS) / FS
    beats = np.exp(-0.5 * (((t % 0.9) - 0.4) / 0.01) ** 2)
    return 2000 + 400 * beats + 60 * np.sin(t) + np.random.default_rng(0).normal(0, 3, len(t))


def stretch(codes, code):
    at = np.flatnonzero(codes == code)
    assert len(at) == at[-1] - at[0] + 1
    return at[0], at[-1] + 1


def test_living_signal_is_ok(ecg):
    assert (sample_quality(ecg, FS) == OK).all()
    assert (sample_quality(-ecg, FS) == OK).all()
    assert (sample_quality(np.round(ecg / 20), FS) == OK).all()  # a coarse converter
    slow = np.round(1000 * np.sin(np.arange(30 * FS) / FS))  # dwells at its turning points
    assert (sample_quality(slow, FS) == OK).all()


def test_every_nan_and_infinity_is_missing(ecg):
    ecg[[100, 3000]] = np.nan, -np.inf
    assert np.flatnonzero(sample_quality(ecg, FS) == MISSING).tolist() == [100, 3000]
    assert (sample_quality(np.full(3000, np.nan), FS) == MISSING).all()


@pytest.mark.parametrize(("zeros", "flagged"), [(127, False), (128, True)])
def test_half_a_second_of_zeros_is_missing(ecg, zeros, flagged):
    ecg[1000 : 1000 + zeros] = 0
    codes = sample_quality(ecg, FS)
    assert (codes == MISSING).any() == flagged
    if flagged:
        assert stretch(codes, MISSING) == (1000, 1128)


def test_runs_at_either_rail_are_clipped(ecg):
    high, low = np.percentile(ecg, [96, 20])
    clipped = np.clip(ecg, low, high)
    codes = sample_quality(clipped, FS)
    assert (codes[codes != OK] == CLIPPED).all()
    assert set(clipped[codes == CLIPPED]) == {low, high}
    tip = ecg.copy()
    tip[500:505] = tip.max() + 1  # less than 20 ms
    assert (sample_quality(tip, FS) == OK).all()
    tip[505] = tip[500]
    assert stretch(sample_quality(tip, FS), CLIPPED) == (500, 506)


def test_rails_are_found_beside_a_dropout(ecg):
    ecg = np.maximum(ecg, np.percentile(ecg, 20))
    lowest = ecg.min()
    ecg[:1000] = 0  # lower than the rail
    codes = sample_quality(ecg, FS)
    assert (codes[:1000] == MISSING).all()
    assert set(ecg[codes == CLIPPED]) == {lowest}


@pytest.mark.parametrize(("seconds", "flagged"), [(1.9, False), (2.0, True), (7.0, True)])
def test_two_seconds_without_change_are_flat(ecg, seconds, flagged):
    n = int(seconds * FS)
    ecg[2000 : 2000 + n] = 2200 + np.random.default_rng(1).uniform(0, 1, n)
    codes = sample_quality(ecg, FS)
    assert (codes == FLAT).any() == flagged
    if flagged:
        start, stop = stretch(codes, FLAT)
        assert start <= 2000 <= start + 2 and stop - 2 <= 2000 + n <= stop


@given(start=st.integers(0, 2560 - 512), n=st.integers(512, 2560))
def test_a_flat_stretch_is_found_wherever_it_lies(start, n):
    x = np.random.default_rng(3).normal(size=2560)
    x[start : start + n] = 0.3
    codes = sample_quality(x, FS)
    assert (codes[start : start + n] == FLAT).all()
    quiet = 0.01 * np.ptp(np.percentile(x, [1, 99]))
    assert np.abs(x[codes == FLAT] - 0.3).max() <= quiet  # a neighbour may happen to be as quiet
    assert set(codes[codes != FLAT]) <= {OK}


def test_a_dead_lead_is_flat_and_a_short_one_is_not_judged():
    assert (sample_quality(np.full(3000, 7.0), FS) == FLAT).all()
    assert (sample_quality(np.full(300, 7.0), FS) == OK).all()


def test_fill_gaps_bridges_and_holds():
    x = np.array([np.nan, 1, np.inf, np.nan, 4, np.nan])
    assert fill_gaps(x, ~np.isfinite(x)).tolist() == [1, 1, 2, 3, 4, 4]
    assert np.isnan(x[0])
    assert fill_gaps(np.full(3, np.nan), np.ones(3, dtype=bool)).tolist() == [0, 0, 0]


@given(
    n_old=st.integers(1, 400),
    ratio=st.sampled_from([(1, 1), (32, 45), (8, 125), (64, 25), (2, 1)]),
    seed=st.integers(0, 1000),
)
def test_no_flag_is_lost_between_rates(n_old, ratio, seed):
    up, down = ratio
    codes = np.random.default_rng(seed).integers(0, len(QUALITIES), n_old).astype(np.int8)
    n_new = -(-n_old * up // down)
    new = on_new_grid(codes, n_new, down / up)
    assert len(new) == n_new
    assert new.max() == codes.max()
    if up == down:
        assert np.array_equal(new, codes)
    for old, code in enumerate(codes):
        nearest = min(n_new - 1, round(old * up / down))
        assert max(new[max(0, nearest - 1) : nearest + 2]) >= code
    for i, code in enumerate(new):
        centre, reach = i * down / up, max(1, down / up)
        nearby = codes[max(0, int(centre - reach)) : int(centre + reach) + 1]
        assert code in nearby


def test_window_quality_ranks_the_flags():
    codes = np.zeros((9, 2560), dtype=np.int8)
    codes[1, 5] = MISSING
    codes[2, 5] = CLIPPED
    codes[3, :255] = FLAT
    codes[4, -256:] = FLAT
    codes[5, :600], codes[5, 600] = FLAT, CLIPPED
    codes[6, 0], codes[6, 1] = CLIPPED, MISSING
    codes[7, 0], codes[7, 1] = CLIPPED, SPIKE
    codes[8, 0], codes[8, 1] = MISSING, SPIKE
    assert window_quality(codes, FS).tolist() == [
        "ok",
        "missing",
        "clipped",
        "ok",
        "flat",
        "clipped",
        "missing",
        "spike",
        "missing",
    ]


def test_a_patients_recording_at_the_rail_is_clipped_and_others_are_alive():
    def codes(record):
        with np.load(shared_data("mitbih", f"{record}_converted.npz")) as file:
            return sample_quality(file["ecg"], float(file["fs"]))

    assert (codes("116") == CLIPPED).sum() > 200
    for record in ("100", "106", "108", "121"):
        assert (codes(record) == OK).all()
    for name in ("Vp01", "Vp02"):
        with np.load(shared_data("biopsykit_mist", f"ecg_sample_{name}.npz")) as file:
            assert (sample_quality(file["ecg"], float(file["fs"])) == OK).all()
