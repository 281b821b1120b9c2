"""Tables that people send in, as CSV in many dialects, XLSX or JSON: the one reader. Nothing is half taken.

What makes a whole file doubtful (a quotation mark that is never closed, a heading twice, a byte that cannot be read) is
one refusal that names the row; what makes one row doubtful (a cell too many) is that row's alone.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from kit import workbooks
from kit.errors import Invalid, NotFound
from kit.sheets import undefused

DELIMITERS = ",;\t|"
HEADING_WITHIN = 20  # rows; above it stand titles and dates
MOST_CELLS = 500
LONGEST_CELL = 100_000
_JSON = re.compile(r"\s*\[\s*\{")
_SEP = re.compile(r'"?sep=(.)"?', re.I)
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_DIGITS = re.compile(r"(?<![0-9])[0-9]{18,22}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is understood, by its name and other names for it."""

    name: str
    also: tuple[str, ...] = ()
    required: bool = False
    otherwise: tuple[str, ...] = ()  # names that mean it only where no better one is in the heading


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the row of the file, as editors and spreadsheets count, from 1."""

    number: int
    cells: dict[str, str]


@dataclass(slots=True)
class Table:
    """The rows of a file that could be read, those that could not with why, and what a person should know of it."""

    rows: list[Row] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.bad)


Grid = Iterator[tuple[int, list[str]]]


def read_table(content: bytes, columns: Sequence[Column], *, most: int) -> Table:
    """The rows below the heading that names the columns, of at most so many. Raises Invalid."""
    table = Table()
    rows, heading_at, heads = _below_heading(content, columns, table.notes)
    for number, cells in rows:
        if number <= heading_at or not any(cells):
            continue
        if table.total == most:
            raise Invalid(f"The file has more than {most:,} rows. Split it, and upload the parts one by one.")
        if len(cells) > len(heads):
            said = f"This row has {len(cells)} cells, the heading {len(heads)}. Put text with a separator in quotes."
            table.bad.append((number, said))
        elif any("\0" in cell or len(cell) > LONGEST_CELL for cell in cells):
            table.bad.append((number, "This row has a cell that can’t be read."))
        else:
            named = {head: cell for head, cell in zip(heads, cells, strict=False) if head}
            table.rows.append(Row(number, {column.name: named.get(column.name, "") for column in columns}))
    return table


def read_file(path: Path, columns: Sequence[Column], *, most: int) -> Table:
    """The same of a file on this machine. Raises NotFound, Invalid."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    try:
        return read_table(content, columns, most=most)
    except Invalid as invalid:
        raise Invalid(f"{path.name}: {invalid.message}") from None


def rows_of_text(content: bytes) -> Iterator[tuple[int, str]]:
    """Every row with its number, cells parted by tabs, whatever the columns are. Raises Invalid."""
    if workbooks.is_workbook(content):
        yield from ((number, "\t".join(cells)) for _, number, cells in workbooks.rows(content))
        return
    text, _ = decoded(content)
    yield from enumerate(io.StringIO(text, newline=None).read().split("\n"), 1)


def _below_heading(content: bytes, columns: Sequence[Column], notes: list[str]) -> tuple[Grid, int, list[str]]:
    """All rows, the row of the heading, and which column each cell is of (empty: none that is known)."""
    if workbooks.is_workbook(content):
        return _sheet_below_heading(content, columns, notes)
    text, note = decoded(content)
    notes += [note] if note else []
    if _JSON.match(text):
        return _records_below_heading(text, columns, notes)
    text, delimiters = _announced(text)
    best: tuple[int, int, str, list[str]] | None = None
    for delimiter in delimiters:
        for number, cells in _lenient(text, delimiter):
            known = _known(cells, columns)
            score = sum(map(bool, known))
            if _has_required(known, columns) and (best is None or score > best[0]):
                best = score, number, delimiter, cells
                break
    if best is None:
        raise Invalid(_no_heading(columns))
    _, number, delimiter, cells = best
    heads = _heads(cells, columns, notes)
    above = [row for row in text.splitlines()[: number - 1] if row.strip(DELIMITERS + " ") and not _SEP.fullmatch(row)]
    if above:
        notes.append(f"Left out above the heading: “{above[0].strip()[:60]}”.")
    return _strict(text, delimiter, number, len(heads)), number, heads


