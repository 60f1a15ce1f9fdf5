"""One study from file to predictions: the stages of the book, each computed once and kept.

A `Study` knows the data file, the profile and the folder of artifacts. Each of its properties is a
stage: the first access computes it and writes a file, later ones read that file, in this process
or another. A chapter of the book asks for what it needs and so runs alone from a fresh clone.

Run as ``python -m ecglib.study`` it names the data file in use, and makes the synthetic one if
there is no real one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecglib.artifacts import (
    artifacts_root,
    cached,
    code_of,
    fingerprint,
    load_arrays,
    results_folder,
    save_arrays,
)
from ecglib.audit import NONE, SEEN, STRICT, audit_predictions
from ecglib.cohort import Cohort
from ecglib.dreamer import find_dreamer, read_dreamer
from ecglib.errors import DataError
from ecglib.evaluation import (
    append_predictions,
    evaluate_frozen,
    label_matrix,
    load_predictions,
    majority_predictions,
    prediction_rows,
    save_predictions,
)
from ecglib.labels import TARGETS
from ecglib.memory import keep_freed_memory
from ecglib.metrics import summarise
from ecglib.splits import LeaveOneParticipantOut, Splitter, WindowKFold
from ecglib.synthetic import (
    CohortSpec,
    Truth,
    load_truth,
    make_cohort,
    save_truth,
    write_dreamer_mat,
)
from ecglib.windows import Windows, make_windows

if TYPE_CHECKING:
    import keras

    from ecglib.contrastive import ContrastiveModel
    from ecglib.models import EncoderConfig, STRModel
    from ecglib.profiles import Profile

RANDOM, STR, SUPERVISED = "random encoder", "STR encoder", "supervised"

_COHORT_CODE = code_of("ecgmodel", "ecgnoise", "affect", "synthetic")
_WINDOW_CODE = code_of("matfile", "dreamer", "filters", "quality", "scaling", "windows")
_PRETEXT_CODE = code_of("transforms", "layers", "models", "pretrain")
_CONTRASTIVE_CODE = code_of("transforms", "views", "layers", "models", "pretrain", "contrastive")
_SUPERVISED_CODE = code_of("labels", "layers", "models", "pretrain", "finetune")
_RESULT_CODE = code_of("labels", "splits", "layers", "heads", "evaluation", "supervised")


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
        What `ecglib.contrastive.Probes` found on training participants.
    """

    model: ContrastiveModel
    history: pd.DataFrame
    probes: pd.DataFrame


