import numpy as np

from ecglib.data.labels import TARGETS
from ecglib.synthetic.people import HIGH_SHARE, clip_feelings, rate_clips


def test_many_people_rate_as_often_high_as_expected():
    rng = np.random.default_rng(0)
    of_clips = clip_feelings(18, rng)
    ratings = np.stack([rate_clips(of_clips, rng)[0] for _ in range(400)])
    assert set(np.unique(ratings)) == {1, 2, 3, 4, 5}
    expected = [HIGH_SHARE[target] for target in TARGETS]
    np.testing.assert_allclose((ratings > 3).mean(axis=(0, 1)), expected, atol=0.03)
    correlation = np.corrcoef(ratings.reshape(-1, 3).T)
    assert np.all(correlation < 0.5 + np.eye(3)) and np.all(np.diag(correlation[:2, 1:]) > 0)
