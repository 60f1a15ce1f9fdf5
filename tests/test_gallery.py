"""The gallery of the front page shows figures that exist, small."""

import importlib.util
import io
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
NAMES = re.findall(
    r"^(fig-[a-z-]+): \S", (ROOT / "book" / "intro.md").read_text(encoding="utf-8"), re.M
)
OPENINGS = {
    path.stem: re.findall(r"^# ```\{opening\} (\S+)$", path.read_text(encoding="utf-8"), re.M)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.py"))
}


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "book" / "_ext" / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_front_page_has_a_gallery():
    assert len(NAMES) == len(set(NAMES)) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_is_that_of_a_figure_and_small(gallery, name):
    chapter, picture, alt = gallery.find_figure(ROOT / "notebooks", name)
    assert name in (ROOT / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
    assert len(alt.split()) >= 10
    shrunk = gallery.small(picture)
    with Image.open(io.BytesIO(shrunk)) as image:
        assert image.width == gallery.WIDTH
    assert len(shrunk) < 80_000


@pytest.mark.parametrize("chapter", OPENINGS)
def test_each_chapter_opens_with_a_figure_of_its_own(gallery, chapter):
    [name] = OPENINGS[chapter]
    found, picture, _ = gallery.find_figure(ROOT / "notebooks", name)
    assert found == chapter
    assert len(gallery.small(picture, gallery.OPENING_WIDTH)) < 80_000


def test_a_figure_that_is_nowhere_is_named(gallery):
    with pytest.raises(ValueError, match="no chapter has a figure fig-nowhere"):
        gallery.find_figure(ROOT / "notebooks", "fig-nowhere")
