import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from ecglib.core.artifacts import fingerprint, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.provenance import load_provenance
from ecglib.core.stages import Stage, tables
from ecglib.core.tables import load_table, save_table

MADE_FROM = {"n": 3, "data": "0123abcd"}
ARRAYS = {"x": np.arange(12.0).reshape(3, 4), "text": np.array("a name")}


def make_nothing():
    pytest.fail("the file is there: nothing is to be made")


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

    def save(self, path, value, about):
        self.calls.append("save")
        path.write_text("1 2")
        if self.fail == "save":
            raise KeyboardInterrupt
        path.write_text(json.dumps([value, about]))

    def load(self, path):
        self.calls.append("load")
        value, about = json.loads(path.read_text())
        return tuple(value), about

    def run(self, folder, made_from=MADE_FROM, **more):
        return self.stage.cached(made_from, self.make, folder, **more)


def test_a_result_is_made_once_and_is_the_same_value_at_every_call(tmp_path):
    work = Work()
    assert work.run(tmp_path) == (1, 2, 3) == work.run(tmp_path)
    assert work.calls == ["make", "save", "load", "load"]
    work.run(tmp_path, {**MADE_FROM, "n": 4})
    assert work.calls.count("make") == 2
    assert len(everything_in(tmp_path)) == 2


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


def test_what_made_a_result_stands_in_its_file_and_nowhere_else(tmp_path):
    before = Stage("before", 7, ("a:f",))
    stage = Stage("arrays", 1, ("a:f",), (before,))
    made_from = {**MADE_FROM, "rates": (0.5, np.float64(1))}
    found = stage.cached(made_from, lambda: ARRAYS, tmp_path)
    assert list(found) == list(ARRAYS)
    assert everything_in(tmp_path) == [stage.file({**MADE_FROM, "rates": (0.5, 1.0)})]
    about = load_provenance(tmp_path / stage.file(made_from))
    assert about["configuration"] == {
        **MADE_FROM,
        "rates": [0.5, 1.0],
        "stages": {"arrays": 1, "before": 7},
    }
    assert about["environment"]["numpy"] == np.__version__
    assert about["seconds"] >= 0


def test_a_table_takes_what_made_it_along(tmp_path):
    stage = Stage("table", 1, (), **tables(save_table, partial(load_table, columns=["a"])))
    made = pd.DataFrame({"a": [1]})
    table = stage.cached(MADE_FROM, lambda: made, tmp_path)
    assert table.attrs["provenance"]["configuration"]["n"] == 3
    assert made.attrs == {}
    pd.testing.assert_frame_equal(table, made)
    assert everything_in(tmp_path) == [stage.file(MADE_FROM)]


ARRAYS_STAGE = Stage("thing", 1, ("a:f",), (Stage("before", 1, ("a:f",)),))
TABLE_STAGE = replace(
    ARRAYS_STAGE, **tables(save_table, partial(load_table, columns=["x"], types={"x": "int64"}))
)


@pytest.mark.parametrize(
    ("stage", "value"), [(ARRAYS_STAGE, ARRAYS), (TABLE_STAGE, pd.DataFrame({"x": [1]}))]
)
@pytest.mark.parametrize(
    ("change", "field", "found", "expected"),
    [
        ({"n": 4}, "n", "4", "3"),
        ({"data": "of others"}, "data", '"of others"', '"0123abcd"'),
        ({"more": {"a": [1, 2]}}, "more", r'\{"a": \[1, 2\]\}', "nothing of that name"),
    ],
)
def test_a_file_under_the_name_of_another_is_refused(
    tmp_path, stage, value, change, field, found, expected
):
    other = {**MADE_FROM, **change}
    for made_from in (MADE_FROM, other):
        stage.cached(made_from, lambda: value, tmp_path)
    one, two = (tmp_path / stage.file(made_from) for made_from in (MADE_FROM, other))
    swap(one, two)
    with pytest.raises(DataError) as caught:
        stage.cached(MADE_FROM, make_nothing, tmp_path)
    error = caught.value
    assert (error.file, error.field) == (str(one), field)
    assert re.search(f"made with {found}", error.problem) and error.expected == expected.strip()
    assert two.name in error.remedy and "delete it" in error.remedy
    swap(one, two)
    stage.cached(MADE_FROM, make_nothing, tmp_path)


def swap(one, two):
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)


def test_the_place_that_differs_is_named_in_nested_settings(tmp_path):
    made_from = {"of": [{"group": 0}, {"group": 1}], "rate": 0.1}
    other = {"of": [{"group": 0}, {"group": 2}], "rate": 0.1}
    stage = ARRAYS_STAGE
    stage.cached(other, lambda: ARRAYS, tmp_path)
    (tmp_path / stage.file(other)).rename(tmp_path / stage.file(made_from))
    with pytest.raises(DataError, match=r"field of\[1\]\.group: .* 2\. Expected 1"):
        stage.cached(made_from, make_nothing, tmp_path)


