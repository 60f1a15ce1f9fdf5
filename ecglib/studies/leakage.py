"""The leak, measured: every protocol on synthetic cohorts whose planted effect is known.

A split leaks if a head can do well on its test windows without reading the emotion. How much a
protocol leaks cannot be told from real data, where nobody knows what there was to find. Here it
can: synthetic cohorts of the same people and ratings differ in nothing but the size of the planted
effect, from none to strong. The encoder has never seen any of these people.

Two things are compared with the scores. An **oracle** that knows the true physiological state of
every recording gives the ceiling for a new person: what lies above it was not read from the body. A
head that trains on the person's own trials may also learn how that person responds. A predictor
that knows an **identity** and no ECG shows what the split would give away to whoever recognises it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.data.labels import label_matrix
from ecglib.evaluation.crossval import evaluate_estimator, majority_predictions
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.leave_out import LeaveOneParticipantOut, ladder
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.probes import PROBES, probe_chance, run_probe
from ecglib.evaluation.protocols import NONE, RANDOM, STR, STRICT
from ecglib.evaluation.splits import Splitter, WindowKFold
from ecglib.evaluation.summaries import paired_difference, summarise
from ecglib.features.spectrum import band_powers
from ecglib.models.embedding import embed
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.studies import stages
from ecglib.studies.kept import check_features
from ecglib.studies.pretraining import pretext, pretext_source, random_encoder
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CONTROL, CohortSpec, make_cohort
from ecglib.synthetic.oracle import state_oracle

EFFECTS = (0.0, 1.0, 2.0, CONTROL)
"""Effects of the cohorts: none, the usual, twice that, and `ecglib.synthetic.cohort.CONTROL`."""


SEED = 1
"""Seed of the cohorts. The study's own cohort has seed 0, so these are other people."""


TARGET = "arousal"
"""The rating that is predicted. All three are planted; arousal moves the most features."""


BANDS = "band powers"
"""Kind of features: the power of the signal in bands of frequency (`ecglib.features.spectrum`)."""


LOGISTIC, NEIGHBOURS = "logistic regression", "nearest neighbours"
"""The two heads."""


FEELING, STATE = "knows what was felt", "knows the state of the body"
"""The two oracles."""


@dataclass(frozen=True, eq=False)
class KnownCohort:
    """Windows of a synthetic cohort, described, with the truth that made it.

    Parameters
    ----------
    spec : CohortSpec
        What the cohort is like.
    meta : DataFrame
        One row per usable window.
    features : dict of str to ndarray of float32, shape (n_windows, n_features)
        Features of the windows by what made them.
    truth : DataFrame
        One row per recording of a clip; columns as in those of `ecglib.synthetic.cohort.Truth`.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1], "clip": [1, 2]})
    >>> cohort = KnownCohort(CohortSpec(), meta, {"STR": np.zeros((2, 128), "float32")}, meta)
    >>> list(cohort.features)
    ['STR']
    """

    spec: CohortSpec
    meta: pd.DataFrame
    features: dict[str, np.ndarray]
    truth: pd.DataFrame


def heads() -> dict[str, Pipeline]:
    """Make the two heads, unfitted: one that cannot learn windows by heart and one that does.

    Returns
    -------
    dict of str to Pipeline
        `LOGISTIC` draws one plane through the features. `NEIGHBOURS` answers with the ratings of
        the five most similar training windows, so it knows a trial again of which it has seen other
        windows. Both have scikit-learn's settings; nothing is tuned.

    Notes
    -----
    The logistic regression weighs both classes equally. Otherwise its answers move with the share
    of high ratings among the training windows. Leaving out a clip with many high ratings lowers
    that share, and a head that has learnt nothing would rank that clip's windows last.

    Examples
    --------
    >>> list(heads()) == [LOGISTIC, NEIGHBOURS]
    True
    """
    classifiers = {
        LOGISTIC: LogisticRegression(class_weight="balanced", solver="newton-cholesky"),
        NEIGHBOURS: KNeighborsClassifier(),
    }
    return {name: make_pipeline(StandardScaler(), last) for name, last in classifiers.items()}


