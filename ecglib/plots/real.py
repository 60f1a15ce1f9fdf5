"""Figures of the study of real hearts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH, styled

LINES = {
    "heart rate": {"color": "black", "linestyle": "-", "marker": "s"},
    "ten features": {"color": GREY, "linestyle": "--", "marker": "P"},
    "random, mean": {"color": PURPLE, "linestyle": ":", "marker": "v"},
    "STR, maximum (as published)": {"color": SKY, "linestyle": "-", "marker": "o"},
    "STR, mean": {"color": BLUE, "linestyle": "-", "marker": "^"},
    "STR, fine-tuned": {"color": ORANGE, "linestyle": "-.", "marker": "D"},
    "from scratch": {"color": GREEN, "linestyle": (0, (1, 1)), "marker": "x"},
}
"""How each rival is drawn, by name."""

_MARKERS = "osD^vP"
_POOLINGS = {"max": "maximum", "scales": "two time scales"}


@styled
def label_efficiency(table: pd.DataFrame, label: str) -> Figure:
    """Draw the score over the number of labelled people.

    Parameters
    ----------
    table : DataFrame
        Columns ``rival`` (a key of `LINES`), ``people``, ``mean``, ``low``, ``high``.
    label : str
        Which data these are.

    Returns
    -------
    Figure
        One line a rival, with the intervals of the first and the last number.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.6))
    rivals = [rival for rival in LINES if (table["rival"] == rival).any()]
    for place, rival in enumerate(rivals):
        rows = table[table["rival"] == rival].sort_values("people")
        # Side by side, so that intervals do not hide each other.
        x = rows["people"].to_numpy() * 1.025 ** (place - len(rivals) / 2)
        ax.plot(x, rows["mean"], **LINES[rival], markersize=5, label=rival, lw=1.6)
        ax.vlines(x, rows["low"], rows["high"], color=LINES[rival]["color"], lw=0.8, alpha=0.6)
    ax.axhline(0.5, color=GREY, lw=0.8, linestyle=(0, (1, 3)))
    ax.set_xscale("log")
    numbers = sorted(table["people"].unique())
    ax.set_xticks(numbers, [f"{n:g}" for n in numbers])
    ax.minorticks_off()
    ax.set(
        xlabel="people whose labels are used",
        ylabel="area under the ROC curve\nwithin a new person",
        title=f"Rest or arithmetic in a person never seen ({label})",
    )
    fig.legend(loc="outside lower center", ncols=4)
    return fig


@styled
def pooling_dots(
    table: pd.DataFrame, label: str, reference: Mapping[str, float] | None = None
) -> Figure:
    """Draw the score under every pooling, one row a pretext.

    Parameters
    ----------
    table : DataFrame
        Columns ``panel``, ``pretext``, ``pooling``, ``mean``, ``low``, ``high``.
    label : str
        Which data these are.
    reference : mapping of str to float, optional
        Name and score of what is drawn as a vertical line.

    Returns
    -------
    Figure
        One panel for each value of ``panel``.
    """
    panels = list(dict.fromkeys(table["panel"]))
    pretexts = list(dict.fromkeys(table["pretext"]))
    poolings = list(dict.fromkeys(table["pooling"]))
    colours = dict(zip(poolings, (SKY, BLUE, GREEN, ORANGE), strict=False))
    size = (WIDTH, 1.5 + 0.75 * len(pretexts))
    fig, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for ax, panel in zip(axes[0], panels, strict=True):
        for number, pooling in enumerate(poolings):
            rows = table[(table["panel"] == panel) & (table["pooling"] == pooling)]
            shift = 0.6 * (number / max(1, len(poolings) - 1) - 0.5)
            y = np.array([pretexts.index(p) for p in rows["pretext"]]) + shift
            ax.hlines(y, rows["low"], rows["high"], color=colours[pooling], lw=1.5)
            ax.plot(
                rows["mean"],
                y,
                _MARKERS[number],
                color=colours[pooling],
                ms=5,
                label=_POOLINGS.get(pooling, pooling),
            )
        for name, value in (reference or {}).items():
            ax.axvline(value, color="black", lw=1, linestyle="--")
            ax.annotate(
                name, (value, 1), xycoords=("data", "axes fraction"), ha="right", va="bottom",
                fontsize=8,
            )  # fmt: skip
        ax.set(title=panel if len(panels) > 1 else "", xlabel="AUC within a new person")
    axes[0][0].set_yticks(range(len(pretexts)), pretexts)
    axes[0][0].set_ylim(len(pretexts) - 0.5, -0.5)
    handles, names = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=len(poolings))
    fig.suptitle(f"What is kept of the feature maps ({label})")
    return fig


