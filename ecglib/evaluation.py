"""From frozen features to predictions: one tidy row per tested window, fold, seed and target.

Every table and figure is made from these rows, so any metric can be computed again from them.
"""

import gzip
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ecglib.artifacts import atomic_path
from ecglib.errors import DataError
from ecglib.labels import TARGETS, binary_labels
from ecglib.metrics import MAJORITY
from ecglib.provenance import from_comment, to_comment
from ecglib.splits import Fold, Splitter

if TYPE_CHECKING:
    from ecglib.heads import HeadConfig

COLUMNS = {
    "protocol": "str",
    "model": "str",
    "regime": "str",
    "target": "str",
    "fold": "int64",
    "seed": "int64",
    "window": "int64",
    "participant": "int64",
    "clip": "int64",
    "probability": "float32",
    "truth": "int64",
}
"""Columns of predictions; `window` is the row of the metadata frame."""

KEY = ["protocol", "model", "regime", "target", "fold", "seed", "window"]
"""Columns that name a prediction."""


def label_matrix(
    meta: pd.DataFrame,
    targets: Sequence[str] = TARGETS,
    threshold: float = 3,
    rule: str = ">",
) -> np.ndarray:
    """Binary labels of several targets side by side.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    targets : sequence of str
        Rating scales.
    threshold, rule
        As in `ecglib.labels.binary_labels`.

    Returns
    -------
    ndarray of int8, shape (n_windows, n_targets)

    Raises
    ------
    DataError
        As in `ecglib.labels.binary_labels`.
    """
    return np.stack([binary_labels(meta, t, threshold, rule) for t in targets], axis=1)


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
    protocol, model, regime, target, fold, seed
        What made the predictions.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`.

    Raises
    ------
    DataError
        If a probability is not a number from 0 to 1, or there is not one per test window.
    """
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
    return pd.DataFrame(
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
    ).astype(COLUMNS)


def evaluate_frozen(
    features: np.ndarray | Mapping[str, np.ndarray],
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str],
    config: "HeadConfig",
    seed: int,
    model_name: str,
    regime: str,
    *,
    encoder_of_fold: Sequence[str] | None = None,
    pretrained_on: Mapping[str, Collection[int]] | None = None,
    threshold: float = 3,
    rule: str = ">",
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
    targets : sequence of str
        Rating scales.
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
    threshold, rule
        As in `ecglib.labels.binary_labels`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `COLUMNS`.

    Raises
    ------
    DataError
        If features and metadata disagree, a fold has no encoder, or an encoder has seen a test
        participant of its fold; and as in the splitter and `ecglib.heads.fit_heads`.
    """
    from ecglib.heads import fit_heads  # the rest of this module works without Keras

    labels = label_matrix(meta, targets, threshold, rule)
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
        tasks = [(f, t) for f, e in enumerate(encoders) if e == name for t in range(len(targets))]
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
                target=targets[t],
                fold=f,
                seed=seed,
            )
    return pd.concat([rows[key] for key in sorted(rows)], ignore_index=True)


def majority_predictions(
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str],
    *,
    threshold: float = 3,
    rule: str = ">",
) -> pd.DataFrame:
    """Predict for every test window the class that most training windows of its fold have.

    Parameters
    ----------
    meta, splitter, targets, threshold, rule
        As in `evaluate_frozen`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `COLUMNS`, with probability 0 or 1 (0 for a draw), model
        "majority" and regime "none".

    Raises
    ------
    DataError
        As in the splitter and `ecglib.labels.binary_labels`.
    """
    labels = label_matrix(meta, targets, threshold, rule)
    rows = [
        prediction_rows(
            meta,
            test,
            np.full(test.size, float(labels[train, t].mean() > 0.5)),
            labels[:, t],
            protocol=splitter.protocol,
            model=MAJORITY,
            regime="none",
            target=target,
            fold=fold,
            seed=0,
        )
        for fold, (train, test) in enumerate(splitter.split(meta, labels))
        for t, target in enumerate(targets)
    ]
    return pd.concat(rows, ignore_index=True)


def append_predictions(*frames: pd.DataFrame) -> pd.DataFrame:
    """Join predictions into one frame, refusing a prediction made twice.

    Parameters
    ----------
    *frames : DataFrame
        Predictions.

    Returns
    -------
    DataFrame
        All rows, columns `COLUMNS`.

    Raises
    ------
    DataError
        If a window is predicted twice by the same model, regime, protocol, target, fold and seed.
    """
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


def save_predictions(path: str | Path, predictions: pd.DataFrame) -> None:
    """Write predictions to a gzipped CSV file, atomically.

    The first line is a comment with the provenance, ``predictions.attrs["provenance"]``, as JSON
    (empty if there is none); the second names the columns. Equal predictions of equal provenance
    give equal bytes.

    Parameters
    ----------
    path : str or Path
        File to write, usually ``….csv.gz``.
    predictions : DataFrame
        Predictions with all `COLUMNS`.
    """
    text = to_comment(predictions.attrs.get("provenance", {}))
    text += predictions[list(COLUMNS)].to_csv(index=False, lineterminator="\n")
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))


def load_predictions(path: str | Path) -> pd.DataFrame:
    """Read what `save_predictions` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; ``attrs["provenance"]`` says what made them.

    Raises
    ------
    DataError
        If the file is missing, damaged or not a file of predictions.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            about = from_comment(stream.readline())
        frame = pd.read_csv(
            path,
            compression="gzip",
            skiprows=1,
            dtype=COLUMNS,
            keep_default_na=False,
            float_precision="round_trip",
        )
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(
            f"cannot be read as predictions ({error})",
            file=path,
            remedy="delete it and let the evaluation make it again",
        ) from error
    if list(frame.columns) != list(COLUMNS):
        raise DataError(
            f"columns {', '.join(frame.columns)}", file=path, expected=", ".join(COLUMNS)
        )
    frame.attrs["provenance"] = about
    return frame


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
