import numpy as np
import pytest

from ecglib.plots import transformations as transformations_plots

FS = 256
LABEL = "some data"


def test_the_followed_beat_is_where_its_samples_went(check):
    x = np.sin(np.arange(2560) / 20)
    ramp = np.arange(2560)
    fig = transformations_plots.before_after(
        x, x[::-1], ramp[::-1], (400, 500, 600), FS, "temporal_inversion", LABEL
    )
    check(fig, LABEL, "time in the window (s)", "ECG (SD)")
    assert fig.get_suptitle().startswith("Temporal inversion")
    for ax, first in ((fig.axes[0], 400), (fig.axes[2], 2560 - 600)):
        drawn = np.flatnonzero(np.isfinite(ax.lines[1].get_ydata()))
        np.testing.assert_array_equal(drawn, np.arange(first, first + 200))


def test_the_zoom_holds_the_peak_wherever_it_landed():
    x = np.zeros(2560)
    x[500] = 1
    fig = transformations_plots.before_after(
        x,
        np.roll(x, 1000),
        np.roll(np.arange(2560), 1000),
        (430, 500, 550),
        FS,
        "permutation",
        LABEL,
    )
    for ax, peak in ((fig.axes[1], 500), (fig.axes[3], 1500)):
        first, last = ax.get_xlim()
        assert first < peak / FS < last and last - first < 1


def test_edges_of_pieces_are_drawn_in_the_row_they_belong_to():
    x, ramp = np.sin(np.arange(2560) / 20), np.arange(2560)
    edges = (np.array([0, 1280]), np.array([0, 1000, 2000]))
    fig = transformations_plots.before_after(
        x, x, ramp, (400, 500, 600), FS, "time_warping", LABEL, edges
    )
    assert [len(ax.lines) for ax in fig.axes] == [4, 4, 5, 5]


def test_all_versions_share_one_scale(check):
    x, ramp = np.sin(np.arange(2560) / 20), np.arange(2560)
    fig = transformations_plots.seven_versions(
        {"original": x, "scaling": 3 * x},
        {"original": ramp, "scaling": ramp},
        (9, 50, 99),
        FS,
        LABEL,
    )
    check(fig, LABEL, "time in the window (s)", "ECG (SD)")
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    assert fig.axes[0].get_ylim()[1] > 3


def test_amplitudes_are_drawn_as_they_are_and_scaled(check):
    fig = transformations_plots.amplitude_overlap(np.linspace(0.5, 1.5, 200), 1.1, LABEL)
    check(fig, LABEL, "root mean square of a window (SD)", "windows (number)")
    names = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert names == ["original", "× 1.1"]


def test_a_small_change_is_laid_over_what_was_before():
    x, ramp = np.sin(np.arange(2560) / 20), np.arange(2560)
    fig = transformations_plots.before_after(
        x, 1.1 * x, ramp, (400, 500, 600), FS, "scaling", LABEL, overlay=True
    )
    assert [len(ax.lines) for ax in fig.axes] == [2, 2, 2, 3]
    np.testing.assert_array_equal(fig.axes[3].lines[2].get_ydata(), x)


@pytest.mark.parametrize("factor", [0.5, 1.1])
def test_all_amplitudes_lie_on_the_axis_whatever_the_factor(factor):
    levels = np.linspace(1, 2, 200)
    ax = transformations_plots.amplitude_overlap(levels, factor, LABEL).axes[0]
    left, right = ax.dataLim.intervalx
    assert left <= min(1, factor) * 1.01
    assert right >= max(2, 2 * factor) * 0.99