@styled
def protocols(table: pd.DataFrame, label: str) -> Figure:
    """Draw the pooled score of every kind of features under every protocol.

    Parameters
    ----------
    table : DataFrame
        Columns ``rival``, ``protocol`` (in words) and ``balanced_accuracy``.
    label : str
        Which data these are.

    Returns
    -------
    Figure
    """
    rivals = list(dict.fromkeys(table["rival"]))
    names = list(dict.fromkeys(table["protocol"]))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(rivals)))
    for number, (name, colour) in enumerate(zip(names, (ORANGE, PURPLE, BLUE), strict=False)):
        rows = table[table["protocol"] == name]
        y = [rivals.index(rival) for rival in rows["rival"]]
        ax.plot(rows["balanced_accuracy"], y, _MARKERS[number], color=colour, ms=7, label=name)
    ax.axvline(0.5, color=GREY, linestyle=(0, (1, 3)))
    ax.set_yticks(range(len(rivals)), rivals)
    ax.set_ylim(len(rivals) - 0.5, -0.5)
    ax.grid(axis="y", color="0.9")
    ax.set(
        xlabel="balanced accuracy, windows of all people",
        title=f"The same features, another split ({label})",
    )
    fig.legend(loc="outside lower center", ncols=3)
    return fig


@styled
def recognition_dots(table: pd.DataFrame, label: str) -> Figure:
    """Draw how well every transformation is recognised, in several groups of tested windows.

    Parameters
    ----------
    table : DataFrame
        Columns ``tested``, ``head`` and ``value`` (area under the ROC curve).
    label : str
        Which data these are.

    Returns
    -------
    Figure
    """
    heads = list(dict.fromkeys(table["head"]))
    tested = list(dict.fromkeys(table["tested"]))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(heads)))
    for number, (name, colour) in enumerate(
        zip(tested, (BLUE, ORANGE, SKY, PURPLE, GREEN), strict=False)
    ):
        rows = table[table["tested"] == name]
        shift = 0.4 * (number / max(1, len(tested) - 1) - 0.5)
        y = [heads.index(head) + shift for head in rows["head"]]
        ax.plot(rows["value"], y, _MARKERS[number], color=colour, ms=6, label=name)
    ax.axvline(0.5, color=GREY, linestyle=(0, (1, 3)))
    ax.set_yticks(range(len(heads)), [head.replace("_", " ") for head in heads])
    ax.set_ylim(len(heads) - 0.5, -0.5)
    ax.grid(axis="y", color="0.9")
    ax.set(
        xlabel="area under the ROC curve of the head",
        title=f"Recognition in people never seen ({label})",
    )
    fig.legend(loc="outside lower center", ncols=2)
    return fig


@styled
def probe_bars(
    table: pd.DataFrame, measures: Mapping[str, str], pretexts: Sequence[str], label: str
) -> Figure:
    """Draw what can be read from features beside the state, one panel a measure.

    Parameters
    ----------
    table : DataFrame
        Columns ``measure``, ``pretext``, ``pooling``, ``mean``, ``low``, ``high``.
    measures : mapping of str to str
        Measure -> title of its panel.
    pretexts : sequence of str
        In the order of the groups of bars.
    label : str
        Which data these are.

    Returns
    -------
    Figure
    """
    poolings = list(dict.fromkeys(table["pooling"]))
    fig, axes = plt.subplots(1, len(measures), figsize=(WIDTH, 3.4), sharey=True)
    for ax, (measure, title) in zip(axes, measures.items(), strict=True):
        for number, (pooling, colour) in enumerate(
            zip(poolings, (SKY, BLUE, GREEN, ORANGE), strict=False)
        ):
            rows = table[(table["measure"] == measure) & (table["pooling"] == pooling)]
            rows = rows.set_index("pretext").loc[list(pretexts)]
            x = np.arange(len(pretexts)) + 0.8 * ((number + 0.5) / len(poolings) - 0.5)
            ax.bar(
                x,
                rows["mean"],
                0.8 / len(poolings),
                color=colour,
                label=_POOLINGS.get(pooling, pooling),
            )
            ax.vlines(x, rows["low"], rows["high"], color="black", lw=1)
        ax.axhline(0, color="black", lw=0.8)
        ax.set_xticks(range(len(pretexts)), pretexts, fontsize=8)
        ax.set_title(title)
    axes[0].set_ylabel("correlation within a new person")
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=len(poolings))
    fig.suptitle(f"What a linear model reads from the features ({label})")
    return fig


@styled
def difference_forest(table: pd.DataFrame, label: str) -> Figure:
    """Draw paired differences with their corrected intervals.

    Parameters
    ----------
    table : DataFrame
        From `ecglib.studies.real_tables.differences`.
    label : str
        Which data these are.

    Returns
    -------
    Figure
        Filled where the interval leaves out zero.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.3 * len(table)))
    y = np.arange(len(table))
    clear = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    ax.hlines(y, table["low"], table["high"], color=BLUE, lw=1.5)
    for chosen, fill, meaning in (
        (clear, BLUE, "interval leaves out zero"),
        (~clear, "white", "interval covers zero"),
    ):
        ax.plot(
            table["mean"][chosen], y[chosen], "o", color=BLUE, markerfacecolor=fill, label=meaning
        )
    ax.axvline(0, color=GREY, linestyle=":")
    ax.set_yticks(y, table["question"])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set(
        xlabel="difference of the area under the ROC curve",
        title=f"What each choice changes ({label})",
    )
    fig.legend(loc="outside lower center", ncols=2)
    return fig
