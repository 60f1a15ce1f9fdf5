"""Recordings that are there twice: found by what they hold, whatever they are called.

Of a copy in another unit, with another offset or upside down, the signs of the steps from sample to
sample stay the same, or all of them change. Runs of 512 such signs are hashed at places that the
signs choose themselves, about one in 64, so a piece that was cut out of a recording is hashed at
the same places as the whole. Where two recordings share a hash, their samples are compared.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort

PLACE = ("cohort", "participant", "clip", "condition", "start")
"""Columns that say where the one copy lies; of the other they begin with ``other_``."""


STEPS = 512
"""Number of steps whose signs make one hash."""


LEAST_S = 10.0
"""Seconds that two recordings must share; of shorter recordings, nine tenths."""


TOLERANCE = 0.01
"""Largest difference of two equal samples, in standard deviations."""


_BLOCK = 64  # steps of the hash that chooses places, about one in as many


_CHUNK = 1 << 16  # samples that are hashed at a time: what a processor keeps near


_FEWEST_TURNS = 8  # a straight or flat piece looks like any other


_LISTED = 5  # pairs of participants in a message


_SHIFTS = 3  # how two recordings may lie on each other, at most


# Odd numbers drawn once; they only have to look random.
_SMALL = np.array([0x2C1B3C6D, 0x297A2D39, 0x5BD1E995], dtype=np.int32)
_CHOICE = np.uint32(0x9E3779B1)
_LARGE = np.random.default_rng(64).integers(1, 1 << 62, STEPS // _BLOCK) * 2 + 1


@checked
def find_duplicates(
    *cohorts: Cohort, least_s: float = LEAST_S, lead: int | str | None = None
) -> pd.DataFrame:
    """Find recordings of one or several cohorts that share samples.

    Parameters
    ----------
    *cohorts : Cohort
        Those to look through, each within itself and with the others.
    least_s : float
        Seconds of the shortest piece that counts.
    lead : int or str, optional
        Look at this lead only, by name or number from 1; at all of them, also at different ones
        that are the same, by default.

    Returns
    -------
    DataFrame
        One row per pair: where the two lie (`PLACE`, with the second in the order of the cohorts
        as ``other_…``; ``start`` in seconds), ``seconds`` that they share without interruption,
        ``gain`` (how many times larger the other one is; negative if it is upside down) and
        ``whole`` (nine tenths of the shorter recording are shared). Of three copies the first is
        paired with the second and the second with the third.

    Raises
    ------
    DataError
        If no cohort is given.

    Notes
    -----
    Copies, excerpts and overlaps are found, also in another unit, type or sign, with another offset
    or stated rate. A copy that was filtered, resampled or rounded to coarser steps is another
    recording here, and a piece without turns, such as a flat line, is none.

    Examples
    --------
    >>> from ecglib.data.cohort import Cohort
    >>> noise = np.random.default_rng(0).normal(size=(7680, 1))
    >>> rows = pd.DataFrame({"participant": [1, 2], "clip": 1, "condition": "rest",
    ...                      "n_samples": [7680, 5120], "duration": [30.0, 20.0]})
    >>> cohort = Cohort("mine", 256, rows, (noise, 5 - 2 * noise[2560:]), leads=("ECG",))
    >>> find_duplicates(cohort)[["participant", "start", "other_participant", "seconds", "gain"]]
       participant  start  other_participant  seconds  gain
    0            1   10.0                  2     20.0  -2.0
    """
    if not cohorts:
        raise DataError("no cohort is given", field="cohorts", expected="one or more")
    streams = list(_streams(cohorts, lead))
    parts = [_hashes(stream.samples) for stream in streams]
    hashes = np.concatenate([found for found, _ in parts])
    at = np.concatenate([places for _, places in parts])
    number = np.repeat(np.arange(len(streams)), [len(found) for found, _ in parts])
    recording = np.array([stream.recording for stream in streams])[number]

    order = np.argsort(hashes, kind="stable")
    one, other = order[:-1], order[1:]
    shared = (hashes[one] == hashes[other]) & (recording[one] != recording[other])
    votes: dict[tuple[int, int], Counter] = {}
    first: dict[tuple[int, int, int], tuple[int, int]] = {}
    for i, j in zip(one[shared], other[shared], strict=True):
        a, b, shift = int(number[i]), int(number[j]), int(at[j] - at[i])
        pair = streams[a].recording, streams[b].recording
        votes.setdefault(pair, Counter())[a, b, shift] += 1
        first.setdefault((a, b, shift), (int(at[i]), int(at[j])))
    rows = []
    for pair in sorted(votes):
        found = [
            _shared(streams[key[0]], streams[key[1]], first[key], least_s)
            for key, _ in votes[pair].most_common(_SHIFTS)
        ]
        best = max((row for row in found if row), key=lambda row: row["seconds"], default=None)
        if best:
            rows.append(best)
    columns = [*PLACE, *(f"other_{name}" for name in PLACE), "seconds", "gain", "whole"]
    return pd.DataFrame(rows, columns=columns)


@checked
def refuse_duplicates(
    *cohorts: Cohort,
    lead: int | str | None = None,
    file: str | os.PathLike[str] | None = None,
    remedy: str = "leave one of the two out with Cohort.select",
) -> None:
    """Raise a DataError if recordings of one or several cohorts share samples.

    Parameters
    ----------
    *cohorts : Cohort
        As in `find_duplicates`.
    lead : int or str, optional
        As in `find_duplicates`.
    file : str or os.PathLike, optional
        Where they were read from, for the message.
    remedy : str
        What can be done, for the message.

    Raises
    ------
    DataError
        If any do; names both places of the first pair.

    Examples
    --------
    >>> from ecglib.data.cohort import Cohort
    >>> noise = np.random.default_rng(0).normal(size=(5120, 1))
    >>> rows = pd.DataFrame({"participant": [1, 2], "clip": 1, "condition": "rest"})
    >>> rows = rows.assign(n_samples=5120, duration=20.0)
    >>> cohort = Cohort("mine", 256.0, rows, (noise, noise), leads=("ECG",))
    >>> refuse_duplicates(cohort)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 2, clip 1, rest (from second 0.0) has ...
    """
    found = find_duplicates(*cohorts, lead=lead)
    if found.empty:
        return
    several = len(cohorts) > 1
    one, other = (_where(found.iloc[0], prefix, several) for prefix in ("", "other_"))
    people = [
        f"{a} {p} and {b} {q}" if several else f"{p} and {q}"
        for a, p, b, q in found[
            ["cohort", "participant", "other_cohort", "other_participant"]
        ].itertuples(index=False)
    ]
    pairs = list(dict.fromkeys(people))
    listed = ", ".join(pairs[:_LISTED]) + f" and {len(pairs) - _LISTED} more" * (
        len(pairs) > _LISTED
    )
    raise DataError(
        f"{other} has {found['seconds'].iloc[0]:.1f} s of the same ECG as {one}; in all, "
        f"{len(found)} pair{'s share' if len(found) > 1 else ' shares'} samples, of the "
        f"participants {listed}",
        file=file,
        expected="every recording once: nobody is tested on what was trained with",
        remedy=remedy,
    )


def _where(row: pd.Series, prefix: str, with_cohort: bool) -> str:
    """Say where one of two copies lies."""
    cohort, participant, clip, condition, start = (row[prefix + name] for name in PLACE)
    place = f"participant {participant}, clip {clip}, {condition} (from second {start:.1f})"
    return f"{cohort}, {place}" if with_cohort else place


@dataclass(frozen=True)
class _Stream:
    """One lead of one recording."""

    recording: int  # counted through all cohorts
    samples: np.ndarray
    fs: float
    place: tuple[object, ...]


def _streams(cohorts: tuple[Cohort, ...], lead: int | str | None) -> Iterator[_Stream]:
    names: list[str] = []
    count = 0
    for cohort in cohorts:
        again = sum(name == cohort.name for name in names)
        names.append(cohort.name)
        name = f"{cohort.name} ({again + 1})" if again else cohort.name
        first = 0 if lead is None else cohort.lead_number(lead) - 1
        last = len(cohort.leads) if lead is None else first + 1
        rows = cohort.recordings[["participant", "clip", "condition"]].itertuples(index=False)
        for row, signal, fs in zip(rows, cohort.signals, cohort.rates, strict=True):
            for column in range(first, last):
                yield _Stream(count, signal[:, column], fs, (name, *row))
            count += 1


def _hashes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes of pieces of a lead, and the samples at which they begin."""
    if len(x) <= 2 * STEPS:
        return _one_hash(x)
    hashes, at = [], []
    for start in range(0, len(x) - STEPS, _CHUNK):
        signs = _signs(x[start : start + _CHUNK + STEPS])
        local = _local_hashes(signs)
        n_pieces = len(signs) - STEPS + 1
        # The square doesn't know the sign.
        chosen = local[:n_pieces].view(np.uint32)
        chosen = np.flatnonzero(chosen * chosen * _CHOICE < np.uint32(1 << 26))
        turns = np.cumsum(signs[1:] != signs[:-1], dtype=np.int32)
        many = turns[chosen + STEPS - 2] - turns[chosen] >= _FEWEST_TURNS
        chosen = chosen[many]
        parts = local[chosen[:, None] + np.arange(0, STEPS, _BLOCK)].astype(np.int64)
        hashes.append(np.abs((parts * _LARGE).sum(axis=1)))
        at.append(chosen + start)
    return np.concatenate(hashes), np.concatenate(at)


