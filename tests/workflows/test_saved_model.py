"""A model in a file of plain arrays: the same answers, and nothing but numbers."""

import json

import numpy as np
import pytest

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.workflows.saved_model import SavedModel


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    layers = [
        (rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4))),
        (rng.normal(size=(2, 4, 1)), rng.normal(size=(2, 1))),
    ]
    mean, scale = rng.normal(size=(2, 3)), np.ones((2, 3))
    return SavedModel(("a", "b"), ("x", "y", "z"), np.zeros(3), mean, scale, layers, {"n": 1})


def test_a_file_answers_as_the_model_did(model, tmp_path):
    x = np.random.default_rng(1).normal(size=(5, 3))
    x[2, 1] = np.nan
    model.save(tmp_path / "m.npz")
    again = SavedModel.load(tmp_path / "m.npz")
    answers = model.probabilities(x, model.names)
    np.testing.assert_array_equal(again.probabilities(x, model.names), answers)
    kernel, bias = model.layers[0]
    hidden = np.maximum((np.nan_to_num(x) - model.mean[1]) @ kernel[1] + bias[1], 0)
    logit = hidden @ model.layers[1][0][1] + model.layers[1][1][1]
    np.testing.assert_allclose(answers[:, 1], 1 / (1 + np.exp(-logit[:, 0])))
    assert again.about == {"n": 1} and again.questions == ("a", "b")


def test_other_features_are_refused_by_name(model):
    for names, told in (
        (("x", "y", "w"), "z is not among them and w is unknown"),
        (("y", "x", "z"), "another order"),
    ):
        with pytest.raises(DataError, match=told):
            model.probabilities(np.zeros((1, 3)), names)


def test_a_file_that_is_no_model_is_refused(model, tmp_path):
    path = tmp_path / "m.npz"
    model.save(path)
    arrays = load_arrays(path)
    for change, told in (
        ({"mean": np.full((2, 3), np.nan)}, "field mean"),
        ({"layer_1/bias": np.zeros((2, 2))}, "layer 1 bias"),
        ({"scale": np.zeros((2, 3))}, "a scale of 0"),
    ):
        save_arrays(path, {**arrays, **change})
        with pytest.raises(DataError, match=told):
            SavedModel.load(path)
    about = json.loads(str(arrays["model"]))
    for text in (
        "[" * 100_000,
        "null",
        json.dumps({**about, "about": {"encoder": 5}}),
        json.dumps({**about, "about": {"encoder": {"name": "mine"}}}),
        json.dumps({**about, "about": {"preprocessing": 5}}),
    ):
        save_arrays(path, {**arrays, "model": np.array(text)})
        with pytest.raises(DataError, match=r"m\.npz: is not a saved model"):
            SavedModel.load(path)
    del arrays["fill"]
    save_arrays(path, arrays)
    with pytest.raises(DataError, match="is not a saved model"):
        SavedModel.load(path)
    with pytest.raises(DataError, match="no such file"):
        SavedModel.load(tmp_path / "gone.npz")
