"""Features while they are trained: what probes read, whether they collapsed, and no row lost."""

import json
import os
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from ecglib.core import artifacts
from ecglib.core.artifacts import load_arrays
from ecglib.core.errors import DataError
from ecglib.evaluation.representation import CollapseWarning, Probes, collapse_report
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import TrainingConfig
from ecglib.pretext import pretrain
from ecglib.pretext.contrastive import (
    ContrastiveModel,
    build_projection_head,
    unit_vectors,
)
from ecglib.pretext.pretrain import CHECKPOINT
from ecglib.pretext.views import ViewConfig

LENGTH, WIDTH = 160, 6
TRAINING = TrainingConfig(
    epochs=3, batch_windows=8, steps_per_epoch=3, learning_rate=1e-2, schedule="staircase"
)
VIEWS = ViewConfig(
    warp_probability=0, permute_probability=0, invert_probability=0, negate_probability=0
)
"""What is drawn from the seed and quick to trace."""


def tiny_model(views=VIEWS, **kwargs):
    config = EncoderConfig(filters=(4, WIDTH), kernels=(8, 4), pool_stride=8, batch_norm=True)
    encoder = build_encoder(config, LENGTH, seed=1)
    return ContrastiveModel(
        encoder, build_projection_head(WIDTH, (5, 3), 2), views, seed=3, **kwargs
    )


