"""Bodies of rows that are too long for a row, packed: one person may have 5,000 profiles, and a row has an end.

Lives here: packing and unpacking, and nothing of what a body means. Packed is only what would not fit otherwise: every
other row stays as people, and earlier releases, read it.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from shared.adapters.store.rows import ROW_CHARACTERS, Row

_MANY: Final = 200
"""Entries up to which a body surely fits: it is not even measured. 2,000 characters are ten times a usual entry."""

_PACKED: Final = "packed"
"""The one field of a packed body: its JSON text, deflated (zlib), in base64."""

_MOST_BYTES: Final = 64 * 1024 * 1024
"""The longest text that is unpacked: twenty times what 5,000 entries are, and no more than an instance's memory."""


def packed(body: Mapping[str, Any], entries: int) -> Mapping[str, Any]:
    """The body as a row holds it: itself, or packed where it has many `entries` and would not fit."""
    if entries <= _MANY:
        return body
    text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    if len(text) <= ROW_CHARACTERS:
        return body
    return {_PACKED: base64.b64encode(zlib.compress(text.encode())).decode()}


def body_of(row: Row) -> dict[str, Any]:
    """The body of a row, unpacked where it was packed.

    Raises `Damaged` when it is no JSON object, and ValueError or TypeError when what is packed is none.
    """
    body = row.body
    if body.keys() != {_PACKED}:
        return body
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(base64.b64decode(body[_PACKED], validate=True), _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"what is packed in it cannot be unpacked: {error}") from error
    if not unpacking.eof:
        raise ValueError(f"what is packed in it has no end within {_MOST_BYTES:,} bytes")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("what is packed in it is no JSON object")
    return found
