"""What a choice changes: summaries and paired tests of the comparison's scores.

The participant is the unit throughout, as in `ecglib.evaluation.summaries`. Everything is widened
by `ecglib.evaluation.intervals.SHARED_TRAINING`, because participants of one cross-validation are
in each other's training data (Nadeau & Bengio, Machine Learning 52, 2003).

Summaries have bootstrap-t intervals, one by one. Tests that are read together are corrected for
their number: Bonferroni for the intervals, Holm for the p-values. Both come from the same t
statistic of one difference per participant. A bootstrap would take the quantiles of so many
corrected intervals from a handful of its resamples. And from one statistic the two agree: an
interval leaves out zero exactly where p times the number of tests is below 5 %. Holm's correction
also controls the error of the whole family and is never larger, so his p-value may be below 5 %
beside an interval that covers zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.intervals import MIN_PARTICIPANTS, SHARED_TRAINING, mean_and_interval
from ecglib.evaluation.protocols import CHOICE, MAJORITY, ORIGIN

Selection = Mapping[str, Any]
"""Values of some columns of `ecglib.evaluation.protocols.CHOICE`; the others are averaged over."""

Question = tuple["Selection | Question", "Selection | Question"]
"""Two sides, the first minus the second. A side is a selection, or again a difference."""


@checked
def participant_scores(
    scores: pd.DataFrame, metric: str, target: str, selection: Selection
) -> pd.Series:
    """Average a metric over all selected choices, for every participant.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.evaluation.scores.score_participants`.
    metric : str
        A column of metrics.
    target : str
        Rating scale.
    selection : mapping of str to object
        By column of `CHOICE`: value, or list of values.

    Returns
    -------
    Series
        Index participant; participants that do not define the metric are missing.

    Raises
    ------
    DataError
        If nothing is selected, a column is unknown, or the scores are of several data or profiles.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {"participant": [1, 2, 1, 2], "pretext": [*["STR"] * 2, *["random"] * 2]}
    ... )
    >>> scores = scores.assign(
    ...     data="synthetic", profile="quick", transfer="frozen", encoder="plain"
    ... )
    >>> scores = scores.assign(
    ...     classes=2, labelled="all", seed=0, target="valence", auc=[0.7, 0.6, 0.5, 0.4]
    ... )
    >>> participant_scores(scores, "auc", "valence", {"pretext": "STR"}).to_dict()
    {1: 0.7, 2: 0.6}
    """
    _origin(scores)
    unknown = sorted(set(selection) - set(CHOICE))
    if unknown:
        raise DataError(
            f"cannot select by {', '.join(unknown)}",
            field="selection",
            expected="one of " + ", ".join(CHOICE),
        )
    keep = (scores["target"] == target) & (scores["pretext"] != MAJORITY)
    if selection.get("pretext") == MAJORITY:
        keep = (scores["target"] == target) & (scores["pretext"] == MAJORITY)
    for column, value in selection.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        keep &= scores[column].isin(values)
    chosen = scores[keep]
    if chosen.empty:
        raise DataError(f"no scores for {dict(selection)}, target {target}", field="selection")
    return chosen.groupby("participant")[metric].mean().dropna()


@checked
def summarise_scores(
    scores: pd.DataFrame,
    metrics: Sequence[str] = ("auc",),
    *,
    by: Sequence[str] = CHOICE,
    n_intervals: int = 1,
    n_resamples: int = 9999,
    level: float = 0.95,
) -> pd.DataFrame:
    """Give the mean over participants, with its interval, of every choice.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.evaluation.scores.score_participants`.
    metrics : sequence of str
        Columns of metrics.
    by : sequence of str
        Columns of `CHOICE` that stay apart; the others are averaged within a participant.
    n_intervals : int
        Number of intervals that are to hold together (Bonferroni).
    n_resamples : int
        Bootstrap resamples.
    level : float
        Confidence level of the intervals taken together.

    Returns
    -------
    DataFrame
        One row per choice, target and metric: `ORIGIN`, the choice, `mean`, `low`, `high`,
        `n_participants`, `n_undefined` (dropped) and `baseline` (the majority class, for the same
        number of classes). `low` and `high` are missing below `MIN_PARTICIPANTS` participants.

    Raises
    ------
    DataError
        If the scores are of several data or profiles, or no metric is asked for.

    Examples
    --------
    >>> from ecglib.evaluation.protocols import MAJORITY
    >>> scores = pd.DataFrame(
    ...     {"participant": [1, 2, 1, 2], "pretext": [*["STR"] * 2, *[MAJORITY] * 2]}
    ... )
    >>> scores = scores.assign(
    ...     data="synthetic", profile="quick", transfer="frozen", encoder="plain"
    ... )
    >>> scores = scores.assign(
    ...     classes=2, labelled="all", seed=0, target="valence", auc=[0.7, 0.6, 0.5, 0.5]
    ... )
    >>> summarise_scores(scores)[["pretext", "mean", "baseline", "n_participants"]]
      pretext  mean  baseline  n_participants
    0     STR  0.65       0.5               2
    """
    checks.several("metrics", metrics, checks.of_type, str)
    origin = _origin(scores)
    rows = []
    choices = scores[scores["pretext"] != MAJORITY]
    for key, group in choices.groupby([*by, "target"], sort=False):
        classes = group["classes"].unique().tolist()
        majority = scores[
            (scores["pretext"] == MAJORITY)
            & (scores["target"] == key[-1])
            & scores["classes"].isin(classes)
        ]
        for metric in metrics:
            found = mean_and_interval(
                group.groupby("participant")[metric].mean(),
                several_folds=True,
                level=level,
                n_intervals=n_intervals,
                n_resamples=n_resamples,
            )
            rows.append(
                {
                    **origin,
                    **dict(zip([*by, "target"], key, strict=True)),
                    "metric": metric,
                    **{k: v for k, v in found.items() if k != "note"},
                    "baseline": majority.groupby("participant")[metric].mean().mean(),
                }
            )
    return pd.DataFrame(rows)


@checked
def paired_tests(
    scores: pd.DataFrame,
    questions: Mapping[str, Question],
    targets: Sequence[str],
    metric: str = "auc",
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare choices within participants; all rows are corrected for together.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.evaluation.scores.score_participants`.
    questions : mapping of str to Question
        The two sides of each question, by its name. A side that selects several choices is their
        mean; a side that is a pair again is the difference of that pair.
    targets : sequence of str
        Rating scales.
    metric : str
        A column of metrics.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    DataFrame
        One row per question and target: `ORIGIN`, `mean` of the first side minus the second, `low`
        and `high` (t intervals, Bonferroni), `p` (two-sided, of the same t statistic) and `p_holm`
        (corrected), `n_participants` and `n_undefined`. Intervals and p-values are missing below
        `MIN_PARTICIPANTS` participants.

    Raises
    ------
    DataError
        As in `participant_scores`; and if the sides of a question test other participants, or
        there is no question or no target.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {"participant": [*range(6)] * 2, "pretext": np.repeat(["STR", "random"], 6)}
    ... )
    >>> scores = scores.assign(
    ...     data="synthetic", profile="quick", transfer="frozen", encoder="plain"
    ... )
    >>> scores = scores.assign(classes=2, labelled="all", seed=0, target="valence")
    >>> scores["auc"] = [0.61, 0.62, 0.63, 0.59, 0.6, 0.62, *[0.5] * 6]
    >>> sides = ({"pretext": "STR"}, {"pretext": "random"})
    >>> paired_tests(scores, {"pretrained": sides}, ["valence"]).round(3)[
    ...     ["question", "mean", "low"]
    ... ]
         question   mean   low
    0  pretrained  0.112  0.09
    """
    checks.several("questions", questions, checks.of_type, str)
    checks.several("targets", targets, checks.of_type, str)
    origin = _origin(scores)
    level = 1 - (1 - level) / (len(questions) * len(targets))
    people = scores.groupby("target")["participant"].nunique()
    rows = []
    for question, sides in questions.items():
        for target in targets:
            difference = _difference(scores, metric, target, question, sides).to_numpy()
            rows.append(
                {
                    **origin,
                    "question": question,
                    "target": target,
                    "metric": metric,
                    "mean": difference.mean() if difference.size else np.nan,
                    **mean_test(difference, level),
                    "n_participants": difference.size,
                    "n_undefined": people[target] - difference.size,
                }
            )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"].to_numpy())
    return table


