"""One trace in the real worker, over the real queues: from a message on people-events to the read-back of a grant.

First with an SDK that a `sitecustomize` sets up, which writes to files; then with the platform's switch, where the
worker sets up Microsoft's exporter by itself. Nothing of this was run in Azure.
"""

import asyncio
import gzip
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from cli.describe_telemetry import SETTINGS
from sandbox.settings import PROJECT, Options
from sandbox.up import running
from shared.telemetry import Span

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


class Ingestion(ThreadingHTTPServer):
    """What takes Application Insights' telemetry in, as Microsoft's exporter sends it: everything is kept."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.taken: list[dict[str, Any]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        """What came of one kind, such as `MessageData`."""
        return [
            one["data"]["baseData"] | {"tags": one["tags"]} for one in [*self.taken] if one["data"]["baseType"] == kind
        ]


class _Take(BaseHTTPRequestHandler):
    server: Ingestion

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        taken = json.loads(body) if self.path.startswith("/v2") else []
        self.server.taken += taken
        answer = json.dumps({"itemsReceived": len(taken), "itemsAccepted": len(taken), "errors": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    server = Ingestion()
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


async def test_with_the_platforms_switch_the_worker_sends_spans_measures_and_lines_once(
    tmp_path: Path, ingestion: Ingestion
) -> None:
    """The worker's own set-up with Microsoft's package, and an address on this machine in the place of Azure's."""
    here = f"http://127.0.0.1:{ingestion.server_address[1]}/"
    settings = SETTINGS | {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": (
            f"InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint={here};LiveEndpoint={here}"
        ),
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "300",
    }
    async with (
        running(Options(state=tmp_path / "state", settings=settings)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
        asyncio.timeout(90),
    ):
        body = json.dumps(EVENT).encode()
        await sender.send_messages(ServiceBusMessage(body, application_properties={"traceparent": TRACE}))
        while not _has_come(ingestion):  # noqa: ASYNC110 - a server in a thread
            await asyncio.sleep(0.1)
    spans = [one for one in ingestion.of("RemoteDependencyData") if one["tags"]["ai.operation.id"] == "1" * 32]
    assert {"ask for a check", "decide", "billing write", "read-back", "reconcile"} <= {one["name"] for one in spans}
    others = {one["name"] for one in ingestion.of("RemoteDependencyData")} - {one.value.name for one in Span}
    assert {name.partition(" ")[0] for name in others} <= {"set_content_from_parsable", "_get_serialization_writer"}
    (line,) = [one for one in ingestion.of("MessageData") if one["message"].startswith('reconcile: {"check": "person:')]
    assert line["tags"]["ai.operation.id"] == "1" * 32
    assert json.loads(line["message"].removeprefix("reconcile: "))["outcome"] == "done"
    everything = json.dumps(ingestion.taken).lower()
    assert not [word for word in ("femke", "boer", "contoso.example") if word in everything]


def _has_come(ingestion: Ingestion) -> bool:
    spans = {one["name"] for one in ingestion.of("RemoteDependencyData")}
    measures = {metric["name"] for one in ingestion.of("MetricData") for metric in one["metrics"]}
    lines = any(one["message"].startswith("reconcile: ") for one in ingestion.of("MessageData"))
    return "reconcile" in spans and "invoice_access.checks" in measures and lines
