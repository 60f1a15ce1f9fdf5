"""From features to out-of-fold predictions: any classifier, any splitter, and the baselines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target, label_names
from ecglib.evaluation.jobs import run_folds
from ecglib.evaluation.predictions import prediction_rows
from ecglib.evaluation.protocols import FROM_TRAINING, MAJORITY, ORACLE, PERSON_MAJORITY
from ecglib.evaluation.splits import Fold, Splitter

if TYPE_CHECKING:
    from ecglib.transfer.frozen import HeadConfig


@checked
def person_majority_predictions(
    meta: pd.DataFrame, splitter: Splitter, targets: Sequence[str | Target]
) -> pd.DataFrame:
    """Predict for every test window the class that most windows of the same person have.

    It knows a person's base rate and nothing else. Where every fold trains on the people that it
    tests, the base rate is that of the person's training windows. Under leave-one-participant-out,
    and wherever else a tested person is not among the training windows, no honest model knows it:
    there the tested person's own ratings are counted, and the result is an oracle. It is the best
    accuracy that a model can reach with one answer per person.

    Parameters
    ----------
    meta, splitter, targets
        As in `majority_predictions`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`, with probability 0
        or 1 (0 for a draw), model `PERSON_MAJORITY` and regime `FROM_TRAINING` or `ORACLE`.

    Raises
    ------
    DataError
        As in the splitter and `ecglib.data.labels.binary_labels`.

    Examples
    --------
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> ratings = {"valence": [1, 1, 5, 5, 5, 1], "arousal": [1, 5, 1, 1, 5, 1]}
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 2, 3, 1, 2, 3]})
    >>> rows = person_majority_predictions(
    ...     meta.assign(**ratings), LeaveOneParticipantOut(), ["valence"]
    ... )
    >>> print(rows["regime"].iloc[0], *rows["probability"].astype(int))
    oracle: the tested person's ratings 0 0 0 1 1 1
    """
    labels, names = label_matrix(meta, targets), label_names(targets)
    people = meta["participant"].to_numpy()
    folds = list(splitter.split(meta, labels))
    known = all(np.isin(people[test], people[train]).all() for train, test in folds)
    everyone = np.arange(len(meta))
    rows = []
    for fold, (train, test) in enumerate(folds):
        source = train if known else everyone
        shares = pd.DataFrame(labels[source]).groupby(people[source]).mean()
        guess = (shares.loc[people[test]] > 0.5).to_numpy(dtype=float)
        rows += [
            prediction_rows(
                meta,
                test,
                guess[:, t],
                labels[:, t],
                protocol=splitter.protocol,
                model=PERSON_MAJORITY,
                regime=FROM_TRAINING if known else ORACLE,
                target=target,
                fold=fold,
                seed=0,
            )
            for t, target in enumerate(names)
        ]
    return pd.concat(rows, ignore_index=True)


@checked
def evaluate_frozen(
    features: np.ndarray | Mapping[str, np.ndarray],
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str | Target],
    config: HeadConfig,
    seed: int,
    model_name: str,
    regime: str,
    *,
    encoder_of_fold: Sequence[str] | None = None,
    pretrained_on: Mapping[str, Collection[int]] | None = None,
) -> pd.DataFrame:
    """Train a head on frozen features for every fold and target, and predict the test windows.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features), or mapping of str to such arrays
        Features of all windows; with cross-fitted encoders, those of each encoder by its name.
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested. It is given the labels of all `targets`, so the folds depend on those.
    targets : sequence of str or Target
        What is asked, as in `ecglib.data.labels.label_matrix`.
    config : HeadConfig
        Shape and training of the heads.
    seed : int
        Seed of the heads.
    model_name, regime : str
        What the features are, as it will stand in tables.
    encoder_of_fold : sequence of str, optional
        Name of the encoder that each fold uses; needed when `features` is a mapping.
    pretrained_on : mapping of str to collection of int, optional
        Participants that each encoder was pretrained on. When given, a fold that tests one of them
        is refused.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`.

    Raises
    ------
    DataError
        If features and metadata disagree, a fold has no encoder, or an encoder has seen a test
        participant of its fold; and as in the splitter and `ecglib.transfer.frozen.fit_heads`.

    Examples
    --------
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> from ecglib.transfer.frozen import HeadConfig
    >>> head = HeadConfig((), epochs=1, batch_size=4)
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": [1, 1, 2, 2] * 3})
    >>> meta = meta.assign(valence=[1, 1, 5, 5] * 3)
    >>> features = meta[["valence"]].to_numpy("float32")
    >>> rows = evaluate_frozen(
    ...     features, meta, LeaveOneParticipantOut(), ["valence"], head, 0, "rating", "none"
    ... )
    >>> rows.shape, rows["model"].unique().tolist()
    ((12, 11), ['rating'])
    """
    from ecglib.transfer.frozen import fit_heads  # the rest of this module works without Keras

    labels, names = label_matrix(meta, targets), label_names(targets)
    folds = list(splitter.split(meta, labels))
    by_encoder, encoders = _encoders(features, encoder_of_fold, len(folds))
    for name, array in by_encoder.items():
        if len(array) != len(meta):
            raise DataError(
                f"{len(array)} rows of features '{name}' for {len(meta)} windows", field="features"
            )
    if pretrained_on is not None:
        _refuse_seen_participants(meta, folds, encoders, pretrained_on)

    rows = {}
    for name, array in by_encoder.items():
        tasks = [(f, t) for f, e in enumerate(encoders) if e == name for t in range(len(names))]
        if not tasks:
            continue
        mask = np.zeros((len(tasks), len(meta)), dtype=bool)
        for head, (f, _) in enumerate(tasks):
            mask[head, folds[f][0]] = True
        stacked = labels.T[[t for _, t in tasks]]
        probability = fit_heads(array, stacked, mask, config, seed)
        for head, (f, t) in enumerate(tasks):
            test = folds[f][1]
            rows[f, t] = prediction_rows(
                meta,
                test,
                probability[head, test],
                labels[:, t],
                protocol=splitter.protocol,
                model=model_name,
                regime=regime,
                target=names[t],
                fold=f,
                seed=seed,
            )
    return pd.concat([rows[key] for key in sorted(rows)], ignore_index=True)


@checked
def majority_class(labels: np.ndarray, n_classes: int = 2) -> int:
    """Give the most common class of the labels; among equally common ones, the lowest.

    Parameters
    ----------
    labels : ndarray of int, shape (n_windows,)
        Classes, from 0.
    n_classes : int
        How many there are.

    Returns
    -------
    int

    Raises
    ------
    DataError
        If there are no labels, or one is no class.

    Examples
    --------
    >>> majority_class(np.array([0, 2, 2]), 3), majority_class(np.array([0, 1]))
    (2, 0)
    """
    checks.array("labels", labels, (None,))
    for extreme in (labels.min(), labels.max()):
        checks.whole("labels", extreme, 0, n_classes - 1)
    return int(np.bincount(labels, minlength=n_classes).argmax())


@checked
def majority_predictions(
    meta: pd.DataFrame, splitter: Splitter, targets: Sequence[str | Target]
) -> pd.DataFrame:
    """Predict for every test window the class that most training windows of its fold have.

    Parameters
    ----------
    meta, splitter, targets
        As in `evaluate_frozen`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`, with probability 0
        or 1 (0 for a draw), model `MAJORITY` and regime "none".

    Raises
    ------
    DataError
        As in the splitter and `ecglib.data.labels.binary_labels`.

    Examples
    --------
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 2, 3] * 2})
    >>> meta = meta.assign(valence=[5, 5, 1, 1, 1, 5])
    >>> rows = majority_predictions(meta, LeaveOneParticipantOut(), ["valence"])
    >>> print(*rows["probability"].astype(int), "for", *rows["truth"])
    0 0 0 1 1 1 for 1 1 0 0 0 1
    """
    labels, names = label_matrix(meta, targets), label_names(targets)
    rows = [
        prediction_rows(
            meta,
            test,
            np.full(test.size, float(majority_class(labels[train, t]))),
            labels[:, t],
            protocol=splitter.protocol,
            model=MAJORITY,
            regime="none",
            target=target,
            fold=fold,
            seed=0,
        )
        for fold, (train, test) in enumerate(splitter.split(meta, labels))
        for t, target in enumerate(names)
    ]
    return pd.concat(rows, ignore_index=True)


def _encoders(
    features: np.ndarray | Mapping[str, np.ndarray],
    encoder_of_fold: Sequence[str] | None,
    n_folds: int,
) -> tuple[Mapping[str, np.ndarray], Sequence[str]]:
    """Return features by encoder, and the encoder of each fold."""
    if not isinstance(features, Mapping):
        if encoder_of_fold is not None:
            raise DataError(
                "encoder_of_fold names encoders, and the features are one array",
                field="features",
                expected="a mapping from encoder to features",
            )
        return {"encoder": features}, ["encoder"] * n_folds
    encoder_of_fold = encoder_of_fold or []
    if len(encoder_of_fold) != n_folds:
        raise DataError(
            f"{len(encoder_of_fold)} encoders for {n_folds} folds",
            field="encoder_of_fold",
            expected="the name of one encoder for each fold",
        )
    for fold, name in enumerate(encoder_of_fold):
        if name not in features:
            raise DataError(
                f"fold {fold} uses encoder '{name}', and there are no features of it",
                field="encoder_of_fold",
                expected="one of " + ", ".join(features),
            )
    return features, encoder_of_fold


def _refuse_seen_participants(
    meta: pd.DataFrame,
    folds: Sequence[Fold],
    encoders: Sequence[str],
    pretrained_on: Mapping[str, Collection[int]],
) -> None:
    participants = meta["participant"].to_numpy()
    for fold, (name, (_, test)) in enumerate(zip(encoders, folds, strict=True)):
        if name not in pretrained_on:
            raise DataError(
                f"encoder '{name}': who it was pretrained on is not given", field="pretrained_on"
            )
        seen = sorted(set(participants[test].tolist()) & set(pretrained_on[name]))
        if seen:
            raise DataError(
                f"fold {fold} tests a participant that encoder '{name}' was pretrained on",
                participant=seen[0],
                field="pretrained_on",
                expected="an encoder that saw none of the fold's test participants",
            )


@checked
def evaluate_estimator(
    estimator: BaseEstimator,
    features: np.ndarray,
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str | Target],
    *,
    model: str,
    regime: str,
    seed: int = 0,
    folder: str | Path | None = None,
) -> pd.DataFrame:
    """Fit a scikit-learn classifier anew for every fold and target, and predict the test windows.

    The classifier is fitted on the fold's training windows alone, and with it all that it holds:
    the scaler and the imputer of a `Pipeline`, class weights, the windows set aside for early
    stopping, a search over settings, a decision threshold. Inner splits that ask for groups (such
    as ``GroupKFold`` in a ``GridSearchCV``) get the participants.

    Parameters
    ----------
    estimator : scikit-learn classifier
        It must have ``predict_proba``. It is cloned, never fitted itself.
    features : ndarray, shape (n_windows, n_features)
        Features of all windows.
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested. It is given the labels of all `targets`, so the folds depend on those.
    targets : sequence of str or Target
        What is asked, as in `ecglib.data.labels.label_matrix`.
    model, regime : str
        What makes the predictions, as it will stand in tables.
    seed : int
        Put in the place of every ``random_state`` in the classifier.
    folder : str or Path, optional
        Where finished folds are stored, as in `ecglib.evaluation.jobs.run_folds`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`. After a
        ``TunedThresholdClassifierCV`` probabilities below and above its threshold are stretched,
        each side by one factor, so that 0.5 is the threshold; their order does not change.

    Raises
    ------
    DataError
        If features and metadata disagree, a feature is infinite (or missing, unless the classifier
        accepts that), the classifier has no ``predict_proba`` or a tuned threshold of something
        else, a fold has one class among its training windows, or a stored fold is damaged.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": [1, 1, 2, 2] * 3})
    >>> meta = meta.assign(valence=[1, 1, 5, 5] * 3)
    >>> features = meta[["valence"]] + np.random.default_rng(0).normal(size=(12, 1))
    >>> rows = evaluate_estimator(
    ...     GaussianNB(),
    ...     features.to_numpy(),
    ...     meta,
    ...     LeaveOneParticipantOut(),
    ...     ["valence"],
    ...     model="rating and noise",
    ...     regime="none",
    ... )
    >>> len(rows), float(((rows["probability"] > 0.5) == rows["truth"]).mean())
    (12, 1.0)
    """
    _check(estimator, features, meta)
    labels = label_matrix(meta, targets)
    seeded = clone(estimator)
    seeded.set_params(
        **{name: seed for name in seeded.get_params() if name.split("__")[-1] == "random_state"}
    )
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    names = {"protocol": splitter.protocol, "model": model, "regime": regime, "seed": seed}
    arguments = [
        (
            seeded,
            features,
            labels,
            tuple(label_names(targets)),
            people,
            clips,
            train,
            test,
            fold,
            names,
        )
        for fold, (train, test) in enumerate(splitter.split(meta, labels))
    ]
    try:
        folds = run_folds(_fit_fold, arguments, folder=folder)
    except ValueError as error:
        # Whether missing values are welcome is known only to what looks at them first.
        if np.isnan(features).any() and "NaN" in str(error):
            raise _unusable(np.isnan(features), features, meta) from error
        raise
    return pd.concat(folds, ignore_index=True)


def _fit_fold(
    estimator: BaseEstimator,
    features: np.ndarray,
    labels: np.ndarray,
    targets: tuple[str, ...],
    people: np.ndarray,
    clips: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    fold: int,
    names: Mapping[str, Any],
) -> pd.DataFrame:
    meta = pd.DataFrame({"participant": people, "clip": clips})
    rows = []
    for t, target in enumerate(targets):
        fitted = _fit(clone(estimator), features[train], labels[train, t], people[train])
        rows.append(
            prediction_rows(
                meta,
                test,
                _probability(fitted, features[test]),
                labels[:, t],
                target=target,
                fold=fold,
                **names,
            )
        )
    return pd.concat(rows, ignore_index=True)


def _fit(estimator: BaseEstimator, x: np.ndarray, y: np.ndarray, people: np.ndarray) -> Any:
    """Fit, with the participants as groups if something inside asks for groups."""
    with config_context(enable_metadata_routing=True):
        try:
            asks = get_routing_for_object(estimator).consumes("fit", ["groups"])
        except NotImplementedError:  # a meta-estimator that cannot pass anything on
            asks = set()
        if asks:
            return estimator.fit(x, y, groups=people)
    return estimator.fit(x, y)


def _probability(fitted: Any, x: np.ndarray) -> np.ndarray:
    """Give the probability of class 1, stretched so that a tuned threshold lies at 0.5."""
    probability = fitted.predict_proba(x)[:, 1].astype(np.float64)
    cut = _tuned_threshold(fitted)
    if cut is None:
        return probability
    if not np.array_equal(probability >= cut, fitted.predict(x)):
        raise DataError(
            f"the tuned threshold {cut:.3g} is not one of probabilities",
            field="estimator",
            remedy='give TunedThresholdClassifierCV response_method="predict_proba"',
        )
    with np.errstate(divide="ignore", invalid="ignore"):  # a side of width 0 has no windows
        low = 0.5 * probability / cut
        high = 0.5 + 0.5 * (probability - cut) / (1 - cut)
    # A probability at the threshold is class 1, and a stored 0.5 is class 0.
    above_half = np.nextafter(np.float32(0.5), np.float32(1))
    return np.where(probability >= cut, np.fmax(high, above_half), np.fmin(low, 0.5))


def _tuned_threshold(fitted: Any) -> float | None:
    while not hasattr(fitted, "best_threshold_"):
        if isinstance(fitted, Pipeline):
            fitted = fitted[-1]
        elif hasattr(fitted, "best_estimator_"):
            fitted = fitted.best_estimator_
        else:
            return None
    return float(fitted.best_threshold_)


def _check(estimator: BaseEstimator, features: np.ndarray, meta: pd.DataFrame) -> None:
    if not hasattr(estimator, "predict_proba"):
        raise DataError(
            f"{type(estimator).__name__} gives no probabilities",
            field="estimator",
            expected="a classifier with predict_proba",
            remedy="wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    if features.ndim != 2 or len(features) != len(meta):
        raise DataError(
            f"features of shape {features.shape} for {len(meta)} windows",
            field="features",
            expected=f"shape ({len(meta)}, n_features)",
        )
    if np.isinf(features).any():
        raise _unusable(np.isinf(features), features, meta)


def _unusable(bad: np.ndarray, features: np.ndarray, meta: pd.DataFrame) -> DataError:
    window, column = np.argwhere(bad)[0]
    return DataError(
        f"{np.count_nonzero(bad)} values not usable, first: {features[window, column]} in "
        f"feature {column} of window {window}",
        participant=meta["participant"].iloc[window],
        clip=meta["clip"].iloc[window],
        field="features",
        expected="finite numbers",
        remedy="mend the features, or put an imputer for NaN first in the classifier's Pipeline",
    )
