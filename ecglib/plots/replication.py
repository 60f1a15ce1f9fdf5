"""The figures of the released protocol: what its defects change, and what choosing adds."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.plots.palette import BLUE, GREY, ORANGE
from ecglib.plots.style import WIDTH, styled

_F1 = "F1 of mean precision and recall (0 to 1)"


@styled
def defect_effects(table: pd.DataFrame, label: str) -> Figure:
    """Draw the number with and without each defect, and the change with its interval.

    Parameters
    ----------
    table : DataFrame
        Result of `ecglib.studies.replication.effects`.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Left the two numbers of each variant with chance as a dotted line, right their difference.

    Examples
    --------
    >>> table = pd.DataFrame({"variant": ["leak"], "before": [0.5], "number": [0.7]})
    >>> table = table.assign(change=0.2, low=0.1, high=0.3)
    >>> len(defect_effects(table, "invented").axes)
    2
    """
    fig, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(WIDTH, 1.6 + 0.4 * len(table)), width_ratios=(1, 0.85)
    )
    rows = np.arange(len(table))
    left.hlines(rows, table["before"], table["number"], color=GREY, linewidth=0.8)
    left.plot(table["before"], rows, "o", color=BLUE, markerfacecolor="white", label="without")
    left.plot(table["number"], rows, "D", color=ORANGE, label="with")
    left.axvline(0.5, color=GREY, linestyle=":", label="chance")
    left.set(xlabel=_F1, yticks=rows, yticklabels=table.index)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    right.hlines(rows, table["low"], table["high"], color=ORANGE, linewidth=2)
    right.plot(table["change"], rows, "D", color=ORANGE)
    right.axvline(0, color=GREY, linestyle=":")
    for row, change in zip(rows, table["change"], strict=True):
        text = f"{change:+.2f}".replace("-", "−")
        right.annotate(text, (change, row), (0, 6), textcoords="offset points", ha="center")
    right.set(xlabel="with minus without", ylim=(len(table) - 0.5, -0.7))
    fig.suptitle(f"Valence, window-wise: one defect at a time ({label})")
    return fig


@styled
def selection_optimism(curves: Mapping[str, pd.DataFrame], label: str) -> Figure:
    """Draw the reported score against the number of refits that it was chosen from.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        By title: results of `ecglib.evaluation.refits.optimism`.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per entry, with chance as a dotted line.

    Examples
    --------
    >>> curve = pd.DataFrame({"per_fold": [0.5, 0.6], "same": [0.5, 0.55]}, index=[1, 2])
    >>> len(selection_optimism({"valence": curve}, "invented").axes)
    1
    """
    fig, axes = plt.subplots(1, len(curves), sharey=True, squeeze=False, figsize=(WIDTH, 3.4))
    for ax, (title, curve) in zip(axes[0], curves.items(), strict=True):
        ax.plot(curve.index, curve["per_fold"], "D-", color=ORANGE, label="best of each fold")
        ax.plot(curve.index, curve["same"], "o-", color=BLUE, label="best for all folds")
        ax.axhline(0.5, color=GREY, linestyle=":", label="chance")
        ax.set(title=title, xlabel="refits to choose from (number)")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        for line in ax.lines:
            line.set_markersize(4)
    axes[0, 0].set_ylabel("mean F1 of the test folds\n(released metric, 0 to 1)")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    fig.suptitle(f"Valence, window-wise: what choosing adds ({label})")
    return fig


@styled
def scores_by_person(table: pd.DataFrame, label: str, metric: str) -> Figure:
    """Draw what is reported of each tested person, by one or several ways to read the test side.

    Parameters
    ----------
    table : DataFrame
        One row per tested person, one column of scores per reader, three at most; NaN where there
        is none. People are put in the order of the first column.
    label : str
        Names the data, for the title.
    metric : str
        Name of the metric of the scores.

    Returns
    -------
    Figure
        One line of marks per reader, with chance as a dotted line.

    Examples
    --------
    >>> table = pd.DataFrame({"honest": [0.5, 0.6], "leaking": [0.8, 0.7]}, index=[1, 2])
    >>> len(scores_by_person(table, "invented", "F1").axes[0].lines)
    3
    """
    table = table.sort_values(table.columns[0])
    fig, ax = plt.subplots(figsize=(WIDTH, 3.4))
    at = np.arange(len(table))
    styles = (("o", BLUE, "white"), ("D", ORANGE, ORANGE), ("s", GREY, GREY))
    for (name, scores), (mark, color, inside) in zip(
        table.items(), styles[: table.shape[1]], strict=True
    ):
        ax.plot(
            at, scores, f"{mark}-", color=color, markerfacecolor=inside, markersize=5, label=name
        )
    ax.axhline(0.5, color=GREY, linestyle=":", label="chance")
    ax.set(xlabel="person left out (number)", ylabel=metric, xticks=at, xticklabels=table.index)
    ax.tick_params(axis="x", labelsize=8)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    fig.suptitle(f"What is reported of each person ({label})")
    return fig
