"""The figures of the comparison; style as in `ecglib.plots`."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.comparison import ALL, ENCODERS, FROZEN, PRETEXTS, SCRATCH, TUNED
from ecglib.plots import BLUE, GREY, ORANGE, PURPLE, WIDTH, styled

_TRANSFER_COLOURS = {FROZEN: BLUE, TUNED: ORANGE, SCRATCH: PURPLE}
_ENCODER_MARKERS = dict(zip(ENCODERS, "os", strict=True))


@styled
def choice_grid(table: pd.DataFrame, label: str, metric: str = "AUC (0 to 1)") -> Figure:
    """Draw the mean and interval of every choice, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.contrasts.summarise_scores`, one metric and one number of classes.
    label : str
        Which data these are.
    metric : str
        Name of the axis.

    Returns
    -------
    matplotlib.figure.Figure
        Rows: pretexts; colour: transfer; marker: encoder. The dotted line is the majority class.
    """
    targets = list(dict.fromkeys(table["target"]))
    pretexts = [p for p in PRETEXTS if p in set(table["pretext"])]
    combos = list(dict.fromkeys(table[["transfer", "encoder"]].itertuples(index=False, name=None)))
    fig, axes = plt.subplots(
        1, len(targets), figsize=(WIDTH, 1.2 + 0.75 * len(pretexts)), sharey=True, squeeze=False
    )
    for ax, target in zip(axes[0], targets, strict=True):
        rows = table[table["target"] == target]
        for transfer, encoder in combos:
            some = rows[(rows["transfer"] == transfer) & (rows["encoder"] == encoder)]
            offset = 0.5 * (combos.index((transfer, encoder)) / max(1, len(combos) - 1) - 0.5)
            y = np.array([pretexts.index(p) for p in some["pretext"]]) + offset
            ax.hlines(y, some["low"], some["high"], color=_TRANSFER_COLOURS[transfer], lw=1.5)
            ax.plot(
                some["mean"],
                y,
                _ENCODER_MARKERS[encoder],
                color=_TRANSFER_COLOURS[transfer],
                markerfacecolor="white" if encoder == ENCODERS[0] else None,
                markersize=5,
                label=f"{transfer}, {encoder}",
            )
        ax.axvline(rows["baseline"].mean(), color=GREY, linestyle=":", label="majority class")
        ax.set(title=target, xlabel=metric)
    axes[0][0].set_yticks(range(len(pretexts)), pretexts)
    axes[0][0].set_ylabel("pretext")
    axes[0][0].invert_yaxis()
    handles, names = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=3)
    fig.suptitle(f"Every pretext, transfer and encoder ({label})")
    return fig


@styled
def contrast_forest(table: pd.DataFrame, label: str) -> Figure:
    """Draw paired differences with their corrected intervals, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.contrasts.paired_tests`.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Filled where the interval leaves out zero.
    """
    targets = list(dict.fromkeys(table["target"]))
    questions = list(dict.fromkeys(table["question"]))
    fig, axes = plt.subplots(
        1, len(targets), figsize=(WIDTH, 1.0 + 0.33 * len(questions)), sharey=True, squeeze=False
    )
    for ax, target in zip(axes[0], targets, strict=True):
        for row in table[table["target"] == target].itertuples():
            y = questions.index(row.question)
            clear = row.low > 0 or row.high < 0
            ax.hlines(y, row.low, row.high, color=BLUE, lw=1.5)
            ax.plot(row.mean, y, "o", color=BLUE, markerfacecolor=BLUE if clear else "white")
        ax.axvline(0, color=GREY, linestyle=":")
        ax.set(title=target, xlabel="difference of the AUC (1)")
    axes[0][0].set_yticks(range(len(questions)), questions)
    axes[0][0].set_ylim(len(questions) - 0.5, -0.5)
    fig.suptitle(f"What each choice changes, corrected for all tests ({label})")
    return fig


@styled
def label_curves(table: pd.DataFrame, label: str, metric: str = "AUC (0 to 1)") -> Figure:
    """Draw the score against the number of labelled participants, one panel per target.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.contrasts.summarise_scores` by pretext, transfer and labelled; one metric.
    label : str
        Which data these are.
    metric : str
        Name of the axis.

    Returns
    -------
    matplotlib.figure.Figure
        One line per pretext and transfer, with intervals. The dotted line is the majority class.
    """
    targets = list(dict.fromkeys(table["target"]))
    numbers = [*sorted({n for n in table["labelled"] if n != ALL}, key=int), ALL]
    lines = list(dict.fromkeys(table[["pretext", "transfer"]].itertuples(index=False, name=None)))
    fig, axes = plt.subplots(1, len(targets), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    styles = [(GREY, "o", ":"), (PURPLE, "D", "-"), (BLUE, "o", "-"), (ORANGE, "s", "--"),
              (GREY, "^", "--")]  # fmt: skip
    for ax, target in zip(axes[0], targets, strict=True):
        for k, (pretext, transfer) in enumerate(lines):
            rows = table[
                (table["target"] == target)
                & (table["pretext"] == pretext)
                & (table["transfer"] == transfer)
            ].set_index("labelled")
            x = np.array([numbers.index(n) for n in rows.index]) + 0.07 * (k - len(lines) / 2)
            order = np.argsort(x)
            colour, marker, dash = styles[k % len(styles)]
            ax.plot(
                x[order],
                rows["mean"].to_numpy()[order],
                marker=marker,
                linestyle=dash,
                color=colour,
                markersize=4,
                label=f"{pretext}, {transfer}",
            )
            ax.vlines(x, rows["low"], rows["high"], color=colour, lw=0.8)
        baseline = table.loc[table["target"] == target, "baseline"].mean()
        ax.axhline(baseline, color=GREY, linestyle=":", label="majority class")
        ax.set_xticks(range(len(numbers)), numbers)
        ax.set(title=target, xlabel="labelled participants")
    axes[0][0].set_ylabel(metric)
    handles, names = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=3)
    fig.suptitle(f"Fewer labels ({label})")
    return fig
