"""Where the real open recordings lie, for tests that read them; they are no part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def shared_data(*parts: str) -> Path:
    """Give a file or folder of real recordings, or skip the test that asks for it."""
    homes = [PROJECT]
    marker = PROJECT / ".git"
    if marker.is_file():  # a worktree names the main checkout's .git/worktrees/NAME
        homes.append(Path(marker.read_text().split(":", 1)[1].strip()).parents[2])
    for home in homes:
        path = home.parent.joinpath("shared", "data", *parts)
        if path.exists():
            return path
    pytest.skip(f"the real recordings {'/'.join(parts)} are not at hand")
