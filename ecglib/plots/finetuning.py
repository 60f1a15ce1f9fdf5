"""The figures of fine-tuning: its learning rates, what it changed, and one fold of ratings."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.data.targets import RATINGS
from ecglib.plots.palette import BLUE, spoken
from ecglib.plots.style import WIDTH, styled


@styled
def rate_curves(rates: Mapping[str, np.ndarray], label: str) -> Figure:
    """Draw the learning rate over the steps of each training.

    Parameters
    ----------
    rates : mapping of str to ndarray, shape (n_steps,)
        Learning rate at each step, by what is trained.
    label : str
        Name of the profile.

    Returns
    -------
    Figure

    Examples
    --------
    >>> rate_curves({"head": np.linspace(0, 1, 5)}, "invented").axes[0].get_title()
    'head'
    """
    fig, axes = plt.subplots(1, len(rates), figsize=(WIDTH, 2.6), squeeze=False)
    for ax, (name, rate) in zip(axes[0], rates.items(), strict=True):
        ax.plot(np.arange(len(rate)), rate, color=BLUE)
        ax.set(title=name, xlabel="step (number)", ylabel="learning rate (1)")
        ax.set_ylim(bottom=0)
    fig.suptitle(f"Warm-up and cosine decay ({label} profile)")
    return fig


@styled
def weight_changes(changes: pd.Series, label: str) -> Figure:
    """Draw how far fine-tuning moved the kernel of each convolution.

    Parameters
    ----------
    changes : Series
        By layer: length of the change, as a share of the length of the kernel.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure

    Examples
    --------
    >>> changes = pd.Series({"conv_layer_1": 0.1, "conv_layer_2": 0.2})
    >>> weight_changes(changes, "invented").axes[0].get_ylabel()
    'change of the kernel (%)'
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.6))
    ax.bar(range(len(changes)), 100 * changes, color=BLUE)
    ax.set_xticks(range(len(changes)), [spoken(layer) for layer in changes.index])
    ax.set(ylabel="change of the kernel (%)", xlabel="layer (name)")
    ax.set_title(f"What fine-tuning changed ({label})")
    return fig


@styled
def confusion(counts: np.ndarray, shares: np.ndarray, target: str, label: str) -> Figure:
    """Draw which rating was taken for which.

    Parameters
    ----------
    counts : ndarray of int, shape (5, 5)
        Numbers of windows; rows: the true rating; columns: the predicted one.
    shares : ndarray, shape (5, 5)
        The same as shares of each row, 0 to 1.
    target : str
        What was rated.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Shares as colours; the number of windows stands in each cell.

    Examples
    --------
    >>> len(confusion(np.eye(5, dtype=int), np.eye(5), "valence", "invented").axes[0].texts)
    25
    """
    shape = (len(RATINGS), len(RATINGS))
    checks.array("counts", counts, shape)
    checks.probabilities("shares", shares, shape)
    fig, ax = plt.subplots(figsize=(4.6, 3.8))
    image = ax.imshow(shares, vmin=0, vmax=1, cmap="cividis")
    for (row, column), count in np.ndenumerate(counts):
        colour = "black" if shares[row, column] > 0.5 else "white"
        ax.annotate(str(count), (column, row), ha="center", va="center", color=colour)
    ax.set_xticks(range(len(RATINGS)), RATINGS)
    ax.set_yticks(range(len(RATINGS)), RATINGS)
    ax.set(xlabel="predicted rating (1 to 5)", ylabel="true rating (1 to 5)")
    fig.colorbar(image, ax=ax, label="share of the true rating (0 to 1)")
    ax.set_title(f"{target.capitalize()}, one fold ({label})")
    return fig
