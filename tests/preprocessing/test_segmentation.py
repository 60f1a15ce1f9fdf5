from math import ceil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.cohort import COLUMNS, Cohort
from ecglib.data.recording import Recording
from ecglib.data.targets import SCALES, TARGETS
from ecglib.preprocessing.filters import highpass, resample
from ecglib.preprocessing.normalisation import ParticipantScaler, trimmed_stats
from ecglib.preprocessing.quality import MISSING
from ecglib.preprocessing.segmentation import (
    WindowConfig,
    cut,
    make_windows,
    prepare,
    windows_of,
)
from ecglib.preprocessing.windows import META_COLUMNS

FS = 256


def heart(seconds, seed, fs=FS):
    """Two leads of QRS and T on a drift with noise, in units of a converter."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * fs)) / fs
    beats = np.exp(-0.5 * (((t % 0.85) - 0.4) / 0.012) ** 2)
    beats += 0.2 * np.exp(-0.5 * (((t % 0.85) - 0.65) / 0.04) ** 2)
    leads = [500 * beats + 200 * np.sin(t / 3), 800 * beats - 100 * np.cos(t / 2)]
    return 2000 + np.stack(leads, axis=1) + rng.normal(0, 8, (len(t), 2))


def cohort_of(signals, fs=FS):
    """Build a cohort from {(participant, clip, condition): signal}."""
    rows = [
        {
            "participant": participant,
            "clip": clip,
            "condition": condition,
            "n_samples": len(signal),
            "duration": len(signal) / fs,
            "valence": 1 + clip % 5,
            "arousal": 1 + participant % 5,
            "dominance": 3,
            "age": 20 + participant,
            "gender": "female",
        }
        for (participant, clip, condition), signal in signals.items()
    ]
    return Cohort(
        "synthetic", float(fs), pd.DataFrame(rows), tuple(signals.values()), targets=SCALES
    )


@pytest.fixture(scope="module")
def cohort():
    return cohort_of(
        {
            (participant, clip, condition): heart(seconds + clip, 100 * participant + clip)
            for participant in (1, 2, 5)
            for clip in (1, 2)
            for condition, seconds in (("baseline", 21), ("stimulus", 64))
        }
    )


def cut_one_by_one(signal, length, step, begin):
    windows, starts = [], []
    at = begin
    while at + length <= len(signal):
        windows.append(signal[at : at + length])
        starts.append(at)
        at += step
    return np.array(windows), np.array(starts)


@given(
    n=st.integers(1, 3000),
    length=st.integers(1, 400),
    overlap=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75]),
    last=st.none() | st.integers(1, 4000),
    fs=st.sampled_from([1.0, 100.0, 256.0]),
)
def test_cut_against_one_by_one(n, length, overlap, last, fs):
    signal = np.arange(n)
    step = length - round(overlap * length)
    arguments = {
        "fs": fs,
        "length_s": length / fs,
        "overlap": overlap,
        "last_s": None if last is None else last / fs,
    }
    if n < length or step == 0 or (last is not None and last < length):
        with pytest.raises(DataError):
            cut(signal, **arguments)
        return
    used = n if last is None else min(n, last)
    windows, starts = cut(signal, **arguments)
    expected, at = cut_one_by_one(signal, length, step, n - used)
    assert np.array_equal(windows, expected)
    np.testing.assert_allclose(starts, at / fs)
    assert len(windows) == (used - length) // step + 1


def test_cut_is_a_read_only_view():
    signal = np.zeros(100)
    windows, _ = cut(signal, 1, length_s=10, overlap=0.5)
    assert np.shares_memory(windows, signal)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 1


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("length_s", {"length_s": 0.0}),
        ("length_s", {"length_s": np.nan}),
        ("length_s", {"length_s": 0.001}),
        ("overlap", {"overlap": 1.0}),
        ("overlap", {"overlap": -0.1}),
        ("overlap", {"overlap": 0.9999}),
        ("last_s", {"last_s": 9.9}),
        ("last_s", {"last_s": np.nan}),
    ],
)
def test_cutting_outside_the_range_is_refused_everywhere(field, arguments):
    with pytest.raises(DataError, match=f"field {field}"):
        cut(np.zeros(25600), FS, **arguments)
    with pytest.raises(DataError, match=f"field {field}"):
        WindowConfig(**arguments)


def test_cut_refuses_two_leads_and_short_recordings():
    with pytest.raises(DataError, match="one lead"):
        cut(np.zeros((2560, 2)), FS)
    with pytest.raises(DataError, match=r"2559 samples \(10\.00 s\) are shorter than one window"):
        cut(np.zeros(2559), FS)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("leads", {"leads": ()}),
        ("leads", {"leads": (0,)}),
        ("leads", {"leads": (1, 1)}),
        ("conditions", {"conditions": (1,)}),
        ("conditions", {"conditions": "stimulus"}),
        ("conditions", {"conditions": ()}),
        ("highpass_hz", {"highpass_hz": 0.0}),
        ("highpass_hz", {"highpass_hz": 200.0}),
    ],
)
def test_config_refuses(field, arguments):
    with pytest.raises(DataError, match=f"field {field}"):
        WindowConfig(**arguments)


def test_windows_follow_the_recipe_step_by_step(cohort):
    windows = make_windows(cohort)
    assert windows.X.dtype == np.float32
    assert windows.X.shape == (3 * 2 * 6, 2560)
    assert (windows.fs, windows.cohort_name) == (256, "synthetic")
    assert tuple(windows.meta.columns) == (*META_COLUMNS[:-1], *TARGETS, "quality")
    assert set(windows.meta["quality"]) == {"ok"}
    rows = cohort.recordings
    for participant in (1, 2, 5):
        own = rows[(rows.participant == participant) & (rows.condition == "stimulus")].index
        filtered = [highpass(cohort.signals[i][:, 0], FS) for i in own]
        mean, sd = trimmed_stats(np.concatenate(filtered))
        expected = [
            (x[at : at + 2560] - mean) / sd for x in filtered for at in range(0, 6 * 2560, 2560)
        ]
        got = windows.X[windows.meta["participant"] == participant]
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_metadata_follows_the_recordings(cohort):
    windows = make_windows(cohort, WindowConfig(leads=(2, 1), conditions=("baseline", "stimulus")))
    meta = windows.meta
    assert len(meta) == 3 * 2 * 2 * (2 + 6)
    assert meta.index.equals(pd.RangeIndex(len(meta)))
    first = meta[(meta["participant"] == 1) & (meta["clip"] == 1)]
    assert first["condition"].tolist() == ["baseline"] * 4 + ["stimulus"] * 12
    assert first["lead"].tolist() == [2, 2, 1, 1] + [2] * 6 + [1] * 6
    assert first["start"].tolist() == [0, 10, 0, 10, *range(0, 60, 10), *range(0, 60, 10)]
    assert (meta["valence"] == 1 + meta["clip"] % 5).all()
    assert (meta["arousal"] == 1 + meta["participant"] % 5).all()
    assert (meta["dominance"] == 3).all()
    assert meta[["participant", "clip", "lead"]].dtypes.eq(np.int64).all()


def test_each_lead_is_normalised_alone(cohort):
    both = make_windows(cohort, WindowConfig(leads=(1, 2)))
    for lead in (1, 2):
        alone = make_windows(cohort, WindowConfig(leads=(lead,)))
        here = both.select(both.meta["lead"] == lead)
        np.testing.assert_array_equal(here.X, alone.X)
        pd.testing.assert_frame_equal(here.meta, alone.meta)
        assert 0.5 < here.X.std() < 2.5


def test_statistics_come_from_the_conditions_asked_for():
    signals = {
        (1, 1, "baseline"): 10 * heart(61, 0),
        (1, 1, "stimulus"): heart(61, 1),
    }
    stimulus = make_windows(cohort_of(signals))
    both = make_windows(cohort_of(signals), WindowConfig(conditions=("baseline", "stimulus")))
    louder = both.meta["condition"] == "baseline"
    assert both.X[~louder].std() < 0.5 * stimulus.X.std()
    assert both.X[louder].std() > 5 * both.X[~louder].std()


def test_other_participants_change_nothing(cohort):
    everyone = make_windows(cohort)
    alone = make_windows(cohort.select(participants=[2]))
    np.testing.assert_array_equal(
        everyone.X[everyone.meta["participant"] == 2],
        alone.X,
    )


def test_gain_and_offset_of_a_recorder_disappear(cohort):
    changed = Cohort(
        cohort.name, cohort.fs, cohort.recordings, tuple(3 * x - 500 for x in cohort.signals)
    )
    np.testing.assert_allclose(make_windows(changed).X, make_windows(cohort).X, atol=1e-4)


def test_overlap_and_last_seconds(cohort):
    windows = make_windows(cohort, WindowConfig(overlap=0.5, last_s=60))
    for (_, clip), part in windows.meta.groupby(["participant", "clip"]):
        assert part["start"].tolist() == [4 + clip + 5 * i for i in range(11)]
    np.testing.assert_array_equal(windows.X[0, 1280:], windows.X[1, :1280])
    whole = make_windows(cohort, WindowConfig(last_s=1000))
    np.testing.assert_array_equal(whole.X, make_windows(cohort).X)


def test_other_window_lengths_and_rates(cohort):
    windows = make_windows(cohort, WindowConfig(length_s=4, target_fs=128))
    assert windows.X.shape[1] == 512
    assert windows.fs == 128
    assert windows.meta["start"].max() == 60
    np.testing.assert_allclose(windows.X.std(), make_windows(cohort).X.std(), rtol=0.1)


def test_unusable_cohorts_are_refused_by_name(cohort):
    with pytest.raises(
        DataError, match=r"participant 1, clip 1, field baseline: .*22\.00 s.* short"
    ):
        make_windows(cohort, WindowConfig(length_s=30, conditions=("baseline", "stimulus")))
    with pytest.raises(
        DataError, match=r"field conditions: the cohort has no recording .*stimulus"
    ):
        make_windows(cohort.select(conditions=["baseline"]), WindowConfig(conditions=("stimulus",)))
    with pytest.raises(DataError, match=r"field leads: no lead has the number 3"):
        make_windows(cohort, WindowConfig(leads=(3,)))
    dead = {key: heart(61, 5) for key in [(1, 1, "stimulus"), (4, 1, "stimulus")]}
    dead[4, 1, "stimulus"][:, 1] = 2048.3
    make_windows(cohort_of(dead))
    with pytest.raises(DataError, match="participant 4, field lead 2: the samples do not vary"):
        make_windows(cohort_of(dead), WindowConfig(leads=(1, 2)))
    dead[4, 1, "stimulus"][:, 1] = 0
    with pytest.raises(DataError, match="participant 4, field lead 2: every sample is missing"):
        make_windows(cohort_of(dead), WindowConfig(leads=(2,)))


def test_flags_mark_their_windows_and_spare_the_neighbours():
    x = heart(100, 9)
    clean = make_windows(cohort_of({(1, 1, "stimulus"): x}))
    spoiled = x.copy()
    spoiled[25 * FS : 28 * FS] = 0  # window 2: dropout
    spoiled[45 * FS : 48 * FS] = 2100  # window 4: electrode off
    spoiled[65 * FS : 65 * FS + 20] = 4095  # window 6: at the rail
    windows = make_windows(cohort_of({(1, 1, "stimulus"): spoiled}))
    assert windows.meta["quality"].tolist() == (
        ["ok", "ok", "missing", "ok", "flat", "ok", "clipped", "ok", "ok", "ok"]
    )
    assert np.isfinite(windows.X).all()
    far = [0, 8, 9]  # beyond the reach of the filter
    scale = clean.X[far].std() / windows.X[far].std()
    np.testing.assert_allclose(windows.X[far] * scale, clean.X[far], atol=0.05)
    assert np.abs(windows.X[2, 5 * FS : 8 * FS]).max() < np.abs(windows.X[3]).max()


def test_a_long_dropout_leaves_the_statistics_alone():
    x = heart(200, 9)
    half = x.copy()
    half[: 100 * FS] = 0
    whole = make_windows(cohort_of({(1, 1, "stimulus"): x})).X[12:]
    rest = make_windows(cohort_of({(1, 1, "stimulus"): half}))
    assert rest.meta["quality"].tolist() == ["missing"] * 10 + ["ok"] * 10
    np.testing.assert_allclose(rest.X[12:].std(), whole.std(), rtol=0.02)


@pytest.mark.parametrize("fs", [100, 256, 360, 1000])
def test_gaps_in_a_brought_recording_do_not_spread(fs):
    x = heart(50, 3, fs)[:, 0]
    expected, _ = prepare(x, fs)
    x[23 * fs : 24 * fs] = np.nan
    x[7 * fs] = np.inf
    filtered, codes = prepare(x, fs)
    assert len(filtered) == len(codes) == 50 * FS
    assert np.isfinite(filtered).all()
    missing = np.flatnonzero(codes == MISSING) / FS
    assert ((np.abs(missing - 7) <= 0.01) | ((missing >= 22.99) & (missing <= 24.01))).all()
    assert len(missing) > FS
    np.testing.assert_allclose(filtered[35 * FS : 45 * FS], expected[35 * FS : 45 * FS], atol=5)


def test_a_brought_recording_goes_through_the_same_steps(cohort):
    only = cohort.select(participants=[2], clips=[1], conditions=["stimulus"])
    filtered, _ = prepare(only.signals[0][:, 0], FS)
    X, starts = cut(filtered, FS)
    meta = pd.DataFrame({"participant": 2, "lead": 1}, index=range(len(X)))
    scaler = ParticipantScaler().fit([filtered], meta[:1])
    windows = make_windows(only)
    np.testing.assert_allclose(scaler.transform(X, meta), windows.X, atol=1e-6)
    assert starts.tolist() == windows.meta["start"].tolist()


def real_cohort(x, fs):
    return cohort_of({(1, 1, "stimulus"): np.stack([x, -x], axis=1).astype(float)}, fs)


@pytest.mark.parametrize(("name", "n_windows"), [("Vp01", 61), ("Vp02", 47)])
def test_windows_of_a_person_at_256_hz(real_ecg_dir, name, n_windows):
    with np.load(real_ecg_dir / "biopsykit_mist" / f"ecg_sample_{name}.npz") as file:
        x, fs = file["ecg"], int(file["fs"])
    windows = make_windows(real_cohort(x, fs), WindowConfig(leads=(1, 2)))
    assert len(windows) == 2 * n_windows == 2 * (len(x) // 2560)
    assert (windows.meta["quality"] == "ok").all()
    first, second = windows.X[:n_windows], windows.X[n_windows:]
    # Turned over, the ranks that are kept differ by one.
    np.testing.assert_allclose(first, -second, rtol=1e-3, atol=1e-4)
    assert abs(first.mean()) < 0.01
    assert (first.std(axis=1) > 0.3).all()


def test_windows_of_a_patient_at_360_hz(real_ecg_dir):
    with np.load(real_ecg_dir / "mitbih" / "116_converted.npz") as file:
        x, fs = file["ecg"], int(file["fs"])
    windows = make_windows(real_cohort(x, fs))
    assert len(windows) == ceil(len(x) * 32 / 45) // 2560 == 180
    flags = windows.meta["quality"].value_counts()
    assert flags["clipped"] >= 1
    assert flags["ok"] > 150
    rails = np.flatnonzero((x == x.max()) | (x == x.min())) / fs
    clipped = windows.meta.loc[windows.meta["quality"] == "clipped", "start"]
    assert {start // 10 for start in clipped} <= {time // 10 for time in rails}


def test_windows_of_a_person_at_100_hz(real_ecg_dir):
    x = pd.read_csv(real_ecg_dir / "neurokit" / "bio_resting_5min_100hz.csv")["ECG"].to_numpy()
    windows = make_windows(real_cohort(x, 100))
    assert len(windows) == len(x) // 1000
    filtered = highpass(resample(x, 100, FS), FS)
    mean, sd = trimmed_stats(filtered)
    np.testing.assert_allclose(windows.X[3], (filtered[7680:10240] - mean) / sd, atol=1e-4)


@pytest.fixture(scope="module")
def windows(cohort):
    return make_windows(cohort, WindowConfig(leads=(1, 2)))


def test_the_windows_of_an_array_are_those_of_a_cohort_of_one():
    x = heart(61, 5)
    windows = windows_of(x, FS)
    both = make_windows(cohort_of({(1, 1, "stimulus"): x}), WindowConfig(leads=(1, 2)))
    np.testing.assert_array_equal(windows.X, both.X)
    columns = ["lead", "start", "quality"]
    pd.testing.assert_frame_equal(windows.meta[columns], both.meta[columns])
    assert set(windows.meta["condition"]) == {"recording"}
    alone = windows_of(x[:, 1].astype(int), FS, participant="anna")
    assert len(alone) == 6 and set(alone.meta["participant"]) == {"anna"}


def test_the_windows_of_a_recording():
    recording = Recording(heart(61, 5), 256, ("I", "II"), "adu", "mine")
    windows = windows_of(recording, config=WindowConfig(leads=("II",)))
    assert windows.cohort_name == "mine" and set(windows.meta["lead"]) == {2}
    np.testing.assert_array_equal(windows.X, windows_of(heart(61, 5)[:, 1], FS).X)
    with pytest.raises(DataError, match="300 Hz for a recording at 256 Hz"):
        windows_of(recording, 300)


@pytest.mark.parametrize("fs", [None, 0, 0.256, -256, np.nan, "fast"])
def test_a_rate_that_no_recorder_has_is_refused(fs):
    with pytest.raises(DataError, match="field fs"):
        windows_of(heart(61, 5), fs)
    if fs is not None:
        with pytest.raises(DataError, match="field fs"):
            prepare(heart(61, 5)[:, 0], fs)


def test_rows_of_leads_are_refused_with_what_to_do():
    with pytest.raises(DataError, match="transpose"):
        windows_of(heart(61, 5).T, FS)


def test_recordings_of_different_rates_share_one_grid():
    rows, signals = [], []
    for clip, fs in ((1, 200.0), (2, 256.0), (3, 1000.0)):
        signals.append(heart(50, 3, int(fs))[:, :1])
        n = len(signals[-1])
        rows.append(("p", clip, "rest", n, n / fs))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    mixed = Cohort("mine", (200.0, 256.0, 1000.0), table, tuple(signals), leads=("II",))
    windows = make_windows(mixed)
    assert windows.X.shape == (15, 2560)
    one, two, three = windows.X.reshape(3, -1)
    for other in (one, three):
        assert np.corrcoef(other, two)[0, 1] > 0.95


def test_a_lead_that_is_upside_down_is_turned_on_request():
    x = heart(61, 5)
    x[:, 1] = -x[:, 0]
    upright = windows_of(x, FS)
    turned = windows_of(x, FS, config=WindowConfig(leads=None, turn=True))
    one, two = turned.X.reshape(2, -1)
    np.testing.assert_array_equal(one, two)
    before, below = upright.X.reshape(2, -1)
    np.testing.assert_array_equal(before, one)
    np.testing.assert_allclose(below, -before, atol=0.05)  # the middle ranks are not symmetric


def test_windows_of_a_file_name_it_where_they_cannot_be_made():
    recording = Recording(np.ones(5000), 250, file="anna.csv", name="anna")
    with pytest.raises(DataError, match=r"anna.csv, field lead 1: the samples do not vary"):
        windows_of(recording)
    with pytest.raises(DataError, match=r"lead 1: every sample is missing.*leave out"):
        windows_of(np.zeros(5000), 250)
