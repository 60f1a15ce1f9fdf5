"""Read hostile files in a process of its own, and say what that cost.

    python -m tests.fuzz.measure [--quick] [TARGET ...]

prints a line for each target: how many files, what came of them, and the most memory, time and
characters of a message that one of them took; then whatever took too much.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ecglib.core.errors import DataError
from tests.fuzz.fuzzing import CORPUS, MOST_CHARACTERS, MOST_MIB, MOST_S, attempt, cases
from tests.fuzz.hostile import hostile_files
from tests.fuzz.targets import TARGETS

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
            start = time.perf_counter()
            found, length = "read", 0
            try:
                result = read(path)
                del result
            except DataError as error:
                found, length = "DataError", len(str(error))
                message = str(error)
            except Exception as error:
                found, message = type(error).__name__, repr(error)[:200]
            seconds = time.perf_counter() - start
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


def main(arguments: list[str]) -> int:
    """Measure some targets, or all."""
    quick = "--quick" in arguments
    wrong = []
    for target in [name for name in arguments if name != "--quick"] or list(TARGETS):
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
            or (row["seconds"] > MOST_S and not quick)  # other processes may be at work
        ]
    print("\n".join(map(str, wrong)))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
