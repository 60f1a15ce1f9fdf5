"""The restricted set WESAD: baseline, stress, amusement and meditation of 15 people.

The chest ECG is read from the text of the recorder, and the times and ratings from the
questionnaires beside it. The set also keeps each person in a pickle, a file that can run anything
when it is opened: it is not needed and never opened.

References
----------
Schmidt, Reiss, Duerichen, Marberger & Van Laerhoven 2018, doi:10.1145/3242969.3242985, and
``wesad_readme.pdf`` of the set. `UNVERIFIED` lists what is not certain.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.respiban import BITS, read_respiban
from ecglib.data.targets import Classes
from ecglib.data.wesad_quest import (
    RATINGS,
    STATE_OF,
    TRIM_S,
    Block,
    read_age_and_sex,
    read_blocks,
)

STATES = tuple(dict.fromkeys(STATE_OF.values()))
"""The states, as the labels 1 to 4 of the set's readme have them."""


STRESS = Classes("state", ("baseline", "stress", "amusement"), positive="stress")
"""The question with two answers: stress, or baseline and amusement together."""


PEOPLE = tuple(f"S{number}" for number in range(2, 18) if number != 12)
"""The people of the set. S1 and S12 were left out of it by its authors."""


UNVERIFIED = (
    f"blocks are cut by {TRIM_S:g} s at both ends, as the labels in the set's pickles are; this "
    "was found by one public audit of all people, the times of S2 confirm it, and the set's readme "
    "does not say it",
    "an ECG sample of exactly 0, the rail of the converter, counts as missing, because one public "
    "reader of the set repairs such samples",
    "names of the fields of the recorder's header are those of a copy of the header of S2",
)
"""What the reader takes from other readers of the set and no document of it."""


_RANGE_MV = 3.0


_SUBJECT = re.compile(r"S[1-9]\d*")


@checked
def read_wesad(
    folder: str | os.PathLike[str],
    *,
    states: Sequence[str] = STATES,
    reading: bool = False,
    allow_duplicates: bool = False,
) -> Cohort:
    r"""Read the chest ECG of WESAD as a cohort, a recording for each block.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds the folders ``S2``, ``S3`` and so on, or the folder ``WESAD`` that does. Of each
        person ``SX_respiban.txt`` and ``SX_quest.csv`` are needed; ``SX_readme.txt`` is read where
        it is there. People whose folder is not there are not missed.
    states : sequence of str
        Blocks to read, by their state: two or more of `STATES`. They are the classes of the target,
        in this order: of ``("baseline", "stress")`` stress is class 1, and
        ``("baseline", "stress", "amusement")`` makes the question of three classes, or `STRESS`.
    reading : bool
        Read the blocks of reading, too: unlabelled ECG.
    allow_duplicates : bool
        Let recordings pass that share samples with that of another person or block.

    Returns
    -------
    Cohort
        The lead "ECG" in mV, at the rate that each file states (700 Hz in the set); NaN is a sample
        that the recorder lost. Participants are "S2" to "S17"; a clip is a block by the name that
        it has in the questionnaires ("TSST"), and its condition is "stimulus" or "reading". Further
        columns: the targets ``state``, ``valence`` and ``arousal``; ``order`` of the block in the
        person's session, counted from 1 over all blocks; ``start_s``, where it begins in the
        person's file; ``age`` and ``sex`` ("M" or "F"), missing where no readme gives them.
        Its notes say what was taken for granted (`UNVERIFIED`), lost or not there.

    Raises
    ------
    DataError
        If a file is missing, damaged or contradicts another one; names the file, the participant,
        the block and the field. If two recordings share samples.

    Notes
    -----
    The times of a block, such as ``50.3``, are minutes and seconds whose last zero a spreadsheet
    dropped: 50 min 30 s. They count from the start of the recorder's text, so nothing else is
    needed to find a block. The state "baseline" is a block of its own, with a rating of its own: it
    is not the condition "baseline", the rest before a clip of other sets.

    Text is parsed in parts, and two bytes are kept of each sample, whatever the size of the file.

    Examples
    --------
    >>> import json, tempfile
    >>> folder = Path(tempfile.mkdtemp(), "S2")
    >>> folder.mkdir()
    >>> header = {"sensor": ["ECG"], "column": ["nSeq", "DI", "CH1"], "sampling rate": 100,
    ...           "resolution": [16]}
    >>> lines = ["# OpenSignals", "# " + json.dumps({"00:07": header}), "# EndOfHeader"]
    >>> ecg = np.random.default_rng(0).integers(30000, 36000, 15000)
    >>> lines += [f"{i}\t0\t{value}\t" for i, value in enumerate(ecg)]
    >>> _ = (folder / "S2_respiban.txt").write_text("\n".join(lines))
    >>> quest = ["# Subj;S2", "# ORDER;Base;TSST;Medi 1;Fun;Medi 2", "# START;0.0;0.3;1;1.3;2.0",
    ...          "# END;0.3;1.0;1.3;2;2.3", *["# DIM;7;2"] * 5]
    >>> _ = (folder / "S2_quest.csv").write_text("\n".join(quest))
    >>> cohort = read_wesad(folder.parent, states=("baseline", "stress"))
    >>> cohort.recordings[["clip", "state", "valence", "start_s", "duration"]]
       clip     state  valence  start_s  duration
    0  Base  baseline      7.0     10.0      10.0
    1  TSST    stress      7.0     40.0      10.0
    """
    state = _target(states)
    folder = folder_of(folder, "the folder of WESAD", "name the folder that holds S2, S3 and so on")
    collected = Collected("WESAD")
    notes: list[str] = []
    people = _people(folder)
    for participant, own in people.items():
        blocks = read_blocks(own / f"{participant}_quest.csv", participant)
        age, sex = read_age_and_sex(own / f"{participant}_readme.txt", participant)
        path = own / f"{participant}_respiban.txt"
        raw, fs = read_respiban(path, participant)
        lost = 0
        for order, block in enumerate(blocks, start=1):
            if not (reading if block.state is None else block.state in states):
                continue
            samples = _cut(raw, fs, block, path, participant)
            lost += int(np.count_nonzero(samples == 0))
            collected.add(
                np.where(samples == 0, np.nan, (samples / 2**BITS - 0.5) * _RANGE_MV),
                fs,
                "mV",
                participant=participant,
                clip=block.name,
                condition="reading" if block.state is None else "stimulus",
                state=block.state,
                valence=block.valence,
                arousal=block.arousal,
                order=order,
                start_s=block.kept[0],
                age=age,
                sex=sex,
            )
        if lost:
            notes.append(f"{participant}: {lost} samples of exactly 0 in these blocks are missing")
    absent = [participant for participant in PEOPLE if participant not in people]
    if absent:
        notes.append(f"of the {len(PEOPLE)} people, {', '.join(absent)} are not in this folder")
    cohort = collected.cohort(("ECG",), (state, *RATINGS), (*UNVERIFIED, *notes))
    if not allow_duplicates:
        refuse_duplicates(cohort, file=folder, remedy="say allow_duplicates=True")
    return cohort


