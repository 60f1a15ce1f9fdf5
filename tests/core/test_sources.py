"""The digest of code: what it ignores, what it notices, and what it refuses."""

import shutil

import pytest

from ecglib.core.sources import SILENT, Sources
from ecglib.studies.stages import PACKAGE

ROOT = "pkg.work:run"
FILES = {
    "__init__.py": '"""A package."""\n',
    "work.py": '''
"""The root."""

from __future__ import annotations

import numpy as np

from pkg import tools
from pkg.shapes import Square as Shape
from pkg.shapes import traced
from pkg.tools import scale_all as scale


@traced
def run(x, rate=0.5):
    """Do the work."""
    from pkg.lazy import late

    if rate < 0:
        raise ValueError(f"rate {rate:.2f}")
    side = Shape(rate).area()
    return late(scale(x)) + tools.offset(side) + np.mean(x)


def unused(x):
    return x - 1
''',
    "tools.py": """
import numpy.linalg as la

FACTOR = 3
_LIMITS = {"low": FACTOR - 1, "high": 9}


def scale_all(x):
    return [_scale(value) for value in x if value > _LIMITS["low"]]


def _scale(value):
    return value * _deep(value)


def _deep(value):
    return value + la.norm(value)


def offset(side):
    return side - 1


def unused():
    return FACTOR + 100
""",
    "shapes.py": """
import functools
from dataclasses import dataclass


def traced(function):
    return functools.wraps(function)(lambda *args: function(*args))


class Shape:
    n = 4

    def area(self):
        return self.side**2 / self.n


@dataclass(frozen=True)
class Square(Shape):
    side: float = 1.0


class Circle(Shape):
    side = 2
""",
    "lazy.py": """
STEPS = 7


def late(x):
    def inner(values):
        return sum(values) % STEPS

    return inner(x)
""",
    "core/__init__.py": "",
    "core/errors.py": "class Problem(ValueError):\n    limit = 3\n",
}


@pytest.fixture
def package(tmp_path):
    """Write the package with changes, and give the digest of a root."""

    def digest(changes=(), root=ROOT, **files):
        folder = tmp_path / "pkg"
        shutil.rmtree(folder, ignore_errors=True)
        texts = {**FILES, **{f"{name}.py": text for name, text in files.items()}}
        for name, old, new in changes:
            assert texts[f"{name}.py"].count(old) >= 1, old
            texts[f"{name}.py"] = texts[f"{name}.py"].replace(old, new)
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return Sources("pkg", folder).digest([root])

    return digest


def moved(*, to):
    """Move `_deep` from tools to another module."""
    text = "def _deep(value):\n    return value + la.norm(value)\n"
    target = FILES.get(f"{to}.py", "\n")
    return {
        "tools": "from numpy import linalg as la\n"
        + FILES["tools.py"]
        .replace(text, "")
        .replace("\nFACTOR", f"from pkg.{to} import _deep\nFACTOR"),
        to: "import numpy\n" + target + "\n\n" + text.replace("la.norm", "numpy.linalg.norm"),
    }


