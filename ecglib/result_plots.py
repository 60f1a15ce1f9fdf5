"""The figures of training, recognition, features and results; style as in `ecglib.plots`."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.metrics import MAJORITY
from ecglib.plots import BLUE, GREY, ORANGE, PURPLE, SKY, WIDTH, styled

CHANCE = {"auc": 0.5, "balanced_accuracy": 0.5}
"""Metrics that have a known expectation where there is nothing to find."""

_METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auc": "area under the ROC curve",
}
_MODEL_MARKERS = "osD^vP"
_MODEL_COLOURS = (GREY, BLUE, ORANGE, PURPLE, SKY, "black")


@styled
def training_curves(history: pd.DataFrame, label: str) -> Figure:
    """Draw the loss and the balanced accuracy of the pretext training.

    Parameters
    ----------
    history : pandas.DataFrame
        One row per epoch with loss and balanced_accuracy.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes over the epochs.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    for ax, column, name, colour in (
        (axes[0], "loss", "loss (nats)", ORANGE),
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
    scores : pandas.DataFrame
        Result of `ecglib.recognition.task_scores`.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        Two bars per task with their values.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.0))
    rows = np.arange(len(scores))
    for offset, column, name, colour, hatch in (
        (-0.2, "auc", "area under the ROC curve", BLUE, None),
        (0.2, "f1", "F1", SKY, "//"),
    ):
        ax.barh(rows + offset, scores[column], 0.38, color=colour, hatch=hatch, label=name)
        for row, value in zip(rows, scores[column], strict=True):
            ax.annotate(f" {value:.2f}", (value, row + offset), va="center", fontsize=9)
    ax.set(yticks=rows, yticklabels=_spoken(scores.index), xlim=(0, 1.1))
    ax.set(xlabel="score (0 to 1)", ylabel="version to recognise")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"Recognition for people left out of pretraining ({label})")
    return fig


@styled
def confusion_matrix(shares: pd.DataFrame, label: str) -> Figure:
    """Draw which head answers most strongly to each version.

    Parameters
    ----------
    shares : pandas.DataFrame
        Result of `ecglib.recognition.confusion`.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One cell per version shown and head, with its share in per cent.
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
    """Draw how far original and scaled windows can be told apart, and how far the network does.

    Parameters
    ----------
    by_participant : pandas.Series
        Area under the ROC curve of the oracle of the person, by participant.
    population, network : float
        Areas of the oracle of the population and of the network.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One dot per participant, and the other two as lines.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    position = np.arange(len(by_participant))
    ax.plot(position, by_participant, "o", color=BLUE, label="who knows this person")
    ax.axhline(population, color=PURPLE, linestyle="--", label="who knows other people")
    ax.axhline(network, color=ORANGE, label="the network")
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
    """Draw windows in the plane of two features, with the number of each participant at its centre.

    Parameters
    ----------
    points : dict of str to numpy.ndarray
        By encoder: (n_windows, 2) positions.
    participant : numpy.ndarray
        Participant of each window, (n_windows,).
    shares : dict of str to float
        By encoder: share of the features' variance that lies between participants, 0 to 1.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One axes per encoder.
    """
    fig, axes = plt.subplots(1, len(points), figsize=(WIDTH, 4.0), squeeze=False)
    for ax, (name, at) in zip(axes[0], points.items(), strict=True):
        ax.scatter(*at.T, s=8, color=SKY, linewidths=0, rasterized=True)
        for number in np.unique(participant):
            centre = np.median(at[participant == number], axis=0)
            ax.annotate(str(number), centre, ha="center", va="center", fontsize=9, weight="bold")
        ax.set(xlabel="first component (SD)", ylabel="second component (SD)")
        ax.set_title(f"{name}: {shares[name]:.0%} between participants")
    fig.suptitle(f"Windows in feature space ({label})")
    return fig


