"""Folds as independent tasks: in processes or on a cluster, stored one by one, never run twice.

A fold needs nothing from another fold, so all of them go through `joblib.Parallel`, and whoever
calls decides where they run. Two processes on this machine::

    with joblib.parallel_config(n_jobs=2):
        predictions = evaluate_estimator(..., folder="artifacts/folds")

A cluster needs the library on every machine and a folder that all of them see. Start one scheduler
and any number of workers (``dask`` comes with the package ``distributed``; its ports are open to
whoever reaches them, so keep them inside the cluster)::

    dask scheduler --port 8786
    dask worker tcp://SCHEDULER:8786 --nworkers 4 --nthreads 1

and change nothing but the two lines around the call::

    with Client("tcp://SCHEDULER:8786"), joblib.parallel_config(backend="dask"):
        predictions = evaluate_estimator(..., folder="/shared/folds")

The process that runs a fold writes its file the moment the fold is finished. When a worker is
killed, Dask gives its unfinished fold to another one; processes of joblib end the run with an
error instead. In either case, and when the whole run is killed, the next call finds what had
finished and runs the rest. (A killed run leaves its hidden ``.shared-…`` folder, which nothing
reads again.)
"""

import inspect
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from ecglib.artifacts import atomic_path, code_of, fingerprint
from ecglib.errors import DataError
from ecglib.evaluation import label_matrix, load_predictions, prediction_rows, save_predictions
from ecglib.splits import Splitter

SHARED_BYTES = 100_000
"""Arrays of at least this size reach the workers through one file, not once with every fold."""


def run_folds(
    function: Callable[..., Any],
    arguments: Sequence[tuple],
    *,
    folder: str | Path | None = None,
    made_from: Mapping[str, Any] | None = None,
    suffix: str = ".csv.gz",
    save: Callable[[Path, Any], None] = save_predictions,
    load: Callable[[Path], Any] = load_predictions,
) -> list[Any]:
    """Call a function once per fold, in parallel if the caller says so, and store every result.

    Backend and number of processes are those of `joblib.parallel_config` around the call; without
    it the folds run one after another. What a fold itself would run in parallel through joblib
    runs one after another.

    Parameters
    ----------
    function : callable
        A plain function. Its result must depend on its arguments only.
    arguments : sequence of tuple
        Positional arguments of each call.
    folder : str or Path, optional
        Where results are stored, one file per fold, named by a fingerprint of the text of
        `function`, of its arguments and of `made_from`. A stored fold is read, not run. Workers on
        other machines must see the folder under the same path. Without it nothing is stored, and a
        cluster worker's death may end the run.
    made_from : mapping, optional
        What else decides the results, such as `ecglib.artifacts.code_of` the modules that
        `function` calls.
    suffix : str
        File name extension of a stored result.
    save, load : callable
        ``save(path, result)`` and ``load(path)``; `load` must refuse a bad file. By default
        results are predictions.

    Returns
    -------
    list
        Results in the order of `arguments`.

    Raises
    ------
    DataError
        As in `load`, when a stored file is damaged. It is never replaced silently.
    ValueError
        If results are to be stored and `function` uses variables of the function around it, which
        no fingerprint sees.

    Examples
    --------
    >>> with parallel_config(backend="threading", n_jobs=2):
    ...     run_folds(pow, [(2, 3), (3, 2)])
    [8, 9]
    """
    if folder is None:
        return Parallel()(delayed(_call)(function, *given) for given in arguments)
    folder = Path(folder).resolve()  # a worker's current folder is another one
    paths = _paths(folder, function, arguments, made_from or {}, suffix)
    results = {path: load(path) for path in dict.fromkeys(paths) if path.is_file()}
    missing = {
        path: given for path, given in zip(paths, arguments, strict=True) if path not in results
    }
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".shared-", ignore_cleanup_errors=True
        ) as shared:
            tasks = _share(missing.values(), Path(shared))
            # Dask ships a tuple with its task. Arguments one by one would be kept by one worker
            # each, and the folds that need them would be lost with it.
            made = Parallel()(
                delayed(_call_and_store)(function, given, path, save, load)
                for path, given in zip(missing, tasks, strict=True)
            )
        results.update(zip(missing, made, strict=True))
    return [results[path] for path in paths]


