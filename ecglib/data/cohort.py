"""A cohort: ECG signals and one table row per recording."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.core.tables import as_names
from ecglib.core.words import counted
from ecglib.data.recording import check_rate, positions
from ecglib.data.targets import Target

COLUMNS = ("participant", "clip", "condition", "n_samples", "duration")
"""Columns that `Cohort.recordings` begins with; targets and what else is known follow."""


DATASET = "dataset"
"""Column of the recordings and of the windows that says which set a participant is of, if any."""


_Value = TypeVar("_Value")


_OF_PERSON = ("age", "sex", "gender", DATASET)
"""Columns that, where they exist, have one value per participant."""


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """ECG recordings of participants, with what each was recorded during.

    Parameters
    ----------
    name : str
        What every title and label downstream calls it, such as "DREAMER" or "synthetic".
    fs : float or tuple of float
        Sampling rate in Hz: one for all, or one per recording.
    recordings : pandas.DataFrame
        One row per recording, sorted by participant, clip and condition: participant and clip
        (whole numbers, or texts), condition (str), n_samples, duration (s); then a column for each
        target, and any others, such as age and sex. A column ``dataset``, as
        `ecglib.data.pool.pool` makes one, names the set that a participant is of.
    signals : tuple of numpy.ndarray
        ``signals[i]`` has shape (n_samples, n_leads), floating point, and belongs to row ``i``. NaN
        is a missing sample.
    sha256 : str
        Checksum of the file that the cohort was read from; empty if there is no such file.
    version : str
        What the file says about its version.
    targets : tuple of Target
        What the labels mean. A recording without a label has NaN or None there.
    leads : tuple of str
        Names of the leads, in the order of the signals' columns.
    unit : str or tuple of str
        Unit of the signals, one for all or one per recording, such as "mV"; empty if unknown.
    notes : tuple of str
        What whoever uses the cohort should know of it: what its reader takes for granted though no
        document of the data says so, what is missing, what was left out. It changes no number.

    Raises
    ------
    DataError
        If a column, a value or a signal breaks one of these rules.

    Notes
    -----
    A clip is what was presented, and a trial is a participant with a clip. Where nothing was
    presented, the clip numbers a participant's recordings.

    Examples
    --------
    >>> rows = pd.DataFrame({"participant": [1, 2], "clip": 1, "condition": "rest"})
    >>> rows = rows.assign(n_samples=2560, duration=10.0)
    >>> cohort = Cohort("mine", 256.0, rows, (np.zeros((2560, 1)),) * 2, leads=("ECG",))
    >>> cohort
    <Cohort 'mine': 2 participants, 1 clip, 2 recordings, 0.3 min at 256 Hz>
    """

    name: str
    fs: float | tuple[float, ...]
    recordings: pd.DataFrame
    signals: tuple[np.ndarray, ...]
    sha256: str = ""
    version: str = ""
    targets: tuple[Target, ...] = ()
    leads: tuple[str, ...] = ("lead 1", "lead 2")
    unit: str | tuple[str, ...] = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        several = isinstance(self.fs, tuple)
        fs = tuple(map(check_rate, self.fs)) if several else check_rate(self.fs)
        object.__setattr__(self, "fs", fs)
        _check_table(self.recordings, self.targets)
        if len(self.signals) != len(self.recordings):
            raise DataError(
                f"{len(self.signals)} signals for {len(self.recordings)} recordings",
                field="signals",
                expected="one signal per row",
            )
        if not self.leads or len(set(self.leads)) < len(self.leads):
            raise DataError(
                f"{self.leads!r}", field="leads", expected="the names of all leads, once each"
            )
        for name, values in (("fs", self.rates), ("unit", self.units)):
            if len(values) != len(self.signals):
                raise DataError(
                    f"{len(values)} values for {len(self.signals)} recordings",
                    field=name,
                    expected="one for all, or one per recording",
                )
        rows = self.recordings.itertuples()
        for row, signal, fs in zip(rows, self.signals, self.rates, strict=True):
            place = {"participant": row.participant, "clip": row.clip}
            check_signal(signal, fs, field=row.condition, n_leads=len(self.leads), **place)
            n_samples = len(signal)
            if row.n_samples != n_samples or not np.isclose(row.duration, n_samples / fs):
                raise DataError(
                    f"n_samples {row.n_samples} and duration {row.duration} s of a signal of "
                    f"{n_samples} samples at {fs:g} Hz",
                    field=row.condition,
                    expected="the length of the signal",
                    **place,
                )

    def __repr__(self) -> str:
        rows, rates = self.recordings, sorted(set(self.rates))
        notes = f"; {counted(len(self.notes), 'note')}" if self.notes else ""
        return (
            f"<Cohort {self.name!r}: {counted(rows['participant'].nunique(), 'participant')}, "
            f"{counted(rows['clip'].nunique(), 'clip')}, {counted(len(rows), 'recording')}, "
            f"{rows['duration'].sum() / 60:.1f} min at "
            f"{' to '.join(f'{rate:g}' for rate in sorted({rates[0], rates[-1]}))} Hz{notes}>"
        )

    @property
    def rates(self) -> tuple[float, ...]:
        """Sampling rate of each recording in Hz."""
        return self.fs if isinstance(self.fs, tuple) else (self.fs,) * len(self.recordings)

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each recording."""
        return self.unit if isinstance(self.unit, tuple) else (self.unit,) * len(self.recordings)

    @checked
    def lead_number(self, lead: int | str) -> int:
        """Give the number, from 1, of a `lead` that is named by its name or number.

        Raises
        ------
        DataError
            If there is no such lead.
        """
        return positions(self.leads, [lead])[0] + 1

    @checked
    def select(
        self,
        participants: Collection[int | str] | None = None,
        clips: Collection[int | str] | None = None,
        conditions: Collection[str] | None = None,
    ) -> Cohort:
        """Return the cohort of some participants, clips or conditions only.

        Parameters
        ----------
        participants, clips : collection of int or str, optional
            Those to keep; all by default.
        conditions : collection of str, optional
            Those to keep; all by default.

        Returns
        -------
        Cohort
            The same signals (not copies), rows numbered afresh.

        Raises
        ------
        DataError
            If a value is asked for that the cohort does not have.
        """
        keep = np.ones(len(self.recordings), dtype=bool)
        wanted = {"participant": participants, "clip": clips, "condition": conditions}
        for column, values in wanted.items():
            if values is None:
                continue
            present = self.recordings[column].unique().tolist()
            missing = [value for value in values if value not in present]
            if missing or not values:
                raise DataError(
                    f"asked for {missing if missing else 'none'}",
                    field=column,
                    expected=f"some of {present}",
                    remedy="select from those",
                )
            keep &= self.recordings[column].isin(list(values)).to_numpy()
        at = np.flatnonzero(keep)
        return replace(
            self,
            recordings=self.recordings[keep].reset_index(drop=True),
            signals=tuple(self.signals[i] for i in at),
            fs=tuple(self.fs[i] for i in at) if isinstance(self.fs, tuple) else self.fs,
            unit=tuple(self.unit[i] for i in at) if isinstance(self.unit, tuple) else self.unit,
        )


