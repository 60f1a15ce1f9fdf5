"""One training step of each pretext on the backend of this process, started by test_backends.py."""

import sys

import keras
import numpy as np
from keras import ops

from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.layers import SpectralConv1D, normal
from ecglib.pretext import contrastive, str_model
from ecglib.pretext.contrastive import build_projection_head
from ecglib.pretext.str_model import build_str_heads
from ecglib.pretext.transformations import permute_segments, warp_pieces

N_WINDOWS, LENGTH, RATE = 4, 400, 100.0
ENCODER = EncoderConfig(filters=(8, 8, 16), kernels=(16, 8, 4), batch_norm=True)


class Given(keras.layers.Layer):
    """Stands in for the random versions or views, which differ between backends."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def build(self, shape):
        pass

    def call(self, x):
        return ops.convert_to_tensor(self.rows)


def gradients(model, rows, random):
    """Loss of one training step, and the gradient of every variable, from known weights.

    Plain gradient descent subtracts the rate times the gradient.
    """
    before = [
        0.1 * random.normal(size=v.shape).astype("float32") for v in model.trainable_variables
    ]
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value)
    model.compile(keras.optimizers.SGD(RATE), jit_compile=True)
    loss = model.train_on_batch(rows[:N_WINDOWS], return_dict=True)["loss"]
    results = {}
    for i, (variable, value) in enumerate(zip(model.trainable_variables, before, strict=True)):
        results[f"gradient/{i}"] = (value - ops.convert_to_numpy(variable)) / RATE
    running = [v for v in model.non_trainable_variables if "moving" in v.path]
    for i, variable in enumerate(running):
        results[f"state/{i}"] = ops.convert_to_numpy(variable)
    return {"loss": np.float64(loss), **results}


def main(path):
    """Write everything computed to `path`."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(7 * N_WINDOWS, LENGTH)).astype("float32")
    encoder = build_encoder(ENCODER, LENGTH)
    str_model.AllVersions = lambda *_, **__: Given(rows)
    recognition = str_model.STRModel(encoder, build_str_heads(16, 8, dropout=0.0))
    encoder = build_encoder(ENCODER, LENGTH)
    contrastive.RandomViews = lambda *_, **__: Given(rows[: 2 * N_WINDOWS])
    contrast = contrastive.ContrastiveModel(encoder, build_projection_head(16, (16, 8), 0))
    results = {
        f"{name}/{key}": value
        for name, model in (("recognition", recognition), ("contrastive", contrast))
        for key, value in gradients(model, rows, random).items()
    }
    order = np.argsort(random.random((len(rows), 20)), axis=1)
    stretched = np.argsort(random.random((len(rows), 9)), axis=1) < 5
    offset = random.integers(0, 3, len(rows)).astype("int32")
    results["permuted"] = ops.convert_to_numpy(permute_segments(rows, ops.convert_to_tensor(order)))
    warped = warp_pieces(rows, ops.convert_to_tensor(stretched), ops.convert_to_tensor(offset), 1.2)
    results["warped"] = ops.convert_to_numpy(warped)
    layer = SpectralConv1D(4, 16)
    layer.build((None, LENGTH // 8, 8))
    layer.set_weights([random.normal(size=v.shape) for v in layer.weights])
    results["spectral"] = ops.convert_to_numpy(layer(rows.reshape(-1, LENGTH // 8, 8)))
    results["normal"] = ops.convert_to_numpy(normal((200, 1001), seed=3))
    results["backend"] = np.array(keras.backend.backend())
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1])
