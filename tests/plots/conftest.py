"""Fixtures shared by the tests of the figures."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from ecglib.synthetic.cohort import CohortSpec, SyntheticCohort, make_cohort


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
