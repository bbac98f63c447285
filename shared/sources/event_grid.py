"""Event Grid: Microsoft Graph's partner topic, delivered over HTTP as CloudEvents, behind a function key.

Before it delivers, Event Grid asks with OPTIONS whether it may; `allowed` is the answer's headers.

Source: CloudEvents 1.0.2, HTTP 1.1 web hooks for event delivery; Event Grid, "CloudEvents v1.0 schema".
"""

import re
from collections.abc import Mapping
from typing import Final

from shared.sources.event_model import Event, GraphEvent, GraphEvents, UserEvent
from shared.sources.http_cloud_events import read_structured
from shared.sources.signatures import FunctionKey
from shared.sources.source import CLOUD_EVENT, CLOUD_EVENTS, Source

_ORIGIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)


def allowed(origin: str) -> Mapping[str, str] | None:
    """The headers that let `origin`, a DNS name, deliver at any rate; None where it is no such name."""
    if not _ORIGIN.fullmatch(origin):
        return None
    return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "OPTIONS, POST"}


EVENT_GRID = Source(
    name="event-grid",
    summary="Microsoft Graph through Event Grid (CloudEvents schema), behind a function key",
    proof=FunctionKey(),
    bodies={CLOUD_EVENT: {"anyOf": [Event, UserEvent, GraphEvent]}, CLOUD_EVENTS: GraphEvents},
    read=read_structured,
    example={
        "specversion": "1.0",
        "id": "e2b6a1c4",
        "source": "/tenants/7c0f5a0e-0000-4000-8000-000000007e7a/applications/7c0f5a0e-0000-4000-8000-00000000a440",
        "type": "Microsoft.Graph.UserUpdated",
        "subject": "Users/7c0f5a0e-0000-4000-8000-00000000a11a",
        "data": {"changeType": "updated", "resource": "Users/7c0f5a0e-0000-4000-8000-00000000a11a"},
    },
)
