"""What else frozen features of real people tell, and how well transformations are recognised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import evenly_spaced
from ecglib.evaluation.probes import run_probe
from ecglib.evaluation.protocols import STR
from ecglib.evaluation.recognition import amplitude_reference, task_scores
from ecglib.features.heartbeats import FEATURES, window_features
from ecglib.pretext.transformations import TASKS
from ecglib.studies import stages
from ecglib.studies.real import CLINIC, NOBODY, OWN, WAYS_UP, RealStudy, ways_up
from ecglib.studies.real_features import ENCODER, WITH_TEN, known, source, views_of
from ecglib.studies.real_networks import people_of_both, real_encoder
from ecglib.transfer.linear import linear_scores

PROBED = ("heart_rate", "rmssd", "sdnn")
"""Features of the heartbeat that are read from encoders."""


OTHERS = "others"
"""As ``shown``: all versions, of which the head has to find its own."""


@checked
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


@checked
def real_recognition(study: RealStudy) -> pd.DataFrame:
    """Say how well transformations are recognised in people whom an encoder has not seen.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.

    Returns
    -------
    DataFrame
        One row per encoder and answer: the names of `ecglib.studies.real.Made`, the ``device`` that
        it was trained on, ``tested`` (on
        whom; of encoders of the clinic also by which way up the lead is), ``n_windows``, ``shown``
        (the version) and ``head``: with ``shown`` `OTHERS` the ``value`` is the area under the ROC
        curve of the head over all versions; else it is the share of windows of this version that
        the network takes for that of the ``head``. The pretexts "amplitude, others known" and
        "amplitude, the person known" are discriminants of the amplitude
        (`ecglib.evaluation.recognition.amplitude_reference`).
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
    rows = _amplitude(study)
    way_up = ways_up(study)
    person = study.windows.meta["participant"].to_numpy()
    shown = evenly_spaced(person, study.plan.pretext.heldout_windows)
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
        found = real_encoder(study, made)
        names["device"] = found.about["device"]
        for tested, logits in found.logits.items():
            parts = {tested: logits}
            if made.source == CLINIC:
                for word in WAYS_UP.values():
                    own = np.array([way_up[name] == word for name in shown])
                    if own.any():
                        parts[f"{tested}, {word}"] = logits[own]
            for part, answers in parts.items():
                rows += _answers({**names, "tested": part, "n_windows": len(answers)}, answers)
    return pd.DataFrame(rows)


def _answers(names: dict[str, Any], logits: np.ndarray) -> list[dict[str, Any]]:
    """List areas under the ROC curve of all heads, and what each version is taken for."""
    rows = []
    scores, taken = task_scores(logits)["auc"], logits.argmax(axis=2)
    for number, task in enumerate(TASKS):
        rows.append({**names, "shown": OTHERS, "head": task, "value": scores[task]})
        for answer, answered in enumerate(TASKS):
            share = float(np.mean(taken[:, number] == answer))
            rows.append({**names, "shown": task, "head": answered, "value": share})
    return rows


def _amplitude(study: RealStudy) -> list[dict[str, Any]]:
    """Say what amplitude alone gives the heads that have to tell original from scaled windows."""
    meta = study.windows.meta
    both = np.isin(meta["participant"], people_of_both(study))
    found = amplitude_reference(study.windows.X[both], meta[both].reset_index(drop=True))
    names = {
        "source": NOBODY,
        "trained": "none",
        "views": 0,
        "seed": 0,
        "group": -1,
        "device": "none",
    }
    return [
        {
            "pretext": f"amplitude, {who} known",
            **names,
            "tested": OWN,
            "n_windows": int(both.sum()),
            "shown": OTHERS,
            "head": head,
            "value": found[key],
        }
        for who, key in (("others", "population_head"), ("the person", "person_head"))
        for head in ("original", "scaling")
    ]
