"""The style of the figures: colours, sizes, words on axes, and a decorator that applies them.

Every figure says in its title which data it shows, and has a white background of its own, so that
it reads alike on a light page, on a dark one, and in a notebook. Colours and names are in
`ecglib.plots.palette`; no distinction rests on colour alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.plots.palette import AMBER, BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, YELLOW

QUALITY_COLOURS = {
    "ok": GREY,
    "noise": YELLOW,
    "amplitude": SKY,
    "no beats": AMBER,
    "mains hum": GREEN,
    "flat": PURPLE,
    "clipped": ORANGE,
    "spike": INK,
    "missing": BLUE,
}
"""Colour of each flag, in every figure."""

QUALITY_HATCHES = {
    "noise": "--",
    "amplitude": "||",
    "no beats": "\\\\",
    "mains hum": "++",
    "flat": "..",
    "clipped": "//",
    "spike": "**",
    "missing": "xx",
}
"""Hatch of each flag, so that nothing rests on colour alone."""

WIDTH = 8.0
"""Inches across the text of the book."""

COUNTS = "ECG\n(converter units)"
"""Label of an axis of samples as they stand in the file."""

NORMALISED = "ECG (SD)"
"""Label of an axis of normalised samples."""

METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auc": "area under the ROC curve",
}
"""What a metric is called on an axis."""

CHANCE = {"auc": 0.5, "balanced_accuracy": 0.5}
"""Metrics that have a known expectation where there is nothing to find."""

STYLE = {
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
"""Settings of matplotlib under which every figure is drawn."""


@checked
def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Give the function `draw` the book's style, and its figure to the caller alone.

    Its arguments are held against their annotations, and what is to be drawn must not be empty: no
    table, array or sequence, unless it is optional.

    Parameters
    ----------
    draw : callable
        With annotated parameters.

    Returns
    -------
    callable
        The same, with the checks before it and the style around it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> @styled
    ... def line(label: str) -> Figure:
    ...     fig, ax = plt.subplots()
    ...     ax.set_title(label)
    ...     return fig
    >>> line("a title").axes[0].get_title(), plt.get_fignums()
    ('a title', [])
    """
    signature = inspect.signature(draw)
    needed = {p.name for p in signature.parameters.values() if p.default is not None}

    @functools.wraps(draw)
    def wrapper(*args: Any, **kwargs: Any) -> Figure:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in needed:
                _refuse_nothing(name, value)
        before = plt.get_fignums()
        try:
            with plt.rc_context(STYLE):
                return draw(*args, **kwargs)
        finally:  # Pyplot would otherwise keep it, and a notebook would show it twice.
            for number in set(plt.get_fignums()).difference(before):
                plt.close(number)

    return checked(wrapper)


def _refuse_nothing(field: str, value: Any) -> None:
    """Refuse what holds nothing: a figure without a mark looks like a result."""
    size = 1
    if isinstance(value, pd.DataFrame):
        checks.frame(field, value)
    if isinstance(value, pd.DataFrame | pd.Series | np.ndarray):
        size = value.size
    elif isinstance(value, list | tuple | Mapping):
        size = len(value)
    if not size:
        raise DataError("empty", field=field, expected="something to draw")
