"""The encoders of a study: each is pretrained once, without one group of people, and kept.

An encoder's file says on whom it was trained. Whoever reads it compares that with the group that
was to be left out, and the audit of predictions takes it from there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.arrays import evenly_spaced
from ecglib.core.folders import results_folder
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.evaluation.representation import Probes
from ecglib.models.embedding import embed
from ecglib.models.encoder import build_encoder, even_batch
from ecglib.models.training import History
from ecglib.models.weights import arrays_to_weights, weights_to_arrays
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.contrastive import ContrastiveConfig, ContrastiveModel
from ecglib.pretext.pretrain import build_model, pretrain
from ecglib.pretext.str_model import PretextConfig
from ecglib.studies import stages
from ecglib.studies.feasible import check_study
from ecglib.studies.kept import TRAINED_ON, check_encoder, check_features
from ecglib.studies.profiles import Profile
from ecglib.studies.study import Study
from ecglib.transfer.finetune import FineTuner

_SEEDS_APART = 1000  # so that no group of one seed has the seed of a group of another


@dataclass(frozen=True)
class Pretext:
    """A pretrained encoder, and how well it recognises transformations of people it never saw.

    Parameters
    ----------
    encoder, heads : keras.Model
        The trained encoder and its seven heads.
    history : DataFrame
        One row per epoch: loss and balanced accuracy on the training windows.
    heldout_rows : ndarray of int, shape (n,)
        Rows of the study's usable windows, all of participants left out of training.
    heldout_logits : ndarray of float32, shape (n, 7, 7)
        Logits for those windows: window, version shown, head that answers.

    Examples
    --------
    >>> from dataclasses import fields
    >>> [field.name for field in fields(Pretext)]
    ['encoder', 'heads', 'history', 'heldout_rows', 'heldout_logits']
    """

    encoder: keras.Model
    heads: keras.Model
    history: pd.DataFrame
    heldout_rows: np.ndarray
    heldout_logits: np.ndarray


@dataclass(frozen=True)
class Contrastive:
    """A contrastively pretrained encoder, and how its training went.

    Parameters
    ----------
    model : ContrastiveModel
        The trained model, with its encoder, projection head and views.
    history : DataFrame
        One row per epoch: loss, contrastive accuracy and spread of the features, on the training
        windows and (``val_...``) on windows of the group that was left out.
    probes : DataFrame
        What `ecglib.evaluation.representation.Probes` found on training participants.

    Examples
    --------
    >>> from dataclasses import fields
    >>> [field.name for field in fields(Contrastive)]
    ['model', 'history', 'probes']
    """

    model: ContrastiveModel
    history: pd.DataFrame
    probes: pd.DataFrame


@checked
def left_out(study: Study, group: int) -> np.ndarray:
    """Say which usable windows are of a group, so that its encoder must not see them.

    Parameters
    ----------
    study : Study
        Its windows and groups.
    group : int
        Number of the group.

    Returns
    -------
    ndarray of bool, shape (n_windows,)

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> usable = SimpleNamespace(meta=pd.DataFrame({"participant": [1, 2, 3]}))
    >>> study = SimpleNamespace(usable=usable, groups=[np.array([1, 3]), np.array([2])])
    >>> left_out(study, 0).tolist()
    [True, False, True]
    """
    return np.isin(study.usable.meta["participant"], study.groups[group])


@checked
def pretext(study: Study, group: int, seed: int = 0) -> Pretext:
    """Pretrain an encoder by STR on everyone outside a group, or load it.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    group : int
        Number of the group that is left out.
    seed : int
        Another one gives another training of the same encoder.

    Returns
    -------
    Pretext

    Raises
    ------
    DataError
        Before any training, if the study cannot be finished (see
        `ecglib.studies.feasible.check_study`); if the stored encoder was made from something else,
        trained on others than everyone outside the group, tried on other windows than the group's,
        or is not finite.
    """
    config, profile = study.profile.pretext, study.profile
    arrays, start = _pretext_arrays(study, group, seed), _seed(profile, group, seed)
    model = build_model(config, profile.encoder, study.usable.X.shape[1], start)
    arrays_to_weights(model.encoder, arrays, "encoder")
    arrays_to_weights(model.heads, arrays, "heads")
    history = History(json.loads(str(arrays["history"]))).frame()
    return Pretext(
        model.encoder, model.heads, history, arrays["heldout_rows"], arrays["heldout_logits"]
    )


@checked
def trained_on(study: Study, group: int) -> np.ndarray:
    """Say on whom the encoder that `pretext` gives was trained, as its file says.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    group : int
        Number of the group that is left out.

    Returns
    -------
    ndarray, shape (n_people,)
        Participants.
    """
    return _pretext_arrays(study, group)[TRAINED_ON]


@checked
def pretext_source(study: Study, group: int, seed: int = 0) -> dict[str, Any]:
    """Say what decides that encoder of a `study`, a `group` and a `seed`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> pretext_source(study, group=0)["pretext"] == SMOKE.pretext
    True
    """
    return _source(study, group, seed, pretext=study.profile.pretext)


@checked
def pretext_folder(study: Study, group: int, seed: int = 0) -> Path:
    """Say where `pretext` keeps its checkpoint while it trains, for a `study`, `group`, `seed`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> pretext_folder(study, group=0).parent.name
    'runs'
    """
    source = pretext_source(study, group, seed)
    return study.folder / "runs" / Path(stages.PRETEXT.file(source)).stem


@checked
def contrastive(study: Study, group: int, seed: int = 0) -> Contrastive:
    """Pretrain an encoder contrastively on everyone outside a group, or load it.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    group : int
        Number of the group that is left out.
    seed : int
        Another one gives another training of the same encoder.

    Returns
    -------
    Contrastive

    Raises
    ------
    DataError
        Before any training, if the study cannot be finished; see
        `ecglib.studies.feasible.check_study`.
    """
    profile, usable = study.profile, study.usable
    source, start = contrastive_source(study, group, seed), _seed(profile, group, seed)

    def train() -> dict[str, np.ndarray]:
        check_study(study)
        return _train_contrastive(
            usable,
            left_out(study, group),
            profile,
            start,
            folder=study.folder / "runs" / Path(stages.CONTRASTIVE.file(source)).stem,
            label=f"contrastive without group {group}",
        )

    arrays = stages.CONTRASTIVE.cached(
        source,
        train,
        study.folder,
        shipped=results_folder(),
        check=partial(check_encoder, shown=_people_outside(study, group)),
    )
    model = build_model(profile.contrastive, profile.encoder, usable.X.shape[1], start)
    arrays_to_weights(model.encoder, arrays, "encoder")
    arrays_to_weights(model.head, arrays, "head")
    return Contrastive(model, *(_frame(arrays[name]) for name in ("history", "probes")))


@checked
def contrastive_source(study: Study, group: int, seed: int = 0) -> dict[str, Any]:
    """Say what decides that encoder of a `study`, a `group` and a `seed`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> contrastive_source(study, group=0)["contrastive"] == SMOKE.contrastive
    True
    """
    profile = study.profile
    return _source(
        study,
        group,
        seed,
        contrastive=profile.contrastive,
        watched_windows=profile.pretext.heldout_windows,
    )


@checked
def supervised_encoder(study: Study, group: int, seed: int = 0) -> keras.Model:
    """Train an encoder with the labels of everyone outside a group, or load it.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    group : int
        Number of the group that is left out.
    seed : int
        Another one gives another training of the same encoder.

    Returns
    -------
    keras.Model

    Raises
    ------
    DataError
        As in `pretext`.
    """
    profile, usable = study.profile, study.usable

    def train() -> dict[str, np.ndarray]:
        check_study(study)
        start = _seed(profile, group, seed)
        return _train_supervised(usable, left_out(study, group), profile, start)

    arrays = stages.SUPERVISED_ENCODER.cached(
        supervised_source(study, group, seed),
        train,
        study.folder,
        check=partial(check_encoder, shown=_people_outside(study, group)),
    )
    encoder = build_encoder(profile.encoder, usable.X.shape[1])
    arrays_to_weights(encoder, arrays, "encoder")
    return encoder


@checked
def supervised_source(study: Study, group: int, seed: int = 0) -> dict[str, Any]:
    """Say what decides that encoder of a `study`, a `group` and a `seed`.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> supervised_source(study, group=0)["training"] == SMOKE.comparison.tuning
    True
    """
    return _source(study, group, seed, training=study.profile.comparison.tuning)


@checked
def random_encoder(study: Study) -> keras.Model:
    """Build the encoder of a `study`, untrained.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> random_encoder(study).output_shape
    (None, 128)
    """
    profile = study.profile
    return build_encoder(profile.encoder, study.usable.X.shape[1], seed=profile.seed)


@checked
def features(study: Study, model: str, group: int | None = None) -> np.ndarray:
    """Give the frozen encoder's features of all usable windows.

    Parameters
    ----------
    study : Study
        Its windows and encoders.
    model : {"STR", "random"}
        Which encoder.
    group : int, optional
        Of the STR encoders, the one that never saw this group.

    Returns
    -------
    ndarray of float32, shape (n_windows, n_features)

    Raises
    ------
    ValueError
        If there is no such encoder.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> len(features(study, RANDOM)) == len(study.usable)
    True
    """
    return features_of(study, study.usable, study.identity, model, group)


@checked
def features_of(
    study: Study, windows: Windows, identity: str, model: str, group: int | None = None
) -> np.ndarray:
    """Give the features of other windows by an encoder of a study.

    Parameters
    ----------
    study : Study
        Its encoders.
    windows : Windows
        Any windows of the same length and rate.
    identity : str
        What names these windows' data in the names of files.
    model, group
        As for `features`.

    Returns
    -------
    ndarray of float32, shape (n_windows, n_features)

    Raises
    ------
    ValueError
        If there is no such encoder.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> len(features_of(study, study.windows, "all windows", RANDOM)) == len(study.windows)
    True
    """
    if (model == STR) == (group is None) or model not in (STR, RANDOM):
        raise ValueError(f"give encoder {RANDOM!r} alone, or {STR!r} with a group")

    def make() -> dict[str, np.ndarray]:
        encoder = random_encoder(study) if group is None else pretext(study, group).encoder
        return {"features": embed(windows, encoder)}

    source = {
        "of": identity,
        "model": model,
        "encoder": [study.profile.encoder, study.profile.seed],
        "pretext": None if group is None else pretext_source(study, group),
        "windows": study.profile.windows,
    }
    check = partial(check_features, n_windows=len(windows))
    return stages.FEATURES.cached(source, make, study.folder, check=check)["features"]


def _seed(profile: Profile, group: int, seed: int) -> int:
    return profile.seed + group + _SEEDS_APART * seed


def _pretext_arrays(study: Study, group: int, seed: int = 0) -> dict[str, np.ndarray]:
    profile, heldout = study.profile, left_out(study, group)

    def train() -> dict[str, np.ndarray]:
        check_study(study)
        return _train_str(
            study.usable,
            heldout,
            profile,
            _seed(profile, group, seed),
            folder=pretext_folder(study, group, seed),
            label=f"pretext without group {group}",
        )

    return stages.PRETEXT.cached(
        pretext_source(study, group, seed),
        train,
        study.folder,
        check=partial(
            check_encoder,
            shown=_people_outside(study, group),
            rows=_heldout_rows(heldout, profile.pretext),
        ),
    )


def _people_outside(study: Study, group: int) -> np.ndarray:
    return _people(study.usable, ~left_out(study, group))


def _people(windows: Windows, chosen: np.ndarray) -> np.ndarray:
    people = np.unique(windows.meta["participant"].to_numpy()[chosen])
    return people if people.dtype.kind in "iu" else people.astype(np.str_)


def _heldout_rows(heldout: np.ndarray, config: PretextConfig) -> np.ndarray:
    return evenly_spaced(np.flatnonzero(heldout), config.heldout_windows)


def _source(study: Study, group: int, seed: int = 0, **settings: Any) -> dict[str, Any]:
    return {
        "data": study.identity,
        "windows": study.profile.windows,
        "encoder": study.profile.encoder,
        "n_groups": study.profile.pretext.n_groups,
        "seed": study.profile.seed + _SEEDS_APART * seed,
        "group": group,
        **settings,
    }


def _train_str(
    usable: Windows,
    heldout: np.ndarray,
    profile: Profile,
    seed: int,
    *,
    folder: Path,
    label: str,
) -> dict[str, np.ndarray]:
    config: PretextConfig = profile.pretext
    trained = pretrain(
        usable.X[~heldout],
        config,
        profile.encoder,
        seed=seed,
        folder=folder,
        tensorboard=keras.backend.backend() == "tensorflow",  # its callback needs it
        label=label,
    )
    rows = _heldout_rows(heldout, config)
    logits = trained.model.predict(usable.X[rows], batch_size=even_batch(len(rows), 30), verbose=0)
    return {
        **weights_to_arrays(trained.encoder, "encoder"),
        **weights_to_arrays(trained.model.heads, "heads"),
        "history": np.array(json.dumps(trained.history.epochs)),
        TRAINED_ON: _people(usable, ~heldout),
        "heldout_rows": rows,
        "heldout_logits": logits.reshape(len(rows), 7, 7),
    }


def _train_contrastive(
    usable: Windows, heldout: np.ndarray, profile: Profile, seed: int, *, folder: Path, label: str
) -> dict[str, np.ndarray]:
    config: ContrastiveConfig = profile.contrastive
    most = profile.pretext.heldout_windows
    shown = np.flatnonzero(~heldout)
    watched, unseen = evenly_spaced(shown, most), evenly_spaced(np.flatnonzero(heldout), most)
    meta = usable.meta.iloc[watched].reset_index(drop=True)
    probes = Probes(
        usable.X[watched],
        meta,
        dict(zip(TARGETS, label_matrix(meta, TARGETS).T, strict=True)),
        heldout=np.unique(usable.meta["participant"][heldout]),
        every=max(1, config.training.epochs // 3),
        n_splits=min(5, meta["participant"].nunique()),
    )
    trained = pretrain(
        usable.X[shown],
        config,
        profile.encoder,
        seed=seed,
        folder=folder,
        # The loss depends on the batch, so it is not measured on less than one.
        X_val=usable.X[unseen] if len(unseen) >= config.training.batch_windows else None,
        callbacks=[probes],
        label=label,
    )
    found = probes.frame().astype({"collapsed": bool}).reset_index()
    return {
        **weights_to_arrays(trained.encoder, "encoder"),
        **weights_to_arrays(trained.model.head, "head"),
        TRAINED_ON: _people(usable, ~heldout),
        "history": np.array(json.dumps(trained.history.frame().reset_index().to_dict("records"))),
        "probes": np.array(json.dumps(found.to_dict("records"))),
    }


def _train_supervised(
    usable: Windows, heldout: np.ndarray, profile: Profile, seed: int
) -> dict[str, np.ndarray]:
    labels = label_matrix(usable.meta, TARGETS)
    tuner = FineTuner(
        usable.X, labels, profile.encoder, profile.comparison.tuning, n_classes=2, seed=seed
    )
    tuner.fit(np.flatnonzero(~heldout), name="the supervised encoder")
    return {**weights_to_arrays(tuner.encoder, "encoder"), TRAINED_ON: _people(usable, ~heldout)}


def _frame(text: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(json.loads(str(text))).set_index("epoch")
