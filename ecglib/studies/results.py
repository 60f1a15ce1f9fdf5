"""The results of a study: predictions of every model, their audit, and a cohort without effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.artifacts import fingerprint
from ecglib.core.errors import DataError
from ecglib.core.folders import results_folder
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.crossfit import group_of_folds
from ecglib.evaluation.crossval import evaluate_frozen, majority_predictions
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions, prediction_rows
from ecglib.evaluation.protocols import NONE, RANDOM, SEEN, STR, STRICT, SUPERVISED
from ecglib.evaluation.splits import ParticipantGroupedKFold, Splitter, WindowKFold
from ecglib.evaluation.summaries import summarise
from ecglib.preprocessing.segmentation import make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.studies import stages
from ecglib.studies.feasible import check_study
from ecglib.studies.pretraining import features, features_of, pretext_source, trained_on
from ecglib.studies.profiles import Profile
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import make_cohort
from ecglib.transfer.finetune import fit_classifiers

NULL_SEED = 1
"""Seed of the cohort without effect: people other than those of the study's own cohort."""


@checked
def splitters(study: Study) -> tuple[Splitter, Splitter]:
    """Give the two protocols of `predictions`: the released one, and the strict one.

    Parameters
    ----------
    study : Study
        Its profile gives the number of folds and the seed.

    Returns
    -------
    tuple of Splitter
        Window-wise, and leave-one-participant-out (LOSO).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import QUICK
    >>> [splitter.protocol for splitter in splitters(SimpleNamespace(profile=QUICK))]
    ['window-kfold', 'leave-one-participant-out']
    """
    profile = study.profile
    return WindowKFold(profile.window_folds, profile.seed), LeaveOneParticipantOut()


@checked
def supervised_splitters(study: Study) -> tuple[Splitter, Splitter]:
    """Give the two protocols of `supervised_predictions`, with fewer folds, for cost.

    Parameters
    ----------
    study : Study
        Its profile gives the number of folds and the seed.

    Returns
    -------
    tuple of Splitter
        Window-wise, and by groups of participants.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import QUICK
    >>> [splitter.protocol for splitter in supervised_splitters(SimpleNamespace(profile=QUICK))]
    ['window-kfold', 'participant-grouped']
    """
    profile = study.profile
    return (
        WindowKFold(profile.supervised_folds, profile.seed),
        ParticipantGroupedKFold(profile.supervised_folds, profile.seed),
    )


@checked
def predictions(study: Study) -> pd.DataFrame:
    """Predict by frozen encoders under both protocols, out of fold.

    Under leave-one-participant-out the STR features of a fold come from the encoder that never saw
    its participant (regime "strict"), and once more from one that did, without ratings ("pretext
    saw test windows"). Under the window-wise protocol the encoder has seen the test windows too.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`; computed once, then read.

    Raises
    ------
    DataError
        Before any training, if the study cannot be finished; see
        `ecglib.studies.feasible.check_study`.
    """

    def make() -> pd.DataFrame:
        check_study(study)
        return _predict(study)

    return stages.PREDICTIONS.cached(results_source(study), make, study.folder)


@checked
def head_predictions(study: Study, protocol: str, model: str, regime: str) -> pd.DataFrame:
    """Predict by heads on frozen features of one kind, out of fold: a part of `predictions`.

    Each part is a file of its own, so that a computation of hours that is stopped goes on after the
    last part that it finished.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    protocol : {"window-kfold", "leave-one-participant-out"}
        Who is tested.
    model : {"random", "STR"}
        Whose features.
    regime : {"none", "strict", "pretext saw test windows"}
        What the encoder has seen of those tested; "none" for the random one. Window-wise, STR has
        always seen them.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`; computed once, then read.

    Raises
    ------
    DataError
        If there is no such part.
    """
    window, person = splitters(study)
    possible = {
        (window.protocol, RANDOM, NONE): window,
        (window.protocol, STR, SEEN): window,
        (person.protocol, RANDOM, NONE): person,
        (person.protocol, STR, STRICT): person,
        (person.protocol, STR, SEEN): person,
    }
    if (protocol, model, regime) not in possible:
        raise DataError(
            f"there are no heads on {model} features ({regime}) under {protocol}",
            remedy=f"give one of {'; '.join(map(', '.join, possible))}",
        )
    splitter = possible[protocol, model, regime]

    def make() -> pd.DataFrame:
        meta, groups, profile = study.usable.meta, study.groups, study.profile
        cross: dict[str, Any] = {}
        array: np.ndarray | dict[str, np.ndarray]
        if model == RANDOM:
            array = features(study, RANDOM)
        elif splitter is window:
            array = features(study, STR, 0)
        else:
            array = {str(g): features(study, STR, g) for g in range(len(groups))}
            own = group_of_folds(meta, list(person.split(meta)), groups)
            # The encoder of any other group was pretrained on this one's people.
            used = own if regime == STRICT else [(g + 1) % len(groups) for g in own]
            cross["encoder_of_fold"] = [str(g) for g in used]
            if regime == STRICT:
                trained = {str(g): trained_on(study, g).tolist() for g in range(len(groups))}
                cross["pretrained_on"] = trained
        trained_by = {"config": profile.head, "seed": profile.seed}
        told = {"model_name": model, "regime": regime}
        return evaluate_frozen(array, meta, splitter, TARGETS, **trained_by, **told, **cross)

    source = {**results_source(study), "protocol": protocol, "model": model, "regime": regime}
    return stages.HEADS.cached(source, make, study.folder)


