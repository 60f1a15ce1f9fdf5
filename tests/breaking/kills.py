"""Kill what takes long at points drawn at random, start it again, and compare what it leaves.

    python -m tests.breaking.kills [--points N] [--quick] [STAGE ...]

Every stage (`tests.breaking.stages`) runs in processes of its own: once undisturbed, and then it is
killed by SIGKILL, N times in all. After one, two or three kills in a row it is left to end by
itself. Half of the points are moments; the other half follow a change of a file, such as the
opening of one that is to be written, by up to 20 ms. What is there in the end must be what the
undisturbed run left: the same files, in which nothing differs but seconds and date. Unless it is to
be quick, ``benchmarks/results/kills.json`` gets the numbers.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.artifacts import load_arrays
from tests.breaking.results import save
from tests.breaking.stages import (
    AFTER_WINDOWS,
    STAGES,
    WITHOUT_KERAS,
    compile_nothing,
    import_all,
    surroundings,
)

POINTS = 12
"""Kills of each stage."""

LATEST_S = 0.02
"""Longest time from the change of a file to the kill."""

SEED = 0

CHANGES = ("open", "os.rename", "os.remove", "os.mkdir")


@dataclass(frozen=True)
class Point:
    """When a process is killed.

    Parameters
    ----------
    moment : float or None
        Seconds after its start.
    change, later : int, float
        So many seconds after the change of a file of that number, if there is no moment.
    """

    moment: float | None = None
    change: int = 0
    later: float = 0.0


def points(n: int, seconds: float, changes: int, rng: np.random.Generator) -> list[Point]:
    """Draw points of a run of so many seconds and changes of files: moments and changes in turn."""
    drawn = []
    for number in range(n):
        moment = rng.uniform(0.02, 0.98) * seconds
        change, later = int(rng.integers(1, changes + 1)), rng.uniform(0, LATEST_S)
        drawn.append(Point(moment) if number % 2 == 0 else Point(None, change, later))
    return drawn


def run(stage: str, folder: Path, log: Path, point: Point | None = None) -> tuple[str, float, int]:
    """Run a stage in a process of its own, and kill it at a point.

    Returns
    -------
    end : str
        "killed", "ended", or "failed".
    seconds : float
        How long it took.
    changes : int
        Changes of files that it made, if it was not killed.
    """
    start = time.monotonic()
    counted = log.with_suffix(".count")
    pid = os.fork()
    if pid == 0:
        _child(stage, folder, log, counted, point)
    if point and point.moment is not None:
        while time.monotonic() - start < point.moment:
            time.sleep(0.001)
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "killed", time.monotonic() - start, 0
        return "ended", time.monotonic() - start, 0
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and point:
        return "killed", seconds, 0
    if status:
        return "failed", seconds, 0
    return "ended", seconds, int(counted.read_text())


def _child(stage: str, folder: Path, log: Path, counted: Path, point: Point | None) -> None:
    """Be the process: never returns."""
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if stage not in WITHOUT_KERAS:
            compile_nothing()
        number = 0

        def watch(event: str, arguments: tuple) -> None:
            nonlocal number
            if event not in CHANGES or not str(arguments[0]).startswith(str(folder)):
                return
            if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
                return
            number += 1
            if point and point.moment is None and number == point.change:
                end = threading.Timer(point.later, os.kill, (os.getpid(), signal.SIGKILL))
                end.daemon = True
                end.start()

        sys.addaudithook(watch)
        STAGES[stage](folder)
        counted.write_text(str(number))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def contents(folder: Path) -> dict[str, str]:
    """Give a digest of each file: of its bytes, or of all it holds but seconds and date.

    The log of TensorBoard is left out: a killed training leaves what it has told so far, and its
    successor begins another file, as TensorBoard expects it.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_dir() or "tensorboard" in name.parts:
            continue
        found[str(name)] = hashlib.sha256(_lasting(path)).hexdigest()
    return found


