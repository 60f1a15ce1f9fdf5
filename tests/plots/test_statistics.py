import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.power import detectable_effects, power_curves, standard_errors
from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.plots import statistics as statistics_plots


def draw(name):
    rng = np.random.default_rng(0)
    means = rng.normal(0.5, 0.02, 12)
    intervals = np.stack([means - 0.03, means + 0.03], axis=1)
    share = pd.DataFrame([[0.95, 0.94], [0.6, 0.9]], index=["a", "b"], columns=[10, 23])
    p_values = pd.DataFrame({"right": rng.random(50), "wrong": rng.random(50) ** 3})
    results = pd.MultiIndex.from_product([[RANDOM, STR], ["valence", "arousal", "dominance"]])
    permuted = pd.DataFrame(rng.normal(0.5, 0.03, (99, 6)), columns=results)
    observed = pd.Series(np.linspace(0.6, 0.7, 6), index=results)
    people = rng.normal(0.6, 0.1, (9, 1))
    table = pd.DataFrame(people + rng.normal(0, 0.03, (9, 5)), index=range(1, 10))
    parts = {"participant": 0.01, "seed": 0.0001, "rest": 0.0009}
    return {
        "interval_ladder": lambda: statistics_plots.interval_ladder(means, intervals, 0.5),
        "coverage_points": lambda: statistics_plots.coverage_points(share, share * 0.01, "people"),
        "p_value_curves": lambda: statistics_plots.p_value_curves(
            p_values, {"one head": ["right", "wrong"]}
        ),
        "permutation_histograms": lambda: statistics_plots.permutation_histograms(
            permuted, observed, "synthetic"
        ),
        "power_curves": lambda: statistics_plots.power_curves(
            power_curves(0.1, (10, 23, 40)), detectable_effects(0.1), 0.1, "synthetic"
        ),
        "seeds_and_participants": lambda: statistics_plots.seeds_and_participants(
            table, standard_errors(parts, (9, 18)), "synthetic"
        ),
    }[name]()


SIMULATED = ("interval_ladder", "coverage_points", "p_value_curves")
OF_DATA = ("permutation_histograms", "power_curves", "seeds_and_participants")


@pytest.mark.parametrize("name", SIMULATED + OF_DATA)
def test_every_figure_names_its_data_and_labels_its_axes(name):
    fig = draw(name)
    title = fig.get_suptitle() or fig.axes[0].get_title()
    assert ("(simulated)" if name in SIMULATED else "(synthetic)") in title
    assert all(ax.get_xlabel() for ax in fig.axes if ax.get_subplotspec().is_last_row())
    assert not plt.get_fignums()
    fig.canvas.draw()


def test_intervals_that_miss_are_told_apart():
    means = np.array([0.5, 0.6])
    fig = statistics_plots.interval_ladder(means, np.array([[0.4, 0.6], [0.55, 0.65]]), 0.5)
    covers, misses = fig.axes[0].collections[:2]
    assert len(covers.get_segments()) == len(misses.get_segments()) == 1
    np.testing.assert_allclose(misses.get_segments()[0][:, 1], [0.55, 0.65])


def test_the_bars_of_a_coverage_end_at_all_and_the_band_is_none_of_the_series():
    share = pd.DataFrame({"plain": [0.95, 0.99]}, index=["a", "b"])
    ax = statistics_plots.coverage_points(share, share * 0 + 0.01, "interval").axes[0]
    bars = np.array(ax.containers[0].lines[2][0].get_segments())[:, :, 0]
    np.testing.assert_allclose(bars, [[0.93, 0.97], [0.97, 1.0]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain"]
    assert "93 to 97 %" in ax.get_xlabel()


def test_the_smallest_effect_is_drawn_for_both_kinds_of_head():
    left_out, finished = draw("power_curves").axes[1].lines[:2]
    effects = detectable_effects(0.1)
    np.testing.assert_array_equal(left_out.get_xdata(), effects.index)
    np.testing.assert_array_equal(left_out.get_ydata(), effects["left-out heads"])
    assert (left_out.get_ydata() > finished.get_ydata()).all()


def test_more_seeds_help_less_than_more_people():
    one, twice = draw("seeds_and_participants").axes[1].lines[:2]
    assert (np.diff(one.get_ydata()) <= 0).all()
    assert twice.get_ydata()[0] < one.get_ydata()[-1]


def test_p_values_are_drawn_as_the_share_up_to_each_level():
    p_values = pd.DataFrame({"right": [0.9, 0.1, 0.5, 0.3], "wrong": [0.1, 0.1, 0.1, 0.1]})
    fig = statistics_plots.p_value_curves(p_values, {"one head": ["right", "wrong"]})
    _, right, wrong = fig.axes[0].lines
    np.testing.assert_array_equal(right.get_xdata()[1:], [0.1, 0.3, 0.5, 0.9])
    np.testing.assert_array_equal(right.get_ydata(), [0, 0.25, 0.5, 0.75, 1])
    assert wrong.get_ydata()[-1] == 1 and set(wrong.get_xdata()) == {0.1}


def test_every_encoder_and_target_has_its_histogram_and_its_observed_mean():
    fig = draw("permutation_histograms")
    targets = ("valence", "arousal", "dominance")
    titles = [f"{encoder}, {target}" for encoder in (RANDOM, STR) for target in targets]
    assert [ax.get_title() for ax in fig.axes] == titles
    for ax, observed in zip(fig.axes, np.linspace(0.6, 0.7, 6), strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == 99
        assert ax.lines[0].get_xdata()[0] == observed


def test_people_stand_in_the_order_of_the_table():
    fig = draw("seeds_and_participants")
    left, right = fig.axes
    assert [t.get_text() for t in left.get_xticklabels()] == [str(n) for n in range(1, 10)]
    assert len(left.lines) == 5 + 1
    assert [t.get_text() for t in right.get_legend().get_texts()] == ["9 people", "18 people"]
