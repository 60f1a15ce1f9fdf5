"""The pages about a cohort and about the predictions of a study."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.predictions import load_predictions
from ecglib.evaluation.summaries import summarise
from ecglib.plots.results import forest
from ecglib.plots.style import METRIC_NAMES
from ecglib.preprocessing.quality import QUALITIES
from ecglib.workflows import page
from ecglib.workflows.check_cohort import CohortCheck
from ecglib.workflows.output import PREDICTIONS
from ecglib.workflows.sources import file_sha256

RESTRICTED = (
    "These are, or may be, data of the DREAMER database, whose agreement forbids passing them on. "
    "This page therefore holds tables of numbers over all participants only: no sample, no "
    "picture and nothing about a single person."
)
"""What a page says that leaves out what may not be passed on."""

OVER_ALL = (
    "Most sets come with terms that forbid passing them on, or leave it open. This page therefore "
    "holds numbers over all participants only: no sample, no picture and nothing about a single "
    "person."
)
"""What a page about a set of recordings says."""


@checked
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

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
    >>> made = make_cohort(CohortSpec(2, (20.0, 20.0), 11.0), seed=0)
    >>> path = write_dreamer_mat(made.cohort, Path(tempfile.mkdtemp(), "DREAMER.mat"))
    >>> cohort_page(path).count("<h1>")
    1
    """
    from ecglib.workflows.check_dreamer import check_dreamer  # loads a network library

    check = check_dreamer(path)
    real = check.data != "synthetic"
    people = [
        {"scale": scale}
        | {
            name: f"{value:.0%}"
            for name, value in check.high[scale].describe().items()
            if name in ("25%", "50%", "75%")
        }
        for scale in check.high
    ]
    parts = [
        page.paragraph(page.sentence(check.sentence), f"verdict {check.verdict}"),
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
        _quality(check.quality),
        page.heading("How this page was made"),
        page.facts(page.made(check.sha256, command), "Provenance"),
    ]
    return page.page(f"Cohort {Path(path).name}", parts)


@checked
def set_page(check: CohortCheck, command: str = "") -> str:
    """Make the page about a set of recordings: numbers over all people.

    Parameters
    ----------
    check : CohortCheck
        What was found in it.
    command : str
        What was typed, for the provenance.

    Returns
    -------
    str
        HTML. It says nothing about a single person.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort
    >>> from ecglib.workflows.check_cohort import check_cohort
    >>> check = check_cohort(
    ...     make_cohort(CohortSpec(1, (20.0, 20.0), 11.0), seed=0).cohort, "made here"
    ... )
    >>> set_page(check).count("<h1>")
    1
    """
    told = len(check.problems) + len(check.notes) + len(check.of_reader)
    version = f", version {check.version}" if check.version else ""
    counts = [
        {"what": f"made during {name}", "recordings": n} for name, n in check.conditions.items()
    ]
    counts += [
        {"what": f"with a label, {name}", "recordings": n} for name, n in check.labels.items()
    ]
    parts = [
        page.paragraph(page.sentence(check.sentence), f"verdict {check.verdict}"),
        page.paragraph(OVER_ALL),
        page.paragraph(f"{told} remarks about the set and its people: ecglib check shows them."),
        page.heading("What it is"),
        page.facts(
            {
                "folder": Path(check.file).resolve().name,
                "data": f"{check.data}{version}",
                "people, recordings": f"{check.people}, {check.recordings}",
                "length": f"{check.hours:.1f} h",
                "sampling rate": " or ".join(f"{rate:g} Hz" for rate in check.rates),
                "leads": ", ".join(check.leads),
                "checksum (SHA-256)": check.sha256,
            },
            "The cohort",
        ),
        page.heading("Recordings"),
        page.table(pd.DataFrame(counts), "Number of recordings"),
        page.heading("Quality"),
        _quality(check.quality),
        page.heading("How this page was made"),
        page.facts(page.made(check.sha256, command), "Provenance"),
    ]
    return page.page(f"Cohort {check.data}", parts)


def _quality(quality: pd.DataFrame) -> str:
    flags = {flag: "sum" for flag in QUALITIES if flag in quality}
    counts = quality.reset_index().groupby("lead").agg({"windows": "sum", **flags})
    return page.table(counts.reset_index(), "Windows of all people, and those with each flag")


@checked
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

    Examples
    --------
    >>> study_page("nowhere.csv.gz")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: nowhere.csv.gz: there is no such file. Expected a ...
    """
    source = Path(source)
    file = source / PREDICTIONS if source.is_dir() else source
    if not file.is_file():
        raise DataError(
            f"there is no {PREDICTIONS} in this folder"
            if source.is_dir()
            else "there is no such file",
            file=source,
            expected=f"a recording, or the folder of `ecglib evaluate --out`, with {PREDICTIONS}",
            remedy="name one recording of the folder; ecglib check takes whole folders"
            if source.is_dir()
            else "check the path",
        )
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
    made = page.made(file_sha256(file), command)
    parts += [
        page.heading("How the predictions were made"),
        page.facts(_flat(about), "Provenance of the predictions"),
        page.heading("How this page was made"),
        page.facts(made, "Provenance of the page"),
    ]
    return page.page(f"Results in {source.name}", parts)


@checked
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

    Examples
    --------
    >>> (
    ...     may_be_restricted({"data": "synthetic"}),
    ...     may_be_restricted({"data": "DREAMER"}),
    ...     may_be_restricted({}),
    ... )
    (False, True, True)
    """
    names = list(_values_of("data", about))
    real = [name for name in names if name == "DREAMER" or re.fullmatch(r"[0-9a-f]{64}", name)]
    return bool(real) or not names


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
                page.sentence(name),
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
