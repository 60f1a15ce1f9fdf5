"""Download an open set: on request only, resumable, and checked against its published checksums."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ecglib import __version__
from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.core.progress import progress
from ecglib.data.open_sets import OpenSet, open_set

SUMS = "SHA256SUMS.txt"
"""File beside the others that has the checksum of each."""


TIMEOUT_S = 30.0
"""Seconds without an answer after which a server counts as gone."""


ATTEMPTS = 3
"""How often a file is asked for when the connection breaks; each goes on where the last ended."""


MAX_SUMS_BYTES = 2**22
"""Largest list of checksums that is read."""


_MB = 10**6


_CHUNK = 1 << 16


_LINE = re.compile(r"([0-9a-fA-F]{64})\s+\*?(.+)")


_SAFE = re.compile(r"[\w][\w.-]*")


@dataclass(frozen=True)
class Fetched:
    """What `fetch` found and did.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    n_files : int
        How many there are, all of them checked.
    n_bytes : int
        Their size.
    downloaded : tuple of str
        Names of those that were not there before.

    Examples
    --------
    >>> Fetched(Path("data/eegmat"), n_files=72, n_bytes=10**8, downloaded=()).n_files
    72
    """

    folder: Path
    n_files: int
    n_bytes: int
    downloaded: tuple[str, ...]


class _NoAnswer(Exception):
    """A server that is not reached, or a connection that breaks."""


@checked
def fetch(
    wanted: str | OpenSet,
    to: str | os.PathLike[str] | None = None,
    *,
    mirror: str | None = None,
) -> Fetched:
    """Download the files of an open set that are not there yet.

    Parameters
    ----------
    wanted : str or OpenSet
        "eegmat", "mitdb", or another set whose folder has a list of checksums.
    to : str or os.PathLike, optional
        The folder to put them into; ``data/NAME`` in the home folder by default.
    mirror : str, optional
        Another folder with the same files: an address that begins with ``http://`` or ``https://``.

    Returns
    -------
    Fetched

    Raises
    ------
    DataError
        If no server answers (the message says which files to put where), a file is not there, a
        checksum is wrong, or the disk is too small. Files that are complete stay; one that was
        broken off stays as ``NAME.part``, and the next call goes on from there.

    Notes
    -----
    The list of checksums is asked for first; where no server answers, one that lies in the folder
    does, so files that were put there by hand can be checked without a network. A file takes its
    name only when its checksum is right.

    Examples
    --------
    >>> import tempfile
    >>> fetch("no such set", tempfile.gettempdir())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field name: no open set is named 'no such set'. ...
    """
    wanted = open_set(wanted) if isinstance(wanted, str) else wanted
    base = _address(mirror or wanted.url)
    folder = (given_path(to) if to is not None else wanted.default_folder).absolute()
    sums = _checksums(wanted, base, folder)
    missing = [name for name in sums if not _is_right(folder / name, sums[name])]
    try:
        _download(wanted, base, folder, {name: sums[name] for name in missing})
    except _NoAnswer as error:
        raise _by_hand(wanted, base, folder, str(error), missing) from error
    sizes = [(folder / name).stat().st_size for name in sums]
    return Fetched(folder, len(sums), sum(sizes), tuple(missing))


def _address(url: str) -> str:
    """Return the address of a folder with a slash at its end, if it is one of the web."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DataError(
            f"the address {url!r}",
            field="mirror",
            expected="one that begins with https:// or http://",
            remedy="copy files of your own into the folder, without this command",
        )
    return url if url.endswith("/") else f"{url}/"


def _checksums(wanted: OpenSet, base: str, folder: Path) -> dict[str, str]:
    """Return the checksum of each needed file, by its name."""
    kept = folder / SUMS
    try:
        with _open(base + SUMS) as answer:
            text = _read(answer, MAX_SUMS_BYTES + 1)
            if answer.length and len(text) <= MAX_SUMS_BYTES:
                raise _NoAnswer(f"the connection broke within {base + SUMS}")
    except _NoAnswer as error:
        if not kept.is_file():
            raise _by_hand(wanted, base, folder, str(error), []) from error
        return _parsed(wanted, kept.read_bytes(), str(kept))
    sums = _parsed(wanted, text, base + SUMS)
    with atomic_path(kept) as partial:
        partial.write_bytes(text)
    return sums


