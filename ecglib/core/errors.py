"""The one error that bad input data raises."""

from __future__ import annotations

import os

MAX_MESSAGE = 500
"""Most characters of a message, whatever a file holds; only a long remedy goes beyond."""


_SHORT, _LONG_REMEDY = 100, 500


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
    Every parameter is kept as an attribute, and the message is composed of those given. Of a
    message of more than `MAX_MESSAGE` characters the longest parts are cut in their middle, the
    remedy last.

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
        parts = [place, *((text or "").rstrip(".") for text in (problem, expected, remedy))]
        # What files hold stands in the other parts; a remedy is said in full if it is one.
        for among in ((0, 1, 2), (0, 1, 2, 3) if len(parts[3]) > _LONG_REMEDY else ()):
            while (excess := len(_composed(*parts)) - MAX_MESSAGE) > 0 and among:
                longest = max(among, key=lambda i: len(parts[i]))
                if len(parts[longest]) <= _SHORT:
                    break
                parts[longest] = _cut(parts[longest], excess)
        super().__init__(_composed(*parts))

    def but(self, **changes: str | int | os.PathLike[str] | None) -> DataError:
        """Give the same error with other parts, such as the file that only the caller knows.

        Parameters
        ----------
        **changes
            Parts by the names of the parameters.

        Returns
        -------
        DataError

        Examples
        --------
        >>> print(DataError("no windows", field="fs").but(file="a.csv"))
        a.csv, field fs: no windows.
        """
        return DataError(**{**vars(self), **changes})


def _composed(place: str, problem: str, expected: str, remedy: str) -> str:
    message = f"{place}: {problem}." if place else f"{problem}."
    if expected:
        message += f" Expected {expected}."
    if remedy:
        message += f" To fix it: {remedy}."
    return message


def _cut(text: str, excess: int) -> str:
    """Leave out so much of the middle of a text, but no more than leaves it readable."""
    kept = max(len(text) - excess - 5, _SHORT - 20)
    return f"{text[: kept // 3]} ... {text[len(text) - kept + kept // 3 :]}"
