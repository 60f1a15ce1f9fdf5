"""Pretraining of one group of a study on several processes; see `ecglib.pretext.distributed`."""

from __future__ import annotations

from ecglib.core.annotations import checked
from ecglib.models.training import History
from ecglib.pretext.distributed import train_distributed
from ecglib.pretext.pretrain import build_model
from ecglib.studies.pretraining import left_out, pretext_folder
from ecglib.studies.study import Study


@checked
def pretrain_group(study: Study, group: int) -> History:
    """Train the encoder that never sees a group, as `pretext` of a study does, in parallel.

    It leaves the finished checkpoint where process 0's study looks for it:
    `ecglib.studies.pretraining.pretext` then has nothing left to train. Every process calls this
    after `ecglib.pretext.distributed.join`.

    Parameters
    ----------
    study : Study
        Of the same data and profile in every process.
    group : int
        Number of the group that is left out.

    Returns
    -------
    History
    """
    profile, usable = study.profile, study.usable
    seed = profile.seed + group
    return train_distributed(
        build_model(profile.pretext, profile.encoder, usable.X.shape[1], seed),
        usable.X[~left_out(study, group)],
        profile.pretext.training,
        seed=seed,
        folder=pretext_folder(study, group),
        label=f"pretext without group {group}",
    )
