"""Time and memory against the number of windows and of participants.

Run from the repository root: ``python benchmarks/bench_growth.py [--tiny]``.

Every stage runs at 1, 2, 4 and 8 times its smallest size. By the number of windows: one pass of
the STR pretext, and all seven versions with their frozen features. Both use the quick profile's
network (pooling stride 2), a fixed batch, XLA and random windows. By the number of participants:
reading a file in the layout of DREAMER.mat, and making the windows of the cohort. The synthetic
people have 18 clips of full length and hardly any EEG.

Time should be linear: the time at 8 times the size, divided by 8 times the time at 1. What is
compiled or imported does not count. The files have just been written, so no disk is measured.

Memory can't be flat as a whole: the windows, the features and the cohort lie in memory and grow
with their number. What must stay flat is the working memory: what a stage needs on top of its
input and its result. It is the largest resident size of the process, less that size before the
stage, less the data. Every measurement is a process of its own. For a network, "before the stage"
is before it is built, so model, optimiser, compiled code and activations count. They take hundreds
of megabytes: the ratio shows whether activations pile up, not whether a window of 10 kB is copied.
The training runs twice: it keeps the memory that it frees (`ecglib.core.process`), as in the book,
or hands it back, as glibc does by default. Some runs on the kept heap take one more large block, at
some step; probably a small one then lies where the large one of a step lay. For the windows of a
cohort, the cohort lies in memory already.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from common import in_turns, ratio_row, save, seconds

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import ECG_RATE, read_dreamer
from ecglib.data.targets import SCALES
from ecglib.preprocessing.segmentation import make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat

if TYPE_CHECKING:
    from ecglib.pretext.str_model import STRModel

LENGTH, BATCH, TURNS = 2560, 8, 3
FACTORS = (1, 2, 4, 8)
WARM = CohortSpec(n_participants=1, clip_lengths_s=(20.0, 20.0), baseline_s=20.0)
"""A cohort so small that it leaves no mark on the memory; read first, as the first read imports."""


def peak() -> float:
    """Largest resident size of this process so far, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 / 1e6


def found(took: float, before: float, n_bytes: int) -> dict[str, float]:
    """Put the numbers of one measurement together.

    Parameters
    ----------
    took : float
        Seconds.
    before : float
        `peak` before the stage.
    n_bytes : int
        Size of the data that the stage adds to the memory: input, if it was made since `before`,
        and result.

    Returns
    -------
    dict
        With ``seconds, peak_mb, data_mb, working_mb``.
    """
    now, data = peak(), n_bytes / 1e6
    return {
        "seconds": took,
        "peak_mb": now,
        "data_mb": data,
        "working_mb": now - before - data,
    }


def build() -> "STRModel":
    """Build the pretext model of the quick profile."""
    from ecglib.models.encoder import build_encoder
    from ecglib.pretext.str_model import STRModel, build_str_heads
    from ecglib.studies.profiles import QUICK

    pretext = QUICK.pretext
    return STRModel(
        build_encoder(QUICK.encoder, LENGTH),
        build_str_heads(dropout=pretext.dropout, l2=pretext.head_l2),
        pretext.transforms,
        pretext.task_weights,
        pretext.balanced,
    )


def random_windows(n: int) -> np.ndarray:
    """Make windows, (n, 2560), without any temporary array."""
    return np.random.default_rng(0).standard_normal((n, LENGTH), dtype="float32")


def training(n: int, folder: Path, keep: bool) -> dict[str, float]:
    """Measure one pass of the pretext over `n` windows, with freed memory kept or handed back."""
    import keras

    from ecglib.core.process import keep_freed_memory
    from ecglib.models.training import train_epoch, window_stream

    if keep:
        keep_freed_memory()
    before = peak()
    model, X = build(), random_windows(n)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
    for _ in range(2):  # compiles
        model.train_on_batch(X[:BATCH])
    order = window_stream(n, 0, n, 0)
    took = seconds(lambda: train_epoch(model, X, None, order, BATCH))
    return found(took, before, X.nbytes)


