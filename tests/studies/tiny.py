"""A cohort, an encoder and a profile small enough to train in a test."""

from dataclasses import replace

from ecglib.models.encoder import EncoderConfig
from ecglib.studies.profiles import SMOKE
from ecglib.synthetic.cohort import CohortSpec

SPEC = CohortSpec(n_participants=6, clip_lengths_s=(20.0, 31.0, 24.0, 20.0), baseline_s=11.0)
ENCODER = EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4))
TINY = replace(
    SMOKE,
    windows=replace(SMOKE.windows, last_s=20.0),
    encoder=ENCODER,
    pretext=replace(
        SMOKE.pretext,
        heldout_windows=10,
        training=replace(SMOKE.pretext.training, steps_per_epoch=2, batch_windows=4),
    ),
    comparison=replace(SMOKE.comparison, folds_per_group=2, labelled=(2,), seeds=(0, 1)),
)
QUICKEST = replace(
    TINY,
    name="quick",
    pretext=replace(
        TINY.pretext,
        heldout_windows=4,
        training=replace(TINY.pretext.training, epochs=2, steps_per_epoch=1, batch_windows=2),
    ),
    head=replace(TINY.head, epochs=2),
    window_folds=2,
    supervised_folds=2,
)
"""Stands in for the profile `quick` where it is tried that lines and commands run."""
