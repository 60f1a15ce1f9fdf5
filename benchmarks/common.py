"""What every benchmark shares: turns, ratios, targets and the result file.

A benchmark measures its variants in one run on the same data. The variants take turns, so that
other load on the machine falls on all of them, and what counts is the ratio within one turn: its
median over the turns, with the smallest and the largest beside it.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecglib.core.artifacts import atomic_path
from ecglib.core.provenance import provenance

if TYPE_CHECKING:
    import keras

RESULTS = Path(__file__).parent / "results"
"""One JSON file per benchmark, named like its script without ``bench_``."""


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def forward_flop(encoder: "keras.Model") -> list[int]:
    """Count the operations of each convolution on the way forward, for one window."""
    return [
        2 * layer.output.shape[1] * int(np.prod(layer.kernel.shape))
        for layer in encoder.layers
        if hasattr(layer, "kernel")
    ]


def flop_per_view(encoder: "keras.Model") -> int:
    """Count the operations of the convolutions in one training step, for one view.

    A multiply-add counts as two. The gradients of input and kernel take as much as the way
    forward each, but the first convolution needs no gradient of its input. The heads, 0.1 % of the
    whole, and everything elementwise are left out; what "same" convolutions multiply by their
    padding, less than 1 %, is not.
    """
    forward = forward_flop(encoder)
    return 3 * sum(forward) - forward[0]


def in_turns(variants: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Measure every variant once a turn.

    Parameters
    ----------
    variants : mapping of str to callable
        Each gives one measured number. Warm up and compile before.
    turns : int
        Number of turns.

    Returns
    -------
    dict of str to list of float
        The numbers of each variant, one a turn.
    """
    measured: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(turns):
        for name, measure in variants.items():
            measured[name].append(measure())
    return measured


def ratio_row(
    what: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    target: float | None = None,
    at_least: bool = True,
    note: str = "",
) -> dict[str, Any]:
    """Summarise the ratio of two variants, turn by turn.

    Parameters
    ----------
    what : str
        What is compared with what, in words of the book.
    above, below : sequence of float
        Numbers of both variants, one a turn; the ratio is ``above / below``.
    target : float, optional
        What the ratio should reach.
    at_least : bool
        Whether the ratio should be at least the target, or at most.
    note : str
        What a reader must know beside the number.

    Returns
    -------
    dict
        With ``what, median, low, high, turns, unit, target, at_least, met, note``; see `row`.
    """
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return row(what, ratios, unit="×", target=target, at_least=at_least, note=note)


def row(
    what: str,
    numbers: Sequence[float],
    *,
    unit: str,
    target: float | None = None,
    at_least: bool = True,
    note: str = "",
) -> dict[str, Any]:
    """Summarise the numbers of one quantity: median, smallest, largest, and whether it is enough.

    Parameters
    ----------
    what, target, at_least, note
        As in `ratio_row`.
    numbers : sequence of float
        One a turn.
    unit : str
        Unit of the numbers.

    Returns
    -------
    dict
        As in `ratio_row`.
    """
    median = statistics.median(numbers)
    met = None if target is None else bool(median >= target if at_least else median <= target)
    return {
        "what": what,
        "median": median,
        "low": min(numbers),
        "high": max(numbers),
        "turns": len(numbers),
        "unit": unit,
        "target": target,
        "at_least": at_least,
        "met": met,
        "note": note,
    }


def save(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    configuration: Mapping[str, Any],
    took_s: float,
    **details: Any,
) -> Path:
    """Write ``results/<name>.json`` and print the rows.

    Parameters
    ----------
    name : str
        Name of the benchmark.
    rows : sequence of mapping
        From `row` and `ratio_row`.
    configuration : mapping
        Sizes and settings of the run.
    took_s : float
        Duration of the whole benchmark in seconds.
    **details
        Anything else that JSON can hold, such as all single measurements.

    Returns
    -------
    Path
    """
    for r in rows:
        goal = ""
        if r["target"] is not None:
            goal = f"  (target {'≥' if r['at_least'] else '≤'} {r['target']:g})"
        print(f"{r['what']}: {r['median']:.3g} {r['unit']} [{r['low']:.3g}, {r['high']:.3g}]{goal}")
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    about = provenance(configuration, took_s)
    with atomic_path(path) as partial:
        partial.write_text(
            json.dumps({"about": about, "rows": list(rows), **details}, indent=1) + "\n"
        )
    return path