def train(model, X, folder=None, config=TRAINING, **kwargs):
    """Train as `pretrain.train` does; give the history and everything that has a state."""
    history = pretrain.train(model, X, config, seed=7, folder=folder, jit_compile=False, **kwargs)
    return history, [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


LONG = replace(TRAINING, epochs=8, steps_per_epoch=10, batch_windows=16)
MILD = replace(VIEWS, noise_probability=0, crop_share=(0.95, 1.0), scale_factor=(0.8, 1.2))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_collapse_report(size):
    rng = np.random.default_rng(0)
    gaussian = size * rng.normal(size=(400, 32))
    report = collapse_report(gaussian)
    assert not report["collapsed"] and report["dead_share"] == 0
    assert report["spread"] == pytest.approx(1, abs=0.02)
    assert report["feature_std"] == pytest.approx(32**-0.5, rel=0.02)
    assert 28 < report["effective_rank"] <= 32
    assert report["mean_cosine"] == pytest.approx(0, abs=0.01)

    constant = collapse_report(np.tile(gaussian[:1], (400, 1)).astype("float32"))
    assert constant["collapsed"] and constant["dead_share"] == 1
    assert constant["spread"] == pytest.approx(0, abs=1e-6)
    assert constant["effective_rank"] == 0
    assert constant["mean_cosine"] == pytest.approx(1)

    line = collapse_report(rng.normal(size=(400, 1)) * gaussian[0])
    assert line["collapsed"] and line["effective_rank"] == pytest.approx(1, abs=1e-6)
    assert line["spread"] > 0.5

    point = collapse_report(gaussian[0] * (1 + 1e-3 * rng.normal(size=(400, 32))))
    assert point["collapsed"] and point["spread"] < 0.01 and point["effective_rank"] > 20

    half = gaussian.copy()
    half[:, :16] = 3 * size
    assert collapse_report(half)["dead_share"] == 0.5


def test_effective_rank_and_cosine_by_hand():
    # Centred already; singular values 2, 2 and 1: the entropy of (2/5, 2/5, 1/5).
    values = np.array([2, 2, 1]) / np.sqrt(2)
    features = np.concatenate([np.diag(values), -np.diag(values)])
    shares = np.array([0.4, 0.4, 0.2])
    report = collapse_report(features)
    assert report["effective_rank"] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    # 15 pairs: 3 of opposite vectors, 12 of orthogonal ones.
    assert report["mean_cosine"] == pytest.approx(-3 / 15)


def test_features_that_cannot_be_judged_are_refused():
    for shape in ((2, 5), (5, 1), (5,)):
        with pytest.raises(DataError, match="at least 3 windows and 2 features"):
            collapse_report(np.zeros(shape))
    with pytest.raises(DataError, match="finite"):
        collapse_report(np.full((5, 2), np.nan))


class WithoutNegatives(ContrastiveModel):
    """Draws partners together and nothing apart."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        unit = unit_vectors(y_pred["projections"])
        return keras.ops.mean(keras.ops.square(unit[::2] - unit[1::2])) + sum(self.losses)


PEOPLE, CLIPS, PER_TRIAL = 6, 4, 2


def make_probed():
    """Waves of people who differ in frequency, and of two states that differ in form."""
    grid = np.indices((PEOPLE, CLIPS, PER_TRIAL)).reshape(3, -1)
    meta = pd.DataFrame({"participant": grid[0] + 1, "clip": grid[1] + 1})
    rng = np.random.default_rng(3)
    state = grid[1] % 2
    cycles = 5 + 4 * grid[0] + rng.uniform(-0.3, 0.3, len(meta))
    phase = rng.uniform(size=(len(meta), 1))
    wave = np.sin(2 * np.pi * (cycles[:, None] * np.arange(LENGTH) / LENGTH + phase))
    form = np.where(state[:, None], np.sign(wave), wave)
    return form.astype("float32"), meta, {"state": state}


@pytest.fixture(scope="module")
def probed():
    return make_probed()


def direct(kind):
    """Without head and batch normalisation nothing keeps the features from collapsing."""
    config = EncoderConfig(filters=(4, WIDTH), kernels=(8, 4), pool_stride=8)
    inputs = keras.Input((WIDTH,))
    return kind(build_encoder(config, LENGTH, seed=1), keras.Model(inputs, inputs), MILD, seed=3)


@pytest.mark.parametrize("kind", [ContrastiveModel, WithoutNegatives])
def test_a_real_collapse_is_reported_and_warned_of_once(probed, kind):
    X, meta, labels = probed
    model = direct(kind)
    assert not collapse_report(model.encoder.predict(X, verbose=0))["collapsed"]
    probes = Probes(X, meta, labels, heldout=[], every=2, n_splits=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(model, X, config=replace(LONG, learning_rate=3e-2), callbacks=[probes])
    caught = [w for w in caught if w.category is CollapseWarning]
    frame = probes.frame()
    assert frame.index.tolist() == [2, 4, 6, 8]
    if kind is ContrastiveModel:
        assert not caught and not frame["collapsed"].any()
    else:
        assert frame["collapsed"].iloc[-1]
        assert len(caught) == 1 and "the features collapsed in epoch" in str(caught[0].message)


def test_probes_read_what_is_there(probed):
    X, meta, labels = probed
    noise = np.random.default_rng(0).integers(0, 2, len(meta))
    probes = Probes(X, meta, {**labels, "noise": noise}, heldout=[7], every=3, n_splits=3, k=5)
    probes.set_model(direct(ContrastiveModel))
    for epoch in range(5):
        probes.on_epoch_end(epoch)
    frame = probes.frame()
    assert frame.index.tolist() == [3] and frame.index.name == "epoch"
    assert frame.columns.tolist() == [
        *collapse_report(X).index,
        *(f"{p}_{q}" for q in ("state", "noise", "participant") for p in ("linear", "knn")),
    ]
    row = frame.loc[3]
    assert min(row["linear_state"], row["knn_state"]) > 0.7
    assert min(row["linear_participant"], row["knn_participant"]) > 2 / PEOPLE
    assert abs(row["linear_noise"] - 0.5) < 0.3


def test_probes_test_on_other_people_and_other_trials(probed):
    X, meta, labels = probed
    probes = Probes(X, meta, labels, heldout=[], n_splits=3)
    folds = {name: folds for name, _, folds in probes._questions}
    people = meta["participant"].to_numpy()
    trials = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    for name, groups in (("state", people), ("participant", trials)):
        tested = np.concatenate([test for _, test in folds[name]])
        assert np.array_equal(np.sort(tested), np.arange(len(meta)))
        assert all(not set(groups[train]) & set(groups[test]) for train, test in folds[name])


def test_probes_refuse_held_out_people_and_labels_that_do_not_fit(probed):
    X, meta, labels = probed
    with pytest.raises(DataError, match="participant 4: 2 held-out participants"):
        Probes(X, meta, labels, heldout=[9, 5, 4])
    with pytest.raises(DataError, match="field state: 47 values for 48 rows"):
        Probes(X, meta, {"state": labels["state"][1:]}, heldout=[])
    with pytest.raises(DataError, match="field X: 47 values"):
        Probes(X[1:], meta, labels, heldout=[])
    with pytest.raises(DataError, match="identity"):
        Probes(X, meta, {"participant": labels["state"]}, heldout=[])
    with pytest.raises(DataError, match="at least 1"):
        Probes(X, meta, labels, heldout=[], every=0)


def test_what_cannot_be_probed_is_left_out_with_one_warning(probed):
    X, meta, labels = probed
    only_one = np.where(meta["participant"] == 1, meta["clip"] % 2, 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        questions = {"alike": np.zeros(len(meta), int), **labels, "one person": only_one}
        probes = Probes(X, meta, questions, heldout=[], n_splits=3)
        probes.set_model(direct(ContrastiveModel))
        for epoch in range(2):
            probes.on_epoch_end(epoch)
    caught = [str(w.message) for w in caught if "not probed" in str(w.message)]
    assert len(caught) == 2
    assert "'alike' is not probed" in caught[0] and "windows are of class 0" in caught[0]
    assert "'one person' is not probed" in caught[1]
    frame = probes.frame()
    names = ["linear_state", "knn_state", "linear_participant", "knn_participant"]
    assert frame.filter(regex="linear|knn").columns.tolist() == names
    assert np.isfinite(frame[names]).all(axis=None)


# --- an interrupted training keeps its probes -------------------------------------------------


class Killed(BaseException):
    """Ends a training at once, as a signal would."""


class Killer(keras.callbacks.Callback):
    """Ends the process, or what stands for it, in `on_epoch_end` of an epoch."""

    def __init__(self, epoch, kill):
        super().__init__()
        self.epoch, self.kill = epoch, kill

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.kill()


def stop():
    raise Killed


def at_replace(number, when, kill):
    """Give an `os.replace` that kills before or after it has moved the n-th checkpoint."""
    real, calls = os.replace, []

    def replace_and_kill(source, target):
        calls.append(target)
        if when == "before" and len(calls) == number:
            kill()
        real(source, target)
        if when == "after" and len(calls) == number:
            kill()

    return replace_and_kill


def new_probes(probed, **changes):
    return Probes(*probed, **{"heldout": [7], "n_splits": 2, **changes})


def lean_model():
    """The smallest contrastive model: it is trained many times."""
    glorot = keras.initializers.GlorotUniform
    window, features = keras.Input((LENGTH,)), keras.Input((WIDTH,))
    encoder = keras.Model(
        window, keras.layers.Dense(WIDTH, "tanh", kernel_initializer=glorot(1))(window)
    )
    head = keras.Model(features, keras.layers.Dense(3, kernel_initializer=glorot(2))(features))
    noise = replace(VIEWS, crop_probability=0, scale_probability=0)
    return ContrastiveModel(encoder, head, noise, seed=3)


def probe(probed, folder=None, before=(), after=(), make=lean_model):
    """Train a new model with probes; give their rows, the history and the final state."""
    probes = new_probes(probed)
    history, state = train(make(), probed[0], folder, callbacks=[*before, probes, *after])
    return probes.frame(), history, state


def assert_nothing_is_lost(found, whole):
    assert found[0].index.tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(found[0], whole[0], check_exact=True)
    assert found[1] == whole[1] and same(found[2], whole[2])


def be_killed(folder, where, number):
    """Train with probes until a signal ends the process; see `killed`."""

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    killer = [Killer(number - 1, kill)] if where == "callback" else []
    if where != "callback":
        artifacts.os.replace = at_replace(number, where, kill)
    probe(make_probed(), folder, after=killer, make=tiny_model)


DEATHS = [("callback", 3), ("before", 2), ("after", 3)]
"""After the last epoch's callbacks; while the second checkpoint is written; after the last one."""


@pytest.fixture(scope="module", autouse=True)
def killed(tmp_path_factory):
    """Folders of trainings that are killed by a signal while the other tests run."""
    root = Path(__file__).parents[2]
    started = {}
    for where, number in DEATHS:
        folder = tmp_path_factory.mktemp(f"{where}-{number}")
        process = subprocess.Popen(
            [sys.executable, __file__, folder, where, str(number)],
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started[where, number] = folder, process
    yield started
    for _, process in started.values():
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def whole(probed):
    """What an uninterrupted training gives."""
    return probe(probed)


@pytest.fixture(scope="module")
def whole_of_signals(probed):
    return probe(probed, make=tiny_model)


def test_probes_change_nothing_in_the_training(probed, whole):
    history, state = train(lean_model(), probed[0])
    assert history == whole[1] and same(state, whole[2])


@pytest.mark.parametrize(
    ("epoch", "order"), [(0, "after"), (1, "before"), (1, "after"), (2, "after")]
)
def test_no_probe_is_lost_where_a_callback_ends_the_training(tmp_path, probed, whole, epoch, order):
    with pytest.raises(Killed):
        probe(probed, tmp_path, **{order: [Killer(epoch, stop)]})
    assert (tmp_path / CHECKPOINT).is_file() == (epoch > 0)
    assert_nothing_is_lost(probe(probed, tmp_path), whole)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 3])
