"""The figures of intervals, tests, power and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ecglib.core import checks
from ecglib.plots.palette import BLUE, GREY, INK, ORANGE, PURPLE, SKY, look
from ecglib.plots.style import WIDTH, styled

_MARKERS = "osD^"
_COLOURS = (SKY, BLUE, PURPLE, "black")
_LINES = ("-", "--", "-.", ":")


@styled
def interval_ladder(means: np.ndarray, intervals: np.ndarray, truth: float) -> Figure:
    """Draw the intervals of many simulated cohorts, and mark those that miss the truth.

    Parameters
    ----------
    means : ndarray
        Mean of each cohort, (n_cohorts,).
    intervals : ndarray
        Limits of its interval, (n_cohorts, 2).
    truth : float
        What the intervals are to cover.

    Returns
    -------
    Figure
        One vertical interval per cohort; those that miss are dashed and of another colour.

    Examples
    --------
    >>> means = np.array([0.5, 0.7])
    >>> intervals = np.array([[0.4, 0.6], [0.6, 0.8]])
    >>> interval_ladder(means, intervals, truth=0.5).axes[0].get_legend_handles_labels()[1]
    ['covers', 'misses', 'truth']
    """
    checks.array("means", means, (None,))
    checks.array("intervals", intervals, (len(means), 2))
    checks.number("truth", truth, 0, 1)
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    missed = (intervals[:, 0] > truth) | (intervals[:, 1] < truth)
    for miss, colour, line, name in ((False, BLUE, "-", "covers"), (True, ORANGE, "--", "misses")):
        at = np.flatnonzero(missed == miss)
        ax.vlines(at, *intervals[at].T, color=colour, linestyle=line, linewidth=1.6, label=name)
        ax.plot(at, means[at], "o", color=colour, markersize=3)
    ax.axhline(truth, color=GREY, linestyle=":", label="truth")
    ax.set(xlabel="cohort (number)", ylabel="mean area under\nthe ROC curve (0 to 1)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_title(f"Intervals of {len(means)} cohorts (simulated)")
    return fig


@styled
def coverage_points(coverage: pd.DataFrame, error: pd.DataFrame, series: str) -> Figure:
    """Draw how often intervals cover the truth, beside the range that is asked for.

    Parameters
    ----------
    coverage : DataFrame
        Coverage, 0 to 1: one row per case, one column per series.
    error : DataFrame
        Its standard errors, in the same places.
    series : str
        What the columns are.

    Returns
    -------
    Figure
        One point per case and series with two standard errors to either side, up to 100 %; 93 to
        97 % as a band.

    Examples
    --------
    >>> coverage = pd.DataFrame({"10": [0.94], "23": [0.95]}, index=["normal"])
    >>> len(coverage_points(coverage, coverage / 100, "people").axes)
    1
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.45 * len(coverage)))
    ax.axvspan(0.93, 0.97, color=SKY, alpha=0.25, linewidth=0)
    ax.axvline(0.95, color=GREY, linestyle=":")
    rows = np.arange(len(coverage))
    offsets = np.linspace(-0.22, 0.22, coverage.shape[1])
    for offset, column, marker, colour in zip(
        offsets, coverage, _MARKERS[: len(offsets)], _COLOURS[: len(offsets)], strict=True
    ):
        reach = 2 * error[column]
        ax.errorbar(
            coverage[column],
            rows + offset,
            xerr=np.stack([reach, np.minimum(reach, 1 - coverage[column])]),  # up to 100 %
            fmt=marker,
            color=colour,
            markersize=5,
            label=str(column),
        )
    ax.set(yticks=rows, yticklabels=coverage.index)
    # The band is none of the series, so it is not named under their title.
    ax.set_xlabel("intervals that cover the truth (shaded: 93 to 97 %)")
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))  # whole per cent
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), title=series)
    ax.set_title("Coverage of 95 % intervals (simulated)")
    return fig


@styled
def p_value_curves(p_values: pd.DataFrame, pairs: Mapping[str, Sequence[str]]) -> Figure:
    """Draw which share of p-values lies below each level where there is nothing to find.

    Parameters
    ----------
    p_values : DataFrame
        Result of `ecglib.evaluation.simulation.null_p_values`.
    pairs : mapping of str to sequence of str
        By title of an axes: the tests drawn in it.

    Returns
    -------
    Figure
        One axes per pair; a test that is right follows the diagonal.

    Examples
    --------
    >>> p_values = pd.DataFrame({"right": np.linspace(0, 1, 20), "wrong": np.linspace(0, 0.1, 20)})
    >>> len(p_value_curves(p_values, {"a pair": ["right", "wrong"]}).axes)
    1
    """
    fig, axes = plt.subplots(
        1, len(pairs), sharex=True, sharey=True, squeeze=False, figsize=(WIDTH, 3.4)
    )
    for ax, (title, tests) in zip(axes[0], pairs.items(), strict=True):
        ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="right")
        for test, colour, line in zip(tests, (BLUE, ORANGE), _LINES[:2], strict=True):
            ax.ecdf(p_values[test], color=colour, linestyle=line, linewidth=1.8, label=test)
        ax.set(title=title, xlabel="level (0 to 1)")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))
    axes[0, 0].set_ylabel("share of p-values\nup to the level")
    fig.suptitle("p-values where there is nothing to find (simulated)")
    return fig


