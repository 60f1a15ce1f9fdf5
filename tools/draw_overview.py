"""Draw the picture of the README: the method in one line, on one synthetic window."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.pretext.transformations import TASKS, AllVersions
from ecglib.synthetic.cohort import CohortSpec, make_cohort

OUT = Path(__file__).resolve().parents[1] / "book" / "_static" / "overview.png"
INK, BLUE, ORANGE = "#222222", "#0072B2", "#D55E00"


def box(ax: plt.Axes, x: float, y: float, text: str, colour: str) -> None:
    """Write text in a rounded frame."""
    frame = {"boxstyle": "round,pad=0.6", "fc": "white", "ec": colour, "lw": 1.6}
    ax.text(x, y, text, ha="center", va="center", fontsize=10, color=INK, bbox=frame)


def arrow(ax: plt.Axes, start: tuple[float, float], end: tuple[float, float], label: str) -> None:
    """Draw an arrow with a word above it."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.4})
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.03)
    ax.text(*middle, label, ha="center", va="bottom", fontsize=9, color=INK)


def main() -> None:
    """Make the figure and save it."""
    spec = CohortSpec(n_participants=1, clip_lengths_s=(40.0, 40.0))
    windows = make_windows(make_cohort(spec, seed=0).cohort, WindowConfig(last_s=20.0))
    versions = np.asarray(AllVersions(seed=1)(windows.X[:1]))
    span = slice(256, 256 + 3 * 256)
    figure = plt.figure(figsize=(10, 4.2))
    for row, (task, version) in enumerate(zip(TASKS, versions, strict=True)):
        ax = figure.add_axes((0.14, 0.84 - row * 0.135, 0.17, 0.12))
        ax.plot(version[span], lw=0.8, color=INK if task == "original" else BLUE)
        ax.set(ylim=(-11, 15), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        name = task.replace("_", " ")
        ax.text(-0.03, 0.4, name, transform=ax.transAxes, ha="right", fontsize=9, color=INK)
    ax = figure.add_axes((0.335, 0.0, 0.655, 1.0))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    box(ax, 0.24, 0.72, "encoder\nthree convolutional blocks", BLUE)
    box(ax, 0.77, 0.72, "seven heads\n“is this my transformation?”", BLUE)
    box(ax, 0.24, 0.22, "the same encoder,\nfrozen", ORANGE)
    box(ax, 0.77, 0.22, "three heads\nvalence, arousal, dominance", ORANGE)
    arrow(ax, (0.0, 0.72), (0.06, 0.72), "")
    arrow(ax, (0.42, 0.72), (0.57, 0.72), "128 features")
    arrow(ax, (0.42, 0.22), (0.57, 0.22), "128 features")
    arrow(ax, (0.24, 0.6), (0.24, 0.33), "")
    ax.text(0.29, 0.92, "1  pretext: no ratings needed", fontsize=11, color=BLUE)
    text = "2  transfer: ratings train the three small heads only"
    ax.text(0.29, 0.42, text, fontsize=11, color=ORANGE)
    ax.text(0.0, 0.02, "A synthetic window; 3 s of 10 s are shown.", fontsize=8, color=INK)
    figure.savefig(OUT, dpi=110)


if __name__ == "__main__":
    main()
