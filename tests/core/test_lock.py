import json
from dataclasses import replace

import pytest

from ecglib.core.lock import Lock
from ecglib.core.sources import Sources
from ecglib.core.stages import Stage

CODE = "STEP = 1\n\n\ndef first(x):\n    return x + STEP\n\n\ndef last(x):\n    return x * 2\n"
FIRST = Stage("first", 1, ("pkg.code:first",))
LAST = Stage("last", 1, ("pkg.code:last",), (FIRST,))


@pytest.fixture
def lock_of(tmp_path):
    """Lock stages of a small package, whose code can be changed."""
    (tmp_path / "pkg").mkdir()

    def lock(*stages, old="", new=""):
        assert old in CODE
        (tmp_path / "pkg" / "code.py").write_text(CODE.replace(old, new, 1) if old else CODE)
        return Lock.of(stages or (FIRST, LAST), Sources("pkg", tmp_path / "pkg"))

    return lock


def test_a_lock_holds_versions_and_digests(lock_of, tmp_path):
    lock = lock_of()
    digest = Sources("pkg", tmp_path / "pkg").digest(FIRST.code)
    assert lock.entries["first"] == {"versions": {"first": 1}, "digest": digest}
    assert lock.entries["last"]["versions"] == {"last": 1, "first": 1}
    assert lock.entries["last"]["digest"] != digest


def test_nothing_changed(lock_of):
    assert lock_of().forgotten(lock_of()) == lock_of().unrecorded(lock_of()) == []


def test_a_comment_is_no_change(lock_of):
    now = lock_of(old="STEP = 1", new="# how far\nSTEP = 1")
    assert lock_of().forgotten(now) == lock_of().unrecorded(now) == []


def test_changed_code_under_the_same_version_was_forgotten(lock_of):
    before, now = lock_of(), lock_of(old="STEP = 1", new="STEP = 2")
    assert before.forgotten(now) == ["first"]
    assert before.unrecorded(now) == []


def test_a_new_version_is_unrecorded_with_all_that_come_after(lock_of):
    first = replace(FIRST, version=2)
    now = lock_of(first, replace(LAST, after=(first,)), old="STEP = 1", new="STEP = 2")
    before = lock_of()
    assert before.forgotten(now) == []
    assert before.unrecorded(now) == ["first", "last"]
    assert now.forgotten(now) == now.unrecorded(now) == []


def test_stages_that_come_and_go_are_unrecorded(lock_of):
    other = replace(LAST, name="other")
    before, now = lock_of(FIRST, LAST), lock_of(FIRST, other)
    assert before.forgotten(now) == []
    assert sorted(before.unrecorded(now)) == ["last", "other"]
    assert Lock({}).unrecorded(now) == ["first", "other"]


def test_a_root_that_is_gone_is_named(lock_of):
    with pytest.raises(LookupError, match="gone"):
        lock_of(replace(FIRST, code=("pkg.code:gone",)))


def test_a_lock_comes_back_from_its_file(lock_of, tmp_path):
    path = tmp_path / "new" / "stages.lock"
    lock_of().write(path)
    assert Lock.read(path) == lock_of()
    text = path.read_text()
    assert json.loads(text) == lock_of().entries
    assert text.endswith("}\n") and text.count("\n") > 10  # a change of one stage is a small diff
    lock_of(LAST, FIRST).write(path)
    assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["stages.lock"]
