"""The figures of personal models, ratings and reliability."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.targets import RATINGS
from ecglib.evaluation.protocols import MAJORITY
from ecglib.plots.palette import BLUE, GREY, INK, look, looks
from ecglib.plots.style import CHANCE, WIDTH, styled


@styled
def rated_trials(curve: pd.DataFrame, names: Mapping[str, str], label: str) -> Figure:
    """Draw metrics over the number of rated trials of the tested person.

    Parameters
    ----------
    curve : DataFrame
        Result of `ecglib.evaluation.rated.rated_curve`, of the majority and up to two models.
    names : mapping of str to str
        Which metrics to draw, and how to call them.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row of axes per metric, one column per target; means and intervals over participants,
        and the majority as a dashed line.

    Examples
    --------
    >>> curve = pd.DataFrame({"model": [*["majority"] * 2, *["STR"] * 2], "rated": [0, 4] * 2})
    >>> curve = curve.assign(
    ...     target="valence", metric="auc", mean=0.6, low=0.5, high=0.7, baseline=0.5
    ... )
    >>> len(rated_trials(curve, {"auc": "AUC (0 to 1)"}, "invented").axes)
    1
    """
    targets, rated = curve["target"].unique(), np.sort(curve["rated"].unique())
    models = looks(model for model in curve["model"].unique() if model != MAJORITY)
    fig, axes = plt.subplots(
        len(names),
        len(targets),
        sharex=True,
        sharey="row",
        squeeze=False,
        figsize=(WIDTH, 0.9 + 2.1 * len(names)),
    )
    at = np.arange(len(rated))
    for row, (metric, name) in zip(axes, names.items(), strict=True):
        for ax, target in zip(row, targets, strict=True):
            of = curve[(curve["metric"] == metric) & (curve["target"] == target)]
            of = of.set_index(["model", "rated"])
            ax.plot(at, of.loc[MAJORITY].loc[rated, "mean"], "--", color=GREY, label="ratings only")
            for number, (model, drawn) in enumerate(models.items()):
                values, x = of.loc[model].loc[rated], at + 0.08 * (2 * number - 1)
                ax.vlines(x, values["low"], values["high"], color=drawn.colour, linewidth=1.5)
                style = {"color": drawn.colour, "marker": drawn.marker, "linestyle": drawn.line}
                ax.plot(x, values["mean"], markersize=4, label=drawn.name, **style)
            if metric in CHANCE:
                ax.axhline(CHANCE[metric], color=GREY, linestyle=":", label="chance", zorder=0)
            ax.set_xticks(at, rated)
        row[0].set_ylabel(f"{name}\n(0 to 1)")
    for ax, target in zip(axes[0], targets, strict=True):
        ax.set_title(target)
    handles = dict(zip(*axes[0, 0].get_legend_handles_labels()[::-1], strict=True))
    fig.legend(handles.values(), handles, loc="outside lower center", ncols=4)
    axes[-1, len(targets) // 2].set_xlabel("rated trials of the tested person (number)")
    fig.suptitle(f"New person, some trials rated ({label})")
    return fig


@styled
def ratings_against_truth(predictions: pd.DataFrame, baseline: pd.Series, label: str) -> Figure:
    """Draw the distribution of the predicted ratings for each rating that was given.

    Parameters
    ----------
    predictions : DataFrame
        Columns `ecglib.evaluation.protocols.RATING_COLUMNS`, of the models to draw.
    baseline : Series
        By target: the mean prediction of a baseline, drawn as a dashed line; the name of the
        series is that of the baseline.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row of axes per model, one column per target; boxes from the lower to the upper
        quartile, whiskers from 5 % to 95 % of the windows.

    Examples
    --------
    >>> rows = pd.DataFrame({"truth": [1, 2, 3, 4, 5] * 2, "predicted": np.linspace(2, 4, 10)})
    >>> rows = rows.assign(target="valence", model="ridge", participant=1)
    >>> baseline = pd.Series({"valence": 3.0}, name="training mean")
    >>> len(ratings_against_truth(rows, baseline, "invented").axes)
    1
    """
    targets, models = predictions["target"].unique(), predictions["model"].unique()
    fig, axes = plt.subplots(
        len(models),
        len(targets),
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 0.9 + 2.2 * len(models)),
    )
    for row, model in zip(axes, models, strict=True):
        colour = look(model).colour
        for ax, target in zip(row, targets, strict=True):
            of_target = predictions[predictions["target"] == target]
            by_rating = of_target[of_target["model"] == model].groupby("truth")["predicted"]
            given = {rating: values.to_numpy() for rating, values in by_rating}
            ax.boxplot(
                list(given.values()),
                positions=list(given),
                widths=0.6,
                whis=(5, 95),
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": f"{colour}40", "edgecolor": colour},
                medianprops={"color": "black", "linewidth": 1.5},
            )
            ax.axhline(baseline[target], color=INK, linestyle="--", label=look(baseline.name).name)
            ax.plot(RATINGS, RATINGS, ":", color=GREY, label="perfect")
            ax.set_xticks(RATINGS, RATINGS)
            ax.set(xlim=(0.4, 5.6), ylim=(0.8, 5.2), yticks=RATINGS)
        row[0].set_ylabel(f"{look(model).name}:\nrating predicted (1 to 5)")
    for ax, target in zip(axes[0], targets, strict=True):
        ax.set_title(target)
    handles, texts = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, texts, loc="outside lower center", ncols=2)
    axes[-1, len(targets) // 2].set_xlabel("rating given (1 to 5)")
    fig.suptitle(f"Ratings of new people ({label})")
    return fig


@styled
def reliability(curves: Mapping[str, pd.DataFrame], label: str) -> Figure:
    """Draw reliability curves with their bands.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        By what it is called: result of `ecglib.evaluation.calibration.reliability_curve` for one
        model in one regime.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row of axes per model, one column per target; the diagonal is perfect.

    Examples
    --------
    >>> curve = pd.DataFrame({"probability": [0.3, 0.7], "share": [0.4, 0.6], "target": "valence"})
    >>> curve = curve.assign(low=0.2, high=0.8, n_participants=9)
    >>> len(reliability({"STR": curve}, "invented").axes)
    1
    """
    targets = next(iter(curves.values()))["target"].unique()
    fig, axes = plt.subplots(
        len(curves),
        len(targets),
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 0.7 + 2.1 * len(curves)),
    )
    for row, (name, curve) in zip(axes, curves.items(), strict=True):
        for ax, target in zip(row, targets, strict=True):
            of = curve[curve["target"] == target]
            ax.plot([0, 1], [0, 1], ":", color=GREY)
            ax.fill_between(of["probability"], of["low"], of["high"], color=BLUE, alpha=0.2)
            ax.plot(of["probability"], of["share"], "o-", color=BLUE, markersize=4)
            ax.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        row[0].set_ylabel(f"{name}:\nshare of high (0 to 1)")
    for ax in axes[-1]:  # the outer labels stay inside, away from those of the next panel
        for text, side in zip(ax.get_xticklabels(), ("left", "center", "right"), strict=True):
            text.set_horizontalalignment(side)
    for ax, target in zip(axes[0], targets, strict=True):
        ax.set_title(target)
    axes[-1, len(targets) // 2].set_xlabel("predicted probability of high (0 to 1)")
    fig.suptitle(f"Reliability for new people ({label})")
    return fig
