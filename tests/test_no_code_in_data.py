"""No file that is read can run code: nothing here unpickles, evaluates or loads whole models."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

FILES = [
    path.relative_to(PROJECT)
    for folder in ("ecglib", "benchmarks", "tools", "notebooks", "book")
    for path in sorted((PROJECT / folder).rglob("*.py"))
]

MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "h5py"}

CALLS = {"eval", "exec", "__import__", "read_pickle", "to_pickle", "load_model", "unsafe_load"}
CALLS |= {"joblib.load", "joblib.dump", "torch.load", "yaml.load", "read_hdf", "to_hdf"}

MODELS = (".h5", ".hdf5", ".keras", ".pkl", ".pickle", ".joblib")


def name_of(node: ast.expr) -> str:
    return (
        f"{name_of(node.value)}.{node.attr}"
        if isinstance(node, ast.Attribute)
        else (node.id if isinstance(node, ast.Name) else "")
    )


def dangers(source: str) -> list[str]:
    """Say what in a program could run what a file holds, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        told = []
        if isinstance(node, ast.Import):
            told = [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            told = [node.module] if node.module.split(".")[0] in MODULES else []
            if node.module in ("joblib", "torch"):
                told += [alias.name for alias in node.names if alias.name in ("load", "dump")]
        elif isinstance(node, ast.Call):
            name = name_of(node.func)
            given = {word.arg: word.value for word in node.keywords}
            told = [name] if name in CALLS or name.split(".")[-1] in CALLS else []
            pickled = given.get("allow_pickle")
            if pickled is not None and not (
                isinstance(pickled, ast.Constant) and pickled.value is False
            ):
                told.append("allow_pickle")
            if name in ("np.load", "np.save", "np.savez") and pickled is None:
                told.append(f"{name} without allow_pickle=False")
            if name.endswith(("endswith", "removesuffix")):
                continue
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            told += [t for t in texts if isinstance(t, str) and t.endswith(MODELS) and " " not in t]
        found += [f"line {node.lineno}: {what}" for what in told]
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_runs_what_a_file_holds(path):
    found = dangers((PROJECT / path).read_text(encoding="utf-8"))
    # The one place that writes such files refuses objects first.
    allowed = "np.savez without" if path == Path("ecglib/core/artifacts.py") else "nothing"
    assert [told for told in found if allowed not in told] == []


@pytest.mark.parametrize(
    "program",
    [
        "import pickle",
        "from pickle import load",
        "eval(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=given)",
        "np.savez(path, x=1)",
        "joblib.load(path)",
        "from joblib import load",
        "torch.load(path)",
        "pd.read_pickle(path)",
        "keras.models.load_model(path)",
        "model.load_weights('model.h5')",
        "model.save('model.keras')",
    ],
)
def test_what_is_looked_for_is_found(program):
    assert len(dangers(program)) >= 1


def test_what_is_harmless_is_not():
    assert dangers("np.load(path, allow_pickle=False); re.compile('a'); x = 'model.h5'") == []
