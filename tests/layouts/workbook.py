"""Small Excel workbooks, written part by part as Excel does."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def letters(column: int) -> str:
    """Give the letters of a column, counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def write_workbook(path: Path, sheets: dict[str, Sequence[Sequence[object]]], **other: str) -> Path:
    """Write rows of texts (shared), numbers and None (no cell); `other` replaces parts."""
    shared: list[str] = []
    parts = {}
    for number, rows in enumerate(sheets.values(), start=1):
        body = []
        for i, row in enumerate(rows, start=1):
            cells = []
            for j, value in enumerate(row):
                at = f"{letters(j)}{i}"
                if isinstance(value, str):
                    if value not in shared:
                        shared.append(value)
                    cells.append(f'<c r="{at}" t="s"><v>{shared.index(value)}</v></c>')
                elif value is not None:
                    cells.append(f'<c r="{at}"><v>{value}</v></c>')
            body.append(f'<row r="{i}">{"".join(cells)}</row>')
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(body)}</sheetData></worksheet>'
        )
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
        for i, name in enumerate(sheets, start=1)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{LINK}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{LINK}"><sheets>{named}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = f"<Relationships>{links}</Relationships>"
    texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{texts}</sst>'
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (parts | other).items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return path
