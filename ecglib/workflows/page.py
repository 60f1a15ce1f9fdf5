"""One HTML page that needs nothing else: text, tables and pictures, and no script.

Whatever comes from a file, such as its name or those of its leads, is escaped, and the page forbids
browsers to load or run anything but its own style and pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from string import Template
from typing import Literal

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.provenance import provenance

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { --ink: #1a1a1a; --paper: #ffffff; --soft: #555555; --line: #c8c8c8; --head: #f0f0f0;
  --good: #00663d; --fair: #7a4b00; --poor: #a3260d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #16181c; --soft: #b4b8bf; --line: #4a4f57; --head: #24282e;
    --good: #6fdba8; --fair: #f0bd62; --poor: #ff9d88; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; border-bottom: 1px solid var(--line); }
.verdict { font-size: 1.15rem; font-weight: 600; border-left: .4rem solid; padding-left: .8rem; }
.good { color: var(--good); } .fair { color: var(--fair); } .poor { color: var(--poor); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; margin: .8rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; min-width: 18rem; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
.facts td { overflow-wrap: anywhere; }
thead th { background: var(--head); }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; background: #ffffff; padding: .4rem;
  border: 1px solid var(--line); }
figcaption, footer { color: var(--soft); font-size: .9rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; } }
</style>
</head>
<body>
<main>
$body
</main>
<footer><p>Made by ecglib. This page loads nothing and runs nothing.</p></footer>
</body>
</html>
""")

_MOST_LETTERS = 120
_DPI = 130


@checked
def clean(text: object, most: int = _MOST_LETTERS) -> str:
    """Give a text that came from a file without what no reader can see, and not too long.

    Parameters
    ----------
    text : object
        Usually a str.
    most : int
        Most characters.

    Returns
    -------
    str
        Not escaped.

    Examples
    --------
    >>> clean("a very long name", most=9)
    'a very...'
    """
    checks.whole("most", most, 4)
    seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return seen if len(seen) <= most else seen[: most - 3] + "..."


@checked
def in_figure(text: object) -> str:
    """Give a `text` for a figure, where dollar signs would begin a formula.

    Examples
    --------
    >>> in_figure("anna's file")
    "anna's file"
    """
    return clean(text, 60).replace("\\", "/").replace("$", r"\$")


@checked
def heading(text: str) -> str:
    """Write a heading, escaped.

    Parameters
    ----------
    text : str
        What it says.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> heading("Leads & rates")
    '<h2>Leads &amp; rates</h2>'
    """
    return f"<h2>{escape(text)}</h2>"


@checked
def paragraph(text: str, kind: str = "") -> str:
    """Write a paragraph, escaped.

    Parameters
    ----------
    text : str
        What it says.
    kind : str
        Classes of the style: "verdict good" and so on.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> paragraph("5 < 6", "verdict good")
    '<p class="verdict good">5 &lt; 6</p>'
    """
    style = f' class="{escape(kind)}"' if kind else ""
    return f"<p{style}>{escape(text)}</p>"


@checked
def bullets(texts: list[str]) -> str:
    """Write the `texts` of a list, escaped; nothing if there are none.

    Examples
    --------
    >>> bullets(["one", "two"])
    '<ul><li>one</li><li>two</li></ul>'
    """
    rows = "".join(f"<li>{escape(clean(text, 1000))}</li>" for text in texts)
    return f"<ul>{rows}</ul>" if rows else ""


@checked
def table(frame: pd.DataFrame, caption: str) -> str:
    """Write a table of text, escaped; the first column heads its rows.

    Parameters
    ----------
    frame : DataFrame
        Without its index.
    caption : str
        What the table shows.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> "<caption>" in table(pd.DataFrame({"lead": ["I"], "grade": ["good"]}), "Leads")
    True
    """
    head = "".join(f'<th scope="col">{escape(clean(name))}</th>' for name in frame)
    rows = []
    for values in frame.astype(str).itertuples(index=False):
        first, *others = (escape(clean(value)) for value in values)
        cells = "".join(f"<td>{value}</td>" for value in others)
        rows.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


@checked
def facts(values: Mapping[str, object], caption: str) -> str:
    """Write names and their values as a table of two columns, escaped.

    Parameters
    ----------
    values : mapping of str to value
        What is known.
    caption : str
        What it is about.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> facts({"rate": "256 Hz"}, "Recording").count("256 Hz")
    1
    """
    frame = pd.DataFrame({"what": list(values), "value": [str(v) for v in values.values()]})
    return table(frame, caption).replace("<table>", '<table class="facts">', 1)


@checked
def picture(
    figure: Figure, alt: str, caption: str = "", kind: Literal["png", "svg"] = "svg"
) -> str:
    """Write a figure into the page.

    Parameters
    ----------
    figure : Figure
        What to show.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        What stands below.
    kind : {"png", "svg"}
        Points for what has many lines, else curves.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> picture(Figure(figsize=(1, 1)), "an empty figure")[:7]
    '<figure'
    """
    buffer = io.BytesIO()
    # Without a date and with equal names inside, equal figures give equal pages.
    with mpl.rc_context({"svg.hashsalt": "ecglib"}):
        about = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=about)
    mime = "image/svg+xml" if kind == "svg" else "image/png"
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    source = f"data:{mime};base64,{data}"
    return f'<figure><img src="{source}" alt="{escape(clean(alt, 500))}">{below}</figure>'


@checked
def made(sha256: str, command: str) -> dict[str, str]:
    """Say what made a page: `command`, time, checksum `sha256` of the input, and versions.

    Examples
    --------
    >>> made("0f" * 32, "ecglib report anna.csv")["command"]
    'ecglib report anna.csv'
    """
    about = provenance({}, 0.0)
    return {
        "command": command or "the library's function",
        "time (UTC)": about["made"],
        "input (SHA-256)": sha256,
        **about["environment"],
    }


@checked
def sentence(text: str) -> str:
    """Give a `text` a capital letter and a full stop.

    Examples
    --------
    >>> sentence("good: 4 windows")
    'Good: 4 windows.'
    """
    return text[:1].upper() + text[1:] + "."


@checked
def page(title: str, parts: list[str]) -> str:
    """Join parts to a page.

    Parameters
    ----------
    title : str
        Escaped here.
    parts : list of str
        HTML of the other functions of this module.

    Returns
    -------
    str
        The whole page.

    Examples
    --------
    >>> page("Anna", [paragraph("all is good")]).count("<h1>Anna</h1>")
    1
    """
    shown = escape(clean(title))
    body = "\n".join([f"<h1>{shown}</h1>", *parts])
    return _PAGE.substitute(title=shown, body=body)
