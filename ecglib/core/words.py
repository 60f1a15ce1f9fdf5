"""Words for numbers of things."""

from __future__ import annotations

from ecglib.core.annotations import checked


@checked
def counted(number: int, thing: str, things: str | None = None) -> str:
    """Say how many of a thing there are.

    Parameters
    ----------
    number : int
        How many.
    thing, things : str
        Its name, for one and for several; by default the second has an s more.

    Returns
    -------
    str
        Number and name.

    Raises
    ------
    DataError
        If an argument is of another type.

    Examples
    --------
    >>> counted(1, "participant"), counted(0, "clip"), counted(1200, "window")
    ('1 participant', '0 clips', '1,200 windows')
    >>> counted(2, "copy", "copies")
    '2 copies'
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
