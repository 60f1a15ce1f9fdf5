"""A tiny training on so many processor cores, started by test_cores.py: prints what it learnt."""

import hashlib
import os

import numpy as np

from ecglib.core.process import tune_process
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import TrainingConfig
from ecglib.pretext.pretrain import pretrain
from ecglib.pretext.str_model import PretextConfig
from ecglib.transfer.frozen import HeadConfig, fit_heads


def digest(arrays):
    """Name arrays by their bytes."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def main():
    """Train a pretext and heads on its features, as the book does, and print both."""
    tune_process()
    X = np.random.default_rng(0).normal(size=(24, 640)).astype("float32")
    shape = EncoderConfig(filters=(16, 16, 32), kernels=(16, 8, 8), pool_stride=8, batch_norm=True)
    steps = TrainingConfig(2, 8, 3, 2e-3, "warmup_cosine", warmup_steps=1)
    encoder = pretrain(X, PretextConfig(steps), shape, seed=3).encoder
    features = encoder.predict(X, batch_size=24, verbose=0)
    y = np.tile(np.arange(24) % 2, (2, 1)).astype("float32")
    head = HeadConfig(hidden=(32,), epochs=3, batch_size=8, learning_rate=3e-3)
    answers = fit_heads(features, y, np.ones(y.shape, bool), head, 0)
    print(len(os.sched_getaffinity(0)), digest(encoder.get_weights()), digest([answers]))


if __name__ == "__main__":
    main()
