"""The figures of the book: each function draws one and returns it.

Every figure says in its title which data it shows. Colours are those of Okabe and Ito, which people
with any kind of colour vision can tell apart, and no distinction rests on colour alone.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import signal

from ecglib.cohort import TARGETS, Cohort
from ecglib.quality import QUALITIES

GREY, BLUE, ORANGE, GREEN, PURPLE = "#777777", "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW = "#56B4E9", "#F0E442"
WIDTH = 8.0
"""Inches across the text of the book."""
STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
QUALITY_COLOURS = dict(zip(QUALITIES, (GREY, PURPLE, ORANGE, BLUE), strict=True))
_COUNTS = "ECG\n(converter units)"
_NORMALISED = "ECG (SD)"


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Give a drawing function the book's style, and its figure to the caller alone."""

    @functools.wraps(draw)
    def wrapper(*args: Any, **kwargs: Any) -> Figure:
        with plt.rc_context(STYLE):
            fig = draw(*args, **kwargs)
        # Pyplot would otherwise keep it, and a notebook would show it twice.
        plt.close(fig)
        return fig

    return wrapper


@styled
def clip_durations(cohort: Cohort) -> Figure:
    """Draw how long each participant's recording of each clip is.

    Parameters
    ----------
    cohort : Cohort
        Its stimulus recordings are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Participants against clips; the colour is the duration in seconds.
    """
    rows = cohort.recordings.query("condition == 'stimulus'")
    table = rows.pivot(index="participant", columns="clip", values="duration")
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.14 * len(table)))
    mesh = ax.pcolormesh(
        table.columns, table.index, table, cmap="cividis", edgecolors="white", linewidth=0.5
    )
    ax.set(xlabel="clip (number)", ylabel="participant (number)")
    ax.set_title(f"Durations of the recordings ({cohort.name})")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.invert_yaxis()
    fig.colorbar(mesh, label="duration (s)")
    return fig


@styled
def both_leads(
    cohort: Cohort,
    recording: int,
    start: float = 0.0,
    length: float = 6.0,
    peaks: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draw a few seconds of both leads of one raw recording.

    Parameters
    ----------
    cohort : Cohort
        The recordings.
    recording : int
        Row of ``cohort.recordings``.
    start, length : float
        Part to draw, in seconds.
    peaks : mapping of str to numpy.ndarray, optional
        Up to three sets of R peaks to mark, sample numbers within the recording, by what they are.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes, one per lead, in converter units.
    """
    row = cohort.recordings.loc[recording]
    first, last = (int(t * cohort.fs) for t in (start, start + length))
    ecg = cohort.signals[recording][first:last]
    time = start + np.arange(len(ecg)) / cohort.fs
    fig, axes = plt.subplots(2, 1, sharex=True, figsize=(WIDTH, 4.2))
    for lead, ax in enumerate(axes):
        ax.plot(time, ecg[:, lead], color="black")
        ax.set(ylabel=f"lead {lead + 1}\n(converter units)")
        marks = zip((peaks or {}).items(), ("v", "x", "+"), (BLUE, ORANGE, GREEN), strict=False)
        for (name, at), marker, colour in marks:
            at = at[(at >= first) & (at < first + len(ecg))]
            height = ecg[at - first, lead] + (0.06 * np.ptp(ecg[:, lead]) if marker == "v" else 0)
            ax.plot(at / cohort.fs, height, marker, color=colour, label=name, markersize=7)
    if peaks:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    axes[1].set_xlabel("time in the recording (s)")
    axes[0].set_title(
        f"Participant {row['participant']}, clip {row['clip']}, {row['condition']} ({cohort.name})"
    )
    return fig


@styled
def rating_counts(cohort: Cohort, threshold: float = 3) -> Figure:
    """Draw how often each rating was given, one panel per target.

    Parameters
    ----------
    cohort : Cohort
        Each trial (a participant's stimulus recording) counts once.
    threshold : float
        Ratings above it are "high".

    Returns
    -------
    matplotlib.figure.Figure
        Three axes; numbers of trials against ratings.
    """
    trials = cohort.recordings.query("condition == 'stimulus'")
    fig, axes = plt.subplots(1, len(TARGETS), sharey=True, figsize=(WIDTH, 2.8))
    for target, ax in zip(TARGETS, axes, strict=True):
        counts = trials[target].value_counts().reindex(range(1, 6), fill_value=0)
        for name, colour, hatch, part in (
            ("low", SKY, None, counts[counts.index <= threshold]),
            ("high", ORANGE, "//", counts[counts.index > threshold]),
        ):
            ax.bar(part.index, part, color=colour, hatch=hatch, edgecolor="white", label=name)
        ax.axvline(threshold + 0.5, color=GREY, linestyle="--")
        ax.set(title=target, xlabel="rating (1 to 5)", xticks=range(1, 6))
    axes[0].set_ylabel("trials (number)")
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    fig.suptitle(f"Ratings ({cohort.name})")
    return fig


@styled
def high_shares(shares: pd.DataFrame, label: str) -> Figure:
    """Draw each participant's share of trials rated high.

    Parameters
    ----------
    shares : pandas.DataFrame
        One row per participant, one column per target, from 0 to 1.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One row of dots per target, its mean as a vertical line, chance as a dashed one.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.6))
    for row, target in enumerate(shares):
        values = shares[target].sort_values()
        # Equal shares would hide each other: they are stacked.
        tied = values.groupby(values)
        height = 0.1 * (tied.cumcount() - (tied.transform("size") - 1) / 2)
        ax.plot(values, row + height, "o", color=BLUE, markersize=4)
        ax.plot([values.mean()] * 2, [row - 0.38, row + 0.38], color=ORANGE, linewidth=2.5)
    ax.axvline(0.5, color=GREY, linestyle="--")
    ax.set(
        xlim=(-0.03, 1.03),
        xlabel="share of trials rated high (0 to 1)",
        ylabel="rating scale",
        yticks=range(shares.shape[1]),
        yticklabels=shares.columns,
    )
    ax.invert_yaxis()
    ax.set_title(f"One dot per participant, the mean as a bar ({label})")
    return fig


