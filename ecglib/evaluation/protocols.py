"""The vocabulary of all tables: protocols, regimes, models, and the columns that name a result.

Leave-one-subject-out (LOSO), as the field calls it, is the protocol "leave-one-participant-out".
"""

from __future__ import annotations

from ecglib.core.tables import NAME
from ecglib.data.cohort import DATASET

RANDOM = "random"
"""Pretext: none, the weights are random."""

STR = "STR"
"""Pretext: signal transformation recognition."""

CONTRASTIVE = "contrastive"
"""Pretext: views of one window are told from those of others."""

SUPERVISED = "supervised"
"""Pretext: the labels of other people."""

PRETEXTS = (RANDOM, STR, CONTRASTIVE, SUPERVISED)
"""What an encoder learnt before it met the labels of the fold; ``"random"`` is nothing.

STR is signal transformation recognition.
"""

MAJORITY = "majority"
"""The model that answers with the commoner class of the training windows: the baseline."""

PERSON_MAJORITY = "person majority"
"""The model that answers with the class that most windows of the same person have."""

FROZEN = "frozen"
"""Transfer: labels train the softmax layer alone."""

TUNED = "fine-tuned"
"""Transfer: labels train the whole network, from where the pretext left it."""

SCRATCH = "from scratch"
"""Transfer: labels train the whole network, from random weights."""

TRANSFERS = (FROZEN, TUNED, SCRATCH)
"""What the labels train: the softmax layer alone, or the whole network.

From scratch is the whole network from random weights, so it goes with the random pretext only.
"""

ENCODERS = ("plain", "batch norm")
"""The encoder without and with batch normalisation."""

CLASSES = (2, 5)
"""High against low, or the rating itself."""

ALL = "all"
"""As `labelled`: the labels of all training participants."""

STRICT = "strict"
"""Regime: the pretext saw nothing of the test side."""

SEEN = "pretext saw test windows"
"""Regime: the pretext saw the test windows."""

NONE = "none"
"""Regime: there is no pretext."""

SEEN_CLIPS = "pretext saw test clips"
"""Regime: the pretext saw other participants' windows of the test clip."""

FROM_TRAINING = "person's training windows"
"""Regime of `PERSON_MAJORITY`: the base rate is that of the person's training windows."""

ORACLE = "oracle: the tested person's ratings"
"""Regime of `PERSON_MAJORITY`: the base rate is that of the tested person's own ratings."""

TEST = "test"
"""The side of a fold that is predicted."""

STAGES = ("pretext", "normalisation", "validation", "head")
"""What learns from windows in a fold; `TEST` is the other side."""

KINDS = {
    "window": ["participant", "clip"],
    "trial": ["participant", "clip"],
    "participant": ["participant"],
    "clip": ["clip"],
    "dataset": [DATASET],
}
"""Kinds of leak, and the columns that name one."""

MAY_SHARE: dict[str, tuple[str, ...]] = {
    STRICT: (),
    SEEN_CLIPS: ("clip",),
    SEEN: tuple(KINDS),
    NONE: (),
}
"""What the pretext may share with the test side in each regime."""

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "window-kfold": ("window",),
    "window-kfold-gap": ("window",),
    "trial-grouped": ("window", "trial"),
    "within-participant": ("window", "trial"),
    "clip-grouped": ("window", "trial", "clip"),
    "participant-grouped": ("window", "trial", "participant"),
    "leave-one-participant-out": ("window", "trial", "participant"),
    "leave-one-participant-and-clip-out": ("window", "trial", "participant", "clip"),
    "leave-one-participant-out-within-dataset": ("window", "trial", "participant"),
    "leave-one-dataset-out": ("window", "trial", "participant", "dataset"),
}
"""What may not be on both sides of a fold, by protocol."""

ROW = {
    "protocol": "str",
    "model": "str",
    "regime": "str",
    "target": "str",
    "fold": "int64",
    "seed": "int64",
    "window": "int64",
    "participant": NAME,
    "clip": NAME,
}
"""Columns that every prediction has, whatever is predicted; `window` is the row of the metadata."""

COLUMNS = {**ROW, "probability": "float32", "truth": "int64"}
"""Columns of predicted classes: `probability` of class 1, and `truth`, 0 or 1."""

RATING_COLUMNS = {**ROW, "predicted": "float32", "truth": "int64"}
"""Columns of predicted ratings: `predicted`, a number from 1 to 5, and `truth`, the one given."""

KEY = ["protocol", "model", "regime", "target", "fold", "seed", "window"]
"""Columns that name a prediction."""

RESULT = ["protocol", "target", "model", "regime"]
"""Columns that name a result: what one row of a summary is about."""

ORIGIN = ["data", "profile"]
"""Columns that say what a table was made of: the label of the data and the name of the profile."""

CHOICE = ["pretext", "transfer", "encoder", "classes", "labelled", "seed"]
"""Columns that name a choice of the comparison."""
