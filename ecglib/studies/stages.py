"""The stages of a study: what is computed once and kept, in which version.

Raise the version of a stage when its numbers change. ``ecglib stages`` says which stages' code is
no longer the one that was locked, and ``ecglib stages --lock`` locks it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ecglib.core.lock import Lock
from ecglib.core.provenance import load_provenance
from ecglib.core.sources import Sources
from ecglib.core.stages import Stage, tables
from ecglib.core.tables import load_table, save_table
from ecglib.evaluation.jobs import FOLD
from ecglib.evaluation.predictions import load_predictions, save_predictions
from ecglib.evaluation.protocols import ORIGIN, RATING_COLUMNS
from ecglib.evaluation.scores import load_scores, save_scores
from ecglib.preprocessing.windows import Windows

PACKAGE = Path(__file__).parents[1]
"""Folder of the library's own source code, which the lock is about."""

LOCK = Path(__file__).with_name("stages.lock")
"""The committed lock of `STAGES`."""

_TABLE = tables(save_predictions, load_predictions)
_RATINGS = tables(
    partial(save_predictions, columns=RATING_COLUMNS),
    partial(load_predictions, columns=RATING_COLUMNS),
)
_SCORES = tables(save_scores, load_scores)
PRETEXT_TABLE = (*ORIGIN, "pretext", "encoder", "group", "seed", "measure", "value")
"""Columns of `ecglib.studies.comparison_tables.pretext_report`."""

COHORT = Stage(
    "synthetic",
    2,
    (
        "ecglib.synthetic.cohort:make_cohort",
        "ecglib.studies.stand_in:synthetic_file",
    ),
    suffix=".mat",
)
"""The synthetic file, and beside it the truth that made it."""

WINDOWS = Stage(
    "windows",
    1,
    ("ecglib.studies.study:Study",),
    (COHORT,),
    save=lambda path, windows, about: windows.save(path, about),
    load=lambda path: (Windows.load(path), load_provenance(path)),
)
"""Windows of the data file."""

PRETEXT = Stage(
    "pretext",
    1,
    ("ecglib.studies.pretraining:pretext", "ecglib.studies.distributed:pretrain_group"),
    (WINDOWS,),
)
"""Encoders of signal transformation recognition, each made without one group of people."""

CONTRASTIVE = Stage("contrastive", 1, ("ecglib.studies.pretraining:contrastive",), (WINDOWS,))
"""Encoders of contrastive learning, likewise."""

SUPERVISED_ENCODER = Stage(
    "supervised-encoder",
    1,
    ("ecglib.studies.pretraining:supervised_encoder",),
    (WINDOWS,),
)
"""Encoders that learnt the labels of everyone outside a group."""

FEATURES = Stage(
    "features",
    2,
    ("ecglib.studies.pretraining:features",),
    (PRETEXT,),
)
"""Features of all windows by one encoder."""

HEADS = Stage("heads", 1, ("ecglib.studies.results:head_predictions",), (FEATURES,), **_TABLE)
"""Out-of-fold predictions of heads on the frozen features of one kind, under one protocol."""

PREDICTIONS = Stage("predictions", 1, ("ecglib.studies.results:predictions",), (HEADS,), **_TABLE)
"""All of these, and the majority class of the same folds."""

SUPERVISED_PREDICTIONS = Stage(
    "supervised-predictions",
    1,
    ("ecglib.studies.results:supervised_predictions",),
    (WINDOWS,),
    **_TABLE,
)
"""Out-of-fold predictions of networks that learnt from labels alone."""

NULL_PREDICTIONS = Stage(
    "null-predictions", 1, ("ecglib.studies.results:null_predictions",), (FEATURES,), **_TABLE
)
"""Predictions on a cohort without effect, where there is nothing to find."""

NULL_SUPERVISED = Stage(
    "null-supervised",
    1,
    ("ecglib.studies.results:null_supervised_predictions",),
    (COHORT, WINDOWS),
    **_TABLE,
)
"""Predictions there by networks that learnt from labels alone."""

KNOWN_COHORT = Stage(
    "known-cohort",
    2,
    ("ecglib.studies.leakage:known_cohorts",),
    (COHORT, WINDOWS, PRETEXT),
)
"""Windows and features of a synthetic cohort whose effect is known."""

LADDER = Stage(
    "ladder", 1, ("ecglib.studies.leakage:ladder_predictions",), (KNOWN_COHORT,), **_TABLE
)
"""Predictions under every protocol on such cohorts."""

