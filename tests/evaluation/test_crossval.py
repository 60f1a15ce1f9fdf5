import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import AdaBoostClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.evaluation import crossval, predictions, summaries
from ecglib.evaluation.crossval import (
    evaluate_estimator,
    majority_predictions,
    person_majority_predictions,
)
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.protocols import COLUMNS, FROM_TRAINING, ORACLE, PERSON_MAJORITY
from ecglib.evaluation.splits import ParticipantGroupedKFold, WindowKFold
from ecglib.evaluation.summaries import participant_metrics
from ecglib.transfer import frozen
from ecglib.transfer.frozen import HeadConfig
from tests.cohorts import spread_cohort

CONFIG = HeadConfig(hidden=(16, 16), epochs=6, batch_size=64, learning_rate=0.01)
TARGETS = ("valence", "arousal")


def cohort(
    n_participants: int = 6, n_clips: int = 10, n_windows: int = 5, seed: int = 0
) -> tuple[np.ndarray, pd.DataFrame]:
    """Features that follow valence, know the trial, and know nothing of arousal beyond that."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(1, n_participants + 1), range(1, n_clips + 1), range(n_windows)],
        names=["participant", "clip", "start"],
    )
    meta = index.to_frame(index=False)
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    for target in ("valence", "arousal", "dominance"):
        meta[target] = rng.integers(1, 6, trial.max() + 1)[trial]
    features = rng.normal(size=(trial.max() + 1, 12))[trial]
    features = features + 0.1 * rng.normal(size=features.shape)
    high = (meta["valence"] > 3).to_numpy()[:, None]
    features[:, :4] = high + 0.3 * rng.normal(size=(len(meta), 4))
    return features.astype("float32"), meta


@pytest.fixture(scope="module")
def evaluated() -> pd.DataFrame:
    features, meta = cohort()
    splitter = LeaveOneParticipantOut()
    return predictions.append_predictions(
        crossval.evaluate_frozen(
            features, meta, splitter, TARGETS, CONFIG, 0, "planted", "pretext on everyone"
        ),
        crossval.majority_predictions(meta, splitter, TARGETS),
    )


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(crossval).failed == 0


def test_planted_signal_is_found_and_noise_is_not(evaluated: pd.DataFrame) -> None:
    table = summaries.summarise(evaluated, ["auc", "accuracy"])
    row = table.query("model == 'planted'").set_index(["target", "metric"])
    assert row.loc[("valence", "auc"), "low"] > 0.8
    assert row.loc[("valence", "accuracy"), "mean"] > row.loc[("valence", "accuracy"), "baseline"]
    assert row.loc[("arousal", "auc"), "low"] < 0.5 < row.loc[("arousal", "auc"), "high"]


def test_window_folds_leak_the_trial() -> None:
    features, meta = cohort()
    splitter = WindowKFold(n_splits=5, seed=0)
    leaky = predictions.append_predictions(
        crossval.evaluate_frozen(features, meta, splitter, ["arousal"], CONFIG, 0, "m", "r"),
        crossval.majority_predictions(meta, splitter, ["arousal"]),
    )
    row = summaries.summarise(leaky, ["auc"], pooled=True).iloc[0]
    assert row["low"] > 0.6


def test_majority_is_that_of_the_training_windows() -> None:
    _, meta = cohort()
    rows = crossval.majority_predictions(meta, LeaveOneParticipantOut(), ["valence"])
    for participant, group in rows.groupby("participant"):
        others = meta.loc[meta["participant"] != participant, "valence"] > 3
        assert (group["probability"] == float(others.mean() > 0.5)).all()
    assert set(rows["regime"]) == {"none"}


def test_each_fold_uses_its_own_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    _, meta = cohort()
    stacks = []

    def fake(
        x: np.ndarray, y: np.ndarray, mask: np.ndarray, config: HeadConfig, seed: int
    ) -> np.ndarray:
        stacks.append((x[0, 0], y.shape, mask))
        return np.full(y.shape, x[0, 0])

    monkeypatch.setattr(frozen, "fit_heads", fake)
    encoders = {"a": np.full((len(meta), 3), 0.25), "b": np.full((len(meta), 3), 0.75)}
    splitter = LeaveOneParticipantOut()
    of_fold = ["a", "b", "a", "b", "b", "b"]
    arguments = (encoders, meta, splitter, TARGETS, CONFIG, 0, "m", "strict")
    seen = {"a": [2, 4, 5, 6], "b": [1, 3]}
    rows = crossval.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on=seen)

    by_fold = rows.groupby("fold")["probability"].unique()
    assert [p.tolist() for p in by_fold] == [[0.25 if e == "a" else 0.75] for e in of_fold]
    assert [(value, shape[0]) for value, shape, _ in stacks] == [(0.25, 4), (0.75, 8)]
    participant = meta["participant"].to_numpy()
    np.testing.assert_array_equal(stacks[0][2][2], participant != 3)

    seen["b"].append(5)
    with pytest.raises(DataError, match=r"participant 5.*fold 4 tests .* encoder 'b'"):
        crossval.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on=seen)
    with pytest.raises(DataError, match="5 encoders for 6 folds"):
        crossval.evaluate_frozen(*arguments, encoder_of_fold=of_fold[1:])
    with pytest.raises(DataError, match="fold 5 uses encoder 'c'"):
        crossval.evaluate_frozen(*arguments, encoder_of_fold=[*of_fold[1:], "c"])
    with pytest.raises(DataError, match="encoder 'b': who it was pretrained on"):
        crossval.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on={"a": [2, 4]})


def test_grouped_folds_reach_the_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    features, meta = cohort()
    monkeypatch.setattr(frozen, "fit_heads", lambda x, y, mask, config, seed: mask.astype(float))
    splitter = ParticipantGroupedKFold(n_splits=3, seed=0)
    rows = crossval.evaluate_frozen(features, meta, splitter, ["valence"], CONFIG, 0, "m", "r")
    assert (rows["probability"] == 0).all()  # no test window is under its own head's mask
    assert rows.groupby("participant")["fold"].nunique().eq(1).all()
    truth = rows.sort_values("window")["truth"].to_numpy()
    np.testing.assert_array_equal(truth, meta["valence"] > 3)


def test_features_and_encoders_that_do_not_fit_are_refused() -> None:
    features, meta = cohort()
    settings = (meta, LeaveOneParticipantOut(), TARGETS, CONFIG, 0, "m", "r")
    with pytest.raises(DataError, match="299 rows of features"):
        crossval.evaluate_frozen(features[1:], *settings)
    with pytest.raises(DataError, match="features are one array"):
        crossval.evaluate_frozen(features, *settings, encoder_of_fold=["a"] * 6)


def test_the_majority_class_of_several_and_of_a_draw() -> None:
    assert crossval.majority_class(np.array([2, 0, 2, 1]), 3) == 2
    assert crossval.majority_class(np.array([1, 1, 0, 0])) == 0
    assert crossval.majority_class(np.array([4, 4, 3]), 5) == 4


LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))


def evaluate(estimator: BaseEstimator = LOGISTIC, **changes: object) -> pd.DataFrame:
    features, meta = spread_cohort()
    given = {"features": features, "meta": meta, "splitter": LeaveOneParticipantOut()} | changes
    names = {"model": "m", "regime": "strict"}
    return evaluate_estimator(estimator, **{"targets": TARGETS} | names | given)


SEARCH = GridSearchCV(LOGISTIC, {"logisticregression__C": [0.01, 1]}, cv=GroupKFold(2))


STOPPED_EARLY = HistGradientBoostingClassifier(max_iter=3, early_stopping=True)


@pytest.mark.parametrize("estimator", [LOGISTIC, SEARCH, STOPPED_EARLY])
def test_everything_is_fitted_on_the_training_windows_of_the_fold(estimator) -> None:
    """Turning a fold's other test windows into garbage leaves the prediction of the first."""
    features, meta = spread_cohort(3)
    given = {"meta": meta, "targets": ["valence"]}
    spoiled = features.copy()
    spoiled[meta["participant"] == 2] = 1e6
    first = np.flatnonzero(meta["participant"] == 2)[0]
    spoiled[first] = features[first]
    clean, dirty = (evaluate(estimator, features=x, **given) for x in (features, spoiled))
    same = clean["probability"] == dirty["probability"]
    assert same[first]  # leave-one-participant-out tests the windows in their order
    assert not same[clean["fold"] != 1].all()


