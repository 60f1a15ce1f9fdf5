"""Splitters and regimes by name."""

import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.protocols import SEEN, STRICT
from ecglib.workflows.choices import regime_of, splitter_named

ENCODER = {"name": "e", "sha256": "0" * 64, "data": "theirs"}


def test_folds_are_as_many_as_there_can_be(table):
    for split, n in (("clip-grouped", 6), ("participant-grouped", 5), ("within-participant", 5)):
        assert splitter_named(split, table.meta).n_splits == n


def test_what_an_encoder_saw_is_said_or_asked_for():
    of_others = {"data": "mine", "encoder": ENCODER}
    of_same = {"data": "theirs", "encoder": ENCODER}
    told = []
    assert regime_of(of_same, tell=told.append) == SEEN and "theirs" in told[0]
    assert regime_of(of_others, not_seen=True) == STRICT
    assert regime_of(of_others, SEEN) == SEEN
    assert regime_of(of_same, STRICT) == STRICT
    for about, given, message in (
        (of_others, {}, "say --not-seen if none"),
        (of_same, {"not_seen": True}, "learnt from 'theirs', as the data"),
        (of_others, {"regime": "none"}, "the encoder 'e' made the features"),
        (of_others, {"regime": SEEN, "not_seen": True}, "and nobody was seen"),
        ({}, {}, "--regime none"),
        (of_others, {"regime": "maybe"}, "regime 'maybe'"),
    ):
        with pytest.raises(DataError, match=message):
            regime_of(about, **given)
