"""``ecglib pretrain``: an encoder of one's own recordings, or those of a study."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecglib.commands._shared import (
    duplicates_option,
    echo_json,
    interruptible,
    recording_options,
    tell,
)

if TYPE_CHECKING:
    from ecglib.studies.study import Study


EXAMPLES = """\b
Examples:
  ecglib pretrain recordings/ -o mine.npz
  ecglib pretrain recordings/ -o mine.npz --fs 500 --lead II --views 100000 \\
      --licence CC-BY-4.0
  ecglib pretrain
  KERAS_BACKEND=jax ecglib pretrain --group 0 --coordinator 10.0.0.1:9911 \\
      --processes 2 --process 0
"""

_OF_STUDY = ("group", "profile", "coordinator", "processes", "process", "wait", "timeout")


@click.command("pretrain", epilog=EXAMPLES, short_help="Pretrain encoders and keep them.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The encoder's file, .npz.")
@click.option("--table", type=click.Path(path_type=Path), help="Table of the recordings.")
@recording_options
@duplicates_option
@click.option(
    "--method",
    type=click.Choice(["STR", "contrastive"]),
    default="STR",
    show_default=True,
    help="Pretext task.",
)
@click.option(
    "--views",
    type=click.IntRange(1),
    help="Versions of windows to show.  [default: 33600, minutes on two cores]",
)
@click.option(
    "--holdout",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the participants left out, to measure recognition.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--name", help="Name of the encoder.  [default: that of its file]")
@click.option("--licence", help="Licence of the weights.  [default: not stated]")
@click.option("--attribution", help="Whom to name.  [default: not stated]")
@click.option("--again", is_flag=True, help="Train anew, whatever is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the encoder's card as JSON.")
@click.option(
    "--group", type=int, help="Study: leave out this group only.  [default: each in turn]"
)
@click.option(
    "--profile",
    help="Study: quick, fast, paper or smoke.  [default: $ECGLIB_PROFILE, else quick]",
)
@click.option("--coordinator", help="Study: HOST:PORT of process 0, for several processes.")
@click.option(
    "--processes", type=int, default=1, show_default=True, help="Study: number of processes."
)
@click.option("--process", type=int, default=0, show_default=True, help="Study: which one this is.")
@click.option(
    "--wait", default=600, show_default=True, help="Study: seconds to wait for the others."
)
@click.option(
    "--timeout", default=60, show_default=True, help="Study: seconds until one counts as dead."
)
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    group: int | None,
    profile: str | None,
    coordinator: str | None,
    processes: int,
    process: int,
    wait: int,
    timeout: int,
    **own: Any,
) -> None:
    """Pretrain an encoder on the recordings in FOLDER, which need no labels, and keep it.

    Windows with gaps, clipping or flat parts are left out, and so are some participants, on whom
    it is measured how well transformations are recognised. An interrupted training continues.

    Without FOLDER the encoders of a study are pretrained by signal transformation recognition
    (STR): each learns from everyone outside a group of people, who can then be tested. With
    --coordinator several processes share every batch; start each with KERAS_BACKEND=jax and a
    number of its own. Process 0 keeps the encoder.
    """
    _refuse_mixed(ctx, folder)
    if folder is not None:
        _from_folder(folder, **own)
        return
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


def _refuse_mixed(ctx: click.Context, folder: Path | None) -> None:
    """Refuse options of a study beside a folder, and options of a folder without one."""
    for option in ctx.command.params:
        given = ctx.get_parameter_source(option.name) == click.core.ParameterSource.COMMANDLINE
        if not given or option.name == "folder" or (option.name in _OF_STUDY) == (folder is None):
            continue
        needs = "needs a FOLDER of recordings" if folder is None else "is of studies, not of FOLDER"
        raise click.UsageError(f"{option.opts[-1]} {needs}")
    if folder is not None and ctx.params["out"] is None:
        raise click.UsageError("say where the encoder goes: -o FILE.npz")


def _from_folder(
    folder: Path,
    out: Path,
    views: int | None,
    licence: str | None,
    attribution: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    from ecglib.core.process import tune_process  # TensorFlow; --help must not wait for it
    from ecglib.workflows.pretraining import UNKNOWN, VIEWS, pretrain_folder

    tune_process()
    with interruptible("the same command goes on from the last checkpoint, if there is one"):
        card = pretrain_folder(
            folder,
            out,
            views=views or VIEWS,
            licence=licence or UNKNOWN,
            attribution=attribution or UNKNOWN,
            tell=tell,
            **options,
        )
    if as_json:
        echo_json({"file": str(out), **card.to_json()})
        return
    facts = card.training
    click.echo(f"{out}: {card.name}, {card.pretext} on {card.data.name}, {card.data.people} people")
    click.echo(f"{facts['views']} views in {facts['seconds']:.0f} s, loss {facts['loss']:.4f}")
    if card.recognition is not None:
        click.echo(f"recognition (AUC) on {card.recognition.people}:")
        for task, auc in card.recognition.auc.items():
            click.echo(f"  {task:20} {auc:.3f}")


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