def _lasting(path: Path) -> bytes:
    """Give what a file holds, without seconds and date."""
    if path.name.startswith(".partial-"):
        return path.read_bytes()
    if path.name.endswith(".npz"):
        parts = []
        for name, array in load_arrays(path).items():
            if name in ("provenance", "about"):
                parts.append(f"{name} {json.dumps(_timeless(json.loads(str(array))))}".encode())
            else:
                parts.append(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        return b"\n".join(parts)
    if path.name.endswith(".csv.gz"):
        first, rest = gzip.decompress(path.read_bytes()).split(b"\n", 1)
        return json.dumps(_timeless(json.loads(first.lstrip(b"# ")))).encode() + rest
    return path.read_bytes()


def _timeless(about: Any) -> Any:
    if isinstance(about, dict):
        lasting = (k for k in sorted(about) if k not in ("seconds", "made"))
        return {k: _timeless(about[k]) for k in lasting if not k.startswith("Clock ")}
    return about


def break_stage(stage: str, n: int, place: Path, given: Path | None) -> dict[str, Any]:
    """Kill a stage at n points; say what came of it.

    Parameters
    ----------
    stage : str
        From `STAGES`.
    n : int
        Number of kills.
    place : Path
        A folder for all that is computed.
    given : Path or None
        A folder that runs begin with a copy of.

    Returns
    -------
    dict
        ``stage``, ``kills`` (of which ``at a change of a file``), ``runs`` that were killed and
        went on, ``identical``, ``different`` (each with its points and files), ``left`` (unfinished
        files in the end), and of the undisturbed run the numbers of ``files``, ``seconds`` and
        ``changes``.
    """
    log = place / "log.txt"

    def folder(name: str) -> Path:
        path = place / name
        shutil.copytree(given, path) if given else path.mkdir()
        return path

    whole = folder("whole")
    end, seconds, changes = run(stage, whole, log)
    assert end == "ended", log.read_text()[-3000:]
    expected = contents(whole)
    rng = np.random.default_rng([SEED, *stage.encode()])
    waiting = points(4 * n, seconds, changes, rng)  # some come after the end
    kills = runs = identical = at_change = 0
    different, left = [], []
    while kills < n and waiting:
        path, told = folder(f"run {runs}"), []
        while waiting and kills < n and len(told) < 1 + runs % 3:
            point = waiting.pop(0)
            end, _, _ = run(stage, path, log, point)
            if end != "killed":
                break
            told.append(point)
        if told or end == "failed":
            kills, runs = kills + len(told), runs + 1
            at_change += sum(point.moment is None for point in told)
            if end == "killed":
                end, _, _ = run(stage, path, log)
            found = contents(path)
            left += [name for name in found if ".part" in name]
            if end == "ended" and found == expected:
                identical += 1
            else:
                wrong = sorted(k for k in {*found, *expected} if found.get(k) != expected.get(k))
                different.append({"points": list(map(str, told)), "end": end, "files": wrong})
        shutil.rmtree(path)
    return {
        "stage": stage,
        "kills": kills,
        "at a change of a file": at_change,
        "runs": runs,
        "identical": identical,
        "different": different,
        "left": left,
        "files": len(expected),
        "seconds": round(seconds, 1),
        "changes": changes,
    }


def main(arguments: list[str]) -> int:
    """Kill some stages, or all."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--points", type=int, default=POINTS, help="kills of each stage")
    parser.add_argument("--quick", action="store_true", help="write no result file")
    given = parser.parse_args(arguments)
    configuration = {"points": given.points, "seed": SEED, "latest_s": LATEST_S}
    chosen, wrong = given.stages or list(STAGES), False
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not set(chosen) <= set(WITHOUT_KERAS):
        import_all()
    with tempfile.TemporaryDirectory() as place, surroundings(Path(place, "home")):
        Path(place, "home").mkdir()
        ready = Path(place, "ready")
        for stage in chosen:
            if stage in AFTER_WINDOWS and not ready.exists():
                ready.mkdir()
                run("windows", ready, Path(place, "ready.txt"))
            start, own = time.monotonic(), Path(place, stage)
            own.mkdir()
            row = break_stage(stage, given.points, own, ready if stage in AFTER_WINDOWS else None)
            wrong |= bool(row["different"] or row["left"])
            print(row, flush=True)
            if not given.quick:
                save("kills", [row], configuration, time.monotonic() - start, list(STAGES))
            shutil.rmtree(own)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
