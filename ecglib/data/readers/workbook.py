"""Columns of a table in an Excel workbook (XLSX); the other columns are never kept.

A workbook is a ZIP archive of XML files. It is read as a stream: cells of columns that nobody asks
for are passed over, and so are their texts, which the archive keeps in a file of their own.

References
----------
ECMA-376, "Office Open XML File Formats", part 1, section 18 (SpreadsheetML).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

MAX_BYTES = 2**26
"""Largest workbook, as it lies on disk."""


MAX_PART = 2**27
"""Most bytes of one XML file within it, once inflated."""


MAX_CELLS = 2**20
"""Most cells that are kept."""


_MAX_TEXT = 32_767  # characters of a cell, as the format has it


_MAX_KEPT = 2**26  # characters of all cells that are kept


_PIECE = 1 << 16


_FREE_TAGS = 2**21  # of any part, however small the archive has made it


_TAGS = 16  # of more than that, in each compressed byte: a cell takes four, and more than a byte


_MAX_QUIET = 2**20  # bytes without the begin or end of a tag; all of them lie in memory


_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


_COPY = "copy the file again from its source, or open it and save it again as .xlsx"


class _Refused(ValueError):
    """The content breaks the rules of the format, or of the part of it that is read here."""


@checked
def read_sheet(
    path: Path,
    columns: Mapping[str, Sequence[str]],
    *,
    optional: Collection[str] = (),
    sheet: str | None = None,
) -> pd.DataFrame:
    r"""Read some columns of a sheet whose first row names them.

    Parameters
    ----------
    path : Path
        The workbook.
    columns : mapping of str to sequence of str
        What to call each column, and the headings that it goes by. Case, and how many blanks stand
        between words, make no difference.
    optional : collection of str
        Those that may be missing; they are then empty.
    sheet : str, optional
        Name of the sheet; the first one by default.

    Returns
    -------
    DataFrame
        Texts, stripped, as the file has them ("3", "0.5", "TRUE" as "1"); an empty cell is "". The
        index is the number of the row in the sheet. Rows in which all these columns are empty are
        left out.

    Raises
    ------
    DataError
        If the file is missing, damaged, too large, or no workbook; if a column is missing or there
        twice. No message quotes a cell: a workbook can hold what nobody should read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.xlsx")
    >>> part = ('<sheets><sheet name="A" id="r1"/></sheets>',
    ...         '<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>',
    ...         '<s><row><c><v>Age</v></c></row><row><c><v>41</v></c></row></s>')
    >>> names = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/s.xml"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     for name, text in zip(names, part, strict=True):
    ...         archive.writestr(name, text)
    >>> read_sheet(path, {"age": ("Age", "Years")})["age"].to_dict()
    {2: '41'}
    """
    _check_file(path)
    table: dict[str, dict[int, str]] = {}
    problem = ""
    try:
        with zipfile.ZipFile(path) as archive:
            part = _part_of(archive, sheet, path)
            first, places = _places(archive, part, columns, optional, path)
            table = _rows(archive, part, first, places)
    except DataError:
        raise
    except (_Refused, expat.ExpatError) as error:
        problem = str(error)
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError),
        *(NotImplementedError, KeyError, ValueError, MemoryError),
    ) as error:
        problem = type(error).__name__  # the message of a ZIP archive can quote what it holds
    if problem:  # here, so that it carries no such message along
        raise DataError(
            f"the workbook cannot be read ({problem})",
            file=path,
            expected="an undamaged Excel workbook (.xlsx) without a password",
            remedy=_COPY,
        )
    rows = sorted({row for column in table.values() for row in column})
    return pd.DataFrame(
        {name: [table.get(name, {}).get(row, "") for row in rows] for name in columns},
        index=rows,
        dtype=object,
    )


def _check_file(path: Path) -> None:
    place = {"file": path, "expected": "an Excel workbook (.xlsx)"}
    if not path.is_file():
        raise DataError("there is no such file", remedy="check the path", **place)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{size / 2**20:.0f} MiB", remedy="keep only the sheet that is needed", **place
        )
    with path.open("rb") as stream:
        start = stream.read(4)
    if start != b"PK\x03\x04":
        old = start == b"\xd0\xcf\x11\xe0"
        problem = "this is a workbook of an older format" if old else "this is no workbook"
        remedy = "save it as .xlsx without a password" if old else _COPY
        raise DataError(problem if start else "the file is empty", remedy=remedy, **place)


def _parse(archive: zipfile.ZipFile, name: str, parser: Any) -> Iterator[None]:
    """Feed a file of the archive to a parser, piece by piece."""

    def refuse(*_: object) -> None:
        raise _Refused("a document type, which no workbook has")

    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    read = tags = quiet = 0
    most = max(_FREE_TAGS, _TAGS * archive.getinfo(name).compress_size)
    with archive.open(name) as stream:
        while piece := stream.read(_PIECE):
            read += len(piece)
            if read > MAX_PART:
                raise _Refused(f"{name} is larger than {MAX_PART / 2**20:.0f} MiB")
            tags += piece.count(b"<")
            if tags > most:
                raise _Refused(f"{name} has more than {most} tags, too many for its size")
            quiet = 0 if b"<" in piece or b">" in piece else quiet + len(piece)
            if quiet > _MAX_QUIET:
                raise _Refused(f"{name} has no tag in {_MAX_QUIET / 2**20:.0f} MiB")
            parser.Parse(piece, False)
            yield
    parser.Parse(b"", True)
    yield


def _parser() -> Any:
    return expat.ParserCreate(namespace_separator=" ")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _elements(archive: zipfile.ZipFile, name: str, wanted: str) -> list[dict[str, str]]:
    """Return the attributes of all elements of one name."""
    found: list[dict[str, str]] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if _local(element) == wanted:
            if len(found) > 10_000:
                raise _Refused(f"too many elements in {name}")
            found.append({_local(key): value for key, value in attributes.items()})

    parser = _parser()
    parser.StartElementHandler = start
    for _ in _parse(archive, name, parser):
        pass
    return found


def _part_of(archive: zipfile.ZipFile, sheet: str | None, path: Path) -> str:
    """Return the name of the file of the archive that holds a sheet."""
    sheets = _elements(archive, "xl/workbook.xml", "sheet")
    # A sheet's own number is sheetId; id, in another name space, is that of its file.
    found = [s for s in sheets if sheet is None or s.get("name", "").strip() == sheet]
    if not found:
        raise DataError(
            "the workbook has no sheet of this name" if sheets else "the workbook has no sheet",
            file=path,
            field=sheet,
            expected="a sheet" if sheet is None else f"a sheet named {sheet}",
            remedy=_COPY,
        )
    links = _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship")
    target = next((x["Target"] for x in links if x.get("Id") == found[0].get("id")), None)
    if target is None:
        raise _Refused("a sheet without a file")
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _cells(
    archive: zipfile.ZipFile,
    part: str,
    wanted: Callable[[int, int], bool],
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, int, str, str]]:
    """Give row, column, kind and text of the wanted cells that hold anything."""
    ready: list[tuple[int, int, str, str]] = []
    at = {"row": 0, "column": 0}
    kind, keep, inside, length = "n", False, False, 0
    pieces: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal kind, keep, inside, length
        name = _local(name)
        if name == "row":
            at["row"] = _whole(attributes["r"]) if "r" in attributes else at["row"] + 1
            at["column"] = 0
        elif name == "c":
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            if "r" in attributes and not place:
                raise _Refused("a cell that is nowhere")
            at["column"] = _column(place[1]) if place else at["column"] + 1
            kind = attributes.get("t", "n")
            keep, length = wanted(at["row"], at["column"]), 0
            pieces.clear()
        elif name in ("v", "t"):
            inside = True

    def end(name: str) -> None:
        nonlocal inside
        name = _local(name)
        if name in ("v", "t"):
            inside = False
        elif name == "c" and keep and pieces:
            ready.append((at["row"], at["column"], kind, "".join(pieces)))

    def text(data: str) -> None:
        nonlocal length
        if keep and inside:
            pieces.append(data)
            length += len(data)
            if length > _MAX_TEXT:
                raise _Refused(f"a cell of more than {_MAX_TEXT} characters")

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    for _ in _parse(archive, part, parser):
        yield from ready
        ready.clear()
        if enough():
            return


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 7:
        raise _Refused("a row that is nowhere")
    return int(text)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _shared(archive: zipfile.ZipFile, wanted: Collection[int]) -> dict[int, str]:
    """Return those texts of the archive's list of texts that are wanted."""
    if not wanted:
        return {}
    found: dict[int, str] = {}
    number, inside, reading = -1, False, 0
    pieces: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal number, inside, reading
        name = _local(name)
        if name == "si":
            number += 1
            pieces.clear()
        elif name == "rPh":  # how a text is pronounced
            reading += 1
        elif name == "t":
            inside = True

    def end(name: str) -> None:
        nonlocal inside, reading
        name = _local(name)
        if name == "si" and number in wanted:
            found[number] = "".join(pieces)
        elif name == "rPh":
            reading -= 1
        elif name == "t":
            inside = False

    kept = 0

    def text(data: str) -> None:
        nonlocal kept
        if inside and not reading and number in wanted:
            kept += len(data)
            pieces.append(data)
            if kept > _MAX_KEPT:
                raise _Refused("more text than a sheet holds")

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    for _ in _parse(archive, "xl/sharedStrings.xml", parser):
        pass
    return found


