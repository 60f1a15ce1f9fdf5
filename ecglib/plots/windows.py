"""The figures of preprocessing: filters, windows and their quality."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.core import checks
from ecglib.plots.palette import BLUE, GREY, INK, ORANGE, SKY, YELLOW
from ecglib.plots.style import COUNTS, NORMALISED, QUALITY_COLOURS, QUALITY_HATCHES, WIDTH, styled
from ecglib.preprocessing.quality import QUALITIES


@styled
def highpass_effect(
    ecg: pd.DataFrame, spectra: pd.DataFrame, cutoff: float, label: str, length: float = 8
) -> Figure:
    """Draw one lead before and after the high-pass filter, in time and in frequency.

    Parameters
    ----------
    ecg : DataFrame
        Columns before and after: the lead in converter units, both around zero; a row per sample,
        by its time in seconds.
    spectra : DataFrame
        Columns before and after: power in converter units² per Hz; a row per frequency in Hz, from
        0 to half the sampling rate.
    cutoff : float
        Cut-off of the filter in Hz.
    label : str
        Names the data, for the title.
    length : float
        Seconds to draw, from the start.

    Returns
    -------
    Figure
        Both signals on the left, and their power spectra on the right.

    Examples
    --------
    >>> ecg = pd.DataFrame({"before": np.sin(np.arange(2560) / 20)}, index=np.arange(2560) / 256)
    >>> spectra = pd.DataFrame({"before": 1.0}, index=np.arange(129.0))
    >>> ecg, spectra = (table.assign(after=table["before"] / 2) for table in (ecg, spectra))
    >>> len(highpass_effect(ecg, spectra, 0.8, "a sine").axes)
    2
    """
    checks.number("cutoff", cutoff, above=0, high=float(spectra.index.max()))
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=(1.7, 1))
    ecg, spectra = ecg[ecg.index < length], spectra[spectra.index > 0]
    for name, colour, width in (("before", ORANGE, 1.8), ("after", "black", 0.9)):
        left.plot(ecg.index, ecg[name], color=colour, linewidth=width, label=name)
        right.loglog(spectra.index, spectra[name], color=colour, linewidth=width)
    right.axvline(cutoff, color=BLUE, linestyle="--", label=f"cut-off {cutoff:g} Hz")
    strongest = spectra["after"].max()
    right.set(xlim=(0.05, spectra.index[-1]), ylim=(strongest * 1e-8, strongest * 30))
    right.set(xlabel="frequency (Hz)", ylabel="power (converter units² / Hz)")
    left.set(xlabel="time in the recording (s)", ylabel=COUNTS)
    legend = fig.legend(loc="outside lower center", ncols=3)
    for line in legend.get_lines():
        line.set_linewidth(1.8)  # as thin as in the axes, black looks grey
    fig.suptitle(f"High-pass filter ({label})")
    return fig


@styled
def filtered_beats(beats: pd.DataFrame, changes: pd.DataFrame, label: str) -> Figure:
    """Draw one beat after two filters, and what the stronger filter changes for each participant.

    Parameters
    ----------
    beats : DataFrame
        Two columns, named after the filters: the beat in % of the height of its R peak; a row per
        sample, by its time after the R peak in seconds.
    changes : DataFrame
        A row per participant and a column per wave: change of its height in % of the R peak.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        The beats on the left, cut off above the waves beside QRS; a dot per participant on the
        right, with the median as a bar.

    Examples
    --------
    >>> index = np.arange(-50, 51) / 250
    >>> beats = (
    ...     pd.DataFrame({"weak": np.hanning(101), "strong": np.hanning(101)}, index=index) * 100
    ... )
    >>> changes = pd.DataFrame({"T": [-1.0, -2.0], "P": [0.5, 0.1]}, index=[1, 2])
    >>> len(filtered_beats(beats, changes, "bumps").axes)
    2
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=(1.7, 1))
    for name, (colour, width, line) in zip(
        beats, ((ORANGE, 1.8, "-"), ("black", 1.1, "--")), strict=True
    ):
        left.plot(beats[name], line, color=colour, linewidth=width, label=name)
    slow = beats[np.abs(beats.index) > 0.1].to_numpy()
    left.set_ylim(min(slow.min(), 0) - 8, max(slow.max(), 0) + 12)
    left.axhline(0, color=GREY, linewidth=0.7)
    left.set(xlabel="time after the R peak (s)", ylabel="ECG (% of the R peak)")
    left.set_title("one participant", fontsize=10)
    for position, name in enumerate(changes):
        at = position + np.linspace(-0.25, 0.25, len(changes))
        right.plot(at, changes[name], "o", color=BLUE, markersize=4)
        right.hlines(changes[name].median(), position - 0.35, position + 0.35, color=ORANGE)
    right.axhline(0, color=GREY, linewidth=0.7)
    right.set_xticks(range(changes.shape[1]), changes.columns)
    right.set(xlabel="wave", ylabel="change (% of the R peak)")
    right.set_title("every participant", fontsize=10)
    fig.legend(loc="outside lower center", ncols=2)
    fig.suptitle(f"What the high-pass filter does to the beat ({label})")
    return fig


