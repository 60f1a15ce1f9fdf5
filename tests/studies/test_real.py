"""The study of real hearts, on invented ones: whose beat tells what they do."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.eegmat import CONDITION, CONDITIONS, read_eegmat
from ecglib.evaluation.protocols import ALL, CONTRASTIVE, RANDOM, STR, TUNED
from ecglib.plots import real as plots
from ecglib.studies import real, stages
from ecglib.studies.real import BOTH, CLINIC, OWN, PART, PATIENTS, TURNED, RealPlan, RealStudy
from ecglib.studies.real_features import ENCODER, RATE, known, source
from ecglib.studies.real_findings import (
    PROTOCOLS,
    choices,
    efficiency,
    findings,
    questions,
)
from ecglib.studies.real_networks import (
    missing_networks,
    real_encoder,
    train_all,
    tuned_predictions,
    tunings,
)
from ecglib.studies.real_probes import OTHERS, real_probes, real_recognition
from ecglib.studies.real_scores import (
    GROUPS,
    LOSO,
    RECORDS,
    WINDOWS,
    StateWindows,
    folds_of,
    people_scores,
    predict,
    real_scores,
)
from ecglib.studies.real_tables import differences, person_means, select, shipped, summarise_real
from tests.real import shared_data
from tests.studies.tiny import TINY
from tests.workflows.beats import FS, beats

PEOPLE = [f"S{number:02}" for number in range(9)]


def cohort(name, conditions, rng, sha256):
    rows, signals = [], []
    for person in PEOPLE:
        for clip, condition in enumerate(conditions, start=1):
            rate = (1.8 if condition == CONDITIONS[1] else 1.0) + 0.02 * rng.normal()
            signals.append(beats(rate, 60, rng)[:, None])
            rows.append((person, clip, condition, len(signals[-1]), len(signals[-1]) / FS))
    columns = ["participant", "clip", "condition", "n_samples", "duration"]
    targets = (CONDITION,) if len(conditions) > 1 else ()
    return Cohort(
        name,
        FS,
        pd.DataFrame(rows, columns=columns),
        tuple(signals),
        sha256=sha256,
        targets=targets,
        leads=("ECG",),
        unit="mV",
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return tiny_study(tmp_path_factory.mktemp("real"))


def tiny_plan():
    tuning = TINY.comparison.tuning
    return RealPlan(
        encoder=TINY.encoder,
        pretext=TINY.pretext,
        contrastive=TINY.contrastive,
        tuning=replace(tuning, training=replace(tuning.training, epochs=1, steps_per_epoch=2)),
        poolings=("max", "mean"),
        seeds=(0,),
        n_groups=2,
        tuned_folds=3,
        labelled=(2,),
        draws=2,
    )


def tiny_study(folder):
    rng, plan = np.random.default_rng(0), tiny_plan()
    made = RealStudy(
        cohort("eegmat", CONDITIONS, rng, "a"),
        cohort("MIT-BIH", ("clinic",), rng, "b"),
        plan,
        folder,
    )
    train_all(made)
    return made


@pytest.fixture(scope="module")
def longer(study):
    training = study.plan.pretext.training
    pretext = replace(study.plan.pretext, training=replace(training, epochs=training.epochs + 1))
    training = study.plan.contrastive.training
    contrastive = replace(
        study.plan.contrastive, training=replace(training, epochs=training.epochs + 1)
    )
    plan = replace(study.plan, pretext=pretext, contrastive=contrastive, n_groups=0, tuned_folds=0)
    return RealStudy(study.eegmat, study.clinic, plan, study.folder)


@pytest.fixture(scope="module")
def scores(study, longer):
    return real_scores(study, longer)


def test_every_encoder_has_seen_whom_it_may_and_nobody_else(study):
    made = study.encoders()
    assert {(m.pretext, m.source) for m in made} == {
        *((p, s) for p in (STR, CONTRASTIVE) for s in (CLINIC, OWN, BOTH)),
        (STR, TURNED),
        (STR, PART),
    }
    own = study.windows
    for one in made:
        learnt = {row.tobytes() for row in study.training_windows(one)}
        unseen = study.unseen(one)
        assert all(row.tobytes() not in learnt for X in unseen.values() for row in X)
        if one.source == BOTH:
            others = ~np.isin(own.meta["participant"], study.groups[one.group])
            assert len(learnt) == len(study.clinic_windows) + others.sum()
    part = next(m for m in made if m.source == PART)
    assert {PATIENTS, OWN} < set(study.unseen(part))


def test_what_was_trained_is_not_trained_again(study, monkeypatch):
    assert missing_networks(study) == ([], [])
    monkeypatch.setattr("ecglib.studies.real_networks.pretrain", None)
    encoder = real_encoder(study, study.encoders()[0])
    assert set(encoder.logits) == {OWN}
    assert encoder.about["seconds"] > 0


def _mean_of_ones():
    import tensorflow as tf

    return float(tf.reduce_mean(tf.ones(4)))


def test_networks_train_in_other_processes_too(study, tmp_path):
    # Such processes, kept for the next caller, have computed on all cores.
    assert Parallel(n_jobs=2)(delayed(_mean_of_ones)() for _ in range(4)) == [1.0] * 4
    few = replace(study.plan, poolings=("max",), n_groups=0, tuned_folds=0)
    other = RealStudy(study.eegmat, study.clinic, few, tmp_path)
    train_all(other, jobs=2)
    assert missing_networks(other) == ([], [])
    assert all(
        np.isfinite(w).all() for w in real_encoder(other, other.encoders()[0]).encoder.get_weights()
    )


def test_every_window_is_predicted_by_a_network_that_never_saw_the_person(study):
    for tuned in tunings(study):
        found = tuned_predictions(study, tuned)
        assert np.isfinite(found["probability"]).all()
        per_person = pd.Series(found["fold"]).groupby(study.windows.meta["participant"].to_numpy())
        assert (per_person.nunique() == 1).all()
        assert len(found["loss"]) == study.plan.tuned_folds


def test_a_head_is_given_the_encoder_that_never_saw_the_group(study):
    tested = StateWindows.of(study)
    rng = np.random.default_rng(0)
    telling = rng.normal(size=(len(tested.truth), 2)) + 9 * tested.truth[:, None]
    noise = rng.normal(size=telling.shape)
    parts = [telling, noise, noise]
    probability, _ = predict(tested, parts, folds_of(tested, LOSO))
    right = pd.Series((probability > 0.5) == tested.truth)
    in_first = np.isin(tested.person, study.groups[0])
    assert right[in_first].all()
    assert right[~in_first].mean() < 0.9
    with pytest.raises(DataError, match="several groups"):
        predict(tested, parts, folds_of(tested, WINDOWS))


def test_scores_of_heads_that_disagree_are_compared_within_their_fold():
    truth = np.array([0, 1, 0, 1])
    probability = np.array([0.1, 0.2, 0.8, 0.9])  # the second head says more of everything
    person = np.array(["a"] * 4)
    one = people_scores(person, truth, probability, np.zeros(4, int))
    two = people_scores(person, truth, probability, np.array([0, 0, 1, 1]))
    assert one["auc"].item() == 0.75
    assert two["auc"].item() == 1.0


def test_the_heart_rate_that_was_planted_is_found_in_every_way(scores):
    rate = select(scores, {"features": RATE})
    assert set(rate["protocol"]) == {LOSO, WINDOWS, RECORDS, GROUPS}
    assert set(rate["labelled"]) == {"2", ALL}
    assert (rate[rate["protocol"] == LOSO]["auc"] == 1).all()
    assert rate.groupby(["protocol", "labelled", "draw"]).size().eq(len(PEOPLE)).all()
    right = rate["right_rest"] / rate["rest"]
    assert right[rate["protocol"] == LOSO].min() > 0.9


def test_all_that_is_compared_is_there(scores):
    named = choices(scores)
    for name, selection in named.items():
        if not name.endswith("both trained"):  # this small plan does without
            assert len(person_means(scores, selection)) == len(PEOPLE), name
    table = differences(scores, questions(scores))
    assert len(table) == len(questions(scores))
    assert (table["low"] <= table["mean"]).all()
    assert (table["p_holm"] >= table["p"]).all()
    curves = efficiency(scores)
    assert set(curves["people"]) == {2, len(PEOPLE) - 1, len(PEOPLE) - len(PEOPLE) // 3}


def test_sentences_follow_the_numbers(scores):
    said = findings(scores)
    assert len(said) == 3
    assert "Heart rate alone reaches 1.00" in said[1]
    assert not any(sign in " ".join(said) for sign in ("-0", "+0.00", "−0.00"))
    strong = scores.copy()
    encoder = strong["features"] == ENCODER
    strong.loc[encoder & (strong["pretext"] == STR), "auc"] = 1.0
    strong.loc[encoder & (strong["pretext"] == RANDOM), "auc"] = 0.5 + 0.01 * (
        strong.index[encoder & (strong["pretext"] == RANDOM)] % 7
    )
    assert "pretraining helps" in findings(strong)[0]
    strong.loc[encoder, "auc"] = 0.5 + 0.02 * (strong.index[encoder] % 11)
    assert "helps" not in findings(strong)[0]
    strong.loc[encoder & (strong["pretext"] == STR), "auc"] -= 0.4
    assert "does harm" in findings(strong)[0]


def test_probes_read_the_planted_rate(study):
    table = real_probes(study)
    assert {"heart_rate", "rmssd", "sdnn", "identity"} == set(table["measure"])
    assert table["value"].dropna().between(-1, 1).all()
    read = summarise_real(
        table[table["measure"] == "heart_rate"], ["pretext", "pooling"], "value", bounds=(-1, 1)
    )
    assert set(read["pooling"]) == {"max", "mean", "both", "scales"}


def test_recognition_has_an_answer_for_every_version(study):
    table = real_recognition(study)
    assert table["value"].between(0, 1).all()
    shares = table[table["shown"] != OTHERS]
    keys = ["source", "trained", "seed", "group", "tested", "shown"]
    np.testing.assert_allclose(shares.groupby(keys)["value"].sum(), 1)
    assert set(table.loc[table["source"] == PART, "tested"]) == {
        PATIENTS,
        OWN,
        f"{PATIENTS}, {real.SLOW}",
        f"{OWN}, {real.SLOW}",
    }
    assert {"amplitude, others known", "amplitude, the person known"} < set(table["pretext"])


def test_tables_travel_with_what_made_them(study, longer, scores, tmp_path):
    with pytest.raises(DataError, match="make real"):
        shipped(stages.REAL_SCORES, tmp_path)
    stages.REAL_SCORES.ship([source(study, longer)], study.folder, tmp_path)
    table = shipped(stages.REAL_SCORES, tmp_path)
    pd.testing.assert_frame_equal(table, scores)
    configuration = table.attrs["provenance"]["configuration"]
    assert configuration["data"] == {"eegmat": "a", "clinic": "b"}
    assert json.dumps(configuration)


def test_recordings_are_found_where_fetch_puts_them_or_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    for name in ("ECGLIB_EEGMAT", "ECGLIB_MITDB"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match=r"field eegmat: .*ecglib fetch eegmat"):
        real.read_real()
    read = []
    monkeypatch.setattr(real, "read_eegmat", read.append)
    monkeypatch.setattr(real, "clinic_cohort", read.append)
    for name in ("eegmat", "mitdb"):
        (tmp_path / "data" / name).mkdir(parents=True)
    real.read_real()
    assert read == [tmp_path / "data" / "eegmat", [tmp_path / "data" / "mitdb"]]


def test_a_selection_names_what_is_not_there(scores):
    with pytest.raises(DataError, match="no column 'person'"):
        select(scores, {"person": 1})
    with pytest.raises(DataError, match="no row has"):
        select(scores, {"pretext": "magic"})
    unlike = {"x": ({"features": RATE}, {"features": RATE, "participant": "S00"})}
    with pytest.raises(DataError, match="other people"):
        differences(scores, unlike)


def test_figures_draw_what_is_in_the_tables(study, scores):
    curves = efficiency(scores)
    ax = plots.label_efficiency(curves, "invented").axes[0]
    assert [line.get_label() for line in ax.lines][:2] == ["heart rate", "ten features"]
    table = differences(scores, questions(scores))
    ticks = plots.difference_forest(table, "invented").axes[0].get_yticklabels()
    assert [tick.get_text() for tick in ticks] == table["question"].tolist()
    dots = summarise_real(
        select(scores, {"features": ENCODER, "protocol": LOSO}).assign(panel="p"),
        ["panel", "pretext", "pooling"],
    )
    drawn = plots.pooling_dots(dots, "invented", {"heart rate": 1.0}).axes[0]
    assert [tick.get_text() for tick in drawn.get_yticklabels()] == list(dots["pretext"].unique())
    split = summarise_real(scores.assign(rival="all"), ["rival", "protocol"])
    split["protocol"] = split["protocol"].map(PROTOCOLS)
    assert plots.protocols(split.dropna(), "invented").axes[0].get_xlim()[1] <= 1.1
    probes = real_probes(study)
    bars = summarise_real(
        probes[probes["features"] == ENCODER],
        ["measure", "pretext", "pooling"],
        "value",
        bounds=(-1, 1),
    )
    fig = plots.probe_bars(bars, {"heart_rate": "heart rate", "rmssd": "RMSSD"}, [STR], "invented")
    assert len(fig.axes[0].patches) == 4
    recognised = real_recognition(study)
    recognised = recognised[(recognised["shown"] == OTHERS) & (recognised["source"] == PART)]
    fig = plots.recognition_dots(recognised, "invented")
    assert len(fig.axes[0].get_yticks()) == 7


def test_whole_networks_say_how_far_their_loss_fell(scores):
    tuned = scores[scores["transfer"] == TUNED]
    assert tuned["loss"].notna().all()
    assert scores.loc[scores["features"] == RATE, "loss"].isna().all()


def mitbih(lengths):
    rows = [(int(r), 1, "ambulatory", n, n / 360, r) for r, n in lengths.items()]
    columns = ["participant", "clip", "condition", "n_samples", "duration", "record"]
    signals = tuple(np.full((n, 1), float(n)) for n in lengths.values())
    return Cohort("MIT-BIH", 360.0, pd.DataFrame(rows, columns=columns), signals, leads=("ECG",))


def test_the_clinic_has_the_longest_of_each_record_and_not_the_one_shown(monkeypatch):
    found = {
        Path("short"): mitbih({"100": 400, "101": 900, "208": 400}),
        Path("long"): mitbih({"100": 800, "101": 500, "208": 800}),
    }
    monkeypatch.setattr(real, "read_mitbih", found.get)
    clinic = real.clinic_cohort(list(found))
    assert clinic.recordings["record"].tolist() == ["100", "101"]
    assert clinic.recordings["n_samples"].tolist() == [800, 900]
    assert [len(signal) for signal in clinic.signals] == [800, 900]
    assert clinic.sha256 == real.clinic_cohort(list(found)[::-1]).sha256


def test_the_table_that_ships_is_what_the_recordings_give():
    recordings = read_eegmat(shared_data("eegmat"))
    table = shipped(stages.REAL_SCORES, Path(__file__).parents[2] / "results")
    configuration = table.attrs["provenance"]["configuration"]
    assert recordings.sha256 == configuration["data"]["eegmat"]
    study = RealStudy(recordings, recordings)  # whose ECG encoders learnt from is of no matter here
    rate = next(known(study))
    tested = StateWindows.of(study)
    for protocol in (LOSO, WINDOWS):
        found = predict(tested, rate.parts, folds_of(tested, protocol))
        again = people_scores(tested.person, tested.truth, *found)
        kept = select(table, {"features": RATE, "protocol": protocol, "labelled": ALL})
        columns = list(again.columns)
        np.testing.assert_allclose(
            kept[columns[1:]].to_numpy(float), again[columns[1:]].to_numpy(float), atol=1e-5
        )
