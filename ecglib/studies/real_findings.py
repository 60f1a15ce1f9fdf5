"""The questions that the study of real hearts asks of its scores, and its answers in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.evaluation.paired import mean_test
from ecglib.evaluation.protocols import (
    ALL,
    CONTRASTIVE,
    FROZEN,
    RANDOM,
    SCRATCH,
    STR,
    TUNED,
)
from ecglib.studies.real import BOTH, CLINIC, NOBODY, OWN
from ecglib.studies.real_features import ENCODER, MEASURED, RATE, TEN, WITH_TEN
from ecglib.studies.real_scores import GROUPS, LOSO, RECORDS, WINDOWS
from ecglib.studies.real_tables import Selection, differences, person_means, select, summarise_real

PROTOCOLS = {WINDOWS: "single windows", RECORDS: "single recordings", LOSO: "whole people"}
"""What is left out, in words, by protocol."""

RIVALS = {
    "heart rate": "heart rate",
    "ten features": "ten features",
    "random, mean": "random mean",
    "STR, maximum (as published)": "STR max",
    "STR, mean": "STR mean",
    "STR, fine-tuned": "STR tuned",
    "from scratch": "scratch",
}
"""Rivals by number of labelled people: name in figures to name in `choices`."""


@checked
def choices(scores: pd.DataFrame) -> dict[str, Selection]:
    """Name what is compared, all with the labels of all people.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.studies.real_scores.real_scores`.

    Returns
    -------
    dict of str to selection
        For `ecglib.studies.real_tables.select`. "STR mean" is trained with the maximum, as
        published, and read with the mean; "STR mean trained" is trained with it too.

    Examples
    --------
    >>> seen = pd.DataFrame({"pretext": [STR, CONTRASTIVE], "source": CLINIC, "views": 100})
    >>> choices(seen)["heart rate"]["features"] == RATE, choices(seen)["STR max"]["views"]
    (True, 100)
    """
    checks.frame("scores", scores)
    frozen = {"features": ENCODER, "transfer": FROZEN, "protocol": LOSO, "labelled": ALL}
    found: dict[str, dict[str, Any]] = {}
    measured = {"pretext": MEASURED, "protocol": LOSO, "labelled": ALL}
    found["heart rate"] = {**measured, "features": RATE}
    found["ten features"] = {**measured, "features": TEN}
    for pooling in ("max", "mean", "both", "scales"):
        found[f"random {pooling}"] = {**frozen, "pretext": RANDOM, "pooling": pooling}
        for pretext in (STR, CONTRASTIVE):
            views = _views(scores, pretext)
            own = {**frozen, "pretext": pretext, "source": CLINIC, "views": views[0]}
            read = {**own, "trained": "max", "pooling": pooling}
            found[f"{pretext} {pooling}"] = read
            if pooling in ("mean", "both"):
                trained = {**own, "trained": pooling, "pooling": pooling}
                found[f"{pretext} {pooling} trained"] = trained
            if pooling in ("max", "mean"):
                for source in (OWN, BOTH):
                    found[f"{pretext} {pooling} from {source}"] = {**read, "source": source}
            if len(views) > 1 and pooling in ("max", "mean"):
                found[f"{pretext} {pooling} longer"] = {**read, "views": views[-1]}
    for pooling in ("max", "mean"):
        with_ten = {"features": WITH_TEN, "pooling": pooling, "protocol": LOSO}
        found[f"STR {pooling} and ten features"] = with_ten | {"views": _views(scores, STR)[0]}
        in_groups = {"protocol": GROUPS, "labelled": ALL, "pooling": pooling}
        suffix = "" if pooling == "max" else " mean"
        found[f"STR tuned{suffix}"] = {**in_groups, "transfer": TUNED, "pretext": STR}
        found[f"contrastive tuned{suffix}"] = {
            **in_groups,
            "transfer": TUNED,
            "pretext": CONTRASTIVE,
        }
        found[f"scratch{suffix}"] = {**in_groups, "transfer": SCRATCH}
    return found


@checked
def questions(scores: pd.DataFrame) -> dict[str, tuple[Selection, Selection]]:
    """List the questions, each a pair of choices; the first is asked whether it is higher.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.studies.real_scores.real_scores`.

    Returns
    -------
    dict of str to (selection, selection)
        For `ecglib.studies.real_tables.differences`.

    Examples
    --------
    >>> seen = pd.DataFrame({"pretext": [STR, CONTRASTIVE], "source": CLINIC, "views": 100})
    >>> higher, lower = questions(seen)["STR, maximum − random, maximum"]
    >>> higher["pretext"], lower["pretext"]
    ('STR', 'random')
    """
    named = choices(scores)
    # Both sides of a comparison with whole networks are tested in the same folds.
    in_groups = {"protocol": GROUPS}
    pairs = {
        "STR, maximum − random, maximum": ("STR max", "random max"),
        "contrastive, maximum − random, maximum": ("contrastive max", "random max"),
        "STR, mean − random, mean": ("STR mean", "random mean"),
        "contrastive, mean − random, mean": ("contrastive mean", "random mean"),
        "STR, same weights: mean − maximum": ("STR mean", "STR max"),
        "contrastive, same weights: mean − maximum": ("contrastive mean", "contrastive max"),
        "random, same weights: mean − maximum": ("random mean", "random max"),
        "STR: trained with the mean − only read with it": ("STR mean trained", "STR mean"),
        "STR: two time scales − mean": ("STR scales", "STR mean"),
        "STR, mean − heart rate": ("STR mean", "heart rate"),
        "contrastive, mean − heart rate": ("contrastive mean", "heart rate"),
        "ten features − heart rate": ("ten features", "heart rate"),
        "STR, mean, and ten features − heart rate": ("STR mean and ten features", "heart rate"),
        "STR, maximum: from both sets − from the clinic": (f"STR max from {BOTH}", "STR max"),
        "STR, maximum: from the same set − from the clinic": (f"STR max from {OWN}", "STR max"),
    }
    if "STR max longer" in named:
        pairs["STR, maximum: eight times the views − once"] = ("STR max longer", "STR max")
    found = {name: (named[one], named[other]) for name, (one, other) in pairs.items()}
    found["STR, maximum: fine-tuned − frozen"] = (named["STR tuned"], named["STR max"] | in_groups)
    found["fine-tuned STR − from scratch, maximum"] = (named["STR tuned"], named["scratch"])
    found["fine-tuned STR, mean − heart rate"] = (
        named["STR tuned mean"],
        named["heart rate"] | in_groups,
    )
    return found


@checked
def efficiency(scores: pd.DataFrame) -> pd.DataFrame:
    """Score the `RIVALS` by the number of people whose labels are used.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.studies.real_scores.real_scores`.

    Returns
    -------
    DataFrame
        ``rival``, ``people`` (all: those who are not tested), ``mean``, ``low``, ``high`` and
        ``n_participants``.
    """
    named = choices(scores)
    n_people = scores["participant"].nunique()
    folds = scores.attrs["provenance"]["configuration"]["plan"]["tuned_folds"]
    rows = []
    for rival, choice in RIVALS.items():
        selection = {k: v for k, v in named[choice].items() if k != "labelled"}
        found = summarise_real(select(scores, selection), ["labelled"])
        # Those who are tested at a time: a group of people, or one of them.
        tested = n_people // folds if selection["protocol"] == GROUPS else 1
        everyone = n_people - tested
        people = found["labelled"].replace(ALL, str(everyone)).astype(int)
        rows.append(found.assign(rival=rival, people=people).drop(columns="labelled"))
    return pd.concat(rows, ignore_index=True)


@checked
def findings(scores: pd.DataFrame) -> list[str]:
    """Say in three sentences what the study found; they follow the numbers.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.studies.real_scores.real_scores`.

    Returns
    -------
    list of str
    """
    named = choices(scores)
    tests = differences(scores, questions(scores)).set_index("question")

    def area(choice: str) -> str:
        return f"{person_means(scores, named[choice]).mean():.2f}"

    def signed(x: float) -> str:
        # What rounds to nothing has no sign.
        return f"{x:+z.2f}".replace("+0.00", "0.00").replace("-", "−")

    def with_interval(mean: float, low: float, high: float) -> str:
        return f"{signed(mean)} [{signed(low)}, {signed(high)}]"

    def change(question: str) -> str:
        return with_interval(*tests.loc[question, ["mean", "low", "high"]])

    def decided(question: str, up: str, down: str, open_: str) -> str:
        row = tests.loc[question]
        return up if row["low"] > 0 else down if row["high"] < 0 else open_

    first, second = "STR, maximum − random, maximum", "STR, mean − heart rate"
    third, fourth = "STR, same weights: mean − maximum", "STR, mean − random, mean"
    split = {
        name: accuracy_by_person(scores, named[choice] | {"protocol": WINDOWS})
        - accuracy_by_person(scores, named[choice] | {"protocol": LOSO})
        for name, choice in (("the encoder", "STR max"), ("heart rate", "heart rate"))
    }
    split["difference"] = split["the encoder"] - split["heart rate"]

    def moved(name: str) -> str:
        found = mean_test(split[name].to_numpy(), 0.95)
        return with_interval(split[name].mean(), found["low"], found["high"])

    more = mean_test(split["difference"].to_numpy(), 0.95)
    return [
        f"An encoder that learnt from unlabelled ECG of other people tells mental arithmetic from "
        f"rest in a person never seen with an area under the ROC curve of {area('STR max')}, a "
        f"random encoder with {area('random max')}; pretraining "
        + decided(first, "helps", "does harm", "is not shown to help")
        + f" ({change(first)}) where features are read with the maximum; read with the mean it "
        + decided(fourth, "helps", "does harm", "is not shown to help")
        + f" ({change(fourth)}).",
        f"Heart rate alone reaches {area('heart rate')}. The published network keeps the maximum "
        f"of its feature maps over time; the mean of the same maps, without a new weight, reaches "
        f"{area('STR mean')}. Compared with the maximum this is "
        + decided(third, "a gain", "a loss", "no decided difference")
        + f" ({change(third)}, taken before rounding); compared with heart rate, "
        + decided(second, "a gain", "a loss", "no decided difference")
        + f" ({change(second)}).",
        "Leaving out single windows instead of whole people changes the balanced accuracy within "
        f"a person of the encoder by {moved('the encoder')} and of heart rate by "
        f"{moved('heart rate')}: a split that keeps a person on both sides "
        + (
            "flatters the encoder more"
            if more["low"] > 0
            else "flatters heart rate more"
            if more["high"] < 0
            else "does not decidedly flatter the one more than the other"
        )
        + f" ({moved('difference')}).",
    ]


@checked
def accuracy_by_person(scores: pd.DataFrame, selection: Selection) -> pd.Series:
    """Give the balanced accuracy of every person who has both states, seeds counted together.

    Parameters
    ----------
    scores : DataFrame
        From `ecglib.studies.real_scores.real_scores`.
    selection : selection
        Of one choice.

    Returns
    -------
    Series
        Index participant.

    Examples
    --------
    >>> counts = {
    ...     "rest": [4, 4],
    ...     "arithmetic": [2, 2],
    ...     "right_rest": [4, 2],
    ...     "right_arithmetic": [1, 2],
    ... }
    >>> table = pd.DataFrame({"participant": ["a", "b"], "pretext": "STR", **counts})
    >>> accuracy_by_person(table, {"pretext": "STR"}).to_dict()
    {'a': 0.75, 'b': 0.75}
    """
    columns = ["rest", "arithmetic", "right_rest", "right_arithmetic"]
    counts = select(scores, selection).groupby("participant")[columns].sum()
    counts = counts[(counts["rest"] > 0) & (counts["arithmetic"] > 0)]
    rest = counts["right_rest"] / counts["rest"]
    return (rest + counts["right_arithmetic"] / counts["arithmetic"]) / 2


def _views(scores: pd.DataFrame, pretext: str) -> list[int]:
    """List how many views the encoders of a pretext saw, the fewest first."""
    chosen = (scores["pretext"] == pretext) & (scores["source"] != NOBODY)
    return sorted(scores.loc[chosen, "views"].unique().tolist())
