import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.artifacts import load_arrays, save_arrays
from ecglib.errors import DataError
from ecglib.models import EncoderConfig, STRModel, build_encoder, build_str_heads
from ecglib.pretrain import CHECKPOINT, TrainingConfig, pretrain, train_epoch, window_stream
from ecglib.transforms import TransformConfig

LENGTH, N_WINDOWS, SEED = 160, 40, 7
CONFIG = TrainingConfig(
    epochs=4,
    batch_windows=8,
    steps_per_epoch=6,
    learning_rate=1e-2,
    schedule="staircase",
    decay_rate=0.5,
    decay_steps=9,
)
SCRIPT = (3.0, 1.0, 2.0, 2.5)
"""Validation losses of `Toy`: best after epoch 2, so a patience of 2 stops after epoch 4."""


def windows(n=N_WINDOWS, seed=0):
    return np.random.default_rng(seed).normal(size=(n, LENGTH)).astype("float32")


def str_model():
    """Seven-task network with everything that has a state: batch norm, dropout, transformations."""
    config = EncoderConfig(filters=(4, 4), kernels=(8, 4), pool_stride=8, batch_norm=True)
    transforms = TransformConfig(warp_n_pieces=4, warp_n_stretched=3, warp_stretch=1.2)
    encoder = build_encoder(config, LENGTH, seed=1)
    return STRModel(encoder, build_str_heads(4, 8, dropout=0.3, seed=2), transforms, seed=3)


class Toy(keras.Model):
    """A model that is compiled in no time and has every kind of state."""

    def __init__(self, units=3):
        super().__init__()
        self.norm = keras.layers.BatchNormalization()
        self.drop = keras.layers.Dropout(0.3, seed=4)
        glorot = keras.initializers.GlorotUniform(5)
        self.dense = keras.layers.Dense(units, kernel_initializer=glorot)
        self(np.zeros((1, LENGTH), "float32"))

    def call(self, x, training=False):
        return self.dense(self.drop(self.norm(x, training=training), training=training))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(keras.ops.square(y_pred - 1.0))


class Scripted(Toy):
    """A toy whose validation loss is known beforehand."""

    def evaluate(self, *args, **kwargs):
        epoch = int(self.optimizer.iterations) // CONFIG.steps_per_epoch
        return {"loss": SCRIPT[epoch - 1]}


class Fault(Exception):
    pass


