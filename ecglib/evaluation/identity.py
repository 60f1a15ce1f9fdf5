"""What a split gives away to whoever recognises a person, a clip or a trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target, question_name
from ecglib.evaluation.predictions import prediction_rows
from ecglib.evaluation.probes import PROBES
from ecglib.evaluation.splits import Splitter


@checked
def known_shares(meta: pd.DataFrame, splitter: Splitter) -> dict[str, float]:
    """Count how often a split lets a head know the identity of a test window from training.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested.

    Returns
    -------
    dict of str to float
        By identity, one of `ecglib.evaluation.probes.PROBES`: the share of test windows that has
        another window of the same identity among the training windows of its fold.

    Examples
    --------
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    >>> known_shares(meta, LeaveOneParticipantOut())
    {'participant': 0.0, 'clip': 1.0, 'trial': 0.0}
    """
    folds = list(splitter.split(meta))
    shares = {}
    for identity, probe in PROBES.items():
        key = meta.groupby(list(probe.columns)).ngroup().to_numpy()
        known = np.concatenate([np.isin(key[test], key[train]) for train, test in folds])
        shares[identity] = float(known.mean())
    return shares


@checked
def identity_predictions(
    meta: pd.DataFrame, splitter: Splitter, identity: str, target: str | Target
) -> pd.DataFrame:
    """Predict from an identity alone: the share of high ratings among its training windows.

    There is no ECG in it. It is what a split gives away to a head that recognises the identity
    perfectly. Where the identity is not among the training windows it says 0.5 and knows nothing.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    splitter : Splitter
        Who is tested.
    identity : {"participant", "clip", "trial"}
        Which of `ecglib.evaluation.probes.PROBES` is known.
    target : str or Target
        What is asked: high or low, or one class or another.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.protocols.COLUMNS`; the model is the
        identity.

    Raises
    ------
    DataError
        If the identity is unknown; and as in the splitter.

    Examples
    --------
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    >>> meta["arousal"] = [5, 1, 4, 2]
    >>> for identity in ("participant", "clip"):
    ...     rows = identity_predictions(meta, LeaveOneParticipantOut(), identity, "arousal")
    ...     print(identity, *rows["probability"])
    participant 0.5 0.5 0.5 0.5
    clip 1.0 0.0 1.0 0.0
    """
    if identity not in PROBES:
        raise DataError(
            f"unknown identity {identity!r}", field="identity", expected=", ".join(PROBES)
        )
    labels = label_matrix(meta, [target])
    key = meta.groupby(list(PROBES[identity].columns)).ngroup().to_numpy()
    rows = []
    for fold, (train, test) in enumerate(splitter.split(meta, labels)):
        share = pd.Series(labels[train, 0]).groupby(key[train]).mean()
        rows.append(
            prediction_rows(
                meta,
                test,
                share.reindex(key[test]).fillna(0.5).to_numpy(),
                labels[:, 0],
                protocol=splitter.protocol,
                model=identity,
                regime="no ECG",
                target=question_name(target),
                fold=fold,
                seed=0,
            )
        )
    return pd.concat(rows, ignore_index=True)