def test_the_same_as_fitting_by_hand() -> None:
    features, meta = spread_cohort()
    splitter = ParticipantGroupedKFold(3, seed=0)
    high = (meta[list(TARGETS)] > 3).to_numpy().astype(int)
    rows = evaluate(LOGISTIC, splitter=splitter)
    for fold, (train, test) in enumerate(splitter.split(meta, high)):
        for t, target in enumerate(TARGETS):
            LOGISTIC.fit(features[train], high[train, t])
            mine = rows[(rows["fold"] == fold) & (rows["target"] == target)]
            assert mine["window"].tolist() == test.tolist()
            assert mine["truth"].tolist() == high[test, t].tolist()
            expected = LOGISTIC.predict_proba(features[test])[:, 1].astype("float32")
            np.testing.assert_array_equal(mine["probability"], expected)
    found = rows.dtypes.astype(str).replace("object", "str").to_dict()
    assert found == {**COLUMNS, "participant": "int64", "clip": "int64"}
    assert len(rows) == len(TARGETS) * len(meta)


def test_inner_splits_that_ask_for_groups_get_the_participants() -> None:
    features, meta = spread_cohort(3)
    train = (meta["participant"] != 1).to_numpy()
    high = (meta["valence"] > 3).to_numpy().astype(int)
    SEARCH.fit(features[train], high[train], groups=meta["participant"][train])
    expected = SEARCH.predict_proba(features[~train])[:, 1].astype("float32")
    for estimator in (SEARCH, make_pipeline("passthrough", SEARCH)):
        rows = evaluate(estimator, features=features, meta=meta, targets=["valence"])
        np.testing.assert_array_equal(rows.query("fold == 0")["probability"], expected)


