"""What telemetry is told of a message that a queue hands over: its trace, and how long it lay there."""

from datetime import UTC, datetime

import azure.functions as func

from shared.services.app import App
from shared.telemetry import Measure


def trace_of(app: App, queue: str, message: func.ServiceBusMessage, due: datetime | None = None) -> str:
    """The `traceparent` that came with a message, "" for none; measures its age. Without telemetry it does nothing.

    `due` is the moment for which it was scheduled: it lay there in vain only since then.
    """
    if not app.telemetry.is_on:
        return ""
    put = message.enqueued_time_utc
    if put is not None:
        since = put if put.tzinfo is not None else put.replace(tzinfo=UTC)
        if due is not None:
            since = max(since, due)
        age = (app.clock.now() - since).total_seconds()
        app.telemetry.measure(Measure.QUEUE_AGE, max(0.0, age), queue=queue)
    told = message.application_properties or {}
    trace = told.get("traceparent") or told.get("Diagnostic-Id")
    return trace if isinstance(trace, str) else ""
