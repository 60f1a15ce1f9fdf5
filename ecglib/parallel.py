r"""Pretraining on several devices or machines: each process takes its share of every batch.

All processes run the same program. The weights are the same everywhere, and one compiled step runs
over the devices of all processes as if they were one: the random versions, the statistics of batch
normalisation and the gradient are those of the whole batch. The result therefore does not depend
on the number of processes, up to rounding.

Keras' JAX backend does this; start every process with ``KERAS_BACKEND=jax``. One group of a study
on two machines, with the first one as coordinator (any free port)::

    KERAS_BACKEND=jax python -m ecglib.parallel --group 0 \
        --coordinator 10.0.0.1:9911 --processes 2 --process 0     # on the first machine
    KERAS_BACKEND=jax python -m ecglib.parallel --group 0 \
        --coordinator 10.0.0.1:9911 --processes 2 --process 1     # on the second one
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecglib.artifacts import atomic_path, fingerprint

if TYPE_CHECKING:
    import keras

    from ecglib.pretrain import History, TrainingConfig
    from ecglib.study import Study


@dataclass(frozen=True)
class Cluster:
    """The processes that train together, and which of them this one is.

    Parameters
    ----------
    coordinator : str
        ``"HOST:PORT"`` of process 0, as the other machines reach it. The network must be trusted:
        whoever reaches the port can take part.
    processes : int
        Number of processes.
    process : int
        Number of this process, from 0. Process 0 writes the result.
    wait_s : int
        Seconds to wait at the start until all processes are there.
    timeout_s : int
        Seconds without a sign of life after which a process counts as dead, and the others end
        with an error.
    """

    coordinator: str
    processes: int
    process: int
    wait_s: int = 600
    timeout_s: int = 60

    def __post_init__(self) -> None:
        if not 0 <= self.process < self.processes:
            raise ValueError(
                f"process {self.process} of {self.processes}: the processes are numbered from 0 "
                f"to {self.processes - 1}"
            )
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"coordinator {self.coordinator!r}: give it as HOST:PORT")


def join(cluster: Cluster | None = None) -> None:
    """Connect this process with the others; models built afterwards live on all their devices.

    Call it before any model is built and before JAX computes anything.

    Parameters
    ----------
    cluster : Cluster, optional
        None for one process that has several devices.

    Raises
    ------
    RuntimeError
        If Keras does not run on JAX.
    """
    import keras

    if keras.backend.backend() != "jax":
        raise RuntimeError(
            f"Keras runs on {keras.backend.backend()}: training in parallel needs its JAX backend; "
            "set KERAS_BACKEND=jax before Python starts"
        )
    import jax

    if cluster:
        jax.distributed.initialize(
            cluster.coordinator,
            cluster.processes,
            cluster.process,
            initialization_timeout=cluster.wait_s,
            heartbeat_timeout_seconds=cluster.timeout_s,
            shutdown_timeout_seconds=cluster.timeout_s,
        )
    # Keras would compile the step for one device twice, before and after its first run.
    if jax.device_count() > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel())


class _Share:
    """Windows of which every batch shows this process's part only."""

    def __init__(self, X: np.ndarray, process: int, processes: int) -> None:
        self.X, self.process, self.processes = X, process, processes

    def __len__(self) -> int:
        return len(self.X)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.X, dtype)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.X[rows.reshape(self.processes, -1)[self.process]]


