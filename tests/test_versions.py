"""Both ends of the allowed versions were tested, and the bounds say so."""

import json
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools import check_versions

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def tested():
    """What `make versions` wrote down."""
    if not check_versions.RESULT.is_file():
        pytest.skip("`make versions` was never run here")
    return json.loads(check_versions.RESULT.read_text(encoding="utf-8"))


def bounds() -> dict[str, SpecifierSet]:
    extras = PROJECT["optional-dependencies"]
    named = [*PROJECT["dependencies"], *(r for e in check_versions.EXTRAS for r in extras[e])]
    return {r.name: r.specifier for r in map(Requirement, named)}


def test_the_pythons_are_the_oldest_and_the_newest_that_are_allowed():
    allowed = SpecifierSet(PROJECT["requires-python"])
    for python, inside, outside in (("3.11", 0, -1), ("3.13", 0, 1)):
        major, minor = map(int, python.split("."))
        assert allowed.contains(f"{major}.{minor + inside}")
        assert not allowed.contains(f"{major}.{minor + outside}")
    assert list(check_versions.ENDS.values()) == ["3.11", "3.13"]


def test_what_was_tested_passed_and_is_allowed(tested):
    assert list(tested["ends"]) == list(check_versions.ENDS)
    assert tested["about"]["made"] and tested["about"]["environment"]["processor"]
    for end, python in zip(tested["ends"].values(), check_versions.ENDS.values(), strict=True):
        assert end["passed"] > 100 and end["failed"] == end["errors"] == 0
        assert end["versions"]["Python"].startswith(f"{python}.")
        for name, specifier in bounds().items():
            if name in end["versions"]:
                assert specifier.contains(end["versions"][name]), name


def test_lower_bounds_are_those_that_were_tested(tested):
    lowest, specifiers = tested["ends"]["lowest-direct"]["versions"], bounds()
    for name in set(lowest) & set(specifiers):
        (bound,) = (s.version for s in specifiers[name] if s.operator == ">=")
        # Another package may ask for a little more.
        assert Version(lowest[name]).release[:2] == Version(bound).release[:2], name


def test_the_last_line_of_pytest_is_read():
    end = check_versions.outcome("....\n1 failed, 41 passed, 2 skipped, 1 error in 5.20s\n")
    assert end == {"passed": 41, "failed": 1, "errors": 1, "skipped": 2}
    assert check_versions.outcome("")["passed"] == 0