class Faulty(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Fault


class Watch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.began, self.states, self.rows = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.began.append(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(state(self.model))
        self.rows.append(logs)


def state(model):
    """Everything that training changes, the optimiser and the random states included."""
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def train(model, folder=None, config=CONFIG, X=None, **kwargs):
    options = {"seed": SEED, "folder": folder, "jit_compile": False, **kwargs}
    history = pretrain(model, windows() if X is None else X, config, **options)
    return history, state(model)


class KilledInEpochThree(STRModel):
    """Dies by SIGKILL, as an out-of-memory killer does it, in the middle of the third epoch."""

    def train_on_batch(self, *args, **kwargs):
        if int(self.optimizer.iterations) == 5 * CONFIG.steps_per_epoch // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train_on_batch(*args, **kwargs)


def be_killed(folder):
    model = str_model()
    model.__class__ = KilledInEpochThree
    train(model, folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folder of a training process that is killed while the other tests run."""
    folder = tmp_path_factory.mktemp("killed")
    here = Path(__file__)
    process = subprocess.Popen(
        [sys.executable, here, folder],
        env={**os.environ, "PYTHONPATH": str(here.parents[1])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield folder, process
    process.kill()
    process.wait()


@pytest.fixture(scope="module", autouse=True)
def start_early(killed):
    """Let the process start at once: by the time its test comes, it is dead."""


@pytest.fixture(scope="module")
def whole():
    """History and final state of an uninterrupted run of the seven-task network."""
    return train(str_model())


@pytest.fixture(scope="module")
def whole_toy():
    return train(Toy())


def test_resuming_after_faults_changes_nothing(tmp_path, whole_toy):
    history, final = whole_toy
    for epoch in (0, 2):
        with pytest.raises(Fault):
            train(Toy(), tmp_path, callbacks=[Faulty(epoch)])
    watch = Watch()
    resumed, weights = train(Toy(), tmp_path, callbacks=[watch])
    assert watch.began == [3]
    assert same(weights, final)
    assert resumed == history and len(history.epochs) == CONFIG.epochs


def test_resuming_after_a_real_kill_changes_nothing(killed, whole):
    folder, process = killed
    assert process.wait(timeout=120) == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == [CHECKPOINT]
    about = json.loads(str(load_arrays(folder / CHECKPOINT)["about"]))
    history, final = whole
    assert about["epochs"] == history.epochs[:2]
    watch = Watch()
    resumed, weights = train(str_model(), folder, callbacks=[watch])
    assert watch.began == [2, 3]
    assert same(weights, final)
    assert resumed == history


def test_the_compared_state_is_complete_and_moves(whole):
    """The tests above would say little of states that are missing or stand still."""
    model = str_model()
    model.compile(keras.optimizers.Adam(CONFIG.rate(N_WINDOWS)))
    model.optimizer.build(model.trainable_variables)
    paths = [v.path for v in [*model.variables, *model.optimizer.variables]]
    changed = [not np.array_equal(a, b) for a, b in zip(state(model), whole[1], strict=True)]
    for part in ("kernel", "moving_variance", "seed_generator_state", "iteration", "velocity"):
        found = [change for path, change in zip(paths, changed, strict=True) if part in path]
        assert found and any(found), part
    assert np.mean(changed) > 0.9


def test_a_run_is_reproduced_and_depends_on_its_seed(whole_toy):
    assert same(train(Toy())[1], whole_toy[1])
    assert not same(train(Toy(), seed=SEED + 1)[1], whole_toy[1])


def test_one_trace_serves_all_epochs_and_no_warning(recwarn):
    traces = []

    class Counting(STRModel):
        def train_step(self, data):
            traces.append("train")
            return super().train_step(data)

        def test_step(self, data):
            traces.append("test")
            return super().test_step(data)

    model = str_model()
    model.__class__ = Counting
    history, _ = train(model, X_val=windows(16, seed=1))
    assert traces == ["train", "test"]
    assert [str(w.message) for w in recwarn if w.category is UserWarning] == []
    assert history.frame().columns.tolist() == [
        "balanced_accuracy",
        "loss",
        "val_balanced_accuracy",
        "val_loss",
    ]
    assert history.frame().index.tolist() == [1, 2, 3, 4]
    assert history.best_epoch is None and not history.stopped_early


EARLY = replace(CONFIG, epochs=6, patience=2)


@pytest.fixture(scope="module")
def stopped():
    """The states after each epoch, the history and the final state of a run that stops early."""
    watch = Watch()
    return watch.states, *train(Scripted(), config=EARLY, X_val=windows(8), callbacks=[watch])


def test_early_stopping_goes_back_to_the_best_epoch(stopped):
    states, history, final = stopped
    assert history.stopped_early and history.best_epoch == 2
    assert [row["val_loss"] for row in history.epochs] == list(SCRIPT)
    n = len(Scripted().variables)
    assert same(final[:n], states[1][:n]) and not same(final[:n], states[3][:n])


def test_training_to_the_end_keeps_the_last_epoch():
    watch = Watch()
    config = replace(EARLY, patience=3, epochs=4)
    history, final = train(Scripted(), config=config, X_val=windows(8), callbacks=[watch])
    assert not history.stopped_early and history.best_epoch == 2
    assert same(final, watch.states[-1])


@pytest.mark.parametrize("epoch", range(4))
def test_resuming_with_early_stopping_and_a_log(tmp_path, epoch, stopped):
    """Before, at and after the best epoch, and when the decision to stop has fallen."""
    _, history, final = stopped
    logged = {
        "config": EARLY,
        "X_val": windows(8),
        "folder": tmp_path,
        "tensorboard": True,
    }
    with pytest.raises(Fault):
        train(Scripted(), callbacks=[Faulty(epoch)], **logged)
    watch = Watch()
    resumed, weights = train(Scripted(), callbacks=[watch], **logged)
    assert watch.began == list(range(epoch + 1, 4))
    assert same(weights, final) and resumed == history


def test_a_finished_run_is_loaded_and_not_trained_again(tmp_path, whole_toy):
    history, final = train(Toy(), tmp_path)
    assert same(final, whole_toy[1])
    before = (tmp_path / CHECKPOINT).read_bytes()
    watch = Watch()
    again, weights = train(Toy(), tmp_path, callbacks=[watch])
    assert watch.began == [] and again == history and same(weights, final)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_checkpoint_follows_every_epoch(tmp_path):
    seen = []

    class Look(Watch):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            arrays = load_arrays(tmp_path / CHECKPOINT)
            seen.append([arrays[f"state/{i}"] for i in range(len(self.states[-1]))])

    look = Look()
    train(Toy(), tmp_path, callbacks=[look])
    assert len(seen) == CONFIG.epochs
    assert all(same(a, b) for a, b in zip(seen, look.states, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


@pytest.fixture(scope="module")
def good_checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(Toy(), folder, X_val=windows(8))
    return (folder / CHECKPOINT).read_bytes()


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        flipped,
        lambda content: b"no archive",
    ],
    ids=["empty", "half", "last byte missing", "one bit", "text"],
)
def test_a_damaged_checkpoint_is_refused_and_stays(tmp_path, good_checkpoint, damage):
    path = tmp_path / CHECKPOINT
    path.write_bytes(damage(good_checkpoint))
    with pytest.raises(DataError, match=CHECKPOINT):
        train(Toy(), tmp_path, X_val=windows(8))
    assert path.read_bytes() == damage(good_checkpoint)


def changed_windows():
    X = windows()
    X[-1, -1] += 1e-3
    return X


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (Toy, {"seed": SEED + 1}),
        (Toy, {"config": replace(CONFIG, learning_rate=1e-3)}),
        (Toy, {"config": replace(CONFIG, epochs=5)}),
        (Toy, {"X": changed_windows()}),
        (Toy, {"X": windows()[::-1]}),
        (Toy, {"X_val": windows(9)}),
        (Toy, {"X_val": None}),
        (lambda: Toy(units=4), {}),
    ],
    ids=["seed", "rate", "epochs", "a sample", "order", "validation", "no validation", "model"],
)
def test_a_checkpoint_of_another_run_is_refused_and_stays(tmp_path, good_checkpoint, model, other):
    path = tmp_path / CHECKPOINT
    path.write_bytes(good_checkpoint)
    with pytest.raises(DataError, match=r"checkpoint\.npz: is the checkpoint of another run"):
        train(model(), tmp_path, **{"X_val": windows(8), **other})
    assert path.read_bytes() == good_checkpoint


def test_an_archive_of_something_else_is_refused(tmp_path):
    save_arrays(tmp_path / CHECKPOINT, {"x": np.ones(3)})
    with pytest.raises(DataError, match="another run"):
        train(Toy(), tmp_path)


class BadRate(Toy):
    """Loses its weights at the end of the third epoch, when its loss has been computed."""

    def train_on_batch(self, *args, **kwargs):
        logs = super().train_on_batch(*args, **kwargs)
        if int(self.optimizer.iterations) == 3 * CONFIG.steps_per_epoch:
            self.dense.kernel.assign(np.full(self.dense.kernel.shape, np.nan))
        return logs


class BadLoss(Toy):
    """Has weights that are not finite from the beginning of the third epoch on."""

    def train_on_batch(self, *args, **kwargs):
        if int(self.optimizer.iterations) == 2 * CONFIG.steps_per_epoch:
            self.dense.bias.assign(np.full(3, np.inf))
        return super().train_on_batch(*args, **kwargs)


@pytest.mark.parametrize("bad", [BadRate, BadLoss])
def test_training_that_diverges_raises_and_keeps_the_last_good_checkpoint(tmp_path, bad, whole_toy):
    with pytest.raises(FloatingPointError, match=r"epoch 3 .*learning rate"):
        train(bad(), tmp_path)
    watch = Watch()
    history, final = train(Toy(), tmp_path, callbacks=[watch])
    assert watch.began == [2, 3]
    assert same(final, whole_toy[1]) and history == whole_toy[0]


def test_tensorboard_reads_the_log(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    with pytest.raises(Fault):
        train(Toy(), tmp_path, tensorboard=True, X_val=windows(8), callbacks=[Faulty(2)])
    history, _ = train(Toy(), tmp_path, tensorboard=True, X_val=windows(8))
    for folder, column in (("train", "loss"), ("validation", "val_loss")):
        log = EventAccumulator(str(tmp_path / "tensorboard" / folder)).Reload()
        values = {
            event.step: float(tensor_util.make_ndarray(event.tensor_proto))
            for event in log.Tensors("epoch_loss")
        }
        # The third epoch's line is lost with the callback that failed before the log was told.
        assert sorted(values) == [0, 1, 3]
        for step, value in values.items():
            assert value == pytest.approx(history.epochs[step][column], rel=1e-6)


def test_a_terminal_shows_progress(monkeypatch, tmp_path):
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    shown = io.BytesIO()

    def read():
        try:
            while part := os.read(main, 4096):
                shown.write(part)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(terminal, "w") as stderr, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stderr)
        train(Toy(), tmp_path, label="pretext A")
    reader.join()
    os.close(main)
    text = shown.getvalue().decode()
    assert "pretext A" in text and "0/4" in text and "4/4" in text and "loss=" in text


def test_without_a_terminal_nothing_is_printed(capsys):
    train(Toy())
    assert capsys.readouterr() == ("", "")


@settings(deadline=None)
@given(
    n=st.integers(1, 30),
    start=st.integers(0, 100),
    count=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_window_stream_is_one_endless_sequence(n, start, count, seed):
    part = window_stream(n, start, count, seed)
    whole = window_stream(n, 0, start + count, seed)
    assert part.shape == (count,)
    assert np.array_equal(part, whole[start:])


@settings(deadline=None)
@given(n=st.integers(1, 40), number=st.integers(0, 20), seed=st.integers(0, 2**32 - 1))
def test_every_pass_of_the_window_stream_is_a_permutation(n, number, seed):
    order = window_stream(n, number * n, n, seed)
    assert np.array_equal(np.sort(order), np.arange(n))


def test_window_stream_changes_with_pass_and_seed():
    first, second = window_stream(100, 0, 200, 1).reshape(2, 100)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, window_stream(100, 0, 100, 2))


def test_an_epoch_shows_its_part_of_the_stream():
    seen = []

    class Recording(Toy):
        def train_on_batch(self, X, *args, **kwargs):
            seen.append(X)
            return super().train_on_batch(X, *args, **kwargs)

    train(Recording())
    order = window_stream(N_WINDOWS, 0, 4 * 6 * 8, SEED)
    assert np.array_equal(np.concatenate(seen), windows()[order])


def test_staircase():
    config = TrainingConfig(100, 128, None, 1e-3, "staircase", decay_rate=0.9, decay_steps=10_000)
    rate = config.rate(16_000)
    for step in (0, 9_999, 10_000, 25_000, 99_999):
        assert float(rate(step)) == pytest.approx(1e-3 * 0.9 ** (step // 10_000), rel=1e-5)


@pytest.mark.parametrize("warmup", [0, 5])
def test_warmup_then_half_a_cosine(warmup):
    config = TrainingConfig(10, 8, 5, 2e-3, "warmup_cosine", warmup_steps=warmup)
    rate = config.rate(N_WINDOWS)
    for step in range(51):
        if step < warmup:
            expected = 2e-3 * step / warmup
        else:
            expected = 1e-3 * (1 + np.cos(np.pi * (step - warmup) / (50 - warmup)))
        assert float(rate(step)) == pytest.approx(expected, abs=1e-9)


def test_steps_of_an_epoch():
    assert CONFIG.steps(1000) == 6
    assert replace(CONFIG, steps_per_epoch=None).steps(1000) == 125
    assert replace(CONFIG, steps_per_epoch=None).steps(1007) == 125


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cosine"}, "'cosine' is unknown"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_windows": -1}, "batch_windows is -1"),
        ({"steps_per_epoch": 0}, "steps_per_epoch is 0"),
        ({"patience": 0}, "patience is 0"),
    ],
)
def test_an_impossible_configuration_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


def test_impossible_calls_are_refused():
    with pytest.raises(ValueError, match="7 windows are fewer than one batch of 8"):
        train(Toy(), X=windows(7))
    with pytest.raises(ValueError, match="X_val"):
        train(Toy(), config=EARLY)
    with pytest.raises(ValueError, match="needs a folder"):
        train(Toy(), tensorboard=True)
    with pytest.raises(ValueError, match="not built"):
        train(keras.Sequential([keras.layers.Dense(2)]))


if __name__ == "__main__":
    be_killed(Path(sys.argv[1]))


def test_the_logs_of_an_epoch_are_those_of_all_its_batches():
    """A model without weights to move: its loss is the mean of the windows it is shown."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    model.compile(keras.optimizers.SGD(0.0), loss="mae", metrics=["mae"])
    X = np.array([[1.0], [2.0], [6.0], [9.0]], "float32")
    logs = train_epoch(model, X, np.zeros((4, 1), "float32"), np.arange(4), 2)
    assert logs == pytest.approx({"loss": 4.5, "mae": 4.5})
