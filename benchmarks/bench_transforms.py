"""Speed of all seven versions of a batch, against a plain loop over its windows.

Run from the repository root: ``python benchmarks/bench_transforms.py [--tiny]``.

The loop goes the way of the released code (github.com/pritamqu/SSL-ECG,
``signal_transformation_task.py`` and ``utils.py``), with its batch of 128 windows: one window after
the other; the permuted segments on their way through lists; one warped piece after the other; each
appended with `np.vstack` to what is there. It interpolates with `np.interp` where that code calls
OpenCV. Because lists and the growing stack cost time that nobody has to spend, a second loop does
without them: segments stay arrays, and it stacks once, at the end.

The layer is measured as a training step uses it: compiled, on windows that the backend holds, and
the versions stay there. In a turn each variant makes batches for two seconds, of which the median
counts: a few would be over in less than a tenth of a second, and tell of that moment alone. All
keep the memory that they free (`ecglib.core.process`), as training in the book does; the loops gain
from it too. Both backends are measured in processes that take turns. Both loops run in the same
process as the layer they are compared with.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
from common import in_turns, ratio_row, row, save, seconds

from ecglib.core.process import keep_freed_memory
from ecglib.models.layers import uniform
from ecglib.pretext.transformations import TASKS, AllVersions, TransformConfig, warp_lengths

LENGTH, BATCH, SPAN_S, TURNS = 2560, 128, 2.0, 5
CONFIG = TransformConfig()
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
LOOP, ONCE = "loop", "loop without lists and growing stacks"
COMPILED, GRAPH = "compiled", "not compiled"
KERAS, NAMED = "numbers from Keras", "numbers from ecglib"


def permuted_by_lists(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the segments as nested lists, as the released code does; (n,) -> (n,)."""
    segments = x.reshape(CONFIG.n_segments, -1).tolist()
    return np.hstack([segments[i] for i in rng.permutation(CONFIG.n_segments)])


def permuted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the segments; (n,) -> (n,)."""
    segments = np.split(x, CONFIG.n_segments)
    return np.concatenate([segments[i] for i in rng.permutation(CONFIG.n_segments)])


def stretched_pieces(x: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Stretch or squeeze one piece of a window after the other."""
    n_pieces = CONFIG.warp_n_pieces
    piece, longer, shorter = warp_lengths(
        len(x), n_pieces, CONFIG.warp_stretch, CONFIG.warp_n_stretched
    )
    stretched = rng.choice(n_pieces, CONFIG.warp_n_stretched, replace=False)
    for k in range(n_pieces):
        at = np.linspace(0, piece - 1, longer if k in stretched else shorter)
        yield np.interp(at, np.arange(piece), x[k * piece : (k + 1) * piece])


