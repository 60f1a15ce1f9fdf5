"""Check the English of the pages: phrases that no editor would sign, words said twice, spelling.

Only text is read: the Markdown of the chapters and of the pages of the book, without code. A
spelling checker from elsewhere would need a dictionary of names and of the words of two fields;
what is checked here is what has gone wrong before.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BANNED = {
    r"for the dearest|are dear\b|is dear\b|since they are dear": "expensive",
    r"belongs? into": "belongs in",
    r"\b[Ii]n (one|the) pot\b": "pooled, or over all windows together",
    r"loud window|loud noise|loudness": "amplitude",
    r"whole people": "people, or everything of a person",
    r"(?:^|[.] )Who [a-z]+s\b[^?.]*,": "a person who, or anyone who",
    r"[Ww]hoever": "a person who, anyone who, or a plain if",
    r"wrong about both classes alike": "equally wrong about both classes",
    r"an own\b|the own\b": "of its own",
    r"\bturned? round\b": "reversed",
    r"in place of all": "instead of all",
    r"it is no (failure|merit|harm)": "not a",
    r"is no harm": "does no harm",
    r"cannot snap": "does not arise",
    r"one or the other may": "some may",
    r"the same (?:\w+ ){0,2}like\b": "the same as",
    r"\bworth its while\b": "worth while",
    r"\bbut for\b": "except for",
    r"as is the case": "as",
    r"\b(utilise|leverage|delve|crucial|pivotal|showcase)": "a plainer word",
    r"—": "a colon, a comma or two sentences",
}
"""Phrases that were once here, as patterns, and what to write."""

AMERICAN = re.compile(
    r"\b(?:normaliz|standardiz|regulariz|generaliz|optimiz|recogniz|summariz|personaliz|initializ"
    r"|organiz|emphasiz|analyz|minimiz|maximiz|color(?!map)|behavior|favor|center(?:ed|s)?\b|labeled"
    r"|labeling|modeling|neighbor|judgment|gray\b|fulfill)\w*",
    re.IGNORECASE,
)
"""American spellings; the book is written in British English."""

TEXT_FENCE = re.compile(r"\{(admonition|warning|note|glossary|difference)")
"""What a fence begins with whose content is prose."""

TWICE = re.compile(r"\b([A-Za-z]+)\s+\1\b")
ALLOWED_TWICE = {"that", "had"}

STACCATO = 5
"""Most words of a sentence that counts as short; three of them in a row read like a telegram."""


def pages() -> dict[str, Path]:
    """Find the sources of all written pages, by the name that the table of contents has."""
    chapters = sorted((ROOT / "notebooks").glob("[0-9]*.py"))
    written = sorted((ROOT / "book").glob("*.md"))
    return {p.relative_to(ROOT).with_suffix("").as_posix(): p for p in (*chapters, *written)}


def words_of(path: Path) -> str:
    """Read what is written in a page: all of a Markdown file, the Markdown cells of a script.

    Parameters
    ----------
    path : Path
        A page of the book, or the percent script of a chapter. Lines of code become empty, so that
        the numbers of lines stay.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    if path.suffix != ".py":
        return "\n".join(lines)
    kept, written = [], False
    for line in lines:
        if line.startswith("# %%"):
            written = "[markdown]" in line
            kept.append("")
        else:
            kept.append(line[2:] if written and line.startswith("#") else "")
    return "\n".join(kept)


def prose_of(text: str) -> str:
    """Empty the lines of a page that are no prose: code, tables, headings, settings.

    Boxes are prose: only fences with code lose their content.
    """
    kept, fence = [], ""
    for number, line in enumerate(text.split("\n")):
        bare = line.strip()
        opened = re.match(r"(`{3,}|:{3,}|---$)(.*)", bare)
        if fence:
            fence = "" if bare == fence else fence
            kept.append("")
        elif opened:
            mark, info = opened[1], opened[2]
            is_code = mark == "---" and number == 0
            is_code |= (
                mark[0] == "`" and bool(info) and not re.match(r"\{(adm|warn|note|gloss)", info)
            )
            fence = mark if is_code and "differen" not in info else ""
            kept.append("")
        else:
            kept.append("" if re.match(r"[|#(%]|:[a-z]+:", bare) else line)
    return "\n".join(kept)


def paragraphs(prose: str) -> Iterator[tuple[int, str]]:
    """Go through paragraphs and items of lists: the number of the first line, and the text."""
    start, held = 1, []
    for number, line in enumerate([*prose.split("\n"), ""], 1):
        bare = line.strip()
        item = re.match(r"(?:[-*]|\d+\.|:) +", bare)
        if held and (not bare or item):
            yield start, " ".join(held)
            held = []
        if bare:
            start = start if held else number
            held.append(bare[item.end() :] if item else bare)


def problems_in(text: str) -> list[tuple[int, str]]:
    """List what is wrong with a page: the number of a line, and what to do there.

    Parameters
    ----------
    text : str
        What `words_of` reads.

    Examples
    --------
    >>> problems_in("It belongs into the the table.")
    [(1, "'belongs into': write belongs in"), (1, "'the the': said twice")]
    """
    found = []
    for line, paragraph in paragraphs(prose_of(text)):
        plain = re.sub(r"\{[\w:-]+\}`[^`]*`|`[^`]*`|\$[^$]*\$", "X", paragraph)
        for pattern, better in BANNED.items():
            found += [(line, f"{m[0]!r}: write {better}") for m in re.finditer(pattern, plain)]
        found += [(line, f"{m[0]!r}: British spelling") for m in AMERICAN.finditer(plain)]
        for m in TWICE.finditer(plain):
            if m[1].lower() not in ALLOWED_TWICE and m[1] != "X":
                found.append((line, f"{m[0]!r}: said twice"))
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z*\"])", re.sub(r"\*+", "", plain))
        short = [len(s.split()) <= STACCATO for s in sentences]
        for first in range(len(short) - 2):
            if all(short[first : first + 3]):
                said = " ".join(sentences[first : first + 3])
                found.append((line, f"{said!r}: three short sentences in a row; join them"))
    return found


def main() -> None:
    """Check every page and exit with 1 if anything is wrong."""
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in pages().values()
        for line, what in problems_in(words_of(path))
    ]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(pages())} pages of prose: in order")


if __name__ == "__main__":
    main()
