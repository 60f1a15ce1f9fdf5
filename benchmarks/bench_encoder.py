"""Speed of the STR training step and of the encoder, with and without what `ecglib` adds.

Run from the repository root: ``python benchmarks/bench_encoder.py [result.json [rounds]]``.

Each measurement is a process of its own, because the memory policy can't be taken back; the
variants take turns, so that other load on the machine falls on all of them. CPU time hardly
depends on that load: "views per 2 CPU seconds" is what two undisturbed cores would do at best.
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WINDOWS, VERSIONS, LENGTH, STEPS = 8, 7, 2560, 6
VARIANTS = ("keras", "pooling", "keras+memory", "pooling+memory")


def clock() -> tuple[float, float]:
    """Give wall and CPU time of this process."""
    return time.perf_counter(), time.process_time()


def rates(run: Any, n_views: int) -> dict[str, float]:
    """Run once to compile, then `STEPS` times; give the median rates."""
    (wall0, cpu0), _, (wall1, cpu1) = clock(), run(), clock()
    walls, cpus = [], []
    for _ in range(STEPS):
        before, _, after = clock(), run(), clock()
        walls.append(after[0] - before[0])
        cpus.append(after[1] - before[1])
    return {
        "views_per_second": n_views / statistics.median(walls),
        "views_per_2_cpu_seconds": 2 * n_views / statistics.median(cpus),
        "first_call_s": wall1 - wall0,
        "first_call_cpu_s": cpu1 - cpu0,
    }


def measure(variant: str, stride: int, batch_norm: bool) -> dict[str, Any]:
    """Measure one variant in this process."""
    import keras

    from ecglib.memory import keep_freed_memory
    from ecglib.models import EncoderConfig, STRModel, build_encoder, build_str_heads

    if variant.endswith("memory"):
        keep_freed_memory()
    encoder = build_encoder(EncoderConfig(pool_stride=stride, batch_norm=batch_norm))
    if variant.startswith("keras"):

        def as_keras(layer: keras.Layer) -> keras.Layer:
            if layer.name.startswith("pool_"):
                return keras.layers.MaxPooling1D.from_config(layer.get_config())
            return layer.__class__.from_config(layer.get_config())

        encoder = keras.models.clone_model(encoder, clone_function=as_keras)
    arithmetic = sum(
        2 * layer.output.shape[1] * int(np.prod(layer.kernel.shape))
        for layer in encoder.layers
        if isinstance(layer, keras.layers.Conv1D)
    )
    model = STRModel(encoder, build_str_heads())
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
    x = np.random.default_rng(0).normal(size=(WINDOWS, LENGTH)).astype("float32")
    views = np.tile(x, (VERSIONS, 1))
    step = rates(lambda: model.train_on_batch(x), len(views))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    encoder.compile(jit_compile=True)
    inference = rates(lambda: encoder.predict(views, batch_size=len(views), verbose=0), len(views))
    return {
        "gflop_per_view": 3 * arithmetic / 1e9,
        "step": step,
        "inference": inference,
        "peak_mb": peak_mb,
        "matrix_gflops": matrix_rate(),
    }


def matrix_rate(n: int = 2048) -> float:
    """Measure this machine's float32 matrix product, GFLOP per 2 CPU seconds."""
    a = np.random.default_rng(0).normal(size=(n, n)).astype("float32")
    a @ a
    cpus = []
    for _ in range(5):
        before, _, after = clock(), a @ a, clock()
        cpus.append(after[1] - before[1])
    return 2 * 2 * n**3 / statistics.median(cpus) / 1e9


def in_new_process(variant: str, stride: int, batch_norm: bool) -> dict[str, Any]:
    """Call `measure` in a process of its own."""
    here = Path(__file__).parent
    call = f"b.measure{variant, stride, batch_norm}"
    code = f"import json, bench_encoder as b; print(json.dumps({call}))"
    path = os.pathsep.join([str(here), str(here.parent)])
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout.splitlines()[-1])


def main(path: Path, rounds: int) -> None:
    """Measure all variants in turn, `rounds` times, and write every result."""
    results = []
    cases = list(itertools.product((2, 4, 8), (False, True), VARIANTS))
    for turn, (stride, batch_norm, variant) in itertools.product(range(rounds), cases):
        case = {"round": turn, "stride": stride, "batch_norm": batch_norm, "variant": variant}
        results.append(case | in_new_process(variant, stride, batch_norm))
        print(json.dumps(results[-1]), flush=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(results, indent=1) + "\n")
        os.replace(part, path)


if __name__ == "__main__":
    default = Path(__file__).with_suffix(".json")
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else default,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
