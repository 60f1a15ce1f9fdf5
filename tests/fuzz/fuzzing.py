"""Damage the files of the corpus in every way and read them: a DataError or a value, nothing else.

    python -m tests.fuzz.fuzzing [MINUTES [TARGET ...]]

goes on for so many minutes in all. An input that gives anything else, or takes more memory or time
than it may, is kept as ``regressions/TARGET/HASH``, where the tests read it from then on.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from ecglib.core.errors import DataError
from tests.fuzz.mutations import CHANGES, changed
from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
CORPUS, REGRESSIONS = HERE / "corpus", HERE / "regressions"

MOST_MIB, MOST_S, MOST_CHARACTERS = 100, 2.0, 500

Files = dict[str, bytes]


def cases(folder: Path, target: str) -> list[Files]:
    """Give the files of each case of a target, in a folder of such."""
    return [
        {file.name: file.read_bytes() for file in sorted(case.iterdir())}
        for case in sorted(folder.glob(f"{target}/*"))
    ]


def attempt(target: str, files: Files, folder: Path) -> str:
    """Read some files; give what came of it: "read" or "DataError". All else is raised."""
    name, read = TARGETS[target]
    for other in folder.iterdir():
        shutil.rmtree(other) if other.is_dir() else other.unlink()
    for other, content in files.items():
        (folder / other).write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(folder / name)
    except DataError as error:
        assert len(str(error)) <= MOST_CHARACTERS, f"a message of {len(str(error))} characters"
        return "DataError"
    return "read"


def fuzz(
    target: str, count: int, start: int, *, measure: bool, found: Counter[str]
) -> Files | None:
    """Read so many damaged files; give the smallest that breaks the reader, if one does."""
    sound = cases(CORPUS, target)
    failing: list[Files] = []

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(CHANGES)
    def run(change: tuple) -> None:
        which, inside, part, steps = change
        files = dict(sound[which % len(sound)])
        name = list(files)[which // len(sound) % len(files)]
        files[name] = changed(name, files[name], inside, part, steps)
        failing[:] = [files]
        found[once(target, files, folder, measure)] += 1
        failing.clear()

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        try:
            run()
        except Exception as error:  # whatever it is, the files are what matters
            print(f"{target}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            return failing[0] if failing else None
    return None


def once(target: str, files: Files, folder: Path, measure: bool) -> str:
    """Read some files, and say so if that takes too much."""
    if not measure:
        return attempt(target, files, folder)
    from tests.fuzz.measure import forget, memory

    before = memory("VmRSS")
    forget()
    start = time.process_time()
    found = attempt(target, files, folder)
    seconds, mib = time.process_time() - start, memory("VmHWM") - before
    assert mib <= MOST_MIB, f"{mib:.0f} MiB"
    assert seconds <= MOST_S, f"{seconds:.1f} s"
    return found


def keep(target: str, files: Files) -> Path:
    """Store what broke a reader."""
    told = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    folder = REGRESSIONS / target / told
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def main(minutes: float, targets: list[str]) -> int:
    """Fuzz all targets in turn until the time is up."""
    end, start, broken = time.monotonic() + 60 * minutes, time.time_ns() % 2**32, set()
    found: dict[str, Counter[str]] = {target: Counter() for target in targets}
    with tempfile.TemporaryDirectory() as place:
        for target in targets:  # what is imported and compiled at first is no fault of a file
            for files in cases(CORPUS, target):
                attempt(target, files, Path(place))
    while time.monotonic() < end and len(broken) < len(targets):
        for target in targets:
            if target in broken or time.monotonic() >= end:
                continue
            start += 1
            files = fuzz(target, 200, start, measure=True, found=found[target])
            if files is not None:
                broken.add(target)
                print(f"{target}: kept in {keep(target, files)}", flush=True)
    for target, counts in found.items():
        print(f"{target}: {dict(counts)}")
    return 1 if broken else 0


if __name__ == "__main__":
    given_minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    sys.exit(main(given_minutes, sys.argv[2:] or list(TARGETS)))
