"""The synthetic file that takes the place of DREAMER.mat where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import artifacts_folder
from ecglib.studies import stages
from ecglib.synthetic.cohort import (
    CohortSpec,
    make_cohort,
    save_truth,
    write_dreamer_mat,
    written_name,
)

SEED = 0
"""Seed of the synthetic cohort that takes the place of a real file."""


@checked
def synthetic_file(spec: CohortSpec | None = None, folder: Path | None = None) -> Path:
    """Make the synthetic cohort's file, with its truth beside it, unless it is there.

    Parameters
    ----------
    spec : CohortSpec, optional
        What the cohort is like.
    folder : Path, optional
        Where it lies; `ecglib.core.folders.artifacts_folder` by default.

    Returns
    -------
    Path
        A file in the layout of DREAMER.mat. The name of the recipe stands in its header and in its
        truth.

    Raises
    ------
    DataError
        If the file was made by another recipe than its name says.

    Examples
    --------
    >>> import tempfile
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> path = synthetic_file(spec, folder)
    >>> path.suffix, path == synthetic_file(spec, folder)
    ('.mat', True)
    """
    spec = spec or CohortSpec()
    path = (folder or artifacts_folder()) / recipe(spec)
    if not path.is_file():
        made = make_cohort(spec, SEED)
        save_truth(path.with_suffix(".npz"), replace(made.truth, name=path.stem))
        write_dreamer_mat(made.cohort, path, name=path.stem)
    refuse_another(written_name(path), path, path.stem)
    return path


@checked
def refuse_another(found: str, path: Path, expected: str) -> None:
    """Refuse a file of a synthetic cohort other than the expected one.

    Parameters
    ----------
    found : str
        The name that stands in the file.
    path : Path
        The file.
    expected : str
        The name that should.

    Raises
    ------
    DataError
        If they differ.

    Examples
    --------
    >>> refuse_another("cohort-1", Path("cohort.mat"), "cohort-1")
    >>> refuse_another("cohort-1", Path("cohort.mat"), "cohort-2")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: cohort.mat: holds the synthetic cohort ...
    """
    if found != expected:
        raise DataError(
            f"holds the synthetic cohort {found!r}" if found else "does not say which cohort it is",
            file=path,
            expected=repr(expected) if expected else "a file without a name",
            remedy="delete it, and it is made again",
        )


@checked
def recipe(spec: CohortSpec) -> str:
    """Name the synthetic cohort's file by what it is made from, without making it.

    Parameters
    ----------
    spec : CohortSpec
        What the cohort is like.

    Returns
    -------
    str
        Name of the file in its folder.

    Examples
    --------
    >>> recipe(CohortSpec(2)) == recipe(CohortSpec(3)), recipe(CohortSpec(2))[-4:]
    (False, '.mat')
    """
    return stages.COHORT.file({"spec": spec, "seed": SEED})
