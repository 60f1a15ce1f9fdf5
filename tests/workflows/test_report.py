"""A page about a recording, a cohort or predictions: whole, harmless, and discreet."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.recording import Recording
from ecglib.evaluation.predictions import save_predictions
from ecglib.evaluation.protocols import COLUMNS, MAJORITY
from ecglib.synthetic.cohort import CohortSpec, make_cohort
from ecglib.workflows import check_dreamer
from ecglib.workflows.recording_report import recording_page
from ecglib.workflows.report import report
from ecglib.workflows.study_report import RESTRICTED, may_be_restricted, study_page
from ecglib.workflows.synthesize import make_recording, synthesize

EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Collects what a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        self.links += [v for k, v in attrs if k in ("href", "src") and not v.startswith("data:")]

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def recording():
    return make_recording(25, seed=2)[0]


def test_a_page_about_a_recording_is_whole_and_needs_nothing(tmp_path):
    file = synthesize(tmp_path / "anna.csv", seconds=25, seed=2).file
    out = report(file, tmp_path / "anna.html", command="ecglib report anna.csv")
    page = Page(out.read_text(encoding="utf-8"))
    assert page.links == [] and "script" not in page.tags
    assert len(page.images) == 2 + 2 + 1 + 1
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in page.images)
    assert len({image["alt"] for image in page.images}) == 6
    for words in (
        "Good: 100% of 4 windows of 10 s are usable.",
        "ECG II synthetic",
        "heart_rate",
        "ecglib report anna.csv",
        "checksum",
        "numpy",
    ):
        assert words in page.words
    assert str(tmp_path) not in page.words
    assert "with the waves P, Q, R, S, T" in page.images[2]["alt"]


def test_names_from_files_are_text(recording):
    evil = Recording(recording.signals, 256, (EVIL, "a$b^{\x00"), "mV", name=f"{EVIL} & 'co'")
    text = recording_page(evil, command=EVIL)
    page = Page(text)
    assert "script" not in page.tags and "<script" not in text.lower()
    assert EVIL in page.words and "\x00" not in text
    assert "default-src 'none'" in text


def test_dead_short_and_unknown_leads_have_a_page(recording):
    x = recording.signals.astype(float)
    x[:, 1] = np.nan
    page = Page(recording_page(Recording(x, 256, ("II", "V1"))))
    assert "Lead V1: every sample is missing." in page.words
    assert "unit is unknown" in page.words
    page = Page(recording_page(Recording(x[:500, 0], 256)))
    assert "too short" in page.words and len(page.images) == 1


def test_equal_recordings_give_equal_pictures(recording):
    one, two = (Page(recording_page(recording)).images for _ in range(2))
    assert one == two


def test_a_page_is_not_replaced_unasked(tmp_path, recording):
    (tmp_path / "a.html").write_text("mine")
    with pytest.raises(DataError, match="there already"):
        report(tmp_path / "a.csv", tmp_path / "a.html")
    with pytest.raises(DataError, match=r"a page, \.html"):
        report(tmp_path / "a.csv", tmp_path / "a.pdf")
    with pytest.raises(DataError, match="no such file"):
        report(tmp_path / "a.csv", tmp_path / "b.html")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


@pytest.fixture(scope="module")
def cohort_file(tmp_path_factory):
    return synthesize(
        tmp_path_factory.mktemp("cohort") / "D.mat", participants=4, clips=2, seconds=12
    ).file


def test_a_synthetic_cohort_has_a_page(cohort_file, tmp_path):
    page = Page(report(cohort_file, tmp_path / "D.html").read_text())
    assert "nobody was recorded" in page.words and "valence" in page.words


def test_of_real_people_there_are_numbers_over_all_only(cohort_file, tmp_path, monkeypatch):
    made = make_cohort(CohortSpec(4, (12.0, 12.0), 11.0), seed=0).cohort
    object.__setattr__(made, "name", "DREAMER")
    monkeypatch.setattr(check_dreamer, "read_dreamer", lambda path: made)
    page = Page(report(cohort_file, tmp_path / "D.html").read_text())
    assert RESTRICTED in page.words and page.images == []
    assert not re.search(r"participants? \d", page.words)


@pytest.fixture
def predictions():
    """Two models of six people, one of which is right more often."""
    rng, frames = np.random.default_rng(0), []
    for model in (MAJORITY, "STR"):
        n = 60
        truth = np.tile([0, 1], n // 2)
        right = 0.5 if model == MAJORITY else 0.8
        frames.append(
            pd.DataFrame(
                {
                    "protocol": "leave-one-participant-out",
                    "model": model,
                    "regime": "none",
                    "target": "valence",
                    "fold": np.arange(n) // 10,
                    "seed": 0,
                    "window": np.arange(n),
                    "participant": np.arange(n) // 10 + 1,
                    "clip": 1,
                    "probability": np.where(rng.random(n) < right, truth, 1 - truth) * 0.9 + 0.05,
                    "truth": truth,
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)[list(COLUMNS)]
    table["probability"] = table["probability"].astype("float32")
    return table


@pytest.mark.parametrize(
    ("data", "restricted"),
    [("mine", False), ("cohort-v1-0123456789ab", False), ("DREAMER", True), ("a" * 64, True)],
)
def test_a_page_about_predictions(predictions, tmp_path, data, restricted):
    predictions.attrs["provenance"] = {"configuration": {"pretext": [{"data": data}]}}
    save_predictions(tmp_path / "predictions.csv.gz", predictions)
    page = Page(study_page(tmp_path))
    assert "120 predictions of 6 people" in page.words and "balanced accuracy" in page.words
    assert (RESTRICTED in page.words) is restricted
    assert bool(page.images) is not restricted
    again = report(tmp_path / "predictions.csv.gz", tmp_path / "study.html").read_text()
    assert Page(again).images == page.images


def test_leaks_beside_predictions_are_told(predictions, tmp_path):
    predictions.attrs["provenance"] = {"data": "mine"}
    save_predictions(tmp_path / "predictions.csv.gz", predictions)
    row = {"protocol": "window-kfold", "model": "STR", "stage": "pretext", "kind": "window"}
    leaks = tmp_path / "leaks.csv"
    leaks.write_text("# {}\n" + pd.DataFrame([row, row]).to_csv(index=False))
    assert "What was on both sides of a fold" in study_page(tmp_path)
    leaks.write_text("# {}\n" + ",".join(row) + "\n")
    assert "Nothing of the tested side" in study_page(tmp_path)
    leaks.write_text("nonsense")
    with pytest.raises(DataError, match="cannot be read"):
        study_page(tmp_path)


def test_predictions_of_unknown_data_are_treated_as_restricted():
    assert may_be_restricted({}) and may_be_restricted({"configuration": {"seed": 1}})