def _sheet_below_heading(content: bytes, columns: Sequence[Column], notes: list[str]) -> tuple[Grid, int, list[str]]:
    found: tuple[str, int, list[str]] | None = None
    others: dict[str, None] = {}
    for sheet, number, cells in workbooks.rows(content, each=HEADING_WITHIN):
        if found is None and _has_required(_known(cells, columns), columns):
            found = sheet, number, cells
        elif any(cells) and (found is None or sheet != found[0]):
            others[sheet] = None
    if found is None:
        raise Invalid(_no_heading(columns))
    name, at, cells = found
    others.pop(name, None)
    if others:
        notes.append(f"Only the sheet “{name}” was read.")
    heads = _heads(cells, columns, notes)
    rows = ((number, cells) for _, number, cells in workbooks.rows(content, only=name))
    return ((number, _fitted(list(map(_clean, cells)), len(heads))) for number, cells in rows), at, heads


def _records_below_heading(text: str, columns: Sequence[Column], notes: list[str]) -> tuple[Grid, int, list[str]]:
    """A list of JSON records; their names are the heading, and each has the number of its place, from 1."""
    try:
        records = json.loads(text, object_pairs_hook=_record, parse_int=str, parse_float=str)
    except RecursionError:
        raise Invalid("This JSON is nested too deeply. Nothing was taken from the file.") from None
    except json.JSONDecodeError as error:
        raise Invalid(f"Row {error.lineno}: this isn’t valid JSON. Nothing was taken from the file.") from None
    names = list(dict.fromkeys(name for one in records if isinstance(one, dict) for name in one))
    if not _has_required(_known(names, columns), columns):
        raise Invalid(_no_heading(columns))
    for number, one in enumerate(records, 1):
        if not isinstance(one, dict):
            raise Invalid(f"Record {number} has no named cells. Nothing was taken from the file.")
    rows = ((number, [_clean(_cell(one.get(name))) for name in names]) for number, one in enumerate(records, 1))
    return rows, 0, _heads(names, columns, notes)


def _record(pairs: list[tuple[str, object]]) -> dict[str, object]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise Invalid(f"A record has “{name[:40]}” {times} times. Nothing was taken from the file.")
    return dict(pairs)


def _cell(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _fitted(cells: list[str], width: int) -> list[str]:
    """Without the empty cells beyond the heading: a sheet may be wider than its table."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


def _announced(text: str) -> tuple[str, str]:
    """The text, and the delimiters to try: the one that `sep=` in the first row announces, or all."""
    first = text.lstrip("\r\n").split("\n", 1)[0].split("\r", 1)[0]
    if found := _SEP.fullmatch(first.strip(" ")):
        return text, found[1]
    return text, DELIMITERS


def _lenient(text: str, delimiter: str) -> Grid:
    """The first rows, without complaints: they are only looked at for the heading."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    seen = 0
    while seen < HEADING_WITHIN:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):
            return
        seen += any(cells)
        yield start, list(map(_clean, cells))


def _strict(text: str, delimiter: str, heading: int, width: int) -> Grid:
    lines = io.StringIO(text, newline="")
    for _ in islice(lines, heading - 1):
        pass
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = heading + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Invalid(
                f"Row {start}: a quotation mark is missing or in the wrong place. Nothing was taken from the file."
                if "field larger" not in str(error)
                else f"Row {start}: a cell is too long. Is a quotation mark missing? Nothing was taken from the file."
            ) from None
        if any(_swallows(cell, delimiter, width) for cell in cells):
            raise Invalid(
                f"Row {start}: a cell in quotes runs on to row {heading + reader.line_num - 1}."
                " Is a quotation mark missing? Nothing was taken from the file."
            )
        yield start, list(map(_clean, cells))


