"""``ecglib results``: compute what a study is asked, once, and keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

NAMES = (
    "windows",
    "predictions",
    "supervised",
    "null",
    "ladder",
    "permutations",
    "classical",
    "baseline",
    "excerpt",
    "subjects",
    "released",
    "rated",
    "own",
    "ratings",
    "crossing",
    "comparison",
)
"""What can be asked for, in the order of the book."""


EXAMPLES = """\b
Names:
  windows       what everything else is computed from (chapter 2)
  predictions   frozen encoders, new people and window-wise (6)
  supervised    networks trained with ratings from scratch (6)
  null          a cohort without effect (6)
  ladder        every way to split, on cohorts of known effect (7)
  permutations  encoders against permuted ratings (8)
  classical     hand-made features (9)
  baseline      hand-made features minus the baseline before the clip (9)
  excerpt       what one lead and the last seconds leave out (9)
  subjects      negatives of the same person, contrastive (12)
  released      the released protocol and its defects (10)
  rated, own    some ratings of the tested person (11)
  ratings       ratings as ratings (11)
  crossing      encoders that ship, on this study (5, 14)
  comparison    every pretext, transfer and encoder (14)

\b
Examples:
  ecglib results
  ecglib results classical ratings --jobs 4
  ecglib results classical --cluster tcp://10.0.0.1:8786
"""


@click.command("results", epilog=EXAMPLES, short_help="Compute results and keep them.")
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAME]...")
@click.option(
    "--profile", help="quick, fast, paper or smoke.  [default: $ECGLIB_PROFILE, else quick]"
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Processes on this machine for folds.  [default: 1]"
)
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Dask scheduler to run folds on.")
@click.option(
    "--ship",
    is_flag=True,
    help="Copy the results that travel with the project to results/.",
)
def command(
    names: tuple[str, ...],
    profile: str | None,
    jobs: int | None,
    cluster: str | None,
    ship: bool,
) -> None:
    """Compute results of the data file in use and keep them; all of these if no NAME is given.

    What is there already is read, not computed. The folds of classical models, linear heads and
    rating models run on the processes of --jobs or on the machines of --cluster, which need the
    library; networks are trained here, one after another.
    """
    # Here, so that --help does not wait for TensorFlow.
    from ecglib.core.process import tune_process
    from ecglib.evaluation.jobs import workers
    from ecglib.studies.restricted import refuse_restricted
    from ecglib.studies.study import Study

    if jobs and cluster:
        raise click.UsageError("give --jobs or --cluster, not both")
    tune_process()
    study = Study(profile=profile)
    if ship:
        refuse_restricted(study, "results")
    makers = _makers()
    with workers(jobs, cluster):
        for name in names or NAMES:
            for table in makers[name]:
                click.echo(f"{name}, {study.label}: {len(table(study))} rows")
    if ship:
        from ecglib.studies.shipping import ship as copy

        for path in copy(study):
            click.echo(f"kept {path}")


def _makers() -> dict[str, list[Callable[[Any], Any]]]:
    from ecglib.studies import (
        baselines,
        before_clip,
        comparison_tables,
        crossing,
        excerpt,
        leakage,
        personalisation,
        ratings,
        replication,
        results,
        statistics,
        subject_aware,
    )

    return {
        "windows": [lambda study: study.windows],
        "predictions": [results.predictions],
        "supervised": [results.supervised_predictions],
        "null": [results.null_predictions, results.null_supervised_predictions],
        "ladder": [leakage.ladder_predictions],
        "permutations": [statistics.encoder_tests],
        "classical": [baselines.classical_predictions],
        "baseline": [before_clip.baseline_relative_predictions],
        "excerpt": [excerpt.scores],
        "subjects": [subject_aware.scores],
        "released": [replication.released_results, replication.refit_results],
        "rated": [personalisation.rated_predictions],
        "own": [personalisation.own_predictions],
        "ratings": [ratings.rating_predictions],
        "crossing": [crossing.scores_here],
        "comparison": [
            comparison_tables.grid,
            comparison_tables.label_efficiency,
            comparison_tables.pretext_report,
        ],
    }
