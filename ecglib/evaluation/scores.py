"""Scores: the metrics of every choice on every participant, in one tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.tables import load_table, save_table
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.protocols import CHOICE, ORIGIN


@checked
def score_participants(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compute the metrics on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        From `ecglib.studies.comparison.run_choices`.

    Returns
    -------
    DataFrame
        One row per choice, target and participant: `ORIGIN`, `CHOICE`, ``target, participant``,
        ``n_windows``, ``accuracy``, ``balanced_accuracy`` (mean recall of the classes that occur),
        ``macro_f1`` (over the classes that occur or are predicted) and ``auc`` (of the probability
        of "high"). Where all ratings of a participant are of one class, ``balanced_accuracy`` and
        ``auc`` are undefined: missing values, which `ecglib.evaluation.paired` drops and counts.

    Raises
    ------
    DataError
        If there are no predictions, or a column is missing.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"participant": [1, 1, 2, 2], "truth": [0, 1, 0, 1], "predicted": [0, 1, 1, 1]}
    ... )
    >>> rows = rows.assign(
    ...     data="synthetic", profile="quick", pretext="STR", transfer="frozen", seed=0
    ... )
    >>> rows = rows.assign(
    ...     encoder="plain", classes=2, labelled="all", target="valence", probability=0.5
    ... )
    >>> score_participants(rows)[["participant", "n_windows", "accuracy", "auc"]]
       participant  n_windows  accuracy  auc
    0            1          2       1.0  0.5
    1            2          2       0.5  0.5
    """
    checks.frame("predictions", predictions)
    rows = []
    keys = [*ORIGIN, *CHOICE, "target", "participant"]
    for key, group in predictions.groupby(keys, sort=False):
        truth, predicted = group["truth"].to_numpy(), group["predicted"].to_numpy()
        classes = key[keys.index("classes")]
        high = (truth >= (classes + 1) // 2).astype(int)  # the classes of ratings above 3
        several = np.ptp(truth) > 0
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "n_windows": truth.size,
                "accuracy": float(np.mean(truth == predicted)),
                "balanced_accuracy": _recall(truth, predicted) if several else np.nan,
                "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0.0),
                "auc": auc(high, group["probability"].to_numpy()),
            }
        )
    return pd.DataFrame(rows)


def _recall(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([np.mean(predicted[truth == c] == c) for c in np.unique(truth)]))


@checked
def save_scores(path: str | Path, scores: pd.DataFrame) -> None:
    """Write `scores` to a file at `path`, six digits each; see `ecglib.core.tables.save_table`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "scores.csv.gz")
    >>> save_scores(path, pd.DataFrame({"labelled": ["all"], "auc": [2 / 3]}))
    >>> load_scores(path, ["labelled"])["auc"].tolist()
    [0.666667]
    """
    save_table(path, checks.frame("scores", scores), float_format="%.6g")


@checked
def load_scores(path: str | Path, columns: Sequence[str] = (*ORIGIN, *CHOICE)) -> pd.DataFrame:
    """Read what `save_scores` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : sequence of str
        The first columns that the table must have.

    Returns
    -------
    DataFrame
        ``attrs["provenance"]`` says what made it.

    Raises
    ------
    DataError
        If the file is missing, damaged or another table.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "scores.csv.gz")
    >>> save_scores(path, pd.DataFrame({"labelled": ["12"], "auc": [0.75]}))
    >>> load_scores(path, ["labelled"]).to_dict("records")
    [{'labelled': '12', 'auc': 0.75}]
    """
    return load_table(path, columns, {"labelled": "str"}, more=True)