LEAF = DecisionTreeClassifier(min_samples_leaf=9, random_state=0)


@pytest.mark.parametrize("classifier", [LogisticRegression(), LEAF])
@pytest.mark.parametrize("where", ["alone", "in a pipeline", "in a search"])
def test_a_tuned_threshold_lies_at_one_half(classifier, where: str) -> None:
    features, meta = spread_cohort()
    # Three in five are high, so that the best threshold is not 0.5 anyway.
    meta = meta.assign(valence=np.minimum(meta["valence"] + 1, 5))
    high = (meta["valence"] > 3).to_numpy().astype(int)
    splitter = ParticipantGroupedKFold(2, seed=0)
    train, test = next(splitter.split(meta, high))
    tuned = TunedThresholdClassifierCV(classifier, cv=5, thresholds=9, random_state=0)
    tuned.fit(features[train], high[train])
    plain = tuned.predict_proba(features[test])[:, 1]
    estimator = {
        "alone": tuned,
        "in a pipeline": make_pipeline("passthrough", tuned),
        "in a search": GridSearchCV(tuned, {"thresholds": [9]}, cv=2),
    }[where]
    given = {"features": features, "meta": meta, "targets": ["valence"]}
    rows = evaluate(estimator, splitter=splitter, **given).query("fold == 0")
    probability = rows["probability"].to_numpy()
    decision = tuned.predict(features[test])
    np.testing.assert_array_equal(probability > 0.5, decision)
    assert (decision != (plain > 0.5)).any()
    assert (np.diff(probability[np.argsort(plain)]) >= 0).all()


def test_an_extreme_threshold_keeps_probabilities_valid() -> None:
    for cut in (0.0, 0.3, 1.0):

        class Fitted:
            best_threshold_ = cut

            def predict_proba(self, x: np.ndarray) -> np.ndarray:
                return np.stack([1 - x, x], axis=1)

            def predict(self, x: np.ndarray) -> np.ndarray:
                return x >= self.best_threshold_

        x = np.array([0.0, 0.1, 0.3, 0.9, 1.0])
        probability = crossval._probability(Fitted(), x).astype("float32")
        np.testing.assert_array_equal(probability > 0.5, x >= cut)
        assert ((probability >= 0) & (probability <= 1)).all()


