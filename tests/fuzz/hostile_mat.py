"""MATLAB files made to break a reader: small, and each a lie about what they hold."""

import struct
import zlib
from collections.abc import Iterator

HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"

HUGE = 2**31 - 1


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def opening(of_class: int, shape: tuple[int, ...], name: bytes = b"") -> bytes:
    """What comes before the content of an array."""
    return (
        element(6, struct.pack("<II", of_class, 0))
        + element(5, struct.pack(f"<{len(shape)}i", *shape))
        + element(1, name)
    )


def array(of_class: int, shape: tuple[int, ...], body: bytes = b"", name: bytes = b"") -> bytes:
    return element(14, opening(of_class, shape, name) + body)


def names(*fields: bytes, width: int = 8) -> bytes:
    """The part of a struct that names its fields."""
    joined = b"".join(field.ljust(width, b"\0") for field in fields)
    return element(5, struct.pack("<i", width)) + element(1, joined)


def packed(content: bytes) -> bytes:
    """A compressed variable."""
    data = zlib.compress(content)
    return tag(len(data), 15) + data


def bomb(head: bytes, block: bytes, size: int) -> bytes:
    """A compressed variable of `head` and so many bytes of `block` again and again."""
    squeeze = zlib.compressobj(9)
    block *= 2**20 // len(block)
    data = squeeze.compress(head) + squeeze.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the same bytes give the same bytes.
    data += (squeeze.compress(block) + squeeze.flush(zlib.Z_FULL_FLUSH)) * (size // len(block))
    checksum = zlib.adler32(head)
    for _ in range(size // len(block)):
        checksum = zlib.adler32(block, checksum)
    data += b"\3\0" + struct.pack(">I", checksum)  # an empty last block
    return tag(len(data), 15) + data


def tag(n: int, kind: int = 14) -> bytes:
    return struct.pack("<II", kind, n)


def hostile_mats(variable: bytes, quick: bool) -> Iterator[tuple[str, bytes]]:
    """Give names and contents of files, one after another, some of half a megabyte."""
    empty = tag(0)
    numbers = element(9, struct.pack("<d", 1))
    for shape in ((HUGE, 1), (1, HUGE), (HUGE, HUGE), (HUGE,) * 8, (0, HUGE), (HUGE, 0)):
        told = "x".join(map(str, shape))
        yield f"struct {told} without fields", HEAD + array(2, shape, names(), variable)
        yield f"struct {told}", HEAD + array(2, shape, names(b"a") + empty, variable)
        yield f"char {told}", HEAD + array(4, shape, element(1, b""), variable)
        yield f"char {told} of UTF-16", HEAD + array(4, shape, element(17, b"a\0"), variable)
        yield f"cell {told}", HEAD + array(1, shape, empty, variable)
        yield f"double {told}", HEAD + array(6, shape, numbers, variable)
        yield f"complex {told}", HEAD + array(6 | 0x800, shape, numbers, variable)
        yield f"int8 {told}", HEAD + array(8, shape, tag(HUGE, 1), variable)
        yield f"sparse {told}", HEAD + array(5, shape, numbers, variable)
        inner = array(2, shape, names())
        yield f"struct {told} within", HEAD + array(2, (1, 1), names(b"a") + inner, variable)
    for shape in ((-1, 1), (1, -5), (-3, -3), (-(2**31), 1)):
        for of_class in (1, 2, 4, 6):
            yield f"class {of_class} of shape {shape}", HEAD + array(of_class, shape, b"", variable)
    yield "a shape of 10000 directions", HEAD + array(6, (1,) * 10000, numbers, variable)
    yield "33 directions", HEAD + array(6, (1,) * 33, numbers, variable)
    yield "one direction", HEAD + array(6, (1,), numbers, variable)
    yield "rows of text", HEAD + array(4, (100_000, 1), element(1, b"a" * 100_000), variable)

    # Lengths that go beyond the end
    whole = array(6, (1, 1), numbers, variable)
    for n in (0, 1, 7, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1):
        yield f"a variable of {n} bytes", HEAD + tag(n) + whole[8:]
        yield f"numbers of {n} bytes", HEAD + array(6, (1, 1), tag(n, 9) + bytes(8), variable)
        yield f"a name of {n} bytes", HEAD + element(14, opening(6, (1, 1))[:-8] + tag(n, 1))
        yield (
            f"field names of {n} bytes",
            HEAD + array(2, (1, 1), element(5, struct.pack("<i", 8)) + tag(n, 1), variable),
        )
        width = struct.pack("<I", n)
        yield (
            f"field names {n} long",
            HEAD + array(2, (1, 1), element(5, width) + element(1, b"abcdefgh"), variable),
        )
        yield f"an inner array of {n} bytes", HEAD + array(1, (1, 1), tag(n) + bytes(64), variable)
        yield f"compressed bytes: {n}", HEAD + tag(n, 15) + zlib.compress(whole)
        lie = zlib.compress(tag(n) + whole[8:])
        yield f"inflated bytes: {n}", HEAD + tag(len(lie), 15) + lie
        lie = zlib.compress(array(6, (1, n % HUGE // 8), tag(n, 9), variable))
        yield f"inflated numbers: {n}", HEAD + tag(len(lie), 15) + lie
    yield "compressed noise", HEAD + tag(64, 15) + bytes(range(64))
    yield "a compressed variable in a compressed one", HEAD + packed(packed(whole))

    # Short elements, whose length stands beside their type
    for n in (1, 2, 3, 4, 5, 8, 255, 65535):
        for kind in (1, 6, 9, 14, 15, 18):
            short = struct.pack("<HH4s", kind, n, b"abcd")
            yield f"a short variable, type {kind}, {n} bytes", HEAD + short
            yield (
                f"a short name, type {kind}, {n} bytes",
                HEAD + element(14, opening(6, (1, 1))[:-8] + short + numbers),
            )
            yield f"short numbers, type {kind}, {n} bytes", HEAD + array(6, (1, 1), short, variable)
            yield f"a short cell, type {kind}, {n} bytes", HEAD + array(1, (1, 1), short, variable)
            yield f"short text, type {kind}, {n} bytes", HEAD + array(4, (1, n), short, variable)

    # The other byte order
    swapped = HEAD[:124] + b"\x01\x00MI"
    yield "big-endian mark, little-endian content", swapped + whole
    other = struct.pack(">II", 14, 48) + struct.pack(">IIII", 6, 8, 6, 0)
    yield "little-endian mark, big-endian content", HEAD + other + bytes(32)

    # One in another
    for depth in (40, 1000, 20_000):
        cells, structs = array(6, (1, 1), numbers), array(6, (1, 1), numbers)
        around = len(opening(1, (1, 1))), len(opening(2, (1, 1)) + names(b"a"))
        nested = b"".join(
            tag(len(cells) + (depth - i) * (8 + around[0]) - 8) + opening(1, (1, 1))
            for i in range(depth)
        )
        yield f"cells {depth} deep", HEAD + array(1, (1, 1), nested + cells, variable)
        nested = b"".join(
            tag(len(structs) + (depth - i) * (8 + around[1]) - 8) + opening(2, (1, 1)) + names(b"a")
            for i in range(depth)
        )
        yield f"structs {depth} deep", HEAD + array(1, (1, 1), nested + structs, variable)

    # Many
    yield "100000 empty cells", HEAD + array(1, (100_000, 1), empty * 100_000, variable)
    many = b"".join(b"%08d" % i for i in range(70_000))
    wide = element(5, struct.pack("<i", 8)) + element(1, many)
    yield "70000 fields", HEAD + array(2, (1, 1), wide + empty * 70_000, variable)
    yield "20000 variables", HEAD + array(6, (1, 1), numbers, b"x") * 20_000
    singles = b"".join(array(6, (1, 1), numbers, b"v%05d" % i) for i in range(9000))
    yield "9000 variables", HEAD + singles
    yield "30000 elements of no kind", HEAD + tag(0, 2) * 30_000
    yield "two variables", HEAD + whole + whole
    yield "two fields", HEAD + array(2, (1, 1), names(b"a", b"a") + empty * 2, variable)
    long_name = b"n" * 4000
    yield "a long name", HEAD + array(6, (1, 1), numbers, long_name)
    yield "an unknown class", HEAD + array(99, (1, 1), numbers, variable)
    yield "an object", HEAD + array(3, (1, 1), numbers, variable)

    # Half a megabyte that inflates to half a gigabyte
    size = 500 * 2**20
    kinds = ((2, 9, 1), (9, 6, 8), (4, 11, 2), (5, 12, 4), (7, 7, 4))[: 1 if quick else 5]
    zeros = bytes(8)
    n = size // 8
    for kind, of_class, itemsize in kinds:
        inner = opening(of_class, (size // itemsize, 1), variable) + tag(size, kind)
        yield f"a bomb of type {kind}", HEAD + bomb(tag(len(inner) + size) + inner, zeros, size)
        field = tag(len(inner) + size) + inner.replace(variable, b"")
        outer = opening(2, (1, 1), variable) + names(b"EEG")
        yield (
            f"a bomb of type {kind} in EEG",
            HEAD + bomb(tag(len(outer) + len(field) + size) + outer + field, zeros, size),
        )
    inner = opening(4, (1, size), variable) + tag(size, 1)
    yield "a bomb of text", HEAD + bomb(tag(len(inner) + size) + inner, b"a", size)
    inner = opening(1, (n, 1), variable)
    yield "a bomb of cells", HEAD + bomb(tag(len(inner) + size) + inner, empty, size)
    inner = opening(2, (n, 1), variable) + names(b"a")
    yield "a bomb of structs", HEAD + bomb(tag(len(inner) + size) + inner, empty, size)
    # Just within the limits: it must be read, or refused, without much
    for kind, of_class, itemsize in kinds:
        fill = {9: 16, 2: 5, 4: 6, 5: 12, 7: 8}[kind]
        count = 2**26 // fill // 2**20 * 2**20
        inner = opening(of_class, (count, 1), variable) + tag(count * itemsize, kind)
        yield (
            f"at the limit, type {kind}",
            HEAD + bomb(tag(len(inner) + count * itemsize) + inner, zeros, count * itemsize),
        )
    count = 2**15 - 100
    cells = array(6, (1, 1), numbers) * count
    yield "as many cells as are read", HEAD + array(1, (count, 1), cells, variable)
    if quick:
        return
    inner = opening(2, (n, 1), variable) + names(b"EEG")
    yield "a bomb of fields passed over", HEAD + bomb(tag(len(inner) + size) + inner, empty, size)
    inner = opening(2, (1, 1), variable) + element(5, struct.pack("<i", 8)) + tag(size, 1)
    yield "a bomb of field names", HEAD + bomb(tag(len(inner) + size) + inner, b"abcdefgh", size)
    inner = opening(6, (1, 1), b"")[:-8] + tag(size, 1)
    yield "a bomb of a name", HEAD + bomb(tag(len(inner) + size) + inner, b"n", size)
    inner = element(6, struct.pack("<II", 6, 0)) + tag(size, 5)
    yield "a bomb of a shape", HEAD + bomb(tag(len(inner) + size) + inner, b"\1\0\0\0", size)
    yield "a bomb after the end", HEAD + bomb(whole, zeros, size)
