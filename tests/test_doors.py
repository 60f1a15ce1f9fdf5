"""The doors for those who run the book: JupyterLab, Binder, Colab, one downloaded chapter."""

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
PAGE = (ROOT / "book" / "run.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
BINDER = ROOT / "binder"


def pip_options(text):
    """Read the options of every call of pip, without what is installed."""
    # A tool that only its own target needs goes into a folder of its own.
    calls = [c for c in re.findall(r"pip install (.*)$", text, re.MULTILINE) if "--target" not in c]
    return {frozenset(re.findall(r"(?<!\S)--?[a-z-]+|:all:", call)) for call in calls}


def test_binder_installs_the_lock_then_the_library():
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    (wanted,) = (line for line in lines if line and not line.startswith("#"))
    name = wanted.removeprefix("-r ")
    assert (BINDER / name).resolve() == ROOT / "requirements.lock"
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK) and script.read_text().startswith("#!/bin/bash\n")
    assert pip_options(script.read_text()) < pip_options(MAKEFILE)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    python = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.0")


def test_colab_installs_as_make_env_does():
    lines = "\n".join(re.findall(r"^```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))
    assert pip_options(lines) == pip_options(MAKEFILE)
    folder = re.search(r"git clone .* ADDRESS (\S+)", lines)[1]
    assert f"-r {folder}/requirements.lock" in lines and f"--editable {folder}\n" in lines
    assert f"%env ECGLIB_HOME={folder}\n" in lines


@pytest.mark.parametrize("url", ["", "https://example.org/someone/book"])
def test_one_setting_drives_the_buttons(url):
    spec = importlib.util.spec_from_file_location("doors", ROOT / "book" / "_ext" / "doors.py")
    doors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(doors)
    config = SimpleNamespace(html_theme_options={"repository_url": url})
    doors.add_buttons(None, config)
    assert config.html_theme_options.get("launch_buttons") == (doors.BUTTONS if url else None)
    assert set(CONFIG["repository"]) == {"url", "branch"}
    assert "launch_buttons" not in CONFIG


def test_jupyterlab_is_locked_and_opens_a_chapter_that_is_there():
    recipe = re.search(r"^lab: .*?(?=^\S)", MAKEFILE, re.DOTALL | re.MULTILINE)[0]
    assert (ROOT / re.search(r"/lab/tree/(\S+)", recipe)[1]).is_file()
    # Without it, a kernel that the user installed under the same name would win.
    assert "JUPYTER_PREFER_ENV_PATH=1 $(BIN)/python -m jupyterlab" in recipe
    assert re.search(r"^jupyterlab==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert "--extra lab" in MAKEFILE
