"""From a folder of recordings without labels to an encoder in a file, with its card."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest, evenly_spaced
from ecglib.core.artifacts import fingerprint
from ecglib.core.errors import DataError
from ecglib.core.words import counted
from ecglib.data.cohort import Cohort
from ecglib.data.folder import read_folder
from ecglib.data.readers.choice import Leads
from ecglib.evaluation.protocols import CONTRASTIVE, STR
from ecglib.evaluation.recognition import task_scores
from ecglib.models.card import EncoderCard, Recognition, TrainingData
from ecglib.models.encoder import EncoderConfig, even_batch
from ecglib.models.training import TrainingConfig
from ecglib.models.weights import load_encoder, save_encoder
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.pretrain import Clock, PretextConfigs, Pretrained, pretrain
from ecglib.pretext.str_model import STRModel
from ecglib.pretext.transformations import TASKS, AllVersions
from ecglib.studies.profiles import FAST, QUICK
from ecglib.workflows.embedding import preprocessing_of
from ecglib.workflows.output import refuse_to_replace_input
from ecglib.workflows.sources import long_enough, say_nothing

VIEWS = 33_600
"""Versions of windows shown in a training: those of the profile ``fast``, 20 epochs of 30 steps."""

MIN_PEOPLE = 5
"""With fewer participants nobody is left out, and recognition is not measured."""

UNKNOWN = "unknown: not stated"
"""Licence and attribution where nobody has given them."""

_STEPS = 10  # in an epoch, after which a checkpoint is written: seconds on two cores


@checked
def pretrain_folder(
    folder: str | Path,
    out: str | Path,
    *,
    table: str | Path | None = None,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    allow_duplicates: bool = False,
    method: Literal["STR", "contrastive"] = "STR",
    views: int = VIEWS,
    encoder: EncoderConfig | None = None,
    holdout: float = 0.2,
    seed: int = 0,
    name: str | None = None,
    licence: str = UNKNOWN,
    attribution: str = UNKNOWN,
    again: bool = False,
    tell: Callable[[str], object] = say_nothing,
) -> EncoderCard:
    """Pretrain an encoder on a folder of recordings, and write it with its card.

    An interrupted training goes on where it was when the same is asked for again. Where the encoder
    is there already, made from the same recordings with the same settings, nothing is trained.

    Parameters
    ----------
    folder, table, fs, leads, unit, allow_duplicates
        As in `ecglib.data.folder.read_folder`; no label is used.
    out : str or Path
        The encoder's file, ``.npz``. Checkpoints lie beside it, in a hidden folder, until it is
        written.
    method : {"STR", "contrastive"}
        Signal transformation recognition, or contrastive learning.
    views : int
        How many versions of windows to show; the schedule is that of the profile ``fast``, longer
        or shorter.
    encoder : EncoderConfig, optional
        Shape of the encoder; by default that of the profile ``fast``.
    holdout : float
        Share of the participants that the encoder does not see, and on whom recognition is
        measured; 0 for none.
    seed : int
        Seed of everything random, and of who is left out.
    name : str, optional
        Name of the encoder; by default that of its file.
    licence, attribution : str
        Of the weights, for the card.
    again : bool
        Train anew, whatever is there.
    tell : callable
        Is given lines about what is done, such as which windows are left out.

    Returns
    -------
    EncoderCard
        As it stands in the file.

    Raises
    ------
    DataError
        As in `ecglib.data.folder.read_folder`; if there are too few good windows, a setting is out
        of range, or `out` is there and is something else, such as one of the recordings.

    Examples
    --------
    >>> import tempfile
    >>> folder, rng = Path(tempfile.mkdtemp()), np.random.default_rng(0)
    >>> for person in ("anna", "bo"):
    ...     beats = np.tile(np.r_[np.hanning(25), 0.1 * np.hanning(175)], 100)
    ...     np.savez(folder / f"{person}.npz", ecg=beats + 0.01 * rng.normal(size=20000), fs=250)
    >>> tiny = EncoderConfig(8, batch_norm=True, filters=(4, 4, 4), kernels=(8, 4, 4))
    >>> card = pretrain_folder(folder, folder / "out" / "mine.npz", views=112, encoder=tiny)
    >>> card.name, card.data.people, card.training["views"]
    ('mine', 2, 112)
    """
    out = Path(out)
    if out.suffix != ".npz":
        raise DataError(f"the extension {out.suffix!r}", file=out, expected="an .npz file")
    if method not in (STR, CONTRASTIVE) or not 0 <= holdout < 1 or views < 1:
        raise DataError(
            f"method {method!r}, holdout {holdout}, views {views}",
            field="method, holdout, views",
            expected=f"{STR} or {CONTRASTIVE}, a share from 0 to below 1, one view or more",
        )
    config = WindowConfig(leads=None)
    cohort = read_folder(
        folder, table, fs=fs, leads=leads, unit=unit, allow_duplicates=allow_duplicates
    )
    refuse_to_replace_input(out, [Path(folder) / name for name in cohort.recordings["file"]])
    cohort = long_enough(cohort, config.length_s, tell)
    made = make_windows(cohort, config)
    windows = made.usable
    _tell_quality(made, tell)
    pretext = _pretext(method, views)
    people = windows.meta["participant"].unique()
    unseen = _left_out(people, holdout, seed)
    shown = ~windows.meta["participant"].isin(unseen).to_numpy()
    _need_windows(int(shown.sum()), pretext.training.batch_windows, cohort)
    shape = encoder or FAST.encoder
    request = fingerprint(
        {
            "X": digest(windows.X),
            "shown": digest(shown),
            "pretext": pretext,
            "method": method,
            "encoder": shape,
            "seed": seed,
        }
    )
    if out.exists() and not again:
        return _as_asked(out, request, tell)
    if len(unseen):
        tell(f"{len(unseen)} of {len(people)} participants left out, to measure recognition")
    else:
        few = f"{counted(len(people), 'participant')}, too few to leave one out"
        tell(f"recognition is not measured: {few if holdout else 'nobody is left out'}")
    checkpoints = out.with_name(f".{out.name}-{request}")
    if again:
        shutil.rmtree(checkpoints, ignore_errors=True)
    elif checkpoints.is_dir():
        tell("an interrupted training goes on")
    clock = Clock()
    X = windows.X[shown]
    trained = pretrain(
        X,
        pretext,
        shape,
        seed=seed,
        folder=checkpoints,
        callbacks=[clock],
        label=f"pretext on {cohort.name}",
    )
    recognition = None
    if not shown.all():
        tested = windows.meta["participant"][~shown].nunique()
        who = f"{tested} of {len(people)} participants, left out"
        recognition = recognition_on(trained, windows.X[shown], windows.X[~shown], who, seed)
    card = EncoderCard(
        name=name or out.stem,
        pretext=method,
        data=TrainingData(
            cohort.name,
            people=len(people) - len(unseen),
            sha256=digest(X),
            description=f"{len(X)} windows of {', '.join(cohort.leads)}, without labels; the "
            "checksum is that of the windows",
        ),
        licence=licence,
        preprocessing=preprocessing_of(config),
        limits="It knows the recordings that it learnt from. What its features say of a person is "
        "to be measured on other people; it is no medical device.",
        attribution=attribution,
        training={
            "views": _views(method, pretext.training),
            "seed": seed,
            "seconds": round(clock.seconds, 1),
            "loss": trained.history.epochs[-1]["loss"],
            "windows left out": _counts(made),
            "settings": dataclasses.asdict(pretext),
            "request": request,
        },
        recognition=recognition,
    )
    save_encoder(out, trained.encoder, shape, card)
    for left in out.parent.glob(f".{out.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    return load_encoder(out)[1]


def _pretext(method: str, views: int) -> PretextConfigs:
    """Give the settings of the profile ``fast``, with a training that shows so many views."""
    own: PretextConfigs = FAST.pretext if method == STR else QUICK.contrastive
    a_step = dataclasses.replace(own.training, epochs=1, steps_per_epoch=1)
    total = math.ceil(views / _views(method, a_step))
    steps = min(_STEPS, total)
    epochs = math.ceil(total / steps)
    fast = FAST.pretext.training
    share = fast.warmup_steps / (fast.epochs * fast.steps(0))
    training = dataclasses.replace(
        own.training,
        epochs=epochs,
        steps_per_epoch=steps,
        warmup_steps=max(1, round(share * epochs * steps)),
    )
    return dataclasses.replace(own, training=training)


def _views(method: str, training: TrainingConfig) -> int:
    """Count the versions of windows that a training shows."""
    versions = len(TASKS) if method == STR else 2
    return training.epochs * (training.steps_per_epoch or 0) * training.batch_windows * versions


def _counts(made: Windows) -> dict[str, int]:
    """Count the windows that are not good, by what is wrong with them."""
    quality = made.meta["quality"]
    return quality[quality != "ok"].value_counts().to_dict()


def _tell_quality(made: Windows, tell: Callable[[str], object]) -> None:
    counts = _counts(made)
    people = made.meta["participant"].nunique()
    told = f"{counted(len(made), 'window')} of {counted(people, 'participant')}"
    if counts:
        why = ", ".join(f"{number} {name}" for name, number in counts.items())
        told += f"; {sum(counts.values())} left out: {why}"
    tell(told)


def _left_out(people: np.ndarray, holdout: float, seed: int) -> np.ndarray:
    """Choose the participants whom the encoder does not see."""
    if holdout == 0 or len(people) < MIN_PEOPLE:
        return people[:0]
    number = min(len(people) - 1, max(1, round(holdout * len(people))))
    return np.random.default_rng(seed).permutation(people)[:number]


def _need_windows(n: int, batch: int, cohort: Cohort) -> None:
    if n < batch:
        raise DataError(
            f"{n} good windows to learn from in {cohort.name}",
            field="windows",
            expected=f"at least {batch}, one batch",
            remedy="add recordings, or leave out fewer participants (holdout)",
        )


def _as_asked(out: Path, request: str, tell: Callable[[str], object]) -> EncoderCard:
    """Give the card of an encoder that is there, if it is the one asked for."""
    _, card = load_encoder(out)
    if card.training.get("request") != request:
        raise DataError(
            "is an encoder of other recordings or settings",
            file=out,
            expected="no such file, or the encoder that is asked for",
            remedy="write to another file, or replace this one: again=True (the command line: "
            "--again)",
        )
    tell(f"{out} is there already, made from the same; nothing is done")
    return card


@checked
def recognition_on(
    trained: Pretrained, others: np.ndarray, tested: np.ndarray, people: str, seed: int = 0
) -> Recognition:
    """Measure how well transformations are recognised in windows of people never seen.

    Parameters
    ----------
    trained : Pretrained
        By either pretext. One that has no heads for the transformations gets a linear
        discriminant of its features.
    others, tested : ndarray of float32, shape (n_windows, n_samples)
        Windows that the discriminant is fitted on, and windows of people whom neither it nor the
        encoder has seen; at most 300 of each are used.
    people : str
        Who the tested people are.
    seed : int
        Seed of the transformations.

    Returns
    -------
    Recognition
    """
    most = FAST.pretext.heldout_windows
    others, tested = (evenly_spaced(X, most) for X in (others, tested))
    if isinstance(trained.model, STRModel):
        logits = trained.model.predict(tested, batch_size=even_batch(len(tested), 30), verbose=0)
    else:
        versions = AllVersions(seed=seed)
        known, asked = (
            trained.encoder.predict(_versions(versions, X), batch_size=70, verbose=0)
            for X in (others, tested)
        )
        answers = np.tile(np.arange(len(TASKS)), len(others))
        told = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(known, answers)
        # A class's own score has a part that is the same for all classes; its probability has not.
        logits = np.clip(told.predict_log_proba(asked), -700, None)
        people += "; told by a linear discriminant that was fitted on windows of other people"
    scores = task_scores(logits.reshape(len(tested), len(TASKS), len(TASKS)))
    return Recognition({task: float(auc) for task, auc in scores["auc"].items()}, people)


def _versions(versions: AllVersions, X: np.ndarray) -> np.ndarray:
    """Make all versions of windows, a few windows at a time."""
    parts = np.array_split(X, math.ceil(len(X) / 30))
    return np.concatenate([keras.ops.convert_to_numpy(versions(part)) for part in parts])
