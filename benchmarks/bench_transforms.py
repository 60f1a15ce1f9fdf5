"""Speed of all seven versions of a batch, against a plain loop over its windows.

Run from the repository root: ``python benchmarks/bench_transforms.py [--tiny]``.

The loop goes the way of the released code (github.com/pritamqu/SSL-ECG,
``signal_transformation_task.py`` and ``utils.py``), with its batch of 128 windows: one window after
the other, one warped piece after the other, each appended with `np.vstack` or `np.append` to what
is there. It interpolates with `np.interp` where that code calls OpenCV. Because the growing stack
is copied for every window, a second loop stacks once, at the end.

The batched layer is measured on both backends in processes that take turns. Both loops run in the
same process as the layer they are compared with.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

import keras
import numpy as np
from common import in_turns, ratio_row, row, save, seconds

from ecglib.transforms import TASKS, AllVersions, TransformConfig, warp_lengths

LENGTH, BATCH, CALLS, TURNS = 2560, 128, 5, 5
CONFIG = TransformConfig()
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
LOOP, ONCE = "loop", "loop, stacked once"
COMPILED, GRAPH = "compiled", "not compiled"


def seven_versions(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the seven versions of one window; (n,) -> (7, n)."""
    power = np.mean(x**2) / 10 ** (CONFIG.snr_db / 10)
    noisy = x + rng.normal(0, np.sqrt(power), len(x))
    segments = np.split(x, CONFIG.n_segments)
    permuted = np.concatenate([segments[i] for i in rng.permutation(CONFIG.n_segments)])

    n_pieces = CONFIG.warp_n_pieces
    piece, longer, shorter = warp_lengths(
        len(x), n_pieces, CONFIG.warp_stretch, CONFIG.warp_n_stretched
    )
    stretched = rng.choice(n_pieces, CONFIG.warp_n_stretched, replace=False)
    warped = np.array([])
    for k in range(n_pieces):
        part = x[k * piece : (k + 1) * piece]
        at = np.linspace(0, piece - 1, longer if k in stretched else shorter)
        warped = np.append(warped, np.interp(at, np.arange(piece), part))
    first = rng.integers(0, len(warped) - len(x) + 1)
    warped = warped[first : first + len(x)]
    versions = [x, noisy, CONFIG.scale_factor * x, -x, x[::-1], permuted, warped]
    return np.vstack(versions).astype("float32")


def loop(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the versions of all windows, appending those of one window after the other."""
    stacked = np.empty((0, X.shape[1]), "float32")
    for x in X:
        stacked = np.vstack([stacked, seven_versions(x, rng)])
    return stacked


def loop_stacked_once(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make the versions of all windows, and stack them at the end."""
    return np.vstack([seven_versions(x, rng) for x in X])


def check(ours: np.ndarray, plain: np.ndarray, n_windows: int) -> None:
    """Raise unless both have the right shape and agree where nothing is drawn at random."""
    if not ours.shape == plain.shape == (len(TASKS) * n_windows, LENGTH):
        raise AssertionError(f"shapes {ours.shape} and {plain.shape} for {n_windows} windows")
    for name in ("original", "scaling", "negation", "temporal_inversion"):
        rows = slice(TASKS.index(name), None, len(TASKS))
        np.testing.assert_allclose(ours[rows], plain[rows], rtol=0, atol=1e-5, err_msg=name)


def measure(tiny: bool) -> dict[str, float]:
    """Measure everything on the backend of this process; seconds for a batch."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8 if tiny else BATCH, LENGTH)).astype("float32")
    runs = {LOOP: lambda: loop(X, rng), ONCE: lambda: loop_stacked_once(X, rng)}
    plain = loop(X, rng)
    # JAX compiles always.
    for name in (COMPILED, GRAPH) if keras.backend.backend() == "tensorflow" else (COMPILED,):
        model = keras.Sequential([keras.Input((LENGTH,)), AllVersions(CONFIG)])
        model.compile(jit_compile=name == COMPILED)
        check(model.predict_on_batch(X), plain, len(X))
        runs[name] = lambda model=model: model.predict_on_batch(X)
    times = in_turns(
        {name: lambda run=run: seconds(run) for name, run in runs.items()}, 1 if tiny else CALLS
    )
    return {name: statistics.median(some) for name, some in times.items()}


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
                ratio_row(f"{what}: against the loop that stacks once", times[ONCE], times[way]),
            ]
            speeds.append(row(what, [windows / t for t in times[way]], unit="windows/s"))
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
        {"windows": BATCH, "samples": LENGTH, "calls a turn": CALLS},
        time.perf_counter() - start,
        measurements=found,
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
