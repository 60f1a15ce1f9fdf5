"""What the features of an encoder tell while it is trained, and whether they collapsed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.core.artifacts import fingerprint, plain
from ecglib.core.errors import DataError
from ecglib.core.words import counted
from ecglib.evaluation.splits import ParticipantGroupedKFold, Splitter, TrialGroupedKFold

MIN_SPREAD = 0.01
"""Features whose standard deviation is a smaller share of its largest possible value collapsed."""

MIN_RANK = 1.5
"""Features of a smaller effective rank collapsed: one number says all that they say."""


class CollapseWarning(UserWarning):
    """The features say nearly the same of every window.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warnings.warn("every window has the same features", CollapseWarning)
    >>> print(caught[0].message)
    every window has the same features
    """


@checked
def collapse_report(features: np.ndarray) -> pd.Series:
    """Say how much features vary over the windows, and whether they collapsed.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Finite; at least 3 windows and 2 features.

    Returns
    -------
    Series
        - ``feature_std``: standard deviation over the windows, averaged over the features, after
          each window's features were divided by their length.
        - ``spread``: the same as a share of its largest possible value, 1 / sqrt(n_features).
        - ``dead_share``: share of the features that are constant, to a millionth of their largest
          absolute value.
        - ``effective_rank``: exponential of the entropy of the normalised singular values of the
          centred features (Roy & Vetterli 2007). 1 if all windows lie on a line, at most
          n_features, and 0 if all are one point.
        - ``mean_cosine``: cosine similarity, averaged over the pairs of windows.
        - ``collapsed``: whether the spread is below `MIN_SPREAD` or the effective rank is below
          `MIN_RANK`.

    Raises
    ------
    DataError
        If the features have another shape or are not finite.

    References
    ----------
    Roy & Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.

    Examples
    --------
    >>> bool(collapse_report(np.ones((10, 4)))["collapsed"])
    True
    >>> bool(collapse_report(np.random.default_rng(0).normal(size=(10, 4)))["collapsed"])
    False
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or min(features.shape) < 2 or len(features) < 3:
        raise DataError(
            f"features of shape {features.shape}",
            field="features",
            expected="shape (n_windows, n_features), at least 3 windows and 2 features",
        )
    if not np.isfinite(features).all():
        raise DataError("features are not finite", field="features", expected="finite numbers")
    n, width = features.shape
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1)
    std = float(unit.std(axis=0).mean())
    rank = _effective_rank(features)
    spread = std * np.sqrt(width)
    pairs = n * (n - 1)
    return pd.Series(
        {
            "feature_std": std,
            "spread": spread,
            "dead_share": float(
                np.mean(np.ptp(features, axis=0) <= 1e-6 * np.abs(features).max(axis=0))
            ),
            "effective_rank": rank,
            "mean_cosine": float((np.sum(unit.sum(axis=0) ** 2) - np.sum(unit**2)) / pairs),
            "collapsed": bool(spread < MIN_SPREAD or rank < MIN_RANK),
        },
        dtype=object,
    )


