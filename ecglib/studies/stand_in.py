"""The synthetic file that takes the place of DREAMER.mat where there is none."""

from __future__ import annotations

from pathlib import Path

from ecglib.core.folders import artifacts_folder
from ecglib.studies import stages
from ecglib.synthetic.cohort import CohortSpec, make_cohort, save_truth, write_dreamer_mat

SEED = 0
"""Seed of the synthetic cohort that takes the place of a real file."""


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
        A file in the layout of DREAMER.mat.
    """
    spec = spec or CohortSpec()
    path = (folder or artifacts_folder()) / recipe(spec)
    if not path.is_file():
        made = make_cohort(spec, SEED)
        save_truth(path.with_suffix(".npz"), made.truth)
        write_dreamer_mat(made.cohort, path)
    return path


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
    """
    return stages.COHORT.file({"spec": spec, "seed": SEED})
