"""The study of real hearts: which recordings, which encoders, and what is done with them.

The question is that of a state, not of an emotion: does an encoder that learnt from unlabelled ECG
help to tell mental arithmetic from rest in a person whom it has never seen? The recordings are
open: eegmat has the labels, and the clinic of MIT-BIH only ECG.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.core.errors import DataError
from ecglib.core.folders import artifacts_folder
from ecglib.data.cohort import Cohort
from ecglib.data.eegmat import CONDITION, read_eegmat
from ecglib.data.labels import label_matrix
from ecglib.data.mitbih import read_mitbih
from ecglib.data.open_sets import find_open, open_set
from ecglib.evaluation.crossfit import participant_groups
from ecglib.evaluation.protocols import CONTRASTIVE, STR
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import TrainingConfig
from ecglib.preprocessing.polarity import polarity
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.contrastive import ContrastiveConfig
from ecglib.pretext.str_model import PretextConfig
from ecglib.studies.profiles import QUICK
from ecglib.transfer.finetune import FineTuneConfig

CLINIC = "clinic"
"""Source of what an encoder learnt from: patients."""

OWN = "eegmat"
"""Source: other people of the same set."""

BOTH = "both"
"""Source: patients, and other people of the same set."""

TURNED = "clinic, turned upright"
"""Source: patients, whose leads were turned upright where they were upside down."""

PART = "part of the clinic"
"""Source: some of the patients, to try the encoder on the others."""

PATIENTS = "other patients"
"""Whom an encoder of part of the clinic is tried on."""

SLOW_HZ = 25.0
"""Cut-off in Hz of the filter that windows of `SLOW` went through."""

SLOW = f"below {SLOW_HZ:g} Hz"
"""Says that windows were filtered."""

NOBODY = "nobody"
"""Of random encoders, and of features that are measured."""

SHOWN = "208"
"""The record of MIT-BIH that the book shows an encoder on: nothing learns from it."""


def _rise_and_fall(epochs: int, batch: int, steps: int, rate: float) -> TrainingConfig:
    return TrainingConfig(
        epochs=epochs,
        batch_windows=batch,
        steps_per_epoch=steps,
        learning_rate=rate,
        schedule="warmup_cosine",
        warmup_steps=max(1, epochs * steps // 10),
    )


_WINDOWS = WindowConfig()
_PRETEXT = replace(QUICK.pretext, training=_rise_and_fall(10, 8, 30, 2e-3))
_CONTRASTIVE = ContrastiveConfig(_rise_and_fall(10, 64, 15, 2e-3), temperature=0.1)
_TUNING = FineTuneConfig(_rise_and_fall(6, 32, 20, 0.02), class_weights=True, clip_norm=1.0)


@dataclass(frozen=True)
class RealPlan:
    """Every number that the study of real hearts depends on, except the recordings.

    Parameters
    ----------
    windows : WindowConfig
        How recordings become windows.
    encoder : EncoderConfig
        Shape of the encoder; each comes with several poolings.
    pretext, contrastive : PretextConfig, ContrastiveConfig
        The two ways to learn without labels.
    tuning : FineTuneConfig
        Training of whole networks with labels, from any start.
    poolings : tuple of str
        With which encoders are trained on the clinic, the first two with every seed and further
        ones with the first.
    seeds : tuple of int
        Of encoders that learn from the clinic, and of random ones.
    n_groups : int
        Groups of people of eegmat; whoever is in a group is tested with an encoder that learnt
        from the others.
    tuned_folds : int
        Folds of people in which whole networks are trained.
    labelled : tuple of int
        Numbers of people whose labels are used, beside all.
    draws : int
        How often they are drawn for heads on frozen features.
    seed : int
        From which the others follow.

    Examples
    --------
    >>> RealPlan().poolings, RealPlan(seeds=(0,)).n_groups
    (('max', 'mean', 'both'), 3)
    """

    windows: WindowConfig = _WINDOWS
    encoder: EncoderConfig = QUICK.encoder
    pretext: PretextConfig = _PRETEXT
    contrastive: ContrastiveConfig = _CONTRASTIVE
    tuning: FineTuneConfig = _TUNING
    poolings: tuple[str, ...] = ("max", "mean", "both")
    seeds: tuple[int, ...] = (0, 1, 2)
    n_groups: int = 3
    tuned_folds: int = 6
    labelled: tuple[int, ...] = (2, 5, 10, 20)
    draws: int = 5
    seed: int = 0


LONG = RealPlan(
    pretext=replace(QUICK.pretext, training=_rise_and_fall(80, 8, 30, 2e-3)),
    contrastive=ContrastiveConfig(_rise_and_fall(80, 64, 15, 2e-3), temperature=0.1),
    poolings=("max", "mean"),
    n_groups=0,
    tuned_folds=0,
)
"""Eight times the views for the encoders that learn from the clinic, and no other training: what
more pretraining changes. Hours on a processor, minutes on a graphics card."""


@dataclass(frozen=True)
class Made:
    """One pretrained encoder of the study, by name.

    Parameters
    ----------
    pretext : str
        `STR` or `CONTRASTIVE`.
    source : str
        Whose ECG it learnt from: `CLINIC`, `OWN`, `BOTH`, `TURNED` or `PART`.
    pooling : str
        With which it was trained.
    seed : int
        Of its weights and of the order of the windows.
    group : int, optional
        The group of people of eegmat, or of patients, that it has not seen; None if it has seen
        nobody of eegmat and every patient.

    Examples
    --------
    >>> Made(STR, CLINIC, "max", seed=0).group is None
    True
    """

    pretext: str
    source: str
    pooling: str
    seed: int
    group: int | None = None


@dataclass(frozen=True)
class RealStudy:
    """The recordings, the plan and the folder of artifacts.

    Parameters
    ----------
    eegmat, clinic : Cohort
        From `read_eegmat` and `clinic_cohort`.
    plan : RealPlan
        The settings.
    folder : Path
        Where artifacts lie.

    Examples
    --------
    >>> rows = pd.DataFrame({"participant": ["a", "b"], "clip": 1, "condition": "rest"})
    >>> rows = rows.assign(n_samples=5120, duration=20.0)
    >>> noise = np.random.default_rng(0).normal(size=(5120, 1))
    >>> cohort = Cohort("invented", 256.0, rows, (noise, -noise), leads=("ECG",), sha256="0f")
    >>> RealStudy(cohort, cohort, RealPlan(), Path("artifacts")).data
    {'eegmat': '0f', 'clinic': '0f'}
    """

    eegmat: Cohort
    clinic: Cohort
    plan: RealPlan = RealPlan()
    folder: Path = field(default_factory=artifacts_folder)

    @property
    def data(self) -> dict[str, str]:
        """Checksums of the recordings: what names the data in the names of files."""
        return {"eegmat": self.eegmat.sha256, "clinic": self.clinic.sha256}

    @cached_property
    def windows(self) -> Windows:
        """Usable windows of eegmat: all that is tested."""
        return make_windows(self.eegmat, self.plan.windows).usable

    @cached_property
    def labels(self) -> np.ndarray:
        """1 for arithmetic, 0 for rest; (n_windows,)."""
        return label_matrix(self.windows.meta, [CONDITION])[:, 0]

    @cached_property
    def clinic_windows(self) -> Windows:
        """Usable windows of the clinic."""
        return make_windows(self.clinic, self.plan.windows).usable

    @cached_property
    def turned(self) -> tuple[Windows, Windows]:
        """Windows of the clinic and of eegmat whose leads were turned upright."""
        config = replace(self.plan.windows, turn=True)
        clinic, eegmat = (make_windows(c, config).usable for c in (self.clinic, self.eegmat))
        return clinic, eegmat

    @cached_property
    def groups(self) -> list[np.ndarray]:
        """People of eegmat in groups, for encoders that learn from some of them."""
        if not self.plan.n_groups:
            return []
        people = self.windows.meta["participant"]
        return participant_groups(people, self.plan.n_groups, self.plan.seed)

    @cached_property
    def clinic_groups(self) -> list[np.ndarray]:
        """Patients in groups, for encoders that learn from some of them."""
        people = self.clinic_windows.meta["participant"]
        return participant_groups(people, self.plan.n_groups, self.plan.seed)

    def encoders(self) -> list[Made]:
        """List every encoder that is pretrained."""
        plan = self.plan
        found = [
            Made(pretext, CLINIC, pooling, seed)
            for pretext in (STR, CONTRASTIVE)
            for number, pooling in enumerate(plan.poolings)
            for seed in (plan.seeds if number < 2 else plan.seeds[:1])
        ]
        found += [
            Made(pretext, source, plan.poolings[0], plan.seed, group)
            for pretext in (STR, CONTRASTIVE)
            for source in (OWN, BOTH)
            for group in range(len(self.groups))
        ]
        if not plan.n_groups:
            return found
        found.append(Made(STR, TURNED, plan.poolings[0], plan.seed))
        parts = range(len(self.clinic_groups))
        return found + [Made(STR, PART, plan.poolings[0], plan.seed, group) for group in parts]

    @checked
    def training_windows(self, made: Made) -> np.ndarray:
        """Give the windows that the encoder `made` learns from, (n_windows, n_samples)."""
        if made.source == TURNED:
            return self.turned[0].X
        if made.source == CLINIC:
            return self.clinic_windows.X
        if made.source == PART:
            return self.clinic_windows.X[~self._of_group(made)]
        own = self.windows.X[~self._of_group(made)]
        return own if made.source == OWN else np.concatenate([self.clinic_windows.X, own])

    @checked
    def unseen(self, made: Made) -> dict[str, np.ndarray]:
        """Give windows of people whom the encoder `made` has not seen, by who and how treated.

        Of an encoder that learnt from part of the clinic these are the other patients, recorded in
        the same way, and the people of eegmat, with and without what is above `SLOW_HZ`.
        """
        if made.source == TURNED:
            return {OWN: self.turned[1].X}
        if made.source == PART:
            tested = {PATIENTS: self.clinic_windows.X[self._of_group(made)], OWN: self.windows.X}
            return tested | {f"{who}, {SLOW}": slowed(X) for who, X in tested.items()}
        if made.group is None:
            return {OWN: self.windows.X}
        return {OWN: self.windows.X[self._of_group(made)]}

    def _of_group(self, made: Made) -> np.ndarray:
        """Say which windows are of the group that an encoder has not seen."""
        of_clinic = made.source == PART
        windows = self.clinic_windows if of_clinic else self.windows
        groups = self.clinic_groups if of_clinic else self.groups
        return np.isin(windows.meta["participant"], groups[made.group])


WAYS_UP = {1: "upright lead", -1: "lead upside down", 0: "undecided lead"}
"""Of the sign of a `ecglib.preprocessing.polarity.Polarity`, in words."""


@checked
def ways_up(study: RealStudy) -> dict[str, str]:
    """Say of every person of eegmat in a `study` whether the lead is upright, in `WAYS_UP`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]
    >>> windows = SimpleNamespace(
    ...     X=np.tile(-beat, (3, 10)), meta=pd.DataFrame({"participant": ["a"] * 3}), fs=256.0
    ... )
    >>> ways_up(SimpleNamespace(windows=windows))
    {'a': 'lead upside down'}
    """
    windows = study.windows
    person = windows.meta["participant"].to_numpy()
    return {
        name: WAYS_UP[polarity(windows.X[person == name], windows.fs).sign]
        for name in np.unique(person)
    }


@checked
def slowed(X: np.ndarray) -> np.ndarray:
    """Take away what is above `SLOW_HZ`: the finest noise, and the sharpest parts of QRS.

    Parameters
    ----------
    X : ndarray of float32, shape (n_windows, n_samples)
        Windows at the study's rate.

    Returns
    -------
    ndarray of float32, of the same shape

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 2560))
    >>> print(slowed(x).std().round(1))
    0.4
    """
    sections = butter(4, SLOW_HZ, fs=WindowConfig.target_fs, output="sos")
    return sosfiltfilt(sections, X, axis=1).astype(np.float32)


@checked
def read_real(
    eegmat: str | os.PathLike[str] | None = None,
    mitdb: Sequence[str | os.PathLike[str]] = (),
    plan: RealPlan | None = None,
    folder: Path | None = None,
) -> RealStudy:
    """Read the recordings of the study.

    Parameters
    ----------
    eegmat : str or os.PathLike, optional
        Folder of `ecglib.data.eegmat.read_eegmat`; by default where
        `ecglib.data.open_sets.find_open` finds the set.
    mitdb : sequence of str or os.PathLike
        Folders of `ecglib.data.mitbih.read_mitbih`; if there are none, likewise.
    plan : RealPlan, optional
        The settings.
    folder : Path, optional
        Where artifacts lie; `ecglib.core.folders.artifacts_folder` by default.

    Returns
    -------
    RealStudy

    Raises
    ------
    DataError
        If a set is nowhere; and as those readers.

    Examples
    --------
    >>> read_real("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: nowhere: there is no such folder. Expected the ...
    """
    return RealStudy(
        read_eegmat(eegmat or _found("eegmat")),
        clinic_cohort(mitdb or [_found("mitdb")]),
        plan or RealPlan(),
        folder or artifacts_folder(),
    )


def _found(name: str) -> Path:
    """Give the folder of an open set, or refuse with what to do."""
    folder = find_open(name)
    if folder is None:
        raise DataError(
            f"the recordings of {open_set(name).title} are nowhere",
            field=name,
            expected=f"a folder, in the variable {open_set(name).variable} or in data/{name}",
            remedy=f"download them: ecglib fetch {name}",
        )
    return folder


@checked
def clinic_cohort(folders: Sequence[str | os.PathLike[str]]) -> Cohort:
    """Read MIT-BIH from one or several folders, the longest recording of every record.

    Parameters
    ----------
    folders : sequence of str or os.PathLike
        Each with some records, whole or in part.

    Returns
    -------
    Cohort
        Without the record `SHOWN`. Its checksum is that of the samples, however they were stored.

    Raises
    ------
    DataError
        If no folder is given; and as `ecglib.data.mitbih.read_mitbih`.

    Examples
    --------
    >>> clinic_cohort(["nowhere"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: nowhere: there is no such folder. Expected the ...
    """
    best: dict[str, tuple[pd.Series, np.ndarray]] = {}
    if not folders:
        raise DataError("no folder of MIT-BIH", field="folders", expected="one or more")
    for cohort in map(read_mitbih, folders):
        for (_, row), signal in zip(cohort.recordings.iterrows(), cohort.signals, strict=True):
            if row["record"] not in best or len(signal) > len(best[row["record"]][1]):
                best[row["record"]] = row, signal
    best.pop(SHOWN, None)
    table = pd.DataFrame([row for row, _ in best.values()]).reset_index(drop=True)
    table = table.astype({"participant": int, "clip": int, "n_samples": int})
    order = table.sort_values(["participant", "clip", "condition"]).index
    signals = [signal for _, signal in best.values()]
    return replace(
        cohort,
        recordings=table.loc[order].reset_index(drop=True),
        signals=tuple(signals[i] for i in order),
        sha256=hashlib.sha256("".join(digest(signals[i]) for i in order).encode()).hexdigest(),
    )
