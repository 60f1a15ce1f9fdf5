import doctest
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation import audit, protocols
from ecglib.evaluation.audit import Use
from ecglib.evaluation.crossval import majority_predictions
from ecglib.evaluation.leave_out import (
    LeaveOneDatasetOut,
    LeaveOneParticipantOut,
    LeaveOneParticipantOutWithinDataset,
    WithinParticipantKFold,
    ladder,
)
from ecglib.evaluation.predictions import append_predictions, prediction_rows
from ecglib.evaluation.protocols import (
    COLUMNS,
    NONE,
    SEEN,
    SEEN_CLIPS,
    STAGES,
    STR,
    STRICT,
    TEST,
)
from ecglib.evaluation.splits import (
    Splitter,
    TrialGroupedKFold,
    WindowKFold,
    WindowKFoldWithGap,
)

SPLITTERS = [*ladder(n_splits=4, seed=1), WithinParticipantKFold(n_splits=3, seed=1)]
GAP = next(s for s in SPLITTERS if isinstance(s, WindowKFoldWithGap))
LOPO = LeaveOneParticipantOut.protocol
KINDS = ("window", "overlap", "lead", "trial", "participant", "clip")


def grid(
    participants: Sequence[int], clips: Sequence[int], starts: Sequence[float]
) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [participants, clips, starts], names=["participant", "clip", "start"]
    )
    return index.to_frame(index=False)


def cohort() -> pd.DataFrame:
    """Windows with ratings: 5 participants, 6 clips, 3 windows of each trial."""
    meta = grid(range(1, 6), range(1, 7), [0.0, 10.0, 20.0]).assign(condition="stimulus", lead=1)
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    ratings = np.random.default_rng(0).permuted(np.tile([[1, 4, 5, 2, 3, 5] * 5], (3, 1)), axis=1)
    return meta.assign(**dict(zip(TARGETS, ratings[:, trial], strict=True)))


META = cohort()
# Windows that no fold has, each of which shares exactly one thing with some tested window.
SPARE = {
    "overlap": grid(range(1, 6), range(1, 7), [5.0]),
    "lead": grid(range(1, 6), range(1, 7), [0.0, 10.0, 20.0]).assign(lead=2),
    "trial": grid(range(1, 6), range(1, 7), [500.0]),
    "participant": grid(range(1, 6), [9], [0.0]),
    "clip": grid([9], range(1, 7), [0.0]),
}
ALL = pd.concat([META, *SPARE.values()], ignore_index=True).fillna(
    {"condition": "stimulus", "lead": 1}
)
origin = np.repeat(["window", *SPARE], [len(META), *map(len, SPARE.values())])
SHARES = {
    "window": {"window", "trial", "participant", "clip"},
    "overlap": {"window", "trial", "participant", "clip"},
    "lead": {"window", "trial", "participant", "clip"},
    "trial": {"trial", "participant", "clip"},
    "participant": {"participant"},
    "clip": {"clip"},
}


@cache
def clean_uses(splitter: Splitter) -> list[Use]:
    """A plan in which every stage keeps to the training windows."""
    uses = []
    for fold, (train, test) in enumerate(splitter.split(META)):
        uses += [
            Use(fold, TEST, test),
            Use(fold, "pretext", train),
            Use(fold, "normalisation", train),
            Use(fold, "validation", train[::4]),
            Use(fold, "head", np.delete(train, slice(None, None, 4))),
        ]
    return uses


def planted(kind: str, test: np.ndarray) -> int:
    """A window that shares something of a kind with the first test window, and nothing closer."""
    first = ALL.loc[test[0]]
    if kind == "window":
        return int(test[0])
    found = origin == kind
    if kind != "clip":
        found &= ALL["participant"] == first["participant"]
    if kind != "participant":
        found &= ALL["clip"] == first["clip"]
    if kind == "lead":
        found &= ALL["start"] == first["start"]
    return int(np.flatnonzero(found)[0])


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(audit).failed == 0


def test_every_protocol_is_known() -> None:
    of_datasets = {LeaveOneDatasetOut.protocol, LeaveOneParticipantOutWithinDataset.protocol}
    assert {s.protocol for s in SPLITTERS} | of_datasets == set(protocols.FORBIDDEN)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: s.protocol)
