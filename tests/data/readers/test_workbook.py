import zipfile

import pytest

from ecglib.core.errors import DataError
from ecglib.data.readers import workbook
from ecglib.data.readers.workbook import read_sheet
from tests.layouts.workbook import MAIN, write_workbook
from tests.real import shared_data

SHEET = "xl/worksheets/sheet1.xml"
ROWS = [
    ["Participant  Id", "Name", "Age", "Gender"],
    [1, "Anna Secret", 30, "F"],
    [2, "Bert Hidden", None, " M "],
    [None, "Carl Nobody", None, None],
    [3, "Dora Covert", 41.5, "F"],
]
WANTED = {"person": ("Participant Id",), "age": ("Age",), "sex": ("Gender", "Male")}


def refused(path, match, columns=WANTED, **options):
    with pytest.raises(DataError, match=match) as caught:
        read_sheet(path, columns, **options)
    assert str(path) in str(caught.value)
    return caught.value


def rewrite(path, name, text):
    """Replace one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in (parts | {name: text}).items():
            archive.writestr(part, content)


def test_columns_are_found_by_their_headings(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS, "Other": [["Age"], [7]]})
    table = read_sheet(path, WANTED)
    assert table.index.tolist() == [2, 3, 5]
    assert table["person"].tolist() == ["1", "2", "3"]
    assert table["age"].tolist() == ["30", "", "41.5"]
    assert table["sex"].tolist() == ["F", "M", "F"]
    assert read_sheet(path, {"age": ("age",)}, sheet="Other")["age"].tolist() == ["7"]
    refused(path, "no sheet of this name. Expected a sheet named Third", sheet="Third")


def test_a_column_may_be_missing_only_if_that_is_said(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    columns = WANTED | {"height": ("Height", "Size")}
    assert read_sheet(path, columns, optional=["height"])["height"].tolist() == [""] * 3
    error = refused(path, "field Height: .*'Height' or 'Size' in the first row", columns)
    assert "Secret" not in str(error)


def test_a_heading_that_is_there_twice(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": [["Male", "Gender"], ["F", "F"]]})
    refused(path, "field Gender: two columns of this name", {"sex": ("Gender", "Male")})


def test_other_columns_are_not_kept(tmp_path, monkeypatch):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    kept = []
    shared = workbook._shared
    monkeypatch.setattr(workbook, "_shared", lambda *a: kept.append(shared(*a)) or kept[-1])
    read_sheet(path, WANTED)
    texts = [text for found in kept for text in found.values()]
    assert "F" in texts and not any("Secret" in text for text in texts)


def test_texts_in_the_cell_formulas_rich_text_and_cells_without_a_place(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row>'
        '<x:c t="inlineStr"><x:is><x:t>Ag</x:t><x:t>e</x:t></x:is></x:c>'
        '<x:c t="s"><x:v>0</x:v></x:c></x:row>'
        '<x:row><x:c><x:f>A1+1</x:f><x:v>4</x:v></x:c><x:c t="str"><x:v>a&amp;b</x:v></x:c></x:row>'
        "<x:row><x:c/></x:row></x:sheetData></x:worksheet>"
    )
    rewrite(path, SHEET, sheet)
    texts = (
        f'<sst xmlns="{MAIN}"><si><r><t>Ma</t></r><r><t>le</t></r><rPh><t>no</t></rPh></si></sst>'
    )
    rewrite(path, "xl/sharedStrings.xml", texts)
    table = read_sheet(path, {"age": ("Age",), "sex": ("Male",)})
    assert table.to_dict("list") == {"age": ["4"], "sex": ["a&b"]}


def test_no_rows(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS[:1]})
    assert read_sheet(path, WANTED).empty
    refused(write_workbook(tmp_path / "b.xlsx", {"People": []}), "names no such column")


def test_what_is_no_workbook(tmp_path):
    path = tmp_path / "a.xlsx"
    refused(path, "no such file")
    for content, problem in (
        (b"", "is empty"),
        (b"name,age\n", "this is no workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "an older format.*without a password"),
        (b"PK\x03\x04" + bytes(100), "cannot be read"),
    ):
        path.write_bytes(content)
        refused(path, problem)


def test_a_truncated_or_damaged_workbook(tmp_path):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    content = path.read_bytes()
    for keep in (20, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:keep])
        refused(path, "cannot be read")
    at = content.index(b"xl/worksheets/sheet1.xml") + 40
    path.write_bytes(content[:at] + bytes(20) + content[at + 20 :])
    refused(path, "cannot be read")


def test_an_error_quotes_nothing_of_a_damaged_archive(tmp_path):
    """Python's own message would: it takes what follows a name that is said to be longer for it."""
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    content = bytearray(path.read_bytes())
    at = content.index(b"xl/_rels/workbook.xml.rels")
    content[at - 3] = 9  # 9 * 256 characters more
    path.write_bytes(bytes(content))
    error = refused(path, "cannot be read")
    for link in (error, error.__cause__, error.__context__):
        assert "Secret" not in str(link)


