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

from chapters import cores
from jupyter_book.sphinx import build_sphinx

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
        If a chapter fails.
    RuntimeError
        If rendering fails or warns of anything.
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
    # As "jupyter-book build --all -n -W --keep-going" does it, which knows no `jobs`.
    failed = build_sphinx(
        source,
        output / "_build" / "html",
        noconfig=True,
        path_config=source / "_config.yml",
        confoverrides={
            "external_toc_path": str(source / "_toc.yml"),
            "latex_individualpages": False,
            "nitpicky": True,
        },
        builder="html",
        freshenv=True,
        warningiserror=True,
        keep_going=True,
        jobs=cores(),
    )
    if failed:
        raise RuntimeError("the pages were not rendered, or not without a warning: see above")
    return notebooks


def main() -> int:
    """Build into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=ROOT, help="default: the project")
    try:
        build(parser.parse_args().output.resolve())
    except (subprocess.CalledProcessError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