@styled
def amplitude_ranges(before: pd.DataFrame, after: pd.DataFrame, label: str) -> Figure:
    """Draw the middle 95 % of each participant's samples before and after normalisation.

    Parameters
    ----------
    before : DataFrame
        A row per participant, with the quantiles of the samples as columns low (2.5 %), median and
        high (97.5 %), in converter units.
    after : DataFrame
        The same of the normalised samples, without unit.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two axes; a bar per participant from the low to the high quantile, the median as a dot.

    Examples
    --------
    >>> table = pd.DataFrame({"low": [-1.0, -2.0], "median": 0.0, "high": [1.0, 2.0]}, index=[1, 2])
    >>> [ax.get_title() for ax in amplitude_ranges(table, table, "invented").axes]
    ['before', 'after']
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for ax, table, name, unit in (
        (axes[0], before, "before", COUNTS.replace("\n", " ")),
        (axes[1], after, "after", NORMALISED),
    ):
        ax.vlines(table.index, table["low"], table["high"], color=BLUE, linewidth=3)
        ax.plot(table.index, table["median"], "o", color="black", markersize=3)
        ax.set(title=name, xlabel="participant (number)", ylabel=unit)
        ax.xaxis.get_major_locator().set_params(integer=True)
    fig.suptitle(f"Middle 95 % of the samples, medians as dots ({label})")
    return fig


@styled
def window_grid(
    ecg: np.ndarray, meta: pd.DataFrame, length_s: float, fs: float, label: str
) -> Figure:
    """Draw one filtered recording and the windows cut from it.

    Parameters
    ----------
    ecg : ndarray
        One lead of a whole recording, (n_samples,), filtered, converter units.
    meta : DataFrame
        The rows of its windows, with the columns start (s) and quality.
    length_s : float
        Length of a window in seconds.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Above, the range of the signal second by second with all windows, shaded in turn, numbered,
        with their quality where it is not "ok"; below, the first two windows beat by beat.

    Examples
    --------
    >>> meta = pd.DataFrame({"start": [0.0, 10.0, 20.0], "quality": ["ok", "flat", "ok"]})
    >>> len(window_grid(np.sin(np.arange(7680) / 20), meta, 10.0, 256.0, "a sine").axes)
    2
    """
    checks.array("ecg", ecg, (None,))
    fig, (whole, zoom) = plt.subplots(2, 1, figsize=(WIDTH, 4.4), height_ratios=(1, 1.3))
    time = np.arange(len(ecg)) / fs
    second = (time // 1).astype(int)
    by_second = pd.Series(ecg).groupby(second).agg(["min", "max"])
    whole.fill_between(by_second.index + 0.5, by_second["min"], by_second["max"], color=GREY, lw=0)
    low, high = np.quantile(ecg, (0.0005, 0.9995))
    first = float(meta["start"].min())
    shown = (max(0.0, first - 1), min(len(ecg) / fs, first + 2 * length_s + 1))
    inside = (time >= shown[0]) & (time <= shown[1])
    zoom.plot(time[inside], ecg[inside], color=INK, linewidth=0.8)
    for ax in (whole, zoom):
        ax.set_ylim(low - 0.15 * (high - low), high + 0.4 * (high - low))
        ax.set_ylabel(COUNTS)
        for number, row in enumerate(meta.itertuples()):
            if ax is whole or row.start < shown[1] - 1:
                _shade_window(ax, number, row.start, length_s, row.quality)
    whole.set_xlim(0, len(ecg) / fs)
    whole.set_title("the whole recording: lowest and highest value of each second", fontsize=10)
    zoom.set(xlabel="time in the recording (s)", xlim=shown)
    zoom.set_title("its first two windows", fontsize=10)
    fig.suptitle(f"Windows of {length_s:g} s in one recording ({label})", fontsize=11)
    return fig


def _shade_window(ax: Axes, number: int, start: float, length_s: float, quality: str) -> None:
    """Shade one window behind the signal, and write its number on top."""
    flagged = quality != "ok"
    colour = QUALITY_COLOURS[quality] if flagged else (SKY, YELLOW)[number % 2]
    ax.axvspan(start, start + length_s, color=colour, alpha=0.35, linewidth=0, zorder=0)
    ax.annotate(
        f"{number + 1}\n{quality}" if flagged else f"{number + 1}",
        (start + length_s / 2, 0.97),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="top",
        fontsize=8,
    )


@styled
def quality_flags(ecg: np.ndarray, codes: np.ndarray, fs: float, label: str) -> Figure:
    """Draw one raw lead and what `ecglib.preprocessing.quality.sample_quality` says of its samples.

    Parameters
    ----------
    ecg : ndarray
        Raw samples of one lead, (n_samples,), converter units; NaN where missing.
    codes : ndarray
        One position in `ecglib.preprocessing.quality.QUALITIES` per sample.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        The signal, with a shade and the name of the flag over each span that is not "ok".

    Examples
    --------
    >>> codes = np.r_[np.zeros(200, int), np.full(56, QUALITIES.index("flat"))]
    >>> figure = quality_flags(np.sin(np.arange(256) / 20), codes, 256.0, "a sine")
    >>> figure.axes[0].get_xlabel()
    'time in the recording (s)'
    """
    checks.array("ecg", ecg, (None,), finite=False)
    checks.array("codes", codes, (len(ecg),))
    for code in np.unique(codes):
        checks.whole("codes", code, 0, len(QUALITIES) - 1)
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
            hatch=QUALITY_HATCHES[name],
            label=None if name in named else name,
        )
        named.add(name)
    if named:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set(xlabel="time in the recording (s)", ylabel=COUNTS, xlim=(0, len(ecg) / fs))
    ax.set_title(f"Samples that no heart makes ({label})")
    return fig


@styled
def neighbour_shares(shares: pd.DataFrame, label: str) -> Figure:
    """Draw where the most similar other window comes from.

    Parameters
    ----------
    shares : DataFrame
        Columns found and expected (0 to 1), one row per kind of neighbour.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two bars per kind, what was found and what chance would give.

    Examples
    --------
    >>> shares = pd.DataFrame({"found": [0.6], "expected": [0.1]}, index=["same person"])
    >>> [text.get_text().strip() for text in neighbour_shares(shares, "invented").axes[0].texts]
    ['60.0%', '10.0%']
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.7 * len(shares)))
    rows = np.arange(len(shares))
    ax.barh(rows - 0.2, shares["found"], 0.38, color=BLUE, label="found")
    ax.barh(rows + 0.2, shares["expected"], 0.38, color=SKY, hatch="//", label="by chance")
    for offset, column in ((-0.2, "found"), (0.2, "expected")):
        for row, value in enumerate(shares[column]):
            ax.annotate(f" {value:.1%}", (value, row + offset), va="center", fontsize=9)
    ax.set(yticks=rows, yticklabels=shares.index, xlim=(0, 1.08))
    ax.set(xlabel="share of windows", ylabel="nearest neighbour")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"Where the most similar window comes from ({label})")
    return fig


@styled
def rows_of_windows(
    windows: Mapping[str, np.ndarray], fs: float, label: str, title: str = "Windows"
) -> Figure:
    """Draw windows below each other, on one scale.

    Parameters
    ----------
    windows : mapping of str to ndarray of shape (n_samples,)
        Normalised windows of equal length, by what each is.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.
    title : str
        What they show.

    Returns
    -------
    Figure
        One axis per window, all with the same height and time.

    Examples
    --------
    >>> x = np.sin(np.arange(2560) / 20)
    >>> len(rows_of_windows({"one": x, "other": -x}, 256.0, "a sine").axes)
    2
    """
    fig, axes = plt.subplots(
        len(windows),
        1,
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 1.5 * len(windows)),
    )
    for (name, x), ax in zip(windows.items(), axes[:, 0], strict=True):
        ax.plot(np.arange(len(x)) / fs, x, color="black", linewidth=0.9)
        ax.set_title(name, loc="left", fontsize=10)
    axes[-1, 0].set_xlabel("time in the window (s)")
    fig.supylabel(NORMALISED, fontsize=10)
    fig.suptitle(f"{title} ({label})")
    return fig
