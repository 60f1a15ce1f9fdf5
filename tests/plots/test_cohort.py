import numpy as np
import pandas as pd
import pytest

from ecglib.data.labels import TARGETS
from ecglib.data.targets import Rating
from ecglib.plots import cohort as cohort_plots

FS = 256
LABEL = "some data"


@pytest.fixture(scope="module")
def trials(made):
    return made.cohort.recordings.query("condition == 'stimulus'")


def test_durations_are_drawn_for_every_participant_and_clip(trials, check):
    fig = cohort_plots.clip_durations(trials, LABEL)
    check(fig, LABEL, "clip (number)", "participant (number)")
    assert fig.axes[1].get_ylabel() == "duration (s)"
    drawn = fig.axes[0].collections[0].get_array()
    np.testing.assert_array_equal(drawn, [[20, 30]] * 3)


def test_ratings_are_counted_per_trial_and_parted_by_the_threshold(trials, check):
    fig = cohort_plots.rating_counts(trials, LABEL)
    check(fig, LABEL, "rating (1 to 5)", "trials (number)")
    for target, ax in zip(TARGETS, fig.axes, strict=True):
        low, high = ax.containers
        counts = [(trials[target] == rating).sum() for rating in range(1, 6)]
        assert [bar.get_height() for bar in low] == [*counts[:3], 0, 0]
        assert [bar.get_height() for bar in high] == [0, 0, 0, *counts[3:]]
        assert [bar.get_x() + bar.get_width() / 2 for bar in low] == pytest.approx(range(1, 6))


def test_shares_show_one_dot_per_participant_and_the_mean(check):
    shares = pd.DataFrame({"valence": [0.2, 0.4, 0.9], "arousal": [0.5, 0.5, 0.5]})
    fig = cohort_plots.high_shares(shares, shares.mean(), LABEL)
    check(fig, LABEL, "share of trials", "rating scale")
    dots, mean = fig.axes[0].lines[:2]
    np.testing.assert_array_equal(dots.get_xdata(), [0.2, 0.4, 0.9])
    np.testing.assert_allclose(mean.get_xdata(), 0.5)
    # Equal shares stand above each other.
    stacked = fig.axes[0].lines[2].get_ydata()
    assert len(set(stacked)) == 3 and np.mean(stacked) == pytest.approx(1)


def test_people_named_by_text_one_lead_and_other_scales(check):
    trials = pd.DataFrame(
        {
            "participant": ["anna", "anna", "bo", "bo"],
            "clip": ["rest", "sums"] * 2,
            "duration": [10.0, 20.0, 30.0, 40.0],
            "stress": [0, 10, 5, 6],
        }
    )
    fig = cohort_plots.clip_durations(trials, LABEL)
    check(fig, LABEL, "clip (name)", "participant (name)")
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == ["rest", "sums"]
    fig = cohort_plots.rating_counts(trials, LABEL, [Rating("stress", 0, 10)])
    check(fig, LABEL, "rating (0 to 10)", "trials (number)")
    low, high = fig.axes[0].containers
    assert [bar.get_height() for bar in low] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert sum(bar.get_height() for bar in high) == 2
