"""``ecglib features``: a table of features, one row per window."""

from __future__ import annotations

from pathlib import Path

import click

from ecglib.commands._shared import duplicates_option, interruptible, recording_options, tell

EXAMPLES = """\b
Examples:
  ecglib features anna.csv ben.edf -o features.csv
  ecglib features recordings/*.npy --fs 500 --lead 1 -o features.npz
  ecglib features recordings/ --encoder mine.npz -o features.npz
  ecglib features data/DREAMER.mat --encoder mine.npz --no-beats -o features.npz
  ecglib features data/WESAD -o features.csv

\b
Exit codes:
  0  the table is written
  1  a file cannot be used; nothing is written, and what is finished is kept for the next run
  2  the command is used wrongly
"""


@click.command("features", epilog=EXAMPLES, short_help="Describe every window of recordings.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|FOLDER..."
)
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table: .csv (what is missing is empty) or .npz (NaN).",
)
@click.option("--beats/--no-beats", default=True, help="Ten features of heartbeats.  [default: on]")
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    help="Add the features of this encoder: a file, or a name such as str-clinic-v2.",
)
@recording_options
@duplicates_option
@click.option("--turn", is_flag=True, help="Turn leads that are upside down.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.option("--force", is_flag=True, help="Replace a table that is there.")
def command(
    files: tuple[Path, ...],
    out: Path,
    beats: bool,
    encoder: Path | None,
    fs: float | None,
    leads: list[str | int] | None,
    unit: str | None,
    allow_duplicates: bool,
    turn: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Describe every window of 10 s by ten features of its heartbeats, an encoder's, or both.

    A FILE counts as one participant, named after it. In a FOLDER, a table with the columns file and
    participant says whose each file is; a person's recordings then stay together. The folders of
    WESAD, AMIGOS, SWELL-KW, CASE, YAAD, eegmat and MIT-BIH are known by their files, and what is
    not certain about them is said on stderr.

    A feature that a window does not define is empty in CSV and NaN in NPZ; the column n_missing
    counts them. Stopped with Ctrl-C, the same command goes on with the files that are not finished.
    """
    if not beats and encoder is None:
        raise click.UsageError("--no-beats needs --encoder: there would be no features")
    if out.suffix.lower() not in (".csv", ".npz"):
        raise click.UsageError("--out must end in .csv or .npz")
    # Here, so that --help does not wait for SciPy.
    from ecglib.data.folder import has_table
    from ecglib.workflows.features import MISSING, NO_ENCODER, write_features
    from ecglib.workflows.output import refuse_to_replace, show
    from ecglib.workflows.sources import known_set, recordings_in

    refuse_to_replace(out, force)
    whole = {f: not f.is_dir() or bool(known_set(f)) or has_table(f) for f in files}
    paths = [path for f in files for path in ([f] if whole[f] else recordings_in(f))]
    with interruptible("what is finished is kept: the same command goes on"):
        table = write_features(
            paths,
            out,
            beats=beats,
            encoder=NO_ENCODER if encoder is None else encoder,
            fs=fs,
            leads=leads,
            unit=unit,
            turn=turn,
            allow_duplicates=allow_duplicates,
            tell=tell,
        )
    told = {
        "file": str(out),
        "windows": len(table),
        "usable": len(table.usable),
        "features": len(table.names),
        "participants": int(table.meta["participant"].nunique()),
    }
    if beats:
        told["missing values"] = int(table.meta[MISSING].sum())
    show(told if as_json else f"{out}: " + ", ".join(f"{v} {k}" for k, v in list(told.items())[1:]))
