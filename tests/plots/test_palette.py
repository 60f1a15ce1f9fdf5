"""Every model has one look, everybody can tell the looks apart, and every identifier has a name."""

import importlib
import itertools
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from ecglib import plots
from ecglib.evaluation import protocols
from ecglib.plots import palette
from ecglib.plots.palette import MODELS, look, looks, spoken
from ecglib.transfer.classical import classifiers
from ecglib.transfer.ordinal import MEAN, MEDIAN, ORDINAL, RIDGE

ROOT = Path(__file__).parents[2]
CSS = (ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
DARK_PAGE = "#121212"
"""Background of the book's dark theme (sphinx-book-theme)."""

INTERACTIVE = (palette.BLUE, palette.ORANGE, palette.GREY)
"""Colours that the interactive figures draw on the page itself, light or dark."""

# Machado, Oliveira & Fernandes (2009), severity 1: linear RGB as seen without one kind of cones.
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.119192, 0.9503041],
    ]
)
WHITE = XYZ.sum(axis=1)


def linear(colour, dimmed=1.0):
    parts = dimmed * np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(colour, page, dimmed=1.0):
    """Contrast as in the Web Content Accessibility Guidelines, 1 to 21."""
    one, other = sorted(float(XYZ[1] @ linear(c, dimmed)) for c in (colour, page))
    return (other + 0.05) / (one + 0.05)


def lab(colour, eyes):
    ratio = XYZ @ np.clip(eyes @ linear(colour), 0, 1) / WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


COLOURS = {
    name: value
    for name, value in vars(palette).items()
    if isinstance(value, str) and re.fullmatch("#[0-9A-F]{6}", value) and name.isupper()
}


def brightness():
    """How much the book dims a figure in its dark theme."""
    (found,) = re.findall(r"brightness\(([\d.]+)\)", CSS)
    return float(found)


@pytest.mark.parametrize("colour", sorted({one.colour for one in MODELS.values()}))
def test_every_model_stands_out_from_its_figure_in_both_themes(colour):
    assert contrast(colour, "#FFFFFF") >= 3
    assert contrast(colour, "#FFFFFF", dimmed=brightness()) >= 3


def test_every_colour_but_that_of_areas_stands_out_from_a_figure():
    shades = [*COLOURS.items(), *(("ordered", shade) for shade in palette.ORDERED)]
    assert len(shades) > 10
    assert [name for name, colour in shades if contrast(colour, "#FFFFFF") < 3] == ["YELLOW"]


@pytest.mark.parametrize("colour", INTERACTIVE)
def test_colours_drawn_on_the_page_itself_stand_out_from_both_pages(colour):
    assert contrast(colour, "#FFFFFF") >= 3
    assert contrast(colour, DARK_PAGE) >= 3


@pytest.mark.parametrize("eyes", EYES)
def test_everybody_can_tell_the_models_apart(eyes):
    colours = {one.colour for one in MODELS.values()}
    assert len(colours) == 7
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(lab(one, EYES[eyes]) - lab(other, EYES[eyes])) > 20


def test_shades_of_an_order_get_darker():
    lightness = [lab(shade, np.eye(3))[0] for shade in palette.ORDERED]
    assert lightness == sorted(lightness, reverse=True)
    assert min(-np.diff(lightness)) > 4


def test_every_model_of_the_tables_has_a_look_of_its_own():
    named = {*protocols.PRETEXTS, protocols.SCRATCH, protocols.MAJORITY, protocols.PERSON_MAJORITY}
    named |= {*classifiers(), MEDIAN, MEAN, RIDGE, ORDINAL}
    assert named <= set(MODELS)
    assert len({(one.colour, one.marker) for one in MODELS.values()}) >= len(MODELS) - 3


def test_every_protocol_and_regime_of_the_tables_has_a_name():
    assert set(protocols.FORBIDDEN) <= set(palette.PROTOCOLS)
    assert set(protocols.MAY_SHARE) <= set(palette.REGIMES)
    for identifier in (*protocols.FORBIDDEN, *palette.WORDS):
        assert not re.search(r"_|-kfold|-grouped|-out", spoken(identifier))


def test_variants_share_the_colour_of_their_model_and_nothing_else_in_one_figure():
    found = looks(["STR, maximum (as published)", "STR, mean", "STR, fine-tuned", "random, mean"])
    assert [one.colour for one in found.values()] == [look("STR").colour] * 3 + [
        look("random").colour
    ]
    assert len({one.marker for one in found.values()}) == 4
    assert look("STRANGE").colour == palette.INK != look("STR").colour


def test_tests_draw_every_figure():
    # Where a figure is drawn, its texts are looked at: see conftest.py.
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for module in pkgutil.iter_modules(plots.__path__):
        room = importlib.import_module(f"ecglib.plots.{module.name}")
        for name, figure in vars(room).items():
            own = hasattr(figure, "__wrapped__") and figure.__module__ == room.__name__
            if own and figure.__annotations__["return"] == "Figure":
                assert f"{name}(" in tests, name
