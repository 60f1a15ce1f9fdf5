"""Colours and names: one look for every model, and words for every identifier of the tables.

The colours of the models differ in lightness as much as in hue, so that people with any kind of
colour vision can tell them apart; a marker and a dash go with each, so that nothing rests on colour
alone. Every colour but `YELLOW`, which only fills areas, stands out from a white page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ecglib.core.annotations import checked
from ecglib.evaluation.protocols import (
    CONTRASTIVE,
    MAJORITY,
    NONE,
    PERSON_MAJORITY,
    RANDOM,
    SCRATCH,
    SEEN,
    SEEN_CLIPS,
    STR,
    STRICT,
    SUPERVISED,
)

INK = "#000000"
"""Black: for data as they are, and for differences."""

GREY = "#777777"
"""Grey: for comparisons."""

BLUE = "#0072B2"
"""Blue: for a model or another category."""

ORANGE = "#E0660F"
"""Orange: for a model or another category."""

GREEN = "#009E73"
"""Green: for a model or another category."""

SKY = "#3D93CC"
"""Light blue: for a category that is no model."""

YELLOW = "#F0E442"
"""Yellow: for a category that is no model."""

AMBER = "#B07D00"
"""Amber: for a category that is no model."""

PURPLE = "#C06C9B"
"""Purple: for a category that is no model."""

ORDERED = ("#948E77", "#7D7C78", "#5B606E", "#35456C", "#00224E")
"""Shades from light to dark, for what has an order, such as the size of an effect."""


@dataclass(frozen=True)
class Look:
    """How a model is drawn, and what it is called.

    Parameters
    ----------
    colour : str
        Its colour; variants of one model share it.
    marker : str
        Its marker in matplotlib's words.
    line : str or tuple
        Its dashes.
    name : str
        Its name in legends and on axes.

    Examples
    --------
    >>> Look("#000000", "o", "-", "my model").name, look("STR").marker
    ('my model', 's')
    """

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]
    name: str


_DOTTED = (0, (1, 1))
_HAND_MADE = "#593A0C"

MODELS = {
    STR: Look(BLUE, "s", "-", "STR"),
    RANDOM: Look("#8A8A8A", "o", ":", "random"),
    CONTRASTIVE: Look(ORANGE, "D", "--", "contrastive"),
    SUPERVISED: Look("#4E0F5C", "^", "-.", "supervised"),
    SCRATCH: Look("#12564A", "X", _DOTTED, "from scratch"),
    "ten features": Look(_HAND_MADE, "P", "--", "ten features"),
    "heart rate": Look(INK, "*", "-", "heart rate"),
    "band powers": Look(_HAND_MADE, "h", "-.", "band powers"),
    "HRV logistic": Look(_HAND_MADE, "P", "--", "HRV logistic"),
    "HRV SVM": Look(_HAND_MADE, "v", "-.", "HRV SVM"),
    "HRV boosting": Look(_HAND_MADE, "<", ":", "HRV boosting"),
    MAJORITY: Look(INK, "|", "-", "majority class"),
    PERSON_MAJORITY: Look(INK, "_", "--", "person's own majority"),
    "training share": Look(INK, "1", ":", "share of high in training"),
    "training mean": Look(INK, "2", "--", "training mean"),
    "training median": Look(INK, "3", "--", "training median"),
    "ridge": Look(BLUE, "s", "-", "STR, ridge"),
    "ordinal": Look(BLUE, "D", "--", "STR, ordinal"),
}
"""Look of every model, by its name in the tables."""

_VARIANTS = "s^Dv<>"
"""Markers of a model's variants, such as "STR, linear", in their order."""

_OTHERS = "dHp4"

PROTOCOLS = {
    "window-kfold": "shuffled windows",
    "window-kfold-gap": "shuffled windows with a gap",
    "trial-grouped": "whole trials left out",
    "within-participant": "within one person",
    "clip-grouped": "whole clips left out",
    "participant-grouped": "groups of people left out",
    "leave-one-participant-out": "one person left out (LOSO)",
    "leave-one-participant-and-clip-out": "one person and one clip left out",
    "leave-one-participant-out-within-dataset": "one person of a dataset left out",
    "leave-one-dataset-out": "one dataset left out",
    "new participant, some trials rated": "new person, some trials rated",
}
"""Name of every protocol, by its name in the tables."""

