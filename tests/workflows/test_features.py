"""Features of recordings: a row per window, what is missing marked, a second run goes on."""

from dataclasses import asdict

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.recording import Recording
from ecglib.features.heartbeats import FEATURES, window_features
from ecglib.preprocessing.normalisation import NORMALISATION
from ecglib.preprocessing.segmentation import WindowConfig, windows_of
from ecglib.workflows import features as module
from ecglib.workflows.embedding import embed_windows, preprocessing_of
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.features import MISSING, features_of, write_features
from ecglib.workflows.synthesize import make_recording, synthesize
from tests.workflows.beats import write_recordings

NAMES = [feature.name for feature in FEATURES]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    return [
        synthesize(folder / f"{name}.npz", seconds=25, seed=seed).file
        for seed, name in enumerate(("anna", "7"))
    ]


@pytest.fixture(scope="module")
def recording():
    return make_recording(35, seed=3)[0]


def test_a_row_per_window_and_a_column_per_feature(files):
    table = features_of(files)
    assert list(table.names) == NAMES and len(table) == 2 * 2 * 2
    assert table.meta["participant"].unique().tolist() == ["anna", "7"]
    assert table.meta["file"].unique().tolist() == ["anna.npz", "7.npz"]
    assert table.meta["start"].tolist() == [0.0, 10.0] * 4
    assert table.meta["lead"].tolist() == [1, 1, 2, 2] * 2
    assert table.meta["lead_name"].iloc[0] == "ECG II synthetic"
    assert table.about["data"] == "2 recordings" and table.about["encoder"] is None


def test_the_numbers_are_those_of_the_windows(recording):
    table = features_of(recording)
    windows = windows_of(recording)
    wanted = window_features(windows.X, windows.fs)
    np.testing.assert_array_equal(np.isfinite(table.features), wanted.valid)
    np.testing.assert_array_equal(table.features[wanted.valid], wanted.values[wanted.valid])
    assert table.meta["quality"].tolist() == windows.meta["quality"].tolist()
    same = features_of(windows)
    np.testing.assert_array_equal(same.features, table.features)


def test_a_dead_lead_is_missing_and_says_so(recording, tmp_path):
    x = np.column_stack([recording.lead(1), np.ones(len(recording))])
    table = write_features(Recording(x, 256, ("II", "V1"), "mV", "anna"), tmp_path / "t.csv")
    dead = (table.meta["lead_name"] == "V1").to_numpy()
    assert np.isnan(table.features[dead]).all() and set(table.meta["quality"][dead]) == {"flat"}
    assert table.meta[MISSING].tolist() == np.isnan(table.features).sum(axis=1).tolist()
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[-1].endswith(",10" + "," * len(NAMES)) and "nan" not in lines[-1].lower()


def test_a_missing_lead_is_missing_and_says_so(recording):
    x = np.column_stack([recording.lead(1), np.full(len(recording), np.nan)])
    table = features_of(Recording(x, 256, ("II", "V1"), "mV", "anna"))
    dead = (table.meta["lead_name"] == "V1").to_numpy()
    assert np.isnan(table.features[dead]).all() and set(table.meta["quality"][dead]) == {"missing"}
    assert table.meta["quality"][~dead].tolist() == ["ok"] * 3
    assert len(table.usable) == 3


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_file_gives_the_table_back(files, tmp_path, kind):
    table = write_features(files, tmp_path / f"t.{kind}", leads=[2])
    again = FeatureTable.load(tmp_path / f"t.{kind}")
    np.testing.assert_array_equal(again.features, table.features)
    assert again.meta.astype(str).equals(table.meta.astype(str)) and again.about == table.about
    assert [path.name for path in tmp_path.iterdir()] == [f"t.{kind}"]


