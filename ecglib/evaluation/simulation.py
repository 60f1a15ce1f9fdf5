"""What the statistics of a mean over participants are worth, found out on invented participants.

The truth about invented participants is known, so a simulation can count: how often an interval
covers it, how often a test finds something where there is nothing, how large an effect must be to
be found. What the mean's error is made of, people or seeds, is estimated from real predictions in
`ecglib.evaluation.variance`.

Coverage is measured on `ecglib.evaluation.intervals.bootstrap_interval` and
`ecglib.evaluation.summaries.summarise` themselves. All simulations are plain NumPy and repeat
exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.progress import progress
from ecglib.evaluation.intervals import bootstrap_interval
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.permutation import areas, refit_test, sign_flip_test
from ecglib.evaluation.protocols import MAJORITY
from ecglib.evaluation.summaries import summarise
from ecglib.transfer.linear import linear_scores


@dataclass(frozen=True)
class People:
    """A population of invented participants, and how their windows differ with their ratings.

    A window has independent features of variance 1 whose mean differs between windows rated high
    and low in the first feature only. Units are standard deviations of a window.

    Parameters
    ----------
    separation : float
        Distance between the means of high and low windows.
    spread : float
        Standard deviation of the separation between participants.
    responders : float
        Share of participants who have that separation; the others have none.
    leaning, leaning_spread : float
        What is added to all of a participant's windows, relative to the threshold 0 between the
        answers "low" and "high": mean and standard deviation between participants.
    n_features : int
        Features per window.
    n_trials, n_windows : int
        Trials per participant and windows per trial.
    alike : float
        Share of the variance that the windows of a trial have in common.

    Examples
    --------
    >>> People().auc, round(People(separation=0.5).auc, 3)
    (0.5, 0.638)
    """

    separation: float = 0.0
    spread: float = 0.0
    responders: float = 1.0
    leaning: float = 0.0
    leaning_spread: float = 0.0
    n_features: int = 1
    n_trials: int = 18
    n_windows: int = 4
    alike: float = 0.5

    def __post_init__(self) -> None:
        check_fields(self)
        checks.whole("n_windows", self.n_windows, 1)

    @property
    def auc(self) -> float:
        """True mean over participants of the area under the ROC curve of the first feature."""
        of_responders = stats.norm.cdf(self.separation / np.sqrt(2 + self.spread**2))
        return float(0.5 + self.responders * (of_responders - 0.5))

    @property
    def balanced_accuracy(self) -> float:
        """True mean over participants of the balanced accuracy of the first feature above 0."""
        width = np.sqrt(1 + self.leaning_spread**2 + np.array([self.spread, 0.0]) ** 2 / 4)
        half = np.array([self.separation, 0.0]) / 2
        recalls = stats.norm.cdf((half + self.leaning) / width) + stats.norm.cdf(
            (half - self.leaning) / width
        )
        return float(recalls @ [self.responders, 1 - self.responders] / 2)

    @checked
    def draw(
        self, size: int | tuple[int, ...], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Invent participants, their ratings and their windows.

        A participant's share of high ratings is drawn from a beta distribution around one half
        with a standard deviation of 0.15, as wide as such shares are in DREAMER.

        Parameters
        ----------
        size : int or tuple of int
            How many participants; a tuple gives leading axes.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        labels : ndarray of int8, shape (*size, n_trials * n_windows)
            Labels, equal within a trial.
        features : ndarray, shape (*size, n_trials * n_windows, n_features)
            Features of the windows.
        """
        size = (size,) if isinstance(size, int) else size
        checks.several("size", size, checks.whole, 1)
        high = rng.random((*size, self.n_trials)) < rng.beta(5, 5, (*size, 1))
        responds = rng.random(size) < self.responders
        separation = responds * (self.separation + self.spread * rng.standard_normal(size))
        leaning = self.leaning + self.leaning_spread * rng.standard_normal(size)
        trial = rng.standard_normal((*size, self.n_trials, 1, self.n_features))
        window = rng.standard_normal((*size, self.n_trials, self.n_windows, self.n_features))
        features = np.sqrt(self.alike) * trial + np.sqrt(1 - self.alike) * window
        mean = separation[..., None] * (high - 0.5) + leaning[..., None]
        features[..., 0] += mean[..., None]
        labels = np.repeat(high.astype(np.int8), self.n_windows, axis=-1)
        return labels, features.reshape(*labels.shape, self.n_features)


CASES: dict[str, tuple[People, str]] = {
    "AUC, no effect": (People(), "auc"),
    "AUC, people differ": (People(separation=0.8, spread=0.6), "auc"),
    "AUC, one in five responds": (People(separation=1.6, responders=0.2), "auc"),
    "balanced accuracy, people differ": (
        People(separation=0.8, spread=0.6, leaning_spread=0.5),
        "balanced_accuracy",
    ),
    "balanced accuracy, nearly always one answer": (
        People(separation=0.8, leaning=-3.0),
        "balanced_accuracy",
    ),
}
"""Metrics whose intervals are tried out: people, and what is computed of each of them."""