def _swallows(cell: str, delimiter: str, width: int) -> bool:
    """Whether a cell of several lines has whole rows in it."""
    later = cell.splitlines()[1:]
    return any(line.count(delimiter) >= max(width - 1, 1) or _DIGITS.search(line) for line in later)


def _clean(cell: str) -> str:
    """Without blanks around it, and without what our own files put before a text that looks like a formula."""
    return undefused(cell.strip(" \t\r\n\u00a0\u200b\ufeff"))


# Headings


def plain_heading(text: str) -> str:
    """`Rate_Plan` and `rate-plan: ` are `rate plan`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return re.sub(r"[\s_\-./#:()*]+", " ", visible).strip()


def _known(cells: Sequence[str], columns: Sequence[Column]) -> list[str]:
    names = {plain_heading(name): column.name for column in columns for name in (column.name, *column.also)}
    known = [names.get(plain_heading(cell), "") for cell in cells[:MOST_CELLS]]
    weak = {plain_heading(name): one.name for one in columns if one.name not in known for name in one.otherwise}
    return [head or weak.get(plain_heading(cell), "") for head, cell in zip(known, cells, strict=False)]


def _has_required(known: Sequence[str], columns: Sequence[Column]) -> bool:
    return any(known) and {column.name for column in columns if column.required} <= set(known)


def _no_heading(columns: Sequence[Column]) -> str:
    needed = ", ".join(column.name for column in columns if column.required)
    more = ", ".join(column.name for column in columns if not column.required)
    wished = f" (and {more}, if you like)" if more else ""
    return f"No heading was found. Name the columns in the first row: {needed}{wished}."


def _heads(cells: Sequence[str], columns: Sequence[Column], notes: list[str]) -> list[str]:
    if len(cells) > MOST_CELLS:
        raise Invalid(f"The heading has {len(cells):,} columns; {MOST_CELLS} are the most.")
    known = _known(cells, columns)
    for name, times in Counter(filter(None, known)).items():
        if times > 1:
            places = " and ".join(str(at) for at, head in enumerate(known, 1) if head == name)
            raise Invalid(
                f"The heading has {name} {times} times, in columns {places}. Nothing was taken from the file."
            )
    unused = [cell[:40] for cell, head in zip(cells, known, strict=False) if cell and not head]
    if unused:
        notes.append(f"Columns not used: {', '.join(unused[:10])}{'…' * (len(unused) > 10)}.")
    return known


# Bytes


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a file, and what a person should know of how it was read. Raises Invalid."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return _text(content[len(mark) :], encoding), ""
    if content.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK", b"\x1f\x8b")):
        raise Invalid("This file isn’t a table. Upload CSV or XLSX.")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid("This is an old or password-protected Excel file. Save it as XLSX without a password, or as CSV.")
    sample = content[:4000]
    if sample.count(0) > len(sample) // 4:
        return _text(content, "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"), ""
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        broken = len(re.sub(rb"[\x00-\x7f]", b"", _MULTIBYTE.sub(b"", content)))
        if len(_MULTIBYTE.findall(content)) >= broken:  # UTF-8 it is, but for a byte or two
            raise Invalid(_unreadable(content, error.start)) from None
    return _text(content, "cp1252"), (
        "Read as Windows-1252 (Western European). If letters look wrong, save the file as UTF-8 and upload it again."
    )


def _text(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, errors="ignore").encode()
        raise Invalid(_unreadable(before, len(before))) from None


def _unreadable(content: bytes, at: int) -> str:
    row = len(re.findall(rb"\r\n|\r|\n", content[:at])) + 1
    return (
        f"Row {row}: a character can’t be read. Save the file as UTF-8, and upload it again. Nothing was taken from it."
    )
