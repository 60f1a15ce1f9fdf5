"""Words for numbers of things."""

from __future__ import annotations

from ecglib.core.annotations import checked


@checked
def counted(number: int, thing: str) -> str:
    """Say how many of a thing there are.

    Parameters
    ----------
    number : int
        How many.
    thing : str
        Its name for one, a noun whose plural ends in s.

    Returns
    -------
    str
        Number and name.

    Raises
    ------
    DataError
        If one of them is of another type.

    Examples
    --------
    >>> counted(1, "participant"), counted(0, "clip"), counted(1200, "window")
    ('1 participant', '0 clips', '1,200 windows')
    """
    return f"{number:,} {thing}{'s' * (number != 1)}"