@checked
def known_cohorts(study: Study, effects: Sequence[float] = EFFECTS) -> dict[float, KnownCohort]:
    """Make the cohorts and describe their windows, once; later calls read files.

    The cohorts have the size of ``study.spec``. They share people, clips, ratings and everything
    random; only what is felt moves the ECG more or less.

    Parameters
    ----------
    study : Study
        Gives the settings of the windows and the encoder, the one that leaves out group 0. Whatever
        data it was trained on, it has never seen the people of these cohorts.
    effects : sequence of float
        Sizes of the planted effect.

    Returns
    -------
    dict of float to KnownCohort
        By effect, with the features of the STR encoder. Where the effect is 0 there are also those
        of the random encoder, and band powers.
    """
    encoder_of = cache(lambda kind: _encoder(study, kind))

    def known_cohort(effect: float) -> KnownCohort:
        spec = replace(study.spec, effect=effect)
        arrays = stages.KNOWN_COHORT.cached(
            _cohort_source(study, effect),
            lambda: _describe(spec, study.profile.windows, encoder_of),
            study.folder,
            check=_check_cohort,
        )
        meta, truth, features = (_of(arrays, kind) for kind in ("meta", "truth", "features"))
        return KnownCohort(spec, pd.DataFrame(meta), features, pd.DataFrame(truth))

    return {effect: known_cohort(effect) for effect in effects}


@checked
def ladder_predictions(study: Study, effects: Sequence[float] = EFFECTS) -> pd.DataFrame:
    """Predict `TARGET` on every rung of the ladder in every known cohort, once.

    Parameters
    ----------
    study : Study
        As in `known_cohorts`; its profile gives the number of folds.
    effects : sequence of float
        Sizes of the planted effect.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS` and `effect`. Models are the majority class
        and "features, head". Features other than those of the STR encoder are tried on the loosest
        rung and under leave-one-participant-out only.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """
    frames = []
    for effect, cohort in known_cohorts(study, effects).items():
        predictions = stages.LADDER.cached(
            ladder_source(study, effect),
            lambda cohort=cohort: _climb(study, cohort),
            study.folder,
            shipped=results_folder(),
        )
        frames.append(predictions.assign(effect=effect))
    return pd.concat(frames, ignore_index=True)


@checked
def ladder_source(study: Study, effect: float) -> dict[str, Any]:
    """Say what decides the predictions on the ladder in one known cohort.

    Parameters
    ----------
    study : Study
        As in `known_cohorts`.
    effect : float
        Size of the planted effect.

    Returns
    -------
    dict
        What `ecglib.core.stages.Stage.file` takes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> ladder_source(study, effect=2.0)["target"] == TARGET
    True
    """
    return {
        "cohort": _cohort_source(study, effect),
        "target": TARGET,
        "n_folds": study.profile.window_folds,
        "seed": study.profile.seed,
    }


@checked
def rungs(study: Study, meta: pd.DataFrame) -> list[Splitter]:
    """Give the seven protocols with the study's number of folds, from loose to strict.

    Parameters
    ----------
    study : Study
        Its profile gives the number of folds, the length of a window and the seed.
    meta : DataFrame
        One row per window.

    Returns
    -------
    list of Splitter

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import QUICK
    >>> meta = pd.DataFrame(
    ...     {"participant": np.repeat([1, 2, 3], 3), "clip": [1, 2, 3] * 3, "start": 0.0}
    ... )
    >>> len(rungs(SimpleNamespace(profile=QUICK), meta))  # of a study, no more is asked for
    7
    """
    profile = study.profile
    length_s = profile.windows.length_s
    return ladder(profile.window_folds, profile.seed, meta=meta, gap_s=length_s, length_s=length_s)