@checked
def coverage(
    values: np.ndarray, truth: float, *, n_resamples: int = 999, widening: float = 1.0
) -> dict[str, float]:
    """Count how often the 95 % interval of a mean covers the truth.

    The interval is that of `ecglib.evaluation.intervals.bootstrap_interval`.

    Parameters
    ----------
    values : ndarray, shape (n_repetitions, n_participants)
        A metric of each participant in each repetition; NaN where it is not defined.
    truth : float
        What the mean would be over endlessly many participants.
    n_resamples : int
        As in `ecglib.evaluation.intervals.bootstrap_interval`.
    widening : float
        Factor by which the intervals are widened around the mean.

    Returns
    -------
    dict
        ``coverage``; ``error``, its standard error; and the shares of intervals that lie
        ``below`` and ``above`` the truth.

    Raises
    ------
    DataError
        If it is no table, or as in `ecglib.evaluation.intervals.bootstrap_interval`.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(0.6, 0.1, (40, 12))
    >>> bool(coverage(values, 0.6, n_resamples=99)["coverage"] > 0.8)
    True
    """
    checks.array("values", values, (None, None), finite=False)
    below = above = 0
    for i, row in enumerate(progress(values, "intervals", total=len(values), unit="cohort")):
        row = row[np.isfinite(row)]
        low, high = bootstrap_interval(row, n_resamples=n_resamples, seed=i, widening=widening)
        below += high < truth
        above += low > truth
    n = len(values)
    covered = 1 - (below + above) / n
    return {
        "coverage": covered,
        "error": float(np.sqrt(covered * (1 - covered) / n)),
        "below": below / n,
        "above": above / n,
    }


@checked
def coverage_table(
    n_participants: Sequence[int] = (10, 23, 40), repetitions: int = 800, seed: int = 0
) -> pd.DataFrame:
    """Measure coverage for a finished head that is tested on new people.

    Parameters
    ----------
    n_participants : sequence of int
        Sizes of the cohorts.
    repetitions : int
        Cohorts per case and size.
    seed : int
        Seed of the cohorts.

    Returns
    -------
    DataFrame
        One row per case of `CASES` and size: ``case``, ``n_participants``, ``truth`` and what
        `coverage` counts.

    Examples
    --------
    >>> table = coverage_table([6], repetitions=2)
    >>> sorted(table["case"]) == sorted(CASES), table["n_participants"].unique().tolist()
    (True, [6])
    """
    rows = []
    for number, (case, (people, metric)) in enumerate(CASES.items()):
        for n in n_participants:
            rng = np.random.default_rng([seed, number, n])
            labels, features = people.draw((repetitions, n), rng)
            of_metric = areas if metric == "auc" else _balanced_accuracies
            truth = getattr(people, metric)
            counted = coverage(of_metric(labels, features[..., 0]), truth)
            rows.append({"case": case, "n_participants": n, "truth": truth, **counted})
    return pd.DataFrame(rows)