def test_a_file_of_another_version_or_stage_is_refused(tmp_path):
    for old in (replace(ARRAYS_STAGE, version=2), replace(ARRAYS_STAGE, name="another")):
        old.cached(MADE_FROM, lambda: ARRAYS, tmp_path)
        (tmp_path / old.file(MADE_FROM)).replace(tmp_path / ARRAYS_STAGE.file(MADE_FROM))
        with pytest.raises(DataError, match=r"field stages\..*To fix it: delete it"):
            ARRAYS_STAGE.cached(MADE_FROM, make_nothing, tmp_path)


def test_a_file_that_does_not_say_what_made_it_is_refused(tmp_path):
    path = tmp_path / ARRAYS_STAGE.file(MADE_FROM)
    save_arrays(path, ARRAYS)
    with pytest.raises(DataError, match=r"thing-v1-.*does not say what it was made from"):
        ARRAYS_STAGE.cached(MADE_FROM, make_nothing, tmp_path)
    save_arrays(path, {**ARRAYS, "provenance": np.array("[1")})
    with pytest.raises(DataError, match=r"field provenance: .*cannot be read"):
        ARRAYS_STAGE.cached(MADE_FROM, make_nothing, tmp_path)


def test_a_value_that_cannot_be_is_neither_stored_nor_believed(tmp_path):
    def check(arrays):
        if not np.isfinite(arrays["x"]).all():
            raise DataError("not finite", field="x", expected="numbers")

    spoilt = {"x": np.array([1.0, np.nan])}
    with pytest.raises(DataError, match=r"^field x: not finite"):
        ARRAYS_STAGE.cached(MADE_FROM, lambda: spoilt, tmp_path, check=check)
    assert everything_in(tmp_path) == []
    path = tmp_path / ARRAYS_STAGE.file(MADE_FROM)
    about = {"configuration": ARRAYS_STAGE.configuration(MADE_FROM)}
    ARRAYS_STAGE.write(path, spoilt, about)
    with pytest.raises(DataError, match=rf"{path.name}, field x: not finite.*delete it"):
        ARRAYS_STAGE.cached(MADE_FROM, make_nothing, tmp_path, check=check)


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
    [copy] = work.stage.ship([MADE_FROM], ours, shipped)
    assert everything_in(shipped) == everything_in(ours) == [copy.name]
    work.calls.clear()
    assert work.run(theirs, shipped=shipped) == (1, 2, 3)
    assert work.calls == ["load"]
    assert everything_in(theirs) == []
    work.run(theirs, {**MADE_FROM, "n": 4}, shipped=shipped)
    assert "make" in work.calls
    copy.write_text("{}")  # one's own comes before the shipped one
    assert work.run(ours, shipped=shipped) == (1, 2, 3)


def test_shipping_removes_older_results_of_the_stage_alone(tmp_path):
    ours, shipped = tmp_path / "ours", tmp_path / "shipped"
    work, other = Work(), Work()
    other.stage = replace(other.stage, name="thing-of-another")
    for each in (work, other):
        each.run(ours)
        each.stage.ship([MADE_FROM], ours, shipped)
    older = work.stage.file(MADE_FROM)
    work.stage = replace(work.stage, version=2)
    work.run(ours)
    more = {**MADE_FROM, "n": 4}
    work.run(ours, more)
    newer = {path.name for path in work.stage.ship([MADE_FROM, more], ours, shipped)}
    (shipped / "README.md").touch()
    kept = other.stage.file(MADE_FROM)
    assert older not in everything_in(shipped)
    assert set(everything_in(shipped)) == {*newer, kept, "README.md"}


def test_what_was_never_made_cannot_be_shipped(tmp_path):
    with pytest.raises(FileNotFoundError):
        Work().stage.ship([MADE_FROM], tmp_path, tmp_path / "shipped")
    assert everything_in(tmp_path / "shipped") == []


def test_what_was_read_from_the_shipped_results_stays_and_what_is_nowhere_is_not_shipped(tmp_path):
    ours, shipped, theirs = (tmp_path / name for name in ("ours", "shipped", "theirs"))
    work = Work()
    work.run(ours)
    [copy] = work.stage.ship([MADE_FROM], ours, shipped)
    before = everything_in(shipped)
    assert work.stage.ship([MADE_FROM], theirs, shipped) == [copy]
    with pytest.raises(FileNotFoundError):
        work.stage.ship([{**MADE_FROM, "n": 4}], theirs, shipped)
    assert everything_in(shipped) == before  # nothing older was removed
