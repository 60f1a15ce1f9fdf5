"""Training on a graphics card: views per second, share of the transformations, matrix rate.

Run from the repository root: ``python benchmarks/bench_device.py [--tiny]``.

Keras runs on JAX. A step is that of the paper: 128 windows in seven versions, the faithful network
(pooling stride 2), in float32 and in mixed precision with bfloat16. It is taken as the library
takes it, one call a step with the windows on the host, and once more with the windows on the card
and all steps in one compiled program, which shows what the calls cost. The transformations are also
timed alone. The card's matrix rate is that of a large product in the same type, measured in the
same turn. Without a card the result file says so, and nothing is measured.
"""

import argparse
import os
import time
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from common import flop_per_view, in_turns, row, save, seconds
from schedules import cards

from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import train_epoch
from ecglib.pretext.str_model import STRModel, build_str_heads
from ecglib.pretext.transformations import TASKS
from ecglib.studies.profiles import PAPER

LENGTH, STEPS, TURNS = 2560, 10, 5
WINDOWS, MATRIX = PAPER.pretext.training.batch_windows, 8192
PRECISIONS = ("float32", "bfloat16")


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
        self.model.optimizer.build(self.model.trainable_variables)
        self.windows, self.steps = windows, steps
        self.x = np.random.default_rng(0).normal(size=(windows, LENGTH)).astype("float32")
        layer = self.model.versions
        # Copies: a training step takes the model's own arrays over.
        random = [jnp.array(v.value, copy=True) for v in layer.non_trainable_variables]
        self._state = tuple(
            [jnp.array(v.value, copy=True) for v in of_kind]
            for of_kind in (
                self.model.trainable_variables,
                self.model.non_trainable_variables,
                self.model.optimizer.variables,
                self.model.metrics_variables,
            )
        )
        on_device = jnp.asarray(self.x)
        versions = jax.jit(lambda x: layer.stateless_call([], random, x)[0])
        self._versions = lambda: versions(on_device).block_until_ready()

        def chain(state: Any) -> Any:
            def step(state: Any, _: Any) -> Any:
                logs, state = self.model.train_step(state, (on_device,))
                return state, logs["loss"]

            return jax.lax.scan(step, state, length=steps)

        compiled = jax.jit(chain)

        def chained() -> None:
            self._state, loss = compiled(self._state)
            loss.block_until_ready()

        self._chained = chained
        generator = np.random.default_rng(0)
        a, b = (jnp.asarray(generator.normal(size=(matrix, matrix)), precision) for _ in "ab")
        product = jax.jit(jnp.matmul)
        exact = jax.jit(lambda a, b: jnp.matmul(a, b, precision="highest"))
        self._product = lambda: product(a, b).block_until_ready()
        self._exact = lambda: exact(a, b).block_until_ready()
        self.product_flop = 2 * matrix**3
        for warm in (self._called, self._called, chained, chained, self._versions, self._product):
            warm()
        self._exact()

    def _called(self) -> None:
        """Take the steps as the library does; each ends when its loss is on the host."""
        order = np.tile(np.arange(self.windows), self.steps)
        train_epoch(self.model, self.x, None, order, self.windows)

    def measure(self) -> dict[str, float]:
        """Seconds of a step, both ways, of the transformations and of the products."""
        times = {
            "step": seconds(self._called) / self.steps,
            "chained step": seconds(self._chained) / self.steps,
            "versions": min(seconds(self._versions) for _ in range(self.steps)),
            "product": min(seconds(self._product) for _ in range(self.steps)),
            "exact product": min(seconds(self._exact) for _ in range(self.steps)),
        }
        return {**times, "matrix_rate": self.product_flop / times["product"]}


def case_rows(precision: str, turns: list[dict[str, float]], flop: int, views: int) -> list[dict]:
    """Summarise the turns of one case: `flop` operations a view, `views` views a step."""
    speed = [views / m["step"] for m in turns]
    chained = [views / m["chained step"] for m in turns]
    rates = [m["matrix_rate"] for m in turns]
    return [
        row(f"{precision}: speed", speed, unit="views/s"),
        row(f"{precision}: speed with all steps in one program", chained, unit="views/s"),
        row(
            f"{precision}: share of the step spent in transformations",
            [100 * m["versions"] / m["step"] for m in turns],
            unit="%",
            target=5,
            at_least=False,
        ),
        row(
            f"{precision}: share of the card's matrix rate",
            [100 * v * flop / rate for v, rate in zip(speed, rates, strict=True)],
            unit="%",
            note=f"{flop / 1e9:.2f} GFLOP a view",
        ),
        row(f"{precision} matrix product", [r / 1e12 for r in rates], unit="TFLOP/s"),
        row(
            f"{precision} matrix product, at full precision, against the card's usual way: time",
            [m["exact product"] / m["product"] for m in turns],
            unit="×",
        ),
    ]


def main() -> None:
    """Measure both precisions in turns, if there is a card."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial on any device, no result file")
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
        rows += case_rows(precision, turns, flop, sizes[0] * len(TASKS))
    if options.tiny:
        print(*rows, sep="\n")
        return
    save(
        "device",
        rows,
        {"card": found[0], "windows a step": sizes[0], "matrix": sizes[1]},
        time.perf_counter() - start,
        measurements=measured,
        skipped=[],
    )


if __name__ == "__main__":
    main()
