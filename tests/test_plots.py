"""Tests of the figures: they are built, say their data and units, and leave nothing behind."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ecglib import plots
from ecglib.cohort import TARGETS, Cohort
from ecglib.quality import sample_quality
from ecglib.synthetic import CohortSpec, SyntheticCohort, make_cohort

FS = 256
LABEL = "some data"


@pytest.fixture(scope="module")
def made() -> SyntheticCohort:
    return make_cohort(CohortSpec(n_participants=3, clip_lengths_s=(20.0, 30.0)), seed=0)


@pytest.fixture(scope="module")
def cohort(made: SyntheticCohort) -> Cohort:
    return made.cohort


@pytest.fixture(scope="module")
def lead(cohort: Cohort) -> np.ndarray:
    return cohort.signals[1][:, 0].astype(float)


def titles(fig: Figure) -> str:
    above = fig.get_suptitle()
    return " ".join([above, *(ax.get_title() for ax in fig.axes)])


def check(fig: Figure, label: str, x: str, y: str) -> None:
    """Check title, axis labels, that the figure can be drawn, and that pyplot let go of it."""
    assert f"({label})" in titles(fig)
    assert any(x in ax.get_xlabel() for ax in fig.axes)
    labels = [fig.get_supylabel(), *(ax.get_ylabel() for ax in fig.axes)]
    assert any(y in text for text in labels)
    fig.canvas.draw()
    assert not plt.get_fignums()


def test_durations_are_drawn_for_every_participant_and_clip(cohort):
    fig = plots.clip_durations(cohort)
    check(fig, "synthetic", "clip (number)", "participant (number)")
    assert fig.axes[1].get_ylabel() == "duration (s)"
    drawn = fig.axes[0].collections[0].get_array()
    np.testing.assert_array_equal(drawn, [[20, 30]] * 3)


def test_leads_are_drawn_over_the_seconds_asked_for_with_the_peaks_in_them(made):
    peaks = made.truth.r_peaks[1]
    fig = plots.both_leads(made.cohort, 1, start=3, length=5, peaks={"true": peaks})
    check(fig, "synthetic", "time in the recording (s)", "lead 2\n(converter units)")
    ecg, marks = fig.axes[0].lines
    np.testing.assert_array_equal(ecg.get_ydata(), made.cohort.signals[1][3 * FS : 8 * FS, 0])
    expected = peaks[(peaks >= 3 * FS) & (peaks < 8 * FS)] / FS
    np.testing.assert_allclose(marks.get_xdata(), expected)


def test_leads_can_be_drawn_without_peaks_and_past_the_end(cohort):
    fig = plots.both_leads(cohort, 1, start=18, length=10)
    assert len(fig.axes[0].lines[0].get_xdata()) == 2 * FS


def test_ratings_are_counted_per_trial_and_parted_by_the_threshold(cohort):
    fig = plots.rating_counts(cohort, threshold=3)
    check(fig, "synthetic", "rating (1 to 5)", "trials (number)")
    stimuli = cohort.recordings[cohort.recordings["condition"] == "stimulus"]
    for target, ax in zip(TARGETS, fig.axes, strict=True):
        low, high = ax.containers
        assert sum(bar.get_height() for bar in high) == (stimuli[target] > 3).sum()
        assert sum(bar.get_height() for bar in low) == (stimuli[target] <= 3).sum()


def test_shares_show_one_dot_per_participant_and_the_mean():
    shares = pd.DataFrame({"valence": [0.2, 0.4, 0.9], "arousal": [0.5, 0.5, 0.5]})
    fig = plots.high_shares(shares, LABEL)
    check(fig, LABEL, "share of trials", "rating scale")
    dots, mean = fig.axes[0].lines[:2]
    np.testing.assert_array_equal(dots.get_xdata(), [0.2, 0.4, 0.9])
    np.testing.assert_allclose(mean.get_xdata(), 0.5)


def test_highpass_figure_marks_the_cut_off(lead):
    fig = plots.highpass_effect(lead, lead - lead.mean(), FS, 0.8, LABEL)
    check(fig, LABEL, "frequency (Hz)", "converter units² / Hz")
    assert fig.axes[1].lines[-1].get_xdata()[0] == 0.8


def test_amplitudes_are_drawn_for_every_participant(lead):
    before = {1: lead, 2: 2 * lead}
    after = {participant: x / x.std() for participant, x in before.items()}
    fig = plots.amplitude_ranges(before, after, LABEL)
    check(fig, LABEL, "participant (number)", "ECG (SD)")
    assert len(fig.axes[0].collections[0].get_segments()) == 2


def test_windows_are_numbered_and_flags_named(lead):
    meta = pd.DataFrame({"start": [0.0, 10.0], "quality": ["ok", "flat"]})
    fig = plots.window_grid(lead, meta, 10.0, FS, LABEL)
    check(fig, LABEL, "time in the recording (s)", "converter units")
    assert [text.get_text() for text in fig.axes[0].texts] == ["1", "2\nflat"]


def test_every_kind_of_bad_sample_is_named_once(lead):
    ecg = lead.copy()
    ecg[500:600] = np.nan
    ecg[1000:1030] = np.nanmax(ecg) + 50
    ecg[2000:2700] = ecg[2000]
    ecg[4000:4100] = np.nan
    fig = plots.quality_flags(ecg, sample_quality(ecg, FS), FS, LABEL)
    check(fig, LABEL, "time in the recording (s)", "converter units")
    names = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert sorted(names) == ["clipped", "flat", "missing"]


def test_quality_figure_of_a_clean_recording_has_no_legend(lead):
    fig = plots.quality_flags(lead, np.zeros(len(lead), dtype=np.int8), FS, LABEL)
    assert fig.axes[0].get_legend() is None


def test_neighbours_show_both_bars():
    shares = pd.DataFrame(
        {"found": [0.5, 0.9], "expected": [0.01, 0.05]}, index=["trial", "person"]
    )
    fig = plots.neighbour_shares(shares, LABEL)
    check(fig, LABEL, "share of windows", "nearest neighbour")
    widths = [bar.get_width() for bars in fig.axes[0].containers for bar in bars]
    assert widths == [0.5, 0.9, 0.01, 0.05]


def test_the_followed_beat_is_where_its_samples_went():
    x = np.sin(np.arange(2560) / 20)
    ramp = np.arange(2560)
    fig = plots.before_after(x, x[::-1], ramp[::-1], (400, 600), FS, "temporal_inversion", LABEL)
    check(fig, LABEL, "time in the window (s)", "ECG (SD)")
    assert titles(fig).startswith("Temporal inversion")
    for ax, first in ((fig.axes[0], 400), (fig.axes[2], 2560 - 600)):
        drawn = np.flatnonzero(np.isfinite(ax.lines[1].get_ydata()))
        np.testing.assert_array_equal(drawn, np.arange(first, first + 200))


def test_the_zoom_holds_the_peak_wherever_it_landed():
    x = np.zeros(2560)
    x[500] = 1
    fig = plots.before_after(
        x, np.roll(x, 1000), np.roll(np.arange(2560), 1000), (450, 550), FS, "permutation", LABEL
    )
    for ax, peak in ((fig.axes[1], 500), (fig.axes[3], 1500)):
        first, last = ax.get_xlim()
        assert first < peak / FS < last and last - first < 1


def test_edges_of_pieces_are_drawn_in_the_row_they_belong_to():
    x, ramp = np.sin(np.arange(2560) / 20), np.arange(2560)
    edges = (np.array([0, 1280]), np.array([0, 1000, 2000]))
    fig = plots.before_after(x, x, ramp, (400, 600), FS, "time_warping", LABEL, edges)
    assert [len(ax.lines) for ax in fig.axes] == [4, 4, 5, 5]


def test_all_versions_share_one_scale():
    x, ramp = np.sin(np.arange(2560) / 20), np.arange(2560)
    fig = plots.seven_versions(
        {"original": x, "scaling": 3 * x}, {"original": ramp, "scaling": ramp}, (9, 99), FS, LABEL
    )
    check(fig, LABEL, "time in the window (s)", "ECG (SD)")
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    assert fig.axes[0].get_ylim()[1] > 3


def test_amplitudes_are_drawn_as_they_are_and_scaled():
    fig = plots.amplitude_overlap(np.linspace(0.5, 1.5, 200), 1.1, LABEL)
    check(fig, LABEL, "root mean square of a window (SD)", "windows (number)")
    names = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert names == ["original", "× 1.1"]


def test_r_peak_is_the_largest_deviation_in_the_beat_whatever_its_sign():
    x = np.zeros(100)
    x[[10, 40, 90]] = 3, -2, 5
    assert plots.r_peak(x, (20, 60)) == 40


def test_the_style_ends_with_the_figure():
    before = dict(plt.rcParams)
    plots.amplitude_overlap(np.linspace(0.5, 1.5, 20), 1.1, LABEL)
    assert dict(plt.rcParams) == before
