"""What a chapter may say, and must say, of a data file that is not the book's own.

A sentence that is typed into a chapter must hold for any file; one that depends on the file must be
conditional ("Where the line says True, ...") or computed. `CLAIMS` lists what would break that,
`AGREE` what must agree with the numbers of the same page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROLE = re.compile(r"\{[\w:]+\}`([^`<]+?)(?: <[^`]*>)?`")
NUMBER = r"[-+−]?\d+\.\d+"
SCALES = ("valence", "arousal", "dominance")


@dataclass(frozen=True)
class Data:
    """What is known of the file behind a book.

    Parameters
    ----------
    people, clips : int
        How many it has.
    synthetic : bool
        Whether it says that it is synthetic; any other file counts as DREAMER, and is restricted.
    planted : bool
        Whether it is the book's own cohort, of which the book knows what was planted.
    """

    people: int
    clips: int
    synthetic: bool
    planted: bool = False


Condition = Callable[[Data, str], bool]


def never(data: Data, page: str) -> bool:
    """Hold for no file."""
    return False


def always(data: Data, page: str) -> bool:
    """Hold for every file."""
    return True


def prints(text: str) -> Condition:
    """Give a condition that holds where a cell of the page prints a text."""
    return lambda data, page: bool(re.search(text, page))


def synthetic(data: Data, page: str) -> bool:
    """Hold for a file that says that it is synthetic."""
    return data.synthetic


def real(data: Data, page: str) -> bool:
    """Hold for a file that must be taken for a real one."""
    return not data.synthetic


def planted(data: Data, page: str) -> bool:
    """Hold for the book's own cohort."""
    return data.planted


def unknown(data: Data, page: str) -> bool:
    """Hold for a synthetic file of which nobody says what was planted."""
    return data.synthetic and not data.planted


def of_dreamer(data: Data, page: str) -> bool:
    """Hold for a file with as many clips as DREAMER."""
    return data.clips == 18


@dataclass(frozen=True)
class Claim:
    """A sentence, and the files of which it is true.

    Parameters
    ----------
    chapter : str
        How the names of the chapters begin; all of them if empty.
    says : str
        Regular expression; ``{people}`` and ``{clips}`` stand for the numbers of the file.
    true : callable
        Takes the data and the page; elsewhere the sentence must not stand there.
    must : bool
        Whether it must stand there where it is true.
    """

    chapter: str
    says: str
    true: Condition
    must: bool = False


_DEFAULT = (
    r"\b(?:(?:23|[Tt]wenty-three) (?:people|participants)"
    r"|(?:18|[Ee]ighteen) (?:\w+ )?(?:clips|films)|(?<!\.)414 )"
)
_BETTER = (
    r"(?<!Does )\b(?:[Tt]he|[Oo]ur) (?:[\w-]+ ){0,2}(?:encoder|network|features|pretext)"
    r" (?:beats?|outperforms?|wins?|is better|are better) "
)

