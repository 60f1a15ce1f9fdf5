"""What else frozen features of real people tell, and how well transformations are recognised."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.evaluation.metrics import auc
from ecglib.evaluation.probes import run_probe
from ecglib.evaluation.protocols import STR
from ecglib.features.heartbeats import FEATURES, window_features
from ecglib.pretext.transformations import TASKS
from ecglib.studies import stages
from ecglib.studies.real import RealStudy
from ecglib.studies.real_features import ENCODER, WITH_TEN, known, source, views_of
from ecglib.studies.real_networks import real_encoder
from ecglib.transfer.linear import linear_scores

PROBED = ("heart_rate", "rmssd", "sdnn")
"""Features of the heartbeat that are read from encoders."""


def real_probes(study: RealStudy) -> pd.DataFrame:
    """Ask of frozen features what else can be read from them, in people who were left out.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.

    Returns
    -------
    DataFrame
        One row per case, ``measure`` and ``participant``, with the ``value``: of `PROBED` features
        of the heartbeat the correlation, within the person, with what a linear model of the other
        people says; of "identity" the share of the person's windows that a linear discriminant
        gives to the right person, in a recording that it has not seen.
    """
    return stages.REAL_PROBES.cached(source(study), lambda: _probes(study), study.folder)


def real_recognition(study: RealStudy) -> pd.DataFrame:
    """Say how well transformations are recognised in people whom an encoder has not seen.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.

    Returns
    -------
    DataFrame
        One row per encoder and answer: the names of `Made`, ``tested`` (on whom), ``shown`` (the
        version) and ``head``: with ``shown`` "others" the ``value`` is the area under the ROC curve
        of the head over all versions; else it is the share of windows of this version that the
        network takes for that of the ``head``.
    """
    return stages.REAL_RECOGNITION.cached(source(study), lambda: _recognition(study), study.folder)


def _probes(study: RealStudy) -> pd.DataFrame:
    meta = study.windows.meta
    person = meta["participant"].to_numpy()
    measured = window_features(study.windows.X, study.windows.fs)
    names = [feature.name for feature in FEATURES]
    rows = []
    for case in known(study):
        if len(case.parts) > 1 or case.case["features"] == WITH_TEN:
            continue
        X = case.parts[0]
        found = {"identity": run_probe(X, meta, "participant")} if X.shape[1] > 1 else {}
        if case.case["features"] == ENCODER:
            for name in PROBED:
                column = names.index(name)
                valid = measured.valid[:, column]
                wanted = measured.values[valid, column]
                said = linear_scores(X[valid], person[valid], wanted[None])[0]
                found[name] = _correlations(person[valid], wanted, said)
        for name, values in found.items():
            rows.append(
                pd.DataFrame(
                    {
                        **case.case,
                        "measure": name,
                        "participant": values.index,
                        "value": values.to_numpy(),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def _correlations(person: np.ndarray, wanted: np.ndarray, said: np.ndarray) -> pd.Series:
    """Correlate within every person who has at least five windows and some variation."""
    frame = pd.DataFrame({"wanted": wanted, "said": said})
    found = {}
    for name, own in frame.groupby(person):
        enough = len(own) >= 5 and own["wanted"].std() > 0 and own["said"].std() > 0
        found[name] = float(own.corr().iloc[0, 1]) if enough else np.nan
    return pd.Series(found)


def _recognition(study: RealStudy) -> pd.DataFrame:
    rows = []
    for made in study.encoders():
        if made.pretext != STR:
            continue
        names = {
            "pretext": made.pretext,
            "source": made.source,
            "trained": made.pooling,
            "views": views_of(study, STR),
            "seed": made.seed,
            "group": -1 if made.group is None else made.group,
        }
        for tested, logits in real_encoder(study, made).logits.items():
            taken = logits.argmax(axis=2)
            for task, name in enumerate(TASKS):
                own = np.arange(len(TASKS)) == task
                truth = np.tile(own, len(logits)).astype(int)
                value = auc(truth, logits[:, :, task].ravel())
                rows.append(
                    {**names, "tested": tested, "shown": "others", "head": name, "value": value}
                )
                for answer, answered in enumerate(TASKS):
                    share = float(np.mean(taken[:, task] == answer))
                    rows.append(
                        {
                            **names,
                            "tested": tested,
                            "shown": name,
                            "head": answered,
                            "value": share,
                        }
                    )
    return pd.DataFrame(rows)
