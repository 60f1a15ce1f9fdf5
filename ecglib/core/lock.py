"""The lock: a digest of the code that every stage reaches, so that no change of logic is forgotten.

Names of results carry the version of their stage and nothing of the code (`ecglib.core.stages`).
The lock is a file that holds, for every stage, its version and a digest of its code. Where the
digest differs and the version does not, somebody changed the code and has to say whether numbers
changed: raise the version, or lock the new code under the old one.

The digest is that of `ecglib.core.sources`: code that is only moved, renamed or explained keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path
from ecglib.core.sources import Sources
from ecglib.core.stages import Stage


@dataclass(frozen=True)
class Lock:
    """The versions and digests of stages, as they were locked.

    Parameters
    ----------
    entries : mapping of str to mapping
        By name of the stage: ``versions`` of the stage and those before it, and ``digest``.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "stages.lock")
    >>> lock = Lock({"windows": {"versions": {"windows": 1}, "digest": "0f"}})
    >>> lock.write(path)
    >>> Lock.read(path) == lock, lock.forgotten(lock)
    (True, [])
    """

    entries: Mapping[str, Mapping[str, object]]

    @classmethod
    @checked
    def of(cls, stages: Iterable[Stage], sources: Sources) -> Lock:
        """Lock `stages` as they are now in the `sources`."""
        return cls(
            {s.name: {"versions": s.versions(), "digest": sources.digest(s.code)} for s in stages}
        )

    @classmethod
    @checked
    def read(cls, path: Path) -> Lock:
        """Read what `write` wrote to `path`."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @checked
    def write(self, path: Path) -> None:
        """Write the lock to a JSON file at `path`, atomically."""
        with atomic_path(path) as partial:
            partial.write_text(
                json.dumps(self.entries, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )

    @checked
    def forgotten(self, now: Lock) -> list[str]:
        """List the stages whose code is another than the locked one, under the same versions.

        Parameters
        ----------
        now : Lock
            `of` the same stages.

        Returns
        -------
        list of str
        """
        return [
            name
            for name, entry in now.entries.items()
            if name in self.entries
            and entry["digest"] != self.entries[name]["digest"]
            and entry["versions"] == self.entries[name]["versions"]
        ]

    @checked
    def unrecorded(self, now: Lock) -> list[str]:
        """List the stages that are new, gone, or of another version in `now` than here."""
        both = {**self.entries, **now.entries}
        return [
            name
            for name in both
            if self.entries.get(name, {}).get("versions")
            != now.entries.get(name, {}).get("versions")
        ]
