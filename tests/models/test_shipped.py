"""The encoders that come with the package: whole, small, and with cards that say what they are."""

import numpy as np
import pytest

import ecglib as ecg
from ecglib.models.embedding import DEFAULT, encoder_file, encoders, find_encoder

LARGEST = 3_000_000  # bytes


def test_the_default_is_among_them():
    assert DEFAULT in encoders()


@pytest.mark.parametrize("name", encoders())
def test_each_has_a_card_that_fits_it(name):
    assert encoder_file(name).stat().st_size <= LARGEST
    encoder, card = find_encoder(name)
    assert card.name == name and card.pretext in ("STR", "contrastive")
    assert card.data.people > 40 and len(card.data.sha256) == 64
    assert "ODC-By" in card.licence and "PhysioNet" in card.attribution
    assert "208" in card.data.description and card.training["views"] > 100_000
    assert card.preprocessing.n_samples == encoder.input_shape[1]
    assert "no medical device" in card.limits
    assert card.to_markdown().startswith("#")


@pytest.mark.parametrize("name", encoders())
def test_features_differ_between_hearts_and_are_finite(name):
    t = np.arange(256 * 30) / 256
    slow, fast = (
        np.exp(-0.5 * ((t % rr - 0.3) / 0.012) ** 2)
        + 0.2 * np.exp(-0.5 * ((t % rr - 0.52) / 0.03) ** 2)
        for rr in (1.1, 0.6)
    )
    features = [ecg.embed(ecg.windows_of(x, 256, unit="mV"), name) for x in (slow, fast)]
    assert all(f.shape == (3, 128) and np.isfinite(f).all() for f in features)
    between = np.linalg.norm(features[0].mean(axis=0) - features[1].mean(axis=0))
    assert between > np.median([np.linalg.norm(f - f.mean(axis=0), axis=1) for f in features])
