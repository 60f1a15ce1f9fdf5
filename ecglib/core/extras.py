"""Optional packages: found, or asked for by the name of the extra that brings them."""

from __future__ import annotations

import importlib
from types import ModuleType

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

DISTRIBUTION = "ssl-ecg-emotion-book"
"""Name under which the library is installed."""


@checked
def how_to_install(extra: str) -> str:
    """Say how to install one of the library's extras.

    Parameters
    ----------
    extra : str
        Its name.

    Returns
    -------
    str

    Examples
    --------
    >>> how_to_install("readers")
    "pip install 'ssl-ecg-emotion-book[readers]' or, in the project's folder, \
pip install --editable '.[readers]'"
    """
    return (
        f"pip install '{DISTRIBUTION}[{extra}]' or, in the project's folder, "
        f"pip install --editable '.[{extra}]'"
    )


@checked
def need(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional package, or say how to get it.

    Parameters
    ----------
    module : str
        Name of the package as it is imported.
    extra : str
        The extra of the library that installs it.
    purpose : str
        What needs it, for the message: ``"EDF files"``.

    Returns
    -------
    module

    Raises
    ------
    DataError
        If the package is not installed.

    Examples
    --------
    >>> need("json", "readers", "tables").__name__
    'json'
    >>> need("no_such_package", "readers", "EDF files")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: EDF files need the package no_such_package, which ...
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:  # the package is there, but one that it needs is not
            raise
        raise DataError(
            f"{purpose} need the package {module}, which is not installed",
            remedy=how_to_install(extra),
        ) from error
