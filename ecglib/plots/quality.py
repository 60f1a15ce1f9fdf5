"""The figures of quality: where in a long recording which windows are flagged."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.plots.style import QUALITY_COLOURS, QUALITY_HATCHES, WIDTH, styled
from ecglib.preprocessing.quality import QUALITIES


@styled
def recording_strip(
    envelope: pd.DataFrame, meta: pd.DataFrame, length_s: float, unit: str, label: str
) -> Figure:
    """Draw a long recording as one strip, and below it a lane for each flag of its windows.

    Parameters
    ----------
    envelope : DataFrame
        Columns low and high; a row per second or so of the recording, by its time in seconds, as
        from `ecglib.preprocessing.report.envelope`.
    meta : DataFrame
        The rows of its windows, with the columns start (s) and quality.
    length_s : float
        Length of a window in seconds.
    unit : str
        Unit of the samples.
    label : str
        Names the data, for the title.

    Returns
    -------
    Figure
        Above, the range of the signal over time, cut off at three times its typical height; below,
        a lane per flag that occurs, with the number of its windows and their share.

    Examples
    --------
    >>> strip = pd.DataFrame({"low": -1.0, "high": 1.0}, index=np.arange(20.0))
    >>> meta = pd.DataFrame({"start": [0.0, 10.0], "quality": ["ok", "flat"]})
    >>> len(recording_strip(strip, meta, 10.0, "mV", "invented").axes)
    2
    """
    checks.frame("envelope", envelope, ("low", "high"))
    checks.frame("meta", meta, ("quality", "start"))
    counts = meta["quality"].value_counts()
    lanes = [name for name in reversed(QUALITIES) if name in counts]
    fig, (ax, below) = plt.subplots(
        2,
        1,
        sharex=True,
        figsize=(WIDTH, 2.0 + 0.28 * len(lanes)),
        height_ratios=(1.5, 0.1 + 0.28 * len(lanes)),
    )
    ax.fill_between(envelope.index, envelope["low"], envelope["high"], color="black", linewidth=0.3)
    low, high = envelope["low"].median(), envelope["high"].median()
    if high > low:
        middle, reach = (low + high) / 2, 1.5 * (high - low)
        ax.set_ylim(
            max(middle - reach, envelope["low"].min()), min(middle + reach, envelope["high"].max())
        )
    for row, name in enumerate(lanes):
        starts = meta.loc[meta["quality"] == name, "start"]
        colour, hatch = QUALITY_COLOURS[name], QUALITY_HATCHES.get(name)
        below.broken_barh(
            [(start, length_s) for start in starts],
            (row - 0.4, 0.8),
            facecolor=colour,
            edgecolor="white",
            hatch=hatch,
            linewidth=0,
        )
        if name != "ok":
            for start in starts:
                ax.axvspan(start, start + length_s, color=colour, alpha=0.45, linewidth=0, zorder=0)
        text = f"{counts[name]} ({counts[name] / len(meta):.0%})"
        below.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9
        )
    below.set(yticks=np.arange(len(lanes)), yticklabels=lanes, xlabel="time in the recording (s)")
    below.set_ylim(len(lanes) - 0.5, -0.5)
    below.tick_params(axis="y", length=0)
    below.spines["left"].set_visible(False)
    end = max(envelope.index.max(), float(meta["start"].max()) + length_s)
    ax.set(ylabel=f"ECG\n({unit})", xlim=(0, end))
    ax.set_title(f"Quality of {len(meta)} windows of {length_s:g} s ({label})")
    return fig
