"""One process of a parallel training, started by test_distributed.py on the JAX backend."""

import json
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

from ecglib.core.artifacts import save_arrays
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import TrainingConfig
from ecglib.pretext.distributed import Cluster, join, train_distributed
from ecglib.pretext.str_model import STRModel, build_str_heads
from ecglib.pretext.transformations import TransformConfig

LENGTH = 160
CONFIG = TrainingConfig(
    epochs=4,
    batch_windows=8,
    steps_per_epoch=3,
    learning_rate=1e-2,
    schedule="staircase",
    decay_rate=0.5,
    decay_steps=9,
)


def windows():
    return np.random.default_rng(0).normal(size=(40, LENGTH)).astype("float32")


def str_model():
    """Seven-task network with everything that has a state: batch norm, dropout, transformations."""
    config = EncoderConfig(filters=(4,), kernels=(8,), batch_norm=True)
    transforms = TransformConfig(warp_n_pieces=4, warp_n_stretched=3, warp_stretch=1.2)
    encoder = build_encoder(config, LENGTH, seed=1)
    return STRModel(encoder, build_str_heads(4, 8, dropout=0.3, seed=2), transforms, seed=3)


class Dying(keras.callbacks.Callback):
    """Dies by SIGKILL, as an out-of-memory killer does it, after two epochs."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)


def main(job):
    """Train as `job` says; leave the variables and the losses in ``job["result"]``."""
    join(Cluster(**job["cluster"]) if "cluster" in job else None)
    model, folder = str_model(), Path(job["folder"])
    for wrong_seed in job.get("first_with_seeds", []):
        try:
            train_distributed(model, windows(), CONFIG, seed=wrong_seed)
        except ValueError as error:
            print(error, flush=True)
    callbacks = [Dying()] if job.get("dies") else []
    history = train_distributed(
        model, windows(), CONFIG, seed=7, folder=folder, callbacks=callbacks
    )
    arrays = {f"{i}": v.numpy() for i, v in enumerate(model.variables)}
    save_arrays(Path(job["result"]), {**arrays, "epochs": np.array(json.dumps(history.epochs))})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
