"""What the study of real hearts found: tables that travel, their means, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import results_folder
from ecglib.core.stages import Stage
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.paired import holm, mean_test

Selection = Mapping[str, Any]
"""Values of columns of a table; a row is selected if it has them all."""


@checked
def shipped(stage: Stage, folder: Path | None = None) -> pd.DataFrame:
    """Read the table of a stage that travels with the project, whoever computed it.

    Parameters
    ----------
    stage : Stage
        Such as `ecglib.studies.stages.REAL_SCORES`.
    folder : Path, optional
        Where it lies; `ecglib.core.folders.results_folder` by default.

    Returns
    -------
    DataFrame
        ``attrs["provenance"]`` says from what, when and on what it was made.

    Raises
    ------
    DataError
        If there is none, or several.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.stages import REAL_SCORES
    >>> try:
    ...     shipped(REAL_SCORES, Path(tempfile.mkdtemp()))
    ... except DataError as error:
    ...     print(error.problem)
    0 tables of the stage real-scores
    """
    folder = folder or results_folder()
    found = sorted(folder.glob(f"{stage.name}-v{stage.version}-*{stage.suffix}"))
    if len(found) != 1:
        raise DataError(
            f"{len(found)} tables of the stage {stage.name}",
            file=folder,
            expected="one",
            remedy="take it from the project's repository, or make it: make real",
        )
    return stage.load(found[0])[0]


@checked
def select(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """Keep the rows of a table that have the values of a selection.

    Parameters
    ----------
    table : DataFrame
        Any table.
    selection : mapping of str to object
        Value by column.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If a column is unknown, or no row is left.

    Examples
    --------
    >>> table = pd.DataFrame({"pooling": ["max", "mean"], "auc": [0.8, 0.9]})
    >>> float(select(table, {"pooling": "mean"})["auc"].iloc[0])
    0.9
    """
    unknown = sorted(set(selection) - set(table.columns))
    if unknown:
        raise DataError(
            f"no column {unknown[0]!r}", field="selection", expected=", ".join(table.columns)
        )
    keep = np.full(len(table), True)
    for column, value in selection.items():
        keep &= (table[column] == value).to_numpy()
    if not keep.any():
        raise DataError(f"no row has {dict(selection)}", field="selection")
    return table[keep]


@checked
def person_means(table: pd.DataFrame, selection: Selection, value: str = "auc") -> pd.Series:
    """Average a value within every person, over seeds, draws and whatever is not selected.

    Parameters
    ----------
    table : DataFrame
        One row per person and choice.
    selection : mapping of str to object
        As in `select`.
    value : str
        Column to average.

    Returns
    -------
    Series
        Index participant; who does not define the value is missing.

    Raises
    ------
    DataError
        As in `select`.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"pooling": "max", "participant": ["a", "a", "b"], "auc": [0.6, 0.8, 0.5]}
    ... )
    >>> person_means(table, {"pooling": "max"}).round(2).to_dict()
    {'a': 0.7, 'b': 0.5}
    """
    chosen = select(table, selection)
    return chosen.groupby("participant")[value].mean().dropna()


@checked
def summarise_real(
    table: pd.DataFrame,
    by: Sequence[str],
    value: str = "auc",
    *,
    bounds: tuple[float, float] = (0, 1),
) -> pd.DataFrame:
    """Give the mean over people, with its interval, of every choice.

    Parameters
    ----------
    table : DataFrame
        One row per person and choice.
    by : sequence of str
        Columns that name a choice; the others are averaged within every person.
    value : str
        Column to average.
    bounds : (float, float)
        Least and largest possible value.

    Returns
    -------
    DataFrame
        One row per choice: `by`, ``mean``, ``low``, ``high``, ``n_participants``, and, where the
        table counts right answers, ``balanced_accuracy`` over the windows of all people.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"pooling": "max", "participant": ["a", "a", "b"], "auc": [0.6, 0.8, 0.5]}
    ... )
    >>> summarise_real(table, ["pooling"])[["pooling", "mean", "n_participants"]].values.tolist()
    [['max', 0.6, 2]]
    """
    checks.several("by", by, checks.of_type, str)
    rows = []
    for names, chosen in table.groupby(list(by), sort=False):
        found = mean_and_interval(
            chosen.groupby("participant")[value].mean(), several_folds=True, bounds=bounds
        )
        row = {**dict(zip(by, names, strict=True)), **found}
        if "right_rest" in chosen:
            counts = chosen[["rest", "arithmetic", "right_rest", "right_arithmetic"]].sum()
            right = (
                counts["right_rest"] / counts["rest"]
                + counts["right_arithmetic"] / counts["arithmetic"]
            )
            row["balanced_accuracy"] = right / 2
        rows.append(row)
    return pd.DataFrame(rows).drop(columns=["n_undefined", "note"])


@checked
def differences(
    table: pd.DataFrame,
    questions: Mapping[str, tuple[Selection, Selection]],
    value: str = "auc",
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare choices within people; all rows are corrected for together.

    Parameters
    ----------
    table : DataFrame
        One row per person and choice.
    questions : mapping of str to (selection, selection)
        The two sides by name, the first minus the second.
    value : str
        Column to compare.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    DataFrame
        One row per question: ``question``, ``mean``, ``low`` and ``high`` (t intervals, widened as
        in `ecglib.evaluation.paired`, with Bonferroni's correction), ``p``, ``p_holm`` and
        ``n_participants``.

    Raises
    ------
    DataError
        As in `select`; and if the sides of a question are about other people.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"participant": [*"abcdef"] * 2, "pooling": np.repeat(["mean", "max"], 6)}
    ... )
    >>> table["auc"] = [0.7, 0.72, 0.68, 0.71, 0.7, 0.69, *[0.5] * 6]
    >>> sides = ({"pooling": "mean"}, {"pooling": "max"})
    >>> differences(table, {"the mean": sides})[["question", "mean"]].round(2).values.tolist()
    [['the mean', 0.2]]
    """
    level = 1 - (1 - level) / len(questions)
    rows = []
    for question, sides in questions.items():
        first, second = (person_means(table, side, value) for side in sides)
        if not first.index.equals(second.index):
            raise DataError(f"'{question}': the sides are about other people", field="questions")
        difference = (first - second).to_numpy()
        rows.append(
            {
                "question": question,
                "mean": difference.mean(),
                **mean_test(difference, level),
                "n_participants": difference.size,
            }
        )
    found = pd.DataFrame(rows)
    found["p_holm"] = holm(found["p"].to_numpy())
    return found


@checked
def verdict(row: pd.Series) -> str:
    """Say what an interval of a difference decides: "higher", "lower" or "not decided".

    Parameters
    ----------
    row : Series
        With ``low`` and ``high``, such as a row of `differences`.

    Returns
    -------
    str

    Examples
    --------
    >>> verdict(pd.Series({"low": 0.1, "high": 0.3})), verdict(pd.Series({"low": -1, "high": 1}))
    ('higher', 'not decided')
    """
    if row["low"] > 0:
        return "higher"
    return "lower" if row["high"] < 0 else "not decided"
