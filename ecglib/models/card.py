"""The card of an encoder: what it learnt from and how, which windows fit, what it is not for."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import numbers
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import keras
import numpy as np

from ecglib import __version__
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig


def current_versions() -> dict[str, str]:
    """Give the versions of what computes an encoder in this process.

    Examples
    --------
    >>> "keras" in current_versions()
    True
    """
    backend = keras.backend.backend()
    try:
        of_backend = version(backend)
    except PackageNotFoundError:
        of_backend = "unknown"
    return {
        "ecglib": __version__,
        "keras": keras.__version__,
        backend: of_backend,
        "numpy": np.__version__,
        "Python": platform.python_version(),
    }


@dataclass(frozen=True)
class TrainingData:
    """What an encoder learnt from.

    Parameters
    ----------
    name : str
        Name of the data set, as its owners give it.
    people : int, optional
        How many people's recordings were shown to the encoder; None if it is not known.
    sha256 : str, optional
        SHA-256 of the file, or of the windows (`ecglib.core.arrays.digest`); None if it is not
        known.
    description : str
        Anything else: which part of the data, which lead, who the people were.

    Raises
    ------
    DataError
        If a value is of another kind.

    Examples
    --------
    >>> TrainingData("MIT-BIH", people=47, description="lead MLII").people
    47
    """

    name: str
    people: int | None = None
    sha256: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        _text("data.name", self.name)
        if self.people is not None:
            _set(self, people=_number("data.people", self.people, whole=True))
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", str(self.sha256)):
            raise DataError(
                f"{str(self.sha256)[:70]!r}", field="data.sha256", expected="64 hexadecimal digits"
            )
        _text("data.description", self.description, may_be_empty=True)


@dataclass(frozen=True)
class Preprocessing:
    """How the windows were prepared that an encoder learnt from.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    length_s : float
        Length of a window in seconds.
    highpass_hz : float or None
        Cut-off of the high-pass filter in Hz; None if there was none.
    normalisation : str
        What was subtracted and what it was divided by, and over which samples.

    Raises
    ------
    DataError
        If a value is of another kind.

    Examples
    --------
    >>> Preprocessing(256.0, 10.0, 0.8, "mean and trimmed deviation of the recording").n_samples
    2560
    """

    fs: float
    length_s: float
    highpass_hz: float | None
    normalisation: str

    def __post_init__(self) -> None:
        for name in ("fs", "length_s", "highpass_hz"):
            if name != "highpass_hz" or self.highpass_hz is not None:
                _set(self, **{name: _number(f"preprocessing.{name}", getattr(self, name))})
        _text("preprocessing.normalisation", self.normalisation)

    @property
    def n_samples(self) -> int:
        """Length of a window in samples."""
        return round(self.fs * self.length_s)


@dataclass(frozen=True)
class Recognition:
    """How well tasks were solved with the features, on people whom the encoder had never seen.

    Parameters
    ----------
    auc : mapping of str to float
        Area under the ROC curve of each task, from 0 to 1; the tasks of the pretext, or others.
    people : str
        Who those people were.

    Raises
    ------
    DataError
        If a value is of another kind.

    Examples
    --------
    >>> Recognition({"noise": 0.99}, people="five of MIT-BIH").auc["noise"]
    0.99
    """

    auc: Mapping[str, float]
    people: str

    def __post_init__(self) -> None:
        if not isinstance(self.auc, Mapping) or not self.auc:
            raise DataError("no scores", field="recognition.auc", expected="one AUC per task")
        for task in self.auc:
            _text("recognition.auc", task)
        scores = {t: _number(f"recognition.auc.{t}", v, 0, 1) for t, v in self.auc.items()}
        _set(self, auc=scores)
        _text("recognition.people", self.people)


@dataclass(frozen=True)
class EncoderCard:
    """Everything that a user of an encoder should know, in plain values.

    Parameters
    ----------
    name : str
        Name of the encoder.
    pretext : str
        How it learnt: "STR", "contrastive", "supervised", ...
    data : TrainingData
        What it learnt from.
    licence : str
        Licence of the weights, by its SPDX name if it has one.
    preprocessing : Preprocessing
        How its windows were prepared.
    limits : str
        What it is not for.
    attribution : str
        Whom to name, and what to cite.
    training : mapping of str to value
        Epochs, seed, seconds, settings of the views: anything that JSON can hold.
    recognition : Recognition, optional
        How well it does on people whom it has not seen; None if nobody has measured it.
    versions : mapping of str to str
        Versions that made it; those of this process by default.
    network : EncoderConfig, optional
        Its shape. `ecglib.models.weights.save_encoder` fills it in.

    Raises
    ------
    DataError
        If a value is of another kind.

    Examples
    --------
    >>> card = EncoderCard(
    ...     name="five-minutes",
    ...     pretext="STR",
    ...     data=TrainingData("five minutes of MIT-BIH", people=1),
    ...     licence="BSD-3-Clause",
    ...     preprocessing=Preprocessing(256.0, 10.0, 0.8, "z-score per person"),
    ...     limits="One person: it shows that files work.",
    ... )
    >>> card.check_fits(fs=128.0)
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field fs: windows with 128. Expected 256, as those from which \
'five-minutes' learnt. To fix it: resample the recordings to 256 Hz (target_fs) and cut them again.
    """

    name: str
    pretext: str
    data: TrainingData
    licence: str
    preprocessing: Preprocessing
    limits: str
    attribution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    recognition: Recognition | None = None
    versions: Mapping[str, str] = field(default_factory=current_versions)
    network: EncoderConfig | None = None

    def __post_init__(self) -> None:
        for name in ("name", "pretext", "licence", "limits"):
            _text(name, getattr(self, name))
        _text("attribution", self.attribution, may_be_empty=True)
        for name, kind in _PARTS.items():
            value = getattr(self, name)
            if not isinstance(value, kind) and (value is not None or name in _REQUIRED):
                raise DataError(
                    f"a {type(value).__name__}", field=name, expected=f"a {kind.__name__}"
                )
        for name in ("training", "versions"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                raise DataError(
                    f"a {type(value).__name__}", field=name, expected="names and values"
                )
        for name, value in self.versions.items():
            _text(f"versions.{name}", value)
        try:
            # As a file gives it back: tuples become lists, and nobody else holds a part of it.
            training = json.loads(json.dumps(dict(self.training), allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(
                f"cannot be written ({error})",
                field="training",
                expected="finite numbers, texts, truth values, and lists and dicts of these",
            ) from error
        _set(self, training=training, versions=dict(self.versions))

    @checked
    def check_fits(self, **windows: Any) -> None:
        """Refuse windows that were prepared otherwise than those from which the encoder learnt.

        Parameters
        ----------
        **windows
            What is known of the windows: ``fs`` in Hz, ``n_samples``, ``highpass_hz`` (None for no
            filter) and ``normalisation``. What is not given is not compared. Sampling rates agree
            that differ by less than a thousandth, as clocks do.

        Raises
        ------
        DataError
            If one differs: names it, its value and the one expected.
        TypeError
            If anything else is given.
        """
        if unknown := set(windows) - set(_REMEDIES):
            raise TypeError(f"{sorted(unknown)}: windows are known by {list(_REMEDIES)}")
        for name, remedy in _REMEDIES.items():
            wanted = getattr(self.preprocessing, name)
            if name not in windows or _same(windows[name], wanted, 1e-3 if name == "fs" else 1e-9):
                continue
            raise DataError(
                f"windows with {_plain(windows[name])}",
                field=name,
                expected=f"{_plain(wanted)}, as those from which {self.name!r} learnt",
                remedy=remedy.format(_plain(wanted)),
            )

    def to_json(self) -> dict[str, Any]:
        """Give the card as plain values, from which `from_json` makes it again."""
        return dataclasses.asdict(self)

    @classmethod
    @checked
    def from_json(cls, values: Any) -> EncoderCard:
        """Make a card of plain values, whose origin need not be trusted.

        Parameters
        ----------
        values : mapping
            What `to_json` gave.

        Returns
        -------
        EncoderCard

        Raises
        ------
        DataError
            If a field is missing, unknown or of another kind.
        """
        given = _fields(cls, values, "card")
        for name, kind in _PARTS.items():
            if given.get(name) is not None:
                parts = _fields(kind, given[name], name)
                given[name] = _network(parts) if kind is EncoderConfig else kind(**parts)
        return cls(**given)

    def to_markdown(self) -> str:
        """Write the card as a page: the model card of this encoder."""
        data, windows = self.data, self.preprocessing
        people = "an unknown number of people" if data.people is None else f"{data.people} people"
        filtered = "no filter" if windows.highpass_hz is None else f"{windows.highpass_hz:g} Hz"
        facts = {
            "Learnt by": self.pretext,
            "Learnt from": f"{data.name}: {people}. {data.description}",
            "SHA-256 of the data": data.sha256 or "not known",
            "Licence": self.licence,
            "Attribution": self.attribution or "none asked for",
        }
        prepared = {
            "Sampling rate": f"{windows.fs:g} Hz",
            "Length": f"{windows.length_s:g} s, {windows.n_samples} samples",
            "High-pass": filtered,
            "Normalisation": windows.normalisation,
        }
        tables = [
            f"# {_markdown(self.name)}\n",
            _table("", "", facts),
            "\n## Windows it takes\n",
            _table("", "", prepared),
            "\n## What it is not for\n",
            _markdown(self.limits),
            "\n## Recognition on people it has not seen\n",
        ]
        if self.recognition is None:
            tables.append("Not measured.")
        else:
            scores = {task: f"{auc:.3f}" for task, auc in self.recognition.auc.items()}
            tables += [_markdown(self.recognition.people), "", _table("Task", "AUC", scores)]
        network = dataclasses.asdict(self.network) if self.network else {}
        for title, rows in (
            ("Training", self.training),
            ("Network", network),
            ("Made with", self.versions),
        ):
            if rows:
                tables += [f"\n## {title}\n", _table("", "", rows)]
        return "\n".join(tables) + "\n"


_PARTS = {
    "data": TrainingData,
    "preprocessing": Preprocessing,
    "recognition": Recognition,
    "network": EncoderConfig,
}
_REQUIRED = ("data", "preprocessing")

_REMEDIES = {
    "fs": "resample the recordings to {} Hz (target_fs) and cut them again",
    "n_samples": "cut the recordings into windows of {} samples (length_s)",
    "highpass_hz": "filter the recordings with a cut-off of {} Hz (highpass_hz)",
    "normalisation": "normalise the windows as the card says: {}",
}


def _text(name: str, value: Any, may_be_empty: bool = False) -> None:
    if not isinstance(value, str) or not (value.strip() or may_be_empty):
        told = "nothing" if value == "" else f"a {type(value).__name__}"
        raise DataError(told, field=name, expected="a text")


def _number(
    name: str, value: Any, least: float | None = None, most: float = math.inf, whole: bool = False
) -> Any:
    """Give a finite number from `least` to `most`, or above 0 if there is no `least`; or refuse."""
    kind = numbers.Integral if whole else numbers.Real
    low = "above 0" if least is None else f"from {least:g}"
    if (
        not isinstance(value, kind)
        or isinstance(value, bool)
        or not (value > 0 if least is None else value >= least)
        or not (value <= most and value < 1e30)
    ):
        raise DataError(
            f"{str(value)[:40]}",
            field=name,
            expected=f"a {'whole ' if whole else ''}number {low}"
            + (f" to {most:g}" if math.isfinite(most) else ""),
        )
    return int(value) if whole else float(value)


def _set(card: Any, **values: Any) -> None:
    """Replace values of a frozen dataclass while it is made."""
    for name, value in values.items():
        object.__setattr__(card, name, value)


def _same(value: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return math.isclose(value, wanted, rel_tol=tolerance)
    return value == wanted


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fields(kind: type, values: Any, name: str) -> dict[str, Any]:
    """Give the values of a dataclass as a dict; refuse unknown names and missing ones."""
    if not isinstance(values, Mapping):
        raise DataError(f"a {type(values).__name__}", field=name, expected="names and values")
    known = {f.name: f for f in dataclasses.fields(kind)}
    missing = dataclasses.MISSING
    needed = [n for n, f in known.items() if f.default is missing and f.default_factory is missing]
    if absent := [n for n in needed if n not in values]:
        raise DataError("is missing", field=f"{name}.{absent[0]}")
    if unknown := [str(n) for n in values if n not in known]:
        raise DataError(
            "is unknown", field=f"{name}.{unknown[0][:40]}", expected=f"one of {sorted(known)}"
        )
    return dict(values)


def _network(values: dict[str, Any]) -> EncoderConfig:
    """Make an `EncoderConfig` of what JSON gave: lists for tuples, anything for numbers."""
    for f in dataclasses.fields(EncoderConfig):
        value = values.get(f.name, f.default)
        if isinstance(f.default, tuple):
            values[f.name] = tuple(value) if isinstance(value, list | tuple) else ()
            right = values[f.name] and all(type(v) is int and v > 0 for v in values[f.name])
        elif isinstance(f.default, bool | str):
            right = type(value) is type(f.default)
        else:
            kinds = (int,) if isinstance(f.default, int) else (int, float)
            right = type(value) in kinds and 0 <= value < 1e9
        if not right:
            raise DataError(
                f"{str(value)[:40]}", field=f"network.{f.name}", expected=f"such as {f.default}"
            )
    try:
        return EncoderConfig(**values)
    except ValueError as error:
        raise DataError(str(error), field="network") from error


def _markdown(text: Any) -> str:
    """Put a text on one line in which nothing is a mark, a link or a tag."""
    text = text if isinstance(text, str) else json.dumps(text)
    return html.escape(re.sub(r"([\\`\[\]|])", r"\\\1", " ".join(text.split())), quote=False)


def _table(first: str, second: str, rows: Mapping[str, Any]) -> str:
    lines = [f"| {first} | {second} |", "|---|---|"]
    lines += [f"| {_markdown(name)} | {_markdown(value)} |" for name, value in rows.items()]
    return "\n".join(lines)
