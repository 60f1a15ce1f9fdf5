"""The command line ``ecglib``: a group of verbs, each loaded only when it is called."""

from __future__ import annotations

import importlib
import os
import pkgutil

import click

from ecglib import __version__, commands
from ecglib.core.errors import DataError


class Verbs(click.Group):
    """The modules of `ecglib.commands` as commands.

    Examples
    --------
    >>> verbs = Verbs()
    >>> "check" in verbs.list_commands(None)
    True
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs, sorted; `ctx` plays no part."""
        return sorted(
            module.name.replace("_", "-")
            for module in pkgutil.iter_modules(commands.__path__)
            if not module.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the verb `cmd_name`, or give None if there is none; `ctx` plays no part."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}").command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb of `ctx`; say what is wrong with its input in one message, no traceback."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads the output has seen enough
            raise
        except (DataError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ecglib")
def main() -> None:
    """Self-supervised learning for ECG-based emotion recognition.

    Data, artifacts and results lie in the folders data/, artifacts/ and results/ of the home
    folder: $ECGLIB_HOME, else the nearest folder whose pyproject.toml has a table [tool.ecglib],
    else the current one.
    """
    # Before a verb loads TensorFlow, which tells of processors and GPUs in many lines otherwise.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
