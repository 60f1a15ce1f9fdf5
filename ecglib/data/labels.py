"""Class labels from the self-ratings in the metadata frame.

Ratings are read by column name. Windows of the neutral baseline carry the ratings of the clip that
follows them, so they are refused unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.core.errors import DataError

TARGETS = ("valence", "arousal", "dominance")
"""Rating scales: how pleasant, how excited, how much in control."""

RATINGS = (1, 2, 3, 4, 5)
"""Answers on each scale."""


def binary_labels(
    meta: pd.DataFrame,
    target: str,
    threshold: float = 3,
    rule: str = ">",
    *,
    allow_baseline: bool = False,
) -> np.ndarray:
    """Label every window "high" (1) or "low" (0) on one rating scale.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the column named by `target`.
    target : {"valence", "arousal", "dominance"}
        The rating scale.
    threshold : float
        Rating that separates low from high.
    rule : {">", ">="}
        How a rating is compared with the threshold. The default, ``> 3``, makes 4 and 5 "high".
    allow_baseline : bool
        Also label windows of the neutral baseline.

    Returns
    -------
    ndarray of int8, shape (n_windows,)

    Raises
    ------
    DataError
        If the column is missing, a rating is not a whole number from 1 to 5, the rule is unknown,
        or the frame has baseline windows that were not asked for.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 2, 3], "valence": [2, 3, 4]})
    >>> print(binary_labels(meta, "valence"), binary_labels(meta, "valence", rule=">="))
    [0 0 1] [0 1 1]
    """
    ratings = _ratings(meta, target, allow_baseline)
    if rule not in (">", ">="):
        raise DataError(f"unknown rule {rule!r}", field="rule", expected='">" or ">="')
    return (ratings > threshold if rule == ">" else ratings >= threshold).astype(np.int8)


def five_class_labels(
    meta: pd.DataFrame, target: str, *, allow_baseline: bool = False
) -> np.ndarray:
    """Label every window with its rating, counted from zero.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the column named by `target`.
    target : {"valence", "arousal", "dominance"}
        The rating scale.
    allow_baseline : bool
        Also label windows of the neutral baseline.

    Returns
    -------
    ndarray of int8, shape (n_windows,)
        ``rating - 1``, i.e. 0 to 4.

    Raises
    ------
    DataError
        As in `binary_labels`.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 2, 3], "valence": [2, 3, 5]})
    >>> print(five_class_labels(meta, "valence"))
    [1 2 4]
    """
    return (_ratings(meta, target, allow_baseline) - 1).astype(np.int8)


def label_matrix(meta: pd.DataFrame, targets: Sequence[str] = TARGETS) -> np.ndarray:
    """Lay binary labels of several targets side by side, at the default threshold.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    targets : sequence of str
        Rating scales.

    Returns
    -------
    ndarray of int8, shape (n_windows, n_targets)

    Raises
    ------
    DataError
        As in `binary_labels`.
    """
    return np.stack([binary_labels(meta, t) for t in targets], axis=1)


def _ratings(meta: pd.DataFrame, target: str, allow_baseline: bool) -> np.ndarray:
    if target not in TARGETS:
        raise DataError(
            f"unknown target {target!r}", field="target", expected="one of " + ", ".join(TARGETS)
        )
    if target not in meta.columns:
        raise DataError(
            "the metadata frame lacks this column",
            field=target,
            remedy="pass the frame that came with the windows",
        )
    bad = np.flatnonzero(~meta[target].isin(RATINGS).to_numpy())
    if bad.size:
        row = meta.iloc[bad[0]]
        raise DataError(
            f"rating {row[target]} in window {bad[0]}",
            participant=row.get("participant"),
            clip=row.get("clip"),
            field=target,
            expected="a whole number from 1 to 5",
        )
    if not allow_baseline and "condition" in meta.columns:
        baseline = np.flatnonzero((meta["condition"] == "baseline").to_numpy())
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
    return meta[target].to_numpy(dtype=np.int8)
