"""Fixtures shared by the tests of preprocessing."""

import numpy as np
import pytest

from ecglib.preprocessing.filters import highpass, resample
from ecglib.preprocessing.quality import BRIDGED, fill_gaps, on_new_grid, sample_quality
from ecglib.preprocessing.segmentation import cut
from ecglib.preprocessing.window_flags import judge_windows
from ecglib.synthetic.cohort import CohortSpec, make_cohort


@pytest.fixture(scope="session")
def _lead_mv():
    spec = CohortSpec(n_participants=1, clip_lengths_s=(121.0, 65.0), artefacts_per_hour=0)
    counts = make_cohort(spec, seed=5).cohort.signals[1][:, 0]
    return (counts[: 120 * 256].astype(float) - 2048) / 240


@pytest.fixture
def ecg_mv(_lead_mv):
    """120 s of one lead of an invented heart with an everyday recorder, in mV at 256 Hz."""
    return _lead_mv.copy()


@pytest.fixture(scope="session")
def flagged():
    """Preprocess one raw lead and give its windows of 10 s at 256 Hz and their flags."""

    def flagged(x, fs=256.0, unit=""):
        codes = sample_quality(x, fs)
        filled = fill_gaps(x, np.isin(codes, BRIDGED))
        if fs != 256:
            filled = resample(filled, fs, 256.0)
            codes = on_new_grid(codes, len(filled), fs / 256)
        windows, _ = cut(highpass(filled, 256.0), 256.0)
        return windows, judge_windows(windows, 256.0, unit, cut(codes, 256.0)[0])

    return flagged
