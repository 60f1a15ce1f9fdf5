import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.artifacts import fingerprint
from ecglib.core.errors import DataError
from ecglib.core.stages import Stage

MADE_FROM = {"n": 3, "data": "0123abcd"}
ARRAYS = {"x": np.arange(12.0).reshape(3, 4), "text": np.array("a name")}


def everything_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


class Work:
    """Makes a list, stored as text and loaded as a tuple; it counts its calls and can fail."""

    def __init__(self, suffix=".txt", **about):
        self.calls = []
        self.fail = None
        self.stage = Stage(
            "thing", 1, ("a:f",), suffix=suffix, save=self.save, load=self.load, **about
        )

    def make(self):
        self.calls.append("make")
        if self.fail == "make":
            raise KeyboardInterrupt
        return [1, 2, 3]

    def save(self, path, value):
        self.calls.append("save")
        path.write_text("1 2")
        if self.fail == "save":
            raise KeyboardInterrupt
        path.write_text(" ".join(map(str, value)))

    def load(self, path):
        self.calls.append("load")
        return tuple(int(word) for word in path.read_text().split())

    def run(self, folder, made_from=MADE_FROM, **more):
        return self.stage.cached(made_from, self.make, folder, **more)


def test_a_result_is_made_once_and_is_the_same_value_at_every_call(tmp_path):
    work = Work()
    assert work.run(tmp_path) == (1, 2, 3) == work.run(tmp_path)
    assert work.calls == ["make", "save", "load", "load"]
    work.run(tmp_path, {**MADE_FROM, "n": 4})
    assert work.calls.count("make") == 2
    assert len(everything_in(tmp_path)) == 4


def test_the_file_name_is_made_of_settings_data_and_version():
    stage = Stage("thing", 3, ("a:f",))
    name = fingerprint({"made_from": MADE_FROM, "stages": {"thing": 3}})
    assert stage.file(MADE_FROM) == f"thing-v3-{name}.npz"
    other = [
        stage.file({**MADE_FROM, "n": 4}),
        stage.file({**MADE_FROM, "data": "other"}),
        replace(stage, version=4).file(MADE_FROM),
        replace(stage, name="other").file(MADE_FROM),
    ]
    assert len({stage.file(MADE_FROM), *other}) == 5


def test_the_file_name_says_nothing_of_the_code():
    stage = Stage("thing", 3, ("a:f",))
    assert replace(stage, code=("b:g", "b:h")).file(MADE_FROM) == stage.file(MADE_FROM)


def test_names_of_files_do_not_change_unnoticed():
    """Files that were computed at great cost must be found again."""
    before = Stage("windows", 2, ("a:f",))
    stage = Stage("features", 1, ("a:f",), (before,))
    assert stage.file({"n": 3, "rates": (0.1, 2)}) == "features-v1-f2769be43627.npz"


def test_a_new_version_of_any_stage_before_changes_the_name():
    def last(first, second):
        one = Stage("one", first, ("a:f",))
        two = Stage("two", second, ("a:f",), (one,))
        other = Stage("other", 1, ("a:f",), (one,))
        return Stage("three", 1, ("a:f",), (two, other))

    assert last(1, 1).versions() == {"three": 1, "two": 1, "one": 1, "other": 1}
    names = {last(*versions).file(MADE_FROM) for versions in ((1, 1), (2, 1), (1, 2))}
    assert len(names) == 3
    assert {name[:9] for name in names} == {"three-v1-"}


def test_a_file_beside_the_result_says_what_made_it(tmp_path):
    before = Stage("before", 7, ("a:f",))
    work = Work(after=(before,))
    work.run(tmp_path, {**MADE_FROM, "rates": (0.5, np.float64(1))})
    name = work.stage.file({**MADE_FROM, "rates": (0.5, 1.0)})
    assert everything_in(tmp_path) == [name, f"{name}.json"]
    about = json.loads((tmp_path / f"{name}.json").read_text())
    assert about["configuration"] == {
        **MADE_FROM,
        "rates": [0.5, 1.0],
        "stages": {"thing": 1, "before": 7},
    }
    assert about["environment"]["numpy"] == np.__version__
    assert about["seconds"] >= 0