def encoding(n: int, folder: Path) -> dict[str, float]:
    """Measure the seven versions of `n` windows, and the frozen features of all versions."""
    import keras

    before = peak()
    model, X = build(), random_windows(n)
    frozen = keras.Sequential([keras.Input((LENGTH,)), model.versions, model.encoder])
    frozen.trainable = False
    frozen.compile(jit_compile=True)
    for _ in range(2):  # compiles
        frozen.predict(X[:BATCH], batch_size=BATCH, verbose=0)
    start = time.perf_counter()
    features = frozen.predict(X, batch_size=BATCH, verbose=0)
    return found(time.perf_counter() - start, before, X.nbytes + features.nbytes)


def reading(n: int, folder: Path) -> dict[str, float]:
    """Measure `read_dreamer` on the file of `n` participants."""
    read_dreamer(folder / "warm.mat")
    before, start = peak(), time.perf_counter()
    cohort = read_dreamer(folder / f"{n}.mat")
    took = time.perf_counter() - start
    table = int(cohort.recordings.memory_usage(deep=True).sum())
    return found(took, before, table + sum(signal.nbytes for signal in cohort.signals))


def windowing(n: int, folder: Path) -> dict[str, float]:
    """Measure `make_windows` on the cohort of `n` participants."""
    # Not read from the .mat: that would leave a higher peak behind, and hide this stage's.
    make_windows(kept(folder / "warm.npz"))
    cohort = kept(folder / f"{n}.npz")
    before, start = peak(), time.perf_counter()
    windows: Windows = make_windows(cohort)
    took = time.perf_counter() - start
    return found(took, before, windows.X.nbytes + int(windows.meta.memory_usage().sum()))


STAGES: dict[str, tuple[Callable[[int, Path], dict[str, float]], str, int]] = {
    "pretext training": (partial(training, keep=True), "windows", 16),
    "pretext training, freed memory handed back": (partial(training, keep=False), "windows", 16),
    "seven versions and frozen features": (encoding, "windows", 16),
    "reading a file": (reading, "participants", 3),
    "windows of a cohort": (windowing, "participants", 3),
}
"""Name of each stage: how it is measured, what is counted, and the smallest number of them."""


def keep(cohort: Cohort, path: Path) -> None:
    """Write a cohort as named arrays."""
    rows = cohort.recordings
    columns = {f"rows.{name}": np.array(rows[name].tolist()) for name in rows}
    signals = {f"signal.{i}": signal for i, signal in enumerate(cohort.signals)}
    save_arrays(path, {**columns, **signals})


def kept(path: Path) -> Cohort:
    """Read what `keep` wrote."""
    arrays = load_arrays(path)
    rows = {k.removeprefix("rows."): v for k, v in arrays.items() if k.startswith("rows.")}
    signals = tuple(arrays[f"signal.{i}"] for i in range(len(arrays) - len(rows)))
    return Cohort("synthetic", ECG_RATE, pd.DataFrame(rows), signals, targets=SCALES)


def write_cohorts(folder: Path, sizes: Sequence[int], spec: CohortSpec) -> None:
    """Write the cohorts of `sizes` participants, and the one to warm up with, as .mat and NPZ.

    Parameters
    ----------
    folder : Path
        Where to write.
    sizes : sequence of int
        Numbers of participants; each cohort begins with the people of the smaller ones.
    spec : CohortSpec
        What the largest cohort is like.
    """
    everyone = make_cohort(spec, seed=3).cohort
    cohorts = {str(n): everyone.select(participants=range(1, n + 1)) for n in sizes}
    cohorts["warm"] = make_cohort(WARM, seed=3).cohort
    for name, cohort in cohorts.items():
        write_dreamer_mat(cohort, folder / f"{name}.mat")
        keep(cohort, folder / f"{name}.npz")


