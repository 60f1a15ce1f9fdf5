"""``ecglib encoders``: the list, and the card of one."""

import json

import pytest
from click.testing import CliRunner

from ecglib.cli import main
from ecglib.models.embedding import DEFAULT, encoder_file, encoders, find_encoder


def run(*arguments):
    return CliRunner().invoke(main, ["encoders", *map(str, arguments)])


def test_the_list_says_of_each_what_its_card_says():
    told = run()
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == encoders()
    assert f"{DEFAULT} (the default)" in lines
    for name in encoders():
        card = find_encoder(name)[1]
        assert f"{card.training['views']:,} views" in told.stdout
        assert card.recognition.people in told.stdout


@pytest.mark.parametrize("given", [DEFAULT, encoder_file()])
def test_one_is_its_card(given):
    card = find_encoder()[1]
    assert run(given).stdout == card.to_markdown()
    assert json.loads(run(given, "--json").stdout) == json.loads(json.dumps(card.to_json()))


def test_all_cards_as_json():
    assert [card["name"] for card in json.loads(run("--json").stdout)] == encoders()


def test_an_unknown_name_is_one_message():
    told = run("str-clinic-v1")
    assert told.exit_code == 1 and DEFAULT in told.stderr and "Traceback" not in told.output
