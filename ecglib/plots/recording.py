"""The figures of one recording: the median beat of each lead, and the heart rate over time."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.plots.palette import BLUE, GREY
from ecglib.plots.style import WIDTH, styled

_COLUMNS = 4


@styled
def median_beats(beats: pd.DataFrame, unit: str, label: str) -> Figure:
    """Draw the median beat of every lead.

    Parameters
    ----------
    beats : DataFrame
        A column per lead, in `unit`; a row per sample, by its time after the R peak in seconds.
    unit : str
        Unit of the samples.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per lead, all on one scale.

    Examples
    --------
    >>> beats = pd.DataFrame({"I": [0.0, 1.0, 0.0], "II": [0.0, 0.5, 0.0]}, index=[-0.1, 0.0, 0.1])
    >>> len(median_beats(beats, "mV", "triangles").axes)
    2
    """
    checks.frame("beats", beats)
    columns = min(_COLUMNS, beats.shape[1])
    rows = math.ceil(beats.shape[1] / columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(min(WIDTH, 1.2 + 2.4 * columns), 0.9 + 1.7 * rows),
    )
    for ax in axes.flat[beats.shape[1] :]:
        ax.set_visible(False)
    for ax, name in zip(axes.flat, beats, strict=False):
        ax.axhline(0, color=GREY, linewidth=0.6)
        ax.axvline(0, color=GREY, linewidth=0.6, linestyle=":")
        ax.plot(beats.index, beats[name], color="black", linewidth=1.4)
        ax.set_title(name, fontsize=9)
    fig.supxlabel("time after the R peak (s)", fontsize=10)
    fig.supylabel(f"ECG ({unit})", fontsize=10)
    fig.suptitle(f"Median beat ({label})", fontsize=11)
    return fig


@styled
def heart_rate_over_time(rates: pd.Series, length_s: float, label: str) -> Figure:
    """Draw the heart rate of every window.

    Parameters
    ----------
    rates : Series
        Beats per minute by the start of the window in seconds; NaN leaves a gap.
    length_s : float
        Length of a window in seconds.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        A dot in the middle of each window, and a line through those that follow each other.

    Examples
    --------
    >>> rates = pd.Series([60.0, 62.0, None], index=[0.0, 10.0, 20.0])
    >>> heart_rate_over_time(rates, 10.0, "invented").axes[0].get_xlabel()
    'time in the recording (s)'
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.4))
    marker = "o" if len(rates) <= 400 else ","
    at = rates.index + length_s / 2
    ax.plot(at, rates, marker=marker, markersize=3, color=BLUE, linewidth=1.0)
    ax.set(xlabel="time in the recording (s)", ylabel="heart rate\n(beats per minute)")
    ax.set_xlim(0, rates.index.max() + length_s)
    ax.set_title(f"Heart rate of windows of {length_s:g} s ({label})")
    return fig
