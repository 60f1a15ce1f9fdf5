"""The networks of the study of real hearts: what is trained once, side by side, and kept.

Each training is a file of its own, so an interrupted run goes on with those that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.arrays import evenly_spaced
from ecglib.core.process import tune_process
from ecglib.core.progress import progress
from ecglib.evaluation.crossfit import participant_groups
from ecglib.evaluation.protocols import ALL, CONTRASTIVE, RANDOM, STR
from ecglib.models.encoder import EncoderConfig, build_encoder, even_batch
from ecglib.models.training import device
from ecglib.models.weights import arrays_to_weights, weights_to_arrays
from ecglib.pretext.pretrain import Clock, PretextConfigs, pretrain
from ecglib.pretext.str_model import STRModel
from ecglib.studies import stages
from ecglib.studies.real import CLINIC, PART, TURNED, Made, RealPlan, RealStudy
from ecglib.transfer.finetune import FineTuner


@dataclass(frozen=True)
class Tuned:
    """One choice of training whole networks with labels, in all folds.

    Parameters
    ----------
    pretext : str
        What the encoder learnt before, on the clinic; `RANDOM` for training from scratch.
    pooling : str
        Of the encoder.
    labelled : int or str
        Number of people whose labels are used, or ``"all"`` that are not tested.

    Examples
    --------
    >>> Tuned(RANDOM, "max", ALL).labelled
    'all'
    """

    pretext: str
    pooling: str
    labelled: int | str


@dataclass(frozen=True)
class RealEncoder:
    """A pretrained encoder of the study, and what is known of its training.

    Parameters
    ----------
    encoder : keras.Model
        The encoder.
    logits : dict of str to ndarray of float32, shape (n, 7, 7)
        Of STR, on windows of people whom it has not seen, by who they are: window, version shown,
        head that answers.
    about : dict
        ``device`` and ``seconds`` of the training.

    Examples
    --------
    >>> from dataclasses import fields
    >>> [field.name for field in fields(RealEncoder)]
    ['encoder', 'logits', 'about']
    """

    encoder: keras.Model
    logits: dict[str, np.ndarray]
    about: dict[str, Any]


@checked
def tunings(study: RealStudy) -> list[Tuned]:
    """List every choice of training whole networks that the study makes.

    Parameters
    ----------
    study : RealStudy
        Its plan.

    Returns
    -------
    list of Tuned
        With the published pooling, STR and from scratch for every number of labelled people; with
        the second pooling, and for the contrastive pretext, with all. None if the plan has no
        folds for it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> study = SimpleNamespace(plan=RealPlan(labelled=(2,)))  # no more is asked for
    >>> tunings(study)[0]
    Tuned(pretext='STR', pooling='max', labelled=2)
    """
    if not study.plan.tuned_folds:
        return []
    first, second = study.plan.poolings[:2]
    numbers = [*study.plan.labelled, ALL]
    found = [Tuned(pretext, first, n) for pretext in (STR, RANDOM) for n in numbers]
    found += [Tuned(pretext, second, ALL) for pretext in (STR, RANDOM)]
    return found + [Tuned(CONTRASTIVE, pooling, ALL) for pooling in (first, second)]


@checked
def shape(study: RealStudy, pooling: str) -> EncoderConfig:
    """Give the shape of the encoder of a `study` with a `pooling`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> shape(SimpleNamespace(plan=RealPlan()), "mean").pooling
    'mean'
    """
    return replace(study.plan.encoder, pooling=pooling)


@checked
def random_encoder(study: RealStudy, pooling: str, seed: int) -> keras.Model:
    """Build the encoder of a `study` with a `pooling`, untrained, by its `seed`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> windows = SimpleNamespace(X=np.zeros((1, 2560)))
    >>> random_encoder(
    ...     SimpleNamespace(plan=RealPlan(), windows=windows), "both", seed=0
    ... ).output_shape
    (None, 256)
    """
    return build_encoder(shape(study, pooling), study.windows.X.shape[1], seed=seed)


@checked
def real_encoder(study: RealStudy, made: Made) -> RealEncoder:
    """Pretrain an encoder of the study, or load it.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.
    made : Made
        Which encoder.

    Returns
    -------
    RealEncoder
    """
    arrays = stages.REAL_ENCODER.cached(
        encoder_source(study, made), lambda: _pretrain(study, made), study.folder
    )
    encoder = random_encoder(study, made.pooling, made.seed)
    arrays_to_weights(encoder, arrays, "encoder")
    about = json.loads(str(arrays["about"]))
    logits = {
        name.removeprefix("logits/"): found
        for name, found in arrays.items()
        if name.startswith("logits/")
    }
    return RealEncoder(encoder, logits, about)


@checked
def encoder_source(study: RealStudy, made: Made) -> dict[str, Any]:
    """Say what decides the weights of the encoder `made` of a `study`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> study = SimpleNamespace(plan=RealPlan(), data={"clinic": "0f", "eegmat": "1e"})
    >>> encoder_source(study, Made(STR, CLINIC, "max", seed=0))["data"]
    {'clinic': '0f', 'recognised on': '1e'}
    """
    plan = study.plan
    data = study.data
    if made.source in (CLINIC, TURNED, PART):
        data = {"clinic": data["clinic"], "recognised on": data["eegmat"]}
    return {
        "data": data,
        "windows": plan.windows,
        "encoder": shape(study, made.pooling),
        "pretext": _config(study, made),
        "made": asdict(made),
        "groups": None if made.group is None else [plan.n_groups, plan.seed],
    }


@checked
def tuned_predictions(study: RealStudy, tuned: Tuned) -> dict[str, Any]:
    """Train whole networks with labels, fold by fold, or load what they predicted.

    The folds are of people, and the encoder that a fold starts from has seen nobody of eegmat.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.
    tuned : Tuned
        What is trained.

    Returns
    -------
    dict
        ``probability`` of arithmetic, ``fold`` (both of shape (n_windows,)), ``loss`` (that of the
        last epoch on the training windows, of each fold) and ``about``.
    """
    arrays = stages.REAL_TUNED.cached(
        _tuned_source(study, tuned), lambda: _tune(study, tuned), study.folder
    )
    return {**arrays, "about": json.loads(str(arrays["about"]))}


@checked
def train_all(study: RealStudy, jobs: int = 1) -> None:
    """Train what is missing of the study's networks, several side by side.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.
    jobs : int
        Number of processes; each computes on one thread.
    """
    made, tuned = missing_networks(study)
    _side_by_side(real_encoder, study, made, jobs, "pretraining")
    _side_by_side(tuned_predictions, study, tuned, jobs, "training with labels")


@checked
def missing_networks(study: RealStudy) -> tuple[list[Made], list[Tuned]]:
    """List what `train_all` would train of a `study`."""
    made = [
        one
        for one in study.encoders()
        if not (study.folder / stages.REAL_ENCODER.file(encoder_source(study, one))).is_file()
    ]
    tuned = [
        one
        for one in tunings(study)
        if not (study.folder / stages.REAL_TUNED.file(_tuned_source(study, one))).is_file()
    ]
    return made, tuned


@checked
def labelled_people(
    people: np.ndarray, complete: np.ndarray, number: int, seed: int | tuple[int, ...]
) -> np.ndarray:
    """Draw some people whose labels are used; a smaller draw is part of a larger one.

    Parameters
    ----------
    people : ndarray, shape (n_people,)
        Who may be drawn.
    complete : ndarray
        Who has windows of both classes; nobody else is drawn.
    number : int
        How many.
    seed : int or tuple of int
        Of the draw.

    Returns
    -------
    ndarray, shape (number,), or fewer if there are fewer

    Examples
    --------
    >>> print(labelled_people(np.array(["a", "b", "c"]), np.array(["a", "c", "d"]), 2, seed=0))
    ['a' 'c']
    """
    checks.whole("number", number, 1)
    may = np.intersect1d(people, complete)
    return np.random.default_rng(seed).permutation(may)[:number]


@checked
def people_of_both(study: RealStudy) -> np.ndarray:
    """Give the people of a `study` who have usable windows of both classes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> meta = pd.DataFrame({"participant": ["a", "a", "b", "b"]})
    >>> study = SimpleNamespace(windows=SimpleNamespace(meta=meta), labels=np.array([0, 1, 1, 1]))
    >>> people_of_both(study).tolist()
    ['a']
    """
    person = study.windows.meta["participant"].to_numpy()
    both = pd.Series(study.labels).groupby(person).nunique() == 2
    return both.index[both].to_numpy()


def _config(study: RealStudy, made: Made) -> PretextConfigs:
    return study.plan.pretext if made.pretext == STR else study.plan.contrastive


def _pretrain(study: RealStudy, made: Made) -> dict[str, np.ndarray]:
    clock = Clock()
    source = encoder_source(study, made)
    run = Path(stages.REAL_ENCODER.file(source)).stem
    trained = pretrain(
        study.training_windows(made),
        _config(study, made),
        shape(study, made.pooling),
        seed=made.seed,
        folder=study.folder / "runs" / run,
        callbacks=[clock],
        label=f"{made.pretext} on {made.source}, {made.pooling}",
    )
    arrays = {
        **weights_to_arrays(trained.encoder, "encoder"),
        "history": np.array(json.dumps(trained.history.epochs)),
        "about": np.array(json.dumps(_about(clock.seconds))),
    }
    if isinstance(trained.model, STRModel):
        for who, X in study.unseen(made).items():
            arrays[f"logits/{who}"] = answers(trained.model, X, study.plan)
    return arrays


@checked
def answers(model: STRModel, X: np.ndarray, plan: RealPlan) -> np.ndarray:
    """Let the heads of an STR network answer on windows, at most so many as the plan says.

    Parameters
    ----------
    model : STRModel
        The network.
    X : ndarray of float32, shape (n_windows, n_samples)
        Windows of people whom it has not seen; some, evenly spaced, are asked about.
    plan : RealPlan
        The study's.

    Returns
    -------
    ndarray of float32, shape (n, 7, 7)
        Window, version shown, head that answers.

    Examples
    --------
    >>> from ecglib.pretext.str_model import build_str_model
    >>> from ecglib.studies.real import RealPlan
    >>> plan = RealPlan()
    >>> model = build_str_model(plan.pretext, EncoderConfig(filters=(2,), kernels=(4,)), length=180)
    >>> answers(model, np.random.default_rng(0).normal(size=(3, 180)).astype("float32"), plan).shape
    (3, 7, 7)
    """
    shown = checks.array("X", evenly_spaced(X, plan.pretext.heldout_windows))
    logits = model.predict(shown, batch_size=even_batch(len(shown), 30), verbose=0)
    return logits.reshape(len(shown), 7, 7)


def _tune(study: RealStudy, tuned: Tuned) -> dict[str, np.ndarray]:
    plan, windows = study.plan, study.windows
    person = windows.meta["participant"].to_numpy()
    complete = people_of_both(study)
    start = None
    if tuned.pretext != RANDOM:
        made = Made(tuned.pretext, CLINIC, tuned.pooling, plan.seeds[0])
        start = real_encoder(study, made).encoder.get_weights()
    tuner = FineTuner(
        windows.X,
        study.labels[:, None],
        shape(study, tuned.pooling),
        plan.tuning,
        n_classes=2,
        seed=plan.seed,
    )
    probability = np.full(len(windows), np.nan, np.float32)
    fold_of = np.full(len(windows), -1)
    losses = []
    clock = Clock()
    clock.on_train_begin()
    folds = participant_groups(person, plan.tuned_folds, plan.seed)
    for fold, tested in enumerate(folds):
        test = np.isin(person, tested)
        train = ~test
        if tuned.labelled != ALL:
            drawn = labelled_people(person[train], complete, int(tuned.labelled), plan.seed)
            train = np.isin(person, drawn)
        name = f"fold {fold}"
        losses.append(tuner.fit(np.flatnonzero(train), start, name)[-1])
        rows = np.flatnonzero(test)
        probability[rows] = tuner.predict(rows, start, name)[:, 0, 1]
        fold_of[rows] = fold
    clock.on_epoch_end(0)
    return {
        "probability": probability,
        "fold": fold_of,
        "loss": np.array(losses),
        "about": np.array(json.dumps(_about(clock.seconds))),
    }


def _tuned_source(study: RealStudy, tuned: Tuned) -> dict[str, Any]:
    plan = study.plan
    start = None
    if tuned.pretext != RANDOM:
        start = encoder_source(study, Made(tuned.pretext, CLINIC, tuned.pooling, plan.seeds[0]))
    return {
        "data": study.data["eegmat"],
        "windows": plan.windows,
        "encoder": shape(study, tuned.pooling),
        "tuned": asdict(tuned),
        "start": start,
        "training": plan.tuning,
        "folds": [plan.tuned_folds, plan.seed],
    }


def _about(seconds: float) -> dict[str, Any]:
    return {"device": device(), "seconds": round(seconds, 1)}


def _side_by_side(
    function: Any, study: RealStudy, cases: Sequence[Any], jobs: int, label: str
) -> None:
    """Call a function of the study for each case, in other processes if there are several."""
    if not cases:
        return
    if jobs == 1:
        for case in progress(cases, label, unit="network"):
            function(study, case)
        return
    # Workers that computed something for another caller could no longer change their threads;
    # joblib keeps workers for callers with the same initializer only.
    side_by_side = Parallel(
        n_jobs=jobs, backend="loky", initializer=tune_process, return_as="generator_unordered"
    )
    done = side_by_side(delayed(function)(study, case) for case in cases)
    for _ in progress(done, label, total=len(cases), unit="network"):
        pass
