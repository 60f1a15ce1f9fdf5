"""The figures of the transformations: one window in many versions, and how loud windows are."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.plots.palette import GREY, ORANGE, SKY
from ecglib.plots.style import NORMALISED, WIDTH, styled


@styled
def seven_versions(
    versions: Mapping[str, np.ndarray],
    sources: Mapping[str, np.ndarray],
    beat: tuple[int, int, int],
    fs: float,
    label: str,
) -> Figure:
    """Draw a window and its transformed versions below each other, one beat followed through all.

    Parameters
    ----------
    versions, sources : mapping of str to ndarray
        By task: samples, (n,), and for each of them the sample of the original that it came from.
    beat : tuple of int
        First sample, R peak and one-past-last sample of the beat in the original.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per version.

    Examples
    --------
    >>> x, at = np.sin(np.arange(2560) / 20), np.arange(2560)
    >>> figure = seven_versions(
    ...     {"original": x, "negation": -x},
    ...     {"original": at, "negation": at},
    ...     (500, 600, 700),
    ...     256.0,
    ...     "a sine",
    ... )
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['original', 'negation']
    """
    fig, axes = plt.subplots(
        len(versions), 1, sharex=True, sharey=True, figsize=(WIDTH, 0.95 * len(versions) + 0.6)
    )
    for ax, (task, y) in zip(axes, versions.items(), strict=True):
        _follow(ax, y, sources[task], beat, fs)
        ax.set_title(task.replace("_", " "), loc="left", fontsize=9, pad=1)
    low, high = _common_range(*versions.values())
    axes[0].set(xlim=(0, len(y) / fs), ylim=(low, high))
    axes[-1].set_xlabel("time in the window (s)")
    fig.supylabel(NORMALISED, fontsize=10)
    fig.suptitle(f"One window in {len(versions)} versions ({label})", fontsize=11)
    return fig


@styled
def before_after(
    x: np.ndarray,
    y: np.ndarray,
    source: np.ndarray,
    beat: tuple[int, int, int],
    fs: float,
    task: str,
    label: str,
    edges: tuple[np.ndarray, np.ndarray] | None = None,
    overlay: bool = False,
) -> Figure:
    """Draw a window before and after one transformation, whole and zoomed in on the same beat.

    Parameters
    ----------
    x, y : ndarray
        The window before and after, (n,), without unit.
    source : ndarray
        (n,): the sample of `x`, possibly between two, that each sample of `y` came from.
    beat : tuple of int
        First sample, R peak and one-past-last sample of the beat in `x`.
    fs : float
        Sampling rate in Hz.
    task : str
        Name of the transformation.
    label : str
        Names the data, for the title.
    edges : tuple of ndarray, optional
        Samples at which the pieces of `x` and of `y` begin, drawn as thin lines.
    overlay : bool
        Draw the enlarged beat before below the one after: for changes too small to see apart.

    Returns
    -------
    Figure
        Four axes: the whole window on the left and the beat on the right, before and after.

    Examples
    --------
    >>> x, at = np.sin(np.arange(2560) / 20), np.arange(2560)
    >>> len(before_after(x, -x, at, (500, 600, 700), 256.0, "negation", "a sine").axes)
    4
    """
    checks.array("x", x, (None,))
    checks.array("y", y, (None,))
    checks.array("source", source, (len(y),))
    fig, axes = plt.subplots(2, 2, sharey=True, figsize=(WIDTH, 3.6), width_ratios=(2.2, 1))
    fig.get_layout_engine().set(wspace=0.05)  # the last tick of the left and the first of the right
    peak = beat[1]
    landed = int(np.argmin(np.abs(source - peak)))
    reach = int(0.45 * fs)
    for row, (z, origin, middle, name) in enumerate(
        ((x, np.arange(len(x)), peak, "before"), (y, source, landed, "after"))
    ):
        whole, zoom = axes[row]
        for ax in (whole, zoom):
            _follow(ax, z, origin, beat, fs)
            for edge in [] if edges is None else edges[row]:
                ax.axvline(edge / fs, color=SKY, linewidth=0.7, zorder=0)
        whole.set(xlim=(0, len(z) / fs), ylabel=NORMALISED)
        whole.set_title(name, loc="left", fontsize=10)
        zoom.set_xlim((middle - reach) / fs, (middle + reach) / fs)
        title = "the same beat"
        if overlay and row:
            zoom.plot(np.arange(len(x)) / fs, x, color="black", linewidth=1.0, linestyle="--")
            title = "both: after, before dashed"
        zoom.set_title(title, loc="left", fontsize=10)
    axes[0, 0].set_ylim(_common_range(x, y))
    for ax in axes[1]:
        ax.set_xlabel("time in the window (s)")
    fig.suptitle(f"{task.replace('_', ' ').capitalize()} ({label})", fontsize=11)
    return fig


@styled
def amplitude_overlap(levels: np.ndarray, factor: float, label: str) -> Figure:
    """Draw the amplitudes of windows as they are and scaled.

    Parameters
    ----------
    levels : ndarray
        Root mean square of each original window, (n_windows,), in standard deviations.
    factor : float
        What the scaled version multiplies it by.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two histograms on one axis.

    Examples
    --------
    >>> levels = np.random.default_rng(0).normal(1, 0.1, 50)
    >>> amplitude_overlap(levels, 1.1, "invented").axes[0].get_legend_handles_labels()[1]
    ['original', '× 1.1']
    """
    checks.array("levels", levels, (None,))
    checks.number("factor", factor, above=0)
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    ends = np.quantile(levels, (0.002, 0.998)) * (min(1, factor), max(1, factor))
    bins = np.linspace(*ends, 60)
    ax.hist(levels, bins, histtype="stepfilled", color=SKY, label="original")
    ax.hist(levels * factor, bins, histtype="step", color=ORANGE, lw=1.8, label=f"× {factor:g}")
    ax.set(xlabel="root mean square of a window (SD)", ylabel="windows (number)")
    ax.legend()
    ax.set_title(f"Amplitudes of original and scaled windows ({label})")
    return fig


def _follow(
    ax: Axes, y: np.ndarray, source: np.ndarray, beat: tuple[int, int, int], fs: float
) -> None:
    """Plot a window with the samples that came from the beat set off by colour and width."""
    time = np.arange(len(y)) / fs
    ax.plot(time, y, color=GREY, linewidth=0.8)
    inside = (source >= beat[0]) & (source < beat[-1])
    ax.plot(time, np.where(inside, y, np.nan), color=ORANGE, linewidth=1.8)


def _common_range(*signals: np.ndarray) -> tuple[float, float]:
    """Return limits of an axis that holds all of the signals."""
    low, high = min(x.min() for x in signals), max(x.max() for x in signals)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
