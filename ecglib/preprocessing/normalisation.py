"""Normalisation per participant and lead, robust to artefacts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

NORMALISATION = "mean and trimmed standard deviation of each participant and lead"
"""What `ParticipantScaler` does, in the words of an encoder's card."""


@checked
def trimmed_stats(x: np.ndarray, lower: float = 0.025, upper: float = 0.975) -> tuple[float, float]:
    """Return the mean of all samples and the standard deviation of the middle ones.

    Parameters
    ----------
    x : numpy.ndarray
        Samples, any shape, taken together.
    lower, upper : float
        Ranks as shares of the number of samples n. In ascending order, counted from 0, the ranks
        ``int(lower * n)`` up to but not including ``int(upper * n)`` are kept; the defaults and
        the rounding are those of the released code (SSL-ECG, `data_preprocessing.py`).

    Returns
    -------
    mean, sd : float
        In the unit of `x`. The standard deviation divides by the number of samples kept.

    Raises
    ------
    DataError
        If `x` holds NaN or infinite samples, the ranks are not in order within 0 to 1, or they
        keep no sample.

    Examples
    --------
    >>> mean, sd = trimmed_stats(np.r_[np.arange(-50, 50), 1e6])
    >>> bool(mean > 9000), bool(sd < 30)  # one wild sample moves the mean alone
    (True, True)
    """
    x = np.asarray(x, dtype=np.float64).ravel()
    if not 0 <= lower < upper <= 1:
        raise DataError(
            f"{lower} and {upper}", field="lower, upper", expected="0 <= lower < upper <= 1"
        )
    if not np.isfinite(x).all():
        raise DataError("samples are NaN or infinite", field="x", expected="finite samples")
    start, stop = int(lower * len(x)), int(upper * len(x))
    if start >= stop:
        raise DataError(f"{len(x)} samples", field="x", expected="enough samples to keep some")
    # Partitioning puts the same samples between the two ranks as sorting, in linear time.
    middle = np.partition(x, (start, stop - 1))[start:stop]
    # What is squared may not overflow; a power of two changes no digit.
    unit = 2.0 ** max(0, np.frexp(np.abs(x).max())[1] - 256)
    return float((x / unit).mean() * unit), float((middle / unit).std() * unit)


class ParticipantScaler:
    """Mean and trimmed standard deviation of each participant and lead, to normalise windows with.

    Amplitude depends on the electrodes and the body, not on the emotion; see `trimmed_stats`.

    Parameters
    ----------
    lower, upper : float
        Ranks kept for the standard deviation, as shares.

    Attributes
    ----------
    stats : dict
        After fitting, ``(participant, lead) -> (mean, sd)`` in the unit of the samples.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> meta = pd.DataFrame({"participant": [1, 1], "lead": [1, 1]})
    >>> x = np.arange(80.0).reshape(2, 40)
    >>> z = ParticipantScaler().fit(x, meta).transform(x, meta)
    >>> z.dtype, float(abs(z.mean()).round(6))
    (dtype('float32'), 0.0)
    """

    @checked
    def __init__(self, lower: float = 0.025, upper: float = 0.975) -> None:
        checks.number("lower", lower, 0, below=upper)
        checks.number("upper", upper, high=1)
        self.lower = lower
        self.upper = upper
        self.stats: dict[tuple[int, int], tuple[float, float]] = {}

    @checked
    def fit(self, signals: Sequence[np.ndarray], meta: pd.DataFrame) -> ParticipantScaler:
        """Measure mean and standard deviation, forgetting any earlier ones.

        Parameters
        ----------
        signals : sequence of numpy.ndarray
            One 1-D array a row of `meta`: recordings of any length, or the rows of an
            (n_windows, length) array.
        meta : pandas.DataFrame
            Columns participant and lead.

        Returns
        -------
        ParticipantScaler
            Itself.

        Raises
        ------
        DataError
            If lengths differ, samples are not finite, or a participant's lead has no samples or
            does not vary.
        """
        keys = _keys(signals, meta)
        rows_of: dict[tuple[int, int], list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        self.stats = {
            key: self._measure(np.concatenate([signals[row] for row in rows]), *key)
            for key, rows in rows_of.items()
        }
        return self

    @checked
    def transform(self, X: np.ndarray, meta: pd.DataFrame) -> np.ndarray:
        """Normalise windows with the statistics of their participant and lead.

        Parameters
        ----------
        X : numpy.ndarray
            Windows, (n_windows, length), in the unit of the fitted samples.
        meta : pandas.DataFrame
            Columns participant and lead, one row per window.

        Returns
        -------
        numpy.ndarray
            float32, (n_windows, length), without unit.

        Raises
        ------
        DataError
            If lengths differ or a participant's lead was not among those fitted.
        """
        keys = _keys(X, meta)
        unseen = sorted(set(keys) - set(self.stats))
        if unseen:
            raise DataError(
                "not among those fitted: "
                + ", ".join(
                    f"participant {participant} lead {lead}" for participant, lead in unseen
                ),
                field="meta",
                expected="only participants and leads that the scaler was fitted on",
                remedy="fit the scaler on this participant's own (unlabelled) recordings",
            )
        mean, sd = np.array([self.stats[key] for key in keys]).reshape(-1, 2, 1).swapaxes(0, 1)
        return ((X - mean) / sd).astype(np.float32)

    def _measure(self, x: np.ndarray, participant: int, lead: int) -> tuple[float, float]:
        try:
            mean, sd = trimmed_stats(x, self.lower, self.upper)
        except DataError as error:
            raise DataError(
                error.problem if len(x) else "every sample is missing, zero or an artefact",
                participant=participant,
                field=f"lead {lead}",
                expected=error.expected if len(x) else "a recording with heartbeats",
                remedy="leave out this recording, or this lead of it",
            ) from error
        rounding = 8 * np.finfo(np.float64).eps * np.abs(x).max()
        if sd <= rounding:
            raise DataError(
                "the samples do not vary (standard deviation zero)",
                participant=participant,
                field=f"lead {lead}",
                expected="a recording with heartbeats",
                remedy="leave out this recording, or this lead of it",
            )
        return mean, sd


def _keys(signals: Sequence[np.ndarray], meta: pd.DataFrame) -> list[tuple[int, int]]:
    """Return one (participant, lead) per signal."""
    if len(signals) != len(meta):
        raise DataError(
            f"{len(signals)} signals for {len(meta)} rows", field="meta", expected="one row each"
        )
    return list(zip(meta["participant"].tolist(), meta["lead"].tolist(), strict=True))
