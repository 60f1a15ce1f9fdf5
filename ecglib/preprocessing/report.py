"""Report of quality: how many windows of whom are usable, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.preprocessing.beats import heart_rates
from ecglib.preprocessing.polarity import polarity
from ecglib.preprocessing.quality import OK, QUALITIES

GRADES = {"good": 0.9, "fair": 0.5, "poor": 0.0}
"""What a share of usable windows is called, by the lowest share that deserves the word."""


@checked
def quality_report(
    meta: pd.DataFrame,
    X: np.ndarray | None = None,
    fs: float | None = None,
    by: Sequence[str] = ("participant", "lead"),
) -> pd.DataFrame:
    """Count the windows by flag, for every participant and lead or whatever else is asked for.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the columns of `by` and quality, names out of
        `ecglib.preprocessing.quality.QUALITIES`.
    X : ndarray, shape (n_windows, length), optional
        The windows themselves, filtered, in any unit or none.
    fs : float, optional
        Their sampling rate in Hz; needed with `X`.
    by : sequence of str
        Columns of `meta` that name a row of the report, such as ("participant", "clip",
        "condition", "lead") for single recordings.

    Returns
    -------
    DataFrame
        Indexed by `by`: windows (their number), usable (share, 0 to 1), grade (good from 90 %
        usable, fair from 50 %, else poor), one column per flag other than "ok" with the number of
        windows. With `X` also heart_rate (beats per minute, mean over the usable windows, NaN
        without any) and polarity (1 as in a textbook, -1 upside down, 0 undecided; see
        `ecglib.preprocessing.polarity`).

    Raises
    ------
    DataError
        If a column is absent, a flag is unknown, or `X` doesn't fit `meta`.

    Examples
    --------
    >>> import pandas as pd
    >>> meta = pd.DataFrame({"participant": [1, 1, 2], "lead": 1, "quality": ["ok", "ok", "spike"]})
    >>> report = quality_report(meta)
    >>> report["usable"].to_dict()
    {(1, 1): 1.0, (2, 1): 0.0}
    >>> report.loc[2, ["grade", "spike"]].values.tolist()
    [['poor', 1]]
    """
    by = list(checks.several("by", by, checks.of_type, str))
    absent = [column for column in [*by, "quality"] if column not in meta]
    if absent:
        raise DataError(f"no column {', '.join(absent)}", field="meta")
    unknown = sorted(set(meta["quality"]) - set(QUALITIES))
    if unknown:
        raise DataError(
            f"flags {', '.join(map(str, unknown))}",
            field="quality",
            expected=f"some of {', '.join(QUALITIES)}",
        )
    if X is not None and (fs is None or len(X) != len(meta)):
        raise DataError(
            f"{len(X)} windows at {fs} Hz for {len(meta)} rows",
            field="X, fs",
            expected="one window per row, and their sampling rate",
        )
    usable = (meta["quality"] == QUALITIES[OK]).to_numpy()
    flags = [name for name in QUALITIES if name != QUALITIES[OK]]
    counted = meta[by].assign(
        windows=1, usable=usable, **{name: meta["quality"] == name for name in flags}
    )
    counted = counted.groupby(by, sort=False)
    report = counted.sum()
    report["usable"] = counted["usable"].mean()
    words = [next(w for w, low in GRADES.items() if share >= low) for share in report["usable"]]
    report.insert(2, "grade", words)
    if X is not None:
        groups = {key: rows[usable[rows]] for key, rows in counted.indices.items()}
        measured = {key: _measure(X[rows], fs) for key, rows in groups.items()}
        rows = [measured[key] for key in report.index]
        report[["heart_rate", "polarity"]] = pd.DataFrame(rows, index=report.index)
    return report


@checked
def envelope(x: np.ndarray, fs: float, step_s: float = 1.0) -> pd.DataFrame:
    """Reduce a long recording to its lowest and highest sample of every second, to draw it.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        One lead; samples that are not finite are left out.
    fs : float
        Sampling rate in Hz.
    step_s : float
        Seconds that become one row, one sample at least.

    Returns
    -------
    DataFrame
        Columns low and high in the unit of `x`, NaN where no sample is finite; a row per step, by
        the time of its start in seconds. The last one may be shorter.

    Raises
    ------
    DataError
        If there are no samples, or several leads.

    Examples
    --------
    >>> envelope(np.array([0.0, 2.0, 1.0, 5.0, 4.0, np.nan]), fs=2.0).to_dict("list")
    {'low': [0.0, 1.0, 4.0], 'high': [2.0, 5.0, 4.0]}
    """
    checks.array("x", x, (None,), finite=False)
    step = max(1, round(step_s * fs))
    starts = np.arange(0, len(x), step)
    x = np.asarray(x, dtype=np.float64)
    finite = np.isfinite(x)
    low = np.minimum.reduceat(np.where(finite, x, np.inf), starts)
    high = np.maximum.reduceat(np.where(finite, x, -np.inf), starts)
    table = pd.DataFrame({"low": low, "high": high}, pd.Index(starts / fs, name="time"))
    return table.where(table["low"] <= table["high"])


def _measure(X: np.ndarray, fs: float) -> tuple[float, int]:
    """Return the heart rate of the windows of one row, and which way up they are."""
    if not len(X):
        return np.nan, 0
    rates = heart_rates(X, fs)
    rate = np.nanmean(rates) if np.isfinite(rates).any() else np.nan
    return float(rate), polarity(X, fs).sign
