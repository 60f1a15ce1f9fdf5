"""``ecglib evaluate``: how well labels are predicted from features, audited."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from ecglib.commands._shared import echo_json, interruptible, tell

SPLITS = (
    "window-kfold",
    "window-kfold-gap",
    "trial-grouped",
    "within-participant",
    "clip-grouped",
    "participant-grouped",
    "leave-one-participant-out",
    "leave-one-participant-and-clip-out",
    "leave-one-participant-out-within-dataset",
    "leave-one-dataset-out",
)

REGIMES = ("none", "strict", "pretext saw test clips", "pretext saw test windows")

LEAK = 3

EXAMPLES = """\b
Examples:
  ecglib evaluate features.csv --labels labels.csv --target stress:0-10
  ecglib evaluate windows.npz --encoder mine.npz --labels labels.csv \\
      --target task --not-seen --out result --save-model model.npz
  ecglib evaluate features.npz --labels labels.csv --target task=sums \\
      --split participant-grouped --folds 5 --cluster tcp://10.0.0.1:8786

\b
Targets:
  valence          DREAMER's scales, from 1 to 5 (also arousal and dominance)
  stress:0-10      a column of ratings, and the ends of its scale
  task             a column of classes; of two, the later in the alphabet is class 1
  task=sums        one class against all others

Exit code 3 means that something of the tested side reached the training side.
"""


@click.command("evaluate", epilog=EXAMPLES, short_help="Predict labels, audited.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Table: participant, perhaps clip and condition, labels.  [default: in SOURCE]",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    required=True,
    help="Column of labels, as below; several if you like.",
)
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    help="Embeds windows: a file, or a name such as str-clinic-v2.",
)
@click.option(
    "--split",
    type=click.Choice(SPLITS),
    default="leave-one-participant-out",
    show_default=True,
    help="Who is tested.",
)
@click.option(
    "--folds", "n_splits", type=click.IntRange(2), help="Number of folds.  [default: 10, or fewer]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of folds and head.")
@click.option(
    "--head",
    type=click.Choice(["logistic", "network"]),
    default="logistic",
    show_default=True,
    help="What learns the labels.",
)
@click.option("--regime", type=click.Choice(REGIMES), help="What the encoder saw of those tested.")
@click.option("--not-seen", is_flag=True, help="The encoder learnt from none of those tested.")
@click.option("--drop-unlabelled", is_flag=True, help="Leave out windows without a label.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the tables.",
)
@click.option(
    "--save-model",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Fit all windows; keep it here, .npz.",
)
@click.option("--force", is_flag=True, help="Replace tables and a model that are there.")
@click.option("--jobs", type=click.IntRange(1), help="Processes on this machine.  [default: 1]")
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Dask scheduler to run folds on.")
@click.option("--json", "as_json", is_flag=True, help="Print summary and leaks as JSON.")
def command(
    source: Path,
    out: Path | None,
    save_model: Path | None,
    force: bool,
    jobs: int | None,
    cluster: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Predict labels from SOURCE, a file of features or of windows, and say how well.

    `ecglib features` writes features; Windows.save in Python writes windows.

    Every prediction is of a window that its head was not trained on, stands beside that of the
    majority class, and is audited. Intervals are over participants. With --out finished folds are
    kept until all are, so that an interrupted run goes on; with --cluster all machines must then
    see that folder.
    """
    if jobs and cluster:
        raise click.UsageError("give --jobs or --cluster, not both")
    if save_model is not None and save_model.suffix != ".npz":
        raise click.UsageError("--save-model needs a name that ends in .npz")
    # Here, so that --help does not wait for scikit-learn and Keras.
    from ecglib.core.process import tune_process
    from ecglib.evaluation.jobs import workers
    from ecglib.workflows.evaluation import evaluate_table
    from ecglib.workflows.heads import fit_model
    from ecglib.workflows.output import PREDICTIONS, refuse_to_replace, refuse_to_replace_input

    refuse_to_replace_input(save_model, [source, options["labels"], options["encoder"]])
    for path in (save_model, None if out is None else out / PREDICTIONS):
        refuse_to_replace(path, force)
    tune_process()
    folder = None if out is None else out / ".folds"
    kept = "nothing is kept without --out" if out is None else "the same command goes on"
    with interruptible(kept):
        with workers(jobs, cluster):
            found = evaluate_table(source, folder=folder, tell=tell, **options)
        if save_model is not None:  # fitted before tables are there, which would stop a second run
            model = fit_model(found.table, found.targets, options["head"], options["seed"])
        if out is not None:
            found.save(out)
        if save_model is not None:
            model.save(save_model)
            tell(f"the model of all {len(found.table)} windows is in {save_model}")
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    _show(found, as_json)
    if len(found.refuted):
        raise click.exceptions.Exit(LEAK)


def _show(found: Any, as_json: bool) -> None:
    setting = found.about["configuration"]
    if as_json:
        tables = {name: getattr(found, name) for name in ("summary", "leaks", "refuted")}
        records = {name: table.to_dict("records") for name, table in tables.items()}
        echo_json({**records, "about": dict(found.about)})
    else:
        rows = found.summary[found.summary["model"] != "majority"]
        people = found.predictions["participant"].nunique()
        click.echo(
            f"{setting['data']}: {setting['features']['windows']} windows of {people} "
            f"participants, {setting['protocol']}, {setting['folds']} folds, "
            f"regime {setting['regime']}"
        )
        click.echo(
            f"{'target':20} {'metric':18} {'mean':>6}  {'interval':16} {'n':>4} {'majority':>8}"
        )
        of = None
        for row in rows.itertuples():
            if getattr(row, "dataset", None) != of:
                of = row.dataset
                click.echo(f"tested on {of}:")
            interval = f"{row.low:.3f} to {row.high:.3f}"
            click.echo(
                f"{row.target:20} {row.metric:18} {row.mean:6.3f}  {interval:16} "
                f"{row.n_participants:4} {row.baseline:8.3f}  {row.note}".rstrip()
            )
    _tell_leaks(found)


def _tell_leaks(found: Any) -> None:
    shared = len(found.leaks) - len(found.refuted)
    if shared:
        tell(
            f"note: tested people are also trained with, so that the statistics that normalise "
            f"their windows are shared ({shared} times, see the leaks); they hold no label"
        )
    for leak in found.refuted.head(5).itertuples():
        tell(
            f"leak: fold {leak.fold}, the {leak.stage} used {leak.n_windows} windows of a tested "
            f"{leak.kind} (participant {leak.participant}, clip {leak.clip})"
        )
    if len(found.refuted) > 5:
        tell(f"and {len(found.refuted) - 5} other leaks")