class Probes(keras.callbacks.Callback):
    """What the encoder's features tell during pretraining, on training participants alone.

    After every few epochs, a linear probe (logistic regression) and a nearest-neighbour probe
    (cosine similarity) read labels of the participants, cross-validated by participant, and the
    participant's identity, cross-validated by trial. All features are standardised on the
    training folds first. `collapse_report` follows, and a `CollapseWarning` the first time that it
    says so. A question whose folds cannot be made, such as one with a single class among the
    training windows of a fold, is left out with a `UserWarning`.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length), float32
        Windows of training participants.
    meta : DataFrame
        One row per window, with columns ``participant`` and ``clip``.
    labels : mapping of str to ndarray, shape (n_windows,)
        Classes to read, by name, such as ``{"arousal": binary_labels(meta, "arousal")}``.
    heldout : collection of int or str
        Participants who are tested later; none of them may be in `meta`.
    every : int
        Epochs from one probing to the next.
    k : int
        Number of neighbours, or fewer where a training fold has fewer windows.
    n_splits : int
        Number of folds.
    seed : int
        Seed of the folds.

    Raises
    ------
    DataError
        If a participant is held out, the lengths do not fit each other, or a name is
        ``participant``.

    Notes
    -----
    The probes see labels, the encoder doesn't. To choose settings by them is to use the labels of
    these participants, which a test on others allows.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3, 4], 4), "clip": [1, 1, 2, 2] * 4})
    >>> labels = {"valence": np.array([0, 0, 1, 1] * 4)}
    >>> X = np.random.default_rng(0).normal(size=(16, 64)).astype("float32")
    >>> probes = Probes(X, meta, labels, heldout=[5], every=1, k=3, n_splits=2)
    >>> len(probes.frame())  # nothing is measured before the training
    0
    >>> Probes(X, meta, labels, heldout=[4], every=1, k=3, n_splits=2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 4: 1 held-out participant among ...
    """

    @checked
    def __init__(
        self,
        X: np.ndarray,
        meta: pd.DataFrame,
        labels: Mapping[str, np.ndarray],
        *,
        heldout: Collection[int | str],
        every: int = 1,
        k: int = 20,
        n_splits: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        seen = sorted(set(meta["participant"]) & set(heldout))
        if seen:
            raise DataError(
                f"{counted(len(seen), 'held-out participant')} among those to be probed",
                participant=seen[0],
                expected="training participants only",
                remedy="leave their windows out",
            )
        for name, values in {"X": X, **labels}.items():
            if len(values) != len(meta):
                raise DataError(
                    f"{len(values)} values for {len(meta)} rows of meta",
                    field=name,
                    expected="one for each window",
                )
        checks.array("X", X)
        if "participant" in labels:
            raise DataError("the identity is probed anyway", field="participant")
        if min(every, k) < 1:
            raise DataError(
                f"every {every} epochs, {k} neighbours", field="every, k", expected="at least 1"
            )
        self.X, self.every, self.k = X, every, k
        # Name, classes and folds of each question.
        self._questions: list[tuple[str, np.ndarray, list]] = []
        people = ParticipantGroupedKFold(n_splits, seed)
        for name, y in labels.items():
            self._ask(name, y, people, meta)
        self._ask("participant", meta["participant"], TrialGroupedKFold(n_splits, seed), meta)
        asked = [[name, y.tolist(), [t.tolist() for _, t in f]] for name, y, f in self._questions]
        self._asked = fingerprint({"X": digest(X), "questions": asked, "every": every, "k": k})
        self._rows: dict[int, dict[str, Any]] = {}
        self._warned = False

    def _ask(self, name: str, y: np.ndarray, splitter: Splitter, meta: pd.DataFrame) -> None:
        """Take up a question, if the windows allow it; a monitor must not stop the training."""
        try:
            self._questions.append((name, np.asarray(y), list(splitter.split(meta, y))))
        except DataError as error:
            warnings.warn(f"'{name}' is not probed: {error}", stacklevel=3)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Probe, if this epoch's turn has come."""
        if (epoch + 1) % self.every:
            return
        features = self.model.encoder.predict(self.X, batch_size=32, verbose=0)
        row = dict(collapse_report(features))
        for name, y, folds in self._questions:
            for probe in ("linear", "knn"):
                row[f"{probe}_{name}"] = self._score(probe, features, y, folds)
        self._rows[epoch + 1] = row
        if row["collapsed"] and not self._warned:
            self._warned = True
            warnings.warn(
                f"the features collapsed in epoch {epoch + 1}: their spread is "
                f"{row['spread']:.2g} (limit {MIN_SPREAD}) and their effective rank "
                f"{row['effective_rank']:.2f} (limit {MIN_RANK}). They say nearly the same of "
                "every window; lower the learning rate or use larger batches, and see that the "
                "views keep something to recognise a window by",
                CollapseWarning,
                stacklevel=2,
            )

    def _score(self, probe: str, features: np.ndarray, y: np.ndarray, folds: list) -> float:
        named = np.empty_like(y)
        for train, test in folds:
            if probe == "linear":
                classifier = LogisticRegression(max_iter=1000)
            else:
                k = min(self.k, len(train))
                classifier = KNeighborsClassifier(k, metric="cosine", algorithm="brute")
            fitted = make_pipeline(StandardScaler(), classifier).fit(features[train], y[train])
            named[test] = fitted.predict(features[test])
        return float(balanced_accuracy_score(y, named))

    def state(self) -> dict[str, Any]:
        """Give the rows so far in plain values, for a checkpoint, and what was asked."""
        rows = json.loads(json.dumps(list(self._rows.items()), default=plain))
        return {"asked": self._asked, "rows": rows}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, where an interrupted training continues.

        Raises
        ------
        DataError
            If those were probes of other windows, labels or settings.
        """
        if state["asked"] != self._asked:
            raise DataError(
                "the training that is to continue was probed in another way",
                field="Probes",
                expected="the same windows, labels, folds, every and k as before the interruption",
                remedy="give the same probes, or start again in another folder",
            )
        self._rows = {epoch: dict(row) for epoch, row in state["rows"]}
        self._warned = any(row["collapsed"] for row in self._rows.values())

    def frame(self) -> pd.DataFrame:
        """Give the results.

        Returns
        -------
        DataFrame
            One row per probed epoch, counted from 1: the columns of `collapse_report`, and the
            balanced accuracy of each probe, ``linear_`` and ``knn_`` with the name of the labels
            or ``participant``, as far as they are probed. Guessing gives one in the number of
            classes.
        """
        return pd.DataFrame.from_dict(self._rows, orient="index").rename_axis("epoch")


def _effective_rank(features: np.ndarray) -> float:
    values = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    # float32 features of equal windows may differ in their last digit.
    if values[0] <= 1e-6 * np.linalg.norm(features):
        return 0.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))
