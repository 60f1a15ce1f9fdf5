"""Fold what a reader skips, and put the code of a solution into the fold of its solution.

A chapter shows what it computes, how, and what comes out. Not everybody wants to see how a picture
is drawn, which names are imported, or row sixteen of a table. So these are there, one click away:

- the code of the first cell, which imports and sets up;
- the code of a cell that draws a figure, if it is longer than a few lines;
- any other code of more than `LONG_CODE` lines;
- an output of more than `LONGEST` rows.

Whatever else should be folded has one of the tags ``hide-input``, ``hide-output`` and
``hide-cell``. Where several folds stand in a row, a cell says in its metadata what it hides, such
as ``mystnb={"code_prompt_show": "Show {type}: all scores"}``. A cell with the tag ``solution``
follows a dropdown and is moved into it: so the solution is hidden on the page, and executed and
compared like every other cell.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

LONGEST = 15
"""Rows of the longest output that is shown."""

LONG_CODE = 8
"""Lines of the longest code that is shown."""

DRAWING = 4
"""Lines of the longest code that draws a figure and is shown."""

SHOW = "Show {type}"
"""Words on a fold that has none of its own."""


def is_cell(node: nodes.Node) -> bool:
    """Tell whether a node is a code cell of a notebook."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def part(cell: nodes.container, name: str) -> nodes.container | None:
    """Give the source or the output of a cell, or None if it has none."""
    return next((n for n in cell.children if n.get("nb_element") == f"cell_code_{name}"), None)


def is_solution(cell: nodes.container) -> bool:
    """Tell whether a cell has the tag ``solution``."""
    return "tag_solution" in cell["classes"]


def n_rows(output: nodes.container) -> int:
    """Count the rows of the longest table or text in an output; a figure has none."""
    rows = [0]
    for node in output.findall(nodes.FixedTextElement):
        text = node.astext()
        # The lines of a table's HTML are not its rows; all else is shown line by line.
        if isinstance(node, nodes.raw):
            rows.append(text.count("<tr") - 1)
        else:
            rows.append(sum(bool(line.strip()) for line in text.splitlines()))
    return max(rows)


def hide_mode(cell: nodes.container, first: bool) -> str | None:
    """Say what of a cell is folded, in the words of MyST-NB, or None if nothing is.

    Parameters
    ----------
    cell : docutils.nodes.container
        A code cell; tags that fold have been seen to by MyST-NB.
    first : bool
        Whether it is the first code cell of its page.
    """
    if cell.get("hide_mode") or is_solution(cell):
        return cell.get("hide_mode")
    source, output = part(cell, "source"), part(cell, "output")
    draws = "figure" in cell["cell_metadata"].get("mystnb", {})
    n_lines = source.astext().strip().count("\n") + 1 if source else 0
    folded = []
    if source and n_lines > (DRAWING if first or draws else LONG_CODE):
        folded.append("input")
    if output and not draws and n_rows(output) > LONGEST:
        folded.append("output")
    return "+".join(folded) or None


def prompts(cell: nodes.container) -> tuple[str, str]:
    """Give the words on the fold of a cell, while it is closed and while it is open.

    The cell may have words of its own; MyST-NB puts "source", "output" or "content" for ``{type}``.
    """
    show = cell["cell_metadata"].get("mystnb", {}).get("code_prompt_show", SHOW)
    return show, show.replace("Show", "Hide", 1)


def move_solution(cell: nodes.container) -> bool:
    """Move a cell to the end of the dropdown before it, and tell whether there is one."""
    at = cell.parent.index(cell)
    before = cell.parent[at - 1] if at else None
    if not isinstance(before, nodes.Element) or before.get("design_component") != "dropdown":
        return False
    cell.parent.remove(cell)
    before.append(cell)
    return True


class Folds(SphinxTransform):
    """Fold and move the cells of one page."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Go through the cells in their order on the page."""
        for number, cell in enumerate(list(self.document.findall(is_cell))):
            if mode := hide_mode(cell, first=number == 0):
                cell["hide_mode"] = mode
                cell["prompt_show"], cell["prompt_hide"] = prompts(cell)
            if is_solution(cell):
                move_solution(cell)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Folds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
