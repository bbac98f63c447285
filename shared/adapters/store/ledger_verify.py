"""Proves one chain: record after record, and then the head.

What is wrong with a chain, and how it is said, lives here; the rows come from the ledger.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.adapters.store.ledger_rows import (
    FIRST_PREVIOUS,
    RECORD,
    OtherForm,
    canonical,
    fields_of,
    head_body,
    head_of,
    signature,
)
from shared.adapters.store.rows import Damaged, Row


class Walk:
    """The way along one chain, record by record, with what is wrong so far.

    `sequence` and `digest` are the last record's; `digest` is "" where nothing is known of it.
    """

    def __init__(self, key: str, known: dict[int, str]) -> None:
        self._key = key
        self._known = known
        self._wrong: list[str] = []
        self._other_forms: list[str] = []
        self.sequence = 0
        self._digest = FIRST_PREVIOUS

    def step(self, row: Row) -> None:
        """Goes on to the row of the next record."""
        number = row.key.removeprefix(RECORD)
        place = int(number) if number.isdecimal() else 0
        if place < 1 or number != f"{place:012}":
            self._wrong.append(f"row '{row.key}' is no record of ours")
            return
        expected = self.sequence + 1
        if place > expected:
            self._wrong.append(_missing(expected, place - 1))
        before = self._digest if place == expected else ""
        self.sequence, self._digest = place, self._judged(row, place, before)
        kept = self._known.pop(place, "")
        if kept and self._digest not in (kept, ""):
            self._wrong.append(f"record {place} was replaced: its digest is not the one that was kept elsewhere")

    def _judged(self, row: Row, place: int, before: str) -> str:
        """Says what is wrong with a record; its digest, "" for a row that is none."""
        try:
            record = fields_of(row)
        except OtherForm as error:
            self._other_forms.append(f"record {place} was changed: {error}")
            return ""
        except Damaged as error:
            self._wrong.append(f"record {place} was changed: {error}")
            return ""
        self._wrong += _faults(row.text, record, self._key, place, before)
        return str(record["digest"])

    def is_behind(self, row: Row) -> bool:
        """Whether the head names a record that was not met yet. A head that cannot be read names nothing."""
        try:
            return head_of(row).sequence > self.sequence
        except Damaged:
            return False  # `faults` says so

    def faults(self, row: Row | None) -> list[str]:
        """Everything that is wrong, once all records were met; `row` is the head's."""
        gone = [f"record {place} is missing: its digest was kept elsewhere" for place in sorted(self._known)]
        # A row that is no record was met again if a later record came in meanwhile.
        wrong = [*dict.fromkeys(self._wrong), *self._head_faults(row), *gone]
        if others := [*dict.fromkeys(self._other_forms)]:
            # In a chain that another build wrote, every record is of another form: one line says so.
            wrong.insert(0, others[0] + (f"; so are {len(others) - 1} records after it" if others[1:] else ""))
        return wrong

    def _head_faults(self, row: Row | None) -> list[str]:
        """How the head differs from the last record met."""
        sequence, digest = self.sequence, self._digest
        if row is None:
            return [f"the head is missing behind record {sequence}"] if sequence else []
        try:
            head = head_of(row)
        except Damaged as error:
            return [f"the head was changed: {error}"]
        written = head_body(self._key, head.sequence, head.digest)
        wrong = []
        # Compared as text: in Python, 1 is True.
        if canonical(row.body) != canonical(written):
            wrong.append("the head was changed: it is not as we write it")
        if head.sequence > sequence:
            wrong.append(_missing(sequence + 1, head.sequence) + ": the head names a later record")
        elif head.sequence < sequence:
            wrong.append(f"the head was changed: it names record {head.sequence}, and the last one is {sequence}")
        elif digest and head.digest != digest:
            wrong.append(f"the head or record {sequence} was changed: their digests differ")
        return wrong


def _faults(text: str, record: Mapping[str, Any], key: str, place: int, previous: str) -> list[str]:
    """What is wrong with a record at a place; `previous` is "" where nothing is known of the one before."""
    wrong = []
    if record["key"] != key:
        wrong.append(f"record {place} was put here from '{record['key']}'")
    if record["sequence"] != place:
        wrong.append(f"record {place} was reordered: it says that it is record {record['sequence']}")
    if not _is_as_written(text, record):
        # `{"n":1,"n":2}`: we read the last, others the first, and a filter over the store finds either.
        wrong.append(f"record {place} was changed: it is spelled in another way than we write it")
    elif signature(text) != record["digest"]:
        wrong.append(f"record {place} was changed: its digest does not fit")
    if previous and record["previous"] != previous:
        wrong.append(f"record {place} does not follow record {place - 1}: one of them was changed or replaced")
    return wrong


def _is_as_written(text: str, record: Mapping[str, Any]) -> bool:
    """Whether a row is spelled as we spell one: each name once, no spaces, and nothing that is no JSON."""
    try:
        return _spell(record) == text
    except ValueError:
        return False  # a number that is none (NaN): Python reads it, JSON has no such thing


_spell: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
