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

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ecglib.artifacts import cached, code_of
from ecglib.errors import DataError
from ecglib.evaluation import (
    append_predictions,
    label_matrix,
    load_predictions,
    majority_predictions,
    prediction_rows,
    save_predictions,
)
from ecglib.folds import evaluate_estimator, run_folds
from ecglib.labels import TARGETS
from ecglib.metrics import MAJORITY, paired_difference, summarise
from ecglib.splits import LeaveOneParticipantOut, Splitter, WithinParticipantKFold
from ecglib.study import NONE, RANDOM, STR, STRICT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ecglib.study import Study

RATED = (0, 1, 2, 4, 8)
"""Numbers of rated trials of the tested person."""

N_DRAWS = 3
"""Random draws of the rated trials, for every participant."""

PROTOCOL = "new participant, some trials rated"

STR_LINEAR, RANDOM_LINEAR = f"{STR}, linear", f"{RANDOM}, linear"
"""Models of this module: the frozen features of either encoder under `linear_classifier`."""

TRAINING_SHARE = "training share"
"""A model that gives every window the share of high ratings among the training windows."""


def regime_of(n_rated: int) -> str:
    """Name the regime in which `n_rated` trials of the tested person are training trials.

    Examples
    --------
    >>> regime_of(4)
    '4 rated'
    """
    return f"{n_rated} rated"


