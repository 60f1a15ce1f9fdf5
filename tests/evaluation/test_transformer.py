import pickle
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from ecglib.core.errors import DataError
from ecglib.evaluation.transformer import ECGEncoder, cover, prepare_rows
from ecglib.models.embedding import embed
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.weights import save_encoder
from ecglib.preprocessing.filters import highpass, resample
from tests.models.cards import make_card
from tests.real import shared_data

TINY = EncoderConfig(filters=(4, 8), kernels=(8, 4))
LENGTH = 256


@pytest.fixture(scope="module")
def encoder():
    return build_encoder(TINY, LENGTH, seed=1)


@pytest.fixture(scope="module")
def path(encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.npz"
    save_encoder(path, encoder, TINY, make_card(LENGTH))
    return path


def windows(n, length=LENGTH):
    return np.random.default_rng(0).normal(size=(n, length)).astype("float32")


@pytest.mark.filterwarnings("ignore")  # the checks' rows have a few samples
def test_it_passes_all_checks_of_scikit_learn(path):
    results = check_estimator(ECGEncoder(path), on_fail=None)
    odd = {r["check_name"]: str(r["exception"]) for r in results if r["status"] != "passed"}
    # The one that is skipped is about arrays of other libraries, which SciPy takes only if told so.
    assert odd == {
        "check_array_api_input": "SCIPY_ARRAY_API is not set: not checking array_api input"
    }
    assert Counter(r["status"] for r in results) == {"passed": 46, "skipped": 1}


@pytest.mark.parametrize("wrong", [{"encoder": -1}, {"fs": "256"}, {"fs": 0}])
def test_settings_are_checked_when_it_is_fitted(path, wrong):
    made = ECGEncoder(**{"encoder": path, **wrong})
    with pytest.raises(DataError, match="field encoder" if "encoder" in wrong else "field fs"):
        made.fit(windows(2))


def test_windows_become_the_features_of_the_encoder(encoder, path):
    X = windows(5)
    for given in (encoder, path, str(path)):
        features = ECGEncoder(given).fit_transform(X)
        assert features.dtype == np.float32
        np.testing.assert_array_equal(features, embed(X, encoder))


def test_features_have_names(path):
    X = pd.DataFrame(windows(3), columns=[f"sample {i}" for i in range(LENGTH)])
    transformer = ECGEncoder(path).set_output(transform="pandas").fit(X)
    names = [f"ecgencoder{i}" for i in range(8)]
    assert transformer.get_feature_names_out().tolist() == names
    assert transformer.transform(X).columns.tolist() == names
    assert transformer.n_features_in_ == LENGTH


def test_copies_and_pickles_give_the_same_features(encoder, path):
    X = windows(3)
    for given in (encoder, path):
        fitted = ECGEncoder(given).fit(X)
        expected = fitted.transform(X)
        with pytest.raises(NotFittedError):
            clone(fitted).transform(X)
        for twin in (clone(fitted).fit(X), pickle.loads(pickle.dumps(fitted))):
            assert twin.get_params().keys() == {"encoder", "fs"}
            np.testing.assert_array_equal(twin.transform(X), expected)


def test_people_are_held_out_in_a_pipeline_on_two_processes(path):
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(4), 6)
    loud = np.arange(24) % 2 == 0
    X = windows(24) * np.where(loud, 2, 0.5)[:, None]
    pipeline = make_pipeline(ECGEncoder(path), StandardScaler(), LogisticRegression())
    order = rng.permutation(24)
    predicted = cross_val_predict(
        pipeline, X[order], loud[order], groups=person[order], cv=GroupKFold(4), n_jobs=2
    )
    assert (predicted == loud[order]).all()


def test_raw_rows_are_prepared_each_by_itself(encoder, path):
    t = np.arange(5 * 360) / 360
    raw = 300 + 40 * t + np.array([[1], [50]]) * np.sin(2 * np.pi * 7 * t)
    expected = embed(cover(prepare_rows(raw, 360), LENGTH), encoder).reshape(2, 5, 8).mean(axis=1)
    features = ECGEncoder(path, fs=360).fit_transform(raw)
    np.testing.assert_allclose(features, expected, rtol=1e-5)
    # Offset, drift and amplitude are gone.
    np.testing.assert_allclose(features[0], features[1], rtol=0.05)


def test_prepared_rows_are_filtered_as_recordings_are():
    raw = np.random.default_rng(0).normal(size=(2, 1500))
    rows = prepare_rows(raw, 500)
    assert rows.shape == (2, 768) and rows.dtype == np.float32
    for x, row in zip(raw, rows, strict=True):
        filtered = highpass(resample(x, 500, 256), 256, 0.8)
        assert np.corrcoef(filtered, row)[0, 1] > 1 - 1e-6
        assert abs(row.mean()) < 1e-6
        assert np.sort(row)[19:748].std() == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(prepare_rows(raw[1:], 500), rows[1:], rtol=1e-5)


def test_rows_that_cannot_be_prepared_are_named(path):
    raw = np.random.default_rng(0).normal(size=(3, 1000))
    raw[1] = 7.0
    with pytest.raises(DataError, match="row 1 does not vary"):
        ECGEncoder(path, fs=256).fit(raw).transform(raw)
    with pytest.raises(DataError, match=r"too short for a 0\.8 Hz high-pass"):
        ECGEncoder(path, fs=256).fit_transform(raw[:, :300])


def test_long_rows_are_covered_and_averaged_and_short_ones_filled_up(encoder):
    X = windows(2, 600)
    starts = (0, 172, 344)
    pieces = np.stack([embed(X[:, s : s + LENGTH], encoder) for s in starts])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        features = ECGEncoder(encoder).fit_transform(X)
    np.testing.assert_allclose(features, pieces.mean(axis=0), rtol=1e-5)
    with pytest.warns(UserWarning, match="rows of 128 samples are filled up .* give it as fs"):
        short = ECGEncoder(encoder).fit_transform(X[:, :128])
    padded = np.pad(X[:, :128], [(0, 0), (0, 128)])
    np.testing.assert_array_equal(short, embed(padded, encoder))


@pytest.mark.parametrize(("n", "length"), [(10, 10), (11, 10), (20, 10), (29, 10), (3, 10)])
def test_covering_uses_every_sample_and_as_few_windows_as_it_can(n, length):
    rows = 1 + np.arange(2 * n).reshape(2, n)
    found = cover(rows, length).reshape(2, -1, length)
    assert found.shape[1] == -(-n // length)
    for row, pieces in zip(rows, found, strict=True):
        assert set(row.tolist()) == set(pieces.ravel().tolist()) - {0}


def test_real_rows_of_another_rate(path):
    with np.load(shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")) as records:
        record = records[sorted(records.files)[0]]
    rows = record[: 30 * 3600].reshape(30, 3600)  # 10 s at 360 Hz
    features = ECGEncoder(path, fs=360).fit_transform(rows)
    assert features.shape == (30, 8) and np.isfinite(features).all()
    assert (features.std(axis=0) > 0).any()
