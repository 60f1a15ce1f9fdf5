"""``ecglib pretrain``: the encoders of a study, on one process or on several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ecglib.studies.study import Study


EXAMPLES = """\b
Examples:
  ecglib pretrain
  KERAS_BACKEND=jax ecglib pretrain --group 0 --coordinator 10.0.0.1:9911 \\
      --processes 2 --process 0
"""


@click.command("pretrain", epilog=EXAMPLES, short_help="Pretrain encoders and keep them.")
@click.option("--group", type=int, help="Leave out this group only.  [default: each in turn]")
@click.option(
    "--profile", help="quick, fast, paper or smoke.  [default: $ECGLIB_PROFILE, else quick]"
)
@click.option("--coordinator", help="HOST:PORT of process 0, for several processes.")
@click.option("--processes", type=int, default=1, show_default=True, help="Number of processes.")
@click.option("--process", type=int, default=0, show_default=True, help="Which one this is.")
@click.option("--wait", default=600, show_default=True, help="Seconds to wait for the others.")
@click.option("--timeout", default=60, show_default=True, help="Seconds until one counts as dead.")
def command(
    group: int | None,
    profile: str | None,
    coordinator: str | None,
    processes: int,
    process: int,
    wait: int,
    timeout: int,
) -> None:
    """Pretrain by signal transformation recognition (STR), and keep the encoder.

    It learns from everyone outside a group of people, who can then be tested.

    With --coordinator several processes share every batch; start each with KERAS_BACKEND=jax and a
    number of its own. Process 0 keeps the encoder. An interrupted training continues.
    """
    if coordinator is None and processes > 1:
        raise click.UsageError("several processes need --coordinator HOST:PORT")
    if coordinator is not None:
        if group is None:
            raise click.UsageError("several processes train one group: name it with --group")
        if not 0 <= process < processes:
            raise click.UsageError(f"--process must be from 0 to {processes - 1}")
        if os.environ.get("KERAS_BACKEND") != "jax":
            raise click.UsageError("several processes need Keras on JAX: set KERAS_BACKEND=jax")
    # Here, so that --help does not wait for TensorFlow.
    from ecglib.core.process import tune_process
    from ecglib.studies.study import Study

    tune_process()
    study = Study(profile=profile)
    groups = range(len(study.groups)) if group is None else [group]
    if any(g not in range(len(study.groups)) for g in groups):
        raise click.UsageError(f"there are groups 0 to {len(study.groups) - 1}")
    if coordinator is None:
        _alone(study, groups)
    else:
        _together(study, group, (coordinator, processes, process, wait, timeout))


def _alone(study: Study, groups: Iterable[int]) -> None:
    from ecglib.studies.pretraining import pretext  # loads TensorFlow; --help must not wait for it

    for group in groups:
        loss = pretext(study, group).history["loss"]
        click.echo(f"group {group}: loss {loss.iloc[-1]:.4f} after {len(loss)} epochs")


def _together(study: Study, group: int, given: tuple[str, int, int, int, int]) -> None:
    # Here, so that --help does not wait for a backend.
    import keras

    from ecglib.pretext.distributed import Cluster, join
    from ecglib.studies.distributed import pretrain_group
    from ecglib.studies.pretraining import pretext

    cluster = Cluster(*given)
    windows = len(study.usable)  # made before the others are waited for: it can take a while
    join(cluster)

    import jax

    click.echo(f"process {cluster.process}: {windows} windows, {jax.device_count()} devices")
    history = pretrain_group(study, group)
    click.echo(f"process {cluster.process}: loss {history.epochs[-1]['loss']:.4f}")
    jax.distributed.shutdown()
    if cluster.process == 0:
        keras.distribution.set_distribution(None)
        pretext(study, group)
