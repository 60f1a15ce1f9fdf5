"""The page of troubleshooting shows the messages that its snippets really raise."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ecglib as ecg
from ecglib.data.labels import binary_labels
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.weights import save_encoder
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
from tests.models.cards import make_card

PAGE = Path(__file__).parents[1] / "book" / "troubleshooting.md"
CASES = re.findall(
    r"^### (.*?)\n\n```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.M | re.S
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Give a folder in which the files lie that the snippets name, and the names that they use."""
    folder = tmp_path_factory.mktemp("trouble")
    t = np.arange(256 * 60) / 256
    samples = np.exp(-0.5 * ((t % 0.8 - 0.4) / 0.012) ** 2)
    pd.DataFrame({"ECG": samples}).to_csv(folder / "own.csv", index=False)
    np.savez(folder / "two.npz", ecg=np.stack([samples, -samples], axis=1), fs=256)
    (folder / "night.edf").write_bytes(b"0       " + b" " * 248)
    spec = CohortSpec(n_participants=2, clip_lengths_s=(12.0, 12.0), baseline_s=11.0)
    write_dreamer_mat(make_cohort(spec, seed=0).cohort, folder / "DREAMER.mat")
    whole = (folder / "DREAMER.mat").read_bytes()
    (folder / "half.mat").write_bytes(whole[: len(whole) // 2])
    (folder / "study").mkdir()
    (folder / "study" / "people.csv").write_text("file,participant\nanna.csv,1\n")
    (folder / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    small = EncoderConfig(filters=(3, 4), kernels=(8, 4))
    encoder = folder / "default.npz"
    save_encoder(encoder, build_encoder(small, 2560), small, make_card(2560, name="str-clinic-v2"))
    meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2], "start": 0.0})
    meta = meta.assign(condition="stimulus", valence=[1, 5, 1, 5], stress=[0, 10, 2, 9])
    names = {"ecg": ecg, "np": np, "samples": samples, "meta": meta, "binary_labels": binary_labels}
    return folder, names


def raised(snippet: str, world, monkeypatch) -> str:
    folder, names = world
    monkeypatch.chdir(folder)
    monkeypatch.setattr("ecglib.models.embedding.encoders", lambda: ["default"])
    monkeypatch.setattr("ecglib.models.embedding.DEFAULT", "default")
    monkeypatch.setattr("ecglib.models.embedding.SHIPPED", folder)
    if "edfio" in snippet:
        monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(ecg.DataError) as caught:
        exec(snippet, dict(names))
    return str(caught.value).replace(f"{folder}/", "")


def wrapped(message: str) -> str:
    """Break a message between words, as it stands on the page."""
    lines = [""]
    for word in message.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 88:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def test_the_page_has_enough_to_be_worth_a_page():
    assert len(CASES) >= 15 and len(CASES) == PAGE.read_text("utf-8").count("### ")


@pytest.mark.parametrize(("title", "snippet", "shown"), CASES, ids=[case[0] for case in CASES])
def test_the_words_on_the_page_are_the_real_ones(title, snippet, shown, world, monkeypatch):
    assert shown.strip() == wrapped(raised(snippet, world, monkeypatch))
