"""Calls of public functions: where they come from, and what is put in place of a good argument."""

import contextlib
import copy
import doctest
import enum
import importlib
import inspect
import io
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

import ecglib
from ecglib.models.training import TrainingConfig

ROOMS = ("core", "data", "preprocessing", "synthetic", "features", "models", "pretext")
ROOMS = (*ROOMS, "transfer", "evaluation", "studies", "plots", "workflows")


MOST = 4
"""Calls of a function that are kept: an example may begin with one that is refused."""


def public(module: str) -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """Give the name, the function that runs and what is called, of all that a module offers."""
    for name, value in vars(importlib.import_module(module)).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isfunction(value):
            yield f"{module}.{name}", inspect.unwrap(value), value
        elif inspect.isclass(value):
            # All kinds of `Enum` share one constructor, which importing a module calls too.
            if inspect.isfunction(value.__init__) and not issubclass(value, enum.Enum):
                yield f"{module}.{name}", inspect.unwrap(value.__init__), value
            if issubclass(value, keras.layers.Layer):
                continue  # whose methods Keras calls
            for own, member in vars(value).items():
                function = getattr(member, "__func__", member)
                if not own.startswith("_") and inspect.isfunction(function):
                    bound = None if isinstance(member, classmethod | staticmethod) else own
                    yield (
                        f"{module}.{name}.{own}",
                        inspect.unwrap(function),
                        bound or getattr(value, own),
                    )


def modules() -> list[str]:
    """List the modules of the rooms."""
    found = pkgutil.walk_packages(ecglib.__path__, "ecglib.")
    return [m.name for m in found if not m.ispkg and m.name.split(".")[1] in ROOMS]


class Calls:
    """Good calls of public functions, kept while examples run."""

    def __init__(self) -> None:
        self.what = {}
        for module in modules():
            for name, function, called in public(module):
                self.what.setdefault(function.__code__, (name, called))
        self.kept: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
        self.module = ""

    def note(self, frame: Any, event: str, _: Any) -> None:
        """Keep the arguments of the first calls of each function; as `sys.setprofile` takes it."""
        if event != "call" or frame.f_code not in self.what:
            return
        name, called = self.what[frame.f_code]
        some = self.kept.setdefault(name, [])
        # An example of a function itself shows a good call of it; others may use it in passing.
        itself = name.startswith(f"{self.module}.")
        if len(some) >= MOST and not itself:
            return
        code, values = frame.f_code, frame.f_locals
        n = code.co_argcount + code.co_kwonlyargcount
        names = code.co_varnames[:n]
        if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) and "." not in name:
            return
        given = {k: values[k] for k in names}
        own = given.pop("self", None)
        given.pop("cls", None)
        if isinstance(called, str):
            called = getattr(own, called)
        some.insert(0 if itself else len(some), (called, {k: copied(v) for k, v in given.items()}))
        del some[2 * MOST :]

    def of_examples(self, names: Sequence[str]) -> None:
        """Run the examples of modules."""
        for name in names:
            before, self.module = sys.getprofile(), name
            with contextlib.redirect_stdout(io.StringIO()):
                sys.setprofile(self.note)
                try:
                    doctest.testmod(importlib.import_module(name))
                finally:
                    sys.setprofile(before)


def copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


RNG = np.random.default_rng(0)
_PEOPLE = np.repeat(np.arange(1, 7), 4)
META = pd.DataFrame(
    {
        "participant": _PEOPLE,
        "clip": np.tile([1, 2, 3, 4], 6),
        "lead": 1,
        "start": 0.0,
        "condition": "stimulus",
        "quality": "ok",
        **{name: np.tile([1, 2, 4, 5], 6) for name in ("valence", "arousal", "dominance")},
    }
)
PREDICTIONS = pd.DataFrame(
    {
        "protocol": "participant-grouped",
        "model": "STR",
        "regime": "strict",
        "target": "valence",
        "fold": _PEOPLE % 2,
        "seed": 0,
        "window": np.arange(24),
        "participant": _PEOPLE,
        "clip": META["clip"],
        "probability": RNG.uniform(size=24),
        "truth": np.tile([0, 0, 1, 1], 6),
    }
)
TRAINING = TrainingConfig(2, 4, 3, 1e-3, "staircase")

