"""Reports: one HTML page about a recording, a cohort or the predictions of a study."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.choice import Leads
from ecglib.workflows.check_cohort import check_cohort
from ecglib.workflows.output import refuse_to_replace
from ecglib.workflows.recording_report import recording_page
from ecglib.workflows.sources import (
    is_dreamer,
    known_set,
    read_known,
    refuse_reading_options,
    say_nothing,
)


@checked
def report(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    command: str = "",
    force: bool = False,
    tell: Callable[[str], object] = say_nothing,
) -> Path:
    """Write one HTML page about whatever a file or folder holds.

    Parameters
    ----------
    source : str or os.PathLike
        A recording, a file in the layout of DREAMER.mat, predictions (.csv.gz), a folder of results
        with predictions.csv.gz in it, or the folder of a set
        (`ecglib.workflows.sources.known_set`).
    out : str or os.PathLike
        The page, .html.
    fs, leads, unit
        Of a recording, as in `ecglib.data.readers.any_format.read_recording`; of a set, as in
        `ecglib.workflows.sources.read_known`.
    command : str
        What was typed to make it, for the provenance.
    force : bool
        Replace a page that is there.
    tell : callable
        Is given a line for each note on a set.

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
    if known_set(source):
        from ecglib.workflows.study_report import set_page

        cohort = read_known(source, fs=fs, leads=leads, unit=unit, tell=tell)
        text = set_page(check_cohort(cohort, source), command)
    elif source.is_dir() or source.name.endswith(".csv.gz"):
        from ecglib.workflows.study_report import study_page  # loads scikit-learn

        text = study_page(source, command)
    elif is_dreamer(source):
        refuse_reading_options(source, fs, leads, unit)
        from ecglib.workflows.study_report import cohort_page

        text = cohort_page(source, command)
    else:
        recording = read_recording(source, fs=fs, leads=leads, unit=unit)
        text = recording_page(recording, command)
    with atomic_path(out) as partial:
        partial.write_text(text, encoding="utf-8")
    return out
