"""The result files of the benchmarks say what they must, and their verdicts follow from them."""

import importlib
import json
import re
from pathlib import Path

import pytest

from benchmarks import common

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "benchmarks").glob("bench_*.py"))
# Those of `tests.breaking` are counts, and no comparison of speed.
COUNTS = {"kills", "malformed", "mutation", "coverage"}
RESULTS = sorted(
    path for path in (ROOT / "benchmarks" / "results").glob("*.json") if path.stem not in COUNTS
)
ROW = {"what", "median", "low", "high", "turns", "unit", "target", "at_least", "met", "note"}


def test_every_result_has_a_benchmark():
    names = {re.sub(r"-\d{4}-\d\d-\d\d$", "", path.stem) for path in RESULTS}  # of earlier machines
    assert names <= {p.stem.removeprefix("bench_") for p in SCRIPTS}


def test_ratios_are_taken_turn_by_turn_and_judged_by_their_median():
    row = common.ratio_row("a for b", [2.0, 8.0, 9.0], [1.0, 2.0, 1.0], target=4)
    assert (row["low"], row["median"], row["high"], row["turns"]) == (2, 4, 9, 3)
    assert row["met"] is True
    assert common.ratio_row("a", [5], [1], target=4, at_least=False)["met"] is False
    assert common.row("a", [5], unit="s")["met"] is None


def test_variants_take_turns():
    order = []
    found = common.in_turns(
        {name: lambda name=name: order.append(name) or len(order) for name in "ab"}, 3
    )
    assert order == list("ababab")
    assert found == {"a": [1, 3, 5], "b": [2, 4, 6]}


@pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)
def test_a_result_names_machine_and_date_and_its_verdicts_follow_from_its_numbers(path):
    result = json.loads(path.read_text())
    about = result["about"]
    assert about["made"] and about["environment"]["processor"] and about["seconds"] >= 0
    assert result["rows"] or result["skipped"]
    for row in result["rows"]:
        assert set(row) == ROW, row["what"]
        assert row["low"] <= row["median"] <= row["high"], row["what"]
        if row["target"] is None:
            assert row["met"] is None, row["what"]
        elif row["at_least"]:
            assert row["met"] == (row["median"] >= row["target"]), row["what"]
        else:
            assert row["met"] == (row["median"] <= row["target"]), row["what"]


@pytest.mark.parametrize(("power", "flat"), [(1, True), (2, False)])
def test_growth_is_linear_or_flat_when_the_largest_size_needs_no_more(monkeypatch, power, flat):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    growth = importlib.import_module("bench_growth")
    points = [
        {
            "stage": "a",
            "counted": "windows",
            "size": 5 * factor,
            "factor": factor,
            "turn": turn,
            "seconds": turn * factor**power,
            "data_mb": factor,
            "working_mb": 100 if flat else 100 * factor,
        }
        for factor in growth.FACTORS
        for turn in (1, 2, 3)
    ]
    time, memory = growth.growth_rows(points)
    assert set(time) == set(memory) == ROW
    assert time["low"] == time["high"] == 8 ** (power - 1)
    assert memory["low"] == memory["high"] == (1 if flat else 8)
    assert time["met"] is memory["met"] is flat
    assert time["note"].endswith("for 5 and 40 windows")
