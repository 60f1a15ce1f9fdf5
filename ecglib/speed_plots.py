"""The figure of the page on speed; style as in `ecglib.plots`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ecglib.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH, styled

_LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"))


@styled
def growth(points: Sequence[Mapping[str, Any]], label: str) -> Figure:
    """Draw time and working memory over the size, on logarithmic axes.

    Parameters
    ----------
    points : sequence of mapping
        One per stage, size and turn, with ``stage, counted, size, factor, seconds, working_mb``,
        as the benchmark of growth writes them.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Medians over the turns, with a bar from the smallest to the largest; each dotted line is
        linear growth from the smallest size.
    """
    table = pd.DataFrame(points)
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.2), sharex=True)
    panels = (("seconds", "Time", "time (s)"), ("working_mb", "Working memory", "memory (MB)"))
    for ax, (quantity, title, name) in zip(axes, panels, strict=True):
        stages = table.groupby("stage", sort=False)
        for (stage, rows), (colour, marker) in zip(stages, itertools.cycle(_LOOKS), strict=False):
            turns = rows.groupby("factor")[quantity]
            median = turns.median()
            ax.vlines(median.index, turns.min(), turns.max(), color=colour)
            counted = f"{rows['size'].min()} to {rows['size'].max()} {rows['counted'].iloc[0]}"
            ax.plot(median, color=colour, marker=marker, ms=5, label=f"{stage}, {counted}")
            linear = median.iloc[0] * median.index / median.index[0]
            (dotted,) = ax.plot(median.index, linear, ":", color=GREY, zorder=1)
        dotted.set_label("linear growth")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        factors = sorted(table["factor"].unique())
        ax.set_xticks(factors, [f"{f:g}×" for f in factors])
        ax.set(title=title, xlabel="size (times the smallest)", ylabel=name)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    fig.suptitle(f"Growth with the size of the data ({label})")
    return fig
