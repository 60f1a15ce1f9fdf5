"""Files that are not finished yet: whose they are, and which of them nobody will finish.

Each is named after the process that writes it. A process that is killed leaves its own behind; the
next one that writes into the folder, on the same machine, removes them. Files of another machine,
or of a process that is still there, are never touched.

A folder may lie on a network disk and be shared by several machines, if the disk replaces a file by
another in one step; `check_replaces` tries it. NFS, Lustre, GPFS and SMB 3 do.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

_PARTIAL = re.compile(
    r"\.partial-([0-9a-f]{6})-([0-9a-f]{6})-(\d+)-(\d+)-[0-9a-f]{8}-.+", re.DOTALL
)


_NETWORK = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|9p|fuse\..*|lustre|gpfs|ceph|afs|beegfs|virtiofs")


@checked
def partial_path(path: Path) -> Path:
    """Name a file beside `path` that is to take its place, after this process.

    Parameters
    ----------
    path : Path
        The file that is to be written.

    Returns
    -------
    Path
        It ends in the whole name of `path`.

    Examples
    --------
    >>> partial_path(Path("made", "a.npz")).name.endswith("-a.npz")
    True
    """
    pid = os.getpid()
    told = f"{_machine()}-{_boot()}-{pid}-{_started(pid)}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".partial-{told}-{path.name}")


@cache
def prepare(folder: Path) -> None:
    """Remove from a `folder`, once in a process, what killed processes of this machine left there.

    Raises
    ------
    DataError
        If the folder lies on a network disk that does not replace files as it should.
    """
    for left in abandoned(folder):
        with suppress(OSError):  # it is in nobody's way
            left.unlink()
    if _NETWORK.fullmatch(_kind_of_disk(folder)):
        check_replaces(folder)


@checked
def abandoned(folder: Path) -> list[Path]:
    """List the unfinished files in a `folder` whose process, on this machine, is no more.

    Returns
    -------
    list of Path

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> partial_path(folder / "a.npz").touch()
    >>> abandoned(folder)
    []
    """
    if os.name != "posix":  # there a process cannot be asked for without harm
        return []
    return [path for path in folder.glob(".partial-*") if _is_abandoned(path)]


@checked
def check_replaces(folder: Path) -> None:
    """Try whether one file takes the place of another in a `folder` in one step.

    Raises
    ------
    DataError
        If it does not, or nothing can be written there.

    Examples
    --------
    >>> import tempfile
    >>> check_replaces(Path(tempfile.mkdtemp()))
    """
    old, new = (partial_path(folder / f"check-{name}") for name in ("old", "new"))
    try:
        old.write_bytes(b"old")
        new.write_bytes(b"new")
        with old.open("rb") as reader:
            os.replace(new, old)
            whole = (reader.read(), old.read_bytes(), new.exists()) == (b"old", b"new", False)
    except OSError as error:
        whole, told = False, error.strerror or str(error)
    else:
        told = "what is read from the old file changes, or both are left"
    finally:
        for path in (old, new):
            path.unlink(missing_ok=True)
    if not whole:
        raise DataError(
            f"on this disk a file cannot take the place of another in one step ({told})",
            file=folder,
            expected="a local disk, or a network disk such as NFS",
            remedy="name a folder on another disk in ECGLIB_ARTIFACTS",
        )


def _is_abandoned(path: Path) -> bool:
    parts = _PARTIAL.fullmatch(path.name)
    if parts is None or parts[1] != _machine():
        return False
    if parts[2] != _boot():  # written before this machine was last started
        try:
            return path.stat().st_mtime < time.time() - _uptime()
        except OSError:
            return False
    pid = int(parts[3])
    try:
        os.kill(pid, 0)  # asks for it, and sends nothing
    except ProcessLookupError:
        return True
    except OSError:
        return False
    started = _started(pid)
    return "0" not in (started, parts[4]) and started != parts[4]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


@cache
def _machine() -> str:
    """Tell this machine from others; a container has processes of its own, and is one."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return _short(f"{platform.node()} {_read('/etc/machine-id')} {space}")


@cache
def _boot() -> str:
    return _short(_read("/proc/sys/kernel/random/boot_id"))


def _uptime() -> float:
    return float((_read("/proc/uptime") or "inf").split()[0])


def _started(pid: int) -> str:
    """Say when a process was started, for a number is given again; "0" if it is not known."""
    told = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return told[19] if len(told) > 19 else "0"


def _kind_of_disk(folder: Path) -> str:
    """Give the name of the file system that a folder lies on, as Linux has it; else nothing."""
    found = ("", "")
    here = f"{folder.absolute()}/"
    for line in _read("/proc/self/mounts").splitlines():
        parts = line.split()
        if len(parts) > 2 and here.startswith(f"{parts[1].rstrip('/')}/"):
            found = max(found, (parts[1], parts[2]), key=lambda pair: len(pair[0]))
    return found[1]