CLAIMS = (
    # What the file is.
    Claim("01", r"\b{people} participants, {clips} clips\b", always, must=True),
    Claim("01", r"nothing was planted, and nobody knows", real, must=True),
    Claim("01", r"what was planted, if anything, is not known", unknown, must=True),
    Claim("01", r"shift per unit of feeling", planted, must=True),
    Claim("01", r"not (?:those|the clips) of the DREAMER study", lambda d, p: not of_dreamer(d, p)),
    Claim("01", r"beside the published ones", of_dreamer),
    Claim("", r"^data: DREAMER\b", real, must=True),
    Claim("", r"^data: synthetic\b", synthetic, must=True),
    Claim("", r"must not be passed on\.$", real),
    Claim("", _DEFAULT, lambda d, p: d.people == 23 and of_dreamer(d, p)),  # see `exempt`
    Claim("", r"\bnan (?:to nan|times|in |of |%)", never),
    # A finding is printed beside its interval, never typed.
    Claim("", _BETTER, never),
    Claim("", r"(?:[Ww]e|[Tt]he (?:network|encoder|model)) found an effect", never),
    Claim("", r"[Pp]retraining (?:helps|pays off)\b(?! on)", never),
    Claim("", r"we planted the effect|people with a planted effect", never),
    Claim("09", r"\bthe answer was built in", never),
    # Sentences that held for the book's own cohort only.
    Claim("02", r"in a cohort made by `ecglib` it does", never),
    Claim("03", r"(?<!Where )\b(?:amplitude|tempo) varies anyway|; they overlap", never),
    Claim("05", r"(?<!Where )(?<!Where the )\bfeatures know who a window belongs to, so", never),
    Claim("05", r"(?<!Where )\b[Aa] participant's windows lie together", never),
    Claim("05", r"The two shares differ|with so few people", never),
    Claim("", r"(?<!up to )(?<!Up to )\b[Ss]ix participants (?:who lie|have)", never),
    Claim("06", r"The same where there is nothing to find|larger than anyone should expect", never),
    Claim("07", r"by a half, by|The clip cannot be told|The person is easily", never),
    Claim("08", r"centred on a dotted line|towards a level above zero", never),
    Claim("10", r"With five classes", never),
    Claim("11", r"people react alike|outvotes hundreds|differ in the third digit", never),
    Claim("11", r"moves the accuracy and not the order", prints("its AUC changes .* 0.05: True")),
    Claim("12", r"goes a long way towards knowing", never),
    Claim("14", r"done several times|more of them than in the other|draw them several", never),
)  # fmt: skip


def exempt(paragraph: str) -> bool:
    """Tell whether a paragraph speaks of the DREAMER study itself or of a simulation."""
    return bool(re.search(r"DREAMER|katsigiannis|simulated", paragraph))


def page_of(notebook: Path) -> str:
    """Give what an executed chapter says: its text and captions, and what its cells give.

    A paragraph of the text becomes one line, without roles and without emphasis.
    """
    said: list[str] = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        figure = cell.metadata.get("mystnb", {})
        said.append(figure.get("image", {}).get("alt", ""))
        said.append(figure.get("figure", {}).get("caption", ""))
        if cell.cell_type == "markdown":
            said += paragraphs(cell.source)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":  # what libraries log there is not part of the page
                continue
            given = output.get("data", {})
            said += paragraphs(given["text/markdown"]) if "text/markdown" in given else []
            said.append(output.get("text") or given.get("text/plain", ""))
    return "\n".join(part.rstrip("\n") for part in said if part)


def paragraphs(source: str) -> list[str]:
    """Give the paragraphs of Markdown, each as one line, without roles and without emphasis."""
    plain = re.sub(r"(?<!\*)\*{1,2}(?![*\s])|(?<=\S)\*{1,2}", "", ROLE.sub(r"\1", source))
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", plain) if part.strip()]


def complaints(chapter: str, page: str, data: Data) -> list[str]:
    """List what a chapter says that is not true of its data, and what it fails to say.

    Parameters
    ----------
    chapter : str
        Its name, such as ``"05_transfer"``.
    page : str
        As from `page_of`.
    data : Data
        What is known of the file.

    Returns
    -------
    list of str
        One line each; empty if all is well.
    """
    found = []
    for claim in CLAIMS:
        if not chapter.startswith(claim.chapter):
            continue
        says = claim.says.replace("{people}", str(data.people)).replace("{clips}", str(data.clips))
        lines = [line for line in page.splitlines() if re.search(says, line)]
        if claim.says == _DEFAULT:
            lines = [line for line in lines if not exempt(line)]
        true = claim.true(data, page)
        if lines and not true:
            found.append(f"{chapter}: says what is not true of {data}: {lines[0][:200]!r}")
        if claim.must and true and not lines:
            found.append(f"{chapter}: does not say {says!r}")
    for start, agree in AGREE.items():
        found += [f"{chapter}: {line}" for line in agree(page) if chapter.startswith(start)]
    return found


def _rows(lines: list[str]) -> dict[str, tuple[float, float]]:
    """Read low and high of rows such as ``arousal 0.02 -0.05 0.09``, by scale."""
    row = re.compile(rf"\b({'|'.join(SCALES)})\s+{NUMBER}\s+({NUMBER})\s+({NUMBER})\b")
    return {m[1]: (_number(m[2]), _number(m[3])) for line in lines if (m := row.search(line))}


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


