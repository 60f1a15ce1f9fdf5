"""A fitted head in a file of plain arrays: features in, one probability for each question out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.special import expit

from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError

FORMAT = "ecglib model 1"
"""What a file of `SavedModel.save` says of itself."""


@dataclass(frozen=True, eq=False, repr=False)
class SavedModel:
    """One head for each question, all on the same features.

    A head standardises the features, and answers through dense layers with ReLU between them; of a
    logistic regression there is one layer.

    Parameters
    ----------
    questions : sequence of str
        What each head answers, as `ecglib.data.targets.question_name` names it.
    names : sequence of str
        Names of the features.
    fill : ndarray, shape (n_features,)
        Stands in for a feature that could not be measured: the median of the training windows.
    mean, scale : ndarray, shape (n_questions, n_features)
        Standardisation.
    layers : sequence of (kernel, bias)
        Kernels (n_questions, n_inputs, n_units), biases (n_questions, n_units); the last has one
        unit.
    about : mapping of str to value
        ``encoder`` and ``preprocessing`` as in `ecglib.workflows.feature_table.FeatureTable`, what
        the answers mean, and what it was fitted on.

    Raises
    ------
    DataError
        If the parts do not fit, or a number is not finite.

    Examples
    --------
    >>> layer = (np.ones((1, 1, 1)), np.zeros((1, 1)))
    >>> model = SavedModel(["stress"], ["rate"], np.zeros(1), np.zeros((1, 1)), np.ones((1, 1)),
    ...                    [layer], {})
    >>> model.probabilities(np.array([[0.0], [np.nan], [9.0]]), ["rate"]).round(2)
    array([[0.5],
           [0.5],
           [1. ]])
    """

    questions: Sequence[str]
    names: Sequence[str]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    layers: Sequence[tuple[np.ndarray, np.ndarray]]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_fields(self)
        n, width = len(self.questions), len(self.names)
        wanted = [("fill", self.fill, (width,))]
        wanted += [(name, getattr(self, name), (n, width)) for name in ("mean", "scale")]
        for number, (kernel, bias) in enumerate(self.layers):
            units = kernel.shape[-1] if number < len(self.layers) - 1 else 1
            wanted += [(f"layer {number} kernel", kernel, (n, width, units))]
            wanted += [(f"layer {number} bias", bias, (n, units))]
            width = units
        if not (n and self.names and self.layers):
            raise DataError("no question, feature or layer", field="model", expected="one or more")
        for name, array, shape in wanted:
            if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
                raise DataError(
                    f"{array.dtype} array of shape {array.shape}",
                    field=name,
                    expected=f"finite numbers of shape {shape}",
                )
        if not (self.scale > 0).all():
            raise DataError("a scale of 0 or less", field="scale", expected="above 0")

    def __repr__(self) -> str:
        return f"<SavedModel: {', '.join(self.questions)} from {len(self.names)} features>"

    @checked
    def probabilities(self, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Answer every question for every window.

        Parameters
        ----------
        features : ndarray, shape (n_windows, n_features)
            NaN where a feature could not be measured.
        names : sequence of str
            Their names.

        Returns
        -------
        ndarray of float64, shape (n_windows, n_questions)

        Raises
        ------
        DataError
            If the features are others than those that the model was fitted on.
        """
        if tuple(names) != tuple(self.names) or features.shape[1] != len(self.names):
            differ = [n for n in self.names if n not in names]
            more = [n for n in names if n not in self.names]
            raise DataError(
                f"{len(names)} features; "
                + (f"{differ[0]} is not among them" if differ else "")
                + (" and " if differ and more else "")
                + (f"{more[0]} is unknown to the model" if more else "")
                + ("they are in another order" if not differ and not more else ""),
                field="features",
                expected=f"the {len(self.names)} that the model was fitted on, in its order",
                remedy="make the features as those of the model were made",
            )
        x = np.where(np.isnan(features), self.fill, features).astype(np.float64)
        x = (x[None] - self.mean[:, None]) / self.scale[:, None]
        for number, (kernel, bias) in enumerate(self.layers):
            x = np.maximum(x, 0) if number else x
            x = x @ kernel + bias[:, None]
        return expit(x[..., 0]).T

    @checked
    def save(self, path: str | Path) -> None:
        """Write the model to one file of plain arrays, whole or not at all.

        Parameters
        ----------
        path : str or Path
            An .npz file.

        Raises
        ------
        DataError
            If the name ends otherwise.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise DataError(f"the extension {path.suffix!r}", file=path, expected="an .npz file")
        about = {
            "format": FORMAT,
            "questions": list(self.questions),
            "features": list(self.names),
            "about": dict(self.about),
        }
        arrays = {"fill": self.fill, "mean": self.mean, "scale": self.scale}
        for number, (kernel, bias) in enumerate(self.layers):
            arrays |= {f"layer_{number}/kernel": kernel, f"layer_{number}/bias": bias}
        save_arrays(path, {"model": np.array(json.dumps(about)), **arrays})

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; nothing in the file is ever executed.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        SavedModel

        Raises
        ------
        DataError
            If the file is missing, damaged or of another kind.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError("there is no such file", file=path, expected="a saved model")
        arrays = load_arrays(path)
        try:
            about = json.loads(str(arrays.pop("model")))
            if about["format"] != FORMAT:
                raise ValueError(f"its format is {str(about['format'])[:40]!r}")
            layers = [
                (arrays[f"layer_{number}/kernel"], arrays[f"layer_{number}/bias"])
                for number in range((len(arrays) - 3) // 2)
            ]
            known = {name: arrays[name] for name in ("fill", "mean", "scale")}
            maker = about["about"].get("encoder")
            if maker and not {"name", "sha256"} <= dict(maker).keys():
                raise ValueError("it does not say which encoder it is for")
            dict(about["about"].get("preprocessing") or {})
            return cls(
                tuple(map(str, about["questions"])),
                tuple(map(str, about["features"])),
                layers=layers,
                about=dict(about["about"]),
                **known,
            )
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            # a DataError is a ValueError
            missing = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(
                f"is not a saved model: {missing}",
                file=path,
                expected=f"a file written by ecglib evaluate --save-model, {FORMAT!r}",
            ) from error