PERMUTATIONS = Stage("permutations", 1, ("ecglib.studies.statistics:encoder_tests",), (FEATURES,))
"""Permutation tests of the encoders."""

SEEDS = Stage(
    "seed-predictions", 1, ("ecglib.studies.statistics:seed_predictions",), (FEATURES,), **_TABLE
)
"""Predictions with several seeds."""

SIMULATIONS = Stage(
    "simulation",
    1,
    (
        "ecglib.evaluation.simulation:coverage_table",
        "ecglib.evaluation.simulation:cross_validation_table",
        "ecglib.evaluation.simulation:null_p_values",
        "ecglib.evaluation.simulated_folds:folds_table",
        "ecglib.evaluation.simulated_clips:clips_table",
        "ecglib.studies.statistics:simulated",
    ),
    **tables(save_table, partial(load_table, columns=(), more=True)),
)
"""What intervals and tests are worth on invented participants."""

CLASSICAL_FEATURES = Stage(
    "classical-features", 1, ("ecglib.studies.baselines:classical_features",), (WINDOWS,)
)
"""Ten features of the heartbeat of every window."""

CLASSICAL_PREDICTIONS = Stage(
    "classical-predictions",
    1,
    ("ecglib.studies.baselines:classical_predictions",),
    (CLASSICAL_FEATURES,),
    **_TABLE,
)
"""Predictions of classical models from those."""

BASELINE_FEATURES = Stage(
    "baseline-features",
    1,
    ("ecglib.studies.before_clip:baseline_relative_features",),
    (WINDOWS,),
)
"""The same features minus those of the baseline before the clip."""

BASELINE_PREDICTIONS = Stage(
    "baseline-predictions",
    1,
    ("ecglib.studies.before_clip:baseline_relative_predictions",),
    (BASELINE_FEATURES,),
    **_TABLE,
)
"""Predictions of classical models from those."""

EXCERPT = Stage(
    "excerpt",
    1,
    ("ecglib.studies.excerpt:_scores",),
    (COHORT,),
    **tables(save_scores, partial(load_scores, columns=ORIGIN)),
)
"""Scores with and without the second lead and the whole clip."""

SUBJECT_AWARE_PART = Stage(
    "subject-aware-part",
    1,
    ("ecglib.studies.subject_aware:_features",),
    (CONTRASTIVE,),
)
"""Features by one contrastive encoder with subject-aware negatives."""

SUBJECT_AWARE = Stage(
    "subject-aware",
    1,
    ("ecglib.studies.subject_aware:_scores",),
    (SUBJECT_AWARE_PART,),
    **tables(save_scores, partial(load_scores, columns=ORIGIN)),
)
"""What those know of people and ratings."""

RELEASED_PREDICTIONS = Stage(
    "released-predictions",
    1,
    ("ecglib.studies.replication:released_results",),
    (FEATURES,),
    **_TABLE,
)
"""Predictions under the protocol of the released code, with and without its defects."""

RELEASED_REFITS = Stage(
    "released-refits", 1, ("ecglib.studies.replication:refit_results",), (FEATURES,)
)
"""The same folds of that protocol, fitted again and again."""

RATED_PREDICTIONS = Stage(
    "rated-predictions",
    1,
    ("ecglib.studies.personalisation:rated_predictions",),
    (FEATURES,),
    **_TABLE,
)
"""Predictions for people of whom some trials are rated."""

OWN_PREDICTIONS = Stage(
    "own-predictions", 1, ("ecglib.studies.personalisation:own_predictions",), (FEATURES,), **_TABLE
)
"""Predictions by models made from the tested person's own trials alone."""

RATINGS = Stage(
    "rating-predictions", 1, ("ecglib.studies.ratings:rating_predictions",), (FEATURES,), **_RATINGS
)
"""Predicted ratings from 1 to 5."""

COMPARISON_PART = Stage(
    "comparison-part",
    1,
    ("ecglib.studies.comparison_tables:_score",),
    (PRETEXT, CONTRASTIVE, SUPERVISED_ENCODER),
    **_SCORES,
)
"""Scores of one part of the comparison."""

GRID = Stage("grid", 1, ("ecglib.studies.comparison_tables:grid",), (COMPARISON_PART,), **_SCORES)
"""Scores of every pretext, transfer and encoder."""

CONTROL = Stage(
    "control", 1, ("ecglib.studies.comparison_tables:control",), (COMPARISON_PART,), **_SCORES
)
"""Scores of the same where the planted effect is strong."""

