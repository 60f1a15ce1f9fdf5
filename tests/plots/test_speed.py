"""The figures of speed show the points that they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.plots import speed as speed_plots

STAGES = {"training": "windows", "reading": "participants"}


@pytest.fixture(scope="module")
def fig():
    quantities = {"seconds": lambda factor, turn: 2.0 * factor + turn}
    quantities["working_mb"] = lambda factor, turn: 100.0 + turn
    rows = [
        {
            "stage": stage,
            "counted": counted,
            "size": 3 * factor,
            "factor": factor,
            "quantity": quantity,
            "median": value(factor, 2),
            "low": value(factor, 1),
            "high": value(factor, 3),
        }
        for stage, counted in STAGES.items()
        for factor in (4, 1, 2, 8)
        for quantity, value in quantities.items()
    ]
    return speed_plots.growth(pd.DataFrame(rows), "synthetic")


def test_the_figure_names_the_data_and_labels_its_logarithmic_axes(fig):
    assert "synthetic" in fig.get_suptitle()
    assert not plt.get_fignums()
    fig.canvas.draw()
    for ax in fig.axes:
        assert ax.get_xscale() == ax.get_yscale() == "log"
        assert "(" in ax.get_xlabel() and "(" in ax.get_ylabel()
        assert [t.get_text() for t in ax.get_xticklabels()] == ["1×", "2×", "4×", "8×"]


def test_each_stage_is_a_line_of_medians_beside_linear_growth(fig):
    medians = ([4, 6, 10, 18], [102] * 4)
    for ax, median in zip(fig.axes, medians, strict=True):
        stages = [line for line in ax.lines if line.get_marker() != "None"]
        linear = [line for line in ax.lines if line.get_linestyle() == ":"]
        assert len(stages) == len(linear) == len(STAGES)
        for line in stages:
            np.testing.assert_allclose(line.get_ydata(), median)
        for bars in ax.collections:
            ranges = [segment[:, 1] for segment in bars.get_segments()]
            np.testing.assert_allclose(ranges, [[m - 1, m + 1] for m in median])
        for line in linear:
            np.testing.assert_allclose(line.get_ydata(), median[0] * np.array([1, 2, 4, 8]))


def test_the_legend_says_what_was_counted(fig):
    texts = [t.get_text() for t in fig.legends[0].get_texts()]
    assert texts == [
        "training, 3 to 24 windows",
        "reading, 3 to 24 participants",
        "linear growth",
    ]


def test_each_schedule_is_a_line_over_its_views_beside_the_goal():
    rows = [
        {"schedule": name, "views": 100 * factor * n, "auc": 0.5 + 0.1 * n}
        for factor, name in ((1, "fast"), (10, "published"))
        for n in (2, 1, 4)
    ]
    fig = speed_plots.learning(pd.DataFrame(rows), 0.97, "synthetic")
    (ax,) = fig.axes
    goal, *lines = ax.lines
    assert ax.get_xscale() == "log" and "synthetic" in ax.get_title()
    assert set(goal.get_ydata()) == {0.97}
    assert [line.get_label() for line in lines] == ["fast", "published"]
    for line, factor in zip(lines, (1, 10), strict=True):
        np.testing.assert_allclose(line.get_xdata(), factor * np.array([100, 200, 400]))
        np.testing.assert_allclose(line.get_ydata(), [0.6, 0.7, 0.9])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "learnt: 0.97",
        "fast",
        "published",
    ]
