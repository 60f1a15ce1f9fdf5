import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.plots import pretraining as pretraining_plots
from ecglib.pretext.transformations import TASKS

HISTORY = pd.DataFrame(
    {"loss": [0.7, 0.5, 0.4, 0.3], "balanced_accuracy": [0.5, 0.7, 0.8, 0.9]},
    index=pd.RangeIndex(1, 5, name="epoch"),
)
SCORES = pd.DataFrame({"auc": np.linspace(0.8, 1, 7), "f1": np.linspace(0.5, 1, 7)}, TASKS)
SHARES = pd.DataFrame(np.eye(7) * 0.8 + 0.2 / 7, index=TASKS, columns=TASKS)
LONGER = pd.DataFrame(np.linspace(0.6, 1, 14).reshape(2, 7), index=[500, 9000], columns=TASKS)
AREAS = pd.Series([0.9, 0.95, 1.0], index=[1, 2, 5])
PLANES = np.random.default_rng(0).normal(size=(2, 40, 2))
PEOPLE = np.repeat([1, 2], 20)
FIGURES = {
    "training_curves": lambda: pretraining_plots.training_curves(HISTORY, "synthetic"),
    "task_bars": lambda: pretraining_plots.task_bars(SCORES, "synthetic"),
    "areas_over_views": lambda: pretraining_plots.areas_over_views(
        LONGER, SCORES["auc"], 5000, "synthetic"
    ),
    "confusion_matrix": lambda: pretraining_plots.confusion_matrix(SHARES, "synthetic"),
    "amplitude_oracles": lambda: pretraining_plots.amplitude_oracles(AREAS, 0.8, 0.75, "synthetic"),
    "feature_maps": lambda: pretraining_plots.feature_maps(
        {RANDOM: PLANES[0], STR: PLANES[1]}, PEOPLE, {RANDOM: 0.2, STR: 0.4}, "synthetic"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_data_and_labels_its_axes(name):
    fig = FIGURES[name]()
    assert "(synthetic)" in (fig.get_suptitle() or fig.axes[0].get_title())
    assert fig.get_supxlabel() or all(ax.get_xlabel() for ax in fig.axes if ax.lines)
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_bars_and_cells_show_the_values():
    texts = {text.get_text().strip() for text in FIGURES["task_bars"]().axes[0].texts}
    assert {"0.80", "0.50", "1.00"} <= texts
    cells = [text.get_text() for text in FIGURES["confusion_matrix"]().axes[0].texts]
    assert len(cells) == 49
    assert cells[0] == "83%"


def test_a_longer_training_is_a_line_per_task_and_the_other_one_a_marker_per_task():
    (ax,) = FIGURES["areas_over_views"]().axes
    for number, task in enumerate(TASKS):
        line, marker = ax.lines[2 * number : 2 * number + 2]
        np.testing.assert_array_equal(line.get_xdata(), LONGER.index)
        np.testing.assert_array_equal(line.get_ydata(), LONGER[task])
        assert marker.get_xdata()[0] == 5000 and marker.get_ydata()[0] == SCORES.loc[task, "auc"]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[-2:] == ["time warping", "this chapter (hollow)"]


def test_the_map_of_features_has_the_windows_and_the_number_of_every_participant_picked_out():
    fig = FIGURES["feature_maps"]()
    titles = ["random: 20% between participants", "STR: 40% between participants"]
    assert [ax.get_title() for ax in fig.axes] == titles
    for ax, plane in zip(fig.axes, PLANES, strict=True):
        assert sum(len(cloud.get_offsets()) for cloud in ax.collections) == len(plane)
        assert {text.get_text() for text in ax.texts} == {"1", "2"}


def test_the_oracles_are_a_dot_per_participant_and_a_line():
    dots, other, network, _ = FIGURES["amplitude_oracles"]().axes[0].lines
    np.testing.assert_array_equal(dots.get_ydata(), AREAS)
    assert other.get_ydata()[0] == 0.8 and network.get_ydata()[0] == 0.75
