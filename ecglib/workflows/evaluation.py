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
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core.errors import DataError
from ecglib.core.provenance import environment, provenance
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target, label_names
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.crossval import evaluate_estimator, evaluate_frozen, majority_predictions
from ecglib.evaluation.leave_out import (
    LeaveOneParticipantAndClipOut,
    LeaveOneParticipantOut,
    WithinParticipantKFold,
)
from ecglib.evaluation.predictions import append_predictions, save_predictions
from ecglib.evaluation.protocols import MAY_SHARE, NONE, SEEN, SEEN_CLIPS, STRICT
from ecglib.evaluation.splits import (
    ClipGroupedKFold,
    Fold,
    ParticipantGroupedKFold,
    Splitter,
    TrialGroupedKFold,
    WindowKFold,
    WindowKFoldWithGap,
)
from ecglib.evaluation.summaries import summarise
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.preprocessing.windows import Windows
from ecglib.workflows.embedding import embed_windows
from ecglib.workflows.feature_table import FeatureTable, is_feature_file, save_csv
from ecglib.workflows.label_table import (
    join_labels,
    need_labels,
    read_labels,
    target_column,
    target_of,
)
from ecglib.workflows.saved_model import SavedModel

SPLITTERS: Mapping[str, type[Splitter]] = {
    splitter.protocol: splitter
    for splitter in (
        WindowKFold,
        WindowKFoldWithGap,
        TrialGroupedKFold,
        WithinParticipantKFold,
        ClipGroupedKFold,
        ParticipantGroupedKFold,
        LeaveOneParticipantOut,
        LeaveOneParticipantAndClipOut,
    )
}
"""Splitters by the names of their protocols, from loose to strict."""

