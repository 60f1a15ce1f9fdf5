import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib import simulation_plots
from ecglib.permutation import PermutationTest
from ecglib.simulation import detectable_effect, variance_parts


def draw(name):
    rng = np.random.default_rng(0)
    means = rng.normal(0.5, 0.02, 12)
    intervals = np.stack([means - 0.03, means + 0.03], axis=1)
    share = pd.DataFrame([[0.95, 0.94], [0.6, 0.9]], index=["a", "b"], columns=[10, 23])
    p_values = pd.DataFrame({"right": rng.random(50), "wrong": rng.random(50) ** 3})
    tests = {
        (encoder, target): PermutationTest(0.6, rng.normal(0.5, 0.03, 99))
        for encoder in ("random encoder", "STR encoder")
        for target in ("valence", "arousal", "dominance")
    }
    people = rng.normal(0.6, 0.1, (9, 1))
    table = pd.DataFrame(people + rng.normal(0, 0.03, (9, 5)), index=range(1, 10))
    return {
        "interval_ladder": lambda: simulation_plots.interval_ladder(means, intervals, 0.5),
        "coverage_points": lambda: simulation_plots.coverage_points(share, share * 0.01, "people"),
        "p_value_curves": lambda: simulation_plots.p_value_curves(
            p_values, {"one head": ["right", "wrong"]}
        ),
        "permutation_histograms": lambda: simulation_plots.permutation_histograms(
            tests, "synthetic"
        ),
        "power_curves": lambda: simulation_plots.power_curves(0.1, (10, 23, 40), "synthetic"),
        "seeds_and_participants": lambda: simulation_plots.seeds_and_participants(
            table, variance_parts(table.to_numpy()), "synthetic"
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
    fig = simulation_plots.interval_ladder(means, np.array([[0.4, 0.6], [0.55, 0.65]]), 0.5)
    covers, misses = fig.axes[0].collections[:2]
    assert len(covers.get_segments()) == len(misses.get_segments()) == 1
    np.testing.assert_allclose(misses.get_segments()[0][:, 1], [0.55, 0.65])


def test_the_smallest_effect_is_drawn_for_both_kinds_of_head():
    left_out, finished = draw("power_curves").axes[1].lines[:2]
    sizes = left_out.get_xdata()
    assert left_out.get_ydata()[-1] == pytest.approx(detectable_effect(0.1, int(sizes[-1])))
    assert (left_out.get_ydata() > finished.get_ydata()).all()


def test_more_seeds_help_less_than_more_people():
    one, twice = draw("seeds_and_participants").axes[1].lines[:2]
    assert (np.diff(one.get_ydata()) <= 0).all()
    assert twice.get_ydata()[0] < one.get_ydata()[-1]