def _one_hash(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hash of a lead that is too short for several."""
    signs = _signs(x)
    moves = signs[signs != 0]
    if np.count_nonzero(signs[1:] != signs[:-1]) < _FEWEST_TURNS:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    digest = hashlib.blake2b((signs * moves[0]).tobytes(), digest_size=8).digest()
    return np.abs(np.frombuffer(digest, dtype="<i8")), np.zeros(1, np.int64)


def _signs(x: np.ndarray) -> np.ndarray:
    """Return 1 where a lead rises to the next sample, -1 where it falls, else 0; int8."""
    x = np.ascontiguousarray(x)
    return (x[1:] > x[:-1]).view(np.int8) - (x[1:] < x[:-1]).view(np.int8)


def _local_hashes(signs: np.ndarray) -> np.ndarray:
    """Return a hash of every `_BLOCK` signs, int32, that is negative if all signs are.

    Hashes of neighbours are joined to hashes of twice their length; the first ones are numbers to
    the base 3, in the smallest type that holds them.
    """
    joined = signs
    joined = joined[:-1] + np.int8(3) * joined[1:]
    joined = joined[:-2] + np.int8(9) * joined[2:]
    joined = joined.astype(np.int16)
    joined = joined[:-4] + np.int16(81) * joined[4:]
    joined = joined.astype(np.int32)
    for length, factor in zip((8, 16, 32), _SMALL, strict=True):
        joined = joined[:-length] + factor * joined[length:]
    return joined


def _shared(
    one: _Stream, other: _Stream, at: tuple[int, int], least_s: float
) -> dict[str, object] | None:
    """Return the row of two leads that share samples where they share a hash, or None."""
    shift = at[1] - at[0]
    begin = max(0, -shift)
    n = min(len(one.samples) - begin, len(other.samples) - begin - shift)
    x = one.samples[begin : begin + n].astype(np.float64)
    y = other.samples[begin + shift : begin + shift + n].astype(np.float64)
    seed = slice(at[0] - begin, at[0] - begin + STEPS + 1)
    known = np.isfinite(x[seed]) & np.isfinite(y[seed])
    u, v = x[seed][known], y[seed][known]
    if len(u) < 2 or np.ptp(u) == 0 or np.ptp(v) == 0:
        return None
    gain = np.cov(u, v)[0, 1] / np.var(u, ddof=1)
    offset = v.mean() - gain * u.mean()
    differs = np.abs(y - gain * x - offset) > TOLERANCE * np.std(v)  # NaN: unknown, no difference
    breaks = np.concatenate([[-1], np.flatnonzero(differs), [n]])
    after = int(np.searchsorted(breaks, seed.start, side="right"))
    start, stop = int(breaks[after - 1]) + 1, int(breaks[after])
    shorter = 0.9 * min(len(one.samples), len(other.samples))
    if stop - start < min(least_s * one.fs, shorter):
        return None
    places = (
        (*one.place, (begin + start) / one.fs),
        (*other.place, (begin + shift + start) / other.fs),
    )
    row = dict(zip(PLACE, places[0], strict=True))
    row |= {f"other_{name}": value for name, value in zip(PLACE, places[1], strict=True)}
    return row | {
        "seconds": (stop - start) / one.fs,
        "gain": float(np.float32(gain)),
        "whole": bool(stop - start >= shorter),
    }