REGIMES = {
    STRICT: "the encoder never met the person",
    SEEN: "the encoder saw the test windows",
    SEEN_CLIPS: "the encoder saw the test clips",
    NONE: "no pretext",
}
"""Name of every regime, by its name in the tables."""

WORDS = {
    "max": "maximum",
    "scales": "two time scales",
    "temporal_inversion": "temporal inversion",
    "time_warping": "time warping",
    "heart_rate": "heart rate",
    "rmssd": "RMSSD",
    "sdnn": "SDNN",
}
"""Other identifiers of the tables, in words."""


@checked
def look(model: str) -> Look:
    """Give the look of a model or of a variant of one, such as "STR, linear".

    Parameters
    ----------
    model : str
        Name in the tables. A variant begins with the name of its model, a comma or a space; what is
        unknown is black, with a marker that depends on its name.

    Returns
    -------
    Look

    Examples
    --------
    >>> look("STR").colour == look("STR, fine-tuned").colour
    True
    >>> look("majority").name
    'majority class'
    """
    if model in MODELS:
        return MODELS[model]
    for base in sorted(MODELS, key=len, reverse=True):
        if re.match(rf"{re.escape(base)}\b[, ]", model):
            return replace(MODELS[base], name=model)
    return Look(INK, _OTHERS[sum(map(ord, model)) % len(_OTHERS)], "-", model)


@checked
def looks(models: Iterable[str]) -> dict[str, Look]:
    """Give the looks of models that stand in one figure: no two have colour and marker in common.

    Parameters
    ----------
    models : iterable of str
        Names in the tables.

    Returns
    -------
    dict of str to Look

    Examples
    --------
    >>> found = looks(["random, linear", "STR, linear", "STR, nearest neighbours"])
    >>> [one.marker for one in found.values()]
    ['o', 's', '^']
    """
    lines = ("-", "--", "-.", ":", _DOTTED, (0, (5, 1)))
    found: dict[str, Look] = {}
    for model in models:
        one = look(model)
        if (one.colour, one.marker) in {(o.colour, o.marker) for o in found.values()}:
            family = [o for o in found.values() if o.colour == one.colour]
            free = [m for m in _VARIANTS if m not in {o.marker for o in family}]
            one = replace(one, marker=free[0] if free else "x", line=lines[len(family) % 6])
        found[model] = one
    return found


@checked
def spoken(identifier: str) -> str:
    """Give the words for an identifier of the tables.

    Parameters
    ----------
    identifier : str
        A protocol, regime, model or other identifier.

    Returns
    -------
    str
        Its name; what has none comes back with spaces for its underscores.

    Examples
    --------
    >>> spoken("window-kfold"), spoken("time_warping"), spoken("valence")
    ('shuffled windows', 'time warping', 'valence')
    """
    for table in (PROTOCOLS, REGIMES, WORDS):
        if identifier in table:
            return table[identifier]
    if identifier in MODELS:
        return MODELS[identifier].name
    return identifier.replace("_", " ")


@checked
def difference_name(comparison: str) -> str:
    """Give the words for a comparison of two models, each in a regime.

    Parameters
    ----------
    comparison : str
        As in the column `model` of `ecglib.evaluation.summaries.paired_difference`.

    Returns
    -------
    str
        The two models; their regimes too where the models are one.

    Examples
    --------
    >>> difference_name("STR (strict) - random (none)")
    'STR − random'
    >>> difference_name("STR (pretext saw test windows) - STR (strict)")
    'STR: the encoder saw the test windows − the encoder never met the person'
    """
    parts = re.fullmatch(r"(.+) \((.+)\) - (.+) \((.+)\)", comparison)
    if not parts:
        return comparison
    one, regime, other, other_regime = parts.groups()
    if one == other:
        return f"{spoken(one)}: {spoken(regime)} − {spoken(other_regime)}"
    return f"{spoken(one)} − {spoken(other)}"
