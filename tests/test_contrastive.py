import json
import math
import warnings
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from ecglib import contrastive, contrastive_plots
from ecglib.artifacts import load_arrays
from ecglib.contrastive import (
    CollapseWarning,
    ContrastiveConfig,
    ContrastiveModel,
    Probes,
    build_projection_head,
    collapse_report,
    nt_xent,
    unit_vectors,
)
from ecglib.errors import DataError
from ecglib.models import EncoderConfig, build_encoder
from ecglib.pretrain import CHECKPOINT, TrainingConfig, pretrain
from ecglib.study import Study
from ecglib.views import ViewConfig

LENGTH, N_WINDOWS, WIDTH = 160, 24, 6
TRAINING = TrainingConfig(
    epochs=3, batch_windows=8, steps_per_epoch=3, learning_rate=1e-2, schedule="staircase"
)
VIEWS = ViewConfig(
    warp_probability=0, permute_probability=0, invert_probability=0, negate_probability=0
)
"""What is drawn from the seed and quick to trace."""


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def reference(z, temperature):
    """Equation 1 of the paper, row by row in float64; gives losses and hits."""
    z = np.asarray(z, "float64")
    losses, hits = [], []
    for i in range(len(z)):
        partner = i + 1 if i % 2 == 0 else i - 1
        similarity = {}
        for k in range(len(z)):
            if k != i:
                lengths = math.sqrt((z[i] ** 2).sum()) * math.sqrt((z[k] ** 2).sum())
                similarity[k] = float((z[i] * z[k]).sum()) / lengths
        most = max(similarity.values())
        total = sum(math.exp((s - most) / temperature) for s in similarity.values())
        losses.append(math.log(total) - (similarity[partner] - most) / temperature)
        hits.append(max(similarity, key=similarity.get) == partner)
    return np.array(losses), np.array(hits)


def projections(n, d=16, closeness=1.0, seed=0):
    """Two views of each of `n` windows that have something in common."""
    rng = np.random.default_rng(seed)
    common = closeness * np.repeat(rng.normal(size=(n, d)), 2, axis=0)
    return (common + rng.normal(size=(2 * n, d))).astype("float32")


def windows(n=N_WINDOWS, seed=0):
    return np.random.default_rng(seed).normal(size=(n, LENGTH)).astype("float32")


def tiny_model(views=VIEWS, **kwargs):
    config = EncoderConfig(filters=(4, WIDTH), kernels=(8, 4), pool_stride=8, batch_norm=True)
    encoder = build_encoder(config, LENGTH, seed=1)
    return ContrastiveModel(
        encoder, build_projection_head(WIDTH, (5, 3), 2), views, seed=3, **kwargs
    )


