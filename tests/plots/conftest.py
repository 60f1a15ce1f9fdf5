"""Fixtures shared by the tests of the figures."""

import re
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from ecglib.plots.palette import PROTOCOLS, REGIMES, WORDS
from ecglib.synthetic.cohort import CohortSpec, SyntheticCohort, make_cohort

RAW = {*PROTOCOLS, *REGIMES, *WORDS} - {"strict", "none"}
"""Identifiers that no figure may show; two words of the language only in brackets."""

INSIDE = re.compile(
    "|".join([r"[a-z]_[a-z\d]", r"\((strict|none)\)", *(re.escape(r) for r in RAW if "-" in r)])
)
"""What no text of a figure may contain."""


def texts_of(fig: Figure) -> list[str]:
    """List all texts of a figure: titles, axes, ticks, legends and notes."""
    found = [fig.get_suptitle(), fig.get_supxlabel(), fig.get_supylabel()]
    legends = list(fig.legends)
    for ax in fig.axes:
        found += [ax.get_title(loc) for loc in ("left", "center", "right")]
        found += [ax.get_xlabel(), ax.get_ylabel()]
        ticks = [*ax.get_xticklabels(), *ax.get_yticklabels()]
        found += [text.get_text() for text in [*ticks, *ax.texts]]
        legends += [ax.get_legend()] if ax.get_legend() else []
    for legend in legends:
        found += [text.get_text() for text in [legend.get_title(), *legend.texts]]
    return [" ".join(text.split()) for text in found]


@pytest.fixture(autouse=True)
def no_raw_identifiers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at every figure that a test has drawn; `styled` closes each."""
    shown: list[str] = []
    close = plt.close

    def look_and_close(number: int) -> None:
        shown.extend(texts_of(plt.figure(number)))
        close(number)

    monkeypatch.setattr(plt, "close", look_and_close)
    yield
    assert not [text for text in shown if text in RAW or INSIDE.search(text)]


@pytest.fixture(scope="session")
def made() -> SyntheticCohort:
    return make_cohort(CohortSpec(n_participants=3, clip_lengths_s=(20.0, 30.0)), seed=0)


@pytest.fixture(scope="session")
def lead(made: SyntheticCohort) -> np.ndarray:
    """Return one lead of a recording, in converter units."""
    return made.cohort.signals[1][:, 0].astype(float)


@pytest.fixture
def check() -> Callable[[Figure, str, str, str], None]:
    """Check title, axis labels, that the figure can be drawn, and that pyplot let go of it."""

    def check(fig: Figure, label: str, x: str, y: str) -> None:
        titles = " ".join([fig.get_suptitle(), *(ax.get_title() for ax in fig.axes)])
        assert f"({label})" in titles
        assert any(x in ax.get_xlabel() for ax in fig.axes)
        labels = [fig.get_supylabel(), *(ax.get_ylabel() for ax in fig.axes)]
        assert any(y in text for text in labels)
        fig.canvas.draw()
        assert not plt.get_fignums()

    return check