def in_new_process(stage: str, size: int, folder: Path) -> dict[str, float]:
    """Measure one stage at one size in a process of its own, which sees no graphics card."""
    environment = os.environ | {
        "CUDA_VISIBLE_DEVICES": "",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, __file__, "--stage", stage, "--size", str(size), "--folder", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def medians(quantity: str, *points: Sequence[Mapping[str, Any]]) -> str:
    """Write the median of a quantity over each group of points, for a note."""
    numbers = [statistics.median(p[quantity] for p in some) for some in points]
    return " and ".join(f"{n:.0f}" if n >= 100 else f"{n:.2g}" for n in numbers)


def growth_rows(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare the largest size of each stage with the smallest, turn by turn.

    Parameters
    ----------
    points : sequence of mapping
        One per stage, size and turn, in the order of the turns, with ``stage, counted, size,
        factor, seconds, data_mb, working_mb``.

    Returns
    -------
    list of dict
        Two rows a stage, from `common.ratio_row`: time and working memory.
    """
    rows = []
    for stage in dict.fromkeys(p["stage"] for p in points):
        own = [p for p in points if p["stage"] == stage]
        factors = [p["factor"] for p in own]
        small, large = ([p for p in own if p["factor"] == f] for f in (min(factors), max(factors)))
        growth = large[0]["factor"] / small[0]["factor"]
        sizes = f"{small[0]['size']} and {large[0]['size']} {small[0]['counted']}"
        took, working, data = (
            medians(quantity, small, large) for quantity in ("seconds", "working_mb", "data_mb")
        )
        rows += [
            ratio_row(
                f"{stage}: growth of time, {growth:g}× (1 is linear)",
                [p["seconds"] for p in large],
                [growth * p["seconds"] for p in small],
                target=1.2,
                at_least=False,
                note=f"{took} s for {sizes}",
            ),
            ratio_row(
                f"{stage}: growth of working memory, {growth:g}× (1 is flat)",
                [p["working_mb"] for p in large],
                [p["working_mb"] for p in small],
                target=1.2,
                at_least=False,
                note=f"{working} MB on top of data of {data} MB",
            ),
        ]
    return rows


def main() -> None:
    """Measure every stage at every size, in turns."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    parser.add_argument("--stage", choices=STAGES, help="measure one, in this process")
    parser.add_argument("--size", type=int, help="its size")
    parser.add_argument("--folder", type=Path, help="where the cohorts are")
    options = parser.parse_args()
    if options.stage:
        measure = STAGES[options.stage][0]
        print(json.dumps(measure(options.size, options.folder)))
        return
    tiny = options.tiny
    start = time.perf_counter()
    factors = FACTORS[:2] if tiny else FACTORS
    smallest = {stage: n // 2 if tiny else n for stage, (_, _, n) in STAGES.items()}
    sizes = [smallest["reading a file"] * f for f in factors]
    spec = CohortSpec(n_participants=max(sizes))
    variants = [(stage, factor) for stage in STAGES for factor in factors]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cohorts(folder, sizes, spec)
        measured = in_turns(
            {
                f"{s} {f}": lambda s=s, f=f: in_new_process(s, smallest[s] * f, folder)
                for s, f in variants
            },
            1 if tiny else TURNS,
        )
    points = [
        {
            "stage": stage,
            "counted": STAGES[stage][1],
            "size": smallest[stage] * factor,
            "factor": factor,
            "turn": turn,
            **numbers,
        }
        for stage, factor in variants
        for turn, numbers in enumerate(measured[f"{stage} {factor}"], start=1)
    ]
    rows = growth_rows(points)
    if tiny:
        print(*points, *rows, sep="\n")
        return
    save(
        "growth",
        rows,
        {
            "data": "random windows; synthetic cohort",
            "windows a step": BATCH,
            "pool stride": 2,
            "clips": len(spec.clip_lengths_s),
            "factors": FACTORS,
        },
        time.perf_counter() - start,
        points=points,
        skipped=[],
    )


if __name__ == "__main__":
    main()