def test_no_probe_is_lost_where_a_checkpoint_ends_the_training(
    tmp_path, probed, whole, monkeypatch, number, when
):
    with monkeypatch.context() as patched:
        patched.setattr(artifacts.os, "replace", at_replace(number, when, stop))
        with pytest.raises(Killed):
            probe(probed, tmp_path)
    assert_nothing_is_lost(probe(probed, tmp_path), whole)


def test_no_probe_is_lost_however_often_a_training_ends(tmp_path, probed, whole):
    for epoch in (0, 1, 2, 2):
        with pytest.raises(Killed):
            probe(probed, tmp_path, after=[Killer(epoch, stop)])
    for _ in range(2):  # the second time there is nothing left to train
        assert_nothing_is_lost(probe(probed, tmp_path), whole)


@pytest.mark.parametrize("death", DEATHS)
def test_no_probe_is_lost_where_a_signal_kills_the_process(death, killed, probed, whole_of_signals):
    folder, process = killed[death]
    assert process.wait(timeout=120) == -signal.SIGKILL
    about = json.loads(str(load_arrays(folder / CHECKPOINT)["about"]))
    assert len(about["epochs"]) == {"callback": 2, "before": 1, "after": 3}[death[0]]
    assert_nothing_is_lost(probe(probed, folder, make=tiny_model), whole_of_signals)


