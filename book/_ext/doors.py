"""Buttons that open a chapter on Binder or Colab, if the address of the repository is known.

One setting drives them: ``repository: url`` in ``_config.yml``, with its ``branch``. The theme
cannot make the buttons without an address, so they are asked for here, and only with one.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

BUTTONS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}
"""What the theme is told."""


def add_buttons(app: Sphinx, config: Config) -> None:
    """Ask the theme for the buttons if the address of the repository is set."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options["launch_buttons"] = BUTTONS


def setup(app: Sphinx) -> dict[str, Any]:
    """Decide once the settings are read."""
    app.connect("config-inited", add_buttons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
