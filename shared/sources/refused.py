"""What a request held that cannot be used, on its way from the HTTP part to rejected-events.

The HTTP part may send to people-events and to nothing else. What it cannot use travels there as an event of this type;
intake puts what was sent on rejected-events, with the field, the reason and the remedy that the request was judged
with. Whoever may send to people-events may send such an event, and gains no more by it than by any other that is
rejected.
"""

import hashlib
from typing import Any, Final

from shared.errors import Rejected
from shared.sources.strict_json import TEXT_AT_MOST, JsonObject, as_text, encoded, shown

TYPE: Final = "invoice-access.refused"
"""The `type` of such an event."""

CUT_BYTES: Final = 16 * 1024
"""How much of a request that was refused as a whole travels: escaped, it still fits every message."""

_REMEDY: Final = "Send events about people; this type is the HTTP part's own"


def carried(rejected: Rejected, sent: Any, source: str) -> JsonObject:
    """The event that carries what was sent: JSON as `strict_json.parse` reads it, or the bytes of a whole request."""
    whole = sent if isinstance(sent, bytes) else encoded(sent)
    kept = {"text": sent[:CUT_BYTES].decode("utf-8", "ignore")} if isinstance(sent, bytes) else {"sent": sent}
    return JsonObject(
        specversion="1.0",
        id=hashlib.sha256(rejected.field.encode("utf-8", "replace") + whole).hexdigest()[:32],
        source=f"/events/{source}",
        type=TYPE,
        data=JsonObject(
            field=shown(rejected.field, TEXT_AT_MOST - 3),
            reason=shown(rejected.reason, TEXT_AT_MOST - 3),
            remedy=shown(rejected.remedy, TEXT_AT_MOST - 3),
            **kept,
        ),
    )


def read_carried(content: JsonObject, field: str) -> Rejected:
    """What such an event carries; raises `Rejected` where its data, found at `field`, is not as `carried` makes it."""
    told = {name: as_text(content.get(name), f"{field}.{name}", _REMEDY) for name in ("field", "reason", "remedy")}
    text = content.get("text")
    event = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else encoded(content.get("sent"))
    return Rejected(**told, event=event)
