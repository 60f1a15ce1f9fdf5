"""From windows to features, with an encoder that comes with the package or any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.core.progress import progress as with_progress
from ecglib.models.card import EncoderCard
from ecglib.models.encoder import with_pooling
from ecglib.models.inference import Forward
from ecglib.models.weights import load_encoder

DEFAULT = "str-clinic-v2"
"""Name of the encoder that is taken where none is named."""

SHIPPED = Path(__file__).resolve().parents[1] / "encoders"
"""Where the encoders lie that come with the package, one file of `save_encoder` each."""


def encoders() -> list[str]:
    """List the names of the encoders that come with the package.

    Examples
    --------
    >>> DEFAULT in encoders()
    True
    """
    if not SHIPPED.is_dir():
        return []
    return sorted(f.name.removesuffix(".npz") for f in SHIPPED.iterdir() if f.name[-4:] == ".npz")


@checked
def find_encoder(
    encoder: keras.Model | str | Path | None = None,
) -> tuple[keras.Model, EncoderCard | None]:
    """Find an encoder by its name or its file, and its card.

    Parameters
    ----------
    encoder : keras.Model, str or Path, optional
        One of `encoders`, or the path of a file that `ecglib.models.weights.save_encoder` wrote, or
        a model, which is given back; by default `DEFAULT`.

    Returns
    -------
    encoder : keras.Model
        Windows (batch, length) -> features.
    card : EncoderCard or None
        What is known of it; None of a model.

    Raises
    ------
    DataError
        If no encoder has this name and there is no such file, or the file is damaged.

    Examples
    --------
    >>> encoder, card = find_encoder()
    >>> encoder.output_shape, card.name == DEFAULT
    ((None, 128), True)
    """
    if isinstance(encoder, keras.Model):
        return encoder, None
    return load_encoder(encoder_file(encoder))


@checked
def encoder_file(encoder: str | Path | None = None) -> Path:
    """Find the file of an encoder by its name or its path.

    Parameters
    ----------
    encoder : str or Path, optional
        As in `find_encoder`.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If no encoder has this name and there is no such file.

    Examples
    --------
    >>> encoder_file().suffix
    '.npz'
    """
    name = DEFAULT if encoder is None else str(encoder)
    if name in encoders():
        return SHIPPED / f"{name}.npz"
    if encoder is not None and (found := given_path(encoder, "encoder")).exists():
        return found
    raise DataError(
        f"no encoder {name!r}",
        field="encoder",
        expected=f"one of {encoders()}, which come with the package, or an existing file",
        remedy="train one with pretrain, keep it with save_encoder and give its path",
    )


@checked
def embed(
    windows: Any,
    encoder: keras.Model | str | Path | None = None,
    *,
    pooling: str | None = None,
    batch_size: int = 256,
    progress: bool = True,
) -> np.ndarray:
    """Give the encoder's features of windows, quickly and in bounded memory.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_samples), or Windows, or iterable of ndarray
        Prepared as those that the encoder was trained on. An array may be mapped from a file. An
        iterable gives such arrays one after the other, of any number of windows each, and none is
        kept, so that a recording need never be in memory as a whole.
    encoder : keras.Model, str or Path, optional
        As in `find_encoder`.
    pooling : {"max", "mean", "both", "scales"}, optional
        Pool the last feature maps in this way (`ecglib.models.encoder.EncoderConfig`); by default
        as the encoder did in its training.
    batch_size : int
        Most windows in memory at a time, beside those that are given.
    progress : bool
        Whether to show how far it is, in a terminal; of an iterable only where its length is known.

    Returns
    -------
    ndarray of float32, shape (n_windows, n_features)

    Raises
    ------
    DataError
        If there are no windows, they are of another length than the encoder's, or hold a value that
        is not finite; if windows at another sampling rate were trained on; or if there is no such
        encoder.
    ValueError
        If the pooling is unknown, or the encoder's feature maps are.

    Notes
    -----
    An encoder of `ecglib.models.encoder.build_encoder` is applied by
    `ecglib.models.inference.Forward`; any other model, and every model where Keras has a graphics
    card, by Keras. The features are the same up to rounding.

    Examples
    --------
    >>> from ecglib.models.encoder import EncoderConfig, build_encoder
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> embed(np.zeros((3, 256)), encoder).shape
    (3, 8)
    >>> embed(np.zeros((3, 256)), encoder, pooling="both").shape
    (3, 16)
    """
    model, card = find_encoder(encoder)
    model = with_pooling(model, pooling) if pooling else model
    if card and hasattr(windows, "fs"):
        card.check_fits(fs=windows.fs)
    apply = _application(model, batch_size)
    windows = getattr(windows, "X", windows)
    if hasattr(windows, "ndim"):
        windows = [windows[i : i + batch_size] for i in range(0, len(windows), batch_size)]
    if progress and hasattr(windows, "__len__"):
        windows = with_progress(windows, "embedding", total=len(windows), unit="batch")
    features: list[np.ndarray] = []
    done = 0
    for some in windows:
        features.append(apply(_checked(some, model.input_shape[1], done)))
        done += len(some)
    if not done:
        raise DataError("no windows to embed", field="windows", expected="one or more")
    return np.concatenate(features)


def _application(encoder: keras.Model, batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Give the fastest way of applying an encoder on this machine."""
    only_cpu = all(name.startswith("cpu") for name in keras.distribution.list_devices())
    if only_cpu and (forward := Forward.of(encoder)):
        return forward
    return lambda X: encoder.predict(X, batch_size=batch_size, verbose=0)


def _checked(windows: Any, length: int, done: int) -> np.ndarray:
    """Give windows as float32; `done` is the number of those before."""
    X = np.asarray(windows)
    if X.dtype.kind not in "iuf":
        raise DataError(
            f"windows of {X.dtype}",
            field="windows",
            expected="real numbers",
            remedy="make them with ecglib.preprocessing.segmentation.windows_of",
        )
    with np.errstate(over="ignore"):  # what overflows is refused below
        X = X.astype(np.float32, copy=False)
    if np.ma.is_masked(windows):
        X = np.where(np.ma.getmaskarray(windows), np.float32(np.nan), X)
    if X.ndim != 2 or X.shape[1] != length:
        raise DataError(
            f"windows of shape {X.shape}: this encoder takes (n_windows, {length})",
            field="windows",
        )
    finite = np.isfinite(X).all(axis=1)
    if not finite.all():
        raise DataError(
            f"window {done + int(np.argmin(finite))} holds values that are not finite",
            field="windows",
            expected="finite numbers",
            remedy="leave out windows with gaps or artefacts before embedding",
        )
    return X
