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
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

spans = open({path!r}, "a", buffering=1)
provider = TracerProvider()
exporter = ConsoleSpanExporter(out=spans, formatter=lambda one: one.to_json(None) + chr(10))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
measures = open({measures!r}, "a", buffering=1)
exporter = ConsoleMetricExporter(measures, formatter=lambda one: one.to_json(None) + chr(10))
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=200)]))
"""
TRACE = "00-11111111111111111111111111111111-2222222222222222-01"
EVENT: Any = {
    "specversion": "1.0", "id": "1", "source": "/hr", "type": "com.contoso.hr.person.changed",
    "subject": "id:b0a1d000-0000-4000-8000-000000000001",
}  # fmt: skip


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _measured(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The points of each measure, as the last export had them."""
    last = _lines(path)[-1:]
    every = [m for data in last for r in data["resource_metrics"] for s in r["scope_metrics"] for m in s["metrics"]]
    return {one["name"]: one["data"]["data_points"] for one in every}


async def test_the_worker_goes_on_with_the_trace_of_a_message_to_the_read_back(tmp_path: Path) -> None:
    spans, measures = tmp_path / "spans.jsonl", tmp_path / "measures.jsonl"
    (tmp_path / "site").mkdir()
    custom = CUSTOM.format(path=str(spans), measures=str(measures))
    (tmp_path / "site" / "sitecustomize.py").write_text(custom, encoding="utf-8")
    settings = {"PYTHON_ENABLE_OPENTELEMETRY": "true", "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{PROJECT}"}
    async with (
        running(Options(state=tmp_path / "state", settings=settings)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
        asyncio.timeout(60),
    ):
        body = json.dumps(EVENT).encode()
        await sender.send_messages(ServiceBusMessage(body, application_properties={"traceparent": TRACE}))
        while "invoice_access.checks" not in _measured(measures):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)
    told = [span for span in _lines(spans) if span["context"]["trace_id"] == f"0x{'1' * 32}"]
    of = {span["name"]: span for span in told}
    assert {"ask for a check", "decide", "billing write", "read-back", "reconcile"} <= set(of)
    assert of["ask for a check"]["parent_id"] == f"0x{'2' * 16}"
    assert of["reconcile"]["parent_id"] == of["ask for a check"]["context"]["span_id"]
    assert of["read-back"]["parent_id"] == of["reconcile"]["context"]["span_id"]
    assert of["reconcile"]["attributes"]["invoice_access.outcome"] == "done"
    measured = _measured(measures)
    assert {point["attributes"]["queue"] for point in measured["invoice_access.queue.age"]} >= {
        "people-events",
        "access-work",
    }
    calls = {point["attributes"]["call"]: point["value"] for point in measured["invoice_access.api.calls"]}
    assert calls["billing writes"] >= 1
    assert calls["graph reads"] >= 1
    assert {point["attributes"]["service"] for point in measured["invoice_access.api.wait"]} == {"billing", "graph"}
