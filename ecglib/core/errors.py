"""The one error that bad input data raises."""

from __future__ import annotations

import os


class DataError(ValueError):
    """Input data that cannot be used, said so that the reader can find and mend it.

    Parameters
    ----------
    problem : str
        What is wrong, in a few words, with the value that was found.
    file : str or os.PathLike, optional
        The file at fault.
    participant, clip : int or str, optional
        Number or name of the participant and of the clip.
    field : str, optional
        The field, column or argument at fault, by the name that its owner knows it by.
    expected : str, optional
        What a correct value looks like.
    remedy : str, optional
        What to do about it.

    Notes
    -----
    Every parameter is kept as an attribute, and the message is composed of those given.

    Examples
    --------
    >>> raise DataError("rating 7", participant=3, clip=2, field="ScoreValence",
    ...                 expected="a whole number from 1 to 5")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: participant 3, clip 2, field ScoreValence: rating 7. \
Expected a whole number from 1 to 5.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | os.PathLike[str] | None = None,
        participant: int | str | None = None,
        clip: int | str | None = None,
        field: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else os.fspath(file)
        self.participant = participant
        self.clip = clip
        self.field = field
        self.expected = expected
        self.remedy = remedy

        named = (("", self.file), ("participant ", participant), ("clip ", clip), ("field ", field))
        place = ", ".join(f"{label}{value}" for label, value in named if value is not None)
        message = f"{place}: {problem}" if place else problem
        message = message.rstrip(".") + "."
        if expected:
            message += f" Expected {expected.rstrip('.')}."
        if remedy:
            message += f" To fix it: {remedy.rstrip('.')}."
        super().__init__(message)
