import numpy as np
import pandas as pd
import pytest

from ecglib.plots.paper import ecg_paper, leads_paper
from ecglib.plots.recording import heart_rate_over_time, median_beats

LABEL = "some data"


def square_mm(fig, ax):
    """Size on paper of one second and of one unit of the axis, in mm."""
    fig.draw_without_rendering()
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    return (x1 - x0) / fig.dpi * 25.4, (y1 - y0) / fig.dpi * 25.4


@pytest.mark.parametrize(("unit", "scale"), [("mV", 1), ("uV", 1000), ("V", 1e-3)])
def test_a_millivolt_is_ten_millimetres_in_every_unit(check, unit, scale):
    x = np.zeros(2560)
    x[1280] = scale
    fig = ecg_paper(x, 256, unit, LABEL)
    check(fig, LABEL, "time in the recording (s)", f"ECG ({unit})")
    ax = fig.axes[0]
    trace, pulse = ax.get_lines()
    assert trace.get_ydata().max() == pytest.approx(10)
    assert pulse.get_ydata().max() == 10 and np.ptp(pulse.get_xdata()[[1, 3]]) == pytest.approx(0.2)
    per_second, per_mm = square_mm(fig, ax)
    assert per_second / per_mm == pytest.approx(25, rel=0.01)
    assert per_mm == pytest.approx(1, rel=0.06)
    assert "25 mm/s, 10 mm/mV" in fig.get_suptitle()


def test_without_a_unit_there_is_no_gain_and_no_pulse(check):
    fig = ecg_paper(1e6 + 100 * np.sin(np.arange(2560)), 256, "adu", LABEL)
    check(fig, LABEL, "time", "scaled to fit")
    assert "mm/mV" not in fig.get_suptitle()
    (trace,) = fig.axes[0].get_lines()
    assert np.abs(trace.get_ydata()).max() == pytest.approx(10, rel=0.05)


def test_rows_follow_each_other_and_gaps_stay_gaps():
    x = np.zeros(256 * 25)
    x[100] = np.nan
    fig = ecg_paper(x, 256, "mV", LABEL, start=60)
    assert len(fig.axes) == 3
    assert fig.axes[1].get_xticklabels()[0].get_text() == "70"
    assert np.isnan(fig.axes[0].get_lines()[0].get_ydata()[100])
    assert len(ecg_paper(np.full(512, np.nan), 256, "mV", LABEL).axes) == 1


def test_waves_and_an_interval_are_named():
    fig = ecg_paper(np.zeros(2560), 256, "mV", LABEL, waves={"P": 1.0, "R": 1.2}, rr=(2.0, 2.8))
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == ["P", "R", "", "RR 0.80 s"]


def test_no_peak_is_cut_off_but_a_spike_is():
    x = np.zeros(2560)
    x[1280] = 2.2
    assert ecg_paper(x, 256, "mV", LABEL).axes[0].get_ylim()[1] > 22
    x[1280] = 50
    assert ecg_paper(x, 256, "mV", LABEL).axes[0].get_ylim()[1] <= 30


def test_a_name_stands_clear_of_the_trace_where_it_wanders():
    x = np.full(2560, -0.8)
    x[:1280] = 0.8
    x[1500:1511] += 0.2 * np.hanning(11)
    fig = ecg_paper(x, 256, "mV", LABEL, waves={"T": 1505 / 256})
    (name,) = fig.axes[0].texts
    assert name.xy[1] == pytest.approx(fig.axes[0].get_lines()[0].get_ydata()[1505])
    assert name.get_va() == "bottom"


def test_letters_grow_with_the_paper():
    wide, narrow = (ecg_paper(np.zeros(n), 256, "mV", LABEL) for n in (2560, 512))
    larger = wide.get_size_inches()[0] / 8
    for fig in (wide, narrow):
        fig.draw_without_rendering()
    sizes = [fig.axes[0].get_xticklabels()[0].get_fontsize() for fig in (wide, narrow)]
    assert sizes[0] / sizes[1] == pytest.approx(larger, rel=0.05)


def test_median_beats_and_heart_rate(check):
    time = np.linspace(-0.25, 0.45, 180)
    beats = pd.DataFrame({f"V{i}": np.exp(-((time / 0.01) ** 2)) for i in range(1, 6)}, index=time)
    fig = median_beats(beats, "mV", LABEL)
    assert LABEL in fig.get_suptitle() and "mV" in fig.get_supylabel()
    assert [ax.get_title() for ax in fig.axes if ax.get_visible()] == list(beats)
    rates = pd.Series([60.0, np.nan, 70.0], index=[0.0, 10.0, 20.0])
    fig = heart_rate_over_time(rates, 10, LABEL)
    check(fig, LABEL, "time in the recording (s)", "beats per minute")
    assert fig.axes[0].get_lines()[0].get_xdata().tolist() == [5.0, 15.0, 25.0]


def test_leads_stand_on_one_paper_with_marks_over_the_beats(check):
    x = np.zeros((1280, 2))
    x[640] = 240
    beats = {"found": np.array([2.5]), "true": np.array([2.5])}
    fig = leads_paper(
        x, 256, LABEL, mv_per_unit=1 / 240, start=5, marks=beats, waves={"R": 2.5}, rr=(1.0, 1.8)
    )
    check(fig, LABEL, "time in the recording (s)", "lead 2")
    assert "25 mm/s, 10 mm/mV" in fig.get_suptitle()
    for ax in fig.axes:
        second, unit = square_mm(fig, ax)
        assert (second, unit) == pytest.approx((25, 1), rel=0.02)
        trace, pulse, *marks = ax.get_lines()
        assert trace.get_ydata().max() == pytest.approx(10)
        assert pulse.get_ydata().max() == 10
        assert [line.get_xdata().tolist() for line in marks] == [[2.5], [2.5]]
        assert all(ax.get_ylim()[1] > line.get_ydata()[0] > 10 for line in marks)
    assert [t.get_text() for t in fig.axes[1].get_xticklabels()] == ["5", "6", "7", "8", "9", "10"]
    assert [t.get_text() for t in fig.legends[0].texts] == ["found", "true"]
    assert {"R", "RR 0.80 s"} <= {t.get_text() for t in fig.axes[0].texts}


def test_leads_of_unknown_gain_are_scaled_to_fit_and_have_no_pulse():
    x = np.stack([np.sin(np.arange(512) / 9) * 1e4, np.full(512, np.nan)], axis=1)
    fig = leads_paper(x, 256, LABEL)
    assert "scaled to fit" in fig.get_suptitle()
    first, second = (ax.get_lines() for ax in fig.axes)
    assert len(first) == len(second) == 1
    assert 9 < np.abs(first[0].get_ydata()).max() < 11
