"""Profiles: every number that a study depends on, in one place, with its source.

``paper`` holds the published values. ``quick`` runs the same method on two cores in minutes.
``fast`` is ``paper`` with a pretext schedule that needs far fewer views.
A profile changes sizes, schedules and regularisation, never the method.

References
----------
Sarkar & Etemad, IEEE Transactions on Affective Computing (arXiv 2002.03898). "Released code" is
github.com/pritamqu/SSL-ECG at commit 1cd367d.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pandas as pd

from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import TrainingConfig
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.pretext.contrastive import ContrastiveConfig
from ecglib.pretext.str_model import PretextConfig
from ecglib.pretext.transformations import TASKS
from ecglib.transfer.finetune import HEAD, FineTuneConfig
from ecglib.transfer.frozen import HeadConfig


@dataclass(frozen=True)
class ComparisonConfig:
    """How the choices are compared.

    Parameters
    ----------
    tuning : FineTuneConfig
        Training of the whole network: fine-tuning, from scratch, and the encoder of the supervised
        pretext. They differ in the weights that they start from, and in nothing else.
    head : FineTuneConfig
        Training of the softmax layer on the frozen encoder.
    n_groups : int
        Groups of participants; an encoder is pretrained without each of them.
    folds_per_group : int
        Folds into which the participants of one group are split.
    labelled : tuple of int
        Numbers of labelled participants, besides all; those that some fold does not exceed are
        left out.
    seeds : tuple of int
        Each decides a whole run: the pretraining of every encoder, which participants are labelled,
        the initial weights of what is not pretrained, and the order of the windows.

    Examples
    --------
    >>> QUICK.comparison.n_groups == 4, SMOKE.comparison.seeds
    (True, (0,))
    """

    tuning: FineTuneConfig
    head: FineTuneConfig
    n_groups: int = 4
    folds_per_group: int = 3
    labelled: tuple[int, ...] = (2, 5, 10)
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        check_fields(self)


VARIABLE = "ECGLIB_PROFILE"
"""Environment variable that names the profile of the book; ``quick`` if unset."""


@dataclass(frozen=True)
class Profile:
    """Everything a study depends on except the data.

    Parameters
    ----------
    name : str
        Name of the profile.
    windows : WindowConfig
        How recordings become windows.
    encoder : EncoderConfig
        Shape of the encoder.
    pretext : PretextConfig
        Pretraining.
    head : HeadConfig
        Emotion heads on frozen features.
    contrastive : ContrastiveConfig
        Contrastive pretraining.
    comparison : ComparisonConfig
        Fine-tuning, and the comparison of pretexts, transfers and encoders.
    window_folds : int
        Folds of the window-wise protocol.
    supervised_folds : int
        Folds in which networks are trained from scratch with labels, as `comparison` trains whole
        networks; fewer than elsewhere, because each takes long.
    n_resamples : int
        Bootstrap resamples of the participants.
    seed : int
        Seed from which all others follow.

    Examples
    --------
    >>> PAPER.name, PAPER.window_folds
    ('paper', 10)
    """

    name: str
    windows: WindowConfig
    encoder: EncoderConfig
    pretext: PretextConfig
    head: HeadConfig
    contrastive: ContrastiveConfig
    comparison: ComparisonConfig
    window_folds: int = 10  # released code, main.py
    supervised_folds: int = 4
    n_resamples: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


def _sgd(epochs: int, batch: int, steps: int, rate: float) -> TrainingConfig:
    """Lay out a training by SGD: a tenth of its steps warm up, the rest follow half a cosine."""
    return TrainingConfig(
        epochs=epochs,
        batch_windows=batch,
        steps_per_epoch=steps,
        learning_rate=rate,
        schedule="warmup_cosine",
        warmup_steps=max(1, epochs * steps // 10),
    )


PAPER = Profile(
    name="paper",
    windows=WindowConfig(conditions=("stimulus",)),
    encoder=EncoderConfig(),
    pretext=PretextConfig(
        # Released code, main.py: 100 epochs, 128 windows a step, Adam at 1e-3, ×0.9 every 10,000
        # steps. Dropout 60 % and β = 0.0001: paper and released code.
        training=TrainingConfig(
            epochs=100,
            batch_windows=128,
            steps_per_epoch=None,
            learning_rate=1e-3,
            schedule="staircase",
            decay_rate=0.9,
            decay_steps=10_000,
        ),
    ),
    # 2 × 64 units: the method's text. 200 epochs, batch 128, Adam at 1e-3: released code, main.py.
    head=HeadConfig(hidden=(64, 64), epochs=200, batch_size=128, learning_rate=1e-3),
    # Neither paper is contrastive. Chen et al. (2020): the batch as large as fits, temperature 0.1
    # for long training. The lengths are ours.
    contrastive=ContrastiveConfig(
        TrainingConfig(
            epochs=100,
            batch_windows=128,
            steps_per_epoch=None,
            learning_rate=1e-3,
            schedule="warmup_cosine",
            warmup_steps=200,
        ),
        temperature=0.1,
    ),
    comparison=ComparisonConfig(
        tuning=FineTuneConfig(_sgd(epochs=20, batch=128, steps=50, rate=0.02), clip_norm=1.0),
        head=FineTuneConfig(_sgd(epochs=40, batch=128, steps=50, rate=0.1), scope=HEAD),
        n_groups=3,
        folds_per_group=8,
        labelled=(2, 5, 10, 15),
        seeds=(0, 1, 2, 3, 4),
    ),
)
"""The published values, each with its source beside it."""


QUICK = Profile(
    name="quick",
    windows=WindowConfig(last_s=40.0, conditions=("stimulus",)),
    encoder=EncoderConfig(batch_norm=True, convolution="spectral"),
    pretext=PretextConfig(
        training=TrainingConfig(
            epochs=9,
            batch_windows=8,
            steps_per_epoch=10,
            learning_rate=2e-3,
            schedule="warmup_cosine",
            warmup_steps=12,
        ),
        task_weights=dict.fromkeys(TASKS, 1 / len(TASKS)),
        balanced=True,
        dropout=0.2,
        n_groups=2,
        heldout_windows=200,
    ),
    head=HeadConfig(
        hidden=(64, 64), dropout=0.2, l2=1e-4, epochs=30, batch_size=128, learning_rate=1e-3
    ),
    contrastive=ContrastiveConfig(
        TrainingConfig(
            epochs=6,
            batch_windows=16,
            steps_per_epoch=15,
            learning_rate=2e-3,
            schedule="warmup_cosine",
            warmup_steps=10,
        ),
        temperature=0.1,
    ),
    comparison=ComparisonConfig(
        # Chosen on another synthetic cohort (seed 101), so that the training loss falls below that
        # of a coin from scratch too.
        tuning=FineTuneConfig(_sgd(epochs=4, batch=16, steps=20, rate=0.02), clip_norm=1.0),
        head=FineTuneConfig(_sgd(epochs=10, batch=64, steps=40, rate=0.01), scope=HEAD),
        folds_per_group=2,
    ),
)
"""The same method in minutes on two cores: fewer windows, fewer groups, shorter trainings."""


FAST = replace(
    PAPER,
    name="fast",
    encoder=replace(PAPER.encoder, batch_norm=True, convolution="spectral"),
    pretext=replace(
        QUICK.pretext,
        training=TrainingConfig(
            epochs=20,
            batch_windows=8,
            steps_per_epoch=30,
            learning_rate=2e-3,
            schedule="warmup_cosine",
            warmup_steps=30,
        ),
        n_groups=PAPER.pretext.n_groups,
        heldout_windows=PAPER.pretext.heldout_windows,
    ),
)
"""`PAPER` with a pretext that learns from far fewer views; `benchmarks/bench_schedule.py` compares.

