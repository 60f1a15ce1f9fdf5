import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib import result_plots
from ecglib.metrics import METRICS
from ecglib.transforms import TASKS

TARGETS = ("valence", "arousal", "dominance")
MODELS = ("majority", "random encoder", "STR encoder", "supervised")


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
            {"protocol": "p", "target": t, "model": "A - B", "metric": m}
            | {"mean": 0.1 * i, "low": 0.1 * i - 0.05, "high": 0.1 * i + 0.05}
            for i, t in enumerate(TARGETS)
            for m in ("auc", "balanced_accuracy")
        ]
    )


def draw(name):
    rng = np.random.default_rng(0)
    epochs = pd.RangeIndex(1, 5, name="epoch")
    history = pd.DataFrame(
        {"loss": [0.7, 0.5, 0.4, 0.3], "balanced_accuracy": [0.5, 0.7, 0.8, 0.9]}, index=epochs
    )
    scores = pd.DataFrame({"auc": np.linspace(0.8, 1, 7), "f1": np.linspace(0.5, 1, 7)}, TASKS)
    shares = pd.DataFrame(np.eye(7) * 0.8 + 0.2 / 7, index=TASKS, columns=TASKS)
    areas = pd.Series([0.9, 0.95, 1.0], index=[1, 2, 5])
    points = {"random encoder": rng.normal(size=(40, 2)), "STR encoder": rng.normal(size=(40, 2))}
    between = {"random encoder": 0.2, "STR encoder": 0.4}
    return {
        "training_curves": lambda: result_plots.training_curves(history, "synthetic"),
        "task_bars": lambda: result_plots.task_bars(scores, "synthetic"),
        "confusion_matrix": lambda: result_plots.confusion_matrix(shares, "synthetic"),
        "amplitude_oracles": lambda: result_plots.amplitude_oracles(areas, 0.8, 0.75, "synthetic"),
        "feature_maps": lambda: result_plots.feature_maps(
            points, np.repeat([1, 2], 20), between, "synthetic"
        ),
        "forest": lambda: result_plots.forest(make_summary(), "auc", "synthetic"),
        "paired_differences": lambda: result_plots.paired_differences(
            make_differences(), "synthetic"
        ),
    }[name]()


FIGURES = (
    "training_curves",
    "task_bars",
    "confusion_matrix",
    "amplitude_oracles",
    "feature_maps",
    "forest",
    "paired_differences",
)


def title_of(fig):
    return fig.get_suptitle() or fig.axes[0].get_title()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_data_and_labels_its_axes(name):
    fig = draw(name)
    assert "(synthetic)" in title_of(fig)
    assert fig.get_supxlabel() or all(ax.get_xlabel() for ax in fig.axes if ax.lines)
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_bars_and_cells_show_the_values():
    texts = {text.get_text().strip() for text in draw("task_bars").axes[0].texts}
    assert {"0.80", "0.50", "1.00"} <= texts
    cells = [text.get_text() for text in draw("confusion_matrix").axes[0].texts]
    assert len(cells) == 49
    assert cells[0] == "83%"


def test_a_forest_has_a_column_per_protocol_and_every_interval_in_it():
    fig = draw("forest")
    assert [ax.get_title() for ax in fig.axes] == ["window-kfold", "leave-one-participant-out"]
    for ax, shift in zip(fig.axes, (0.1, 0), strict=True):
        intervals = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 2]
        assert len(intervals) == len(TARGETS) * 3
        np.testing.assert_allclose(intervals[0], [0.47, 0.57 + shift])
        majority = [
            line.get_xdata()[0] for line in ax.lines if line.get_label() == "majority class"
        ]
        np.testing.assert_allclose(majority, [0.5 + shift] * 3)
    assert fig.axes[0].get_shared_x_axes().joined(*fig.axes)


def test_a_forest_marks_chance_only_where_the_metric_has_one():
    for metric in METRICS:
        ax = result_plots.forest(make_summary(("loso",)), metric, "synthetic").axes[0]
        marked = "chance" in [line.get_label() for line in ax.lines]
        assert marked == (metric in ("auc", "balanced_accuracy"))


def test_a_missing_interval_leaves_the_mean_standing():
    table = make_summary(("loso",))
    table[["low", "high"]] = np.nan
    ax = result_plots.forest(table, "auc", "synthetic").axes[0]
    means = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "supervised"]
    np.testing.assert_allclose(means, 0.56)


def test_differences_have_an_axes_per_metric_and_a_row_per_target():
    fig = draw("paired_differences")
    assert [ax.get_title() for ax in fig.axes] == ["area under the ROC curve", "balanced accuracy"]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == list(TARGETS)
    segments = fig.axes[0].collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments][2], [0.15, 0.25])
