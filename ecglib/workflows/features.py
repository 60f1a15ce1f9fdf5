"""Features of recordings: ten numbers about the heartbeats, an encoder's features, or both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.core.artifacts import fingerprint
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.core.progress import progress
from ecglib.core.tables import as_names
from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import read_dreamer
from ecglib.data.folder import read_folder
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.choice import Leads
from ecglib.data.recording import Recording
from ecglib.features.heartbeats import FEATURES, window_features
from ecglib.preprocessing.normalisation import NORMALISATION
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.judged import windows_by_lead
from ecglib.workflows.output import refuse_to_replace_input
from ecglib.workflows.sources import (
    file_of,
    file_sha256,
    is_dreamer,
    known_set,
    long_enough,
    read_known,
    refuse_reading_options,
    say_nothing,
)

NO_ENCODER = "none"
"""In the place of an encoder: none."""

MISSING = "n_missing"
"""Column with the number of heartbeat features that a window does not define."""

VERSION = 1
"""Raised when the same recording would give other numbers: older parts are not read then."""

Source = str | os.PathLike[str] | Recording | Windows
"""What features can be asked of."""

_SOURCES = (str, os.PathLike, Recording, Windows)
_CHUNK = 128
_BEATS = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True)
class _Embedder:
    """An encoder, ready to be applied."""

    config: WindowConfig
    identity: dict[str, Any]
    n_features: int
    apply: Callable[[Windows], np.ndarray]


@dataclass(frozen=True)
class _Task:
    """What is computed in one piece and kept: a file, or one person of a cohort."""

    name: str
    data: str
    key: str
    windows: Callable[[WindowConfig], Iterator[tuple[Windows | None, pd.DataFrame]]]


@checked
def features_of(
    sources: Source | Sequence[Source],
    *,
    beats: bool = True,
    encoder: str | Path | None = NO_ENCODER,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    turn: bool = False,
    allow_duplicates: bool = False,
    keep: str | os.PathLike[str] | None = None,
    tell: Callable[[str], object] = say_nothing,
) -> FeatureTable:
    """Describe every window of recordings.

    Parameters
    ----------
    sources : path, Recording, Windows, or sequence of them
        Files of recordings, a file in the layout of DREAMER.mat, or folders. A file is the
        recording of a participant of its own, who is named after it; in a folder, a table may say
        whose each file is (`ecglib.data.folder.read_folder`), or the folder may be that of a set
        (`ecglib.workflows.sources.known_set`), whose recordings shorter than a window are left out.
    beats : bool
        Give the ten `ecglib.features.heartbeats.FEATURES`.
    encoder : str or Path, optional
        An encoder's file, to give its features too; "none" for no encoder; None for the one that
        comes with the package.
    fs, leads, unit
        As in `ecglib.data.readers.any_format.read_recording`, for all files.
    turn : bool
        Turn leads that are upside down; heartbeat features do not depend on it.
    allow_duplicates : bool
        Let recordings pass that share samples with others of the same folder or DREAMER.mat.
    keep : str or os.PathLike, optional
        A folder for what is finished, so that a second run goes on where the first was stopped.
    tell : callable
        Is given a line for each note on a set that is known by its folder, and what is left out.

    Returns
    -------
    FeatureTable
        A row per window: file, participant, clip, condition, lead (its number), lead_name, start,
        quality, and n_missing if `beats`. NaN is a feature that the window does not define;
        n_missing says how many of the ten are. All of a lead that is flat or missing are. Windows
        of any quality are there: `FeatureTable.usable` has the good ones.

    Raises
    ------
    DataError
        If a file cannot be read, a recording is shorter than a window, two files have the same
        stem, recordings share samples, neither kind of features is asked for, or there is no such
        encoder.

    Notes
    -----
    One lead of one recording is prepared at a time, and described in parts of 128 windows; what
    grows with the number of files is the table only.

    Examples
    --------
    >>> beats = np.tile(np.hanning(200) ** 40, 60)
    >>> table = features_of(Recording(beats, 250, name="anna"))
    >>> table.names[0], table.features[:, 0].round().tolist()
    ('heart_rate', [75.0, 75.0, 75.0, 75.0])
    """
    sources = [sources] if isinstance(sources, _SOURCES) else list(sources)
    if not sources:
        raise DataError("there is nothing to describe", field="sources", expected="one or more")
    embedder = None if encoder == NO_ENCODER else _find_embedder(encoder)
    if not beats and embedder is None:
        raise DataError(
            "neither heartbeats nor an encoder",
            field="beats, encoder",
            expected="one of the two, or both",
        )
    if beats:
        need("neurokit2", "features", "features of heartbeats")
    config = embedder.config if embedder else WindowConfig(leads=None)
    config = replace(config, turn=turn)
    given = {"fs": fs, "leads": leads, "unit": unit}
    tasks = [
        task
        for source in sources
        for task in _tasks(source, given, allow_duplicates, config.length_s, tell)
    ]
    _refuse_namesakes(sources, tasks)
    data = {task.data for task in tasks}
    made_elsewhere = any(isinstance(source, Windows) for source in sources)
    about = {
        "data": data.pop() if len(data) == 1 else f"{len(tasks)} recordings",
        "encoder": embedder.identity if embedder else None,
        # Of windows that were made elsewhere only an encoder's card says how.
        "preprocessing": None if made_elsewhere and embedder is None else _how(config),
    }
    settings = {"version": VERSION, "beats": beats, "config": config, "given": given} | about
    settings.pop("data")
    parts = []
    several = progress(tasks, "features", unit="recording") if len(tasks) > 1 else tasks
    for task in several:
        part = Path(keep, f"{fingerprint({**settings, 'of': task.key})}.npz") if keep else None
        if part and part.is_file():
            parts.append(FeatureTable.load(part))
            continue
        table = _describe(task, config, beats, embedder, about, quiet=len(tasks) > 1)
        if part:
            table.save(part)
        parts.append(table)
    meta = pd.concat([part.meta for part in parts], ignore_index=True)
    meta["participant"] = as_names(meta["participant"], "participant")
    return FeatureTable(
        np.concatenate([part.features for part in parts]), parts[0].names, meta, about
    )


@checked
def write_features(
    sources: Source | Sequence[Source], out: str | os.PathLike[str], **options: Any
) -> FeatureTable:
    """Describe recordings and write the table to a file; go on where an earlier run was stopped.

    Parameters
    ----------
    sources : path, Recording, Windows, or sequence of them
        As in `features_of`.
    out : str or os.PathLike
        A file whose name ends in .csv, where what is missing is an empty field, or .npz. What is
        finished stands in a hidden folder beside it until the file is written.
    **options
        As for `features_of`.

    Returns
    -------
    FeatureTable
        What was written.

    Raises
    ------
    DataError
        As in `features_of`, or if the name ends otherwise or is that of a source.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.data.recording import Recording
    >>> x = np.tile(np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)], 30)
    >>> out = Path(tempfile.mkdtemp(), "features.csv")
    >>> table = write_features(Recording(x[:, None], 256.0), out)
    >>> out.is_file(), len(table.meta)
    (True, 3)
    """
    out = Path(out)
    if out.suffix.lower() not in (".csv", ".npz"):
        raise DataError(
            f"the extension {out.suffix!r}", file=out, expected="a file of features: .csv or .npz"
        )
    several = [sources] if isinstance(sources, _SOURCES) else list(sources)
    files = [source for source in several if isinstance(source, str | os.PathLike)]
    refuse_to_replace_input(out, [*files, options.get("encoder")])
    parts = out.with_name(f".{out.name}.parts")
    table = features_of(several, keep=parts, **options)
    table.save(out)
    shutil.rmtree(parts, ignore_errors=True)
    return table


def _how(config: WindowConfig) -> dict[str, Any]:
    """Say how windows are made, as a card does."""
    return {
        "fs": config.target_fs,
        "length_s": config.length_s,
        "highpass_hz": config.highpass_hz,
        "normalisation": NORMALISATION,
    }


def _find_embedder(encoder: str | Path | None) -> _Embedder:
    """Load an encoder; its card says how windows must be made."""
    from ecglib.models.embedding import embed, encoder_file  # loads a network library
    from ecglib.models.weights import load_encoder
    from ecglib.workflows.embedding import encoder_identity, window_config

    encoder = encoder_file(encoder)
    model, card = load_encoder(encoder)
    config = window_config(card.preprocessing, f"the encoder {card.name!r}")

    def apply(windows: Windows) -> np.ndarray:
        card.check_fits(fs=windows.fs, n_samples=windows.X.shape[1])
        return embed(windows.X, model, progress=False)

    return _Embedder(config, encoder_identity(encoder, card), model.output_shape[1], apply)


def _tasks(
    source: Source,
    given: dict[str, Any],
    allow_duplicates: bool,
    least_s: float,
    tell: Callable[[str], object],
) -> list[_Task]:
    if isinstance(source, Windows):
        meta = _columns(source.meta, source.cohort_name)
        name = source.cohort_name
        key = fingerprint({"X": digest(source.X), "meta": meta.to_csv()})
        return [_Task(name, name, key, lambda config: iter([(source, meta)]))]
    if isinstance(source, Recording):
        recording = source
        key = f"{recording.name} {recording.leads} {recording.sha256()}"
        return [
            _Task(recording.name, recording.name, key, lambda config: _leads_of(recording, config))
        ]
    if known_set(source):
        cohort = read_known(source, **given, allow_duplicates=allow_duplicates, tell=tell)
        cohort = long_enough(cohort, least_s, tell)
        return _people_of(cohort, Path(source).resolve().name, None, True)
    if is_dreamer(source):
        refuse_reading_options(source, given["fs"], given["unit"])
        cohort = read_dreamer(source, allow_duplicates=allow_duplicates)
        return _people_of(cohort, Path(source).name, given["leads"])
    if Path(source).is_dir():
        cohort = read_folder(source, **given, allow_duplicates=allow_duplicates)
        return _people_of(cohort, Path(source).resolve().name, None, True)
    file = file_of(source)

    def read(config: WindowConfig) -> Iterator[tuple[Windows | None, pd.DataFrame]]:
        return _leads_of(read_recording(source, **given), config)

    key = f"{file.name} {file_sha256(file) if file.is_file() else ''}"
    beside = file.with_suffix(".dat")  # where a WFDB record has its samples
    if file.suffix.lower() == ".hea" and beside.is_file():
        key += file_sha256(beside)
    return [_Task(file.stem, file.stem, key, read)]


def _people_of(
    cohort: Cohort, file: str, leads: Leads, all_conditions: bool = False
) -> list[_Task]:
    """Give a task for each participant of a cohort, all of whose windows are scaled together."""
    if leads is not None:
        leads = (leads,) if isinstance(leads, str | int) else tuple(leads)
    conditions = tuple(cohort.recordings["condition"].unique()) if all_conditions else None

    def of_person(participant: int | str) -> Callable[..., Any]:
        def windows(config: WindowConfig) -> Iterator[tuple[Windows, pd.DataFrame]]:
            own = cohort.select(participants=[participant])
            present = set(own.recordings["condition"])
            kept = tuple(c for c in conditions if c in present) if conditions else None
            made = make_windows(own, replace(config, leads=leads, conditions=kept))
            yield made, _columns(made.meta, file)

        return windows

    def key(participant: int | str) -> str:
        own = cohort.select(participants=[participant])
        return f"{cohort.sha256 or [digest(signal) for signal in own.signals]} {participant}"

    return [
        _Task(f"{cohort.name} {person}", cohort.name, key(person), of_person(person))
        for person in cohort.recordings["participant"].unique()
    ]


def _refuse_namesakes(sources: Sequence[Source], tasks: Sequence[_Task]) -> None:
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"{names.count(name)} recordings would all be the participant {name}",
                file=None if len(sources) == 1 else ", ".join(str(s) for s in sources)[:200],
                expected="file names that tell participants apart",
                remedy="rename the files",
            )


def _leads_of(
    recording: Recording, config: WindowConfig
) -> Iterator[tuple[Windows | None, pd.DataFrame]]:
    """Give the windows of each lead; None in the place of those of a lead that does not vary."""
    for lead, (windows, meta) in zip(
        recording.leads, windows_by_lead(recording, config), strict=True
    ):
        meta = meta.assign(lead_name=lead)
        yield windows, _columns(meta, Path(recording.file).name or recording.name)


def _columns(meta: pd.DataFrame, file: str) -> pd.DataFrame:
    """Put what is known of each window in order: whose it is, where it is, how good it is."""
    first = ["file", "participant", "clip", "condition", "lead", "lead_name", "start", "quality"]
    meta = meta.assign(file=file)
    if "lead_name" not in meta:
        meta["lead_name"] = [f"lead {number}" for number in meta["lead"]]
    return meta[[*first, *(name for name in meta if name not in first)]]


def _describe(
    task: _Task,
    config: WindowConfig,
    beats: bool,
    embedder: _Embedder | None,
    about: dict[str, Any],
    quiet: bool,
) -> FeatureTable:
    parts, metas = [], []
    for windows, meta in task.windows(config):
        found = []
        if beats:
            label = f"{task.name}, {meta['lead_name'].iloc[0]}"
            found.append(_beat_features(windows, len(meta), label, quiet))
            meta = meta.assign(**{MISSING: np.isnan(found[0]).sum(axis=1)})
        if embedder:
            nothing = np.full((len(meta), embedder.n_features), np.nan)
            found.append(nothing if windows is None else embedder.apply(windows))
        parts.append(np.concatenate(found, axis=1))
        metas.append(meta)
    learnt = embedder.n_features if embedder else 0
    names = [*(_BEATS if beats else ()), *(f"e{number:03d}" for number in range(learnt))]
    return FeatureTable(np.concatenate(parts), names, pd.concat(metas, ignore_index=True), about)


def _beat_features(windows: Windows | None, n: int, label: str, quiet: bool) -> np.ndarray:
    values = np.full((n, len(_BEATS)), np.nan)
    if windows is None:
        return values
    chunks = range(0, n, _CHUNK)
    for start in chunks if quiet else progress(chunks, label, unit="part"):
        table = window_features(windows.X[start : start + _CHUNK], windows.fs)
        values[start : start + _CHUNK] = np.where(table.valid, table.values, np.nan)
    return values
