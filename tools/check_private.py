"""Look for samples and ratings of a data file in notebooks, pages and tables.

A file whose provider forbids passing it on must not lie in pieces in what is committed or shown.
Given such a file, this looks for

- **samples**: `RUN` numbers in a row that are, up to gain and offset, samples of a recording or
  window, so in units of the converter, in mV or normalised, as printed numbers, JSON, an array or
  the points of a drawn line; and the first samples of a signal, as a short print shows them;
- **ratings**: a table in which participants and clips stand beside their ratings, and a list of the
  ratings of many trials.

It does not see into pixels, and not shorter or coarsely rounded pieces. So pictures of single
recordings are kept from such a file by what draws them (`ecglib.studies.restricted`), and this is
the second look. As a hook before a commit it takes the names of files, and the data file that is
configured; with the synthetic cohort there is nothing to look for.
"""

from __future__ import annotations

import argparse
import gzip
import html
import itertools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.data.dreamer import find_dreamer
from ecglib.data.targets import TARGETS
from ecglib.studies.restricted import SWITCH, is_restricted
from ecglib.studies.study import Study

RUN = 16
"""So many numbers in a row are compared with so many samples."""

COARSEST = 0.05
"""Rounding, in standard deviations of a run, above which it cannot be told from others."""

BITS = 24.0
"""A list of ratings counts if it is less likely by chance than ``2 ** -BITS``."""

EDGE = 3
"""A short print of a long array shows so many values of its beginning and of its end."""

MADE = "synthetic"
"""What chapters call the data where they are nobody's."""

NUMBER = re.compile(r"(?<![\d.])[-+]?(\d+)(?:\.(\d*))?(?:[eE]([-+]?\d+))?")
PICTURE = re.compile(r"base64,[A-Za-z0-9+/=\s]+")
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
DRAWN = re.compile(r"\b(?:d|points)=\"([^\"]+)\"")
TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Secrets:
    """What must not be found: signals in the file's own units, windows, and ratings of trials."""

    signals: tuple[np.ndarray, ...]
    windows: np.ndarray
    trials: pd.DataFrame

    @classmethod
    def of(cls, study: Study) -> Secrets:
        """Take them from a study."""
        cohort = study.cohort
        rows = cohort.recordings[["participant", "clip", *TARGETS]].drop_duplicates()
        leads = [lead for signal in cohort.signals for lead in signal.T]
        return cls(tuple(leads), study.windows.X, rows.reset_index(drop=True))


@dataclass(frozen=True)
class Numbers:
    """Numbers that stand in a row, and by how much each may have been rounded."""

    values: np.ndarray
    rounding: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def every(self, step: int, start: int) -> Numbers:
        """Take each `step`-th number."""
        return Numbers(self.values[start::step], self.rounding[start::step])


def numbers_of(text: str) -> Numbers:
    """Read all numbers of a text, in order."""
    values, rounding = [], []
    for found in NUMBER.finditer(text):
        decimals, exponent = len(found[2] or ""), int(found[3] or 0)
        if abs(exponent) < 300:
            values.append(float(found[0]))
            rounding.append(0.5 * 10.0 ** (exponent - decimals))
    return Numbers(np.array(values), np.array(rounding))


def rows_of(text: str) -> Iterator[Numbers]:
    """Read a text as rows of numbers: whole, every second and third, and column by column."""
    everything = numbers_of(text)
    for step in (1, 2, 3):
        for start in range(step):
            yield everything.every(step, start)
    lines = [numbers_of(line) for line in text.splitlines()]
    for count, block in itertools.groupby(lines, key=len):
        table = list(block)
        if count > 3 and len(table) > 2:
            for column in range(count):
                yield Numbers(
                    np.array([line.values[column] for line in table]),
                    np.array([line.rounding[column] for line in table]),
                )