@checked
def is_wesad(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds files of the set that can be read.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tempfile
    >>> is_wesad(tempfile.mkdtemp())
    False
    """
    found = _folders(Path(folder).expanduser())
    return any((path / f"{name}_respiban.txt").is_file() for name, path in found.items())


def _target(states: Sequence[str]) -> Classes:
    several = np.iterable(states) and not isinstance(states, str)
    chosen = tuple(states) if several else (states,)
    strange = [name for name in chosen if name not in STATES]
    if strange or len(set(chosen)) < max(2, len(chosen)):
        raise DataError(
            f"{strange[0]!r}" if strange else f"{chosen!r}",
            field="states",
            expected=f"two or more of {', '.join(STATES)}, each once",
        )
    return Classes("state", chosen)


def _people(folder: Path) -> dict[str, Path]:
    """Return the folder of each person; there must be one."""
    found = _folders(folder)
    if found:
        return found
    raise DataError(
        "there is nobody in this folder",
        file=folder,
        expected="the folders S2, S3 and so on, each with SX_respiban.txt and SX_quest.csv",
        remedy="name the folder that holds them",
    )


def _folders(folder: Path) -> dict[str, Path]:
    """Return the folder of each person, by name in the order of their numbers."""
    for root in (folder, folder / "WESAD"):
        if root.is_dir():
            found = [p for p in root.iterdir() if p.is_dir() and _SUBJECT.fullmatch(p.name)]
            if found:
                return {p.name: p for p in sorted(found, key=lambda path: int(path.name[1:]))}
    return {}


def _cut(raw: np.ndarray, fs: float, block: Block, path: Path, participant: str) -> np.ndarray:
    first, last = (round(s * fs) for s in block.kept)
    if last > len(raw):
        raise DataError(
            f"the recording ends after {len(raw) / fs:.1f} s, the block at second {block.end}",
            file=path,
            participant=participant,
            clip=block.name,
            expected=f"{last} samples at {fs:g} Hz or more",
            remedy="copy the file again from WESAD.zip; a download may have broken off",
        )
    return raw[first:last]
