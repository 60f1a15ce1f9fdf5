"""The tables of the comparison, each computed once and kept: grid, label efficiency, pretexts.

They take hours on a small machine and a few kilobytes of disk, so they travel with the project, in
its folder ``results/``: whoever has the same data and settings reads them instead of computing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import evenly_spaced
from ecglib.core.errors import DataError
from ecglib.core.folders import results_folder
from ecglib.core.stages import Stage
from ecglib.evaluation.protocols import (
    ALL,
    CHOICE,
    CLASSES,
    CONTRASTIVE,
    ENCODERS,
    PRETEXTS,
    RANDOM,
    STR,
    TUNED,
)
from ecglib.evaluation.recognition import task_scores
from ecglib.evaluation.representation import collapse_report
from ecglib.evaluation.scores import score_participants
from ecglib.models.encoder import build_encoder
from ecglib.studies import crossing, pretraining, stages
from ecglib.studies.comparison import Starts, choices, folds, run_choices, with_origin
from ecglib.studies.study import Study


@checked
def grid(study: Study) -> pd.DataFrame:
    """Score every pretext × transfer × encoder for 2 classes, and batch norm for 5 classes.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        As `ecglib.evaluation.scores.score_participants` gives it; computed once, or taken from
        ``results/``.
    """
    return _kept(study, TABLES[0])


@checked
def label_efficiency(study: Study) -> pd.DataFrame:
    """Score random and self-supervised encoders against the number of labelled people.

    Batch-normalised encoder, 2 classes, several seeds, the same splits for all. The contrastive
    encoder is frozen only. A number of people that reaches or exceeds those whom the smallest fold
    trains on is left out.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        As `ecglib.evaluation.scores.score_participants` gives it; computed once, or taken from
        ``results/``.
    """
    return _kept(study, TABLES[1])


@checked
def pretext_report(study: Study) -> pd.DataFrame:
    """Say what every encoder learnt before it met the labels of a fold, by people it never saw.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        `ORIGIN`, ``pretext, encoder, group`` (the one left out), ``measure`` and ``value``; nothing
        is missing, a measure that makes no sense has no row. The measures are ``score``, how well
        the pretext was learnt, and ``chance``, the score of guessing (of STR: the mean area under
        the ROC curve over its tasks; of contrastive: the last contrastive accuracy; of the others:
        none); ``spread``, ``effective_rank``, ``dead_share`` and ``collapsed`` (0 or 1) of the
        features (`ecglib.evaluation.representation.collapse_report`); and ``n_windows`` that they
        are of. Computed once, or taken from ``results/``.
    """
    return _kept(study, TABLES[2])


@checked
def ship(study: Study) -> list[Path]:
    """Copy the tables, what encoders from elsewhere score, and the first contrastive encoder.

    Parameters
    ----------
    study : Study
        Its artifacts hold them; what is missing is computed first.

    Returns
    -------
    list of Path
        The copies. Older ones are removed.

    Raises
    ------
    DataError
        If the study is of real data, whose agreement forbids passing results on.
    """
    if study.label != "synthetic":
        raise DataError(
            f"results of {study.label}, whose agreement forbids passing them on",
            file=study.path,
            expected="the synthetic cohort",
        )
    results = results_folder()
    for table in TABLES:
        _kept(study, table)
    crossing.scores_here(study)
    pretraining.contrastive(study, 0)
    return [stage.ship(source, study.folder, results) for stage, source in _shipped(study)]


@checked
def shipped_names(study: Study) -> list[str]:
    """Name the files that `ship` copies, without computing any of them.

    Parameters
    ----------
    study : Study
        Data and settings.

    Returns
    -------
    list of str
        In the order of `ship`; what made each stands in it.
    """
    return [stage.file(source) for stage, source in _shipped(study)]


def _shipped(study: Study) -> list[tuple[Stage, dict[str, Any]]]:
    """List what travels: the stage of each file, and what it is made from."""
    return [
        *((table.stage, _source(study, table.rows(study))) for table in TABLES),
        (stages.CROSSING, crossing.source_here(study)),
        (stages.CONTRASTIVE, pretraining.contrastive_source(study, 0)),
    ]


def _measure(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    usable, most = study.usable, study.profile.pretext.heldout_windows
    starts = Starts(study)
    networks = {e: build_encoder(starts.shape(e), usable.X.shape[1]) for e in ENCODERS}
    rows = []
    for case in cases.itertuples(index=False):
        # The windows on which STR is tried.
        unseen = np.flatnonzero(pretraining.left_out(study, case.group))
        shown = evenly_spaced(unseen, most)
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
    return with_origin(study, pd.DataFrame(rows))


def _learnt(study: Study, pretext: str, group: int) -> dict[str, float]:
    """Give the score of a pretext and that of guessing, or nothing if it has none."""
    if pretext == STR:
        return {
            "score": task_scores(pretraining.pretext(study, group).heldout_logits)["auc"].mean(),
            "chance": 0.5,
        }
    if pretext == CONTRASTIVE:
        history = pretraining.contrastive(study, group).history
        # A group with fewer windows than one batch is not watched in training.
        if "val_contrastive_accuracy" in history:
            last = history["val_contrastive_accuracy"].iloc[-1]
            return {"score": last, "chance": study.profile.contrastive.chance}
    return {}


def _encoders(study: Study) -> pd.DataFrame:
    """List the encoders of which `pretext_report` tells."""
    cases = (PRETEXTS, ENCODERS, range(len(study.groups)))
    index = pd.MultiIndex.from_product(cases, names=["pretext", "encoder", "group"])
    return index.to_frame(index=False)


def _grid_choices(study: Study) -> pd.DataFrame:
    """List the choices of `grid`."""
    # The plain encoder answers the question of the encoder with 2 classes.
    return pd.concat(
        [choices(), choices(encoders=ENCODERS[1:], classes=CLASSES[1:])], ignore_index=True
    )


def _efficiency_choices(study: Study) -> pd.DataFrame:
    """List the choices of `label_efficiency`."""
    config = study.profile.comparison
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


def _in_parts(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """Run the choices network by network, so that an interruption costs one part only."""
    parts = [
        stages.COMPARISON_PART.cached(
            _source(study, part), lambda part=part: _score(study, part), study.folder
        )
        for _, part in chosen.groupby(["encoder", "classes", "seed"], sort=False)
    ]
    # The majority class comes with every part.
    return pd.concat(parts, ignore_index=True).drop_duplicates([*CHOICE, "target", "participant"])


def _score(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    return score_participants(run_choices(study, chosen))


@dataclass(frozen=True)
class _Table:
    """A table: its stage, what its rows are about, and what makes it of these."""

    stage: Stage
    rows: Callable[[Study], pd.DataFrame]
    make: Callable[[Study, pd.DataFrame], pd.DataFrame]


TABLES = (
    _Table(stages.GRID, _grid_choices, _in_parts),
    _Table(stages.LABEL_EFFICIENCY, _efficiency_choices, _in_parts),
    _Table(stages.PRETEXTS, _encoders, _measure),
)
"""The tables that travel."""


def _kept(study: Study, table: _Table) -> pd.DataFrame:
    rows = table.rows(study)
    return table.stage.cached(
        _source(study, rows),
        lambda: table.make(study, rows),
        study.folder,
        shipped=results_folder(),
    )


def _source(study: Study, rows: pd.DataFrame) -> dict[str, Any]:
    profile = study.profile
    names = ("name", "windows", "encoder", "pretext", "contrastive", "comparison", "seed")
    return {
        "data": study.identity,
        "profile": {name: getattr(profile, name) for name in names},
        "choices": rows.to_dict("list"),
    }
