"""The figures of a cohort: recordings, ratings and clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.targets import TARGETS, Rating, as_target
from ecglib.plots.style import BLUE, COUNTS, GREEN, GREY, ORANGE, SKY, WIDTH, styled


@styled
def clip_durations(trials: pd.DataFrame, label: str) -> Figure:
    """Draw how long each participant's recording of each clip is.

    Parameters
    ----------
    trials : DataFrame
        One row per participant and clip, with the columns participant, clip and duration (s).
    label : str
        Which data these are.

    Returns
    -------
    Figure
        Participants against clips; the colour is the duration in seconds.
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
def both_leads(
    ecg: np.ndarray,
    recording: pd.Series,
    fs: float,
    label: str,
    start: float = 0.0,
    length: float = 6.0,
    peaks: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draw a few seconds of all leads of one raw recording.

    Parameters
    ----------
    ecg : ndarray, shape (n_samples, n_leads)
        All leads of the whole recording, converter units.
    recording : Series
        What recording it is: participant, clip and condition.
    fs : float
        Sampling rate in Hz.
    label : str
        Which data these are.
    start, length : float
        Part to draw, in seconds.
    peaks : mapping of str to ndarray, optional
        Up to three sets of R peaks to mark, sample numbers within the recording, by what they are.

    Returns
    -------
    Figure
        One axis per lead, in converter units.
    """
    first, last = (int(t * fs) for t in (start, start + length))
    ecg = ecg[first:last]
    time = start + np.arange(len(ecg)) / fs
    n_leads = ecg.shape[1]
    size = (WIDTH, 0.6 + 1.8 * n_leads)
    fig, axes = plt.subplots(n_leads, 1, sharex=True, squeeze=False, figsize=size)
    axes = axes[:, 0]
    for lead, ax in enumerate(axes):
        ax.plot(time, ecg[:, lead], color="black")
        ax.set(ylabel=COUNTS.replace("ECG", f"lead {lead + 1}"))
        marks = zip((peaks or {}).items(), ("v", "x", "+"), (BLUE, ORANGE, GREEN), strict=False)
        for (name, at), marker, colour in marks:
            at = at[(at >= first) & (at < first + len(ecg))]
            height = ecg[at - first, lead] + (0.06 * np.ptp(ecg[:, lead]) if marker == "v" else 0)
            ax.plot(at / fs, height, marker, color=colour, label=name, markersize=7)
    if peaks:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    axes[-1].set_xlabel("time in the recording (s)")
    who, clip, condition = recording[["participant", "clip", "condition"]]
    axes[0].set_title(f"Participant {who}, clip {clip}, {condition} ({label})")
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
        Which data these are.
    scales : sequence of str or Rating
        Scales of whole numbers; ratings above their middle are "high".

    Returns
    -------
    Figure
        An axis per scale; numbers of trials against ratings.
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
        Which data these are.

    Returns
    -------
    Figure
        One row of dots per target, its mean as a vertical line, one half as a dashed one.
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
