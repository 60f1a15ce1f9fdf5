"""The figures of a cohort: durations, ratings and clips."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.targets import TARGETS, Rating, as_target
from ecglib.plots.palette import BLUE, GREY, ORANGE, SKY
from ecglib.plots.style import WIDTH, styled


@styled
def clip_durations(trials: pd.DataFrame, label: str) -> Figure:
    """Draw how long each participant's recording of each clip is.

    Parameters
    ----------
    trials : DataFrame
        One row per participant and clip, with the columns participant, clip and duration (s).
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Participants against clips; the colour is the duration in seconds.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2], "duration": 60.0})
    >>> clip_durations(trials, "invented").axes[0].get_xlabel()
    'clip (number)'
    """
    table = trials.pivot(index="participant", columns="clip", values="duration")
    fig, ax = plt.subplots(figsize=(WIDTH, 1.4 + 0.14 * len(table)))
    clips, people = (
        names if pd.api.types.is_integer_dtype(names) else np.arange(len(names))
        for names in (table.columns, table.index)
    )
    mesh = ax.pcolormesh(clips, people, table, cmap="cividis", edgecolors="white", linewidth=0.5)
    for axis, names, at, what in (
        (ax.xaxis, table.columns, clips, "clip"),
        (ax.yaxis, table.index, people, "participant"),
    ):
        if names is at:
            axis.set_label_text(f"{what} (number)")
            axis.get_major_locator().set_params(integer=True)
        else:
            axis.set_label_text(f"{what} (name)")
            axis.set_ticks(at, names)
    ax.set_title(f"Durations of the recordings ({label})")
    ax.invert_yaxis()
    fig.colorbar(mesh, label="duration (s)")
    return fig


@styled
def rating_counts(
    trials: pd.DataFrame, label: str, scales: Sequence[str | Rating] = TARGETS
) -> Figure:
    """Draw how often each rating was given, one panel per scale.

    Parameters
    ----------
    trials : DataFrame
        One row per trial (a participant who watches a clip), with a column for each scale.
    label : str
        Names the data, for the title.
    scales : sequence of str or Rating
        Scales of whole numbers; ratings above their middle are "high".

    Returns
    -------
    Figure
        An axis per scale; numbers of trials against ratings.

    Examples
    --------
    >>> trials = pd.DataFrame({"valence": [1, 4, 5], "arousal": [2, 2, 3]})
    >>> len(rating_counts(trials, "invented", ["valence", "arousal"]).axes)
    2
    """
    scales = [as_target(scale) for scale in scales]
    size = (WIDTH, 2.8)
    fig, axes = plt.subplots(1, len(scales), sharey=True, squeeze=False, figsize=size)
    axes = axes[0]
    for scale, ax in zip(scales, axes, strict=True):
        bins = np.arange(scale.answers[0], scale.answers[-1] + 2) - 0.5
        high = trials[scale.name] > scale.middle
        for name, colour, hatch, part in (("low", SKY, None, ~high), ("high", ORANGE, "//", high)):
            look = {"color": colour, "hatch": hatch, "edgecolor": "white", "rwidth": 0.8}
            ax.hist(trials.loc[part, scale.name].dropna(), bins, label=name, **look)
        ax.axvline(np.floor(scale.middle) + 0.5, color=GREY, linestyle="--")
        ends = f"rating ({scale.low:g} to {scale.high:g})"
        ax.set(title=scale.name, xlabel=ends, xticks=scale.answers)
    axes[0].set_ylabel("trials (number)")
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    fig.suptitle(f"Ratings ({label})")
    return fig


@styled
def high_shares(shares: pd.DataFrame, means: pd.Series, label: str) -> Figure:
    """Draw each participant's share of trials rated high.

    Parameters
    ----------
    shares : DataFrame
        One row per participant, one column per target, from 0 to 1.
    means : Series
        By target: mean over the participants.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        One row of dots per target, its mean as a vertical line, one half as a dashed one.

    Examples
    --------
    >>> shares = pd.DataFrame({"valence": [0.4, 0.6], "arousal": [0.3, 0.5]}, index=[1, 2])
    >>> len(high_shares(shares, shares.mean(), "invented").axes)
    1
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 2.6))
    for row, target in enumerate(shares):
        values = shares[target]
        # Equal shares would hide each other: they are stacked.
        tied = values.groupby(values)
        height = 0.1 * (tied.cumcount() - (tied.transform("size") - 1) / 2)
        ax.plot(values, row + height, "o", color=BLUE, markersize=4)
        ax.plot([means[target]] * 2, [row - 0.38, row + 0.38], color=ORANGE, linewidth=2.5)
    ax.axvline(0.5, color=GREY, linestyle="--")
    ax.set(
        xlim=(-0.03, 1.03),
        xlabel="share of trials rated high (0 to 1)",
        ylabel="rating scale",
        yticks=range(shares.shape[1]),
        yticklabels=shares.columns,
    )
    ax.invert_yaxis()
    ax.set_title(f"One dot per participant, the mean as a bar ({label})")
    return fig
