"""The protocol of the released code under its own name, and what its defects do to the number.

Protocol and defects are those of `ecglib.evaluation.released`. Each defect is put into the
corrected version alone, with the same windows, folds and seed. The heads of two variants start from
the same weights and see the windows in the same order, so the defect is all that differs.

Two things differ from the released code throughout, for cost: one frozen encoder serves all folds,
where the released code pretrains one in each fold on its training windows, and a head has one
output for high against low.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.data.labels import label_matrix
from ecglib.evaluation.protocols import STR
from ecglib.evaluation.refits import Refits, refit
from ecglib.evaluation.released import (
    CORRECTED,
    dominance_as_valence,
    last_file_scaling,
    released_protocol,
    rescale,
    score,
    shuffle_trials,
)
from ecglib.evaluation.released_metrics import (
    PooledScore,
    mean_score,
    pooled_score,
    score_change,
)
from ecglib.evaluation.splits import WindowKFold
from ecglib.models.embedding import embed
from ecglib.studies import stages
from ecglib.studies.pretraining import features, pretext, pretext_source
from ecglib.studies.profiles import Profile
from ecglib.studies.study import Study
from ecglib.transfer.frozen import RELEASED_HEAD, HeadConfig

DOMINANCE = "dominance read as valence"
"""Defect: the ratings of dominance stand where those of valence should."""

LAST_FILE = "statistics of one file"
"""Defect: a person's last recording alone gives the statistics of normalisation."""

BEST = "best refit of each fold"
"""Defect: of several refits of a fold, the one with the best test score is kept."""

BEST_OF_NOTHING = "best refit, nothing to find"
"""`BEST`, where the labels of the windows were shuffled: what choosing alone adds."""

MEAN_FIRST = "F1 of means, not mean of F1"
"""Defect: F1 of the mean precision and the mean recall, not the mean of F1."""

SHUFFLED = "ratings shuffled among trials"
"""The control: no rating has to do with what was felt."""

REFIT = "a refit on average"
"""What the best refit is compared with."""

RATINGS, NOTHING = "ratings", "labels shuffled among windows"
"""What the refits of `refit_results` had to learn."""

N_REFITS = 20
"""Refits to choose from; the released code makes 100, one after each epoch of its pretext."""