@styled
def permutation_histograms(permuted: pd.DataFrame, observed: pd.Series, label: str) -> Figure:
    """Draw what every permutation gives, and what was observed.

    Parameters
    ----------
    permuted : DataFrame
        A row per permutation, a column per encoder and target (two levels).
    observed : Series
        What the ratings as they are give, by encoder and target.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row of axes per encoder, one column per target.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_tuples([("STR", "valence")], names=["encoder", "target"])
    >>> permuted = pd.DataFrame(np.linspace(0.4, 0.6, 20)[:, None], columns=columns)
    >>> len(permutation_histograms(permuted, pd.Series([0.65], index=columns), "invented").axes)
    1
    """
    encoders, targets = (list(permuted.columns.unique(level)) for level in (0, 1))
    fig, axes = plt.subplots(
        len(encoders),
        len(targets),
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(WIDTH, 1.2 + 1.6 * len(encoders)),
    )
    for (encoder, target), values in permuted.items():
        ax = axes[encoders.index(encoder), targets.index(target)]
        drawn = look(encoder)
        ax.hist(values, bins=25, color=drawn.colour, alpha=0.5, label="ratings permuted")
        ax.axvline(observed[encoder, target], color=INK, linewidth=2, label="observed")
        ax.axvline(0.5, color=GREY, linestyle=":", label="chance")
        ax.set_title(f"{drawn.name}, {target}", fontsize=10)
    for ax in axes[:, 0]:
        ax.set_ylabel("permutations\n(number)")
    for ax in axes[-1]:
        ax.set_xlabel("mean area (0 to 1)")
    handles = axes[0, 0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside lower center", ncols=3)
    fig.suptitle(f"Heads trained anew on permuted ratings ({label})")
    return fig


@styled
def power_curves(power: pd.DataFrame, smallest: pd.DataFrame, spread: float, label: str) -> Figure:
    """Draw how often an effect is found, and the smallest effect that is found 80 % of the time.

    Parameters
    ----------
    power : DataFrame
        Result of `ecglib.evaluation.power.power_curves`.
    smallest : DataFrame
        Result of `ecglib.evaluation.power.detectable_effects`.
    spread : float
        Standard deviation of the metric between participants that both were computed for.
    label : str
        Where the spread is from.

    Returns
    -------
    Figure
        Power over the effect, and the smallest effect over the number of participants.

    Examples
    --------
    >>> from ecglib.evaluation import power
    >>> curves, smallest = (
    ...     power.power_curves(0.1, [10, 23]),
    ...     power.detectable_effects(0.1, [10, 23]),
    ... )
    >>> len(power_curves(curves, smallest, 0.1, "invented").axes)
    2
    """
    checks.number("spread", spread, 0, 1)
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for n, line, colour in zip(power, _LINES * 2, _COLOURS * 2, strict=False):
        left.plot(power[n], linestyle=line, color=colour, linewidth=1.8, label=f"{n} people")
    left.axhline(0.8, color=GREY, linestyle=":")
    left.set(xlabel="effect (mean AUC minus 0.5)", ylabel="power (0 to 1)", ylim=(0, 1.02))
    left.legend(loc="lower right")
    for name, line, colour in zip(smallest, _LINES, (BLUE, PURPLE), strict=False):
        right.plot(smallest[name], linestyle=line, color=colour, linewidth=1.8, label=name)
    right.set(xlabel="people (number)", ylabel="smallest effect found\n80 % of the time")
    right.set(xscale="log", ylim=(0, None), xticks=[10, 20, 50, 100, 200])
    right.set_xticklabels(["10", "20", "50", "100", "200"])
    right.minorticks_off()
    right.legend()
    fig.suptitle(f"Power for a spread of {spread:.2f} between people ({label})")
    return fig


@styled
def seeds_and_participants(table: pd.DataFrame, errors: pd.DataFrame, label: str) -> Figure:
    """Draw every participant's metric for every seed, and what more seeds would bring.

    Parameters
    ----------
    table : DataFrame
        One row per participant, from left to right in the figure; one column per seed.
    errors : DataFrame
        Result of `ecglib.evaluation.power.standard_errors` for up to four numbers of people.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        A dot per participant and seed, and the standard error of the mean over the number of
        seeds, one curve per number of people.

    Examples
    --------
    >>> from ecglib.evaluation.power import standard_errors
    >>> table = pd.DataFrame({0: [0.5, 0.6], 1: [0.55, 0.65]}, index=[1, 2])
    >>> errors = standard_errors({"participant": 0.01, "seed": 0.001, "rest": 0.001}, [10, 23])
    >>> len(seeds_and_participants(table, errors, "invented").axes)
    2
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.3), width_ratios=(1.5, 1))
    at = np.arange(len(table))
    for seed in table:
        left.plot(at, table[seed], "o", color=INK, markersize=4, alpha=0.4)
    left.axhline(0.5, color=GREY, linestyle=":")
    shown = slice(None, None, -(-len(at) // 12))  # the numbers of at most twelve people fit
    left.set_xticks(at[shown], table.index[shown], fontsize=8)
    left.set(xlabel="participant (number, in order)", ylabel="area under the ROC curve\n(0 to 1)")
    left.set_title(f"a dot per seed ({table.shape[1]} seeds)")

    for n, line, colour in zip(errors, _LINES, (BLUE, PURPLE, SKY, "black"), strict=False):
        right.plot(errors[n], linestyle=line, color=colour, linewidth=1.8, label=f"{n} people")
    right.set(xlabel="seeds (number)", ylabel="standard error of the mean", ylim=(0, None))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend()
    fig.suptitle(f"Seeds and participants ({label})")
    return fig
