"""The text of code, and so its digest, is the same in every version of Python."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecglib.core.sources import Sources
from ecglib.studies.stages import PACKAGE, STAGES

DIGESTS = """
import json, sys, types
folder, package, roots = json.load(sys.stdin)
for name in ("ecglib", "ecglib.core"):  # without what their own __init__ imports
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{folder}/{name.replace('.', '/')}"]
from pathlib import Path
from ecglib.core.sources import Sources
sources = Sources("ecglib", Path(package))
print(json.dumps([sources.digest(code) for code in roots]))
"""


def interpreter(version):
    """Find a Python of a version, on the path or among those of pyenv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [shutil.which(f"python{version}"), *root.glob(f"versions/{version}.*/bin/python")]
    for place in filter(None, places):
        try:  # what is on the path may be a stub for a version that is not there
            command = [str(place), "-S", "-c", "import sys; print(sys.version_info[:2])"]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        if said.strip() == f"({version.replace('.', ', ')})":
            return str(place)
    pytest.skip(f"there is no Python {version} on this machine")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_version_of_python_gives_the_same_digests(version):
    other = interpreter(version)
    roots = [stage.code for stage in STAGES]
    ours = Sources(PACKAGE.name, PACKAGE)
    given = json.dumps([str(PACKAGE.parent), str(PACKAGE), roots])
    done = subprocess.run(
        [other, "-S", "-c", DIGESTS], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [ours.digest(code) for code in roots]


def test_only_the_standard_library_is_needed():
    given = json.dumps([str(PACKAGE.parent), str(PACKAGE), []])
    done = subprocess.run(
        [sys.executable, "-S", "-c", DIGESTS],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