class Study:
    """Everything that follows from one data file and one profile.

    Parameters
    ----------
    path : path, optional
        A file in the layout of DREAMER.mat. By default `ecglib.dreamer.find_dreamer` looks for the
        real one, and the synthetic cohort takes its place if there is none.
    profile : Profile or str, optional
        By default the one that ``$ECGLIB_PROFILE`` names, else ``quick``.
    root : Path, optional
        Folder of the artifacts; `ecglib.artifacts.artifacts_root` by default.
    spec : CohortSpec, optional
        The synthetic cohort to make if there is no real file, and the size of the one without
        effect.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        profile: Profile | str | None = None,
        root: Path | None = None,
        spec: CohortSpec | None = None,
    ) -> None:
        self._named = path
        self._profile = profile
        self.root = root or artifacts_root()
        # A study builds several networks, each with its own graph. TensorFlow takes that for an
        # accident and says so, in a notebook among the results.
        logging.getLogger("tensorflow").addFilter(_no_retracing)
        self.spec = spec or CohortSpec()
        keep_freed_memory()

    @cached_property
    def profile(self) -> Profile:
        """Settings of the study."""
        from ecglib.profiles import get_profile

        if self._profile is None or isinstance(self._profile, str):
            return get_profile(self._profile)
        return self._profile

    @cached_property
    def path(self) -> Path:
        """The data file in use: the real one if there is one, else the synthetic one."""
        return find_dreamer(self._named) or self.synthetic_path

    @cached_property
    def synthetic_path(self) -> Path:
        """The synthetic data file, made on first use; its truth lies beside it."""
        path = self._synthetic_file
        if not path.is_file():
            made = make_cohort(self.spec, seed=0)
            save_truth(path.with_suffix(".npz"), made.truth)
            write_dreamer_mat(made.cohort, path)
        return path

    @property
    def _synthetic_file(self) -> Path:
        made_from = {"spec": self.spec, "seed": 0, "code": _COHORT_CODE}
        return self.root / f"synthetic-{fingerprint(made_from)}.mat"

    @property
    def origin(self) -> str:
        """What the data are: the hash of the file, or the recipe of the synthetic cohort.

        Two processors may differ in the last digit of a synthetic signal. The recipe does not.
        """
        if self.path.name == self._synthetic_file.name:
            return self._synthetic_file.stem
        return self.cohort.sha256

    def with_encoder(self, encoder: EncoderConfig) -> Study:
        """Give the study of the same data, groups and settings with another encoder.

        Parameters
        ----------
        encoder : EncoderConfig
            Its shape.
        """
        if encoder == self.profile.encoder:
            return self
        return Study(self.path, replace(self.profile, encoder=encoder), self.root, self.spec)

    @cached_property
    def cohort(self) -> Cohort:
        """The recordings."""
        return read_dreamer(self.path)

    @property
    def label(self) -> str:
        """``"synthetic"`` or ``"DREAMER"``: stands in every title and table."""
        return self.cohort.name

    @cached_property
    def truth(self) -> Truth | None:
        """What is known of the synthetic cohort that this study made; None for any other file."""
        beside = self.path.with_suffix(".npz")
        return load_truth(beside) if beside.is_file() and self.label == "synthetic" else None

    @cached_property
    def windows(self) -> Windows:
        """All windows, with their quality flags."""
        return cached(
            "windows",
            ".npz",
            {"data": self.cohort.sha256, "windows": self.profile.windows, "code": _WINDOW_CODE},
            make=lambda: make_windows(self.cohort, self.profile.windows),
            save=lambda path, windows: windows.save(path),
            load=Windows.load,
            root=self.root,
        )

    @cached_property
    def usable(self) -> Windows:
        """The windows of good quality; all that is learnt and tested comes from these."""
        return self.windows.select(self.windows.meta["quality"] == "ok")

    @cached_property
    def groups(self) -> list[np.ndarray]:
        """Participants in groups of nearly equal size; encoder `g` never sees ``groups[g]``."""
        participants = np.sort(self.cohort.recordings["participant"].unique())
        shuffled = np.random.default_rng(self.profile.seed).permutation(participants)
        n_groups = min(self.profile.pretext.n_groups, len(participants))
        if n_groups < 2:
            raise DataError(
                f"{len(participants)} participants",
                file=self.path,
                expected="at least 2, so that some can be left out of pretraining",
            )
        return [np.sort(group) for group in np.array_split(shuffled, n_groups)]

    @property
    def group_of(self) -> dict[int, int]:
        """Group of each participant."""
        return {int(p): g for g, group in enumerate(self.groups) for p in group}

    def _pretext_source(self, group: int) -> dict[str, Any]:
        return {
            "data": self.cohort.sha256,
            "windows": self.profile.windows,
            "encoder": self.profile.encoder,
            "pretext": self.profile.pretext,
            "seed": self.profile.seed,
            "group": group,
            "code": [_WINDOW_CODE, _PRETEXT_CODE],
        }

    def pretext(self, group: int) -> Pretext:
        """Pretrain an encoder on everyone outside a group, or load it.

        Parameters
        ----------
        group : int
            Number of the group that is left out.
        """
        source = self._pretext_source(group)
        arrays = cached(
            "pretext",
            ".npz",
            source,
            make=lambda: self._train_pretext(group),
            save=save_arrays,
            load=load_arrays,
            root=self.root,
        )
        model = self.pretext_model(group)
        _set_weights(model.encoder, arrays, "encoder")
        _set_weights(model.heads, arrays, "heads")
        history = pd.DataFrame(json.loads(str(arrays["history"])))
        history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
        return Pretext(
            model.encoder, model.heads, history, arrays["heldout_rows"], arrays["heldout_logits"]
        )

    def pretext_folder(self, group: int) -> Path:
        """Where `pretext` keeps its checkpoint while it trains."""
        return self.root / f"run-{fingerprint(self._pretext_source(group))}"

    def pretext_model(self, group: int) -> STRModel:
        """Build the model of `pretext` as it is before any training."""
        from ecglib.models import STRModel, build_encoder, build_str_heads, layer_seeds

        pretext, length = self.profile.pretext, self.usable.X.shape[1]
        seeds = layer_seeds(self.profile.seed + group, 3)
        encoder = build_encoder(self.profile.encoder, length, seed=seeds[0])
        heads = build_str_heads(
            encoder.output_shape[-1], dropout=pretext.dropout, l2=pretext.head_l2, seed=seeds[1]
        )
        return STRModel(
            encoder,
            heads,
            pretext.transforms,
            pretext.task_weights,
            pretext.balanced,
            seed=seeds[2],
        )

    def _train_pretext(self, group: int) -> dict[str, np.ndarray]:
        import keras

        from ecglib.pretrain import pretrain

        usable, pretext = self.usable, self.profile.pretext
        heldout = np.isin(usable.meta["participant"], self.groups[group])
        model = self.pretext_model(group)
        history = pretrain(
            model,
            usable.X[~heldout],
            pretext.training,
            seed=self.profile.seed + group,
            folder=self.pretext_folder(group),
            tensorboard=keras.backend.backend() == "tensorflow",  # its callback needs it
            label=f"pretext without group {group}",
        )
        rows = np.flatnonzero(heldout)
        n_shown = min(pretext.heldout_windows, len(rows))
        rows = rows[np.linspace(0, len(rows) - 1, n_shown).astype(int)]
        logits = model.predict(usable.X[rows], batch_size=_even_batch(n_shown, most=30), verbose=0)
        return {
            **_get_weights(model.encoder, "encoder"),
            **_get_weights(model.heads, "heads"),
            "history": np.array(json.dumps(history.epochs)),
            "heldout_rows": rows,
            "heldout_logits": logits.reshape(n_shown, 7, 7),
        }

    def contrastive(self, group: int) -> Contrastive:
        """Pretrain an encoder contrastively on everyone outside a group, or load it.

        Parameters
        ----------
        group : int
            Number of the group that is left out.
        """
        arrays = cached(
            "contrastive",
            ".npz",
            self._contrastive_source(group),
            make=lambda: self._train_contrastive(group),
            save=save_arrays,
            load=load_arrays,
            root=self.root,
            shipped=results_folder(),
        )
        model = self.contrastive_model(group)
        _set_weights(model.encoder, arrays, "encoder")
        _set_weights(model.head, arrays, "head")
        return Contrastive(model, *(_frame(arrays[name]) for name in ("history", "probes")))

    def contrastive_file(self, group: int) -> Path:
        """Where `contrastive` keeps what it computed."""
        return self.root / f"contrastive-{fingerprint(self._contrastive_source(group))}.npz"

    def _contrastive_source(self, group: int) -> dict[str, Any]:
        return {
            "data": self.origin,
            "windows": self.profile.windows,
            "encoder": self.profile.encoder,
            "contrastive": self.profile.contrastive,
            "n_groups": self.profile.pretext.n_groups,
            "seed": self.profile.seed,
            "group": group,
            "code": [_WINDOW_CODE, _CONTRASTIVE_CODE],
        }

    def contrastive_model(self, group: int) -> ContrastiveModel:
        """Build the model of `contrastive` as it is before any training."""
        from ecglib.contrastive import ContrastiveModel, build_projection_head
        from ecglib.models import build_encoder, layer_seeds

        config = self.profile.contrastive
        seeds = layer_seeds(self.profile.seed + group, 3)
        encoder = build_encoder(self.profile.encoder, self.usable.X.shape[1], seed=seeds[0])
        head = build_projection_head(encoder.output_shape[-1], config.projection, seeds[1])
        return ContrastiveModel(encoder, head, config.views, config.temperature, seeds[2])

    def _train_contrastive(self, group: int) -> dict[str, np.ndarray]:
        from ecglib.contrastive import Probes
        from ecglib.pretrain import pretrain

        usable, config = self.usable, self.profile.contrastive
        most = self.profile.pretext.heldout_windows
        heldout = np.isin(usable.meta["participant"], self.groups[group])
        shown, left_out = np.flatnonzero(~heldout), np.flatnonzero(heldout)
        watched, left_out = _spread(shown, most), _spread(left_out, most)
        meta = usable.meta.iloc[watched].reset_index(drop=True)
        probes = Probes(
            usable.X[watched],
            meta,
            dict(zip(TARGETS, label_matrix(meta, TARGETS).T, strict=True)),
            heldout=self.groups[group],
            every=max(1, config.training.epochs // 3),
            n_splits=min(5, meta["participant"].nunique()),
        )
        model = self.contrastive_model(group)
        source = self._contrastive_source(group)
        history = pretrain(
            model,
            usable.X[shown],
            config.training,
            seed=self.profile.seed + group,
            folder=self.root / f"run-{fingerprint(source)}",
            # The loss depends on the batch, so it is not measured on less than one.
            X_val=usable.X[left_out] if len(left_out) >= config.training.batch_windows else None,
            callbacks=[probes],
            label=f"contrastive without group {group}",
        )
        found = probes.frame().astype({"collapsed": bool}).reset_index()
        return {
            **_get_weights(model.encoder, "encoder"),
            **_get_weights(model.head, "head"),
            "history": np.array(json.dumps(history.frame().reset_index().to_dict("records"))),
            "probes": np.array(json.dumps(found.to_dict("records"))),
        }

    def supervised_encoder(self, group: int) -> keras.Model:
        """Train an encoder with the labels of everyone outside a group, or load it.

        Parameters
        ----------
        group : int
            Number of the group that is left out.
        """
        from ecglib.models import build_encoder

        config, usable = self.profile.comparison.tuning, self.usable

        def make() -> dict[str, np.ndarray]:
            from ecglib.finetune import FineTuner

            labels = label_matrix(usable.meta, TARGETS)
            seed = self.profile.seed + group
            tuner = FineTuner(
                usable.X, labels, self.profile.encoder, config, n_classes=2, seed=seed
            )
            heldout = np.isin(usable.meta["participant"], self.groups[group])
            tuner.fit(np.flatnonzero(~heldout), name=f"the encoder without group {group}")
            return _get_weights(tuner.encoder, "encoder")

        source = {
            "data": self.origin,
            "windows": self.profile.windows,
            "encoder": self.profile.encoder,
            "training": config,
            "n_groups": self.profile.pretext.n_groups,
            "seed": self.profile.seed,
            "group": group,
            "code": [_WINDOW_CODE, _SUPERVISED_CODE],
        }
        arrays = cached(
            "supervised-encoder", ".npz", source, make, save_arrays, load_arrays, self.root
        )
        encoder = build_encoder(self.profile.encoder, usable.X.shape[1])
        _set_weights(encoder, arrays, "encoder")
        return encoder

    def random_encoder(self) -> keras.Model:
        """Build the same encoder, untrained."""
        from ecglib.models import build_encoder

        return build_encoder(self.profile.encoder, self.usable.X.shape[1], seed=self.profile.seed)

    def features(self, model: str, group: int | None = None) -> np.ndarray:
        """Give the frozen encoder's features of all usable windows.

        Parameters
        ----------
        model : {"STR encoder", "random encoder"}
            Which encoder.
        group : int, optional
            Of the STR encoders, the one that never saw this group.

        Returns
        -------
        ndarray of float32, shape (n_windows, n_features)
        """
        return self._features_of(self.usable, self.cohort.sha256, model, group)

    def _features_of(
        self, windows: Windows, data: str, model: str, group: int | None
    ) -> np.ndarray:
        if (model == STR) == (group is None) or model not in (STR, RANDOM):
            raise ValueError(f"give {RANDOM!r} alone, or {STR!r} with a group")

        def make() -> dict[str, np.ndarray]:
            encoder = self.random_encoder() if group is None else self.pretext(group).encoder
            encoder.compile(jit_compile=True)
            batch = _even_batch(len(windows), most=64)
            return {"features": encoder.predict(windows.X, batch_size=batch, verbose=0)}

        source = {
            "of": data,
            "model": model,
            "encoder": [self.profile.encoder, self.profile.seed],
            "pretext": None if group is None else self._pretext_source(group),
            "windows": self.profile.windows,
            "code": [_WINDOW_CODE, _PRETEXT_CODE],
        }
        return cached("features", ".npz", source, make, save_arrays, load_arrays, self.root)[
            "features"
        ]

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold predictions of every model under both protocols.

        Under leave-one-participant-out the STR features of a fold come from the encoder that
        never saw its participant (regime "strict"), and once more from one that did, without
        ratings ("pretext saw test windows"). Under the window-wise protocol the encoder has seen
        the test windows too.
        """
        return cached(
            "predictions",
            ".csv.gz",
            self._result_source(),
            make=self._predict,
            save=save_predictions,
            load=load_predictions,
            root=self.root,
        )

    @property
    def splitters(self) -> tuple[Splitter, Splitter]:
        """The two protocols of `predictions`: the released one, and the strict one."""
        return WindowKFold(self.profile.window_folds, self.profile.seed), LeaveOneParticipantOut()

    @property
    def leaks(self) -> pd.DataFrame:
        """What `ecglib.audit` finds in `predictions`: a row for whatever is on both sides."""
        meta, n_groups = self.usable.meta, len(self.groups)
        shown = [
            np.flatnonzero(~np.isin(meta["participant"], group)) for group in self.groups
        ]  # what the encoder of each group was pretrained on
        own = [self.group_of[int(p)] for p in np.unique(meta["participant"])]
        window, person = self.splitters
        pretext = {
            (window.protocol, STR, SEEN): [shown[0]] * window.get_n_splits(meta),
            (person.protocol, STR, STRICT): [shown[g] for g in own],
            (person.protocol, STR, SEEN): [shown[(g + 1) % n_groups] for g in own],
        }
        return audit_predictions(
            self.predictions,
            meta,
            self.splitters,
            pretext,
            length_s=self.profile.windows.length_s,
        )

    def _result_source(self) -> dict[str, Any]:
        profile = self.profile
        return {
            "pretext": [self._pretext_source(g) for g in range(len(self.groups))],
            "head": profile.head,
            "supervised": [profile.supervised, profile.supervised_dropout],
            "window_folds": profile.window_folds,
            "code": _RESULT_CODE,
        }

    def _predict(self) -> pd.DataFrame:
        meta = self.usable.meta
        tables = [self._supervised(self.splitters)]
        for splitter in self.splitters:
            tables += [
                majority_predictions(meta, splitter, TARGETS),
                self._frozen(meta, splitter, RANDOM, {"0": self.features(RANDOM)}, NONE),
                self._frozen_str(splitter),
            ]
        return append_predictions(*tables)

    def _frozen(
        self,
        meta: pd.DataFrame,
        splitter: Splitter,
        model: str,
        features: Mapping[str, np.ndarray],
        regime: str,
        **encoders: Any,
    ) -> pd.DataFrame:
        n_folds = splitter.get_n_splits(meta, label_matrix(meta, TARGETS))
        encoders = {"encoder_of_fold": [next(iter(features))] * n_folds, **encoders}
        return evaluate_frozen(
            features,
            meta,
            splitter,
            TARGETS,
            self.profile.head,
            self.profile.seed,
            model,
            regime,
            **encoders,
        )

    def _frozen_str(self, splitter: Splitter) -> pd.DataFrame:
        meta = self.usable.meta
        if not isinstance(splitter, LeaveOneParticipantOut):
            return self._frozen(meta, splitter, STR, {"0": self.features(STR, 0)}, SEEN)
        n_groups, group_of = len(self.groups), self.group_of
        groups = [group_of[int(p)] for p in np.unique(meta["participant"])]
        features = {str(g): self.features(STR, g) for g in range(n_groups)}
        strict = self._frozen(
            meta,
            splitter,
            STR,
            features,
            STRICT,
            encoder_of_fold=[str(g) for g in groups],
            pretrained_on={
                str(g): [p for p in group_of if group_of[p] != g] for g in range(n_groups)
            },
        )
        # The encoder of any other group was pretrained on this one's people.
        seen = self._frozen(
            meta,
            splitter,
            STR,
            features,
            SEEN,
            encoder_of_fold=[str((g + 1) % n_groups) for g in groups],
        )
        return append_predictions(strict, seen)

    def _supervised(self, splitters: Sequence[Splitter]) -> pd.DataFrame:
        from ecglib.supervised import fit_supervised

        meta, profile = self.usable.meta, self.profile
        labels = label_matrix(meta, TARGETS)
        folds = [
            (splitter.protocol, number, *fold)
            for splitter in splitters
            for number, fold in enumerate(splitter.split(meta, labels))
        ]
        # All folds of all protocols in one call: the network is compiled once.
        probabilities = fit_supervised(
            self.usable.X,
            labels,
            [(train, test) for _, _, train, test in folds],
            profile.encoder,
            profile.head,
            profile.supervised,
            dropout=profile.supervised_dropout,
            seed=profile.seed,
        )
        return pd.concat(
            prediction_rows(
                meta,
                test,
                probability[:, t],
                labels[:, t],
                protocol=protocol,
                model=SUPERVISED,
                regime=NONE,
                target=target,
                fold=number,
                seed=profile.seed,
            )
            for (protocol, number, _, test), probability in zip(folds, probabilities, strict=True)
            for t, target in enumerate(TARGETS)
        )

    @cached_property
    def null_predictions(self) -> pd.DataFrame:
        """Leave-one-participant-out predictions where there is nothing to find.

        A second synthetic cohort of other people, whose ECG does not depend on what they feel
        (effect 0), goes through the same encoders. The encoders are this study's: they have never
        seen anyone of that cohort.
        """
        spec = replace(self.spec, effect=0.0)
        source = {
            "study": self._result_source(),
            "spec": spec,
            "seed": 1,
            "code": [_COHORT_CODE, _WINDOW_CODE],
        }

        def make() -> pd.DataFrame:
            cohort = make_cohort(spec, seed=1).cohort
            windows = make_windows(cohort, self.profile.windows)
            windows = windows.select(windows.meta["quality"] == "ok")
            data, splitter = fingerprint(source), LeaveOneParticipantOut()
            return append_predictions(
                majority_predictions(windows.meta, splitter, TARGETS),
                *(
                    self._frozen(
                        windows.meta,
                        splitter,
                        model,
                        {"0": self._features_of(windows, data, model, group)},
                        regime,
                    )
                    for model, group, regime in ((RANDOM, None, NONE), (STR, 0, STRICT))
                ),
            )

        return cached(
            "null-predictions",
            ".csv.gz",
            source,
            make,
            save_predictions,
            load_predictions,
            self.root,
        )

    def summary(self, **options: Any) -> pd.DataFrame:
        """Summarise `predictions` with intervals; options go to `ecglib.metrics.summarise`."""
        return summarise(self.predictions, n_resamples=self.profile.n_resamples, **options)


def _no_retracing(record: logging.LogRecord) -> bool:
    return "retracing" not in record.getMessage()


def _even_batch(n: int, most: int) -> int:
    """Give the largest batch up to `most` that divides `n`, so that one shape is compiled."""
    size = next(size for size in range(min(most, n), 0, -1) if n % size == 0)
    return size if size > most // 4 else most


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Give at most `most` of the rows, evenly spaced."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]


def _frame(text: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(json.loads(str(text))).set_index("epoch")


def _get_weights(model: keras.Model, name: str) -> dict[str, np.ndarray]:
    return {f"{name}/{v.path}": v.numpy() for v in model.weights}


def _set_weights(model: keras.Model, arrays: Mapping[str, np.ndarray], name: str) -> None:
    for variable in model.weights:
        variable.assign(arrays[f"{name}/{variable.path}"])


def main() -> None:
    """Print the path of the data file in use, or of the synthetic one with ``--synthetic``."""
    parser = argparse.ArgumentParser(prog="python -m ecglib.study", description=main.__doc__)
    parser.add_argument("--synthetic", action="store_true", help="ignore a real file")
    study = Study()
    print(study.synthetic_path if parser.parse_args().synthetic else study.path)


if __name__ == "__main__":
    main()
