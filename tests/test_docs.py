"""The reference lists everything, the docstrings say everything, the map leads to what there is."""

import ast
import dataclasses
import doctest
import importlib
import importlib.util
import inspect
import io
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest
import yaml
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import docutils_namespace

import ecglib

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "book" / "api"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
MODULES = [
    module.name
    for module in pkgutil.walk_packages(ecglib.__path__, "ecglib.")
    if not module.ispkg and module.name != "ecglib.__main__"
]
VERBS = [name for name in MODULES if name.startswith("ecglib.commands.")]


def load_rooms():
    """Load the book's extension, under the name by which Sphinx looks for it."""
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "book" / "_ext" / "rooms.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["rooms"] = module
    spec.loader.exec_module(module)
    return module


rooms = load_rooms()


# The pages


def listed(page: Path) -> list[str]:
    """Read the modules that a page of the reference lists or documents."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^\.\. modules::\n\n((?:   \S+\n)+)", text, re.MULTILINE)
    found = [f"ecglib.{name}" for block in blocks for name in block.split()]
    found += re.findall(r"^\.\. automodule:: (\S+)", text, re.MULTILINE)
    return found + (VERBS if "```{verbs}" in text else [])


def entries(entry: dict) -> Iterator[tuple[str, str]]:
    """Go through the files and globs of a table of contents."""
    for key in ("root", "file", "glob"):
        if key in entry:
            yield key, entry[key]
    for key in ("parts", "chapters", "sections"):
        for child in entry.get(key, []):
            yield from entries(child)


def test_every_module_is_on_one_page_of_the_reference():
    pages = Counter(name for page in API.glob("*.md") for name in listed(page))
    packages = {m.name for m in pkgutil.iter_modules(ecglib.__path__, "ecglib.") if m.ispkg}
    assert {name: pages[name] for name in MODULES} == dict.fromkeys(MODULES, 1)
    assert set(pages) == {*MODULES, *packages}


def test_a_room_lists_its_own_modules_under_its_own_name():
    for page in API.glob("*.md"):
        assert {name.split(".")[1] for name in listed(page)} <= {page.stem, "cli"}


def test_every_page_of_the_reference_is_in_the_toc():
    toc = list(entries(TOC))
    files = [value for key, value in toc if key == "file"]
    globs = [value for key, value in toc if key == "glob"]
    for page in API.glob("*.md"):
        assert files.count(f"book/api/{page.stem}") == 1
    for module in rooms.modules():
        name = (rooms.PAGES / module.removeprefix("ecglib.")).as_posix()
        assert sum(fnmatchcase(name, pattern) for pattern in globs) == 1, name
    assert files.count("book/map") == 1


def test_the_overview_links_to_every_room():
    links = re.findall(r"\]\((\w+)\.md\)", (API / "index.md").read_text(encoding="utf-8"))
    assert sorted(links) == sorted(page.stem for page in API.glob("*.md") if page.stem != "index")


def test_a_module_offers_what_it_defines_and_documents():
    offered = rooms.offered("ecglib.evaluation.splits")
    assert {"Fold", "Splitter", "WindowKFold", "TrialGroupedKFold"} <= set(offered)
    assert not {"_KFold", "KFold", "DataError", "np"} & set(offered)
    assert offered.index("WindowKFold") < offered.index("TrialGroupedKFold")


def test_pages_are_written_once_and_old_ones_removed(tmp_path):
    class App:
        srcdir = tmp_path

    folder = tmp_path / rooms.PAGES
    folder.mkdir(parents=True)
    (folder / "core.gone.rst").write_text("gone")
    rooms.write_pages(App)
    pages = {page.stem: page.stat().st_mtime_ns for page in folder.glob("*.rst")}
    assert sorted(pages) == sorted(m.removeprefix("ecglib.") for m in rooms.modules())
    rooms.write_pages(App)
    assert {page.stem: page.stat().st_mtime_ns for page in folder.glob("*.rst")} == pages


@pytest.mark.parametrize(
    ("signature", "shown"),
    [
        ("()", "()"),
        (
            "(x, *, n=3, name='a, b', sides=('l', 'r'))",
            "(x, *, n=3, name='a, b', sides=('l', 'r'))",
        ),
        ("(x, xp=<module 'keras.ops' from '/a, b.py'>, n=1)", "(x, xp=..., n=1)"),
        ("(seeds=<factory>, *rest, **more)", "(seeds=..., *rest, **more)"),
        (f"(plan=Plan(n=1, deep=Deep({'n=1, ' * 20})), n=1)", "(plan=..., n=1)"),
        ("(name='<none>', tell=say_nothing)", "(name='<none>', tell=say_nothing)"),
        ("(tell=lambda line, n: None, n=1)", "(tell=lambda line, n: None, n=1)"),
        ("(columns=(*ORIGIN, *CHOICE), n=1)", "(columns=..., n=1)"),
    ],
)
def test_signatures_show_no_value_of_one_machine_and_none_that_is_long(signature, shown):
    assert rooms.with_short_defaults(signature) == shown


# What Sphinx makes of them


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Render the pages of three modules, with the settings of the book, as text."""
    folder = tmp_path_factory.mktemp("reference")
    chosen = ["ecglib.core.stages", "ecglib.data.cohort", "ecglib.evaluation.protocols"]
    (folder / "index.rst").write_text(
        "Reference\n=========\n\n.. toctree::\n   :glob:\n\n   book/api/modules/*\n\n"
        ".. modules::\n\n   core.stages\n   data.cohort\n   evaluation.protocols\n"
    )
    names = ("autodoc_", "napoleon_", "nitpick_", "autosummary_", "default_role")
    settings = {k: v for k, v in CONFIG["sphinx"]["config"].items() if k.startswith(names)}
    settings["nitpick_ignore_regex"] = [tuple(pair) for pair in settings["nitpick_ignore_regex"]]
    settings["extensions"] = ["rooms", "sphinx.ext.napoleon"]
    warned = io.StringIO()
    everything, rooms.modules = rooms.modules, lambda: chosen
    try:
        with docutils_namespace():
            app = Sphinx(
                folder,
                None,
                folder / "text",
                folder / "trees",
                "text",
                confoverrides=settings,
                status=None,
                warning=warned,
            )
            app.build()
    finally:
        rooms.modules = everything
    assert warned.getvalue() == ""
    pages = [
        folder / "text" / rooms.PAGES / f"{name.removeprefix('ecglib.')}.txt" for name in chosen
    ]
    paths = [folder / "text" / "index.txt", *pages]
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def test_a_constant_shows_its_value_and_its_whole_first_sentence(rendered):
    cohort = rendered["data.cohort"]
    protocols = rendered["evaluation.protocols"]
    assert re.search(
        r"MAJORITY = 'majority'\n\n +The model that answers with the commoner", protocols
    )
    assert "Type:" not in cohort + rendered["evaluation.protocols"]


