"""Heads fitted to all windows, and the same from their file."""

import numpy as np
import pytest

from ecglib.data.targets import Classes
from ecglib.transfer.frozen import HeadConfig, fit_heads
from ecglib.workflows import evaluation, heads
from ecglib.workflows.evaluation import evaluate_table
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.heads import fit_model
from ecglib.workflows.saved_model import SavedModel


@pytest.mark.parametrize("head", ["logistic", "network"])
def test_a_model_of_all_windows_answers_from_its_file(table, tmp_path, head):
    x = np.nan_to_num(table.features)
    whole = FeatureTable(x, table.names, table.meta, table.about)
    states = Classes("clip", (1, 2, 3, 4, 5, 6), 2)
    targets = [Classes("task", ("rest", "sums")), states]
    model = fit_model(whole, targets, head)
    model.save(tmp_path / "m.npz")
    answers = SavedModel.load(tmp_path / "m.npz").probabilities(x, table.names)
    right = (answers[:, 0] > 0.5) == (table.meta["task"] == "sums")
    assert right.mean() > 0.9 and model.questions == ("task", "clip=2")
    assert model.about["people"] == 5 and model.about["head"] == head
    if head == "logistic":
        pipeline = heads.logistic(whole).fit(x, table.meta["task"])
        np.testing.assert_allclose(answers[:, 0], pipeline.predict_proba(x)[:, 1], rtol=1e-6)


def test_the_network_is_the_one_that_is_saved(table, monkeypatch):
    small = HeadConfig(hidden=(8,), epochs=3, balanced=True)
    for user in (evaluation, heads):
        monkeypatch.setattr(user, "network", lambda: small)
    x = np.nan_to_num(table.features).astype(np.float32)
    whole = FeatureTable(x, table.names, table.meta, table.about)
    label = (table.meta["task"] == "sums").to_numpy(dtype=np.int8)[None]
    mask = np.ones(label.shape, dtype=bool)
    expected = fit_heads(x, label, mask, small, 0)[0]
    model = fit_model(whole, [Classes("task", ("rest", "sums"))], "network")
    np.testing.assert_allclose(model.probabilities(x, table.names)[:, 0], expected, atol=1e-5)
    found = evaluate_table(whole, targets=["task"], head="network", n_resamples=99)
    assert set(found.predictions["model"]) == {"features, network", "majority"}
