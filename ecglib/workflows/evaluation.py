"""From features or windows and a table of labels to audited predictions and their summary."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.provenance import provenance
from ecglib.data.cohort import DATASET
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.crossval import evaluate_estimator, evaluate_frozen, majority_predictions
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions, save_predictions
from ecglib.evaluation.protocols import NONE, SEEN, SEEN_CLIPS, STRICT
from ecglib.evaluation.splits import Fold, Splitter
from ecglib.evaluation.summaries import summarise, summarise_datasets
from ecglib.models.embedding import encoder_file
from ecglib.models.weights import load_encoder
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.preprocessing.windows import Windows
from ecglib.workflows.choices import regime_of, splitter_named
from ecglib.workflows.embedding import embed_windows, encoder_identity
from ecglib.workflows.feature_table import FeatureTable, is_feature_file, save_csv
from ecglib.workflows.heads import HEADS, logistic, need_two_classes, network
from ecglib.workflows.label_table import (
    join_labels,
    need_labels,
    read_labels,
    target_column,
    target_of,
)
from ecglib.workflows.output import PREDICTIONS
from ecglib.workflows.sources import say_nothing

Check = Callable[[pd.DataFrame, Sequence[Target], Mapping[str, Any], float], None]
"""Looks at windows, targets, what made the features and the length of a window, and may refuse."""


@dataclass(frozen=True)
class Evaluation:
    """How well labels are predicted, and whether anything leaked.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, of the model and of the majority class.
    leaks : DataFrame
        As `ecglib.evaluation.audit.audit_predictions` gives them.
    summary : DataFrame
        As `ecglib.evaluation.summaries.summarise` gives it, or `summarise_datasets` beside it where
        the split is one of datasets; the first column names the data.
    about : mapping
        Settings, versions, machine and time (`ecglib.core.provenance.provenance`).
    table : FeatureTable
        The features and labels.
    targets : tuple of Rating or Classes
        What was asked.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": np.repeat(range(6), 8), "clip": list(range(8)) * 6})
    >>> meta = meta.assign(lead=1, start=0.0, task=["rest", "sums"] * 24)
    >>> rate = (meta["task"] == "sums").to_numpy()[:, None] + 0.0
    >>> table = FeatureTable(rate, ["rate"], meta, {"data": "mine", "encoder": None})
    >>> found = evaluate_table(table, targets=["task"], n_resamples=99)
    >>> isinstance(found, Evaluation), len(found.refuted)
    (True, 0)
    """

    predictions: pd.DataFrame
    leaks: pd.DataFrame
    summary: pd.DataFrame
    about: Mapping[str, Any]
    table: FeatureTable
    targets: tuple[Target, ...]

    @property
    def refuted(self) -> pd.DataFrame:
        """Leaks that refute the result: it is not what it says it is.

        Statistics of normalisation, which hold no label, are shared by design wherever a person is
        on both sides of a fold; they are listed among the leaks, but they refute nothing.
        """
        return self.leaks[self.leaks["stage"] != "normalisation"]

    @checked
    def save(self, folder: str | Path) -> None:
        """Write predictions.csv.gz, summary.csv and leaks.csv, each with what made it.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there.
        """
        folder = Path(folder)
        predictions = self.predictions.copy(deep=False)
        predictions.attrs["provenance"] = dict(self.about)
        save_predictions(folder / PREDICTIONS, predictions)
        save_csv(folder / "summary.csv", self.summary, self.about)
        save_csv(folder / "leaks.csv", self.leaks, self.about)


@checked
def labelled_features(
    source: str | Path,
    labels: str | Path | None,
    targets: Sequence[str],
    *,
    encoder: str | Path | None = None,
    drop_unlabelled: bool = False,
    check: Check = lambda meta, targets, about, length_s: None,
    tell: Callable[[str], object] = say_nothing,
) -> tuple[FeatureTable, list[Target]]:
    """Read features, or windows to embed, and put labels beside them.

    Parameters
    ----------
    source : str or Path
        A file of features (`ecglib.workflows.feature_table.FeatureTable`), or of windows
        (`ecglib.preprocessing.windows.Windows`). Windows of bad quality are left out.
    labels : str or Path, optional
        A table of labels (`ecglib.workflows.label_table.read_labels`); by default the labels stand
        in `source`.
    targets : sequence of str
        What is asked, as `ecglib.workflows.label_table.target_of` reads it.
    encoder : str or Path, optional
        The encoder's file; for windows.
    drop_unlabelled : bool
        Leave out windows without a label, rather than refuse them.
    check : callable
        ``check(meta, targets, about, length_s)`` may refuse what was read before windows are
        embedded, which can take long.
    tell : callable
        Is given lines about what is left out.

    Returns
    -------
    table : FeatureTable
        Good windows with labels.
    targets : list of Rating or Classes

    Raises
    ------
    DataError
        If a file is not what it should be, a target is unknown, a window has no label, or labels
        of one class leave nothing to learn.

    Examples
    --------
    >>> import tempfile
    >>> meta = pd.DataFrame(
    ...     {"participant": [1, 2], "clip": 1, "lead": 1, "start": 0.0, "valence": [2, 5]}
    ... )
    >>> table = FeatureTable(
    ...     np.array([[60.0], [70.0]]), ["rate"], meta, {"data": "mine", "encoder": None}
    ... )
    >>> path = Path(tempfile.mkdtemp(), "features.npz")
    >>> table.save(path)
    >>> found, targets = labelled_features(path, None, ["valence"])
    >>> found.features.shape, [target.name for target in targets]
    ((2, 1), ['valence'])
    """
    if not targets:
        raise DataError("nothing is asked", field="targets", expected="at least one target")
    own = FeatureTable.load(source) if is_feature_file(source) else Windows.load(source)
    if isinstance(own, Windows) != (encoder is not None):
        holds = "windows" if encoder is None else "features, which are made already"
        raise DataError(
            f"holds {holds}",
            file=source,
            field="encoder",
            expected="an encoder for windows, and none for features",
            remedy="name one, such as --encoder str-clinic-v2"
            if encoder is None
            else "leave out the encoder",
        )
    good = own.usable
    if len(good) < len(own):
        tell(f"{len(own) - len(good)} of {len(own)} windows are left out for their quality")
    meta = good.meta
    columns = list(dict.fromkeys(map(target_column, targets)))
    if labels is None:
        absent = [column for column in columns if column not in meta]
        if absent:
            raise DataError(
                "has no labels of that name, and no table of labels is given",
                file=source,
                field=absent[0],
                remedy="give a table with the column participant and the labels",
            )
        labelled = meta[columns].notna().all(axis=1).to_numpy()
    else:
        meta, labelled = join_labels(meta, read_labels(labels), columns)
    if not drop_unlabelled:
        need_labels(meta, labelled)
    elif not labelled.all():
        tell(f"{np.count_nonzero(~labelled)} of {len(meta)} windows are left out without a label")
    if not labelled.any():
        raise DataError(
            "no good window has a label", file=source, field="labels", expected="some that have"
        )
    meta = meta[labelled].reset_index(drop=True).infer_objects()
    asked = [target_of(text, meta) for text in targets]
    need_two_classes(meta, asked)
    if isinstance(good, Windows):
        about = {
            "data": good.cohort_name,
            "encoder": encoder_identity(encoder, load_encoder(encoder_file(encoder))[1]),
        }
        check(meta, asked, about, good.X.shape[1] / good.fs)
    else:
        check(meta, asked, good.about, _length_s(good))
    kept = good.select(labelled)
    table = embed_windows(kept, encoder) if isinstance(kept, Windows) else kept
    return FeatureTable(table.features, table.names, meta, table.about), asked


@checked
def evaluate_table(
    source: str | Path | FeatureTable,
    labels: str | Path | None = None,
    targets: Sequence[str | Target] = ("valence",),
    split: str = LeaveOneParticipantOut.protocol,
    *,
    encoder: str | Path | None = None,
    head: Literal["logistic", "network"] = "logistic",
    regime: str | None = None,
    not_seen: bool = False,
    n_splits: int | None = None,
    seed: int = 0,
    drop_unlabelled: bool = False,
    n_resamples: int = 9999,
    folder: str | Path | None = None,
    tell: Callable[[str], object] = say_nothing,
) -> Evaluation:
    """Predict labels from features by a split, audit the predictions, and summarise them.

    Folds of the logistic regression run where `ecglib.evaluation.jobs.workers` says.

    Parameters
    ----------
    source : str, Path or FeatureTable
        As in `labelled_features`, or a table with labels in its ``meta``.
    labels, encoder, drop_unlabelled, tell
        As in `labelled_features`; for files.
    targets : sequence of str or Target
        What is asked; of files as texts.
    split : str
        Name of the protocol, one of `ecglib.workflows.choices.SPLITTERS`.
    head : {"logistic", "network"}
        What learns the labels. Both weigh the classes equally.
    regime : str, optional
        What the encoder saw, one of `ecglib.evaluation.protocols.MAY_SHARE`; see
        `ecglib.workflows.choices.regime_of`.
    not_seen : bool
        Nobody tested is among those whom the encoder learnt from.
    n_splits : int, optional
        Number of folds; see `ecglib.workflows.choices.splitter_named`.
    seed : int
        Seed of the folds and of the head.
    n_resamples : int
        Resamples behind each interval.
    folder : str or Path, optional
        Where finished folds are kept, so that an interrupted run goes on; on a cluster, all
        machines must see it.

    Returns
    -------
    Evaluation

    Raises
    ------
    DataError
        As in `labelled_features`, `ecglib.workflows.choices.regime_of` and the splitter, before
        anything is trained.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> meta = pd.DataFrame({"participant": np.repeat(range(6), 8), "clip": list(range(8)) * 6})
    >>> meta = meta.assign(lead=1, start=0.0, task=["rest", "sums"] * 24)
    >>> rate = (meta["task"] == "sums").to_numpy()[:, None] + rng.normal(size=(48, 1)) / 3
    >>> table = FeatureTable(rate, ["rate"], meta, {"data": "mine", "encoder": None})
    >>> found = evaluate_table(table, targets=["task"], n_resamples=99)
    >>> found.leaks.empty
    True
    >>> found.summary.set_index(["model", "metric"])["mean"]["features, logistic", "auc"].round(1)
    np.float64(1.0)
    """
    since = time.monotonic()
    if head not in HEADS:
        raise DataError(f"head {head!r}", field="head", expected=" or ".join(HEADS))
    known: dict[str, Any] = {}

    def check(
        meta: pd.DataFrame, asked: Sequence[Target], about: Mapping[str, Any], length_s: float
    ) -> None:
        known["regime"] = regime_of(about, regime, not_seen=not_seen, tell=tell)
        known["splitter"] = splitter_named(split, meta, n_splits, seed, length_s)
        known["folds"] = _folds(known["splitter"], meta, asked, tell)

    if isinstance(source, FeatureTable):
        table = source.usable
        asked = [target_of(t, table.meta) if isinstance(t, str) else t for t in targets]
        need_two_classes(table.meta, asked)
        check(table.meta, asked, table.about, _length_s(table))
    else:
        table, asked = labelled_features(
            source,
            labels,
            targets,
            encoder=encoder,
            drop_unlabelled=drop_unlabelled,
            check=check,
            tell=tell,
        )
    meta, about = table.meta, table.about
    regime, splitter, folds = (known[name] for name in ("regime", "splitter", "folds"))
    model = f"{(about.get('encoder') or {}).get('name', 'features')}, {head}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="WithinParticipantKFold leaves out")  # told
        made = _predict(table, splitter, asked, head, model, regime, seed, folder)
        predictions = append_predictions(majority_predictions(meta, splitter, asked), made)
        leaks = audit_predictions(
            predictions,
            meta,
            [splitter],
            {(split, model, regime): _shown(meta, folds, regime)},
            targets=asked,
            scaled_per="participant" if about.get("preprocessing") else None,
            length_s=_length_s(table),
        )
    if DATASET in (*splitter.columns, *splitter.needs):
        summary = summarise_datasets(predictions, meta, n_resamples=n_resamples)
    else:
        summary = summarise(predictions, n_resamples=n_resamples)
    data = str(about.get("data", "unnamed"))
    summary.insert(0, "data", data)
    configuration = {
        "data": data,
        "features": {**about, "names": len(table.names), "windows": len(table)},
        "targets": [repr(target) for target in asked],
        "protocol": split,
        "folds": len(folds),
        "head": head,
        "regime": regime,
        "seed": seed,
    }
    made_by = provenance(configuration, time.monotonic() - since)
    return Evaluation(predictions, leaks, summary, made_by, table, tuple(asked))


def _predict(
    table: FeatureTable,
    splitter: Splitter,
    targets: Sequence[Target],
    head: str,
    model: str,
    regime: str,
    seed: int,
    folder: str | Path | None,
) -> pd.DataFrame:
    if head == "network":
        x = table.features.astype(np.float32)
        return evaluate_frozen(x, table.meta, splitter, targets, network(), seed, model, regime)
    return evaluate_estimator(
        logistic(table),
        table.features,
        table.meta,
        splitter,
        targets,
        model=model,
        regime=regime,
        seed=seed,
        folder=folder,
    )


def _folds(
    splitter: Splitter,
    meta: pd.DataFrame,
    targets: Sequence[Target],
    tell: Callable[[str], object],
) -> list[Fold]:
    """Split, and so refuse what cannot be split; tell of participants who are left out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        folds = list(splitter.split(meta, label_matrix(meta, targets)))
    for warning in caught:
        tell(str(warning.message))
    return folds


def _shown(meta: pd.DataFrame, folds: Sequence[Fold], regime: str) -> list[np.ndarray]:
    """Give the windows that the encoder saw in each fold, in the worst case that a regime allows.

    A strict encoder learnt from other recordings altogether.
    """
    if regime == NONE:
        return []
    everything, people = np.arange(len(meta)), meta["participant"].to_numpy()
    of_others = [np.flatnonzero(~np.isin(people, people[test])) for _, test in folds]
    seen = {STRICT: everything[:0], SEEN: everything}
    return of_others if regime == SEEN_CLIPS else [seen[regime]] * len(folds)


def _length_s(table: FeatureTable) -> float:
    known = table.about.get("preprocessing") or {}
    return float(known.get("length_s", WindowConfig.length_s))