def test_a_clean_plan_passes(splitter: Splitter) -> None:
    gap = GAP.gap_s if splitter is GAP else 0
    leaks = audit.find_leaks(META, clean_uses(splitter), splitter.protocol, STRICT, gap_s=gap)
    assert leaks.empty
    audit.raise_on_leak(leaks)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: s.protocol)
def test_a_planted_leak_is_found_and_named(splitter: Splitter, kind: str, stage: str) -> None:
    uses = [use for use in clean_uses(splitter) if use.fold in (1, 2)]
    test = next(use.windows for use in uses if use.fold == 2 and use.stage == TEST)
    window = planted(kind, test)
    leaks = audit.find_leaks(
        ALL, [*uses, Use(2, stage, np.array([window]))], splitter.protocol, STRICT
    )
    expected = SHARES[kind] & set(protocols.FORBIDDEN[splitter.protocol])
    assert set(leaks["kind"]) == expected
    assert leaks["fold"].eq(2).all() and leaks["stage"].eq(stage).all()
    assert leaks["window"].eq(window).all() and leaks["n_windows"].eq(1).all()
    first = ALL.loc[test[0]]
    for column in ("participant", "clip"):
        assert leaks[column].dropna().eq(first[column]).all()
        assert leaks[column].notna().tolist() == [
            column in protocols.KINDS[k] for k in leaks["kind"]
        ]
    if expected:
        with pytest.raises(DataError, match=rf"fold 2: the {stage} used 1 windows") as error:
            audit.raise_on_leak(leaks)
        assert error.value.participant == (None if kind == "clip" else first["participant"])


def test_a_window_within_the_gap_is_a_leak_and_one_outside_is_not() -> None:
    meta = grid([1, 2], [1], np.arange(0, 60, 10.0))
    uses = [Use(0, TEST, np.array([0])), Use(0, "head", np.arange(1, 12))]
    leaks = audit.find_leaks(meta, uses, GAP.protocol, NONE, gap_s=20)
    assert leaks[["kind", "participant", "window", "n_windows"]].values.tolist() == [
        ["window", 1, 1, 2]
    ]
    assert audit.find_leaks(meta, uses, GAP.protocol, NONE).empty
    # Windows twice as long as the steps between them overlap their neighbours.
    assert audit.find_leaks(meta, uses, GAP.protocol, NONE, length_s=20)["n_windows"].item() == 1


@pytest.mark.parametrize("seed", range(5))
def test_windows_that_come_too_close_are_those_that_a_count_by_hand_finds(seed: int) -> None:
    """Windows at any time, tested ones among them, on both sides and in many recordings."""
    rng = np.random.default_rng(seed)
    meta = grid([1, 2, 3], [1, 2], np.zeros(12))
    meta["start"] = np.sort(rng.choice(np.arange(0, 400, 0.5), (6, 12)), axis=1).ravel()
    test = rng.choice(len(meta), 14, replace=False)
    train = np.setdiff1d(np.arange(len(meta)), test)
    start, trial = meta["start"].to_numpy(), meta["participant"] * 10 + meta["clip"]
    apart = np.abs(start[train, None] - start[test])
    same = trial.to_numpy()[train, None] == trial.to_numpy()[test]
    close = train[((apart < 15) & same).any(axis=1)]
    uses = [Use(0, TEST, test), Use(0, "head", train)]
    places = audit._Places(meta, 15.0)
    assert train[places.shared("window", train, test)].tolist() == close.tolist()
    leaks = audit.find_leaks(meta, uses, GAP.protocol, NONE, gap_s=5)
    assert leaks["n_windows"].sum() == close.size > 0


def test_what_the_head_alone_learns_from_decides_which_statistics_matter() -> None:
    """Without a pretext, a person's mean with test windows in it reaches the head as well."""
    meta = grid([1, 2], [1, 2], [0.0, 10.0])
    uses = [
        Use(0, TEST, np.array([0])),
        Use(0, "head", np.array([2, 3])),
        Use(0, "normalisation", np.arange(8), per="participant"),
    ]
    leaks = audit.find_leaks(meta, uses, "window-kfold", NONE)
    assert leaks[["stage", "window"]].values.tolist() == [["normalisation", 0]]
    uses[1] = Use(0, "head", np.array([4, 5]))  # of the other participant
    assert audit.find_leaks(meta, uses, "window-kfold", NONE).empty


