"""From windows to the features of an encoder in a file, and which windows an encoder takes."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.models.card import EncoderCard, Preprocessing
from ecglib.models.embedding import embed, encoder_file
from ecglib.models.weights import load_encoder
from ecglib.preprocessing.normalisation import NORMALISATION
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.preprocessing.windows import Windows
from ecglib.workflows.feature_table import FeatureTable


@checked
def preprocessing_of(config: WindowConfig) -> Preprocessing:
    """Say how windows are made, in the words of a card.

    Parameters
    ----------
    config : WindowConfig
        How they are made.

    Returns
    -------
    Preprocessing

    Examples
    --------
    >>> preprocessing_of(WindowConfig()).n_samples
    2560
    """
    return Preprocessing(config.target_fs, config.length_s, config.highpass_hz, NORMALISATION)


@checked
def window_config(wanted: Preprocessing, maker: str) -> WindowConfig:
    """Give the settings that make windows of all leads as an encoder or a model wants them.

    Parameters
    ----------
    wanted : Preprocessing
        How the windows must be.
    maker : str
        Who wants them, for the message.

    Returns
    -------
    WindowConfig

    Raises
    ------
    DataError
        If such windows cannot be made here.

    Examples
    --------
    >>> from ecglib.models.card import Preprocessing
    >>> window_config(Preprocessing(256.0, 10.0, 0.8, NORMALISATION), "the encoder").target_fs
    256.0
    """
    if wanted.highpass_hz is None or wanted.normalisation != NORMALISATION:
        asked = "no filter" if wanted.highpass_hz is None else repr(wanted.normalisation)
        raise DataError(
            f"{maker} wants windows with {asked}",
            field="preprocessing",
            expected=f"a high-pass filter and the normalisation {NORMALISATION!r}",
            remedy="make its windows in the way of its card, and embed those",
        )
    return WindowConfig(
        length_s=wanted.length_s,
        leads=None,
        highpass_hz=wanted.highpass_hz,
        target_fs=wanted.fs,
    )


@checked
def embed_windows(windows: Windows, encoder: str | Path | None = None) -> FeatureTable:
    """Give the features of windows by an encoder in a file.

    Parameters
    ----------
    windows : Windows
        Made as the card of the encoder says.
    encoder : str or Path, optional
        As in `ecglib.models.embedding.encoder_file`.

    Returns
    -------
    FeatureTable
        Its `about` names the data, the encoder and how the windows were made.

    Raises
    ------
    DataError
        If the file is no encoder, the windows do not fit it, or there are none.

    Examples
    --------
    >>> from ecglib.preprocessing.segmentation import make_windows
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> windows = make_windows(make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort)
    >>> embed_windows(windows).features.shape
    (4, 128)
    """
    encoder = encoder_file(encoder)
    model, card = load_encoder(encoder)
    if not len(windows):
        raise DataError("there are no windows", field="windows", expected="at least one")
    card.check_fits(fs=windows.fs, n_samples=windows.X.shape[1])
    features = embed(windows, model)
    about = {
        "data": windows.cohort_name,
        "encoder": encoder_identity(encoder, card),
        "preprocessing": dataclasses.asdict(card.preprocessing),
    }
    names = [f"e{number:03d}" for number in range(features.shape[1])]
    return FeatureTable(features, names, windows.meta, about)


@checked
def encoder_identity(path: str | Path, card: EncoderCard) -> dict[str, Any]:
    """Say which encoder it is, for whatever is made with it.

    Parameters
    ----------
    path : str or Path
        Its file, or its name if it comes with the package.
    card : EncoderCard
        Its card.

    Returns
    -------
    dict
        ``name``, ``sha256`` of the file, ``pretext`` and ``data``, the name of what it learnt from.

    Examples
    --------
    >>> from ecglib.models.embedding import DEFAULT, find_encoder
    >>> encoder_identity(DEFAULT, find_encoder()[1])["name"] == DEFAULT
    True
    """
    with encoder_file(path).open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": card.name, "sha256": sha256, "pretext": card.pretext, "data": card.data.name}
