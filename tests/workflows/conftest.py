"""A folder of recordings, an encoder pretrained on it, and its windows in a file."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from ecglib.data.folder import read_folder
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.workflows import pretraining
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.pretraining import pretrain_folder
from tests.workflows.beats import TINY, write_recordings


@pytest.fixture(scope="session", autouse=True)
def small_steps():
    """Compiling a network takes longer than these trainings, with a checkpoint after each step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "_STEPS", 1)
        patch.setattr(pretraining, "pretrain", partial(pretraining.pretrain, jit_compile=False))
        yield


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    return write_recordings(tmp_path_factory.mktemp("beats") / "beats")


@pytest.fixture(scope="session")
def encoder_file(recordings, tmp_path_factory):
    out = tmp_path_factory.mktemp("encoder") / "mine.npz"
    pretrain_folder(recordings, out, views=112, encoder=TINY)
    return out


@pytest.fixture(scope="session")
def windows_file(recordings, tmp_path_factory):
    path = tmp_path_factory.mktemp("windows") / "windows.npz"
    make_windows(read_folder(recordings), WindowConfig(leads=None)).save(path)
    return path


@pytest.fixture
def table():
    """Features that follow the task: 5 people, 6 clips, 3 windows."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(1, 6), range(1, 7), 10.0 * np.arange(3)],
        names=["participant", "clip", "start"],
    )
    meta = index.to_frame(index=False).assign(lead=1)
    meta["task"] = np.where(meta["clip"] % 2 == 0, "sums", "rest")
    meta["stress"] = np.where(meta["task"] == "sums", 7, 2)
    features = rng.normal(size=(len(meta), 4))
    features[:, 0] += 4 * (meta["task"] == "sums")
    features[3, 2] = np.nan
    about = {"data": "mine", "encoder": None}
    return FeatureTable(features, ("f_rate", "f_b", "f_c", "f_d"), meta, about)
