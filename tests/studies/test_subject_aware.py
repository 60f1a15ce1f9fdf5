"""Subject-aware negatives of a study: the same training otherwise, nobody tested was seen."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

from ecglib.data.labels import TARGETS
from ecglib.pretext.contrastive import OTHERS, SAME
from ecglib.studies import pretraining, subject_aware
from ecglib.studies.study import Study
from ecglib.studies.subject_aware import (
    AREA,
    CHANCE,
    DRAWS,
    GROUP,
    OWN,
    RANDOM,
    RECOGNISED,
    VARIANTS,
    scores,
    variant,
)
from tests.studies.tiny import SPEC, TINY


@pytest.fixture(scope="module")
def tiny(study):
    """The tiny study with batches that hold two people's windows."""
    contrastive = study.profile.contrastive
    training = replace(contrastive.training, epochs=1, steps_per_epoch=1, batch_windows=4)
    profile = replace(TINY, contrastive=replace(contrastive, training=training))
    return Study(study.path, profile, study.folder, SPEC)


@pytest.fixture(scope="module")
def asked():
    return []


@pytest.fixture(scope="module")
def table(tiny, asked):
    train = subject_aware.pretrain

    def watched(X, config, encoder, **options):
        asked.append((len(X), config, options["seed"], set(options["participant"])))
        return train(X, config, encoder, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject_aware, "pretrain", watched)
        return scores(tiny)


def test_examples_in_docstrings():
    outcome = doctest.testmod(subject_aware)
    assert outcome.attempted and not outcome.failed


def test_only_the_negatives_differ(tiny):
    own = tiny.profile.contrastive
    assert variant(own, OWN) is own
    for name in (SAME, OTHERS):
        other = variant(own, name)
        assert (other.negatives, other.windows_per_participant) == (name, 2)
        assert replace(other, negatives=own.negatives, windows_per_participant=None) == own


def test_nobody_who_is_tested_was_seen(tiny, table, asked):
    tested = set(tiny.groups[GROUP].tolist())
    assert set(table["participant"]) == tested
    # One training per variant and draw, but for random weights and the study's own encoder.
    assert len(asked) == (len(VARIANTS) - 1) * len(DRAWS) - 1
    n_shown = (~pretraining.left_out(tiny, GROUP)).sum()
    assert all(n == n_shown and not seen & tested for n, _, _, seen in asked)
    assert {seed for *_, seed, _ in asked} == {0, len(tiny.groups)}


def test_every_variant_and_draw_is_measured_alike(tiny, table):
    n_tested = tiny.groups[GROUP].size
    for _, rows in table.groupby(["negatives", "draw"]):
        counts = rows.groupby("measure").size()
        assert counts[RECOGNISED] == counts[CHANCE] == n_tested
        assert counts[AREA] == n_tested * len(TARGETS)
    assert table["value"].dropna().between(0, 1).all()
    assert np.allclose(table.loc[table["measure"] == CHANCE, "value"], 1 / n_tested, atol=1e-5)
    drawn = table[table["negatives"] == RANDOM].groupby("draw")["value"].sum()
    assert drawn.nunique() == len(DRAWS)
