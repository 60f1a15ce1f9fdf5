"""What learns labels from features, and the same fitted to all windows, for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.provenance import environment
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target, label_names
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.saved_model import SavedModel

if TYPE_CHECKING:  # it loads Keras, which a regression does not need
    from ecglib.transfer.frozen import HeadConfig

HEADS = ("logistic", "network")
"""What learns the labels: a logistic regression, or a network of two small layers."""


@checked
def logistic(table: FeatureTable) -> Pipeline:
    """Make the logistic regression, unfitted; it weighs both classes equally.

    Parameters
    ----------
    table : FeatureTable
        What it will be fitted on, or parts of it.

    Returns
    -------
    Pipeline
        A missing feature becomes the median of the training windows; features are standardised on
        them.

    Notes
    -----
    The penalty is a statement made beforehand, as in `ecglib.transfer.linear.linear_classifier`:
    the log odds vary with all features together by a standard deviation of about 1, and a trial
    counts as one observation, however many windows it has.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from ecglib.workflows.feature_table import FeatureTable
    >>> meta = pd.DataFrame({"participant": [1, 1], "clip": [1, 2], "lead": 1, "start": 0.0})
    >>> about = {"data": "mine", "encoder": None, "preprocessing": None}
    >>> table = FeatureTable(np.array([[1.0], [2.0]]), ["heart_rate"], meta, about)
    >>> [name for name, step in logistic(table).steps]
    ['simpleimputer', 'standardscaler', 'logisticregression']
    """
    trials = len(table.meta[["participant", "clip"]].drop_duplicates())
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(
            C=trials / (len(table.names) * len(table)), class_weight="balanced", max_iter=2000
        ),
    )


def network() -> HeadConfig:
    """Give the small network; it weighs both classes equally.

    Examples
    --------
    >>> network().balanced
    True
    """
    from ecglib.transfer.frozen import HeadConfig

    return HeadConfig(
        hidden=(64, 64), dropout=0.2, l2=1e-4, epochs=30, learning_rate=1e-3, balanced=True
    )


@checked
def need_two_classes(meta: pd.DataFrame, targets: Sequence[Target]) -> None:
    """Refuse labels of one class.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the labels.
    targets : sequence of Target
        What is asked.

    Raises
    ------
    DataError
        If a question has one answer in all windows.

    Examples
    --------
    >>> from ecglib.data.targets import Classes
    >>> need_two_classes(pd.DataFrame({"task": ["a", "b", "a"]}), [Classes("task", ("a", "b"))])
    """
    labels = label_matrix(meta, targets)
    for name, label in zip(label_names(targets), labels.T, strict=True):
        if (label == label[0]).all():
            raise DataError(
                f"all {len(label)} windows are of class {label[0]}",
                field=name,
                expected="both classes",
                remedy="ask for another target; one class leaves nothing to learn",
            )


@checked
def fit_model(
    table: FeatureTable,
    targets: Sequence[Target],
    head: Literal["logistic", "network"] = "logistic",
    seed: int = 0,
) -> SavedModel:
    """Fit the head of `evaluate_table` to all windows of a table.

    Parameters
    ----------
    table : FeatureTable
        With labels in its ``meta``.
    targets : sequence of Target
        What is asked.
    head : {"logistic", "network"}
        What learns.
    seed : int
        Seed of the head.

    Returns
    -------
    SavedModel

    Raises
    ------
    DataError
        If the labels are of one class, or the network meets a missing feature.

    Examples
    --------
    >>> from ecglib.data.targets import Classes
    >>> meta = pd.DataFrame({"participant": 1, "clip": range(4), "lead": 1, "start": 0.0})
    >>> table = FeatureTable(np.arange(4.0)[:, None], ["rate"], meta.assign(task=list("aabb")))
    >>> model = fit_model(table, [Classes("task", ("a", "b"))])
    >>> (model.probabilities(table.features, ["rate"]) > 0.5)[:, 0].tolist()
    [False, False, True, True]
    """
    need_two_classes(table.meta, targets)
    labels = label_matrix(table.meta, targets)
    x = table.features
    if head == "network":
        import keras

        from ecglib.transfer.frozen import train_heads

        everyone = np.ones((labels.shape[1], len(x)), dtype=bool)
        heads = train_heads(x.astype(np.float32), labels.T, everyone, network(), seed)
        mean, scale = (keras.ops.convert_to_numpy(v)[:, 0] for v in (heads.mean, heads.scale))
        layers = [
            (keras.ops.convert_to_numpy(k.kernel), keras.ops.convert_to_numpy(k.bias)[:, 0])
            for k in (*heads.hidden, heads.out)
        ]
        fill = np.median(x, axis=0).astype(np.float64)
    else:
        fits = [logistic(table).fit(x, label) for label in labels.T]
        imputer, scaler = fits[0][0], fits[0][1]
        fill = np.nan_to_num(imputer.statistics_.astype(np.float64))
        mean = np.tile(scaler.mean_, (len(fits), 1))
        scale = np.tile(scaler.scale_, (len(fits), 1))
        kernel = np.stack([fit[-1].coef_.T for fit in fits]).astype(np.float64)
        layers = [(kernel, np.stack([fit[-1].intercept_ for fit in fits]).astype(np.float64))]
    about = {
        **table.about,
        "targets": [repr(target) for target in targets],
        "head": head,
        "seed": seed,
        "windows": len(table),
        "people": int(table.meta["participant"].nunique()),
        "versions": environment(),
    }
    return SavedModel(tuple(label_names(targets)), table.names, fill, mean, scale, layers, about)