@checked
def one_or_each(values: Sequence[_Value]) -> _Value | tuple[_Value, ...]:
    """Return the value that all recordings share, or else all of them, as `Cohort` takes them.

    Parameters
    ----------
    values : sequence
        One for each recording: its rate or its unit.

    Returns
    -------
    object or tuple

    Raises
    ------
    DataError
        If there are no values.

    Examples
    --------
    >>> one_or_each(["mV", "mV"]), one_or_each([256.0, 500.0])
    ('mV', (256.0, 500.0))
    """
    if not len(values):
        raise DataError("nothing", field="values", expected="at least one value")
    return tuple(values) if len(set(values)) > 1 else values[0]


@checked
def check_signal(
    signal: np.ndarray,
    fs: float,
    *,
    field: str,
    n_leads: int,
    whole: bool = False,
    least_s: float = 0.0,
    participant: int | str | None = None,
    clip: int | str | None = None,
    file: str | os.PathLike[str] | None = None,
) -> None:
    """Raise a DataError unless a signal is a usable recording.

    Parameters
    ----------
    signal : numpy.ndarray
        Should be floating point, of shape (n_samples, n_leads), without infinite samples.
    fs : float
        Sampling rate in Hz.
    field, participant, clip, file
        Where the signal stands, for the message.
    n_leads : int
        How many leads there should be.
    whole : bool
        Refuse missing samples (NaN) as well.
    least_s : float
        Seconds of the shortest usable recording.

    Raises
    ------
    DataError
        If the signal breaks one of these rules.

    Examples
    --------
    >>> check_signal(np.zeros((2560, 2)), 256.0, field="ECG", n_leads=2)
    >>> check_signal(np.zeros((2560, 3)), 256.0, field="ECG", n_leads=2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field ECG: shape (2560, 3). Expected samples × 2 ...
    """
    place = {"file": file, "participant": participant, "clip": clip, "field": field}
    layout = f"samples × {counted(n_leads, 'lead')}"
    if not isinstance(signal, np.ndarray) or signal.dtype.kind != "f":
        kind = signal.dtype if isinstance(signal, np.ndarray) else type(signal).__name__
        raise DataError(
            f"{kind} instead of floating-point samples",
            expected=f"a real floating-point array, {layout}",
            remedy="look at this field in its source",
            **place,
        )
    if signal.size == 0:
        raise DataError(
            f"the recording is empty (shape {signal.shape})",
            expected=layout,
            remedy="restore the recording from its source",
            **place,
        )
    if signal.ndim != 2 or signal.shape[1] != n_leads:
        transposed = signal.ndim == 2 and signal.shape[0] == n_leads
        raise DataError(
            f"shape {signal.shape}",
            expected=layout,
            remedy="transpose it" if transposed else "restore all leads from the source",
            **place,
        )
    if len(signal) < least_s * fs:
        raise DataError(
            f"only {len(signal)} samples ({len(signal) / fs:.2f} s)",
            expected=f"at least {least_s:g} s, {least_s * fs:g} samples",
            remedy="restore the recording from its source",
            **place,
        )
    bad = ~np.isfinite(signal) if whole else np.isinf(signal)
    if bad.any():
        sample, lead = np.argwhere(bad)[0]
        raise DataError(
            f"{np.count_nonzero(bad)} samples are {'NaN or ' * whole}infinite, "
            f"the first {signal[sample, lead]} at sample {sample} of lead {lead + 1}",
            expected="finite numbers" + (" only" if whole else ", or NaN where one is missing"),
            remedy="restore the recording from its source",
            **place,
        )