def state(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def train(model, folder=None, config=TRAINING, X=None, **kwargs):
    options = {"seed": 7, "folder": folder, "jit_compile": False, **kwargs}
    history = pretrain(model, windows() if X is None else X, config, **options)
    return history, state(model)


class Vectors(keras.Model):
    """Nothing but vectors that learn: one step of size 1 shows the gradient of their loss."""

    def __init__(self, z, temperature):
        super().__init__()
        self.z = self.add_weight(shape=z.shape, initializer="zeros", name="z")
        self.z.assign(z)
        self.temperature = temperature
        self.build((None, 1))

    def call(self, x):
        return self.z + 0 * keras.ops.mean(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ContrastiveModel.compute_loss(self, y_pred={"projections": y_pred})


def gradient(z, temperature):
    model = Vectors(z, temperature)
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    model.train_on_batch(np.zeros((1, 1), "float32"))
    return z - model.z.numpy()


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("size", [1.0, 1e30])
@pytest.mark.parametrize("closeness", [0.0, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("n", [2, 3, 16, 33])
def test_loss_against_a_slow_reference(n, closeness, size, temperature):
    z = projections(n, closeness=closeness, seed=n) * np.float32(size)
    loss, correct = nt_xent(z, temperature)
    expected, hits = reference(z, temperature)
    assert loss.shape == correct.shape == (2 * n,)
    assert np.abs(as_numpy(loss) - expected).max() < 1e-6
    assert abs(as_numpy(loss).astype("float64").mean() - expected.mean()) < 1e-6
    np.testing.assert_array_equal(as_numpy(correct), hits)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("n", [2, 16, 33])
def test_loss_where_only_float32_is_available(monkeypatch, n, temperature):
    monkeypatch.setattr(contrastive, "_WIDE", "float32")
    for closeness in (0.0, 1.0, 5.0, 50.0):
        z = projections(n, closeness=closeness, seed=n)
        loss, correct = nt_xent(z, temperature)
        expected, hits = reference(z, temperature)
        assert (np.abs(as_numpy(loss) - expected) < 1e-7 / temperature + 1e-6 * expected).all()
        np.testing.assert_array_equal(as_numpy(correct), hits)


@pytest.mark.parametrize("temperature", [0.05, 0.2])
def test_compiled_mean_loss_of_a_model_against_the_reference(temperature):
    z = projections(33, closeness=0.0)
    model = Vectors(z, temperature)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=True)
    loss = float(model.train_on_batch(np.zeros((1, 1), "float32")))
    assert abs(loss - reference(z, temperature)[0].mean()) < 1e-6


@pytest.mark.parametrize("size", [1e-5, 1e5, 1e20, 1e30])
def test_the_length_of_a_projection_does_not_matter(size):
    z = projections(8)
    sizes = np.where(np.arange(16) % 3, 1.0, size).astype("float32")[:, None]
    loss = as_numpy(nt_xent(z * sizes, 0.2)[0])
    assert np.abs(loss - reference(z * sizes, 0.2)[0]).max() < 1e-6


def test_loss_of_known_configurations():
    alike = np.ones((10, 4), "float32")
    loss, correct = nt_xent(alike, 0.1)
    np.testing.assert_allclose(as_numpy(loss), math.log(9), rtol=1e-6)
    assert not as_numpy(correct).any()
    for n, d in ((5, 3), (16, 64), (33, 128)):
        point = np.repeat(projections(1, d)[:1], 2 * n, axis=0)
        assert not as_numpy(nt_xent(point, 0.1)[1]).any()
    # Partners equal, everything else orthogonal: log(1 + (2N - 2) exp(-1 / T)).
    apart = np.repeat(np.eye(5, dtype="float32"), 2, axis=0)
    loss, correct = nt_xent(apart, 0.1)
    np.testing.assert_allclose(as_numpy(loss), math.log1p(8 * math.exp(-10)), rtol=1e-5)
    assert as_numpy(correct).all()


def test_rows_may_come_in_any_order_of_windows():
    z = projections(6)
    order = np.random.default_rng(1).permutation(6)
    shuffled = z.reshape(6, 2, -1)[order].reshape(12, -1)
    expected = as_numpy(nt_xent(z, 0.2)[0]).reshape(6, 2)[order].ravel()
    np.testing.assert_allclose(as_numpy(nt_xent(shuffled, 0.2)[0]), expected, rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_gradient_against_finite_differences(temperature):
    z = projections(4, d=5)
    step, expected = 1e-5, np.empty(z.shape)
    for index in np.ndindex(*z.shape):
        up, down = z.astype("float64"), z.astype("float64")
        up[index] += step
        down[index] -= step
        rise = reference(up, temperature)[0].mean() - reference(down, temperature)[0].mean()
        expected[index] = rise / (2 * step)
    np.testing.assert_allclose(gradient(z, temperature), expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    "z",
    [
        np.zeros((8, 4)),
        np.ones((8, 4)),
        np.where(np.arange(8)[:, None] == 3, 0, projections(4, 4)),
        1e30 * projections(4, 4),
        1e-38 * projections(4, 4),
    ],
    ids=["zero", "alike", "one zero", "huge", "tiny"],
)
def test_loss_and_gradient_stay_finite(z):
    z = z.astype("float32")
    for temperature in (0.01, 1.0):
        assert np.isfinite(as_numpy(nt_xent(z, temperature)[0])).all()
        assert np.isfinite(gradient(z, temperature)).all()


def test_half_precision_is_widened():
    z = projections(8).astype("float16")
    loss, correct = nt_xent(z, 0.05)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert keras.backend.standardize_dtype(correct.dtype) == "float32"
    expected = reference(z, 0.05)[0]
    assert np.abs(as_numpy(loss) - expected).max() < 1e-6


def test_unit_vectors():
    z = projections(4).astype("float64")
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(as_numpy(unit_vectors(z)), z / lengths, atol=1e-6)
    short = (1e-9 * z).astype("float32")
    np.testing.assert_allclose(as_numpy(unit_vectors(short)), short / 1e-6, rtol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_without_negatives_there_is_no_loss(rows):
    with pytest.raises(ValueError, match="has no negatives"):
        nt_xent(np.ones((rows, 3), "float32"), 0.1)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_an_impossible_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        nt_xent(projections(2), temperature)
    with pytest.raises(ValueError, match="temperature"):
        ContrastiveConfig(TRAINING, temperature=temperature)
    with pytest.raises(ValueError, match="temperature"):
        tiny_model(temperature=temperature)


def test_configuration():
    config = ContrastiveConfig(replace(TRAINING, batch_windows=16))
    assert config.chance == 1 / 31
    with pytest.raises(ValueError, match="1 windows has no negatives"):
        ContrastiveConfig(replace(TRAINING, batch_windows=1))
    for projection in ((), (8, 0)):
        with pytest.raises(ValueError, match="projection is"):
            ContrastiveConfig(TRAINING, projection=projection)


def test_projection_head_is_dense_relu_dense():
    head = build_projection_head(WIDTH, (7, 3), seed=4)
    rng = np.random.default_rng(0)
    head.set_weights([rng.normal(size=w.shape) for w in head.get_weights()])
    w1, b1, w2, b2 = (w.astype("float64") for w in head.get_weights())
    x = rng.normal(size=(5, WIDTH))
    expected = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    assert (expected < 0).any()
    np.testing.assert_allclose(as_numpy(head(x.astype("float32"))), expected, rtol=1e-3, atol=1e-4)
    one, twin, other = (build_projection_head(WIDTH, (7, 3), s).get_weights() for s in (1, 1, 2))
    assert same(one, twin) and not same(one, other)


def test_model_output_loss_and_metrics():
    model = tiny_model(temperature=0.5)
    out = {name: as_numpy(value) for name, value in model(windows(8), training=False).items()}
    assert out["projections"].shape == (16, 3) and out["features"].shape == (16, WIDTH)
    losses, hits = reference(out["projections"], 0.5)
    penalty = float(sum(model.losses))
    assert penalty > 0
    assert float(model.compute_loss(y_pred=out)) == pytest.approx(losses.mean() + penalty, rel=1e-5)
    model.reset_metrics()
    found = model.compute_metrics(None, None, out)
    assert float(found["contrastive_accuracy"]) == pytest.approx(hits.mean())
    unit = out["features"] / np.linalg.norm(out["features"], axis=1, keepdims=True)
    assert float(found["feature_std"]) == pytest.approx(unit.std(axis=0).mean(), rel=1e-4)


def test_without_transformations_every_view_finds_its_twin():
    off = {name: 0.0 for name in vars(VIEWS) if name.endswith("_probability")}
    model = tiny_model(replace(VIEWS, **off))
    model.compile(jit_compile=False)
    assert model.evaluate(windows(8), batch_size=8, return_dict=True, verbose=0)[
        "contrastive_accuracy"
    ] == pytest.approx(1.0)


def test_evaluation_uses_whole_batches_only():
    seen = []

    class Watching(ContrastiveModel):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            seen.append(len(y_pred["projections"]) // 2)
            return super().compute_metrics(x, y, y_pred, sample_weight)

    model = tiny_model()
    model.__class__ = Watching
    model.compile(run_eagerly=True)
    scores = model.evaluate(windows(21), batch_size=8, return_dict=True, verbose=0)
    assert seen == [8, 8]
    assert set(scores) == {"loss", "contrastive_accuracy", "feature_std"}
    assert np.isfinite(list(scores.values())).all()
    with pytest.raises(ValueError, match="7 windows are fewer than one batch of 8"):
        model.evaluate(windows(7), batch_size=8)


def test_mixed_precision_trains():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = tiny_model()
        out = model(windows(8))
        assert keras.backend.standardize_dtype(model.views(windows(8)).dtype) == "float32"
        assert keras.backend.standardize_dtype(out["projections"].dtype) == "float16"
        losses, _ = reference(as_numpy(out["projections"]), 0.2)
        loss = float(model.compute_loss(y_pred=out) - sum(model.losses))
        assert loss == pytest.approx(losses.mean(), rel=1e-5)
    finally:
        keras.config.set_dtype_policy("float32")


class Fault(Exception):
    pass


class Faulty(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise Fault


@pytest.fixture(scope="module")
def whole():
    """History and final state of an uninterrupted run."""
    return train(tiny_model(), X_val=windows(9, seed=1))


def test_pretraining_logs_everything(whole):
    history = whole[0].frame()
    quantities = ["contrastive_accuracy", "feature_std", "loss"]
    assert history.columns.tolist() == [*quantities, *(f"val_{q}" for q in quantities)]
    assert len(history) == TRAINING.epochs and np.isfinite(history).all(axis=None)


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path, whole, probed):
    """And probes change nothing in what follows."""
    X_val = windows(9, seed=1)
    with pytest.raises(Fault):
        train(tiny_model(), tmp_path, X_val=X_val, callbacks=[Faulty()])
    # The states of the random views are among the compared and stored ones, and move.
    model = tiny_model()
    seeds = [i for i, v in enumerate(model.variables) if "seed_generator" in v.path]
    stored = load_arrays(tmp_path / CHECKPOINT)[f"state/{seeds[0]}"]
    assert len(seeds) == 1 and not np.array_equal(stored, model.variables[seeds[0]].numpy())
    probes = Probes(*probed, heldout=[7], every=2, n_splits=3)
    history, final = train(model, tmp_path, X_val=X_val, callbacks=[probes])
    assert same(final, whole[1]) and history == whole[0]
    assert probes.frame().index.tolist() == [2]


def waves(n=64, seed=0):
    """Windows that a wave's frequency and form tell apart, whatever the view."""
    rng = np.random.default_rng(seed)
    time = np.arange(LENGTH)
    cycles = rng.uniform(4, 30, (n, 1))
    wave = np.sin(2 * np.pi * (cycles * time / LENGTH + rng.uniform(size=(n, 1))))
    return (np.sign(wave) * np.abs(wave) ** rng.uniform(0.2, 2, (n, 1))).astype("float32")


LONG = replace(TRAINING, epochs=8, steps_per_epoch=10, batch_windows=16)
MILD = replace(VIEWS, noise_probability=0, crop_share=(0.95, 1.0), scale_factor=(0.8, 1.2))


def test_it_learns_from_windows_alone_compiled():
    model, new = tiny_model(MILD), waves(32, seed=1)
    before = float(model.compute_loss(y_pred=model(new, training=False)))
    train(model, config=LONG, X=waves(), jit_compile=True)
    out = model(new, training=False)
    after, (_, correct) = float(model.compute_loss(y_pred=out)), nt_xent(out["projections"], 0.2)
    assert after < before - 0.5
    # 64 views: guessing is right in 1 of 63.
    assert as_numpy(correct).mean() > 0.1


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


@pytest.fixture(scope="module")
def probed():
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
        train(model, config=replace(LONG, learning_rate=3e-2), X=X, callbacks=[probes])
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


@pytest.mark.parametrize("batch", [8, 9])
def test_a_study_trains_whatever_the_ratings_and_however_few_are_left_out(probed, tmp_path, batch):
    X, meta, labels = probed
    meta = meta.assign(valence=3, arousal=1 + 4 * labels["state"], dominance=5)
    training = replace(TRAINING, batch_windows=batch)
    study = SimpleNamespace(
        usable=SimpleNamespace(X=X, meta=meta),
        groups=[[2], [1, 3, 4, 5, 6]],
        profile=SimpleNamespace(
            seed=0,
            contrastive=ContrastiveConfig(training),
            pretext=SimpleNamespace(heldout_windows=30),
        ),
        root=tmp_path,
        contrastive_model=lambda group: tiny_model(),
        _contrastive_source=lambda group: {"batch": batch},
    )
    with pytest.warns(UserWarning, match="is not probed"):
        arrays = Study._train_contrastive(study, 0)
    history, probes = (json.loads(str(arrays[name])) for name in ("history", "probes"))
    # The one person who is left out has eight windows.
    assert ("val_loss" in history[0]) == (batch == 8)
    assert len(history) == TRAINING.epochs and np.isfinite(history[-1]["loss"])
    assert "linear_arousal" in probes[0] and "linear_valence" not in probes[0]


def test_curves_need_nobody_left_out():
    history = pd.DataFrame({"loss": [3.0, 2.0], "contrastive_accuracy": [0.0, 0.0]}, index=[1, 2])
    fig = contrastive_plots.contrastive_curves(history, 0.03, "synthetic")
    assert [len(ax.lines) for ax in fig.axes] == [2, 1]
    # The line of guessing is on the axes.
    assert fig.axes[0].get_ylim()[1] > 0.03


def test_numbers_of_participants_do_not_cover_each_other():
    points = np.random.default_rng(0).normal(size=(40, 2))
    person = np.arange(40) % 10
    fig = contrastive_plots.embedding(points, person, 1 + person % 5, "arousal", "synthetic")
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert len(boxes) == 10
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
