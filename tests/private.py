"""A file that the library must take for a real one, although nobody was recorded for it."""

from pathlib import Path

from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
from tests.studies.tiny import SPEC


def marked_as_real(path: Path, spec: CohortSpec = SPEC, seed: int = 77) -> Path:
    """Write a synthetic cohort of other people, and take off the mark that says so."""
    write_dreamer_mat(make_cohort(spec, seed=seed).cohort, path)
    data = path.read_bytes()
    for word, other in ((b"synthetic", b"pretended"), (b"Synthetic", b"Pretended")):
        data = data.replace(word, other)
    path.write_bytes(data)
    return path
