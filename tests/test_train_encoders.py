from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.data.cohort import Cohort
from ecglib.models.embedding import encoders
from ecglib.studies import real
from tools import train_encoders


def mitbih(lengths):
    rows = [(int(r), 1, "ambulatory", n, n / 360, r) for r, n in lengths.items()]
    columns = ["participant", "clip", "condition", "n_samples", "duration", "record"]
    signals = tuple(np.full((n, 1), float(n)) for n in lengths.values())
    return Cohort("MIT-BIH", 360.0, pd.DataFrame(rows, columns=columns), signals, leads=("ECG",))


def test_the_clinic_has_the_longest_of_each_record_and_not_the_one_shown(monkeypatch):
    found = {
        Path("short"): mitbih({"100": 400, "101": 900, "208": 400}),
        Path("long"): mitbih({"100": 800, "101": 500, "208": 800}),
    }
    monkeypatch.setattr(real, "read_mitbih", found.get)
    clinic = real.clinic_cohort(list(found))
    assert clinic.recordings["record"].tolist() == ["100", "101"]
    assert clinic.recordings["n_samples"].tolist() == [800, 900]
    assert [len(signal) for signal in clinic.signals] == [800, 900]
    assert clinic.sha256 == real.clinic_cohort(list(found)[::-1]).sha256


def test_the_tool_trains_what_ships():
    assert encoders() == sorted(f"{n}-v{train_encoders.VERSION}" for n in train_encoders.NAMES)
