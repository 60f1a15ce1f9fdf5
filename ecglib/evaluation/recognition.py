"""Pretext recognition on held-out windows, and how far amplitude leads for "original" and "scaled".

Five of the versions differ from the original in shape, order or sign. The scaled one differs in
amplitude alone, and amplitude differs from window to window anyway: whoever does not know how large
this very window was before can only weigh it against what is usual. `amplitude_reference` measures
how far a simple reading of the amplitude leads.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import precision_recall_fscore_support
from sklearn.model_selection import GroupKFold

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.metrics import auc
from ecglib.pretext.transformations import TASKS

AMPLITUDE_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""Quantiles of the absolute samples of a window that, with its RMS, describe its amplitude."""

MAX_FOLDS = 5
"""Most folds by clip in which the amplitudes of one participant are measured."""


@checked
def task_scores(logits: np.ndarray) -> pd.DataFrame:
    """Score every pretext head at its one-against-six question.

    Parameters
    ----------
    logits : ndarray, shape (n_windows, 7, 7)
        ``logits[i, v, t]`` is the answer of head ``TASKS[t]`` to version ``TASKS[v]`` of window i.

    Returns
    -------
    DataFrame
        Indexed by `TASKS`, with `auc`, and `f1`, `precision` and `recall` where a sigmoid above
        0.5 means yes. A score without any yes is 0.

    Raises
    ------
    DataError
        If the logits have another shape or are not finite.

    Examples
    --------
    >>> logits = np.tile(2.0 * np.eye(7) - 1, (4, 1, 1))  # every head knows its own version
    >>> task_scores(logits).loc["noise"].to_dict()
    {'auc': 1.0, 'f1': 1.0, 'precision': 1.0, 'recall': 1.0}
    """
    _check(logits)
    rows = {}
    for t, task in enumerate(TASKS):
        answers = logits[:, :, t]
        truth = np.broadcast_to(np.arange(len(TASKS)) == t, answers.shape).ravel()
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, answers.ravel() > 0, average="binary", zero_division=0
        )
        rows[task] = {
            "auc": auc(truth, answers.ravel()),
            "f1": f1,
            "precision": precision,
            "recall": recall,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


@checked
def confusion(logits: np.ndarray) -> pd.DataFrame:
    """Count which head answers most strongly to each version.

    Parameters
    ----------
    logits : ndarray, shape (n_windows, 7, 7)
        As in `task_scores`.

    Returns
    -------
    DataFrame, shape (7, 7)
        Row: the version shown; column: the head with the largest logit; value: the share of the
        windows, so that every row sums to 1.

    Raises
    ------
    DataError
        As in `task_scores`.

    Examples
    --------
    >>> logits = np.tile(2.0 * np.eye(7) - 1, (4, 1, 1))  # every head knows its own version
    >>> confusion(logits).loc["noise", ["noise", "scaling"]].tolist()
    [1.0, 0.0]
    """
    _check(logits)
    strongest = logits.argmax(axis=2)
    shares = [np.bincount(version, minlength=len(TASKS)) / len(logits) for version in strongest.T]
    return pd.DataFrame(
        shares,
        index=pd.Index(TASKS, name="shown"),
        columns=pd.Index(TASKS, name="strongest head"),
    )


@checked
def areas_by_version(logits: np.ndarray) -> pd.DataFrame:
    """Score every pretext head against each other version apart.

    Each version is there as often as each other, so the mean of a row is the one-against-six area
    of `task_scores`, and a row says which versions a head takes for its own.

    Parameters
    ----------
    logits : ndarray, shape (n_windows, 7, 7)
        As in `task_scores`.

    Returns
    -------
    DataFrame, shape (7, 7)
        Row: the head; column: the version that is not its own; value: area under the ROC curve
        between this version and its own, NaN where they are the same.

    Raises
    ------
    DataError
        As in `task_scores`.

    Examples
    --------
    >>> logits = np.tile(np.eye(7), (4, 1, 1))
    >>> logits[:, 6, 0] = 1.0  # the head "original" answers as strongly to the warped windows
    >>> areas = areas_by_version(logits)
    >>> areas.loc["original", ["scaling", "time_warping"]].tolist()
    [1.0, 0.5]
    >>> float(areas.mean(axis=1)["original"]) == 5.5 / 6
    True
    """
    _check(logits)
    areas = [
        [
            np.nan if v == t else _auc_of_pair(logits[:, v, t], logits[:, t, t])
            for v in range(len(TASKS))
        ]
        for t in range(len(TASKS))
    ]
    return pd.DataFrame(
        areas, index=pd.Index(TASKS, name="head"), columns=pd.Index(TASKS, name="version")
    )


@checked
def original_vs_scaled(logits: np.ndarray) -> float:
    """Measure how well the network tells a window from its scaled version.

    Parameters
    ----------
    logits : ndarray, shape (n_windows, 7, 7)
        As in `task_scores`.

    Returns
    -------
    float
        Area under the ROC curve of the difference between the two heads' logits.

    Raises
    ------
    DataError
        As in `task_scores`.

    Examples
    --------
    >>> original_vs_scaled(np.tile(np.eye(7), (4, 1, 1))), original_vs_scaled(np.zeros((4, 7, 7)))
    (1.0, 0.5)
    """
    _check(logits)
    original, scaled = TASKS.index("original"), TASKS.index("scaling")
    difference = logits[:, :, scaled] - logits[:, :, original]
    return _auc_of_pair(difference[:, original], difference[:, scaled])


@checked
def amplitude_statistics(X: np.ndarray) -> np.ndarray:
    """Describe the amplitude of windows on a logarithmic scale.

    Multiplying a window by a factor adds the factor's logarithm to each of its numbers.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_samples)
        Windows.

    Returns
    -------
    ndarray, shape (n_windows, 1 + n_quantiles)
        Logarithms of the root mean square and of `AMPLITUDE_QUANTILES` of the absolute samples.

    Raises
    ------
    DataError
        If one of these is 0 or not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 2560))
    >>> shift = amplitude_statistics(1.1 * x) - amplitude_statistics(x)
    >>> bool(np.allclose(shift, np.log(1.1)))
    True
    """
    magnitude = np.abs(np.asarray(X, dtype=np.float64))
    level = np.sqrt(np.mean(magnitude**2, axis=1, keepdims=True))
    sizes = np.hstack([level, np.quantile(magnitude, AMPLITUDE_QUANTILES, axis=1).T])
    good = (np.isfinite(sizes) & (sizes > 0)).all(axis=1)
    if not good.all():
        raise DataError(
            f"window {np.flatnonzero(~good)[0]} has no amplitude",
            field="X",
            expected="finite windows that are not flat",
            remedy="use the windows whose quality is 'ok'",
        )
    return np.log(sizes)


@checked
def amplitude_reference(
    X: np.ndarray, meta: pd.DataFrame, factor: float = 1.1
) -> dict[str, object]:
    """Measure how far a linear reading of the amplitude tells windows from scaled windows.

    This is a reference and no upper bound: a better reading of the same windows may tell more.
    The oracle of the person knows how the amplitudes of this participant's windows in this lead are
    distributed: a linear discriminant on `amplitude_statistics`, fitted to other clips of the same
    participant and lead. The oracle of the population knows the other participants only, which is
    what a network can know of an unseen person.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_samples)
        Windows as the network gets them.
    meta : DataFrame
        Their metadata, with the columns participant, clip and lead.
    factor : float
        Factor of the scaled version.

    Returns
    -------
    dict
        `person` : area under the ROC curve of the oracle of the person, averaged over participants.
        `population` : the same for the oracle of the population, all windows on one scale.
        `person_head`, `population_head` : what either makes of the one-against-six area of the
        heads "original" and "scaling" if the other five versions are told apart without error
        (`head_reference`).
        `by_participant` : Series, area of the oracle of the person for each participant.

    Raises
    ------
    DataError
        If there are fewer than two participants, a participant has fewer than two clips in a lead,
        a window has no amplitude, or the factor is not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2], 12), "clip": [1, 2, 3] * 8}).assign(
    ...     lead=1
    ... )
    >>> found = amplitude_reference(rng.normal(size=(24, 256)), meta, factor=1.5)
    >>> list(found), bool(found["person"] > 0.9)
    (['person', 'population', 'person_head', 'population_head', 'by_participant'], True)
    """
    checks.array("X", X, (len(meta), None))
    statistics = amplitude_statistics(X)
    shift = np.log(checks.number("factor", factor, above=0))
    participant = meta["participant"].to_numpy()
    if np.unique(participant).size < 2:
        raise DataError(
            "one participant",
            field="participant",
            expected="at least two, so that one can be unseen",
        )
    rows = []
    for (number, lead), part in meta.groupby(["participant", "lead"], sort=True):
        position = meta.index.get_indexer(part.index)
        clips = part["clip"].to_numpy()
        n_folds = min(MAX_FOLDS, np.unique(clips).size)
        if n_folds < 2:
            raise DataError(
                f"{n_folds} clip in lead {lead}",
                participant=number,
                field="clip",
                expected="at least two clips",
            )
        folds = GroupKFold(n_folds).split(position, groups=clips)
        area = _oracle(statistics[position], shift, list(folds))
        rows.append({"participant": number, "lead": lead, "auc": area})
    by_participant = pd.DataFrame(rows).groupby("participant")["auc"].mean()
    folds = [
        (np.flatnonzero(participant != p), np.flatnonzero(participant == p))
        for p in np.unique(participant)
    ]
    person, population = float(by_participant.mean()), _oracle(statistics, shift, folds)
    return {
        "person": person,
        "population": population,
        "person_head": head_reference(person),
        "population_head": head_reference(population),
        "by_participant": by_participant,
    }


@checked
def head_reference(pair: float) -> float:
    """Turn the area for one hard pair into that of a head against all six other versions.

    Parameters
    ----------
    pair : float
        Area under the ROC curve between the head's own version and the one that is hard to tell
        from it.

    Returns
    -------
    float
        Mean over the six other versions, five of them told apart without error.

    Raises
    ------
    DataError
        If it is not from 0 to 1.

    Examples
    --------
    >>> head_reference(1.0), round(head_reference(0.5), 3)
    (1.0, 0.917)
    """
    checks.number("pair", pair, 0, 1)
    n_others = len(TASKS) - 1
    return (n_others - 1 + pair) / n_others


def _oracle(
    statistics: np.ndarray, shift: float, folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """Measure how well discriminants of other windows tell windows from scaled windows."""
    score = np.empty((2, len(statistics)))
    for train, test in folds:
        known = np.vstack([statistics[train], statistics[train] + shift])
        discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        discriminant.fit(known, np.repeat([0, 1], len(train)))
        for scaled in (0, 1):
            score[scaled, test] = discriminant.decision_function(statistics[test] + scaled * shift)
    return _auc_of_pair(*score)


def _auc_of_pair(negative: np.ndarray, positive: np.ndarray) -> float:
    truth = np.repeat([0, 1], [len(negative), len(positive)])
    return auc(truth, np.concatenate([negative, positive]))


def _check(logits: np.ndarray) -> None:
    n = len(TASKS)
    if logits.ndim != 3 or logits.shape[1:] != (n, n) or not len(logits):
        raise DataError(
            f"logits of shape {logits.shape}",
            field="logits",
            expected=f"shape (n_windows, {n} versions, {n} heads)",
        )
    if not np.isfinite(logits).all():
        raise DataError("a logit is not finite", field="logits")
