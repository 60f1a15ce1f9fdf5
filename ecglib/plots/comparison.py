"""The figures of the comparison: every choice, what each changes, and fewer labels."""

from __future__ import annotations

import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ecglib.evaluation.protocols import (
    ALL,
    ENCODERS,
    FROZEN,
    PRETEXTS,
    SCRATCH,
    TRANSFERS,
    TUNED,
)
from ecglib.plots.palette import GREY, INK, look
from ecglib.plots.style import WIDTH, styled

TRANSFER_MARKERS = {FROZEN: "o", TUNED: "s", SCRATCH: "X"}
"""Marker of each transfer, in every figure; the colour is that of the pretext."""

_TRANSFER_LINES = {FROZEN: "-", TUNED: "--", SCRATCH: ":"}
_MAJORITY = {"color": GREY, "linestyle": (0, (1, 3)), "linewidth": 1.5, "label": "majority class"}


@styled
def choice_grid(table: pd.DataFrame, label: str, metric: str = "AUC (0 to 1)") -> Figure:
    """Draw the mean and interval of every choice, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.evaluation.paired.summarise_scores`, one metric and one number of classes.
    label : str
        Names the data, for the title.
    metric : str
        Name of the axis.

    Returns
    -------
    Figure
        Rows and colours: pretexts; marker: transfer; hollow: the plain encoder. The dotted line is
        the majority class.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"pretext": ["random", "STR"], "mean": [0.5, 0.6], "target": "valence"}
    ... )
    >>> table = table.assign(transfer="frozen", encoder="plain", low=0.45, high=0.65, baseline=0.5)
    >>> len(choice_grid(table, "invented").axes)
    1
    """
    targets = list(dict.fromkeys(table["target"]))
    pretexts = [p for p in PRETEXTS if p in set(table["pretext"])]
    combos = [
        (transfer, encoder)
        for transfer in TRANSFERS
        for encoder in ENCODERS
        if ((table["transfer"] == transfer) & (table["encoder"] == encoder)).any()
    ]
    size = (WIDTH, 1.4 + 0.75 * len(pretexts))
    fig, axes = plt.subplots(1, len(targets), figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, target in zip(axes[0], targets, strict=True):
        rows = table[table["target"] == target]
        for transfer, encoder in combos:
            some = rows[(rows["transfer"] == transfer) & (rows["encoder"] == encoder)]
            offset = 0.5 * (combos.index((transfer, encoder)) / max(1, len(combos) - 1) - 0.5)
            for row in some.itertuples():
                y = pretexts.index(row.pretext) + offset
                colour = _colour(row.pretext, transfer)
                ax.hlines(y, row.low, row.high, color=colour, lw=1.5)
                ax.plot(row.mean, y, color=colour, **_mark(transfer, encoder, colour))
        ax.axvline(rows["baseline"].iloc[0], **_MAJORITY)
        ax.set(title=target, xlabel=metric)
    axes[0][0].set_yticks(range(len(pretexts)), [look(p).name for p in pretexts])
    axes[0][0].set_ylabel("pretext")
    axes[0][0].invert_yaxis()
    marks = [
        Line2D([], [], color=INK, linestyle="", label=f"{t}, {e}", **_mark(t, e, INK))
        for t, e in combos
    ]
    fig.legend(handles=[*marks, axes[0][0].lines[-1]], loc="outside lower center", ncols=4)
    fig.suptitle(f"Every pretext, transfer and encoder ({label})")
    return fig


def _colour(pretext: str, transfer: str) -> str:
    """Give the colour of a network: from scratch, it is no longer the random encoder."""
    return look(SCRATCH if transfer == SCRATCH else pretext).colour


def _mark(transfer: str, encoder: str, colour: str) -> dict[str, Any]:
    fill = "white" if encoder == ENCODERS[0] else colour
    return {"marker": TRANSFER_MARKERS[transfer], "markerfacecolor": fill, "markersize": 5}


@styled
def contrast_forest(table: pd.DataFrame, label: str, metric: str = "ΔAUC") -> Figure:
    """Draw paired differences with their corrected intervals, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.evaluation.paired.paired_tests`.
    label : str
        Names the data, for the title.
    metric : str
        Name of the axis, a short one.

    Returns
    -------
    Figure
        Filled where the interval leaves out zero; the legend says so.

    Examples
    --------
    >>> table = pd.DataFrame({"question": ["pretrained", "fine-tuned"], "target": "valence"})
    >>> table = table.assign(mean=[0.05, 0.1], low=[-0.02, 0.03], high=[0.12, 0.17])
    >>> len(contrast_forest(table, "invented").axes)
    1
    """
    targets = list(dict.fromkeys(table["target"]))
    questions = list(dict.fromkeys(table["question"]))
    names = [textwrap.fill(question, 40) for question in questions]
    size = (WIDTH, 1.5 + 0.25 * sum(1 + name.count("\n") for name in names))
    fig, axes = plt.subplots(1, len(targets), figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, target in zip(axes[0], targets, strict=True):
        for row in table[table["target"] == target].itertuples():
            y = questions.index(row.question)
            clear = row.low > 0 or row.high < 0
            ax.hlines(y, row.low, row.high, color=INK, lw=1.5)
            ax.plot(row.mean, y, "o", color=INK, markerfacecolor=INK if clear else "white")
        ax.axvline(0, color=GREY, linestyle=":")
        ax.xaxis.set_major_locator(plt.MaxNLocator(3, steps=[1, 2, 5, 10]))
        ax.set(title=target, xlabel=metric)
    axes[0][0].set_yticks(range(len(questions)), names)
    axes[0][0].set_ylim(len(questions) - 0.5, -0.5)
    marks = [
        Line2D([], [], color=INK, marker="o", markerfacecolor=fill, label=meaning)
        for fill, meaning in ((INK, "interval leaves out zero"), ("white", "interval covers zero"))
    ]
    fig.legend(handles=marks, loc="outside lower center", ncols=2)
    fig.suptitle(f"What each choice changes, corrected for all tests ({label})")
    return fig


@styled
def label_curves(table: pd.DataFrame, label: str, metric: str = "AUC (0 to 1)") -> Figure:
    """Draw the score against the number of labelled participants, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.evaluation.paired.summarise_scores` by pretext, transfer and labelled; one
        metric and one number of classes.
    label : str
        Names the data, for the title.
    metric : str
        Name of the axis.

    Returns
    -------
    Figure
        One line per pretext (colour) and transfer (marker and dashes), with intervals. The dotted
        line is the majority class.

    Examples
    --------
    >>> table = pd.DataFrame({"labelled": ["2", ALL], "mean": [0.52, 0.6], "target": "valence"})
    >>> table = table.assign(pretext="STR", transfer="frozen", low=0.45, high=0.65, baseline=0.5)
    >>> len(label_curves(table, "invented").axes)
    1
    """
    targets = list(dict.fromkeys(table["target"]))
    numbers = [*sorted({n for n in table["labelled"] if n != ALL}, key=int), ALL]
    lines = list(dict.fromkeys(table[["pretext", "transfer"]].itertuples(index=False, name=None)))
    fig, axes = plt.subplots(1, len(targets), figsize=(WIDTH, 4.0), sharey=True, squeeze=False)
    for ax, target in zip(axes[0], targets, strict=True):
        for k, (pretext, transfer) in enumerate(lines):
            rows = table[
                (table["target"] == target)
                & (table["pretext"] == pretext)
                & (table["transfer"] == transfer)
            ].set_index("labelled")
            x = np.array([numbers.index(n) for n in rows.index]) + 0.08 * (k - len(lines) / 2)
            order = np.argsort(x)
            colour = _colour(pretext, transfer)
            ax.plot(
                x[order],
                rows["mean"].to_numpy()[order],
                marker=TRANSFER_MARKERS[transfer],
                linestyle=_TRANSFER_LINES[transfer],
                color=colour,
                linewidth=1.4,
                markersize=4,
                label=look(SCRATCH).name if transfer == SCRATCH else f"{pretext}, {transfer}",
            )
            ax.vlines(x, rows["low"], rows["high"], color=colour, lw=0.8, alpha=0.6)
        ax.axhline(table.loc[table["target"] == target, "baseline"].iloc[0], **_MAJORITY)
        ax.set_xticks(range(len(numbers)), numbers)
        ax.set(title=target, xlabel="labelled participants")
    axes[0][0].set_ylabel(metric)
    handles, names = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=4, handlelength=3)
    fig.suptitle(f"Fewer labels ({label})")
    return fig