@checked
def verdicts(tests: pd.DataFrame, words: tuple[str, str] = ("higher", "lower")) -> pd.Series:
    """Say in words what the corrected intervals decide.

    Parameters
    ----------
    tests : DataFrame
        From `paired_tests`.
    words : (str, str)
        For a first side that is larger than the second, and for one that is smaller.

    Returns
    -------
    Series of str
        For each question, such as "higher for arousal; not decided for valence, dominance".

    Examples
    --------
    >>> tests = pd.DataFrame({"question": "pretrained", "target": ["valence", "arousal"]})
    >>> verdicts(tests.assign(low=[0.01, -0.02], high=[0.1, 0.03])).to_dict()
    {'pretrained': 'higher for valence; not decided for arousal'}
    """
    found = {}
    for question, some in tests.groupby("question", sort=False):
        cases = {
            words[0]: some["low"] > 0,
            words[1]: some["high"] < 0,
            "not decided": (some["low"] <= 0) & (some["high"] >= 0),
            "too few people": some["low"].isna(),
        }
        parts = [
            f"{word} for {', '.join(some.loc[case, 'target'])}"
            for word, case in cases.items()
            if case.any() and not (case.all() and word not in words)
        ]
        whole = [word for word, case in cases.items() if case.all()]
        found[question] = "; ".join(parts or whole)
    return pd.Series(found, dtype=object)


