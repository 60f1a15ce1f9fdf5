"""ECG on paper: the grid, the speed and the gain of a printed electrocardiogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MultipleLocator

from ecglib.core import checks
from ecglib.plots.palette import BLUE, GREEN, ORANGE
from ecglib.plots.style import WIDTH, styled

MM_PER_S, MM_PER_MV = 25.0, 10.0
"""Speed and gain of an ordinary print: a small square is 1 mm, 0.04 s by 0.1 mV."""

PAPER, FINE, COARSE, INK = "#FFF8F6", "#F6D5CF", "#E39C90", "#111111"
"""Colours of the paper, of its lines every 1 mm and every 5 mm, and of the trace."""

MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "V": 1e3}
"""What one unit of a recording is in mV."""

_PULSE_MM, _MARGIN_MM, _ROW_S = 5.0, 5.0, 10.0
_PULSE_S = (_PULSE_MM + 2 * _MARGIN_MM) / MM_PER_S  # of paper, left of the signal
_LEAST_MV, _MOST_MV = 2.0, 6.0  # height of a row
_INCH_MM = 25.4
_BELOW_MM = 10.0  # for names and intervals
_ABOVE_MM = 5.0  # for names
_AROUND_S = 0.05  # half of what a name covers
_BEAT_S = 0.5  # half of what shows where the trace lies between its waves
_MARKS = (("v", BLUE), ("x", ORANGE), ("+", GREEN))
_SIDES = {"Q": "right", "S": "left"}  # so that the two do not cover each other


@styled
def ecg_paper(
    x: np.ndarray,
    fs: float,
    unit: str,
    label: str,
    *,
    start: float = 0.0,
    waves: Mapping[str, float] | None = None,
    rr: Sequence[float] | None = None,
) -> Figure:
    """Draw one lead on ECG paper, in rows of 10 s, at 25 mm/s and 10 mm/mV.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        The lead; NaN leaves a gap.
    fs : float
        Sampling rate in Hz.
    unit : str
        "mV", "uV" or "V". With any other word the height is scaled to fit, the paper has no gain,
        and there is no calibration pulse.
    label : str
        What it is, for the title.
    start : float
        Time of the first sample in the recording, in seconds.
    waves : mapping of str to float, optional
        Names of waves, such as P and R, to write over one beat, and their times in seconds from
        the first sample.
    rr : sequence of two floats, optional
        Times of two R peaks in seconds from the first sample, to draw the RR interval between.

    Returns
    -------
    Figure
        As large as the paper would be: a square of its grid is 1 mm where it is shown in full size.

    Examples
    --------
    >>> beats = np.tile(np.r_[np.hanning(25), np.zeros(175)], 12)
    >>> ecg_paper(beats, 250, "mV", "a triangle for a heart").axes[0].get_xlabel()
    'time in the recording (s)'
    """
    x = checks.array("x", x, (None,), finite=False).astype(np.float64)
    x = x - (np.nanmedian(x) if np.isfinite(x).any() else 0.0)
    known = unit in MILLIVOLTS
    finite = np.abs(x[np.isfinite(x)])
    size = float(np.quantile(finite, 0.999)) if finite.size else 0.0
    gain = MM_PER_MV * MILLIVOLTS.get(unit, 0.0) if known else 10.0 / (size or 1.0)
    n_rows = max(1, int(np.ceil(len(x) / fs / _ROW_S - 1e-9)))
    seconds = min(_ROW_S, len(x) / fs)
    low, high = _limits(x * gain)
    low -= _BELOW_MM if waves or rr is not None else 0.0
    high += _ABOVE_MM if waves else 0.0
    left = -_PULSE_S if known else 0.0
    width = (seconds - left) * MM_PER_S / _INCH_MM + 0.9
    larger = max(1.0, width / WIDTH)  # a page shrinks what is wider than its text
    width += 0.3 * (larger - 1)
    fig, axes = plt.subplots(
        n_rows,
        1,
        squeeze=False,
        figsize=(width, n_rows * (high - low + 4 * larger) / _INCH_MM + 0.65 * larger),
    )
    for row, ax in enumerate(axes[:, 0]):
        first = round(row * _ROW_S * fs)
        part = x[first : round((row + 1) * _ROW_S * fs)] * gain
        _grid(ax, left, seconds, low, high)
        ax.plot(np.arange(len(part)) / fs, part, color=INK, linewidth=0.9, solid_joinstyle="round")
        if known:
            _pulse(ax, left)
        offset = start + row * _ROW_S
        ticks = np.arange(0, seconds + 1e-9, 1.0 if seconds <= _ROW_S else 5.0)
        ax.set_xticks(ticks, [f"{offset + t:g}" for t in ticks])
    axes[-1, 0].set_xlabel("time in the recording (s)")
    fig.supylabel(f"ECG ({unit})" if known else "ECG\n(scaled to fit)", fontsize=9)
    if waves:
        _name_waves(axes[0, 0], x * gain, fs, waves)
    if rr is not None:
        _mark_interval(axes[0, 0], low, *rr)
    speed = "25 mm/s, 10 mm/mV" if known else "25 mm/s"
    fig.suptitle(f"{speed} ({label})", fontsize=11)
    for text in fig.findobj(Text):
        text.set_fontsize(text.get_fontsize() * larger)
    return fig


@styled
def leads_paper(
    leads: np.ndarray,
    fs: float,
    label: str,
    *,
    mv_per_unit: float | None = None,
    start: float = 0.0,
    marks: Mapping[str, np.ndarray] | None = None,
    waves: Mapping[str, float] | None = None,
    rr: Sequence[float] | None = None,
) -> Figure:
    """Draw some seconds of several leads below each other on ECG paper, at 25 mm/s and 10 mm/mV.

    Parameters
    ----------
    leads : ndarray, shape (n_samples, n_leads)
        The leads; NaN leaves a gap.
    fs : float
        Sampling rate in Hz.
    label : str
        What they are, for the title.
    mv_per_unit : float, optional
        What one unit of the samples is in mV; without it the height of each lead is scaled to fit,
        the paper has no gain, and there is no calibration pulse.
    start : float
        Time of the first sample in the recording, in seconds.
    marks : mapping of str to ndarray, optional
        Up to three sets of beats by what they are, in seconds from the first sample: marks above
        every lead.
    waves, rr : optional
        As in `ecg_paper`, for the first lead.

    Returns
    -------
    Figure
        One row of paper per lead.

    Examples
    --------
    >>> beat = np.r_[np.hanning(25), np.zeros(175)]
    >>> two = np.stack([np.tile(beat, 4), np.tile(-beat, 4)], axis=1)
    >>> len(leads_paper(two, 250, "triangles", mv_per_unit=1.0).axes)
    2
    """
    leads = checks.array("leads", leads, (None, None), finite=False).astype(np.float64)
    known = mv_per_unit is not None
    if known:
        checks.number("mv_per_unit", mv_per_unit, above=0, high=1e6)
    rows = []
    for x in leads.T:
        x = x - (np.nanmedian(x) if np.isfinite(x).any() else 0.0)
        size = np.nanmax(np.abs(x), initial=0.0)
        rows.append(x * (MM_PER_MV * mv_per_unit if known else 10.0 / (size or 1.0)))
    seconds, left = len(leads) / fs, -_PULSE_S if known else 0.0
    limits = [_limits(mm) for mm in rows]
    high = max(top for _, top in limits) + (5.0 if marks else 0.0)
    lows = [low - (_BELOW_MM if number == 0 and (waves or rr is not None) else 0.0)
            for number, (low, _) in enumerate(limits)]  # fmt: skip
    heights = [high - low for low in lows]
    fig, axes = plt.subplots(
        len(rows),
        1,
        squeeze=False,
        height_ratios=heights,
        figsize=(
            (seconds - left) * MM_PER_S / _INCH_MM + 0.37,
            (sum(heights) + 4 * len(rows)) / _INCH_MM + (1.3 if marks else 0.9),
        ),
    )
    for number, (mm, low, ax) in enumerate(zip(rows, lows, axes[:, 0], strict=True)):
        _grid(ax, left, seconds, low, high)
        ax.plot(np.arange(len(mm)) / fs, mm, color=INK, linewidth=0.9, solid_joinstyle="round")
        if known:
            _pulse(ax, left)
        for (name, at), (marker, colour), up in zip(
            (marks or {}).items(), _MARKS, (1.5, 3.5, 3.5), strict=False
        ):
            ax.plot(at, np.full(len(at), high - up), marker, color=colour, label=name, ms=6)
        ax.set_ylabel(f"lead {number + 1}")
        ticks = np.arange(0, seconds + 1e-9)
        ax.set_xticks(ticks, [f"{start + t:g}" for t in ticks])
    axes[-1, 0].set_xlabel("time in the recording (s)")
    if waves:
        _name_waves(axes[0, 0], rows[0], fs, waves)
    if rr is not None:
        _mark_interval(axes[0, 0], lows[0], *rr)
    if marks:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    scale = "25 mm/s, 10 mm/mV" if known else "25 mm/s, height scaled to fit"
    fig.suptitle(f"{scale} ({label})", fontsize=11)
    return fig


def _limits(mm: np.ndarray) -> tuple[float, float]:
    """Return the lowest and highest mm of a row: whole squares of 5 mm around the trace.

    A trace that does not fit into the highest row may be cut off at a few spikes.
    """
    finite = mm[np.isfinite(mm)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    bound = _MOST_MV * MM_PER_MV / 2
    if low < -bound or high > bound:
        low, high = np.quantile(finite, (0.0005, 0.9995))
    half = _LEAST_MV * MM_PER_MV / 2
    low, high = min(low - 2, -half / 2), max(high + 2, 1.5 * half - 2)
    low, high = max(low, -bound), min(high, bound)
    return 5 * np.floor(low / 5), 5 * np.ceil(high / 5)


def _grid(ax: Axes, left: float, right: float, low: float, high: float) -> None:
    ax.set(xlim=(left, right), ylim=(low, high), facecolor=PAPER)
    ax.set_aspect(1 / MM_PER_S)
    for minor, step in ((True, 1.0), (False, 5.0)):
        colour, width = (FINE, 0.4) if minor else (COARSE, 0.7)
        xs = np.arange(np.ceil(left * MM_PER_S / step), right * MM_PER_S / step + 1e-9) * step
        ys = np.arange(low, high + 1e-9, step)
        ax.vlines(xs / MM_PER_S, low, high, color=colour, linewidth=width, zorder=0)
        ax.hlines(ys, left, right, color=colour, linewidth=width, zorder=0)
    ax.yaxis.set_major_locator(MultipleLocator(10))
    ax.tick_params(axis="y", left=False, labelleft=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _pulse(ax: Axes, left: float) -> None:
    """Draw the calibration pulse: 1 mV for 0.2 s."""
    at = left + _MARGIN_MM / MM_PER_S
    end = at + _PULSE_MM / MM_PER_S
    edge = 1 / MM_PER_S
    ax.plot(
        [at - edge, at, at, end, end, end + edge],
        [0, 0, MM_PER_MV, MM_PER_MV, 0, 0],
        color=INK,
        linewidth=0.9,
    )


def _name_waves(ax: Axes, mm: np.ndarray, fs: float, waves: Mapping[str, float]) -> None:
    for name, at in waves.items():
        here = min(max(round(at * fs), 0), len(mm) - 1)
        near, beat = (mm[max(0, here - round(s * fs)) : here + round(s * fs) + 1]
                      for s in (_AROUND_S, _BEAT_S))  # fmt: skip
        if not np.isfinite(near).any():
            continue
        up = not mm[here] < np.nanmedian(beat)  # the trace wanders: against what is around it
        ax.annotate(
            name,
            (at, np.nanmax(near) if up else np.nanmin(near)),
            (0, 4 if up else -4),
            textcoords="offset points",
            ha=_SIDES.get(name, "center"),
            va="bottom" if up else "top",
            fontsize=10,
            fontweight="bold",
            path_effects=[patheffects.withStroke(linewidth=3, foreground=PAPER)],
        )


def _mark_interval(ax: Axes, low: float, first: float, second: float) -> None:
    height = low + 3
    ax.annotate(
        "",
        (first, height),
        (second, height),
        arrowprops={"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 0},
    )
    ax.text(
        (first + second) / 2,
        height + 1.2,
        f"RR {second - first:.2f} s",
        ha="center",
        va="bottom",
        fontsize=9,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
    )
