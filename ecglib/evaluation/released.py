"""The protocol of the released code, and its defects as changes of windows and ratings.

Head, split and metric are those of github.com/pritamqu/SSL-ECG at commit 1cd367d (``model.py``,
``main.py``, ``utils.py``), built anew; none of its code is here. Each defect is a function that
changes the windows or the ratings and nothing else, so that it can be put into the corrected
version alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.evaluation.crossval import evaluate_frozen
from ecglib.evaluation.protocols import SEEN
from ecglib.evaluation.released_metrics import released_metrics
from ecglib.evaluation.splits import WindowKFold
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows

if TYPE_CHECKING:  # it loads Keras, which metrics and defects do without
    from ecglib.transfer.frozen import HeadConfig

CORRECTED = "corrected"
"""The variant without any defect."""


@checked
def released_protocol(
    features: np.ndarray,
    meta: pd.DataFrame,
    target: str,
    head: HeadConfig,
    *,
    n_splits: int = 10,
    seed: int = 0,
    variant: str = CORRECTED,
) -> pd.DataFrame:
    """Predict every window once: frozen features, one head per fold of shuffled windows.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features)
        Features of all windows.
    meta : DataFrame
        One row per window; the ratings in column `target` are the truth.
    target : str
        Rating scale. One at a time, so that every variant starts from the same weights.
    head : HeadConfig
        Shape and training of the heads; the released one is
        `ecglib.transfer.frozen.RELEASED_HEAD`.
    n_splits : int
        Folds; 10 in ``main.py``.
    seed : int
        Seed of split and heads.
    variant : str
        What stands in column ``model``.

    Returns
    -------
    DataFrame
        One row per window, columns `ecglib.evaluation.protocols.COLUMNS`, protocol "window-kfold".
        Score them with `score`.

    Raises
    ------
    DataError
        As in `ecglib.evaluation.crossval.evaluate_frozen`.

    Examples
    --------
    >>> from ecglib.transfer.frozen import HeadConfig
    >>> head = HeadConfig((), epochs=1, batch_size=4)
    >>> meta = pd.DataFrame({"participant": [1, 2] * 8, "clip": 1, "valence": [1, 5, 5, 1] * 4})
    >>> features = meta[["valence"]].to_numpy("float32")
    >>> rows = released_protocol(features, meta, "valence", head, n_splits=2)
    >>> rows["protocol"].unique().tolist(), len(rows)
    (['window-kfold'], 16)
    """
    splitter = WindowKFold(n_splits, seed)
    return evaluate_frozen(features, meta, splitter, [target], head, seed, variant, SEEN)


@checked
def score(predictions: pd.DataFrame) -> dict[str, float]:
    """Score one variant's predictions for one target.

    Parameters
    ----------
    predictions : DataFrame
        Result of `released_protocol`.

    Returns
    -------
    dict of str to float
        `released_metrics` of all test windows together; ``f1_folds``, the mean of the folds' F1;
        and ``majority``, the accuracy of the commoner class of each fold's training windows.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> truth = np.array([0, 1, 1, 0, 1, 1])
    >>> rows = prediction_frame(truth, truth / 1, truth, truth, folds=False).assign(fold=[0, 1] * 3)
    >>> sorted(score(rows))
    ['accuracy', 'f1', 'f1_folds', 'majority', 'mean_f1', 'precision', 'recall']
    """
    truth, predicted = _classes(predictions)
    fold = predictions["fold"].to_numpy()
    of_folds = [(fold == f, truth[fold == f], predicted[fold == f]) for f in np.unique(fold)]
    hits = [np.sum(own == (truth[~test].mean() > 0.5)) for test, own, _ in of_folds]
    return {
        **released_metrics(truth, predicted),
        "f1_folds": float(np.mean([released_metrics(own, p)["f1"] for _, own, p in of_folds])),
        "majority": float(np.sum(hits) / truth.size),
    }


@checked
def dominance_as_valence(meta: pd.DataFrame) -> pd.DataFrame:
    """Return the frame `meta` with its valence column filled from dominance.

    Examples
    --------
    >>> ratings = pd.DataFrame({"valence": [1, 5], "dominance": [4, 4]})
    >>> dominance_as_valence(ratings)["valence"].tolist()
    [4, 4]
    """
    checks.frame("meta", meta)
    return meta.assign(valence=meta["dominance"])


@checked
def last_file_scaling(windows: Windows, cohort: Cohort, config: WindowConfig) -> pd.DataFrame:
    """Measure how windows change if a person's last recording alone gives the statistics.

    Both normalisations are straight lines in the same filtered signal. So the windows of the last
    recording, normalised both ways, tell the line from the one to the other.

    Parameters
    ----------
    windows : Windows
        All windows of the cohort.
    cohort : Cohort
        The recordings that they were made from.
    config : WindowConfig
        How they were made.

    Returns
    -------
    DataFrame
        One row per participant and lead: `gain` (the standard deviation of all recordings divided
        by that of the last) and `offset` (their difference of means, in standard deviations of the
        last). The last recording is that of the highest clip; in the released code it is whichever
        file the operating system lists last.

    Raises
    ------
    DataError
        If the last recording of a participant does not vary, or `windows` are not of this cohort.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> cohort = make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort
    >>> windows = make_windows(cohort, WindowConfig())
    >>> last_file_scaling(windows, cohort, WindowConfig()).columns.tolist()
    ['participant', 'lead', 'gain', 'offset']
    """
    used = cohort.recordings["condition"].isin(windows.meta["condition"])
    recordings = cohort.recordings[used]
    key = ["participant", "clip", "condition"]
    place = pd.MultiIndex.from_frame(windows.meta[key])
    rows = []
    for participant, clip, condition in recordings.groupby("participant").tail(1)[key].values:
        alone = make_windows(cohort.select([participant], [clip], [condition]), config)
        both_ways = windows.select(place == (participant, clip, condition))
        if len(alone) != len(both_ways):
            raise DataError(
                f"{len(both_ways)} windows of the last recording, {len(alone)} when made again",
                participant=participant,
                clip=clip,
                remedy="pass all windows of the cohort, and the configuration that made them",
            )
        for lead in windows.meta["lead"].unique():
            here = (alone.meta["lead"] == lead).to_numpy()
            x, y = (w.X[here].ravel().astype(np.float64) for w in (both_ways, alone))
            rows.append((participant, lead, *np.polyfit(x, y, 1)))
    return pd.DataFrame(rows, columns=["participant", "lead", "gain", "offset"])


@checked
def rescale(windows: Windows, scaling: pd.DataFrame) -> Windows:
    """Apply a gain and an offset to the windows of every participant and lead.

    Parameters
    ----------
    windows : Windows
        Normalised windows.
    scaling : DataFrame
        Result of `last_file_scaling`.

    Returns
    -------
    Windows
        The same windows as the last recording's statistics would have normalised them.

    Raises
    ------
    DataError
        If a participant's lead has no gain and offset, or `scaling` lacks a column.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1], "clip": 1, "condition": "stimulus", "lead": 1})
    >>> windows = Windows(
    ...     np.ones((1, 4), "float32"), meta.assign(start=0.0, quality="ok"), 4.0, "one"
    ... )
    >>> scaling = pd.DataFrame({"participant": [1], "lead": 1, "gain": 2.0, "offset": -1.0})
    >>> print(rescale(windows, scaling).X)
    [[1. 1. 1. 1.]]
    """
    checks.frame("scaling", scaling, ["participant", "lead", "gain", "offset"])
    own = windows.meta[["participant", "lead"]].merge(scaling, "left", validate="many_to_one")
    if own["gain"].isna().any():
        row = own[own["gain"].isna()].iloc[0]
        raise DataError("no gain and offset", participant=row["participant"], field="scaling")
    X = windows.X * own["gain"].to_numpy()[:, None] + own["offset"].to_numpy()[:, None]
    return replace(windows, X=X.astype(np.float32))


@checked
def shuffle_trials(meta: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """Permute each participant's ratings among that participant's trials.

    All windows of a trial still share one rating, and everyone still gives the same ratings, but
    no rating has to do with what was felt.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    target : str
        Rating scale to shuffle.
    seed : int
        Seed of the permutations.

    Returns
    -------
    DataFrame
        `meta` with another column `target`.

    Examples
    --------
    >>> meta = pd.DataFrame(
    ...     {"participant": 1, "clip": [1, 1, 2, 2, 3, 3], "valence": [1, 1, 2, 2, 3, 3]}
    ... )
    >>> shuffled = shuffle_trials(meta, "valence", seed=0)["valence"]
    >>> sorted(shuffled), shuffled.groupby(meta["clip"]).nunique().tolist()
    ([1, 1, 2, 2, 3, 3], [1, 1, 1])
    """
    rng = np.random.default_rng(seed)
    trials = meta.drop_duplicates(["participant", "clip"])[["participant", "clip", target]]
    shuffled = trials.groupby("participant")[target].transform(
        lambda ratings: rng.permutation(ratings.to_numpy())
    )
    of_trial = trials.assign(**{target: shuffled})
    rows = meta[["participant", "clip"]].merge(of_trial, "left", validate="many_to_one")
    return meta.assign(**{target: rows[target].to_numpy()})


def _classes(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return predictions["truth"].to_numpy(), predictions["probability"].to_numpy() > 0.5
