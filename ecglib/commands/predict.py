"""``ecglib predict``: what a saved model says of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ecglib.commands._shared import echo_json, interruptible, recording_options, tell

EXAMPLES = """\b
Examples:
  ecglib predict anna.csv --model model.npz --encoder mine.npz --fs 256
  ecglib predict *.edf --model model.npz --encoder mine.npz --lead II -o out.csv
"""


@click.command("predict", epilog=EXAMPLES, short_help="Apply a saved model to recordings.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    help="What ecglib evaluate --save-model wrote.",
)
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    help="The encoder that the model was fitted on.  [default: the one of its name that comes with "
    "the package]",
)
@recording_options
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file, a row per window.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print all as JSON.")
def command(
    files: tuple[Path, ...], out: Path | None, force: bool, as_json: bool, **options: Any
) -> None:
    """Predict for each FILE how probable an answer is: by window, and their mean.

    The answer is the upper half of a scale, the class that the target names, or, of two classes,
    the later in the alphabet.

    Windows with gaps, clipping or flat parts are left out, and named. Features that are not those
    of the model are refused.
    """
    # Here, so that --help does not wait for TensorFlow.
    from ecglib.core.process import tune_process
    from ecglib.workflows.feature_table import save_csv
    from ecglib.workflows.output import refuse_to_replace, refuse_to_replace_input
    from ecglib.workflows.prediction import predict_files

    refuse_to_replace_input(out, [*files, options["model"], options["encoder"]])
    refuse_to_replace(out, force)
    tune_process()
    with interruptible("nothing was written"):
        found = predict_files(files, **options)
    if out is not None:
        save_csv(out, found.windows, {"model": str(options["model"]), **found.about})
    for row in found.left_out.itertuples():
        tell(f"left out: {row.file}, lead {row.lead}, from {row.start:g} s: {row.quality}")
    if as_json:
        echo_json(
            {
                "recordings": found.recordings.to_dict("records"),
                "windows": found.windows.to_dict("records"),
                "model": dict(found.about),
            }
        )
        return
    learnt = found.about
    click.echo(f"a model of {learnt.get('people')} people of {learnt.get('data')}")
    for row in found.recordings.itertuples():
        told = "no good window" if not row.n_windows else f"{row.probability:.3f}"
        click.echo(f"{row.file}: {row.target} {told} ({row.n_windows} windows)")
