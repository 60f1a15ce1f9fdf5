import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.artifacts import fingerprint, load_arrays, plain
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import TrainingConfig
from ecglib.pretext import contrastive, pretrain
from ecglib.pretext.contrastive import (
    ANYONE,
    NEGATIVES,
    OTHERS,
    SAME,
    ContrastiveConfig,
    ContrastiveModel,
    build_projection_head,
    nt_xent,
    unit_vectors,
)
from ecglib.pretext.pretrain import CHECKPOINT
from ecglib.pretext.views import ViewConfig

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
    history = pretrain.train(model, windows() if X is None else X, config, **options)
    return history, state(model)


class Vectors(keras.Model):
    """Nothing but vectors that learn: one step of size 1 shows the gradient of their loss."""

    def __init__(self, z, temperature):
        super().__init__()
        self.z = self.add_weight(shape=z.shape, initializer="zeros", name="z")
        self.z.assign(z)
        self.temperature, self.negatives = temperature, ANYONE
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


@pytest.mark.compiled
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
        with pytest.raises(ValueError, match="projection"):
            ContrastiveConfig(TRAINING, projection=projection)


# --- whose windows are negatives ----------------------------------------------------------------


def test_the_negatives_of_four_rows_by_hand():
    # Two windows. Cosines: partners 1 and 0, and between windows 1, 0, 1 and 0.
    z = np.array([[1, 0], [2, 0], [3, 0], [0, 1]], "float32")
    e = math.exp
    # Row 0: partner 1, negatives 1 and 0. Row 2: partner 0, negatives 1 and 1. Row 3: 0, 0 and 0.
    row_0 = -math.log(e(1) / (e(1) + e(1) + 1))
    row_2, row_3 = -math.log(1 / (1 + 2 * e(1))), -math.log(1 / 3)
    all_four = [row_0, row_0, row_2, row_3]
    for participant, negatives, expected in (
        ([5, 5], ANYONE, all_four),
        ([5, 5], SAME, all_four),
        ([5, 5], OTHERS, [0.0] * 4),
        ([5, 6], OTHERS, all_four),
        ([5, 6], SAME, [0.0] * 4),
    ):
        loss, correct = nt_xent(z, 1.0, participant, negatives)
        np.testing.assert_allclose(as_numpy(loss), expected, rtol=1e-6)
        assert not as_numpy(correct).any()  # ties, or nothing to be told apart from


