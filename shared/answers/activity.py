"""What was changed, held and decided lately, as documents: each entry points at its record.

Lives here: names for ids. Which records are worth an entry is `shared.domain.history.activity`'s.
"""

from collections.abc import Mapping
from typing import Any

from shared.answers.documents import iso
from shared.answers.known import Known
from shared.domain.history.activity import Item, Noted


def entry_json(entry: Noted, known: Known) -> dict[str, Any]:
    """An entry for programs."""
    return {
        "at": iso(entry.at),
        "key": entry.key,
        "record": entry.sequence,
        "cause": entry.cause or None,
        "origin": entry.origin or None,
        "by": known.person(entry.by) if entry.by else None,
        "items": [_item(item, known) for item in entry.items],
    }


def _item(item: Item, known: Known) -> Mapping[str, Any]:
    return {
        "kind": item.kind.value,
        "person": known.person(item.person) if item.person else None,
        "profiles": [known.profile(key) for key in item.profiles],
        "where": item.where or None,
        "what": item.what or None,
        "why": item.why,
    }