def linear_classifier(n_features: int, windows_per_trial: float) -> Pipeline:
    """Make a logistic regression with an intercept for each participant, unfitted.

    Features are standardised on the training windows. A participant who is not among them gets the
    intercept 0.

    Parameters
    ----------
    n_features : int
        Number of features. With 0 it learns nothing but base rates.
    windows_per_trial : float
        Mean number of windows in a trial.

    Returns
    -------
    Pipeline
        It takes what `design_matrix` gives.

    Notes
    -----
    The penalty is a statement made beforehand, not tuned: the log odds vary with the features, all
    together, by a standard deviation of about 1, and with the person by 1 as well. The windows of a
    trial share one rating, so a trial counts as one observation, however many windows it has.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = [("features", StandardScaler(), slice(n_features))] if n_features else []
    n_effective = max(n_features, 1)
    return make_pipeline(
        ColumnTransformer(
            [*scaled, ("person", one_hot, [n_features])],
            transformer_weights={"person": n_effective**0.5},
        ),
        LogisticRegression(C=1 / (n_effective * windows_per_trial), max_iter=1000),
    )


def design_matrix(features: np.ndarray, participant: np.ndarray) -> np.ndarray:
    """Put the number of the participant beside the features, as the last column.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Features.
    participant : ndarray of int, shape (n_windows,)
        Participant of each window.

    Returns
    -------
    ndarray of float64, shape (n_windows, n_features + 1)
    """
    return np.column_stack([features, participant]).astype(np.float64)


def strict_features(study: Study) -> dict[int, np.ndarray]:
    """Give, for every participant, all windows' features by an encoder that never saw this person.

    Parameters
    ----------
    study : Study
        Whose encoders and usable windows.

    Returns
    -------
    dict of int to ndarray of float32, shape (n_windows, n_features)
        By participant. Those of one group share one array.
    """
    arrays = [study.features(STR, group) for group in range(len(study.groups))]
    return {participant: arrays[group] for participant, group in study.group_of.items()}


def evaluate_strict(
    study: Study, estimator: Pipeline, splitter: Splitter, targets: Sequence[str]
) -> pd.DataFrame:
    """Evaluate a classifier on features of encoders that never saw the tested person.

    All folds are run on the features of each encoder, and of the predictions those are kept whose
    participant this encoder never saw.

    Parameters
    ----------
    study : Study
        Whose encoders, windows and ratings.
    estimator : Pipeline
        A classifier that takes what `design_matrix` gives.
    splitter : Splitter
        Who is tested.
    targets : sequence of str
        Rating scales.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.COLUMNS`.
    """
    meta = study.usable.meta
    frames = []
    for group, participants in enumerate(study.groups):
        design = design_matrix(study.features(STR, group), meta["participant"].to_numpy())
        rows = evaluate_estimator(
            estimator, design, meta, splitter, targets, model=STR_LINEAR, regime=STRICT
        )
        frames.append(rows[rows["participant"].isin(participants)])
    return pd.concat(frames, ignore_index=True)


def draw_trials(
    meta: pd.DataFrame, n_rated: int, n_draws: int = N_DRAWS, seed: int = 0
) -> dict[int, np.ndarray]:
    """Draw for every participant the trials that may be rated; all others are tested.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    n_rated : int
        Number of trials in a draw.
    n_draws : int
        Number of draws.
    seed : int
        A participant's draws depend on it, on the participant's number and on the participant's
        trials, and on no model.

    Returns
    -------
    dict of int to ndarray of int, shape (n_draws, n_rated)
        Clips by participant. The first k of a draw are the k rated trials, so that more rated
        trials contain the fewer.

    Raises
    ------
    DataError
        If a participant has no trial left to test.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 1, 2, 3, 4]})
    >>> draw_trials(meta, n_rated=2, n_draws=3)[1].shape
    (3, 2)
    """
    drawn = {}
    for participant, clips in meta.groupby("participant")["clip"].unique().items():
        if len(clips) <= n_rated:
            raise DataError(
                f"{n_rated} trials to rate of {len(clips)}",
                participant=participant,
                field="n_rated",
                expected="at least one trial left to test",
            )
        drawn[int(participant)] = np.array(
            [
                np.random.default_rng([seed, participant, draw]).permutation(np.sort(clips))
                for draw in range(n_draws)
            ]
        )[:, :n_rated]
    return drawn


def rated_numbers(meta: pd.DataFrame, rated: Sequence[int] = RATED) -> tuple[int, ...]:
    """Keep those of `rated` that leave every participant at least half of the trials to test.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    rated : sequence of int
        Numbers of rated trials.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 1, 2, 3, 4, 5]})
    >>> rated_numbers(meta)
    (0, 1, 2)
    """
    fewest = int(meta.groupby("participant")["clip"].nunique().min())
    return tuple(k for k in rated if 2 * k <= fewest)


def evaluate_rated(
    features_of: Mapping[int, np.ndarray],
    meta: pd.DataFrame,
    targets: Sequence[str],
    *,
    model: str,
    rated: Sequence[int] = RATED,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict the trials of a new person of whom some other trials are rated.

    For each participant and each draw of `draw_trials`, the training windows are those of all other
    participants and of the first k trials of the draw. The windows outside the draw are tested, the
    same ones for every k.

    Parameters
    ----------
    features_of : mapping of int to ndarray of shape (n_windows, n_features)
        For every tested participant, features of all windows.
    meta : DataFrame
        One row per window.
    targets : sequence of str
        Rating scales.
    model : str
        What the features are.
    rated : sequence of int
        Numbers k of rated trials.
    n_draws, seed : int
        As in `draw_trials`.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.COLUMNS`, protocol `PROTOCOL`. The regime names k
        (`regime_of`), ``seed`` is the number of the draw, ``fold`` counts the participants.

    Raises
    ------
    DataError
        As in `draw_trials` and `ecglib.labels.binary_labels`.
    """
    labels = label_matrix(meta, targets)
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    windows_per_trial = len(meta) / meta.groupby(["participant", "clip"]).ngroups
    common = (labels, people, clips, tuple(rated), tuple(targets), windows_per_trial, model)
    arguments = [
        (features_of[participant], participant, fold, draws, *common)
        for fold, (participant, draws) in enumerate(
            draw_trials(meta, max(rated), n_draws, seed).items()
        )
    ]
    return pd.concat(run_folds(_evaluate_one, arguments), ignore_index=True)


def _evaluate_one(
    features: np.ndarray,
    participant: int,
    fold: int,
    draws: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    clips: np.ndarray,
    rated: tuple[int, ...],
    targets: tuple[str, ...],
    windows_per_trial: float,
    model: str,
) -> pd.DataFrame:
    """Predictions of one participant's windows."""
    meta = pd.DataFrame({"participant": people, "clip": clips})
    design, own = design_matrix(features, people), people == participant
    fitted: dict[frozenset[int], list[Pipeline]] = {}  # with none rated, the same for all draws
    rows = []
    for draw, drawn in enumerate(draws):
        test = np.flatnonzero(own & ~np.isin(clips, drawn))
        for k in rated:
            key = frozenset(drawn[:k].tolist())
            if key not in fitted:
                train = ~own | np.isin(clips, drawn[:k])
                fitted[key] = [
                    linear_classifier(features.shape[1], windows_per_trial).fit(design[train], y)
                    for y in labels[train].T
                ]
            rows += [
                prediction_rows(
                    meta,
                    test,
                    classifier.predict_proba(design[test])[:, 1],
                    labels[:, t],
                    protocol=PROTOCOL,
                    model=model,
                    regime=regime_of(k),
                    target=targets[t],
                    fold=fold,
                    seed=draw,
                )
                for t, classifier in enumerate(fitted[key])
            ]
    return pd.concat(rows, ignore_index=True)


