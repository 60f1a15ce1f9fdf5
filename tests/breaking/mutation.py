"""Change the library in small ways, and see whether its tests notice.

    python -m tests.breaking.mutation [--tools FOLDER] [--sample N] [--again] [MODULE ...]

The changes are those of Cosmic Ray, which lies in a FOLDER of its own: an operator, a number, a
condition, an exception, a loop. Those that change annotations only are left out, for they never
run. Of the others of a module N are drawn. Each is tried in a process of its own that runs the
module's tests until the first fails. Those that no test has noticed are tried "again" alone, after
tests were added. Writes ``benchmarks/results/mutation.json``, module by module.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.breaking.results import FOLDER, save
from tests.breaking.survivors import WHY

PROJECT = Path(__file__).parents[2]
SAMPLE, SEED = 80, 0

DATA = ("tests/data/test_matfile.py", "tests/data/test_dreamer.py")
TESTS: dict[str, tuple[str, ...]] = {
    "ecglib.data.dreamer": ("tests/data/test_dreamer.py",),
    "ecglib.data.matfile": DATA,
    "ecglib.data.mat_arrays": DATA,
    "ecglib.data.mat_stream": DATA,
    "ecglib.evaluation.splits": ("tests/evaluation/test_splits.py",),
    "ecglib.evaluation.audit": ("tests/evaluation/test_audit.py",),
    "ecglib.evaluation.metrics": ("tests/evaluation/test_metrics.py",),
    "ecglib.pretext.transformations": ("tests/pretext/test_transformations.py",),
}
"""The modules, each with the tests that should notice; the examples in its docstrings do too."""

IMPORTED = ("pandas", "scipy.io", "scipy.signal", "scipy.stats", "sklearn.metrics", "hypothesis")


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    Parameters
    ----------
    operator : str
        What changed it.
    line : int
        Number of the first changed line.
    was, now : str
        That line, and what stands there instead.
    source : str
        The whole module.
    """

    operator: str
    line: int
    was: str
    now: str
    source: str


def mutants(source: str) -> tuple[list[Mutant], int]:
    """List the changes of a module, and count those left out because nothing that runs changes."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    unchanged, found, seen, silent = _running(source), [], {source}, 0
    nodes = list(ast_nodes(get_ast(source)))
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        for number in range(count):
            try:
                changed = mutate_code(source, operator, number)
            except (
                AttributeError
            ):  # of an exception with a dotted name, which the tool can't replace
                continue
            if changed is None or changed in seen:
                continue
            seen.add(changed)
            try:
                runs = _running(changed)
            except SyntaxError:
                continue
            if runs == unchanged:
                silent += 1
                continue
            pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
            line, (was, now) = next((i, p) for i, p in enumerate(pairs, start=1) if p[0] != p[1])
            kept = (name.removeprefix("core/"), line, was.strip(), now.strip(), changed)
            found.append(Mutant(*kept))
    return found, silent


def _running(source: str) -> str:
    """Give what of a module runs: without annotations and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return ast.dump(tree)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Import one module from a changed source."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self.module, self.path, self.source = module, path, source

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> Any:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.source.encode()


def tried(
    module: str, path: Path, source: str, tests: list[str], limit_s: int
) -> tuple[str, float]:
    """Run the tests of a module with another source, in a process of its own.

    Returns
    -------
    what : {"killed", "survived", "timed out"}
        What became of the change.
    seconds : float
        Time on the processor.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
            resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
            sys.meta_path.insert(0, _Changed(module, path, source))
            import doctest

            import pytest

            failed = doctest.testmod(importlib.import_module(module)).failed
            code = failed or pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
        finally:
            os._exit(int(code != 0))
    _, status = os.waitpid(pid, 0)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if os.WIFSIGNALED(status):
        return "timed out" if seconds >= limit_s - 2 else "killed", seconds
    return ("killed" if status else "survived"), seconds


def module_row(module: str, sample: int, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Try changes of a module.

    Parameters
    ----------
    module : str
        From `TESTS`.
    sample : int
        How many changes are drawn, at most.
    before : dict, optional
        An earlier row of the same module: only its survivors are tried.

    Returns
    -------
    dict
        ``module``, the numbers of ``mutants``, of those ``left out``, ``tried``, ``killed`` and
        ``timed out``, and ``survivors``: the line, what it was and is, and why no test fails.
    """
    path = PROJECT.joinpath(*module.split(".")).with_suffix(".py")
    source, tests = path.read_text(encoding="utf-8"), list(TESTS[module])
    what, seconds = tried(module, path, source, tests, 600)
    assert what == "survived", f"the tests of {module} fail on what is not changed"
    limit = int(20 + 4 * seconds)
    every, silent = mutants(source)
    rng = np.random.default_rng([SEED, *module.encode()])
    drawn = [every[number] for number in sorted(rng.permutation(len(every))[:sample])]
    count: Counter[str] = Counter()
    survivors, open_cases = [], drawn
    if before is not None:
        assert (before["mutants"], before["tried"]) == (len(every), len(drawn)), "it has changed"
        known = [(one["operator"], one["was"], one["now"]) for one in before["survivors"]]
        open_cases = [one for one in drawn if (one.operator, one.was, one.now) in known]
        count.update({"killed": before["killed"], "timed out": before["timed out"]})
    for mutant in open_cases:
        what, _ = tried(module, path, mutant.source, tests, limit)
        count[what] += 1
        if what == "survived":
            told = {k: v for k, v in asdict(mutant).items() if k != "source"}
            why = WHY.get(module, {}).get((mutant.was, mutant.now), "")
            survivors.append({**told, "why": why})
            print(module, mutant.line, mutant.was, "->", mutant.now, flush=True)
    row = {
        "module": module,
        "mutants": len(every),
        "left out": silent,
        "tried": len(drawn),
        "killed": count["killed"],
        "timed out": count["timed out"],
        "survived": len(survivors),
        "survivors": survivors,
    }
    print({k: v for k, v in row.items() if k != "survivors"}, f"{seconds:.1f} s", flush=True)
    return row


def kept(module: str) -> dict[str, Any]:
    """Give the row of a module in the result file."""
    rows = json.loads((FOLDER / "mutation.json").read_text())["rows"]
    return next(row for row in rows if row["module"] == module)


def main(arguments: list[str]) -> None:
    """Try changes of some modules, or of all."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--tools", help="where Cosmic Ray lies")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="changes of each module")
    parser.add_argument("--again", action="store_true", help="only what no test has noticed")
    given = parser.parse_args(arguments)
    if given.tools:
        sys.path.append(given.tools)
    for name in IMPORTED:  # so that every process begins with them
        importlib.import_module(name)
    os.chdir(PROJECT)
    configuration = {"sample": given.sample, "seed": SEED, "tool": "Cosmic Ray"}
    for module in given.modules or TESTS:
        start = time.monotonic()
        if module.startswith("ecglib.pretext"):
            importlib.import_module("keras")
        before = kept(module) if given.again else None
        row = module_row(module, given.sample, before)
        save("mutation", [row], configuration, time.monotonic() - start, list(TESTS))


if __name__ == "__main__":
    main(sys.argv[1:])
