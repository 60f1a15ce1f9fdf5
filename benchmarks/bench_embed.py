"""Speed and memory of embedding: windows to features with the faithful network (pooling stride 2).

Run from the repository root: ``python benchmarks/bench_embed.py [--tiny]``.

An hour of one lead is 360 windows of 10 s. The yardstick is what direct convolutions could reach:
their arithmetic, counted from the shapes, done at the rate of a float32 matrix product on all
cores. That rate is measured in every turn, before and after the embedding, and the higher one
counts. The same encoder applied by Keras on TensorFlow, with direct and with spectral convolutions,
takes its turns beside it. Memory is the largest resident size of a process of its own, which embeds
ten minutes first and then hours, made as they are needed.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from bench_step import matrix_rate
from common import forward_flop, in_turns, ratio_row, row, save, seconds

HOUR, LENGTH, TURNS, MATRIX, HOURS = 360, 2560, 7, 2048, 10
MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from ecglib.models.embedding import embed
from ecglib.models.encoder import build_encoder
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000
def minutes(n):
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield rng.normal(size=(6, 2560)).astype("float32")
encoder = build_encoder()
embed(minutes(10), encoder)
before = peak()
embed(minutes(int(sys.argv[1])), encoder)
print(peak() - before)
"""


def growth_mb(minutes: int) -> float:
    """Measure by how much embedding so many minutes lets the memory of a process grow."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", MEMORY, str(minutes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure in turns."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    tiny = parser.parse_args().tiny
    if not tiny and os.environ.get("OMP_NUM_THREADS"):
        parser.error("OMP_NUM_THREADS is set: unset it, so that every variant has all cores")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the comparison is about CPUs
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ecglib.models.embedding import embed
    from ecglib.models.encoder import EncoderConfig, build_encoder, even_batch

    start = time.perf_counter()
    n, turns, size, hours = (8, 1, 256, 1) if tiny else (HOUR, TURNS, MATRIX, HOURS)
    X = np.random.default_rng(0).normal(size=(n, LENGTH)).astype("float32")
    direct = build_encoder(EncoderConfig(), LENGTH)
    spectral = build_encoder(EncoderConfig(convolution="spectral"), LENGTH)
    spectral.set_weights(direct.get_weights())
    flop = sum(forward_flop(direct))
    batch = even_batch(n, 64)
    for encoder in (direct, spectral):
        encoder.compile(jit_compile=True)
    ways = {
        "ecglib": lambda: embed(X, direct, progress=False),
        "Keras, direct convolutions": lambda: direct.predict(X, batch, verbose=0),
        "Keras, spectral convolutions": lambda: spectral.predict(X, batch, verbose=0),
    }
    features = {way: run() for way, run in ways.items()}
    expected = features["Keras, direct convolutions"]
    error = float(np.abs(features["ecglib"] - expected).max() / np.abs(expected).max())
    measures = {way: lambda run=run: n / seconds(run) for way, run in ways.items()}
    found = in_turns(
        {
            "rate before": lambda: matrix_rate(size),
            "ecglib": measures.pop("ecglib"),
            "rate after": lambda: matrix_rate(size),
            **measures,
        },
        turns,
    )
    rates = np.maximum(found.pop("rate before"), found.pop("rate after"))
    possible = (rates / flop).tolist()
    note = f"{flop / 1e9:.3f} GFLOP a window"
    features_mb = hours * HOUR * expected[0].nbytes / 1e6
    rows = [
        ratio_row("embedding against direct convolutions at the matrix rate", found["ecglib"],
                  possible, target=1.5, note=note),
        *(ratio_row(f"embedding against {other}", found["ecglib"], found[other])
          for other in measures),
        row("an hour of one lead", [HOUR / speed for speed in found["ecglib"]], unit="s",
            note=f"{HOUR} windows"),
        *(row(f"{way}: speed", speeds, unit="windows/s") for way, speeds in found.items()),
        row("direct convolutions at the matrix rate", possible, unit="windows/s", note=note),
        row("float32 matrix product", (rates / 1e9).tolist(), unit="GFLOP/s"),
        row("largest difference of a feature from Keras, direct convolutions", [error],
            unit="of the largest feature", target=1e-5, at_least=False),
        row(f"growth of memory by {hours} hours", [growth_mb(60 * hours)], unit="MB", target=20,
            at_least=False, note=f"after 10 minutes; the features are {features_mb:.2g} MB"),
    ]  # fmt: skip
    if tiny:
        print(*rows, sep="\n")
        return
    save(
        "embed",
        rows,
        {"windows": n, "samples": LENGTH, "pool stride": 2, "matrix": size, "FLOP a window": flop},
        time.perf_counter() - start,
        measurements=found,
        skipped=[],
    )


if __name__ == "__main__":
    main()
