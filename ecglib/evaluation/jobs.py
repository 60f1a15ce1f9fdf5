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

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib import Parallel, delayed, parallel_config

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.core.progress import progress
from ecglib.core.stages import Stage, tables
from ecglib.evaluation.predictions import load_predictions, save_predictions

SHARED_BYTES = 100_000
"""Arrays of at least this size reach the workers through one file, not once with every fold."""

FOLD = Stage(
    "fold",
    1,
    ("ecglib.evaluation.crossval:_fit_fold",),
    **tables(save_predictions, load_predictions),
)
"""One fold of `ecglib.evaluation.crossval.evaluate_estimator`."""


@checked
def run_folds(
    function: Callable[..., Any],
    arguments: Sequence[tuple],
    *,
    folder: str | Path | None = None,
    stage: Stage = FOLD,
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
        Where results are stored, one file per fold, named by `stage`, by the name of `function`
        and by its arguments. A stored fold is read, not run. Workers on other machines must see the
        folder under the same path. Without it nothing is stored, and a cluster worker's death may
        end the run.
    stage : Stage
        How results are stored: give a function of your own a stage of its own, and raise its
        version when you change the function, or older results are read. By default results are
        predictions.

    Returns
    -------
    list
        Results in the order of `arguments`.

    Raises
    ------
    DataError
        When a stored file is damaged, or holds another fold than its name says. It is never
        replaced silently.
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
        return _run([delayed(_call)(function, *given) for given in arguments])
    folder = Path(folder).resolve()  # a worker's current folder is another one
    sources = _sources(function, arguments)
    paths = [folder / stage.file(source) for source in sources]
    results = {
        path: stage.read(path, source)
        for path, source in dict(zip(paths, sources, strict=True)).items()
        if path.is_file()
    }
    missing = {
        path: (given, source)
        for path, given, source in zip(paths, arguments, sources, strict=True)
        if path not in results
    }
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".shared-", ignore_cleanup_errors=True
        ) as shared:
            tasks = _share([given for given, _ in missing.values()], Path(shared))
            # Dask ships a tuple with its task. Arguments one by one would be kept by one worker
            # each, and the folds that need them would be lost with it.
            made = _run(
                [
                    delayed(_call_and_store)(function, given, path, stage, source)
                    for (path, (_, source)), given in zip(missing.items(), tasks, strict=True)
                ],
                done=len(results),
            )
        results.update(zip(missing, made, strict=True))
    return [results[path] for path in paths]


def _run(tasks: Sequence[tuple], done: int = 0) -> list[Any]:
    """Run tasks where the caller said, and say how far they are."""
    results = Parallel(return_as="generator")(tasks)
    return list(progress(results, "folds", total=done + len(tasks), done=done, unit="fold"))


@contextmanager
@checked
def workers(jobs: int | None = None, cluster: str | None = None) -> Iterator[None]:
    """Say where the folds within the block run.

    Parameters
    ----------
    jobs : int, optional
        Processes on this machine; one by default.
    cluster : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``, whose machines have the library.

    Raises
    ------
    DataError
        If both are given, the package for clusters is not installed, or no cluster with a worker
        answers.

    Examples
    --------
    >>> with workers(jobs=1):
    ...     run_folds(pow, [(2, 3), (3, 2)])
    [8, 9]
    """
    if cluster is None:
        with parallel_config(n_jobs=jobs or 1):
            yield
        return
    if jobs:
        raise DataError(
            f"{jobs} jobs and the cluster {cluster}", field="jobs, cluster", expected="one of them"
        )
    distributed = need("distributed", "cluster", "clusters")
    try:
        client = distributed.Client(cluster, timeout=20)
    except (OSError, ValueError) as error:  # a time-out is an OSError
        raise _no_cluster(cluster, error) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=30)
        except OSError as error:
            raise _no_cluster(cluster, error) from error
        with parallel_config(backend="dask"):
            yield


def _no_cluster(cluster: str, error: Exception) -> DataError:
    return DataError(
        f"no cluster answers at {cluster!r} ({error})",
        field="cluster",
        remedy="start a scheduler and a worker, or leave the cluster out",
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
    stage: Stage,
    source: dict[str, Any],
) -> Any:
    # A scheduler that loses a worker sends its tasks again, with those that had just finished.
    if not path.is_file():
        result = _call(
            function,
            *(
                np.asarray(np.load(value.path, mmap_mode="r", allow_pickle=False))
                if isinstance(value, _SharedArray)
                else value
                for value in given
            ),
        )
        # Neither time nor machine: whoever runs the fold again gets the same file.
        stage.write(path, result, {"configuration": stage.configuration(source)})
    return stage.read(path, source)


def _sources(function: Callable[..., Any], arguments: Sequence[tuple]) -> list[dict[str, Any]]:
    """Say what decides the result of each call, for the name of its file."""
    if getattr(function, "__closure__", None):
        raise ValueError(
            f"{function.__qualname__} uses {', '.join(function.__code__.co_freevars)} from the "
            "function around it: pass them as arguments"
        )
    seen: dict[int, str] = {}  # many folds share an array; it is hashed once
    sources = []
    for given in arguments:
        for value in given:
            if id(value) not in seen:
                seen[id(value)] = joblib.hash(value, coerce_mmap=True)
        hashes = [seen[id(value)] for value in given]
        sources.append({"function": function.__qualname__, "arguments": hashes})
    return sources
