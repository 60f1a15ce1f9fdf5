import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.plots import finetuning as finetuning_plots

COUNTS = np.arange(25).reshape(5, 5)
SHARES = COUNTS / COUNTS.sum(axis=1, keepdims=True)
FIGURES = {
    "changes": lambda: finetuning_plots.weight_changes(pd.Series({"conv_1": 0.1}), "synthetic"),
    "rates": lambda: finetuning_plots.rate_curves({"head": np.ones(3)}, "synthetic"),
    "confusion": lambda: finetuning_plots.confusion(COUNTS, SHARES, "arousal", "synthetic"),
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


def test_the_confusion_shows_every_count_on_the_colour_of_its_share():
    ax = FIGURES["confusion"]().axes[0]
    assert [int(t.get_text()) for t in ax.texts] == list(range(25))
    np.testing.assert_array_equal(ax.images[0].get_array(), SHARES)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3", "4", "5"]


def test_changes_are_drawn_in_per_cent():
    (bar,) = FIGURES["changes"]().axes[0].patches
    assert bar.get_height() == pytest.approx(10)
