import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.preprocessing.quality import QUALITIES
from ecglib.preprocessing.report import envelope, quality_report

FS = 256


@pytest.fixture
def meta():
    quality = [*["ok"] * 9, "spike", "ok", "no beats", "noise", "missing"]
    return pd.DataFrame(
        {"participant": [3] * 10 + [1] * 4, "lead": 2, "clip": [1, 2] * 7, "quality": quality}
    )


def test_windows_are_counted_by_flag(meta):
    report = quality_report(meta)
    assert report.index.tolist() == [(3, 2), (1, 2)]
    assert report.columns.tolist() == ["windows", "usable", "grade", *QUALITIES[1:]]
    assert report["windows"].tolist() == [10, 4]
    assert report["usable"].tolist() == [0.9, 0.25]
    assert report["grade"].tolist() == ["good", "poor"]
    flags = report.loc[:, QUALITIES[1] :]
    assert flags.sum().to_dict() == {
        name: int((meta["quality"] == name).sum()) for name in QUALITIES[1:]
    }
    assert report.loc[(1, 2), "no beats"] == 1


def test_rows_are_what_is_asked_for(meta):
    report = quality_report(meta, by=["participant", "clip"])
    assert len(report) == 4
    assert report["windows"].sum() == len(meta)
    single = quality_report(meta, by=["lead"])
    assert single.loc[2, "usable"] == pytest.approx(10 / 14)
    assert single.loc[2, "grade"] == "fair"


def test_heart_rate_and_polarity_are_those_of_the_usable_windows():
    t = np.arange(10 * FS) / FS

    def heart(rr):
        at = t % rr - 0.3
        return np.exp(-0.5 * (at / 0.012) ** 2) + 0.3 * np.exp(-0.5 * ((at - 0.25) / 0.04) ** 2)

    noise = np.random.default_rng(0).standard_normal(len(t))
    X = np.stack([heart(0.8), heart(0.8), noise, -heart(1.0), noise])
    meta = pd.DataFrame(
        {
            "participant": [1, 1, 1, 2, 3],
            "lead": 1,
            "quality": ["ok", "ok", "no beats", "ok", "no beats"],
        }
    )
    report = quality_report(meta, X, FS)
    np.testing.assert_allclose(report["heart_rate"], [75, 60, np.nan], atol=0.3)
    assert report["polarity"].tolist() == [1, -1, 0]
    assert set(report["polarity"].map(type)) == {int}


def test_what_does_not_fit_is_refused(meta):
    with pytest.raises(DataError, match="no column session"):
        quality_report(meta, by=["session"])
    with pytest.raises(DataError, match="wobbly"):
        quality_report(meta.assign(quality="wobbly"))
    for X, fs in ((np.zeros((3, 10)), FS), (np.zeros((14, 10)), None)):
        with pytest.raises(DataError, match="one window per row"):
            quality_report(meta, X, fs)


def test_an_envelope_holds_every_extreme():
    x = np.random.default_rng(0).standard_normal(1000)
    x[300:350] = np.nan
    x[710] = 99
    table = envelope(x, 100, step_s=0.5)
    assert table.index.tolist() == [0.5 * k for k in range(20)]
    assert table.isna().all(axis=1).tolist() == [k == 6 for k in range(20)]
    assert table["high"].idxmax() == 7.0
    assert table["low"].min() == np.nanmin(x)
    assert len(envelope(x[:30], 100)) == 1
