"""Small things that several tests use."""

from dataclasses import replace

from ecglib.models.encoder import EncoderConfig
from ecglib.studies.profiles import SMOKE, Profile


def tiny_profile() -> Profile:
    """Give a profile whose networks are so small that a study takes seconds."""
    return replace(
        SMOKE,
        name="quick",
        windows=replace(SMOKE.windows, last_s=20.0),
        encoder=EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4)),
        pretext=replace(
            SMOKE.pretext,
            heldout_windows=4,
            training=replace(SMOKE.pretext.training, epochs=2, steps_per_epoch=1, batch_windows=2),
        ),
        head=replace(SMOKE.head, epochs=2),
        window_folds=2,
        supervised_folds=2,
    )