@checked
def supervised_predictions(study: Study) -> pd.DataFrame:
    """Predict by networks trained from scratch with labels, out of fold.

    They are trained as long as the comparison trains any network as a whole, which takes time, so
    there are fewer folds than in `predictions`; whole people are left out in groups.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`, with the majority class of the same folds;
        computed once, or taken from ``results/``.

    Raises
    ------
    DataError
        As in `predictions`.
    """

    def make() -> pd.DataFrame:
        check_study(study)
        return _supervise(study.usable, study.profile, supervised_splitters(study))

    return stages.SUPERVISED_PREDICTIONS.cached(
        supervised_source(study), make, study.folder, shipped=results_folder()
    )


@checked
def supervised_source(study: Study) -> dict[str, Any]:
    """Say what decides what `supervised_predictions` gives for a `study`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import QUICK
    >>> study = SimpleNamespace(identity="0f", profile=QUICK)  # no more is asked for
    >>> supervised_source(study)["training"] == QUICK.comparison.tuning
    True
    """
    return {"data": study.identity, **_training(study.profile)}


def _training(profile: Profile) -> dict[str, Any]:
    return {
        "windows": profile.windows,
        "encoder": profile.encoder,
        "training": profile.comparison.tuning,
        "folds": profile.supervised_folds,
        "seed": profile.seed,
    }


@checked
def leaks(study: Study) -> pd.DataFrame:
    """Audit `predictions` and `supervised_predictions`.

    Parameters
    ----------
    study : Study
        Data, settings and folder.

    Returns
    -------
    DataFrame
        What `ecglib.evaluation.audit.audit_predictions` finds: a row for whatever is on both sides.
    """
    meta, n_groups = study.usable.meta, len(study.groups)
    # The windows of those whom the encoder of each group was pretrained on, as its file says.
    shown = [
        np.flatnonzero(np.isin(meta["participant"], trained_on(study, group)))
        for group in range(n_groups)
    ]
    window, person = splitters(study)
    own = group_of_folds(meta, list(person.split(meta)), study.groups)
    pretext = {
        (window.protocol, STR, SEEN): [shown[0]] * window.get_n_splits(meta),
        (person.protocol, STR, STRICT): [shown[g] for g in own],
        (person.protocol, STR, SEEN): [shown[(g + 1) % n_groups] for g in own],
    }
    length_s = study.profile.windows.length_s
    return pd.concat(
        [
            audit_predictions(
                predictions(study), meta, (window, person), pretext, length_s=length_s
            ),
            audit_predictions(
                supervised_predictions(study),
                meta,
                supervised_splitters(study),
                {},
                length_s=length_s,
            ),
        ],
        ignore_index=True,
    )


@checked
def null_predictions(study: Study) -> pd.DataFrame:
    """Predict where there is nothing to find, under leave-one-participant-out.

    A second synthetic cohort of other people, whose ECG does not depend on what they feel
    (effect 0), goes through the same encoders. The encoders are the study's: they have never seen
    anyone of that cohort.

    Parameters
    ----------
    study : Study
        Its encoders, settings and folder.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`; computed once, then read.
    """
    spec = replace(study.spec, effect=0.0)
    source = {"study": results_source(study), "spec": spec, "seed": NULL_SEED}
    return stages.NULL_PREDICTIONS.cached(
        source, lambda: _predict_null(study, fingerprint(source)), study.folder
    )


