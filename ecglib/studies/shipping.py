"""The results of a study that travel with a project, in its folder ``results/``.

They take long on a small machine and little disk: whoever has the same data and settings reads them
instead of computing. Each says itself what made it, when and with what.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.core.stages import Stage
from ecglib.studies import (
    comparison_tables,
    crossing,
    excerpt,
    pretraining,
    results,
    stages,
    subject_aware,
)
from ecglib.studies.restricted import refuse_restricted
from ecglib.studies.study import Study


@checked
def ship(study: Study) -> list[Path]:
    """Copy the results that travel to ``results/``.

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
        If the study is of data that must not be passed on (`ecglib.studies.restricted`).
    """
    refuse_restricted(study, "results")
    copies = []
    for stage, source, make in travellers(study):
        make()
        copies.append(stage.ship(source, study.folder, results_folder()))
    return copies


@checked
def travellers(study: Study) -> list[tuple[Stage, dict[str, Any], Callable[[], Any]]]:
    """List the results that travel.

    Parameters
    ----------
    study : Study
        Data and settings; nothing is computed.

    Returns
    -------
    list of tuple of Stage, dict and callable
        The stage of each file, what it is made from, and the call that makes it, in the order of
        `ship`.
    """
    return [
        *comparison_tables.recipes(study),
        (stages.CROSSING, crossing.source_here(study), lambda: crossing.scores_here(study)),
        (stages.EXCERPT, excerpt.source(study), lambda: excerpt.scores(study)),
        (stages.SUBJECT_AWARE, subject_aware.source(study), lambda: subject_aware.scores(study)),
        (
            stages.SUPERVISED_PREDICTIONS,
            results.supervised_source(study),
            lambda: results.supervised_predictions(study),
        ),
        # The first contrastive encoder, whose training a chapter looks at.
        (
            stages.CONTRASTIVE,
            pretraining.contrastive_source(study, 0),
            lambda: pretraining.contrastive(study, 0),
        ),
    ]