def _check_table(recordings: pd.DataFrame, targets: tuple[Target, ...]) -> None:
    """Check the columns, kinds, order and agreement of the rows of a cohort's table."""
    needed = (*COLUMNS, *(target.name for target in targets if target.name not in COLUMNS))
    absent = [column for column in needed if column not in recordings]
    if absent or tuple(recordings.columns[: len(COLUMNS)]) != COLUMNS:
        raise DataError(
            f"columns {', '.join(map(str, recordings.columns))}",
            field="recordings",
            expected=f"columns {', '.join(needed)}",
        )
    if recordings.empty:
        raise DataError("no recordings", field="recordings", expected="at least one")
    if not recordings.index.equals(pd.RangeIndex(len(recordings))):
        raise DataError(
            "rows are not numbered from 0",
            field="recordings",
            expected="a RangeIndex",
            remedy="call reset_index(drop=True)",
        )
    for column in ("participant", "clip", *([DATASET] if DATASET in recordings else [])):
        names = as_names(recordings[column], column)
        number = pd.api.types.is_integer_dtype(recordings[column])
        if (names.dtype.kind == "i") != number or not np.array_equal(names, recordings[column]):
            raise DataError(
                f"{recordings[column].dtype} of {recordings[column].iloc[0]!r} and others",
                field=column,
                expected="whole numbers, or texts that are not all numbers",
                remedy="pass it through ecglib.core.tables.as_names",
            )
    for row in recordings.itertuples():
        if not isinstance(row.condition, str) or not row.condition:
            raise DataError(
                f"{row.condition!r}",
                participant=row.participant,
                clip=row.clip,
                field="condition",
                expected="a text",
            )
    keys = list(
        zip(recordings["participant"], recordings["clip"], recordings["condition"], strict=True)
    )
    # "baseline" sorts before "stimulus", as it was recorded.
    if keys != sorted(set(keys)):
        raise DataError(
            "rows repeat or are out of order",
            field="recordings",
            expected="one row per participant, clip and condition, sorted by them",
        )
    for target in targets:
        values = recordings[target.name]
        bad = ~target.allows(values) & values.notna().to_numpy()
        if bad.any():
            row = recordings[bad].iloc[0]
            raise DataError(
                f"{row[target.name]}",
                participant=row["participant"],
                clip=row["clip"],
                field=target.name,
                expected=target.expected,
            )
    for column in _OF_PERSON:
        if column in recordings:
            differ = recordings.groupby("participant")[column].nunique(dropna=False).ne(1)
            if differ.any():
                raise DataError(
                    "several values for the same participant",
                    participant=differ.idxmax(),
                    field=column,
                    expected="one value per participant",
                )
