"""A saved model on recordings: window by window, and what does not fit is refused by name."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.encoder import build_encoder
from ecglib.models.weights import load_encoder, save_encoder
from ecglib.workflows.evaluation import labelled_features
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.heads import fit_model
from ecglib.workflows.prediction import predict_files, predict_table
from ecglib.workflows.saved_model import SavedModel
from tests.workflows.beats import FS, TINY, beats


@pytest.fixture(scope="module")
def model_file(recordings, windows_file, encoder_file, tmp_path_factory):
    table, targets = labelled_features(
        windows_file, recordings / "table.csv", ["task", "stress:0-10"], encoder=encoder_file
    )
    path = tmp_path_factory.mktemp("model") / "model.npz"
    fit_model(table, targets).save(path)
    return path


def test_recordings_are_answered_and_bad_windows_named(model_file, encoder_file, tmp_path):
    rng = np.random.default_rng(9)
    gap = beats(2.0, 31, rng)
    gap[11 * FS : 13 * FS] = np.nan
    np.savez(tmp_path / "gap.npz", ecg=gap, fs=FS)
    np.savez(tmp_path / "rest.npz", ecg=beats(0.9, 31, rng), fs=FS)
    files = [tmp_path / "gap.npz", tmp_path / "rest.npz"]
    found = predict_files(files, model_file, encoder=encoder_file)
    assert len(found.windows) == 12 and list(found.windows["target"].unique()) == ["task", "stress"]
    assert found.left_out.to_dict("records") == [
        {"file": str(files[0]), "lead": "ECG", "start": 10.0, "quality": "missing"}
    ]
    rows = found.recordings.set_index(["file", "target"])
    own = found.windows.query("file == @files[0].__str__() and target == 'task'")["probability"]
    assert rows.loc[(str(files[0]), "task"), "probability"] == pytest.approx(own.mean())
    assert rows.loc[(str(files[0]), "task"), ["n_windows", "n_left_out"]].tolist() == [2, 1]
    assert rows["n_windows"].tolist() == [2, 2, 3, 3]
    assert found.about["data"] == "beats"


def test_what_does_not_fit_is_refused_by_name(
    model_file, encoder_file, recordings, windows_file, tmp_path
):
    file = recordings / "bo-rest.npz"
    with pytest.raises(DataError, match=r"features of the encoder 'mine'.*--encoder FILE"):
        predict_files([file], model_file)
    other = tmp_path / "other.npz"
    card = replace(load_encoder(encoder_file)[1], name="other")
    save_encoder(other, build_encoder(TINY, card.preprocessing.n_samples), TINY, card)
    with pytest.raises(DataError, match=r"features of 'other' .*those of 'mine'"):
        predict_files([file], model_file, encoder=other)
    table, _ = labelled_features(
        windows_file, recordings / "table.csv", ["task"], encoder=encoder_file
    )
    model = SavedModel.load(model_file)
    about = {**table.about, "preprocessing": {**table.about["preprocessing"], "highpass_hz": 0.5}}
    with pytest.raises(DataError, match=r"field highpass_hz: windows with 0.5. Expected 0.8"):
        predict_table(FeatureTable(table.features, table.names, table.meta, about), model)
    with pytest.raises(DataError, match="no file is given"):
        predict_files([], model_file, encoder=encoder_file)


@pytest.mark.parametrize("dead", [np.nan, 0.0, 1.0])
def test_a_dead_lead_is_left_out_and_the_others_answer(model_file, encoder_file, tmp_path, dead):
    x = beats(0.9, 31, np.random.default_rng(9))
    np.savez(tmp_path / "one.npz", I=x, fs=FS)
    np.savez(tmp_path / "two.npz", I=x, II=np.full_like(x, dead), fs=FS)
    files = [tmp_path / "one.npz", tmp_path / "two.npz", tmp_path / "two.npz"]
    found = predict_files(files, model_file, encoder=encoder_file)
    assert set(found.left_out["lead"]) == {"II"} and len(found.left_out) == 3
    one, two = (found.recordings.query("file == @file.__str__()") for file in files[:2])
    assert two["probability"].tolist() == one["probability"].tolist()
    assert two["n_windows"].tolist() == [3, 3] and two["n_left_out"].tolist() == [3, 3]


def test_a_recording_that_is_too_short_is_named(model_file, encoder_file, recordings, tmp_path):
    np.savez(tmp_path / "short.npz", ecg=beats(1.0, 5, np.random.default_rng(0)), fs=FS)
    files = [recordings / "bo-rest.npz", tmp_path / "short.npz"]
    with pytest.raises(DataError, match=r"short.npz: 5 s are shorter than one window"):
        predict_files(files, model_file, encoder=encoder_file)


def test_a_recording_without_a_good_window_is_refused(model_file, encoder_file, tmp_path):
    x = beats(1.0, 12, np.random.default_rng(0))
    x[4 * FS : 8 * FS] = np.nan
    np.savez(tmp_path / "bad.npz", ecg=x, fs=FS)
    with pytest.raises(DataError, match=r"bad.npz.*not one window is of good quality: missing"):
        predict_files([tmp_path / "bad.npz"], model_file, encoder=encoder_file)


def test_a_model_of_measured_features_takes_a_table(model_file):
    layer = (np.ones((1, 1, 1)), np.zeros((1, 1)))
    model = SavedModel(
        ["stress"], ["rate"], np.zeros(1), np.zeros((1, 1)), np.ones((1, 1)), [layer], {}
    )
    path = model_file.with_name("measured.npz")
    model.save(path)
    with pytest.raises(DataError, match="features that no encoder made"):
        predict_files(["x.csv"], path)
