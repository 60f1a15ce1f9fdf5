"""The figures of contrastive pretraining; style as in `ecglib.plots`."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.plots import BLUE, GREY, ORANGE, WIDTH, styled


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
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One row per window; columns window, first view, second view.
    """
    n = len(windows)
    fig, axes = plt.subplots(n, 3, figsize=(WIDTH, 0.6 + 1.1 * n), sharex=True, squeeze=False)
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
        ax.set_ylabel("ECG (SD)")
    fig.suptitle(f"Windows and their random views ({label})")
    return fig


@styled
def contrastive_curves(history: pd.DataFrame, chance: float, label: str) -> Figure:
    """Draw the contrastive accuracy and the loss over the epochs.

    Parameters
    ----------
    history : DataFrame
        One row per epoch, with ``contrastive_accuracy`` and ``loss``, and both with ``val_``.
    chance : float
        Accuracy of guessing.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes with a line each for training windows and for people left out.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    for ax, column, name in (
        (axes[0], "contrastive_accuracy", "contrastive accuracy (0 to 1)"),
        (axes[1], "loss", "loss (nats)"),
    ):
        ax.plot(history.index, history[column], "o-", color=BLUE, label="training windows")
        ax.plot(
            history.index, history[f"val_{column}"], "s--", color=ORANGE, label="people left out"
        )
        ax.set(xlabel="epoch (number)", ylabel=name)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].axhline(chance, color=GREY, linestyle=":", label="guessing")
    axes[0].legend()
    fig.suptitle(f"Contrastive pretraining ({label})")
    return fig


@styled
def similarity_matrices(matrices: Mapping[str, np.ndarray], label: str) -> Figure:
    """Draw the cosine similarities of all views with one another.

    Parameters
    ----------
    matrices : mapping of str to ndarray, shape (2 * n, 2 * n)
        Name, such as "before" -> similarities; the two views of a window are neighbours.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One square per matrix, on one scale of colours.
    """
    fig, axes = plt.subplots(1, len(matrices), figsize=(WIDTH, 3.9), squeeze=False)
    for ax, (name, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = ax.imshow(matrix, vmin=-1, vmax=1, cmap="cividis")
        ax.set(title=name, xlabel="view (number)", ylabel="view (number)")
    fig.colorbar(image, ax=axes[0], label="cosine similarity (-1 to 1)", shrink=0.8)
    fig.suptitle(f"Similarity of the views of held-out windows ({label})")
    return fig


@styled
def embedding(
    points: np.ndarray, participant: np.ndarray, rating: np.ndarray, target: str, label: str
) -> Figure:
    """Draw one plane of features twice: coloured by participant, and by rating.

    Parameters
    ----------
    points : ndarray, shape (n_windows, 2)
        Features in the plane.
    participant : ndarray of int, shape (n_windows,)
        Whose each window is; the number stands at the centre of the windows.
    rating : ndarray of int, shape (n_windows,)
        Ratings, 1 to 5.
    target : str
        What was rated.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.8), sharex=True, sharey=True)
    people = np.unique(participant)
    codes = np.searchsorted(people, participant)
    axes[0].scatter(*points.T, c=codes, cmap="tab20", s=9, alpha=0.6, linewidths=0)
    for person in people:
        axes[0].annotate(str(person), points[participant == person].mean(axis=0), ha="center")
    axes[0].set_title("participant (number)")
    dots = axes[1].scatter(*points.T, c=rating, cmap="cividis", s=9, vmin=1, vmax=5, linewidths=0)
    axes[1].set_title(f"{target}")
    fig.colorbar(dots, ax=axes[1], label=f"{target} (1 to 5)", ticks=range(1, 6))
    for ax in axes:
        ax.set(xlabel="first component (SD)", ylabel="second component (SD)")
    fig.suptitle(f"Features of held-out windows ({label})")
    return fig