def test_a_field_of_a_dataclass_stands_among_the_parameters_only(rendered):
    cohort, stages = rendered["data.cohort"], rendered["core.stages"]
    assert re.search(r"Parameters:.*\*\*recordings\*\*", cohort, re.DOTALL)
    for page, names in ((cohort, "recordings|signals|fs|name"), (stages, "save|load|suffix")):
        assert not re.search(rf"^ +(?:{names})\b *[(:=]|^ +(?:{names})$", page, re.MULTILINE)
    assert "made_from" in stages and re.search(r"^ +cached\(", stages, re.MULTILINE)


def test_a_table_gives_the_first_sentence_of_each_function_and_class(rendered):
    assert re.search(r'"Cohort" +\| +ECG recordings of participants', rendered["index"])
    assert "Raise a DataError unless a signal is a usable recording." in rendered["index"]
    assert re.search(r'Constants: .*"MAJORITY"', rendered["index"], re.DOTALL)


def test_no_constant_loses_words_to_a_type():
    config = Config(**{k: v for k, v in CONFIG["sphinx"]["config"].items() if "napoleon" in k})
    for module in MODULES:
        analyzer = ModuleAnalyzer.for_module(module)
        analyzer.analyze()
        for (_, name), lines in analyzer.attr_docs.items():
            lines = list(lines)
            first = lines[0]
            rooms.keep_colon(None, "data", name, None, None, lines)
            read = NumpyDocstring(lines, config, what="data", name=name).lines()
            assert read[0] == first and not any(line.startswith(":type") for line in read)


# The docstrings


