import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.protocols import ALL, RANDOM, SCRATCH, STR, TRANSFERS
from ecglib.plots import comparison as comparison_plots
from ecglib.plots.palette import INK, look
from ecglib.studies.comparison import choices

TARGETS = ("valence", "arousal", "dominance")


def grid_table():
    rng = np.random.default_rng(0)
    table = pd.concat([choices().assign(target=t) for t in TARGETS], ignore_index=True)
    mean = rng.uniform(0.4, 0.9, len(table))
    return table.assign(mean=mean, low=mean - 0.1, high=mean + 0.1, baseline=0.5)


def forest_table():
    long = "this and that, fine-tuned and averaged − from scratch"
    rows = [("one − other", 0.1, 0.02, 0.2), (long, 0.1, -0.02, 0.2)]
    return pd.DataFrame(
        [
            {"question": q, "target": t, "mean": m, "low": low, "high": high}
            for t in TARGETS
            for q, m, low, high in rows
        ]
    )


def curve_table():
    pretexts = ["random", "STR", "contrastive"]
    chosen = choices(pretexts, labelled=[2, 10, ALL], encoders=["plain"])
    table = pd.concat([chosen.assign(target=t) for t in TARGETS], ignore_index=True)
    mean = np.linspace(0.5, 0.8, len(table))
    return table.assign(mean=mean, low=mean - 0.1, high=mean + 0.1, baseline=0.55)


FIGURES = {
    "grid": lambda: comparison_plots.choice_grid(grid_table(), "synthetic"),
    "forest": lambda: comparison_plots.contrast_forest(forest_table(), "synthetic"),
    "labels": lambda: comparison_plots.label_curves(curve_table(), "synthetic"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_name_the_data_and_label_their_axes(name):
    fig = FIGURES[name]()
    titles = [fig.get_suptitle(), *(ax.get_title() for ax in fig.axes)]
    assert any("synthetic" in title for title in titles)
    assert not plt.get_fignums()
    fig.canvas.draw()
    assert any(ax.get_xlabel() for ax in fig.axes)
    labels = [ax.get_ylabel() for ax in fig.axes if ax.get_ylabel() not in ("", "pretext")]
    assert all("(" in label for label in labels)


def test_every_choice_is_a_point_at_its_mean():
    table = grid_table()
    fig = comparison_plots.choice_grid(table, "synthetic")
    for ax, (_, rows) in zip(fig.axes, table.groupby("target", sort=False), strict=True):
        drawn = np.concatenate(
            [line.get_xdata() for line in ax.lines if line.get_marker() != "None"]
        )
        np.testing.assert_allclose(np.sort(drawn), np.sort(rows["mean"]))


def test_a_point_is_filled_only_where_the_interval_leaves_out_zero():
    fig = comparison_plots.contrast_forest(forest_table(), "synthetic")
    for ax in fig.axes:
        points = [line for line in ax.lines if line.get_marker() == "o"]
        assert [p.get_markerfacecolor() for p in points] == [INK, "white"]


def test_the_forest_says_what_a_filled_point_means():
    fig = comparison_plots.contrast_forest(forest_table(), "synthetic")
    (legend,) = fig.legends
    meanings = {t.get_text(): h for t, h in zip(legend.texts, legend.legend_handles, strict=True)}
    assert meanings["interval leaves out zero"].get_markerfacecolor() == INK
    assert meanings["interval covers zero"].get_markerfacecolor() == "white"


def test_colour_is_the_pretext_and_marker_the_transfer_in_all_figures():
    grid = comparison_plots.choice_grid(grid_table(), "synthetic")
    marks = dict(
        zip(
            [text.get_text() for text in grid.legends[0].texts],
            grid.legends[0].legend_handles,
            strict=True,
        )
    )
    for transfer in TRANSFERS:
        drawn = {h.get_marker() for name, h in marks.items() if name.startswith(transfer)}
        assert drawn == {comparison_plots.TRANSFER_MARKERS[transfer]}
    colours = {line.get_color() for line in grid.axes[0].lines}
    assert {look(name).colour for name in (STR, RANDOM, SCRATCH)} < colours
    curves = comparison_plots.label_curves(curve_table(), "synthetic")
    drawn = {line.get_label(): line for line in curves.axes[0].lines}
    drawn.pop("majority class")
    for name, line in drawn.items():
        assert line.get_color() == look(name).colour
    looks = [(line.get_color(), line.get_linestyle()) for line in drawn.values()]
    assert len(looks) == 6 and len(set(looks)) == 6


@pytest.mark.parametrize("name", ["grid", "forest", "labels"])
def test_no_label_is_cut_off_or_covers_its_neighbour(name):
    fig = FIGURES[name]()
    fig.draw_without_rendering()
    whole = fig.get_window_extent()
    boxes = []
    for ax in fig.axes:
        ticks = [t for t in ax.get_xticklabels() if ax.get_xlim()[0] <= t.get_position()[0]]
        ticks = [t for t in ticks if t.get_position()[0] <= ax.get_xlim()[1]]
        boxes.append([t.get_window_extent() for t in ticks if t.get_text()])
        boxes.append([ax.xaxis.label.get_window_extent(), ax.title.get_window_extent()])
    boxes.append([t.get_window_extent() for t in fig.axes[0].get_yticklabels()])
    boxes.append([fig.legends[0].get_window_extent()])
    flat = [box for some in boxes for box in some]
    for number, box in enumerate(flat):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1
        assert whole.y0 <= box.y0 and box.y1 <= whole.y1
        assert not any(box.overlaps(other) for other in flat[:number])


def test_numbers_of_labelled_people_stand_in_order():
    fig = comparison_plots.label_curves(curve_table(), "synthetic", "accuracy (0 to 1)")
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["2", "10", "all"]
    assert fig.axes[0].get_ylabel() == "accuracy (0 to 1)"
    line = fig.axes[0].lines[0]
    assert (np.diff(line.get_xdata()) > 0).all()
