"""The command line: verbs are found by their modules, and say what is wrong in one message."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from ecglib import __version__, commands
from ecglib.cli import main
from ecglib.core.errors import DataError


def run(*arguments, **options):
    return CliRunner().invoke(main, arguments, **options)


def test_the_verbs_are_the_modules_of_the_commands():
    assert run("--help").exit_code == 0
    context = click.Context(main)
    verbs = main.list_commands(context)
    assert {"data", "pretrain", "results", "stages"} <= set(verbs)
    for verb in verbs:
        assert main.get_command(context, verb).name == verb


@pytest.mark.parametrize("verb", main.list_commands(None))
def test_every_verb_explains_itself_with_examples(verb):
    told = run(verb, "--help")
    assert told.exit_code == 0
    assert "Examples:" in told.output and f"ecglib {verb}" in told.output


def test_help_does_not_wait_for_a_network():
    code = (
        "import sys; from click.testing import CliRunner; from ecglib.cli import main; "
        "CliRunner().invoke(main, ['results', '--help']); "
        "print('keras' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "ecglib", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"ecglib, version {__version__}"


def test_a_verb_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "say_hello.py").write_text(
        "import click\n\n\n@click.command('say-hello')\ndef command():\n"
        "    '''Say hello.'''\n    click.echo('hello')\n"
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert "say-hello" in run("--help").output
    assert run("say-hello").output == "hello\n"


@pytest.mark.parametrize(("given", "level"), [(None, "3"), ("0", "0")])
def test_tensorflow_is_quiet_unless_asked(tmp_path, monkeypatch, given, level):
    (tmp_path / "say_level.py").write_text(
        "import os\nimport click\n\n\n@click.command('say-level')\ndef command():\n"
        "    click.echo(os.environ['TF_CPP_MIN_LOG_LEVEL'])\n"
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    if given:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", given)
    assert run("say-level").output == f"{level}\n"


def test_an_unknown_verb_is_a_usage_error():
    told = run("reslts")
    assert told.exit_code == 2 and "No such command" in told.output


def test_bad_data_is_one_message_and_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_DREAMER", str(tmp_path / "gone.mat"))
    told = run("data")
    assert told.exit_code == 1
    assert "gone.mat" in told.output and "Traceback" not in told.output
    assert not isinstance(told.exception, DataError)


def test_data_makes_and_names_the_synthetic_file(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    monkeypatch.delenv("ECGLIB_ARTIFACTS", raising=False)
    monkeypatch.setattr("ecglib.studies.stand_in.synthetic_file", lambda *_: tmp_path / "made.mat")
    assert run("data", "--synthetic").output == f"{tmp_path / 'made.mat'}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pretrain", "--processes", "2"), "need --coordinator"),
        (("pretrain", "--coordinator", "127.0.0.1:1"), "name it with --group"),
        (("pretrain", "--group", "7"), "there are groups 0 to"),
        (("results", "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"), "not both"),
        (("results", "nothing"), "nothing"),
    ],
)
def test_contradictions_are_usage_errors(arguments, told, monkeypatch, study_of_file):
    monkeypatch.setenv("ECGLIB_DREAMER", str(study_of_file))
    found = run(*arguments)
    assert found.exit_code == 2 and told in found.output


@pytest.mark.parametrize("address", ["nonsense", "bogus://host:1", "tcp://127.0.0.1:1"])
def test_a_cluster_that_is_not_there_is_one_message(address, monkeypatch, study_of_file):
    client = pytest.importorskip("distributed").Client
    monkeypatch.setattr("distributed.Client", lambda at, timeout: client(at, timeout=1))
    monkeypatch.setenv("ECGLIB_DREAMER", str(study_of_file))
    found = run("results", "classical", "--cluster", address)
    assert found.exit_code == 1 and "Traceback" not in found.output
    assert f"no cluster answers at {address!r}" in found.output