def _parsed(wanted: OpenSet, text: bytes, source: str) -> dict[str, str]:
    """Return the names and checksums of a list; refuse one that names files elsewhere."""
    found = {}
    for line in text.decode("utf-8", errors="replace").splitlines()[: MAX_SUMS_BYTES // 66]:
        match = _LINE.fullmatch(line.strip())
        if not match:
            continue
        name = match[2].removeprefix("./")
        parts = re.split(r"[/\\]", name)
        if ".." in parts or parts[0] == "" or ":" in name or "\0" in name:
            raise DataError(
                f"the list of checksums names {name[:80]!r}",
                file=source,
                expected="files in its own folder",
                remedy="nothing was written; don't use this server",
            )
        if re.fullmatch(wanted.files, name) and _SAFE.fullmatch(name):
            found[name] = match[1].lower()
    if len(found) < wanted.n_files or len(text) > MAX_SUMS_BYTES:
        raise DataError(
            f"a list of checksums with {len(found)} files of this set",
            file=source,
            expected=f"the SHA-256 and the name of {wanted.n_files} files: {wanted.listed}",
            remedy=f"check the address; the set's own is {wanted.url}",
        )
    return dict(sorted(found.items()))


def _download(wanted: OpenSet, base: str, folder: Path, sums: dict[str, str]) -> None:
    """Download files, and say how far it is, in megabytes of all of them."""
    if not sums:
        return
    with ThreadPoolExecutor(4) as pool:
        sizes = dict(zip(sums, pool.map(lambda name: _size(base + name), sums), strict=True))
    there = {name: _size_there(_part(folder / name)) for name in sums}
    needed = sum(sizes.values()) - sum(there.values())
    if needed > shutil.disk_usage(folder).free:
        raise DataError(
            f"{needed / _MB:.0f} MB are needed, and there is less room",
            file=folder,
            expected="room on the disk",
            remedy="make room, or choose another folder with --to",
        )
    done = sum(there.values()) // _MB
    steps = _megabytes(base, folder, sums, sizes, sum(there.values()))
    total = max(done, sum(sizes.values()) // _MB)
    for _ in progress(steps, wanted.name, total=total, done=done, unit="MB"):
        pass


def _megabytes(
    base: str, folder: Path, sums: dict[str, str], sizes: dict[str, int], done: int
) -> Iterator[None]:
    """Download files one after another; yield after every megabyte."""
    for name, checksum in sums.items():
        for n_bytes in _one_file(base + name, folder / name, checksum, sizes[name]):
            before, done = done // _MB, done + n_bytes
            yield from [None] * (done // _MB - before)


def _one_file(url: str, path: Path, checksum: str, size: int) -> Iterator[int]:
    """Download a file, going on from what is there of it; yield the bytes of each piece."""
    part = _part(path)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            yield from _rest_of(url, part, size)
            break
        except _NoAnswer:
            if attempt == ATTEMPTS:
                raise
    if not _is_right(part, checksum):
        part.unlink(missing_ok=True)
        raise DataError(
            "the checksum of what came is wrong; it was deleted",
            file=url,
            expected=f"SHA-256 {checksum}",
            remedy="run the command again; if it fails again, use another mirror",
        )
    os.replace(part, path)


def _rest_of(url: str, part: Path, size: int) -> Iterator[int]:
    """Append to a partial file what it lacks."""
    start = _size_there(part)
    if start > size:
        part.unlink()
        start = 0
    if start == size and part.is_file():
        return
    with _open(url, {"Range": f"bytes={start}-"} if start else {}) as answer:
        goes_on = answer.status == 206
        if goes_on and not (answer.headers.get("Content-Range") or "").startswith(
            f"bytes {start}-"
        ):
            raise _NoAnswer(f"{url} sends another part than was asked for")
        with part.open("ab" if goes_on else "wb") as stream:
            there = start if goes_on else 0
            while there < size:
                piece = _read(answer, min(_CHUNK, size - there))
                if not piece:
                    raise _NoAnswer(f"the connection broke after {there} of {size} bytes of {url}")
                stream.write(piece)
                there += len(piece)
                if goes_on or there > start:  # what comes a second time was counted
                    yield len(piece)


def _open(url: str, headers: dict[str, str] | None = None, method: str = "GET"):
    """Open an address; a refusal of the server is a DataError, no answer is a `_NoAnswer`."""
    about = {"User-Agent": f"ecglib/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=about | (headers or {}), method=method)
    try:
        return _OPENER.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(
            f"the server answers {error.code} {error.reason}",
            file=url,
            expected="the file",
            remedy="check the address, or try again later",
        ) from error
    except urllib.error.URLError as error:
        raise _NoAnswer(f"no answer from {url} ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _NoAnswer(f"no answer from {url} ({error or type(error).__name__})") from error


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follow a redirection to the web only, and never from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        schemes = [urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl)]
        if schemes[1] not in ("http", "https") or schemes == ["https", "http"]:
            raise DataError(
                f"the server redirects to {newurl}",
                file=req.full_url,
                expected="an address as safe as the first",
                remedy="try again later, or use another mirror",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_WebOnly)


def _read(answer: http.client.HTTPResponse, n_bytes: int) -> bytes:
    try:
        return answer.read(n_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise _NoAnswer(f"the connection to {answer.url} broke ({error})") from error


def _size(url: str) -> int:
    """Return the size of a file in bytes, as the server gives it."""
    with _open(url, method="HEAD") as answer:
        size = answer.headers.get("Content-Length", "")
    if not size.isdecimal():
        raise DataError("the server does not say its size", file=url, remedy="use another mirror")
    return int(size)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _size_there(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _is_right(path: Path, checksum: str) -> bool:
    """Say whether a file is there and has a checksum."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == checksum


def _by_hand(
    wanted: OpenSet, base: str, folder: Path, problem: str, missing: list[str]
) -> DataError:
    """Return the error that says how to get files without this command's network."""
    some = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else "".join(missing)
    return DataError(
        problem,
        expected=f"a network that reaches {base}",
        remedy=f"run the command again where there is one (it goes on where it ended), or download "
        f"{some or wanted.listed} and {SUMS} yourself from {base}, put them into {folder}, and run "
        f"ecglib fetch {wanted.name} --to {folder}: it checks them without a network",
    )
