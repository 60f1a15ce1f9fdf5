"""Execute percent scripts into the notebooks beside them.

The script is the source that people read and review; the notebook is the script plus outputs.
Everything that would change from one run to the next without meaning anything (cell identifiers,
timings, the interpreter's version, lines on stderr) is left out, so that a diff shows content only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(script: Path) -> NotebookNode:
    """Run one percent script from its first cell and return the notebook with its outputs."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = NotebookNode(kernelspec=KERNEL)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(script.parent)}},
    ).execute()
    notebook.metadata = NotebookNode(kernelspec=KERNEL)
    return notebook


def drop_stderr(notebook: NotebookNode) -> str:
    """Remove what the cells wrote to stderr, and return it for the terminal."""
    dropped = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                dropped.append(output.text)
            else:
                kept.append(output)
        cell.outputs = kept
    return "".join(dropped)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook in one step, so that an interrupted run leaves the old one whole."""
    nbformat.validate(notebook)
    temporary = path.with_suffix(".ipynb.tmp")
    temporary.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def main() -> None:
    """Execute the scripts named on the command line, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="+", type=Path, help="percent scripts in notebooks/")
    parser.add_argument("--into", type=Path, help="folder for the notebooks; beside the scripts")
    given = parser.parse_args()
    for script in given.scripts:
        start = time.perf_counter()
        notebook = execute(script)
        if text := drop_stderr(notebook):
            print(f"{script}: stderr, not kept in the notebook:\n{text}", file=sys.stderr)
        write(notebook, (given.into or script.parent) / f"{script.stem}.ipynb")
        print(f"{script}: executed in {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
