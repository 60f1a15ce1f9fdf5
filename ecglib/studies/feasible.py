"""What makes a study impossible, found before its first training.

A group of participants without a usable window, ratings of one class, fewer windows than a batch,
too few people: each would end a study after hours, with all encoders trained. `study_problems`
finds them in the metadata frame of the windows alone, `check_study` refuses a study that has one,
and ``ecglib check`` prints the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.dreamer import RATING_FIELDS
from ecglib.data.labels import binary_labels
from ecglib.data.targets import TARGETS
from ecglib.evaluation.crossfit import participant_groups
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.splits import ParticipantGroupedKFold, WindowKFold
from ecglib.preprocessing.quality import OK, QUALITIES
from ecglib.studies.profiles import Profile
from ecglib.studies.study import Study


@checked
def check_study(study: Study) -> None:
    """Refuse a study that cannot be finished, before anything is trained.

    Parameters
    ----------
    study : Study
        Data and settings. Its windows are made, if they are not there yet.

    Raises
    ------
    DataError
        The first of `study_problems`, with the number of the others.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder = tempfile.mkdtemp()
    >>> study = Study(profile=SMOKE, folder=folder, spec=CohortSpec(2, (30.0, 30.0), 11.0))
    >>> check_study(study)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: ...
    """
    people = study.cohort.recordings["participant"].unique()
    found = study_problems(study.windows.meta, people, study.profile, file=study.path)
    if found:
        first, others = found[0], len(found) - 1
        more = f"; ecglib check tells of {others} more problems" if others else ""
        raise first.but(remedy=f"{first.remedy}{more}")


@checked
def study_problems(
    meta: pd.DataFrame,
    people: Sequence[int | str] | np.ndarray,
    profile: Profile,
    *,
    file: str | os.PathLike[str] | None = None,
) -> list[DataError]:
    """Find what makes a study impossible.

    Parameters
    ----------
    meta : DataFrame
        One row per window of the leads and recordings that the study uses, with its quality.
    people : sequence of (int or str)
        All participants, with windows or without.
    profile : Profile
        Settings of the study.
    file : path, optional
        Where the recordings are from, for the messages.

    Returns
    -------
    list of DataError
        Each names the participants, the clip or the field, what was found and what to do; empty if
        nothing stands in the way.

    Examples
    --------
    >>> from ecglib.studies.profiles import QUICK
    >>> meta = pd.DataFrame(
    ...     {"participant": np.repeat([1, 2, 3, 4], 8), "clip": [1, 1, 1, 1, 2, 2, 2, 2] * 4}
    ... )
    >>> scores = np.where(meta["clip"] == 1, 2, 5)
    >>> meta = meta.assign(quality="ok", condition="stimulus", valence=scores, arousal=scores)
    >>> for problem in study_problems(meta.assign(dominance=1), [1, 2, 3, 4], QUICK):
    ...     print(problem)  # doctest: +NORMALIZE_WHITESPACE
    field ScoreDominance: all 32 usable windows of clips 1, 2 are rated low. Expected ratings on
    both sides of 3. To fix it: leave this scale out, or use recordings with other ratings.
    """
    checks.several("people", people, checks.of_type, str, int, np.integer)
    found = [*_in_groups(meta, np.asarray(people), profile), *_in_ratings(meta)]
    if not found:
        found = list(_in_folds(_usable(meta), profile))
    return [problem.but(file=file) for problem in found]


def _in_groups(meta: pd.DataFrame, people: np.ndarray, profile: Profile) -> Iterator[DataError]:
    """Look for groups that leave nothing to train on, or nothing to test on."""
    try:
        groups = participant_groups(people, profile.pretext.n_groups, profile.seed)
    except DataError as error:
        yield error.but(
            problem=f"too few people: {error.problem}",
            field="participant",
            remedy="use recordings of more people",
        )
        return
    batches = {
        name: config.training.batch_windows
        for name, config in (("pretext", profile.pretext), ("contrastive", profile.contrastive))
    }
    inside = [meta["participant"].isin(group) for group in groups]
    empty = [number for number, rows in enumerate(inside) if not len(_usable(meta[rows]))]
    for number in empty:
        yield DataError(
            f"group {number}: {_counts(meta[inside[number]])}",
            participant=", ".join(map(str, groups[number])),
            expected="usable windows in every group, to test its encoder on",
            remedy="look at these recordings with ecglib check, and leave out these people or mend "
            "what is wrong",
        )
    if empty:
        return
    for number, rows in enumerate(inside):
        left = len(_usable(meta[~rows]))
        name = max(batches, key=batches.__getitem__)
        if left < batches[name]:
            yield DataError(
                f"group {number} left out, {left} usable windows of the others are fewer than one "
                f"batch of {batches[name]}: {_counts(meta[~rows])}",
                participant=", ".join(map(str, groups[number])),
                field=f"{name}.training.batch_windows",
                expected=f"at least {batches[name]} usable windows",
                remedy="use a profile with smaller batches, shorter windows or more recordings",
            )


def _in_ratings(meta: pd.DataFrame) -> Iterator[DataError]:
    """Look for scales of one class, with everyone or without one person."""
    usable = _usable(meta)
    if not len(usable):
        return
    for target in TARGETS:
        high = pd.Series(binary_labels(usable, target), index=usable["participant"])
        clips = ", ".join(map(str, pd.unique(usable["clip"])[:20]))
        ratings = {
            "field": RATING_FIELDS[target],
            "expected": "ratings on both sides of 3",
            "remedy": "leave this scale out, or use recordings with other ratings",
        }
        if high.nunique() == 1:
            word = "high" if high.iloc[0] else "low"
            yield DataError(
                f"all {len(high)} usable windows of clips {clips} are rated {word}", **ratings
            )
            continue
        for participant in high.index.unique():
            others = high[high.index != participant]
            if others.nunique() == 1:
                word = "high" if others.iloc[0] else "low"
                yield DataError(
                    f"without this person all {len(others)} usable windows are rated {word}, and "
                    "nothing can be learnt from the others",
                    participant=participant,
                    **ratings,
                )


def _in_folds(usable: pd.DataFrame, profile: Profile) -> Iterator[DataError]:
    """Look for folds that cannot be trained, with the splitters of the results."""
    splitters = (
        WindowKFold(profile.window_folds, profile.seed),
        LeaveOneParticipantOut(),
        WindowKFold(profile.supervised_folds, profile.seed),
        ParticipantGroupedKFold(profile.supervised_folds, profile.seed),
    )
    labels = np.stack([binary_labels(usable, target) for target in TARGETS], axis=1)
    for splitter in splitters:
        try:
            splitter.split(usable, labels)
        except DataError as error:
            more = "use recordings of more people, or a profile of fewer folds"
            yield error.but(remedy=error.remedy or more)


def _usable(meta: pd.DataFrame) -> pd.DataFrame:
    return meta[meta["quality"] == QUALITIES[OK]]


def _counts(meta: pd.DataFrame) -> str:
    """Say how many windows are usable, and what the others are flagged with."""
    counts = meta["quality"].value_counts()
    usable = int(counts.get(QUALITIES[OK], 0))
    flags = ", ".join(f"{name} {n}" for name, n in counts.items() if name != QUALITIES[OK])
    return f"{usable} of {len(meta)} windows are usable" + f" ({flags})" * bool(flags)
