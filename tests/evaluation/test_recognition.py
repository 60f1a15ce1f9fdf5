import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import recognition
from ecglib.pretext.transformations import TASKS


def logits_of(shape=(4, 7, 7), own=1.0, other=-1.0):
    return np.broadcast_to(np.where(np.eye(7, dtype=bool), own, other), shape).copy()


def cohort_windows(level_sd, n_participants=3, n_clips=10, per_clip=4, person_sd=0.0, seed=0):
    """White noise whose level differs between windows by `level_sd` on a logarithmic scale."""
    rng = np.random.default_rng(seed)
    meta = pd.DataFrame(
        [
            (p, c, 1)
            for p in range(1, n_participants + 1)
            for c in range(1, n_clips + 1)
            for _ in range(per_clip)
        ],
        columns=["participant", "clip", "lead"],
    )
    person = person_sd * np.repeat(np.linspace(-1, 1, n_participants), n_clips * per_clip)
    level = np.exp(person + level_sd * rng.standard_normal(len(meta)))
    # A repeated window leaves the level as the only thing that differs.
    return level[:, None] * rng.standard_normal(2560), meta


def test_perfect_heads_score_one_everywhere():
    scores = recognition.task_scores(logits_of())
    assert list(scores.index) == list(TASKS)
    assert list(scores.columns) == ["auc", "f1", "precision", "recall"]
    assert (scores == 1).all(axis=None)


def test_scores_of_a_head_that_also_says_yes_to_another_version():
    logits = logits_of()
    logits[:2, 2, 0] = 2.0  # two of four scaled windows: "original", and more surely so
    scores = recognition.task_scores(logits).loc["original"]
    assert scores["recall"] == 1
    assert scores["precision"] == pytest.approx(4 / 6)
    assert scores["f1"] == pytest.approx(0.8)
    assert scores["auc"] == pytest.approx(22 / 24)


def test_a_head_that_never_says_yes_has_no_f1_and_no_warning(recwarn):
    scores = recognition.task_scores(logits_of(own=-1.0))
    assert (scores[["f1", "precision", "recall"]] == 0).all(axis=None)
    assert (scores["auc"] == 0.5).all()
    assert not recwarn.list


def test_confusion_counts_the_strongest_head_of_each_version():
    logits = logits_of()
    logits[0, 2, 0] = 5.0
    table = recognition.confusion(logits)
    assert table.loc["scaling", "original"] == 0.25
    assert table.loc["scaling", "scaling"] == 0.75
    assert table.loc["original", "original"] == 1
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_the_areas_of_a_head_say_which_version_it_takes_for_its_own():
    logits = logits_of()
    logits[0, 2, 0] = 5.0  # one scaled window of four is "original", and more surely so
    logits[:, 6, 0] = 1.0  # every warped window is "original" as surely as originals are
    areas = recognition.areas_by_version(logits)
    assert areas.loc["original", "scaling"] == 0.75
    assert areas.loc["original", "time_warping"] == 0.5
    assert areas.loc["scaling", "original"] == 1
    assert np.isnan(np.diag(areas)).all()
    assert areas.isna().sum().sum() == len(TASKS)


def test_the_mean_over_versions_is_the_score_of_the_head():
    logits = np.random.default_rng(0).standard_normal((40, 7, 7))
    areas = recognition.areas_by_version(logits).mean(axis=1)
    np.testing.assert_allclose(areas, recognition.task_scores(logits)["auc"])


def test_original_vs_scaled_uses_the_two_heads_and_the_two_versions_only():
    assert recognition.original_vs_scaled(logits_of()) == 1
    logits = logits_of()
    logits[:, 2, [0, 2]] = logits[:, 0, [0, 2]]
    assert recognition.original_vs_scaled(logits) == 0.5
    logits[:, [1, 3, 4, 5, 6]] = 9
    assert recognition.original_vs_scaled(logits) == 0.5


@pytest.mark.parametrize(
    "logits", [np.zeros((4, 7)), np.zeros((0, 7, 7)), np.full((4, 7, 7), np.nan)]
)
@pytest.mark.parametrize(
    "score", ["task_scores", "confusion", "areas_by_version", "original_vs_scaled"]
)
def test_bad_logits_are_refused(score, logits):
    with pytest.raises(DataError, match="logit"):
        getattr(recognition, score)(logits)


def test_a_factor_adds_its_logarithm_to_every_amplitude_statistic():
    X = np.random.default_rng(0).standard_normal((5, 2560)).astype("float32")
    shift = recognition.amplitude_statistics(1.1 * X) - recognition.amplitude_statistics(X)
    np.testing.assert_allclose(shift, np.log(1.1), rtol=1e-5)


def test_the_reference_is_one_where_levels_never_differ_and_chance_where_they_differ_wildly():
    steady = recognition.amplitude_reference(*cohort_windows(0.001))
    wild = recognition.amplitude_reference(*cohort_windows(5.0))
    assert steady["person"] > 0.999
    assert steady["population"] > 0.999
    assert abs(wild["person"] - 0.5) < 0.1
    assert abs(wild["population"] - 0.5) < 0.1


def test_the_reference_agrees_with_theory():
    # Two normal distributions of SD s that differ by log 1.1: area Φ(log 1.1 / (s √2)).
    reference = recognition.amplitude_reference(
        *cohort_windows(np.log(1.1), n_participants=4, n_clips=40, per_clip=10)
    )
    assert reference["person"] == pytest.approx(0.7602, abs=0.02)
    assert reference["person_head"] == pytest.approx((5 + reference["person"]) / 6)


def test_who_knows_the_person_tells_more_where_people_differ():
    reference = recognition.amplitude_reference(
        *cohort_windows(0.02, n_participants=6, person_sd=1.0)
    )
    assert reference["person"] > 0.98
    assert reference["population"] < 0.7
    assert list(reference["by_participant"].index) == [1, 2, 3, 4, 5, 6]


def test_the_reference_does_not_depend_on_the_rows_index():
    X, meta = cohort_windows(0.1)
    keep = np.arange(len(meta)) % 3 > 0
    one = recognition.amplitude_reference(X[keep], meta[keep])
    other = recognition.amplitude_reference(X[keep], meta[keep].reset_index(drop=True))
    assert one["person"] == other["person"]


def test_what_cannot_be_measured_is_refused():
    X, meta = cohort_windows(0.1)
    with pytest.raises(DataError, match="two"):
        recognition.amplitude_reference(X, meta.assign(participant=1))
    with pytest.raises(DataError, match="two clips"):
        recognition.amplitude_reference(X, meta.assign(clip=1))
    X[7] = 0
    with pytest.raises(DataError, match="window 7"):
        recognition.amplitude_reference(X, meta)


def test_the_reference_of_a_head():
    assert recognition.head_reference(1.0) == 1.0
    assert recognition.head_reference(0.5) == pytest.approx(5.5 / 6)