def pretrain_parallel(
    model: keras.Model,
    X: np.ndarray,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    label: str = "pretext",
) -> History:
    """Train `model` on windows, on all devices of all processes: `ecglib.pretrain.pretrain`.

    Every process calls this with the same arguments after `join`. Only process 0 writes to
    `folder`. A run continues from the checkpoint that process 0 finds there, whatever the number
    of processes that wrote it.

    Parameters
    ----------
    model : keras.Model
        Built after `join`.
    X : ndarray, shape (n_windows, n_samples), float32
        All training windows, in every process.
    config : TrainingConfig
        ``batch_windows`` is the batch of all processes together. Early stopping is not supported.
    seed, callbacks, label
        As for `ecglib.pretrain.pretrain`; the callbacks are told in every process.
    folder : Path, optional
        Where process 0 keeps the checkpoint.

    Returns
    -------
    History
        The same in every process.

    Raises
    ------
    ValueError
        If the devices can't share a batch evenly, `config` asks for early stopping, or the
        processes were called with different windows, settings or seeds.
    """
    import jax
    from jax.experimental import multihost_utils

    from ecglib.pretrain import CHECKPOINT, pretrain

    if config.batch_windows % jax.device_count():
        raise ValueError(
            f"{jax.device_count()} devices can't share a batch of {config.batch_windows} windows "
            "evenly: choose batch_windows that they divide"
        )
    if config.patience is not None:
        raise ValueError("early stopping (patience) is not supported in parallel training")
    if jax.process_count() == 1:
        return pretrain(
            model, X, config, seed=seed, folder=folder, callbacks=callbacks, label=label
        )
    windows = hashlib.sha256(np.ascontiguousarray(X)).hexdigest()
    called = fingerprint({"X": windows, "config": config, "seed": seed})
    all_called = multihost_utils.process_allgather(np.frombuffer(called.encode(), np.uint8))
    if (all_called != all_called[0]).any():
        raise ValueError("the processes were called with different windows, settings or seeds")

    with tempfile.TemporaryDirectory() as scratch:
        kept = folder / CHECKPOINT if folder else None
        if jax.process_index():
            kept, folder = None, Path(scratch)
        found = kept.read_bytes() if kept and kept.is_file() else b""
        size = int(multihost_utils.broadcast_one_to_all(np.int32(len(found))))
        if size:
            content = np.frombuffer(found or bytes(size), np.uint8)
            content = np.asarray(multihost_utils.broadcast_one_to_all(content))
            if not kept:
                with atomic_path(folder / CHECKPOINT) as partial:
                    partial.write_bytes(content.tobytes())
        share = _Share(X, jax.process_index(), jax.process_count())
        return pretrain(
            model, share, config, seed=seed, folder=folder, callbacks=callbacks, label=label
        )


def pretrain_group(study: Study, group: int) -> History:
    """Train the encoder that never sees a group, as ``study.pretext(group)`` does, in parallel.

    It leaves the finished checkpoint where process 0's study looks for it: ``study.pretext(group)``
    then has nothing left to train. Every process calls this after `join`.

    Parameters
    ----------
    study : Study
        Of the same data and profile in every process.
    group : int
        Number of the group that is left out.

    Returns
    -------
    History
    """
    heldout = np.isin(study.usable.meta["participant"], study.groups[group])
    return pretrain_parallel(
        study.pretext_model(group),
        study.usable.X[~heldout],
        study.profile.pretext.training,
        seed=study.profile.seed + group,
        folder=study.pretext_folder(group),
        label=f"pretext without group {group}",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Pretrain one group of a study on several processes; process 0 stores the encoder."""
    parser = argparse.ArgumentParser(prog="python -m ecglib.parallel", description=main.__doc__)
    parser.add_argument("--group", type=int, required=True, help="group that is left out")
    parser.add_argument("--profile", help="profile; $ECGLIB_PROFILE by default")
    parser.add_argument("--coordinator", required=True, help="HOST:PORT of process 0")
    parser.add_argument("--processes", type=int, required=True, help="number of processes")
    parser.add_argument("--process", type=int, required=True, help="number of this one, from 0")
    parser.add_argument("--wait", type=int, default=600, help="seconds to wait for the others")
    parser.add_argument("--timeout", type=int, default=60, help="seconds until one counts as dead")
    given = parser.parse_args(arguments)
    cluster = Cluster(given.coordinator, given.processes, given.process, given.wait, given.timeout)

    from ecglib.study import Study

    study = Study(profile=given.profile)
    windows = len(study.usable)  # made before the others are waited for: it can take a while
    join(cluster)

    import jax
    import keras

    print(f"process {given.process}: {windows} windows, {jax.device_count()} devices", flush=True)
    history = pretrain_group(study, given.group)
    print(f"process {given.process}: loss {history.epochs[-1]['loss']:.4f}", flush=True)
    jax.distributed.shutdown()
    if given.process == 0:
        keras.distribution.set_distribution(None)
        study.pretext(given.group)


if __name__ == "__main__":
    main()