def text_of(path: Path) -> Iterator[str]:
    """Give the texts of a notebook, a page or a table; each is looked through by itself."""
    if path.suffix == ".ipynb":
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            yield "".join(cell["source"])
            for output in cell.get("outputs", []):
                yield "".join(output.get("text", ""))
                for kind, data in output.get("data", {}).items():
                    if kind.startswith("text/") or kind.endswith(("json", "xml")):
                        plain = data if isinstance(data, str | list) else json.dumps(data)
                        text = "".join(map(str, plain))
                        yield plain_of(text) if kind.endswith(("html", "xml")) else text
    elif path.suffixes[-2:] == [".csv", ".gz"]:
        yield gzip.decompress(path.read_bytes()).decode("utf-8")
    elif path.suffix in (".html", ".svg"):
        yield plain_of(path.read_text(encoding="utf-8"))
    else:
        yield path.read_text(encoding="utf-8")


def plain_of(page: str) -> str:
    """Give a page without its tags: a row of a table is a line, and so is a drawn path."""
    page = PICTURE.sub("", page)
    drawn = DRAWN.findall(page)
    page = ROW.sub(lambda row: " ".join(row[0].split()) + "\n", page)
    return "\n".join([html.unescape(TAG.sub(" ", page)), *drawn])


def leaks(paths: Iterable[Path], secrets: Secrets) -> list[str]:
    """List what of a data file lies in other files; each line names the file and what was found."""
    paths, found, lists = list(paths), [], lists_of(secrets.trials)
    every: list[list[Numbers]] = []
    for path in paths:
        rows: list[Numbers] = []
        if path.suffix == ".npz":
            rows = list(_rows_of_arrays(path))
        else:
            for text in text_of(path):
                rows.extend(rows_of(text))
                if rated_table(text, secrets.trials):
                    found.append((path, "a table of single ratings"))
        if rated_list(rows, lists):
            found.append((path, "a list of ratings"))
        every.append(rows)
    found += [(paths[at], "a run of samples") for at in with_runs(every, secrets)]
    found += [(paths[at], "the first samples of a signal") for at in with_starts(every, secrets)]
    return [f"{path}: {what}" for path, what in sorted(set(found))]


def _rows_of_arrays(path: Path) -> Iterator[Numbers]:
    """Read the arrays of a file along their last axis and along their first."""
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            array = arrays[name]
            if array.dtype.kind in "iuf" and array.size:
                for part in (array.ravel(), np.moveaxis(array, 0, -1).ravel()):
                    yield Numbers(part.astype(float), np.abs(part) * 1e-7)


# Samples


def with_runs(every: list[list[Numbers]], secrets: Secrets) -> list[int]:
    """Give the numbers of those lists of rows in which samples stand in a row."""
    runs, tolerance, owner = _runs(every)
    keys, number = _cells(runs, tolerance)
    found: set[int] = set()
    for signal in (*secrets.signals, *secrets.windows):
        found.update(owner[at] for at in _same_runs(signal, keys, number, runs, tolerance))
    return sorted(found)


def with_starts(every: list[list[Numbers]], secrets: Secrets) -> list[int]:
    """Give the numbers of those lists of rows in which a signal begins, or begins and ends."""
    signals = (*secrets.signals, *secrets.windows)
    starts = [np.concatenate([s[:EDGE], s[-EDGE:]]) for s in signals]
    starts += [s[: 2 * EDGE] for s in signals]
    sorted_ = np.array(sorted(map(tuple, starts)), dtype=float)
    return [at for at, rows in enumerate(every) if _any_start(rows, sorted_)]


