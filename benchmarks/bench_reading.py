"""Reading a full-size file, windows of all of it, the second read, and the import.

Run from the repository root: ``python benchmarks/bench_reading.py [--tiny]``.

The script makes its own file in the layout of DREAMER.mat: 23 people, 18 clips of their true
lengths, 14 channels of noise as EEG, compressed as the original is. Every measurement is a process
of its own; memory is the largest resident size of that process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from common import in_turns, ratio_row, row, save

from ecglib.data import dreamer
from ecglib.data.dreamer import CONDITIONS
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.synthetic import cohort as cohort_module
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat

TURNS, EEG_RATE, CHANNELS = 3, 128, 14
PROGRAMS = {
    "nothing": "",
    "ecglib": """
from ecglib.data.dreamer import read_dreamer
cohort = read_dreamer(path)
""",
    "scipy": """
from scipy.io import loadmat
data = loadmat(path, simplify_cells=True)["DREAMER"]["Data"]
signals = [lead for p in data for lead in (*p["ECG"]["baseline"], *p["ECG"]["stimuli"])]
""",
    "windows": """
from ecglib.data.dreamer import read_dreamer
from ecglib.data.dreamer import CONDITIONS
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
cohort = read_dreamer(path)
before, start = peak(), time.perf_counter()
windows = make_windows(cohort, WindowConfig(leads=(1, 2), conditions=CONDITIONS))
extra = {"above_mb": peak() - before, "result_mb": windows.X.nbytes / 1e6}
""",
    "second read": """
from ecglib.preprocessing.windows import Windows
start = time.perf_counter()
first = Windows.load(kept).X[0].copy()
""",
    "import": """
start = time.perf_counter()
import ecglib
extra = {"keras": "keras" in sys.modules}
""",
}
FRAME = """
import json, re, sys, time
from pathlib import Path
def peak():  # getrusage would count the process that started this one
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1000
path, kept = map(Path, sys.argv[1:])
extra, start = {{}}, time.perf_counter()
{program}
print(json.dumps({{"seconds": time.perf_counter() - start, "peak_mb": peak(), **extra}}))
"""


def with_eeg(cohort, participant: int) -> dict[str, object]:
    """Give a participant's struct as `ecglib.synthetic.cohort` does, with EEG of full length."""
    struct = plain_participant(cohort, participant)
    rng = np.random.default_rng(participant)
    for field, cells in struct["ECG"].items():
        full = np.empty_like(cells)
        for i, ecg in enumerate(cells.ravel()):
            shape = (len(ecg) * EEG_RATE // dreamer.ECG_RATE, CHANNELS)
            full.ravel()[i] = np.rint(50 * rng.normal(size=shape)) / 4
        struct["EEG"][field] = full
    return struct


plain_participant = cohort_module._participant


def in_new_process(name: str, path: Path, kept: Path) -> dict[str, float]:
    """Run one of `PROGRAMS` in a process of its own."""
    code = FRAME.format(program=PROGRAMS[name])
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", code, path, kept]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Make the file, measure in turns, write the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    tiny = parser.parse_args().tiny
    start = time.perf_counter()
    spec = CohortSpec(n_participants=2, clip_lengths_s=(65.0, 80.0)) if tiny else CohortSpec()
    with tempfile.TemporaryDirectory() as name:
        path, kept = Path(name) / "full.mat", Path(name) / "windows.npz"
        cohort = make_cohort(spec, seed=3).cohort
        make_windows(cohort, WindowConfig(leads=(1, 2), conditions=CONDITIONS)).save(kept)
        with mock.patch.object(cohort_module, "_participant", with_eeg):
            write_dreamer_mat(cohort, path, compress=True)
        size = path.stat().st_size / 1e6
        del cohort
        found = in_turns(
            {p: lambda p=p: in_new_process(p, path, kept) for p in PROGRAMS}, 1 if tiny else TURNS
        )

    def of(program: str, quantity: str = "seconds") -> list[float]:
        return [m[quantity] for m in found[program]]

    base = of("nothing", "peak_mb")
    memory = {p: [m - b for m, b in zip(of(p, "peak_mb"), base, strict=True)] for p in PROGRAMS}
    if any(of("import", "keras")):
        raise RuntimeError("importing ecglib imported Keras")
    rows = [
        ratio_row("peak memory of a read, ecglib for SciPy", memory["ecglib"], memory["scipy"],
                  target=0.5, at_least=False, note="above a bare interpreter"),
        ratio_row("time of a read, ecglib for SciPy", of("ecglib"), of("scipy"),
                  target=1.1, at_least=False, note="with the imports of each"),
        row("read with ecglib", of("ecglib"), unit="s"),
        row("read with SciPy", of("scipy"), unit="s"),
        row("second read, to the first window", of("second read"), unit="s",
            target=0.5, at_least=False),
        row("windows and filter, both leads", of("windows"), unit="s", target=60, at_least=False,
            note="of baselines and clips"),
        row("memory of windows and filter, above cohort and windows",
            [m["above_mb"] - m["result_mb"] for m in found["windows"]], unit="MB",
            note=f"the windows are {of('windows', 'result_mb')[0]:.0f} MB"),
        row("import ecglib", of("import"), unit="s", target=0.5, at_least=False,
            note="Keras is not imported"),
    ]  # fmt: skip
    if tiny:
        print(*rows, sep="\n")
        return
    save(
        "reading",
        rows,
        {"people": 23, "clips": 18, "file (MB)": round(size), "EEG channels": CHANNELS},
        time.perf_counter() - start,
        skipped=[],
    )


if __name__ == "__main__":
    main()
