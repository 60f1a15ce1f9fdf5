"""``ecglib encoders``: which encoders come with the package, and the card of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecglib.commands._shared import echo_json

if TYPE_CHECKING:
    from ecglib.models.card import EncoderCard

EXAMPLES = """\b
Examples:
  ecglib encoders
  ecglib encoders str-clinic-v2
  ecglib encoders mine.npz --json

\b
Exit codes:
  0  printed
  1  there is no such encoder, or the file is damaged
  2  the command is used wrongly
"""


@click.command("encoders", epilog=EXAMPLES, short_help="List encoders; print a card.")
@click.argument("name", required=False, metavar="[NAME|FILE]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the card, or all of them.")
def command(name: str | None, as_json: bool) -> None:
    """List the encoders that come with the package, or print the card of one.

    The card says from whom it learnt, which windows it takes, what it is not for, and how well it
    recognised transformations in people whom it has not seen.
    """
    # Here, so that --help does not wait for Keras.
    from ecglib.models.embedding import DEFAULT, encoders, find_encoder

    if name is not None:
        card = find_encoder(name)[1]
        if as_json:
            echo_json(card.to_json())
        else:
            click.echo(card.to_markdown(), nl=False)
        return
    cards = [find_encoder(shipped)[1] for shipped in encoders()]
    if as_json:
        echo_json([card.to_json() for card in cards])
        return
    for card in cards:
        click.echo(f"{card.name}{' (the default)' if card.name == DEFAULT else ''}")
        for line in _essentials(card):
            click.echo(f"  {line}")


def _essentials(card: EncoderCard) -> list[str]:
    data, windows = card.data, card.preprocessing
    lines = [
        f"learnt by {card.pretext} from {data.people} people of {data.name}, "
        f"{card.training['views']:,} views",
        f"takes windows of {windows.length_s:g} s at {windows.fs:g} Hz",
    ]
    if card.recognition is not None:
        scores = card.recognition.auc.values()
        mean = sum(scores) / len(scores)
        lines.append(f"recognition (mean AUC) {mean:.2f}: {card.recognition.people}")
    return lines
