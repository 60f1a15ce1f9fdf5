"""Check a DREAMER.mat before any training: who and what is in it, and what a study cannot bear."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.words import counted
from ecglib.data.dreamer import RATING_FIELDS, read_dreamer
from ecglib.data.labels import BASELINE, binary_labels
from ecglib.data.targets import RATINGS, TARGETS
from ecglib.preprocessing.quality import OK, QUALITIES
from ecglib.preprocessing.report import GRADES
from ecglib.studies.feasible import study_problems
from ecglib.studies.profiles import Profile, get_profile
from ecglib.workflows.check_cohort import (
    as_rows,
    as_text,
    indented,
    quality_of,
    remarks,
    usable_share,
)


@dataclass(frozen=True, eq=False)
class DreamerCheck:
    """What a file in the layout of DREAMER.mat holds, and whether a study of it is possible.

    Parameters
    ----------
    file, sha256 : str
        The file and its checksum.
    data : {"DREAMER", "synthetic"}
        What the file says it is.
    version : str
        What the file says about its version.
    profile : str
        Name of the profile that the study would have.
    people, clips : int
        How many of each.
    hours : float
        Length of all recordings.
    ratings : DataFrame
        Number of clips that were given each rating: a row per scale.
    high : DataFrame
        Share of clips rated above 3: a row per participant, a column per scale.
    quality : DataFrame
        From `ecglib.preprocessing.report.quality_report`, a row per participant and lead.
    problems : tuple of str
        What makes a study impossible; each names the participant, the clip or the field.
    notes : tuple of str
        What makes it weaker.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
    >>> made = make_cohort(CohortSpec(2, (20.0, 20.0), 11.0), seed=0)
    >>> file = write_dreamer_mat(made.cohort, Path(tempfile.mkdtemp(), "DREAMER.mat"))
    >>> found = check_dreamer(file)
    >>> isinstance(found, DreamerCheck), found.data, found.people, found.clips
    (True, 'synthetic', 2, 2)
    """

    file: str
    sha256: str
    data: str
    version: str
    profile: str
    people: int
    clips: int
    hours: float
    ratings: pd.DataFrame
    high: pd.DataFrame
    quality: pd.DataFrame
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def usable(self) -> float:
        """Share of usable windows of both leads, 0 to 1."""
        return usable_share(self.quality)

    @property
    def verdict(self) -> str:
        """Good, fair or poor: poor if a study is impossible, else by the usable windows."""
        if self.problems:
            return "poor"
        return next(word for word, low in GRADES.items() if self.usable >= low)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        share = f"{self.usable:.0%} of {self.quality['windows'].sum()} windows are usable"
        if not self.problems:
            return f"{self.verdict}: {share}, and a study is possible"
        wrong = counted(len(self.problems), "problem")
        return f"{self.verdict}: {wrong} in the way of a study; {share}"

    def quality_table(self) -> pd.DataFrame:
        """Give the quality as text, a row per participant and lead."""
        return as_text(self.quality)

    def to_text(self) -> str:
        """Say it in lines for a terminal."""
        high = self.high.map(lambda share: f"{share:.0%}")
        parts = [
            f"{self.file}: {self.sentence}",
            f"  {self.data} data, version {self.version}; {self.people} people, {self.clips} clips,"
            f" {self.hours:.1f} h; profile {self.profile}",
            f"  sha256 {self.sha256}",
            *(f"  PROBLEM: {problem}" for problem in self.problems),
            *(f"  Note: {note}" for note in self.notes),
            "\n  Clips by rating",
            indented(self.ratings.to_string()),
            "\n  Share of clips rated high (above 3)",
            indented(high.to_string()),
            "\n  Quality of windows",
            indented(self.quality_table().to_string(index=False)),
        ]
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, as JSON can hold them; what is not known is None."""
        return {
            **{
                name: getattr(self, name)
                for name in ("file", "sha256", "data", "version", "profile", "people", "clips")
            },
            "hours": self.hours,
            "verdict": self.verdict,
            "usable": self.usable,
            "ratings": {
                scale: {str(rating): int(n) for rating, n in row.items()}
                for scale, row in self.ratings.iterrows()
            },
            "high": {
                str(person): {scale: float(share) for scale, share in row.items()}
                for person, row in self.high.iterrows()
            },
            "quality": as_rows(self.quality),
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


@checked
def check_dreamer(
    path: str | os.PathLike[str], profile: Profile | str | None = None
) -> DreamerCheck:
    """Check a file in the layout of DREAMER.mat for what a study needs.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    profile : Profile or str, optional
        Settings of the study; by default the one that ``$ECGLIB_PROFILE`` names, else ``quick``.

    Returns
    -------
    DreamerCheck

    Raises
    ------
    DataError
        If the file is damaged, lacks a field or holds an impossible value: names participant, clip
        and field.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
    >>> made = make_cohort(CohortSpec(3, (20.0, 20.0), 11.0), seed=0)
    >>> file = write_dreamer_mat(made.cohort, Path(tempfile.mkdtemp(), "DREAMER.mat"))
    >>> check = check_dreamer(file)
    >>> check.data, check.people, check.clips
    ('synthetic', 3, 2)
    """
    chosen = profile if isinstance(profile, Profile) else get_profile(profile)
    cohort = read_dreamer(path)
    rows = cohort.recordings
    clips = rows[rows["condition"] != BASELINE]
    high = pd.DataFrame(
        {
            target: pd.Series(binary_labels(clips, target), index=clips["participant"])
            .groupby(level=0)
            .mean()
            for target in TARGETS
        }
    )
    ratings = pd.DataFrame(
        {t: clips[t].value_counts().reindex(RATINGS, fill_value=0) for t in TARGETS}
    ).T
    ratings.columns.name = ratings.index.name = None
    quality, meta, broken = quality_of(cohort, chosen.windows)
    leads = [cohort.lead_number(lead) for lead in chosen.windows.leads or cohort.leads]
    meta, people = meta[meta["lead"].isin(leads)], rows["participant"].unique()
    return DreamerCheck(
        file=str(path),
        sha256=cohort.sha256,
        data=cohort.name,
        version=cohort.version,
        profile=chosen.name,
        people=len(high),
        clips=clips["clip"].nunique(),
        hours=float(rows["duration"].sum() / 3600),
        ratings=ratings,
        high=high,
        quality=quality,
        problems=(*broken, *map(str, study_problems(meta, people, chosen))),
        notes=tuple(_notes(high, quality, meta, people)),
    )


def _notes(
    high: pd.DataFrame, quality: pd.DataFrame, meta: pd.DataFrame, people: np.ndarray
) -> Iterator[str]:
    usable = meta.loc[meta["quality"] == QUALITIES[OK], "participant"]
    for participant in np.setdiff1d(people, usable):
        yield f"participant {participant}: no usable window, so nothing to test on"
    for target in high:
        for value, word in ((0.0, "low"), (1.0, "high")):
            people = high.index[high[target] == value]
            if len(people):
                who = f"participant{'s' if len(people) > 1 else ''} {', '.join(map(str, people))}"
                yield (
                    f"field {RATING_FIELDS[target]}: {who} rated every clip {word}; balanced "
                    "accuracy has no value there"
                )
    yield from remarks(quality)
