"""The files around the library agree with each other, and the checks of the notebooks bite."""

import re
import tomllib
from pathlib import Path

import nbformat.v4 as nb4
import pytest
import yaml
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import ecglib
from tools import check_notebooks, check_pages

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def locked_versions() -> dict[str, list[Version]]:
    """Every version of every package in the lock file (some differ by Python version)."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", LOCK, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def wanted_packages() -> list[Requirement]:
    # PyTorch serves one benchmark only, and its default build is several gigabytes.
    extras = [e for name, e in PROJECT["optional-dependencies"].items() if name != "torch"]
    return [Requirement(r) for r in [*PROJECT["dependencies"], *(r for e in extras for r in e)]]


@pytest.mark.parametrize("wanted", wanted_packages(), ids=str)
def test_the_lock_satisfies_every_requirement(wanted):
    versions = locked_versions()[canonicalize_name(wanted.name)]
    assert all(wanted.specifier.contains(version, prereleases=True) for version in versions)


def test_every_locked_package_has_a_hash_and_comes_from_an_index():
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert [b.split()[0] for b in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", b)] == []
    assert not re.search(r"https?://|file://|^-", LOCK, re.MULTILINE)


def test_conda_door_leads_to_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    (pip,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["--require-hashes", "-r requirements.lock"]
    python = next(d for d in conda if d.startswith("python"))
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    # A package that conda also installed could win over the locked one.
    assert {re.split(r"[<>=]", d)[0] for d in conda} == {"python", "pip", "make"}
    assert environment["name"] == PROJECT["name"]


def test_one_version_and_one_licence_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == citation["version"] == ecglib.__version__
    assert PROJECT["license"] == citation["license"]
    assert PROJECT["name"] != "ecglib"  # that name belongs to another project on the package index


@pytest.mark.parametrize("page", check_pages.pages_of(TOC)[:-1])
def test_every_page_of_the_toc_has_one_source(page):
    stem = ROOT / page.removesuffix(".html")
    sources = [stem.with_suffix(s) for s in (".md", ".ipynb") if stem.with_suffix(s).is_file()]
    assert len(sources) == 1


def test_the_readme_links_to_files_that_exist():
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 3
    assert [link for link in links if "://" not in link and not (ROOT / link).is_file()] == []


def test_every_notebook_is_in_the_toc():
    pages = check_pages.pages_of(TOC)
    assert [n.name for n in NOTEBOOKS if f"notebooks/{n.stem}.html" not in pages] == []


def test_the_book_executes_everything_and_stops_at_an_error():
    assert CONFIG["execute"]["execute_notebooks"] == "force"
    assert CONFIG["execute"]["raise_on_error"] is True
    # The chapters, and nothing else, are executed before, by a command that stops at an error.
    assert CONFIG["execute"]["exclude_patterns"] == ["notebooks/*"]
    assert "tools/build_book.py" in (ROOT / "Makefile").read_text()


def test_sanitizer_rules_are_read_by_nbval():
    text = (ROOT / "tests" / "nbval_sanitize.cfg").read_text()
    rules = get_sanitize_patterns(text)
    assert len(rules) == text.count("regex:") > 0
    assert all(replacement for _, replacement in rules)
    tried = "took 12.3 s on 10.0 s windows, accuracy 0.61"
    for pattern, replacement in rules:
        tried = re.sub(pattern, replacement, tried)
    assert tried == "took SOME TIME on 10.0 s windows, accuracy 0.61"


# The notebooks that are committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_in_order(path):
    assert check_notebooks.problems_of(path) == []


def test_enough_cells_are_compared():
    counts = [check_notebooks.count_compared(check_notebooks.read(path)) for path in NOTEBOOKS]
    assert sum(counts) >= check_notebooks.FLOOR_TOTAL


# The checks themselves


def stdout(text):
    return nb4.new_output("stream", name="stdout", text=text)


def code(source="1 + 1", count=1, outputs=(), **metadata):
    return nb4.new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata=metadata
    )


@pytest.mark.parametrize(
    ("cell", "compared"),
    [
        (code(outputs=[stdout("accuracy 0.61")]), 1),
        (code(outputs=[nb4.new_output("execute_result", {"text/plain": "2"})]), 1),
        (code(outputs=[nb4.new_output("execute_result", {"text/html": "<table></table>"})]), 1),
        (code(count=None, outputs=[stdout("accuracy 0.61")]), 0),
        (code(outputs=[]), 0),
        (code(outputs=[stdout("  \n")]), 0),
        (code(outputs=[nb4.new_output("stream", name="stderr", text="warning")]), 0),
        (code(outputs=[nb4.new_output("execute_result", {"text/plain": "<Axes: >"})]), 0),
        (
            code(
                outputs=[
                    nb4.new_output("display_data", {"image/png": "aaaa", "text/plain": "Figure"})
                ]
            ),
            0,
        ),
        (code(outputs=[stdout("2")], tags=["nbval-ignore-output"]), 0),
        (code(outputs=[stdout("2")], tags=["nbval-skip"]), 0),
    ],
)
def test_only_compared_cells_count(cell, compared):
    assert check_notebooks.count_compared(nb4.new_notebook(cells=[cell])) == compared


@pytest.mark.parametrize("counts", [[1, 3], [2, 1], [1, None], [1, 1]])
def test_execution_order_must_be_strict(counts):
    notebook = nb4.new_notebook(cells=[code(count=c) for c in counts])
    assert check_notebooks.order_problems(notebook)


def test_execution_order_passes_when_cells_ran_once_each():
    cells = [code(count=1), nb4.new_markdown_cell("text"), code("", None), code(count=2)]
    assert check_notebooks.order_problems(nb4.new_notebook(cells=cells)) == []


@pytest.mark.parametrize(
    ("source", "told", "problems"),
    [
        ("time.time()", {"tags": ["nbval-ignore-output"]}, 1),
        ("time.time()", {"tags": ["nbval-skip"], "reason": "short"}, 1),
        ("time.time()", {"tags": ["nbval-skip"], "reason": "the clock differs"}, 0),
        ("# NBVAL_IGNORE_OUTPUT\ntime.time()", {}, 1),
        ("# NBVAL_SKIP\n# reason: the clock differs from run to run\ntime.time()", {}, 1),
        ("time.time()", {}, 0),
    ],
)
def test_an_ignored_output_needs_a_tag_and_a_reason(source, told, problems):
    cell = nb4.new_code_cell(source, metadata=told)
    notebook = nb4.new_notebook(cells=[cell])
    assert len(check_notebooks.reason_problems(notebook)) == problems


@pytest.mark.parametrize(
    "output",
    [
        stdout("read /home/someone/DREAMER.mat"),
        nb4.new_output("stream", name="stderr", text="a warning"),
        nb4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
    ],
)
def test_outputs_that_must_not_be_committed(output):
    notebook = nb4.new_notebook(cells=[code(outputs=[output])])
    assert len(check_notebooks.output_problems(notebook)) == 1


def write_pair(folder, script, *cells):
    path = folder / "chapter.ipynb"
    path.write_text(nb4.writes(nb4.new_notebook(cells=cells)))
    path.with_suffix(".py").write_text(script)
    return path, check_notebooks.read(path)


def test_twins_may_not_drift(tmp_path):
    script = '# %% tags=["hide-input"]\n1 + 1\n'
    same = write_pair(tmp_path, script, code("1 + 1", tags=["hide-input"]))
    assert check_notebooks.twin_problems(*same) == []
    other_source = write_pair(tmp_path, script, code("1 + 2", tags=["hide-input"]))
    assert len(check_notebooks.twin_problems(*other_source)) == 1
    other_tag = write_pair(tmp_path, script, code("1 + 1"))
    assert len(check_notebooks.twin_problems(*other_tag)) == 1
    fewer = write_pair(tmp_path, script)
    assert len(check_notebooks.twin_problems(*fewer)) == 1
    path, notebook = same
    path.with_suffix(".py").unlink()
    assert "no percent script" in check_notebooks.twin_problems(path, notebook)[0]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("Network.requestWillBeSent", {"request": {"url": "http://127.0.0.1:1/a.css"}}, None),
        ("Network.requestWillBeSent", {"request": {"url": "data:image/png;base64,"}}, None),
        (
            "Network.requestWillBeSent",
            {"request": {"url": "https://example.org/a.js"}},
            "request to another host: https://example.org/a.js",
        ),
        (
            "Network.responseReceived",
            {"response": {"status": 404, "url": "http://127.0.0.1:1/a.png"}},
            "status 404: http://127.0.0.1:1/a.png",
        ),
        (
            "Runtime.consoleAPICalled",
            {"type": "error", "args": [{"value": "broken"}]},
            "console: broken",
        ),
        ("Runtime.consoleAPICalled", {"type": "log", "args": [{"value": "hello"}]}, None),
    ],
)
def test_what_the_page_check_complains_about(method, params, expected):
    event = {"method": method, "params": params}
    assert check_pages.problem_in(event, "http://127.0.0.1:1/") == expected


def test_a_broken_page_fails_the_page_check(tmp_path):
    executable = check_pages.find_browser()
    if executable is None:
        pytest.skip("no Chromium on this machine")
    (tmp_path / "dot.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    )
    page = '<!doctype html><link rel="icon" href="dot.svg"><title>t</title>{}'
    bodies = {
        "good.html": '<img src="dot.svg" alt="a dot"><script>console.log("hello")</script>',
        "image.html": '<img src="gone.png" alt="not there">',
        "alt.html": '<img src="dot.svg">',
        "console.html": '<script>console.error("broken")</script>',
        "thrown.html": '<script>throw new Error("broken")</script>',
        "missing.html": '<script src="gone.js"></script>',
        "foreign.html": '<script src="https://example.org/a.js"></script>',
    }
    for name, body in bodies.items():
        (tmp_path / name).write_text(page.format(body))
    found = check_pages.run(executable, tmp_path, list(bodies))
    assert found.pop("good.html").problems == []
    words = {
        "image.html": "missing image",
        "alt.html": "without alternative text",
        "console.html": "console: broken",
        "thrown.html": "uncaught exception: Error: broken",
        "missing.html": "status 404",
        "foreign.html": "another host: https://example.org",
    }
    assert {
        name: words[name] in " ".join(seen.problems) for name, seen in found.items()
    } == dict.fromkeys(words, True)
