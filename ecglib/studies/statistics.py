"""The permutation tests, the seeds and the simulations of a study, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.core.folders import results_folder
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.crossval import evaluate_frozen
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.permutation import PermutationTest, refit_test
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import NONE, RANDOM, STR
from ecglib.evaluation.simulated_clips import clips_table
from ecglib.evaluation.simulated_folds import folds_table
from ecglib.evaluation.simulation import coverage_table, cross_validation_table, null_p_values
from ecglib.studies import stages
from ecglib.studies.pretraining import features
from ecglib.studies.study import Study
from ecglib.transfer.frozen import HeadConfig
from ecglib.transfer.linear import linear_scores

SIMULATED = (coverage_table, cross_validation_table, folds_table, clips_table, null_p_values)
"""The simulations that the book runs with their own settings: none depends on a data file."""


@checked
def encoder_tests(
    study: Study, *, n_permutations: int = 999, seed: int = 0
) -> dict[tuple[str, str], PermutationTest]:
    """Test the frozen encoders of a study with a linear head under leave-one-participant-out.

    A person's features come from the encoder that was pretrained without that person's group, as in
    the study's strict predictions.

    Parameters
    ----------
    study : Study
        Its features are used; the tests are kept in its folder.
    n_permutations, seed
        As in `ecglib.evaluation.permutation.permuted_labels`.

    Returns
    -------
    dict of (str, str) to PermutationTest
        By encoder and target.
    """
    meta = study.usable.meta
    participant = meta["participant"].to_numpy()
    # By encoder: features, and whom they are meant for.
    parts = {
        RANDOM: [(features(study, RANDOM), np.unique(participant))],
        STR: [
            (features(study, STR, g), np.intersect1d(group, participant))
            for g, group in enumerate(study.groups)
        ],
    }
    trials = np.column_stack([participant, meta["clip"].to_numpy(), label_matrix(meta, TARGETS)])
    source = {
        "features": [digest(array) for some in parts.values() for array, _ in some],
        "groups": [people.tolist() for some in parts.values() for _, people in some],
        "trials": digest(trials),
        "n_permutations": n_permutations,
        "seed": seed,
    }
    arrays = stages.PERMUTATIONS.cached(
        source, lambda: _test_encoders(parts, meta, n_permutations, seed), study.folder
    )
    return {
        tuple(name.split("/")): PermutationTest(float(values[0]), values[1:])
        for name, values in arrays.items()
    }


def _test_encoders(
    parts: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    meta: pd.DataFrame,
    n_permutations: int,
    seed: int,
) -> dict[str, np.ndarray]:
    participant, clip = meta["participant"].to_numpy(), meta["clip"].to_numpy()
    labels = label_matrix(meta, TARGETS)
    values = {}
    for encoder, some in parts.items():
        for t, target in enumerate(TARGETS):
            test = refit_test(
                partial(_scores_of_parts, some, participant),
                labels[:, t],
                participant,
                clip,
                n_permutations=n_permutations,
                seed=seed,
            )
            values[f"{encoder}/{target}"] = np.append(test.observed, test.permuted)
    return values


def _scores_of_parts(
    parts: list[tuple[np.ndarray, np.ndarray]], participant: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    scores = np.full(labels.shape, np.nan)
    for own, people in parts:
        rows = np.isin(participant, people)
        scores[:, rows] = linear_scores(own, participant, labels, tested=people)[:, rows]
    return scores


@checked
def seed_predictions(study: Study, target: str, n_seeds: int = 5) -> pd.DataFrame:
    """Train the study's heads on the random encoder's features with several seeds.

    To save time they train for a third of the profile's epochs.

    Parameters
    ----------
    study : Study
        Its features are used; the predictions are kept in its folder.
    target : str
        The rating scale.
    n_seeds : int
        Seeds 0 to ``n_seeds - 1``.

    Returns
    -------
    DataFrame
        Predictions under leave-one-participant-out, one set per seed.
    """
    arrays, meta, head = features(study, RANDOM), study.usable.meta, study.profile.head
    head = replace(head, epochs=-(-head.epochs // 3))
    source = {
        "features": digest(arrays),
        "trials": digest(meta[["participant", "clip", target]].to_numpy(np.int64)),
        "head": head,
        "target": target,
        "n_seeds": n_seeds,
    }
    return stages.SEEDS.cached(
        source, lambda: _predict_with_seeds(arrays, meta, target, head, n_seeds), study.folder
    )


def _predict_with_seeds(
    arrays: np.ndarray, meta: pd.DataFrame, target: str, head: HeadConfig, n_seeds: int
) -> pd.DataFrame:
    return append_predictions(
        *(
            evaluate_frozen(
                arrays, meta, LeaveOneParticipantOut(), [target], head, seed, RANDOM, NONE
            )
            for seed in range(n_seeds)
        )
    )


@checked
def simulated(
    simulate: Callable[..., pd.DataFrame], folder: Path, **arguments: Any
) -> pd.DataFrame:
    """Run a simulation of people once, and read its table from then on.

    Parameters
    ----------
    simulate : callable
        Such as `ecglib.evaluation.simulation.coverage_table` or
        `ecglib.evaluation.simulated_folds.folds_table`.
    folder : Path
        Folder of the artifacts.
    **arguments
        What `simulate` is called with.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.evaluation.simulation import null_p_values
    >>> folder, few = Path(tempfile.mkdtemp()), {"n_permutations": 9, "n_participants": 5}
    >>> simulated(null_p_values, folder, repetitions=2, **few).shape
    (2, 6)
    """
    return stages.SIMULATIONS.cached(
        simulation_source(simulate, **arguments),
        partial(simulate, **arguments),
        folder,
        shipped=results_folder(),
    )


@checked
def simulation_source(simulate: Callable[..., pd.DataFrame], **arguments: Any) -> dict[str, Any]:
    """Say what decides the table of a simulation.

    Parameters
    ----------
    simulate : callable
    **arguments
        As in `simulated`.

    Returns
    -------
    dict
        What `ecglib.core.stages.Stage.file` takes.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import coverage_table
    >>> simulation_source(coverage_table, seed=1)
    {'simulation': 'coverage_table', 'arguments': {'seed': 1}}
    """
    return {"simulation": simulate.__name__, "arguments": arguments}
