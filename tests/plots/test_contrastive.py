import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.plots import contrastive as contrastive_plots
from ecglib.plots.people import LOOKS


def history():
    rising = np.linspace(0.1, 0.9, 5)
    return pd.DataFrame(
        {
            "loss": 3 - rising,
            "val_loss": 3.1 - rising,
            "contrastive_accuracy": rising,
            "val_contrastive_accuracy": rising - 0.05,
        },
        index=pd.RangeIndex(1, 6, name="epoch"),
    )


RNG = np.random.default_rng(1)
PEOPLE = np.repeat([1, 5, 9], 10)
FIGURES = {
    "views": lambda: contrastive_plots.view_pairs(
        RNG.normal(size=(3, 200)), RNG.normal(size=(6, 200)), 256.0, "synthetic"
    ),
    "curves": lambda: contrastive_plots.contrastive_curves(history(), 0.03, "synthetic"),
    "similarity": lambda: contrastive_plots.similarity_matrices(
        {"before": np.ones((6, 6)), "after": np.eye(6)}, "synthetic"
    ),
    "embedding": lambda: contrastive_plots.embedding(
        RNG.normal(size=(30, 2)), PEOPLE, np.tile([1, 3], 15), "arousal", "synthetic"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_name_the_data_and_label_their_axes(name):
    fig = FIGURES[name]()
    titles = [fig.get_suptitle(), *(ax.get_title() for ax in fig.axes)]
    assert any("synthetic" in title for title in titles)
    assert not plt.get_fignums()
    fig.canvas.draw()
    assert any(ax.get_xlabel() for ax in fig.axes)
    labels = [ax.get_ylabel() for ax in fig.axes if ax.get_ylabel()]
    assert all("(" in label for label in labels)


def test_curves_need_nobody_left_out():
    table = pd.DataFrame({"loss": [3.0, 2.0], "contrastive_accuracy": [0.0, 0.0]}, index=[1, 2])
    fig = contrastive_plots.contrastive_curves(table, 0.03, "synthetic")
    assert [len(ax.lines) for ax in fig.axes] == [2, 1]
    # The line of guessing is on the axes.
    assert fig.axes[0].get_ylim()[1] > 0.03


def test_numbers_of_participants_do_not_cover_each_other():
    points = np.random.default_rng(0).normal(size=(40, 2))
    person = np.arange(40) % 10
    fig = contrastive_plots.embedding(points, person, 1 + person % 5, "arousal", "synthetic")
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert len(boxes) == len(LOOKS)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_lines_part_the_people_whose_numbers_stand_beside_the_map():
    whose = np.repeat([4, 7, 9], [4, 2, 6])
    fig = contrastive_plots.similarity_matrices({"before": np.eye(12)}, "synthetic", whose)
    ax = fig.axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["4", "7", "9"]
    assert sorted({line.get_xdata()[0] for line in ax.lines if line.get_xdata()[0] > 1}) == [
        3.5,
        5.5,
    ]
