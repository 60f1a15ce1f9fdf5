import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.protocols import MAJORITY, RANDOM, STR
from ecglib.plots import personalisation as personalisation_plots
from ecglib.plots.style import GREY

TARGETS = ("valence", "arousal", "dominance")
BASELINE = pd.Series(3.0, index=TARGETS, name="mean")


def make_curve(rated=(0, 1, 2, 4, 8)):
    rows = [
        {"target": target, "model": model, "metric": metric, "rated": k}
        | {"mean": 0.5 + 0.1 * m + 0.01 * k, "low": 0.4 + 0.1 * m, "high": 0.7 + 0.1 * m}
        for target in TARGETS
        for m, model in enumerate((MAJORITY, STR, RANDOM))
        for metric in ("auc", "accuracy")
        for k in rated
    ]
    return pd.DataFrame(rows)


def make_ratings():
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {
                "target": target,
                "model": model,
                "truth": rng.integers(1, 6, 60),
                "predicted": rng.uniform(1, 5, 60),
            }
        )
        for target in TARGETS
        for model in ("ridge", "ordinal")
    ]
    return pd.concat(frames)


def make_reliability():
    at = np.linspace(0.1, 0.9, 5)
    frames = [
        pd.DataFrame(
            {
                "target": t,
                "probability": at,
                "share": at**2,
                "low": at**2 - 0.1,
                "high": at**2 + 0.1,
            }
        )
        for t in TARGETS
    ]
    return pd.concat(frames)


FIGURES = {
    "rated_trials": lambda: personalisation_plots.rated_trials(
        make_curve(), {"auc": "AUC", "accuracy": "accuracy"}, "synthetic"
    ),
    "ratings_against_truth": lambda: personalisation_plots.ratings_against_truth(
        make_ratings(), BASELINE, "synthetic"
    ),
    "reliability": lambda: personalisation_plots.reliability(
        {"a": make_reliability(), "b": make_reliability()}, "synthetic"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_data_and_labels_its_axes(name):
    fig = FIGURES[name]()
    assert "(synthetic)" in fig.get_suptitle()
    axes = np.reshape(fig.axes, (2, 3))
    assert axes[1, 1].get_xlabel()
    assert [ax.get_title() for ax in axes[0]] == list(TARGETS)
    assert all(ax.get_ylabel() for ax in axes[:, 0])
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_every_number_of_rated_trials_has_its_means_and_intervals():
    fig = FIGURES["rated_trials"]()
    ax = fig.axes[0]
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(lines[STR], 0.6 + 0.01 * np.array([0, 1, 2, 4, 8]))
    np.testing.assert_allclose(lines["ratings only"][0], 0.5)
    assert "chance" in lines
    assert [len(c.get_segments()) for c in ax.collections] == [5, 5]
    assert [t.get_text() for t in fig.axes[-1].get_xticklabels()] == ["0", "1", "2", "4", "8"]


def test_a_single_number_of_rated_trials_can_be_drawn():
    names = {"auc": "AUC"}
    assert len(personalisation_plots.rated_trials(make_curve((0,)), names, "synthetic").axes) == 3


def test_a_rating_that_nobody_gave_has_no_box():
    rows = make_ratings()
    fig = personalisation_plots.ratings_against_truth(
        rows[rows["truth"] != 2], BASELINE, "synthetic"
    )
    assert len(fig.axes[0].patches) == 4
    levels = [line for line in fig.axes[0].lines if line.get_label() == "mean"]
    assert [line.get_ydata()[0] for line in levels] == [3.0]


def test_reliability_shows_the_diagonal_and_a_missing_band_leaves_the_curve():
    table = make_reliability().assign(low=np.nan, high=np.nan)
    ax = personalisation_plots.reliability({"a": table}, "synthetic").axes[0]
    diagonal, curve = ax.lines
    assert diagonal.get_color() == GREY
    np.testing.assert_allclose(curve.get_ydata(), np.linspace(0.1, 0.9, 5) ** 2)