def chosen_reference(z, temperature, participant, negatives):
    """The loss of every view over its partner and the negatives that are meant."""
    z = np.asarray(z, "float64")
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    whose = np.repeat(participant, 2)
    losses, hits = [], []
    for i in range(len(z)):
        others = [k for k in range(len(z)) if k // 2 != i // 2]
        meant = [k for k in others if (whose[k] == whose[i]) == (negatives == SAME)]
        if not meant:
            losses.append(0.0)
            hits.append(False)
            continue
        partner, rest = z[i] @ z[i ^ 1], z[meant] @ z[i]
        losses.append(np.log1p(np.exp((rest - partner) / temperature).sum()))
        hits.append(partner > rest.max())
    return np.array(losses), np.array(hits)


@pytest.mark.parametrize("negatives", [SAME, OTHERS])
@pytest.mark.parametrize("participant", [[1, 1, 2, 2, 2, 3], [4] * 6, [1, 2, 3, 4, 5, 6]])
def test_negatives_of_participants_are_those_that_the_loops_count(negatives, participant):
    z = projections(6, closeness=0.7)
    loss, correct = nt_xent(z, 0.2, participant, negatives)
    expected, hits = chosen_reference(z, 0.2, participant, negatives)
    np.testing.assert_allclose(as_numpy(loss), expected, atol=1e-6, rtol=1e-6)
    assert as_numpy(correct).tolist() == hits.astype(float).tolist()


def test_without_negatives_gradients_are_zero_not_missing():
    variable = keras.Variable(projections(2))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(nt_xent(variable.value, 0.1, [1, 2], SAME)[0])
    assert not as_numpy(tape.gradient(loss, variable.value)).any()


def test_negatives_and_batches_have_to_fit():
    config = ContrastiveConfig(
        replace(TRAINING, batch_windows=16), negatives=SAME, windows_per_participant=8
    )
    assert (config.n_negatives, config.chance) == (14, 1 / 15)
    assert replace(config, negatives=OTHERS).chance == 1 / 17
    assert replace(config, negatives=ANYONE).chance == 1 / 31
    with pytest.raises(ValueError, match="need windows_per_participant"):
        ContrastiveConfig(TRAINING, negatives=OTHERS)
    with pytest.raises(ValueError, match="unknown: 'some'"):
        ContrastiveConfig(TRAINING, negatives="some")
    for negatives, own in ((SAME, 1), (SAME, 3), (OTHERS, 8), (ANYONE, 16)):
        with pytest.raises(ValueError, match=f"windows_per_participant is {own}"):
            ContrastiveConfig(TRAINING, negatives=negatives, windows_per_participant=own)
    with pytest.raises(ValueError, match="need to know whose each window is"):
        nt_xent(projections(2), 0.1, negatives=SAME)
    with pytest.raises(ValueError, match="unknown: 'some'"):
        tiny_model(negatives="some")


def test_settings_of_before_keep_their_name():
    new = {"negatives": ANYONE, "windows_per_participant": None}
    assert fingerprint({"c": ContrastiveConfig(TRAINING)}) == fingerprint(
        {"c": ContrastiveConfig(TRAINING, **new)}
    )
    assert not set(new) & set(plain(ContrastiveConfig(TRAINING)))
    other = ContrastiveConfig(TRAINING, negatives=SAME, windows_per_participant=4)
    assert set(new) < set(plain(other))


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_a_model_is_trained_with_the_negatives_that_it_is_given(negatives):
    X, whose = windows(), np.repeat([*"abcd"], 6)
    config = ContrastiveConfig(TRAINING, VIEWS, negatives=negatives, windows_per_participant=4)
    shape = EncoderConfig(filters=(4, WIDTH), kernels=(8, 4), pool_stride=8)
    options = {"jit_compile": False, "X_val": windows(16, seed=1)}
    options |= {"participant": whose, "participant_val": np.repeat([1, 2], 8)}
    one, twin = (pretrain.pretrain(X, config, shape, seed=3, **options) for _ in range(2))
    assert one.model.negatives == negatives and one.history == twin.history
    assert same([v.numpy() for v in one.model.variables], [v.numpy() for v in twin.model.variables])
    history = one.history.frame()
    assert np.isfinite(history).all(axis=None) and "val_contrastive_accuracy" in history
    # The loss of a batch is that of its negatives.
    z = one.model(X[:8], training=False)
    expected = nt_xent(z["projections"], 0.2, [0, 0, 0, 0, 1, 1, 1, 1], negatives)[0]
    found = one.model.compute_loss(y=np.repeat([0, 1], 4), y_pred=z)
    penalties = sum(float(penalty) for penalty in one.model.losses)
    assert float(found) == pytest.approx(as_numpy(expected).mean() + penalties, rel=1e-5)
    with pytest.raises(DataError, match="it is not said whose each window is"):
        pretrain.pretrain(X, config, shape, jit_compile=False)


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
    """Fails in the second epoch, when the first is in the checkpoint."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
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


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path, whole):
    X_val = windows(9, seed=1)
    with pytest.raises(Fault):
        train(tiny_model(), tmp_path, X_val=X_val, callbacks=[Faulty()])
    # The states of the random views are among the compared and stored ones, and move.
    model = tiny_model()
    seeds = [i for i, v in enumerate(model.variables) if "seed_generator" in v.path]
    stored = load_arrays(tmp_path / CHECKPOINT)[f"state/{seeds[0]}"]
    assert len(seeds) == 1 and not np.array_equal(stored, model.variables[seeds[0]].numpy())
    history, final = train(model, tmp_path, X_val=X_val)
    assert same(final, whole[1]) and history == whole[0]


def waves(n=64, seed=0):
    """Windows that a wave's frequency and form tell apart, whatever the view."""
    rng = np.random.default_rng(seed)
    time = np.arange(LENGTH)
    cycles = rng.uniform(4, 30, (n, 1))
    wave = np.sin(2 * np.pi * (cycles * time / LENGTH + rng.uniform(size=(n, 1))))
    return (np.sign(wave) * np.abs(wave) ** rng.uniform(0.2, 2, (n, 1))).astype("float32")


LONG = replace(TRAINING, epochs=8, steps_per_epoch=10, batch_windows=16)
MILD = replace(VIEWS, noise_probability=0, crop_share=(0.95, 1.0), scale_factor=(0.8, 1.2))


@pytest.mark.compiled
def test_it_learns_from_windows_alone_compiled():
    model, new = tiny_model(MILD), waves(32, seed=1)
    before = float(model.compute_loss(y_pred=model(new, training=False)))
    train(model, config=LONG, X=waves(), jit_compile=True)
    out = model(new, training=False)
    after, (_, correct) = float(model.compute_loss(y_pred=out)), nt_xent(out["projections"], 0.2)
    assert after < before - 0.5
    # 64 views: guessing is right in 1 of 63.
    assert as_numpy(correct).mean() > 0.1
