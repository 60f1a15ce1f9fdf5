"""From features to predictions in one call: the model's, and the majority's beside them.

`ecglib.evaluation.crossval` has the single steps, for whoever needs more than this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.data.targets import TARGETS, Target
from ecglib.evaluation.crossfit import group_of_folds
from ecglib.evaluation.crossval import evaluate_estimator, evaluate_frozen, majority_predictions
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import MAY_SHARE, NONE, SEEN, SEEN_CLIPS, STR, STRICT
from ecglib.evaluation.splits import Fold, Splitter

if TYPE_CHECKING:  # it loads Keras
    from ecglib.transfer.frozen import HeadConfig


@checked
def evaluate(
    features: np.ndarray | Sequence[np.ndarray],
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str | Target] = TARGETS,
    head: HeadConfig | BaseEstimator | None = None,
    *,
    groups: Sequence[np.ndarray] | None = None,
    model: str = STR,
    regime: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict every test window by a head on features, and by the majority class beside it.

    A new head is trained for every fold and target, on the fold's training windows alone.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features), or one such array per group
        Features of all windows. With `groups`, those by one encoder per group, each pretrained
        without the people of its group.
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested. With `groups`, every fold must test people of one group, as
        `ecglib.evaluation.leave_out.LeaveOneParticipantOut` does.
    targets : sequence of str or Target
        What is asked, as in `ecglib.data.labels.label_matrix`.
    head : HeadConfig or scikit-learn classifier, optional
        A small network, by default that of ``HeadConfig()``, or any classifier with
        ``predict_proba``.
    groups : sequence of ndarray of int, optional
        From `ecglib.evaluation.crossfit.participant_groups`: the people of each group.
    model : str
        What the features are, as it will stand in tables.
    regime : str, optional
        What the encoder of `features` saw in its training. It cannot be told from an array, so it
        must be named when there are no `groups`: ``"none"`` (the features were not learnt),
        ``"strict"`` (nothing of a tested person), ``"pretext saw test clips"`` (other people's
        windows of a tested clip) or ``"pretext saw test windows"``. With `groups` it is
        ``"strict"``.
    seed : int
        Seed of the heads.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`, of `model` and of
        the model "majority": what `ecglib.evaluation.summaries.summarise` takes.

    Raises
    ------
    DataError
        If the regime is missing, unknown or belied by `groups`, if there is not one array per
        group, or a fold tests people of several groups; and as in the splitter,
        `ecglib.evaluation.crossval.evaluate_frozen` and
        `ecglib.evaluation.crossval.evaluate_estimator`.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame({"participant": np.repeat(range(6), 4), "clip": list(range(4)) * 6})
    >>> meta["valence"] = [1, 5, 1, 5] * 6
    >>> features = meta["valence"].to_numpy() + np.random.default_rng(0).normal(size=(3, 24))
    >>> rows = evaluate(
    ...     features.T, meta, LeaveOneParticipantOut(), ["valence"], GaussianNB(), regime="none"
    ... )
    >>> right = (rows["probability"] > 0.5) == rows["truth"]
    >>> right.groupby(rows["model"]).mean().round(2).to_dict()
    {'STR': 1.0, 'majority': 0.5}
    """
    regime = _regime(regime, groups)
    folds = list(splitter.split(meta, label_matrix(meta, targets)))
    if groups is None:
        parts, part_of_fold = [np.asarray(features)], [0] * len(folds)
    else:
        if len(features) != len(groups):
            raise DataError(
                f"{len(features)} arrays of features for {len(groups)} groups",
                field="features",
                expected="for each group one array, by the encoder that never saw it",
            )
        parts = [np.asarray(part) for part in features]
        part_of_fold = group_of_folds(meta, folds, groups)
    if isinstance(head, BaseEstimator):
        rows = [
            _evaluate_part(head, part, meta, splitter, folds, numbers, targets, model, regime, seed)
            for number, part in enumerate(parts)
            if (numbers := np.flatnonzero(np.equal(part_of_fold, number))).size
        ]
    else:
        from ecglib.transfer.frozen import HeadConfig  # loads Keras, which classifiers don't need

        by_name = {str(number): part.astype(np.float32) for number, part in enumerate(parts)}
        encoders = [str(number) for number in part_of_fold]
        config = head or HeadConfig()
        rows = [
            evaluate_frozen(
                by_name,
                meta,
                splitter,
                targets,
                config,
                seed,
                model,
                regime,
                encoder_of_fold=encoders,
            )
        ]
    return append_predictions(majority_predictions(meta, splitter, targets), *rows)


@dataclass(frozen=True)
class _SomeFolds(Splitter):
    """Stands for a splitter, with some of its folds."""

    folds: Sequence[Fold]
    protocol: str = ""

    def split(
        self, meta: pd.DataFrame, y: np.ndarray | None = None, groups: object = None
    ) -> Iterator[Fold]:
        yield from self.folds


def _evaluate_part(
    estimator: BaseEstimator,
    features: np.ndarray,
    meta: pd.DataFrame,
    splitter: Splitter,
    folds: Sequence[Fold],
    numbers: np.ndarray,
    targets: Sequence[str | Target],
    model: str,
    regime: str,
    seed: int,
) -> pd.DataFrame:
    """Evaluate a classifier in those folds that one encoder serves."""
    some = _SomeFolds([folds[number] for number in numbers], splitter.protocol)
    rows = evaluate_estimator(
        estimator, features, meta, some, targets, model=model, regime=regime, seed=seed
    )
    return rows.assign(fold=numbers[rows["fold"]])


def _regime(regime: str | None, groups: Sequence[np.ndarray] | None) -> str:
    """Give the regime of features, or refuse one that is missing, unknown or untrue."""
    if groups is not None:
        if regime not in (None, STRICT):
            raise DataError(
                f"regime {regime!r} with groups",
                field="regime",
                expected=f"{STRICT!r}, which encoders that never saw their group are",
            )
        return STRICT
    if regime not in MAY_SHARE:
        raise DataError(
            "what the encoder of these features saw is not said"
            if regime is None
            else f"regime {regime!r}",
            field="regime",
            expected=(
                f"{NONE!r} (they were not learnt), {STRICT!r} (it saw nothing of tested people), "
                f"{SEEN_CLIPS!r} (of others) or {SEEN!r}"
            ),
            remedy="name it, or give the features of one encoder per group, and groups",
        )
    return regime
