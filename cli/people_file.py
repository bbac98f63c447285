"""A CSV file of people to check: an event per line, and every fault with its line and column.

Its columns are `id`, `upn`, `mail`, `employee-id` and `effective`. Others are passed over, but for one that looks like
a slip of these. A line names a person by the first of the four that it fills in. Lives here: reading the file. Sending
it is `events_send`'s.
"""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from shared.errors import Rejected
from shared.sources.cloud_event import read_cloud_event
from shared.sources.effective import read_effective
from shared.sources.strict_json import JsonObject, shown

NAMES: Final = ("id", "upn", "mail", "employee-id")
"""The columns that name a person, best first."""

WHEN: Final = "effective"
"""The column with the date of a second check."""

_ALIKE: Final = 0.75
"""From which share of common characters on a column's name is a slip of another: `efective`, `e-mail`, `employeeid`."""

_NUMBERS_FIRST: Final = re.compile(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4})")
"""A date as spreadsheets write it, by day or by month."""

_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot be used, its column, and what to do about it."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class People:
    """A file, read: an event per good line, every fault of the others, and whose date asks for no second check.

    `passed_over` are the columns that nothing is read from, as the file spells them.
    """

    events: Sequence[JsonObject]
    wrong: Sequence[Wrong]
    undated: Sequence[Wrong] = ()
    passed_over: Sequence[str] = ()

    @property
    def wrong_lines(self) -> int:
        """How many lines have a fault."""
        return len({one.line for one in self.wrong})


class UnreadableFileError(Exception):
    """The file is no CSV of people at all; the text says why."""


def read_people(content: bytes, *, now: datetime) -> People:
    """Reads a CSV file in UTF-8, parted by commas, semicolons or tabs; raises `UnreadableFileError`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"byte {error.start + 1} is not UTF-8; save the file as 'CSV UTF-8'") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    digest = hashlib.sha256(content).hexdigest()[:12]
    events: list[JsonObject] = []
    wrong: list[Wrong] = []
    undated: list[Wrong] = []
    columns: list[str] | None = None
    passed_over: list[str] = []
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells)
                passed_over = [cell.strip() for cell in cells if cell.strip().casefold() not in {*NAMES, WHEN, ""}]
                continue
            line = _Line(columns, cells, lines.line_num)
            faults = line.faults(now)
            wrong += faults
            if not faults:
                event, odd = line.event(f"{digest}/{lines.line_num}", now)
                events.append(event)
                undated += [odd] if odd is not None else []
    except csv.Error as error:
        raise UnreadableFileError(f"line {lines.line_num}: {error}") from error
    if columns is None:
        raise UnreadableFileError(f"it is empty; its first line names the columns: {', '.join((*NAMES, WHEN))}")
    return People(events, wrong, undated, passed_over)


def _columns(cells: Sequence[str]) -> list[str]:
    columns = [cell.strip().casefold() for cell in cells]
    known = [column for column in columns if column in {*NAMES, WHEN}]
    for column in columns:
        if column not in {*NAMES, WHEN} and (near := _meant(column, known)):
            raise UnreadableFileError(
                f"line 1: there is no column {column!r}; did you mean {near!r}? Rename or remove it"
            )
    if not set(known) & set(NAMES):
        raise UnreadableFileError(f"line 1 names no column of {', '.join(NAMES)}, but {', '.join(map(repr, cells))}")
    twice = sorted({column for column in known if known.count(column) > 1})
    if twice:
        raise UnreadableFileError(f"line 1 names '{twice[0]}' twice")
    return columns


def _meant(column: str, known: Sequence[str]) -> str | None:
    """Which missing column an unknown one is a slip of; None for one of another meaning, such as a department."""
    missing = [each for each in (*NAMES, WHEN) if each not in known]
    plain = re.sub(r"[^a-z]", "", column)
    for each in missing:
        if plain == each.replace("-", "") or (each == WHEN and WHEN in plain):
            return each
    if WHEN in missing and plain in {"date", "startdate", "enddate", "when"}:
        return WHEN
    near = get_close_matches(column, [each for each in missing if len(each) > len("id")], n=1, cutoff=_ALIKE)
    return near[0] if near else None


class _Line:
    """One line of the file, by its columns."""

    def __init__(self, columns: Sequence[str], cells: Sequence[str], number: int) -> None:
        self._columns, self._cells, self._number = columns, cells, number
        self._values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()}
        self._name = next((name for name in NAMES if name in self._values), None)

    def faults(self, now: datetime) -> list[Wrong]:
        """Everything that is wrong with the line, not the first of it alone."""
        found = []
        if len(self._cells) > len(self._columns):
            values, columns = _counted(len(self._cells), "value"), _counted(len(self._columns), "column")
            said = f"the line has {values} for {columns}. Put quotation marks around values that contain the delimiter"
            found.append(Wrong(self._number, self._columns[-1], said))
        if self._name is None:
            column = next(column for column in self._columns if column in NAMES)
            found.append(Wrong(self._number, column, "the line names nobody. Fill in one"))
        else:
            try:
                read_cloud_event(self._event("0"), "", now=now)
            except Rejected as rejected:
                column = {"subject": self._name}.get(rejected.field, rejected.field)
                found.append(Wrong(self._number, column, f"{rejected.reason}. {rejected.remedy}"))
        if WHEN in self._values:
            try:
                read_effective(self._values[WHEN], WHEN, now=now)
            except Rejected as rejected:
                remedy = _as_iso(self._values[WHEN]) or rejected.remedy
                found.append(Wrong(self._number, WHEN, f"{rejected.reason}. {remedy}"))
        return found

    def event(self, event_id: str, now: datetime) -> tuple[JsonObject, Wrong | None]:
        """The event of a line without a fault, and why its date asks for no second check, if it does not."""
        event = self._event(event_id)
        if WHEN not in self._values:
            return event, None
        if read_effective(self._values[WHEN], WHEN, now=now) is None:
            said = f"'{shown(self._values[WHEN])}' means never, is long past, or is more than ten years ahead"
            return event, Wrong(self._number, WHEN, f"{said}. They are checked now, and not again")
        event["data"] = JsonObject(effective=self._values[WHEN])
        return event, None

    def _event(self, event_id: str) -> JsonObject:
        subject = f"{self._name}:{self._values[self._name or '']}"
        return JsonObject(specversion="1.0", id=event_id, source="/cli/events", type="check", subject=subject)


def _as_iso(text: str) -> str:
    """How a date that a spreadsheet wrote is to be written; "" for what is none."""
    found = _NUMBERS_FIRST.fullmatch(text.strip())
    if found is None:
        return ""
    first, second, year = int(found[1]), int(found[2]), found[3]
    by_day, by_month = f"{year}-{second:02}-{first:02}", f"{year}-{first:02}-{second:02}"
    if second > _MONTHS >= first:
        return f"Write it as {by_month}"
    if first > _MONTHS >= second:
        return f"Write it as {by_day}"
    if max(first, second) > _MONTHS:
        return ""
    same = by_day == by_month
    return f"Write it as {by_day}" + ("" if same else f", or as {by_month} where the month comes first")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