SAME = {
    "a docstring": [("work", "Do the work.", "Do all of the work, slowly.")],
    "a docstring more": [("tools", "def _deep(value):", 'def _deep(value):\n    """Go deep."""')],
    "a docstring of a module": [("lazy", "STEPS = 7", '"""Late."""\nSTEPS = 7')],
    "a docstring of a constant": [("lazy", "STEPS = 7", 'STEPS = 7\n"""How many."""')],
    "a docstring of a class": [("shapes", "    n = 4", '    """A shape."""\n\n    n = 4')],
    "a comment": [("tools", "FACTOR = 3", "FACTOR = 3  # why\n# and how")],
    "blank lines": [("work", "    side =", "\n\n\n    side =")],
    "brackets and quotes": [("tools", '["low"]', "[('low')]")],
    "annotations": [("tools", "def _deep(value):", "def _deep(value: list[float]) -> float:")],
    "an annotated constant": [("tools", "FACTOR = 3", "FACTOR: int = 3")],
    "an annotated variable": [("work", "    side =", "    side: float =")],
    "an annotation by a known class": [("tools", "offset(side)", "offset(side: 'Square')")],
    "an annotation of a field": [("shapes", "side: float = 1.0", "side: int | None = 1.0")],
    "an import for annotations": [
        ("tools", "FACTOR = 3", "if TYPE_CHECKING:\n    from pkg.shapes import Shape\nFACTOR = 3")
    ],
    "a renamed helper": [("tools", "_deep", "_deeper")],
    "a renamed public function": [("tools", "scale_all", "grow"), ("work", "scale_all", "grow")],
    "a renamed constant": [("tools", "FACTOR", "TIMES")],
    "a renamed class": [
        ("shapes", "Square", "Box"),
        ("work", "shapes import Square", "shapes import Box"),
    ],
    "a renamed root": [("work", "def run(", "def go(")],
    "another name for an import": [
        ("work", "scale_all as scale", "scale_all"),
        ("work", "late(scale(", "late(scale_all("),
    ],
    "another way to import": [
        ("work", "from pkg import tools\n", "import pkg.tools\n"),
        ("work", " tools.offset", " pkg.tools.offset"),
    ],
    "a name instead of an attribute": [
        ("work", "from pkg import tools\n", "from pkg.tools import offset\n"),
        ("work", " tools.offset", " offset"),
    ],
    "a relative import": [
        ("work", "from pkg import tools\n", "from . import tools\n"),
        ("work", "from pkg.shapes import traced", "from .shapes import traced"),
    ],
    "another package's function by another way": [
        ("work", "import numpy as np\n", "from numpy import mean\n"),
        ("work", "np.mean", "mean"),
    ],
    "an import in another place": [
        ("work", "    from pkg.lazy import late\n", ""),
        ("work", "import numpy", "from pkg.lazy import late\nimport numpy"),
    ],
    "another order of definitions": [
        ("tools", "def _scale(value):\n    return value * _deep(value)\n", ""),
        ("tools", "def unused", "def _scale(value):\n    return value * _deep(value)\ndef unused"),
    ],
    "what is not reached": [
        ("tools", "FACTOR + 100", "FACTOR - 5"),
        ("work", "return x - 1", "return x - 2"),
        ("shapes", "side = 2", "side = 3"),
    ],
    "what decides no number": [("core/errors", "limit = 3", "limit = 4")],
}

DIFFERENT = {
    "a constant reached through another": [("tools", "FACTOR = 3", "FACTOR = 4")],
    "a constant of a lazy module": [("lazy", "STEPS = 7", "STEPS = 8")],
    "the type of a constant": [("tools", "FACTOR = 3", "FACTOR = 3.0")],
    "a default": [("work", "rate=0.5", "rate=0.25")],
    "an operator in a helper of a helper": [("tools", "value + la", "value - la")],
    "a condition": [("tools", "value > ", "value >= ")],
    "another package's function": [("work", "np.mean", "np.median")],
    "another package's module": [
        ("tools", "import numpy.linalg as la", "import scipy.linalg as la")
    ],
    "a base class": [("shapes", "class Square(Shape)", "class Square(Circle)")],
    "a method of a base class": [("shapes", "side**2", "side**3")],
    "an attribute of a base class": [("shapes", "n = 4", "n = 5")],
    "a default of a field": [("shapes", "side: float = 1.0", "side: float = 2.0")],
    "a field that is none any more": [("shapes", "side: float", "side: ClassVar[float]")],
    "an argument of a decorator": [("shapes", "frozen=True", "frozen=False")],
    "a decorator less": [("work", "@traced\n", "")],
    "the code of a decorator": [("shapes", "function(*args))", "function(*args) * 2)")],
    "a nested function": [("lazy", "sum(values)", "max(values)")],
    "a key of a table": [("tools", '"low"', '"least"')],
    "a format": [("work", ":.2f}", ":.3f}")],
    "two helpers swapped": [("tools", "value * _deep(value)", "_deep(value) * value")],
    "another helper": [("work", "tools.offset(side)", "tools.unused()")],
    "a deleted line": [
        ("work", '    if rate < 0:\n        raise ValueError(f"rate {rate:.2f}")\n', "")
    ],
}


@pytest.mark.parametrize("change", SAME)
def test_the_digest_does_not_notice(package, change):
    root = "pkg.work:go" if change == "a renamed root" else ROOT
    assert package(SAME[change], root) == package()


@pytest.mark.parametrize("to", ["lazy", "shapes", "elsewhere"])
def test_the_digest_does_not_notice_a_move(package, to):
    assert package(**moved(to=to)) == package()


def test_the_digest_does_not_notice_that_a_module_moves(package):
    before = package()
    changes = [(name, "pkg.tools", "pkg.room.new") for name in ("work",)]
    changes += [("work", "from pkg import tools", "from pkg.room import new as tools")]
    files = {"room/__init__": "", "room/new": FILES["tools.py"], "tools": "nothing = 0\n"}
    assert package(changes, **files) == before