def evaluate_estimator(
    estimator: BaseEstimator,
    features: np.ndarray,
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str],
    *,
    model: str,
    regime: str,
    seed: int = 0,
    folder: str | Path | None = None,
    threshold: float = 3,
    rule: str = ">",
) -> pd.DataFrame:
    """Fit a scikit-learn classifier anew for every fold and target, and predict the test windows.

    The classifier is fitted on the fold's training windows alone, and with it all that it holds:
    the scaler and the imputer of a `Pipeline`, class weights, the windows set aside for early
    stopping, a search over settings, a decision threshold. Inner splits that ask for groups (such
    as `GroupKFold` in a `GridSearchCV`) get the participants.

    Parameters
    ----------
    estimator : scikit-learn classifier
        It must have ``predict_proba``. It is cloned, never fitted itself.
    features : ndarray, shape (n_windows, n_features)
        Features of all windows.
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested. It is given the labels of all `targets`, so the folds depend on those.
    targets : sequence of str
        Rating scales.
    model, regime : str
        What makes the predictions, as it will stand in tables.
    seed : int
        Put in the place of every ``random_state`` in the classifier.
    folder : str or Path, optional
        Where finished folds are stored, as in `run_folds`.
    threshold, rule
        As in `ecglib.labels.binary_labels`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.COLUMNS`. After a
        `TunedThresholdClassifierCV` probabilities below and above its threshold are stretched, each
        side by one factor, so that 0.5 is the threshold; their order does not change.

    Raises
    ------
    DataError
        If features and metadata disagree, a feature is infinite (or missing, unless the classifier
        accepts that), the classifier has no ``predict_proba`` or a tuned threshold of something
        else, a fold has one class among its training windows, or a stored fold is damaged.
    """
    _check(estimator, features, meta)
    labels = label_matrix(meta, targets, threshold, rule)
    seeded = clone(estimator)
    seeded.set_params(
        **{name: seed for name in seeded.get_params() if name.split("__")[-1] == "random_state"}
    )
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    names = {"protocol": splitter.protocol, "model": model, "regime": regime, "seed": seed}
    arguments = [
        (seeded, features, labels, tuple(targets), people, clips, train, test, fold, names)
        for fold, (train, test) in enumerate(splitter.split(meta, labels))
    ]
    made_from = {"code": code_of("folds", "evaluation")}
    try:
        folds = run_folds(_fit_fold, arguments, folder=folder, made_from=made_from)
    except ValueError as error:
        # Whether missing values are welcome is known only to what looks at them first.
        if np.isnan(features).any() and "NaN" in str(error):
            raise _unusable(np.isnan(features), features, meta) from error
        raise
    return pd.concat(folds, ignore_index=True)


def _fit_fold(
    estimator: BaseEstimator,
    features: np.ndarray,
    labels: np.ndarray,
    targets: tuple[str, ...],
    people: np.ndarray,
    clips: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    fold: int,
    names: Mapping[str, Any],
) -> pd.DataFrame:
    meta = pd.DataFrame({"participant": people, "clip": clips})
    rows = []
    for t, target in enumerate(targets):
        fitted = _fit(clone(estimator), features[train], labels[train, t], people[train])
        rows.append(
            prediction_rows(
                meta,
                test,
                _probability(fitted, features[test]),
                labels[:, t],
                target=target,
                fold=fold,
                **names,
            )
        )
    return pd.concat(rows, ignore_index=True)


def _fit(estimator: BaseEstimator, x: np.ndarray, y: np.ndarray, people: np.ndarray) -> Any:
    """Fit, with the participants as groups if something inside asks for groups."""
    with config_context(enable_metadata_routing=True):
        try:
            asks = get_routing_for_object(estimator).consumes("fit", ["groups"])
        except NotImplementedError:  # a meta-estimator that cannot pass anything on
            asks = set()
        if asks:
            return estimator.fit(x, y, groups=people)
    return estimator.fit(x, y)


def _probability(fitted: Any, x: np.ndarray) -> np.ndarray:
    """Probability of class 1, stretched so that a tuned threshold lies at 0.5."""
    probability = fitted.predict_proba(x)[:, 1].astype(np.float64)
    cut = _tuned_threshold(fitted)
    if cut is None:
        return probability
    if not np.array_equal(probability >= cut, fitted.predict(x)):
        raise DataError(
            f"the tuned threshold {cut:.3g} is not one of probabilities",
            field="estimator",
            remedy='give TunedThresholdClassifierCV response_method="predict_proba"',
        )
    with np.errstate(divide="ignore", invalid="ignore"):  # a side of width 0 has no windows
        low = 0.5 * probability / cut
        high = 0.5 + 0.5 * (probability - cut) / (1 - cut)
    # A probability at the threshold is class 1, and a stored 0.5 is class 0.
    above_half = np.nextafter(np.float32(0.5), np.float32(1))
    return np.where(probability >= cut, np.fmax(high, above_half), np.fmin(low, 0.5))


