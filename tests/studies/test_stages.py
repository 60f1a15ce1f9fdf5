"""No change of code that numbers come from is forgotten."""

import ast

import pytest

from ecglib.core.lock import Lock
from ecglib.core.sources import Sources
from ecglib.studies.stages import LOCK, PACKAGE, STAGES, current_lock

HOW = (
    "Did numbers change? If so, raise the version of these stages in ecglib/studies/stages.py. "
    "In either case record the new code with: ecglib stages --lock"
)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_code_of_every_stage_exists(stage):
    assert stage.code
    assert len(Sources(PACKAGE.name, PACKAGE).digest(stage.code)) == 16


def test_every_stage_has_a_name_of_its_own():
    names = [stage.name for stage in STAGES]
    assert len(set(names)) == len(names)


def test_every_stage_stands_after_those_that_it_starts_from():
    for number, stage in enumerate(STAGES):
        missing = [before.name for before in stage.after if before not in STAGES[:number]]
        assert not missing, f"{stage.name} stands before {', '.join(missing)}"


def test_no_change_of_code_is_forgotten():
    changed = Lock.read(LOCK).forgotten(current_lock())
    assert not changed, f"the code of these stages changed: {', '.join(changed)}. {HOW}"


def test_every_version_is_recorded():
    missing = Lock.read(LOCK).unrecorded(current_lock())
    assert not missing, (
        f"the versions of these stages are not those of the lock: {', '.join(missing)}. "
        "Record them with: ecglib stages --lock"
    )


def test_packages_do_nothing_when_they_are_imported():
    # What an __init__ did would be seen by no digest.
    for path in PACKAGE.glob("*/__init__.py"):
        statements = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(statements) == 1 and ast.get_docstring(ast.Module(statements, [])), path
