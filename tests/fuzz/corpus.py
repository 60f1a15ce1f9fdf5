"""Make the small sound files that mutations begin from; they are kept beside this script.

    python -m tests.fuzz.corpus

Each folder ``corpus/TARGET/CASE`` holds the files of one recording, or what else the target reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.fuzz.hostile_mat import HEAD, array, element, names, packed

CORPUS = Path(__file__).parent / "corpus"

WAVE = np.round(np.sin(np.arange(200) / 7) * 900).astype("<i2")


def struct_file(make: Callable[[bytes], bytes]) -> bytes:
    """A MATLAB file with a struct of everything that is read."""
    fields = {
        b"n": array(11, (2, 2), element(4, bytes(range(8)))),
        b"z": array(6 | 0x800, (1, 1), element(9, bytes(8)) + element(9, bytes(8))),
        b"t": array(4, (2, 2), element(17, b"a\0b\0c\0d\0")),
        b"c": array(1, (1, 2), array(4, (1, 2), element(16, b"II")) + element(14, b"")),
        b"s": array(2, (1, 2), names(b"a") + array(7, (1, 1), element(7, bytes(4))) * 2),
        b"EEG": array(5, (2, 2), bytes(48)),
    }
    other = array(9, (1, 3), element(2, b"abc"), b"other")
    variable = array(2, (1, 1), names(*fields) + b"".join(fields.values()), b"DREAMER")
    return HEAD + make(other) + make(variable)


def write_corpus(folder: Path) -> None:
    """Write every case anew."""
    import wfdb
    from scipy.io import savemat

    from ecglib.core.artifacts import save_arrays
    from ecglib.core.tables import save_table
    from tests.data.mat_files import cell, write_mat
    from tests.data.readers.files import write_edf, write_wfdb
    from tests.layouts.swell import write_poly5
    from tests.layouts.workbook import write_workbook

    def place(target: str, case: str) -> Path:
        made = folder / target / case
        made.mkdir(parents=True)
        return made

    shutil.rmtree(folder, ignore_errors=True)
    for case, make in (("stored", bytes), ("packed", packed)):
        (place("variable", case) / "a.mat").write_bytes(struct_file(make))
        savemat(
            place("mat", case) / "a.mat",
            {"ecg": WAVE, "fs": 250.0, "unit": "mV", "leads": cell(["II"], (1, 1))},
            do_compression=case == "packed",
        )
    write_mat(place("dreamer", "one") / "a.mat", n_participants=1, n_clips=1)

    x = WAVE / 1000
    rows = [f"{i / 250:.3f},{v:.3f}" for i, v in enumerate(x[:60])]
    (place("csv", "clock") / "a.csv").write_text("time,ECG (mV)\n" + "\n".join(rows) + "\n")
    quoted = "".join(f'{v},"{-v}",x\n' for v in WAVE[:40])
    (place("csv", "quoted") / "a.csv").write_text(f'"I","II","mark"\n{quoted}')
    (place("txt", "blanks") / "a.txt").write_text("".join(f"{v:8.3f} {v:8.2e}\n" for v in x[:40]))
    comma = "".join(f"10:00:00.{i * 4:03};{v}\n" for i, v in enumerate(x[:50]))
    comma = comma.replace(".", ",")
    (place("txt", "wide") / "a.txt").write_bytes(f"# a\ntime;II\ns;mV\n{comma}".encode("utf-16"))

    for target in ("edf", "bdf"):
        lead, other = (WAVE[:100] / 1000, 50, "ECG II", "mV"), (x[:20], 10, "Resp", "")
        write_edf(place(target, "two") / f"a.{target}", lead, other, bdf=target == "bdf")
    np.save(place("npy", "row") / "a.npy", WAVE)
    np.save(place("npy", "two") / "a.npy", np.asfortranarray(np.stack([x, -x], axis=1)[:60]))
    named = {"ecg": WAVE, "fs": np.array(250), "unit": np.array("mV"), "leads": np.array(["II"])}
    np.savez(place("npz", "stored") / "a.npz", **named)
    np.savez_compressed(place("npz", "packed") / "a.npz", **named)

    two = np.stack([x, -x], axis=1)
    for version in (203, 204):
        write_poly5(
            place("poly5", str(version)) / "a.S00",
            two[:90].astype(np.float32),
            ("ECG", "Saw"),
            per_block=40,
            version=version,
            short_last=version == 204,
        )
    rows = [["PP", "Condition", "Stress"], ["PP1", "N", 3], ["PP2", None, 0.5], [None, "T", "x"]]
    write_workbook(place("workbook", "two") / "a.xlsx", {"other": [["PP"]], "a": rows})
    for target in ("wfdb", "records"):
        write_wfdb(place(target, "two"), "a", two[:100], 250, ("I", "II"), ("mV", "mV"))
        parts = place(target, "parts")
        for name in ("b", "c"):
            write_wfdb(parts, name, two[:50], 250, ("I", "II"), ("mV", "mV"))
        (parts / "a.hea").write_text("a/4 2 250 120\nd 0\nb 50\n~ 20\nc 50\n# 30 F\n")
        lead = "~ 0 200/mV 12 0 0 0 0"
        (parts / "d.hea").write_text(f"d 2 250 0\n{lead} I\n{lead} II\n")
    wfdb.wrsamp(
        "a",
        fs=250,
        sig_name=["MLII", "V5"],
        d_signal=np.stack([WAVE, -WAVE], axis=1)[:80].astype("int64"),
        write_dir=str(place("wfdb", "212")),
        fmt=["212", "212"],
        adc_gain=[200, 200],
        baseline=[0, 0],
        units=["mV", "mV"],
    )
    (place("records", "212") / "RECORDS").write_text("a\n")
    for file in (folder / "wfdb" / "212").iterdir():
        shutil.copy(file, folder / "records" / "212")
    wfdb.wrann(
        "a", "atr", np.arange(10) * 90, list("NNVN+NAN~N"), write_dir=str(place("beats", "ten"))
    )

    save_arrays(place("arrays", "some") / "a.npz", {"x": x[:20], "text": np.array("a name")})
    np.savez(place("extract", "rows") / "a.npz", **{"100": WAVE[:50], "101": WAVE[50:80]})
    table = pd_table()
    save_table(place("table", "two") / "a.csv.gz", table)
    windows(place("windows", "four") / "a.npz")
    encoders(place("encoder", "tiny") / "a.npz", place("torch", "tiny") / "a.pt")


def pd_table():
    import pandas as pd

    return pd.DataFrame({"a": ["x", "y", "z"], "b": [0.5, 1.25, 2.0]})


def windows(path: Path) -> None:
    """Write windows of two people."""
    import pandas as pd

    from ecglib.preprocessing.windows import Windows

    meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    meta = meta.assign(condition="stimulus", lead=1, start=0.0, quality="ok")
    Windows(WAVE[:80].reshape(4, 20).astype(np.float32), meta, 2.0, "small").save(path)


def encoders(path: Path, of_torch: Path) -> None:
    """Write a tiny encoder of ours and one as PyTorch writes it."""
    from ecglib.models.encoder import EncoderConfig, build_encoder
    from ecglib.models.weights import save_encoder
    from tests.fuzz.targets import tiny_torch
    from tests.models.cards import make_card
    from tests.models.numpy_encoder import random_layers
    from tests.models.test_torch_weights import as_torch, parts, pickled, write

    config = EncoderConfig(filters=(2, 2), kernels=(4, 3))
    save_encoder(path, build_encoder(config, 64), config, make_card(64))
    entries, storages = parts(as_torch(random_layers(0, filters=tiny_torch().filters)))
    write(of_torch, pickled(entries), storages)


if __name__ == "__main__":
    write_corpus(CORPUS)
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files)} bytes")
