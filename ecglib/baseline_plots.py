"""The figures of the classical baselines; style as in `ecglib.plots`."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglib.beats import AFTER_S, BEFORE_S, find_beats, landmarks, median_beat, upright
from ecglib.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH, styled


@styled
def beat_features(x: np.ndarray, fs: float, label: str) -> Figure:
    """Draw one window with its RR intervals, and its median beat with what is measured on it.

    Parameters
    ----------
    x : numpy.ndarray
        One normalised window, (n_samples,), with three whole beats or more.
    fs : float
        Sampling rate in Hz.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        The window above; below, all its whole beats in grey and their median in black.
    """
    x = upright(np.asarray(x, dtype=np.float64), fs)
    peaks = find_beats(x, fs)
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
    above.set(xlabel="time (s)", ylabel="ECG (SD)", ylim=(None, 1.4 * top))
    above.set_title("Rhythm: R peaks and RR intervals (ms)")
    _draw_beat(below, x, fs, peaks)
    fig.suptitle(f"The features of one window ({label})")
    return fig


_ARROW = {"arrowstyle": "<->", "color": BLUE, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}


def _draw_beat(ax: Axes, x: np.ndarray, fs: float, peaks: np.ndarray) -> None:
    beat, _ = median_beat(x, fs, peaks)
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    time = np.arange(-before, after + 1) / fs
    whole = peaks[(peaks >= before) & (peaks + after < len(x))]
    beats = x[whole[:, None] + np.arange(-before, after + 1)]
    level = np.median(beats[:, 0]) - beat[0]
    ax.plot(1000 * time, beats.T - level, color=GREY, linewidth=0.5)
    ax.plot(1000 * time, beat, color="black", linewidth=1.8)
    ax.axhline(0, color=GREY, linestyle=":")
    at = landmarks(beat, fs, float(np.median(np.diff(peaks))) / fs)
    r, t, p = beat[before], *(beat[before + round(at[wave] * fs)] for wave in "tp")
    for name, where, height, colour in (
        ("R height", 0.0, r, BLUE),
        ("T height", at["t"], t, ORANGE),
        ("P height", at["p"], p, GREEN),
    ):
        arrow = {**_ARROW, "color": colour, "linewidth": 1.5}
        ax.annotate("", (1000 * where, 0), (1000 * where, height), arrowprops=arrow)
        ax.text(1000 * where + 8, max(height, 0) + 0.03 * r, name)
    arrow = {**_ARROW, "color": PURPLE, "linewidth": 1.5}
    edges = [1000 * at["rising"], 1000 * at["falling"]]
    ax.annotate("", (edges[0], r / 2), (edges[1], r / 2), arrowprops=arrow)
    ax.text(edges[1] + 8, r / 2, "width at half height", va="center")
    low = beat.min() - 0.1 * r
    ax.annotate("", (0, low), (1000 * at["t"], low), arrowprops={**_ARROW, "linewidth": 1.5})
    ax.text(500 * at["t"], low + 0.03 * r, "R to T peak", ha="center")
    ax.set(xlabel="time after the R peak (ms)", ylabel="ECG above the level\nbefore QRS (SD)")
    ax.set_ylim(bottom=low - 0.05 * r)
    ax.set_title("Shape: the whole beats and their median")


@styled
def against_base_rate(accuracies: pd.DataFrame, model: str, label: str) -> Figure:
    """Draw each participant's accuracy against what the person's base rate alone achieves.

    Parameters
    ----------
    accuracies : pandas.DataFrame
        One row per target and participant, with the columns ``base_rate`` and ``model``, 0 to 1.
    model : str
        Name of the model.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One axes per target, one dot per participant; above the diagonal the model is better.
    """
    targets = accuracies["target"].unique()
    fig, axes = plt.subplots(
        1, len(targets), sharex=True, sharey=True, squeeze=False, figsize=(WIDTH, 3.2)
    )
    for ax, target in zip(axes[0], targets, strict=True):
        of_target = accuracies[accuracies["target"] == target]
        ax.plot([0, 1], [0, 1], color=GREY, linestyle=":")
        ax.scatter(of_target["base_rate"], of_target["model"], color=SKY, edgecolors=BLUE)
        ax.set(title=target, xlim=(0.46, 1.02), aspect="equal")
    lowest = min(0.46, accuracies["model"].min() - 0.04)
    axes[0, 0].set(ylim=(lowest, 1.02), ylabel=f"{model}\n(accuracy, 0 to 1)")
    fig.supxlabel("the person's own majority (accuracy, 0 to 1)", fontsize=10)
    fig.suptitle(f"A dot is a person; above the line the ECG adds something ({label})")
    return fig
