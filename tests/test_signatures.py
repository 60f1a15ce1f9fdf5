"""Every public function refuses, by name, an argument of a type that its signature excludes.

Calls are generated from the signatures: one argument is bad, and the others are stand-ins that
pass; so nothing runs but the check. Values of the right type are in `tests.test_bad_input`.
"""

import collections
import inspect
import types
import typing
from collections import abc
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecglib.core.annotations import DIMENSIONS, hints_of
from ecglib.core.errors import DataError
from tests.bad_input import META, modules, public

LEFT_OUT = {
    "core.annotations.*": "the checks themselves: they take anything",
    "core.checks.*": "the checks themselves: they take anything",
    "core.errors.DataError": "takes whatever a message is about",
    "core.code_module.*": "reads syntax trees of this library, called by nobody else",
    "core.code_text.*": "reads syntax trees of this library, called by nobody else",
    "core.artifacts.fingerprint": "takes whatever can be written as JSON",
    "core.artifacts.later": "takes any value",
    "core.artifacts.plain": "takes any value",
    "core.process.*": "sets environment variables from constants",
    "core.progress.*": "passes on any iterable",
    "core.sources.*": "reads syntax trees of this library, called by nobody else",
    "core.stages.Stage.configuration": "takes whatever can be written as JSON",
    "core.stages.Stage.save": "a function that a stage is given",
    "data.cohort.Cohort.lead_number.lead": "looked for in a cohort, by tests.test_bad_input",
    "data.cohort.check_signal.signal": "is named by the field that the caller gives",
    "data.dreamer.cohort_from_struct.dreamer": "the field of the struct is named that is not there",
    "data.mat_stream.*": "streams inside the reader, once per element of a file",
    "data.readers.named_arrays.long_first.x": "is named as the signals of its file",
    "data.recording.Recording.lead.lead": "looked for in a recording, by tests.test_bad_input",
    "data.recording.Recording.select.leads": "as one lead",
    "data.recording.positions.wanted": "is named as the leads that are asked for",
    "evaluation.representation.Probes.*": "Keras calls it",
    "evaluation.transformer.ECGEncoder": "scikit-learn forbids that it checks before it is fitted",
    "models.card.EncoderCard": "a card refuses every field by name in its own tests",
    "models.card.Recognition": "as a card",
    "models.file_kinds.*": "constants of a module",
    "models.inference.*": "takes the weights of an encoder that was checked when it was built",
    "models.layers.normal": "tensors inside a graph",
    "models.layers.pool_time": "tensors inside a graph",
    "models.layers.uniform": "tensors inside a graph",
    "plots.style.styled": "decorates functions of plots",
    "pretext.contrastive.unit_vectors": "tensors inside a graph",
    "pretext.pretrain.Clock.*": "Keras calls it",
    "pretext.transformations.[a-z]*": "tensors inside a graph",
    "pretext.views.[a-z]*": "tensors inside a graph",
    "transfer.finetune.Standardise": "a layer, built by the model that is checked",
    "transfer.finetune.weighted_cross_entropy": "tensors inside a graph",
    "workflows.output.to_json": "takes any values",
    "workflows.sources.say_nothing": "does nothing",
}
"""Functions and arguments that are not called, and why."""

BAD = {
    "None": None,
    "text": "no such thing",
    "nan": float("nan"),
    "number": 7.5,
    "mapping": {},
}


