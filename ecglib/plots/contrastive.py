"""The figures of contrastive pretraining: its views, its course, and what its features hold."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.core import checks
from ecglib.evaluation.protocols import CONTRASTIVE
from ecglib.plots.palette import BLUE, GREY, INK, ORANGE, look
from ecglib.plots.people import draw_people, picked
from ecglib.plots.style import NORMALISED, WIDTH, styled


@styled
def view_pairs(windows: np.ndarray, views: np.ndarray, fs: float, label: str) -> Figure:
    """Draw windows beside their two views.

    Parameters
    ----------
    windows : ndarray, shape (n, n_samples)
        Normalised windows.
    views : ndarray, shape (2 * n, n_samples)
        Their views, two neighbouring rows for each window.
    fs : float
        Sampling rate in Hz.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row per window, with one scale; columns window, first view, second view.

    Examples
    --------
    >>> windows = np.sin(np.arange(2560) / 20).reshape(1, -1)
    >>> len(view_pairs(windows, np.vstack([windows, -windows]), 256.0, "a sine").axes)
    3
    """
    windows = checks.array("windows", windows, (None, None))
    n = len(windows)
    views = checks.array("views", views, (2 * n, windows.shape[1]))
    fig, axes = plt.subplots(
        n, 3, figsize=(WIDTH, 0.6 + 1.1 * n), sharex=True, sharey="row", squeeze=False
    )
    time = np.arange(windows.shape[1]) / fs
    for row, axs in enumerate(axes):
        shown = (windows[row], views[2 * row], views[2 * row + 1])
        for ax, signal, colour in zip(axs, shown, (GREY, BLUE, ORANGE), strict=True):
            ax.plot(time, signal, color=colour, linewidth=0.6)
    for ax, title in zip(axes[0], ("window", "first view", "second view"), strict=True):
        ax.set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel("time (s)")
    for ax in axes[:, 0]:
        ax.set_ylabel(NORMALISED)
    fig.suptitle(f"Windows and their random views ({label})")
    return fig


@styled
def contrastive_curves(history: pd.DataFrame, chance: float, label: str) -> Figure:
    """Draw the contrastive accuracy and the loss over the epochs.

    Parameters
    ----------
    history : DataFrame
        One row per epoch, with ``contrastive_accuracy`` and ``loss``, and both with ``val_`` if
        people were left out.
    chance : float
        Accuracy of guessing.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two axes with a line each for training windows and, if there are any, people left out.

    Examples
    --------
    >>> history = pd.DataFrame(
    ...     {"contrastive_accuracy": [0.1, 0.4], "loss": [3.0, 2.0]}, index=[1, 2]
    ... )
    >>> contrastive_curves(history, 0.05, "invented").axes[0].get_ylabel()
    'contrastive accuracy (0 to 1)'
    """
    checks.number("chance", chance, 0, 1)
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    colour = look(CONTRASTIVE).colour
    for ax, column, name in (
        (axes[0], "contrastive_accuracy", "contrastive accuracy (0 to 1)"),
        (axes[1], "loss", "loss (nats)"),
    ):
        ax.plot(history.index, history[column], "D-", color=colour, label="training windows")
        if f"val_{column}" in history:
            left_out = history[f"val_{column}"]
            style = {"color": colour, "markerfacecolor": "white", "label": "people left out"}
            ax.plot(history.index, left_out, "D--", **style)
        ax.set(xlabel="epoch (number)", ylabel=name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].axhline(chance, color=GREY, linestyle=":", label="guessing")
    axes[0].legend()
    for ax in axes:
        ax.set_ylim(0, 1.1 * ax.dataLim.ymax)
    fig.suptitle(f"Contrastive pretraining ({label})")
    return fig


@styled
def similarity_matrices(
    matrices: Mapping[str, np.ndarray], label: str, participant: np.ndarray | None = None
) -> Figure:
    """Draw the cosine similarities of all views with one another.

    Parameters
    ----------
    matrices : mapping of str to ndarray, shape (2 * n, 2 * n)
        Similarities by name, such as "before"; the two views of a window are neighbours.
    label : str
        Names the data, for the title.
    participant : ndarray, shape (2 * n,), optional
        Whose each view is; views of one person are neighbours. Lines are drawn between people, and
        their numbers stand on the axes.

    Returns
    -------
    Figure
        One square per matrix, on one scale of colours.

    Examples
    --------
    >>> figure = similarity_matrices({"before": np.eye(4), "after": np.ones((4, 4))}, "invented")
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['before', 'after']
    """
    fig, axes = plt.subplots(1, len(matrices), figsize=(WIDTH, 4.1), squeeze=False)
    for ax, (name, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = ax.imshow(matrix, vmin=-1, vmax=1, cmap="cividis")
        ax.set(title=name, xlabel="view (number)", ylabel="view (number)")
        if participant is not None:
            _mark_people(ax, participant)
    for ax in axes[0][1:]:
        ax.set_ylabel("")  # it is that of the first
    fig.colorbar(image, ax=axes[0], label="cosine similarity (-1 to 1)", shrink=0.8)
    fig.suptitle(f"Similarity of the views of held-out windows ({label})")
    return fig


def _mark_people(ax: Axes, participant: np.ndarray) -> None:
    """Rule lines between people, and write their numbers where those of the views would stand."""
    edges = np.flatnonzero(participant[1:] != participant[:-1]) + 0.5
    ends = np.concatenate([[-0.5], edges, [len(participant) - 0.5]])
    for edge in edges:
        for rule in (ax.axhline, ax.axvline):
            rule(edge, color="white", linewidth=1.6)
            rule(edge, color=INK, linewidth=0.7)
    middles = (ends[1:] + ends[:-1]) / 2
    people = participant[np.ceil(middles).astype(int)]
    ax.set_xticks(middles, people, fontsize=9)
    ax.set_yticks(middles, people, fontsize=9)
    what = "views, by participant (number)"
    ax.set(xlabel=what, ylabel=what)
    ax.tick_params(length=0)


@styled
def embedding(
    points: np.ndarray, participant: np.ndarray, rating: np.ndarray, target: str, label: str
) -> Figure:
    """Draw one plane of features twice: with some people picked out, and coloured by rating.

    Parameters
    ----------
    points : ndarray, shape (n_windows, 2)
        Features in the plane.
    participant : ndarray of int, shape (n_windows,)
        Whose each window is; some people have a colour, a marker and their number at the centre of
        their windows.
    rating : ndarray of int, shape (n_windows,)
        Ratings, 1 to 5.
    target : str
        What was rated.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> person, rating = np.repeat([1, 2], 10), np.tile([1, 2, 3, 4, 5], 4)
    >>> figure = embedding(rng.normal(size=(20, 2)), person, rating, "valence", "invented")
    >>> figure.axes[1].get_title()
    'valence'
    """
    checks.array("rating", rating, (len(participant),))
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.2), sharex=True, sharey=True)
    draw_people(axes[0], points, participant, picked([points], participant))
    axes[0].set(title="participant (number)", ylabel="second component (SD)")
    five = plt.get_cmap("cividis", 5)
    dots = axes[1].scatter(*points.T, c=rating, cmap=five, s=14, vmin=0.5, vmax=5.5, linewidths=0)
    axes[1].set_title(target)
    fig.colorbar(dots, ax=axes[1], label=f"{target} (1 to 5)", ticks=range(1, 6))
    for ax in axes:
        ax.set_xlabel("first component (SD)")
    handles, names = axes[0].get_legend_handles_labels()
    shown = sorted(range(1, len(names)), key=lambda i: (len(names[i]), names[i]))  # 0: all others
    names, handles = ([of[i] for i in (0, *shown)] for of in (names, handles))
    fig.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=len(names),
        title="participant",
        markerscale=2,
    )
    fig.suptitle(f"Features of held-out windows ({label})")
    return fig
