"""Any pretext, any transfer, any encoder: one call, one tidy table.

A choice is one row of a frame with the columns `CHOICE`. `run_choices` trains what the choices ask
for, on the same folds, and gives one row per tested window; `score_participants` turns that into
one row per choice, target and participant. Every number and test of the comparison follows from
that second table, and it is small enough to travel with the repository. `pretext_report` says what
the encoders learnt before they met a label.

The folds keep the pretext honest. The participants of a fold all belong to one group of the study,
and the encoder that serves them was pretrained, with or without labels, on other groups only.

Run as ``python -m ecglib.comparison`` it makes the tables of the book's chapters and keeps them in
``results/``.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from ecglib.artifacts import (
    atomic_path,
    cached,
    code_of,
    fingerprint,
    results_folder,
    ship_file,
)
from ecglib.errors import DataError
from ecglib.evaluation import label_matrix
from ecglib.labels import TARGETS, five_class_labels
from ecglib.metrics import MAJORITY, auc
from ecglib.provenance import from_comment, to_comment

if TYPE_CHECKING:
    from ecglib.finetune import FineTuneConfig
    from ecglib.models import EncoderConfig
    from ecglib.study import Study

ORIGIN = ["data", "profile"]
"""Columns that say what a table was made of: the label of the data and the name of the profile."""

CHOICE = ["pretext", "transfer", "encoder", "classes", "labelled", "seed"]
"""Columns that name a choice."""

RANDOM, STR, CONTRASTIVE, SUPERVISED = "random", "STR", "contrastive", "supervised"
PRETEXTS = (RANDOM, STR, CONTRASTIVE, SUPERVISED)
"""What the encoder learnt before it met the labels of the fold; ``"random"`` is nothing."""

FROZEN, TUNED, SCRATCH = "frozen", "fine-tuned", "from scratch"
TRANSFERS = (FROZEN, TUNED, SCRATCH)
"""What the labels train: the softmax layer alone, or the whole network.

