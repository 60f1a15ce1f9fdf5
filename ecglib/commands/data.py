"""``ecglib data``: which data file is in use."""

from __future__ import annotations

import click

EXAMPLES = """\b
Examples:
  ecglib data
  ECGLIB_DREAMER="$(ecglib data --synthetic)" ecglib results
"""


@click.command("data", epilog=EXAMPLES, short_help="Print the data file in use.")
@click.option("--synthetic", is_flag=True, help="Ignore a real file.")
def command(synthetic: bool) -> None:
    """Print the path of the data file in use; make the synthetic one if there is no real one.

    The real one is $ECGLIB_DREAMER, else data/DREAMER.mat in the home folder.
    """
    # Here, so that --help does not wait for TensorFlow.
    from ecglib.studies.stand_in import synthetic_file
    from ecglib.studies.study import Study

    click.echo(synthetic_file() if synthetic else Study().path)
