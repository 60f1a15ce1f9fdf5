"""Where data, artifacts and results lie: one rule for scripts, notebooks and commands.

Everything lies in one *home* folder, in ``data/``, ``artifacts/`` and ``results/``. Home is the
first of these that is given:

1. the environment variable ``ECGLIB_HOME`` (a relative one starts from the folder that 2 or 3 say);
2. the nearest folder, from the current one upwards, whose ``pyproject.toml`` has a table
   ``[tool.ecglib]``;
3. the current folder.

The variable ``ECGLIB_ARTIFACTS`` names another folder for the artifacts. In every variable ``~`` is
the user's own folder, and a relative path starts from home.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

HOME, ARTIFACTS = "ECGLIB_HOME", "ECGLIB_ARTIFACTS"
"""Environment variables."""


def home_folder() -> Path:
    """Give the folder that holds ``data/``, ``artifacts/`` and ``results/``.

    Returns
    -------
    pathlib.Path
        Absolute; it need not exist.

    Raises
    ------
    DataError
        If the variable names the folder of a user who is not there, as in ``~nobody``.

    Examples
    --------
    >>> home_folder().is_absolute()
    True
    """
    named = _named(HOME)
    if named and named.is_absolute():
        return named
    try:
        here = Path.cwd()
    except OSError as error:
        raise DataError(
            f"the current folder is gone ({error.strerror})",
            field=HOME,
            remedy="go to another folder, or name the project's folder in ECGLIB_HOME",
        ) from error
    home = next((folder for folder in (here, *here.parents) if _is_home(folder)), here)
    return home / named if named else home


@checked
def given_path(path: str | os.PathLike[str], field: str | None = None) -> Path:
    """Make a path of what somebody gives, and refuse what can be none.

    Parameters
    ----------
    path : str or os.PathLike
        ``~`` is the user's own folder, ``~name`` that of another user. It need not exist.
    field : str, optional
        What names it, for messages.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        If there is no such user, the path is too long for the system or holds a zero byte, or a
        folder on the way is closed to you.

    Examples
    --------
    >>> given_path("~/data/anna.csv") == Path.home() / "data" / "anna.csv"
    True
    >>> given_path("~no-such-user/a.csv")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: '~no-such-user/a.csv' names no user's folder. Expected a path; \
~ alone is your own folder.
    """
    place = {"field": field, "expected": "a path that can be opened"}
    try:
        found = Path(path).expanduser()
        found.stat()
    except RuntimeError as error:
        raise DataError(
            f"{str(path)!r} names no user's folder",
            field=field,
            expected="a path; ~ alone is your own folder",
        ) from error
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise DataError(f"no path ({error.strerror})", file=path, **place) from error
    except ValueError as error:  # a zero byte
        raise DataError(f"no path ({error})", **place) from error
    return found


@checked
def named_path(variable: str) -> Path | None:
    """Give the path that an environment variable names.

    Parameters
    ----------
    variable : str
        Name of the variable.

    Returns
    -------
    pathlib.Path or None
        Absolute; None if the variable is not set or empty.

    Raises
    ------
    DataError
        As `home_folder`.

    Examples
    --------
    >>> named_path("NO_SUCH_VARIABLE") is None
    True
    """
    named = _named(variable)
    return home_folder() / named if named else None


@checked
def find_named(
    path: str | os.PathLike[str] | None, variable: str, default: Path
) -> tuple[Path, str] | None:
    """Say where data lies: where an argument, else an environment variable, else the default says.

    Parameters
    ----------
    path : str or os.PathLike, optional
        The argument. A relative path starts from the current folder, ``~`` is the user's folder.
    variable : str
        Name of the environment variable; an empty one counts as not given.
    default : Path
        The place that is taken if it is there and nothing else is said.

    Returns
    -------
    path : Path
        Absolute. It need not exist: what is named is never replaced by something else.
    origin : str
        What names it, for messages.

        None instead of both if none of the three is given.

    Raises
    ------
    DataError
        As `home_folder`.

    Examples
    --------
    >>> path, origin = find_named("anna.csv", "NO_SUCH_VARIABLE", Path("nowhere"))
    >>> path.name, origin
    ('anna.csv', 'the argument path')
    >>> find_named(None, "NO_SUCH_VARIABLE", Path("nowhere")) is None
    True
    """
    if path is not None:
        found, origin = given_path(path), "the argument path"
    elif named := named_path(variable):
        found, origin = named, f"the environment variable {variable}"
    # A link whose target is gone was put there by someone who wants what it names.
    elif os.path.lexists(default):
        found, origin = default, "the default place"
    else:
        return None
    return found.absolute(), origin


def artifacts_folder() -> Path:
    """Give the folder of what is computed and kept: ``$ECGLIB_ARTIFACTS`` or ``artifacts/``.

    Examples
    --------
    >>> artifacts_folder().is_absolute()
    True
    """
    return named_path(ARTIFACTS) or home_folder() / "artifacts"


def results_folder() -> Path:
    """Give the folder of the small results that travel with a project: ``results/``.

    Examples
    --------
    >>> results_folder().name
    'results'
    """
    return home_folder() / "results"


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return given_path(named, variable) if named else None


def _is_home(folder: Path) -> bool:
    settings = folder / "pyproject.toml"
    try:
        if not settings.is_file():
            return False
        tools = tomllib.loads(settings.read_text(encoding="utf-8")).get("tool")
        return isinstance(tools, dict) and "ecglib" in tools
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # another project's file; whether it is well formed is not for us to say