def parts(hint: Any) -> list[Any]:
    """List what an annotation allows."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [part for one in typing.get_args(hint) for part in parts(one)]
    return [hint]


def allows(hint: Any, kind: str) -> bool:
    """Tell whether a bad value is allowed after all, or whether nobody can say."""
    origin = typing.get_origin(hint) or hint
    if origin in (Any, object) or isinstance(origin, str | typing.TypeVar) or origin is type:
        return True
    if kind == "None":
        return origin is types.NoneType
    if kind == "text":
        return origin in (str, bytes, abc.Hashable) or (origin is typing.Literal and False)
    if kind == "number":
        return origin in (float, abc.Hashable)
    if kind == "nan":
        return False
    several = (abc.Iterable, abc.Collection, abc.Sequence, abc.Mapping, abc.Set, abc.Iterator)
    return origin in (dict, list, tuple, set, frozenset, abc.MutableMapping, *several)


def stand_in(name: str, hint: Any) -> Any:
    """Give a value that passes as an argument."""
    one = parts(hint)[0]
    origin, inner = typing.get_origin(one) or one, typing.get_args(one)
    if origin is np.ndarray:
        return np.ones((7,) * DIMENSIONS.get(name, 1))
    if origin is typing.Literal:
        return inner[0]
    if origin is abc.Callable:
        return print
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return tuple(stand_in(name, one) for one in inner)
    if origin in (abc.Mapping, dict):
        return {}
    if origin in (tuple, list, set, abc.Sequence, abc.Iterable, abc.Collection, abc.Iterator):
        return ()
    plain = {int: 64, float: 64.0, bool: True, str: "nowhere", pd.DataFrame: META}
    plain |= {Path: Path("nowhere"), types.NoneType: None, bytes: b""}
    return plain.get(origin, types.SimpleNamespace())


def owner_of(module: str, name: str) -> tuple[Any, Any]:
    """Find what is called and what is annotated, by the name of a public function."""
    value: Any = __import__("sys").modules[module]
    held = None
    for part in name.removeprefix(f"{module}.").split("."):
        held, value = value, inspect.getattr_static(value, part)
    return held, value


def of_signatures() -> list[tuple[str, Any, dict[str, Any], list[Any]]]:
    """List all public functions: name, what to call, hints, and what stands for ``self``."""
    found = []
    for module in modules():
        for name, function, _ in public(module):
            held, value = owner_of(module, name)
            own: list[Any] = []
            annotated: Any = function
            if inspect.isclass(value):
                if hasattr(value, "__dataclass_fields__"):
                    if not hasattr(value, "__post_init__"):
                        continue  # a record, which holds what a function has given
                    annotated = value
            elif isinstance(value, classmethod | staticmethod):
                value = getattr(held, name.rsplit(".", 1)[1])
            elif inspect.isclass(held):
                own = [types.SimpleNamespace()]
            found.append((name.removeprefix("ecglib."), value, hints_of(annotated), own))
    return found


def required(called: Any) -> dict[str, inspect.Parameter]:
    """Give the parameters that a call names."""
    various = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = inspect.signature(called).parameters
    return {n: p for n, p in given.items() if p.kind not in various and n not in ("self", "cls")}


@pytest.fixture(scope="module")
def ends() -> collections.Counter[str]:
    return collections.Counter()


@pytest.mark.parametrize("room", sorted({m.split(".")[1] for m in modules()}))
def test_arguments_of_other_types_are_refused_by_name(room, ends, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong, tried = [], collections.Counter()
    for name, called, hints, own in of_signatures():
        if not name.startswith(f"{room}.") or any(fnmatchcase(name, p) for p in LEFT_OUT):
            continue
        parameters = required(called)
        for field in parameters:
            if any(fnmatchcase(f"{name}.{field}", p) for p in LEFT_OUT):
                continue
            hint = hints.get(field, Any)
            for kind, bad in BAD.items():
                if any(allows(part, kind) for part in parts(hint)):
                    continue
                given = {field: bad}
                given |= {
                    n: stand_in(n, hints.get(n, Any))
                    for n, p in parameters.items()
                    if n != field and p.default is p.empty
                }
                tried[name] += 1
                try:
                    called(*own, **given)
                    end = "a value"
                except DataError as error:
                    end = "" if field in (error.field, str(error)) or field in str(error) else "no"
                except (ValueError, TypeError) as error:
                    end = "" if field in str(error) else f"{type(error).__name__}: {error}"
                except Exception as error:
                    end = f"{type(error).__name__}: {error}"
                if end:
                    wrong.append(f"{name}({field}={kind}): {end[:90]}")
    print(f"{room}: {tried.total()} calls of {len(tried)} functions, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong)
    assert tried
