"""Which of a file's signals are ECG leads, and at what rate and in what unit they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.recording import check_rate, positions, unit_name

Leads = str | int | Sequence[str | int] | None
"""How leads are asked for: names, numbers from 1, or None for the ECG as its names show it."""


GIVE_RATE = "give fs=HZ (the command line: --fs HZ)"
"""What to do where a file does not state its rate."""


_SAYS_ECG = re.compile(r"ecg|ekg|electrocardio", re.IGNORECASE)


# What programs write beside an ECG and name after it.
_DERIVED = re.compile(r"rate|quality|peak|onset|offset|phase|interval|marker|event", re.IGNORECASE)


# Standard, right-sided, back, Holter and monitoring leads; "i" and "v1" in lower case name
# anything.
_LEAD = re.compile(
    r"(?:lead[ _-]?)?(?:I{1,3}|aV[RLFrlf]|AV[RLF]|-aVR|V[1-9]R?|V|D[1-3]|MV[1-9]|MLI{1,3}|MCL[1-6]"
    r"|C[MCSBR]-?[1-7]|ML[1-6]|MX|VX|VY|VZ|ES|AS|AI)"
)


@checked
def is_ecg(name: str) -> bool:
    """Tell whether a signal's name is one that ECG leads go by.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    bool

    Examples
    --------
    >>> [name for name in ("ECG II", "MLII", "V5", "RESP", "ECG_Rate", "x") if is_ecg(name)]
    ['ECG II', 'MLII', 'V5']
    """
    name = name.strip()
    if _SAYS_ECG.search(name):
        return not _DERIVED.search(name)
    return bool(_LEAD.fullmatch(name))


@checked
def choose(names: Sequence[str], leads: Leads, *, file: Path, sure: bool = False) -> list[int]:
    """Choose signals of a file.

    Parameters
    ----------
    names : sequence of str
        Names of all its signals, in order; may be empty texts.
    leads : str, int, sequence of them, or None
        The leads asked for.
    file : Path
        For messages.
    sure : bool
        Take all signals if no name shows an ECG: for files that hold little else.

    Returns
    -------
    list of int
        Positions from 0: those asked for, else all whose name is an ECG lead's, else all if the
        format says so or no signal has a name.

    Raises
    ------
    DataError
        If a lead asked for is not there, or nothing shows which signal is the ECG.

    Examples
    --------
    >>> choose(["EEG Fp1", "ECG", "RESP"], None, file=Path("a.edf"))
    [1]
    """
    if not names:
        raise DataError("the file holds no signal", file=file, expected="at least one ECG lead")
    if leads is not None:
        return positions(names, leads, file=file)
    found = [i for i, name in enumerate(names) if is_ecg(name)]
    if found:
        return found
    if sure or not any(name.strip() for name in names):
        return list(range(len(names)))
    there = ", ".join(f"{i} {name!r}" for i, name in enumerate(names, start=1))
    raise DataError(
        f"no signal has the name of an ECG lead; there are {there}",
        file=file,
        field="leads",
        expected="a name such as ECG, II or V5",
        remedy=f"say which it is: leads=[{names[0][:40]!r}] or leads=[1] "
        "(the command line: --lead NAME)",
    )


@checked
def one_of_all(values: Sequence[object], names: Sequence[str], what: str, *, file: Path) -> object:
    """Return what all chosen signals have in common, or raise a DataError.

    Parameters
    ----------
    values : sequence
        One for each signal: its rate, its length or its unit.
    names : sequence of str
        The signals' names.
    what : str
        What the values are, for the message: "sampling rates".
    file : Path
        For the message.

    Returns
    -------
    object

    Raises
    ------
    DataError
        If they differ.

    Examples
    --------
    >>> one_of_all([256.0, 256.0], ["I", "II"], "sampling rates", file=Path("anna.edf"))
    256.0
    """
    checks.of_length("names", names, len(values))
    if len(set(values)) == 1:
        return values[0]
    listed = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    raise DataError(
        f"leads of different {what}: {listed}",
        file=file,
        field="leads",
        expected=f"leads of the same {what}",
        remedy=f"read them one by one: leads=[{names[0][:40]!r}], then leads=[{names[-1][:40]!r}]",
    )


@checked
def stated_rate(given: float | None, found: float | None, *, file: Path, where: str) -> float:
    """Return the rate in Hz that the caller gives, else the one that the file states.

    Parameters
    ----------
    given : float or None
        What the caller says; outranks a header, which may be wrong.
    found : float or None
        What the file says.
    file : Path
        For messages.
    where : str
        Where the file says it, or would.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If neither is there, or it is no rate of an ECG.

    Examples
    --------
    >>> stated_rate(None, 256.0, file=Path("anna.edf"), where="its header")
    256.0
    >>> stated_rate(500.0, 256.0, file=Path("anna.edf"), where="its header")
    500.0
    """
    if given is not None:
        return check_rate(given, file=file)
    if found is None:
        raise DataError(
            f"the file does not say its sampling rate: no {where}",
            file=file,
            field="fs",
            remedy=GIVE_RATE,
        )
    try:
        return check_rate(found, file=file, field=where)
    except DataError as error:
        remedy = f"{error.remedy}. To overrule the file, {GIVE_RATE}"
        raise error.but(remedy=remedy) from error


@checked
def stated_unit(given: str | None, found: str, *, file: Path) -> str:
    """Return the unit of the samples: the file's, or the caller's where the file has none.

    Parameters
    ----------
    given : str or None
        What the caller says.
    found : str
        What the file says, in its own spelling.
    file : Path
        For messages.

    Returns
    -------
    str
        "mV", "uV", "V", "adu" or ""; also "" where the file's own word is none of these.

    Raises
    ------
    DataError
        If the two differ, or the caller's is unknown.

    Examples
    --------
    >>> stated_unit(None, "millivolts", file=Path("anna.edf"))
    'mV'
    >>> stated_unit("mV", "", file=Path("anna.edf"))
    'mV'
    """
    in_file = unit_name(found) or ""
    if given is None:
        return in_file
    wanted = unit_name(given)
    if wanted is None or (in_file and wanted != in_file):
        says = f"the file says {found}" if in_file else "it is unknown"
        raise DataError(
            f"the unit {given!r} was given, but {says}",
            file=file,
            field="unit",
            expected=in_file or "mV, uV, V or adu",
            remedy="leave out the unit" if in_file else "give one of these",
        )
    return wanted
