"""The bytes of one variable of a MATLAB v5 file, in order, as they are stored or inflated.

Nothing is made room for before it is known that the bytes which are left can hold it.
"""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO, Protocol

from ecglib.core.limits import FREE, GROWTH, may_fill

_PIECE = 1 << 18


# Deflate cannot do better: 258 bytes for two bits.
_MOST_INFLATED = 1032


_TOO_LONG = "an element is longer than what holds it"


class DamagedError(ValueError):
    """The bytes break the rules of the format.

    Examples
    --------
    >>> import io
    >>> StoredBytes(io.BytesIO(b"ecg"), 3).read(4)
    Traceback (most recent call last):
    ...
    ecglib.data.mat_stream.DamagedError: an element is longer than what holds it
    """


class TooLargeError(ValueError):
    """The bytes may keep the rules, but hold more than is read here.

    Examples
    --------
    >>> issubclass(TooLargeError, ValueError)
    True
    """


class Stream(Protocol):
    """What `StoredBytes` and `InflatedBytes` have in common.

    Examples
    --------
    >>> import io
    >>> stream: Stream = StoredBytes(io.BytesIO(b"ecg"), 3)
    >>> bytes(stream.read(2)), stream.position
    (b'ec', 2)
    """

    position: int
    """Bytes that were read or passed over."""

    may_fill: int
    """Bytes of memory that what is read may fill."""

    def read(self, n: int) -> bytearray:
        """Give the next `n` bytes, or raise a `DamagedError` if there are fewer."""

    def skip(self, n: int) -> None:
        """Pass over the next `n` bytes, or raise a `DamagedError` if there are fewer."""

    def finish(self) -> None:
        """Verify the checksum, where there is one."""


class StoredBytes:
    """`n` bytes of a `file`, from its present position.

    Examples
    --------
    >>> import io
    >>> stored = StoredBytes(io.BytesIO(b"abcdef"), 4)
    >>> stored.skip(1)
    >>> bytes(stored.read(2)), stored.position
    (b'bc', 3)
    """

    def __init__(self, file: BinaryIO, n: int) -> None:
        self._file, self._left = file, n
        self.position, self.may_fill = 0, may_fill(n)

    def read(self, n: int) -> bytearray:
        """Give the next `n` bytes."""
        self._take(n)
        data = bytearray(n)
        if self._file.readinto(data) < n:  # type: ignore[attr-defined]
            raise DamagedError(_TOO_LONG)
        return data

    def skip(self, n: int) -> None:
        """Pass over the next `n` bytes."""
        self._take(n)
        self._file.seek(n, os.SEEK_CUR)

    def _take(self, n: int) -> None:
        if n > self._left:
            raise DamagedError(_TOO_LONG)
        self._left -= n
        self.position += n

    def finish(self) -> None:
        """Verify nothing: what is not compressed has no checksum."""


class InflatedBytes:
    """The bytes that `n` bytes of a `file` inflate to, a piece at a time.

    Examples
    --------
    >>> import io, zlib
    >>> packed = zlib.compress(b"abcdef")
    >>> inflated = InflatedBytes(io.BytesIO(packed), len(packed))
    >>> bytes(inflated.read(3)), inflated.position
    (b'abc', 3)
    """

    def __init__(self, file: BinaryIO, n: int) -> None:
        self._file, self._left = file, n
        self._zlib = zlib.decompressobj()
        self._piece, self._at = b"", 0
        self._inflated = 0
        # What is passed over fills no memory, but takes its time.
        self._most = max(4 * FREE, GROWTH * n)
        self.position, self.may_fill = 0, may_fill(n)

    def _next_piece(self) -> bool:
        """Inflate the next piece; False at the end of the data."""
        while not self._zlib.eof:
            data = self._zlib.unconsumed_tail
            if not data:
                # The first piece is all that most variables are asked for.
                data = self._file.read(min(_PIECE if self._inflated else 4096, self._left))
                self._left -= len(data)
                if not data:
                    raise DamagedError("the compressed data end too early")
            self._piece, self._at = self._zlib.decompress(data, _PIECE), 0
            self._inflated += len(self._piece)
            if self._inflated > self._most:
                raise TooLargeError(
                    f"it inflates to more than {self._most} bytes, {GROWTH} times what is stored"
                )
            if self._piece:
                return True
        return False

    def read(self, n: int) -> bytearray:
        """Give the next `n` bytes."""
        here = len(self._piece) - self._at
        packed = self._left + len(self._zlib.unconsumed_tail)
        # What the decompressor has taken in and not given yet is some bytes at most.
        if n > here + _MOST_INFLATED * (packed + 64):
            raise DamagedError(_TOO_LONG)
        data, found = bytearray(n), 0
        while found < n:
            if self._at == len(self._piece) and not self._next_piece():
                raise DamagedError(_TOO_LONG)
            part = self._piece[self._at : self._at + n - found]
            data[found : found + len(part)] = part
            self._at += len(part)
            found += len(part)
        self.position += n
        return data

    def skip(self, n: int) -> None:
        """Pass over the next `n` bytes."""
        self.position += n
        while n:
            if self._at == len(self._piece) and not self._next_piece():
                raise DamagedError(_TOO_LONG)
            step = min(n, len(self._piece) - self._at)
            self._at += step
            n -= step

    def finish(self) -> None:
        """Inflate what is left: zlib compares its checksum at the very end."""
        while self._next_piece():
            pass