def test_probes_that_come_late_are_refused(tmp_path, probed):
    with pytest.raises(Killed):
        train(lean_model(), probed[0], tmp_path, callbacks=[Killer(1, stop)])
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(DataError, match=r"checkpoint\.npz: is the checkpoint of another run"):
        probe(probed, tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_probes_that_ask_something_else_than_before_are_refused(probed):
    X, meta, labels = probed
    state = json.loads(json.dumps(new_probes(probed).state()))
    new_probes((X.copy(), meta.copy(), dict(labels))).restore(state)
    others = [
        new_probes(probed, every=2),
        new_probes(probed, k=3),
        new_probes(probed, seed=1),
        new_probes((X + 1, meta, labels)),
        new_probes((X, meta, {"state": 1 - labels["state"]})),
        new_probes((X, meta, {"mood": labels["state"]})),
    ]
    for other in others:
        with pytest.raises(DataError, match="probed in another way"):
            other.restore(state)


def test_a_collapse_is_warned_of_once_over_an_interruption(probed):
    first, second = new_probes(probed), new_probes(probed)
    for probes in (first, second):
        probes.set_model(direct(ContrastiveModel))
        for layer in probes.model.encoder.layers:
            layer.set_weights([0 * w for w in layer.get_weights()])
    with pytest.warns(CollapseWarning):
        first.on_epoch_end(0)
    second.restore(json.loads(json.dumps(first.state())))
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        second.on_epoch_end(1)
    assert second.frame().index.tolist() == [1, 2]
    pd.testing.assert_series_equal(second.frame().loc[1], first.frame().loc[1])


if __name__ == "__main__":
    be_killed(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))


def test_people_who_are_probed_may_have_names():
    X = np.random.default_rng(0).normal(size=(16, 64)).astype("float32")
    meta = pd.DataFrame({"participant": np.repeat([*"abcd"], 4), "clip": [1, 1, 2, 2] * 4})
    labels = {"valence": np.array([0, 0, 1, 1] * 4)}
    assert Probes(X, meta, labels, heldout=["e"], k=3, n_splits=2).frame().empty
    with pytest.raises(DataError, match="participant d: 1 held-out"):
        Probes(X, meta, labels, heldout=["d"], k=3, n_splits=2)
