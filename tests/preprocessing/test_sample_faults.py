import numpy as np
import pytest

from ecglib.preprocessing.quality import (
    BRIDGED,
    CLIPPED,
    FLAT,
    MISSING,
    OK,
    QUALITIES,
    SPIKE,
    sample_quality,
)
from ecglib.preprocessing.sample_faults import clipped, flat, outliers

FS = 256
AT = 50 * FS + 77


def test_an_invented_heart_is_alive_in_any_unit(ecg_mv):
    for scale in (1, -1, 1e-3, 240, 1e200, -1e200, 1e-200):
        assert (sample_quality(scale * ecg_mv, FS) == OK).all()
    assert (sample_quality(np.round(240 * ecg_mv) + 2048, FS) == OK).all()
    drift = ecg_mv + 50 * np.sin(2 * np.pi * np.arange(len(ecg_mv)) / FS / 100)
    assert (sample_quality(drift, FS) == OK).all()


@pytest.mark.parametrize("value", [30.0, -500.0, 1e12, -1e20, 1e200, 9e299])
def test_one_sample_far_away_is_a_spike_and_alone(ecg_mv, value):
    ecg_mv[AT] = value
    codes = sample_quality(ecg_mv, FS)
    assert np.flatnonzero(codes != OK).tolist() == [AT]
    assert codes[AT] == SPIKE


def test_many_equal_spikes_are_spikes(ecg_mv):
    at = np.arange(100, len(ecg_mv), 3 * FS)
    ecg_mv[at] = 500 * np.ptp(ecg_mv)
    codes = sample_quality(ecg_mv, FS)
    assert np.flatnonzero(codes == SPIKE).tolist() == at.tolist()
    assert set(codes) == {OK, SPIKE}


def test_a_spike_takes_its_flanks_along(ecg_mv):
    ecg_mv[AT - 10 : AT + 11] += 100 * np.exp(-0.5 * (np.arange(-10, 11) / 3) ** 2)
    spikes = np.flatnonzero(sample_quality(ecg_mv, FS) == SPIKE)
    assert AT in spikes
    assert np.array_equal(spikes, np.arange(spikes[0], spikes[-1] + 1))
    # What is left of it is lower than five times the height of a second.
    assert np.abs(np.delete(ecg_mv, spikes)).max() < 8


@pytest.mark.parametrize("code", [-32768.0, -(2.0**31)])
@pytest.mark.parametrize("n", [1, 2, 700, 3000])
def test_codes_for_no_sample_are_missing(ecg_mv, code, n):
    counts = np.round(3000 * ecg_mv)  # so large that -32768 is only some heights away
    counts[AT : AT + n] = code
    codes = sample_quality(counts, FS)
    assert np.flatnonzero(codes == MISSING).tolist() == list(range(AT, AT + n))
    assert not (codes == SPIKE).any()


@pytest.mark.parametrize("n", [3, 100, 3000])
@pytest.mark.parametrize("first", [0, AT, -1])
def test_a_code_that_was_scaled_with_the_signal_is_missing_where_it_is_held(ecg_mv, n, first):
    first = len(ecg_mv) - n if first == -1 else first
    ecg_mv[first : first + n] = -32768 / 240
    codes = sample_quality(ecg_mv, FS)
    assert np.flatnonzero(codes == MISSING).tolist() == list(range(first, first + n))


def test_the_smallest_value_of_16_bits_may_be_signal(ecg_mv):
    full = np.round((ecg_mv - ecg_mv.min()) / np.ptp(ecg_mv) * 65535) - 32768
    assert full.min() == -32768
    assert (sample_quality(full, FS) == OK).all()


def test_spikes_beside_codes_and_gaps(ecg_mv):
    clean = ecg_mv.copy()
    ecg_mv[1000:1100] = np.nan
    ecg_mv[1100] = 1e9
    ecg_mv[5000:5400] = -136.5
    ecg_mv[5400] = -400
    codes = sample_quality(ecg_mv, FS)
    assert np.flatnonzero(np.isin(codes, BRIDGED)).tolist() == [
        *range(1000, 1101),
        *range(5000, 5401),
    ]
    assert (codes[[1100, 5400]] == SPIKE).all()
    assert np.array_equal(ecg_mv[codes == OK], clean[codes == OK])


def test_a_stretch_in_another_unit_is_not_a_row_of_spikes(ecg_mv):
    ecg_mv[40 * FS : 50 * FS] *= 1000
    codes = sample_quality(ecg_mv, FS)
    outside = np.r_[codes[: 39 * FS], codes[51 * FS :]]
    assert (outside == OK).all()  # neither flat beside it
    assert (codes[41 * FS : 49 * FS] == OK).all()


def test_nothing_is_far_where_nothing_varies():
    x = np.zeros(3000)
    x[1500] = 1e9
    spike, coded = outliers(x, np.ones(3000, dtype=bool), FS)
    assert not spike.any() and not coded.any()
    assert not np.any(outliers(np.full(10, np.nan), np.zeros(10, dtype=bool), FS))
    assert not np.any(outliers(np.arange(3.0), np.ones(3, dtype=bool), FS))


def test_a_rail_that_holds_for_a_while_is_found_below_the_largest_value(ecg_mv):
    part = slice(40 * FS, 50 * FS)
    rail = np.percentile(ecg_mv[part], 96)
    assert rail < ecg_mv[: 40 * FS].max()
    ecg_mv[part] = np.minimum(ecg_mv[part], rail)
    found = clipped(ecg_mv, FS)
    assert found[part].sum() > 20
    assert set(ecg_mv[found]) == {rail}
    assert (sample_quality(ecg_mv, FS)[found] == CLIPPED).all()


def test_a_held_value_at_the_end_is_no_rail(ecg_mv):
    ecg_mv[-230:] = ecg_mv.max() - 0.05  # as padding does
    assert not clipped(ecg_mv, FS).any()


def test_a_flat_stretch_is_found_beside_huge_values(ecg_mv):
    ecg_mv[40 * FS : 50 * FS] *= 1e6
    ecg_mv[70 * FS : 80 * FS] = 0.1
    found = flat(ecg_mv, FS)
    assert found[70 * FS : 80 * FS].all()
    assert found.sum() < 10.1 * FS


def test_codes_fit_their_names():
    assert [QUALITIES[code] for code in (OK, FLAT, CLIPPED, SPIKE, MISSING)] == [
        "ok",
        "flat",
        "clipped",
        "spike",
        "missing",
    ]
    assert OK < FLAT < CLIPPED < SPIKE < MISSING
