"""``ecglib report``: one HTML page about a recording, a cohort or the results of a study."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ecglib.commands._shared import echo_json, recording_options, tell

EXAMPLES = """\b
Examples:
  ecglib report anna.edf -o anna.html
  ecglib report holter.npy --fs 500 --lead 1 --unit mV -o holter.html
  ecglib report data/DREAMER.mat -o cohort.html
  ecglib report data/eegmat -o eegmat.html
  ecglib report --predictions result/predictions.csv.gz -o study.html

\b
Exit codes:
  0  the page is written
  1  something cannot be read, or the page is there already; nothing is written
  2  the command is used wrongly
"""


@click.command("report", epilog=EXAMPLES, short_help="Make one HTML page.")
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option(
    "--predictions", type=click.Path(path_type=Path), help="The page is about these (.csv.gz)."
)
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page, .html.",
)
@recording_options
@click.option("--force", is_flag=True, help="Replace a page that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    source: Path | None,
    predictions: Path | None,
    out: Path,
    fs: float | None,
    leads: list[str | int] | None,
    unit: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make one HTML page about SOURCE: a recording, a DREAMER.mat, a set, or a folder of results.

    The page needs no network and no other file: pictures are inside. Of a recording it shows the
    verdict, quality over time, the first seconds on ECG paper, the median beat, the heart rate and
    features. Of a DREAMER.mat that is not synthetic, and of its results, it shows tables over all
    people only, as the agreement of that database forbids passing its data on; of the folder of a
    set that `ecglib features` knows, too.
    """
    if (source is None) == (predictions is None):
        raise click.UsageError("give SOURCE or --predictions, and not both")
    # Here, so that --help does not wait for matplotlib.
    from ecglib.workflows.report import report

    typed = ["ecglib", "report", (source or predictions).name]  # names no folder of this machine
    for name, value in (("--fs", fs), ("--unit", unit)):
        typed += [] if value is None else [name, f"{value}"]
    for lead in leads or []:
        typed += ["--lead", str(lead)]
    page = report(
        source or predictions,
        out,
        fs=fs,
        leads=leads,
        unit=unit,
        command=shlex.join(typed),
        force=force,
        tell=tell,
    )
    told = {"page": str(page), "bytes": page.stat().st_size}
    if as_json:
        echo_json(told)
    else:
        click.echo(f"{page}: {told['bytes'] / 1000:.0f} kB, open it in a browser")
