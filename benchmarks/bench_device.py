"""Training on a graphics card: views per second, share of the transformations, matrix rate.

Run from the repository root: ``python benchmarks/bench_device.py [--paper] [--tiny]``.

Keras runs on JAX. A step is that of the paper: 128 windows in seven versions, the faithful network
(pooling stride 2), in float32 and in mixed precision with bfloat16. The transformations are also
timed alone, compiled, on the card. The card's matrix rate is that of a large product in the same
type, measured in the same turn. ``--paper`` also runs the whole `paper` profile on a full-size
synthetic cohort, from the windows to the predictions. Without a card the result file says so, and
nothing is measured.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from common import flop_per_view, in_turns, row, save, seconds

from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.pretext.str_model import STRModel, build_str_heads
from ecglib.pretext.transformations import TASKS
from ecglib.studies.profiles import PAPER
from ecglib.studies.study import Study

LENGTH, STEPS, TURNS = 2560, 10, 5
WINDOWS, MATRIX = PAPER.pretext.training.batch_windows, 8192
PRECISIONS = ("float32", "bfloat16")


def cards() -> list[str]:
    """Names of the graphics cards that JAX sees."""
    try:
        import jax
    except ImportError:
        return []
    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]


class Case:
    """A model in one precision with everything that is timed of it.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        Of the convolutions.
    windows, matrix, steps : int
        Windows in a step, size of the matrices, steps in a measurement.
    """

    def __init__(self, precision: str, windows: int, matrix: int, steps: int) -> None:
        import jax
        import keras
        from jax import numpy as jnp

        encoder = build_encoder(EncoderConfig(precision=precision), LENGTH)
        self.model = STRModel(encoder, build_str_heads())
        self.model.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
        self.x = np.random.default_rng(0).normal(size=(windows, LENGTH)).astype("float32")
        self.steps = steps
        layer = self.model.versions
        # A copy: a training step takes the model's own arrays over.
        state = [jnp.array(v.value, copy=True) for v in layer.non_trainable_variables]
        versions = jax.jit(lambda x: layer.stateless_call([], state, x)[0])
        on_device = jnp.asarray(self.x)
        self._versions = lambda: versions(on_device).block_until_ready()
        a = jnp.asarray(np.random.default_rng(0).normal(size=(matrix, matrix)), precision)
        product = jax.jit(jnp.matmul)
        self._product = lambda: product(a, a).block_until_ready()
        self.product_flop = 2 * matrix**3
        for warm in (self.step, self.step, self._versions, self._product):
            warm()

    def step(self) -> Any:
        """Take one training step; it ends when its loss is on the host."""
        return self.model.train_on_batch(self.x)

    def measure(self) -> dict[str, float]:
        """Seconds of a step and of the transformations, and operations per second of a product."""
        times = {
            name: min(seconds(run) for _ in range(self.steps))
            for name, run in (
                ("step", self.step),
                ("versions", self._versions),
                ("product", self._product),
            )
        }
        return {**times, "matrix_rate": self.product_flop / times["product"]}


def paper_hours() -> float:
    """Run the `paper` profile on the synthetic cohort, from the file to the predictions."""
    with tempfile.TemporaryDirectory() as folder:
        study = Study(profile=PAPER, root=Path(folder))
        study.path = study.synthetic_path
        study.windows  # noqa: B018  reading and filtering run on the processor
        return seconds(lambda: study.predictions) / 3600


def main() -> None:
    """Measure both precisions in turns, if there is a card."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial on any device, no result file")
    parser.add_argument("--paper", action="store_true", help="run the whole paper profile too")
    options = parser.parse_args()
    start, found = time.perf_counter(), cards()
    if not found and not options.tiny:
        why = "no graphics card was at hand, or JAX does not see it"
        save("device", [], {}, 0.0, skipped=[f"training on a graphics card: {why}"])
        return
    sizes = (1, 64, 1) if options.tiny else (WINDOWS, MATRIX, STEPS)
    cases = {p: Case(p, *sizes) for p in PRECISIONS}
    measured = in_turns({p: c.measure for p, c in cases.items()}, 1 if options.tiny else TURNS)
    rows = []
    for precision, turns in measured.items():
        flop = flop_per_view(cases[precision].model.encoder)
        views = [sizes[0] * len(TASKS) / m["step"] for m in turns]
        shares = zip(views, (m["matrix_rate"] for m in turns), strict=True)
        rows += [
            row(f"{precision}: speed", views, unit="views/s"),
            row(
                f"{precision}: share of the step spent in transformations",
                [100 * m["versions"] / m["step"] for m in turns],
                unit="%",
                target=5,
                at_least=False,
            ),
            row(
                f"{precision}: share of the card's matrix rate",
                [100 * v * flop / rate for v, rate in shares],
                unit="%",
                note=f"{flop / 1e9:.2f} GFLOP a view",
            ),
        ]
    if options.tiny:
        print(*rows, sep="\n")
        return
    skipped = []
    if options.paper:
        note = "23 people, 18 clips of full length; from windows to predictions"
        rows.append(row("the paper profile", [paper_hours()], unit="h", note=note))
    else:
        skipped.append("the paper profile, which runs with --paper only")
    save(
        "device",
        rows,
        {"card": found[0], "windows a step": sizes[0], "matrix": sizes[1]},
        time.perf_counter() - start,
        measurements=measured,
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
