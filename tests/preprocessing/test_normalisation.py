import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecglib.core.errors import DataError
from ecglib.preprocessing.normalisation import ParticipantScaler, trimmed_stats


def keys(*pairs):
    return pd.DataFrame(pairs, columns=["participant", "lead"])


@given(hnp.arrays(np.float64, st.integers(2, 300), elements=st.floats(-1e6, 1e6)))
def test_trimmed_stats_against_sorting(x):
    n = len(x)
    ranked = sorted(x.tolist())
    kept = [ranked[rank] for rank in range(int(0.025 * n), int(0.975 * n))]
    centre = sum(kept) / len(kept)
    sd = (sum((value - centre) ** 2 for value in kept) / len(kept)) ** 0.5
    mean, measured = trimmed_stats(x)
    assert mean == pytest.approx(sum(ranked) / n, rel=1e-9, abs=1e-6)
    assert measured == pytest.approx(sd, rel=1e-9, abs=1e-6)


def test_trimmed_stats_by_hand():
    # Of ranks 0..39, int(0.025 * 40) = 1 to int(0.975 * 40) = 39 keeps 1..38.
    x = np.random.default_rng(0).permutation(np.arange(40.0))
    assert trimmed_stats(x) == (19.5, pytest.approx(np.std(np.arange(1.0, 39.0))))


def test_trimmed_sd_ignores_artefacts_but_the_mean_does_not():
    x = np.sin(np.arange(4000.0))
    spoiled = x.copy()
    spoiled[:50] = 1e4
    assert trimmed_stats(spoiled)[1] == pytest.approx(trimmed_stats(x)[1], rel=0.05)
    assert trimmed_stats(spoiled)[0] > 100


def test_trimmed_stats_refuses():
    with pytest.raises(DataError, match="NaN or infinite"):
        trimmed_stats(np.array([1.0, np.nan]))
    with pytest.raises(DataError, match="field x: 0 samples"):
        trimmed_stats(np.array([]))
    with pytest.raises(DataError, match="lower, upper"):
        trimmed_stats(np.arange(9.0), 0.9, 0.1)


@given(
    gain=st.floats(0.01, 1000),
    offset=st.floats(-1000, 1000),
    seed=st.integers(0, 2**32 - 1),
)
def test_scaler_does_not_see_gain_and_offset(gain, offset, seed):
    x = np.random.default_rng(seed).normal(size=(4, 100))
    meta = keys((1, 1), (1, 2), (2, 1), (1, 1))
    plain = ParticipantScaler().fit(x, meta).transform(x, meta)
    changed = gain * x + offset
    again = ParticipantScaler().fit(changed, meta).transform(changed, meta)
    np.testing.assert_allclose(again, plain, atol=1e-4)


def test_scaler_pools_a_participant_and_separates_leads():
    rng = np.random.default_rng(1)
    recordings = [rng.normal(5, 2, size=300), rng.normal(0, 9, size=300), rng.normal(5, 2, size=99)]
    meta = keys((7, 1), (7, 2), (7, 1))
    scaler = ParticipantScaler().fit(recordings, meta)
    assert scaler.stats[7, 1] == trimmed_stats(np.concatenate([recordings[0], recordings[2]]))
    assert scaler.stats[7, 2] == trimmed_stats(recordings[1])
    z = scaler.transform(np.stack([recordings[0], recordings[1]]), meta[:2])
    assert z.dtype == np.float32
    np.testing.assert_allclose(
        z[1], (recordings[1] - recordings[1].mean()) / scaler.stats[7, 2][1], rtol=1e-5, atol=1e-6
    )
    scaler.fit(recordings[1:2], keys((8, 1)))
    assert set(scaler.stats) == {(8, 1)}


def test_scaler_names_who_it_has_not_seen():
    x = np.random.default_rng(2).normal(size=(2, 100))
    scaler = ParticipantScaler().fit(x, keys((1, 1), (2, 1)))
    with pytest.raises(
        DataError, match=r"not among those fitted: participant 2 lead 2, participant 3"
    ):
        scaler.transform(np.repeat(x, 2, axis=0), keys((1, 1), (2, 2), (3, 1), (2, 1)))
    with pytest.raises(DataError, match="2 signals for 1 rows"):
        scaler.transform(x, keys((1, 1)))
    assert scaler.transform(x[:0], keys()).shape == (0, 100)


@pytest.mark.parametrize("level", [0.0, 0.1, 2048.3])
def test_scaler_refuses_a_lead_that_does_not_vary(level):
    x = np.full((2, 5000), level)
    x[0] = np.sin(np.arange(5000.0))
    with pytest.raises(DataError, match="participant 4, field lead 2: the samples do not vary"):
        ParticipantScaler().fit(x, keys((4, 1), (4, 2)))


def test_scaler_names_where_samples_are_unusable():
    with pytest.raises(DataError, match="participant 4, field lead 1: samples are NaN"):
        ParticipantScaler().fit(np.full((1, 50), np.nan), keys((4, 1)))
    with pytest.raises(DataError, match="participant 4, field lead 1: every sample is missing"):
        ParticipantScaler().fit([np.array([])], keys((4, 1)))
