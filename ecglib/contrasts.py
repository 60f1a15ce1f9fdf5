"""What a choice changes: summaries and paired tests of the comparison's scores.

The participant is the unit throughout, as in `ecglib.metrics`. Intervals are bootstrap-t intervals,
and p-values those of a t test on one difference per participant; both are widened by
`ecglib.metrics.SHARED_TRAINING`, because participants of one cross-validation are in each other's
training data (Nadeau & Bengio, Machine Learning 52, 2003). Where several tests are read together,
they are corrected for their number: Bonferroni for the intervals, Holm for the p-values.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ecglib.comparison import CHOICE
from ecglib.errors import DataError
from ecglib.metrics import MAJORITY, MIN_PARTICIPANTS, SHARED_TRAINING, bootstrap_interval

Selection = Mapping[str, Any]
"""Values of some columns of `ecglib.comparison.CHOICE`; the others are averaged over."""


def participant_scores(
    scores: pd.DataFrame, metric: str, target: str, selection: Selection
) -> pd.Series:
    """Average a metric over all selected choices, for every participant.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.comparison.score_participants`.
    metric : str
        A column of metrics.
    target : str
        Rating scale.
    selection : mapping of str to object
        Column of `CHOICE` -> value, or list of values.

    Returns
    -------
    Series
        Index participant; participants that do not define the metric are missing.

    Raises
    ------
    DataError
        If nothing is selected, or a column is unknown.
    """
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
        From `ecglib.comparison.score_participants`.
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
        One row per choice, target and metric, with `mean`, `low`, `high`, `n_participants`,
        `n_undefined` (dropped) and `baseline` (the majority class, for the same number of
        classes). `low` and `high` are missing below `MIN_PARTICIPANTS` participants.
    """
    level = 1 - (1 - level) / n_intervals
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
            values = group.groupby("participant")[metric].mean()
            rows.append(
                {
                    **dict(zip([*by, "target"], key, strict=True)),
                    "metric": metric,
                    **_interval(values.to_numpy(), level, n_resamples),
                    "baseline": majority.groupby("participant")[metric].mean().mean(),
                }
            )
    return pd.DataFrame(rows)


def paired_tests(
    scores: pd.DataFrame,
    pairs: Mapping[str, tuple[Selection, Selection]],
    targets: Sequence[str],
    metric: str = "auc",
    *,
    n_resamples: int = 9999,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare pairs of choices within participants; all rows are corrected for together.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.comparison.score_participants`.
    pairs : mapping of str to (selection, selection)
        Name of the question -> the two sides. A side that selects several choices is their mean.
    targets : sequence of str
        Rating scales.
    metric : str
        A column of metrics.
    n_resamples : int
        Bootstrap resamples.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    DataFrame
        One row per pair and target: `mean` of the first side minus the second, `low` and `high`
        (Bonferroni), `p` (two-sided) and `p_holm` (corrected), `n_participants` and `n_undefined`.

    Raises
    ------
    DataError
        As in `participant_scores`; and if the two sides test other participants.
    """
    n_tests = len(pairs) * len(targets)
    rows = []
    for (question, (first, second)), target in (
        (pair, target) for pair in pairs.items() for target in targets
    ):
        a = participant_scores(scores, metric, target, first)
        b = participant_scores(scores, metric, target, second)
        if not a.index.equals(b.index):
            raise DataError(f"'{question}': the two sides test other participants", field="pairs")
        everyone = scores.loc[scores["target"] == target, "participant"].nunique()
        difference = np.full(everyone, np.nan)
        difference[: a.size] = (a - b).to_numpy()
        rows.append(
            {
                "question": question,
                "target": target,
                "metric": metric,
                **_interval(difference, 1 - (1 - level) / n_tests, n_resamples),
                "p": _p_value((a - b).to_numpy()),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"].to_numpy())
    return table


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values for their number (Holm, Scandinavian Journal of Statistics 6, 1979).

    Parameters
    ----------
    p : ndarray, shape (n_tests,)
        p-values; a missing one stays missing and does not count.

    Returns
    -------
    ndarray, shape (n_tests,)

    Examples
    --------
    >>> print(holm(np.array([0.01, 0.04, 0.03])))
    [0.03 0.06 0.06]
    """
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def _p_value(difference: np.ndarray) -> float:
    """Two-sided p-value of a t test whose variance is that of `SHARED_TRAINING`."""
    n = difference.size
    if n < MIN_PARTICIPANTS:
        return np.nan
    error = difference.std(ddof=1) / np.sqrt(n) * SHARED_TRAINING
    if error == 0:
        return float(difference[0] == 0)
    return float(2 * student.sf(abs(difference.mean()) / error, n - 1))


def _interval(values: np.ndarray, level: float, n_resamples: int) -> dict[str, float | int]:
    defined = values[~np.isnan(values)]
    row: dict[str, float | int] = {
        "mean": defined.mean() if defined.size else np.nan,
        "low": np.nan,
        "high": np.nan,
        "n_participants": defined.size,
        "n_undefined": values.size - defined.size,
    }
    if defined.size >= MIN_PARTICIPANTS:
        row["low"], row["high"] = bootstrap_interval(
            defined, level, n_resamples, widening=SHARED_TRAINING
        )
    return row