Small batches, warm-up and cosine decay, batch normalisation, equal tasks, balanced classes and less
dropout. Everything after the pretext is as published.
"""


SMOKE = replace(
    QUICK,
    name="smoke",
    pretext=replace(
        QUICK.pretext,
        training=replace(QUICK.pretext.training, epochs=2, steps_per_epoch=4, warmup_steps=2),
        heldout_windows=40,
    ),
    contrastive=replace(
        QUICK.contrastive,
        training=replace(
            QUICK.contrastive.training,
            epochs=2,
            batch_windows=8,
            steps_per_epoch=2,
            warmup_steps=1,
        ),
    ),
    comparison=ComparisonConfig(
        tuning=FineTuneConfig(_sgd(epochs=2, batch=8, steps=2, rate=0.02), clip_norm=1.0),
        head=FineTuneConfig(_sgd(epochs=1, batch=8, steps=20, rate=0.01), scope=HEAD),
        n_groups=2,
        folds_per_group=2,
        labelled=(2,),
        seeds=(0,),
    ),
)
"""To see that everything runs: so little training that no score means anything."""


PROFILES = {profile.name: profile for profile in (QUICK, FAST, PAPER, SMOKE)}
"""All profiles by name."""


@checked
def get_profile(name: str | None = None) -> Profile:
    """Give a profile by `name`; by default the one that ``$ECGLIB_PROFILE`` names, else ``quick``.

    Raises
    ------
    DataError
        If there is no such profile.

    Examples
    --------
    >>> get_profile("paper").name
    'paper'
    >>> get_profile("slow")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field profile: no profile 'slow'. Expected quick, ...
    """
    name = name or os.environ.get(VARIABLE) or QUICK.name
    if name not in PROFILES:
        raise DataError(f"no profile {name!r}", field="profile", expected=", ".join(PROFILES))
    return PROFILES[name]


@checked
def differences(a: Profile, b: Profile) -> pd.DataFrame:
    """List every setting in which two profiles `a` and `b` differ.

    Returns
    -------
    DataFrame
        One row per setting, indexed by its dotted name, one column per profile.

    Examples
    --------
    >>> differences(QUICK, PAPER).columns.tolist(), len(differences(QUICK, QUICK))
    (['quick', 'paper'], 0)
    """
    left, right = _flat(a), _flat(b)
    rows = {
        key: (left.get(key, "–"), right.get(key, "–"))
        for key in left | right
        if key != "name" and left.get(key) != right.get(key)
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[a.name, b.name], dtype=object)
    return frame.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if is_dataclass(value):
        items = {f.name: getattr(value, f.name) for f in fields(value)}
    elif isinstance(value, Mapping):
        items = dict(value)
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, item in items.items():
        flat |= _flat(item, f"{prefix}.{name}" if prefix else name)
    return flat
