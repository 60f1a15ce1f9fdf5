"""Rest against arithmetic in real people: what every kind of features scores.

Every row of the scores is about one person. The head is a logistic regression whose penalty grows
with the number of features, so that a priori its answers vary as much with one feature as with
many; nothing is tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.evaluation.audit import Use, find_leaks, raise_on_leak
from ecglib.evaluation.crossfit import participant_groups
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import auc, ranks_within_folds
from ecglib.evaluation.protocols import ALL, RANDOM, SCRATCH, STRICT, TEST, TUNED
from ecglib.evaluation.splits import Fold, TrialGroupedKFold, WindowKFold
from ecglib.studies import stages
from ecglib.studies.real import CLINIC, NOBODY, RealPlan, RealStudy, ways_up
from ecglib.studies.real_features import (
    ENCODER,
    WITH_TEN,
    Known,
    case_of,
    known,
    source,
    views_of,
)
from ecglib.studies.real_networks import (
    labelled_people,
    people_of_both,
    tuned_predictions,
    tunings,
)

LOSO, WINDOWS, RECORDS, GROUPS = (
    LeaveOneParticipantOut.protocol,
    WindowKFold.protocol,
    TrialGroupedKFold.protocol,
    "participant-grouped",
)
"""Protocols: one person, single windows, single recordings, or a group of people left out."""

HOW = ["protocol", "labelled", "draw"]
"""Columns that say how it was tested: split, number of labelled people, which draw of them."""


@dataclass(frozen=True)
class StateWindows:
    """Who is tested: what of a study every process needs, and no more.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    truth : ndarray of int, shape (n_windows,)
        1 for arithmetic.
    groups : list of ndarray
        Groups of people, of which encoders have not seen one each.
    complete : ndarray
        Who has windows of both classes.
    plan : RealPlan
        The settings.

    Examples
    --------
    >>> from ecglib.studies.real import RealPlan
    >>> meta = pd.DataFrame({"participant": ["a", "a", "b", "b"]})
    >>> tested = StateWindows(meta, np.array([0, 1, 0, 1]), [], np.array(["a", "b"]), RealPlan())
    >>> tested.person.tolist()
    ['a', 'a', 'b', 'b']
    """

    meta: pd.DataFrame
    truth: np.ndarray
    groups: list[np.ndarray]
    complete: np.ndarray
    plan: RealPlan

    @classmethod
    @checked
    def of(cls, study: RealStudy) -> StateWindows:
        """Take it from a `study`."""
        meta = study.windows.meta
        return cls(meta, study.labels, study.groups, people_of_both(study), study.plan)

    @property
    def person(self) -> np.ndarray:
        """Whose window each is, (n_windows,)."""
        return self.meta["participant"].to_numpy()


@checked
def head(*blocks: int) -> Pipeline:
    """Make the classifier of rest and arithmetic, unfitted.

    Parameters
    ----------
    *blocks : int
        Number of features, or numbers of several kinds of features that stand side by side.

    Returns
    -------
    Pipeline
        Features are brought to mean 0 and standard deviation 1 of the training windows, classes
        count alike, and the prior variance of the answer is 1, of which every block has the same
        share, however many features it has.

    Examples
    --------
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [2.0, 0.0]]), [0, 1, 0, 1]
    >>> head(1, 1).fit(X, y).predict(X).tolist()
    [0, 1, 0, 1]
    """
    weights = np.concatenate([np.full(n, (n * len(blocks)) ** -0.5) for n in blocks])
    return make_pipeline(
        StandardScaler(),
        FunctionTransformer(partial(np.multiply, weights)),
        LogisticRegression(class_weight="balanced", max_iter=2000),
    )


@checked
def people_scores(
    person: np.ndarray, truth: np.ndarray, probability: np.ndarray, fold: np.ndarray
) -> pd.DataFrame:
    """Score predictions person by person.

    Where a fold cuts a person, the windows of a person are scored by several heads, whose
    probabilities need not agree. So windows are compared by their ranks within the fold. A person
    has few recordings here, and those of a fold may be of one class, so that the pairs of
    `ecglib.evaluation.metrics.auc_within_folds` would be few.

    Parameters
    ----------
    person, truth, probability, fold : ndarray, shape (n_windows,)
        Of every window that was predicted.

    Returns
    -------
    DataFrame
        One row per person: ``participant``, ``auc`` (missing if all windows are of one class),
        ``rest`` and ``arithmetic``, numbers of windows, ``right_rest`` and ``right_arithmetic``,
        numbers of those that were told right.

    Examples
    --------
    >>> one = np.zeros(4, int)
    >>> people_scores(one, np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9]), one).T[0]
    participant         0.00
    auc                 0.75
    rest                2.00
    arithmetic          2.00
    right_rest          1.00
    right_arithmetic    1.00
    Name: 0, dtype: float64
    """
    checks.labels("truth", truth, (None,))
    checks.probabilities("probability", probability, truth.shape)
    checks.of_length("person", person, truth.size)
    rank = ranks_within_folds(probability, fold)
    right = (probability > 0.5) == truth
    rows = []
    for name in pd.unique(person):
        own = person == name
        y = truth[own]
        rows.append(
            {
                "participant": name,
                "auc": auc(y, rank[own]) if 0 < y.mean() < 1 else np.nan,
                "rest": np.count_nonzero(y == 0),
                "arithmetic": np.count_nonzero(y == 1),
                "right_rest": np.count_nonzero(right[own] & (y == 0)),
                "right_arithmetic": np.count_nonzero(right[own] & (y == 1)),
            }
        )
    return pd.DataFrame(rows)


@checked
def real_scores(study: RealStudy, longer: RealStudy | None = None, jobs: int = 1) -> pd.DataFrame:
    """Score all that the study knows of windows, in every way that it tests.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder; its networks are trained if they are not there.
    longer : RealStudy, optional
        The same with longer trainings, of which only frozen encoders are scored.
    jobs : int
        Number of processes.

    Returns
    -------
    DataFrame
        One row per case, way of testing and person: `CASE`, `HOW`, what `people_scores` gives, and
        of whole networks ``loss``, that of the last epoch on the training windows. Folds are
        audited before they are scored. ``lead`` says which way up the person's lead is.
    """
    return stages.REAL_SCORES.cached(
        source(study, longer), lambda: _scores(study, longer, jobs), study.folder
    )


@checked
def folds_of(tested: StateWindows, protocol: str) -> list[Fold]:
    """Split the windows of those who are `tested` by a `protocol`.

    Examples
    --------
    >>> from ecglib.studies.real import RealPlan
    >>> meta = pd.DataFrame({"participant": np.repeat(["a", "b", "c"], 2), "clip": [1, 2] * 3})
    >>> tested = StateWindows(
    ...     meta, np.array([0, 1] * 3), [], meta["participant"].unique(), RealPlan()
    ... )
    >>> len(folds_of(tested, LOSO))
    3
    """
    meta, plan = tested.meta, tested.plan
    if protocol == GROUPS:
        groups = participant_groups(tested.person, plan.tuned_folds, plan.seed)
        rows = [np.isin(tested.person, group) for group in groups]
        return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in rows]
    splitter = {
        LOSO: LeaveOneParticipantOut(),
        WINDOWS: WindowKFold(10, plan.seed),
        RECORDS: TrialGroupedKFold(10, plan.seed),
    }[protocol]
    return list(splitter.split(meta, tested.truth))


@checked
def audit(
    tested: StateWindows, parts: Sequence[np.ndarray], folds: Sequence[Fold], protocol: str
) -> None:
    """Refuse folds whose test side is known to the head or to the encoder.

    Parameters
    ----------
    tested, parts, folds
        As in `predict`.
    protocol : str
        What the folds promise.

    Raises
    ------
    DataError
        If something leaks.

    Examples
    --------
    >>> from ecglib.studies.real import RealPlan
    >>> meta = pd.DataFrame(
    ...     {"participant": np.repeat(["a", "b", "c"], 2), "clip": [1, 2] * 3, "start": 0.0}
    ... )
    >>> tested = StateWindows(
    ...     meta, np.array([0, 1] * 3), [], meta["participant"].unique(), RealPlan()
    ... )
    >>> audit(tested, [np.zeros((6, 1))], folds_of(tested, LOSO), LOSO)
    """
    checks.several("parts", parts, checks.of_type, object)
    uses = []
    for number, (train, test) in enumerate(folds):
        seen = np.array([], int)
        if len(parts) > 1:
            group = tested.groups[_group_of(tested, test, number)]
            seen = np.flatnonzero(~np.isin(tested.person, group))
        uses += [Use(number, TEST, test), Use(number, "head", train), Use(number, "pretext", seen)]
    length = tested.plan.windows.length_s
    raise_on_leak(find_leaks(tested.meta, uses, protocol, STRICT, length_s=length))


@checked
def predict(
    tested: StateWindows,
    parts: Sequence[np.ndarray],
    folds: Sequence[Fold],
    blocks: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a head for every fold, and predict what it tests.

    Parameters
    ----------
    tested : StateWindows
        Who is tested.
    parts : sequence of ndarray
        As in `Known`.
    folds : sequence of (train, test)
        Rows; with several parts the people of a fold must be of one group.
    blocks : sequence of int, optional
        As in `head`; all features are one block by default.

    Returns
    -------
    probability, fold : ndarray, shape (n_windows,)
        Of arithmetic (NaN where no fold tests), and the number of the fold (-1).

    Raises
    ------
    DataError
        If a fold tests people of several groups.

    Examples
    --------
    >>> from ecglib.studies.real import RealPlan
    >>> meta = pd.DataFrame({"participant": np.repeat(["a", "b", "c"], 2), "clip": [1, 2] * 3})
    >>> truth = np.array([0, 1] * 3)
    >>> tested = StateWindows(meta, truth, [], meta["participant"].unique(), RealPlan())
    >>> probability, fold = predict(tested, [truth[:, None] * 1.0], folds_of(tested, LOSO))
    >>> (probability > 0.5).astype(int).tolist(), fold.tolist()
    ([0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2])
    """
    for name, values in (("parts", parts), ("folds", folds)):
        checks.several(name, values, checks.of_type, object)
    probability = np.full(len(tested.truth), np.nan)
    fold_of = np.full(len(tested.truth), -1)
    for number, (train, test) in enumerate(folds):
        X = parts[0]
        if len(parts) > 1:
            X = parts[_group_of(tested, test, number)]
        fitted = head(*(blocks or X.shape[1:])).fit(X[train], tested.truth[train])
        probability[test] = fitted.predict_proba(X[test])[:, 1]
        fold_of[test] = number
    return probability, fold_of