@styled
def forest(summary: pd.DataFrame, metric: str, label: str) -> Figure:
    """Draw every model's metric with its interval: targets below each other, protocols abreast.

    Parameters
    ----------
    summary : pandas.DataFrame
        Result of `ecglib.metrics.summarise`.
    metric : str
        Which of its metrics.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One column of axes per protocol, with chance, where the metric has one, as a dotted line and
        the majority class as a vertical bar.
    """
    table = summary[summary["metric"] == metric]
    models = table.loc[table["model"] != MAJORITY, "model"].unique()
    protocols, targets = table["protocol"].unique(), table["target"].unique()
    fig, axes = plt.subplots(
        1,
        len(protocols),
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 1.3 + 0.27 * (len(models) + 1) * len(targets)),
    )
    for ax, protocol in zip(axes[0], protocols, strict=True):
        of_protocol = table[table["protocol"] == protocol]
        for block, target in enumerate(targets):
            rows = of_protocol[of_protocol["target"] == target]
            top = block * (len(models) + 1)
            for number, model in enumerate(models):
                colour = _MODEL_COLOURS[number % len(_MODEL_COLOURS)]
                marker = _MODEL_MARKERS[number % len(_MODEL_MARKERS)]
                for row in rows[rows["model"] == model].itertuples():
                    ax.plot([row.low, row.high], [top + number] * 2, color=colour, linewidth=2)
                    ax.plot(row.mean, top + number, marker, color=colour, label=model)
            for majority in rows.loc[rows["model"] == MAJORITY, "mean"]:
                span = [top - 0.5, top + len(models) - 0.5]
                ax.plot([majority] * 2, span, color="black", linewidth=2.5, label="majority class")
        if metric in CHANCE:
            ax.axvline(CHANCE[metric], color=GREY, linestyle=":", label="chance", zorder=0)
        ax.set(title=protocol, xlabel=f"{_METRIC_NAMES[metric]} (0 to 1)")
    middle = np.arange(len(targets)) * (len(models) + 1) + (len(models) - 1) / 2
    axes[0, 0].set(yticks=middle, yticklabels=targets)
    axes[0, 0].invert_yaxis()
    handles = dict(zip(*axes[0, 0].get_legend_handles_labels()[::-1], strict=True))
    fig.legend(handles.values(), handles, loc="outside lower center", ncols=3)
    fig.suptitle(f"Mean over participants, with intervals ({label})")
    return fig


@styled
def paired_differences(differences: pd.DataFrame, label: str) -> Figure:
    """Draw how much better one model is than another on the same participants.

    Parameters
    ----------
    differences : pandas.DataFrame
        Result of `ecglib.metrics.paired_difference` for one protocol.
    label : str
        Which data these are.

    Returns
    -------
    matplotlib.figure.Figure
        One axes per metric; a mean and an interval per target, and a line at no difference.
    """
    metrics, targets = differences["metric"].unique(), differences["target"].unique()
    fig, axes = plt.subplots(
        1,
        len(metrics),
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 1.4 + 0.4 * len(targets)),
    )
    for ax, metric in zip(axes[0], metrics, strict=True):
        rows = differences[differences["metric"] == metric].set_index("target").loc[targets]
        at = np.arange(len(targets))
        ax.hlines(at, rows["low"], rows["high"], color=BLUE, linewidth=2)
        ax.plot(rows["mean"], at, "o", color=BLUE)
        ax.axvline(0, color=GREY, linestyle=":")
        ax.set(title=_METRIC_NAMES[metric], yticks=at, yticklabels=targets)
        ax.xaxis.set_major_locator(MaxNLocator(5))
    axes[0, 0].set_ylim(len(targets) - 0.5, -0.5)
    fig.supxlabel("difference (positive: the first is better)", fontsize=10)
    fig.suptitle(f"{differences['model'].iloc[0]} ({label})")
    return fig


def _spoken(tasks: pd.Index) -> list[str]:
    return [task.replace("_", " ") for task in tasks]
