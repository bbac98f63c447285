"""Our own events, from any HR system that can be taught them: CloudEvents, signed.

`X-Timestamp` is the time in seconds since 1970; `X-Signature` is `v1=` and the hex HMAC-SHA256 of timestamp, a dot and
the body. In binary mode the attributes are headers, which the signature does not cover: prefer structured mode.
"""

from shared.sources.event_model import Event, Events
from shared.sources.http_cloud_events import read_any_mode
from shared.sources.proof import Signature, unix_seconds
from shared.sources.source import CLOUD_EVENT, CLOUD_EVENTS, JSON, Source

HR = Source(
    name="hr",
    summary="Our own events (CloudEvents 1.0: structured, batched or binary), signed",
    proof=Signature(
        header="X-Signature",
        timestamp_header="X-Timestamp",
        prefix="v1=",
        signed=lambda body, stamp: stamp + b"." + body,
        moment=unix_seconds,
    ),
    keys=lambda settings: settings.hr_keys,
    bodies={CLOUD_EVENT: Event, CLOUD_EVENTS: Events, JSON: {"type": "object"}},
    read=read_any_mode,
    example={
        "specversion": "1.0",
        "id": "2026-000117",
        "source": "/hr/contoso-nederland",
        "type": "com.contoso.hr.hired",
        "subject": "employee-id:004711",
        "data": {"effective": "2026-04-01"},
    },
)
