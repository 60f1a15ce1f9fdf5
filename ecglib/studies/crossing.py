"""Encoders on the other side: from real hearts to a study in DREAMER's layout, and back."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.evaluation.protocols import CONTRASTIVE, ORIGIN, RANDOM, STR
from ecglib.models.embedding import embed, encoders, find_encoder
from ecglib.studies import pretraining, stages
from ecglib.studies.pooling import own_encoders, rating_scores
from ecglib.studies.real import CLINIC, NOBODY, RealStudy
from ecglib.studies.real_features import source as real_source
from ecglib.studies.real_scores import LOSO, StateWindows, folds_of, people_scores, predict
from ecglib.studies.study import Study

HERE = "this cohort"
"""As ``source``: encoders of the study itself, none of which saw whom it is tested on."""

POOLED = ("max", "mean")
"""Poolings with which all encoders are read; all were trained with the first."""


@checked
def scores_here(study: Study) -> pd.DataFrame:
    """Score frozen encoders of a study beside those that ship, which learnt from real hearts.

    Parameters
    ----------
    study : Study
        Its windows, groups and settings.

    Returns
    -------
    DataFrame
        `ORIGIN`, ``pretext``, ``source`` (`HERE`, "clinic" or "nobody"), ``pooling``, ``target``,
        ``participant`` and ``auc``: new people (LOSO), the head of
        `ecglib.studies.real_scores.head`. An ``auc`` is missing where all ratings of a person are
        of one class. Computed once, or taken from ``results/``.
    """
    return stages.CROSSING.cached(
        source_here(study), lambda: _here(study), study.folder, shipped=results_folder()
    )


@checked
def scores_there(real: RealStudy, study: Study) -> pd.DataFrame:
    """Score encoders of a study in DREAMER's layout on real people, rest against arithmetic.

    Parameters
    ----------
    real : RealStudy
        Its windows.
    study : Study
        Its encoders; a synthetic one, which may be passed on.

    Returns
    -------
    DataFrame
        ``pretext``, ``source`` (the study's label, or "nobody"), ``pooling`` and what
        `ecglib.studies.real_scores.people_scores` gives.
    """
    made_from = source_there(real, study)
    return stages.REAL_CROSSING.cached(made_from, lambda: _there(real, study), real.folder)


@checked
def source_here(study: Study) -> dict[str, Any]:
    """Say what decides the table of a `study`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> list(source_here(Study(synthetic_file(spec, folder), SMOKE, folder)))[:2]
    ['data', 'profile']
    """
    profile = study.profile
    names = ("name", "windows", "encoder", "pretext", "contrastive", "seed")
    return {
        "data": study.identity,
        "profile": {name: getattr(profile, name) for name in names},
        "encoders": encoders(),
    }


@checked
def source_there(real: RealStudy, study: Study) -> dict[str, Any]:
    """Say what decides the table of a `study` on `real` people.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.real import RealPlan
    >>> real = SimpleNamespace(data={"eegmat": "0f", "clinic": "1e"}, plan=RealPlan())
    >>> study = SimpleNamespace(identity="2d", profile=SMOKE)  # no more is asked for
    >>> source_there(real, study)["encoders of"]["data"]
    '2d'
    """
    return {**real_source(real), "encoders of": source_here(study)}


def _here(study: Study) -> pd.DataFrame:
    shipped = {find_encoder(name)[1].pretext: [find_encoder(name)[0]] for name in encoders()}
    cases = [(RANDOM, NOBODY, [pretraining.random_encoder(study)])]
    for pretext in (STR, CONTRASTIVE):
        cases += [
            (pretext, HERE, own_encoders(study, pretext)),
            (pretext, CLINIC, shipped[pretext]),
        ]
    tables = []
    for pretext, source, found in cases:
        for pooling in POOLED:
            parts = [embed(study.usable, e, pooling=pooling, progress=False) for e in found]
            names = {"pretext": pretext, "source": source, "pooling": pooling}
            tables.append(rating_scores(study, parts).assign(**names))
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(data=study.label, profile=study.profile.name)
    columns = [*ORIGIN, "pretext", "source", "pooling", "target", "participant", "auc"]
    return table[columns]


def _there(real: RealStudy, study: Study) -> pd.DataFrame:
    tested = StateWindows.of(real)
    cases = [(RANDOM, NOBODY, pretraining.random_encoder(study))]
    cases += [
        (pretext, study.label, own_encoders(study, pretext)[0]) for pretext in (STR, CONTRASTIVE)
    ]
    tables = []
    for pretext, source, encoder in cases:
        for pooling in POOLED:
            features = embed(real.windows, encoder, pooling=pooling, progress=False)
            found = predict(tested, [features], folds_of(tested, LOSO))
            table = people_scores(tested.person, tested.truth, *found)
            names = {"pretext": pretext, "source": source, "pooling": pooling}
            tables.append(pd.concat([pd.DataFrame(names, index=table.index), table], axis=1))
    return pd.concat(tables, ignore_index=True)