@pytest.mark.parametrize(
    ("part", "text", "problem"),
    [
        (SHEET, "<a><row></a>", "mismatched tag"),
        (SHEET, '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "document type"),
        (SHEET, '<a><row r="-1"><c/></row></a>', "a row that is nowhere"),
        (SHEET, '<a><row><c r="1A"/></row></a>', "a cell that is nowhere"),
        (SHEET, '<a><row><c t="s"><v>x</v></c></row></a>', "whose text is nowhere"),
        (SHEET, '<a><row><c t="s"><v>99999</v></c></row></a>', "whose text is missing"),
        (SHEET, f"<a><row><c><v>{'9' * 40_000}</v></c></row></a>", "more than 32767 characters"),
        ("xl/workbook.xml", "<workbook/>", "has no sheet"),
        ("xl/workbook.xml", "<a>" + "<sheet/>" * 20_000 + "</a>", "too many elements"),
        ("xl/_rels/workbook.xml.rels", "<a/>", "a sheet without a file"),
    ],
)
def test_parts_that_break_the_rules(tmp_path, part, text, problem):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    rewrite(path, part, text)
    refused(path, problem)


def test_a_workbook_that_swells_is_refused(tmp_path, monkeypatch):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    rewrite(path, SHEET, "<a>" + " " * 5_000_000 + "</a>")
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(workbook, "MAX_PART", 2**20)
    refused(path, "is larger than 1 MiB")
    monkeypatch.setattr(workbook, "MAX_BYTES", 100)
    refused(path, "0 MiB. Expected an Excel workbook")


@pytest.mark.parametrize(
    ("filling", "problem"),
    [
        ("<c/>" * 2**22, "has more than 2097152 tags, too many for its size"),
        (f'<c r="{"A" * 2**22}"/>', "has no tag in 1 MiB"),
        (" " * 2**22, "has no tag in 1 MiB"),
    ],
    ids=["cells", "one name", "blanks"],
)
def test_a_small_workbook_may_not_take_long_or_fill_memory(tmp_path, filling, problem):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    text = f'<worksheet xmlns="{MAIN}"><sheetData><row>{filling}</row></sheetData></worksheet>'
    rewrite(path, SHEET, text)
    assert path.stat().st_size < 50_000
    refused(path, problem)


def test_a_large_workbook_may_have_many_tags(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "_FREE_TAGS", 100)
    rows = [["Participant Id", "Age"], *([number, 7919 * number % 1000] for number in range(999))]
    path = write_workbook(tmp_path / "a.xlsx", {"People": rows})
    table = read_sheet(path, {"age": ("Age",)})
    assert table["age"].tolist() == [str(row[1]) for row in rows[1:]]


def test_too_many_cells(tmp_path, monkeypatch):
    path = write_workbook(tmp_path / "a.xlsx", {"People": ROWS})
    monkeypatch.setattr(workbook, "MAX_CELLS", 5)
    refused(path, "more than 5 cells")


def test_a_real_workbook():
    path = shared_data("biopsykit_mist", "ecg_time_log.xlsx")
    table = read_sheet(path, {"who": ("subject",), "what": ("condition",), "end": ("End",)})
    assert table["who"].tolist() == ["Vp01", "Vp02"]
    assert set(table["what"]) == {"Control", "Intervention"}
    assert all(0 < float(text) < 1 for text in table["end"])  # a time of day
