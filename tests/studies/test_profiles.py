import dataclasses
from dataclasses import replace

import pytest

from ecglib.studies.profiles import FAST, PAPER, PROFILES, QUICK, SMOKE, differences, get_profile

N_WINDOWS = 16_000

PUBLISHED = {
    "windows.length_s": 10.0,
    "windows.target_fs": 256.0,
    "windows.overlap": 0.0,
    "windows.last_s": None,
    "windows.highpass_hz": 0.8,
    "windows.conditions": ("stimulus",),
    "encoder.filters": (32, 64, 128),
    "encoder.kernels": (32, 16, 8),
    "encoder.pool_size": 8,
    "encoder.pool_stride": 2,
    "encoder.activation": "relu",
    "encoder.slope": 0.2,
    "encoder.batch_norm": False,
    "encoder.l2": 1e-4,
    "pretext.dropout": 0.6,
    "pretext.head_l2": 1e-4,
    "pretext.balanced": False,
    "pretext.task_weights": {
        "original": 0.195,
        "noise": 0.195,
        "scaling": 0.195,
        "negation": 0.0125,
        "temporal_inversion": 0.0125,
        "permutation": 0.195,
        "time_warping": 0.195,
    },
    "pretext.transforms.snr_db": 15.0,
    "pretext.transforms.scale_factor": 1.1,
    "pretext.transforms.n_segments": 20,
    "pretext.transforms.warp_n_pieces": 9,
    "pretext.transforms.warp_n_stretched": 5,
    "pretext.transforms.warp_stretch": 1.05,
    "pretext.training.epochs": 100,
    "pretext.training.batch_windows": 128,
    "pretext.training.steps_per_epoch": None,
    "pretext.training.learning_rate": 1e-3,
    "pretext.training.schedule": "staircase",
    "pretext.training.decay_rate": 0.9,
    "pretext.training.decay_steps": 10_000,
    "head.hidden": (64, 64),
    "head.epochs": 200,
    "head.batch_size": 128,
    "head.learning_rate": 1e-3,
    "window_folds": 10,
}


def setting(profile, name):
    for part in name.split("."):
        profile = getattr(profile, part)
    return profile


def leaves(value, prefix=""):
    """Every setting of a profile by its dotted name, found without the module's own code."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if not isinstance(value, dict):
        return {prefix: value}
    found = {}
    for name, item in value.items():
        found.update(leaves(item, f"{prefix}.{name}" if prefix else name))
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_paper_profile_has_the_published_value(name):
    assert setting(PAPER, name) == PUBLISHED[name]


def test_the_paper_schedule_is_the_published_staircase():
    rate = PAPER.pretext.training.rate(N_WINDOWS)
    for step in (0, 1, 9_999, 10_000, 19_999, 20_000, 123_456):
        assert float(rate(step)) == pytest.approx(1e-3 * 0.9 ** (step // 10_000), rel=1e-5)


def test_the_paper_passes_over_all_windows_in_an_epoch():
    assert PAPER.pretext.training.steps(N_WINDOWS) == 125


def test_quick_keeps_the_method():
    """`quick` changes sizes, schedule, regularisation, task weights and batch normalisation."""
    may_change = (
        "windows.last_s",
        "encoder.pool_stride",
        "encoder.batch_norm",
        "encoder.convolution",
        "pretext.training.",
        "pretext.task_weights.",
        "pretext.balanced",
        "pretext.dropout",
        "pretext.n_groups",
        "pretext.heldout_windows",
        "head.dropout",
        "head.l2",
        "head.epochs",
        "contrastive.training.",
        "comparison.tuning.training.",
        "comparison.head.training.",
        "comparison.n_groups",
        "comparison.folds_per_group",
        "comparison.labelled",
        "comparison.seeds",
    )
    changed = differences(QUICK, PAPER).index
    assert [name for name in changed if not name.startswith(may_change)] == []
    assert sum(QUICK.pretext.task_weights.values()) == pytest.approx(1)


def test_fast_is_paper_with_another_pretext():
    may_change = (
        "encoder.batch_norm",
        "encoder.convolution",
        "pretext.training.",
        "pretext.task_weights.",
        "pretext.balanced",
        "pretext.dropout",
    )
    changed = differences(FAST, PAPER).index
    assert [name for name in changed if not name.startswith(may_change)] == []


def test_smoke_changes_nothing_but_amounts():
    """Whatever runs in `smoke` is what runs in `quick`, only less of it."""
    amounts = ("epochs", "batch_windows", "steps_per_epoch", "warmup_steps", "learning_rate",
               "heldout_windows", "labelled", "seeds", "n_groups")  # fmt: skip
    changed = differences(SMOKE, QUICK).index
    assert [name for name in changed if not name.endswith(amounts)] == []
    assert SMOKE.windows == QUICK.windows and SMOKE.encoder == QUICK.encoder


def test_differences_lists_exactly_what_differs():
    quick, paper = leaves(QUICK), leaves(PAPER)
    assert quick.keys() == paper.keys()
    expected = {name for name in quick if quick[name] != paper[name]} - {"name"}
    frame = differences(QUICK, PAPER)
    assert set(frame.index) == expected and frame.index.is_unique
    assert list(frame.columns) == ["quick", "paper"]
    assert frame.loc["pretext.training.epochs"].tolist() == [
        str(QUICK.pretext.training.epochs),
        "100",
    ]
    assert frame.loc["pretext.task_weights.noise"].tolist() == ["0.142857", "0.195"]
    assert frame.loc["windows.last_s"].tolist() == [f"{QUICK.windows.last_s:g}", "None"]


def test_differences_of_single_changes():
    assert differences(PAPER, PAPER).empty
    assert differences(PAPER, replace(PAPER, name="same")).empty
    seed = replace(PAPER, name="other", seed=1)
    assert differences(PAPER, seed).to_dict("index") == {"seed": {"paper": "0", "other": "1"}}
    deep = replace(PAPER, encoder=replace(PAPER.encoder, kernels=(16, 8, 4)))
    assert list(differences(PAPER, deep).index) == ["encoder.kernels"]


def test_differences_show_a_setting_that_one_profile_lacks():
    fewer = dict(PAPER.pretext.task_weights)
    del fewer["noise"]
    pretext = replace(PAPER.pretext)
    object.__setattr__(pretext, "task_weights", fewer)  # which the settings themselves refuse
    lacking = replace(PAPER, name="fewer", pretext=pretext)
    frame = differences(PAPER, lacking)
    assert frame.to_dict("index") == {
        "pretext.task_weights.noise": {"paper": "0.195", "fewer": "–"}
    }


def test_which_profile_is_used(monkeypatch):
    monkeypatch.delenv("ECGLIB_PROFILE", raising=False)
    assert get_profile() is QUICK
    monkeypatch.setenv("ECGLIB_PROFILE", "")
    assert get_profile() is QUICK
    monkeypatch.setenv("ECGLIB_PROFILE", "paper")
    assert get_profile() is PAPER
    assert get_profile("quick") is QUICK
    assert set(PROFILES) == {"quick", "fast", "paper", "smoke"}


def test_an_unknown_profile_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"'faster'.*quick, fast, paper, smoke"):
        get_profile("faster")
    monkeypatch.setenv("ECGLIB_PROFILE", "papr")
    with pytest.raises(ValueError, match="'papr'"):
        get_profile()
