"""Let Sphinx write pages side by side, and read them one after another.

Not all extensions can read side by side: `sphinx.ext.viewcode` then links back to wrong places.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Set the number of processes aside until all pages have been read."""
    processes, app.parallel = app.parallel, 1

    def restore(app: Sphinx, *_: Any) -> None:
        app.parallel = processes

    app.connect("env-updated", restore)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
