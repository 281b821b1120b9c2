"""Files as people really send them: each with what is read of it, and nothing half taken."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import Invalid
from kit.sheets import XlsxBook, csv_lines, defused, undefused
from kit.tables import Column, decoded, plain_heading, read_table, rows_of_text

from lines.queries.export import TEXT

SIM, OTHER = "8988239000000000019", "8988239000000000027"
COLUMNS = (
    Column("iccid", ("icc", "sim number"), required=True),
    Column("rate plan", ("rate_plan", "plan", "tarif"), required=True),
    Column("notes", ("note", "notiz")),
    Column("tags"),
)
ONE = {"iccid": SIM, "rate plan": "World", "notes": "Gate", "tags": ""}
HEAD = "iccid,rate plan,notes,tags\n"


def read(content: bytes | str, most: int = 100) -> list[tuple[int, dict[str, str]]]:
    table = read_table(content.encode() if isinstance(content, str) else content, COLUMNS, most=most)
    assert table.bad == []
    return [(row.number, row.cells) for row in table.rows]


def workbook(*sheets: Iterable[Iterable[object]]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for at, rows in enumerate(sheets):
        sheet = book.worksheets[0] if not at else book.create_sheet()
        for row in rows:
            sheet.append(list(row))
    book.save(buffer)
    return buffer.getvalue()


def in_full(rows: Iterable[Iterable[object]]) -> bytes:
    """A workbook in which some program wrote an ICCID as a number with all its digits."""
    before, after = zipfile.ZipFile(io.BytesIO(workbook(rows))), io.BytesIO()
    with zipfile.ZipFile(after, "w") as book:
        for name in before.namelist():
            book.writestr(name, before.read(name).replace(b"<v>7654321</v>", f"<v>{SIM}</v>".encode()))
    return after.getvalue()


# What is read of it, and the row of the file that it stands in.
SAME = [
    ("utf-16 with tabs", f"iccid\trate plan\tnotes\r\n{SIM}\tWorld\tGate\r\n".encode("utf-16"), 2),
    ("utf-16 big-endian", b"\xfe\xff" + f"iccid\trate plan\tnotes\n{SIM}\tWorld\tGate".encode("utf-16-be"), 2),
    ("utf-16 without a mark", f"iccid;rate plan;notes\r\n{SIM};World;Gate\r\n".encode("utf-16-le"), 2),
    ("utf-8 with a mark", b"\xef\xbb\xbf" + f"{HEAD}{SIM},World,Gate,\n".encode(), 2),
    ("tabs", f"iccid\trate plan\tnotes\n{SIM}\tWorld\tGate\n", 2),
    ("pipes", f"iccid|rate plan|notes\n{SIM}|World|Gate\n", 2),
    ("semicolons", f"ICCID;Rate plan;Notes\n{SIM};World;Gate\n", 2),
    ("sep= announces", f"sep=;\r\niccid;rate plan;notes\r\n{SIM};World;Gate\r\n", 3),
    ("sep= in quotes", f'"sep=|"\niccid|rate plan|notes\n{SIM}|World|Gate\n', 3),
    ("sep= in capitals", f"SEP=\t\niccid\trate plan\tnotes\n{SIM}\tWorld\tGate\n", 3),
    ("CR only", f"iccid,rate plan,notes,tags\r{SIM},World,Gate,\r", 2),
    ("mixed line ends", f"iccid,rate plan,notes\r\n{SIM},World,Gate\n\r\n", 2),
    ("no line end at the end", f"iccid,rate plan,notes\n{SIM},World,Gate", 2),
    ("a title above", f"SIM delivery 2026-11\n\n{HEAD}{SIM},World,Gate,\n", 4),
    ("two titles above", f"Acme;;\nNovember;;\nICCID;Plan;Note\n{SIM};World;Gate\n", 4),
    ("German headings", f"ICCID;Tarif;Notiz\n{SIM};World;Gate\n", 2),
    ("headings with _", f"ICCID,RATE_PLAN,Note\n{SIM},World,Gate\n", 2),
    ("headings with blanks", f" ICCID , Rate Plan , Notes \n{SIM},World,Gate\n", 2),
    ("headings with dashes and colons", f"iccid:,rate-plan:,notes*\n{SIM},World,Gate\n", 2),
    ("other order and more columns", f"IMSI,notes,plan,iccid\n204,Gate,World,{SIM}\n", 2),
    ("all in quotes", f'"iccid","rate plan","notes"\n"{SIM}","World","Gate"\n', 2),
    ("Excel's text", f'iccid,rate plan,notes\n"=""{SIM}""",World,Gate\n', 2),
    ("blank rows", f"\n\n{HEAD}\n,,,\n{SIM},World,Gate,\n\n", 6),
    ("blanks round cells", f"{HEAD} {SIM} ,\u00a0World, Gate ,\n", 2),
    ("empty columns at the right", f"iccid,rate plan,notes,,\n{SIM},World,Gate,,\n", 2),
    ("a workbook", workbook([["ICCID", "Rate plan", "Notes"], [SIM, "World", "Gate"]]), 2),
    ("a workbook with a title", workbook([["SIMs"], [], ["ICCID", "Plan", "Note"], [SIM, "World", "Gate"]]), 4),
    ("a workbook's second sheet", workbook([["Read me"]], [["ICCID", "Plan", "Note"], [SIM, "World", "Gate"]]), 2),
    ("a workbook with whole numbers", in_full([["iccid", "plan", "note"], [7654321, "World", "Gate"]]), 2),
]
# The whole file is refused, with these words.
REFUSED = [
    ("nothing", b"", "No heading"),
    ("blanks", b" \n\n ", "No heading"),
    ("no heading", f"{SIM},World,Gate\n", "No heading"),
    ("a column missing", f"iccid,notes\n{SIM},x\n", "rate plan"),
    ("unclosed quote", f'{HEAD}{SIM},World,"Gate 5,\n{OTHER},World,ok,\n', "Row 2: a quotation mark"),
    ("unclosed quote later", f'{HEAD}{SIM},World,ok,\n{OTHER},World,"Gate\n', "Row 3: a quotation mark"),
    ("a quote inside", f'{HEAD}{SIM},World,"Gate"5,\n', "Row 2: a quotation mark"),
    (
        "a quote that swallows rows",
        f'{HEAD}{SIM},World,"Gate\n{OTHER},World,ok,\n{SIM},World,5",\n',
        "runs on to row 4",
    ),
    ("a heading twice", f"iccid,rate plan,notes,notes\n{SIM},World,a,b\n", "notes 2 times, in columns 3 and 4"),
    ("a heading twice by two names", f"iccid,rate plan,note,Notiz\n{SIM},World,a,b\n", "notes 2 times"),
    ("a byte of no alphabet", HEAD.encode() + f"{SIM},World,caf".encode() + b"\x81,\n", "Row 2: a character"),
    ("one broken byte in UTF-8", f"{HEAD}{SIM},World,Größe,\n".encode() + b"1,2,\xff,\n", "Row 3: a character"),
    ("half of UTF-16", f"iccid\trate plan\n{SIM}\tWorld\n".encode("utf-16")[:-1], "Row 2|Row 3"),
    ("a PDF", b"%PDF-1.7\n", "isn’t a table"),
    ("a picture", b"\x89PNG\r\n\x1a\n", "isn’t a table"),
    ("a zip", b"PK\x03\x04rest", "isn’t a table"),
    ("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1", "Save it as XLSX"),
    ("too many rows", HEAD + f"{SIM},World,,\n" * 101, "more than 100 rows"),
    ("a broken workbook", workbook([["iccid", "plan"], [SIM, "World"]])[:-60], "isn’t a table|can’t be read"),
    ("a workbook without heading", workbook([["a", "b"], [SIM, "World"]]), "No heading"),
]
# This row alone is refused, with these words.
BAD_ROWS = [
    ("a cell too many", f"{HEAD}{SIM},World,Lift 4, left door,\n{OTHER},World,ok,\n", 2, "5 cells, the heading 4"),
    ("an empty cell too many", f"{HEAD}{SIM},World,Gate,,\n{OTHER},World,ok,\n", 2, "5 cells, the heading 4"),
    ("a NUL", f"{HEAD}{SIM},World,Ga\0te,\n{OTHER},World,ok,\n", 2, "can’t be read"),
    ("in a workbook", workbook([["iccid", "plan"], [SIM, "World", "x"], [OTHER, "World"]]), 2, "3 cells"),
]