def _tuned_threshold(fitted: Any) -> float | None:
    while not hasattr(fitted, "best_threshold_"):
        if isinstance(fitted, Pipeline):
            fitted = fitted[-1]
        elif hasattr(fitted, "best_estimator_"):
            fitted = fitted.best_estimator_
        else:
            return None
    return float(fitted.best_threshold_)


def _check(estimator: BaseEstimator, features: np.ndarray, meta: pd.DataFrame) -> None:
    if not hasattr(estimator, "predict_proba"):
        raise DataError(
            f"{type(estimator).__name__} gives no probabilities",
            field="estimator",
            expected="a classifier with predict_proba",
            remedy="wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    if features.ndim != 2 or len(features) != len(meta):
        raise DataError(
            f"features of shape {features.shape} for {len(meta)} windows",
            field="features",
            expected=f"shape ({len(meta)}, n_features)",
        )
    if np.isinf(features).any():
        raise _unusable(np.isinf(features), features, meta)


def _unusable(bad: np.ndarray, features: np.ndarray, meta: pd.DataFrame) -> DataError:
    window, column = np.argwhere(bad)[0]
    return DataError(
        f"{np.count_nonzero(bad)} values not usable, first: {features[window, column]} in "
        f"feature {column} of window {window}",
        participant=meta["participant"].iloc[window],
        clip=meta["clip"].iloc[window],
        field="features",
        expected="finite numbers",
        remedy="mend the features, or put an imputer for NaN first in the classifier's Pipeline",
    )


@dataclass(frozen=True)
class _SharedArray:
    """Stands for an array that lies in a file."""

    path: Path


def _share(arguments: Sequence[tuple], folder: Path) -> list[tuple]:
    """Write every large array to a file, once, and put the file's name in its place."""
    files: dict[int, _SharedArray] = {}
    shared = []
    for given in arguments:
        row = []
        for value in given:
            if isinstance(value, np.ndarray) and value.nbytes >= SHARED_BYTES:
                if id(value) not in files:
                    path = folder / f"{len(files)}.npy"
                    np.save(path, value, allow_pickle=False)
                    files[id(value)] = _SharedArray(path)
                value = files[id(value)]
            row.append(value)
        shared.append(tuple(row))
    return shared


def _call(function: Callable[..., Any], *given: Any) -> Any:
    # The fold is the unit of work: a Dask worker would send a fold's own loops round the cluster.
    with parallel_config(backend="sequential"):
        return function(*given)


def _call_and_store(
    function: Callable[..., Any],
    given: tuple,
    path: Path,
    save: Callable[[Path, Any], None],
    load: Callable[[Path], Any],
) -> Any:
    # A scheduler that loses a worker sends its tasks again, with those that had just finished.
    if not path.is_file():
        result = _call(
            function,
            *(
                np.asarray(np.load(value.path, mmap_mode="r"))
                if isinstance(value, _SharedArray)
                else value
                for value in given
            ),
        )
        with atomic_path(path) as partial:
            save(partial, result)
    return load(path)


def _paths(
    folder: Path,
    function: Callable[..., Any],
    arguments: Sequence[tuple],
    made_from: Mapping[str, Any],
    suffix: str,
) -> list[Path]:
    if getattr(function, "__closure__", None):
        raise ValueError(
            f"{function.__qualname__} uses {', '.join(function.__code__.co_freevars)} from the "
            "function around it: pass them as arguments"
        )
    common = [function.__qualname__, inspect.getsource(function), made_from]
    seen: dict[int, str] = {}  # many folds share an array; it is hashed once
    paths = []
    for given in arguments:
        for value in given:
            if id(value) not in seen:
                seen[id(value)] = joblib.hash(value, coerce_mmap=True)
        name = fingerprint({"call": common, "arguments": [seen[id(value)] for value in given]})
        paths.append(folder / f"fold-{name}{suffix}")
    return paths