def pretraining_verdict(page: str) -> list[str]:
    """Compare chapter 6's verdict on pretraining with the table of differences above it."""
    before, line, after = page.partition("the pretrained encoder is better, interval above zero")
    if not line:
        return ["no verdict on pretraining"]
    if "STR minus random" not in before:
        return ["no table of differences above the verdict on pretraining"]
    table = before[before.rfind("STR minus random") :].splitlines()
    lows = [
        _number(m[1])
        for row in table
        if (m := re.search(rf"\b(?:{'|'.join(SCALES)})\s+{NUMBER}\s+({NUMBER})\s+{NUMBER}\b", row))
    ]
    said = re.search(r"for at least one target: (True|False)", after)
    if said is None or any(abs(low) < 0.001 for low in lows):  # rounded: cannot be told
        return [] if said else ["no verdict on pretraining"]
    if (said[1] == "True") != any(low > 0 for low in lows):
        return [f"says that pretraining is better: {said[1]}, beside lower ends {lows}"]
    return []


def gain_verdict(page: str) -> list[str]:
    """Compare chapter 9's verdicts on its versions with the table of gains above them."""
    found = []
    table = page[page.find("area minus that of the plain features") :].splitlines()
    words = re.compile(r", ([\w ]+): better, .* zero: (\[.*?\]); worse: (\[.*\])")
    verdicts = [(line, said) for line in table if (said := words.search(line))]
    if not verdicts:
        return ["no verdict on the versions of the features"]
    for line, said in verdicts:
        at = next((i for i, row in enumerate(table) if row.strip().startswith(said[1])), None)
        if at is None:
            found.append(f"{said[1]}: no rows above {line!r}")
            continue
        rows = _rows(table[at : at + len(SCALES)])
        better, worse = (json.loads(said[i].replace("'", '"')) for i in (2, 3))
        for scale, (low, high) in rows.items():
            if min(abs(low), abs(high)) < 0.01:  # rounded: cannot be told
                continue
            if (scale in better) != (low > 0) or (scale in worse) != (high < 0):
                found.append(f"{said[1]}, {scale}: {line!r} beside [{low}, {high}]")
    return found


def question_verdicts(page: str) -> list[str]:
    """Compare chapter 14's verdicts with the intervals that are printed above them."""
    found: list[str] = []
    n_verdicts = 0
    intervals: dict[tuple[str, str], tuple[float, float]] = {}
    scale, words = "", re.compile(r"(higher|lower|grows|shrinks|not decided) for ([\w, ]+)")
    row = re.compile(rf"^(.+?)\s+{NUMBER} \[({NUMBER}), ({NUMBER})\]")
    for line in page.splitlines():
        if "difference of the AUC [intervals" in line:
            intervals = {}
        elif line.strip() in SCALES:
            scale = line.strip()
        elif m := row.match(line):
            intervals[m[1].strip(), scale] = (_number(m[2]), _number(m[3]))
        elif any(line.startswith(f"{question}: ") for question, _ in intervals):
            n_verdicts += 1
            question = next(q for q, _ in intervals if line.startswith(f"{q}: "))
            verdict = line.removeprefix(f"{question}: ")
            said = {s: m[1] for m in words.finditer(verdict) for s in m[2].split(", ")}
            for (asked, of), (low, high) in intervals.items():
                if asked != question or min(abs(low), abs(high)) < 0.01:
                    continue
                told = said.get(of, verdict)
                right = (
                    ("higher", "grows") if low > 0 else
                    ("lower", "shrinks") if high < 0 else ("not decided",)
                )  # fmt: skip
                if told not in right:
                    found.append(f"{question}, {of}: {told!r} beside [{low}, {high}]")
    return found if n_verdicts else ["no verdict below a table of intervals"]


AGREE: dict[str, Callable[[str], list[str]]] = {
    "06": pretraining_verdict,
    "09": gain_verdict,
    "14": question_verdicts,
}
"""What a chapter decides in words must be what its intervals say: by how its name begins."""