HEADS = ("logistic", "network")
"""What learns the labels: a logistic regression, or a network of two small layers."""


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
        As `ecglib.evaluation.summaries.summarise` gives it; the first column names the data.
    about : mapping
        Settings, versions, machine and time (`ecglib.core.provenance.provenance`).
    """

    predictions: pd.DataFrame
    leaks: pd.DataFrame
    summary: pd.DataFrame
    about: Mapping[str, Any]

    @property
    def refuted(self) -> pd.DataFrame:
        """Those leaks that make the result another one than it says it is.

        Statistics of normalisation, which hold no label, are shared by design wherever a person is
        on both sides of a fold; they are among the leaks, to be told, and not among these.
        """
        return self.leaks[self.leaks["stage"] != "normalisation"]

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
        save_predictions(folder / "predictions.csv.gz", predictions)
        save_csv(folder / "summary.csv", self.summary, self.about)
        save_csv(folder / "leaks.csv", self.leaks, self.about)


def splitter_named(
    protocol: str,
    meta: pd.DataFrame,
    n_splits: int | None = None,
    seed: int = 0,
    length_s: float = WindowConfig.length_s,
) -> Splitter:
    """Make the splitter of a protocol.

    Parameters
    ----------
    protocol : str
        One of `SPLITTERS`.
    meta : DataFrame
        One row per window.
    n_splits : int, optional
        Number of folds; by default the usual 10, or 5 within a participant, and fewer where there
        are fewer groups. Refused where each group is a fold.
    seed : int
        Seed of the folds.
    length_s : float
        Length of a window in seconds.

    Returns
    -------
    Splitter

    Raises
    ------
    DataError
        If the protocol is unknown, or has no number of folds to be chosen.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 3], "clip": [1, 2, 1, 1]})
    >>> splitter_named("participant-grouped", meta).n_splits
    3
    """
    if protocol not in SPLITTERS:
        raise DataError(
            f"no splitter is called {protocol!r}", field="split", expected=", ".join(SPLITTERS)
        )
    kind = SPLITTERS[protocol]
    if protocol.startswith("leave-one"):
        if n_splits is not None:
            raise DataError(
                f"{n_splits} folds of {protocol}",
                field="folds",
                expected="no number: everyone is left out once",
            )
        return kind()
    if n_splits is None:
        if kind is WithinParticipantKFold:
            trials = meta[["participant", "clip"]].drop_duplicates()
            n_splits = min(5, trials.groupby("participant").size().min())
        else:
            groups = meta[list(kind.columns)].drop_duplicates() if kind.columns else meta
            n_splits = min(10, len(groups))
    more = {"length_s": length_s} if kind is WindowKFoldWithGap else {}
    return kind(n_splits=n_splits, seed=seed, **more)


def labelled_features(
    source: str | Path,
    labels: str | Path | None,
    targets: Sequence[str],
    *,
    encoder: str | Path | None = None,
    split: str | None = None,
    n_splits: int | None = None,
    seed: int = 0,
    drop_unlabelled: bool = False,
    tell: Callable[[str], object] = lambda line: None,
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
    split, n_splits, seed
        As for `evaluate_table`. If given, what cannot be split is refused before windows are
        embedded.
    drop_unlabelled : bool
        Leave out windows without a label, rather than refuse them.
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
    _need_two_classes(meta, asked)
    if split is not None:
        length_s = good.X.shape[1] / good.fs if isinstance(good, Windows) else _length_s(good)
        _folds(splitter_named(split, meta, n_splits, seed, length_s), meta, asked, tell)
    kept = good.select(labelled)
    table = embed_windows(kept, encoder) if isinstance(kept, Windows) else kept
    return FeatureTable(table.features, table.names, meta, table.about), asked


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
    tell: Callable[[str], object] = lambda line: None,
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
        Name of the protocol, one of `SPLITTERS`.
    head : {"logistic", "network"}
        What learns the labels. Both weigh the classes equally.
    regime : str, optional
        What the encoder saw, one of `ecglib.evaluation.protocols.MAY_SHARE`; see `regime_of`.
    not_seen : bool
        Nobody tested is among those whom the encoder learnt from.
    n_splits : int, optional
        Number of folds; see `splitter_named`.
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
        As in `labelled_features`, `regime_of` and the splitter, before anything is trained.

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
    if isinstance(source, FeatureTable):
        table = source.usable
        asked = [target_of(t, table.meta) if isinstance(t, str) else t for t in targets]
        _need_two_classes(table.meta, asked)
    else:
        table, asked = labelled_features(
            source,
            labels,
            targets,
            encoder=encoder,
            split=split,
            n_splits=n_splits,
            seed=seed,
            drop_unlabelled=drop_unlabelled,
            tell=tell,
        )
    meta, about = table.meta, table.about
    regime = regime_of(about, regime, not_seen=not_seen, tell=tell)
    splitter = splitter_named(split, meta, n_splits, seed, _length_s(table))
    folds = _folds(splitter, meta, asked, tell)
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
    return Evaluation(
        predictions, leaks, summary, provenance(configuration, time.monotonic() - since)
    )


def regime_of(
    about: Mapping[str, Any],
    regime: str | None = None,
    *,
    not_seen: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> str:
    """Say what the encoder of features saw of those who are tested, or ask.

    Features that were not learnt have the regime "none". Of an encoder that learnt from data of the
    same name it is taken to have seen every window. Of any other encoder the file cannot tell.

    Parameters
    ----------
    about : mapping
        What a `FeatureTable` says of itself.
    regime : str, optional
        What the caller says.
    not_seen : bool
        The caller says that nobody tested is among those whom the encoder learnt from.
    tell : callable
        Is given a line where the regime is taken from names.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If it is not known, or what is said contradicts what the features say of themselves.

    Examples
    --------
    >>> regime_of({"data": "mine", "encoder": {"name": "e", "data": "theirs"}}, not_seen=True)
    'strict'
    """
    choices = ", ".join(map(repr, MAY_SHARE))
    if regime is not None and regime not in MAY_SHARE:
        raise DataError(f"regime {regime!r}", field="regime", expected=choices)
    if not_seen and regime not in (None, STRICT):
        raise DataError(
            f"regime {regime!r}, and nobody was seen", field="regime", expected=repr(STRICT)
        )
    if "encoder" not in about:
        if regime or not_seen:
            return regime or STRICT
        raise DataError(
            "the features do not say whether an encoder made them, and what it had seen",
            field="regime",
            expected=choices,
            remedy=f"say it: --regime {NONE} if no encoder made them",
        )
    encoder = about["encoder"]
    if encoder is None:
        if regime not in (None, NONE) or not_seen:
            raise DataError(
                f"regime {regime or STRICT!r} of features that no encoder made",
                field="regime",
                expected=repr(NONE),
            )
        return NONE
    if regime == NONE:
        raise DataError(
            f"regime {NONE!r}, and the encoder {encoder['name']!r} made the features",
            field="regime",
            expected="what it saw of those tested",
        )
    same = encoder.get("data") == about.get("data")
    if same and not_seen and regime is None:
        raise DataError(
            f"the encoder {encoder['name']!r} learnt from {encoder['data']!r}, as the data are "
            "called that it is tested on",
            field="regime",
            expected=f"{SEEN!r}",
            remedy=f"if they are other people under one name, say so: --regime {STRICT}",
        )
    if regime or not_seen:
        return regime or STRICT
    if same:
        tell(f"regime: {SEEN}, because the encoder learnt from {encoder['data']!r} itself")
        return SEEN
    raise DataError(
        f"the encoder {encoder['name']!r} learnt from {encoder.get('data')!r}; whether people of "
        f"{about.get('data')!r} are among them, no file can tell",
        field="regime",
        expected=choices,
        remedy="say --not-seen if none of them is, else --regime with what it saw",
    )


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
    _need_two_classes(table.meta, targets)
    labels = label_matrix(table.meta, targets)
    x = table.features
    if head == "network":
        import keras

        from ecglib.transfer.frozen import train_heads

        everyone = np.ones((labels.shape[1], len(x)), dtype=bool)
        heads = train_heads(x.astype(np.float32), labels.T, everyone, _network(), seed)
        mean, scale = (keras.ops.convert_to_numpy(v)[:, 0] for v in (heads.mean, heads.scale))
        layers = [
            (keras.ops.convert_to_numpy(k.kernel), keras.ops.convert_to_numpy(k.bias)[:, 0])
            for k in (*heads.hidden, heads.out)
        ]
        fill = np.median(x, axis=0).astype(np.float64)
    else:
        fits = [_logistic(table).fit(x, label) for label in labels.T]
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


def _network() -> Any:
    from ecglib.transfer.frozen import HeadConfig  # loads Keras, which a regression does not need

    return HeadConfig(
        hidden=(64, 64), dropout=0.2, l2=1e-4, epochs=30, learning_rate=1e-3, balanced=True
    )


def _logistic(table: FeatureTable) -> Pipeline:
    """Make the regression, unfitted.

    The penalty is a statement made beforehand, as in `ecglib.transfer.linear.linear_classifier`:
    the log odds vary with all features together by a standard deviation of about 1, and a trial
    counts as one observation, however many windows it has.
    """
    trials = len(table.meta[["participant", "clip"]].drop_duplicates())
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(
            C=trials / (len(table.names) * len(table)), class_weight="balanced", max_iter=2000
        ),
    )


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
        return evaluate_frozen(x, table.meta, splitter, targets, _network(), seed, model, regime)
    return evaluate_estimator(
        _logistic(table),
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


def _need_two_classes(meta: pd.DataFrame, targets: Sequence[Target]) -> None:
    labels = label_matrix(meta, targets)
    for name, label in zip(label_names(targets), labels.T, strict=True):
        if (label == label[0]).all():
            raise DataError(
                f"all {len(label)} windows are of class {label[0]}",
                field=name,
                expected="both classes",
                remedy="ask for another target; one class leaves nothing to learn",
            )


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
