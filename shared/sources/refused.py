"""Parts of a request that cannot be used, on their way from the HTTP part to rejected-events.

The HTTP part may send only to people-events. So it sends what it cannot use there, as an event of the type below.
Intake puts it on rejected-events, with the field, the reason and the remedy that the HTTP part found. Everybody who may
send to people-events may send such an event. They gain nothing by it: any bad event ends on rejected-events.
"""

import hashlib
from typing import Any, Final

from shared.errors import Rejected
from shared.sources.strict_json import TEXT_AT_MOST, JsonObject, as_text, encoded, shown

TYPE: Final = "invoice-access.refused"
"""The `type` of such an event."""

CUT_BYTES: Final = 16 * 1024
"""How much is kept of a request that was refused as a whole: escaped, it still fits a message."""

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
    """What such an event carries; raises `Rejected` if its data, at `field`, is not as `carried` makes it."""
    told = {name: as_text(content.get(name), f"{field}.{name}", _REMEDY) for name in ("field", "reason", "remedy")}
    text = content.get("text")
    event = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else encoded(content.get("sent"))
    return Rejected(**told, event=event)
