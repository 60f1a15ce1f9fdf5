import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ecglib.plots import replication as replication_plots


def test_every_defect_has_its_two_numbers_and_their_difference_with_its_interval():
    table = pd.DataFrame({"before": [0.5, 0.5, 0.6], "number": [0.6, 0.8, 0.55]}, index=list("abc"))
    table["change"] = table["number"] - table["before"]
    table["low"], table["high"] = table["change"] - 0.1, table["change"] + 0.1
    fig = replication_plots.defect_effects(table, "DREAMER")
    assert "(DREAMER)" in fig.get_suptitle()
    numbers, difference = fig.axes
    assert numbers.get_xlabel() and difference.get_xlabel()
    assert [t.get_text() for t in numbers.get_yticklabels()] == ["a", "b", "c"]
    without, with_defect = numbers.lines[:2]
    np.testing.assert_array_equal(without.get_xdata(), table["before"])
    np.testing.assert_array_equal(with_defect.get_xdata(), table["number"])
    intervals = np.array(difference.collections[0].get_segments())[:, :, 0]
    np.testing.assert_allclose(intervals, table[["low", "high"]])
    assert [t.get_text() for t in difference.texts] == ["+0.10", "+0.30", "−0.05"]
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_a_missing_interval_leaves_the_change_standing():
    table = pd.DataFrame({"before": [0.5], "number": [0.6], "change": [0.1]}, index=["a"])
    fig = replication_plots.defect_effects(table.assign(low=np.nan, high=np.nan), "synthetic")
    assert fig.axes[1].lines[0].get_xdata()[0] == 0.1
    fig.canvas.draw()


def test_every_set_of_refits_has_its_two_curves():
    curve = pd.DataFrame({"per_fold": [0.5, 0.6, 0.65], "same": [0.5, 0.55, 0.56]}, index=[1, 2, 4])
    curves = {"STR": curve, "nothing": curve - 0.05}
    fig = replication_plots.selection_optimism(curves, "synthetic")
    assert "(synthetic)" in fig.get_suptitle()
    assert [ax.get_title() for ax in fig.axes] == list(curves)
    assert all(ax.get_xlabel() for ax in fig.axes)
    for ax, drawn in zip(fig.axes, curves.values(), strict=True):
        per_fold, same, chance = ax.lines
        np.testing.assert_array_equal(per_fold.get_xdata(), [1, 2, 4])
        np.testing.assert_array_equal(per_fold.get_ydata(), drawn["per_fold"])
        np.testing.assert_array_equal(same.get_ydata(), drawn["same"])
        assert chance.get_ydata()[0] == 0.5
    assert not plt.get_fignums()


def test_people_stand_in_the_order_of_the_first_reader(check):
    table = pd.DataFrame(
        {"right": [0.8, 0.4, np.nan], "planted": [1.0, 0.9, 0.95]}, index=[7, 8, 9]
    )
    fig = replication_plots.scores_by_person(table, "synthetic", "AUC (0 to 1)")
    check(fig, "synthetic", "person", "AUC")
    (ax,) = fig.axes
    right, planted, chance = ax.lines
    assert [t.get_text() for t in ax.get_xticklabels()] == ["8", "7", "9"]
    np.testing.assert_array_equal(right.get_ydata(), [0.4, 0.8, np.nan])
    np.testing.assert_array_equal(planted.get_ydata(), [0.9, 1.0, 0.95])
    assert [right.get_label(), planted.get_label()] == ["right", "planted"]
    assert chance.get_ydata()[0] == 0.5
