"""The tables of the comparison, each computed once and kept: grid, control, labels, pretexts.

They take hours on a small machine, so they travel with a project (`ecglib.studies.shipping`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import evenly_spaced
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
from ecglib.studies import pretraining, stages
from ecglib.studies.comparison import Starts, choices, compared, folds, run_choices, with_origin
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CONTROL


@checked
def grid(study: Study) -> pd.DataFrame:
    """Score every pretext × transfer × encoder for 2 classes, and batch norm for 5 classes.

    Every seed pretrains its own encoders.

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
def control(study: Study) -> pd.DataFrame:
    """Score what `grid` scores where whatever reads the ECG must find something.

    The cohort is synthetic, with as many people and clips as the study's, and the effect
    `ecglib.synthetic.cohort.CONTROL`; 2 classes, batch norm.

    Parameters
    ----------
    study : Study
        Settings and folder; of its data only the numbers of people and clips count.

    Returns
    -------
    DataFrame
        As `ecglib.evaluation.scores.score_participants` gives it; computed once, or taken from
        ``results/``.
    """
    return _kept(control_study(study), TABLES[1])


@checked
def control_study(study: Study) -> Study:
    """Pair the settings and folder of `study` with the synthetic cohort of `control`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> from pathlib import Path
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> control = control_study(Study(synthetic_file(spec, folder), SMOKE, folder, spec))
    >>> control.spec.effect == CONTROL, control.spec.n_participants
    (True, 3)
    """
    rows, lengths = study.cohort.recordings, study.spec.clip_lengths_s
    spec = replace(
        study.spec,
        n_participants=rows["participant"].nunique(),
        clip_lengths_s=lengths[: max(2, rows["clip"].nunique())],
        effect=CONTROL,
    )
    return Study(synthetic_file(spec, study.folder), study.profile, study.folder, spec)


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
    return _kept(study, TABLES[2])


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
        `ORIGIN`, ``pretext, encoder, group`` (the one left out), ``seed, measure`` and ``value``;
        nothing is missing, a measure that makes no sense has no row. The measures are ``score``,
        how well the pretext was learnt, and ``chance``, the score of guessing (of STR: the mean
        area under the ROC curve over its tasks; of contrastive: the last contrastive accuracy; of
        the others: none); ``spread``, ``effective_rank``, ``dead_share`` and ``collapsed`` (0 or 1)
        of the features (`ecglib.evaluation.representation.collapse_report`); and ``n_windows`` that
        they are of. Computed once, or taken from ``results/``.
    """
    return _kept(study, TABLES[3])


@checked
def recipes(study: Study) -> list[tuple[Stage, dict[str, Any], Callable[[], pd.DataFrame]]]:
    """List the tables of a `study`: the stage of each, what it is made from, and how to make it.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> from pathlib import Path
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(4, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder, spec)
    >>> [stage.name for stage, source, make in recipes(study)]
    ['grid', 'control', 'label-efficiency', 'pretexts']
    """
    return [
        (table.stage, _source(own, table.rows(own)), partial(_kept, own, table))
        for table in TABLES
        for own in [table.study(study)]
    ]


def _measure(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    usable, most = study.usable, study.profile.pretext.heldout_windows
    starts = Starts(study)
    study = starts.study
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
            **_learnt(starts.of(case.encoder), case.pretext, case.group, case.seed),
            **features[["spread", "effective_rank", "dead_share", "collapsed"]],
            "n_windows": len(shown),
        }
        rows += [
            {**case._asdict(), "measure": name, "value": float(value)}
            for name, value in measures.items()
        ]
    return with_origin(study, pd.DataFrame(rows))


def _learnt(study: Study, pretext: str, group: int, seed: int) -> dict[str, float]:
    """Give the score of a pretext and that of guessing, or nothing if it has none."""
    if pretext == STR:
        return {
            "score": task_scores(pretraining.pretext(study, group, seed).heldout_logits)[
                "auc"
            ].mean(),
            "chance": 0.5,
        }
    if pretext == CONTRASTIVE:
        history = pretraining.contrastive(study, group, seed).history
        # A group with fewer windows than one batch is not watched in training.
        if "val_contrastive_accuracy" in history:
            last = history["val_contrastive_accuracy"].iloc[-1]
            return {"score": last, "chance": study.profile.contrastive.chance}
    return {}


def _encoders(study: Study) -> pd.DataFrame:
    """List the encoders of which `pretext_report` tells."""
    groups, seeds = range(len(compared(study).groups)), study.profile.comparison.seeds
    cases = (PRETEXTS, ENCODERS, groups, seeds)
    index = pd.MultiIndex.from_product(cases, names=["pretext", "encoder", "group", "seed"])
    return index.to_frame(index=False)


def _grid_choices(study: Study) -> pd.DataFrame:
    """List the choices of `grid`."""
    seeds = study.profile.comparison.seeds
    # The plain encoder answers the question of the encoder with 2 classes.
    return pd.concat(
        [choices(seeds=seeds), choices(encoders=ENCODERS[1:], classes=CLASSES[1:], seeds=seeds)],
        ignore_index=True,
    )


def _control_choices(study: Study) -> pd.DataFrame:
    """List the choices of `control`."""
    return choices(encoders=ENCODERS[1:], seeds=study.profile.comparison.seeds)


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
    """A table: its stage, what its rows are about, what makes it of these, and of whose data."""

    stage: Stage
    rows: Callable[[Study], pd.DataFrame]
    make: Callable[[Study, pd.DataFrame], pd.DataFrame]
    study: Callable[[Study], Study] = lambda study: study


TABLES = (
    _Table(stages.GRID, _grid_choices, _in_parts),
    _Table(stages.CONTROL, _control_choices, _in_parts, control_study),
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
