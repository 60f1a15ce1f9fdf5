"""An audit of results: what of the test side of a fold reached its training side, if anything.

A fold has one test side and several stages that learn: the pretext, normalisation, validation and
the head. A `Use` says which windows a stage learnt from in a fold. `find_leaks` compares every
stage with the test windows and lists what is on both sides although the protocol forbids it.
`check_predictions` holds finished predictions against the folds and the labels that they claim,
and `audit_predictions` does both for whole results.

Two windows of one recording that overlap in time hold the same heart beats, so an overlap counts
as the window itself, under every protocol. The two leads are recorded at the same time: windows of
different leads overlap too.

**Normalisation.** A statistic that is fitted per participant is applied to that participant only,
so it never mixes participants. It leaks if it carries test signal into training windows, and only
then. Where the test participant has no training windows, as in the protocols by participant, it
cannot: a new user's own signal scales a new user's windows, without ratings. Where test and
training windows share a participant, one mean and one standard deviation come from both, and the
audit lists them. They hold no rating, and the released code shares them too; say so beside the
result, or fit the statistics in each fold. Leaving out a participant and a clip does not keep that
clip from the statistics of the other participants who watched it: the audit lists that as well.

The audit believes what it is told of each stage. It cannot see a stage that is not declared, nor a
reader that opens other files than it was asked for: `ecglib.evaluation.copies` compares the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.data.targets import TARGETS, Target, binary_targets, question_name
from ecglib.evaluation.protocols import COLUMNS, FORBIDDEN, KINDS, MAY_SHARE, NONE, STAGES, TEST
from ecglib.evaluation.splits import Fold, Splitter
from ecglib.preprocessing.segmentation import WindowConfig

LEAK_COLUMNS = ("fold", "stage", "kind", "participant", "clip", "window", "n_windows")
"""Columns of leaks; a participant or clip is missing where the kind has none."""

JUDGED = ["protocol", "model", "regime"]
"""Columns that name what one audit judges as a whole."""


@dataclass(frozen=True)
class Use:
    """The windows that one stage of one fold used.

    Parameters
    ----------
    fold : int
        Number of the fold.
    stage : str
        One of `STAGES`, or `TEST` for the windows that the fold predicts.
    windows : ndarray of int, shape (n_used,)
        Rows of the metadata frame; empty if the stage learnt from other people altogether.
    per : str, optional
        A column, usually "participant": the stage fitted one statistic for each of its values and
        applied it to windows of that value only.

    Examples
    --------
    >>> use = Use(0, "normalisation", np.array([0, 1, 2]), per="participant")
    >>> use.stage, use.windows.size
    ('normalisation', 3)
    """

    fold: int
    stage: str
    windows: np.ndarray
    per: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@checked
def find_leaks(
    meta: pd.DataFrame,
    uses: Iterable[Use],
    protocol: str,
    regime: str,
    *,
    gap_s: float = 0.0,
    length_s: float = WindowConfig.length_s,
) -> pd.DataFrame:
    """List what is on both sides of a fold although the protocol and the regime forbid it.

    Parameters
    ----------
    meta : DataFrame
        One row per window: participant, clip, start (s), condition if there are several, and
        dataset if the protocol keeps datasets apart.
    uses : iterable of Use
        For every fold its test windows, its head and, unless the regime is "none", its pretext;
        validation and normalisation where there are any.
    protocol : str
        A key of `FORBIDDEN`.
    regime : str
        A key of `MAY_SHARE`.
    gap_s : float
        Unused signal in seconds that the protocol promises around test windows; a window within
        it counts as a leak of kind "window".
    length_s : float
        Length of a window in seconds.

    Returns
    -------
    DataFrame
        Empty if nothing leaks; else one row per fold, stage, kind and thing shared: fold, stage,
        kind (a key of `KINDS`), participant and clip (missing where the kind has none), window
        (the first one at fault) and n_windows (how many are).

    Raises
    ------
    DataError
        If the audit cannot judge: a protocol, regime or stage is unknown, a column is missing, a
        window is not a row of `meta`, or a fold does not say what a stage used.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2], "start": 0.0})
    >>> uses = [Use(0, "test", np.array([0, 1])), Use(0, "head", np.array([1, 2, 3]))]
    >>> leaks = find_leaks(meta, uses, "participant-grouped", "none")
    >>> print(leaks.to_string(index=False))
     fold stage        kind  participant  clip  window  n_windows
        0  head      window            1     2       1          1
        0  head       trial            1     2       1          1
        0  head participant            1  <NA>       1          1
    """
    _known("protocol", protocol, FORBIDDEN)
    _known("regime", regime, MAY_SHARE)
    needed = [column for kind in FORBIDDEN[protocol] for column in KINDS[kind]]
    for column in dict.fromkeys(["participant", "clip", "start", *needed]):
        if column not in meta.columns or meta[column].isna().any():
            raise DataError("the metadata frame lacks values of this column", field=column)
    own_uses: dict[int, list[Use]] = {}
    for use in uses:
        checks.of_type("uses", use, Use)
        _check_use(use, meta)
        own_uses.setdefault(use.fold, []).append(use)
    if not own_uses:
        raise DataError("nothing to audit", field="uses", expected="the uses of at least one fold")
    at = _Places(meta, length_s + gap_s)
    forbidden = dict.fromkeys(STAGES, FORBIDDEN[protocol])
    forbidden["pretext"] = [k for k in FORBIDDEN[protocol] if k not in MAY_SHARE[regime]]
    learning = [stage for stage in STAGES if stage != "normalisation" and forbidden[stage]]
    found = []
    for fold, own in sorted(own_uses.items()):
        _need_evidence(fold, own, regime)
        test, learnt = _windows_of(own, TEST), _windows_of(own, *learning)
        for use in own:
            if use.stage == TEST:
                continue
            windows = np.unique(use.windows)
            if use.per is not None:
                value = meta[use.per].to_numpy()
                windows = windows[np.isin(value[windows], value[learnt])]
            for kind in forbidden[use.stage]:
                shared = windows[at.shared(kind, windows, test)]
                found.append((fold, use.stage, kind, shared))
    return _leak_table(meta, found)


@checked
def raise_on_leak(leaks: pd.DataFrame) -> None:
    """Refuse a result that leaks.

    Parameters
    ----------
    leaks : DataFrame
        What `find_leaks` or `audit_predictions` gave.

    Raises
    ------
    DataError
        If there is a row; names the first one's fold, stage, kind, participant and clip.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2], "clip": [1, 2, 1], "start": 0.0})
    >>> uses = [Use(0, "test", np.array([0])), Use(0, "head", np.array([1, 2]))]
    >>> raise_on_leak(find_leaks(meta, uses, "participant-grouped", "none"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 1: fold 0: the head used 1 windows of ...
    """
    if leaks.empty:
        return
    leak = leaks.iloc[0]
    result = "".join(f"{leak[column]}, " for column in JUDGED if column in leaks)
    raise DataError(
        f"{result}fold {leak['fold']}: the {leak['stage']} used {leak['n_windows']} windows of a "
        f"tested {leak['kind']}, the first is window {leak['window']} "
        f"({len(leaks)} leaks in all)",
        participant=None if pd.isna(leak["participant"]) else leak["participant"],
        clip=None if pd.isna(leak["clip"]) else leak["clip"],
        expected=f"no {leak['kind']} on both sides of a fold",
        remedy="leave these windows out of that stage",
    )


@checked
def check_predictions(
    predictions: pd.DataFrame,
    meta: pd.DataFrame,
    folds: Mapping[str, Sequence[Fold]],
    targets: Sequence[str | Target] = TARGETS,
) -> None:
    """Hold predictions against the metadata frame, the labels and the folds.

    Parameters
    ----------
    predictions : DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`.
    meta : DataFrame
        One row per window, with the ratings.
    folds : mapping of str to sequence of (train, test)
        Folds of each protocol.
    targets : sequence of str or Target
        What the predictions may be about.

    Raises
    ------
    DataError
        If a row names another participant, clip or truth than the metadata frame has for its
        window; if a window is predicted twice, or in a fold that does not test it; or if a test
        window has no prediction.

    Examples
    --------
    >>> from ecglib.evaluation.crossval import majority_predictions
    >>> from ecglib.evaluation.leave_out import LeaveOneParticipantOut
    >>> meta = pd.DataFrame(
    ...     {"participant": [1, 1, 2, 2, 3, 3], "clip": [1, 2] * 3, "valence": [1, 5] * 3}
    ... )
    >>> splitter = LeaveOneParticipantOut()
    >>> rows = majority_predictions(meta, splitter, ["valence"])
    >>> folds = {splitter.protocol: list(splitter.split(meta))}
    >>> check_predictions(rows, meta, folds, ["valence"])
    >>> check_predictions(rows.assign(truth=1), meta, folds, ["valence"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 1, clip 1, field truth: ...
    """
    for column in COLUMNS:
        if column not in predictions:
            raise DataError("the predictions lack this column", field=column)
    if predictions.empty:
        raise DataError("there are no predictions", field="predictions")
    n_windows = len(meta)
    in_frame = predictions["window"].between(0, n_windows - 1)
    _refuse(predictions, ~in_frame, "window", f"one of the {n_windows} rows of the frame")
    window = predictions["window"].to_numpy()
    probability = predictions["probability"]
    _refuse(predictions, ~probability.between(0, 1), "probability", "a number from 0 to 1")
    asked = {question_name(target): target for target in binary_targets(targets)}
    for name in predictions["target"].unique():
        _known("target", name, asked)
    names = sorted(predictions["target"].unique())
    labels = label_matrix(meta, [asked[name] for name in names])
    code = np.searchsorted(names, predictions["target"])
    right = {
        "participant": meta["participant"].to_numpy()[window],
        "clip": meta["clip"].to_numpy()[window],
        "truth": labels[window, code],
    }
    for column, value in right.items():
        wrong = predictions[column].to_numpy() != value
        _refuse(predictions, wrong, column, "what the metadata frame has for that window")

    for key, rows in predictions.groupby([*JUDGED, "target", "seed"], sort=False):
        _known("protocol", key[0], folds)
        tested = np.concatenate([i * n_windows + test for i, (_, test) in enumerate(folds[key[0]])])
        predicted = rows["fold"].to_numpy() * n_windows + rows["window"].to_numpy()
        _refuse(rows, rows.duplicated(["fold", "window"]), "window", "one prediction for it")
        _refuse(rows, ~np.isin(predicted, tested), "fold", "a fold that tests this window")
        missing = np.setdiff1d(tested, predicted)
        if missing.size:
            fold, first = divmod(int(missing[0]), n_windows)
            raise DataError(
                f"{_result_name(key)}: {missing.size} test windows have no prediction, the first "
                f"is window {first} of fold {fold}",
                participant=meta["participant"].iloc[first],
                clip=meta["clip"].iloc[first],
                field="window",
            )


@checked
def audit_predictions(
    predictions: pd.DataFrame,
    meta: pd.DataFrame,
    splitters: Iterable[Splitter],
    pretext: Mapping[tuple[str, str, str], Sequence[np.ndarray]],
    *,
    targets: Sequence[str | Target] = TARGETS,
    scaled_per: str | None = "participant",
    length_s: float = WindowConfig.length_s,
) -> pd.DataFrame:
    """Check predictions, and list the leaks of every result in them.

    The head of a fold, or the whole network where it is trained with labels, is taken to have
    learnt from the fold's training windows, and to have used no validation windows.

    Parameters
    ----------
    predictions : DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`.
    meta : DataFrame
        One row per window.
    splitters : iterable of Splitter
        Those that made the folds.
    pretext : mapping of (protocol, model, regime) to sequence of ndarray of int
        For every result whose regime is not "none", and for each of its folds, the windows that
        its encoder was pretrained on.
    targets : sequence of str or Target
        Whose labels the splitters were given.
    scaled_per : str, optional
        Column by whose values the windows were normalised, each with the statistics of all its
        windows; None leaves normalisation out of the audit.
    length_s : float
        Length of a window in seconds.

    Returns
    -------
    DataFrame
        As `find_leaks` gives it, with columns protocol, model and regime in front.

    Raises
    ------
    DataError
        As in `check_predictions` and `find_leaks`; if a protocol has no splitter; or if the pretext
        windows of a result are not given for each fold.

    Examples
    --------
    >>> from ecglib.evaluation.crossval import majority_predictions
    >>> from ecglib.evaluation.splits import WindowKFold
    >>> meta = pd.DataFrame(
    ...     {"participant": [1] * 4 + [2] * 4, "clip": [1, 1, 2, 2] * 2, "start": 0.0}
    ... )
    >>> meta = meta.assign(valence=[1, 1, 5, 5] * 2)
    >>> splitter = WindowKFold(n_splits=2, seed=0)
    >>> rows = majority_predictions(meta, splitter, ["valence"])
    >>> leaks = audit_predictions(rows, meta, [splitter], {}, targets=["valence"])
    >>> print(*leaks["kind"].unique())
    window
    """
    splitters = [checks.of_type("splitters", splitter, Splitter) for splitter in splitters]
    by_protocol = {splitter.protocol: splitter for splitter in splitters}
    labels = label_matrix(meta, targets)
    results = predictions[JUDGED].drop_duplicates().itertuples(index=False, name=None)
    folds, known, tables = {}, {}, []
    for result in sorted(results):
        protocol, _, regime = result
        _known("protocol", protocol, by_protocol)
        splitter = by_protocol[protocol]
        if protocol not in folds:
            folds[protocol] = list(splitter.split(meta, labels))
        shown = _pretext_of(result, pretext, len(folds[protocol]))
        key = (protocol, regime, *map(id, shown))  # models that used the same windows
        if key not in known:
            known[key] = find_leaks(
                meta,
                _uses(meta, folds[protocol], shown, scaled_per),
                protocol,
                regime,
                gap_s=getattr(splitter, "gap_s", 0.0),
                length_s=length_s,
            )
        tables.append(known[key].assign(**dict(zip(JUDGED, result, strict=True))))
    check_predictions(predictions, meta, folds, targets)
    return pd.concat(tables, ignore_index=True)[[*JUDGED, *LEAK_COLUMNS]]


class _Places:
    """Where windows lie: which of them share something with the test windows."""

    def __init__(self, meta: pd.DataFrame, apart_s: float) -> None:
        self.code = {
            kind: meta.groupby(columns).ngroup().to_numpy()
            for kind, columns in KINDS.items()
            if kind != "window" and set(columns) <= set(meta)
        }
        recording = [c for c in ("participant", "clip", "condition") if c in meta]
        start = meta["start"].to_numpy(dtype=float)
        # One time line on which windows of different recordings are never close.
        line = np.ptp(start) + 2 * apart_s
        self.time = meta.groupby(recording).ngroup().to_numpy() * line + start
        self.apart_s = apart_s - 1e-6  # starts are rounded

    def shared(self, kind: str, windows: np.ndarray, test: np.ndarray) -> np.ndarray:
        if kind != "window":
            return np.isin(self.code[kind][windows], self.code[kind][test])
        tested, time = np.sort(self.time[test]), self.time[windows]
        after = np.searchsorted(tested, time)
        nearest = [tested[np.clip(after - i, 0, tested.size - 1)] for i in (0, 1)]
        return np.min(np.abs(nearest - time), axis=0) < self.apart_s


def _windows_of(uses: Iterable[Use], *stages: str) -> np.ndarray:
    found = [use.windows for use in uses if use.stage in stages]
    return np.unique(np.concatenate([np.empty(0, dtype=int), *found]))


def _leak_table(
    meta: pd.DataFrame, found: Sequence[tuple[int, str, str, np.ndarray]]
) -> pd.DataFrame:
    """Lay out the windows found in each (fold, stage, kind) as rows, one for each thing shared."""
    sizes = [windows.size for *_, windows in found]
    fold, stage, kind, windows = zip(*found, strict=True)
    window = np.concatenate(windows)
    kind = np.repeat(kind, sizes)
    table = pd.DataFrame(
        {
            "fold": np.repeat(fold, sizes),
            "stage": pd.Categorical(np.repeat(stage, sizes), STAGES),
            "kind": pd.Categorical(kind, tuple(KINDS)),
            "window": window,
        }
    )
    for column in ("participant", "clip"):
        named = np.isin(kind, [k for k, columns in KINDS.items() if column in columns])
        value = pd.Series(meta[column].to_numpy()[window])
        integer = pd.api.types.is_integer_dtype(value)
        table[column] = value.astype("Int64" if integer else "string").where(named)
    key = [column for column in LEAK_COLUMNS if column not in ("window", "n_windows")]
    rows = (
        table.drop_duplicates()
        .groupby(key, dropna=False, observed=True, as_index=False)
        .agg(window=("window", "min"), n_windows=("window", "size"))
    )
    return rows.astype({"stage": "str", "kind": "str"})[list(LEAK_COLUMNS)]


def _uses(
    meta: pd.DataFrame,
    folds: Sequence[Fold],
    pretext: Sequence[np.ndarray],
    scaled_per: str | None,
) -> Iterable[Use]:
    for fold, (train, test) in enumerate(folds):
        yield Use(fold, TEST, test)
        yield Use(fold, "head", train)
        if pretext:
            yield Use(fold, "pretext", pretext[fold])
        if scaled_per is not None:
            yield Use(fold, "normalisation", np.arange(len(meta)), per=scaled_per)


def _pretext_of(
    result: tuple[str, str, str],
    pretext: Mapping[tuple[str, str, str], Sequence[np.ndarray]],
    n_folds: int,
) -> Sequence[np.ndarray]:
    shown = pretext.get(result, ())
    if result[2] != NONE and len(shown) != n_folds:
        raise DataError(
            f"{_result_name(result)}: pretext windows of {len(shown)} folds, and there are "
            f"{n_folds} folds",
            field="pretext",
            expected="the windows that the encoder of each fold was pretrained on",
        )
    return shown


def _check_use(use: Use, meta: pd.DataFrame) -> None:
    _known("stage", use.stage, (TEST, *STAGES))
    if use.per is not None and use.per not in meta.columns:
        raise DataError("the metadata frame lacks this column", field=use.per)
    windows = np.asarray(use.windows)
    if windows.ndim != 1 or (windows.size and windows.dtype.kind not in "iu"):
        raise DataError(
            f"fold {use.fold}, {use.stage}: {windows.dtype} array of shape {windows.shape}",
            field="windows",
            expected="integer rows of the metadata frame",
        )
    if windows.size and not 0 <= windows.min() <= windows.max() < len(meta):
        raise DataError(
            f"fold {use.fold}, {use.stage}: windows {windows.min()} to {windows.max()} of a frame "
            f"of {len(meta)}",
            field="windows",
        )


def _need_evidence(fold: int, uses: Sequence[Use], regime: str) -> None:
    for stage in (TEST, "head"):
        if not any(use.stage == stage and len(use.windows) for use in uses):
            raise DataError(f"fold {fold}: no {stage} windows are given", field="uses")
    if any(use.stage == "pretext" for use in uses) == (regime == NONE):
        raise DataError(
            f"fold {fold}, regime '{regime}': "
            + ("pretext windows are given" if regime == NONE else "no pretext windows are given"),
            field="uses",
            expected="pretext windows in every regime but 'none'",
        )


def _known(what: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise DataError(f"unknown {what} '{name}'", field=what, expected=", ".join(names))


def _result_name(key: Sequence[object]) -> str:
    return ", ".join(map(str, key))


def _refuse(rows: pd.DataFrame, bad: np.ndarray | pd.Series, column: str, expected: str) -> None:
    bad = np.asarray(bad)
    if bad.any():
        row = rows.iloc[int(np.argmax(bad))]
        raise DataError(
            f"{_result_name([row[c] for c in (*JUDGED, 'target')])}, fold {row['fold']}, window "
            f"{row['window']}: {column} {row[column]} ({bad.sum()} such rows)",
            participant=row["participant"],
            clip=row["clip"],
            field=column,
            expected=expected,
        )
