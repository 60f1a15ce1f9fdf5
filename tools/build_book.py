"""Make the book: execute the chapters side by side, then render all pages.

The chapters are executed into a copy of the sources, so that those of the project stay as they are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build(output: Path, stored: Collection[str] = (), *, rendered: bool = True) -> Path:
    """Build the book on the data file and with the profile that the environment names.

    Parameters
    ----------
    output : Path
        The pages go to ``_build/html`` in it.
    stored : collection of str
        Chapters that are taken with their stored outputs, and not executed.
    rendered : bool
        Whether pages are made; else the chapters are only executed.

    Returns
    -------
    Path
        Folder of the executed notebooks.

    Raises
    ------
    subprocess.CalledProcessError
        If a chapter or the build fails, or the build warns of anything.
    """
    os.environ.setdefault("ECGLIB_HOME", str(ROOT))  # wherever the output goes
    source = output / "_build" / "source"
    shutil.rmtree(source, ignore_errors=True)
    for folder in ("book", "notebooks"):
        shutil.copytree(ROOT / folder, source / folder)
    for file in ("_config.yml", "_toc.yml", "genindex.md"):
        shutil.copy(ROOT / file, source)
    notebooks = source / "notebooks"
    scripts = [s for s in sorted(ROOT.glob("notebooks/[0-9]*.py")) if s.stem not in stored]
    chapters = [sys.executable, ROOT / "tools" / "chapters.py", "--into", notebooks, *scripts]
    subprocess.run(chapters, check=True)
    if not rendered:
        return notebooks
    render = [Path(sys.executable).with_name("jupyter-book"), "build", "--all", "-n", "-W"]
    subprocess.run([*render, "--keep-going", "--path-output", output, source], check=True, cwd=ROOT)
    return notebooks


def main() -> int:
    """Build into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=ROOT, help="default: the project")
    try:
        build(parser.parse_args().output.resolve())
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