def _runs(every: list[list[Numbers]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the normalised runs that are fine and rough enough to be known again, both ways up."""
    runs, coarse, owner = [np.empty((0, RUN))], [np.empty(0)], [np.empty(0, dtype=int)]
    for at, rows in enumerate(every):
        for row in rows:
            if len(row) < RUN:
                continue
            run = np.lib.stride_tricks.sliding_window_view(row.values, RUN)[::4]
            rounding = np.lib.stride_tricks.sliding_window_view(row.rounding, RUN)[::4].max(axis=1)
            with np.errstate(all="ignore"):
                spread = run.std(axis=1)
                z = (run - run.mean(axis=1, keepdims=True)) / spread[:, None]
                tolerance = 2 * rounding / spread + 1e-3
                turns = (np.diff(np.sign(np.diff(z, axis=1)), axis=1) != 0).sum(axis=1)
                good = np.isfinite(z).all(axis=1) & (tolerance <= COARSEST) & (turns >= 3)
            runs += [z[good], -z[good]]
            coarse += [tolerance[good]] * 2
            owner += [np.full(2 * good.sum(), at)]
    z, tolerance, owners = np.concatenate(runs), np.concatenate(coarse), np.concatenate(owner)
    # Pages repeat themselves: equal runs of one file are looked for once.
    mixed = z.round(3) @ np.random.default_rng(0).normal(size=RUN) + 1e3 * owners
    _, one = np.unique(mixed.round(6), return_index=True)
    return z[one], tolerance[one], owners[one]


_DIMENSIONS = np.array([0, 3, 6, 9, 12, 15])
_CELL, _SPAN = 0.3, 64


def _keys(cells: np.ndarray) -> np.ndarray:
    """Give each cell of a coarse grid, of any number of dimensions, one number."""
    cells = np.clip(cells.astype(np.int64) + _SPAN // 2, 0, _SPAN - 1)
    return (cells * _SPAN ** np.arange(cells.shape[1])).sum(axis=1)


def _cells(runs: np.ndarray, tolerance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort runs by all cells that a run within their tolerance can lie in."""
    low, high = (
        np.floor((runs[:, _DIMENSIONS] + way * tolerance[:, None]) / _CELL) for way in (-1, 1)
    )
    keys, number = [], []
    for side in itertools.product((False, True), repeat=len(_DIMENSIONS)):
        other = np.flatnonzero(((low != high) | ~np.array(side)).all(axis=1))
        keys.append(_keys(np.where(side, high[other], low[other])))
        number.append(other)
    order = np.argsort(np.concatenate(keys), kind="stable")
    return np.concatenate(keys)[order], np.concatenate(number)[order]


def _same_runs(
    signal: np.ndarray,
    keys: np.ndarray,
    number: np.ndarray,
    runs: np.ndarray,
    tolerance: np.ndarray,
) -> Iterator[int]:
    """Give the runs that are, up to gain and offset, a piece of a signal."""
    for first in range(0, len(signal) - RUN + 1, 100_000):
        part = np.asarray(signal[first : first + 100_000 + RUN - 1], dtype=float)
        if len(part) < RUN:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(part, RUN)
        with np.errstate(all="ignore"):
            middle, spread = windows.mean(axis=1), windows.std(axis=1)
            z = (windows[:, _DIMENSIONS] - middle[:, None]) / spread[:, None]
        z[~np.isfinite(z).all(axis=1)] = 99
        here = _keys(np.floor(z / _CELL))
        low, high = (np.searchsorted(keys, here, side) for side in ("left", "right"))
        for at in np.flatnonzero(high > low):
            those = number[low[at] : high[at]]
            gap = np.abs(runs[those] - (windows[at] - middle[at]) / spread[at]).max(axis=1)
            yield from those[gap <= tolerance[those]]


def _any_start(rows: list[Numbers], starts: np.ndarray) -> bool:
    """Tell whether the first samples of a signal, or first and last ones, stand in a row."""
    n = 2 * EDGE
    for row in rows:
        if len(row) < n:
            continue
        run = np.lib.stride_tricks.sliding_window_view(row.values, n)
        rounding = np.lib.stride_tricks.sliding_window_view(row.rounding, n)
        fine = (run.std(axis=1) > 10 * rounding.max(axis=1)) & (run.std(axis=1) > 0)
        run, half = run[fine], 1.01 * rounding[fine] + 1e-6 * np.abs(run[fine])
        low, high = (np.searchsorted(starts[:, 0], run[:, 0] + way * half[:, 0]) for way in (-1, 1))
        for at in np.flatnonzero(high > low):
            within = np.abs(starts[low[at] : high[at]] - run[at]) <= half[at]
            if within.all(axis=1).any():
                return True
    return False


# Ratings


def rated_table(text: str, trials: pd.DataFrame) -> bool:
    """Tell whether a table has every participant and clip beside that trial's ratings."""
    known = {(str(r.participant), str(r.clip)): r for r in trials.itertuples()}
    header: list[str] = []
    ratings: list[bool] = []
    lines = [line for line in text.splitlines() if line.strip()]
    for line in [*lines, ""]:
        words = [w.strip() for w in line.split(",")] if line.count(",") > 1 else line.split()
        if {"participant", "clip"} <= set(words) and set(words) & set(TARGETS):
            header, ratings = words, []
            continue
        row = dict(zip(header[::-1], words[::-1], strict=False))
        trial = known.get((row.get("participant", ""), row.get("clip", "")))
        if header and trial is not None:
            shown = [name for name in TARGETS if name in row]
            ratings += [_is(row[name], getattr(trial, name)) for name in shown]
        elif header and len(words) < len(header):
            # All of a whole table is a match; one trial of three ratings is enough.
            if len(ratings) >= 3 and all(ratings):
                return True
            header, ratings = [], []
    return False


def _is(word: str, rating: float) -> bool:
    try:
        return float(word) == rating
    except ValueError:
        return False


def rated_list(rows: Iterable[Numbers], secrets: Sequence[bytes]) -> bool:
    """Tell whether ratings of many trials stand in a row; `secrets` as from `lists_of`."""
    for row in rows:
        could = np.isin(row.values, [1, 2, 3, 4, 5])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], could.astype(int), [0]])))
        for start, end in edges.reshape(-1, 2):
            piece = row.values[start:end].astype(np.uint8).tobytes()
            if end - start >= 6 and any(secret in piece for secret in secrets):
                return True
    return False


