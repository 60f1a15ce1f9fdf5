"""A study: one data file, one profile and one folder, from which everything else follows."""

from __future__ import annotations

import copy
import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import artifacts_folder
from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import find_dreamer, read_dreamer
from ecglib.evaluation.crossfit import group_of, participant_groups
from ecglib.preprocessing.segmentation import make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.studies import stages
from ecglib.studies.profiles import Profile, get_profile
from ecglib.studies.stand_in import recipe, refuse_another, synthetic_file
from ecglib.synthetic.cohort import CohortSpec, Truth, load_truth, written_name


class Study:
    """Data, profile and folder; what the chapters of the book ask about is computed from these.

    The functions of `ecglib.studies` take a study and keep what they compute in its folder.

    Parameters
    ----------
    path : path, optional
        A file in the layout of DREAMER.mat. By default `ecglib.data.dreamer.find_dreamer` looks
        for the real one, and the synthetic cohort takes its place if there is none.
    profile : Profile or str, optional
        By default the one that ``$ECGLIB_PROFILE`` names, else ``quick``.
    folder : path, optional
        Folder of the artifacts; `ecglib.core.folders.artifacts_folder` by default.
    spec : CohortSpec, optional
        The synthetic cohort to make if there is no real file.
    allow_duplicates : bool
        Let recordings of the file pass that share samples. What is computed then is kept apart from
        what is computed of a file without such recordings.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), "smoke", folder)
    >>> study.label, len(study.groups), study.windows.X.shape[1]
    ('synthetic', 2, 2560)
    """

    @checked
    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: Profile | str | None = None,
        folder: str | os.PathLike[str] | None = None,
        spec: CohortSpec | None = None,
        *,
        allow_duplicates: bool = False,
    ) -> None:
        self._named = path
        self.profile = profile if isinstance(profile, Profile) else get_profile(profile)
        self.folder = Path(folder) if folder else artifacts_folder()
        self.spec = spec or CohortSpec()
        self.allow_duplicates = allow_duplicates

    @cached_property
    def _given(self) -> Path | None:
        return find_dreamer(self._named)

    @cached_property
    def path(self) -> Path:
        """The data file in use: the real one if there is one, else the synthetic one."""
        return self._given or synthetic_file(self.spec, self.folder)

    @cached_property
    def cohort(self) -> Cohort:
        """The recordings."""
        return read_dreamer(self.path, allow_duplicates=self.allow_duplicates)

    @property
    def label(self) -> str:
        """``"synthetic"`` or ``"DREAMER"``: stands in every title and table."""
        return self.cohort.name

    @cached_property
    def identity(self) -> str:
        """What names the data in the names of files: the file's hash, or the synthetic recipe.

        Two processors may differ in the last digit of a synthetic signal. The recipe does not, and
        it is known before the signals are made.
        """
        synthetic = Path(recipe(self.spec)).stem
        if self._given is None or written_name(self._given) == synthetic:
            return synthetic
        with self._given.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        # Cached windows are read without the file: those of copies must not pass as checked ones.
        return f"{sha256}, duplicates allowed" if self.allow_duplicates else sha256

    @cached_property
    def truth(self) -> Truth | None:
        """What is known of the synthetic cohort that this study made; None for any other file."""
        beside = self.path.with_suffix(".npz")
        if not beside.is_file() or self.label != "synthetic":
            return None
        truth = load_truth(beside)
        refuse_another(truth.name, beside, written_name(self.path))
        return truth

    @cached_property
    def windows(self) -> Windows:
        """All windows, with their quality flags."""
        return stages.WINDOWS.cached(
            {"data": self.identity, "windows": self.profile.windows},
            lambda: make_windows(self.cohort, self.profile.windows),
            self.folder,
        )

    @cached_property
    def usable(self) -> Windows:
        """The windows of good quality; all that is learnt and tested comes from these."""
        return self.windows.usable

    @cached_property
    def groups(self) -> list[np.ndarray]:
        """Participants in groups of nearly equal size; encoder `g` never sees ``groups[g]``."""
        people = self.cohort.recordings["participant"]
        try:
            return participant_groups(people, self.profile.pretext.n_groups, self.profile.seed)
        except DataError as error:
            raise DataError(error.problem, file=self.path, expected=error.expected) from error

    @property
    def group_of(self) -> dict[int, int]:
        """Group of each participant."""
        return group_of(self.groups)

    @checked
    def with_profile(self, profile: Profile) -> Study:
        """Give the study of the same data with another `profile`."""
        other = copy.copy(self)  # with what is in memory already and does not depend on the profile
        other.profile = profile
        if profile.windows != self.profile.windows:
            other.__dict__.pop("windows", None)
            other.__dict__.pop("usable", None)
        if (
            profile.pretext.n_groups != self.profile.pretext.n_groups
            or profile.seed != self.profile.seed
        ):
            other.__dict__.pop("groups", None)
        return other
