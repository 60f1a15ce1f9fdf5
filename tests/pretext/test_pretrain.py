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
import pandas as pd
import pytest

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import TrainingConfig, window_stream
from ecglib.preprocessing.windows import Windows
from ecglib.pretext import pretrain as pretraining
from ecglib.pretext.contrastive import ContrastiveConfig, ContrastiveModel
from ecglib.pretext.pretrain import CHECKPOINT, Clock, build_model, pretrain
from ecglib.pretext.str_model import PretextConfig, STRModel, build_str_heads
from ecglib.pretext.transformations import TransformConfig
from ecglib.pretext.views import ViewConfig

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
    history = pretraining.train(model, windows() if X is None else X, config, **options)
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
        env={**os.environ, "PYTHONPATH": str(here.parents[2])},
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
    assert watch.began == [2, 3]  # the callback failed before the third epoch was stored
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


def test_a_finished_run_is_loaded_and_not_trained_again(tmp_path, whole_toy):
    history, final = train(Toy(), tmp_path)
    assert same(final, whole_toy[1])
    before = (tmp_path / CHECKPOINT).read_bytes()
    watch = Watch()
    again, weights = train(Toy(), tmp_path, callbacks=[watch])
    assert watch.began == [] and again == history and same(weights, final)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def stored_state(path, n):
    arrays = load_arrays(path)
    return [arrays[f"state/{i}"] for i in range(n)]


