"""Check the notebooks without running them: order, outputs, reasons, twins, compared cells.

nbval compares a cell's new output with the stored one, but it passes what it cannot compare: a
cell that was never executed, a cell told to ignore its output, a picture. These checks keep such
cells from becoming the rule.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]

# The least number of cells whose output nbval compares. Raise it with every chapter.
FLOOR_PER_NOTEBOOK = 4
FLOOR_TOTAL = 40

# nbval takes comments too; readers of a chapter would see those.
COMMENT = re.compile(r"^\s*#\s*(NBVAL_\w+)\s*$", re.MULTILINE)
UNCOMPARED_TAGS = {"nbval-ignore-output", "nbval-skip"}
LEAST_REASON = 10
# A picture's textual form ("<Figure size 640x480 with 1 Axes>") says nothing about its content.
OBJECT_REPR = re.compile(r"^<[^>]*>$")
MACHINE_PATH = re.compile(r"/(?:tmp|home|root|work|Users|private)/\w")


def read(path: Path) -> NotebookNode:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that hold any code."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def is_uncompared(cell: NotebookNode) -> bool:
    """Tell whether a tag keeps nbval from comparing this cell."""
    return bool(set(cell.metadata.get("tags", [])) & UNCOMPARED_TAGS)


def says_something(output: NotebookNode) -> bool:
    """Tell whether an output holds text that nbval compares."""
    if output.output_type == "stream":
        return output.name == "stdout" and bool(output.text.strip())
    data = output.get("data", {})
    if any(kind.startswith("image/") for kind in data):
        return False
    text = data.get("text/plain", "").strip()
    return "text/html" in data or bool(text and not OBJECT_REPR.match(text))


def count_compared(notebook: NotebookNode) -> int:
    """Count the cells whose stored output nbval compares with a new one."""
    return sum(
        cell.execution_count is not None
        and not is_uncompared(cell)
        and any(says_something(output) for output in cell.outputs)
        for cell in code_cells(notebook)
    )


def order_problems(notebook: NotebookNode) -> list[str]:
    """List the cells that were not executed exactly once, from the first to the last."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"execution counts are {counts}, expected 1 to {len(counts)}: run `make notebooks`"]


def reason_problems(notebook: NotebookNode) -> list[str]:
    """List the cells that switch the comparison off by a comment, or do not say why."""
    problems = []
    for cell in code_cells(notebook):
        first = cell.source.splitlines()[0]
        if comment := COMMENT.search(cell.source):
            problems.append(f"a cell has the comment {comment[1]}, use a tag: {first!r}")
        if is_uncompared(cell) and len(cell.metadata.get("reason", "").strip()) < LEAST_REASON:
            problems.append(f"a cell is not compared and its metadata has no reason: {first!r}")
    return problems


def output_problems(notebook: NotebookNode) -> list[str]:
    """List outputs that no committed notebook should show: errors, stderr, machine paths."""
    problems = []
    for cell in code_cells(notebook):
        first = cell.source.splitlines()[0]
        for output in cell.outputs:
            if output.output_type == "error":
                problems.append(f"a cell ended in {output.ename}: {first!r}")
            if output.output_type == "stream" and output.name == "stderr":
                problems.append(f"a cell wrote to stderr: {first!r}")
            text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            if MACHINE_PATH.search(text):
                problems.append(f"an output shows a path of one machine: {first!r}")
    return problems


def cell_content(notebook: NotebookNode) -> list[tuple]:
    """Return what a notebook and its script must share: kind, source and metadata of each cell."""
    return [(c.cell_type, c.source.strip(), dict(c.metadata)) for c in notebook.cells]


def twin_problems(path: Path, notebook: NotebookNode) -> list[str]:
    """List where a notebook and the percent script beside it say different things."""
    script = path.with_suffix(".py")
    if not script.is_file():
        return [f"has no percent script {script.name}: run `make sync`"]
    mine, twin = cell_content(notebook), cell_content(jupytext.read(script, fmt="py:percent"))
    if mine == twin:
        return []
    for number, (here, there) in enumerate(zip(mine, twin, strict=False)):
        if here != there:
            return [f"cell {number} differs from {script.name}: {here} against {there}"]
    return [f"has {len(mine)} cells and {script.name} has {len(twin)}"]


def problems_of(path: Path) -> list[str]:
    """List everything wrong with one notebook, each line beginning with its name."""
    notebook = read(path)
    found = [
        *order_problems(notebook),
        *reason_problems(notebook),
        *output_problems(notebook),
        *twin_problems(path, notebook),
    ]
    if (compared := count_compared(notebook)) < FLOOR_PER_NOTEBOOK:
        found.append(f"{compared} cells are compared, at least {FLOOR_PER_NOTEBOOK} are wanted")
    return [f"{path.name}: {problem}" for problem in found]


def main() -> None:
    """Check every notebook and exit with 1 if any check fails."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    problems = [problem for path in paths for problem in problems_of(path)]
    counts = {p.name: count_compared(read(p)) for p in paths}
    for name, count in counts.items():
        print(f"{name}: {count} cells compared")
    if (total := sum(counts.values())) < FLOOR_TOTAL:
        problems.append(f"{total} cells are compared in all, at least {FLOOR_TOTAL} are wanted")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(paths)} notebooks, {total} cells compared: in order")


if __name__ == "__main__":
    main()
