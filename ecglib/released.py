"""The protocol of the released code under its own name, and what its defects do to the number.

Head, split and metric are those of github.com/pritamqu/SSL-ECG at commit 1cd367d (``model.py``,
``main.py``, ``utils.py``), built anew; none of its code is here. Each defect is then put into the
corrected version alone, with the same windows, folds and seed. The heads of two variants start from
the same weights and see the windows in the same order, so the defect is all that differs.

Two things differ from the released code throughout, for cost: one frozen encoder serves all folds,
where the released code pretrains one in each fold on its training windows, and a head has one
output for high against low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import comb

from ecglib.artifacts import cached, code_of, load_arrays, save_arrays
from ecglib.cohort import Cohort
from ecglib.errors import DataError
from ecglib.evaluation import evaluate_frozen, label_matrix, load_predictions, save_predictions
from ecglib.metrics import MIN_PARTICIPANTS, SHARED_TRAINING, bootstrap_interval
from ecglib.splits import WindowKFold
from ecglib.study import SEEN, STR, Study
from ecglib.windows import WindowConfig, Windows, make_windows

if TYPE_CHECKING:
    from ecglib.heads import HeadConfig
    from ecglib.profiles import Profile

CORRECTED = "corrected"
DOMINANCE = "dominance read as valence"
LAST_FILE = "statistics of one file"
REFIT = "a refit on average"
BEST = "best refit of each fold"
BEST_OF_NOTHING = "best refit, nothing to find"
MEAN_FIRST = "F1 of means, not mean of F1"
SHUFFLED = "ratings shuffled among trials"

RATINGS, NOTHING = "ratings", "labels shuffled among windows"

N_REFITS = 20
"""Refits to choose from; the released code makes 100, one after each epoch of its pretext."""


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
        `ecglib.heads.RELEASED_HEAD`, perhaps with fewer epochs.
    """
    from ecglib.heads import RELEASED_HEAD

    if profile.head.epochs >= RELEASED_HEAD.epochs:
        return RELEASED_HEAD
    return replace(RELEASED_HEAD, epochs=max(1, profile.head.epochs // 3))


def released_metrics(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Score predicted classes as the released code does.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n_windows,)
        Classes, 0 or 1.

    Returns
    -------
    dict of str to float
        ``accuracy``; ``precision`` and ``recall``, averaged over the two classes; ``f1``, the
        harmonic mean of these two averages, which is the released metric; and beside it
        ``mean_f1``, the average of the two classes' F1. A class that is never predicted has
        precision 0 here; there it gives no number. A class that is neither true nor predicted
        does not count.

    Raises
    ------
    DataError
        If there are no windows, shapes differ or a class is not 0 or 1.

    Examples
    --------
    >>> scores = released_metrics(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'accuracy': 0.75, 'precision': 0.75, 'recall': 0.833, 'f1': 0.789, 'mean_f1': 0.733}
    """
    return {name: float(v) for name, v in _scores(_confusion(truth, predicted)).items()}


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
        Shape and training of the heads; see `released_head`.
    n_splits : int
        Folds; 10 in ``main.py``.
    seed : int
        Seed of split and heads.
    variant : str
        What stands in column ``model``.

    Returns
    -------
    DataFrame
        One row per window, columns `ecglib.evaluation.COLUMNS`, protocol "window-kfold". Score
        them with `score`.

    Raises
    ------
    DataError
        As in `ecglib.evaluation.evaluate_frozen`.
    """
    splitter = WindowKFold(n_splits, seed)
    return evaluate_frozen(features, meta, splitter, [target], head, seed, variant, SEEN)


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


# One function per defect, each from correct input to what the released code would have used.


def dominance_as_valence(meta: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its valence column filled from dominance."""
    return meta.assign(valence=meta["dominance"])


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
    """
    recordings = cohort.recordings[cohort.recordings["condition"].isin(config.conditions)]
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
        for lead in config.leads:
            here = (alone.meta["lead"] == lead).to_numpy()
            x, y = (w.X[here].ravel().astype(np.float64) for w in (both_ways, alone))
            rows.append((participant, lead, *np.polyfit(x, y, 1)))
    return pd.DataFrame(rows, columns=["participant", "lead", "gain", "offset"])


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
    """
    own = windows.meta[["participant", "lead"]].merge(scaling, "left", validate="many_to_one")
    if own["gain"].isna().any():
        row = own[own["gain"].isna()].iloc[0]
        raise DataError("no gain and offset", participant=row["participant"], field="scaling")
    X = windows.X * own["gain"].to_numpy()[:, None] + own["offset"].to_numpy()[:, None]
    return replace(windows, X=X.astype(np.float32))


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
    """
    rng = np.random.default_rng(seed)
    trials = meta.drop_duplicates(["participant", "clip"])[["participant", "clip", target]]
    shuffled = trials.groupby("participant")[target].transform(
        lambda ratings: rng.permutation(ratings.to_numpy())
    )
    of_trial = trials.assign(**{target: shuffled})
    rows = meta[["participant", "clip"]].merge(of_trial, "left", validate="many_to_one")
    return meta.assign(**{target: rows[target].to_numpy()})


@dataclass(frozen=True)
class Refits:
    """The same folds fitted again and again.

    Parameters
    ----------
    truth : ndarray, shape (n_windows,)
        Classes, 0 or 1.
    fold : ndarray of int, shape (n_windows,)
        The fold that tests each window.
    predicted : ndarray of bool, shape (n_refits, n_windows)
        Every refit's class of every window when that window was tested.
    """

    truth: np.ndarray
    fold: np.ndarray
    predicted: np.ndarray

    def scores(self) -> np.ndarray:
        """Released F1 of every refit on every test fold, shape (n_refits, n_folds)."""
        folds = [self.fold == f for f in np.unique(self.fold)]
        return np.array(
            [
                [released_metrics(self.truth[test], refit[test])["f1"] for test in folds]
                for refit in self.predicted
            ]
        )

    def best(self) -> np.ndarray:
        """Predictions of the refit with the best test score in each fold, shape (n_windows,)."""
        _, number = np.unique(self.fold, return_inverse=True)
        chosen = self.scores().argmax(axis=0)[number]
        return self.predicted[chosen, np.arange(self.fold.size)]


def refit(
    features: np.ndarray,
    labels: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    config: HeadConfig,
    n_refits: int,
    seed: int,
) -> Refits:
    """Fit every fold several times from other initial weights.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features)
        Features of all windows.
    labels : ndarray, shape (n_windows,)
        Classes, 0 or 1.
    folds : sequence of (train, test)
        Folds that test every window once.
    config : HeadConfig
        Shape and training of the heads.
    n_refits : int
        How often.
    seed : int
        Seed of the heads.

    Returns
    -------
    Refits

    Raises
    ------
    DataError
        As in `ecglib.heads.fit_heads`.
    """
    from ecglib.heads import fit_heads

    fold_of = np.empty(len(labels), dtype=np.int64)
    mask = np.zeros((len(folds), len(labels)), dtype=bool)
    for f, (train, test) in enumerate(folds):
        mask[f, train] = True
        fold_of[test] = f
    stacked = np.tile(labels, (n_refits * len(folds), 1))
    probability = fit_heads(features, stacked, np.tile(mask, (n_refits, 1)), config, seed)
    by_refit = probability.reshape(n_refits, len(folds), -1)
    return Refits(labels, fold_of, by_refit[:, fold_of, np.arange(len(labels))] > 0.5)


def best_of(scores: np.ndarray, k: int) -> np.ndarray:
    """Mean of the best of k scores, over all ways to draw k of those at hand.

    Parameters
    ----------
    scores : ndarray, shape (n, ...)
        Scores of n refits.
    k : int
        How many are drawn, without replacement.

    Returns
    -------
    ndarray, shape (...)
        With ``k = 1`` the mean; it never falls as k grows.

    Raises
    ------
    DataError
        If k is not from 1 to n.

    Examples
    --------
    >>> [float(best_of(np.array([0.5, 0.25, 0.75]), k).round(3)) for k in (1, 2, 3)]
    [0.5, 0.667, 0.75]
    """
    n = len(scores)
    if not 1 <= k <= n:
        raise DataError(f"best of {k} of {n} scores", field="k", expected=f"from 1 to {n}")
    # The score of rank i is the best of a draw if the other k - 1 are among the i below it.
    weight = comb(np.arange(n), k - 1) / comb(n, k)
    return np.tensordot(weight, np.sort(scores, axis=0), axes=1)


def optimism(refits: Refits) -> pd.DataFrame:
    """Mean test score over folds if the best of k refits is reported.

    Parameters
    ----------
    refits : Refits
        Refits of all folds.

    Returns
    -------
    DataFrame
        Indexed by k from 1 to the number of refits: ``per_fold`` chooses in each fold on its own,
        ``same`` chooses one refit for all folds by its mean.
    """
    scores = refits.scores()
    ks = pd.RangeIndex(1, len(scores) + 1, name="k")
    return pd.DataFrame(
        {
            "per_fold": [best_of(scores, k).mean() for k in ks],
            "same": [float(best_of(scores.mean(axis=1), k)) for k in ks],
        },
        index=ks,
    )


def released_results(study: Study) -> pd.DataFrame:
    """Predictions of the protocol, of each defect that changes them, and of a control; cached.

    Parameters
    ----------
    study : Study
        Its STR encoder without group 0 gives the features.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.COLUMNS`; `model` is the variant: corrected (valence and
        arousal), dominance read as valence, statistics of one file, ratings shuffled among trials.
    """

    def make() -> pd.DataFrame:
        features, meta, seed = study.features(STR, 0), study.usable.meta, study.profile.seed
        scaling = last_file_scaling(study.windows, study.cohort, study.profile.windows)
        encoder = study.pretext(0).encoder
        encoder.compile(jit_compile=True)
        X = rescale(study.usable, scaling).X
        rescaled = encoder.predict(X, batch_size=64, verbose=0)
        variants = (
            (CORRECTED, features, meta, "valence"),
            (CORRECTED, features, meta, "arousal"),
            (DOMINANCE, features, dominance_as_valence(meta), "valence"),
            (LAST_FILE, rescaled, meta, "valence"),
            (SHUFFLED, features, shuffle_trials(meta, "valence", seed), "valence"),
        )
        head, n_splits = released_head(study.profile), study.profile.window_folds
        return pd.concat(
            [
                released_protocol(
                    x, frame, target, head, n_splits=n_splits, seed=seed, variant=variant
                )
                for variant, x, frame, target in variants
            ],
            ignore_index=True,
        )

    return cached(
        "released-predictions",
        ".csv.gz",
        _source(study),
        make,
        save_predictions,
        load_predictions,
        study.root,
    )


def refit_results(study: Study) -> dict[str, Refits]:
    """Refits of the valence folds with the ratings, and with nothing to find; cached.

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

    def make() -> dict[str, np.ndarray]:
        features, meta, seed = study.features(STR, 0), study.usable.meta, study.profile.seed
        labels = label_matrix(meta, ["valence"])[:, 0]
        folds = list(WindowKFold(study.profile.window_folds, seed).split(meta, labels))
        config = replace(study.profile.head, epochs=released_head(study.profile).epochs)
        arrays: dict[str, np.ndarray] = {}
        shuffled = np.random.default_rng(seed).permutation(labels)
        for name, y in ((RATINGS, labels), (NOTHING, shuffled)):
            made = refit(features, y, folds, config, N_REFITS, seed)
            arrays |= {f"{name}/{part}": value for part, value in vars(made).items()}
        return arrays

    arrays = cached(
        "released-refits", ".npz", _source(study), make, save_arrays, load_arrays, study.root
    )
    parts = ("truth", "fold", "predicted")
    return {
        name: Refits(*(arrays[f"{name}/{part}"] for part in parts)) for name in (RATINGS, NOTHING)
    }


def effects(study: Study) -> pd.DataFrame:
    """Each defect's number for valence, and its change against the corrected version.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    DataFrame
        One row per variant with `against` (what it is compared with), the scores of `score`, the
        number with the defect in `number` and without it in `before`, their difference `change`,
        and `low` and `high`, its 95 % interval. Numbers are the released F1 of all test windows
        together. The interval is over participants: they resample the jackknife's pseudo-values,
        as in `ecglib.metrics.summarise`, widened because folds share their training windows; what
        was chosen as best stays chosen. It is missing with fewer than
        `ecglib.metrics.MIN_PARTICIPANTS` participants.
    """
    results = released_results(study)
    of_variant = dict(list(results[results["target"] == "valence"].groupby("model")))
    plain = of_variant[CORRECTED]
    participant = study.usable.meta["participant"].to_numpy()

    def values(rows: pd.DataFrame, name: str = "f1") -> _Values:
        return _values(*_classes(rows), rows["participant"].to_numpy(), name)

    def row(
        variant: str, against: str, rows: pd.DataFrame, number: _Values, before: _Values
    ) -> dict[str, object]:
        change = _change(number, before, study.profile.n_resamples)
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
        each = [_values(refits.truth, one, participant) for one in refits.predicted]
        number = _values(refits.truth, best, participant)
        table.append(row(variant, REFIT, rows, number, _mean(each)))
    order = [DOMINANCE, BEST, BEST_OF_NOTHING, LAST_FILE, MEAN_FIRST, SHUFFLED]
    return pd.DataFrame(table).set_index("variant").loc[order]


@dataclass(frozen=True)
class _Values:
    """A pooled score, and one pseudo-value per participant whose mean it is."""

    whole: float
    of_participant: np.ndarray


def _values(
    truth: np.ndarray, predicted: np.ndarray, participant: np.ndarray, name: str = "f1"
) -> _Values:
    own = np.array(
        [
            _confusion(truth[participant == p], predicted[participant == p])
            for p in np.unique(participant)
        ]
    )
    total = own.sum(axis=0)
    whole = float(_scores(total)[name])
    without = _scores(total - own)[name] if len(own) > 1 else np.array([whole])
    return _Values(whole, whole + (len(own) - 1) * (without.mean() - without))


def _mean(values: Sequence[_Values]) -> _Values:
    return _Values(
        float(np.mean([v.whole for v in values])),
        np.mean([v.of_participant for v in values], axis=0),
    )


def _change(a: _Values, b: _Values, n_resamples: int) -> dict[str, float]:
    """Difference of two scores on the same participants, with its interval."""
    change = a.whole - b.whole
    low = high = float("nan")
    if a.of_participant.size >= MIN_PARTICIPANTS:
        difference = a.of_participant - b.of_participant
        low, high = bootstrap_interval(
            difference, n_resamples=n_resamples, widening=SHARED_TRAINING
        )
    return {"number": a.whole, "before": b.whole, "change": change, "low": low, "high": high}


def _classes(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return predictions["truth"].to_numpy(), predictions["probability"].to_numpy() > 0.5


def _confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count windows by true and predicted class, shape (2, 2)."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1 or not truth.size:
        raise DataError(
            f"classes of shape {truth.shape} and {predicted.shape}",
            field="truth, predicted",
            expected="one class per window, of one window or more",
        )
    if not (np.isin(truth, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        raise DataError("a class other than 0 and 1", field="truth, predicted", expected="0 or 1")
    code = 2 * truth.astype(np.int64) + predicted.astype(np.int64)
    return np.bincount(code, minlength=4).reshape(2, 2)


def _scores(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Score confusion counts of shape (..., 2, 2), axes true and predicted class."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    present = np.sum(true + predicted > 0, axis=-1)

    def over_classes(windows: np.ndarray) -> np.ndarray:
        return np.sum(hits / np.maximum(windows, 1), axis=-1) / present

    precision, recall = over_classes(predicted), over_classes(true)
    both = precision + recall
    return {
        "accuracy": hits.sum(axis=-1) / confusion.sum(axis=(-1, -2)),
        "precision": precision,
        "recall": recall,
        "f1": np.divide(2 * precision * recall, both, where=both > 0, out=np.zeros_like(both)),
        "mean_f1": 2 * over_classes(true + predicted),
    }


def _source(study: Study) -> dict[str, object]:
    return {
        "data": study.cohort.sha256,
        "profile": study.profile,
        "n_refits": N_REFITS,
        "code": code_of(
            *("matfile", "dreamer", "filters", "quality", "scaling", "windows"),
            *("transforms", "layers", "models", "pretrain"),
            *("labels", "splits", "heads", "evaluation", "released"),
        ),
    }
