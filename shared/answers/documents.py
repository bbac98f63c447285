"""Answers as documents for programs: JSON and sheets.

Lives here: the form. What an answer has to say is its own module's.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.wording.harmless import harmless_cell, harmless_json

NAMESPACE: Final = "invoice-access"
"""What the name of every schema begins with."""


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer for a spreadsheet: every row has a value in every column. Values are plain, as in JSON, or a list."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]

    @classmethod
    def of(cls, columns: Sequence[str], things: Iterable[Mapping[str, Any]]) -> "Rows":
        """Rows of what has each column under its name."""
        return cls(columns, [[thing.get(column) for column in columns] for thing in things])


def document_of(answer: str, body: Mapping[str, Any], as_of: datetime, *, complete: bool) -> dict[str, Any]:
    """What JSON says: the schema, as of when, whether all of it could be read, and the answer."""
    return {"schema": f"{NAMESPACE}/{answer}/1", "as_of": utc(as_of), "complete": complete} | dict(body)


def as_json(document: Mapping[str, Any], *, pretty: bool) -> str:
    """A document and a line break: pretty for a person, else in one line."""
    text = json.dumps(document, indent=2 if pretty else None, ensure_ascii=False, default=_for_json)
    return f"{harmless_json(text)}\n"


def as_csv(rows: Rows, delimiter: str = ",") -> str:
    """The rows with a first line of titles. A cell that a spreadsheet would take for a formula gets a `'`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows.columns)
    for row in rows.rows:
        writer.writerow([_in_sheet(value, delimiter) for value in row])
    return buffer.getvalue()


def utc(at: datetime) -> str:
    """A moment for programs: UTC, in whole seconds where it has no fraction."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def iso(at: datetime | None) -> str | None:
    """A moment for programs."""
    return None if at is None else utc(at)


def _for_json(value: object) -> object:
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    from shared.domain.reasons import Reason  # noqa: PLC0415 - the words of reasons, where an answer has any
    from shared.wording.say import with_text  # noqa: PLC0415

    if isinstance(value, Reason):
        return with_text(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _in_sheet(value: object, delimiter: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case datetime():
            return utc(value)
        case str():
            text = value
        case Iterable():
            text = " ".join(_in_sheet(each, delimiter) for each in value)
        case _:
            text = str(value)
    return harmless_cell(text, delimiter)
