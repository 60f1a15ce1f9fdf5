"""Predictions: one tidy row per tested window, fold, seed and target.

Every table and figure is made from these rows, so any metric can be computed again from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.tables import load_table, save_table, typed
from ecglib.evaluation.protocols import COLUMNS, KEY


@checked
def prediction_rows(
    meta: pd.DataFrame,
    test: np.ndarray,
    probability: np.ndarray,
    labels: np.ndarray,
    *,
    protocol: str,
    model: str,
    regime: str,
    target: str,
    fold: int,
    seed: int,
) -> pd.DataFrame:
    """Lay out one head's predictions for the test windows of one fold.

    Parameters
    ----------
    meta : DataFrame
        One row per window of the whole cohort.
    test : ndarray of int, shape (n_test,)
        Positions of the test windows.
    probability : ndarray, shape (n_test,)
        Probability of class 1.
    labels : ndarray, shape (n_windows,)
        Labels of all windows.
    protocol : str
        How windows were split.
    model : str
        What made the predictions.
    regime : str
        What the pretext saw of the test side.
    target : str
        What was predicted.
    fold : int
        Number of the fold.
    seed : int
        Seed of the model.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`.

    Raises
    ------
    DataError
        If a probability is not a number from 0 to 1, or there is not one per test window; if a test
        window is no row of `meta`, or a row has no label.

    Examples
    --------
    >>> names = {"protocol": "loso", "model": "STR", "regime": "none", "target": "valence"}
    >>> meta = pd.DataFrame({"participant": [1, 1, 2], "clip": [1, 2, 1]})
    >>> labels, test = np.array([0, 1, 1]), np.array([2])
    >>> rows = prediction_rows(meta, test, np.array([0.7]), labels, **names, fold=0, seed=0)
    >>> rows[["participant", "window", "truth"]].to_dict("records")
    [{'participant': 2, 'window': 2, 'truth': 1}]
    """
    checks.frame("meta", meta, ("participant", "clip"))
    checks.array("test", test, (None,))
    if test.dtype.kind not in "iu" or not 0 <= test.min() <= test.max() < len(meta):
        raise DataError(
            "test windows that are no rows of the frame",
            field="test",
            expected=f"whole numbers from 0 to {len(meta) - 1}",
        )
    checks.array("labels", labels, (len(meta),))
    probability = np.asarray(probability)
    where = f"model {model}, target {target}, fold {fold}"
    if probability.shape != np.shape(test):
        raise DataError(
            f"{where}: probabilities of shape {probability.shape} for {len(test)} test windows",
            field="probability",
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise DataError(
            f"{where}: a probability that is not a number from 0 to 1", field="probability"
        )
    rows = pd.DataFrame(
        {
            "protocol": protocol,
            "model": model,
            "regime": regime,
            "target": target,
            "fold": fold,
            "seed": seed,
            "window": test,
            "participant": meta["participant"].to_numpy()[test],
            "clip": meta["clip"].to_numpy()[test],
            "probability": probability,
            "truth": labels[test],
        }
    )
    return typed(rows, COLUMNS)


def append_predictions(*frames: pd.DataFrame) -> pd.DataFrame:
    """Join predictions into one frame, refusing a prediction made twice.

    Parameters
    ----------
    *frames : DataFrame
        Predictions.

    Returns
    -------
    DataFrame
        All rows, columns `ecglib.evaluation.protocols.COLUMNS`.

    Raises
    ------
    DataError
        If no frame is given, one lacks a column, or a window is predicted twice by the same
        model, regime, protocol, target, fold and seed.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> people = np.array([1, 1])
    >>> rows = prediction_frame(np.array([0, 1]), np.array([0.2, 0.8]), people, people, folds=True)
    >>> len(append_predictions(rows, rows.assign(seed=1)))
    4
    >>> append_predictions(rows, rows)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 1, clip 1: 2 predictions made twice, ...
    """
    frames = checks.several("frames", frames, checks.frame, COLUMNS, True)
    joined = pd.concat(frames, ignore_index=True)[list(COLUMNS)]
    again = joined.duplicated(KEY)
    if again.any():
        row = joined[again].iloc[0]
        raise DataError(
            f"{again.sum()} predictions made twice, first: "
            + ", ".join(f"{column} {row[column]}" for column in KEY),
            participant=row["participant"],
            clip=row["clip"],
            remedy="give each model, regime and seed a name of its own",
        )
    return joined


@checked
def save_predictions(
    path: str | Path, predictions: pd.DataFrame, columns: Mapping[str, str] = COLUMNS
) -> None:
    """Write predictions to a file, atomically; see `ecglib.core.tables.save_table`.

    Parameters
    ----------
    path : str or Path
        File to write, usually ``….csv.gz``.
    predictions : DataFrame
        Predictions with all of `columns`.
    columns : mapping of str to str
        `ecglib.evaluation.protocols.COLUMNS`, or `ecglib.evaluation.protocols.RATING_COLUMNS` for
        predicted ratings.

    Raises
    ------
    DataError
        If there are no predictions, or a column is missing.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> people, path = np.array([1, 1]), Path(tempfile.mkdtemp(), "predictions.csv.gz")
    >>> rows = prediction_frame(np.array([0, 1]), np.array([0.2, 0.8]), people, people, folds=True)
    >>> save_predictions(path, rows)
    >>> path.is_file()
    True
    """
    save_table(path, checks.frame("predictions", predictions, columns)[list(columns)])


@checked
def load_predictions(path: str | Path, columns: Mapping[str, str] = COLUMNS) -> pd.DataFrame:
    """Read what `save_predictions` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : mapping of str to str
        As for `save_predictions`.

    Returns
    -------
    DataFrame
        Columns `columns`; ``attrs["provenance"]`` says what made them.

    Raises
    ------
    DataError
        If the file is missing, damaged or not a file of such predictions.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> people, path = np.array([1, 1]), Path(tempfile.mkdtemp(), "predictions.csv.gz")
    >>> rows = prediction_frame(np.array([0, 1]), np.array([0.2, 0.8]), people, people, folds=True)
    >>> save_predictions(path, rows)
    >>> load_predictions(path)["truth"].tolist()
    [0, 1]
    """
    return load_table(path, list(columns), columns)
