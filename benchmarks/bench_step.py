"""Speed of the STR training step on the faithful network (pooling stride 2).

Run from the repository root: ``python benchmarks/bench_step.py [--tiny]``.

Each measurement is a process of its own, because backend and memory policy can't be changed later;
the variants take turns. A step trains on 8 windows, each in seven versions. The share of the matrix
rate is the arithmetic of the convolutions (`common.flop_per_view`) done per second, divided by the
rate of a float32 matrix product on all cores. That rate is measured in the same process before the
first step and after the last, and the higher one counts. The arithmetic is counted from the shapes,
as the direct way needs it: spectral convolutions need less, so their share can exceed 100 %.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import flop_per_view, in_turns, ratio_row, row, save, seconds

WINDOWS, VERSIONS, LENGTH, STEPS, TURNS = 8, 7, 2560, 6, 3
MATRIX = 2048
OURS, DIRECT, JAX = "ecglib on TensorFlow", "ecglib, direct convolutions", "ecglib on JAX"
PLAIN, TORCH, COMPILED = "plain Keras", "PyTorch eager", "PyTorch, torch.compile"
PACKAGE = {
    OURS: "tensorflow",
    DIRECT: "tensorflow",
    JAX: "jax",
    PLAIN: "tensorflow",
    TORCH: "torch",
    COMPILED: "torch",
}


def step_of_keras(variant: str, windows: int) -> tuple[Callable[[], Any], int]:
    """Build a training step of ecglib's model on the backend of this process.

    Parameters
    ----------
    variant : str
        `PLAIN` has direct convolutions, Keras' own pooling, no compilation by XLA and no memory
        policy; `DIRECT` has direct convolutions.
    windows : int
        Windows in a step; their versions are made within the step.

    Returns
    -------
    callable, int
        The step, and the arithmetic of one view.
    """
    import keras

    from ecglib.core.process import keep_freed_memory
    from ecglib.models.encoder import EncoderConfig, build_encoder
    from ecglib.pretext.str_model import STRModel, build_str_heads

    convolution = "direct" if variant in (PLAIN, DIRECT) else "spectral"
    encoder = build_encoder(EncoderConfig(convolution=convolution), LENGTH)
    if variant == PLAIN:

        def as_keras(layer: keras.Layer) -> keras.Layer:
            if layer.name.startswith("pool_"):
                return keras.layers.MaxPooling1D.from_config(layer.get_config())
            return layer.__class__.from_config(layer.get_config())

        encoder = keras.models.clone_model(encoder, clone_function=as_keras)
    else:
        keep_freed_memory()
    model = STRModel(encoder, build_str_heads())
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=variant != PLAIN)
    x = np.random.default_rng(0).normal(size=(windows, LENGTH)).astype("float32")
    return lambda: model.train_on_batch(x), flop_per_view(encoder)


def step_of_torch(windows: int, compiled: bool) -> tuple[Callable[[], Any], int]:
    """Build the same network and step in PyTorch, as its tutorials would.

    Parameters
    ----------
    windows : int
        Windows in a step; their versions are made here, before the step.
    compiled : bool
        Whether `torch.compile` makes one program of network and loss.

    Returns
    -------
    callable, int
        The step, and 0 for the arithmetic, which is that of the others.
    """
    import torch
    from torch import nn

    from ecglib.pretext.str_model import TASK_WEIGHTS
    from ecglib.pretext.transformations import TASKS, AllVersions

    layers: list[nn.Module] = []
    channels = 1
    for filters, kernel, last in ((32, 32, False), (64, 16, False), (128, 8, True)):
        for _ in range(2):
            layers += [nn.Conv1d(channels, filters, kernel, padding="same"), nn.ReLU()]
            channels = filters
        layers += [nn.AdaptiveMaxPool1d(1), nn.Flatten()] if last else [nn.MaxPool1d(8, 2)]
    encoder = nn.Sequential(*layers)
    heads = nn.ModuleList(
        nn.Sequential(
            nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.6),
            nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.6), nn.Linear(128, 1),
        )
        for _ in range(VERSIONS)
    )  # fmt: skip
    network = nn.ModuleList([encoder, heads])
    kernels = [weight for weight in network.parameters() if weight.ndim > 1]
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    task_weights = torch.tensor([TASK_WEIGHTS[task] for task in TASKS])
    raw = np.random.default_rng(0).normal(size=(windows, LENGTH)).astype("float32")
    x = AllVersions()(raw).detach()[:, None]
    y = torch.eye(VERSIONS).repeat(windows, 1)

    def loss_of(views: torch.Tensor) -> torch.Tensor:
        features = encoder(views)
        logits = torch.cat([head(features) for head in heads], dim=1)
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        penalty = sum(kernel.square().sum() for kernel in kernels)
        return (entropy.mean(dim=0) * task_weights).sum() + 0.5e-4 * penalty

    if compiled:
        loss_of = torch.compile(loss_of)

    def step() -> float:
        optimiser.zero_grad()
        loss = loss_of(x)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step, 0


def matrix_rate(n: int) -> float:
    """Measure this machine's float32 matrix product, in operations per second of wall time."""
    a = np.random.default_rng(0).normal(size=(n, n)).astype("float32")
    result = np.empty_like(a)
    times = [seconds(lambda: np.matmul(a, a, out=result)) for _ in range(6)]
    return 2 * n**3 / statistics.median(times[1:])


