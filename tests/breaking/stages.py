"""Small versions of what takes long, to be killed: each computes into a folder, and can go on there.

No network is compiled: that would take longer than to train it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ecglib.core.folders import ARTIFACTS, HOME
from tests.data.web import Web, some_set, sums_of

MB = 1 << 20


def windows(folder: Path) -> None:
    """Make the synthetic recordings and cut them into windows."""
    from ecglib.studies.study import Study
    from tests.studies.tiny import SPEC, TINY

    assert len(Study(profile=TINY, folder=folder, spec=SPEC).usable)


def str_pretraining(folder: Path) -> None:
    """Pretrain on versions to recognise, with a checkpoint after each of six epochs."""
    from ecglib.studies import pretraining

    pretraining.pretext(_study(folder), 0)


def contrastive_pretraining(folder: Path) -> None:
    """Pretrain contrastively, with probes, and a checkpoint after each of six epochs."""
    from ecglib.studies import pretraining

    pretraining.contrastive(_study(folder), 0)


def tables(folder: Path) -> None:
    """Compute the grid of the comparison and what every encoder learnt, pretraining included."""
    from ecglib.studies.comparison_tables import grid, pretext_report

    study = _study(folder, epochs=2)
    grid(study)
    pretext_report(study)


def real(folder: Path) -> None:
    """Train the networks of the study of real hearts on nine invented people, and score them."""
    from ecglib.studies.real_scores import real_scores
    from tests.studies.test_real import tiny_study

    study = tiny_study(folder)
    alone = replace(study.plan, n_groups=0, tuned_folds=0)
    longer = type(study)(study.eegmat, study.clinic, alone, folder)
    real_scores(study, longer)


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

AFTER_WINDOWS = ("STR pretraining", "contrastive pretraining", "comparison")
"""Stages that start in a folder with windows, so that it is they that are killed."""


def _study(folder: Path, epochs: int = 6):
    from ecglib.studies.study import Study
    from tests.studies.tiny import SPEC, TINY

    pretext, contrastive = TINY.pretext, TINY.contrastive
    profile = replace(
        TINY,
        pretext=replace(pretext, training=replace(pretext.training, epochs=epochs)),
        contrastive=replace(contrastive, training=replace(contrastive.training, epochs=epochs)),
    )
    return Study(profile=profile, folder=folder, spec=SPEC)


def import_all() -> None:
    """Import what the stages need, and compute nothing, so that processes can be forked from here."""
    import ecglib.studies.comparison_tables
    import ecglib.studies.real_scores
    import tests.studies.test_real  # noqa: F401


def uncompiled() -> None:
    """Let the studies of this process train without compiling networks."""
    from ecglib.pretext.pretrain import pretrain
    from ecglib.studies import comparison, pretraining, real_networks
    from ecglib.transfer.finetune import FineTuner, fit_classifiers

    for module in (pretraining, real_networks):
        module.pretrain = partial(pretrain, jit_compile=False)
        module.FineTuner = partial(FineTuner, jit_compile=False)
    comparison.fit_classifiers = partial(fit_classifiers, jit_compile=False)


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
