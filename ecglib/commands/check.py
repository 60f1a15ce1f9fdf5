"""``ecglib check``: what a recording is, and whether it is good enough to learn from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ecglib.commands._shared import recording_options, tell
from ecglib.core.errors import DataError

EXAMPLES = """\b
Examples:
  ecglib check anna.csv
  ecglib check holter.npy --fs 500 --lead 2 --unit mV --picture holter.svg
  ecglib check recordings/ --json --out quality.json
  ecglib check data/DREAMER.mat
  ecglib check data/eegmat

\b
Exit codes:
  0  every recording is good or fair
  1  a file cannot be read, or a result is there already
  2  the command is used wrongly
  4  a recording is poor or shorter than a window, or no study of a DREAMER.mat is possible,
     or most windows of a set are not usable
"""

POOR = 4
"""Exit code that says a recording is poor."""


@click.command("check", epilog=EXAMPLES, short_help="Say what a recording is and how good.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|FOLDER..."
)
@recording_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead."
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the quality of one FILE's first lead over time, as .png or .svg.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(
    files: tuple[Path, ...],
    fs: float | None,
    leads: list[str | int] | None,
    unit: str | None,
    as_json: bool,
    out: Path | None,
    picture: Path | None,
    force: bool,
) -> None:
    """Say what a recording is, its leads, rate and length, its quality, heart rate and polarity.

    Several files, or those of a folder, make one table. A DREAMER.mat gets a report of its people,
    ratings and windows, and of what would make a study impossible. The folder of a set that
    `ecglib features` knows gets one of its people, recordings and windows; what is not certain
    about the set is said on stderr.
    """
    if picture and picture.suffix.lower() not in (".png", ".svg"):
        raise click.UsageError("--picture must end in .png or .svg")
    if picture and len(files) > 1:
        raise click.UsageError("--picture draws one FILE")
    # Here, so that --help does not wait for SciPy.
    from ecglib.workflows.check import check_each, check_recording, overview
    from ecglib.workflows.check_cohort import check_cohort
    from ecglib.workflows.output import refuse_to_replace, refuse_to_replace_input, show
    from ecglib.workflows.sources import (
        is_dreamer,
        known_set,
        read_known,
        recordings_in,
        refuse_reading_options,
    )

    given = {"fs": fs, "leads": leads, "unit": unit}
    sets = [name for name in map(known_set, files) if name]
    if sets:
        if len(files) > 1 or picture:
            raise click.UsageError(f"{sets[0]} is checked alone, and not drawn")
        (folder,) = files
        refuse_to_replace(out, force)
        check = check_cohort(read_known(folder, **given, tell=tell), folder)
        show(check.to_dict() if as_json else check.to_text(), out)
        sys.exit(POOR if check.verdict == "poor" else 0)
    paths = [path for f in files for path in (recordings_in(f) if f.is_dir() else [f])]
    refuse_to_replace_input(out, paths)
    for path in (out, picture):
        refuse_to_replace(path, force)
    if len(files) == 1 and not files[0].is_dir():
        (file,) = files
        if is_dreamer(file):
            if picture:
                raise click.UsageError("--picture draws one recording, not a cohort")
            refuse_reading_options(file, fs, leads, unit)
            from ecglib.workflows.check_dreamer import check_dreamer  # loads a network library

            check = check_dreamer(file)
        else:
            check = check_recording(file, **given)
            if picture:
                _draw(file, picture, given)
        show(check.to_dict() if as_json else check.to_text(), out)
        sys.exit(POOR if check.verdict == "poor" else 0)
    if picture:
        raise click.UsageError("--picture draws one FILE")
    checks = []
    with click.progressbar(
        check_each(paths, **given), length=len(paths), label="checking", file=sys.stderr
    ) as bar:
        checks.extend(bar)
    bad = [check for check in checks if isinstance(check, DataError)]
    if as_json:
        show(
            [
                {"file": check.file, "error": str(check)}
                if isinstance(check, DataError)
                else check.to_dict()
                for check in checks
            ],
            out,
        )
    else:
        show(overview(checks), out)
    poor = any(check.verdict == "poor" for check in checks if not isinstance(check, DataError))
    sys.exit(1 if bad else POOR if poor else 0)


def _draw(file: Path, picture: Path, given: dict) -> None:
    from ecglib.core.artifacts import atomic_path
    from ecglib.data.readers.any_format import read_recording
    from ecglib.workflows.check import recording_picture

    figure = recording_picture(read_recording(file, **given))
    with atomic_path(picture) as partial:
        figure.savefig(partial, format=picture.suffix[1:].lower(), dpi=150)
