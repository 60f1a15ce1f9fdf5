import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.metrics import METRICS
from ecglib.evaluation.protocols import MAJORITY, RANDOM, STR, SUPERVISED
from ecglib.plots import results as results_plots

TARGETS = ("valence", "arousal", "dominance")
MODELS = (MAJORITY, RANDOM, STR, SUPERVISED)


def make_summary(protocols=("window-kfold", "leave-one-participant-out")):
    rows = [
        {
            "protocol": protocol,
            "target": target,
            "model": model,
            "regime": "none",
            "metric": metric,
            "mean": 0.5 + 0.02 * m + 0.1 * (protocol == "window-kfold"),
            "low": 0.45 + 0.02 * m,
            "high": 0.55 + 0.02 * m + 0.1 * (protocol == "window-kfold"),
        }
        for protocol in protocols
        for target in TARGETS
        for m, model in enumerate(MODELS)
        for metric in METRICS
    ]
    return pd.DataFrame(rows)


def make_differences():
    return pd.DataFrame(
        [
            {"protocol": "p", "target": t, "model": "STR (strict) - random (none)", "metric": m}
            | {"mean": 0.1 * i, "low": 0.1 * i - 0.05, "high": 0.1 * i + 0.05}
            for i, t in enumerate(TARGETS)
            for m in ("auc", "balanced_accuracy")
        ]
    )


def make_curves():
    return pd.DataFrame({RANDOM: [0.05, 0.9, 1.0], STR: [0.05, 0.5, 0.9]}, index=[0, 0.1, 0.2])


FIGURES = {
    "forest": lambda: results_plots.forest(make_summary(), "auc", "synthetic"),
    "paired_differences": lambda: results_plots.paired_differences(make_differences(), "synthetic"),
    "power_over_effect": lambda: results_plots.power_over_effect(make_curves(), "synthetic"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_data_and_labels_its_axes(name):
    fig = FIGURES[name]()
    assert "(synthetic)" in (fig.get_suptitle() or fig.axes[0].get_title())
    assert fig.get_supxlabel() or all(ax.get_xlabel() for ax in fig.axes if ax.lines)
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_a_forest_has_a_column_per_protocol_and_every_interval_in_it():
    fig = FIGURES["forest"]()
    titles = ["shuffled windows", "one person left out (LOSO)"]
    assert [ax.get_title() for ax in fig.axes] == titles
    for ax, shift in zip(fig.axes, (0.1, 0), strict=True):
        intervals = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 2]
        assert len(intervals) == len(TARGETS) * 3
        np.testing.assert_allclose(intervals[0], [0.47, 0.57 + shift])
        majority = [
            line.get_xdata()[0] for line in ax.lines if line.get_label() == "majority class"
        ]
        np.testing.assert_allclose(majority, [0.5 + shift] * 3)
    assert fig.axes[0].get_shared_x_axes().joined(*fig.axes)


def test_the_legend_of_a_forest_names_every_model_once_wherever_it_is_drawn():
    table = make_summary()
    only_first = (table["protocol"] == "window-kfold") | (table["model"] != SUPERVISED)
    only_second = (table["protocol"] != "window-kfold") | (table["model"] != STR)
    fig = results_plots.forest(table[only_first & only_second], "auc", "synthetic")
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    assert sorted(names[:3]) == ["STR", "random", "supervised"]
    assert names[3:] == ["majority class", "chance"]


def test_a_forest_marks_chance_only_where_the_metric_has_one():
    for metric in METRICS:
        ax = results_plots.forest(make_summary(("loso",)), metric, "synthetic").axes[0]
        marked = "chance" in [line.get_label() for line in ax.lines]
        assert marked == (metric in ("auc", "balanced_accuracy"))


def test_a_missing_interval_leaves_the_mean_standing():
    table = make_summary(("loso",))
    table[["low", "high"]] = np.nan
    ax = results_plots.forest(table, "auc", "synthetic").axes[0]
    means = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "supervised"]
    np.testing.assert_allclose(means, 0.56)


def test_differences_have_an_axes_per_metric_and_a_row_per_target():
    fig = FIGURES["paired_differences"]()
    assert [ax.get_title() for ax in fig.axes] == ["area under the ROC curve", "balanced accuracy"]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == list(TARGETS)
    segments = fig.axes[0].collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments][2], [0.15, 0.25])


def test_power_has_a_curve_per_model_and_a_line_at_four_in_five():
    ax = FIGURES["power_over_effect"]().axes[0]
    curves = {line.get_label(): line.get_ydata() for line in ax.lines[:2]}
    np.testing.assert_allclose(curves[STR], [0.05, 0.5, 0.9])
    assert list(curves) == [RANDOM, STR] and list(ax.lines[2].get_ydata()) == [0.8, 0.8]
