"""The figures of speed: how time and memory grow with the data, and how fast a schedule learns."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.plots.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY
from ecglib.plots.style import WIDTH, styled

_LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"))


@styled
def growth(table: pd.DataFrame, label: str) -> Figure:
    """Draw time and working memory over the size, on logarithmic axes.

    Parameters
    ----------
    table : DataFrame
        One row per stage, size and quantity ("seconds" or "working_mb"), with the columns stage,
        counted (what the size counts), size, factor (times the smallest size), quantity, and
        median, low and high of the quantity over the turns of the benchmark.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Medians with a bar from low to high; each dotted line is linear growth from the smallest
        size.

    Examples
    --------
    >>> table = pd.DataFrame({"factor": [1, 2], "size": [10, 20], "median": [1.0, 2.0]})
    >>> table = table.assign(stage="windows", counted="people", low=0.9, high=2.1)
    >>> table = pd.concat([table.assign(quantity=q) for q in ("seconds", "working_mb")])
    >>> [ax.get_title() for ax in growth(table, "invented").axes]
    ['Time', 'Working memory']
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.2), sharex=True)
    panels = (("seconds", "Time", "time (s)"), ("working_mb", "Working memory", "memory (MB)"))
    for ax, (quantity, title, name) in zip(axes, panels, strict=True):
        stages = table[table["quantity"] == quantity].groupby("stage", sort=False)
        for (stage, rows), (colour, marker) in zip(stages, itertools.cycle(_LOOKS), strict=False):
            rows = rows.set_index("factor").sort_index()
            ax.vlines(rows.index, rows["low"], rows["high"], color=colour)
            first, last = rows.iloc[0], rows.iloc[-1]
            name_of_stage = f"{stage}, {first['size']} to {last['size']} {first['counted']}"
            ax.plot(rows["median"], color=colour, marker=marker, ms=5, label=name_of_stage)
            linear = first["median"] * rows.index / rows.index[0]
            (dotted,) = ax.plot(rows.index, linear, ":", color=GREY, zorder=1)
        dotted.set_label("linear growth")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        factors = sorted(table["factor"].unique())
        ax.set_xticks(factors, [f"{f:g}×" for f in factors])
        ax.set(title=title, xlabel="size (times the smallest)", ylabel=name)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    fig.suptitle(f"Growth with the size of the data ({label})")
    return fig


@styled
def learning(table: pd.DataFrame, goal: float, label: str) -> Figure:
    """Draw how well the pretext is recognised over the views that were shown.

    Parameters
    ----------
    table : DataFrame
        One row per judgement, with the columns schedule, views, and auc: the area under the ROC
        curve on people left out.
    goal : float
        From which area on a schedule counts as learnt.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One line for each schedule, views on a logarithmic axis, and the goal as a dotted line.

    Examples
    --------
    >>> table = pd.DataFrame({"schedule": "paper", "views": [100, 1000], "auc": [0.6, 0.9]})
    >>> learning(table, 0.8, "invented").axes[0].get_xscale()
    'log'
    """
    checks.number("goal", goal, 0, 1)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.4))
    ax.axhline(goal, linestyle=":", color=GREY, label=f"learnt: {goal:g}")
    schedules = table.groupby("schedule", sort=False)
    for (name, rows), (colour, marker) in zip(schedules, itertools.cycle(_LOOKS), strict=False):
        rows = rows.sort_values("views")
        ax.plot(rows["views"], rows["auc"], color=colour, marker=marker, ms=4, label=name)
    ax.set_xscale("log")
    ax.set(xlabel="views shown", ylabel="area under the ROC curve")
    ax.set_title(f"Recognition on people left out ({label})")
    ax.legend(loc="lower right")
    return fig
