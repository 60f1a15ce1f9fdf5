import os
import socket
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.provenance import environment, from_comment, processor, provenance, to_comment


def test_the_environment_names_software_and_machine_but_nobody():
    about = environment()
    assert about["numpy"] == np.__version__
    assert {"operating system", "processor", "cores available", "Python", "keras"} <= set(about)
    text = str(about)
    assert str(Path.home()) not in text and os.getcwd() not in text
    assert socket.gethostname() not in text


def test_provenance_survives_its_comment_line():
    about = provenance({"seed": 3, "code": ["a", "b"], "text": 'line\nbreak "é"'}, 12.34)
    line = to_comment(about)
    assert line.startswith("# ") and line.count("\n") == 1
    assert from_comment(line) == about
    assert about["seconds"] == 12.3


def test_another_line_is_no_provenance():
    with pytest.raises(ValueError, match="no provenance"):
        from_comment("participant,clip\n")


def test_a_processor_is_told_from_another_of_the_same_name(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "processor : 0\ncpu family : 25\nmodel : 17\nmodel name : AMD EPYC\n"
        "flags : fpu avx2 avx512f avx512_bf16\n\nprocessor : 1\nmodel : 99\n"
    )
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "32K"), ("1", "Instruction", "32K"), ("3", "Unified", "32768K")]
    ):
        folder = tmp_path / "cpu0" / "cache" / f"index{index}"
        folder.mkdir(parents=True)
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert processor(tmp_path / "cpuinfo", tmp_path / "cpu0") == {
        "processor": "AMD EPYC",
        "processor model": "family 25, model 17",
        "instruction sets": "avx2, avx512f, avx512_bf16",
        "caches": "L1 32K, L3 32768K",
    }
    nothing = processor(tmp_path / "none", tmp_path / "none")
    assert list(nothing) == ["processor"] and nothing["processor"]