From scratch is the whole network from random weights, so it goes with the random pretext only.
"""

ENCODERS = ("plain", "batch norm")
"""The encoder without and with batch normalisation."""

CLASSES = (2, 5)
"""High against low, or the rating itself."""

ALL = "all"
"""As `labelled`: the labels of all training participants."""

KINDS = ("grid", "label-efficiency", "pretexts")
"""The tables: `grid`, `label_efficiency` and `pretext_report`."""

# What decides the numbers of the tables. Left out is `study`: it serves other chapters too, and
# most changes to it would throw away tables that they do not touch. What it decides here are the
# groups and the seeds; chapter 14 runs one choice anew and would see if they were others.
_MODULES = (
    "matfile",
    "dreamer",
    "cohort",
    "filters",
    "quality",
    "scaling",
    "windows",
    "transforms",
    "layers",
    "models",
    "pretrain",
    "views",
    "contrastive",
    "labels",
    "evaluation",
    "metrics",
    "recognition",
    "finetune",
    "comparison",
)
_CODE = code_of(*_MODULES)


@dataclass(frozen=True)
class ComparisonConfig:
    """How the choices are compared.

    Parameters
    ----------
    tuning : FineTuneConfig
        Training of the whole network: fine-tuning, from scratch, and the encoder of the supervised
        pretext. They differ in the weights that they start from, and in nothing else.
    head : FineTuneConfig
        Training of the softmax layer on the frozen encoder.
    folds_per_group : int
        Folds into which the participants of one group of the study are split.
    labelled : tuple of int
        Numbers of labelled participants, besides all; those that some fold does not exceed are
        left out.
    seeds : tuple of int
        Seeds of the label-efficiency runs: which participants are labelled, the initial weights
        of what is not pretrained, and the order of the windows.
    """

    tuning: FineTuneConfig
    head: FineTuneConfig
    folds_per_group: int = 3
    labelled: tuple[int, ...] = (2, 5, 10)
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Fold:
    """Who is tested, who may train, and which encoder knows none of the tested.

    Parameters
    ----------
    group : int
        Group of the study that the tested participants belong to.
    train, test : ndarray of int
        Rows of the study's usable windows.
    """

    group: int
    train: np.ndarray
    test: np.ndarray


def choices(
    pretexts: Sequence[str] = PRETEXTS,
    transfers: Sequence[str] = TRANSFERS,
    encoders: Sequence[str] = ENCODERS,
    classes: Sequence[int] = (2,),
    labelled: Sequence[int | str] = (ALL,),
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """List every combination that makes sense.

    Fine-tuning random weights is training from scratch: that combination appears once, as
    `SCRATCH`, and `SCRATCH` with any other pretext does not appear. The supervised pretext used the
    labels of everybody outside the group, so it appears with `ALL` labels only.

    Parameters
    ----------
    pretexts, transfers, encoders : sequence of str
        From `PRETEXTS`, `TRANSFERS` and `ENCODERS`.
    classes : sequence of int
        From `CLASSES`.
    labelled : sequence of int or ``"all"``
        Number of training participants whose labels are used.
    seeds : sequence of int
        See `ComparisonConfig`.

    Returns
    -------
    DataFrame
        Columns `CHOICE`, one row per choice.

    Raises
    ------
    ValueError
        If a name is unknown, or no combination is left.

    Examples
    --------
    >>> choices(["random", "STR"], encoders=["plain"])[["pretext", "transfer"]]
      pretext      transfer
    0  random        frozen
    1  random  from scratch
    2     STR        frozen
    3     STR    fine-tuned
    """
    for name, given, known in (
        ("pretext", pretexts, PRETEXTS),
        ("transfer", transfers, TRANSFERS),
        ("encoder", encoders, ENCODERS),
        ("classes", classes, CLASSES),
    ):
        unknown = [value for value in given if value not in known]
        if unknown:
            raise ValueError(f"{name} {unknown[0]!r} is unknown: choose from {known}")
    lists = (pretexts, transfers, encoders, classes, [str(n) for n in labelled], seeds)
    frame = pd.MultiIndex.from_product(lists, names=CHOICE).to_frame(index=False)
    sensible = _sensible(frame)
    if not sensible.any():
        raise ValueError(f"nothing to compare: {_SENSE}")
    return frame[sensible].reset_index(drop=True)


_SENSE = (
    f"{SCRATCH!r} goes with {RANDOM!r} only, {TUNED!r} with any other pretext, and {SUPERVISED!r} "
    f"with labels of {ALL!r} only"
)


def _sensible(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows combine known names, and are what their columns say."""
    known = [
        frame[column].isin(names)
        for column, names in (
            ("pretext", PRETEXTS),
            ("transfer", TRANSFERS),
            ("encoder", ENCODERS),
            ("classes", CLASSES),
        )
    ]
    never = frame["pretext"].eq(RANDOM).map({True: TUNED, False: SCRATCH})
    labels = frame["pretext"].ne(SUPERVISED) | frame["labelled"].astype(str).eq(ALL)
    return pd.concat([*known, frame["transfer"].ne(never), labels], axis=1).all(axis=1)


def folds(study: Study) -> list[Fold]:
    """Split the participants of every group of the study into folds.

    Returns
    -------
    list of Fold
        Every usable window is tested in exactly one.
    """
    participant = study.usable.meta["participant"].to_numpy()
    n_folds = study.profile.comparison.folds_per_group
    found = []
    for number, group in enumerate(study.groups):
        people = np.intersect1d(group, participant)
        for part in np.array_split(people, min(n_folds, people.size)):
            tested = np.isin(participant, part)
            found.append(Fold(number, np.flatnonzero(~tested), np.flatnonzero(tested)))
    return found


def labelled_windows(
    participant: np.ndarray, train: np.ndarray, labelled: int | str, seed: int
) -> np.ndarray:
    """Keep the training windows of some participants.

    Participants are drawn without replacement, the smaller numbers from among the larger: more
    labels always means the same people and some more.

    Parameters
    ----------
    participant : ndarray of int, shape (n_windows,)
        Of every window.
    train : ndarray of int
        Training windows of a fold.
    labelled : int, str
        Number of participants, or ``"all"``.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of int
        Those of `train` that belong to the drawn participants.

    Raises
    ------
    DataError
        If `train` has fewer participants.
    """
    if labelled == ALL:
        return train
    people = np.unique(participant[train])
    if not 0 < int(labelled) <= people.size:
        raise DataError(
            f"labels of {labelled} participants, and the fold trains on {people.size}",
            field="labelled",
            expected=f"1 to {people.size}, or {ALL!r}",
        )
    drawn = np.random.default_rng(seed).permutation(people)[: int(labelled)]
    return train[np.isin(participant[train], drawn)]