@pytest.mark.parametrize(("content", "row"), [one[1:] for one in SAME], ids=[one[0] for one in SAME])
def test_every_dialect_is_read_alike(content: bytes | str, row: int) -> None:
    assert read(content) == [(row, ONE)]


@pytest.mark.parametrize(("content", "said"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_a_doubtful_file_is_refused_whole_with_its_row(content: bytes | str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(content)


@pytest.mark.parametrize(("content", "row", "said"), [one[1:] for one in BAD_ROWS], ids=[one[0] for one in BAD_ROWS])
def test_a_doubtful_row_is_refused_alone(content: bytes | str, row: int, said: str) -> None:
    table = read_table(content.encode() if isinstance(content, str) else content, COLUMNS, most=10)
    assert [(number, said in why) for number, why in table.bad] == [(row, True)]
    assert [one.cells["iccid"] for one in table.rows] == [OTHER]
    assert table.total == 2


def test_what_is_not_sure_is_said() -> None:
    table = read_table(f"{HEAD}{SIM},World,Lager München,\n".encode("cp1252"), COLUMNS, most=9)
    assert (table.rows[0].cells["notes"], "Windows-1252" in table.notes[0]) == ("Lager München", True)
    table = read_table(f"Delivery\niccid,plan,IMSI,Box\n{SIM},World,204,7\n".encode(), COLUMNS, most=9)
    assert table.notes == ["Columns not used: IMSI, Box.", "Left out above the heading: “Delivery”."]
    table = read_table(workbook([["iccid", "plan"], [SIM, "World"]], [["more"]]), COLUMNS, most=9)
    assert table.notes == ["Only the sheet “Sheet” was read."]


def test_a_note_of_several_lines_is_one_row_and_the_next_has_its_own_number() -> None:
    text = f'{HEAD}{SIM},World,"first\nsecond",\n{OTHER},World,,\n'
    assert [(number, cells["notes"]) for number, cells in read(text)] == [(2, "first\nsecond"), (4, "")]


def test_a_workbook_that_unpacks_into_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.workbooks.MOST_UNPACKED", 1000)
    with pytest.raises(Invalid, match="too large"):
        read(workbook([["iccid", "plan"], [SIM, "World"]]))


def test_numbers_of_a_workbook_are_whole_or_told_as_rounded() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    for row, cells in enumerate((("iccid", "plan"), (float(SIM), 1), (352099001761481, 2.5), (True, -3))):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    book.close()
    found = [cells for _, cells in read(buffer.getvalue())]
    assert [one["iccid"] for one in found] == ["8.98823900000000E+18", "352099001761481", "TRUE"]
    assert [one["rate plan"] for one in found] == ["1", "2.5", "-3"]


def test_headings_are_compared_as_they_are_meant() -> None:
    for heading in ("Rate_Plan", "rate-plan:", " RATE  PLAN ", "\ufeffrate plan", "Ｒａｔｅ plan", "rate.plan*"):
        assert plain_heading(heading) == "rate plan"


TEXTS = [
    "=1+1", "+49151", "-5", "@me", "＝1", "'=1", "''=1", "'quoted'", SIM, f"+{SIM}", "007", "12E5", "0", "12", "", "a",
    '="x"', "'", '="8944"', "\tx", "0.5", "3.14", "2026-11-27", "=HYPERLINK(1)",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_what_our_files_defuse_is_taken_off_on_the_way_in(text: str) -> None:
    written = str(defused(text))
    assert undefused(written) == text
    assert not written or (written[0] not in "+-@\t\r\n＝" and not (written[0] == "=" and not written.startswith('="')))


@given(st.text(max_size=30))
def test_defusing_is_undone_for_any_text(text: str) -> None:
    assert undefused(str(defused(text))) == text


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=8))
def test_our_own_files_come_back_as_they_went(rows: list[tuple[str, str]]) -> None:
    wanted = [
        (SIM, " ".join(one.split()).replace("\0", ""), " ".join(two.split()).replace("\0", "")) for one, two in rows
    ]
    wanted = [(sim, plan.strip("\u200b\ufeff"), note.strip("\u200b\ufeff")) for sim, plan, note in wanted]
    text = "".join(csv_lines([("ICCID", "Rate plan", "Notes"), *wanted]))
    assert [tuple(cells.values())[:3] for _, cells in read(text.encode())] == wanted


def test_our_own_workbooks_come_back_as_they_went(tmp_path: Path) -> None:
    path = tmp_path / "lines.xlsx"
    book = XlsxBook(path)
    book.table("Lines", ("ICCID", "Rate plan", "Notes"))
    for text in TEXTS:
        book.row((SIM, "World", text.strip()))
    book.close()
    assert [cells["notes"] for _, cells in read(path.read_bytes())] == [text.strip() for text in TEXTS]


BYTES = st.one_of(
    st.binary(max_size=200),
    st.text(alphabet="iccid,rate plan;\"\t\r\n|='8901234567F\0é\ufeff", max_size=200).map(str.encode),
    st.text(max_size=80).map(lambda text: f"{HEAD}{text}\n".encode()),
    st.text(max_size=80).map(lambda text: f"{HEAD}{SIM},World,{text}\n{OTHER},World,,\n".encode("utf-16")),
)


@given(BYTES)
def test_whatever_bytes_there_are_every_row_is_read_or_named(content: bytes) -> None:
    try:
        table = read_table(content, COLUMNS, most=1000)
    except Invalid:
        return
    numbers = [row.number for row in table.rows] + [number for number, _ in table.bad]
    assert len(set(numbers)) == len(numbers) == table.total
    text, _ = decoded(content)
    assert all(0 < number <= len(io.StringIO(text, newline=None).read().split("\n")) for number in numbers)


@given(st.binary(max_size=300))
def test_a_workbook_broken_anywhere_is_refused(junk: bytes) -> None:
    good = workbook([["iccid", "plan"], [SIM, "World"]])
    at = (len(junk) * 7919) % len(good)
    try:
        table = read_table(good[:at] + junk + good[at + len(junk) :], COLUMNS, most=10)
        list(rows_of_text(good[:at] + junk + good[at:]))
    except Invalid:
        return
    assert len(table.rows) + len(table.bad) == table.total  # what is read in spite of it, is read whole


def as_excel_saves(cell: str) -> str:
    """What a spreadsheet makes of a cell of a CSV file, and saves: few digits of a number, and what formulas show."""
    if cell.startswith("="):
        return cell[2:-1] if cell.startswith('="') else "#NAME?"
    try:
        number = float(cell)
    except ValueError:
        return cell
    return f"{number:.5E}" if abs(number) >= 1e11 else f"{number:g}"


@pytest.mark.parametrize(
    "text", [SIM, "352099001761481", "3197040000008", "+3197040000008", "007", "12E5", "=1+1", "@x"]
)
def test_what_must_stay_whole_survives_a_spreadsheet(text: str) -> None:
    assert undefused(as_excel_saves(str(defused(text)))) == text


def test_a_workbook_of_ours_survives_being_opened_and_saved(tmp_path: Path) -> None:
    book = XlsxBook(tmp_path / "lines.xlsx")
    book.table("Lines", ("ICCID", "Rate plan", "Notes"))
    book.row((SIM, "352099001761481", "+3197040000008"))
    book.close()
    opened = openpyxl.load_workbook(tmp_path / "lines.xlsx")
    opened.save(tmp_path / "saved.xlsx")
    ((_, cells),) = read((tmp_path / "saved.xlsx").read_bytes())
    assert list(cells.values())[:3] == [SIM, "352099001761481", "+3197040000008"]


@pytest.mark.django_db
def test_postgresql_defuses_as_python_does() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT x, {TEXT.format('x')} FROM unnest(%s::text[]) AS t(x)", [TEXTS])
        found = cursor.fetchall()
    assert found == [(text, defused(text)) for text in TEXTS]
