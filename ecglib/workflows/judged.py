"""One lead of a recording, filtered, cut into windows and judged, whatever its state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.recording import Recording
from ecglib.preprocessing.filters import n_resampled
from ecglib.preprocessing.quality import OK, QUALITIES
from ecglib.preprocessing.segmentation import WindowConfig, cut, prepare, windows_of
from ecglib.preprocessing.window_flags import judge_windows
from ecglib.preprocessing.windows import Windows

WINDOW = WindowConfig(leads=None)
"""How windows are made, unless something else is asked for."""


@dataclass(frozen=True, eq=False)
class JudgedLead:
    """One lead, filtered, cut and judged.

    Parameters
    ----------
    ecg : ndarray, shape (n_samples,)
        The filtered lead in its own unit, at `fs`.
    codes : ndarray of int8, shape (n_samples,)
        Flags of the samples, positions in `ecglib.preprocessing.quality.QUALITIES`.
    windows : ndarray, shape (n_windows, length)
        A view of `ecg`; empty if the lead is too short to be filtered.
    meta : DataFrame
        A row per window: start (s) and quality.
    fs : float
        Sampling rate in Hz.
    length_s : float
        Length of a window in seconds.

    Examples
    --------
    >>> from ecglib.data.recording import Recording
    >>> rng = np.random.default_rng(0)
    >>> x = np.tile(np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)], 30)
    >>> found = judge_lead(Recording((x + rng.normal(0, 0.01, x.size))[:, None], 256.0), 1)
    >>> isinstance(found, JudgedLead), len(found.meta), found.length_s
    (True, 3, 10.0)
    """

    ecg: np.ndarray
    codes: np.ndarray
    windows: np.ndarray
    meta: pd.DataFrame
    fs: float
    length_s: float

    @property
    def usable(self) -> np.ndarray:
        """The windows of good quality."""
        return self.windows[(self.meta["quality"] == QUALITIES[OK]).to_numpy()]


@checked
def judge_lead(
    recording: Recording, lead: str | int, config: WindowConfig | None = None
) -> JudgedLead:
    """Filter, cut and judge one lead, whatever its state.

    Parameters
    ----------
    recording : Recording
        A recording at any sampling rate.
    lead : str or int
        Name or number of the lead.
    config : WindowConfig, optional
        How windows are made; by default 10 s at 256 Hz.

    Returns
    -------
    JudgedLead
        A recording shorter than a window is one window; one that is too short for the
        high-pass filter has none.

    Examples
    --------
    >>> recording = Recording(np.tile(np.hanning(200) ** 40, 30), 250, ("I",), "mV")
    >>> judge_lead(recording, "I").meta["quality"].tolist()
    ['ok', 'ok']
    """
    config = config or WINDOW
    fs, x = config.target_fs, recording.lead(lead)
    try:
        ecg, codes = prepare(x, recording.fs, config)
    except DataError:  # too short for the filter: a Recording has no other fault
        none = np.empty((0, 1))
        meta = pd.DataFrame({"start": np.empty(0), "quality": np.empty(0, dtype=object)})
        return JudgedLead(none[:, 0], np.empty(0, dtype=np.int8), none, meta, fs, 0.0)
    length_s = min(config.length_s, len(ecg) / fs)
    windows, starts = cut(ecg, fs, length_s, config.overlap)
    flags, _ = cut(codes, fs, length_s, config.overlap)
    quality = judge_windows(windows, fs, recording.unit, flags)
    meta = pd.DataFrame({"start": starts, "quality": quality.astype(object)})
    return JudgedLead(ecg, codes, windows, meta, fs, length_s)


@checked
def windows_by_lead(
    recording: Recording, config: WindowConfig
) -> Iterator[tuple[Windows | None, pd.DataFrame]]:
    """Make the windows of a recording lead by lead, whatever state each is in.

    Parameters
    ----------
    recording : Recording
        Whose name is the participant's.
    config : WindowConfig
        How to make the windows.

    Yields
    ------
    windows : Windows or None
        As `ecglib.preprocessing.segmentation.windows_of` makes them of this lead alone; None of a
        lead that does not vary or is missing, and has no scale.
    meta : DataFrame
        Participant, clip, condition, lead (its number), start and quality of every window, also of
        a lead that has none.

    Raises
    ------
    DataError
        If the recording is shorter than a window.

    Examples
    --------
    >>> x = np.tile(np.hanning(200) ** 40, 20)
    >>> recording = Recording(np.column_stack([x, np.nan * x]), 250, ("I", "II"))
    >>> for windows, meta in windows_by_lead(recording, WindowConfig(leads=None)):
    ...     print(windows is None, meta["lead"].tolist(), meta["quality"].tolist())
    False [1] ['ok']
    True [2] ['missing']
    """
    fs = config.target_fs
    if n_resampled(len(recording), recording.fs, fs) < round(config.length_s * fs):
        raise DataError(
            f"{recording.duration:.4g} s are shorter than one window",
            file=recording.file or None,
            expected=f"{config.length_s:g} s or more",
            remedy="leave out this recording",
        )
    for number, lead in enumerate(recording.leads, start=1):
        try:
            windows: Windows | None = windows_of(
                recording.select([lead]), participant=recording.name, config=config
            )
            meta = windows.meta
        except DataError:  # it is long enough, so it does not vary and has no scale
            windows = None
            meta = judge_lead(recording, lead, config).meta
            meta = meta.assign(participant=recording.name, clip=1, condition="recording")
        yield windows, meta.assign(lead=number)
