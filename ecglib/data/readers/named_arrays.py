"""The ECG among named arrays, as NPZ and MATLAB files hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.readers.choice import Leads, is_ecg, stated_rate, stated_unit
from ecglib.data.recording import Recording, as_signals, check_size

_RATE_NAMES = (
    *("fs", "samplingrate", "samplingfrequency", "samplerate", "samplefrequency", "samplefreq"),
    *("sfreq", "srate", "sampfreq", "fsample", "fsecg", "ecgfs", "ecgsamplingrate", "hz"),
)


_LEAD_NAMES = ("leads", "leadnames", "signames", "signame", "channels", "channelnames", "chnames")


_UNIT_NAMES = ("unit", "units")


_MOST_LISTED = 10


@dataclass(frozen=True)
class Stored:
    """What a file says of one of its arrays before it is read.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    kind : str
        "number", "text" or, for what is neither, a word for it.

    Examples
    --------
    >>> Stored((5000, 2), "number").is_signal, Stored((1,), "number").is_signal
    (True, False)
    """

    shape: tuple[int, ...]
    kind: str

    @property
    def is_signal(self) -> bool:
        """Whether it may be a recording: numbers, more than one in at most two long directions."""
        long = [n for n in self.shape if n > 1]
        return self.kind == "number" and len(long) in (1, 2) and min(self.shape) > 0

    def __str__(self) -> str:
        size = " × ".join(map(str, self.shape)) or "one"
        return f"{size} {self.kind}" + (
            "s" if self.kind == "number" and max(self.shape, default=1) > 1 else ""
        )


@checked
def recording_of(
    stored: Mapping[str, Stored],
    read: Callable[[str], Any],
    *,
    file: Path,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> Recording:
    """Make a recording of the ECG among a file's arrays.

    Parameters
    ----------
    stored : mapping of str to Stored
        What the file holds, by name.
    read : callable
        Reads one of them by its name.
    file : Path
        The file.
    fs, leads, unit
        As in `ecglib.data.readers.any_format.read_recording`.

    Returns
    -------
    Recording
        Of the one array that is named like an ECG, or the only one that may be a recording, or of
        several vectors of one length that are named like leads.

    Raises
    ------
    DataError
        If it is not clear which array is the ECG; lists those that there are.

    Examples
    --------
    >>> arrays = {"ecg": np.sin(np.arange(5000) / 9), "fs": np.array(500.0)}
    >>> stored = {name: Stored(array.shape, "number") for name, array in arrays.items()}
    >>> recording_of(stored, arrays.get, file=Path("anna.npz"))
    <Recording 'anna': ECG; 10.0 s at 500 Hz>
    """
    signals = [name for name, array in stored.items() if array.is_signal]
    if len(signals) > 1:  # annotations stand beside the ECG
        signals = [name for name in signals if is_ecg(name)] or signals
    own: tuple[str, ...] = ()
    asked = [leads] if isinstance(leads, str) else leads
    if (
        isinstance(asked, list | tuple)
        and asked
        and all(
            isinstance(lead, str) and lead in stored and stored[lead].is_signal for lead in asked
        )
    ):
        signals, leads = list(asked), None
        own = tuple(signals)
    elif signals:
        own = tuple(name for name in signals if is_ecg(name) and name.lower() != "ecg")
    vectors = [max(stored[name].shape) for name in signals if _is_vector(stored[name])]
    if len(signals) == 1:
        (name,) = signals
        check_size(max(stored[name].shape), min(_two(stored[name].shape)), file=file)
        x = long_first(read(name), file=file, field=name)
        names = _names(stored, read, x.shape[1])
        names = names or (own if x.shape[1] == 1 else ())
    elif len(own) == len(vectors) == len(signals) > 0 and len(set(vectors)) == 1:
        check_size(vectors[0], len(signals), file=file)
        x = np.column_stack([np.asarray(read(name)).ravel() for name in signals])
        names = own
    else:
        raise DataError(
            "it is not clear which array is the ECG; the file holds "
            + (_listed(stored) or "nothing"),
            file=file,
            field="leads",
            expected="one array named ecg, or vectors of one length named like leads",
            remedy=f"say which it is: leads=[{(signals or ['NAME'])[0][:40]!r}]",
        )
    recording = Recording(
        x,
        stated_rate(fs, _number(stored, read), file=file, where="number named fs"),
        names,
        stated_unit(unit, _text(stored, read), file=file),
        name=file.stem,
        file=str(file),
    )
    return recording if leads is None else recording.select(leads)


@checked
def long_first(x: np.ndarray, *, file: Path, field: str) -> np.ndarray:
    """Turn an array so that its longer direction, the samples, comes first.

    Parameters
    ----------
    x : numpy.ndarray
        Samples and leads, in either order.
    file, field
        Where it stands, for messages.

    Returns
    -------
    numpy.ndarray
        (n_samples, n_leads), floating point.

    Raises
    ------
    DataError
        If it is square, or no array of real numbers.

    Examples
    --------
    >>> long_first(np.zeros((2, 5000)), file=Path("anna.npz"), field="ecg").shape
    (5000, 2)
    """
    x = np.asarray(x)
    if x.ndim > 2:
        x = x.squeeze()
    if x.ndim == 2 and x.shape[0] == x.shape[1] > 1:
        raise DataError(
            f"shape {x.shape} does not show which direction is time",
            file=file,
            field=field,
            expected="more samples than leads",
            remedy="save each lead as a vector of its own",
        )
    return as_signals(x.T if x.ndim == 2 and x.shape[0] < x.shape[1] else x, file=file)


def _listed(stored: Mapping[str, Stored]) -> str:
    """Name the arrays of a file, the first ten of many."""
    named = [f"{name} ({array})" for name, array in stored.items()]
    more = f" and {len(named) - _MOST_LISTED} more" if len(named) > _MOST_LISTED else ""
    return ", ".join(named[:_MOST_LISTED]) + more


def _is_vector(array: Stored) -> bool:
    return sum(n > 1 for n in array.shape) == 1


def _two(shape: tuple[int, ...]) -> tuple[int, ...]:
    long = tuple(n for n in shape if n > 1)
    return long if len(long) == 2 else (*long, 1)


def _find(stored: Mapping[str, Stored], names: tuple[str, ...]) -> str | None:
    """Return the first array whose name is one of `names`, but for its case and punctuation."""
    plain = {name: "".join(filter(str.isalnum, name)).lower() for name in stored}
    return next((name for wanted in names for name in stored if plain[name] == wanted), None)


def _number(stored: Mapping[str, Stored], read: Callable[[str], Any]) -> float | None:
    name = _find(stored, _RATE_NAMES)
    if name is None or stored[name].kind != "number" or np.prod(stored[name].shape) != 1:
        return None
    return float(np.asarray(read(name)).item())


def _text(stored: Mapping[str, Stored], read: Callable[[str], Any]) -> str:
    name = _find(stored, _UNIT_NAMES)
    if name is None or stored[name].kind != "text" or np.prod(stored[name].shape) > 64:
        return ""
    texts = {str(text).strip() for text in np.atleast_1d(read(name))}
    return texts.pop() if len(texts) == 1 else ""


def _names(
    stored: Mapping[str, Stored], read: Callable[[str], Any], n_leads: int
) -> tuple[str, ...]:
    name = _find(stored, _LEAD_NAMES)
    if name is None or stored[name].kind != "text" or np.prod(stored[name].shape) > 4096:
        return ()
    texts = np.atleast_1d(read(name)).ravel().tolist()
    if len(texts) == 1:  # rows of characters, as MATLAB keeps several names
        texts = str(texts[0]).split("\n")
    names = tuple(str(text).strip() for text in texts)
    return names if len(names) == n_leads else ()
