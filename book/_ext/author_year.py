"""Label the entries of the bibliography as the text cites them: by authors and year.

The chapters say "Moody and Mark, 2001". None of the styles that come with pybtex labels its list
that way, so this one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pybtex.database import Entry, Person
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting.author_year_title import SortingStyle
from sphinx.application import Sphinx

NAME = "author_year_list"
"""What `_config.yml` calls the style."""


class AuthorYearLabels(BaseLabelStyle):  # type: ignore[misc]
    """Labels such as "Moody and Mark, 2001", with a letter where two would be the same."""

    def format_labels(self, sorted_entries: list[Entry]) -> Iterator[str]:
        """Give the label of each entry, in their order."""
        labels = [label(entry) for entry in sorted_entries]
        times, seen = Counter(labels), Counter[str]()
        for one in labels:
            seen[one] += 1
            yield one if times[one] == 1 else f"{one}{chr(ord('a') + seen[one] - 1)}"


def label(entry: Entry) -> str:
    """Name the first authors of an entry, two at most, and its year."""
    names = [
        str(Text.from_latex(" ".join([*person.prelast_names, *person.last_names])))
        for person in entry.persons["author"]
    ]
    if len(names) > 2 or names[-1] == "others":
        names = [f"{names[0]} et al."]
    return f"{' and '.join(names)}, {entry.fields['year']}"


class ByAuthorAndYear(SortingStyle):  # type: ignore[misc]
    """Order by authors and year; the braces around the name of a group do not count."""

    def person_key(self, person: Person) -> str:
        """Give what a person is sorted by."""
        return str(super().person_key(person)).replace("{", "").replace("}", "")


class AuthorYearList(PlainStyle):  # type: ignore[misc]
    """Plain entries, sorted by authors and year, with those labels."""

    default_label_style = AuthorYearLabels
    default_sorting_style = ByAuthorAndYear


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the style."""
    register_plugin("pybtex.style.formatting", NAME, AuthorYearList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
