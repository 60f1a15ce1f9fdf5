r"""Pretraining on several devices or machines: each process takes its share of every batch.

All processes run the same program. The weights are the same everywhere, and one compiled step runs
over the devices of all processes as if they were one: the random versions, the statistics of batch
normalisation and the gradient are those of the whole batch. The result therefore does not depend
on the number of processes, up to rounding.

Keras' JAX backend does this; start every process with ``KERAS_BACKEND=jax``. One group of a study
on two machines, with the first one as coordinator (any free port)::

    KERAS_BACKEND=jax ecglib pretrain --group 0 \
        --coordinator 10.0.0.1:9911 --processes 2 --process 0     # on the first machine
    KERAS_BACKEND=jax ecglib pretrain --group 0 \
        --coordinator 10.0.0.1:9911 --processes 2 --process 1     # on the second one
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import atomic_path, fingerprint

if TYPE_CHECKING:
    from ecglib.models.training import History, TrainingConfig


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

    Raises
    ------
    ValueError
        If there is no such process, or the coordinator is not an address with a port.

    Examples
    --------
    >>> cluster = Cluster("first-machine:1234", processes=2, process=1)
    >>> cluster.process, cluster.wait_s
    (1, 600)
    """

    coordinator: str
    processes: int
    process: int
    wait_s: int = 600
    timeout_s: int = 60

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 <= self.process < self.processes:
            raise ValueError(
                f"process {self.process} of {self.processes}: the processes are numbered from 0 "
                f"to {self.processes - 1}"
            )
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"coordinator {self.coordinator!r}: give it as HOST:PORT")


@checked
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


@checked
def train_distributed(
    model: keras.Model,
    X: np.ndarray,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    label: str = "pretext",
) -> History:
    """Train `model` on windows, on all devices of all processes: `ecglib.pretext.pretrain.train`.

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
        ``batch_windows`` is the batch of all processes together.
    seed : int
        As for `ecglib.pretext.pretrain.train`.
    folder : Path, optional
        Where process 0 keeps the checkpoint.
    callbacks : iterable of keras.callbacks.Callback
        As for `ecglib.pretext.pretrain.train`; they are told in every process.
    label : str
        As for `ecglib.pretext.pretrain.train`.

    Returns
    -------
    History
        The same in every process.

    Raises
    ------
    ValueError
        If the devices can't share a batch evenly, or the processes were called with different
        windows, settings or seeds.
    """
    import jax
    from jax.experimental import multihost_utils

    # Loaded after `join`, before which JAX must not have computed anything.
    from ecglib.pretext.pretrain import CHECKPOINT, train

    if config.batch_windows % jax.device_count():
        raise ValueError(
            f"{jax.device_count()} devices can't share a batch of {config.batch_windows} windows "
            "evenly: choose batch_windows that they divide"
        )
    if jax.process_count() == 1:
        return train(model, X, config, seed=seed, folder=folder, callbacks=callbacks, label=label)
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
        return train(
            model, share, config, seed=seed, folder=folder, callbacks=callbacks, label=label
        )
