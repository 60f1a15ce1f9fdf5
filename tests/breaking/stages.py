"""Small versions of what takes long, to be killed: each computes into a folder, and goes on there.

No network is compiled: that would take longer than to train it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecglib.core.folders import ARTIFACTS, HOME
from tests.data.web import Web, some_set, sums_of
from tests.uncompiled import uncompiled

if TYPE_CHECKING:
    from ecglib.studies.study import Study

MB = 1 << 20

EPOCHS = 5
"""Of each pretraining; a checkpoint follows each."""


def windows(folder: Path) -> None:
    """Make the synthetic recordings and cut them into windows."""
    from ecglib.studies.study import Study
    from tests.studies.tiny import SPEC, TINY

    assert len(Study(profile=TINY, folder=folder, spec=SPEC).usable)


def str_pretraining(folder: Path) -> None:
    """Pretrain on versions to recognise, with a checkpoint after each epoch."""
    from ecglib.studies import pretraining

    pretraining.pretext(_study(folder), 0)


def contrastive_pretraining(folder: Path) -> None:
    """Pretrain contrastively, with probes, and a checkpoint after each epoch."""
    from ecglib.studies import pretraining

    pretraining.contrastive(_study(folder), 0)


def tables(folder: Path) -> None:
    """Compute the grid of the comparison, part by part; pretraining has stages of its own here."""
    from ecglib.studies.comparison import Starts
    from ecglib.studies.comparison_tables import grid

    make = Starts._make
    Starts._make = lambda self, pretext, *others: make(self, "random", *others)
    grid(_study(folder))


def real(folder: Path) -> None:
    """Train networks of the study of real hearts on five invented people, and score them."""
    from ecglib.data.eegmat import CONDITIONS
    from ecglib.studies.real import RealStudy
    from ecglib.studies.real_networks import train_all
    from ecglib.studies.real_scores import real_scores
    from tests.studies import test_real

    test_real.PEOPLE = test_real.PEOPLE[:5]
    rng = np.random.default_rng(0)
    plan = replace(
        test_real.tiny_plan(),
        poolings=("max", "max"),
        n_groups=0,
        tuned_folds=2,
        labelled=(),
        draws=1,
    )
    people = test_real.cohort("eegmat", CONDITIONS, rng, "a")
    clinic = test_real.cohort("MIT-BIH", ("clinic",), rng, "b")
    study = RealStudy(people, clinic, plan, folder)
    train_all(study)
    real_scores(study, RealStudy(people, clinic, replace(plan, tuned_folds=0), folder))


def fetch(folder: Path) -> None:
    """Download three files from a server on this machine."""
    from ecglib.data.fetch import fetch

    fetch(some_set(os.environ["SERVER"]), folder)


STAGES: dict[str, Callable[[Path], None]] = {
    "windows": windows,
    "STR pretraining": str_pretraining,
    "contrastive pretraining": contrastive_pretraining,
    "comparison": tables,
    "fetch": fetch,
    "real hearts": real,
}

WITHOUT_KERAS = ("fetch",)

AFTER_WINDOWS = ("STR pretraining", "contrastive pretraining", "comparison")
"""Stages that start in a folder with windows, so that it is they that are killed."""


def _study(folder: Path) -> Study:
    from ecglib.studies.study import Study
    from tests.studies.tiny import SPEC, TINY

    pretext, contrastive = TINY.pretext, TINY.contrastive
    profile = replace(
        TINY,
        pretext=replace(pretext, training=replace(pretext.training, epochs=EPOCHS)),
        contrastive=replace(contrastive, training=replace(contrastive.training, epochs=EPOCHS)),
        comparison=replace(TINY.comparison, folds_per_group=1),
    )
    return Study(profile=profile, folder=folder, spec=SPEC)


def import_all() -> None:
    """Import what the stages need, and compute nothing, so that processes can be forked."""
    for name in (
        "ecglib.studies.comparison_tables",
        "ecglib.studies.real_scores",
        "tests.studies.test_real",
    ):
        import_module(name)


def compile_nothing() -> None:
    """Let networks of this process train without being compiled, and without a graph."""
    from keras import Model

    Model.compile = uncompiled(Model.compile, eagerly=True)


@contextmanager
def surroundings(home: Path) -> Iterator[None]:
    """Give children an empty home folder and a server; `home` is theirs."""
    rng = np.random.default_rng(0)
    web = Web()
    for name, size in (("Subject00_1.edf", 6 * MB), ("Subject00_2.edf", 3 * MB)):
        web.files[name] = rng.bytes(size)
    web.files["SHA256SUMS.txt"] = sums_of(
        {name: content for name, content in web.files.items() if "SUMS" not in name}
    )
    web._server.handle_error = lambda *_: None  # who is killed hangs up
    named = {HOME: str(home), ARTIFACTS: "", "ECGLIB_PROFILE": "", "SERVER": web.url}
    before = {name: os.environ.get(name) for name in named}
    os.environ.update(named)
    try:
        yield
    finally:
        web.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
