"""What may be shown of a data file, and what takes its place.

A file whose provider forbids passing it on must not lie in pieces in a page, a notebook or a table
of results. Every file that is not a synthetic cohort counts as one. Pictures of single recordings
and tables of single ratings then show the synthetic cohort; numbers over recordings or people
follow the file. Whoever may pass it on says so with `SWITCH`.
"""

from __future__ import annotations

import os

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study

SWITCH = "ECGLIB_SHOW_REAL"
"""The environment variable that lets a file's own recordings and ratings be shown: ``yes``."""


@checked
def is_restricted(study: Study) -> bool:
    """Tell whether a study's recordings and ratings must not be shown or passed on.

    Parameters
    ----------
    study : Study
        Its data file counts.

    Returns
    -------
    bool
        False for a synthetic cohort, and for any other file if `SWITCH` says ``yes``.

    Raises
    ------
    DataError
        If `SWITCH` is neither ``yes``, ``no`` nor empty: such a thing is not to be guessed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> is_restricted(SimpleNamespace(label="synthetic"))  # a study is asked for no more than this
    False
    """
    said = os.environ.get(SWITCH, "")
    if said not in ("", "yes", "no"):
        raise DataError(
            repr(said),
            field=SWITCH,
            expected="yes or no",
            remedy="say yes only if you may pass on recordings and ratings of the data file",
        )
    return study.label != "synthetic" and said != "yes"


@checked
def example_study(study: Study) -> Study:
    """Give the study whose recordings and ratings may be shown.

    Parameters
    ----------
    study : Study
        The one that a page is about.

    Returns
    -------
    Study
        The same one if it is not restricted; else one of the synthetic cohort, with the same
        profile and folder.

    Raises
    ------
    DataError
        As `is_restricted`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> study = SimpleNamespace(label="synthetic")  # a study is asked for no more than this
    >>> example_study(study) is study
    True
    """
    if not is_restricted(study):
        return study
    path = synthetic_file(study.spec, study.folder)
    return Study(path, study.profile, study.folder, study.spec)


@checked
def example_label(study: Study) -> str:
    """Name in titles and tables what `example_study` gives.

    Parameters
    ----------
    study : Study
        The one that a page is about.

    Returns
    -------
    str
        Such as ``"synthetic"`` or ``"synthetic, in place of DREAMER"``.

    Raises
    ------
    DataError
        As `is_restricted`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> example_label(SimpleNamespace(label="DREAMER"))
    'synthetic, in place of DREAMER'
    """
    return f"synthetic, in place of {study.label}" if is_restricted(study) else study.label


@checked
def example_note(study: Study) -> str:
    """Say that something else is shown than the page is about.

    Parameters
    ----------
    study : Study
        The one that a page is about.

    Returns
    -------
    str
        One sentence and the end of its line; empty if the study itself is shown.

    Raises
    ------
    DataError
        As `is_restricted`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> example_note(SimpleNamespace(label="synthetic"))
    ''
    >>> example_note(SimpleNamespace(label="DREAMER")).strip()
    'Shown is a synthetic person: single recordings and ratings of DREAMER must not be passed on.'
    """
    if not is_restricted(study):
        return ""
    return (
        f"Shown is a synthetic person: single recordings and ratings of {study.label} "
        "must not be passed on.\n"
    )


@checked
def refuse_restricted(study: Study, what: str) -> None:
    """Refuse to put something of a restricted study where it is passed on.

    Parameters
    ----------
    study : Study
        Where it comes from.
    what : str
        What it is, for the message.

    Raises
    ------
    DataError
        If the study is restricted; and as `is_restricted`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> refuse_restricted(SimpleNamespace(label="synthetic"), "results")
    >>> study = SimpleNamespace(label="DREAMER", path="DREAMER.mat")
    >>> refuse_restricted(study, "results")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: DREAMER.mat: results of DREAMER, whose agreement ...
    """
    if is_restricted(study):
        raise DataError(
            f"{what} of {study.label}, whose agreement forbids passing them on",
            file=study.path,
            expected="the synthetic cohort",
            remedy=f"if you may pass them on, say {SWITCH}=yes",
        )
