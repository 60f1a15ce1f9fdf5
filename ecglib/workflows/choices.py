"""What can be chosen by name: the splitter of a protocol, and the regime of features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.leave_out import (
    LeaveOneDatasetOut,
    LeaveOneParticipantAndClipOut,
    LeaveOneParticipantOut,
    LeaveOneParticipantOutWithinDataset,
    WithinParticipantKFold,
)
from ecglib.evaluation.protocols import MAY_SHARE, NONE, SEEN, STRICT
from ecglib.evaluation.splits import (
    ClipGroupedKFold,
    ParticipantGroupedKFold,
    Splitter,
    TrialGroupedKFold,
    WindowKFold,
    WindowKFoldWithGap,
)
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.workflows.sources import say_nothing

SPLITTERS: Mapping[str, type[Splitter]] = {
    splitter.protocol: splitter
    for splitter in (
        WindowKFold,
        WindowKFoldWithGap,
        TrialGroupedKFold,
        WithinParticipantKFold,
        ClipGroupedKFold,
        ParticipantGroupedKFold,
        LeaveOneParticipantOut,
        LeaveOneParticipantAndClipOut,
        LeaveOneParticipantOutWithinDataset,
        LeaveOneDatasetOut,
    )
}
"""Splitters by the names of their protocols, from loose to strict."""


@checked
def splitter_named(
    protocol: str,
    meta: pd.DataFrame,
    n_splits: int | None = None,
    seed: int = 0,
    length_s: float = WindowConfig.length_s,
) -> Splitter:
    """Make the splitter of a protocol.

    Parameters
    ----------
    protocol : str
        One of `SPLITTERS`.
    meta : DataFrame
        One row per window.
    n_splits : int, optional
        Number of folds; by default the usual 10, or 5 within a participant, and fewer where there
        are fewer groups. Refused where each group is a fold.
    seed : int
        Seed of the folds.
    length_s : float
        Length of a window in seconds.

    Returns
    -------
    Splitter

    Raises
    ------
    DataError
        If the protocol is unknown, or has no number of folds to be chosen.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 3], "clip": [1, 2, 1, 1]})
    >>> splitter_named("participant-grouped", meta).n_splits
    3
    """
    if protocol not in SPLITTERS:
        raise DataError(
            f"no splitter is called {protocol!r}", field="split", expected=", ".join(SPLITTERS)
        )
    kind = SPLITTERS[protocol]
    if protocol.startswith("leave-one"):
        if n_splits is not None:
            raise DataError(
                f"{n_splits} folds of {protocol}",
                field="folds",
                expected="no number: everyone is left out once",
            )
        return kind()
    if n_splits is None:
        if kind is WithinParticipantKFold:
            trials = meta[["participant", "clip"]].drop_duplicates()
            n_splits = min(5, trials.groupby("participant").size().min())
        else:
            groups = meta[list(kind.columns)].drop_duplicates() if kind.columns else meta
            n_splits = min(10, len(groups))
    more = {"length_s": length_s} if kind is WindowKFoldWithGap else {}
    return kind(n_splits=n_splits, seed=seed, **more)


@checked
def regime_of(
    about: Mapping[str, Any],
    regime: str | None = None,
    *,
    not_seen: bool = False,
    tell: Callable[[str], object] = say_nothing,
) -> str:
    """Say what the encoder of features saw of those who are tested, or ask.

    Features that were not learnt have the regime "none". Of an encoder that learnt from data of the
    same name it is taken to have seen every window. Of any other encoder the file cannot tell.

    Parameters
    ----------
    about : mapping
        What a `FeatureTable` says of itself.
    regime : str, optional
        What the caller says.
    not_seen : bool
        The caller says that nobody tested is among those whom the encoder learnt from.
    tell : callable
        Is given a line where the regime is taken from names.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If it is not known, or what is said contradicts what the features say of themselves.

    Examples
    --------
    >>> regime_of({"data": "mine", "encoder": {"name": "e", "data": "theirs"}}, not_seen=True)
    'strict'
    """
    choices = ", ".join(map(repr, MAY_SHARE))
    if regime is not None and regime not in MAY_SHARE:
        raise DataError(f"regime {regime!r}", field="regime", expected=choices)
    if not_seen and regime not in (None, STRICT):
        raise DataError(
            f"regime {regime!r}, and nobody was seen", field="regime", expected=repr(STRICT)
        )
    if "encoder" not in about:
        if regime or not_seen:
            return regime or STRICT
        raise DataError(
            "the features do not say whether an encoder made them, and what it had seen",
            field="regime",
            expected=choices,
            remedy=f"say it: --regime {NONE} if no encoder made them",
        )
    encoder = about["encoder"]
    if encoder is None:
        if regime not in (None, NONE) or not_seen:
            raise DataError(
                f"regime {regime or STRICT!r} of features that no encoder made",
                field="regime",
                expected=repr(NONE),
            )
        return NONE
    if regime == NONE:
        raise DataError(
            f"regime {NONE!r}, and the encoder {encoder['name']!r} made the features",
            field="regime",
            expected="what it saw of those tested",
        )
    same = encoder.get("data") == about.get("data")
    if same and not_seen and regime is None:
        raise DataError(
            f"the encoder {encoder['name']!r} learnt from {encoder['data']!r}, as the data are "
            "called that it is tested on",
            field="regime",
            expected=f"{SEEN!r}",
            remedy=f"if they are other people under one name, say so: --regime {STRICT}",
        )
    if regime or not_seen:
        return regime or STRICT
    if same:
        tell(f"regime: {SEEN}, because the encoder learnt from {encoder['data']!r} itself")
        return SEEN
    raise DataError(
        f"the encoder {encoder['name']!r} learnt from {encoder.get('data')!r}; whether people of "
        f"{about.get('data')!r} are among them, no file can tell",
        field="regime",
        expected=", ".join(repr(name) for name in MAY_SHARE if name != NONE),
        remedy="say --not-seen if none of them is, else --regime with what it saw",
    )
