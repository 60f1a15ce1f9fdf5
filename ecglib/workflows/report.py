"""Reports: one HTML page about a recording, a cohort or the predictions of a study."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.core.extras import how_to_install
from ecglib.core.provenance import provenance
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.choice import Leads
from ecglib.data.recording import Recording
from ecglib.evaluation.predictions import load_predictions
from ecglib.evaluation.summaries import summarise
from ecglib.features.heartbeats import BEFORE_S, FEATURES, landmarks, median_beat
from ecglib.plots.paper import ecg_paper
from ecglib.plots.quality import recording_strip
from ecglib.plots.recording import heart_rate_over_time, median_beats
from ecglib.plots.results import forest
from ecglib.plots.style import METRIC_NAMES
from ecglib.preprocessing.beats import find_qrs, heart_rates
from ecglib.preprocessing.quality import OK, QUALITIES
from ecglib.preprocessing.report import envelope
from ecglib.workflows import page
from ecglib.workflows.check import (
    JudgedLead,
    RecordingCheck,
    check_of,
    file_of,
    file_sha256,
    is_dreamer,
    judge_lead,
)
from ecglib.workflows.output import refuse_to_replace

PREDICTIONS = "predictions.csv.gz"
"""File with the predictions in a folder of results."""

RESTRICTED = (
    "These are, or may be, data of the DREAMER database, whose agreement forbids passing them on. "
    "This page therefore holds tables of numbers over all participants only: no sample, no "
    "picture and nothing about a single person."
)
"""What a page says that leaves out what may not be passed on."""

_PAPER_S = 10.0
_MOST_LEADS, _MOST_WINDOWS = 12, 360
_NAMES = ("P", "Q", "R", "S", "T")


def report(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    command: str = "",
    force: bool = False,
) -> Path:
    """Write one HTML page about whatever a file or folder holds.

    Parameters
    ----------
    source : str or os.PathLike
        A recording, a file in the layout of DREAMER.mat, predictions (.csv.gz), or a folder of
        results with `PREDICTIONS` in it.
    out : str or os.PathLike
        The page, .html.
    fs, leads, unit
        Of a recording, as in `ecglib.data.readers.any_format.read_recording`.
    command : str
        What was typed to make it, for the provenance.
    force : bool
        Replace a page that is there.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    DataError
        If the source cannot be read, or the page is there already.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.workflows.synthesize import synthesize
    >>> folder = Path(tempfile.mkdtemp())
    >>> made = synthesize(folder / "anna.npz", seconds=20)
    >>> "ECG II synthetic" in report(made.file, folder / "anna.html").read_text()
    True
    """
    source, out = Path(source), Path(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"the extension {out.suffix!r}", file=out, expected="a page, .html")
    refuse_to_replace(out, force)
    if source.is_dir() or source.name.endswith(".csv.gz"):
        text = study_page(source, command)
    elif is_dreamer(source):
        text = cohort_page(source, command)
    else:
        recording = read_recording(source, fs=fs, leads=leads, unit=unit)
        text = recording_page(recording, source, command)
    with atomic_path(out) as partial:
        partial.write_text(text, encoding="utf-8")
    return out


def recording_page(recording: Recording, path: str | os.PathLike[str], command: str = "") -> str:
    """Make the page about a recording: verdict, tables, pictures, provenance.

    Parameters
    ----------
    recording : Recording
        What was read.
    path : str or os.PathLike
        The file that it was read from.
    command : str
        What was typed, for the provenance.

    Returns
    -------
    str
        HTML.
    """
    check = check_of(recording, path)
    parts = [
        page.paragraph(_first_upper(check.sentence), f"verdict {check.verdict}"),
        page.bullets(list(check.notes)),
        page.heading("What it is"),
        page.facts(_identity(check), "The recording"),
        page.heading("Leads"),
        page.table(check.table(), "What was found in each lead"),
        *_pictures(recording, check),
        page.heading("Features of the heartbeats"),
        *_features(recording),
        page.heading("How this page was made"),
        page.facts(_made(check.sha256, command), "Provenance"),
    ]
    return page.page(f"ECG of {recording.name}", parts)


def cohort_page(path: str | os.PathLike[str], command: str = "") -> str:
    """Make the page about a file in the layout of DREAMER.mat: tables of aggregated numbers.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    command : str
        What was typed, for the provenance.

    Returns
    -------
    str
        HTML. Of real data it says nothing about a single person.
    """
    from ecglib.workflows.check_dreamer import check_dreamer  # loads a network library

    check = check_dreamer(path)
    real = check.data != "synthetic"
    people = [
        {"scale": scale}
        | {
            name: f"{value:.0%}"
            for name, value in check.high[scale].describe().items()
            if name in ("min", "25%", "50%", "75%", "max")
        }
        for scale in check.high
    ]
    quality = (
        check.quality.reset_index()
        .groupby("lead")
        .agg({"windows": "sum", **{flag: "sum" for flag in QUALITIES if flag in check.quality}})
    )
    parts = [
        page.paragraph(_first_upper(check.sentence), f"verdict {check.verdict}"),
        page.paragraph(RESTRICTED) if real else page.paragraph("Synthetic: nobody was recorded."),
    ]
    if real:
        told = len(check.problems) + len(check.notes)
        parts.append(page.paragraph(f"{told} remarks about participants: ecglib check shows them."))
    else:
        parts.append(page.bullets([*check.problems, *check.notes]))
    parts += [
        page.heading("What it is"),
        page.facts(
            {
                "file": Path(path).name,
                "data": f"{check.data}, version {check.version}",
                "people, clips": f"{check.people}, {check.clips}",
                "length": f"{check.hours:.1f} h",
                "checksum (SHA-256)": check.sha256,
            },
            "The cohort",
        ),
        page.heading("Ratings"),
        page.table(
            check.ratings.reset_index(names="scale"), "Number of clips that were given each rating"
        ),
        page.table(
            pd.DataFrame(people), "Share of a person's clips rated high (above 3), over all people"
        ),
        page.heading("Quality"),
        page.table(quality.reset_index(), "Windows of all people, and those with each flag"),
        page.heading("How this page was made"),
        page.facts(_made(check.sha256, command), "Provenance"),
    ]
    return page.page(f"Cohort {Path(path).name}", parts)


def study_page(source: str | os.PathLike[str], command: str = "") -> str:
    """Make the page about predictions: a summary, its figures, the audit, provenance.

    Parameters
    ----------
    source : str or os.PathLike
        Predictions, or a folder of results with `PREDICTIONS` and perhaps leaks.csv in it.
    command : str
        What was typed, for the provenance.

    Returns
    -------
    str
        HTML. Without pictures unless the data are known not to be DREAMER's.

    Raises
    ------
    DataError
        If there are no predictions.
    """
    source = Path(source)
    file = source / PREDICTIONS if source.is_dir() else source
    predictions = load_predictions(file)
    about = predictions.attrs.get("provenance", {})
    summary = summarise(predictions)
    label = _label(about)
    parts = [
        page.paragraph(
            f"{len(predictions)} predictions of {predictions['participant'].nunique()} people; "
            f"data: {label}"
        )
    ]
    if may_be_restricted(about):
        parts.append(page.paragraph(RESTRICTED))
    parts += [page.heading("Summary"), page.table(_summary_text(summary), "Mean over people")]
    if not may_be_restricted(about):
        parts += _forests(summary, label)
    leaks = file.with_name("leaks.csv")
    if leaks.is_file():
        parts += [page.heading("Audit"), *_audit(leaks)]
    made = _made(file_sha256(file), command)
    parts += [
        page.heading("How the predictions were made"),
        page.facts(_flat(about), "Provenance of the predictions"),
        page.heading("How this page was made"),
        page.facts(made, "Provenance of the page"),
    ]
    return page.page(f"Results in {source.name}", parts)


def may_be_restricted(about: Mapping[str, Any]) -> bool:
    """Say whether predictions are, or may be, of the DREAMER database.

    Parameters
    ----------
    about : mapping
        Their provenance.

    Returns
    -------
    bool
        True if their data are named DREAMER or by the checksum of a file, as a study names a real
        one, or are not named.
    """
    names = list(_values_of("data", about))
    real = [name for name in names if name == "DREAMER" or re.fullmatch(r"[0-9a-f]{64}", name)]
    return bool(real) or not names


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
    step = max(1.0, recording.duration / 3000)
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
    from ecglib.workflows.features import features_of

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


def _summary_text(summary: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": summary["target"],
            "protocol": summary["protocol"],
            "model": summary["model"],
            "regime": summary["regime"],
            "metric": [METRIC_NAMES.get(name, name) for name in summary["metric"]],
            "mean": [_three(v) for v in summary["mean"]],
            "interval": [
                "-" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
                for low, high in zip(summary["low"], summary["high"], strict=True)
            ],
            "majority class": [_three(v) for v in summary["baseline"]],
            "people": summary["n_participants"],
        }
    )


def _forests(summary: pd.DataFrame, label: str) -> Iterator[str]:
    yield page.heading("Figures")
    for metric in summary["metric"].unique():
        own = summary[(summary["metric"] == metric) & summary["mean"].notna()]
        if len(own) and metric in METRIC_NAMES:
            name = METRIC_NAMES[metric]
            yield page.picture(
                forest(own, metric, page.in_figure(label)),
                f"Mean {name} over people of every model, with its interval; the same numbers are "
                "in the table.",
                _first_upper(name),
            )


def _audit(path: Path) -> Iterator[str]:
    try:
        leaks = pd.read_csv(path, comment="#")
        counts = leaks.groupby(["protocol", "model", "stage", "kind"]).size()
    except (ValueError, KeyError) as error:
        raise DataError(
            f"the table cannot be read ({error})",
            file=path,
            expected="what ecglib evaluate wrote",
            remedy="run ecglib evaluate again",
        ) from error
    if counts.empty:
        yield page.paragraph("Nothing of the tested side reached the training side.")
        return
    yield page.table(counts.rename("times").reset_index(), "What was on both sides of a fold")


def _made(sha256: str, command: str) -> dict[str, str]:
    about = provenance({}, 0.0)
    return {
        "command": command or "the library's function",
        "time (UTC)": about["made"],
        "input (SHA-256)": sha256,
        **about["environment"],
    }


def _label(about: Mapping[str, Any]) -> str:
    names = sorted({page.clean(name, 40) for name in _values_of("data", about)})
    return ", ".join(names) if names else "unknown"


def _values_of(key: str, value: Any) -> Iterator[str]:
    """Find all texts under a key, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key and isinstance(inner, str):
                yield inner
            yield from _values_of(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values_of(key, inner)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Name every plain value by its path."""
    found: dict[str, str] = {}
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            found |= _flat(inner, f"{prefix}{name}: ")
        else:
            found[f"{prefix}{name}"] = str(inner)
    return found or {"provenance": "none"}


def _three(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
