"""The figures of the classical baselines: what is measured on a window, and what it brings."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglib.plots.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, look
from ecglib.plots.style import NORMALISED, WIDTH, styled

if TYPE_CHECKING:
    from ecglib.features.heartbeats import AnnotatedWindow

_ARROW = {"arrowstyle": "<->", "color": BLUE, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}


@styled
def beat_features(window: AnnotatedWindow, fs: float, label: str) -> Figure:
    """Draw one window with its RR intervals, and its median beat with what is measured on it.

    Parameters
    ----------
    window : AnnotatedWindow
        Result of `ecglib.features.heartbeats.annotate_window` for a normalised window.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        The window above; below, all its whole beats in grey and their median in black.

    Examples
    --------
    >>> from ecglib.features.heartbeats import annotate_window
    >>> x = np.tile(np.r_[np.zeros(100), np.hanning(25), np.zeros(131)], 10)
    >>> len(beat_features(annotate_window(x, 256.0), 256.0, "bumps").axes)
    2
    """
    x, peaks = window.ecg, window.peaks
    fig, (above, below) = plt.subplots(
        2, 1, figsize=(WIDTH, 6.2), gridspec_kw={"height_ratios": [1, 2.2]}
    )
    above.plot(np.arange(len(x)) / fs, x, color="black")
    above.plot(peaks / fs, x[peaks], "v", color=BLUE, markersize=5)
    top = x[peaks].max()
    for left, right in pairwise(peaks / fs):
        above.annotate("", (left, 1.15 * top), (right, 1.15 * top), arrowprops=_ARROW)
        text = f"{1000 * (right - left):.0f}"
        above.text((left + right) / 2, 1.2 * top, text, ha="center", fontsize=8)
    above.set(xlabel="time (s)", ylabel=NORMALISED, ylim=(None, 1.4 * top))
    above.set_title("Rhythm: R peaks and RR intervals (ms)")
    _draw_beat(below, window)
    fig.suptitle(f"The features of one window ({label})")
    return fig


def _draw_beat(ax: Axes, window: AnnotatedWindow) -> None:
    """Plot the whole beats and their median, with an arrow for everything measured on it."""
    ax.plot(1000 * window.beats.index, window.beats, color=GREY, linewidth=0.5)
    ax.plot(1000 * window.beat.index, window.beat, color="black", linewidth=1.8)
    ax.axhline(0, color=GREY, linestyle=":")
    r, t_after = window.waves.loc["R", "height"], window.waves.loc["T", "time"]
    for wave, colour in (("R", BLUE), ("T", ORANGE), ("P", GREEN)):
        where, height = window.waves.loc[wave, ["time", "height"]]
        arrow = {**_ARROW, "color": colour, "linewidth": 1.5}
        ax.annotate("", (1000 * where, 0), (1000 * where, height), arrowprops=arrow)
        ax.text(1000 * where + 8, max(height, 0) + 0.03 * r, f"{wave} height")
    arrow = {**_ARROW, "color": PURPLE, "linewidth": 1.5}
    edges = [1000 * seconds for seconds in window.half_height]
    ax.annotate("", (edges[0], r / 2), (edges[1], r / 2), arrowprops=arrow)
    ax.text(edges[1] + 8, r / 2, "width at half height", va="center")
    low = window.beat.min() - 0.1 * r
    ax.annotate("", (0, low), (1000 * t_after, low), arrowprops={**_ARROW, "linewidth": 1.5})
    ax.text(500 * t_after, low + 0.03 * r, "R to T peak", ha="center")
    ax.set(xlabel="time after the R peak (ms)", ylabel="ECG above the level\nbefore QRS (SD)")
    ax.set_ylim(bottom=low - 0.05 * r)
    ax.set_title("Shape: the whole beats and their median")


@styled
def against_base_rate(accuracies: pd.DataFrame, model: str, label: str) -> Figure:
    """Draw each participant's accuracy against what the person's base rate alone achieves.

    Parameters
    ----------
    accuracies : DataFrame
        One row per target and participant, with the columns ``base_rate`` and ``model``, 0 to 1.
    model : str
        Name of the model.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per target, one dot per participant; above the diagonal the model is better.

    Examples
    --------
    >>> accuracies = pd.DataFrame(
    ...     {"target": "valence", "base_rate": [0.5, 0.6], "model": [0.6, 0.7]}
    ... )
    >>> len(against_base_rate(accuracies, "STR", "invented").axes)
    1
    """
    targets, drawn = accuracies["target"].unique(), look(model)
    fig, axes = plt.subplots(
        1, len(targets), sharex=True, sharey=True, squeeze=False, figsize=(WIDTH, 3.2)
    )
    for ax, target in zip(axes[0], targets, strict=True):
        of_target = accuracies[accuracies["target"] == target]
        ax.plot([0, 1], [0, 1], color=GREY, linestyle=":")
        ax.scatter(of_target["base_rate"], of_target["model"], color=drawn.colour, alpha=0.7)
        ax.set(title=target, xlim=(0.46, 1.02), aspect="equal")
    lowest = min(0.46, accuracies["model"].min() - 0.04)
    axes[0, 0].set(ylim=(lowest, 1.02), ylabel=f"{drawn.name}\n(accuracy, 0 to 1)")
    fig.supxlabel("the person's own majority (accuracy, 0 to 1)", fontsize=10)
    fig.suptitle(f"A dot is a person; above the line the ECG adds something ({label})")
    return fig
