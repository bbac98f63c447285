"""One trace in the real worker, over the real queues: from a message on people-events to the read-back of a grant.

What the worker sets up in Azure before it loads the app, with the package azure-monitor-opentelemetry, is set up here
by a `sitecustomize` that writes spans to a file. Nothing of this was run in Azure.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.settings import PROJECT, Options
from sandbox.up import running

CUSTOM = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

spans = open({path!r}, "a", buffering=1)
provider = TracerProvider()
exporter = ConsoleSpanExporter(out=spans, formatter=lambda one: one.to_json(None) + chr(10))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""
TRACE = "00-11111111111111111111111111111111-2222222222222222-01"
EVENT: Any = {
    "specversion": "1.0", "id": "1", "source": "/hr", "type": "com.contoso.hr.person.changed",
    "subject": "id:b0a1d000-0000-4000-8000-000000000001",
}  # fmt: skip


def _spans(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


async def test_the_worker_goes_on_with_the_trace_of_a_message_to_the_read_back(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CUSTOM.format(path=str(path)), encoding="utf-8")
    settings = {"PYTHON_ENABLE_OPENTELEMETRY": "true", "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{PROJECT}"}
    async with (
        running(Options(state=tmp_path / "state", settings=settings)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
        asyncio.timeout(60),
    ):
        body = json.dumps(EVENT).encode()
        await sender.send_messages(ServiceBusMessage(body, application_properties={"traceparent": TRACE}))
        while not any(span["name"] == "reconcile" for span in _spans(path)):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)
    spans = [span for span in _spans(path) if span["context"]["trace_id"] == f"0x{'1' * 32}"]
    names = [span["name"] for span in spans]
    assert {"ask for a check", "decide", "billing write", "read-back", "reconcile"} <= set(names)
    of = {span["name"]: span for span in spans}
    assert of["ask for a check"]["parent_id"] == f"0x{'2' * 16}"
    assert of["reconcile"]["parent_id"] == of["ask for a check"]["context"]["span_id"]
    assert of["read-back"]["parent_id"] == of["reconcile"]["context"]["span_id"]
    assert of["reconcile"]["attributes"]["invoice_access.outcome"] == "done"