@checked
def cross_validation_table(
    separations: Sequence[float] = (0.0, 0.4, 1.2),
    n_participants: int = 23,
    repetitions: int = 250,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure coverage from end to end: heads trained, rows predicted, `summarise` called.

    In the first row one finished head, trained on another cohort without any effect, is tested on
    every cohort. In the other rows a cohort trains its own heads, leave-one-participant-out.

    Parameters
    ----------
    separations : sequence of float
        Sizes of the effect, as in `People`; the spread between participants is half of it.
    n_participants : int
        Size of the cohorts.
    repetitions : int
        Cohorts per row.
    seed : int
        Seed of the cohorts.

    Returns
    -------
    DataFrame
        One row per way of training (``heads``) and separation: ``truth``, the mean area over all
        cohorts, or 0.5 where there is no effect; ``error_ratio``, how much the mean varies between
        cohorts over what the spread of the participants says; coverage of the ``plain`` interval
        and of the interval in the ``table`` of `summarise`, with their standard errors; and how
        often the latter lies above chance (``found``).

    Examples
    --------
    >>> table = cross_validation_table([0.0], n_participants=6, repetitions=2)
    >>> table["heads"].tolist()
    ['finished', 'left-out']
    """
    rows = []
    for heads, separation in [("finished", 0.0), *(("left-out", s) for s in separations)]:
        people = People(separation, spread=separation / 2, n_features=16)
        rng = np.random.default_rng([seed, len(rows)])
        cohorts = [people.draw(n_participants, rng) for _ in range(repetitions + 1)]
        table, values = _summaries(cohorts, people, left_out=heads == "left-out")
        means = values.mean(axis=1)
        truth = 0.5 if separation == 0 else float(means.mean())
        said = (values.var(axis=1) / values.notna().sum(axis=1)).mean() ** 0.5
        plain = coverage(values.to_numpy(), truth)
        covered = (table["low"].le(truth) & table["high"].ge(truth)).mean()
        rows.append(
            {
                "heads": heads,
                "separation": separation,
                "truth": truth,
                "error_ratio": float(means.std() / said),
                "plain": plain["coverage"],
                "plain_error": plain["error"],
                "table": covered,
                "table_error": float(np.sqrt(covered * (1 - covered) / repetitions)),
                "found": table["low"].gt(0.5).mean(),
            }
        )
    return pd.DataFrame(rows)


@checked
def null_p_values(
    repetitions: int = 300, n_permutations: int = 99, n_participants: int = 23, seed: int = 0
) -> pd.DataFrame:
    """Run every test again and again where there is nothing to find.

    Parameters
    ----------
    repetitions : int
        Cohorts without any effect.
    n_permutations : int
        Permutations per test.
    n_participants : int
        Size of the cohorts.
    seed : int
        Seed of the cohorts and of the tests.

    Returns
    -------
    DataFrame
        One row per cohort, one column of p-values per test.

    Examples
    --------
    >>> null_p_values(repetitions=2, n_permutations=9, n_participants=5).shape
    (2, 6)
    """
    people, rng = People(n_features=16), np.random.default_rng(seed)
    rows = []
    for i in progress(range(repetitions), "tests", unit="cohort"):
        labels, features, participant, trial = _flat(*people.draw(n_participants, rng), people)
        models = features[:, :8], features[:, 8:]
        finished = [x[:, 0] for x in models]
        left_out = [linear_scores(x, participant, labels[None])[0] for x in models]
        options = {"n_permutations": n_permutations, "seed": i}
        of_labels = {"labels": labels, "participant": participant, "trial": trial, **options}
        of_windows = {**of_labels, "trial": np.arange(labels.size)}
        tests = {
            "finished head, trials": refit_test(partial(_as_it_is, finished[0]), **of_labels),
            "finished head, windows": refit_test(partial(_as_it_is, finished[0]), **of_windows),
            "left-out heads, trials": refit_test(partial(_as_it_is, left_out[0]), **of_labels),
            "left-out heads, refitted": refit_test(
                partial(linear_scores, models[0], participant), **of_labels
            ),
        }
        for name, scores in (("finished", finished), ("left-out", left_out)):
            one, other = (_by_person(labels, s, participant) for s in scores)
            both = np.isfinite(one)  # a participant whose trials are all rated alike has no area
            tests[f"two {name} heads, signs"] = sign_flip_test((one - other)[both], **options)
        rows.append({name: test.p for name, test in tests.items()})
    return pd.DataFrame(rows)


@checked
def uniformity(p_values: pd.DataFrame, n_permutations: int = 99) -> pd.DataFrame:
    """Compare p-values where there is nothing to find with the uniform distribution.

    Parameters
    ----------
    p_values : DataFrame
        Result of `null_p_values`.
    n_permutations : int
        Permutations per test; p-values are multiples of one in so many plus one.

    Returns
    -------
    DataFrame
        One row per test: ``below_5_percent``, the share of p-values up to 0.05; ``expected_low``
        and ``expected_high``, the limits within which 95 % of such shares would lie; ``ks_p``, the
        p-value of a Kolmogorov-Smirnov test against the uniform distribution; and ``uniform``,
        whether the share is within its limits and `ks_p` above 0.01.

    Examples
    --------
    >>> p = pd.DataFrame({"a test": np.arange(1, 101) / 100, "a wrong one": np.full(100, 0.01)})
    >>> uniformity(p)[["below_5_percent", "uniform"]].values.tolist()
    [[0.05, True], [1.0, False]]
    """
    rng, n = np.random.default_rng(0), len(p_values)
    low, high = stats.binom.interval(0.95, n, 0.05)
    rows = []
    for test, p in p_values.items():
        share = float((p <= 0.05 + 1e-12).mean())
        # Spread over the step that ends at each multiple, uniform p-values are so exactly.
        ks = stats.kstest(p - rng.random(n) / (n_permutations + 1), "uniform").pvalue
        rows.append(
            {
                "test": test,
                "below_5_percent": share,
                "expected_low": low / n,
                "expected_high": high / n,
                "ks_p": float(ks),
                "uniform": bool(low / n <= share <= high / n and ks > 0.01),
            }
        )
    return pd.DataFrame(rows).set_index("test")


@checked
def simulated_power(
    effect: float, spread: float, n_participants: int, *, repetitions: int = 1000, seed: int = 0
) -> float:
    """Count the share of cohorts whose interval finds an effect, for a finished head.

    Parameters
    ----------
    effect, spread, n_participants
        As in `ecglib.evaluation.power.power`.
    repetitions : int
        Number of cohorts.
    seed : int
        Seed of the cohorts.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If the spread is not positive.

    Examples
    --------
    >>> simulated_power(0.1, 0.05, 12, repetitions=20)
    1.0
    """
    checks.number("spread", spread, above=0, high=1e6)
    checks.number("effect", effect, -1e6, 1e6)
    rng = np.random.default_rng(seed)
    values = rng.normal(effect, spread, (repetitions, n_participants))
    return coverage(values, 0.0)["above"]


@checked
def prediction_frame(
    labels: np.ndarray,
    scores: np.ndarray,
    participant: np.ndarray,
    trial: np.ndarray,
    *,
    folds: bool,
    model: str = "simulated",
) -> pd.DataFrame:
    """Lay out simulated scores as rows of predictions.

    Parameters
    ----------
    labels, scores, participant, trial : ndarray, shape (n_windows,)
        Label and score of each window, and where it is from.
    folds : bool
        Every participant is a fold of a cross-validation; else all are tested by one finished head.
    model : str
        Name of the model.

    Returns
    -------
    DataFrame
        Columns as in `ecglib.evaluation.protocols.COLUMNS`.

    Raises
    ------
    DataError
        If a score is not finite, or there is not one of each for every window.

    Examples
    --------
    >>> person, labels = np.array([1, 1, 2, 2]), np.array([0, 1, 0, 1])
    >>> rows = prediction_frame(
    ...     labels, np.array([-1.0, 1.0, -2.0, 2.0]), person, labels, folds=True
    ... )
    >>> rows[["participant", "fold", "window", "truth"]].values.tolist()
    [[1, 1, 0, 0], [1, 1, 1, 1], [2, 2, 2, 0], [2, 2, 3, 1]]
    """
    checks.array("labels", labels, (None,))
    checks.array("scores", scores, labels.shape)
    checks.of_length("participant", participant, labels.size)
    checks.of_length("trial", trial, labels.size)
    return pd.DataFrame(
        {
            "protocol": LeaveOneParticipantOut.protocol,
            "model": model,
            "regime": "none",
            "target": "simulated",
            "fold": participant if folds else 0,
            "seed": 0,
            "window": np.arange(labels.size),
            "participant": participant,
            "clip": trial,
            "probability": 1 / (1 + np.exp(-scores)),
            "truth": labels,
        }
    )


def _summaries(
    cohorts: list[tuple[np.ndarray, np.ndarray]], people: People, *, left_out: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise every cohort but the first, and give the area of each of its participants."""
    taught, known, teacher, _ = _flat(*cohorts[0], people)
    frames, values = [], []
    for number, cohort in enumerate(cohorts[1:]):
        labels, features, participant, trial = _flat(*cohort, people)
        if left_out:
            scores = linear_scores(features, participant, labels[None])[0]
        else:  # the whole cohort is one more person, for whom the first cohort trains the head
            scores = linear_scores(
                np.vstack([known, features]),
                np.append(teacher, np.full(labels.size, -1)),
                np.append(taught, labels)[None],
                tested=[-1],
            )[0, taught.size :]
        name = f"cohort {number}"
        frames.append(
            prediction_frame(labels, scores, participant, trial, folds=left_out, model=name)
        )
        values.append(_by_person(labels, scores, participant))
    frames.append(frames[0].assign(model=MAJORITY, probability=1.0))
    table = summarise(pd.concat(frames, ignore_index=True), ["auc"], n_resamples=999)
    return table[table["model"] != MAJORITY], pd.DataFrame(values)


def _as_it_is(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give the same scores whatever the labels: the head is not trained again."""
    return scores[None]


def _flat(
    labels: np.ndarray, features: np.ndarray, people: People
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give labels, features, participant and trial of every window of one cohort."""
    n, n_windows = labels.shape
    participant = np.repeat(np.arange(n), n_windows)
    trial = np.tile(np.repeat(np.arange(people.n_trials), people.n_windows), n)
    return labels.ravel(), features.reshape(labels.size, -1), participant, trial


def _by_person(labels: np.ndarray, scores: np.ndarray, participant: np.ndarray) -> np.ndarray:
    """Give the area of every participant of a simulated cohort, NaN where a class is absent."""
    shape = participant.max() + 1, -1
    return areas(labels.reshape(shape), scores.reshape(shape))


def _balanced_accuracies(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Compute balanced accuracies at threshold 0 along the last axis, NaN without a class."""
    recalls = []
    for label, right in ((1, scores > 0), (0, scores <= 0)):
        n = (labels == label).sum(axis=-1)
        hits = (right & (labels == label)).sum(axis=-1)
        recalls.append(hits / np.where(n == 0, np.nan, n))
    return np.mean(recalls, axis=0)