@styled
def highpass_effect(
    raw: np.ndarray, filtered: np.ndarray, fs: float, cutoff: float, label: str, length: float = 8
) -> Figure:
    """Draw one lead before and after the high-pass filter, in time and in frequency.

    Parameters
    ----------
    raw, filtered : numpy.ndarray
        One lead of a whole recording, (n_samples,), converter units.
    fs : float
        Sampling rate in Hz.
    cutoff : float
        Cut-off of the filter in Hz.
    label : str
        Which data these are.
    length : float
        Seconds to draw, from the start.

    Returns
    -------
    matplotlib.figure.Figure
        Both signals, centred, and their power spectra (Welch, segments of up to 20 s).
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=(1.7, 1))
    n = min(len(raw), int(length * fs))
    for x, name, colour, width, line in (
        (raw, "before", ORANGE, 1.8, "-"),
        (filtered, "after", "black", 0.9, "-"),
    ):
        left.plot(np.arange(n) / fs, x[:n] - np.median(x), line, color=colour, lw=width, label=name)
        at, power = signal.welch(x, fs, nperseg=min(len(x), int(20 * fs)))
        right.loglog(at[1:], power[1:], line, color=colour, lw=width)
    right.axvline(cutoff, color=BLUE, linestyle="--", label=f"cut-off {cutoff:g} Hz")
    strongest = power.max()
    right.set(xlim=(0.05, fs / 2), ylim=(strongest * 1e-8, strongest * 30))
    right.set(xlabel="frequency (Hz)", ylabel="power (converter units² / Hz)")
    left.set(xlabel="time in the recording (s)", ylabel=_COUNTS)
    fig.legend(loc="outside lower center", ncols=3)
    fig.suptitle(f"High-pass filter ({label})")
    return fig


@styled
def amplitude_ranges(
    before: Mapping[int, np.ndarray], after: Mapping[int, np.ndarray], label: str
) -> Figure:
    """Draw the middle 95 % of each participant's samples before and after normalisation.

    Parameters
    ----------
    before, after : mapping of int to numpy.ndarray
        Samples by participant; converter units, and without unit.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes; a bar per participant from the 2.5 % to the 97.5 % quantile, the median as a dot.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for ax, samples, name, unit in (
        (axes[0], before, "before", "ECG (converter units)"),
        (axes[1], after, "after", _NORMALISED),
    ):
        quantiles = np.array([np.quantile(x, (0.025, 0.5, 0.975)) for x in samples.values()])
        ax.vlines(list(samples), quantiles[:, 0], quantiles[:, 2], color=BLUE, linewidth=3)
        ax.plot(list(samples), quantiles[:, 1], "o", color="black", markersize=3)
        ax.set(title=name, xlabel="participant (number)", ylabel=unit)
        ax.xaxis.get_major_locator().set_params(integer=True)
    fig.suptitle(f"Middle 95 % of the samples ({label})")
    return fig


