"""The figures of the measured leak: what every split reports, and what features give away."""

from __future__ import annotations

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglib.evaluation.protocols import MAJORITY
from ecglib.plots.palette import GREY, ORDERED, look, looks
from ecglib.plots.style import WIDTH, styled

RUNGS = {
    "window-kfold": "windows",
    "window-kfold-gap": "windows\nwith a gap",
    "trial-grouped": "trials",
    "clip-grouped": "clips",
    "participant-grouped": "people",
    "leave-one-participant-out": "one person\nout",
    "leave-one-participant-and-clip-out": "one person,\none clip out",
}
"""Protocols from loose to strict, and what each keeps together, in the words of the figure."""

_KNOWN = (("trial known", 0, 1), ("person known", 2, 3), ("new person", 4, 6))
"""What a head can recognise from training, with the first and last of `RUNGS`."""

_MARKERS = "os^Dv"

_METRICS = {
    "pooled_accuracy": "pooled accuracy\n(0 to 1)",
    "auc": "AUC within a person,\nmean over people (0 to 1)",
}


@styled
def rung_lines(
    summary: pd.DataFrame, ceilings: pd.DataFrame, floors: pd.Series, label: str
) -> Figure:
    """Draw what every rung reports for every planted effect, from loose to strict.

    Parameters
    ----------
    summary : DataFrame
        Result of `ecglib.studies.leakage.ladder_summary` for models that were tried on every rung.
    ceilings : DataFrame
        Rows of one oracle of `ecglib.studies.leakage.oracle_summary`; drawn beside the AUC.
    floors : Series
        By metric: what the majority class scores.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One column of axes per model, one row per metric; rungs on the x axis and one line with
        intervals per effect.

    Examples
    --------
    >>> import numpy as np
    >>> from ecglib.evaluation.leave_out import ladder
    >>> names = [splitter.protocol for splitter in ladder()]
    >>> table = pd.DataFrame({"protocol": names, "mean": np.linspace(0.8, 0.5, len(names))})
    >>> table = table.assign(model="STR", effect=1.0, low=0.4, high=0.9)
    >>> table = pd.concat([table.assign(metric=m) for m in ("auc", "pooled_accuracy")])
    >>> ceilings = pd.DataFrame({"effect": [1.0], "mean": [0.9]})
    >>> floors = pd.Series({"auc": 0.5, "pooled_accuracy": 0.6})
    >>> rung_lines(table, ceilings, floors, "invented").axes[0].get_title()
    'STR'
    """
    models = [m for m in summary["model"].unique() if m != MAJORITY]
    fig, axes = plt.subplots(
        len(_METRICS), len(models), sharex=True, sharey="row", squeeze=False, figsize=(WIDTH, 7)
    )
    effects = summary["effect"].unique()
    shades = list(zip(ORDERED[-len(effects) :], _MARKERS, strict=False))
    shifts = 0.1 * (np.arange(len(effects)) - (len(effects) - 1) / 2)
    for (row, column), ax in np.ndenumerate(axes):
        metric = list(_METRICS)[row]
        table = summary[summary["metric"] == metric].set_index("effect")
        for effect, shift, (colour, marker) in zip(effects, shifts, cycle(shades), strict=False):
            rows = table.loc[[effect]].query("model == @models[@column]").set_index("protocol")
            rows = rows.loc[list(RUNGS)]
            at = np.arange(len(RUNGS)) + shift
            ax.vlines(at, rows["low"], rows["high"], color=colour)
            style = {"color": colour, "marker": marker, "markersize": 4.5}
            ax.plot(at, rows["mean"], label=f"effect {effect:g}", **style)
            if metric == "auc":
                ceiling = ceilings.loc[ceilings["effect"] == effect, "mean"]
                ax.plot([len(RUNGS) + shift] * len(ceiling), ceiling, mfc="white", **style)
        _reference(ax, floors[metric], metric)
        ax.set_title(look(models[column]).name if row == 0 else "")
        ax.set_xticks(range(len(RUNGS) + 1), [*RUNGS.values(), "(oracle)"], rotation=90, fontsize=9)
        for words, first, last in _KNOWN if row == 0 else ():
            at = ((first + last) / 2, 1.0)
            ax.annotate(
                words, at, xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=8
            )
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(top=high + 0.08 * (high - low))  # room for the words above the intervals
    for ax, name in zip(axes[:, 0], _METRICS.values(), strict=True):
        ax.set_ylabel(name)
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(effects)
    )
    fig.suptitle(f"What each rung reports, by planted effect ({label})")
    return fig