LABEL_EFFICIENCY = Stage(
    "label-efficiency",
    1,
    ("ecglib.studies.comparison_tables:label_efficiency",),
    (COMPARISON_PART,),
    **_SCORES,
)
"""Scores with fewer labels."""

PRETEXTS = Stage(
    "pretexts",
    1,
    ("ecglib.studies.comparison_tables:pretext_report",),
    (PRETEXT, CONTRASTIVE, SUPERVISED_ENCODER),
    **tables(save_scores, partial(load_scores, columns=PRETEXT_TABLE)),
)
"""What every encoder learnt before it met a label."""

REAL_ENCODER = Stage("real-encoder", 1, ("ecglib.studies.real_networks:_pretrain",))
"""Encoders that learnt from recordings of real people."""

REAL_TUNED = Stage("real-tuned", 1, ("ecglib.studies.real_networks:_tune",), (REAL_ENCODER,))
"""What whole networks predict of real people."""

REAL_FEATURES = Stage(
    "real-features", 1, ("ecglib.studies.real_features:_pooled",), (REAL_ENCODER,)
)
"""What is kept of the feature maps of windows of real people."""

REAL_SCORES = Stage(
    "real-scores",
    1,
    ("ecglib.studies.real_scores:_scores",),
    (REAL_FEATURES, REAL_TUNED),
    **tables(save_scores, partial(load_scores, columns=("features", "pretext"))),
)
"""Scores of real people, rest against arithmetic."""

REAL_PROBES = Stage(
    "real-probes",
    1,
    ("ecglib.studies.real_probes:_probes",),
    (REAL_FEATURES,),
    **tables(save_scores, partial(load_scores, columns=("features", "pretext"))),
)
"""What else can be read from features of real people."""

REAL_RECOGNITION = Stage(
    "real-recognition",
    1,
    ("ecglib.studies.real_probes:_recognition",),
    (REAL_ENCODER,),
    **tables(save_scores, partial(load_scores, columns=("pretext", "source"))),
)
"""Recognition of transformations in real people."""

POOLING_SCORES = Stage(
    "pooling-scores",
    1,
    ("ecglib.studies.pooling:_scores",),
    (PRETEXT, CONTRASTIVE),
    **tables(save_scores, partial(load_scores, columns=ORIGIN)),
)
"""Scores of a study under every pooling."""

CROSSING = Stage(
    "crossing",
    1,
    ("ecglib.studies.crossing:_here",),
    (PRETEXT, CONTRASTIVE),
    **tables(save_scores, partial(load_scores, columns=ORIGIN)),
)
"""Scores of a study by encoders that learnt from real hearts."""

REAL_CROSSING = Stage(
    "real-crossing",
    1,
    ("ecglib.studies.crossing:_there",),
    (PRETEXT, CONTRASTIVE),
    **tables(save_scores, partial(load_scores, columns=("pretext", "source"))),
)
"""Scores of real people by encoders of a study."""


STAGES = (
    COHORT,
    WINDOWS,
    PRETEXT,
    CONTRASTIVE,
    SUPERVISED_ENCODER,
    FEATURES,
    FOLD,
    HEADS,
    PREDICTIONS,
    SUPERVISED_PREDICTIONS,
    NULL_PREDICTIONS,
    NULL_SUPERVISED,
    KNOWN_COHORT,
    LADDER,
    PERMUTATIONS,
    SEEDS,
    SIMULATIONS,
    CLASSICAL_FEATURES,
    CLASSICAL_PREDICTIONS,
    BASELINE_FEATURES,
    BASELINE_PREDICTIONS,
    EXCERPT,
    SUBJECT_AWARE_PART,
    SUBJECT_AWARE,
    RELEASED_PREDICTIONS,
    RELEASED_REFITS,
    RATED_PREDICTIONS,
    OWN_PREDICTIONS,
    RATINGS,
    COMPARISON_PART,
    GRID,
    CONTROL,
    LABEL_EFFICIENCY,
    PRETEXTS,
    REAL_ENCODER,
    REAL_TUNED,
    REAL_FEATURES,
    REAL_SCORES,
    REAL_PROBES,
    REAL_RECOGNITION,
    POOLING_SCORES,
    CROSSING,
    REAL_CROSSING,
)
"""All stages, each after those that it starts from."""


def current_lock() -> Lock:
    """Lock `STAGES` as the code is now, without writing anything."""
    return Lock.of(STAGES, Sources(PACKAGE.name, PACKAGE))