def test_recordings_of_other_conditions_do_not_overlap() -> None:
    meta = grid([1], [1, 2], [0.0]).assign(clip=1, condition=["baseline", "stimulus"])
    uses = [Use(0, TEST, np.array([0])), Use(0, "head", np.array([1]))]
    assert audit.find_leaks(meta, uses, "window-kfold", NONE).empty
    assert set(audit.find_leaks(meta, uses, "trial-grouped", NONE)["kind"]) == {"trial"}


@pytest.mark.parametrize(
    ("regime", "kind", "found"),
    [
        (STRICT, "clip", True),
        (SEEN_CLIPS, "clip", False),
        (SEEN_CLIPS, "participant", True),
        (SEEN, "window", False),
    ],
)
def test_regime_says_what_the_pretext_may_share(regime: str, kind: str, found: bool) -> None:
    splitter = SPLITTERS[6]
    uses = clean_uses(splitter)
    leak = np.array([planted(kind, uses[0].windows)])
    in_pretext = audit.find_leaks(ALL, [*uses, Use(0, "pretext", leak)], splitter.protocol, regime)
    in_head = audit.find_leaks(ALL, [*uses, Use(0, "head", leak)], splitter.protocol, regime)
    assert in_pretext.empty != found
    assert set(in_head["stage"]) == {"head"}


@pytest.mark.parametrize(
    ("protocol", "kinds"),
    [
        ("window-kfold", {"window"}),
        ("window-kfold-gap", {"window"}),
        ("trial-grouped", {"window", "trial"}),
        ("within-participant", {"window", "trial"}),
        ("clip-grouped", {"window", "trial", "clip"}),
        ("participant-grouped", set()),
        ("leave-one-participant-out", set()),
        ("leave-one-participant-and-clip-out", {"clip"}),
    ],
)
def test_scaling_per_participant_leaks_only_within_a_participant(
    protocol: str, kinds: set[str]
) -> None:
    splitter = next(s for s in SPLITTERS if s.protocol == protocol)
    uses = [use for use in clean_uses(splitter) if use.stage != "normalisation"]
    everything, n_folds = np.arange(len(META)), splitter.get_n_splits(META)
    scaled = [Use(f, "normalisation", everything, per="participant") for f in range(n_folds)]
    leaks = audit.find_leaks(META, uses + scaled, protocol, STRICT)
    assert set(leaks["kind"]) == kinds
    assert set(leaks["stage"]) <= {"normalisation"}
    # One statistic for all windows would carry the test signal everywhere.
    pooled = [Use(f, "normalisation", everything) for f in range(n_folds)]
    leaks = audit.find_leaks(META, uses + pooled, protocol, STRICT)
    assert set(leaks["kind"]) == set(protocols.FORBIDDEN[protocol])


def test_an_audit_that_cannot_judge_is_refused() -> None:
    test, head = Use(0, TEST, np.array([0])), Use(0, "head", np.array([9]))
    pretext = Use(0, "pretext", np.array([], dtype=int))

    def refuse(match: str, uses: list[Use], meta: pd.DataFrame = META, **options: str) -> None:
        options = {"protocol": LOPO, "regime": NONE, **options}
        with pytest.raises(DataError, match=match):
            audit.find_leaks(meta, uses, **options)

    refuse("nothing to audit", [])
    refuse("fold 0: no head windows", [test])
    refuse("fold 1: no test windows", [test, head, Use(1, "head", np.array([3]))])
    refuse("regime 'none': pretext windows are given", [test, head, pretext])
    refuse("regime 'strict': no pretext windows", [test, head], regime=STRICT)
    refuse("unknown stage 'threshold'", [test, head, Use(0, "threshold", np.array([1]))])
    refuse("unknown protocol 'mine'", [test, head], protocol="mine")
    refuse("unknown regime 'open'", [test, head], regime="open")
    refuse("windows 0 to 90 of a frame of 90", [test, Use(0, "head", np.array([0, 90]))])
    refuse("bool array", [test, Use(0, "head", np.ones(90, dtype=bool))])
    refuse("field start", [test, head], META.drop(columns="start"))
    refuse("field lab", [test, head, Use(0, "normalisation", np.array([1]), per="lab")])


