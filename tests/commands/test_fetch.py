"""The verb that downloads: from a server on this machine only."""

import pytest
from click.testing import CliRunner

from ecglib.cli import main
from ecglib.commands.fetch import NAMES
from ecglib.data import open_sets
from tests.data.web import FILES, Web, some_set


@pytest.fixture
def web(monkeypatch):
    server = Web()
    for name in NAMES:
        other = some_set(server.url)
        monkeypatch.setitem(open_sets.OPEN_SETS, name, type(other)(**{**vars(other), "name": name}))
    yield server
    server.close()


def run(*arguments):
    return CliRunner().invoke(main, ["fetch", *arguments])


def test_it_offers_the_open_sets():
    assert set(NAMES) == set(open_sets.OPEN_SETS)
    told = run("--help")
    assert told.exit_code == 0 and "ecglib fetch eegmat" in told.output


def test_it_downloads_once_and_says_where(web, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    told = run("eegmat")
    assert told.exit_code == 0
    assert f"to {tmp_path / 'data' / 'eegmat'}" in told.output
    assert "3 files, 2 MB, 3 of them new, all checked" in told.output
    assert "export" not in told.output
    for name in FILES:
        assert (tmp_path / "data" / "eegmat" / name).is_file() == ("/" not in name)
    assert "none of them new" in run("eegmat").output


def test_another_folder_is_to_be_named_afterwards(web, tmp_path):
    told = run("mitdb", "--to", str(tmp_path / "there"), "--mirror", web.url)
    assert told.exit_code == 0
    assert f"export ECGLIB_MITDB={tmp_path / 'there'}" in told.output


def test_without_a_network_it_is_one_message(web, tmp_path):
    web.close()
    told = run("mitdb", "--to", str(tmp_path))
    assert told.exit_code == 1 and "Traceback" not in told.output
    assert "no answer from" in told.output and f"put them into {tmp_path}" in told.output


def test_an_interruption_is_no_traceback(web, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ecglib.data.fetch.progress", interrupted)
    told = run("mitdb", "--to", str(tmp_path))
    assert told.exit_code == 1 and "Aborted!" in told.output


@pytest.mark.parametrize("arguments", [(), ("wesad",)])
def test_an_unknown_set_is_a_usage_error(arguments):
    assert run(*arguments).exit_code == 2


def test_no_file_of_this_machine_is_a_mirror(web, tmp_path):
    told = run("mitdb", "--to", str(tmp_path), "--mirror", "file:///etc")
    assert told.exit_code == 1 and "the address 'file:///etc'" in told.output