def test_a_second_run_goes_on_where_the_first_was_stopped(files, tmp_path, monkeypatch):
    whole, real, calls = features_of(files), module._describe, []

    def stopped(task, *others, **more):
        calls.append(task.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(task, *others, **more)

    monkeypatch.setattr(module, "_describe", stopped)
    out = tmp_path / "t.npz"
    with pytest.raises(KeyboardInterrupt):
        write_features(files, out)
    assert not out.exists()
    table = write_features(files, out)
    assert calls == ["anna", "7", "7"]
    np.testing.assert_array_equal(table.features, whole.features)


def test_what_was_kept_is_not_used_for_other_settings_or_files(files, tmp_path):
    features_of(files[0], keep=tmp_path)
    before = set(tmp_path.iterdir())
    features_of(files[0], keep=tmp_path)
    assert set(tmp_path.iterdir()) == before
    features_of(files[0], keep=tmp_path, leads=[1])
    assert len(set(tmp_path.iterdir())) == len(before) + 1


def test_a_cohort_has_its_people_clips_and_ratings(tmp_path):
    file = synthesize(tmp_path / "D.mat", participants=2, clips=2, seconds=12).file
    table = features_of(file, leads=[2])
    assert table.about["data"] == "synthetic" and len(table) == 4
    assert table.meta["participant"].tolist() == [1, 1, 2, 2]
    assert table.meta["clip"].tolist() == [1, 2, 1, 2] and set(table.meta["lead"]) == {2}
    assert {"valence", "arousal", "dominance"} <= set(table.meta)
    with pytest.raises(DataError, match="layout fixes"):
        features_of(file, fs=500)


def test_an_encoder_has_nothing_to_say_of_a_dead_lead(recording, encoder_file):
    x = np.column_stack([np.ones(len(recording)), recording.lead(1)])
    table = features_of(Recording(x, 256, ("V1", "II")), encoder=encoder_file, beats=False)
    assert np.isnan(table.features[:3]).all() and np.isfinite(table.features[3:]).all()


def test_an_encoder_adds_its_features(recording, encoder_file):
    one = features_of(recording, encoder=encoder_file, beats=False)
    wanted = embed_windows(windows_of(recording, config=WindowConfig(leads=None)), encoder_file)
    np.testing.assert_allclose(one.features, wanted.features, rtol=1e-4, atol=1e-5)
    assert one.names == wanted.names and one.about["encoder"] == wanted.about["encoder"]
    assert MISSING not in one.meta
    both = features_of(recording, encoder=encoder_file)
    assert list(both.names) == NAMES + list(wanted.names)


def test_preprocessing_is_said_in_the_words_of_a_card(recording):
    said = features_of(recording).about["preprocessing"]
    assert said == asdict(preprocessing_of(WindowConfig()))
    assert said["normalisation"] == NORMALISATION
    assert features_of(windows_of(recording)).about["preprocessing"] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"beats": False}, "neither heartbeats nor an encoder"),
        ({"encoder": "nobody"}, "no encoder 'nobody'"),
    ],
)
def test_what_cannot_be_asked(recording, options, told):
    with pytest.raises(DataError, match=told):
        features_of(recording, **options)


def test_bad_sources_are_named(files, recording, tmp_path):
    with pytest.raises(DataError, match="would all be the participant anna"):
        features_of([files[0], files[0]])
    short = Recording(recording.signals[:1000], 256, name="s", file="short.csv")
    with pytest.raises(DataError, match=r"short.csv: 3.906 s are shorter than one window"):
        features_of(short)
    with pytest.raises(DataError, match="there is no such file"):
        write_features(tmp_path / "gone.csv", tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"\.csv or \.npz"):
        write_features(files, tmp_path / "t.xlsx")


def test_a_table_in_a_folder_says_whose_the_recordings_are(tmp_path):
    folder = write_recordings(tmp_path / "study", people=("anna", "bo"))
    table = features_of(folder)
    assert set(table.meta["participant"]) == {"anna", "bo"}
    assert table.meta.groupby("participant")["clip"].nunique().tolist() == [2, 2]
    assert (table.meta["file"] == "study").all()
    keep = tmp_path / "parts"
    again = features_of(folder, keep=keep)
    np.testing.assert_array_equal(again.features, table.features)
    assert len(list(keep.iterdir())) == 2
