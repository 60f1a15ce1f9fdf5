import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.preprocessing.polarity import MIN_SCORE, Polarity, polarity
from ecglib.preprocessing.segmentation import cut, prepare
from tests.real import shared_data

FS = 256


def lead(r=1.0, s=-0.1, t_wave=0.25, p=0.1, n=8, seed=0):
    """Beats with waves of the heights given, and a little noise."""
    t = np.arange(n * 205) / FS
    at = t % 0.8 - 0.3
    waves = ((r, 0, 0.012), (s, 0.03, 0.01), (t_wave, 0.25, 0.04), (p, -0.16, 0.02))
    noise = 0.01 * np.random.default_rng(seed).standard_normal(len(t))
    return sum(h * np.exp(-0.5 * ((at - lag) / sd) ** 2) for h, lag, sd in waves) + noise


def test_an_invented_heart_is_upright(ecg_mv):
    for scale in (1, 1e-200, 1e200):
        found = polarity(scale * ecg_mv, FS)
        assert found.sign == 1 and found.score > 1.5 * MIN_SCORE
        assert polarity(-scale * ecg_mv, FS) == Polarity(-1, -found.score)
    windows, _ = cut(ecg_mv, FS)
    assert polarity(windows, FS).score == pytest.approx(polarity(ecg_mv, FS).score)


@pytest.mark.parametrize(
    ("waves", "sign"),
    [
        ({}, 1),
        ({"r": 0.5, "s": -0.4}, 1),
        ({"r": 0.3, "s": -1.0, "t_wave": 0.4}, 0),  # as on the right of the chest
        ({"t_wave": -0.3, "p": 0.0}, 0),  # an inverted T
    ],
)
def test_a_lead_is_decided_where_its_waves_agree(waves, sign):
    assert polarity(lead(**waves), FS).sign == sign
    assert polarity(-lead(**waves), FS).sign == -sign


def test_no_beats_no_verdict():
    noise = np.random.default_rng(0).standard_normal(60 * FS)
    for x in (noise, np.zeros(2560), np.zeros(0), np.zeros((0, 2560)), lead()[:400], lead(n=3)):
        assert polarity(x, FS) == Polarity(0, 0.0)
    part = np.concatenate([lead(n=50)[: 20 * FS], noise[: 20 * FS]])  # noise does not vote
    assert polarity(part, FS).score == pytest.approx(polarity(part[: 20 * FS], FS).score)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(DataError, match="64 Hz"):
        polarity(np.zeros(1000), 50)
    with pytest.raises(DataError, match="fill_gaps"):
        polarity(np.full(1000, np.nan), FS)


def real_leads():
    """Every second eegmat and MIT-BIH lead, filtered, and the biopsykit ones."""
    with np.load(shared_data("eegmat", "eegmat_ecg_500hz_int16.npz")) as file:
        for key in file.files[::2]:
            yield key, prepare(file[key].astype(float), 500.0)[0]
    with np.load(shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")) as file:
        for key in file.files[::4]:
            yield key, prepare(file[key].astype(float), 360.0)[0]
    for name in ("Vp01", "Vp02"):
        with np.load(shared_data("biopsykit_mist", f"ecg_sample_{name}.npz")) as file:
            yield name, prepare(file["ecg"].astype(float), 256.0)[0]


def test_real_leads_and_their_negations_get_opposite_answers():
    signs = {}
    for name, x in real_leads():
        signs[name] = polarity(x, FS).sign
        assert polarity(-x, FS).sign == -signs[name]
    # P, QRS and T all point down in three people; the beats of 217 are paced.
    down = {name for name, sign in signs.items() if sign == -1}
    assert down == {"S10_1", "S16_1", "S27_1", "217"}
    assert sum(sign == 1 for sign in signs.values()) >= 0.6 * len(signs)
    assert signs["Vp01"] == signs["Vp02"] == 1
