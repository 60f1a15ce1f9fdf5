"""Train the encoders that come with the package, on open recordings of real people.

The clinic's people are those of MIT-BIH, without record 208, which the book shows the encoder on.
Recognition is measured on the people of eegmat, another recorder and healthy hearts, of whom the
encoders see nothing. An interrupted training continues, and a finished one is not repeated.

On a graphics card, with KERAS_BACKEND=jax, an encoder takes two or three minutes with everything
around the training, whose own seconds are in its card. On two cores nobody has waited for it: at
the 111 views a second of benchmarks/results/step.json, 20 minutes are projected for the 134,400
views of the one and 23 for the 153,600 of the other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ecglib.core.folders import artifacts_folder
from ecglib.core.process import tune_process
from ecglib.data.cohort import Cohort
from ecglib.data.eegmat import read_eegmat
from ecglib.models.card import EncoderCard, TrainingData
from ecglib.models.embedding import SHIPPED
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import device
from ecglib.models.weights import save_encoder
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.pretrain import Clock, PretextConfigs, pretrain
from ecglib.pretext.str_model import PretextConfig
from ecglib.studies.real import LONG, SHOWN, clinic_cohort
from ecglib.workflows.embedding import preprocessing_of
from ecglib.workflows.pretraining import recognition_on

NAMES = ("str-clinic", "contrastive-clinic")
"""The encoders that ship: the pretext, and on whose recordings."""

VERSION = 2
"""Stands in the files' names; raise it when an encoder is trained in another way."""

SEED = 0

LICENCE = "ODC-By 1.0 (the recordings); BSD-3-Clause (the weights)"

ATTRIBUTION = (
    "MIT-BIH Arrhythmia Database 1.0.0, PhysioNet, doi:10.13026/C2F305; "
    "Moody and Mark 2001, IEEE Eng. Med. Biol. 20(3):45-50."
)

LIMITS = (
    "Features for research. It is no medical device and recognises no disease. It was trained on "
    "one lead, mostly MLII, of people with and without arrhythmia; nobody has shown that emotions "
    "can be read from its features."
)


def settings(pretext: str) -> PretextConfigs:
    """Give the settings of a pretext: the longer ones of the study of real hearts."""
    return LONG.pretext if pretext == "str" else LONG.contrastive


def train(name: str, pretext: str, cohort: Cohort, unseen: Windows) -> None:
    """Train one encoder and write it with its card."""
    config, encoder = settings(pretext), EncoderConfig(batch_norm=True, convolution="spectral")
    made = WindowConfig()
    windows = make_windows(cohort, made)
    usable = windows.usable
    folder = artifacts_folder() / "runs" / f"{name}-v{VERSION}"
    clock = Clock()
    trained = pretrain(
        usable, config, encoder, seed=SEED, folder=folder, callbacks=[clock], label=name
    )
    training = config.training
    has_heads = isinstance(config, PretextConfig)
    versions = 7 if has_heads else 2
    views = training.epochs * training.steps_per_epoch * training.batch_windows * versions
    who = unseen.meta["participant"]
    # Heads that are not there are fitted on every second of those people.
    others = who.isin(who.unique()[::2])
    tested = np.full(len(who), True) if has_heads else ~others
    told = f"{who[tested].nunique()} people of eegmat, whom the encoder has not seen"
    scores = recognition_on(trained, unseen.X[others], unseen.X[tested], told)
    people = cohort.recordings["participant"].nunique()
    card = EncoderCard(
        name=f"{name}-v{VERSION}",
        pretext="STR" if pretext == "str" else "contrastive",
        data=TrainingData(
            cohort.name,
            people,
            cohort.sha256 or None,
            f"{len(usable)} usable of {len(windows)} windows of 10 s, without record {SHOWN}",
        ),
        licence=LICENCE,
        attribution=ATTRIBUTION,
        preprocessing=preprocessing_of(made),
        training={
            "views": views,
            "epochs": training.epochs,
            "batch_windows": training.batch_windows,
            "learning_rate": training.learning_rate,
            "seed": SEED,
            "seconds": round(clock.seconds),
            "device": device(),
        },
        recognition=scores,
        limits=LIMITS,
    )
    save_encoder(SHIPPED / f"{name}-v{VERSION}.npz", trained.encoder, encoder, card)
    print(card.to_markdown())


def main() -> None:
    """Train the encoders named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(NAMES)}; all by default")
    parser.add_argument("--mitbih", type=Path, nargs="+", required=True, help="folders of mitdb")
    parser.add_argument("--eegmat", type=Path, required=True, help="folder of eegmat")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"no encoder {', '.join(sorted(unknown))}")
    tune_process(None)
    clinic = clinic_cohort(given.mitbih)
    unseen = make_windows(read_eegmat(given.eegmat)).usable
    for name in given.names or NAMES:
        train(name, name.partition("-")[0], clinic, unseen)


if __name__ == "__main__":
    main()
