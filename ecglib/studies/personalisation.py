"""The tested person's own ratings: a few of them, or a model made from nothing else.

A model for everyone meets a new person whose resting heart differs from everyone's. It may order
that person's trials well and still call most of them high. A few rated trials of the person can
mend that. Here they join the training windows, and the person gets an intercept of their own, as
every training participant has: a logistic regression with random intercepts. The coefficients of
the features stay common to all.

The alternative is to give the person's trials more weight. On a synthetic cohort of another seed
than the book's, that cost area under the ROC curve wherever it bought accuracy, because a handful
of trials then outvotes hundreds. The intercept was chosen there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.crossval import evaluate_estimator, majority_predictions
from ecglib.evaluation.leave_out import LeaveOneParticipantOut, WithinParticipantKFold
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import MAJORITY, NONE, RANDOM
from ecglib.evaluation.rated import evaluate_rated, rated_numbers
from ecglib.evaluation.summaries import paired_difference
from ecglib.studies import stages
from ecglib.studies.crossfit import (
    RANDOM_LINEAR,
    evaluate_strict,
    features_by_participant,
    features_source,
)
from ecglib.studies.pretraining import features
from ecglib.studies.study import Study
from ecglib.transfer.linear import design_matrix, linear_classifier

TRAINING_SHARE = "training share"
"""A model that gives every window the share of high ratings among the training windows."""


@checked
def rated_predictions(study: Study) -> pd.DataFrame:
    """Predict for new people of whom some trials are rated, once; then read the file.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Result of `ecglib.evaluation.rated.evaluate_rated` for the numbers of
        `ecglib.evaluation.rated.rated_numbers`. The STR features of a tested participant come from
        an encoder that never saw this person. The model "majority" is the same classifier without
        any features: what the ratings alone tell.

    Notes
    -----
    Participants run in parallel if `joblib.parallel_config` around the call says so.
    """
    features_of = features_by_participant(study)
    return stages.RATED_PREDICTIONS.cached(
        features_source(study),
        lambda: _predict_rated(features_of, study.usable.meta, study.profile.seed),
        study.folder,
    )


def _predict_rated(
    features_of: Mapping[str, Mapping[int, np.ndarray]], meta: pd.DataFrame, seed: int
) -> pd.DataFrame:
    blind = dict.fromkeys(meta["participant"].unique(), np.zeros((len(meta), 0)))
    return append_predictions(
        *(
            evaluate_rated(arrays, meta, TARGETS, model=model, rated=rated_numbers(meta), seed=seed)
            for model, arrays in {**features_of, MAJORITY: blind}.items()
        )
    )


@checked
def own_predictions(study: Study) -> pd.DataFrame:
    """Predict by models of one person and by models of all others, once; then read the file.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`, under two protocols.
        Leave-one-participant-out tests everyone, also with `TRAINING_SHARE`. Within-participant
        leaves out, for each target, the people whose training windows are of one class in some
        fold; a target for which that is everyone has no such rows.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """
    return stages.OWN_PREDICTIONS.cached(
        features_source(study), lambda: _predict_own(study, study.usable.meta), study.folder
    )


def _predict_own(study: Study, meta: pd.DataFrame) -> pd.DataFrame:
    per_person = meta.groupby("participant")["clip"].nunique()
    # Few folds, so that both classes are among the three or more trials of a test fold.
    within = WithinParticipantKFold(int(np.clip(per_person.min() // 3, 2, 5)), study.profile.seed)
    random = features(study, RANDOM)
    windows_per_trial = len(meta) / per_person.sum()
    classifier = linear_classifier(random.shape[1], windows_per_trial)
    design = design_matrix(random, meta["participant"].to_numpy())
    new = LeaveOneParticipantOut()
    share = DummyClassifier(strategy="prior")
    frames = [
        evaluate_estimator(share, design, meta, new, TARGETS, model=TRAINING_SHARE, regime=NONE)
    ]
    for target in TARGETS:
        left_out = within.left_out(meta, label_matrix(meta, [target]))
        everyone = len(left_out) == len(per_person)
        for splitter in (new,) if everyone else (new, within):
            with warnings.catch_warnings():
                # Whom the splitter leaves out can be seen from the rows.
                warnings.filterwarnings("ignore", message="WithinParticipantKFold")
                frames += [
                    majority_predictions(meta, splitter, [target]),
                    evaluate_strict(study, classifier, splitter, [target]),
                    evaluate_estimator(
                        classifier,
                        design,
                        meta,
                        splitter,
                        [target],
                        model=RANDOM_LINEAR,
                        regime=NONE,
                    ),
                ]
    return append_predictions(*frames)


@checked
def fold_by_fold(predictions: pd.DataFrame) -> pd.DataFrame:
    """Keep the windows that both protocols test, and have metrics computed fold by fold.

    Within a participant every fold has a head of its own. What is taken out for the test is missing
    from the training: take out a "high" trial, and the head has seen fewer of them. Pooled over a
    person's folds, the area under the ROC curve is therefore far below one half where there is
    nothing to find: 0.42 in five folds of 18 trials, with 128 features of noise. Windows that one
    head has judged can be compared. So a metric is computed on each fold and averaged over the
    folds that define it, on the same folds of windows for both protocols.

    Parameters
    ----------
    predictions : DataFrame
        Result of `own_predictions`.

    Returns
    -------
    DataFrame
        The rows of those windows. In the column ``seed`` stands the window's fold under
        within-participant, since `ecglib.evaluation.summaries` computes metrics seed by seed.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"window": [0, 1, 0, 1, 2], "fold": [0, 1, 7, 7, 7], "target": "valence"}
    ... )
    >>> rows["protocol"] = [WithinParticipantKFold.protocol] * 2 + [
    ...     LeaveOneParticipantOut.protocol
    ... ] * 3
    >>> fold_by_fold(rows)[["window", "seed"]].values.tolist()
    [[0, 0], [1, 1], [0, 0], [1, 1]]
    """
    key = ["target", "window"]
    own = predictions[predictions["protocol"] == WithinParticipantKFold.protocol]
    fold_of = own.drop_duplicates(key).set_index(key)["fold"]
    at = pd.MultiIndex.from_frame(predictions[key])
    kept = at.isin(fold_of.index)
    return predictions[kept].assign(seed=fold_of.reindex(at[kept]).to_numpy())


@checked
def own_against_others(
    predictions: pd.DataFrame, model: str, metrics: Sequence[str], n_resamples: int
) -> pd.DataFrame:
    """Compare a model of one person with a model of all others, on the same windows.

    Parameters
    ----------
    predictions : DataFrame
        Result of `own_predictions`.
    model : str
        Which of its models.
    metrics : sequence of str
        Names from `ecglib.evaluation.metrics.METRICS`.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        As `ecglib.evaluation.summaries.paired_difference`: within-participant minus
        leave-one-participant-out, by `fold_by_fold`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 8), np.tile([0, 1], 24)
    >>> others = prediction_frame(truth, truth / 1, person, truth, folds=True, model="STR")
    >>> others["target"], others["probability"] = "valence", 0.5
    >>> own = others.assign(
    ...     protocol=WithinParticipantKFold.protocol, fold=[0, 0, 0, 0, 1, 1, 1, 1] * 6
    ... )
    >>> own["probability"] = own["truth"]
    >>> own_against_others(pd.concat([own, others]), "STR", ["auc"], 99)["mean"].tolist()
    [0.5]
    """
    rows = fold_by_fold(predictions[predictions["model"] == model])
    own, others = (
        rows[rows["protocol"] == splitter.protocol].assign(
            protocol="own minus others", model=splitter.protocol
        )
        for splitter in (WithinParticipantKFold, LeaveOneParticipantOut)
    )
    return paired_difference(own, others, metrics, n_resamples=n_resamples)
