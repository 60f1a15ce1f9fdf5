"""Draw the result of the README from the table of real hearts that comes with the project."""

from pathlib import Path

import matplotlib.pyplot as plt

from ecglib.plots.palette import looks
from ecglib.plots.style import WIDTH, styled
from ecglib.studies import stages
from ecglib.studies.real_findings import efficiency
from ecglib.studies.real_tables import shipped

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "book" / "_static" / "result.png"
NAMES = {
    "heart rate": "heart rate alone",
    "ten features": "ten numbers measured from the beats",
    "random, mean": "a network never trained, read by the mean",
    "STR, maximum (as published)": "pretrained, read by the maximum (as published)",
    "STR, mean": "pretrained, read by the mean",
    "STR, fine-tuned": "pretrained, then fine-tuned",
    "from scratch": "trained on the labels only",
}
"""What the rivals are called where no chapter explains them."""


def source() -> str:
    """Name the table that is drawn; the picture carries the name."""
    return next((ROOT / "results").glob(f"{stages.REAL_SCORES.name}-v*.csv.gz")).name


@styled
def draw() -> plt.Figure:
    """Draw the score of every rival with the labels of everybody else."""
    table = efficiency(shipped(stages.REAL_SCORES, ROOT / "results"))
    table = table.loc[table.groupby("rival")["people"].idxmax()].sort_values("mean")
    fig, ax = plt.subplots(figsize=(WIDTH, 2.7))
    rivals = looks(table["rival"])
    for y, row in enumerate(table.itertuples()):
        colour = rivals[row.rival].colour
        ax.hlines(y, row.low, row.high, color=colour, lw=2)
        ax.plot(row.mean, y, rivals[row.rival].marker, color=colour, ms=7)
    ax.axvline(0.5, color="0.5", lw=0.8, linestyle=(0, (1, 3)))
    ax.set_yticks(range(len(table)), [NAMES[name] for name in table["rival"]])
    ax.grid(axis="y", color="0.92")
    ax.set(
        xlabel="AUC within a person never seen (0.5 is chance)",
        title=f"Rest or mental arithmetic: {table['n_participants'].max()} real people (eegmat)",
    )
    return fig


def main() -> None:
    """Make the figure and save it."""
    draw().savefig(OUT, dpi=110, metadata={"Source": source()})


if __name__ == "__main__":
    main()