def _group_of(tested: StateWindows, test: np.ndarray, fold: int) -> int:
    """Give the number of the group that the tested people of a fold are of."""
    own = [np.isin(tested.person[test], group).all() for group in tested.groups]
    if not any(own):
        raise DataError(f"fold {fold} tests people of several groups", field="folds")
    return own.index(True)


def _scores(study: RealStudy, longer: RealStudy | None, jobs: int) -> pd.DataFrame:
    tested = StateWindows.of(study)
    cases = [(case, True) for case in known(study)]
    cases += [(case, False) for case in known(longer)] if longer else []
    frozen = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_frozen)(tested, *case) for case in cases
    )
    tables = list(progress(frozen, "frozen features", total=len(cases), unit="case"))
    by_group = folds_of(tested, GROUPS) if study.plan.tuned_folds else []
    for tuned in tunings(study):
        found = tuned_predictions(study, tuned)
        # The encoders that whole networks start from have seen nobody of eegmat.
        own = [(train, np.flatnonzero(found["fold"] == i)) for i, (train, _) in enumerate(by_group)]
        audit(tested, [found["probability"]], own, GROUPS)
        scored = people_scores(tested.person, tested.truth, found["probability"], found["fold"])
        pretext = tuned.pretext
        case = case_of(
            ENCODER,
            pretext,
            NOBODY if pretext == RANDOM else CLINIC,
            tuned.pooling,
            tuned.pooling,
            transfer=SCRATCH if pretext == RANDOM else TUNED,
            views=0 if pretext == RANDOM else views_of(study, pretext),
            seed=study.plan.seed,
        )
        how = {"protocol": GROUPS, "labelled": str(tuned.labelled), "draw": 0}
        scored["loss"] = found["loss"].mean()
        tables.append(_with(scored, case, how))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(lead=table["participant"].map(ways_up(study)))