def run_choices(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """Train and test every choice on the same folds.

    Parameters
    ----------
    study : Study
        Data, groups and profile.
    chosen : DataFrame
        One row per choice, columns `CHOICE`; see `choices`.

    Returns
    -------
    DataFrame
        One row per choice, target and tested window: `ORIGIN`, `CHOICE`, ``target, fold, window,
        participant, clip``, ``truth`` and ``predicted`` (class, from 0), ``high`` (1 for a rating
        above 3) and ``score`` (probability of a rating above 3). The majority class of every fold,
        as pretext "majority", comes along for each number of classes.

    Raises
    ------
    DataError
        If a row is not one that `choices` could give; and as in `labelled_windows` and
        `ecglib.finetune.fit_classifiers`.
    """
    from ecglib.finetune import fit_classifiers

    sensible = _sensible(chosen).to_numpy()
    if not sensible.all():
        number = int(np.argmin(sensible))
        wrong = ", ".join(f"{k} {v}" for k, v in chosen[CHOICE].iloc[number].items())
        raise DataError(
            f"choice {number} makes no sense: {wrong}", field="chosen", expected=f"{_SENSE}"
        )
    meta, config = study.usable.meta, study.profile.comparison
    participant = meta["participant"].to_numpy()
    split = folds(study)
    tables = [_majority(meta, split, n) for n in sorted(set(chosen["classes"]))]
    starts = Starts(study)
    settings = _settings(config)
    # Everything that shares a network and a kind of training goes into one call, which compiles
    # the network once.
    for (encoder, classes, seed, transfer), group in chosen.groupby(
        ["encoder", "classes", "seed", "transfer"], sort=False
    ):
        jobs = [(choice, fold) for choice in group.itertuples(index=False) for fold in split]
        labels = _labels(meta, classes)
        probabilities = fit_classifiers(
            study.usable.X,
            labels,
            [(labelled_windows(participant, f.train, c.labelled, seed), f.test) for c, f in jobs],
            [starts.weights(c.pretext, encoder, f.group, seed) for c, f in jobs],
            starts.shape(encoder),
            settings[transfer],
            n_classes=int(classes),
            seed=study.profile.seed + int(seed),
        )
        tables += [
            _rows(meta, choice._asdict(), number % len(split), fold.test, labels, probability)
            for number, ((choice, fold), probability) in enumerate(
                zip(jobs, probabilities, strict=True)
            )
        ]
    return _with_origin(study, pd.concat(tables, ignore_index=True))


def _with_origin(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    origin = pd.DataFrame(
        {"data": study.label, "profile": study.profile.name}, index=table.index, columns=ORIGIN
    )
    return pd.concat([origin, table], axis=1)


class Starts:
    """Initial weights of the encoder for every pretext; each is trained once and kept.

    Parameters
    ----------
    study : Study
        Data, groups, profile and folder of artifacts.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._studies: dict[str, Study] = {}
        self._known: dict[tuple[Any, ...], list[np.ndarray]] = {}

    def shape(self, encoder: str) -> EncoderConfig:
        """Give the study's encoder, with or without batch normalisation."""
        return replace(self.study.profile.encoder, batch_norm=encoder == ENCODERS[1])

    def weights(self, pretext: str, encoder: str, group: int, seed: int = 0) -> list[np.ndarray]:
        """Give the weights of an encoder that has seen nobody of a group.

        Parameters
        ----------
        pretext, encoder : str
            From `PRETEXTS` and `ENCODERS`.
        group : int
            The group of the study that is left out.
        seed : int
            Of random weights; pretrained ones are the same for every seed.

        Returns
        -------
        list of ndarray
            In the order of Keras' ``encoder.get_weights()``.
        """
        key = (RANDOM, encoder, seed) if pretext == RANDOM else (pretext, encoder, group)
        if key not in self._known:
            self._known[key] = self._make(pretext, encoder, group, seed)
        return self._known[key]

    def _make(self, pretext: str, encoder: str, group: int, seed: int) -> list[np.ndarray]:
        from ecglib.models import build_encoder

        study = self.of(encoder)
        if pretext == RANDOM:
            length = study.usable.X.shape[1]
            start = build_encoder(study.profile.encoder, length, seed=study.profile.seed + seed)
        elif pretext == STR:
            start = study.pretext(group).encoder
        elif pretext == CONTRASTIVE:
            start = study.contrastive(group).model.encoder
        else:
            start = study.supervised_encoder(group)
        return start.get_weights()

    def of(self, encoder: str) -> Study:
        """Give the study with that encoder."""
        if encoder not in self._studies:
            self._studies[encoder] = self.study.with_encoder(self.shape(encoder))
        return self._studies[encoder]


def score_participants(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compute the metrics on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        From `run_choices`.

    Returns
    -------
    DataFrame
        One row per choice, target and participant: `ORIGIN`, `CHOICE`, ``target, participant``,
        ``n_windows``, ``accuracy``, ``balanced_accuracy`` (mean recall of the classes that occur),
        ``macro_f1`` (over the classes that occur or are predicted) and ``auc`` (of the score, high
        against low). Where all ratings of a participant are of one class, ``balanced_accuracy`` and
        ``auc`` are undefined: missing values, which `ecglib.contrasts` drops and counts.
    """
    rows = []
    keys = [*ORIGIN, *CHOICE, "target", "participant"]
    for key, group in predictions.groupby(keys, sort=False):
        truth, predicted = group["truth"].to_numpy(), group["predicted"].to_numpy()
        several = np.ptp(truth) > 0
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "n_windows": truth.size,
                "accuracy": float(np.mean(truth == predicted)),
                "balanced_accuracy": _recall(truth, predicted) if several else np.nan,
                "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0.0),
                "auc": auc(group["high"].to_numpy(), group["score"].to_numpy()),
            }
        )
    return pd.DataFrame(rows)


def _recall(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([np.mean(predicted[truth == c] == c) for c in np.unique(truth)]))


def save_scores(path: Path, scores: pd.DataFrame) -> None:
    """Write scores to a gzipped CSV file; the first line is a comment with their provenance."""
    text = to_comment(scores.attrs.get("provenance", {}))
    text += scores.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(gzip.compress(text.encode(), mtime=0))


def load_scores(path: Path, columns: Sequence[str] = (*ORIGIN, *CHOICE)) -> pd.DataFrame:
    """Read what `save_scores` wrote.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        The first columns that the table must have.

    Returns
    -------
    DataFrame
        The table; ``attrs["provenance"]`` says what made it.

    Raises
    ------
    DataError
        If the file is missing, damaged or another table.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            about = from_comment(stream.readline())
            frame = pd.read_csv(stream, dtype={"labelled": str})
        if list(frame.columns[: len(columns)]) != list(columns):
            raise ValueError(f"columns {', '.join(frame.columns)}")
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"cannot be read as scores ({error})",
            file=path,
            remedy="delete it and let the comparison make it again",
        ) from error
    frame.attrs["provenance"] = about
    return frame


def grid(study: Study) -> pd.DataFrame:
    """Score every pretext × transfer × encoder for 2 classes, and batch norm for 5 classes.

    Returns
    -------
    DataFrame
        As `score_participants` gives it; computed once, or taken from ``results/``.
    """
    return _kept(study, "grid", lambda: _in_parts(study, "grid"))


def label_efficiency(study: Study) -> pd.DataFrame:
    """Score random and self-supervised encoders against the number of labelled people.

    Batch-normalised encoder, 2 classes, several seeds, the same splits for all. The contrastive
    encoder is frozen only. A number of people that reaches or exceeds those whom the smallest fold
    trains on is left out.

    Returns
    -------
    DataFrame
        As `score_participants` gives it; computed once, or taken from ``results/``.
    """
    return _kept(study, "label-efficiency", lambda: _in_parts(study, "label-efficiency"))


def pretext_report(study: Study) -> pd.DataFrame:
    """Say what every encoder learnt before it met the labels of a fold, by people it never saw.

    Returns
    -------
    DataFrame
        `ORIGIN`, ``pretext, encoder, group`` (the one left out), ``measure`` and ``value``; nothing
        is missing, a measure that makes no sense has no row. The measures are ``score``, how well
        the pretext was learnt, and ``chance``, the score of guessing (of STR: the mean area under
        the ROC curve over its tasks; of contrastive: the last contrastive accuracy; of the others:
        none); ``spread``, ``effective_rank``, ``dead_share`` and ``collapsed`` (0 or 1) of the
        features (`ecglib.contrastive.collapse_report`); and ``n_windows`` that they are of.
        Computed once, or taken from ``results/``.
    """
    columns = (*ORIGIN, "pretext", "encoder", "group", "measure", "value")
    return _kept(study, "pretexts", lambda: _measure(study), columns)


def _measure(study: Study) -> pd.DataFrame:
    from ecglib.contrastive import collapse_report
    from ecglib.models import build_encoder

    usable, most = study.usable, study.profile.pretext.heldout_windows
    starts = Starts(study)
    networks = {e: build_encoder(starts.shape(e), usable.X.shape[1]) for e in ENCODERS}
    rows = []
    for case in _rows_of(study, "pretexts").itertuples(index=False):
        left_out = np.flatnonzero(usable.meta["participant"].isin(study.groups[case.group]))
        # The windows on which STR is tried.
        shown = left_out[np.linspace(0, len(left_out) - 1, min(most, len(left_out))).astype(int)]
        network = networks[case.encoder]
        network.set_weights(starts.weights(*case))
        features = collapse_report(network.predict(usable.X[shown], batch_size=32, verbose=0))
        measures = {
            **_learnt(starts.of(case.encoder), case.pretext, case.group),
            **features[["spread", "effective_rank", "dead_share", "collapsed"]],
            "n_windows": len(shown),
        }
        rows += [
            {**case._asdict(), "measure": name, "value": float(value)}
            for name, value in measures.items()
        ]
    return _with_origin(study, pd.DataFrame(rows))


def _learnt(study: Study, pretext: str, group: int) -> dict[str, float]:
    """Give the score of a pretext and that of guessing, or nothing if it has none."""
    from ecglib.recognition import task_scores

    if pretext == STR:
        return {
            "score": task_scores(study.pretext(group).heldout_logits)["auc"].mean(),
            "chance": 0.5,
        }
    if pretext == CONTRASTIVE:
        history = study.contrastive(group).history
        # A group with fewer windows than one batch is not watched in training.
        if "val_contrastive_accuracy" in history:
            last = history["val_contrastive_accuracy"].iloc[-1]
            return {"score": last, "chance": study.profile.contrastive.chance}
    return {}


def training_effort(config: ComparisonConfig) -> pd.DataFrame:
    """Count what every transfer trains.

    Parameters
    ----------
    config : ComparisonConfig
        Of a profile.

    Returns
    -------
    DataFrame
        Indexed by ``transfer``: what it ``trains``, ``steps``, ``batch`` (windows in a step),
        ``windows`` (in all steps) and the highest ``rate``.
    """
    from ecglib.finetune import HEAD

    rows = []
    for transfer, setting in _settings(config).items():
        training = setting.training
        steps = training.epochs * training.steps_per_epoch
        rows.append(
            {
                "transfer": transfer,
                "trains": "softmax layers" if setting.scope == HEAD else "whole network",
                "steps": steps,
                "batch": training.batch_windows,
                "windows": steps * training.batch_windows,
                "rate": training.learning_rate,
            }
        )
    return pd.DataFrame(rows).set_index("transfer")


def _settings(config: ComparisonConfig) -> dict[str, FineTuneConfig]:
    return {FROZEN: config.head, TUNED: config.tuning, SCRATCH: config.tuning}


def _rows_of(study: Study, kind: str) -> pd.DataFrame:
    """List what a table is about: choices, or encoders of the groups."""
    config = study.profile.comparison
    if kind == "pretexts":
        cases = (PRETEXTS, ENCODERS, range(len(study.groups)))
        index = pd.MultiIndex.from_product(cases, names=["pretext", "encoder", "group"])
        return index.to_frame(index=False)
    if kind == "grid":
        # The plain encoder answers the question of the encoder with 2 classes.
        return pd.concat(
            [choices(), choices(encoders=ENCODERS[1:], classes=CLASSES[1:])], ignore_index=True
        )
    participant = study.usable.meta["participant"].to_numpy()
    smallest = min(np.unique(participant[fold.train]).size for fold in folds(study))
    every = choices(
        (RANDOM, STR, CONTRASTIVE),
        encoders=ENCODERS[1:],
        labelled=(*(n for n in config.labelled if n < smallest), ALL),
        seeds=config.seeds,
    )
    # Training whole networks is nearly all of the cost: one pretext is fine-tuned, the other not.
    dear = (every["pretext"] == CONTRASTIVE) & (every["transfer"] == TUNED)
    return every[~dear].reset_index(drop=True)


def _kept(
    study: Study,
    kind: str,
    make: Callable[[], pd.DataFrame],
    columns: Sequence[str] = (*ORIGIN, *CHOICE),
) -> pd.DataFrame:
    return cached(
        kind,
        ".csv.gz",
        _source(study, kind),
        make=make,
        save=save_scores,
        load=lambda path: load_scores(path, columns),
        root=study.root,
        shipped=results_folder(),
    )


def _in_parts(study: Study, kind: str) -> pd.DataFrame:
    """Run the choices network by network, so that an interruption costs one part only."""
    parts = [
        cached(
            f"part-{kind}",
            ".csv.gz",
            _source(study, kind, part),
            make=lambda part=part: score_participants(run_choices(study, part)),
            save=save_scores,
            load=load_scores,
            root=study.root,
        )
        for _, part in _rows_of(study, kind).groupby(["encoder", "classes", "seed"], sort=False)
    ]
    # The majority class comes with every part.
    return pd.concat(parts, ignore_index=True).drop_duplicates([*CHOICE, "target", "participant"])


def ship(study: Study, kind: str) -> Path:
    """Copy a computed table, with its provenance, to the results that travel with the repository.

    Parameters
    ----------
    study : Study
        Its artifacts hold the table.
    kind : str
        Which of `KINDS`. An older one of this kind is removed.

    Returns
    -------
    Path
        The copy.
    """
    return ship_file(study.root / f"{kind}-{fingerprint(_source(study, kind))}.csv.gz")


def _source(study: Study, kind: str, part: pd.DataFrame | None = None) -> dict[str, Any]:
    profile = study.profile
    names = ("name", "windows", "encoder", "pretext", "contrastive", "comparison", "seed")
    return {
        "data": study.origin,
        "profile": {name: getattr(profile, name) for name in names},
        "choices": (_rows_of(study, kind) if part is None else part).to_dict("list"),
        "code": _CODE,
    }


def _labels(meta: pd.DataFrame, classes: int) -> np.ndarray:
    if classes == 2:
        return label_matrix(meta, TARGETS)
    return np.stack([five_class_labels(meta, target) for target in TARGETS], axis=1)


def _rows(
    meta: pd.DataFrame,
    choice: dict[str, Any],
    fold: int,
    test: np.ndarray,
    labels: np.ndarray,
    probability: np.ndarray,
) -> pd.DataFrame:
    """Lay out the predictions of one choice in one fold; `probability` (test, targets, classes)."""
    classes = probability.shape[-1]
    high = label_matrix(meta, TARGETS)
    above = probability[..., (classes + 1) // 2 :]  # the classes of ratings above 3
    return pd.concat(
        pd.DataFrame(
            {
                **choice,
                "target": target,
                "fold": fold,
                "window": test,
                "participant": meta["participant"].to_numpy()[test],
                "clip": meta["clip"].to_numpy()[test],
                "truth": labels[test, t],
                "predicted": probability[:, t].argmax(axis=-1),
                "high": high[test, t],
                "score": above[:, t].sum(axis=-1),
            }
        )
        for t, target in enumerate(TARGETS)
    )


def _majority(meta: pd.DataFrame, split: Sequence[Fold], classes: int) -> pd.DataFrame:
    labels = _labels(meta, classes)
    choice = dict(zip(CHOICE, (MAJORITY, "none", "none", classes, ALL, 0), strict=True))
    tables = []
    for number, fold in enumerate(split):
        counts = [np.bincount(labels[fold.train, t], minlength=classes) for t in range(3)]
        most = np.eye(classes)[[c.argmax() for c in counts]]
        probability = np.broadcast_to(most, (fold.test.size, *most.shape))
        tables.append(_rows(meta, choice, number, fold.test, labels, probability))
    return pd.concat(tables)


def main() -> None:
    """Make the tables of the comparison for the data file and profile in use."""
    from ecglib.study import Study

    parser = argparse.ArgumentParser(prog="python -m ecglib.comparison", description=main.__doc__)
    parser.add_argument(
        "--ship",
        action="store_true",
        help="copy them, and the contrastive encoder of chapter 12, to results/",
    )
    shipping = parser.parse_args().ship
    study = Study()
    if shipping and study.label != "synthetic":
        parser.error(f"{study.path} is {study.label}: its agreement forbids passing results on")
    for kind, table in zip(KINDS, (grid, label_efficiency, pretext_report), strict=True):
        print(f"{kind}, {study.label}: {len(table(study))} rows")
        if shipping:
            print(f"kept {ship(study, kind)}")
    if shipping:
        print(f"kept {ship_file(study.contrastive_file(0))}")


if __name__ == "__main__":
    main()
