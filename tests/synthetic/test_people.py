import numpy as np

from ecglib.data.labels import TARGETS
from ecglib.synthetic.people import (
    CLIP_MEANS,
    FEATURES,
    HIGH_SHARE,
    clip_feelings,
    physiology,
    rate_clips,
)


def many_ratings(n_people=1500):
    rng = np.random.default_rng(0)
    of_clips = clip_feelings(18, rng)
    return np.stack([rate_clips(of_clips, rng)[0] for _ in range(n_people)])


def test_many_people_rate_as_often_high_as_expected():
    ratings = many_ratings()
    assert set(np.unique(ratings)) == {1, 2, 3, 4, 5}
    expected = [HIGH_SHARE[target] for target in TARGETS]
    np.testing.assert_allclose((ratings > 3).mean(axis=(0, 1)), expected, atol=0.015)
    correlation = np.corrcoef(ratings.reshape(-1, 3).T)
    assert np.all(correlation < 0.5 + np.eye(3)) and np.all(correlation[:2, 2] > 0)


def test_many_people_give_every_clip_its_published_mean():
    ratings = many_ratings()
    for target in ("valence", "arousal"):
        found = ratings[..., TARGETS.index(target)].mean(axis=0)
        # A mean of 1500 ratings has a standard error of 0.026.
        np.testing.assert_allclose(found, CLIP_MEANS[target], atol=0.1)
        of_23 = np.array(CLIP_MEANS[target]) * 23
        assert np.abs(of_23 - np.rint(of_23)).max() < 23 * 0.005 + 1e-9


def test_a_nineteenth_clip_is_like_the_first():
    feelings = clip_feelings(20, np.random.default_rng(0))
    assert np.array_equal(feelings[18:, :2], feelings[:2, :2])


def test_people_differ_more_than_one_persons_recordings():
    assert {name: f.person > f.trial for name, f in FEATURES.items()} == dict.fromkeys(
        FEATURES, True
    )


def test_a_slope_multiplies_one_influence_and_no_other():
    felt = np.array([[0.0, 1.0, 0.0]])
    still = np.zeros((1, len(FEATURES)))
    slopes = np.zeros((len(FEATURES), 3))
    slopes[list(FEATURES).index("heart_rate"), 1] = -2.0

    def shift(slopes):
        moved = physiology(felt, still, still[0], 1.0, slopes)
        rest = physiology(0 * felt, still, still[0], 1.0)
        return {
            name: float(np.log(moved[name][0] / rest[name][0])) for name in ("heart_rate", "rsa")
        }

    usual, turned = shift(0.0), shift(slopes)
    np.testing.assert_allclose(usual["heart_rate"], 0.045 * 0.35)
    np.testing.assert_allclose(turned["heart_rate"], -usual["heart_rate"])
    assert turned["rsa"] == usual["rsa"]