@pytest.mark.parametrize("change", DIFFERENT)
def test_the_digest_notices(package, change):
    assert package(DIFFERENT[change]) != package()


def test_every_change_gives_a_digest_of_its_own(package):
    found = [package(), *(package(changes) for changes in DIFFERENT.values())]
    assert len(set(found)) == len(found)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in found)


def test_the_digest_covers_all_roots(package, tmp_path):
    package()
    sources = Sources("pkg", tmp_path / "pkg")
    both = sources.digest(["pkg.work:unused", "pkg.tools:offset"])
    assert (
        len({both, sources.digest(["pkg.work:unused"]), sources.digest(["pkg.tools:offset"])}) == 3
    )


# What is reached in ways that are easy to miss: old and new text of a module `more`, which the
# function `f` in it must notice.
WAYS = {
    "a dispatch table": ("def g(): return 1\nT = {'g': g}\ndef f(n): return T[n]()", "1", "2"),
    "a table filled later": ("T = {}\nT['g'] = lambda: 1\ndef f(n): return T[n]()", "1", "2"),
    "a table filled by a call": ("T = []\nT.append(1)\ndef f(): return T", "1", "2"),
    "a constant changed later": ("N = 0\nN += 1\ndef f(): return N", "1", "2"),
    "a table filled in a loop": (
        "T = {}\nfor i in range(1):\n    T[i] = 5\ndef f(): return T",
        "range(1)",
        "range(2)",
    ),
    "a table filled by a decorator": (
        "T = {}\ndef keep(g):\n    T[g.__name__] = g\n@keep\ndef g(): return 1\n"
        "def f(n): return T[n]()",
        "return 1",
        "return 2",
    ),
    "a registered case": (
        "import functools\n@functools.singledispatch\ndef f(x): return x\n"
        "@f.register(int)\ndef _(x): return 1",
        "return 1",
        "return 2",
    ),
    "a conditional definition": (
        "import os\nif os.name == 'nt':\n    def g(): return 0\nelse:\n    def g(): return 1\n"
        "def f(): return g()",
        "return 1",
        "return 2",
    ),
    "the condition itself": (
        "import os\nif os.name == 'nt':\n    N = 0\nelse:\n    N = 1\ndef f(): return N",
        "'nt'",
        "'posix'",
    ),
    "a definition that may fail": (
        "try:\n    N = int('x')\nexcept ValueError:\n    N = 1\ndef f(): return N",
        "= 1",
        "= 2",
    ),
    "a global": (
        "N = 0\ndef reset():\n    global N\n    N = 1\ndef f(): return N",
        "N = 1",
        "N = 2",
    ),
    "a default that has the argument's name": ("n = 1\ndef f(n=n): return n", "n = 1", "n = 2"),
    "an iterable that has the variable's name": (
        "x = [1]\ndef f(): return [x for x in x]",
        "[1]",
        "[2]",
    ),
    "a name that is local to another function": (
        "def g():\n    n = 3\n    return n\nn = 1\ndef f(): return g() + n",
        "n = 1",
        "n = 2",
    ),
    "a name that is local to a nested function": (
        "N = 1\ndef f():\n    def g():\n        N = 5\n        return N\n    return g() + N",
        "N = 1",
        "N = 2",
    ),
    "a class attribute that has a global's name": (
        "N = 1\nclass C:\n    N = 5\n    def g(self): return N\ndef f(): return C().g()",
        "N = 1\n",
        "N = 2\n",
    ),
    "a default in a class": (
        "N = 1\nclass C:\n    n: int = N\ndef f(): return C()",
        "N = 1",
        "N = 2",
    ),
    "a decorator with arguments": (
        "def times(n):\n    return lambda g: lambda: n * g()\n@times(1)\ndef f(): return 5",
        "times(1)",
        "times(2)",
    ),
    "one of two that are unpacked": ("A, B = 1, 9\ndef f(): return A", "1, 9", "2, 9"),
    "a partial function": (
        "from functools import partial\ndef g(n): return n\nh = partial(g, 1)\ndef f(): return h()",
        "(g, 1)",
        "(g, 2)",
    ),
    "a class that only an annotation names": (
        "class C:\n    def m(self): return 1\ndef f(c: C): return c.m()",
        "return 1",
        "return 2",
    ),
    "a class in an annotation of a method of such a class": (
        "class D:\n    def n(self): return 1\nclass C:\n    d: D\n"
        "def f(c: 'list[C]'): return c[0].d.n()",
        "return 1",
        "return 2",
    ),
    "a class behind another name for its type": (
        "class C:\n    def m(self): return 1\nMany = list[C]\ndef f(c: Many): return c[0].m()",
        "return 1",
        "return 2",
    ),
    "a metaclass": (
        "class M(type):\n    n = 1\nclass C(metaclass=M): pass\ndef f(): return C.n",
        "n = 1",
        "n = 2",
    ),
    "a named expression": ("N = 1\ndef f(x):\n    return (y := N) + y", "N = 1", "N = 2"),
    "a pattern": (
        "N = 1\ndef f(x):\n    match x:\n        case 0: return N\n        case y: return y",
        "N = 1",
        "N = 2",
    ),
    "an exception's name": (
        "N = 1\ndef f():\n    try:\n        pass\n    except ValueError as e:\n        return N",
        "N = 1",
        "N = 2",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_digest_follows(package, way):
    text, old, new = WAYS[way]
    changed = text.replace(old, new)
    assert changed != text
    before = package(root="pkg.more:f", more=text)
    assert package(root="pkg.more:f", more=changed) != before
    assert package(root="pkg.more:f", more=f"{text}\n\ndef not_reached(): return 0") == before


@pytest.mark.parametrize(
    "text",
    [
        "from pkg.tools import *\ndef f(): return offset(1)",
        "from pkg import other\ndef f(): return other.offset(1)",
        "from pkg.other import offset\ndef f(): return offset(1)",
        "from pkg import tools\ndef f(name): return getattr(tools, name)(1)",
        "import pkg.tools\ndef f(name): return vars(pkg.tools)[name](1)",
        "class C:\n    from pkg.tools import offset\ndef f(): return C.offset(1)",
        "def f():\n    import pkg.tools as t\n    return [t.offset(n) for n in range(3)]",
        "def f():\n    import pkg.tools, pkg.lazy as z\n    return pkg.tools.offset(1), z.late",
        "def f():\n    from . import tools\n    def g(): return tools.offset(1)\n    return g",
    ],
)
def test_the_digest_follows_imports_of_every_kind(package, text):
    given = {"more": text, "other": "from .tools import offset\n"}
    before = package(root="pkg.more:f", **given)
    assert package([("tools", "side - 1", "side - 2")], "pkg.more:f", **given) != before


def test_a_local_name_is_not_taken_for_a_definition(package):
    text = "def offset(): return 1\ndef f(offset): return [offset for _ in offset]"
    before = package(root="pkg.more:f", more=text)
    assert package([("more", "return 1", "return 2")], "pkg.more:f", more=text) == before


def test_annotations_do_not_lead_to_records_of_what_came_before(package):
    text = "from pkg.studies.study import Study\ndef f(study: Study): return study.windows"
    study = "class Study:\n    def windows(self): return 1\n"
    given = {"more": text, "studies/__init__": "", "studies/study": study}
    before = package(root="pkg.more:f", **given)
    changes = [("studies/study", "return 1", "return 2")]
    assert package(changes, "pkg.more:f", **given) == before
    given["more"] += "(Study)"  # now it is used
    before = package(root="pkg.more:f", **given)
    assert package(changes, "pkg.more:f", **given) != before


@pytest.mark.parametrize(
    ("root", "text"),
    [
        ("pkg.work:absent", ""),
        ("pkg.absent:run", ""),
        ("other.work:run", ""),
        ("pkg.work:np", ""),
        ("pkg.work:tools", ""),
        ("pkg.work", ""),
        ("pkg.more:f", "from pkg.tools import absent\ndef f(): return absent()"),
        ("pkg.more:f", "from pkg import tools\ndef f(): return tools.absent()"),
        ("pkg.more:f", "def f():\n    from pkg.absent import g\n    return g"),
        (
            "pkg.more:f",
            "try:\n    from pkg.tools import offset\nexcept ImportError:\n"
            "    def offset(): pass\ndef f(): return offset()",
        ),
        (
            "pkg.more:f",
            "try:\n    from pkg.tools import offset as g\nexcept ImportError:\n"
            "    from pkg.lazy import late as g\ndef f(): return g()",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(package, root, text):
    with pytest.raises(LookupError):
        package(root=root, more=text)


def test_the_same_digest_for_f_strings_however_they_are_split(package):
    texts = ['f"a{x}b{x:}c"', '"a" f"{x}" "b" f"{x}" f"" "c"', 'f"a" f"{x}b" f"{x}c"']
    found = {package(root="pkg.more:f", more=f"def f(x): return {text}") for text in texts}
    assert len(found) == 1


def test_the_silent_modules_exist():
    assert [
        name for name in SILENT if not (PACKAGE / f"{name.replace('.', '/')}.py").is_file()
    ] == []
