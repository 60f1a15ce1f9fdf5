"""The results of a study that travel with a project, in its folder ``results/``.

They take long on a small machine and little disk: whoever has the same data and settings reads them
instead of computing. Each says itself what made it, when and with what.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.core.stages import Stage
from ecglib.studies import (
    baselines,
    before_clip,
    comparison_tables,
    crossing,
    excerpt,
    leakage,
    pretraining,
    replication,
    results,
    stages,
    statistics,
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

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> study = SimpleNamespace(label="DREAMER", path="DREAMER.mat")  # no more is asked for here
    >>> ship(study)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: DREAMER.mat: results of DREAMER, whose agreement ...
    """
    refuse_restricted(study, "results")
    copies = []
    for stage, sources, make in travellers(study):
        make()
        copies += stage.ship(sources, study.folder, results_folder())
    return copies


@checked
def travellers(study: Study) -> list[tuple[Stage, list[dict[str, Any]], Callable[[], Any]]]:
    """List the results that travel.

    Parameters
    ----------
    study : Study
        Data and settings; nothing is computed.

    Returns
    -------
    list of tuple of Stage, list of dict, and callable
        A stage, what each of its files is made from, and the call that makes them, in the order of
        `ship`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(4, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder, spec)
    >>> [stage.name for stage, source, make in travellers(study)][-3:]
    ['contrastive', 'ladder', 'simulation']
    """
    made_by: list[tuple[Stage, dict[str, Any], Callable[[Study], Any]]] = [
        (stages.CROSSING, crossing.source_here(study), crossing.scores_here),
        (stages.EXCERPT, excerpt.source(study), excerpt.scores),
        (stages.SUBJECT_AWARE, subject_aware.source(study), subject_aware.scores),
        (
            stages.SUPERVISED_PREDICTIONS,
            results.supervised_source(study),
            results.supervised_predictions,
        ),
        (
            stages.NULL_SUPERVISED,
            results.null_supervised_source(study),
            results.null_supervised_predictions,
        ),
        (
            stages.CLASSICAL_PREDICTIONS,
            baselines.predictions_source(study),
            baselines.classical_predictions,
        ),
        (
            stages.BASELINE_PREDICTIONS,
            before_clip.source(study),
            before_clip.baseline_relative_predictions,
        ),
        (stages.RELEASED_PREDICTIONS, replication.source(study), replication.released_results),
        # The first contrastive encoder, whose training a chapter looks at.
        (
            stages.CONTRASTIVE,
            pretraining.contrastive_source(study, 0),
            partial(pretraining.contrastive, group=0),
        ),
    ]
    return [
        *((stage, [source], make) for stage, source, make in comparison_tables.recipes(study)),
        *((stage, [source], partial(make, study)) for stage, source, make in made_by),
        (
            stages.LADDER,
            [leakage.ladder_source(study, effect) for effect in leakage.EFFECTS],
            partial(leakage.ladder_predictions, study),
        ),
        (
            stages.SIMULATIONS,
            [statistics.simulation_source(simulate) for simulate in statistics.SIMULATED],
            lambda: [statistics.simulated(one, study.folder) for one in statistics.SIMULATED],
        ),
    ]
