"""The verbs that compute: one process, several, and a cluster of separate processes."""

import json
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from ecglib.cli import main
from ecglib.evaluation.predictions import load_predictions
from ecglib.studies.stages import STAGES


def run(*arguments):
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_pretrain_keeps_one_encoder_a_group(tiny_study):
    told = run("pretrain")
    assert told.exit_code == 0
    assert [line.split(":")[0] for line in told.output.splitlines()] == ["group 0", "group 1"]
    assert len(list((tiny_study / "artifacts").glob("pretext-v*.npz"))) == 2
    again = run("pretrain", "--group", "1")
    assert again.output == told.output.splitlines()[1] + "\n"


def test_results_are_computed_once_and_counted(tiny_study):
    told = run("results", "windows", "classical")
    assert told.exit_code == 0
    (kept,) = (tiny_study / "artifacts").glob("classical-predictions-v*.csv.gz")
    rows = len(load_predictions(kept))
    assert f"classical, synthetic: {rows} rows" in told.output
    before = kept.stat().st_mtime_ns
    assert run("results", "classical").output == f"classical, synthetic: {rows} rows\n"
    assert kept.stat().st_mtime_ns == before


def test_only_synthetic_results_travel(tiny_study, monkeypatch):
    monkeypatch.setattr("ecglib.studies.study.Study.label", "DREAMER")
    told = run("results", "comparison", "--ship")
    assert told.exit_code == 1 and "agreement" in told.output
    assert not (tiny_study / "results").exists()


def test_results_travel_if_asked_to(tiny_study, monkeypatch):
    monkeypatch.setattr("ecglib.studies.shipping.ship", lambda study: ["there"])
    monkeypatch.setattr("ecglib.studies.excerpt.scores", lambda study: [1, 2])
    found = run("results", "excerpt").output.splitlines()
    assert found == ["excerpt, synthetic: 2 rows"]
    assert run("results", "excerpt", "--ship").output.splitlines()[1:] == ["kept there"]


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers, each a process of its own; give the address."""
    where = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = ["worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    processes = []
    try:
        for command in (scheduler, worker):
            command = [*dask, *command, "--scheduler-file", str(where)]
            processes.append(subprocess.Popen(command, cwd=tmp_path, **quiet))
            while not where.is_file():
                assert processes[0].poll() is None
                time.sleep(0.1)
        yield json.loads(where.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


def test_folds_run_on_a_cluster_and_give_the_same(tiny_study, cluster):
    from distributed import Client

    told = run("results", "classical", "--cluster", cluster)
    assert told.exit_code == 0
    with Client(cluster) as client:
        loaded = client.run(lambda: "ecglib.evaluation.crossval" in sys.modules)
    assert len(loaded) == 2 and any(loaded.values())
    (kept,) = (tiny_study / "artifacts").glob("classical-predictions-v*.csv.gz")
    on_cluster = load_predictions(kept)
    kept.unlink()
    assert run("results", "classical").exit_code == 0
    assert load_predictions(kept).equals(on_cluster)


def test_stages_are_listed_with_their_versions():
    told = run("stages")
    assert told.exit_code in (0, 1)
    assert [line.split()[0] for line in told.output.splitlines()] == [s.name for s in STAGES]


def test_a_change_of_code_is_noticed_until_it_is_locked(tmp_path, monkeypatch):
    from ecglib.core.lock import Lock
    from ecglib.studies import stages

    now = stages.current_lock()
    changed = {**now.entries, "windows": {**now.entries["windows"], "digest": "another"}}
    path = tmp_path / "stages.lock"
    Lock(changed).write(path)
    monkeypatch.setattr(stages, "LOCK", path)
    told = run("stages")
    assert told.exit_code == 1
    assert "code changed, version not" in told.output.split("windows")[1].splitlines()[0]
    assert run("stages", "--lock").exit_code == 0
    assert Lock.read(path).entries == now.entries
    assert run("stages").exit_code == 0
