"""An encoder of a folder of recordings: its card, who is left out, and what a second run does."""

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.weights import load_encoder
from ecglib.pretext import pretrain as loop
from ecglib.pretext.transformations import TASKS
from ecglib.workflows import pretraining
from ecglib.workflows.pretraining import pretrain_folder
from tests.workflows.beats import FS, TINY, beats, write_recordings


def weights(path):
    return np.concatenate([w.numpy().ravel() for w in load_encoder(path)[0].weights])


def test_the_card_says_what_was_done(recordings, encoder_file):
    card = load_encoder(encoder_file)[1]
    assert (card.name, card.pretext, card.data.name) == ("mine", "STR", "beats")
    assert card.data.people == 5 and len(card.data.sha256) == 64
    assert "1 of 6 participants" in card.recognition.people
    assert set(card.recognition.auc) == set(TASKS)
    assert card.training["views"] == 112 and card.training["seconds"] > 0
    assert card.licence == card.attribution == pretraining.UNKNOWN
    assert [p.name for p in encoder_file.parent.iterdir()] == ["mine.npz"]


def test_a_second_run_does_nothing_and_another_is_refused(recordings, encoder_file):
    told, before = [], encoder_file.stat().st_mtime_ns
    card = pretrain_folder(recordings, encoder_file, views=112, encoder=TINY, tell=told.append)
    assert card.name == "mine" and "nothing is done" in told[-1]
    with pytest.raises(DataError, match="other recordings or settings"):
        pretrain_folder(recordings, encoder_file, views=112, encoder=TINY, seed=1)
    assert encoder_file.stat().st_mtime_ns == before


def test_an_interrupted_training_goes_on_and_ends_the_same(
    recordings, encoder_file, tmp_path, monkeypatch
):
    options = {"views": 112, "encoder": TINY}
    store, stored = loop._store, []

    def stop(path, *given):
        store(path, *given)
        stored.append(path)
        if len(stored) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_store", stop)
    out = tmp_path / "stopped.npz"
    with pytest.raises(KeyboardInterrupt):
        pretrain_folder(recordings, out, **options)
    assert not out.exists() and stored[0].is_file() and stored[0].parent.name.startswith(".")
    told = []
    pretrain_folder(recordings, out, **options, tell=told.append)
    assert len(stored) == 2 and "an interrupted training goes on" in told
    np.testing.assert_array_equal(weights(out), weights(encoder_file))
    assert not stored[0].exists()


def test_few_people_short_recordings_and_bad_windows_are_told(tmp_path):
    folder = write_recordings(tmp_path / "few", ("anna", "bo"))
    (folder / "table.csv").unlink()
    rng = np.random.default_rng(1)
    np.savez(folder / "short.npz", ecg=beats(1, 5, rng), fs=FS)
    gap = beats(1, 31, rng)
    gap[: 2 * FS] = np.nan
    np.savez(folder / "bo-gap.npz", ecg=gap, fs=FS)
    (folder / "anna-rest.npz").unlink()
    told = []
    out = tmp_path / "few.npz"
    card = pretrain_folder(folder, out, views=56, encoder=TINY, tell=told.append)
    assert card.recognition is None and card.data.people == 4
    assert told[0] == "1 recording shorter than 10 s left out: short.npz"
    assert told[1] == "12 windows of 4 participants; 1 left out: 1 missing"
    assert "too few" in told[2]
    assert card.training["windows left out"] == {"missing": 1}


def test_features_of_a_contrastive_encoder_tell_transformations(recordings, tmp_path):
    out = tmp_path / "c.npz"
    card = pretrain_folder(recordings, out, method="contrastive", views=64, encoder=TINY)
    assert card.pretext == "contrastive" and "linear discriminant" in card.recognition.people
    # Any features tell a heart that is upside down, or cut into pieces, from one that is not.
    assert min(card.recognition.auc[task] for task in ("negation", "permutation")) > 0.8
    assert card.recognition.auc["negation"] > 0.6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "magic"}, "method: unknown: 'magic'"),
        ({"holdout": 1.0}, "holdout 1.0"),
        ({"holdout": 0.9}, "6 good windows to learn from"),
    ],
)
def test_settings_that_cannot_be_are_refused(recordings, tmp_path, options, told):
    with pytest.raises(DataError, match=told):
        pretrain_folder(recordings, tmp_path / "x.npz", encoder=TINY, **options)
    assert not list(tmp_path.iterdir())