def predictions(splitter: Splitter, meta: pd.DataFrame = META) -> pd.DataFrame:
    """Majority predictions, and the same ones under the name of a pretrained encoder."""
    majority = majority_predictions(meta, splitter, TARGETS)
    return append_predictions(majority, majority.assign(model=STR, regime=STRICT))


def encoders(splitter: Splitter) -> dict[tuple[str, str, str], list[np.ndarray]]:
    """An encoder for each fold that learnt from its training windows."""
    folds = splitter.split(META, label_matrix(META))
    return {(splitter.protocol, STR, STRICT): [train for train, _ in folds]}


@pytest.mark.parametrize("splitter", SPLITTERS[:7], ids=lambda s: s.protocol)
def test_results_of_every_rung_are_clean(splitter: Splitter) -> None:
    options = {"scaled_per": None}
    table, shown = predictions(splitter), encoders(splitter)
    leaks = audit.audit_predictions(table, META, [splitter], shown, **options)
    assert leaks.empty
    assert list(leaks.columns) == [*audit.JUDGED, *audit.LEAK_COLUMNS]


def test_a_result_whose_folds_leak_is_found_by_name() -> None:
    class Mislabelled(TrialGroupedKFold):
        protocol = LOPO

    splitter = Mislabelled(n_splits=4, seed=1)
    table, shown = predictions(splitter), encoders(splitter)
    leaks = audit.audit_predictions(table, META, [splitter], shown, scaled_per=None)
    assert set(leaks["kind"]) == {"participant"}
    assert set(leaks["stage"]) == {"head", "pretext"}
    assert set(leaks["model"]) == {"majority", STR}
    with pytest.raises(DataError, match=f"participant 1: {LOPO}, STR, strict, fold 0"):
        audit.raise_on_leak(leaks[leaks["model"] == STR])


def test_a_result_that_does_not_keep_its_gap_is_found() -> None:
    class NoGap(WindowKFold):
        protocol, gap_s = GAP.protocol, GAP.gap_s

    splitter = NoGap(n_splits=4, seed=1)
    table, shown = predictions(splitter), encoders(splitter)
    leaks = audit.audit_predictions(table, META, [splitter], shown, scaled_per=None)
    assert set(leaks["kind"]) == {"window"}


def test_an_encoder_that_saw_a_test_participant_is_found() -> None:
    splitter = SPLITTERS[5]
    table, shown = predictions(splitter), encoders(splitter)
    [of_folds] = shown.values()
    other = table[table["regime"] == STRICT].assign(model="another encoder")
    shown[LOPO, "another encoder", STRICT] = list(of_folds)
    of_folds[3] = np.append(of_folds[3], np.flatnonzero(META["participant"] == 4)[7])
    leaks = audit.audit_predictions(
        append_predictions(table, other), META, [splitter], shown, scaled_per=None
    )
    assert set(leaks["model"]) == {STR}
    assert set(leaks["stage"]) == {"pretext"} and set(leaks["fold"]) == {3}
    assert leaks["kind"].tolist() == ["window", "trial", "participant"]


def test_pretext_windows_and_splitters_must_be_given() -> None:
    splitter = SPLITTERS[5]
    table, shown = predictions(splitter), encoders(splitter)
    with pytest.raises(DataError, match="STR, strict: pretext windows of 0 folds"):
        audit.audit_predictions(table, META, [splitter], {})
    with pytest.raises(DataError, match=f"unknown protocol '{LOPO}'"):
        audit.audit_predictions(table, META, SPLITTERS[:2], shown)


def faulty(**changes: object) -> pd.DataFrame:
    """Predictions of which row 17, a window of participant 1, is changed."""
    table = predictions(SPLITTERS[5])
    for column, value in changes.items():
        table.loc[17, column] = value(table.loc[17, column]) if callable(value) else value
    return table