def _resolved(
    archive: zipfile.ZipFile, cells: Sequence[tuple[int, int, str, str]]
) -> Iterator[tuple[int, int, str]]:
    """Give row, column and text of cells, those of the list of texts looked up."""
    shared = _shared(archive, {_index(text) for _, _, kind, text in cells if kind == "s"})
    for row, column, kind, text in cells:
        if kind == "s" and _index(text) not in shared:
            raise _Refused("a cell whose text is missing")
        yield row, column, (shared[_index(text)] if kind == "s" else text).strip()


def _index(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise _Refused("a cell whose text is nowhere")
    return int(text)


def _places(
    archive: zipfile.ZipFile,
    part: str,
    columns: Mapping[str, Sequence[str]],
    optional: Collection[str],
    path: Path,
) -> tuple[int, dict[int, str]]:
    """Return the row that names the columns, and the wanted ones by their number in the sheet."""
    first, last = 0, 0

    def in_first(row: int, _: int) -> bool:
        nonlocal first, last
        first, last = first or row, row
        return row == first

    cells = list(_cells(archive, part, in_first, lambda: last > first))
    called = {_plain(heading): name for name, known in columns.items() for heading in known}
    places: dict[int, str] = {}
    for _, column, text in _resolved(archive, cells):
        name = called.get(_plain(text))
        if name in places.values():
            raise DataError(
                "two columns of this name", file=path, field=columns[name][0], expected="one"
            )
        if name is not None:
            places[column] = name
    missing = [name for name in columns if name not in (*places.values(), *optional)]
    if missing:
        headings = columns[missing[0]]
        raise DataError(
            "the first row names no such column",
            file=path,
            field=headings[0],
            expected=" or ".join(map(repr, headings)) + " in the first row",
            remedy=_COPY,
        )
    return first, places


def _plain(heading: str) -> str:
    return " ".join(heading.split()).lower()


def _rows(
    archive: zipfile.ZipFile, part: str, first: int, places: Mapping[int, str]
) -> dict[str, dict[int, str]]:
    """Return what stands below the first row, by column and row."""
    cells: list[tuple[int, int, str, str]] = []
    kept = 0
    for cell in _cells(archive, part, lambda row, column: row > first and column in places):
        cells.append(cell)
        kept += len(cell[3])
        if len(cells) > MAX_CELLS or kept > _MAX_KEPT:
            raise _Refused(f"more than {MAX_CELLS} cells in the columns that are asked for")
    table: dict[str, dict[int, str]] = {name: {} for name in places.values()}
    for row, column, text in _resolved(archive, cells):
        if text:
            table[places[column]][row] = text
    return table