def test_a_checkpoint_follows_every_epoch_and_its_callbacks(tmp_path):
    path, seen = tmp_path / CHECKPOINT, []

    class Look(Watch):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch)
            seen.append(stored_state(path, len(self.states[-1])) if epoch else path.is_file())

        def on_epoch_end(self, epoch, logs=None):
            before = path.read_bytes() if epoch else None
            super().on_epoch_end(epoch, logs)
            assert (path.read_bytes() if path.is_file() else None) == before

    look = Look()
    train(Toy(), tmp_path, callbacks=[look])
    seen.append(stored_state(path, len(look.states[-1])))
    assert seen[0] is False and len(seen) == CONFIG.epochs + 1
    assert all(same(a, b) for a, b in zip(seen[1:], look.states, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


class Diary(keras.callbacks.Callback):
    """Writes down every epoch, and remembers it over an interruption."""

    def __init__(self, name):
        super().__init__()
        self.name, self.pages = name, []

    def on_epoch_end(self, epoch, logs=None):
        self.pages.append([self.name, epoch, logs["loss"]])

    def state(self):
        return self.pages

    def restore(self, state):
        self.pages = state


class Almanac(Diary):
    pass


def diaries():
    return [Diary("a"), Almanac("b"), Diary("c")]


@pytest.fixture(scope="module")
def whole_diaries():
    written = diaries()
    train(Toy(), callbacks=written)
    return [diary.pages for diary in written]


@pytest.mark.parametrize("epoch", range(4))
def test_what_callbacks_know_survives_an_interruption(tmp_path, whole_diaries, epoch):
    """Those of one class too, each its own."""
    with pytest.raises(Fault):
        train(Toy(), tmp_path, callbacks=[*diaries(), Faulty(epoch)])
    continued = diaries()
    train(Toy(), tmp_path, callbacks=iter(continued))
    assert [diary.pages for diary in continued] == whole_diaries
    finished = diaries()
    train(Toy(), tmp_path, callbacks=finished)
    assert [diary.pages for diary in finished] == whole_diaries
    assert [len(pages) for pages in whole_diaries] == [CONFIG.epochs] * 3


@pytest.mark.parametrize(
    ("first", "then"),
    [([], ["Diary"]), (["Diary"], []), (["Diary"], ["Almanac"]), (["Diary"], ["Diary", "Diary"])],
    ids=["none before", "none now", "another", "one more"],
)
def test_a_checkpoint_that_lacks_the_state_of_a_callback_is_refused(tmp_path, first, then):
    kinds = {"Diary": Diary, "Almanac": Almanac}
    with pytest.raises(Fault):
        train(Toy(), tmp_path, callbacks=[*(kinds[k](k) for k in first), Faulty(2)])
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(DataError, match=r"checkpoint\.npz: is the checkpoint of another run"):
        train(Toy(), tmp_path, callbacks=[kinds[k](k) for k in then])
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_checkpoint_that_says_nothing_of_callbacks_serves_those_without_a_state(
    tmp_path, whole_toy
):
    with pytest.raises(Fault):
        train(Toy(), tmp_path, callbacks=[Faulty(2)])
    arrays = load_arrays(tmp_path / CHECKPOINT)
    about = json.loads(str(arrays["about"]))
    del about["callbacks"]
    save_arrays(tmp_path / CHECKPOINT, {**arrays, "about": np.array(json.dumps(about))})
    with pytest.raises(DataError, match="another run"):
        train(Toy(), tmp_path, callbacks=[Diary("a")])
    history, final = train(Toy(), tmp_path, callbacks=[Watch()])
    assert history == whole_toy[0] and same(final, whole_toy[1])


class Opinion(keras.callbacks.Callback):
    """Has an attribute of that name, and nothing to keep."""

    state = "excited"


def test_a_callback_with_another_kind_of_state_is_left_alone(tmp_path, whole_toy):
    assert same(train(Toy(), tmp_path, callbacks=[Opinion()])[1], whole_toy[1])


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
        # The third epoch was told of when it was trained again.
        assert sorted(values) == [0, 1, 2, 3]
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
    assert "pretext A" in text and "0/4" in text and "4/4" in text


def test_without_a_terminal_nothing_is_printed(capsys):
    train(Toy())
    assert capsys.readouterr() == ("", "")


def test_an_epoch_shows_its_part_of_the_stream():
    seen = []

    class Recording(Toy):
        def train_on_batch(self, X, *args, **kwargs):
            seen.append(X)
            return super().train_on_batch(X, *args, **kwargs)

    train(Recording())
    order = window_stream(N_WINDOWS, 0, 4 * 6 * 8, SEED)
    assert np.array_equal(np.concatenate(seen), windows()[order])


def test_impossible_calls_are_refused():
    with pytest.raises(ValueError, match="7 windows are fewer than one batch of 8"):
        train(Toy(), X=windows(7))
    with pytest.raises(ValueError, match="needs a folder"):
        train(Toy(), tensorboard=True)
    with pytest.raises(ValueError, match="not built"):
        train(keras.Sequential([keras.layers.Dense(2)]))


# --- in one call ------------------------------------------------------------------------------

SHORT = replace(CONFIG, epochs=2, steps_per_epoch=2)
TINY = EncoderConfig(filters=(4, 6), kernels=(8, 4), pool_stride=8)
PRETEXTS = {
    "STR": PretextConfig(
        SHORT, TransformConfig(warp_n_pieces=4, warp_n_stretched=3, warp_stretch=1.2)
    ),
    "contrastive": ContrastiveConfig(
        SHORT,
        ViewConfig(warp_probability=0, permute_probability=0, crop_probability=0),
        projection=(5, 3),
    ),
}


@pytest.fixture(scope="module")
def as_windows():
    X = windows()
    meta = pd.DataFrame({"participant": np.arange(len(X)) % 4 + 1, "clip": 1, "lead": 1})
    meta = meta.assign(condition="stimulus", start=0.0, valence=1, arousal=5, dominance=3)
    return Windows(X, meta.assign(quality="ok"), 256.0, "synthetic")


@pytest.fixture(scope="module", params=PRETEXTS)
def pretrained(request):
    """A pretext, and the network that one call trains on an array of windows."""
    config = PRETEXTS[request.param]
    return config, pretrain(windows(), config, TINY, seed=SEED, jit_compile=False)


def weights(model):
    return [v.numpy() for v in model.variables]


def test_one_call_builds_and_trains_whatever_holds_the_windows(pretrained, as_windows):
    config, trained = pretrained
    again = pretrain(as_windows, config, TINY, seed=SEED, jit_compile=False)
    assert again.history == trained.history and same(weights(again.model), weights(trained.model))
    assert len(trained.history.epochs) == SHORT.epochs
    assert np.isfinite(trained.history.frame()["loss"]).all()
    assert trained.encoder is trained.model.encoder
    assert trained.encoder(windows(3)).shape == (3, 6)


def test_one_call_is_the_same_as_building_and_training(pretrained):
    config, trained = pretrained
    model = build_model(config, TINY, LENGTH, SEED)
    history, _ = train(model, config=SHORT)
    assert history == trained.history and same(weights(model), weights(trained.model))


def test_the_seed_decides_the_network_and_its_training(pretrained):
    config, trained = pretrained
    one, twin, other = (build_model(config, TINY, LENGTH, s) for s in (SEED, SEED, SEED + 1))
    assert same(weights(one), weights(twin)) and not same(weights(one), weights(other))
    changed = pretrain(windows(), config, TINY, seed=SEED + 1, jit_compile=False)
    assert changed.history != trained.history


def test_the_settings_decide_the_network():
    built = {name: build_model(config, TINY, LENGTH) for name, config in PRETEXTS.items()}
    assert type(built["STR"]) is STRModel and type(built["contrastive"]) is ContrastiveModel
    assert built["STR"].versions.config == PRETEXTS["STR"].transforms
    assert built["contrastive"].views.config == PRETEXTS["contrastive"].views
    assert built["contrastive"].head.output_shape == (None, 3)
    assert built["contrastive"].temperature == PRETEXTS["contrastive"].temperature
    for model in built.values():
        assert model.encoder.output_shape == (None, 6)
        assert model.encoder.input_shape == (None, LENGTH)


def test_options_reach_the_training_and_an_interrupted_call_continues(tmp_path, pretrained):
    config, trained = pretrained
    options = {"seed": SEED, "jit_compile": False, "folder": tmp_path}
    with pytest.raises(Fault):
        pretrain(windows(), config, TINY, callbacks=[Faulty(1)], **options)
    watch = Watch()
    again = pretrain(windows(), config, TINY, callbacks=[watch], label="again", **options)
    assert watch.began == [1]
    assert again.history == trained.history and same(weights(again.model), weights(trained.model))


def test_the_encoder_is_that_of_the_paper_where_none_is_named():
    class Stop(Exception):
        pass

    class Seen(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            assert self.model.encoder.output_shape == (None, 128)
            raise Stop

    with pytest.raises(Stop):
        pretrain(windows(), PRETEXTS["contrastive"], callbacks=[Seen()])


if __name__ == "__main__":
    be_killed(Path(sys.argv[1]))


def test_a_clock_keeps_its_seconds_where_a_finished_training_is_only_loaded(tmp_path):
    told = []
    for _ in range(2):
        clock = Clock()
        pretraining.train(Toy(), windows(), CONFIG, seed=SEED, folder=tmp_path, callbacks=[clock])
        told.append(clock.seconds)
    assert told[0] > 0
    assert told[1] == told[0]
