"""``ecglib fetch``: download an open set of recordings."""

from __future__ import annotations

from pathlib import Path

import click

NAMES = ("eegmat", "mitdb")
"""Sets that can be downloaded."""


EXAMPLES = """\b
Sets:
  eegmat   36 people at rest and at mental arithmetic
  mitdb    MIT-BIH arrhythmia database: 47 patients, beats annotated

\b
Examples:
  ecglib fetch eegmat
  ecglib fetch mitdb --to ~/physionet/mitdb
"""


@click.command("fetch", epilog=EXAMPLES, short_help="Download an open set of recordings.")
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to put it into.  [default: data/NAME in the home folder]",
)
@click.option("--mirror", metavar="URL", help="Another folder with the same files.")
def command(name: str, to: Path | None, mirror: str | None) -> None:
    """Download an open set of recordings from PhysioNet, and check every file.

    Files that are there and right are kept. After an interruption, run the same command again: it
    goes on where it ended. Files that you put into the folder yourself, with SHA256SUMS.txt, are
    checked without a network.
    """
    # Here, so that --help does not wait for NumPy.
    from ecglib.data.fetch import fetch
    from ecglib.data.open_sets import open_set

    wanted = open_set(name)
    click.echo(f"{wanted.title}, {wanted.licence}")
    click.echo(f"from {mirror or wanted.url} to {to or wanted.default_folder}")
    done = fetch(wanted, to, mirror=mirror)
    new = f"{len(done.downloaded)} of them new" if done.downloaded else "none of them new"
    click.echo(f"{done.n_files} files, {done.n_bytes / 1e6:.0f} MB, {new}, all checked")
    click.echo(f"cite: {wanted.cite}")
    if done.folder != wanted.default_folder:
        click.echo(f"to use them: export {wanted.variable}={done.folder}")
