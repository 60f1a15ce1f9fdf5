"""``ecglib synthesize``: recordings of nobody, whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ecglib.commands._shared import echo_json

EXAMPLES = """\b
Examples:
  ecglib synthesize anna.csv --seconds 60
  ecglib synthesize anna.edf --fs 500 --seed 7
  ecglib synthesize DREAMER.mat
  ecglib synthesize small.mat --participants 6 --clips 4 --seconds 30 --effect 0

\b
Exit codes:
  0  written
  1  a file is there already, or a value is impossible; nothing is written
  2  the command is used wrongly
"""


@click.command("synthesize", epilog=EXAMPLES, short_help="Make synthetic recordings.")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--participants", type=click.IntRange(1), help="People of a cohort.  [default: 23]")
@click.option("--clips", type=click.IntRange(2), help="Clips of a cohort.  [default: 18]")
@click.option(
    "--seconds",
    type=float,
    help="Length of each clip or of the recording.  [default: those of DREAMER; 300]",
)
@click.option(
    "--effect", type=float, help="What feelings do to the ECG; 0 is nothing.  [default: 1]"
)
@click.option("--fs", type=float, metavar="HZ", help="Rate of one recording.  [default: 256]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(out: Path, as_json: bool, **options: Any) -> None:
    """Make a synthetic cohort (OUT ends in .mat) or one recording (.csv, .npz or .edf).

    What is known of it, such as every heartbeat, is written beside it: for a cohort in an .npz file
    of the same name, for a recording in one that ends in .truth.json. The file says of itself that
    it is synthetic. Files are written whole or not at all.
    """
    # Here, so that --help does not wait for SciPy.
    from ecglib.workflows.synthesize import synthesize

    made = synthesize(out, **options)
    if as_json:
        echo_json({"file": str(made.file), "truth": str(made.truth), "what": made.what})
    else:
        click.echo(f"{made.file}: {made.what}, synthetic; the truth is in {made.truth}")
