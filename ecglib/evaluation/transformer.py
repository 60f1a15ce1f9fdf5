"""An encoder as a step of a scikit-learn pipeline."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.models.embedding import embed, find_encoder
from ecglib.preprocessing.filters import highpass, n_resampled, resample
from ecglib.preprocessing.normalisation import trimmed_stats
from ecglib.preprocessing.segmentation import WindowConfig

ROWS = 128
"""Rows that are prepared at a time."""

FLOATS = (np.float64, np.float32)
"""Types that rows keep; all others become the first."""


class ECGEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A scikit-learn transformer: from windows, or raw rows of ECG, to features of an encoder.

    Nothing is learned from the data, so there is nothing that a fold could leak into another;
    `fit` finds the encoder. What follows in a pipeline is fitted in each fold anew.

    Parameters
    ----------
    encoder : keras.Model, str or Path, optional
        As in `ecglib.models.embedding.find_encoder`. A name or path is cheaper to clone and to send
        to other processes than a model.
    fs : float, optional
        Sampling rate of raw rows in Hz. They are resampled and high-pass filtered, row by row, as
        `ecglib.preprocessing.segmentation.prepare` does with recordings, and each is normalised by
        itself. By default the rows are windows that are prepared already.

    Attributes
    ----------
    n_features_in_ : int
        Samples of a row.
    feature_names_in_ : ndarray of str
        Names of the samples, if `fit` saw a table with names.

    See Also
    --------
    ecglib.preprocessing.segmentation.make_windows : Prepares whole recordings, and normalises each
        participant and lead, which keeps differences in amplitude from one window to the next.

    Notes
    -----
    A row that is longer than the encoder's windows is covered by evenly spaced ones, and its
    features are their means. A shorter row is filled up with zeros, with a warning.

    Examples
    --------
    Twelve windows of three people; no person is trained on and tested.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ecglib.models.encoder import EncoderConfig, build_encoder
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> rng = np.random.default_rng(0)
    >>> calm = np.arange(12) % 2 == 0
    >>> X = rng.normal(size=(12, 256)) * np.where(calm, 0.5, 2)[:, None]
    >>> person = np.repeat([1, 2, 3], 4)
    >>> pipeline = make_pipeline(ECGEncoder(encoder), StandardScaler(), LogisticRegression())
    >>> scores = cross_val_score(pipeline, X, calm, groups=person, cv=GroupKFold(3))
    >>> scores.tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(  # which must not check: scikit-learn asks that `fit` does
        self, encoder: keras.Model | str | Path | None = None, fs: float | None = None
    ) -> None:
        self.encoder = encoder
        self.fs = fs

    @checked
    def fit(self, X: Any, y: Any = None) -> ECGEncoder:
        """Find the encoder and note how long rows are.

        Parameters
        ----------
        X : array, shape (n_rows, n_samples)
            Windows or raw rows.
        y : ignored
            There for pipelines.

        Returns
        -------
        ECGEncoder
            Itself.

        Raises
        ------
        ValueError
            If `X` is no table of finite numbers, or there is no such encoder.
        """
        X = validate_data(self, X, dtype=FLOATS)
        self._encoder, _ = find_encoder(self.encoder)
        length = self._encoder.input_shape[1]
        samples = X.shape[1]
        if self.fs is not None:
            samples = n_resampled(samples, self.fs, WindowConfig().target_fs)
        if samples < length:
            warnings.warn(
                f"rows of {samples} samples are filled up with zeros to the {length} that the "
                "encoder takes; if they are of another sampling rate, give it as fs",
                stacklevel=2,
            )
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Give the encoder's features of rows.

        Parameters
        ----------
        X : array, shape (n_rows, n_samples)
            Rows as long as those of `fit`.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features)

        Raises
        ------
        ValueError
            If `X` is no table of finite numbers as wide as that of `fit`, or a raw row is too short
            to be filtered or does not vary.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        features = embed(self._windows(X), self._encoder, progress=False)
        return features.reshape(len(X), -1, features.shape[1]).mean(axis=1)

    def _windows(self, X: np.ndarray) -> Iterator[np.ndarray]:
        """Give the windows of all rows, equally many of each."""
        for start in range(0, len(X), ROWS):
            rows = X[start : start + ROWS]
            rows = rows if self.fs is None else prepare_rows(rows, self.fs)
            yield cover(rows, self._encoder.input_shape[1])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_encoder")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self._encoder.output_shape[1]


@checked
def prepare_rows(X: np.ndarray, fs: float, config: WindowConfig | None = None) -> np.ndarray:
    """Resample, filter and normalise raw rows, each by itself.

    Parameters
    ----------
    X : ndarray, shape (n_rows, n_samples)
        Raw samples of one lead, any unit.
    fs : float
        Sampling rate in Hz.
    config : WindowConfig, optional
        Its `target_fs` and `highpass_hz` are used.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_new)

    Raises
    ------
    DataError
        If the rows are too short to be filtered, their rate cannot be converted, or a row does not
        vary.

    Examples
    --------
    >>> seconds = np.arange(5000) / 500
    >>> rows = prepare_rows(np.sin(2 * np.pi * 5 * seconds)[None] + 40, fs=500)
    >>> rows.shape, bool(abs(rows.mean()) < 0.1)
    ((1, 2560), True)
    """
    config = config or WindowConfig()
    signals = np.asarray(X, np.float64).T
    if fs != config.target_fs:
        signals = resample(signals, fs, config.target_fs)
    rows = highpass(signals, config.target_fs, config.highpass_hz).T
    mean, sd = np.array([trimmed_stats(row) for row in rows]).T[..., None]
    flat = np.flatnonzero(sd <= 8 * np.finfo(np.float64).eps * np.abs(X).max(axis=1, keepdims=True))
    if len(flat):
        raise DataError(
            f"row {flat[0]} does not vary",
            field="X",
            expected="heartbeats in every row",
            remedy="leave out rows where the electrodes were off",
        )
    return ((rows - mean) / sd).astype(np.float32)


@checked
def cover(rows: np.ndarray, length: int) -> np.ndarray:
    """Cover rows with windows.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n_samples)
        Rows of any length.
    length : int
        Samples of a window.

    Returns
    -------
    ndarray, shape (n_rows * n_windows, length)
        Row after row. As few windows as cover a row, evenly spaced from its start to its end; a
        row shorter than one is filled up with zeros.

    Raises
    ------
    DataError
        If there are no rows, or a sample is not finite.

    Examples
    --------
    >>> cover(np.arange(5)[None], 3).tolist()
    [[0, 1, 2], [2, 3, 4]]
    >>> cover(np.arange(2)[None], 3).tolist()
    [[0, 1, 0]]
    """
    checks.array("rows", rows, (None, None))
    n = rows.shape[1]
    if n < length:
        return np.pad(rows, [(0, 0), (0, length - n)])
    starts = np.linspace(0, n - length, -(-n // length)).round().astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(rows, length, axis=1)
    return windows[:, starts].reshape(-1, length)
