"""``ecglib stages``: what is computed once and kept, and whether its code was changed."""

from __future__ import annotations

import sys

import click

EXAMPLES = """\b
Examples:
  ecglib stages
  ecglib stages --lock
"""


@click.command("stages", epilog=EXAMPLES, short_help="List stages; check their code.")
@click.option("--lock", is_flag=True, help="Lock the code as it is now.")
def command(lock: bool) -> None:
    """List the stages, their versions, and whether their code is the locked one.

    A changed stage makes this end with exit code 1. If its numbers changed, raise its version in
    ecglib/studies/stages.py; in either case lock the new code.
    """
    # Here, so that --help does not wait for TensorFlow.
    from ecglib.core.lock import Lock
    from ecglib.studies.stages import LOCK, STAGES, current_lock

    now = current_lock()
    try:
        before = Lock.read(LOCK) if LOCK.is_file() else Lock({})
    except ValueError as error:
        raise click.ClickException(
            f"{LOCK} cannot be read ({error}): delete it, and lock again with --lock"
        ) from error
    forgotten, unrecorded = before.forgotten(now), before.unrecorded(now)
    for stage in STAGES:
        state = "as locked"
        if stage.name in forgotten:
            state = "code changed, version not"
        elif stage.name in unrecorded:
            state = "not locked in this version"
        click.echo(f"{stage.name:24} v{stage.version}  {state}")
    for name in unrecorded:
        if name not in now.entries:
            click.echo(f"{name:24}     in the lock, no longer a stage")
    if lock:
        now.write(LOCK)
        click.echo(f"locked {len(STAGES)} stages")
    elif forgotten or unrecorded:
        sys.exit(1)