@checked
def released_head(profile: Profile) -> HeadConfig:
    """Give the head of the released code, trained as long as the profile allows.

    Parameters
    ----------
    profile : Profile
        Where it trains its own head as long as the released code does (200 epochs), so long; else
        a third of that, since this head is larger and learns faster, and there are many.

    Returns
    -------
    HeadConfig
        `ecglib.transfer.frozen.RELEASED_HEAD`, perhaps with fewer epochs.

    Examples
    --------
    >>> from ecglib.studies.profiles import PAPER, SMOKE
    >>> released_head(PAPER) == RELEASED_HEAD, released_head(SMOKE).epochs
    (True, 10)
    """
    if profile.head.epochs >= RELEASED_HEAD.epochs:
        return RELEASED_HEAD
    return replace(RELEASED_HEAD, epochs=max(1, profile.head.epochs // 3))


@checked
def released_results(study: Study) -> pd.DataFrame:
    """Predict by the protocol, with each defect that changes predictions, and a control, once.

    Parameters
    ----------
    study : Study
        Its STR encoder without group 0 gives the features.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`; `model` is the variant: corrected (valence
        and arousal), dominance read as valence, statistics of one file, ratings shuffled among
        trials.
    """
    return stages.RELEASED_PREDICTIONS.cached(
        source(study), lambda: _predict(study), study.folder, shipped=results_folder()
    )


@checked
def source(study: Study) -> dict[str, Any]:
    """Say what decides the predictions.

    Parameters
    ----------
    study : Study
        As in `released_results`.

    Returns
    -------
    dict
        What `ecglib.core.stages.Stage.file` takes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> source(study)["head"] == released_head(SMOKE)
    True
    """
    profile = study.profile
    return {
        "pretext": pretext_source(study, 0),
        "head": released_head(profile),
        "own_head": profile.head,
        "window_folds": profile.window_folds,
    }


def _predict(study: Study) -> pd.DataFrame:
    meta, profile = study.usable.meta, study.profile
    scaling = last_file_scaling(study.windows, study.cohort, profile.windows)
    own = features(study, STR, 0)
    rescaled = embed(rescale(study.usable, scaling), pretext(study, 0).encoder)
    variants = (
        (CORRECTED, own, meta, "valence"),
        (CORRECTED, own, meta, "arousal"),
        (DOMINANCE, own, dominance_as_valence(meta), "valence"),
        (LAST_FILE, rescaled, meta, "valence"),
        (SHUFFLED, own, shuffle_trials(meta, "valence", profile.seed), "valence"),
    )
    head = released_head(profile)
    return pd.concat(
        [
            released_protocol(
                x,
                frame,
                target,
                head,
                n_splits=profile.window_folds,
                seed=profile.seed,
                variant=variant,
            )
            for variant, x, frame, target in variants
        ],
        ignore_index=True,
    )


@checked
def refit_results(study: Study) -> dict[str, Refits]:
    """Refit the heads of the valence folds to the ratings, and to nothing, once.

    The heads have the profile's shape, not the released one, and differ by their initial weights
    and dropout alone. Those of the released code also sit on other encoders, so their scores agree
    less, and there are five times as many: expect a larger effect there.

    Parameters
    ----------
    study : Study
        Its STR encoder without group 0 gives the features.

    Returns
    -------
    dict of str to Refits
        `RATINGS`, with the valence labels; `NOTHING`, with these labels shuffled over all windows,
        which leaves neither emotion, trial nor person to recognise: whatever its folds score above
        one half is chance or choice.
    """
    arrays = stages.RELEASED_REFITS.cached(
        {**source(study), "n_refits": N_REFITS},
        lambda: _refit(features(study, STR, 0), study.usable.meta, study.profile),
        study.folder,
    )
    parts = ("truth", "fold", "predicted")
    return {
        name: Refits(*(arrays[f"{name}/{part}"] for part in parts)) for name in (RATINGS, NOTHING)
    }


def _refit(own: np.ndarray, meta: pd.DataFrame, profile: Profile) -> dict[str, np.ndarray]:
    seed = profile.seed
    labels = label_matrix(meta, ["valence"])[:, 0]
    folds = list(WindowKFold(profile.window_folds, seed).split(meta, labels))
    config = replace(profile.head, epochs=released_head(profile).epochs)
    arrays: dict[str, np.ndarray] = {}
    shuffled = np.random.default_rng(seed).permutation(labels)
    for name, y in ((RATINGS, labels), (NOTHING, shuffled)):
        made = refit(own, y, folds, config, N_REFITS, seed)
        arrays |= {f"{name}/{part}": value for part, value in vars(made).items()}
    return arrays


@checked
def effects(study: Study) -> pd.DataFrame:
    """Compare each defect's number for valence with that of the corrected version.

    Parameters
    ----------
    study : Study
        Its predictions and refits.

    Returns
    -------
    DataFrame
        One row per variant with `against` (what it is compared with), the scores of
        `ecglib.evaluation.released.score`, the number with the defect in `number` and without it
        in `before`, their difference `change`, and `low` and `high`, its 95 % interval. Numbers
        are the released F1 of all test windows together. The interval is over participants: the
        bootstrap resamples the jackknife's pseudo-values, as in
        `ecglib.evaluation.summaries.summarise`, widened because folds share their training
        windows; what was chosen as best stays chosen. It is missing with fewer than
        `ecglib.evaluation.intervals.MIN_PARTICIPANTS` participants.
    """
    results = released_results(study)
    of_variant = dict(list(results[results["target"] == "valence"].groupby("model")))
    plain = of_variant[CORRECTED]
    participant = study.usable.meta["participant"].to_numpy()

    def values(rows: pd.DataFrame, name: str = "f1") -> PooledScore:
        truth, probability, people = (
            rows[column].to_numpy() for column in ("truth", "probability", "participant")
        )
        return pooled_score(truth, probability > 0.5, people, name)

    def row(
        variant: str, against: str, rows: pd.DataFrame, number: PooledScore, before: PooledScore
    ) -> dict[str, Any]:
        change = score_change(number, before, study.profile.n_resamples)
        return {"variant": variant, "against": against, **score(rows), **change}

    base = values(plain)
    table = [
        row(variant, CORRECTED, of_variant[variant], values(of_variant[variant]), base)
        for variant in (DOMINANCE, LAST_FILE, SHUFFLED)
    ]
    table.append(row(MEAN_FIRST, "mean of F1", plain, base, values(plain, "mean_f1")))
    for variant, name in ((BEST, RATINGS), (BEST_OF_NOTHING, NOTHING)):
        refits = refit_results(study)[name]
        best = refits.best()
        rows = pd.DataFrame({"fold": refits.fold, "truth": refits.truth, "probability": 1.0 * best})
        each = [pooled_score(refits.truth, one, participant) for one in refits.predicted]
        number = pooled_score(refits.truth, best, participant)
        table.append(row(variant, REFIT, rows, number, mean_score(each)))
    order = [DOMINANCE, BEST, BEST_OF_NOTHING, LAST_FILE, MEAN_FIRST, SHUFFLED]
    return pd.DataFrame(table).set_index("variant").loc[order]
