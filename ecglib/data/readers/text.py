"""Recordings in text files: CSV, TSV and TXT, with or without a header and a column of times."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.readers.choice import Leads, is_ecg, stated_rate, stated_unit
from ecglib.data.readers.clock import find_clock, is_time_name, seconds_of
from ecglib.data.recording import (
    MAX_LEADS,
    Recording,
    check_size,
    default_leads,
    positions,
    unit_name,
)

MAX_BYTES = 2**32
"""Largest text file; one so long is better kept in another format."""


_MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "null", "None", "-")


_NUMBER = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII
)


_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?", re.ASCII)


# What ends a line of a file; a form feed or U+2028, which str.splitlines knows too, does not.
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


_SNIFFED = 1 << 16


_SNIFFED_LINES = 250


_NAME = 200  # characters of the longest name in which a unit is looked for


@dataclass(frozen=True)
class Layout:
    """How a text file writes its table.

    Parameters
    ----------
    encoding : str
        Encoding of the characters.
    separator : str
        What stands between two columns; a regular expression where blanks do.
    quote : str
        Character around texts.
    decimal : str
        Decimal point or comma.
    first : int
        The line, from 0, that holds the first sample.
    names : list of str
        Names of the columns; empty texts where there is no header.
    units : list of str
        What a second line of the header says of each.
    numeric : list of bool
        Whether a column holds numbers, as far as the first lines show. So does one that is empty
        there, and one of an ECG in which a word stands among numbers: whoever reads it says where.
    empty : list of bool
        Whether nothing stands in a column there.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.csv")
    >>> pd.DataFrame({"time": np.arange(500) / 250, "ECG": np.sin(np.arange(500))}).to_csv(path)
    >>> layout = sniff(path)
    >>> layout.first, layout.headless
    (1, False)
    """

    encoding: str
    separator: str
    quote: str
    decimal: str
    first: int
    names: list[str]
    units: list[str]
    numeric: list[bool]
    empty: list[bool]

    @property
    def headless(self) -> bool:
        """Whether the columns have no names."""
        return not any(self.names)


@checked
def read_text(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read a recording from a table in a text file, one row a sample.

    Parameters
    ----------
    path : Path
        The file. Columns stand between commas, semicolons, tabs or blanks; a decimal comma is
        understood where commas do not separate. A header may name the columns. A column of times,
        known by its name or because it is the first and only rises, gives the rate.
    fs : float, optional
        Sampling rate in Hz; needed if there is no column of times, and must agree with one.
    leads : str, int or sequence of them, optional
        Columns to read, by name or by number from 1, times not counted; by default those named like
        ECG leads, else all that hold numbers which vary.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording
        float64; an empty field is a missing sample.

    Raises
    ------
    DataError
        If the file holds no table of numbers, its times leave a gap, or no rate is known.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.csv")
    >>> table = pd.DataFrame({"time": np.arange(5000) / 250, "ECG": np.sin(np.arange(5000) / 9)})
    >>> table.to_csv(path, index=False)
    >>> read_text(path)
    <Recording 'anna': ECG; 20.0 s at 250 Hz>
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{size / 2**30:.1f} GiB of text",
            file=path,
            expected=f"at most {MAX_BYTES / 2**30:.0f} GiB",
            remedy="save it in NPZ or EDF, or cut it into parts",
        )
    layout = sniff(path)
    if len(layout.names) > 2 * MAX_LEADS:  # times, marks and other signals stand beside leads
        check_size(1, len(layout.names), file=path)
    table, layout = _table(path, layout)
    names, columns = layout.names, {}
    for i, numeric in enumerate(layout.numeric):
        if numeric:
            columns[i] = table[i].to_numpy()
        elif is_time_name(names[i]) or (i == 0 and layout.headless):
            seconds = seconds_of(table[i])
            if seconds is not None:
                columns[i] = seconds
                names = [*names[:i], names[i] or "time", *names[i + 1 :]]
    found = find_clock(names, columns, headless=layout.headless)
    signals = {i: x for i, x in columns.items() if found is None or i != found[0]}
    if not signals:
        raise DataError(
            "no column holds numbers"
            + (f"; there are {', '.join(map(repr, names))}" if any(names) else ""),
            file=path,
            expected="a column of samples",
            remedy="export the ECG as numbers, one row a sample",
        )
    chosen = _chosen(signals, names, leads, path)
    rate = found[1].rate(fs, file=path) if found else None
    units = {layout.units[i] for i in chosen}
    in_file = units.pop() if len(units) == 1 else ""
    own = [names[i] for i in chosen]
    numbers = default_leads(len(signals))
    own = own if all(own) else [numbers[list(signals).index(i)] for i in chosen]
    check_size(len(table), len(chosen), file=path)
    return Recording(
        np.column_stack([signals[i] for i in chosen]),
        stated_rate(fs, rate, file=path, where="column of times"),
        own,
        stated_unit(unit, in_file, file=path),
        name=path.stem,
        file=str(path),
    )


@checked
def sniff(path: Path) -> Layout:
    """Find out how a text file writes its table, from its first lines.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        If it is no text, or no line of it holds a number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.csv")
    >>> pd.DataFrame({"time": np.arange(500) / 250, "ECG": np.sin(np.arange(500))}).to_csv(
    ...     path, sep=";"
    ... )
    >>> sniff(path).separator, sniff(path).names
    (';', ['', 'time', 'ECG'])
    """
    with path.open("rb") as stream:
        start = stream.read(_SNIFFED)
        whole = not stream.read(1)
    encoding, text = _decoded(start, path)
    lines = _LINE_BREAK.split(text)
    if not whole:
        lines = lines[:-1]  # it was cut
        if not lines:
            raise DataError(
                f"the first line is longer than {_SNIFFED} bytes",
                file=path,
                expected="a table of numbers, one row a sample",
                remedy="transpose the table",
            )
    lines = lines[:_SNIFFED_LINES]
    filled = [i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    # The first lines may be a header, and the last one cut off where a copy ended.
    body = lines[filled[-2 if len(filled) > 2 else -1]] if filled else ""
    separator = next((mark for mark in ("\t", ";", ",") if mark in body), r"\s+")
    if len(body.split()) == 1 and separator == r"\s+":
        separator = ","  # a single column, whose name may hold blanks
    quote = "'" if any(line.lstrip().startswith("'") for line in lines[:5]) else '"'
    rows = {i: _fields(lines[i], separator, quote) for i in filled}
    comma = separator != "," and any(
        _DECIMAL_COMMA.fullmatch(field) for row in rows.values() for field in row
    )

    def is_number(field: str) -> bool:
        return bool(_NUMBER.fullmatch(field.replace(",", ".") if comma else field))

    width = len(_fields(body, separator, quote))
    first = next(
        (
            i
            for i in filled
            if len(rows[i]) == width
            and any(map(is_number, rows[i]))
            and not _is_header(rows[i], rows.get(i + 1), is_number)
        ),
        None,
    )
    if first is None:
        raise DataError(
            "no line holds a number" if filled else "the file is empty",
            file=path,
            expected="a table of numbers, one row a sample",
            remedy="export the ECG as text with one row a sample",
        )
    above = [i for i in filled if i < first]
    missing = [i for i in above if len(rows[i]) == width and set(rows[i]) <= set(_MISSING)]
    names, units = _header([rows[i] for i in above if i not in missing], width)
    if not any(map(is_time_name, names)):  # with a clock a sample has a time at least
        while above and above[-1] in missing:
            first = above.pop()
    samples = [rows[i] for i in filled if i >= first and len(rows[i]) == width]
    columns = [[row[i] for row in samples if row[i] not in _MISSING] for i in range(width)]
    numeric = [
        all(map(is_number, column)) or (is_ecg(name) and any(map(is_number, column)))
        for name, column in zip(names, columns, strict=True)
    ]
    empty = [not column for column in columns]
    decimal = "," if comma else "."
    return Layout(encoding, separator, quote, decimal, first, names, units, numeric, empty)


def _decoded(start: bytes, path: Path) -> tuple[str, str]:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", start[: len(start) // 2 * 2].decode("utf-16", errors="ignore")
    if b"\0" in start:
        raise DataError(
            "this is not a text file",
            file=path,
            expected="a table of numbers as text",
            remedy="check that it is the right file, and that its extension says what it is",
        )
    try:
        # The last character may have been cut.
        return "utf-8-sig", start.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if error.start > len(start) - 4 and len(start) == _SNIFFED:
            return "utf-8-sig", start[: error.start].decode("utf-8-sig")
        return "cp1252", start.decode("cp1252", errors="replace")


def _fields(line: str, separator: str, quote: str) -> list[str]:
    if separator == r"\s+":
        return [field.strip(quote) for field in line.split()]
    reader = csv.reader(io.StringIO(line), delimiter=separator, quotechar=quote)
    try:
        return [field.strip() for field in next(reader, [])]
    except csv.Error:
        return []


def _is_header(
    row: list[str], following: list[str] | None, is_number: Callable[[str], bool]
) -> bool:
    """Tell whether a line that holds a number is nevertheless one of names."""
    # pandas writes an empty name above its index, and numbers columns that have no name.
    if row[0] == "" and row[1:] == [str(i) for i in range(len(row) - 1)]:
        return True
    if not following or len(following) != len(row):
        return False
    # A name such as "1" stands beside others that are no numbers, above nothing but numbers.
    words = [field for field in row if field not in _MISSING and not is_number(field)]
    return bool(words) and all(
        is_number(below) for field, below in zip(row, following, strict=True) if field in words
    )


def _header(lines: list[list[str]], width: int) -> tuple[list[str], list[str]]:
    """Return names and units of the columns from the lines above the first sample."""
    lines = [line for line in lines if len(line) == width]
    units = [""] * width
    if len(lines) > 1 and any(unit_name(text) for text in lines[-1]):
        units = [text if unit_name(text) else "" for text in lines[-1]]
        lines = lines[:-1]
    if not lines:
        return [""] * width, units
    names = lines[-1]
    # "ECG (mV)" and "ECG [mV]" name the unit too.
    for i, name in enumerate(names):
        inside = re.fullmatch(r"(.+?)[ _]*[\[(]([^\])]+)[\])]", name[: _NAME + 1])
        if inside and len(name) <= _NAME and unit_name(inside[2]):
            names[i], units[i] = inside[1], inside[2]
    return names, units


def _table(path: Path, layout: Layout) -> tuple[pd.DataFrame, Layout]:
    """Read all columns: numbers as float64, others as categories; say which are numbers."""
    width = len(layout.names)
    try:
        with path.open(encoding=layout.encoding, errors="replace") as stream:
            for _ in range(layout.first):
                stream.readline()
            table = pd.read_csv(
                stream,
                sep=layout.separator,
                header=None,
                names=range(width),
                index_col=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                quotechar=layout.quote,
                decimal=layout.decimal,
                dtype={i: "float64" if layout.numeric[i] else "category" for i in range(width)},
                keep_default_na=False,
                na_values=list(_MISSING),
                float_precision="round_trip",
                engine="c",
            )
    except (ValueError, OSError, OverflowError) as error:
        problem, column = _why_unreadable(error, path, layout)
        if column is not None and layout.empty[column] and not is_ecg(layout.names[column]):
            numeric = [*layout.numeric]  # a mark that comes late
            numeric[column] = False
            return _table(path, replace(layout, numeric=numeric))
        raise DataError(
            problem,
            file=path,
            expected="numbers in equally many columns on every line",
            remedy="correct the line, or leave the field empty if the sample is missing",
        ) from error
    # Line breaks at the end of the file are no samples; empty lines within are missing ones.
    filled = np.flatnonzero(table.notna().any(axis=1))
    return table.iloc[: filled[-1] + 1 if len(filled) else 0], layout


def _why_unreadable(error: Exception, path: Path, layout: Layout) -> tuple[str, int | None]:
    """Say where a text file stops being a table of numbers, and in which column."""
    if quote := re.search(r"EOF inside string starting at row (\d+)", str(error)):
        return f"line {layout.first + int(quote[1]) + 1}: a quotation mark is never closed", None
    width = len(layout.names)
    with path.open(encoding=layout.encoding, errors="replace") as stream:
        for i, line in enumerate(stream):
            if i < layout.first:
                continue
            row = _fields(line.rstrip("\n"), layout.separator, layout.quote)
            if len(row) > width:
                return f"line {i + 1} has {len(row)} columns, the first sample has {width}", None
            for column, text in enumerate(row):
                number = text.replace(layout.decimal, ".")
                if not layout.numeric[column] or text in _MISSING or _can_be_held(number):
                    continue
                name = layout.names[column] or f"column {column + 1}"
                sample = i - layout.first
                return (
                    f"line {i + 1}, sample {sample} of {name}: {text[:40]!r} is no number",
                    column,
                )
    return f"the table cannot be read ({error})", None


def _can_be_held(number: str) -> bool:
    """Say whether a text is a number that double precision holds, or an infinity by its name."""
    if not _NUMBER.fullmatch(number):
        return False
    return "inf" in number.lower() or math.isfinite(float(number))


def _chosen(
    signals: dict[int, np.ndarray], names: list[str], leads: Leads, path: Path
) -> list[int]:
    """Return the positions of the columns to read, of those that hold samples."""
    there = list(signals)
    own = [names[i] or default_leads(len(there))[k] for k, i in enumerate(there)]
    if leads is not None:
        return [there[k] for k in positions(own, leads, file=path)]
    named = [i for i in there if is_ecg(names[i])]
    if named:
        return named
    varying = [i for i in there if np.nanmax(signals[i], initial=-np.inf) > _low(signals[i])]
    if not varying:
        raise DataError(
            f"nothing varies in {', '.join(own)}",
            file=path,
            expected="a column of ECG samples",
            remedy="restore the recording from its source",
        )
    return varying


def _low(x: np.ndarray) -> float:
    return float(np.nanmin(x, initial=np.inf))