@styled
def window_grid(
    ecg: np.ndarray, meta: pd.DataFrame, length_s: float, fs: float, label: str
) -> Figure:
    """Draw one filtered recording and the windows cut from it.

    Parameters
    ----------
    ecg : numpy.ndarray
        One lead of a whole recording, (n_samples,), filtered, converter units.
    meta : pandas.DataFrame
        The rows of its windows, with the columns start (s) and quality.
    length_s : float
        Length of a window in seconds.
    fs : float
        Sampling rate in Hz.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Windows shaded in turn, numbered, with their quality where it is not "ok".
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    ax.plot(np.arange(len(ecg)) / fs, ecg, color="black", linewidth=0.5)
    low, high = np.quantile(ecg, (0.0005, 0.9995))
    ax.set_ylim(low - 0.15 * (high - low), high + 0.35 * (high - low))
    for number, row in enumerate(meta.itertuples()):
        flagged = row.quality != "ok"
        ax.axvspan(
            row.start,
            row.start + length_s,
            color=QUALITY_COLOURS[row.quality] if flagged else (SKY, YELLOW)[number % 2],
            alpha=0.45,
            linewidth=0,
        )
        text = f"{number + 1}\n{row.quality}" if flagged else f"{number + 1}"
        ax.annotate(
            text,
            (row.start + length_s / 2, 0.97),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            fontsize=8,
        )
    ax.set(xlabel="time in the recording (s)", ylabel=_COUNTS, xlim=(0, len(ecg) / fs))
    ax.set_title(f"Windows of {length_s:g} s in one recording ({label})")
    return fig


@styled
def quality_flags(ecg: np.ndarray, codes: np.ndarray, fs: float, label: str) -> Figure:
    """Draw one raw lead and what `ecglib.quality.sample_quality` says of its samples.

    Parameters
    ----------
    ecg : numpy.ndarray
        Raw samples of one lead, (n_samples,), converter units; NaN where missing.
    codes : numpy.ndarray
        One position in `ecglib.quality.QUALITIES` per sample.
    fs : float
        Sampling rate in Hz.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        The signal, with a shade and the name of the flag over each span that is not "ok".
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    ax.plot(np.arange(len(ecg)) / fs, ecg, color="black", linewidth=0.8)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
    named: set[str] = set()
    for first, last in itertools.pairwise(edges):
        name = QUALITIES[codes[first]]
        if name == "ok":
            continue
        ax.axvspan(
            first / fs,
            last / fs,
            color=QUALITY_COLOURS[name],
            alpha=0.4,
            hatch={"flat": "..", "clipped": "//", "missing": "xx"}[name],
            label=None if name in named else name,
        )
        named.add(name)
    if named:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set(xlabel="time in the recording (s)", ylabel=_COUNTS, xlim=(0, len(ecg) / fs))
    ax.set_title(f"Samples that no heart makes ({label})")
    return fig


@styled
def neighbour_shares(shares: pd.DataFrame, label: str) -> Figure:
    """Draw where the most similar other window comes from.

    Parameters
    ----------
    shares : pandas.DataFrame
        Columns found and expected (0 to 1), one row per kind of neighbour.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two bars per kind, what was found and what chance would give.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.7 * len(shares)))
    rows = np.arange(len(shares))
    ax.barh(rows - 0.2, shares["found"], 0.38, color=BLUE, label="found")
    ax.barh(rows + 0.2, shares["expected"], 0.38, color=SKY, hatch="//", label="by chance")
    for offset, column in ((-0.2, "found"), (0.2, "expected")):
        for row, value in enumerate(shares[column]):
            ax.annotate(f" {value:.1%}", (value, row + offset), va="center", fontsize=9)
    ax.set(yticks=rows, yticklabels=shares.index, xlim=(0, 1.08))
    ax.set(xlabel="share of windows (0 to 1)", ylabel="nearest neighbour")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"Where the most similar window comes from ({label})")
    return fig


@styled
def seven_versions(
    versions: Mapping[str, np.ndarray],
    sources: Mapping[str, np.ndarray],
    beat: tuple[int, int],
    fs: float,
    label: str,
) -> Figure:
    """Draw a window and its transformed versions below each other, one beat followed through all.

    Parameters
    ----------
    versions, sources : mapping of str to numpy.ndarray
        By task: samples, (n,), and for each of them the sample of the original that it came from.
    beat : tuple of int
        First and one-past-last sample of the beat in the original.
    fs : float
        Sampling rate in Hz.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One axes per version.
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
    fig.supylabel(_NORMALISED, fontsize=10)
    fig.suptitle(f"One window in {len(versions)} versions ({label})", fontsize=11)
    return fig