def _reference(ax: Axes, floor: float, metric: str) -> None:
    """Draw what knowing nothing gives, where the person becomes new, and where the oracle is."""
    ax.axhline(floor, color=GREY, linestyle=":", zorder=0)
    # No line of a rung runs through the last column: only there do words never meet data.
    words, va, shift = "majority\nclass", "bottom", 2
    if metric == "auc":  # an oracle without effect lies on the line, so the word goes below it
        words, va, shift = "chance", "top", -4
    ax.annotate(
        words,
        (len(RUNGS) + 0.5, floor),
        xytext=(0, shift),
        textcoords="offset points",
        ha="right",
        va=va,
        fontsize=8,
        color=GREY,
    )
    for _, first, _ in _KNOWN[1:]:
        ax.axvline(first - 0.5, color=GREY, linewidth=0.6, zorder=0)
    if metric == "auc":
        ax.axvspan(len(RUNGS) - 0.5, len(RUNGS) + 0.5, color=GREY, alpha=0.12, linewidth=0)
    ax.set_xlim(-0.5, len(RUNGS) + 0.5)


@styled
def probe_dots(probes: pd.DataFrame, label: str) -> Figure:
    """Draw how often each probe names the identity, beside guessing.

    Parameters
    ----------
    probes : DataFrame
        Rows of one effect of `ecglib.studies.leakage.probe_summary`.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per identity; one mark with an interval and its value per kind of features, chance
        as a dotted line.

    Examples
    --------
    >>> table = pd.DataFrame({"identity": ["participant", "clip"], "features": "STR", "mean": 0.5})
    >>> len(probe_dots(table.assign(low=0.4, high=0.6, chance=0.05), "invented").axes)
    2
    """
    identities = probes["identity"].unique()
    kinds = looks(probes["features"].unique())
    fig, axes = plt.subplots(
        1, len(identities), sharex=True, sharey=True, squeeze=False, figsize=(WIDTH, 2.8)
    )
    for ax, identity in zip(axes[0], identities, strict=True):
        rows = probes[probes["identity"] == identity].set_index("features").loc[list(kinds)]
        for place, (kind, drawn) in enumerate(kinds.items()):
            row = rows.loc[kind]
            ax.hlines(place, row["low"], row["high"], color=drawn.colour, linewidth=2)
            ax.plot(row["mean"], place, drawn.marker, color=drawn.colour)
            at, side = row["mean"], "center"
            if not 0.1 < at < 0.9:  # beside the line of chance, and within the axes
                at, side = (0.08, "left") if at < 0.5 else (1.04, "right")
            ax.annotate(f"{row['mean']:.2f}", (at, place - 0.2), ha=side, va="bottom")
        chance = rows["chance"].iloc[0]
        ax.axvline(chance, color=GREY, linestyle=":")
        at = (chance + 0.02, len(kinds) - 0.45)
        ax.annotate(f"guessing: {chance:.2g}", at, va="bottom", fontsize=8, color=GREY)
        ax.set(title=f"which {identity}?", xlim=(-0.03, 1.05), xticks=(0, 0.25, 0.5, 0.75, 1))
        ax.set_xticklabels(["0", "0.25", "0.5", "0.75", "1"])
    axes[0, 0].set_yticks(range(len(kinds)), [drawn.name for drawn in kinds.values()])
    axes[0, 0].set_ylim(len(kinds) - 0.4, -0.6)
    fig.supxlabel("share of windows named correctly (0 to 1)", fontsize=10)
    fig.suptitle(f"What the features know besides the emotion ({label})")
    return fig