EXAMPLES: dict[str, Any] = {
    "meta": META,
    "predictions": PREDICTIONS,
    "truth": np.tile([0, 0, 1, 1], 6),
    "probability": PREDICTIONS["probability"].to_numpy(),
    "predicted": np.tile([0, 1, 1, 1], 6),
    "participant": _PEOPLE,
    "trial": META["clip"].to_numpy(),
    "labels": np.tile([0, 0, 1, 1], 6),
    "scores": RNG.uniform(size=24),
    "features": RNG.normal(size=(24, 5)),
    "logits": RNG.normal(size=(10, 7, 7)),
    "differences": RNG.normal(size=8),
    "values": RNG.uniform(size=8),
    "spread": 0.1,
    "effect": 0.05,
    "n_participants": 23,
    "parts": {"participant": 0.1, "seed": 0.1, "rest": 0.1},
    "training": TRAINING,
    "n_features": 6,
    "windows_per_trial": 4.0,
    "epochs": 2,
    "batch_windows": 4,
    "steps_per_epoch": 3,
    "learning_rate": 1e-3,
    "schedule": "staircase",
    "n_targets": 3,
    "n_classes": 2,
    "pair": 0.5,
    "n": 12,
    "most": 5,
    "X": RNG.normal(size=(24, 2560)),
    "fs": 256.0,
    "seed": 0,
    "windows": np.arange(4),
    "stage": "head",
    "fold": 0,
}
"""A good value for arguments of a name."""

EXAMPLES_OF: dict[str, dict[str, Any]] = {
    "ecglib.evaluation.power.power_curves": {"n_participants": [10, 20], "effects": [0.1]},
    "ecglib.evaluation.power.detectable_effects": {"n_participants": [10, 20]},
    "ecglib.evaluation.power.standard_errors": {"n_participants": [10, 20]},
    "ecglib.evaluation.permutation.mean_areas": {
        "labels": np.tile([0, 0, 1, 1], 6)[None],
        "scores": RNG.uniform(size=(1, 24)),
    },
    "ecglib.evaluation.permutation.PermutationTest": {"observed": 1.0, "permuted": np.arange(4.0)},
    "ecglib.evaluation.permutation.chance_test": {"n_permutations": 9},
    "ecglib.evaluation.permutation.sign_flip_test": {"n_permutations": 9},
    "ecglib.evaluation.calibration.calibration_floor": {"n_simulations": 5},
    "ecglib.transfer.finetune.FineTuneConfig": {"momentum": 0.9, "clip_norm": 1.0},
    "ecglib.pretext.contrastive.ContrastiveConfig": {"temperature": 0.2, "projection": (8, 4)},
    "ecglib.pretext.str_model.PretextConfig": {
        "dropout": 0.1,
        "head_l2": 0.0,
        "n_groups": 2,
        "heldout_windows": 4,
    },
    "ecglib.pretext.transformations.TransformConfig": {
        "snr_db": 15.0,
        "scale_factor": 1.1,
        "n_segments": 20,
        "warp_n_pieces": 9,
        "warp_stretch": 1.05,
        "warp_n_stretched": 5,
    },
    "ecglib.pretext.views.ViewConfig": {"crop_probability": 0.5, "crop_share": (0.9, 1.0)},
    "ecglib.models.training.TrainingConfig": {
        "decay_rate": 1.0,
        "decay_steps": 1,
        "warmup_steps": 0,
    },
    "ecglib.transfer.frozen.HeadConfig": {
        "hidden": (8,),
        "dropout": 0.1,
        "l2": 0.0,
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "balanced": True,
    },
    "ecglib.evaluation.simulation.People": {"separation": 0.1, "n_trials": 4},
}
"""Further arguments of single functions, or other ones."""


def by_name(calls: Calls, rooms: Sequence[str]) -> None:
    """Make calls of what no example has called, where there is a value for every argument."""
    for name, called in calls.what.values():
        if isinstance(called, str) or name.split(".")[1] not in rooms:
            continue
        own = EXAMPLES_OF.get(name, {})
        if calls.kept.get(name) and not own:
            continue
        parameters = inspect.signature(called).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty]
        if all(n in own or n in EXAMPLES for n in needed):
            given = {n: copied({**EXAMPLES, **own}[n]) for n in {*needed, *own}}
            calls.kept[name] = [(called, given)]
