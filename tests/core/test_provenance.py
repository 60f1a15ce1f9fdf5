import os
import socket
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.provenance import environment, from_comment, provenance, to_comment


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
