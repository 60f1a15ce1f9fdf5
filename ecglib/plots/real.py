"""Figures of the study of real hearts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ecglib.plots.palette import BLUE, GREY, INK, look, looks, spoken
from ecglib.plots.style import WIDTH, styled

_MARKERS = "osD^vP"
_HATCHES = (None, "////", "....", "xxxx")


@styled
def label_efficiency(table: pd.DataFrame, label: str) -> Figure:
    """Draw the score over the number of labelled people.

    Parameters
    ----------
    table : DataFrame
        Columns ``rival``, ``people``, ``mean``, ``low``, ``high``.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One line a rival, with the intervals of the first and the last number.

    Examples
    --------
    >>> table = pd.DataFrame({"rival": "STR", "people": [4, 8], "mean": [0.6, 0.7]})
    >>> len(label_efficiency(table.assign(low=0.5, high=0.8), "invented").axes)
    1
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.6))
    rivals = looks(table["rival"].unique())
    for place, (rival, drawn) in enumerate(rivals.items()):
        rows = table[table["rival"] == rival].sort_values("people")
        # Side by side, so that intervals do not hide each other.
        x = rows["people"].to_numpy() * 1.025 ** (place - len(rivals) / 2)
        style = {"color": drawn.colour, "marker": drawn.marker, "linestyle": drawn.line}
        ax.plot(x, rows["mean"], markersize=5, label=drawn.name, lw=1.6, **style)
        ax.vlines(x, rows["low"], rows["high"], color=drawn.colour, lw=0.8, alpha=0.6)
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
        Names the data, for the title.
    reference : mapping of str to float, optional
        Name and score of what is drawn as a vertical line.

    Returns
    -------
    Figure
        One panel for each value of ``panel``; colours are those of the pretexts, a marker is a
        pooling.

    Examples
    --------
    >>> table = pd.DataFrame({"panel": "AUC", "pretext": "STR", "pooling": ["max", "mean"]})
    >>> len(pooling_dots(table.assign(mean=0.6, low=0.5, high=0.7), "invented").axes)
    1
    """
    panels = list(dict.fromkeys(table["panel"]))
    pretexts = list(dict.fromkeys(table["pretext"]))
    poolings = list(dict.fromkeys(table["pooling"]))
    colours = [look(pretext).colour for pretext in pretexts]
    size = (WIDTH, 1.5 + 0.75 * len(pretexts))
    fig, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for ax, panel in zip(axes[0], panels, strict=True):
        for number, pooling in enumerate(poolings):
            rows = table[(table["panel"] == panel) & (table["pooling"] == pooling)]
            shift = 0.6 * (number / max(1, len(poolings) - 1) - 0.5)
            for row in rows.itertuples():
                place = pretexts.index(row.pretext)
                style = {"color": colours[place], "lw": 1.5}
                ax.hlines(place + shift, row.low, row.high, **style)
                ax.plot(row.mean, place + shift, _MARKERS[number], ms=5, **style)
        for name, value in (reference or {}).items():
            ax.axvline(value, color="black", lw=1, linestyle="--")
            ax.annotate(
                name, (value, 1), xycoords=("data", "axes fraction"), ha="right", va="bottom",
                fontsize=8,
            )  # fmt: skip
        ax.set(title=panel if len(panels) > 1 else "", xlabel="AUC within a new person")
    axes[0][0].set_yticks(range(len(pretexts)), [look(pretext).name for pretext in pretexts])
    axes[0][0].set_ylim(len(pretexts) - 0.5, -0.5)
    fig.legend(handles=_marks(poolings), loc="outside lower center", ncols=len(poolings))
    fig.suptitle(f"What is kept of the feature maps ({label})")
    return fig


def _marks(names: Sequence[str]) -> list[Line2D]:
    """Make the handles of a legend in which a marker has a meaning and no colour."""
    return [
        Line2D([], [], color=INK, marker=marker, linestyle="", label=spoken(name))
        for name, marker in zip(names, _MARKERS, strict=False)
    ]


@styled
def protocols(table: pd.DataFrame, label: str) -> Figure:
    """Draw the pooled score of every kind of features under every protocol.

    Parameters
    ----------
    table : DataFrame
        Columns ``rival``, ``protocol`` (in words) and ``balanced_accuracy``.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure

    Examples
    --------
    >>> table = pd.DataFrame({"rival": ["STR", "random"], "protocol": "new people"})
    >>> len(protocols(table.assign(balanced_accuracy=[0.7, 0.6]), "invented").axes)
    1
    """
    rivals = list(dict.fromkeys(table["rival"]))
    names = list(dict.fromkeys(table["protocol"]))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(rivals)))
    for number, name in enumerate(names):
        for row in table[table["protocol"] == name].itertuples():
            style = {"color": look(row.rival).colour, "ms": 7}
            ax.plot(row.balanced_accuracy, rivals.index(row.rival), _MARKERS[number], **style)
    ax.axvline(0.5, color=GREY, linestyle=(0, (1, 3)))
    ax.set_yticks(range(len(rivals)), rivals)
    ax.set_ylim(len(rivals) - 0.5, -0.5)
    ax.grid(axis="y", color="0.9")
    ax.set(
        xlabel="balanced accuracy, windows of all people",
        title=f"The same features, another split ({label})",
    )
    fig.legend(handles=_marks(names), loc="outside lower center", ncols=3)
    return fig


@styled
def recognition_dots(table: pd.DataFrame, label: str) -> Figure:
    """Draw how well every transformation is recognised, in several groups of tested windows.

    Parameters
    ----------
    table : DataFrame
        Columns ``tested``, ``head`` and ``value`` (area under the ROC curve).
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure

    Examples
    --------
    >>> table = pd.DataFrame({"tested": ["here", "there"], "head": "noise", "value": [0.9, 0.8]})
    >>> len(recognition_dots(table, "invented").axes)
    1
    """
    heads = list(dict.fromkeys(table["head"]))
    tested = list(dict.fromkeys(table["tested"]))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(heads)))
    for number, name in enumerate(tested):
        rows = table[table["tested"] == name]
        shift = 0.4 * (number / max(1, len(tested) - 1) - 0.5)
        y = [heads.index(head) + shift for head in rows["head"]]
        fill = BLUE if number % 2 == 0 else "white"
        ax.plot(rows["value"], y, _MARKERS[number], color=BLUE, mfc=fill, ms=6, label=name)
    ax.axvline(0.5, color=GREY, linestyle=(0, (1, 3)))
    ax.set_yticks(range(len(heads)), [spoken(head) for head in heads])
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
        Title of the panel of each measure.
    pretexts : sequence of str
        In the order of the groups of bars.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure

    Examples
    --------
    >>> table = pd.DataFrame({"measure": ["rate", "person"], "pretext": "STR", "pooling": "max"})
    >>> table = table.assign(mean=0.6, low=0.5, high=0.7)
    >>> names = {"rate": "heart rate", "person": "who it is"}
    >>> [ax.get_title() for ax in probe_bars(table, names, ["STR"], "invented").axes]
    ['heart rate', 'who it is']
    """
    poolings = list(dict.fromkeys(table["pooling"]))
    colours = [look(pretext).colour for pretext in pretexts]
    fig, axes = plt.subplots(1, len(measures), figsize=(WIDTH, 3.4), sharey=True)
    for ax, (measure, title) in zip(axes, measures.items(), strict=True):
        for number, pooling in enumerate(poolings):
            rows = table[(table["measure"] == measure) & (table["pooling"] == pooling)]
            rows = rows.set_index("pretext").loc[list(pretexts)]
            x = np.arange(len(pretexts)) + 0.8 * ((number + 0.5) / len(poolings) - 0.5)
            ax.bar(
                x,
                rows["mean"],
                0.8 / len(poolings),
                color=[f"{colour}{'' if number == 0 else '55'}" for colour in colours],
                edgecolor=colours,
                hatch=_HATCHES[number],
            )
            ax.vlines(x, rows["low"], rows["high"], color="black", lw=1)
        ax.axhline(0, color="black", lw=0.8)
        ax.set_xticks(range(len(pretexts)), [look(p).name for p in pretexts], fontsize=8)
        ax.set_title(title)
    axes[0].set_ylabel("correlation within a new person")
    patches = [
        Patch(
            facecolor=GREY if number == 0 else "white",
            edgecolor=INK,
            hatch=_HATCHES[number],
            label=spoken(pooling),
        )
        for number, pooling in enumerate(poolings)
    ]
    fig.legend(handles=patches, loc="outside lower center", ncols=len(poolings))
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
        Names the data, for the title.

    Returns
    -------
    Figure
        Filled where the interval leaves out zero.

    Examples
    --------
    >>> table = pd.DataFrame({"question": ["STR − random"], "mean": 0.1, "low": 0.02, "high": 0.18})
    >>> len(difference_forest(table, "invented").axes)
    1
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.3 * len(table)))
    y = np.arange(len(table))
    clear = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    ax.hlines(y, table["low"], table["high"], color=INK, lw=1.5)
    for chosen, fill, meaning in (
        (clear, INK, "interval leaves out zero"),
        (~clear, "white", "interval covers zero"),
    ):
        ax.plot(
            table["mean"][chosen], y[chosen], "o", color=INK, markerfacecolor=fill, label=meaning
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
