import numpy as np
import pandas as pd

from ecglib.plots.quality import recording_strip
from ecglib.plots.style import QUALITY_COLOURS, QUALITY_HATCHES
from ecglib.preprocessing.quality import QUALITIES

LABEL = "some data"


def test_every_flag_has_a_colour_and_a_hatch_of_its_own():
    assert tuple(QUALITY_COLOURS) == QUALITIES
    assert len(set(QUALITY_COLOURS.values())) == len(QUALITIES)
    assert tuple(QUALITY_HATCHES) == QUALITIES[1:]
    assert len(set(QUALITY_HATCHES.values())) == len(QUALITIES) - 1


def test_a_strip_has_a_lane_for_each_flag_that_occurs(check):
    high = np.ones(60)
    high[20] = 1e12
    strip = pd.DataFrame({"low": -0.5, "high": high}, pd.Index(np.arange(60.0), name="time"))
    meta = pd.DataFrame(
        {"start": 10.0 * np.arange(6), "quality": ["ok", "ok", "spike", "ok", "no beats", "ok"]}
    )
    fig = recording_strip(strip, meta, 10.0, "mV", LABEL)
    check(fig, LABEL, "time in the recording (s)", "mV")
    above, lanes = fig.axes
    assert [text.get_text() for text in lanes.get_yticklabels()] == ["spike", "no beats", "ok"]
    assert [text.get_text() for text in lanes.texts] == ["1 (17%)", "1 (17%)", "4 (67%)"]
    assert len(lanes.collections) == 3
    assert above.get_ylim()[1] < 5  # the spike does not hide the rest
    spans = sorted(patch.get_x() for patch in above.patches)
    assert spans == [20.0, 40.0]


def test_a_clean_recording_has_one_lane(check):
    strip = pd.DataFrame({"low": [0.0] * 30, "high": [0.0] * 30}, index=np.arange(30.0))
    meta = pd.DataFrame({"start": [0.0, 10.0, 20.0], "quality": "ok"})
    fig = recording_strip(strip, meta, 10.0, "counts", LABEL)
    check(fig, LABEL, "time in the recording (s)", "counts")
    assert [text.get_text() for text in fig.axes[1].texts] == ["3 (100%)"]