def documented(module: str) -> list[tuple[str, str, object]]:
    """List the public functions, classes, methods and properties of a module with their kind."""
    found = []
    loaded = importlib.import_module(module)
    for name, value in vars(loaded).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isfunction(value):
            found.append(("function", name, value))
        if inspect.isclass(value):
            found.append(("class", name, value))
            for own, member in vars(value).items():
                member = getattr(member, "__func__", member)
                inherited = any(hasattr(base, own) for base in value.__mro__[1:])
                if own.startswith("_") or is_field(value, own):
                    continue
                if inspect.isfunction(member):
                    found.append(("override" if inherited else "method", f"{name}.{own}", member))
                elif isinstance(member, property):
                    found.append(("property", f"{name}.{own}", member))
    return found


def is_field(owner: type, name: str) -> bool:
    return dataclasses.is_dataclass(owner) and name in {f.name for f in dataclasses.fields(owner)}


def doc_of(value: object) -> str:
    # Not inspect.getdoc, which would take that of a base.
    return inspect.cleandoc(value.__doc__ or "")


def parameters_in(doc: str) -> set[str]:
    """Read the names in the sections of parameters, and those between single backticks."""
    sections = re.findall(
        r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)",
        doc,
        re.DOTALL | re.MULTILINE,
    )
    heads = [line.split(" : ")[0] for s in sections for line in s.splitlines() if line[:1].strip()]
    return {
        *(name.strip().lstrip("*") for head in heads for name in head.split(",")),
        *re.findall(r"(?<!`)`(\w+)`(?!`)", doc),
    }


def parameters_of(kind: str, value: object) -> set[str]:
    """Give the parameters that a docstring must speak of."""
    if kind == "class":
        made_by = value.__init__
        ours = getattr(made_by, "__module__", "").startswith("ecglib") or dataclasses.is_dataclass(
            value
        )
        if not ours or not inspect.isfunction(made_by):
            return set()
    if kind in ("property", "override"):  # whose parameters the base explains
        return set()
    return {p.lstrip("*") for p in inspect.signature(value).parameters} - {"self", "cls"}


def verbs() -> set[str]:
    """Give the words with which the functions of the library open."""
    return {
        doc_of(value).split()[0].strip(",;:")
        for module in MODULES
        for kind, _, value in documented(module)
        if kind in ("function", "method") and doc_of(value)
    }


NO_VERB = re.compile(
    r"(?:An?|The|This|These|It|What|How|Who|Which|Whether|One|Two|Three|True|False|Number|"
    r"\w+ing|\w+ed|\w+[^s]s)\b"
)


@pytest.mark.parametrize("module", MODULES)
def test_docstrings_open_well_and_name_every_parameter(module):
    problems = []
    opening = verbs()
    for kind, name, value in documented(module):
        doc = doc_of(value)
        first = doc.split(maxsplit=1)[0].strip(",;:") if doc else ""
        if not re.match(r"[A-Z`]", first):
            problems.append(f"{name}: no docstring that opens with a capital letter")
        elif kind in ("function", "method", "override") and NO_VERB.match(first):
            problems.append(f"{name}: opens with {first!r}, not with a verb in the imperative")
        elif kind == "class" and {first, first.removesuffix("s")} & opening:
            problems.append(f"{name}: a class opens with what it is, not with {first!r}")
        if missing := parameters_of(kind, value) - parameters_in(doc):
            problems.append(f"{name}: does not speak of {sorted(missing)}")
    assert problems == []


@pytest.mark.parametrize(
    ("opening", "good"),
    [("Give it.", True), ("Pass it on.", True), ("Gives it.", False), ("The number of it.", False)],
)
def test_what_counts_as_a_verb(opening, good):
    assert bool(NO_VERB.match(opening.split()[0])) is not good


def test_parameters_are_read_from_sections_and_backticks():
    head = "Do `x`.\n\nParameters\n----------\n"
    doc = head + "a, b : int\n    Two `z`.\n**options\n    More.\n\nReturns\n-------\nc"
    assert parameters_in(doc) == {"x", "a", "b", "z", "options"}


def test_constants_have_a_docstring_beneath():
    bare = []
    for module in sorted({*MODULES} - {*VERBS}):
        body = ast.parse(inspect.getsource(importlib.import_module(module))).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            names = [n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)]
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            constants = [n for n in names if n.isupper() and not n.startswith("_") and len(n) > 1]
            bare += [f"{module}.{name}" for name in constants if not text]
    assert bare == []


