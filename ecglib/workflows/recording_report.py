"""The page about one recording: verdict, tables, pictures, provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.extras import how_to_install
from ecglib.data.recording import Recording
from ecglib.features.heartbeats import BEFORE_S, FEATURES, landmarks, median_beat
from ecglib.plots.paper import ecg_paper
from ecglib.plots.quality import recording_strip
from ecglib.plots.recording import heart_rate_over_time, median_beats
from ecglib.preprocessing.beats import find_qrs, heart_rates
from ecglib.preprocessing.quality import OK, QUALITIES
from ecglib.preprocessing.report import envelope
from ecglib.workflows import page
from ecglib.workflows.check import RecordingCheck, check_of
from ecglib.workflows.features import features_of
from ecglib.workflows.judged import JudgedLead, judge_lead

_PAPER_S = 10.0
_MOST_LEADS, _MOST_WINDOWS = 12, 360
_MOST_STEPS = 2000
_NAMES = ("P", "Q", "R", "S", "T")


@checked
def recording_page(recording: Recording, command: str = "") -> str:
    """Make the page about a recording: verdict, tables, pictures, provenance.

    Parameters
    ----------
    recording : Recording
        What was read.
    command : str
        What was typed, for the provenance.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> import numpy as np
    >>> from ecglib.data.recording import Recording
    >>> x = np.tile(np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)], 30)
    >>> recording_page(Recording(x[:, None], 256.0)).count("<h1>")
    1
    """
    check = check_of(recording)
    parts = [
        page.paragraph(page.sentence(check.sentence), f"verdict {check.verdict}"),
        page.bullets(list(check.notes)),
        page.heading("What it is"),
        page.facts(_identity(check), "The recording"),
        page.heading("Leads"),
        page.table(check.table(), "What was found in each lead"),
        *_pictures(recording, check),
        page.heading("Features of the heartbeats"),
        *_features(recording),
        page.heading("How this page was made"),
        page.facts(page.made(check.sha256, command), "Provenance"),
    ]
    return page.page(f"ECG of {recording.name}", parts)


def _identity(check: RecordingCheck) -> dict[str, str]:
    rate = f"{check.fs:g} Hz"
    if check.fitting_fs is not None:
        rate += f", which makes the heart rate impossible; {check.fitting_fs:g} Hz would fit"
    return {
        "file": Path(check.file).name,
        "format": check.format,
        "sampling rate": rate,
        "length": f"{check.duration:.1f} s",
        "unit": check.unit or "unknown",
        "leads": ", ".join(lead.lead for lead in check.leads),
        "checksum of the file (SHA-256)": check.sha256,
        "checksum of the samples": check.sha256_of_samples,
    }


def _pictures(recording: Recording, check: RecordingCheck) -> Iterator[str]:
    names = recording.leads[:_MOST_LEADS]
    strips, papers, rates, beats = [], [], {}, {}
    for name, found in zip(names, check.leads, strict=False):
        judged = judge_lead(recording, name)  # one in memory at a time
        if len(judged.meta):
            strips.append(_strip(recording, name, judged, found.usable))
            rates[name] = _rates(judged)
            if (beat := _median_beat(judged)) is not None:
                beats[page.in_figure(name)] = beat
        papers.append(_paper(recording, name, judged))
    if len(names) < len(recording.leads):
        yield page.paragraph(f"Pictures are of the first {_MOST_LEADS} leads.")
    label, unit = page.in_figure(recording.name), recording.unit or "unit unknown"
    if strips:
        yield page.heading("Quality over time")
        yield from strips
    yield page.heading(f"The first {min(_PAPER_S, recording.duration):.0f} seconds")
    yield from papers
    if beats:
        yield page.heading("Median beat")
        alt = f"The median of the usable beats of {', '.join(beats)}."
        yield page.picture(median_beats(pd.DataFrame(beats), unit, label), alt)
    rate = pd.DataFrame(rates).median(axis=1)
    if rate.notna().any():
        yield page.heading("Heart rate over time")
        figure = heart_rate_over_time(rate, round(check.window_s, 2), label)
        low, high = rate.min(), rate.max()
        yield page.picture(
            figure, f"Heart rate over time, from {low:.0f} to {high:.0f} per minute."
        )


def _strip(recording: Recording, name: str, judged: JudgedLead, usable: float) -> str:
    step = max(1.0, recording.duration / _MOST_STEPS)  # a beat or more in each
    figure = recording_strip(
        envelope(judged.ecg, judged.fs, step),
        judged.meta,
        round(judged.length_s, 2),
        recording.unit or "unit unknown",
        page.in_figure(name),
    )
    alt = f"Range of lead {name} over time; {usable:.0%} of its windows are usable."
    return page.picture(figure, alt, f"Lead {page.clean(name)}", "png")


def _paper(recording: Recording, name: str, judged: JudgedLead) -> str:
    x = recording.lead(name)[: round(_PAPER_S * recording.fs)]
    if not np.isfinite(x).any():
        return page.paragraph(f"Lead {page.clean(name)}: every sample is missing.")
    waves, rr = _landmarks(judged)
    figure = ecg_paper(x, recording.fs, recording.unit, page.in_figure(name), waves=waves, rr=rr)
    alt = f"The first seconds of lead {name} on ECG paper"
    if waves:
        alt += f", with the waves {', '.join(waves)} of one beat named"
    return page.picture(figure, f"{alt}.", f"Lead {page.clean(name)}")


def _landmarks(
    judged: JudgedLead,
) -> tuple[dict[str, float] | None, tuple[float, float] | None]:
    """Find the waves of one beat of the first window, and one interval, if it is usable."""
    if not len(judged.meta) or judged.meta["quality"].iloc[0] != QUALITIES[OK]:
        return None, None
    x, fs = judged.windows[0], judged.fs
    peaks = _r_peaks(x, fs)
    beat, n_beats = median_beat(x, fs, peaks)
    r = round(BEFORE_S * fs)
    if n_beats < 3 or beat[r] < 0.5 * np.abs(beat).max():  # no R wave that points up
        return None, None
    at = landmarks(beat, fs, float(np.median(np.diff(peaks)) / fs))
    near = round(0.06 * fs)
    at |= {
        "q": (int(np.argmin(beat[r - near : r])) - near) / fs,
        "s": (int(np.argmin(beat[r : r + near]))) / fs,
    }
    chosen = next(i for i, peak in enumerate(peaks) if peak >= r)
    own = peaks[chosen] / fs
    waves = {name: own + at.get(name.lower(), 0.0) for name in _NAMES}
    following = peaks[chosen + 1 : chosen + 3] / fs
    return waves, tuple(following) if len(following) == 2 else None


def _r_peaks(x: np.ndarray, fs: float) -> np.ndarray:
    """Find the R peaks of one window: the farthest sample from the median near each QRS complex."""
    x, reach = np.abs(x - np.median(x)), round(0.08 * fs)
    starts = [max(int(at) - reach, 0) for at in find_qrs(x[None], fs).at[0]]
    return np.array([s + int(np.argmax(x[s : s + 2 * reach + 1])) for s in starts], dtype=int)


def _rates(judged: JudgedLead) -> pd.Series:
    rates = heart_rates(judged.windows, judged.fs)
    usable = (judged.meta["quality"] == QUALITIES[OK]).to_numpy()
    return pd.Series(np.where(usable, rates, np.nan), index=judged.meta["start"])


def _median_beat(judged: JudgedLead) -> pd.Series | None:
    """Return the median over windows of the median beats, by time after the R peak."""
    usable = judged.usable
    chosen = usable[:: max(1, len(usable) // _MOST_WINDOWS)]
    beats = [median_beat(x, judged.fs, _r_peaks(x, judged.fs)) for x in chosen]
    whole = [beat for beat, n_beats in beats if n_beats >= 3]
    if not whole:
        return None
    beat = np.median(whole, axis=0)
    return pd.Series(beat, index=(np.arange(len(beat)) / judged.fs - BEFORE_S).round(4))


def _features(recording: Recording) -> Iterator[str]:
    few = (
        recording
        if len(recording.leads) <= _MOST_LEADS
        else recording.select(list(range(1, _MOST_LEADS + 1)))
    )
    longest = round(_MOST_WINDOWS * 10 * few.fs)
    cut = len(few) > longest
    if cut:
        few = Recording(few.signals[:longest], few.fs, few.leads, few.unit, few.name, few.file)
    try:
        found = features_of(few).usable
    except DataError as error:
        remedy = how_to_install("features") if "neurokit2" in error.problem else ""
        yield page.paragraph(f"None: {error.problem}. {remedy}".strip())
        return
    if not len(found):
        yield page.paragraph("None: no window is usable.")
        return
    rows = []
    for i, feature in enumerate(FEATURES):
        row = {"feature": feature.name, "unit": feature.unit}
        for lead, own in found.meta.groupby("lead_name", sort=False):
            values = found.features[own.index, i]
            values = values[np.isfinite(values)]
            row[str(lead)] = (
                f"{values.mean():.3g} ± {values.std():.2g} (n = {len(values)})"
                if len(values)
                else "missing"
            )
        rows.append(row | {"meaning": feature.meaning})
    caption = "Mean ± standard deviation over the n usable windows that define the feature"
    hour = ", within the first hour" if cut else ""
    yield page.table(pd.DataFrame(rows), caption + hour)