def lists_of(trials: pd.DataFrame) -> list[bytes]:
    """List the rows of ratings that nobody would write down by chance, by person and by clip."""
    lists = set()
    for target, order, times in itertools.product(
        TARGETS, (["participant", "clip"], ["clip", "participant"]), (1, 2)
    ):  # twice: a baseline carries its clip's rating
        ratings = trials.sort_values(order)[target].astype(np.uint8).repeat(times)
        bits = -np.log2(ratings.map(ratings.value_counts(normalize=True))).to_numpy() / times
        enough = np.concatenate([[0], np.cumsum(bits)])
        ends = np.searchsorted(enough, enough[:-1] + BITS)
        values = ratings.to_numpy().tobytes()
        lists |= {values[i:end] for i, end in enumerate(ends) if end < len(enough)}
    return sorted(lists, key=len)


def other_data(path: Path) -> list[str]:
    """Say if a notebook tells that it was made from other data than the synthetic cohort."""
    if path.suffix != ".ipynb":
        return []
    said = re.compile(r"^data: (.+?),", re.MULTILINE)
    told = {name for text in text_of(path) for name in said.findall(text)}
    return [f"{path}: made from {name}, not from the synthetic cohort" for name in told - {MADE}]


def main() -> int:
    """Look through the files named on the command line, with the data file that is configured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    files = [path for path in parser.parse_args().files if path.is_file()]
    if os.environ.get(SWITCH) == "yes":
        return 0
    wrong = [line for path in files for line in other_data(path)]
    if find_dreamer() is not None and is_restricted(study := Study()):
        wrong += leaks(files, Secrets.of(study))
    if wrong:
        print("\n".join(wrong))
        print(f"These must not be passed on. If you may, say {SWITCH}=yes.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
