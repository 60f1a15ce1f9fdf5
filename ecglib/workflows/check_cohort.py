"""Check a cohort before anything is learnt from it: who is in it, how good recordings are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.data.cohort import Cohort
from ecglib.preprocessing.report import GRADES, quality_report
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.workflows.judged import WINDOW
from ecglib.workflows.sources import long_enough

_BY = ("participant", "lead")


@dataclass(frozen=True, eq=False)
class CohortCheck:
    """What a cohort holds, and how good its recordings are.

    Parameters
    ----------
    file : str
        Where it was read from.
    sha256 : str
        The checksum that its reader gives.
    data : str
        Name of the set.
    version : str
        Version of the set.
    people : int
        Number of participants.
    recordings : int
        Number of recordings.
    hours : float
        Length of all recordings.
    rates : tuple of float
        Sampling rates that occur, in Hz.
    leads : tuple of str
        Their names.
    conditions : dict of str to int
        Number of recordings made during each.
    labels : dict of str to int
        Number of recordings that have a label, by what the label is.
    quality : DataFrame
        From `ecglib.preprocessing.report.quality_report`, a row per participant and lead.
    problems : tuple of str
        Who cannot be cut into windows, and why.
    notes : tuple of str
        Leads that are poor or upside down, and recordings that are too short.
    of_reader : tuple of str
        The notes of the cohort: what its reader took for granted, left out or did not find.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> made = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0)
    >>> found = check_cohort(made.cohort, "made here")
    >>> isinstance(found, CohortCheck), found.people, found.recordings
    (True, 1, 4)
    """

    file: str
    sha256: str
    data: str
    version: str
    people: int
    recordings: int
    hours: float
    rates: tuple[float, ...]
    leads: tuple[str, ...]
    conditions: dict[str, int]
    labels: dict[str, int]
    quality: pd.DataFrame
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    of_reader: tuple[str, ...]

    @property
    def usable(self) -> float:
        """Share of usable windows of all leads, 0 to 1."""
        return usable_share(self.quality)

    @property
    def verdict(self) -> str:
        """Good, fair or poor, by the usable windows; at most fair if somebody has none at all."""
        word = next(word for word, low in GRADES.items() if self.usable >= low)
        return "fair" if word == "good" and self.problems else word

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        windows = self.quality["windows"].sum()
        return (
            f"{self.verdict}: {self.usable:.0%} of {windows} windows of {WINDOW.length_s:g} s are "
            "usable"
        )

    def to_text(self) -> str:
        """Say it in lines for a terminal, without the notes of the reader."""
        rates = " or ".join(f"{rate:g}" for rate in self.rates)
        parts = [
            f"{self.file}: {self.sentence}",
            f"  {self.data}{f', version {self.version}' if self.version else ''}; {self.people} "
            f"people, {self.recordings} recordings, {self.hours:.1f} h; {rates} Hz; leads: "
            f"{', '.join(self.leads)}",
            f"  sha256 {self.sha256}",
            *(f"  PROBLEM: {problem}" for problem in self.problems),
            *(f"  Note: {note}" for note in self.notes),
            "\n  Recordings",
            *(f"  {name}: {count}" for name, count in self.conditions.items()),
            *(f"  with a label, {name}: {count}" for name, count in self.labels.items()),
            "\n  Quality of windows",
            indented(as_text(self.quality).to_string(index=False)),
        ]
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, as JSON can hold them; what is not known is None."""
        return {
            **{
                name: getattr(self, name)
                for name in ("file", "sha256", "data", "version", "people", "recordings", "hours")
            },
            "verdict": self.verdict,
            "usable": self.usable,
            "rates": list(self.rates),
            "leads": list(self.leads),
            "conditions": self.conditions,
            "labels": self.labels,
            "quality": as_rows(self.quality),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "of_reader": list(self.of_reader),
        }


@checked
def check_cohort(cohort: Cohort, file: str | os.PathLike[str]) -> CohortCheck:
    """Check a cohort that was read.

    Parameters
    ----------
    cohort : Cohort
        Of any set; all its recordings that are as long as a window are checked.
    file : str or os.PathLike
        Where it was read from.

    Returns
    -------
    CohortCheck

    Raises
    ------
    DataError
        If nobody can be cut into windows.

    Examples
    --------
    >>> beats = np.tile(np.hanning(200) ** 40, 60)[:, None]
    >>> rows = pd.DataFrame({"participant": ["anna"], "clip": 1, "condition": "rest"})
    >>> rows = rows.assign(n_samples=len(beats), duration=len(beats) / 250)
    >>> cohort = Cohort("lab", 250, rows, (beats,), leads=("ECG",), unit="mV")
    >>> check = check_cohort(cohort, "lab")
    >>> check.sentence, check.conditions
    ('good: 100% of 4 windows of 10 s are usable', {'rest': 1})
    """
    short: list[str] = []
    whole = long_enough(cohort, WINDOW.length_s, short.append)
    quality, _, broken = quality_of(
        whole, replace(WINDOW, conditions=tuple(whole.recordings["condition"].unique()))
    )
    rows = cohort.recordings
    return CohortCheck(
        file=str(file),
        sha256=cohort.sha256,
        data=cohort.name,
        version=cohort.version,
        people=rows["participant"].nunique(),
        recordings=len(rows),
        hours=float(rows["duration"].sum() / 3600),
        rates=tuple(sorted(set(cohort.rates))),
        leads=tuple(cohort.leads),
        conditions={str(c): int(n) for c, n in rows["condition"].value_counts().items()},
        labels={target.name: int(rows[target.name].notna().sum()) for target in cohort.targets},
        quality=quality,
        problems=tuple(broken),
        notes=(*short, *remarks(quality)),
        of_reader=cohort.notes,
    )


