import numpy as np
import pandas as pd

from ecglib.plots import windows as windows_plots
from ecglib.preprocessing.quality import sample_quality

FS = 256
LABEL = "some data"


def test_highpass_figure_marks_the_cut_off(lead, check):
    ecg = pd.DataFrame({"before": lead, "after": lead - lead.mean()}, np.arange(len(lead)) / FS)
    spectra = pd.DataFrame({"before": [9.0, 2, 1], "after": [0.1, 2, 1]}, index=[0, 64, 128])
    fig = windows_plots.highpass_effect(ecg, spectra, 0.8, LABEL, length=5)
    check(fig, LABEL, "frequency (Hz)", "converter units² / Hz")
    time, frequency = fig.axes
    assert frequency.lines[-1].get_xdata()[0] == 0.8
    for number, column in enumerate(ecg):
        np.testing.assert_array_equal(time.lines[number].get_ydata(), ecg[column].iloc[: 5 * FS])
        # There is no zero on a logarithmic axis.
        np.testing.assert_array_equal(frequency.lines[number].get_xdata(), [64, 128])


def test_beats_are_cut_off_above_the_slow_waves_and_every_participant_is_a_dot(check):
    time = np.arange(-64, 116) / FS
    beat = np.where(np.abs(time) < 0.03, 100.0, 0.0) + 20 * np.exp(-(((time - 0.3) / 0.05) ** 2))
    beats = pd.DataFrame({"0.05 Hz": beat, "0.8 Hz": beat - 1}, index=time)
    changes = pd.DataFrame({"ST": [-1.0, -0.5, -0.9], "T": [0.5, 0.2, 0.3]}, index=[1, 2, 5])
    fig = windows_plots.filtered_beats(beats, changes, LABEL)
    check(fig, LABEL, "time after the R peak (s)", "% of the R peak")
    left, right = fig.axes
    assert 20 < left.get_ylim()[1] < 40 and left.get_ylim()[0] < -1
    for line, name in zip(left.lines, beats, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), beats[name])
    for line, name in zip(right.lines, changes, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), changes[name])
    medians = [bar.get_segments()[0][0, 1] for bar in right.collections]
    assert medians == [-0.9, 0.3]
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["0.05 Hz", "0.8 Hz"]


def test_amplitudes_are_drawn_for_every_participant(check):
    before = pd.DataFrame({"low": [-9, -5], "median": [0, 1], "high": [20, 12]}, index=[1, 4])
    fig = windows_plots.amplitude_ranges(before, before / 10, LABEL)
    check(fig, LABEL, "participant (number)", "ECG (SD)")
    for ax, scale in zip(fig.axes, (1, 0.1), strict=True):
        bars = np.array(ax.collections[0].get_segments())
        np.testing.assert_allclose(bars[:, :, 0], [[1, 1], [4, 4]])
        np.testing.assert_allclose(bars[:, :, 1], scale * before[["low", "high"]])
        np.testing.assert_allclose(ax.lines[0].get_ydata(), scale * before["median"])


def test_windows_are_numbered_and_flags_named(lead, check):
    meta = pd.DataFrame({"start": [0.0, 10.0], "quality": ["ok", "flat"]})
    fig = windows_plots.window_grid(lead, meta, 10.0, FS, LABEL)
    check(fig, LABEL, "time in the recording (s)", "converter units")
    assert [text.get_text() for text in fig.axes[0].texts] == ["1", "2\nflat"]


def test_every_kind_of_bad_sample_is_named_once(lead, check):
    ecg = lead.copy()
    ecg[500:600] = np.nan
    ecg[1000:1030] = np.nanmax(ecg) + 50
    ecg[2000:2700] = ecg[2000]
    ecg[4000:4100] = np.nan
    fig = windows_plots.quality_flags(ecg, sample_quality(ecg, FS), FS, LABEL)
    check(fig, LABEL, "time in the recording (s)", "converter units")
    names = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert sorted(names) == ["clipped", "flat", "missing"]


def test_quality_figure_of_a_clean_recording_has_no_legend(lead):
    fig = windows_plots.quality_flags(lead, np.zeros(len(lead), dtype=np.int8), FS, LABEL)
    assert fig.axes[0].get_legend() is None


def test_neighbours_show_both_bars(check):
    shares = pd.DataFrame(
        {"found": [0.5, 0.9], "expected": [0.01, 0.05]}, index=["trial", "person"]
    )
    fig = windows_plots.neighbour_shares(shares, LABEL)
    check(fig, LABEL, "share of windows", "nearest neighbour")
    widths = [bar.get_width() for bars in fig.axes[0].containers for bar in bars]
    assert widths == [0.5, 0.9, 0.01, 0.05]


def test_windows_stand_below_each_other_on_one_scale(check):
    rows = {"one": np.zeros(256), "two": np.linspace(-2, 3, 256)}
    fig = windows_plots.rows_of_windows(rows, 256, LABEL, "Two windows")
    check(fig, LABEL, "time in the window (s)", "ECG (SD)")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["one", "two"]
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
