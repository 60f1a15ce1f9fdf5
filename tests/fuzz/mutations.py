"""Ways to damage a file: bytes, lengths and numbers, also inside what is compressed."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

from hypothesis import strategies as st

NUMBERS = (0, 1, 2, 7, 8, 255, 256, 4096, 65535, 65536, 2**20, 2**24, 2**27, 2**29, 2**30)
NUMBERS += (2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1, 2**40, 2**62)

WORDS = (b"0", b"-1", b"1", b"99999999", b"2147483647", b"1e308", b"1e-308", b"nan", b"inf", b"")
WORDS += (b" ", b"\n", b",", b";", b"\t", b'"', b"~", b"0x1", b"\xff", b"\0", b"..", b"/", b"::")
WORDS += (b"1e9", b"16x4096", b"1/2", b"(1)", b"268435456", b"\xe2\x80\xa8", b"#", b"-0", b"None")

Step = tuple[str, int, int, bytes]

STEPS = st.tuples(
    st.sampled_from(["byte", "bytes", "u16", "u32", "U32", "u64", "cut", "drop", "twice", "word"]),
    st.integers(0, 2**16),
    st.integers(0, 255),
    st.binary(min_size=1, max_size=6),
)

CHANGES = st.tuples(
    st.integers(0, 2**8),  # which file
    st.booleans(),  # inside what is compressed, if something is
    st.integers(0, 2**8),  # which part of an archive
    st.lists(STEPS, min_size=1, max_size=5),
)
"""Strategy of what `changed` takes."""


def changed(name: str, content: bytes, inside: bool, part: int, steps: list[Step]) -> bytes:
    """Give a damaged file; what is wrong `inside` has a right checksum around it."""

    def damage(data: bytes) -> bytes:
        for step in steps:
            data = _STEPS[step[0]](data, *step[1:])
        return data

    if inside and name.endswith(".gz"):
        return gzip.compress(damage(gzip.decompress(content)), mtime=0)
    if inside and name.endswith((".npz", ".pt", ".xlsx")):
        return _in_archive(content, part, damage)
    if inside and name.endswith(".mat"):
        return _in_mat(content, damage)
    return damage(content)


def _in_archive(content: bytes, part: int, damage: Callable[[bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        members = old.infolist()
        for i, member in enumerate(members):
            data = old.read(member)
            data = damage(data) if i == part % len(members) else data
            new.writestr(member, data, compress_type=member.compress_type)
    return out.getvalue()


def _in_mat(content: bytes, damage: Callable[[bytes], bytes]) -> bytes:
    """Damage the last variable before it is compressed, whether or not it was."""
    at, last = 128, 128
    while at < len(content):
        kind, n = struct.unpack_from("<II", content, at)
        last, at = at, at + 8 + n
    data = zlib.decompress(content[last + 8 :]) if kind == 15 else content[last:]
    data = zlib.compress(damage(data))
    return content[:last] + struct.pack("<II", 15, len(data)) + data


def _put(data: bytes, at: int, new: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + new + data[at + len(new) :]


def _number(form: str) -> Callable[[bytes, int, int, bytes], bytes]:
    size = struct.calcsize(form)

    def put(data: bytes, at: int, value: int, _: bytes) -> bytes:
        number = NUMBERS[value % len(NUMBERS)] % 256**size
        # Most formats keep their numbers at even places.
        return _put(data, at - at % min(size, 4), struct.pack(form, number))

    return put


def _word(data: bytes, at: int, value: int, _: bytes) -> bytes:
    """Put another word in the place of a number or a name."""
    found = list(re.finditer(rb"[\w.+-]+", data[:20_000]))
    if not found:
        return data
    match = found[at % len(found)]
    return data[: match.start()] + WORDS[value % len(WORDS)] + data[match.end() :]


def _cut(data: bytes, at: int, value: int, _: bytes) -> bytes:
    return data[: at % (len(data) + 1)]


def _drop(data: bytes, at: int, value: int, _: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + data[at + value :]


def _twice(data: bytes, at: int, value: int, _: bytes) -> bytes:
    at %= len(data) + 1
    return data[: at + value] + data[at:]


_STEPS: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    "byte": lambda data, at, value, _: _put(data, at, bytes([value])),
    "bytes": lambda data, at, _, new: _put(data, at, new),
    "u16": _number("<H"),
    "u32": _number("<I"),
    "U32": _number(">I"),
    "u64": _number("<Q"),
    "cut": _cut,
    "drop": _drop,
    "twice": _twice,
    "word": _word,
}