@checked
def ladder_summary(
    predictions: pd.DataFrame, *, n_intervals: int = 1, n_resamples: int = 9999
) -> pd.DataFrame:
    """Summarise predictions: the AUC per participant, and the accuracy that is usually published.

    Parameters
    ----------
    predictions : DataFrame
        Result of `ladder_predictions`.
    n_intervals : int
        Number of intervals that are to hold together (Bonferroni's correction).
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        `effect` and the columns of `ecglib.evaluation.summaries.summarise`, for the metrics ``auc``
        (mean over participants) and ``pooled_accuracy`` (of all test windows of all folds
        together).

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> rows = prediction_frame(truth, truth / 1, person, truth, folds=True).assign(effect=1.0)
    >>> rows = pd.concat([rows, rows.assign(model="majority", probability=0.0)])
    >>> ladder_summary(rows, n_resamples=99)[["effect", "model", "metric", "mean"]]
       effect      model           metric  mean
    0     1.0  simulated              auc   1.0
    1     1.0   majority              auc   0.5
    2     1.0  simulated  pooled_accuracy   1.0
    3     1.0   majority  pooled_accuracy   0.5
    """
    options = {"n_intervals": n_intervals, "n_resamples": n_resamples}
    tables = []
    checks.frame("predictions", predictions)
    for effect, rows in predictions.groupby("effect", sort=False):
        for metric, pooled in (("auc", False), ("accuracy", True)):
            table = summarise(rows, [metric], pooled=pooled, **options)
            tables.append(table.assign(effect=effect))
    return pd.concat(tables, ignore_index=True)


@checked
def leak(
    predictions: pd.DataFrame,
    loose: str = WindowKFold.protocol,
    strict: str = LeaveOneParticipantOut.protocol,
    *,
    n_resamples: int = 9999,
) -> pd.DataFrame:
    """Compare two rungs on the same participants: by how much the AUC is higher on the loose one.

    Parameters
    ----------
    predictions : DataFrame
        Result of `ladder_predictions`.
    loose, strict : str
        Names of the two protocols.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        One row per effect and model: `protocol` (the loose one), `minus` (the strict one), `mean`,
        `low`, `high` and `n_participants`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> loso = prediction_frame(truth, truth / 1, person, truth, folds=True).assign(effect=1.0)
    >>> loso["probability"], loose = 0.5, loso.assign(protocol=WindowKFold.protocol)
    >>> leak(pd.concat([loose, loso]), n_resamples=99)[["effect", "mean"]].values.tolist()
    [[1.0, 0.5]]
    """
    checks.frame("predictions", predictions)
    tables = []
    for (effect, model), group in predictions.groupby(["effect", "model"], sort=False):
        # Under one name, so that rows of the two protocols are paired.
        a, b = (group[group["protocol"] == p].assign(protocol=loose) for p in (loose, strict))
        difference = paired_difference(a, b, ["auc"], n_resamples=n_resamples)
        tables.append(difference.assign(effect=effect, model=model, minus=strict))
    columns = ["effect", "model", "protocol", "minus", "mean", "low", "high", "n_participants"]
    return pd.concat(tables, ignore_index=True)[columns]


@checked
def oracle_summary(
    cohorts: dict[float, KnownCohort], target: str = TARGET, *, n_resamples: int = 9999
) -> pd.DataFrame:
    """Score the two oracles: the mean AUC per participant that each reaches.

    Parameters
    ----------
    cohorts : dict of float to KnownCohort
        By effect.
    target : str
        Rating scale.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        One row per effect and oracle with `mean`, `low`, `high`, `n_participants`. `FEELING` knows
        what was felt, whether or not it shows in the body; it errs only as people do when they
        rate. `STATE` is `ecglib.synthetic.oracle.state_oracle`, the ceiling of everything that
        reads the ECG of a new person.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> spec = CohortSpec(6, (20.0,) * 6, 11.0)
    >>> made = make_cohort(spec, seed=0)
    >>> truth = made.truth.recordings[made.truth.recordings["condition"] == "stimulus"]
    >>> meta = made.cohort.recordings[made.cohort.recordings["condition"] == "stimulus"]
    >>> cohort = KnownCohort(spec, meta.reset_index(drop=True), {}, truth.reset_index(drop=True))
    >>> oracle_summary({1.0: cohort}, n_resamples=99).columns.tolist()[:3]
    ['effect', 'oracle', 'mean']
    """
    rows = []
    for effect, cohort in cohorts.items():
        meta, truth = cohort.meta, cohort.truth
        labels = label_matrix(meta, [target])[:, 0]
        windows_of = meta.groupby("participant").indices
        felt = truth.set_index(["participant", "clip"])[f"felt_{target}"]
        guesses = {FEELING: felt, STATE: state_oracle(truth, cohort.spec)[target]}
        for oracle, guess in guesses.items():
            score = guess.loc[pd.MultiIndex.from_frame(meta[["participant", "clip"]])].to_numpy()
            areas = pd.Series({p: auc(labels[i], score[i]) for p, i in windows_of.items()})
            row = mean_and_interval(areas, several_folds=False, n_resamples=n_resamples)
            rows.append({"effect": effect, "oracle": oracle, **row})
    return pd.DataFrame(rows)