def measure(variant: str, tiny: bool) -> dict[str, float]:
    """Measure one variant in this process."""
    windows, steps, n = (1, 1, 256) if tiny else (WINDOWS, STEPS, MATRIX)
    before = matrix_rate(n)
    if PACKAGE[variant] == "torch":
        step, flop = step_of_torch(windows, compiled=variant == COMPILED)
    else:
        step, flop = step_of_keras(variant, windows)
    for _ in range(2):  # compiles
        step()
    times = [seconds(step) for _ in range(steps)]
    return {
        "views_per_second": windows * VERSIONS / statistics.median(times),
        "flop_per_view": flop,
        "matrix_rate": max(before, matrix_rate(n)),
    }


def in_new_process(variant: str, tiny: bool) -> dict[str, float]:
    """Call `measure` in a process of its own, which sees no graphics card."""
    environment = os.environ | {
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": PACKAGE[variant],
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, __file__, "--variant", variant, *(["--tiny"] if tiny else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure all variants in turns."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    parser.add_argument("--variant", choices=PACKAGE, help="measure one, in this process")
    options = parser.parse_args()
    tiny = options.tiny
    if options.variant:
        print(json.dumps(measure(options.variant, tiny)))
        return
    if not tiny and os.environ.get("OMP_NUM_THREADS"):
        # It would hold back the matrix product and PyTorch, but not XLA.
        parser.error("OMP_NUM_THREADS is set: unset it, so that every variant has all cores")
    start = time.perf_counter()
    variants = [v for v, package in PACKAGE.items() if importlib.util.find_spec(package)]
    skipped = [f"{v}: {p} is not installed" for v, p in PACKAGE.items() if v not in variants]
    found = in_turns(
        {v: lambda v=v: in_new_process(v, tiny) for v in variants}, 1 if tiny else TURNS
    )
    views = {v: [m["views_per_second"] for m in some] for v, some in found.items()}
    notes = {
        PLAIN: "Keras' own pooling, no compilation, no memory policy",
        TORCH: "PyTorch's versions are made before the step, ecglib's within it",
        COMPILED: "as PyTorch eager; compiled before the time is taken",
    }
    rows = [
        ratio_row(
            f"{OURS} against {other}",
            views[OURS],
            views[other],
            target=target,
            note=notes.get(other, ""),
        )
        for other, target in ((PLAIN, 2.0), (TORCH, 1.5), (COMPILED, 3.0), (DIRECT, None))
        if other in views
    ]
    shares = {
        v: [100 * m["views_per_second"] * m["flop_per_view"] / m["matrix_rate"] for m in found[v]]
        for v in (OURS, DIRECT, JAX)
        if v in found
    }
    best = max(shares, key=lambda v: statistics.median(shares[v]))
    flop = found[OURS][0]["flop_per_view"]
    arithmetic = f"{flop / 1e9:.2f} GFLOP a view"
    rows += [
        row(
            f"{v}: share of the matrix rate",
            share,
            unit="%",
            target=75 if v == best else None,
            note=f"{arithmetic}; the target is the better backend's" if v == best else arithmetic,
        )
        for v, share in shares.items()
    ]
    rows += [row(f"{v}: speed", numbers, unit="views/s") for v, numbers in views.items()]
    rates = [m["matrix_rate"] / 1e9 for some in found.values() for m in some]
    rows.append(row("float32 matrix product", rates, unit="GFLOP/s", note="over all variants"))
    if tiny:
        print(*rows, *skipped, sep="\n")
        return
    save(
        "step",
        rows,
        {
            "windows a step": WINDOWS,
            "versions": VERSIONS,
            "pool stride": 2,
            "steps a turn": STEPS,
            "FLOP a view": flop,
            "matrix": MATRIX,
        },
        time.perf_counter() - start,
        measurements=found,
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
