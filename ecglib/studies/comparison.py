"""Any pretext, any transfer, any encoder: one call, one tidy table.

A choice is one row of a frame with the columns `ecglib.evaluation.protocols.CHOICE`. `run_choices`
trains what the choices ask for, on the same folds, and gives one row per tested window;
`ecglib.evaluation.scores.score_participants` turns that into one row per choice, target and
participant. Every number and test of the comparison follows from that second table, and it is small
enough to travel with a project (`ecglib.studies.comparison_tables`).

The folds keep the pretext honest. The participants of a fold all belong to one group, and the
encoder that serves them was pretrained, with or without labels, on other groups only. The
comparison has more groups than the rest of a study (`compared`), and every seed pretrains its own
encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS, class_labels, label_matrix
from ecglib.evaluation.crossval import majority_class
from ecglib.evaluation.protocols import (
    ALL,
    CHOICE,
    CLASSES,
    CONTRASTIVE,
    ENCODERS,
    FROZEN,
    MAJORITY,
    ORIGIN,
    PRETEXTS,
    RANDOM,
    SCRATCH,
    STR,
    SUPERVISED,
    TRANSFERS,
    TUNED,
)
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.studies import pretraining
from ecglib.studies.profiles import ComparisonConfig
from ecglib.studies.study import Study
from ecglib.transfer.finetune import HEAD, FineTuneConfig, fit_classifiers


@dataclass(frozen=True)
class GroupFold:
    """Who is tested, who may train, and which encoder knows none of the tested.

    Parameters
    ----------
    group : int
        Group of the study that the tested participants belong to.
    train : ndarray of int
        Rows of the study's usable windows that may train.
    test : ndarray of int
        Rows of those that are tested.

    Examples
    --------
    >>> GroupFold(0, train=np.array([2, 3]), test=np.array([0, 1])).test.size
    2
    """

    group: int
    train: np.ndarray
    test: np.ndarray


@checked
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
    pretexts : sequence of str
        From `PRETEXTS`.
    transfers : sequence of str
        From `TRANSFERS`.
    encoders : sequence of str
        From `ENCODERS`.
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
    DataError
        If a name is unknown, a sequence is empty, or no combination is left.

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
        ("pretexts", pretexts, PRETEXTS),
        ("transfers", transfers, TRANSFERS),
        ("encoders", encoders, ENCODERS),
        ("classes", classes, CLASSES),
    ):
        checks.several(name, given, checks.one_of, known)
    for name, given in (("labelled", labelled), ("seeds", seeds)):
        checks.several(name, given, lambda _, value: value)
    lists = (pretexts, transfers, encoders, classes, [str(n) for n in labelled], seeds)
    frame = pd.MultiIndex.from_product(lists, names=CHOICE).to_frame(index=False)
    sensible = _sensible(frame)
    if not sensible.any():
        raise DataError(f"nothing to compare: {_SENSE}")
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


@checked
def compared(study: Study) -> Study:
    """Give the study with the groups of its comparison.

    Parameters
    ----------
    study : Study
        Its profile says how many groups the comparison has.

    Returns
    -------
    Study
        The same data in `ComparisonConfig.n_groups` groups, or one for each person if there are
        fewer.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import QUICK
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(4, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), QUICK, folder)
    >>> len(study.groups), len(compared(study).groups)
    (2, 4)
    """
    profile = study.profile
    n_groups = min(profile.comparison.n_groups, study.usable.meta["participant"].nunique())
    return study.with_profile(replace(profile, pretext=replace(profile.pretext, n_groups=n_groups)))


@checked
def folds(study: Study) -> list[GroupFold]:
    """Split the participants of every group of the comparison into folds.

    Parameters
    ----------
    study : Study
        Its windows, groups and number of folds.

    Returns
    -------
    list of GroupFold
        Every usable window is tested in exactly one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(4, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> sum(fold.test.size for fold in folds(study)) == len(study.usable)
    True
    """
    study = compared(study)
    participant = study.usable.meta["participant"].to_numpy()
    n_folds = study.profile.comparison.folds_per_group
    found = []
    for number, group in enumerate(study.groups):
        people = np.intersect1d(group, participant)
        for part in np.array_split(people, min(n_folds, people.size)):
            tested = np.isin(participant, part)
            found.append(GroupFold(number, np.flatnonzero(~tested), np.flatnonzero(tested)))
    return found


@checked
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

    Examples
    --------
    >>> people, train = np.repeat([1, 2, 3, 4], 2), np.arange(2, 8)
    >>> np.unique(people[labelled_windows(people, train, labelled=2, seed=0)]).size
    2
    """
    checks.array("train", train, (None,))
    if train.max() >= len(participant):
        raise DataError(
            f"{len(participant)} values", field="participant", expected="one for every window"
        )
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


@checked
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
        participant, clip``, ``probability`` (of a rating above 3), ``predicted`` and ``truth``
        (class, from 0). The majority class of every fold, as pretext "majority", comes along for
        each number of classes.

    Raises
    ------
    DataError
        If a row is not one that `choices` could give; and as in `labelled_windows` and
        `ecglib.transfer.finetune.fit_classifiers`.
    """
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
    return with_origin(study, pd.concat(tables, ignore_index=True))


@checked
def with_origin(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Put the columns `ORIGIN` in front of a table of a study.

    Parameters
    ----------
    study : Study
        Its data and profile.
    table : DataFrame
        What was computed from it.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> study = SimpleNamespace(label="synthetic", profile=SMOKE)  # no more is asked for
    >>> with_origin(study, pd.DataFrame({"auc": [0.5]})).to_dict("records")
    [{'data': 'synthetic', 'profile': 'smoke', 'auc': 0.5}]
    """
    origin = pd.DataFrame(
        {"data": study.label, "profile": study.profile.name}, index=table.index, columns=ORIGIN
    )
    return pd.concat([origin, table], axis=1)


class Starts:
    """Initial weights of the encoder for every pretext; each is trained once and kept.

    Parameters
    ----------
    study : Study
        Data, profile and folder of artifacts.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> starts = Starts(Study(synthetic_file(spec, folder), SMOKE, folder))
    >>> starts.shape("batch norm").batch_norm, len(starts.weights("random", "plain", group=0))
    (True, 12)
    """

    @checked
    def __init__(self, study: Study) -> None:
        self.study = compared(study)
        self._studies: dict[str, Study] = {}
        self._known: dict[tuple[Any, ...], list[np.ndarray]] = {}

    @checked
    def shape(self, encoder: str) -> EncoderConfig:
        """Give the shape of an `encoder`: the study's, with or without batch normalisation."""
        return replace(self.study.profile.encoder, batch_norm=encoder == ENCODERS[1])

    @checked
    def weights(self, pretext: str, encoder: str, group: int, seed: int = 0) -> list[np.ndarray]:
        """Give the weights of an encoder that has seen nobody of a group.

        Parameters
        ----------
        pretext : str
            From `PRETEXTS`.
        encoder : str
            From `ENCODERS`.
        group : int
            The group of the comparison that is left out.
        seed : int
            Of the random weights, or of the pretraining.

        Returns
        -------
        list of ndarray
            In the order of Keras' ``encoder.get_weights()``.
        """
        key = (pretext, encoder, None if pretext == RANDOM else group, seed)
        if key not in self._known:
            self._known[key] = self._make(pretext, encoder, group, seed)
        return self._known[key]

    def _make(self, pretext: str, encoder: str, group: int, seed: int) -> list[np.ndarray]:
        study = self.of(encoder)
        if pretext == RANDOM:
            length = study.usable.X.shape[1]
            start = build_encoder(study.profile.encoder, length)
            return _drawn(start.get_weights(), study.profile.seed + seed)
        if pretext == STR:
            start = pretraining.pretext(study, group, seed).encoder
        elif pretext == CONTRASTIVE:
            start = pretraining.contrastive(study, group, seed).model.encoder
        else:
            start = pretraining.supervised_encoder(study, group, seed)
        return start.get_weights()

    @checked
    def of(self, encoder: str) -> Study:
        """Give the study with that `encoder`."""
        if encoder not in self._studies:
            profile = replace(self.study.profile, encoder=self.shape(encoder))
            self._studies[encoder] = self.study.with_profile(profile)
        return self._studies[encoder]


def _drawn(weights: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Draw kernels anew (Glorot uniform) by NumPy: Keras would draw others on another backend."""
    rng = np.random.default_rng(seed)

    def kernel(old: np.ndarray) -> np.ndarray:
        size, *channels = old.shape
        limit = np.sqrt(6 / (size * sum(channels)))
        return rng.uniform(-limit, limit, old.shape).astype(old.dtype)

    return [kernel(w) if w.ndim == 3 else w for w in weights]


@checked
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

    Examples
    --------
    >>> from ecglib.studies.profiles import SMOKE
    >>> training_effort(SMOKE.comparison)["steps"].to_dict()
    {'frozen': 20, 'fine-tuned': 4, 'from scratch': 4}
    """
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


def _labels(meta: pd.DataFrame, classes: int) -> np.ndarray:
    if classes == 2:
        return label_matrix(meta, TARGETS)
    return np.stack([class_labels(meta, target) for target in TARGETS], axis=1)


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
                "probability": above[:, t].sum(axis=-1),
                "predicted": probability[:, t].argmax(axis=-1),
                "truth": labels[test, t],
            }
        )
        for t, target in enumerate(TARGETS)
    )


def _majority(meta: pd.DataFrame, split: Sequence[GroupFold], classes: int) -> pd.DataFrame:
    labels = _labels(meta, classes)
    choice = dict(zip(CHOICE, (MAJORITY, "none", "none", classes, ALL, 0), strict=True))
    tables = []
    for number, fold in enumerate(split):
        common = [majority_class(labels[fold.train, t], classes) for t in range(len(TARGETS))]
        most = np.eye(classes)[common]
        probability = np.broadcast_to(most, (fold.test.size, *most.shape))
        tables.append(_rows(meta, choice, number, fold.test, labels, probability))
    return pd.concat(tables)
