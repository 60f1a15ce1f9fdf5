"""Execute chapters side by side, each process on one thread, and say how far it is.

What several chapters need (windows, encoders, predictions) is computed first, as tasks of its own,
so that nothing is computed twice. Tasks that don't depend on each other run at the same time; dask
decides in which order. One line says which tasks run, how long it has taken and about how long
it will, by the times that `benchmarks/results/chapters.json` has for each task.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dask
from dask.threaded import get

from ecglib.core.artifacts import atomic_path
from ecglib.core.folders import artifacts_folder

ROOT = Path(__file__).resolve().parents[1]
TIMES = ROOT / "benchmarks" / "results" / "chapters.json"

STAGES = {
    "windows": ("results", "windows"),
    "pretext of group 0": ("pretrain", "--group", "0"),
    "pretext of group 1": ("pretrain", "--group", "1"),
    "predictions": ("results", "predictions"),
    "supervised": ("results", "supervised"),
    "ladder": ("results", "ladder"),
    "classical": ("results", "classical"),
    "crossing": ("results", "crossing"),
}
"""What chapters share or what takes long: arguments of the command ``ecglib``."""

_BOTH = ("pretext of group 0", "pretext of group 1")
NEEDS: dict[str, tuple[str, ...]] = {
    "windows": (),
    "pretext of group 0": ("windows",),
    "pretext of group 1": ("windows",),
    "predictions": _BOTH,
    "supervised": ("windows",),
    "ladder": ("pretext of group 0",),
    "classical": ("windows",),
    "crossing": _BOTH,
    "01_data": (),
    "02_windows": ("windows",),
    "03_transformations": ("windows",),
    "04_pretraining": ("pretext of group 0",),
    "05_transfer": ("crossing",),
    "06_results": ("predictions", "supervised"),
    "07_leakage": ("ladder",),
    "08_statistics": ("predictions",),
    "09_baselines": ("predictions", "supervised", "classical"),
    "10_released": ("pretext of group 0",),
    "11_beyond": ("predictions",),
    "12_contrastive": ("windows",),
    "13_finetuning": ("pretext of group 0",),
    "14_comparison": ("crossing",),
    "15_own_ecg": (),
    "16_real_transformations": (),
    "17_real_state": (),
}
"""What a task must wait for. A chapter that is not listed waits for every stage."""


@dataclass
class Watch:
    """What runs, what is done, and how long each task took."""

    tasks: list[str]
    usual: dict[str, float]
    workers: int
    folder: Path
    start: float = field(default_factory=time.monotonic)
    running: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, task: str) -> Path:
        """Give the file in which a task says how far it is."""
        return self.folder / f"{task.replace(' ', '-')}.txt"

    def left(self, now: float) -> float | None:
        """Estimate the seconds that remain, or None if some task was never timed."""
        if any(task not in self.usual for task in self.tasks):
            return None
        open_ = [t for t in self.tasks if t not in self.took]
        spent = {t: now - begun for t, begun in self.running.items()}
        return sum(max(self.usual[t] - spent.get(t, 0.0), 1.0) for t in open_) / self.workers

    def line(self) -> str:
        """Say it in one line."""
        now = time.monotonic()
        with self.lock:
            running, left = dict(self.running), self.left(now)
            head = f"[{len(self.took)} of {len(self.tasks)} done, {_clock(now - self.start)}"
            head += f", about {_clock(left)} left]" if left is not None else "]"
        told = []
        for task in running:
            note = self.note(task)
            inside = note.read_text(encoding="utf-8") if note.is_file() else ""
            told.append(f"{task} ({inside})" if inside else task)
        return " ".join([head, "; ".join(told)])


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def one_thread() -> dict[str, str]:
    """Give the environment of a task: one thread, and freed memory kept from the start.

    Linear algebra on one thread adds up in one order, whatever the machine, and two tasks side by
    side do not fight for cores.
    """
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
               "TF_NUM_INTEROP_THREADS")  # fmt: skip
    alone = dict.fromkeys((*threads, "LOKY_MAX_CPU_COUNT"), "1")  # joblib in a task: one process
    return {**os.environ, **alone, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run(task: str, command: list[str], watch: Watch) -> None:
    """Run one task as a process of its own; raise with its output if it fails."""
    with watch.lock:
        watch.running[task] = time.monotonic()
    note = watch.note(task)
    done = subprocess.run(
        command,
        env={**one_thread(), "ECGLIB_PROGRESS": str(note)},
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    with watch.lock:
        seconds = time.monotonic() - watch.running.pop(task)
        if done.returncode:
            print(f"\n{task} failed; what runs beside it ends first", file=sys.stderr, flush=True)
            raise RuntimeError(f"{task} failed:\n{done.stdout[-6000:]}")
        watch.took[task] = seconds


def show(watch: Watch, finished: threading.Event) -> None:
    """Show the line: every second in a terminal, every half minute elsewhere."""
    terminal = sys.stderr.isatty()
    while not finished.wait(1 if terminal else 30):
        if terminal:
            print(f"\r\033[K{watch.line()[: os.get_terminal_size().columns - 1]}", end="",
                  file=sys.stderr, flush=True)  # fmt: skip
        else:
            print(watch.line(), file=sys.stderr, flush=True)
    print(f"{chr(13) if terminal else ''}{watch.line()}", file=sys.stderr, flush=True)


def stamp() -> tuple[Path, str]:
    """Give the file that says which stages are there, and what it must say for them to count.

    A stage that is left out although it is not there costs time and nothing else: the chapter that
    needs it computes it.
    """
    folder, named = artifacts_folder(), os.environ.get("ECGLIB_DREAMER")
    data = Path(named) if named else ROOT / "data" / "DREAMER.mat"
    real = data.is_file() and data.parent != folder  # else the synthetic file, named or not
    seen = [
        (ROOT / "ecglib" / "studies" / name).read_text(encoding="utf-8")
        for name in ("stages.lock", "profiles.py")
    ]
    seen += [os.environ.get("ECGLIB_PROFILE") or "quick", str(data) if real else ""]
    seen.append(str(data.stat().st_mtime_ns) if real else "")
    return folder / "stages-done.json", hashlib.sha256(str(seen).encode()).hexdigest()


def done_before() -> set[str]:
    """Give the stages that an earlier run has computed."""
    file, key = stamp()
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return set(known.get(key, ()))


def remember(tasks: Iterable[str]) -> None:
    """Note that stages are there now."""
    file, key = stamp()
    known = sorted(done_before() | (set(tasks) & set(STAGES)))
    with atomic_path(file) as partial:
        partial.write_text(json.dumps({key: known}), encoding="utf-8")


def chapter_key(script: Path, root: Path = ROOT) -> str:
    """Name an executed chapter by all that its outputs can depend on.

    That is the script, the whole library, what travels in results/, the longer trainings that
    chapter 4 shows, the locked packages, the Python version, the data file, and the settings in the
    environment. One changed byte in any of these and the chapter is executed again.
    """
    places = ("ECGLIB_PROGRESS", "ECGLIB_HOME", "ECGLIB_ARTIFACTS")
    told = {n: v for n, v in os.environ.items() if n.startswith("ECGLIB_") and n not in places}
    digest = hashlib.sha256(str([sys.version, sorted(told.items()), stamp()[1]]).encode())
    files = [
        *root.glob("ecglib/**/*"),
        *root.glob("results/*"),
        *root.glob("benchmarks/results/schedule.json"),
        *root.glob("tools/*.py"),
    ]
    files += [root / "requirements.lock", script]
    for file in sorted(f for f in files if f.is_file() and f.suffix not in (".pyc", ".tmp")):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return f"{script.stem}-{digest.hexdigest()[:16]}.ipynb"


def take(keys: Mapping[Path, str], into: Path) -> list[Path]:
    """Copy those chapters that were executed before into a folder, and give the others."""
    left = []
    for script, name in keys.items():
        kept = artifacts_folder() / "chapters" / name
        if kept.is_file():
            shutil.copyfile(kept, into / f"{script.stem}.ipynb")
        else:
            left.append(script)
    return left


def keep(keys: Mapping[Path, str], into: Path) -> None:
    """Keep executed chapters for `take`, the newest of each.

    The keys are those of before the execution: a file that was edited meanwhile counts as changed.
    """
    folder = artifacts_folder() / "chapters"
    for script, name in keys.items():
        with atomic_path(folder / name) as partial:
            shutil.copyfile(into / f"{script.stem}.ipynb", partial)
        for old in folder.glob(f"{script.stem}-*.ipynb"):
            if old.name != name:
                old.unlink()


def wanted(chapters: Iterable[str], needs: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """List chapters and everything that they wait for, what is waited for first."""
    seen = set()

    def visit(task: str) -> Iterator[str]:
        if task not in seen:
            seen.add(task)
            for before in needs[task]:
                yield from visit(before)
            yield task

    for chapter in chapters:
        yield from visit(chapter)


def execute(scripts: list[Path], into: Path | None, workers: int) -> dict[str, float]:
    """Execute chapters and give the seconds that every task took.

    Parameters
    ----------
    scripts : list of Path
        Percent scripts; with none of them, all stages are computed and no chapter is executed.
    into : Path, optional
        Folder for the executed notebooks; beside the scripts by default.
    workers : int
        Tasks at a time.
    """
    stages = tuple(STAGES)
    needs = {**NEEDS, **{s.stem: NEEDS.get(s.stem, stages) for s in scripts}}
    there = done_before()
    last = [script.stem for script in scripts] or list(STAGES)
    tasks = [task for task in wanted(last, needs) if task not in there]
    needs = {task: tuple(n for n in needs[task] if n not in there) for task in tasks}
    ecglib = [sys.executable, "-m", "ecglib"]
    notebook = [sys.executable, str(ROOT / "tools" / "run_notebooks.py")]
    options = ["--into", str(into)] if into else []
    commands = {task: [*ecglib, *STAGES[task]] for task in tasks if task in STAGES}
    commands |= {s.stem: [*notebook, *options, str(s)] for s in scripts}
    usual = json.loads(TIMES.read_text())["seconds"] if TIMES.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(tasks, usual, workers, Path(folder))
        graph = {
            task: (lambda *_, task=task: run(task, commands[task], watch), *needs[task])
            for task in tasks
        }
        finished = threading.Event()
        display = threading.Thread(target=show, args=(watch, finished))
        display.start()
        try:
            with dask.config.set(num_workers=workers):
                get(graph, tasks)
        finally:
            finished.set()
            display.join()
            remember(watch.took)
        return watch.took


def main() -> None:
    """Execute the chapters named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "scripts", nargs="*", type=Path, help="percent scripts in notebooks/; only stages if none"
    )
    parser.add_argument("--into", type=Path, help="folder for the executed notebooks")
    parser.add_argument("--again", action="store_true", help="execute also what did not change")
    parser.add_argument("--workers", type=int, default=cores(), help="tasks at a time")
    given = parser.parse_args()
    missing = [str(script) for script in given.scripts if not script.is_file()]
    if missing or given.workers < 1:
        parser.error(f"no such script: {', '.join(missing)}" if missing else "--workers is below 1")
    start = time.monotonic()
    # What is executed into the sources is meant to be new; a book may take what did not change.
    keys = {script: chapter_key(script) for script in given.scripts} if given.into else {}
    scripts = take(keys, given.into) if given.into and not given.again else given.scripts
    if len(scripts) < len(given.scripts):
        print(f"{len(given.scripts) - len(scripts)} chapters as they were executed before")
    try:
        took = execute(scripts, given.into, given.workers) if scripts or not given.scripts else {}
    except RuntimeError as error:
        sys.exit(str(error))
    if given.into:
        keep({script: keys[script] for script in scripts}, given.into)
    whole = time.monotonic() - start
    if given.into:
        taken = len(given.scripts) - len(scripts)
        about = {"seconds": took, "whole": whole, "workers": given.workers, "taken": taken}
        if took:
            # Of the largest process that was waited for, its own children included; in KB on Linux.
            largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            about["memory_gb"] = round(largest * 1024 / 1e9, 2)
        (given.into / "chapters.json").write_text(json.dumps(about, indent=1))
    for task, seconds in took.items():
        print(f"{task}: {seconds:.0f} s")
    print(f"{len(took)} tasks, {whole:.0f} s")


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main()