@styled
def before_after(
    x: np.ndarray,
    y: np.ndarray,
    source: np.ndarray,
    beat: tuple[int, int],
    fs: float,
    task: str,
    label: str,
    edges: tuple[np.ndarray, np.ndarray] | None = None,
) -> Figure:
    """Draw a window before and after one transformation, whole and zoomed in on the same beat.

    Parameters
    ----------
    x, y : numpy.ndarray
        The window before and after, (n,), without unit.
    source : numpy.ndarray
        (n,): the sample of `x`, possibly between two, that each sample of `y` came from.
    beat : tuple of int
        First and one-past-last sample of the beat in `x`.
    fs : float
        Sampling rate in Hz.
    task : str
        Name of the transformation.
    label : str
        Which data these are.
    edges : tuple of numpy.ndarray, optional
        Samples at which the pieces of `x` and of `y` begin, drawn as thin lines.

    Returns
    -------
    matplotlib.figure.Figure
        Four axes: the whole window on the left and the beat on the right, before and after.
    """
    fig, axes = plt.subplots(2, 2, sharey=True, figsize=(WIDTH, 3.6), width_ratios=(2.2, 1))
    centre = r_peak(x, beat)
    landed = int(np.argmin(np.abs(source - centre)))
    reach = int(0.45 * fs)
    for row, (z, origin, middle, name) in enumerate(
        ((x, np.arange(len(x)), centre, "before"), (y, source, landed, "after"))
    ):
        whole, zoom = axes[row]
        for ax in (whole, zoom):
            _follow(ax, z, origin, beat, fs)
            for edge in [] if edges is None else edges[row]:
                ax.axvline(edge / fs, color=SKY, linewidth=0.7, zorder=0)
        whole.set(xlim=(0, len(z) / fs), ylabel=_NORMALISED)
        whole.set_title(name, loc="left", fontsize=10)
        zoom.set_xlim((middle - reach) / fs, (middle + reach) / fs)
        zoom.set_title("the same beat", loc="left", fontsize=10)
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
    levels : numpy.ndarray
        Root mean square of each original window, (n_windows,), in standard deviations.
    factor : float
        What the scaled version multiplies it by.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two histograms on one axis.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    bins = np.linspace(*np.quantile(levels, (0.002, 0.998)) * (1, factor), 60)
    ax.hist(levels, bins, histtype="stepfilled", color=SKY, label="original")
    ax.hist(levels * factor, bins, histtype="step", color=ORANGE, lw=1.8, label=f"× {factor:g}")
    ax.set(xlabel="root mean square of a window (SD)", ylabel="windows (number)")
    ax.legend()
    ax.set_title(f"Amplitudes of original and scaled windows ({label})")
    return fig


def r_peak(x: np.ndarray, beat: tuple[int, int]) -> int:
    """Return the sample of the largest deviation within a beat: its R peak.

    Parameters
    ----------
    x : numpy.ndarray
        A window, (n,).
    beat : tuple of int
        First and one-past-last sample of the beat.

    Returns
    -------
    int
    """
    return beat[0] + int(np.argmax(np.abs(x[slice(*beat)])))


def _follow(ax: Axes, y: np.ndarray, source: np.ndarray, beat: tuple[int, int], fs: float) -> None:
    """Plot a window with the samples that came from the beat set off by colour and width."""
    time = np.arange(len(y)) / fs
    ax.plot(time, y, color=GREY, linewidth=0.8)
    inside = (source >= beat[0]) & (source < beat[1])
    ax.plot(time, np.where(inside, y, np.nan), color=ORANGE, linewidth=1.8)


def _common_range(*signals: np.ndarray) -> tuple[float, float]:
    """Return limits of an axis that holds all of the signals."""
    low, high = min(x.min() for x in signals), max(x.max() for x in signals)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
