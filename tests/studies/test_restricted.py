"""What may be shown of a file: all of a synthetic one, and of any other only what is counted."""

import re
from pathlib import Path

import pytest

from ecglib.core.errors import DataError
from ecglib.studies import restricted
from ecglib.studies.restricted import (
    SWITCH,
    example_label,
    example_note,
    example_study,
    is_restricted,
    refuse_restricted,
)
from ecglib.studies.shipping import ship
from ecglib.studies.study import Study
from tests.private import marked_as_real
from tests.studies.tiny import SPEC, TINY

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    return Study(marked_as_real(folder / "DREAMER.mat"), TINY, folder, SPEC)


def test_the_synthetic_cohort_shows_itself(study):
    assert not is_restricted(study)
    assert example_study(study) is study
    assert example_label(study) == "synthetic" and example_note(study) == ""
    refuse_restricted(study, "results")


def test_another_file_is_replaced_by_the_synthetic_cohort(real):
    assert real.label == "DREAMER" and is_restricted(real)
    example = example_study(real)
    assert example.label == "synthetic" and example.profile is real.profile
    assert example.truth is not None
    assert example.cohort.sha256 != real.cohort.sha256
    assert not is_restricted(example)
    assert "in place of DREAMER" in example_label(real)
    assert example_note(real).count("\n") == 1 and "must not be passed on" in example_note(real)


def test_the_switch_lets_it_be_shown_and_shipped(real, monkeypatch):
    with pytest.raises(DataError, match=r"results of DREAMER.*ECGLIB_SHOW_REAL=yes"):
        ship(real)
    monkeypatch.setenv(SWITCH, "yes")
    assert example_study(real) is real and example_note(real) == ""
    refuse_restricted(real, "results")
    monkeypatch.setenv(SWITCH, "no")
    assert is_restricted(real)
    monkeypatch.setenv(SWITCH, "1")
    with pytest.raises(DataError, match="yes or no"):
        is_restricted(real)


def test_results_have_no_other_way_in():
    copies = re.compile(r"\.ship\(")
    places = [*ROOT.glob("ecglib/**/*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("benchmarks/*.py")]
    found = {p.name for p in places if copies.search(p.read_text(encoding="utf-8"))}
    # The first refuses; the second reads open recordings, and the synthetic cohort by its name.
    assert found == {"shipping.py", "real_hearts.py"}
    text = (ROOT / "tools" / "real_hearts.py").read_text(encoding="utf-8")
    assert re.findall(r"(?<!Real)Study\(([^)]*)\)", text) == ["synthetic_file(folder=study.folder"]


def test_the_page_about_the_real_file_names_the_switch():
    page = (ROOT / "book" / "real-dreamer.md").read_text(encoding="utf-8")
    assert f"{SWITCH}=yes" in page and restricted.__name__ in page