@checked
def holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values for their number (Holm, Scandinavian Journal of Statistics 6, 1979).

    Parameters
    ----------
    p : ndarray, shape (n_tests,)
        p-values; a missing one stays missing and does not count.

    Returns
    -------
    ndarray, shape (n_tests,)

    Raises
    ------
    DataError
        If a number is no p-value.

    Examples
    --------
    >>> print(holm(np.array([0.01, 0.04, 0.03])))
    [0.03 0.06 0.06]
    """
    checks.array("p", p, (None,), finite=False, empty=True)
    if ((p < 0) | (p > 1)).any():
        raise DataError("a p-value that is none", field="p", expected="numbers from 0 to 1, or NaN")
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


@checked
def mean_test(difference: np.ndarray, level: float) -> dict[str, float]:
    """Test whether the mean of differences is zero, one difference per participant.

    Parameters
    ----------
    difference : ndarray, shape (n_participants,)
        Finite.
    level : float
        Confidence level of the interval.

    Returns
    -------
    dict
        ``low``, ``high`` and ``p`` (two-sided), from a t statistic whose variance is widened by
        `ecglib.evaluation.intervals.SHARED_TRAINING`; missing below `MIN_PARTICIPANTS`.

    Raises
    ------
    DataError
        If there is no difference, or one that is not finite.

    Examples
    --------
    >>> found = mean_test(np.array([0.1, 0.2, 0.15, 0.05, 0.1]), level=0.95)
    >>> print(round(found["low"], 3), round(found["high"], 3))
    0.02 0.22
    """
    n = checks.array("difference", difference, (None,)).size
    if n < MIN_PARTICIPANTS:
        return dict.fromkeys(("low", "high", "p"), np.nan)
    mean = difference.mean()
    error = difference.std(ddof=1) / np.sqrt(n) * SHARED_TRAINING
    reach = student.ppf((1 + level) / 2, n - 1) * error
    p = 2 * student.sf(abs(mean) / error, n - 1) if error else mean == 0
    return {"low": mean - reach, "high": mean + reach, "p": float(p)}


def _origin(scores: pd.DataFrame) -> dict[str, Any]:
    """Give the one origin of the scores: participant 1 of another file is another person."""
    found = scores[ORIGIN].drop_duplicates()
    if len(found) != 1:
        raise DataError(
            "scores of " + "; ".join(", ".join(map(str, row)) for row in found.to_numpy()),
            field=", ".join(ORIGIN),
            expected="one kind of data and one profile",
        )
    return found.iloc[0].to_dict()


def _difference(
    scores: pd.DataFrame, metric: str, target: str, question: str, sides: Question
) -> pd.Series:
    first, second = (
        participant_scores(scores, metric, target, side)
        if isinstance(side, Mapping)
        else _difference(scores, metric, target, question, side)
        for side in sides
    )
    if not first.index.equals(second.index):
        raise DataError(f"'{question}': the sides test other participants", field="questions")
    return first - second