@checked
def quality_of(
    cohort: Cohort, config: WindowConfig
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Judge the windows of each participant on every lead, one participant in memory at a time.

    Parameters
    ----------
    cohort : Cohort
        Whose recordings are as long as a window.
    config : WindowConfig
        How windows are made; of all leads, whatever it says. A condition that a participant does
        not have is passed over.

    Returns
    -------
    quality : DataFrame
        From `ecglib.preprocessing.report.quality_report`, a row per participant and lead.
    meta : DataFrame
        A row per window of all leads.
    broken : list of str
        Why some participants cannot be cut into windows.

    Raises
    ------
    DataError
        If none can.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> cohort = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort
    >>> quality, meta, broken = quality_of(cohort, WindowConfig())
    >>> len(quality), broken
    (2, [])
    """
    reports, frames, broken = [], [], []
    for participant in progress(
        cohort.recordings["participant"].unique(), "checking", unit="person"
    ):
        own = cohort.select(participants=[participant])
        present = set(own.recordings["condition"])
        wanted = config.conditions and tuple(c for c in config.conditions if c in present)
        try:
            windows = make_windows(own, replace(config, leads=None, conditions=wanted))
        except DataError as error:
            broken.append(str(error))
            continue
        reports.append(quality_report(windows.meta, windows.X, windows.fs, _BY))
        frames.append(windows.meta)
    if not reports:
        raise DataError("no participant can be cut into windows: " + broken[0])
    return pd.concat(reports), pd.concat(frames, ignore_index=True), broken


@checked
def usable_share(quality: pd.DataFrame) -> float:
    """Give the share of usable windows, 0 to 1, of a `quality` from `quality_of`.

    Examples
    --------
    >>> usable_share(pd.DataFrame({"windows": [10, 30], "usable": [1.0, 0.5]}))
    0.625
    """
    windows = quality["windows"].sum()
    return float((quality["usable"] * quality["windows"]).sum() / max(windows, 1))


@checked
def remarks(quality: pd.DataFrame) -> Iterator[str]:
    """Name the leads of people in a `quality` from `quality_of` that are poor or upside down.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, "I"), (2, "I")], names=["participant", "lead"])
    >>> quality = pd.DataFrame({"grade": ["good", "poor"], "polarity": "upright"}, index=index)
    >>> list(remarks(quality))
    ['participant 2, lead I: fewer than half of the windows are usable']
    """
    checks.frame("quality", quality, ("grade", "polarity"))
    for participant, lead in quality.index[quality["grade"] == "poor"]:
        yield f"participant {participant}, lead {lead}: fewer than half of the windows are usable"
    for participant, lead in quality.index[quality["polarity"] == -1]:
        yield f"participant {participant}, lead {lead}: upside down"


@checked
def as_text(quality: pd.DataFrame) -> pd.DataFrame:
    """Give a `quality` from `quality_of` as text, a row per participant and lead.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, "I")], names=["participant", "lead"])
    >>> quality = pd.DataFrame(
    ...     {"usable": [0.5], "heart_rate": [np.nan], "polarity": [1]}, index=index
    ... )
    >>> as_text(quality)[["usable", "heart_rate"]].values.tolist()
    [['50%', '-']]
    """
    table = quality.reset_index()
    for name, form in (("usable", "{:.0%}"), ("heart_rate", "{:.0f}")):
        table[name] = ["-" if np.isnan(v) else form.format(v) for v in table[name]]
    ways = {1: "upright", -1: "upside down", 0: "undecided"}
    table["polarity"] = [ways[sign] for sign in table["polarity"]]
    return table


@checked
def as_rows(quality: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a `quality` from `quality_of` as plain rows; what is not known is None.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, "I")], names=["participant", "lead"])
    >>> as_rows(pd.DataFrame({"usable": [0.5], "heart_rate": [np.nan]}, index=index))
    [{'participant': 1, 'lead': 'I', 'usable': 0.5, 'heart_rate': None}]
    """
    table = quality.reset_index().astype(object)
    return table.where(table.notna(), None).to_dict("records")


@checked
def indented(text: str) -> str:
    """Begin every line of a `text` with two spaces.

    Examples
    --------
    >>> indented("lead I: good")
    '  lead I: good'
    """
    return "\n".join(f"  {line}" for line in text.splitlines())
