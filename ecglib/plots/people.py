"""Clouds of windows in a plane, with some people picked out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.plots.palette import AMBER, BLUE, GREEN, INK, ORANGE, PURPLE

LOOKS = ((BLUE, "o"), (ORANGE, "s"), (INK, "^"), (AMBER, "D"), (GREEN, "v"), (PURPLE, "P"))
"""Colour and marker of each person who is picked out."""

_OTHERS = "#C8C8C8"


@checked
def picked(points: Sequence[np.ndarray], participant: np.ndarray) -> list[Any]:
    """Pick people whose windows lie apart from one another, as many as there are `LOOKS`.

    Parameters
    ----------
    points : sequence of ndarray, shape (n_windows, 2)
        Planes in which the windows lie.
    participant : ndarray, shape (n_windows,)
        Whose each window is.

    Returns
    -------
    list
        Begins with the one who is farthest from the middle; each next one is farthest from those
        before.

    Examples
    --------
    >>> place = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 1.0]])
    >>> picked([place], np.array([4, 5, 6]))[:2]
    [5, 6]
    """
    people, n = np.unique(participant), len(participant)
    points = checks.several("points", points, checks.array, (n, 2))
    planes = [(at - at.mean(axis=0)) / (at.std(axis=0) + 1e-12) for at in points]
    centres = np.array(
        [
            np.concatenate([np.median(at[participant == person], axis=0) for at in planes])
            for person in people
        ]
    )
    chosen = [int(np.argmax(np.linalg.norm(centres, axis=1)))]
    while len(chosen) < min(len(LOOKS), len(people)):
        away = np.linalg.norm(centres[:, None] - centres[chosen], axis=2).min(axis=1)
        chosen.append(int(np.argmax(away)))
    return [people[k].item() for k in chosen]


@checked
def draw_people(
    ax: Axes, points: np.ndarray, participant: np.ndarray, shown: Sequence[Any]
) -> None:
    """Draw windows in a plane: those of a few people by colour and number, all others in grey.

    Parameters
    ----------
    ax : Axes
        Where to draw; its limits leave out the farthest windows, half a per cent on each side.
    points : ndarray, shape (n_windows, 2)
        Places of the windows.
    participant : ndarray, shape (n_windows,)
        Whose each window is.
    shown : sequence
        People to pick out, from `picked`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> points, person = np.random.default_rng(0).normal(size=(20, 2)), np.repeat([1, 2], 10)
    >>> ax = Figure().subplots()
    >>> draw_people(ax, points, person, shown=[1])
    >>> ax.get_legend_handles_labels()[1]
    ['others', '1']
    """
    checks.array("points", points, (len(participant), 2))
    shown = checks.several("shown", shown, checks.one_of, np.unique(participant).tolist())
    shown = sorted(shown)  # a legend is searched by number
    rest = ~np.isin(participant, shown)
    ax.scatter(*points[rest].T, s=7, color=_OTHERS, linewidths=0, label="others")
    centres = np.array([np.median(points[participant == person], axis=0) for person in shown])
    low, high = np.quantile(points, (0.005, 0.995), axis=0)
    low, high = np.minimum(low, centres.min(axis=0)), np.maximum(high, centres.max(axis=0))
    reach = high - low + 1e-9
    for person, (colour, marker) in zip(shown, LOOKS, strict=False):
        own = points[participant == person]
        style = {"color": colour, "marker": marker, "linewidths": 0, "label": str(person)}
        ax.scatter(*own.T, s=13, alpha=0.8, **style)
    halo = [patheffects.withStroke(linewidth=4.5, foreground="white")]
    places = _apart(centres, reach * (0.09, 0.07))
    for person, place, (colour, _) in zip(shown, places, LOOKS, strict=False):
        text = {"ha": "center", "va": "center", "color": colour, "weight": "bold"}
        ax.annotate(str(person), place, path_effects=halo, fontsize=12, **text)
    ax.set_xlim(low[0] - 0.06 * reach[0], high[0] + 0.06 * reach[0])
    top = max(high[1], places[:, 1].max())
    ax.set_ylim(low[1] - 0.06 * reach[1], top + 0.06 * reach[1])


def _apart(places: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Move places of labels of a size upwards until none covers another."""
    moved = places.copy()
    done: list[int] = []
    for i in np.argsort(places[:, 1]):
        while any((np.abs(moved[i] - moved[k]) < size).all() for k in done):
            moved[i, 1] += size[1] / 4
        done.append(i)
    return moved
