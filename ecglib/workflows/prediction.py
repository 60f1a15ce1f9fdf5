"""From recordings and a saved model to probabilities, window by window and for each recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.choice import Leads
from ecglib.models.card import Preprocessing
from ecglib.models.embedding import encoder_file, encoders
from ecglib.models.weights import load_encoder
from ecglib.workflows.embedding import embed_windows, encoder_identity, window_config
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.judged import windows_by_lead
from ecglib.workflows.saved_model import SavedModel


@dataclass(frozen=True)
class Prediction:
    """What a model says of recordings.

    Parameters
    ----------
    windows : DataFrame
        One row per window and question: file, lead (its name), start (s), quality, target and
        probability, which is missing where the quality is not "ok".
    recordings : DataFrame
        One row per recording and question: file, target, probability (the mean over its good
        windows), n_windows (good ones) and n_left_out.
    about : mapping
        The model's own words about itself.

    Examples
    --------
    >>> none = pd.DataFrame({"file": [], "target": []})
    >>> windows = pd.DataFrame({"file": ["a", "a"], "target": "high", "quality": ["ok", "flat"]})
    >>> Prediction(windows, none, {"name": "my model"}).about["name"]
    'my model'
    """

    windows: pd.DataFrame
    recordings: pd.DataFrame
    about: Mapping[str, Any]

    @property
    def left_out(self) -> pd.DataFrame:
        """Windows left out for their quality: file, lead, start and quality."""
        columns = ["file", "lead", "start", "quality"]
        return self.windows.loc[self.windows["quality"] != "ok", columns].drop_duplicates(
            ignore_index=True
        )


@checked
def predict_table(table: FeatureTable, model: SavedModel) -> pd.DataFrame:
    """Answer the questions of a model for windows whose features are known.

    Parameters
    ----------
    table : FeatureTable
        Features made as those that the model was fitted on.
    model : SavedModel
        The model.

    Returns
    -------
    DataFrame
        The rows of ``table.meta``, once for each question, with `target` and `probability`.

    Raises
    ------
    DataError
        If encoder, preprocessing or features are others than the model's; names which.

    Examples
    --------
    >>> layer = (np.ones((1, 1, 1)), np.zeros((1, 1)))
    >>> model = SavedModel(["stress"], ["rate"], np.zeros(1), np.zeros((1, 1)), np.ones((1, 1)),
    ...                    [layer], {"encoder": None})
    >>> meta = pd.DataFrame({"participant": [1, 1], "clip": 1, "lead": 1, "start": [0.0, 10.0]})
    >>> table = FeatureTable(np.array([[0.0], [3.0]]), ["rate"], meta, {"encoder": None})
    >>> predict_table(table, model)["probability"].round(2).tolist()
    [0.5, 0.95]
    """
    theirs, ours = model.about.get("encoder"), table.about.get("encoder")
    _same_encoder(theirs, ours)
    for name, value in (model.about.get("preprocessing") or {}).items():
        other = (table.about.get("preprocessing") or {}).get(name)
        if other != value:
            raise DataError(
                f"windows with {other}",
                field=name,
                expected=f"{value}, as those that the model was fitted on",
                remedy="make the windows again",
            )
    answers = model.probabilities(table.features, table.names)
    parts = [
        table.meta.assign(target=question, probability=answer)
        for question, answer in zip(model.questions, answers.T, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@checked
def predict_files(
    files: Sequence[str | Path],
    model: str | Path,
    *,
    encoder: str | Path | None = None,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> Prediction:
    """Answer the questions of a saved model for recordings in files.

    Each recording is normalised by itself, as one person's. A lead that does not vary or is missing
    has no good window, and the others answer.

    Parameters
    ----------
    files : sequence of str or Path
        Recordings, of any format that `ecglib.data.readers.any_format.read_recording` reads.
    model : str or Path
        What `ecglib.workflows.saved_model.SavedModel.save` wrote.
    encoder : str or Path, optional
        The file of the encoder that the model was fitted on; not needed for one that comes with
        the package.
    fs, leads, unit
        As in `ecglib.data.readers.any_format.read_recording`, for all files.

    Returns
    -------
    Prediction

    Raises
    ------
    DataError
        If a file cannot be read, no window is good, or the encoder or the windows are not those of
        the model.

    Examples
    --------
    >>> predict_files([], "model.npz")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field files: no file is given. Expected at least ...
    """
    if not files:
        raise DataError("no file is given", field="files", expected="at least one recording")
    fitted = SavedModel.load(model)
    known = _need_encoder(fitted, model, encoder)
    encoder = encoder or fitted.about["encoder"]["name"]  # it comes with the package
    config = window_config(known, f"the model {Path(model).name}")
    tables = []
    files = list(dict.fromkeys(files))
    for file in progress(files, "recordings", unit="recording"):
        recording = read_recording(file, fs=fs, leads=leads, unit=unit)
        metas, parts = [], []
        for lead, (windows, meta) in zip(
            recording.leads, windows_by_lead(recording, config), strict=True
        ):
            metas.append(meta[["start", "quality"]].assign(file=str(file), lead=lead))
            parts.append(np.full((len(meta), len(fitted.questions)), np.nan))
            if windows is not None and len(good := windows.usable):
                rows = predict_table(embed_windows(good, encoder), fitted)
                of_windows = (meta["quality"] == "ok").to_numpy()
                found = rows["probability"].to_numpy().reshape(len(fitted.questions), -1).T
                parts[-1][of_windows] = found
        answers = np.concatenate(parts)
        meta = pd.concat(metas, ignore_index=True)[["file", "lead", "start", "quality"]]
        tables += [
            meta.assign(target=question, probability=answer)
            for question, answer in zip(fitted.questions, answers.T, strict=True)
        ]
    windows = pd.concat(tables, ignore_index=True)
    if windows["probability"].isna().all():
        raise DataError(
            "not one window is of good quality: " + ", ".join(windows["quality"].unique()),
            file=files[0] if len(files) == 1 else None,
            field="quality",
            expected="at least one window without gaps, clipping or flat parts",
        )
    by_recording = windows.groupby(["file", "target"], sort=False)["probability"]
    recordings = by_recording.agg(
        probability="mean", n_windows="count", n_left_out=lambda p: int(p.isna().sum())
    ).reset_index()
    return Prediction(windows, recordings, fitted.about)


def _need_encoder(
    fitted: SavedModel, model: str | Path, encoder: str | Path | None
) -> Preprocessing:
    """Refuse another encoder than the model's, before any recording is read."""
    wanted = fitted.about.get("encoder")
    if not wanted:
        raise DataError(
            "was fitted on features that no encoder made, which are not measured here",
            file=model,
            field="encoder",
            expected="a model on the features of an encoder",
            remedy="make the features, and give them to ecglib.workflows.prediction.predict_table",
        )
    if encoder is None and wanted["name"] in encoders():
        encoder = wanted["name"]
    if encoder is None:
        raise DataError(
            f"was fitted on the features of the encoder {wanted['name']!r}",
            file=model,
            field="encoder",
            remedy="name its file: --encoder FILE",
        )
    encoder = encoder_file(encoder)
    card = load_encoder(encoder)[1]
    _same_encoder(wanted, encoder_identity(encoder, card), encoder)
    return card.preprocessing


def _same_encoder(
    wanted: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    file: str | Path | None = None,
) -> None:
    ours, theirs = (
        "no encoder" if not e else f"{e['name']!r} (SHA-256 {e['sha256'][:12]})"
        for e in (found, wanted)
    )
    if (found or {}).get("sha256") != (wanted or {}).get("sha256"):
        raise DataError(
            f"features of {ours}",
            file=file,
            field="encoder",
            expected=f"those of {theirs}, on which the model was fitted",
        )
