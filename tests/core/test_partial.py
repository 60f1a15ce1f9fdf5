import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ecglib.core import partial as module
from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.core.partial import abandoned, check_replaces, partial_path, prepare

WRITES = """
import os, sys, time
from pathlib import Path
from ecglib.core.artifacts import atomic_path
with atomic_path(Path(sys.argv[1]) / "a.npz") as partial:
    partial.write_bytes(bytes(1000))
    print("written", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is in the middle of writing a file."""
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert process.stdout.readline() == b"written\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.skipif(os.name != "posix", reason="processes are asked for on POSIX systems")
def test_what_a_killed_process_left_is_removed_by_the_next_and_not_before(writer, tmp_path):
    (left,) = tmp_path.glob(".partial-*")
    other = tmp_path / left.name.replace(left.name[9:15], "0" * 6)  # of another machine
    old = tmp_path / f".partial-{'0' * 32}-a.npz"  # of an earlier version
    other.write_bytes(b"x")
    old.write_bytes(b"x")
    assert abandoned(tmp_path) == []
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert abandoned(tmp_path) == [left]
    with atomic_path(tmp_path / "b.npz") as partial:
        partial.write_bytes(b"b")
    assert sorted(tmp_path.iterdir()) == sorted([other, old, tmp_path / "b.npz"])


def test_a_number_that_was_given_to_another_process(tmp_path, monkeypatch):
    own = partial_path(tmp_path / "a.npz")
    own.touch()
    assert abandoned(tmp_path) == []
    started = module._started(os.getpid())
    if started != "0":
        own.rename(own.with_name(own.name.replace(f"-{started}-", "-17-")))
        assert len(abandoned(tmp_path)) == 1


def test_a_file_from_before_the_machine_was_started(tmp_path, monkeypatch):
    own = partial_path(tmp_path / "a.npz")
    own.touch()
    monkeypatch.setattr(module, "_boot", lambda: "0" * 6)
    assert abandoned(tmp_path) == []  # it is newer: another machine may have the same name
    os.utime(own, (0, 0))
    assert abandoned(tmp_path) == ([own] if module._read("/proc/uptime") else [])


def test_a_disk_that_does_not_replace_files_is_refused(tmp_path, monkeypatch):
    check_replaces(tmp_path)
    assert list(tmp_path.iterdir()) == []

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DataError, match=r"one step \(Permission denied\).*ECGLIB_ARTIFACTS"):
        check_replaces(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(module, "_kind_of_disk", lambda _: "fuse.sshfs")
    with pytest.raises(DataError, match="one step"):
        prepare(tmp_path / ".")
    monkeypatch.setattr(module, "_kind_of_disk", lambda _: "ext4")
    prepare.__wrapped__(tmp_path)


def test_a_disk_is_known_by_the_longest_place(tmp_path, monkeypatch):
    lines = f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\nb {tmp_path}x cifs rw 0 0"
    monkeypatch.setattr(module, "_read", lambda _: lines)
    assert module._kind_of_disk(tmp_path / "deep") == "nfs4"
    assert module._kind_of_disk(tmp_path.parent) == "ext4"