def test_a_table_takes_its_provenance_along(tmp_path):
    saved = []

    def save(path, table):
        saved.append(table.attrs["provenance"])
        path.touch()

    stage = Stage("table", 1, ("a:f",), save=save, load=lambda _: None)
    stage.cached(MADE_FROM, lambda: pd.DataFrame({"a": [1]}), tmp_path)
    (about,) = saved
    assert about == json.loads(next(tmp_path.glob("*.json")).read_text())
    assert about["configuration"]["n"] == 3


def test_a_result_may_be_a_json_file(tmp_path):
    work = Work(".json")
    assert work.run(tmp_path) == (1, 2, 3) == work.run(tmp_path)
    assert work.calls.count("make") == 1


@pytest.mark.parametrize("where", ["make", "save"])
def test_an_interrupted_stage_leaves_nothing_behind(tmp_path, where):
    work = Work()
    work.fail = where
    with pytest.raises(KeyboardInterrupt):
        work.run(tmp_path)
    assert everything_in(tmp_path) == []
    work.fail = None
    assert work.run(tmp_path) == (1, 2, 3)


def test_by_default_results_are_arrays_and_a_damaged_file_is_refused_and_stays(tmp_path):
    stage = Stage("arrays", 1, ("a:f",))

    def run():
        return stage.cached(MADE_FROM, lambda: ARRAYS, tmp_path)

    assert np.array_equal(run()["x"], ARRAYS["x"])
    path = tmp_path / stage.file(MADE_FROM)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=path.name):
        run()
    assert path.is_file()


def test_a_shipped_result_is_loaded_rather_than_made(tmp_path):
    ours, shipped, theirs = (tmp_path / name for name in ("ours", "shipped", "theirs"))
    work = Work()
    work.run(ours)
    copy = work.stage.ship(MADE_FROM, ours, shipped)
    assert everything_in(shipped) == everything_in(ours) == [copy.name, f"{copy.name}.json"]
    work.calls.clear()
    assert work.run(theirs, shipped=shipped) == (1, 2, 3)
    assert work.calls == ["load"]
    assert everything_in(theirs) == []
    work.run(theirs, {**MADE_FROM, "n": 4}, shipped=shipped)
    assert "make" in work.calls
    copy.write_text("9")  # one's own comes before the shipped one
    assert work.run(ours, shipped=shipped) == (1, 2, 3)


def test_shipping_removes_older_results_of_the_stage_alone(tmp_path):
    ours, shipped = tmp_path / "ours", tmp_path / "shipped"
    work, other = Work(), Work()
    other.stage = replace(other.stage, name="thing-of-another")
    for each in (work, other):
        each.run(ours)
        each.stage.ship(MADE_FROM, ours, shipped)
    older = work.stage.file(MADE_FROM)
    work.stage = replace(work.stage, version=2)
    work.run(ours)
    newer = work.stage.ship(MADE_FROM, ours, shipped).name
    (shipped / "README.md").touch()
    kept = other.stage.file(MADE_FROM)
    assert older not in everything_in(shipped)
    assert set(everything_in(shipped)) == {
        *(newer, f"{newer}.json", kept, f"{kept}.json", "README.md")
    }


def test_what_was_never_made_cannot_be_shipped(tmp_path):
    with pytest.raises(FileNotFoundError):
        Work().stage.ship(MADE_FROM, tmp_path, tmp_path / "shipped")
    assert everything_in(tmp_path / "shipped") == []


def test_what_was_read_from_the_shipped_results_stays_and_what_is_nowhere_is_not_shipped(tmp_path):
    ours, shipped, theirs = (tmp_path / name for name in ("ours", "shipped", "theirs"))
    work = Work()
    work.run(ours)
    copy = work.stage.ship(MADE_FROM, ours, shipped)
    before = everything_in(shipped)
    assert work.stage.ship(MADE_FROM, theirs, shipped) == copy
    with pytest.raises(FileNotFoundError):
        work.stage.ship({**MADE_FROM, "n": 4}, theirs, shipped)
    assert everything_in(shipped) == before  # nothing older was removed
