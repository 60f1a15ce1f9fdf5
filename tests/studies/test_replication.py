"""Each defect is compared with its like, on predictions that are made once."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib.data.labels import label_matrix
from ecglib.evaluation.refits import Refits
from ecglib.evaluation.released import CORRECTED, dominance_as_valence, score, shuffle_trials
from ecglib.models.embedding import embed
from ecglib.studies import replication
from ecglib.studies.pretraining import random_encoder
from ecglib.studies.profiles import PAPER, QUICK, SMOKE
from ecglib.studies.replication import (
    BEST,
    BEST_OF_NOTHING,
    DOMINANCE,
    LAST_FILE,
    MEAN_FIRST,
    NOTHING,
    RATINGS,
    SHUFFLED,
    effects,
    refit_results,
    released_head,
    released_results,
)
from ecglib.studies.study import Study
from ecglib.transfer.frozen import RELEASED_HEAD
from tests.cohorts import rated_windows
from tests.studies.tiny import ENCODER, SPEC


@pytest.fixture(scope="module")
def meta():
    return rated_windows()


def test_released_head_follows_the_profile():
    assert released_head(PAPER) is RELEASED_HEAD
    quick = released_head(QUICK)
    assert quick.epochs == QUICK.head.epochs // 3
    assert replace(quick, epochs=200) == RELEASED_HEAD
    assert released_head(replace(QUICK, head=replace(QUICK.head, epochs=1))).epochs == 1


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose STR encoder is an untrained one."""
    tiny = replace(
        SMOKE,
        windows=replace(SMOKE.windows, last_s=20.0),
        encoder=ENCODER,
        head=replace(SMOKE.head, hidden=(4,), epochs=3),
        window_folds=2,
    )
    monkeypatch.setattr(replication, "N_REFITS", 2)
    monkeypatch.setattr(
        replication, "pretext", lambda study, group: SimpleNamespace(encoder=random_encoder(study))
    )
    monkeypatch.setattr(
        replication,
        "features",
        lambda study, model, group: embed(study.usable, random_encoder(study)),
    )
    return Study(profile=tiny, folder=tmp_path, spec=SPEC)


def test_variants_and_refits_are_made_once(study, monkeypatch):
    rows, refits = released_results(study), refit_results(study)
    n_windows = len(study.usable)
    assert rows.groupby(["model", "target"]).size().to_dict() == {
        (CORRECTED, "valence"): n_windows,
        (CORRECTED, "arousal"): n_windows,
        (DOMINANCE, "valence"): n_windows,
        (LAST_FILE, "valence"): n_windows,
        (SHUFFLED, "valence"): n_windows,
    }
    labels = label_matrix(study.usable.meta, ["valence", "dominance"])
    truth = rows.set_index(["model", "target", "window"])["truth"].sort_index()
    np.testing.assert_array_equal(truth[CORRECTED, "valence"], labels[:, 0])
    np.testing.assert_array_equal(truth[DOMINANCE, "valence"], labels[:, 1])
    np.testing.assert_array_equal(truth[LAST_FILE, "valence"], labels[:, 0])
    np.testing.assert_array_equal(refits[RATINGS].truth, labels[:, 0])
    assert refits[NOTHING].truth.sum() == labels[:, 0].sum()
    assert refits[RATINGS].predicted.shape == (2, n_windows)
    for name in ("released_protocol", "refit"):  # making anything again would fail
        monkeypatch.setattr(replication, name, None)
    pd.testing.assert_frame_equal(released_results(study), rows)
    np.testing.assert_array_equal(
        refit_results(study)[RATINGS].predicted, refits[RATINGS].predicted
    )


def fake_study(monkeypatch, meta):
    """A study whose heads guess; the variant of one file guesses as the corrected one does."""
    n_windows, rng = len(meta), np.random.default_rng(0)
    fold = np.arange(n_windows) % 4
    labels = label_matrix(meta, ["valence"])[:, 0]
    refits = {
        name: Refits(y, fold, rng.random((5, n_windows)) < 0.5)
        for name, y in ((RATINGS, labels), (NOTHING, rng.permutation(labels)))
    }
    guess = rng.random(n_windows)
    variants = (
        (CORRECTED, meta, guess),
        (DOMINANCE, dominance_as_valence(meta), rng.random(n_windows)),
        (LAST_FILE, meta, guess),
        (SHUFFLED, shuffle_trials(meta, "valence", 0), rng.random(n_windows)),
    )
    parts = [
        pd.DataFrame(
            {
                "model": variant,
                "target": "valence",
                "fold": fold,
                "participant": meta["participant"],
                "probability": probability,
                "truth": label_matrix(frame, ["valence"])[:, 0],
            }
        )
        for variant, frame, probability in variants
    ]
    results = pd.concat(parts, ignore_index=True)
    monkeypatch.setattr(replication, "released_results", lambda study: results)
    monkeypatch.setattr(replication, "refit_results", lambda study: refits)
    profile = SimpleNamespace(n_resamples=300)
    return SimpleNamespace(usable=SimpleNamespace(meta=meta), profile=profile), results


def test_effects_compare_each_variant_with_its_like(monkeypatch, meta):
    study, results = fake_study(monkeypatch, meta)
    table = effects(study)
    expected = [DOMINANCE, BEST, BEST_OF_NOTHING, LAST_FILE, MEAN_FIRST, SHUFFLED]
    assert table.index.tolist() == expected
    np.testing.assert_allclose(table["change"], table["number"] - table["before"])
    assert (table["low"] <= table["change"] + 1e-12).all()
    assert (table["change"] <= table["high"] + 1e-12).all()
    plain = score(results[results["model"] == CORRECTED])
    assert table.loc[DOMINANCE, "before"] == pytest.approx(plain["f1"])
    assert table.loc[MEAN_FIRST, "before"] == pytest.approx(plain["mean_f1"])
    # The same predictions: without a defect nothing changes.
    assert table.loc[LAST_FILE, ["change", "low", "high"]].tolist() == [0, 0, 0]
    assert table.loc[BEST_OF_NOTHING, "change"] > 0


def test_few_participants_give_no_interval(monkeypatch, meta):
    few = meta[meta["participant"] <= 3].reset_index(drop=True)
    study, _ = fake_study(monkeypatch, few)
    table = effects(study)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["change"].notna().all()
