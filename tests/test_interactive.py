"""Interactive figures are whole in themselves, work by keyboard, and have a twin in print."""

import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "book" / "interactive"
CHAPTERS = {
    "filters": "02_windows",
    "strength": "03_transformations",
    "protocols": "07_leakage",
}
MOST_BYTES = 1_500_000
VOID = {"input", "br", "img", "path", "use", "stop", "image"}


def load_extension():
    path = ROOT / "book" / "_ext" / "interactive.py"
    spec = importlib.util.spec_from_file_location("interactive", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


extension = load_extension()


class Elements(HTMLParser):
    """Collects elements and checks that each is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(params=CHAPTERS)
def name(request):
    return request.param


@pytest.fixture
def text(name):
    return extension.page(name, "What it shows.")


def test_a_page_is_valid_small_and_asks_for_nothing(text):
    assert len(text.encode()) < MOST_BYTES
    elements = Elements(text).found
    assert not [a for _, a in elements if a.keys() & {"src", "srcset", "action", "formaction"}]
    assert all(a.get("href", "#").startswith("#") for _, a in elements)
    scripts = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.findall(r"https?://|\bfetch\(|XMLHttpRequest|\bimport\(|@import|url\(h", scripts)


def test_every_control_is_reached_by_keyboard_and_has_a_label(name):
    markup = (FOLDER / f"{name}.html").read_text(encoding="utf-8")
    # Controls that a script writes are in its strings.
    ids = re.findall(r'<(?:input|select)[^>]*\bid="([^"]+)"', markup)
    assert ids
    assert set(ids) <= set(re.findall(r'<label for="([^"]+)"', markup))
    assert "tabindex" not in markup and "onclick" not in markup
    assert 'aria-live="polite"' in markup
    ranges = re.findall(r'type="range"', markup)
    assert len(ranges) <= len(re.findall(r"<output for=", markup))
    assert "aria-valuetext" in markup


def test_without_scripts_and_in_print_there_is_a_drawing(text):
    elements = Elements(text).found
    live = [a for _, a in elements if a.get("class") == "live"]
    assert len(live) == 1 and "hidden" in live[0]
    assert '<svg role="img" aria-label="What it shows."' in text
    css = (FOLDER / "common.css").read_text(encoding="utf-8")
    printed = css[css.index("@media print") :]
    assert ".live { display: none; }" in printed and ".twin { display: block; }" in printed


def test_the_numbers_fit_the_controls(name):
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert data["made_by"] == "tools/playgrounds.py" and data["label"]
    if name == "protocols":
        for found in data["metrics"].values():
            assert len(found["reported"]) == len(data["effects"])
            for reported in found["reported"]:
                assert [len(one) for one in reported] == [len(data["rungs"])] * len(data["models"])
        return
    assert {len(curve) for curve in data["curves"]} == {len(data["curves"][0])}
    if name == "strength":
        n_versions = 1 + sum(len(slider["values"]) for slider in data["sliders"])
        assert len(data["curves"]) == len(data["answers"]) == n_versions
        assert {len(answers) for answers in data["answers"]} == {7}
        assert {slider["name"] for slider in data["sliders"]} == set(data["heads"][1:])
    else:
        high, low, notch = data["filters"].values()
        assert len(data["curves"]) == len(high) * len(low) * len(notch) * len(data["damages"])
        assert len(data["flags"]) == len(data["curves"])
        assert "Open Data Commons Attribution" in data["attribution"]


def test_the_chapter_has_it(name):
    script = (ROOT / "notebooks" / f"{CHAPTERS[name]}.py").read_text(encoding="utf-8")
    assert f"```{{interactive}} {name}\n" in script
