"""What several verbs share: options, JSON, and what Ctrl-C leaves behind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def recording_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that say how recordings are read: ``fs``, ``leads``, ``unit``.

    Parameters
    ----------
    function : callable
        The verb.

    Returns
    -------
    callable
    """
    for option in (
        click.option("--unit", help="mV, uV, V or adu, where the files do not say."),
        click.option(
            "--lead",
            "leads",
            multiple=True,
            metavar="NAME|NUMBER",
            callback=_leads,
            help="Lead to use, by name or by number from 1; several times for several.  "
            "[default: all that are ECG leads]",
        ),
        click.option(
            "--fs", type=float, metavar="HZ", help="Sampling rate, where the files do not state it."
        ),
    ):
        function = option(function)
    return function


duplicates_option = click.option(
    "--allow-duplicates", is_flag=True, help="Take recordings that share samples with others."
)
"""The option of verbs that read several recordings as one set."""


def _leads(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> list[str | int] | None:
    return [int(value) if value.isdecimal() else value for value in values] or None


def tell(line: str) -> None:
    """Say a `line` about what is done on stderr, where it does not mix with results."""
    click.echo(line, err=True)


def echo_json(value: Any) -> None:
    """Print a `value` of plain parts as one JSON text; what is no number becomes null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    missing = isinstance(value, float) and not math.isfinite(value)
    return None if missing or type(value).__name__ == "NAType" else value


@contextmanager
def interruptible(what_is_kept: str) -> Iterator[None]:
    """Turn Ctrl-C within the block into one line and exit code 130.

    Parameters
    ----------
    what_is_kept : str
        What a second run starts from.
    """
    try:
        yield
    except KeyboardInterrupt:
        tell(f"interrupted; {what_is_kept}")
        raise click.exceptions.Exit(130) from None
