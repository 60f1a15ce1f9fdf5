"""The style leaves nothing behind, and no figure computes what it shows."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ecglib import plots
from ecglib.core.errors import DataError
from ecglib.plots import transformations as transformations_plots
from ecglib.plots.style import STYLE, styled

MODULES = sorted(Path(plots.__file__).parent.glob("*.py"))
OURS = {
    "ecglib.core",
    "ecglib.core.annotations",
    "ecglib.core.checks",
    "ecglib.core.errors",
    "ecglib.data.labels",
    "ecglib.data.targets",
    "ecglib.evaluation.protocols",
    "ecglib.plots.palette",
    "ecglib.plots.people",
    "ecglib.plots.style",
    "ecglib.preprocessing.quality",
}
"""What a figure may import of the library: the style, checks of arguments, and words of tables."""
COMPUTING = {"scipy", "sklearn", "keras", "tensorflow", "joblib", "neurokit2"}


def test_the_style_ends_with_the_figure():
    before = dict(plt.rcParams)
    transformations_plots.amplitude_overlap(np.linspace(0.5, 1.5, 20), 1.1, "synthetic")
    assert dict(plt.rcParams) == before


def test_a_figure_is_drawn_in_the_style_and_let_go():
    @styled
    def draw():
        assert all(plt.rcParams[name] == value for name, value in STYLE.items())
        return plt.figure()

    fig = draw()
    assert fig.get_dpi() == STYLE["figure.dpi"]
    assert not plt.get_fignums()


def test_a_figure_that_fails_is_let_go_and_one_of_the_caller_stays():
    @styled
    def draw():
        plt.subplots()
        raise ValueError("half drawn")

    own = plt.figure()
    with pytest.raises(ValueError, match="half drawn"):
        draw()
    assert plt.get_fignums() == [own.number]
    plt.close(own)


@pytest.mark.parametrize(
    ("field", "empty", "told"),
    [
        ("table", pd.DataFrame({"mean": []}), "a table without rows"),
        ("table", pd.DataFrame(index=[1, 2]), "empty"),
        ("values", [], "empty"),
        ("parts", {}, "empty"),
    ],
)
def test_nothing_is_drawn_of_nothing(field, empty, told):
    @styled
    def draw(
        table: pd.DataFrame,
        values: np.ndarray,
        parts: dict[str, float],
        label: str,
        marks: np.ndarray | None = None,
    ) -> plt.Figure:
        return plt.figure()

    given = {"table": pd.DataFrame({"mean": [0.5]}), "values": np.ones(2), "parts": {"a": 1.0}}
    assert draw(**given, label="", marks=np.array([]))  # what is optional may be empty
    with pytest.raises(DataError, match=f"field {field}: {told}"):
        draw(**given | {field: empty}, label="")
    assert not plt.get_fignums()


def imports(path):
    """Yield the modules that a file imports when it runs, not those of its annotations."""
    nodes = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module
        nodes.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_figures_import_nothing_that_computes(path):
    found = set(imports(path))
    assert {name for name in found if name.startswith("ecglib")} <= OURS
    assert not {name.split(".")[0] for name in found} & COMPUTING
