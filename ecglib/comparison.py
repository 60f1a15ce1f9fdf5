"""Any pretext, any transfer, any encoder: one call, one tidy table.

A choice is one row of a frame with the columns `CHOICE`. `run_choices` trains what the choices ask
for, on the same folds, and gives one row per tested window; `score_participants` turns that into
one row per choice, target and participant. Every number and test of the comparison follows from
that second table, and it is small enough to travel with the repository.

The folds keep the pretext honest. The participants of a fold all belong to one group of the study,
and the encoder that serves them was pretrained, with or without labels, on other groups only.

Run as ``python -m ecglib.comparison`` it makes the tables of the book's chapters and keeps them in
``results/``.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Sequence
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

_CODE = code_of(
    "matfile",
    "dreamer",
    "filters",
    "quality",
    "scaling",
    "windows",
    "transforms",
    "models",
    "pretrain",
    "views",
    "contrastive",
    "labels",
    "finetune",
    "comparison",
)


@dataclass(frozen=True)
class ComparisonConfig:
    """How the choices are compared.

    Parameters
    ----------
    tuning : FineTuneConfig
        Training of the whole network, from pretrained weights; from random ones too, but without
        `FineTuneConfig.head_first`.
    head : FineTuneConfig
        Training of the softmax layer on the frozen encoder.
    supervised : FineTuneConfig
        Training of the encoder of the supervised pretext.
    folds_per_group : int
        Folds into which the participants of one group of the study are split.
    labelled : tuple of int
        Numbers of labelled participants, besides all.
    seeds : tuple of int
        Seeds of the label-efficiency runs: which participants are labelled, the initial weights
        of what is not pretrained, and the order of the windows.
    """

    tuning: FineTuneConfig
    head: FineTuneConfig
    supervised: FineTuneConfig
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
    `SCRATCH`, and `SCRATCH` with any other pretext does not appear.

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
    random = frame["pretext"] == RANDOM
    sensible = np.where(random, frame["transfer"] != TUNED, frame["transfer"] != SCRATCH)
    if not sensible.any():
        raise ValueError(f"nothing to compare: {SCRATCH!r} goes with {RANDOM!r}, {TUNED!r} not")
    return frame[sensible].reset_index(drop=True)


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
        One row per choice, target and tested window: `CHOICE`, ``target, fold, window,
        participant, clip``, ``truth`` and ``predicted`` (class, from 0), ``high`` (1 for a rating
        above 3) and ``score`` (probability of a rating above 3). The majority class of every fold,
        as pretext "majority", comes along for each number of classes.

    Raises
    ------
    DataError
        As in `labelled_windows` and `ecglib.finetune.fit_classifiers`.
    """
    from ecglib.finetune import fit_classifiers

    meta, config = study.usable.meta, study.profile.comparison
    participant = meta["participant"].to_numpy()
    split = folds(study)
    tables = [_majority(meta, split, n) for n in sorted(set(chosen["classes"]))]
    starts = Starts(study)
    # Random weights hold nothing that softmax layers trained first could protect.
    scratch = replace(config.tuning, head_first=None)
    settings = {FROZEN: config.head, TUNED: config.tuning, SCRATCH: scratch}
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
    return pd.concat(tables, ignore_index=True)


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

        study = self._study(encoder)
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

    def _study(self, encoder: str) -> Study:
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
        One row per choice, target and participant, with ``n_windows``, ``accuracy``,
        ``balanced_accuracy`` (mean recall of the classes that occur), ``macro_f1`` (over the
        classes that occur or are predicted) and ``auc`` (of the score, high against low). Where
        all ratings of a participant are of one class, ``balanced_accuracy`` and ``auc`` are
        undefined: missing values, which `ecglib.contrasts` drops and counts.
    """
    rows = []
    keys = [*CHOICE, "target", "participant"]
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


def load_scores(path: Path) -> pd.DataFrame:
    """Read what `save_scores` wrote.

    Raises
    ------
    DataError
        If the file is missing, damaged or not a table of scores.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            about = from_comment(stream.readline())
            frame = pd.read_csv(stream, dtype={"labelled": str})
        if list(frame.columns[: len(CHOICE)]) != CHOICE:
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
    """Score every pretext × transfer × encoder for 2 classes, and the first two for 5 classes.

    Returns
    -------
    DataFrame
        As `score_participants` gives it; computed once, or taken from ``results/``.
    """
    return _scores(study, "grid")


def label_efficiency(study: Study) -> pd.DataFrame:
    """Score pretrained encoders and training from scratch against the number of labelled people.

    Batch-normalised encoder, 2 classes, several seeds, the same splits for all. The contrastive
    encoder is frozen only.

    Returns
    -------
    DataFrame
        As `score_participants` gives it; computed once, or taken from ``results/``.
    """
    return _scores(study, "label-efficiency")


def _choices_of(study: Study, kind: str) -> pd.DataFrame:
    config = study.profile.comparison
    if kind == "grid":
        # The plain encoder answers the question of the encoder with 2 classes.
        return pd.concat(
            [choices(), choices(encoders=ENCODERS[1:], classes=CLASSES[1:])], ignore_index=True
        )
    options = {
        "encoders": ENCODERS[1:],
        "labelled": (*config.labelled, ALL),
        "seeds": config.seeds,
    }
    return pd.concat(
        [
            choices((RANDOM, STR), **options),
            choices((CONTRASTIVE,), (FROZEN,), **options),
        ],
        ignore_index=True,
    )


def _scores(study: Study, kind: str) -> pd.DataFrame:
    return cached(
        kind,
        ".csv.gz",
        _source(study, _choices_of(study, kind)),
        make=lambda: _in_parts(study, kind),
        save=save_scores,
        load=load_scores,
        root=study.root,
        shipped=results_folder(),
    )


def _in_parts(study: Study, kind: str) -> pd.DataFrame:
    """Run the choices network by network, so that an interruption costs one part only."""
    parts = [
        cached(
            f"part-{kind}",
            ".csv.gz",
            _source(study, part),
            make=lambda part=part: score_participants(run_choices(study, part)),
            save=save_scores,
            load=load_scores,
            root=study.root,
        )
        for _, part in _choices_of(study, kind).groupby(["encoder", "classes", "seed"], sort=False)
    ]
    # The majority class comes with every part.
    return pd.concat(parts, ignore_index=True).drop_duplicates([*CHOICE, "target", "participant"])


def ship(study: Study, kind: str) -> Path:
    """Copy a computed table, with its provenance, to the results that travel with the repository.

    Parameters
    ----------
    study : Study
        Its artifacts hold the table.
    kind : {"grid", "label-efficiency"}
        Which table. An older one of this kind is removed.

    Returns
    -------
    Path
        The copy.
    """
    made_from = _source(study, _choices_of(study, kind))
    return ship_file(study.root / f"{kind}-{fingerprint(made_from)}.csv.gz")


def _source(study: Study, chosen: pd.DataFrame) -> dict[str, Any]:
    profile = study.profile
    return {
        "data": study.origin,
        "profile": {
            name: getattr(profile, name)
            for name in ("windows", "encoder", "pretext", "contrastive", "comparison", "seed")
        },
        "choices": chosen.to_dict("list"),
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
    for kind, table in (("grid", grid), ("label-efficiency", label_efficiency)):
        print(f"{kind}, {study.label}: {len(table(study))} rows")
        if shipping:
            print(f"kept {ship(study, kind)}")
    if shipping:
        print(f"kept {ship_file(study.contrastive_file(0))}")


if __name__ == "__main__":
    main()
