"""Several cohorts as one, in which everyone keeps the set that they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.tables import as_names
from ecglib.data.cohort import COLUMNS, DATASET, Cohort, one_or_each
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.targets import Rating, Target

LEAD_NAME = "lead_name"
"""Column that says which leads a recording has where names differ."""


@checked
def pool(
    *cohorts: Cohort,
    name: str = "pooled",
    targets: Sequence[Target] | None = None,
    leads: Mapping[str, int | str] | None = None,
    allow_duplicates: bool = False,
) -> Cohort:
    """Put several cohorts together.

    Parameters
    ----------
    *cohorts : Cohort
        Each with a name of its own.
    name : str
        Name of the new cohort.
    targets : sequence of Rating or Classes, optional
        What labels mean; by default the targets that all cohorts have in common. Where a cohort
        lacks the column, the label is missing. Columns that ask the same under other names are
        renamed beforehand, in the cohort's ``recordings``.
    leads : mapping of str to int or str, optional
        The one lead, by name or number from 1, to take of each of these cohorts; needed where
        cohorts differ in their number of leads, or in the names of several.
    allow_duplicates : bool
        Let recordings pass that share samples (`ecglib.data.duplicates`).

    Returns
    -------
    Cohort
        Participants are named by cohort and name, as in "eegmat/S00", and the column ``dataset``,
        which windows keep, says which cohort. Every recording keeps its sampling rate and unit.
        Leads of different names are called "ECG", and ``lead_name`` has their names. A column of
        labels that is not among the targets, but is a target of one of the cohorts, is left out: it
        may mean something else in another. There is a checksum if every cohort has one. Notes say
        of which cohort they are.

    Raises
    ------
    DataError
        If no cohort is given, two have the same name, leads do not fit, a target is in no cohort or
        on another scale in one of them, or recordings share samples.

    Examples
    --------
    >>> import numpy as np
    >>> rng, rows = np.random.default_rng(0), pd.DataFrame({"participant": [1, 2], "clip": 1})
    >>> rows = rows.assign(condition="rest", n_samples=5000)
    >>> lab, clinic = (
    ...     Cohort(
    ...         name,
    ...         fs,
    ...         rows.assign(duration=5000 / fs),
    ...         tuple(rng.normal(size=(2, 5000, 1))),
    ...         leads=(lead,),
    ...         unit=unit,
    ...     )
    ...     for name, fs, lead, unit in (("lab", 250, "II", "mV"), ("clinic", 360, "V5", "adu"))
    ... )
    >>> both = pool(lab, clinic)
    >>> both.recordings[["participant", "dataset", "lead_name"]]
      participant dataset lead_name
    0    clinic/1  clinic        V5
    1    clinic/2  clinic        V5
    2       lab/1     lab        II
    3       lab/2     lab        II
    >>> both.rates, both.units
    ((360.0, 360.0, 250.0, 250.0), ('adu', 'adu', 'mV', 'mV'))
    """
    names = [cohort.name for cohort in cohorts]
    twice = [cohort for cohort in names if names.count(cohort) > 1]
    if twice or not names:
        raise DataError(
            f"several cohorts are named {twice[0]!r}" if twice else "no cohort is given",
            field="cohorts",
            expected="one or more, each with a name of its own",
            remedy="give one another name: dataclasses.replace(cohort, name=...)",
        )
    strange = sorted(set(leads or {}) - set(names))
    if strange:
        raise DataError(f"{strange[0]!r}", field="leads", expected=f"some of {', '.join(names)}")
    chosen = [_with_lead(cohort, (leads or {}).get(cohort.name)) for cohort in cohorts]
    if not allow_duplicates:
        refuse_duplicates(
            *chosen,
            remedy="leave one of the two out with Cohort.select, or say allow_duplicates=True",
        )
    if targets is None:
        targets = [t for t in chosen[0].targets if all(t in other.targets for other in chosen)]
    absent = [t.name for t in targets if not any(t.name in c.recordings for c in chosen)]
    if absent:
        raise DataError(f"no cohort has a column {absent[0]!r}", field="targets")
    _refuse_other_meanings(targets, chosen)
    kept = {target.name for target in targets} | set(COLUMNS)
    dropped = {target.name for cohort in chosen for target in cohort.targets} - kept
    same_leads = _same_leads(chosen)
    tables = []
    for cohort in chosen:
        table = cohort.recordings.drop(columns=[c for c in dropped if c in cohort.recordings])
        table["participant"] = [f"{cohort.name}/{person}" for person in table["participant"]]
        table[DATASET] = cohort.name
        if not same_leads and LEAD_NAME not in table:
            table[LEAD_NAME] = cohort.leads[0]
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    for column in ("clip", DATASET):
        table[column] = as_names(table[column], column)
    table = table.sort_values(["participant", "clip", "condition"])
    order = table.index
    signals, rates, units = (
        [each[i] for i in order]
        for each in (
            [signal for cohort in chosen for signal in cohort.signals],
            [rate for cohort in chosen for rate in cohort.rates],
            [unit for cohort in chosen for unit in cohort.units],
        )
    )
    return Cohort(
        name=name,
        fs=one_or_each(rates),
        recordings=table.reset_index(drop=True),
        signals=tuple(signals),
        sha256=_checksum(chosen),
        targets=tuple(targets),
        leads=chosen[0].leads if same_leads else ("ECG",),
        unit=one_or_each(units),
        notes=tuple(f"{cohort.name}: {note}" for cohort in chosen for note in cohort.notes),
    )


def _refuse_other_meanings(targets: Sequence[Target], cohorts: Sequence[Cohort]) -> None:
    """Refuse a target that is on another scale in a cohort: 4 of 5 is not 4 of 9."""
    for cohort in cohorts:
        for own in cohort.targets:
            for target in targets:
                ends = [(t.low, t.high) if isinstance(t, Rating) else None for t in (own, target)]
                if own.name == target.name and ends[0] != ends[1]:
                    raise DataError(
                        f"{cohort.name} has {own.expected}",
                        field=target.name,
                        expected=target.expected,
                        remedy="bring that cohort's column and targets to the same scale first, "
                        "with dataclasses.replace",
                    )


def _with_lead(cohort: Cohort, lead: int | str | None) -> Cohort:
    """Return a cohort of one of its leads, or as it is."""
    if lead is None:
        return cohort
    number = cohort.lead_number(lead)
    return replace(
        cohort,
        signals=tuple(signal[:, number - 1 : number] for signal in cohort.signals),
        leads=(cohort.leads[number - 1],),
    )


def _same_leads(cohorts: Sequence[Cohort]) -> bool:
    """Say whether leads have the same names everywhere; if not, each cohort must have just one."""
    if len({cohort.leads for cohort in cohorts}) == 1:
        return True
    several = [cohort for cohort in cohorts if len(cohort.leads) > 1]
    if several:
        listed = "; ".join(f"{cohort.name} has {', '.join(cohort.leads)}" for cohort in cohorts)
        raise DataError(
            listed,
            field="leads",
            expected="the same leads, or one of each cohort",
            remedy=f"choose one: leads={{{several[0].name!r}: {several[0].leads[0]!r}}}",
        )
    return False


def _checksum(cohorts: Sequence[Cohort]) -> str:
    """Return the checksum of cohorts from that of each, or an empty text if one has none."""
    if not all(cohort.sha256 for cohort in cohorts):
        return ""
    parts = sorted(f"{c.name} {', '.join(c.leads)} {c.sha256}" for c in cohorts)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
