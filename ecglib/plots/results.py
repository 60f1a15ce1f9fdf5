"""The figures of results: a metric of every model with its interval."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglib.evaluation.protocols import MAJORITY
from ecglib.plots.palette import GREY, INK, difference_name, look, looks, spoken
from ecglib.plots.style import CHANCE, METRIC_NAMES, WIDTH, styled


@styled
def forest(summary: pd.DataFrame, metric: str, label: str) -> Figure:
    """Draw every model's metric with its interval: targets below each other, protocols abreast.

    Parameters
    ----------
    summary : DataFrame
        Result of `ecglib.evaluation.summaries.summarise`.
    metric : str
        Which of its metrics.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One column of axes per protocol, with chance, where the metric has one, as a dotted line and
        the majority class as a vertical bar.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"model": ["majority", "STR"], "mean": [0.5, 0.6], "metric": "accuracy"}
    ... )
    >>> rows = rows.assign(protocol="participant-kfold", target="valence", regime="none")
    >>> rows = rows.assign(low=0.4, high=0.7, baseline=0.5)
    >>> len(forest(rows, "accuracy", "invented").axes)
    1
    """
    table = summary[summary["metric"] == metric]
    models = looks(table.loc[table["model"] != MAJORITY, "model"].unique())
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
            for number, (model, drawn) in enumerate(models.items()):
                for row in rows[rows["model"] == model].itertuples():
                    style = {"color": drawn.colour, "marker": drawn.marker, "label": drawn.name}
                    ax.plot([row.low, row.high], [top + number] * 2, color=drawn.colour, lw=2)
                    ax.plot(row.mean, top + number, linestyle="", **style)
            for majority in rows.loc[rows["model"] == MAJORITY, "mean"]:
                span = [top - 0.5, top + len(models) - 0.5]
                ax.plot([majority] * 2, span, color=INK, linewidth=2.5, label=look(MAJORITY).name)
        if metric in CHANCE:
            ax.axvline(CHANCE[metric], color=GREY, linestyle=":", label="chance", zorder=0)
        ax.set(title=spoken(protocol), xlabel=f"{METRIC_NAMES[metric]} (0 to 1)")
    middle = np.arange(len(targets)) * (len(models) + 1) + (len(models) - 1) / 2
    axes[0, 0].set(yticks=middle, yticklabels=targets)
    axes[0, 0].invert_yaxis()
    # A model may stand under one protocol only, so every axes has its say.
    handles = {
        name: handle
        for ax in axes[0]
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    order = [drawn.name for drawn in models.values()]
    names = sorted(handles, key=lambda n: order.index(n) if n in order else len(order))
    # What fits stands in one line: a last entry by itself looks like an afterthought.
    in_one_line = sum(len(name) + 9 for name in names) <= 110
    fig.legend(
        [handles[name] for name in names],
        names,
        loc="outside lower center",
        ncols=len(names) if in_one_line else 3,
    )
    fig.suptitle(f"Mean over participants, with intervals ({label})")
    return fig


@styled
def paired_differences(differences: pd.DataFrame, label: str) -> Figure:
    """Draw how much better one model is than another on the same participants.

    Parameters
    ----------
    differences : DataFrame
        Result of `ecglib.evaluation.summaries.paired_difference` for one protocol.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One axes per metric; a mean and an interval per target, and a line at no difference.

    Examples
    --------
    >>> rows = pd.DataFrame({"target": ["valence", "arousal"], "metric": "auc", "mean": [0.0, 0.1]})
    >>> rows = rows.assign(model="STR (strict) - random (none)", low=-0.1, high=0.2)
    >>> rows = rows.assign(protocol="leave-one-participant-out")
    >>> len(paired_differences(rows, "invented").axes)
    1
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
    fig.get_layout_engine().set(wspace=0.05)  # the last tick of one axes and the first of the next
    for ax, metric in zip(axes[0], metrics, strict=True):
        rows = differences[differences["metric"] == metric].set_index("target").loc[targets]
        at = np.arange(len(targets))
        ax.hlines(at, rows["low"], rows["high"], color=INK, linewidth=2)
        ax.plot(rows["mean"], at, "o", color=INK)
        ax.axvline(0, color=GREY, linestyle=":")
        ax.set(title=METRIC_NAMES[metric], yticks=at, yticklabels=targets)
        ax.xaxis.set_major_locator(MaxNLocator(5))
    axes[0, 0].set_ylim(len(targets) - 0.5, -0.5)
    fig.supxlabel("difference (positive: the first is better)", fontsize=10)
    fig.suptitle(f"{difference_name(differences['model'].iloc[0])} ({label})")
    return fig


@styled
def power_over_effect(curves: pd.DataFrame, label: str) -> Figure:
    """Draw how often an effect is found over its size.

    Parameters
    ----------
    curves : DataFrame
        Power, 0 to 1: a row per effect, a column per model.
    label : str
        How many people there are, and where their spread is from.

    Returns
    -------
    Figure
        A curve per model, and the power of 0.8 as a dotted line.

    Examples
    --------
    >>> curves = pd.DataFrame({"STR": [0.05, 0.9]}, index=[0.0, 0.1])
    >>> power_over_effect(curves, "invented").axes[0].get_ylabel()
    'power (0 to 1)'
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    for model, drawn in looks(curves).items():
        style = {"linestyle": drawn.line, "color": drawn.colour, "linewidth": 1.8}
        ax.plot(curves[model], label=drawn.name, **style)
    ax.axhline(0.8, color=GREY, linestyle=":")
    ax.set(xlabel="effect (true mean AUC minus 0.5)", ylabel="power (0 to 1)", ylim=(0, 1.02))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"How often an effect is found ({label})")
    return fig
