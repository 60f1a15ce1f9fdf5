"""A card for encoders that tests make."""

from ecglib.models.card import EncoderCard, Preprocessing, Recognition, TrainingData


def make_card(n_samples=640, **changes):
    values = {
        "name": "tiny",
        "pretext": "STR",
        "data": TrainingData("synthetic", people=5, sha256="0a" * 32, description="Lead 1."),
        "licence": "BSD-3-Clause",
        "attribution": "Nobody",
        "preprocessing": Preprocessing(256.0, n_samples / 256, 0.8, "z-score per person"),
        "training": {"epochs": 3, "seed": 1, "views": {"noise": [15.0, True, None]}},
        "recognition": Recognition({"noise": 0.9, "permutation": 1.0}, "two people left out"),
        "limits": "It reads no emotions.",
    }
    return EncoderCard(**{**values, **changes})
