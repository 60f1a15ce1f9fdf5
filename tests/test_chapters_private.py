"""Chapters on a file that must not be passed on show no recording and no rating of it."""

import ast
import contextlib
import io
from pathlib import Path

import jupytext
import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from ecglib.studies import restricted
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec
from tests.private import marked_as_real
from tests.studies.tiny import TINY
from tools import check_private
from tools.check_private import Numbers, rows_of

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
# A minute of the first clip is looked at.
SPEC = CohortSpec(n_participants=6, clip_lengths_s=(66.0, 30.0, 24.0, 20.0), baseline_s=11.0)
ON_THE_FILE = sorted(NOTEBOOKS.glob("0[1-9]_*.py")) + sorted(NOTEBOOKS.glob("1[0-4]_*.py"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of a file that looks real."""
    folder = tmp_path_factory.mktemp("real")
    return Study(marked_as_real(folder / "DREAMER.mat", SPEC), TINY, folder, SPEC)


@pytest.fixture(scope="module")
def secrets(study):
    return check_private.Secrets.of(study)


def drawn(fig: Figure) -> list[Numbers]:
    """Give the numbers that a figure is drawn from."""
    arrays = []
    for ax in fig.axes:
        arrays += [line.get_ydata() for line in ax.lines]
        arrays += [np.asarray(c.get_offsets()).T.ravel() for c in ax.collections]
        arrays += [path.vertices.T.ravel() for c in ax.collections for path in c.get_paths()]
        arrays += [np.asarray(image.get_array()).ravel() for image in ax.images]
    return [Numbers(a, np.abs(a) * 1e-6) for a in (np.asarray(a, float) for a in arrays) if a.size]


def shown_by(script: Path, study, monkeypatch) -> tuple[list[str], list[Numbers]]:
    """Execute a chapter on a study, and give what its cells print, display and draw."""
    monkeypatch.setattr("ecglib.studies.study.Study", lambda: study)
    texts, numbers, names = [], [], {"__name__": "chapter"}
    with matplotlib.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        for cell in jupytext.read(script, fmt="py:percent").cells:
            if cell.cell_type != "code":
                continue
            code = ast.parse(cell.source)
            last = code.body.pop() if isinstance(code.body[-1], ast.Expr) else None
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(code, script.name, "exec"), names)
                value = None
                if last is not None:
                    value = eval(compile(ast.Expression(last.value), script.name, "eval"), names)
            texts += [out.getvalue(), "" if value is None else str(value)]
            if isinstance(value, Figure):
                numbers += drawn(value)
    matplotlib.pyplot.close("all")
    return texts, numbers


def leaked(texts: list[str], numbers: list[Numbers], secrets) -> bool:
    rows = [row for text in texts for row in rows_of(text)] + numbers
    lists = check_private.lists_of(secrets.trials)
    tables = any(check_private.rated_table(text, secrets.trials) for text in texts)
    samples = check_private.with_runs([rows], secrets) or check_private.with_starts([rows], secrets)
    return bool(tables or samples or check_private.rated_list(rows, lists))


@pytest.mark.parametrize("script", ON_THE_FILE[:3], ids=lambda path: path.stem)
def test_nothing_of_the_file_is_shown_unless_the_switch_says_so(
    study, secrets, script, monkeypatch
):
    monkeypatch.delenv(restricted.SWITCH, raising=False)
    texts, numbers = shown_by(script, study, monkeypatch)
    assert restricted.example_note(study) in "".join(texts)
    assert not leaked(texts, numbers, secrets)
    monkeypatch.setenv(restricted.SWITCH, "yes")
    texts, numbers = shown_by(script, study, monkeypatch)
    assert leaked(texts, numbers, secrets)  # so it would have been seen


# The other chapters train networks. There it is read off the code from where a picture comes.

SINGLE = {
    *("leads_paper", "window_grid", "highpass_effect", "filtered_beats", "amplitude_ranges"),
    *("quality_flags", "seven_versions", "before_after", "beat_features", "view_pairs"),
    *("similarity_matrices", "embedding", "feature_maps"),
}
"""Functions that draw single recordings, windows, or a mark for each window."""

DATA = {"usable", "windows", "cohort", "path", "truth"}
"""What of a study holds recordings or ratings."""

CLEAN_CALLS = {"example_study", "example_label", "example_note"}
MODELS = {"pretext", "contrastive", "random_encoder"}
"""Functions that give a network of a study, and nothing of its windows."""


class Flow:
    """Follow which names of a chapter hold pieces of the file, statement by statement."""

    def __init__(self) -> None:
        self.dirty: set[str] = set()
        self.wrong: list[str] = []
        self.drawn = 0

    def holds(self, node: ast.AST | None) -> bool:
        """Tell whether an expression can hold pieces of the file."""
        match node:
            case None | ast.Constant():
                return False
            case ast.Name(id=name):
                return name in self.dirty
            case ast.Attribute(attr="fs" | "shape" | "size"):
                return False
            case ast.Attribute(value=ast.Name(id="study"), attr=attr):
                return attr in DATA
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                before = set(self.dirty)
                for part in node.generators:
                    self.assign(part.target, self.holds(part.iter))
                inside = [n for n in ast.iter_child_nodes(node) if n not in node.generators]
                dirty = any(map(self.holds, inside))
                self.dirty = before
                return dirty
            case ast.IfExp(test=test, body=body, orelse=other) if is_example_the_study(test):
                return self.holds(other) and self.holds(body)
            case ast.Call(func=func, args=args, keywords=keywords):
                if called(func) in CLEAN_CALLS | MODELS:
                    return False
                given = [*args, *(k.value for k in keywords)]
                whole = any(isinstance(a, ast.Name) and a.id == "study" for a in given)
                return whole or any(map(self.holds, [func, *given]))
            case _:
                return any(map(self.holds, ast.iter_child_nodes(node)))

    def assign(self, target: ast.AST, dirty: bool) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                (self.dirty.add if dirty else self.dirty.discard)(node.id)

    def read(self, body: list[ast.stmt]) -> None:
        """Go through statements in order."""
        for node in body:
            self.check(node)
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    for name, dirty in zip(names, [self.holds(v) for v in values], strict=True):
                        self.assign(name, dirty)
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        inside = isinstance(target, ast.Subscript)  # a part joins the rest
                        name = target.value if inside else target
                        if not inside:
                            self.assign(target, self.holds(value))
                        elif self.holds(value) and isinstance(name, ast.Name):
                            self.dirty.add(name.id)
                case ast.AugAssign(target=target, value=value) if self.holds(value):
                    self.assign(target, True)
                case ast.For(target=target, iter=of, body=inner):
                    self.assign(target, self.holds(of))
                    self.read(inner)
                    self.read(inner)
                case ast.If(test=test, body=inner, orelse=other):
                    before = set(self.dirty)
                    self.read(inner)
                    if not is_example_another(test):  # else the file's own were replaced
                        self.dirty |= before
                    self.read(other)
                case ast.With(body=inner) | ast.Try(body=inner):
                    self.read(inner)

    def check(self, statement: ast.stmt) -> None:
        """Note a call that draws single recordings of the file."""
        if isinstance(statement, ast.For | ast.If | ast.With | ast.Try | ast.FunctionDef):
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and called(node.func) in SINGLE:
                self.drawn += 1
                given = [*node.args, *(k.value for k in node.keywords)]
                named = any(isinstance(n, ast.Name) and n.id == "example_name"
                            for a in given for n in ast.walk(a))  # fmt: skip
                if not named or any(map(self.holds, given)):
                    self.wrong.append(ast.unparse(node))


def called(func: ast.AST) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def is_example_the_study(test: ast.AST) -> bool:
    return ast.unparse(test) == "example is study"


def is_example_another(test: ast.AST) -> bool:
    return ast.unparse(test) == "example is not study"


def flow_of(source: str) -> Flow:
    flow = Flow()
    flow.read(ast.parse(source).body)
    return flow


@pytest.mark.parametrize("script", ON_THE_FILE, ids=lambda path: path.stem)
def test_pictures_of_single_recordings_are_drawn_from_the_example(script):
    assert flow_of(script.read_text(encoding="utf-8")).wrong == []


def test_every_such_picture_was_looked_at():
    flows = [flow_of(script.read_text(encoding="utf-8")) for script in ON_THE_FILE]
    drawn = {name for name in SINGLE for s in ON_THE_FILE if f".{name}(" in s.read_text()}
    assert drawn == SINGLE
    assert sum(flow.drawn for flow in flows) >= len(SINGLE)


@pytest.mark.parametrize(
    "leak",
    [
        "p.view_pairs(study.usable.X[:3], two, fs, example_name)",
        "x = study.usable.X\nfor i in (1, 2):\n    y = x[i]\np.view_pairs(y, y, fs, example_name)",
        "beats = f(study.cohort)\nif True:\n    beats = 1\np.leads_paper(beats, example_name)",
        "z = features(study, 0)\nd = {}\nd['a'] = z\np.feature_maps(d, 1, 2, example_name)",
        "p.embedding(example.usable.X, 1, 2, 'arousal', study.label)",
    ],
)
def test_a_picture_of_the_file_would_be_noticed(leak):
    assert flow_of(leak).wrong


def test_what_the_example_replaces_is_not_the_file():
    flow = flow_of(
        "b = f(study.cohort)\nif example is not study:\n    b = f(example.cohort)\n"
        "c = t if example is study else g(example)\np.leads_paper(b, c, example_name)"
    )
    assert flow.drawn == 1 and flow.wrong == []
