"""Our own events, from any HR system that can be taught them: CloudEvents in structured mode, signed.

`X-Timestamp` is the time in seconds since 1970; `X-Signature` is `v1=` and the hex HMAC-SHA256 of timestamp, a dot and
the body.
"""

from shared.sources.event_model import Event, Events, UserEvent
from shared.sources.http_cloud_events import read_structured
from shared.sources.signatures import Signature
from shared.sources.source import CLOUD_EVENT, CLOUD_EVENTS, Source

HR = Source(
    name="hr",
    summary="Our own events (CloudEvents 1.0: structured or batched), signed",
    proof=Signature(header="X-Signature", prefix="v1=", stamp_header="X-Timestamp", signed="{stamp}.{body}"),
    keys=lambda settings: settings.hr_keys,
    bodies={CLOUD_EVENT: {"anyOf": [Event, UserEvent]}, CLOUD_EVENTS: Events},
    read=read_structured,
    example={
        "specversion": "1.0",
        "id": "2026-000117",
        "source": "/hr/contoso-nederland",
        "type": "com.contoso.hr.hired",
        "subject": "employee-id:004711",
        "data": {"effective": "2026-04-01"},
    },
)
