"""What Microsoft Graph posts to a webhook: the items that are ours to pass on, and the handshake.

A collection may mix subscriptions, tenants and changes. An item counts only if its `clientState` is one of those in
force; what it says is for intake to read. `clientState` goes no further than this, and neither do lifecycle notices,
which name nobody.

Source: Graph, "Receive change notifications through webhooks" and "Reduce missing subscriptions and change
notifications".
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from shared.domain.guids import is_guid
from shared.errors import Rejected, TooMany
from shared.sources.graph_notification import lifecycle
from shared.sources.signatures import is_client_state
from shared.sources.strict_json import ITEMS_AT_MOST, JsonObject, encoded, kind_of, parse, unambiguous

TOKEN_AT_MOST: Final = 4096
"""The longest validation token that is echoed, in characters. Graph's have some 150."""

_REMEDY: Final = 'Send a collection of change notifications as Microsoft Graph does: {"value": [...]}'


@dataclass(frozen=True, slots=True)
class Notified:
    """A collection, judged: the items whose `clientState` is ours, and how many are not, by subscription.

    `collection` is what goes to people-events, for intake to read; None where no item is known. `notices` are what
    the lifecycle notices among our items ask for.
    """

    known: int
    collection: bytes | None
    notices: Sequence[str]
    dropped: Mapping[str, int]


def answer_token(token: str) -> str | None:
    """What the handshake is answered with: the decoded token, escaped, as text; None for one that is too long."""
    return html.escape(token) if len(token) <= TOKEN_AT_MOST else None


def read_collection(body: bytes, client_states: Sequence[str]) -> Notified:
    """Reads a collection. Nothing it raises depends on `clientState`.

    Raises:
        Rejected: the body is no collection.
        TooMany: it has more items than are read.
    """
    message = parse(body)
    items = message.get("value") if isinstance(message, JsonObject) else None
    if not isinstance(items, list):
        given = message.get("value") if isinstance(message, JsonObject) else message
        raise Rejected("value" if isinstance(message, JsonObject) else "body", f"it is {kind_of(given)}", _REMEDY)
    if len(items) > ITEMS_AT_MOST:
        raise TooMany("value", f"it has {len(items)} items; {ITEMS_AT_MOST} are read", _REMEDY)
    known: list[JsonObject] = []
    dropped: Counter[str] = Counter()
    for item in items:
        if _is_plain(item) and is_client_state(item.get("clientState"), client_states):
            known.append(item)
        else:
            dropped[_id(item.get("subscriptionId") if isinstance(item, JsonObject) else None)] += 1
    notices = [
        notice
        for item in known
        if item.get("lifecycleEvent") is not None
        and (notice := lifecycle(item.get("subscriptionId"), item["lifecycleEvent"]).notice)
    ]
    passed = [
        {name: part for name, part in item.items() if name != "clientState"}
        for item in known
        if item.get("lifecycleEvent") is None
    ]
    return Notified(len(passed), encoded({"value": passed}) if passed else None, notices, dropped)


def _is_plain(item: Any) -> TypeGuard[JsonObject]:
    """Whether it is an object with every name once. Graph sends no other, and which of two was meant is lost here."""
    try:
        unambiguous(item, "")
    except Rejected:
        return False
    return isinstance(item, JsonObject)


def _id(value: Any) -> str:
    """An id for the log; what is no id is a stranger's text, and is not logged."""
    return value.lower() if isinstance(value, str) and is_guid(value) else "unknown"
