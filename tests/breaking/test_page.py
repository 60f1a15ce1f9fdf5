"""The page about what was tried says what the result files say, whatever they say."""

import json
import re
from pathlib import Path

import pytest

from ecglib.core.folders import HOME
from tests.breaking.branches import row, table
from tests.breaking.mutation import TESTS, _running
from tests.breaking.stages import STAGES
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "book" / "what-we-tried-to-break.md"
RESULTS = ROOT / "benchmarks" / "results"
CELL = re.compile(r"```\{code-cell\}.*?\n(?::tags:.*?\n)?(.*?)```", re.DOTALL)

ABOUT = {
    "made": "2030-01-02T03:04Z",
    "seconds": 1.0,
    "configuration": {},
    "environment": {"processor": "abacus", "Python": "3.11.0"},
}
KILLED = {"stage": "windows", "kills": 7, "at a change of a file": 3, "runs": 5, "identical": 5}
KILLED |= {"different": [], "left": [], "files": 3, "seconds": 1.0, "changes": 4}
READER = {"reader": "csv", "made": 40, "damaged": 1200, "refused": 1100, "read": 140, "broken": 0}
READER |= {"largest MiB": 12.4, "longest s": 0.34, "longest message": 200}
CHANGED = {"module": "ecglib.data.dreamer", "mutants": 900, "left out": 5, "tried": 80}
CHANGED |= {"killed": 70, "timed out": 2, "survived": 1}
SURVIVOR = {"operator": "o", "line": 17, "was": "a < b", "now": "a <= b", "why": "never equal"}
COVERED = row("ecglib", dict.fromkeys(["num_statements", "num_branches"], 50) | {
    "missing_lines": 1, "missing_branches": 2,
})  # fmt: skip


def shown(home, monkeypatch):
    """Run the cells of the page; give sentences, and the texts of its tables."""
    display = pytest.importorskip("IPython.display")
    told, tables = [], []

    def collect(thing):
        if isinstance(thing, display.Markdown):
            told.append(thing.data)
        else:
            tables.append(thing.data)

    monkeypatch.setenv(HOME, str(home))
    monkeypatch.setattr(display, "display", collect)
    names = {}
    for cell in CELL.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(cell, str(PAGE), "exec"), names)
    return " ".join(told), tables


def write(home, **rows):
    folder = home / "benchmarks" / "results"
    folder.mkdir(parents=True)
    for name, found in rows.items():
        (folder / f"{name}.json").write_text(json.dumps({"about": ABOUT, "rows": found}))


def test_sentences_say_what_the_files_say(tmp_path, monkeypatch):
    worse = {**KILLED, "stage": "fetch", "different": [{"points": []}], "identical": 4}
    other = {**CHANGED, "module": "ecglib.evaluation.audit", "killed": 78, "survivors": []}
    write(
        tmp_path,
        kills=[KILLED, {**worse, "left": ["a.part"]}],
        malformed=[READER, {**READER, "reader": "edf", "largest MiB": 31.0, "broken": 2}],
        mutation=[{**CHANGED, "survivors": [SURVIVOR]}, other],
        coverage=[COVERED, {**COVERED, "room": "data", "covered": 91.0}],
    )
    said, tables = shown(tmp_path, monkeypatch)
    for sentence in (
        "14 kills hit 2 stages, 6 of them at a change of a file.",
        "Of 10 killed runs that went on, 9 ended with what an undisturbed run leaves, "
        "and 1 did not.",
        "1 unfinished file stayed.",
        "2 readers met 80 files made by hand and 2,400 damaged copies.",
        "2,200 were refused with a DataError and 280 gave a value. 2 files broke a reader.",
        "was 31 MiB (EDF), the longest time 0.3 s (CSV).",
        "Of 160 changes in 2 modules, the tests caught 152 (95%); the least in "
        "`ecglib.data.dreamer`, 90%.",
        "97.0 % of the lines and branches of `ecglib` run: "
        "1 of 50 lines and 2 of 50 branches do not.",
        "The least tested room is `data`, with 91.0 %.",
        "Tried on 2030-01-02: abacus",
        "1 change went unnoticed.",
    ):
        assert sentence in said
    assert "never equal" in tables[3] and "a &lt;= b" in tables[3]


