import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.features.heartbeats import annotate_window
from ecglib.plots import baselines as baselines_plots

FS = 256


def heart(polarity=1):
    t = np.arange(10 * FS) / FS
    x = np.zeros(len(t))
    for at in np.arange(0.5, 10, 0.8):
        x += np.exp(-0.5 * ((t - at) / 0.012) ** 2) + 0.3 * np.exp(-(((t - at - 0.27) / 0.06) ** 2))
    return polarity * x


def beats(x):
    return baselines_plots.beat_features(annotate_window(x, FS), FS, "synthetic")


def accuracies(targets=("valence", "arousal", "dominance")):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"target": t, "participant": p, "base_rate": b, "model": m}
            for t in targets
            for p, (b, m) in enumerate(zip(rng.uniform(0.5, 1, 8), rng.random(8), strict=True))
        ]
    )


FIGURES = {
    "beat": lambda: beats(heart()),
    "base_rate": lambda: baselines_plots.against_base_rate(accuracies(), "a model", "synthetic"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_name_the_data_and_label_their_axes(name):
    fig = FIGURES[name]()
    assert "synthetic" in fig.get_suptitle()
    assert not plt.get_fignums()
    fig.canvas.draw()
    assert any(ax.get_xlabel() for ax in fig.axes) or fig.get_supxlabel()
    assert all("(" in ax.get_ylabel() for ax in fig.axes if ax.get_ylabel())


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_beat_shows_every_interval_and_stands_upright(polarity):
    fig = beats(heart(polarity))
    rhythm, shape = fig.axes
    shown = [text.get_text() for text in rhythm.texts if text.get_text()]
    assert len(shown) == 11 and {int(text) for text in shown} <= {797, 801, 805}
    median = shape.lines[-2].get_ydata()
    assert median.max() == pytest.approx(1, abs=0.05)
    named = [text.get_text() for text in shape.texts if text.get_text()]
    heights = ["R height", "T height", "P height"]
    assert named == [*heights, "width at half height", "R to T peak"]


def test_every_person_is_a_dot_within_the_axes():
    table = accuracies()
    fig = baselines_plots.against_base_rate(table, "a model", "synthetic")
    for ax, (_, rows) in zip(fig.axes, table.groupby("target", sort=False), strict=True):
        dots = ax.collections[0].get_offsets()
        np.testing.assert_allclose(dots, rows[["base_rate", "model"]])
        low, high = ax.get_ylim()
        assert low <= rows["model"].min() and rows["model"].max() <= high
    assert len(baselines_plots.against_base_rate(accuracies(("valence",)), "m", "x").axes) == 1