def test_the_seed_reaches_every_random_state_and_nothing_else() -> None:
    tree = make_pipeline(StandardScaler(), DecisionTreeClassifier(splitter="random", max_depth=3))
    first, again, other = (evaluate(tree, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["probability"] != other["probability"]).any()
    assert set(other["seed"]) == {2}
    assert tree[-1].random_state is None


def test_a_classifier_that_passes_nothing_on_and_one_that_accepts_missing_values() -> None:
    features, meta = spread_cohort(3)
    assert len(evaluate(AdaBoostClassifier(n_estimators=2), features=features, meta=meta))
    features[3, 2] = np.nan
    imputed = make_pipeline(SimpleImputer(), LOGISTIC)
    assert evaluate(imputed, features=features, meta=meta)["probability"].notna().all()
    with pytest.raises(
        DataError, match=r"participant 1, clip 1, .*1 values .* nan in feature 2 of "
    ):
        evaluate(LOGISTIC, features=features, meta=meta)
    features[3, 2] = np.inf
    with pytest.raises(DataError, match="inf in feature 2 of window 3"):
        evaluate(imputed, features=features, meta=meta)


def test_unusable_input_is_refused_by_name() -> None:
    features, meta = spread_cohort()
    with pytest.raises(DataError, match="LinearSVC gives no probabilities"):
        evaluate(LinearSVC())
    with pytest.raises(DataError, match=r"shape \(191, 10\) for 192 windows"):
        evaluate(features=features[1:])
    logit = TunedThresholdClassifierCV(
        LogisticRegression(), response_method="decision_function", thresholds=9
    )
    with pytest.raises(DataError, match=r"the tuned threshold .* is not one of probabilities"):
        evaluate(logit)
    one_class = meta.assign(valence=np.where(meta["participant"] == 1, 5, 1))
    with pytest.raises(DataError, match="fold 0: all 160 training windows are of class 0"):
        evaluate(meta=one_class)


def test_what_decides_a_result_decides_its_file(tmp_path: Path) -> None:
    features, meta = spread_cohort(3)
    given = {"features": features, "meta": meta, "folder": tmp_path}
    evaluate(**given)
    evaluate(**given | {"features": features.copy(), "meta": meta.copy()})  # equal is enough
    assert len(list(tmp_path.iterdir())) == 3
    changed = features.copy()
    changed[0, 0] += 1e-6
    changes = (
        {"features": changed},
        {"meta": meta.assign(arousal=meta["arousal"] % 5 + 1)},
        {"splitter": WindowKFold(3, seed=0)},
        {"estimator": make_pipeline(StandardScaler(), LogisticRegression(C=2))},
        {"seed": 1},
        {"model": "another"},
        {"regime": "another"},
    )
    for n, change in enumerate(changes, start=2):
        pd.testing.assert_frame_equal(evaluate(**given | change), evaluate(**given | change))
        assert len(list(tmp_path.iterdir())) == 3 * n, change


# --- the person's base rate -------------------------------------------------------------------


def leaning_cohort() -> pd.DataFrame:
    """People with base rates of their own; the three windows of a trial share its ratings."""
    rng = np.random.default_rng(0)
    trials = pd.MultiIndex.from_product([range(1, 7), range(1, 6)], names=["participant", "clip"])
    meta = trials.to_frame(index=False)
    for target in TARGETS:
        meta[target] = np.where(rng.random(len(meta)) < 0.2 + 0.6 * (meta["participant"] % 2), 4, 2)
    return meta.loc[meta.index.repeat(3)].reset_index(drop=True)


def test_the_oracle_is_the_best_single_answer_for_each_person():
    meta = leaning_cohort()
    rows = person_majority_predictions(meta, LeaveOneParticipantOut(), TARGETS)
    assert list(rows.columns) == list(COLUMNS) and len(rows) == 2 * len(meta)
    assert set(rows["regime"]) == {ORACLE} and set(rows["model"]) == {PERSON_MAJORITY}
    got = participant_metrics(rows, ["accuracy"]).set_index(["target", "participant"])["value"]
    labels = label_matrix(meta, TARGETS)
    for t, target in enumerate(TARGETS):
        share = pd.Series(labels[:, t]).groupby(meta["participant"]).mean()
        for person in share.index:
            assert got[target, person] == pytest.approx(max(share[person], 1 - share[person]))
    population = participant_metrics(
        majority_predictions(meta, LeaveOneParticipantOut(), TARGETS), ["accuracy"]
    )
    best = got.reindex(population.set_index(["target", "participant"]).index).to_numpy()
    assert (best >= population["value"]).all()


def test_window_wise_it_counts_training_windows_only():
    meta, splitter = leaning_cohort(), WindowKFold(5, seed=0)
    rows = person_majority_predictions(meta, splitter, ["valence"])
    assert set(rows["regime"]) == {FROM_TRAINING}
    train, test = next(splitter.split(meta))
    turned = meta.copy()
    turned.loc[test, "valence"] = 6 - turned.loc[test, "valence"]
    again = person_majority_predictions(turned, splitter, ["valence"])
    first = rows["fold"] == 0
    pd.testing.assert_series_equal(rows[first]["probability"], again[first]["probability"])
    high = (meta["valence"] > 3)[train].groupby(meta["participant"][train]).mean() > 0.5
    expected = high.loc[meta["participant"][test]].to_numpy(dtype=float)
    np.testing.assert_array_equal(rows[first]["probability"], expected)


def test_wherever_a_tested_person_is_new_it_is_an_oracle():
    rows = person_majority_predictions(leaning_cohort(), ParticipantGroupedKFold(3), TARGETS)
    assert set(rows["regime"]) == {ORACLE}
