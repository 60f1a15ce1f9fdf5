"""Class labels from the ratings and classes in the metadata frame.

Values are read by column name. Windows of the neutral baseline carry the ratings of the clip that
follows them, so they are refused unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import DATASET
from ecglib.data.targets import TARGETS, Classes, Rating, Target, as_target, binary_targets

BASELINE = "baseline"
"""The condition of recordings whose ratings are those of the clip that follows them."""


@checked
def binary_labels(
    meta: pd.DataFrame,
    target: str | Target,
    threshold: float | None = None,
    rule: str = ">",
    *,
    allow_baseline: bool = False,
) -> np.ndarray:
    """Label every window 1 or 0: rated high or low, or of one class or another.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the column named by `target`.
    target : str or Target
        "valence", "arousal" or "dominance" from 1 to 5, or a `Rating` or `Classes`.
    threshold : float, optional
        Rating that separates low from high; by default the middle of the scale.
    rule : {">", ">="}
        How a rating is compared with the threshold. The default, ``>``, makes 4 and 5 "high".
    allow_baseline : bool
        Also label windows of the neutral baseline.

    Returns
    -------
    ndarray of int8, shape (n_windows,)

    Raises
    ------
    DataError
        If the column or a value is missing, a value is not on the scale or none of the classes,
        the rule is unknown, there are more than two classes and none is asked for, the frame has
        baseline windows that were not asked for, or a dataset in it never asked the question.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 2, 3], "valence": [2, 3, 4]})
    >>> print(binary_labels(meta, "valence"), binary_labels(meta, "valence", rule=">="))
    [0 0 1] [0 1 1]
    >>> task = Classes("clip", (1, 2, 3), positive=3)
    >>> print(binary_labels(meta, task))
    [0 0 1]
    """
    target = as_target(target)
    values = _values(meta, target, allow_baseline)
    if rule not in (">", ">="):
        raise DataError(f"unknown rule {rule!r}", field="rule", expected='">" or ">="')
    if isinstance(target, Classes):
        if target.positive is None and len(target.values) > 2:
            raise DataError(
                f"{len(target.values)} classes and none is asked for",
                field=target.name,
                remedy="name the positive one, or ask for all with binary_targets",
            )
        positive = target.values[1] if target.positive is None else target.positive
        return (values == positive).to_numpy(dtype=np.int8)
    ratings = values.to_numpy(dtype=np.float64)
    cut = target.middle if threshold is None else threshold
    return (ratings > cut if rule == ">" else ratings >= cut).astype(np.int8)


@checked
def class_labels(
    meta: pd.DataFrame, target: str | Target, *, allow_baseline: bool = False
) -> np.ndarray:
    """Label every window with its answer or class, counted from zero.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the column named by `target`.
    target : str or Target
        As in `binary_labels`.
    allow_baseline : bool
        Also label windows of the neutral baseline.

    Returns
    -------
    ndarray of int8, shape (n_windows,)
        On a scale from 1 to 5, ``rating - 1``; of classes, the position in their list.

    Raises
    ------
    DataError
        As in `binary_labels`, or if any number is an answer on the scale.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 2, 3], "valence": [2, 3, 5]})
    >>> print(class_labels(meta, "valence"))
    [1 2 4]
    """
    target = as_target(target)
    answers = target.answers if isinstance(target, Rating) else target.values
    values = _values(meta, target, allow_baseline)
    code = {answer: number for number, answer in enumerate(answers)}
    return values.map(code).to_numpy(dtype=np.int8)


@checked
def label_matrix(meta: pd.DataFrame, targets: Sequence[str | Target] = TARGETS) -> np.ndarray:
    """Lay binary labels of several targets side by side, at the default threshold.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    targets : sequence of str or Target
        What is asked; more than two classes make one column each
        (`ecglib.data.targets.binary_targets`).

    Returns
    -------
    ndarray of int8, shape (n_windows, n_targets)

    Raises
    ------
    DataError
        As in `binary_labels`, and if there is no window or no target.

    Examples
    --------
    >>> meta = pd.DataFrame(
    ...     {"participant": 1, "clip": [1, 2], "valence": [2, 5], "arousal": [4, 1]}
    ... )
    >>> label_matrix(meta, ["valence", "arousal"]).tolist()
    [[0, 1], [1, 0]]
    """
    checks.frame("meta", meta)
    questions = binary_targets(targets)
    if not questions:
        raise checks.wrong("targets", targets, "at least one target")
    return np.stack([binary_labels(meta, question) for question in questions], axis=1)


def _values(meta: pd.DataFrame, target: Target, allow_baseline: bool) -> pd.Series:
    if target.name not in meta.columns:
        raise DataError(
            "the metadata frame lacks this column",
            field=target.name,
            remedy="name it in the targets of ecglib.data.pool.pool, which keeps those that all "
            "datasets have in common"
            if DATASET in meta
            else "pass the frame that came with the windows",
        )
    values = meta[target.name]
    bad = np.flatnonzero(~target.allows(values))
    if bad.size:
        _refuse_never_asked(meta, values)
        row = meta.iloc[bad[0]]
        what = "rating" if isinstance(target, Rating) else "class"
        raise DataError(
            f"{what} {row[target.name]} in window {bad[0]}",
            participant=row.get("participant"),
            clip=row.get("clip"),
            field=target.name,
            expected=target.expected,
        )
    if isinstance(target, Rating) and not allow_baseline and "condition" in meta.columns:
        baseline = np.flatnonzero((meta["condition"] == BASELINE).to_numpy())
        if baseline.size:
            row = meta.iloc[baseline[0]]
            raise DataError(
                f"{baseline.size} baseline windows have no rating of their own",
                participant=row.get("participant"),
                clip=row.get("clip"),
                field="condition",
                expected="stimulus windows only",
                remedy="drop the baseline windows, or pass allow_baseline=True",
            )
    return values


def _refuse_never_asked(meta: pd.DataFrame, values: pd.Series) -> None:
    """Refuse a question to which a whole dataset has no answer."""
    if DATASET not in meta:
        return
    asked = values.notna().groupby(meta[DATASET]).any()
    if not asked.all():
        never = ", ".join(map(str, asked.index[~asked]))
        raise DataError(
            f"dataset {never} never asks it",
            field=str(values.name),
            expected="a question that all datasets ask",
            remedy="leave out the windows of that dataset, or ask what all have in common",
        )