@pytest.mark.parametrize(
    ("table", "field", "match"),
    [
        (faulty(window=lambda w: w - 3), "clip", "window 14: clip 6"),
        (faulty(window=16), "window", "window 16: window 16"),
        (faulty(window=9999), "window", "window 9999"),
        (faulty(window=-1), "window", f"window -1.*one of the {len(META)} rows"),
        (faulty(window=len(META)), "window", f"one of the {len(META)} rows of the frame"),
        (faulty(fold=3), "fold", "fold 3, window 17: fold 3"),
        (faulty(participant=2), "participant", "window 17: participant 2"),
        (faulty(clip=1), "clip", "window 17: clip 1"),
        (faulty(truth=lambda truth: 1 - truth), "truth", "window 17: truth"),
        (faulty(probability=np.nan), "probability", "window 17: probability nan"),
        (faulty().drop(index=17), "window", "1 test windows have no prediction.*window 17 of f"),
        (pd.concat([faulty(), faulty().iloc[[17]]]), "window", "window 17: window 17"),
        (faulty().assign(protocol="mine"), "protocol", "unknown protocol 'mine'"),
        (faulty().drop(columns="seed"), "seed", "lack this column"),
        (faulty().iloc[:0], "predictions", "no predictions"),
    ],
)
def test_a_fault_in_predictions_is_found_by_name(
    table: pd.DataFrame, field: str, match: str
) -> None:
    splitter = SPLITTERS[5]
    folds = {LOPO: list(splitter.split(META, label_matrix(META)))}
    with pytest.raises(DataError, match=match) as error:
        audit.check_predictions(table, META, folds)
    assert error.value.field == field


def test_predictions_in_any_order_pass() -> None:
    splitter = SPLITTERS[6]
    folds = {splitter.protocol: list(splitter.split(META, label_matrix(META)))}
    table = predictions(splitter).sample(frac=1, random_state=0)
    assert list(table.columns) == list(COLUMNS)
    audit.check_predictions(table, META, folds)
    other = META.assign(**{target: 6 - META[target] for target in TARGETS})
    with pytest.raises(DataError, match="truth"):
        audit.check_predictions(table, other, folds)


def test_participants_who_are_left_out_need_no_prediction() -> None:
    splitter, labels = SPLITTERS[7], label_matrix(META, ["valence"])
    assert 0 < len(splitter.left_out(META, labels)) < 5
    with pytest.warns(UserWarning, match="leaves out"):
        folds = list(splitter.split(META, labels))
    names = {"protocol": splitter.protocol, "model": "half", "regime": NONE, "seed": 0}
    table = pd.concat(
        prediction_rows(
            META, test, np.full(test.size, 0.5), labels[:, 0], target="valence", fold=f, **names
        )
        for f, (_, test) in enumerate(folds)
    )
    audit.check_predictions(table, META, {splitter.protocol: folds})


POOLED = META.assign(dataset=np.where(META["participant"] < 3, "a", "b"))


@pytest.mark.parametrize("splitter", [LeaveOneDatasetOut(), LeaveOneParticipantOutWithinDataset()])
def test_results_within_and_across_datasets_are_clean(splitter: Splitter) -> None:
    table = predictions(splitter, POOLED)
    folds = list(splitter.split(POOLED, label_matrix(POOLED)))
    shown = {(splitter.protocol, STR, STRICT): [train for train, _ in folds]}
    assert audit.audit_predictions(table, POOLED, [splitter], shown).empty


def test_a_pretext_that_saw_the_tested_dataset_is_found() -> None:
    splitter = LeaveOneDatasetOut()
    (train, test), _ = splitter.split(POOLED)
    one, others = test[POOLED["participant"][test] == 1], test[POOLED["participant"][test] != 1]

    def leaks(regime: str, windows: np.ndarray, tested: np.ndarray = test) -> pd.DataFrame:
        uses = [Use(0, TEST, tested), Use(0, "head", train), Use(0, "pretext", windows)]
        return audit.find_leaks(POOLED, uses, splitter.protocol, regime)

    assert leaks(STRICT, train).empty and leaks(SEEN, test).empty
    found = leaks(STRICT, np.append(train, others), tested=one)  # nobody who is tested, but the set
    assert found[["stage", "kind", "n_windows"]].to_numpy().tolist() == [
        ["pretext", "dataset", others.size]
    ]
    assert found[["participant", "clip"]].isna().all(axis=None)
    with pytest.raises(DataError, match="windows of a tested dataset"):
        audit.raise_on_leak(found)
    assert set(leaks(STRICT, test)["kind"]) == {"window", "trial", "participant", "dataset"}
    with pytest.raises(DataError, match="field dataset"):
        audit.find_leaks(META, [Use(0, TEST, test), Use(0, "head", train)], splitter.protocol, NONE)
