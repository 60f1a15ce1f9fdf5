"""TensorFlow and JAX take the same training step from the same weights and the same versions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("jax", reason="the other backend is not installed")
pytest.importorskip("tensorflow", reason="the first backend is not installed")

WORKER = Path(__file__).with_name("backend_worker.py")
BACKENDS = ("tensorflow", "jax")


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backends")
    started = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(folder / f"{backend}.npz")],
            env=os.environ
            | {
                "KERAS_BACKEND": backend,
                "JAX_PLATFORMS": "cpu",
                "PYTHONPATH": str(WORKER.parents[2]),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for backend in BACKENDS
    ]
    for process in started:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    found = [dict(np.load(folder / f"{backend}.npz")) for backend in BACKENDS]
    assert tuple(str(f.pop("backend")) for f in found) == BACKENDS
    return found


@pytest.mark.parametrize("pretext", ["recognition", "contrastive"])
def test_same_loss_and_gradients(steps, pretext):
    ours, theirs = steps
    keys = [key for key in ours if key.startswith(f"{pretext}/")]
    gradients = [key for key in keys if "/gradient/" in key]
    assert len(gradients) > 20 and f"{pretext}/loss" in keys
    assert ours[f"{pretext}/loss"] == pytest.approx(theirs[f"{pretext}/loss"], rel=1e-4)
    largest = max(np.abs(ours[key]).max() for key in gradients)
    assert largest > 1e-3
    for key in gradients:
        np.testing.assert_allclose(ours[key], theirs[key], atol=1e-4 * largest, err_msg=key)


@pytest.mark.parametrize("pretext", ["recognition", "contrastive"])
def test_same_running_statistics(steps, pretext):
    ours, theirs = steps
    keys = [key for key in ours if key.startswith(f"{pretext}/state/")]
    assert len(keys) == 12
    for key in keys:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", ["permuted", "warped"])
def test_same_transformations_from_the_same_draws(steps, name):
    np.testing.assert_allclose(steps[0][name], steps[1][name], atol=1e-5)


def test_normal_numbers_are_gaussian_on_both(steps):
    for found in steps:
        z = found["normal"].astype("float64")
        assert z.shape == (200, 1001) and np.unique(z).size > 60_000
        assert stats.kstest(z.ravel(), "norm").pvalue > 0.01


def test_same_spectral_convolution(steps):
    ours, theirs = (found["spectral"] for found in steps)
    assert np.abs(theirs).max() > 1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
