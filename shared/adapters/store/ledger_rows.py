"""What a ledger's records and heads look like as rows, and what a record's digest is over.

Only spelling lives here: no reading, no writing. A row that does not fit is `Damaged`, never half read. Whether a
chain was changed is seen without knowing what its records say: their types are asked by whoever reads a record alone.
"""

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import SchemaSerializer, SchemaValidator

from shared.adapters.store.codec import schema_of
from shared.adapters.store.rows import Damaged, Row, fitting
from shared.domain.history.records import Body, Record
from shared.domain.misfits import in_one_line

FORMAT: Final = 1
"""The number of this form, in every row. What reads the rows of before no more takes the next number."""

FIRST_PREVIOUS: Final = "0" * 64
"""What stands for the digest of the record before the first one."""

RECORD_CHARACTERS: Final = 440_000
"""The longest body of a record, as canonical JSON: a row, less room for the fields around it."""

HEAD: Final = "head"
"""The row key of a chain's head."""

RECORD: Final = "record:"
"""What the row key of a record begins with; its sequence follows, in twelve digits."""

_FIELDS: Final = {
    "at": str,
    "body": dict,
    "format": int,
    "key": str,
    "kind": str,
    "previous": str,
    "sequence": int,
    "digest": str,
}
"""A record's fields, in their order."""

_NAMES: Final = [*_FIELDS]
_TYPES: Final = [*_FIELDS.values()]

_DIGEST: Final = ',"digest":"' + FIRST_PREVIOUS + '"}'
"""What stands at the end of a record's row, with another digest."""

_HEAD_FIELDS: Final = frozenset({"format", "key", "sequence", "digest"})

_BODIES: Final[Mapping[str, type[Body]]] = {each.KIND: each for each in get_args(Body.__value__)}


class OtherForm(Damaged):
    """A row as another build wrote it, or somebody who changed it: nobody here can tell which."""


class Misfit(Damaged):
    """A record that is whole, and does not say what this build knows how to read."""


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces, ASCII.

    Raises ValueError or TypeError for what is no JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def body_text(body: Body) -> str:
    """A record's body as canonical JSON, without fields at their defaults."""
    return canonical(_writer(body.KIND).to_python(body, mode="json", exclude_defaults=True))


def signed(key: str, sequence: int, at: datetime, kind: str, body: str, previous: str) -> tuple[str, str]:
    """A record's row as text, and its digest. `body` is canonical JSON.

    The row is the very text that the digest is over, with the digest put behind it.
    """
    text = (
        f'{{"at":"{at.isoformat()}","body":{body},"format":{FORMAT},"key":{json.dumps(key)},'
        f'"kind":"{kind}","previous":"{previous}","sequence":{sequence}'
    )
    digest = hashlib.sha256(f"{text}}}".encode()).hexdigest()
    return f'{text},"digest":"{digest}"}}', digest


def signature(row: str) -> str:
    """The digest that a record's row should have, by its text."""
    return hashlib.sha256(f"{row[: -len(_DIGEST)]}}}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends. `etag` is None for a chain that has no row yet."""

    sequence: int = 0
    digest: str = FIRST_PREVIOUS
    etag: str | None = None


def partition_of(key: str) -> str:
    """The partition of a key's chain."""
    return fitting("ledger:", key)


def fields_of(row: Row) -> dict[str, Any]:
    """What a record's row holds, by name, whatever its body says.

    Raises `Damaged` for one that is not as we write it, and `OtherForm` for one that an earlier build wrote.
    """
    body = row.body
    _of_this_form(row, body, _FIELDS.keys())
    if [*body] != _NAMES or [*map(type, body.values())] != _TYPES or not _is_time(body["at"]):
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no record as we write them")
    return body


def record_of(row: Row) -> Record:
    """The record whose row this is. Raises as `fields_of` does, and `Misfit` for one whose body does not fit."""
    said = fields_of(row)
    kind = said["kind"]
    if kind not in _BODIES:
        raise Misfit(f"{_place(row)} is of kind '{kind}', which this build does not know; {_REMEDY}")
    try:
        body: Body = _reader(kind).validate_python(said["body"])
    except ValidationError as error:
        wrong = in_one_line(error, "its body")
        raise Misfit(f"{_place(row)} does not say what a record of kind '{kind}' says: {wrong}; {_REMEDY}") from error
    at = datetime.fromisoformat(said["at"])
    return Record(said["key"], said["sequence"], at, body, said["previous"], said["digest"])


def head_body(key: str, sequence: int, digest: str) -> dict[str, Any]:
    """A head's row."""
    return {"format": FORMAT, "key": key, "sequence": sequence, "digest": digest}


def head_of(row: Row) -> Head:
    """The head whose row this is. Raises `Damaged`, and `OtherForm` for one that an earlier build wrote."""
    body = row.body
    _of_this_form(row, body, _HEAD_FIELDS)
    sequence, digest = body.get("sequence"), body.get("digest")
    if type(sequence) is not int or not isinstance(digest, str):
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no head of a chain")
    return Head(sequence, digest, row.etag)


_REMEDY: Final = "a later build wrote it, or somebody else did: `verify` says whether its chain holds"


def _place(row: Row) -> str:
    """Which record of which key a row is."""
    return f"record {row.key.removeprefix(RECORD).lstrip('0')} of '{row.partition.removeprefix('ledger:')}'"


def _of_this_form(row: Row, body: Mapping[str, Any], fields: AbstractSet[str]) -> None:
    """Refuses what has another form's number, or all the fields but that: so wrote builds that had none."""
    form = body.get("format")
    if form == FORMAT or (type(form) is not int and body.keys() != fields - {"format"}):
        return
    raise OtherForm(
        f"row '{row.key}' in '{row.partition}' is not of form {FORMAT}, the only one read here: a build from before "
        "the first release wrote it, or somebody changed it; name an empty store in INVOICE_ACCESS_STORE"
    )


def _is_time(text: str) -> bool:
    """Whether it is a time as we write it: with its zone, without which no other time compares with it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return at.tzinfo is not None and at.isoformat() == text


@lru_cache
def _writer(kind: str) -> SchemaSerializer:
    return SchemaSerializer(schema_of(_BODIES[kind], sparse=True))


@lru_cache
def _reader(kind: str) -> SchemaValidator:
    return SchemaValidator(schema_of(_BODIES[kind], sparse=True))
