"""One vocabulary: what tables, splitters, audit and files call things."""

from ecglib.evaluation import leave_out, splits
from ecglib.evaluation.protocols import (
    CHOICE,
    COLUMNS,
    FORBIDDEN,
    KEY,
    KINDS,
    MAY_SHARE,
    NONE,
    PRETEXTS,
    RANDOM,
    RATING_COLUMNS,
    RESULT,
    ROW,
    SCRATCH,
    SEEN,
    SEEN_CLIPS,
    STAGES,
    STRICT,
    TEST,
    TRANSFERS,
)


def splitters(kind: type = splits.Splitter) -> list[type]:
    """All kinds of splitters of the library that name a protocol."""
    below = [found for sub in kind.__subclasses__() for found in splitters(sub)]
    own = (
        [kind] if kind.protocol and kind.__module__ in (splits.__name__, leave_out.__name__) else []
    )
    return own + below


def test_every_splitters_protocol_is_known_and_has_a_name_of_its_own() -> None:
    protocols = [kind.protocol for kind in splitters()]
    assert len(protocols) == 10
    assert sorted(protocols) == sorted(FORBIDDEN)


def test_a_protocol_forbids_what_its_splitter_keeps_apart() -> None:
    for kind in splitters():
        kept_apart = {
            k for k, columns in KINDS.items() if k != "window" and kind.columns == tuple(columns)
        }
        assert kept_apart <= set(FORBIDDEN[kind.protocol]), kind
        assert FORBIDDEN[kind.protocol][0] == "window"
        assert set(FORBIDDEN[kind.protocol]) <= set(KINDS)


def test_every_regime_says_what_the_pretext_may_share() -> None:
    assert set(MAY_SHARE) == {STRICT, SEEN_CLIPS, SEEN, NONE}
    assert MAY_SHARE[STRICT] == MAY_SHARE[NONE] == ()
    assert set(MAY_SHARE[SEEN]) == set(KINDS)
    assert MAY_SHARE[SEEN_CLIPS] == ("clip",)
    assert TEST not in STAGES


def test_every_prediction_has_the_columns_that_name_it() -> None:
    assert set(KEY) <= set(ROW) and set(RESULT) <= set(KEY)
    assert list(COLUMNS) == [*ROW, "probability", "truth"]
    assert list(RATING_COLUMNS) == [*ROW, "predicted", "truth"]
    assert {"participant", "clip", "window", "fold", "seed"} <= set(ROW)


def test_a_choice_is_made_of_known_names() -> None:
    assert len(set(PRETEXTS)) == 4 and PRETEXTS[0] == RANDOM
    assert SCRATCH in TRANSFERS and len(set(CHOICE)) == len(CHOICE) == 6