def test_one_module_alone_is_not_the_least(tmp_path, monkeypatch):
    write(tmp_path, mutation=[{**CHANGED, "survivors": []}])
    said, _ = shown(tmp_path, monkeypatch)
    assert "Of 80 changes in `ecglib.data.dreamer`, the tests caught 72 (90%)." in said
    assert "unnoticed" not in said


def test_readers_are_named_in_words():
    assert all(f'    "{name}": "' in PAGE.read_text(encoding="utf-8") for name in TARGETS)


def test_what_went_well_is_said_plainly(tmp_path, monkeypatch):
    write(tmp_path, kills=[KILLED], malformed=[READER])
    said, tables = shown(tmp_path, monkeypatch)
    assert "5 ended with what an undisturbed run leaves." in said
    assert "No unfinished file was left." in said
    assert "None broke a reader." in said
    assert said.count("not tried for this copy") == 2
    assert len(tables) == 2


def test_the_page_shows_the_committed_files(monkeypatch):
    said, tables = shown(ROOT, monkeypatch)
    kills = json.loads((RESULTS / "kills.json").read_text())["rows"]
    total = sum(one["kills"] for one in kills)
    assert f"{total} kills hit {len(kills)} stages" in said
    files = json.loads((RESULTS / "malformed.json").read_text())["rows"]
    assert f"{sum(one['refused'] for one in files):,} were refused" in said
    if (RESULTS / "mutation.json").is_file():
        changes = json.loads((RESULTS / "mutation.json").read_text())["rows"]
        assert f"Of {sum(one['tried'] for one in changes):,} changes" in said
    rows = [re.findall(r"<td>(.*?)</td>", line) for line in tables[0].split("</tr>")]
    assert [int(row[1]) for row in rows if row] == [one["kills"] for one in kills]


def rows_of(name):
    return json.loads((RESULTS / f"{name}.json").read_text())["rows"]


def test_the_counts_add_up():
    for one in rows_of("kills"):
        assert one["stage"] in STAGES and one["kills"] >= 10
        assert one["identical"] + len(one["different"]) == one["runs"] <= one["kills"]
    for one in rows_of("malformed"):
        assert one["reader"] in TARGETS
        assert one["refused"] + one["read"] + one["broken"] == one["made"] + one["damaged"]
    for one in rows_of("mutation"):
        assert one["module"] in TESTS and one["survived"] == len(one["survivors"])
        assert one["killed"] + one["timed out"] + one["survived"] == one["tried"]


@pytest.mark.parametrize(
    ("name", "column", "wanted", "command"),
    [
        ("kills", "stage", STAGES, "make kills"),
        ("malformed", "reader", TARGETS, "make fuzz"),
        ("mutation", "module", TESTS, "make mutation"),
    ],
)
def test_everything_was_tried(name, column, wanted, command):
    found = {one[column] for one in rows_of(name)}
    if missing := [one for one in wanted if one not in found]:
        pytest.skip(f"not tried yet: {', '.join(missing)}; {command} does it")
    if name == "kills":
        assert sum(one["kills"] for one in rows_of(name)) >= 60


def test_changes_of_annotations_are_no_changes_of_what_runs():
    source = "def f(a: int | None) -> int:\n    return a + 1\n"
    assert _running(source) == _running(source.replace("int | None", "int + None"))
    assert _running(source) != _running(source.replace("a + 1", "a - 1"))
    assert all(ROOT.joinpath(test).is_file() for tests in TESTS.values() for test in tests)


def test_lines_and_branches_are_added_up_by_room():
    numbers = {"num_statements": 10, "missing_lines": 1, "num_branches": 4, "missing_branches": 0}
    report = {
        "files": {
            "ecglib/data/a.py": {"summary": numbers},
            "ecglib/data/b.py": {"summary": {**numbers, "missing_lines": 5}},
            "ecglib/cli.py": {"summary": {**numbers, "missing_lines": 0}},
        }
    }
    rows, modules = table(report)
    assert [(one["room"], one["lines missed"]) for one in rows] == [
        ("ecglib", 6),
        ("commands", 0),
        ("data", 6),
    ]
    assert rows[0]["covered"] == pytest.approx(100 * (1 - 6 / 42), abs=0.01)
    assert [one["module"] for one in modules] == ["ecglib.data.b", "ecglib.data.a", "ecglib.cli"]