def appended(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """Glue pieces together, appending one after the other; (n,)."""
    column = np.empty((0, 1))
    for piece in pieces:
        column = np.vstack([column, piece[:, None]])
    return column[:, 0]


def seven_versions(x: np.ndarray, rng: np.random.Generator, lists: bool) -> np.ndarray:
    """Make the seven versions of one window, with lists and growing stacks or without."""
    power = np.mean(x**2) / 10 ** (CONFIG.snr_db / 10)
    noisy = x + rng.normal(0, np.sqrt(power), len(x))
    pieces = stretched_pieces(x, rng)
    warped = appended(pieces) if lists else np.concatenate(list(pieces))
    first = rng.integers(0, len(warped) - len(x) + 1)
    warped = warped[first : first + len(x)]
    shuffled = (permuted_by_lists if lists else permuted)(x, rng)
    versions = [x, noisy, CONFIG.scale_factor * x, -x, x[::-1], shuffled, warped]
    return np.vstack(versions).astype("float32")


def loop(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the versions of all windows, appending those of one window after the other."""
    stacked = np.empty((0, X.shape[1]), "float32")
    for x in X:
        stacked = np.vstack([stacked, seven_versions(x, rng, lists=True)])
    return stacked


def better_loop(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the versions of all windows without lists, and stack them at the end."""
    return np.vstack([seven_versions(x, rng, lists=False) for x in X])


def on_backend(X: np.ndarray, compiled: bool) -> Callable[[], Any]:
    """Give a function that makes the versions of `X` where they are trained on, and waits."""
    layer = AllVersions(CONFIG)
    layer.build(X.shape)
    x = keras.ops.convert_to_tensor(X)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        make = tf.function(layer, jit_compile=compiled)
        return lambda: make(x)
    import jax

    make, state = jax.jit(layer.stateless_call), [v.value for v in layer.non_trainable_variables]

    def run() -> Any:
        nonlocal state
        versions, state = make([], state, x)
        return versions.block_until_ready()

    return run


def draws(shape: tuple[int, int]) -> dict[str, Callable[[], Any]]:
    """Give two compiled functions of TensorFlow that draw uniform numbers: Keras' and ours."""
    import tensorflow as tf

    seed = keras.random.SeedGenerator(0)
    return {
        KERAS: tf.function(lambda: keras.random.uniform(shape, seed=seed), jit_compile=True),
        NAMED: tf.function(lambda: uniform(shape, seed=seed), jit_compile=True),
    }


def check(ours: np.ndarray, plain: np.ndarray, n_windows: int) -> None:
    """Raise unless both have the right shape and agree where nothing is drawn at random."""
    if not ours.shape == plain.shape == (len(TASKS) * n_windows, LENGTH):
        raise AssertionError(f"shapes {ours.shape} and {plain.shape} for {n_windows} windows")
    for name in ("original", "scaling", "negation", "temporal_inversion"):
        rows = slice(TASKS.index(name), None, len(TASKS))
        np.testing.assert_allclose(ours[rows], plain[rows], rtol=0, atol=1e-5, err_msg=name)


def measure(tiny: bool) -> dict[str, float]:
    """Measure everything on the backend of this process; seconds for a batch."""
    keep_freed_memory()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8 if tiny else BATCH, LENGTH)).astype("float32")
    runs = {LOOP: lambda: loop(X, rng), ONCE: lambda: better_loop(X, rng)}
    plain = loop(X, rng)
    # JAX compiles always.
    for name in (COMPILED, GRAPH) if keras.backend.backend() == "tensorflow" else (COMPILED,):
        run = on_backend(X, name == COMPILED)
        for _ in range(2):  # compiles
            check(keras.ops.convert_to_numpy(run()), plain, len(X))
        runs[name] = run
    if keras.backend.backend() == "tensorflow":
        runs |= draws(X.shape)
        runs[KERAS](), runs[NAMED]()  # compiles
    # One after the other, not in turns: a batch in training follows another one of its kind.
    return {name: median_seconds(run, 0 if tiny else SPAN_S) for name, run in runs.items()}


def median_seconds(run: Callable[[], Any], span_s: float) -> float:
    """Call `run` again and again for `span_s` seconds, at least once; the median time of a call."""
    took = [seconds(run)]
    while sum(took) < span_s:
        took.append(seconds(run))
    return statistics.median(took)


def in_new_process(backend: str, tiny: bool) -> dict[str, float]:
    """Call `measure` in a process of its own, which sees no graphics card."""
    environment = os.environ | {
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, __file__, "--here", *(["--tiny"] if tiny else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Time all on the same windows, in turns."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    parser.add_argument("--here", action="store_true", help="measure in this process")
    options = parser.parse_args()
    tiny = options.tiny
    if options.here:
        print(json.dumps(measure(tiny)))
        return
    start = time.perf_counter()
    backends = [b for b in BACKENDS if importlib.util.find_spec(b)]
    skipped = [f"{BACKENDS[b]}: {b} is not installed" for b in BACKENDS if b not in backends]
    found = in_turns(
        {b: lambda b=b: in_new_process(b, tiny) for b in backends}, 1 if tiny else TURNS
    )
    windows = 8 if tiny else BATCH
    ratios, speeds = [], []
    for backend, measured in found.items():
        times = {name: [m[name] for m in measured] for name in measured[0]}
        for way in (COMPILED, GRAPH):
            if way not in times:
                continue
            what = f"all seven versions, {way}, {BACKENDS[backend]}"
            shipped = (backend, way) == ("tensorflow", COMPILED)
            ratios += [
                ratio_row(
                    f"{what}: against the loop",
                    times[LOOP],
                    times[way],
                    target=25 if shipped else None,
                    note="as the library ships" if shipped else "",
                ),
                ratio_row(f"{what}: against the {ONCE}", times[ONCE], times[way]),
            ]
            speeds.append(row(what, [windows / t for t in times[way]], unit="windows/s"))
    if "tensorflow" in found:
        both = [[m[name] for m in found["tensorflow"]] for name in (KERAS, NAMED)]
        ratios.append(
            ratio_row("uniform random numbers, compiled, TensorFlow: against Keras' own", *both)
        )
    for way in (LOOP, ONCE):
        numbers = [windows / m[way] for measured in found.values() for m in measured]
        speeds.append(row(f"all seven versions, {way}", numbers, unit="windows/s"))
    rows = ratios + speeds
    if tiny:
        print(*rows, *skipped, sep="\n")
        return
    save(
        "transforms",
        rows,
        {"windows": BATCH, "samples": LENGTH, "seconds a turn": SPAN_S},
        time.perf_counter() - start,
        measurements=found,
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