def _frozen(tested: StateWindows, case: Known, every_way: bool) -> pd.DataFrame:
    """Score one case in every way that makes sense, or leaving out one person after the other."""
    several, plan = len(case.parts) > 1, tested.plan
    every_way = every_way and not several
    tables = []
    for protocol in (LOSO, WINDOWS, RECORDS, GROUPS) if every_way else (LOSO,):
        folds = folds_of(tested, protocol)
        audit(tested, case.parts, folds, protocol)
        found = predict(tested, case.parts, folds, case.blocks)
        scored = people_scores(tested.person, tested.truth, *found)
        how = {"protocol": protocol, "labelled": ALL, "draw": 0}
        tables.append(_with(scored, case.case, how))
    simple = case.case["pooling"] in ("none", *plan.poolings[:2])
    if not (every_way and simple) or case.case["features"] == WITH_TEN:
        return pd.concat(tables)
    folds = folds_of(tested, LOSO)
    for number in plan.labelled:
        for draw in range(plan.draws):
            fewer = []
            for fold, (train, test) in enumerate(folds):
                others = np.unique(tested.person[train])
                drawn = labelled_people(others, tested.complete, number, (draw, fold))
                fewer.append((train[np.isin(tested.person[train], drawn)], test))
            found = predict(tested, case.parts, fewer)
            scored = people_scores(tested.person, tested.truth, *found)
            how = {"protocol": LOSO, "labelled": str(number), "draw": draw}
            tables.append(_with(scored, case.case, how))
    return pd.concat(tables)


def _with(table: pd.DataFrame, case: dict[str, Any], how: dict[str, Any]) -> pd.DataFrame:
    named = pd.DataFrame({**case, **how}, index=table.index)
    return pd.concat([named, table], axis=1)
