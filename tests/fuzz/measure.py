"""Read hostile files in a process of its own, and say what that cost.

    python -m tests.fuzz.measure [--quick] [TARGET ...]

prints a line for each target: how many files, what came of them, and the most memory, time and
characters of a message that one of them took; then whatever took too much. Time is that on the
processor, so that other work on the machine does not count. Unless it is to be quick, it then
damages the sound files of the corpus at random, `DAMAGED` times for each target, and writes the
numbers to ``benchmarks/results/malformed.json``.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ecglib.core.errors import DataError
from tests.breaking.results import save
from tests.fuzz.fuzzing import CORPUS, MOST_CHARACTERS, MOST_MIB, MOST_S, attempt, cases, fuzz
from tests.fuzz.hostile import hostile_files
from tests.fuzz.targets import TARGETS

DAMAGED, SEED = 200, 0

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory(which: str) -> float:
    """MiB that this process holds ("VmRSS"), or has held at most since `forget` ("VmHWM")."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) / 1024


def forget() -> None:
    """Begin to count the most memory anew."""
    PEAK.write_text("5")


def measured(target: str, quick: bool) -> list[dict[str, object]]:
    """Read the hostile files of one target."""
    name, read = TARGETS[target]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        for files in cases(CORPUS, target):  # what is imported at first is no fault of a file
            attempt(target, files, Path(folder))
        for told, files in hostile_files(target, quick):
            for other in Path(folder).iterdir():
                other.unlink()
            for other, data in files.items():
                Path(folder, other).write_bytes(data)
            size = sum(map(len, files.values()))
            del files, data
            before = memory("VmRSS")
            forget()
            start = time.process_time()
            found, length = "read", 0
            try:
                result = read(path)
                del result
            except DataError as error:
                found, length = "DataError", len(str(error))
                message = str(error)
            except Exception as error:
                found, message = type(error).__name__, repr(error)[:200]
            seconds = time.process_time() - start
            rows.append(
                {
                    "file": told,
                    "bytes": size,
                    "found": found,
                    "message": message if found != "read" else "",
                    "length": length,
                    "mib": round(memory("VmHWM") - before, 1),
                    "seconds": round(seconds, 3),
                }
            )
    return rows


LIMITS = {
    "damaged": DAMAGED,
    "seed": SEED,
    "most MiB": MOST_MIB,
    "most s": MOST_S,
    "most characters": MOST_CHARACTERS,
}


def summary(target: str, rows: list[dict]) -> tuple[dict[str, object], list[dict]]:
    """Damage files too, and count what came of all; give what broke the reader beside it.

    What is neither refused with a DataError nor read counts as broken, and so does what takes more
    memory or time than it may.
    """
    damaged: Counter[str] = Counter()
    kept = fuzz(target, DAMAGED, SEED, measure=True, found=damaged)
    told = Counter(row["found"] for row in rows)
    given = told["DataError"] + told["read"]
    row = {
        "reader": target,
        "made": len(rows),
        "damaged": damaged.total() + (kept is not None),
        "refused": told["DataError"] + damaged["DataError"],
        "read": told["read"] + damaged["read"],
        "broken": len(rows) - given + (kept is not None),
        "largest MiB": max(row["mib"] for row in rows),
        "longest s": max(row["seconds"] for row in rows),
        "longest message": max(row["length"] for row in rows),
    }
    return row, [] if kept is None else [{"target": target, "damaged": sorted(kept)}]


def main(arguments: list[str]) -> int:
    """Measure some targets, or all."""
    quick = "--quick" in arguments
    wrong = []
    for target in [name for name in arguments if name != "--quick"] or list(TARGETS):
        start = time.monotonic()
        rows = measured(target, quick)
        found = Counter(row["found"] for row in rows)
        most = {name: max(row[name] for row in rows) for name in ("mib", "seconds", "length")}
        print(f"{target}: {len(rows)} files, {dict(found)}, at most {most}", flush=True)
        wrong += [
            {"target": target, **row}
            for row in rows
            if row["found"] not in ("read", "DataError")
            or row["mib"] > MOST_MIB
            or row["length"] > MOST_CHARACTERS
            or row["seconds"] > MOST_S
        ]
        if not quick:
            row, broken = summary(target, rows)
            save("malformed", [row], LIMITS, time.monotonic() - start, list(TARGETS))
            wrong += broken
    print("\n".join(map(str, wrong)))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