@checked
def probe_summary(
    cohorts: dict[float, KnownCohort], seed: int = 0, *, n_resamples: int = 9999
) -> pd.DataFrame:
    """Run every probe on every kind of features of every cohort.

    Parameters
    ----------
    cohorts : dict of float to KnownCohort
        By effect.
    seed : int
        Seed of the splits.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        One row per effect, identity and features: `mean` share of windows named correctly, `low`,
        `high`, `n_participants` and `chance`.

    Examples
    --------
    >>> meta = pd.DataFrame(
    ...     {"participant": np.repeat([1, 2, 3, 4, 5], 20), "clip": [*range(10)] * 10}
    ... )
    >>> features = (
    ...     np.random.default_rng(0).normal(size=(100, 2)) + 9 * meta[["participant"]].to_numpy()
    ... )
    >>> cohort = KnownCohort(CohortSpec(), meta.assign(start=0.0), {"STR": features}, meta)
    >>> probe_summary({1.0: cohort}, n_resamples=99)[["identity", "chance"]].values.tolist()
    [['participant', 0.2], ['clip', 0.1], ['trial', 0.02]]
    """
    rows = []
    for effect, cohort in cohorts.items():
        for identity in PROBES:
            chance = probe_chance(cohort.meta, identity)
            for kind, features in cohort.features.items():
                accuracy = run_probe(features, cohort.meta, identity, seed=seed)
                found = mean_and_interval(accuracy, several_folds=True, n_resamples=n_resamples)
                about = {"effect": effect, "identity": identity, "features": kind}
                rows.append({**about, **found, "chance": chance})
    return pd.DataFrame(rows)


def _describe(
    spec: CohortSpec, config: WindowConfig, encoder_of: Callable[[str], keras.Model]
) -> dict[str, np.ndarray]:
    made = make_cohort(spec, SEED)
    windows = make_windows(made.cohort, config).usable
    truth = made.truth.recordings
    truth = truth[truth["condition"] == "stimulus"]
    kinds = (STR, RANDOM) if spec.effect == 0 else (STR,)
    features = {kind: embed(windows, encoder_of(kind)) for kind in kinds}
    if spec.effect == 0:
        features[BANDS] = band_powers(windows.X, windows.fs)
    return {
        **_to_arrays("meta", windows.meta),
        **_to_arrays("truth", truth),
        **{f"features/{kind}": array for kind, array in features.items()},
    }


def _check_cohort(arrays: dict[str, np.ndarray]) -> None:
    check_features(_of(arrays, "features"), len(arrays["meta/participant"]))


def _climb(study: Study, cohort: KnownCohort) -> pd.DataFrame:
    meta, splitters = cohort.meta, rungs(study, cohort.meta)
    two = [s for s in splitters if type(s) in (WindowKFold, LeaveOneParticipantOut)]
    return append_predictions(
        *(majority_predictions(meta, splitter, [TARGET]) for splitter in splitters),
        *(
            evaluate_estimator(
                head,
                features,
                meta,
                splitter,
                [TARGET],
                model=f"{kind}, {name}",
                regime=STRICT if kind == STR else NONE,
                seed=study.profile.seed,
            )
            for kind, features in cohort.features.items()
            for name, head in heads().items()
            for splitter in (splitters if kind == STR else two)
        ),
    )


def _encoder(study: Study, kind: str) -> keras.Model:
    return pretext(study, 0).encoder if kind == STR else random_encoder(study)


def _cohort_source(study: Study, effect: float) -> dict[str, Any]:
    return {
        "spec": replace(study.spec, effect=effect),
        "seed": SEED,
        "encoder": pretext_source(study, 0),
    }


def _to_arrays(kind: str, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    arrays = {f"{kind}/{name}": column.to_numpy() for name, column in frame.items()}
    return {
        name: array.astype(np.str_) if array.dtype == object else array
        for name, array in arrays.items()
    }


def _of(arrays: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    start = f"{kind}/"
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