@checked
def null_supervised_predictions(study: Study) -> pd.DataFrame:
    """Train networks from scratch with labels where there is nothing to find.

    The cohort is that of `null_predictions`, the training that of `supervised_predictions`.

    Parameters
    ----------
    study : Study
        Its settings and folder. Nothing of its data is used.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`, whole people left out in groups; computed
        once, or taken from ``results/``.
    """
    return stages.NULL_SUPERVISED.cached(
        null_supervised_source(study),
        lambda: _supervise(_null_windows(study), study.profile, [supervised_splitters(study)[1]]),
        study.folder,
        shipped=results_folder(),
    )


@checked
def null_supervised_source(study: Study) -> dict[str, Any]:
    """Say what decides what `null_supervised_predictions` gives for a `study`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import QUICK
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> study = SimpleNamespace(spec=CohortSpec(), profile=QUICK)  # no more is asked for
    >>> null_supervised_source(study)["spec"].effect
    0.0
    """
    cohort = {"spec": replace(study.spec, effect=0.0), "seed of the cohort": NULL_SEED}
    return {**cohort, **_training(study.profile)}


@checked
def summary(study: Study, **options: Any) -> pd.DataFrame:
    """Summarise `predictions` with intervals.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    **options
        As for `ecglib.evaluation.summaries.summarise`.

    Returns
    -------
    DataFrame
        As from `ecglib.evaluation.summaries.summarise`.
    """
    return summarise(predictions(study), **{"n_resamples": study.profile.n_resamples, **options})


@checked
def results_source(study: Study) -> dict[str, Any]:
    """Say what decides the `predictions` of a `study`, for names of files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> source = results_source(Study(synthetic_file(spec, folder), SMOKE, folder))
    >>> source["head"] == SMOKE.head
    True
    """
    profile = study.profile
    return {
        "pretext": [pretext_source(study, g) for g in range(len(study.groups))],
        "head": profile.head,
        "window_folds": profile.window_folds,
    }


def _predict(study: Study) -> pd.DataFrame:
    window, person = splitters(study)
    tables = []
    for splitter in (window, person):
        tables += [
            majority_predictions(study.usable.meta, splitter, TARGETS),
            head_predictions(study, splitter.protocol, RANDOM, NONE),
        ]
    tables += [
        head_predictions(study, window.protocol, STR, SEEN),
        head_predictions(study, person.protocol, STR, STRICT),
        head_predictions(study, person.protocol, STR, SEEN),
    ]
    return append_predictions(*tables)


def _null_windows(study: Study) -> Windows:
    cohort = make_cohort(replace(study.spec, effect=0.0), NULL_SEED).cohort
    return make_windows(cohort, study.profile.windows).usable


def _predict_null(study: Study, identity: str) -> pd.DataFrame:
    windows = _null_windows(study)
    splitter, profile = LeaveOneParticipantOut(), study.profile
    return append_predictions(
        majority_predictions(windows.meta, splitter, TARGETS),
        *(
            evaluate_frozen(
                features_of(study, windows, identity, model, group),
                windows.meta,
                splitter,
                TARGETS,
                profile.head,
                profile.seed,
                model,
                regime,
            )
            for model, group, regime in ((RANDOM, None, NONE), (STR, 0, STRICT))
        ),
    )


def _supervise(windows: Windows, profile: Profile, protocols: Sequence[Splitter]) -> pd.DataFrame:
    meta, labels = windows.meta, label_matrix(windows.meta, TARGETS)
    folds = [
        (splitter.protocol, number, *fold)
        for splitter in protocols
        for number, fold in enumerate(splitter.split(meta, labels))
    ]
    # All folds of all protocols in one call: the network is compiled once.
    probabilities = fit_classifiers(
        windows.X,
        labels,
        [(train, test) for _, _, train, test in folds],
        None,
        profile.encoder,
        profile.comparison.tuning,
        n_classes=2,
        seed=profile.seed,
    )
    return append_predictions(
        *(majority_predictions(meta, splitter, TARGETS) for splitter in protocols),
        *(
            prediction_rows(
                meta,
                test,
                np.clip(probability[:, t, 1], 0.0, 1.0),
                labels[:, t],
                protocol=protocol,
                model=SUPERVISED,
                regime=NONE,
                target=target,
                fold=number,
                seed=profile.seed,
            )
            for (protocol, number, _, test), probability in zip(folds, probabilities, strict=True)
            for t, target in enumerate(TARGETS)
        ),
    )