def rated_curve(
    predictions: pd.DataFrame, metrics: Sequence[str], n_resamples: int
) -> pd.DataFrame:
    """Summarise predictions for each number of rated trials.

    Parameters
    ----------
    predictions : DataFrame
        Result of `rated_predictions`.
    metrics : sequence of str
        Names from `ecglib.metrics.METRICS`.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        As `ecglib.metrics.summarise`, with the column ``rated``. The baseline of a row is that of
        the same number of rated trials.
    """
    plain = predictions.copy()
    plain.attrs = {}  # pandas copies these, the whole provenance, with every slice that it takes
    by_regime = dict(list(plain.groupby("regime")))
    tables = [
        summarise(by_regime[regime_of(k)], metrics, n_resamples=n_resamples).assign(rated=k)
        for k in RATED
        if regime_of(k) in by_regime
    ]
    return pd.concat(tables, ignore_index=True)


def rated_predictions(study: Study) -> pd.DataFrame:
    """Predictions for new people with some trials rated, once; later calls read the file.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Result of `evaluate_rated` for the numbers of `rated_numbers`. The STR features of a tested
        participant come from an encoder that never saw this person. The model "majority" is the
        same classifier without any features: what the ratings alone tell.

    Notes
    -----
    Participants run in parallel if `joblib.parallel_config` around the call says so.
    """
    features_of = features_by_participant(study)
    blind = np.zeros((len(study.usable.meta), 0))
    features_of[MAJORITY] = dict.fromkeys(study.group_of, blind)
    return _cached_predictions(
        "rated-predictions",
        study,
        lambda meta: append_predictions(
            *(
                evaluate_rated(
                    arrays,
                    meta,
                    TARGETS,
                    model=model,
                    rated=rated_numbers(meta),
                    seed=study.profile.seed,
                )
                for model, arrays in features_of.items()
            )
        ),
    )


def own_predictions(study: Study) -> pd.DataFrame:
    """Predictions by models of one person and by models of all others, once.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.COLUMNS`, under two protocols. Leave-one-participant-out tests
        everyone, also with `TRAINING_SHARE`. Within-participant leaves out, for each target,
        the people whose training windows are of one class in some fold; a target for which that is
        everyone has no such rows.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """
    return _cached_predictions("own-predictions", study, lambda meta: _predict_own(study, meta))


def _predict_own(study: Study, meta: pd.DataFrame) -> pd.DataFrame:
    per_person = meta.groupby("participant")["clip"].nunique()
    # Few folds, so that both classes are among the three or more trials of a test fold.
    within = WithinParticipantKFold(int(np.clip(per_person.min() // 3, 2, 5)), study.profile.seed)
    random = study.features(RANDOM)
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
        within-participant, since `ecglib.metrics` computes metrics seed by seed.
    """
    key = ["target", "window"]
    own = predictions[predictions["protocol"] == WithinParticipantKFold.protocol]
    fold_of = own.drop_duplicates(key).set_index(key)["fold"]
    at = pd.MultiIndex.from_frame(predictions[key])
    kept = at.isin(fold_of.index)
    return predictions[kept].assign(seed=fold_of.reindex(at[kept]).to_numpy())


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
        Names from `ecglib.metrics.METRICS`.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        As `ecglib.metrics.paired_difference`: within-participant minus leave-one-participant-out,
        by `fold_by_fold`.
    """
    rows = fold_by_fold(predictions[predictions["model"] == model])
    own, others = (
        rows[rows["protocol"] == splitter.protocol].assign(
            protocol="own minus others", model=splitter.protocol
        )
        for splitter in (WithinParticipantKFold, LeaveOneParticipantOut)
    )
    return paired_difference(own, others, metrics, n_resamples=n_resamples)


def features_by_participant(study: Study) -> dict[str, dict[int, np.ndarray]]:
    """Give the frozen features of both encoders for every tested participant.

    Parameters
    ----------
    study : Study
        Whose encoders and usable windows.

    Returns
    -------
    dict of str to dict of int to ndarray
        By model, then as in `strict_features`.
    """
    strict = strict_features(study)
    return {STR_LINEAR: strict, RANDOM_LINEAR: dict.fromkeys(strict, study.features(RANDOM))}


def features_source(study: Study) -> dict[str, Any]:
    """Say what the features of `features_by_participant` are, for the name of an artifact.

    Parameters
    ----------
    study : Study
        Whose features.

    Returns
    -------
    dict
        The data, and a digest of the features' bytes.
    """
    digests = {
        model: {
            str(participant): hashlib.sha256(array.tobytes()).hexdigest()[:12]
            for participant, array in arrays.items()
        }
        for model, arrays in features_by_participant(study).items()
    }
    return {
        "data": study.cohort.sha256,
        "windows": study.profile.windows,
        "features": digests,
        "seed": study.profile.seed,
    }


def _cached_predictions(
    kind: str, study: Study, make: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    code = code_of("windows", "labels", "splits", "evaluation", "folds", "personal")
    return cached(
        kind,
        ".csv.gz",
        {**features_source(study), "code": code},
        lambda: make(study.usable.meta),
        save_predictions,
        load_predictions,
        study.root,
    )
