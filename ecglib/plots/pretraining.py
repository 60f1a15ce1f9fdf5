"""The figures of a pretraining: its course, what its heads recognise and its features hold."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.core import checks
from ecglib.plots.palette import AMBER, BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, look, spoken
from ecglib.plots.people import draw_people, picked
from ecglib.plots.style import WIDTH, styled

_TASK_LOOKS = (
    (BLUE, "o"),
    (GREY, "x"),
    (ORANGE, "s"),
    (GREEN, "^"),
    (AMBER, "v"),
    (SKY, "P"),
    (PURPLE, "D"),
)


@styled
def training_curves(history: pd.DataFrame, label: str) -> Figure:
    """Draw the loss and the balanced accuracy of the pretext training.

    Parameters
    ----------
    history : DataFrame
        One row per epoch with loss and balanced_accuracy.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two axes over the epochs.

    Examples
    --------
    >>> history = pd.DataFrame({"loss": [1.0, 0.5], "balanced_accuracy": [0.5, 0.8]}, index=[1, 2])
    >>> len(training_curves(history, "invented").axes)
    2
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    for ax, column, name, colour in (
        (axes[0], "loss", "loss (nats)", BLUE),
        (axes[1], "balanced_accuracy", "balanced accuracy (0 to 1)", BLUE),
    ):
        ax.plot(history.index, history[column], "o-", color=colour, markersize=4)
        ax.set(xlabel="epoch (number)", ylabel=name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(0.45, 1.02)
    axes[1].axhline(0.5, color=GREY, linestyle=":")
    fig.suptitle(f"Pretraining on the training windows ({label})")
    return fig


@styled
def task_bars(scores: pd.DataFrame, label: str) -> Figure:
    """Draw the F1 and the area under the ROC curve of every pretext head.

    Parameters
    ----------
    scores : DataFrame
        Result of `ecglib.evaluation.recognition.task_scores`.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Two bars per task with their values.

    Examples
    --------
    >>> scores = pd.DataFrame({"auc": [0.9, 0.8], "f1": [0.8, 0.6]}, index=["noise", "scaling"])
    >>> task_bars(scores, "invented").axes[0].get_legend() is not None
    True
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.0))
    rows = np.arange(len(scores))
    for offset, column, name, colour, hatch in (
        (-0.2, "auc", "area under the ROC curve", BLUE, None),
        (0.2, "f1", "F1", "white", "////"),
    ):
        style = {"color": colour, "hatch": hatch, "edgecolor": BLUE}
        ax.barh(rows + offset, scores[column], 0.38, label=name, **style)
        for row, value in zip(rows, scores[column], strict=True):
            ax.annotate(f" {value:.2f}", (value, row + offset), va="center", fontsize=9)
    ax.set(yticks=rows, yticklabels=_spoken(scores.index), xlim=(0, 1.1))
    ax.set(xlabel="score (0 to 1)", ylabel="version to recognise")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"Recognition for people left out of pretraining ({label})")
    return fig


@styled
def areas_over_views(longer: pd.DataFrame, here: pd.Series, views: int, label: str) -> Figure:
    """Draw how well each head of a long training recognises its version, over the views shown.

    Parameters
    ----------
    longer : DataFrame
        Area under the ROC curve, a row per judgement by the number of views until then, a column
        per task.
    here : Series
        Areas of another training by task, to compare.
    views : int
        Views of that other training.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        A line per task on a logarithmic axis of views, and large hollow markers for `here`.

    Examples
    --------
    >>> from ecglib.pretext.transformations import TASKS
    >>> longer = pd.DataFrame(0.7, index=[100, 1000], columns=list(TASKS))
    >>> areas_over_views(longer, pd.Series(0.6, index=list(TASKS)), 500, "invented").axes[
    ...     0
    ... ].get_xscale()
    'log'
    """
    checks.whole("views", views, 1)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    for task, (colour, marker) in zip(longer.columns, _TASK_LOOKS, strict=True):
        name = _spoken(pd.Index([task]))[0]
        ax.plot(longer[task], color=colour, marker=marker, ms=4, linewidth=1.2, label=name)
        hollow = {"mfc": "white", "mec": colour, "mew": 1.8, "ms": 10, "zorder": 3}
        ax.plot(views, here[task], marker, color=colour, **hollow)
    ax.axvline(views, color=GREY, linestyle=":", label="this chapter (hollow)")
    ax.set_xscale("log")
    ax.set(xlabel="versions of windows shown in training (number)", ylim=(0.48, 1.02))
    ax.set_ylabel("area under the ROC curve (0 to 1)")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"A longer training ({label})")
    return fig


@styled
def confusion_matrix(shares: pd.DataFrame, label: str) -> Figure:
    """Draw which head answers most strongly to each version.

    Parameters
    ----------
    shares : DataFrame
        Result of `ecglib.evaluation.recognition.confusion`.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One cell per version shown and head, with its share in per cent.

    Examples
    --------
    >>> from ecglib.evaluation.recognition import confusion
    >>> shares = confusion(np.tile(np.eye(7), (2, 1, 1)))
    >>> len(confusion_matrix(shares, "invented").axes[0].texts)
    49
    """
    fig, ax = plt.subplots(figsize=(0.8 * WIDTH, 0.62 * WIDTH))
    image = ax.imshow(100 * shares.to_numpy(), cmap="cividis", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(shares.to_numpy()):
        colour = "white" if share < 0.55 else "black"
        ax.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=9)
    ticks = np.arange(len(shares))
    ax.set(yticks=ticks, yticklabels=_spoken(shares.index), ylabel="version shown")
    ax.set_xticks(ticks, _spoken(shares.columns), rotation=35, ha="right")
    ax.set_xlabel("head that answers most strongly")
    ax.spines[:].set_visible(False)
    fig.colorbar(image, label="windows of this version (%)")
    ax.set_title(f"Who answers most strongly ({label})")
    return fig


@styled
def amplitude_oracles(
    by_participant: pd.Series, population: float, network: float, label: str
) -> Figure:
    """Draw how well two oracles and the network tell original windows from scaled ones.

    Parameters
    ----------
    by_participant : Series
        By participant: area under the ROC curve of an oracle that knows the amplitudes of the same
        participant.
    population : float
        Area of an oracle that knows the amplitudes of other participants.
    network : float
        Area of the network.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One dot per participant, and the other two as lines.

    Examples
    --------
    >>> by_person = pd.Series({1: 0.9, 2: 0.95})
    >>> len(amplitude_oracles(by_person, 0.6, 0.7, "invented").axes)
    1
    """
    checks.number("population", population, 0, 1)
    checks.number("network", network, 0, 1)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    position = np.arange(len(by_participant))
    ax.plot(position, by_participant, "o", color=INK, label="oracle: same participant")
    other = "oracle: other participants"
    ax.axhline(population, color=INK, linestyle="--", label=other)
    ax.axhline(network, color=BLUE, linewidth=1.8, label="the network (STR)")
    ax.axhline(0.5, color=GREY, linestyle=":", label="chance")
    ax.set_xticks(position, by_participant.index, fontsize=8)
    ax.set(xlabel="participant (number)", ylabel="original against scaled\n(area, 0 to 1)")
    ax.set_ylim(0.4, 1.03)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"What the amplitude of a window can tell ({label})")
    return fig


@styled
def feature_maps(
    points: dict[str, np.ndarray], participant: np.ndarray, shares: dict[str, float], label: str
) -> Figure:
    """Draw windows in the plane of two features, with some people picked out.

    Parameters
    ----------
    points : dict of str to ndarray
        By encoder: (n_windows, 2) positions.
    participant : ndarray
        Participant of each window, (n_windows,).
    shares : dict of str to float
        By encoder: share of the features' variance that lies between participants, 0 to 1.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per encoder; the same people have the same colour, marker and number in all, and
        everyone else is grey.

    Examples
    --------
    >>> points, person = np.random.default_rng(0).normal(size=(20, 2)), np.repeat([1, 2], 10)
    >>> figure = feature_maps({"STR": points}, person, {"STR": 0.4}, "invented")
    >>> figure.axes[0].get_title()
    'STR: 40% between participants'
    """
    fig, axes = plt.subplots(1, len(points), figsize=(WIDTH, 4.2), squeeze=False)
    shown = picked(list(points.values()), participant)
    for ax, (name, at) in zip(axes[0], points.items(), strict=True):
        draw_people(ax, at, participant, shown)
        ax.set(xlabel="first component (SD)", ylabel="second component (SD)")
        ax.set_title(f"{look(name).name}: {shares[name]:.0%} between participants")
    handles, names = axes[0, 0].get_legend_handles_labels()
    fig.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=len(names),
        title="participant",
        markerscale=2,
    )
    fig.suptitle(f"Windows in feature space ({label})")
    return fig


def _spoken(tasks: pd.Index) -> list[str]:
    return [spoken(task) for task in tasks]
