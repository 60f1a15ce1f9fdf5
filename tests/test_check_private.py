"""Pieces of a file that must not be passed on are found wherever they lie, and nothing else is."""

import gzip
import json
from pathlib import Path

import nbformat.v4 as nb4
import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.targets import TARGETS
from ecglib.studies import restricted
from ecglib.studies.study import Study
from ecglib.synthetic.recorder import COUNTS_PER_MV, MID_SCALE
from tests.private import marked_as_real
from tests.studies.tiny import SPEC, TINY
from tools import check_private

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of a file that looks real."""
    folder = tmp_path_factory.mktemp("real")
    return Study(marked_as_real(folder / "DREAMER.mat"), TINY, folder, SPEC)


@pytest.fixture(scope="module")
def secrets(study):
    return check_private.Secrets.of(study)


def notebook(path, text, kind="text/plain"):
    """Write a notebook with one output."""
    output = nb4.new_output("display_data", {kind: text})
    path.write_text(json.dumps(nb4.new_notebook(cells=[nb4.new_code_cell("x", outputs=[output])])))
    return path


def piece(study, n=40, trial=1):
    return study.cohort.signals[trial][500 : 500 + n, 0].astype(float)


LEAKS = {
    "counts": lambda s: ", ".join(f"{v:.0f}" for v in piece(s)),
    "mV": lambda s: str([round(v, 3) for v in (piece(s) - MID_SCALE) / COUNTS_PER_MV]),
    "normalised": lambda s: np.array2string((piece(s) - piece(s).mean()) / piece(s).std()),
    "upside down": lambda s: np.array2string(-piece(s), precision=3),
    "window": lambda s: np.array2string(s.windows.X[5, 100:140], precision=3),
    "JSON": lambda s: json.dumps({"y": piece(s).tolist(), "x": 1}),
    "a frame": lambda s: pd.DataFrame({"mV": piece(s) / 240, "two": 1.5}).to_string(),
    "both leads": lambda s: str(s.cohort.signals[3][:40].tolist()),
    "a short print": lambda s: repr(s.windows.X[:2]),
    "a short print of counts": lambda s: repr(s.cohort.signals[2]),
    "recordings": lambda s: s.cohort.recordings.head(4).to_string(),
    "windows' table": lambda s: s.windows.meta.head(4).to_string(),
    "a column of ratings": lambda s: str(s.cohort.recordings["arousal"].tolist()),
    "ratings of a matrix": lambda s: (
        s.cohort.recordings.drop_duplicates(["participant", "clip"])
        .pivot(index="clip", columns="participant", values="valence")
        .to_numpy()
        .tolist()
        .__str__()
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_in_a_notebook_is_found(study, secrets, tmp_path, name):
    path = notebook(tmp_path / "leak.ipynb", LEAKS[name](study))
    found = check_private.leaks([path], secrets)
    assert found and all(line.startswith(f"{path}: ") for line in found)


def test_leaks_in_pages_pictures_and_arrays_are_found(study, secrets, tmp_path):
    x = np.arange(40) * 2.5
    drawn = "L".join(f"{a:.2f},{300 - b / 10:.2f}" for a, b in zip(x, piece(study), strict=True))
    (tmp_path / "a.html").write_text(f'<p>7</p><svg><path d="M{drawn}"/></svg>')
    (tmp_path / "b.html").write_text(study.cohort.recordings.head(4).to_html())
    np.savez(tmp_path / "c.npz", some=study.windows.X[3:5, 50:200], one=np.eye(4))
    table = study.cohort.recordings.drop(columns="duration").to_csv(index=False)
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(table.encode()))
    paths = sorted(tmp_path.iterdir())
    found = check_private.leaks(paths, secrets)
    assert {line.split(":")[0] for line in found} == {str(path) for path in paths}


def test_another_cohort_and_what_is_counted_over_people_is_not(study, secrets, tmp_path):
    other = Study(profile=TINY, folder=tmp_path, spec=SPEC)
    texts = [make(other) for name, make in LEAKS.items() if "recordings" not in name]
    texts.append(study.cohort.recordings[list(TARGETS)].describe().to_string())
    texts.append(study.cohort.recordings.groupby("participant")[list(TARGETS)].mean().to_string())
    paths = [notebook(tmp_path / f"{i}.ipynb", text) for i, text in enumerate(texts)]
    assert check_private.leaks(paths, secrets) == []


def test_stored_chapters_and_results_hold_nothing_of_the_file(secrets):
    paths = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "results").iterdir())]
    some = [path for path in paths if path.name.startswith(("01", "02", "grid"))]  # to be quick
    assert len(some) == 3 and check_private.leaks(some, secrets) == []
    assert [line for path in paths for line in check_private.other_data(path)] == []


def test_the_hook_refuses_and_the_switch_lets_pass(study, tmp_path, monkeypatch, capsys):
    path = notebook(tmp_path / "leak.ipynb", "data: DREAMER, profile: quick\n" + LEAKS["mV"](study))
    monkeypatch.setattr("sys.argv", ["check_private.py", str(path)])
    monkeypatch.setenv("ECGLIB_DREAMER", str(study.path))
    monkeypatch.setattr(check_private, "Study", lambda: study)
    assert check_private.main() == 1
    told = capsys.readouterr().out
    assert "made from DREAMER" in told and "a run of samples" in told
    monkeypatch.setenv(restricted.SWITCH, "yes")
    assert check_private.main() == 0
    monkeypatch.setenv(restricted.SWITCH, "maybe")
    with pytest.raises(DataError, match="yes or no"):
        check_private.main()
