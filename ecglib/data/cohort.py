"""A cohort: ECG signals and one table row per recording."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS

CONDITIONS = ("baseline", "stimulus")
"""What a recording was made during: the neutral clip before a film clip, or the film clip."""


COLUMNS = ("participant", "clip", "condition", "n_samples", "duration", *TARGETS, "age", "gender")
"""Columns of `Cohort.recordings`."""


MIN_DURATION = 10.0
"""Seconds of the shortest usable recording: one window of the published method."""


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Two-lead ECG recordings of participants who watched and rated film clips.

    Parameters
    ----------
    name : str
        "DREAMER" or "synthetic"; every title and label downstream follows it.
    fs : float
        Sampling rate in Hz.
    recordings : pandas.DataFrame
        One row per recording, sorted by participant, clip and condition, with the columns
        participant and clip (1-based whole numbers), condition ("baseline" or "stimulus"),
        n_samples, duration (s), valence, arousal, dominance (whole numbers 1 to 5), age (years)
        and gender (str). A baseline carries the ratings of the clip that follows it.
    signals : tuple of numpy.ndarray
        ``signals[i]`` has shape (n_samples, 2), floating point, in units of the recorder's
        converter, and belongs to row ``i``.
    sha256 : str
        Checksum of the file that the cohort was read from; empty for one made in memory.
    version : str
        What the file says about its version.

    Raises
    ------
    DataError
        If a column, a value or a signal breaks one of these rules.
    """

    name: str
    fs: float
    recordings: pd.DataFrame
    signals: tuple[np.ndarray, ...]
    sha256: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.fs) and self.fs > 0):
            raise DataError(f"{self.fs!r}", field="fs", expected="a positive number of Hz")
        _check_table(self.recordings)
        if len(self.signals) != len(self.recordings):
            raise DataError(
                f"{len(self.signals)} signals for {len(self.recordings)} recordings",
                field="signals",
                expected="one signal per row",
            )
        for row, signal in zip(self.recordings.itertuples(), self.signals, strict=True):
            place = {"participant": row.participant, "clip": row.clip}
            check_signal(signal, self.fs, field=row.condition, **place)
            for rating in TARGETS:
                check_rating(getattr(row, rating), field=rating, **place)
            n_samples = len(signal)
            if row.n_samples != n_samples or not np.isclose(row.duration, n_samples / self.fs):
                raise DataError(
                    f"n_samples {row.n_samples} and duration {row.duration} s of a signal of "
                    f"{n_samples} samples at {self.fs:g} Hz",
                    field=row.condition,
                    expected="the length of the signal",
                    **place,
                )

    def __repr__(self) -> str:
        rows = self.recordings
        return (
            f"<Cohort {self.name!r}: {rows['participant'].nunique()} participants, "
            f"{rows['clip'].nunique()} clips, {len(rows)} recordings, "
            f"{rows['duration'].sum() / 60:.1f} min at {self.fs:g} Hz>"
        )

    def select(
        self,
        participants: Collection[int] | None = None,
        clips: Collection[int] | None = None,
        conditions: Collection[str] | None = None,
    ) -> Cohort:
        """Return the cohort of some participants, clips or conditions only.

        Parameters
        ----------
        participants, clips : collection of int, optional
            1-based numbers to keep; all by default.
        conditions : collection of str, optional
            "baseline", "stimulus" or both; both by default.

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
        return replace(
            self,
            recordings=self.recordings[keep].reset_index(drop=True),
            signals=tuple(self.signals[i] for i in np.flatnonzero(keep)),
        )


def check_signal(
    signal: np.ndarray,
    fs: float,
    *,
    field: str,
    participant: int | None = None,
    clip: int | None = None,
    file: str | os.PathLike[str] | None = None,
) -> None:
    """Raise a DataError unless a signal is a usable two-lead recording.

    Parameters
    ----------
    signal : numpy.ndarray
        Should be floating point, of shape (n_samples, 2), finite, at least 10 s long.
    fs : float
        Sampling rate in Hz.
    field, participant, clip, file
        Where the signal stands, for the message.

    Raises
    ------
    DataError
        If the signal breaks one of these rules.
    """
    place = {"file": file, "participant": participant, "clip": clip, "field": field}
    layout = "samples × 2 leads"
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
            expected=f"at least {MIN_DURATION:g} s, {layout}",
            remedy="restore the recording from its source",
            **place,
        )
    if signal.ndim != 2 or signal.shape[1] != 2:
        transposed = signal.ndim == 2 and signal.shape[0] == 2
        raise DataError(
            f"shape {signal.shape}",
            expected=layout,
            remedy="transpose it" if transposed else "restore both leads from the source",
            **place,
        )
    if len(signal) < MIN_DURATION * fs:
        raise DataError(
            f"only {len(signal)} samples ({len(signal) / fs:.2f} s)",
            expected=f"at least {MIN_DURATION:g} s, {MIN_DURATION * fs:g} samples",
            remedy="restore the recording from its source",
            **place,
        )
    finite = np.isfinite(signal)
    if not finite.all():
        sample, lead = np.argwhere(~finite)[0]
        raise DataError(
            f"{np.size(finite) - np.count_nonzero(finite)} samples are NaN or infinite, "
            f"the first {signal[sample, lead]} at sample {sample} of lead {lead + 1}",
            expected="finite numbers only",
            remedy="restore the recording from its source",
            **place,
        )


def check_rating(
    rating: float,
    *,
    field: str,
    participant: int | None = None,
    clip: int | None = None,
    file: str | os.PathLike[str] | None = None,
) -> None:
    """Raise a DataError unless a self-rating is a whole number from 1 to 5.

    Parameters
    ----------
    rating : float
        The rating.
    field, participant, clip, file
        Where the rating stands, for the message.

    Raises
    ------
    DataError
        If the rating is anything else.
    """
    if rating not in (1, 2, 3, 4, 5):
        raise DataError(
            f"rating {rating}",
            file=file,
            participant=participant,
            clip=clip,
            field=field,
            expected="a whole number from 1 to 5",
            remedy="restore the rating from its source",
        )


def _check_table(recordings: pd.DataFrame) -> None:
    """Check the columns, kinds, order and agreement of the rows of a cohort's table."""
    if tuple(recordings.columns) != COLUMNS:
        raise DataError(
            f"columns {', '.join(map(str, recordings.columns))}",
            field="recordings",
            expected=f"columns {', '.join(COLUMNS)}",
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
    for column in ("participant", "clip", "n_samples", *TARGETS, "age"):
        values = recordings[column]
        if not pd.api.types.is_integer_dtype(values) or (values < 1).any():
            raise DataError(
                f"{values.dtype} with the smallest value {values.min()}",
                field=column,
                expected="whole numbers from 1",
            )
    unknown = set(recordings["condition"]) - set(CONDITIONS)
    if unknown:
        raise DataError(
            f"{sorted(map(str, unknown))}", field="condition", expected=" or ".join(CONDITIONS)
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
    for columns, group in (
        (TARGETS, ["participant", "clip"]),
        (("age", "gender"), ["participant"]),
    ):
        for column in columns:
            differ = recordings.groupby(group)[column].nunique(dropna=False).ne(1)
            if differ.any():
                raise DataError(
                    f"several values for the same {' and '.join(group)} {differ.idxmax()}",
                    field=column,
                    expected=f"one value per {' and '.join(group)}",
                )