def test_names_in_docstrings_lead_somewhere():
    lost = []
    for module in MODULES:
        source = inspect.getsource(importlib.import_module(module))
        texts = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for name in re.findall(r"(?<!`)`(ecglib\.[\w.]+)`(?!`)", "\n".join(texts)):
            if not leads_somewhere(name):
                lost.append(f"{module}: {name}")
    assert lost == []


def leads_somewhere(name: str) -> bool:
    """Tell whether a dotted name has an entry in the reference."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for number, part in enumerate(parts[cut:]):
            is_entry = inspect.ismodule(value) or not is_field(value, part)
            if not hasattr(value, part) or (number and not is_entry):
                return False
            value = getattr(value, part)
        return True
    return False


def test_a_field_has_no_entry_of_its_own():
    assert leads_somewhere("ecglib.data.cohort.Cohort")
    assert leads_somewhere("ecglib.evaluation.splits.Splitter.split")
    assert leads_somewhere("ecglib.core.stages")
    assert not leads_somewhere("ecglib.core.stages.Stage.suffix")
    assert not leads_somewhere("ecglib.data.cohort.Gone")


def test_every_public_name_is_documented_where_it_is_defined():
    for name in ecglib.__all__:
        value = getattr(ecglib, name)
        if not inspect.ismodule(value):
            assert value.__qualname__ == name in rooms.offered(value.__module__)


def test_every_verb_says_what_it_does():
    for module in (name for name in VERBS if "._" not in name):
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        assert command.name == module.rpartition(".")[2].replace("_", "-")
        assert re.match(r"[A-Z]", command.help) and not NO_VERB.match(command.help)
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help


# The examples

TRAINS = "trains networks, or reads what trained ones give"
READS = "needs a whole study of real recordings, or its scores"

NO_EXAMPLE = {
    **dict.fromkeys(
        (
            "ecglib.studies.comparison.run_choices",
            "ecglib.studies.comparison_tables.control",
            "ecglib.studies.comparison_tables.grid",
            "ecglib.studies.comparison_tables.label_efficiency",
            "ecglib.studies.comparison_tables.pretext_report",
            "ecglib.studies.crossfit.evaluate_strict",
            "ecglib.studies.crossfit.features_by_participant",
            "ecglib.studies.crossfit.features_source",
            "ecglib.studies.crossfit.strict_features",
            "ecglib.studies.crossing.scores_here",
            "ecglib.studies.crossing.scores_there",
            "ecglib.studies.leakage.known_cohorts",
            "ecglib.studies.leakage.ladder_predictions",
            "ecglib.studies.personalisation.own_predictions",
            "ecglib.studies.personalisation.rated_predictions",
            "ecglib.studies.pooling.pooling_scores",
            "ecglib.studies.pretraining.contrastive",
            "ecglib.studies.pretraining.pretext",
            "ecglib.studies.pretraining.supervised_encoder",
            "ecglib.studies.pretraining.trained_on",
            "ecglib.studies.ratings.rating_predictions",
            "ecglib.studies.real_features.known",
            "ecglib.studies.real_networks.real_encoder",
            "ecglib.studies.real_networks.train_all",
            "ecglib.studies.real_networks.tuned_predictions",
            "ecglib.studies.real_probes.real_probes",
            "ecglib.studies.real_probes.real_recognition",
            "ecglib.studies.real_scores.real_scores",
            "ecglib.studies.replication.effects",
            "ecglib.studies.replication.refit_results",
            "ecglib.studies.replication.released_results",
            "ecglib.studies.results.head_predictions",
            "ecglib.studies.results.leaks",
            "ecglib.studies.results.null_predictions",
            "ecglib.studies.results.null_supervised_predictions",
            "ecglib.studies.results.predictions",
            "ecglib.studies.results.summary",
            "ecglib.studies.results.supervised_predictions",
            "ecglib.studies.statistics.encoder_tests",
            "ecglib.studies.statistics.seed_predictions",
            "ecglib.studies.subject_aware.scores",
            "ecglib.workflows.pretraining.recognition_on",
        ),
        TRAINS,
    ),
    **dict.fromkeys(
        (
            "ecglib.studies.real_findings.efficiency",
            "ecglib.studies.real_findings.findings",
            "ecglib.studies.real_networks.missing_networks",
        ),
        READS,
    ),
    **dict.fromkeys(
        (
            "ecglib.pretext.distributed.join",
            "ecglib.pretext.distributed.train_distributed",
            "ecglib.studies.distributed.pretrain_group",
        ),
        "needs the JAX backend and several devices or processes",
    ),
    **dict.fromkeys(
        (
            "ecglib.studies.baselines.classical_predictions",
            "ecglib.studies.before_clip.baseline_relative_predictions",
            "ecglib.studies.excerpt.scores",
        ),
        "fits classifiers to every fold of a whole study",
    ),
    "ecglib.studies.stages.current_lock": "digests all code that stages reach: some seconds",
}
"""Public functions and classes without an example, and why each has none."""


def without_example(module: str) -> set[str]:
    """Name the public functions and classes of a module whose docstring has no example to run."""
    return {
        f"{module}.{name}"
        for kind, name, value in documented(module)
        if kind in ("function", "class") and not doctest.DocTestParser().get_examples(doc_of(value))
    }


def test_every_public_function_and_class_has_an_example_or_a_reason_not_to():
    found = set().union(*map(without_example, sorted({*MODULES} - {*VERBS})))
    # What got an example leaves the list.
    assert found == NO_EXAMPLE.keys()


def test_every_example_stands_where_it_is_run():
    run = set(importlib.import_module("tests.test_examples").MODULES)
    for module in MODULES:
        if any(">>>" in doc_of(value) for _, _, value in documented(module)):
            assert module in run, module


def test_an_example_is_under_its_own_heading():
    for module in MODULES:
        for _, name, value in documented(module):
            if ">>>" in (doc := doc_of(value)):
                assert "Examples\n--------\n" in doc[: doc.index(">>>")], f"{module}.{name}"


# The map from the method to the library

SENTENCES = [
    ("1.1.1", "Layers"),
    ("1.1.1", "Sharing"),
    ("1.1.1", "Convolutions"),
    ("1.1.1", "Pooling"),
    ("1.1.1", "Filters"),
    ("1.1.1", "Kernels"),
    ("1.1.1", "Heads"),
    ("1.1.1", "Regularisation"),
    ("1.1.2", "Reuse"),
    ("1.1.2", "Emotion head"),
    ("1.1.2", "Freezing"),
    ("1.1.2", "Pretraining"),
    ("1.1.2", "Batch normalisation"),
    ("1.1.2", "Output"),
    ("1.2", "Contrast"),
    ("1.2", "Views"),
    ("1.3", "Fine-tuning"),
    ("2", "DREAMER"),
    ("2", "Ratings"),
    ("3", "Results"),
]
"""The statements of the method, in their order."""


def rows_of_map() -> list[list[str]]:
    """Read the cells of the table, without its head."""
    text = (ROOT / "book" / "map.md").read_text(encoding="utf-8")
    table = text[text.index(":::{list-table}") : text.rindex(":::")]
    rows = re.split(r"^\* - ", table, flags=re.MULTILINE)[2:]
    return [re.split(r"\n  - ", row.rstrip()) for row in rows]


def test_the_map_has_a_row_for_each_sentence_of_the_method():
    rows = rows_of_map()
    assert all(len(row) == 5 for row in rows)
    assert [(row[0], re.match(r"\*\*(.+):\*\* \S", row[1])[1]) for row in rows] == SENTENCES


@pytest.mark.parametrize("row", rows_of_map(), ids=lambda row: row[1].split(":")[0].strip("*"))
def test_a_row_of_the_map_leads_to_what_there_is(row):
    _, _, chapter, room, names = row
    (chapter,) = re.fullmatch(r"\{doc\}`\.\./(notebooks/\w+)`", chapter).groups()
    assert (ROOT / f"{chapter}.py").is_file() and ("file", chapter) in list(entries(TOC))
    label, page = re.fullmatch(r"\[(\w+)\]\((api/\w+\.md)\)", room).groups()
    assert (ROOT / "book" / page).is_file() and page == f"api/{label}.md"
    links = re.findall(r"\{py:(class|func)\}`~(ecglib\.\w+\.\w+)\.(\w+)`", names)
    assert ", ".join(f"{{py:{k}}}`~{m}.{n}`" for k, m, n in links) == names
    assert any(module.startswith(f"ecglib.{label}.") for _, module, _ in links)
    for kind, module, name in links:
        value = getattr(importlib.import_module(module), name)
        assert inspect.isclass(value) if kind == "class" else inspect.isfunction(value)
        assert name in rooms.offered(module)
