#!/usr/bin/env bash
# azure-servicebus 7.15.0 with azure-core-tracing-opentelemetry 1.0.0b13: whose trace does a message carry?
#
# W3C's recommendation is that whoever hands a message on writes `traceparent` into its properties, and Azure's services
# still read `Diagnostic-Id` beside it. A sender that has a trace of its own for a message, other than the one that happens
# to be current (it answers for several requests at once, say), would put it there itself, and expect the client to leave
# what is there. But when the message joins a batch, the client adds the current trace without looking: under keys that
# are bytes, so that the mapping then has each name twice, with two traces. Which of the two a receiver finds is left to
# how it reads a map that has a key twice.
# So: where messages carry traces of their own, the client's tracing has to be off.
#
# Seen:
#   'Diagnostic-Id': ours
#   'traceparent': ours
#   b'Diagnostic-Id': the current one
#   b'traceparent': the current one
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check azure-servicebus==7.15.0 \
  azure-core==1.41.0 azure-core-tracing-opentelemetry==1.0.0b13 opentelemetry-sdk==1.45.1 2>/dev/null
cat >"$folder/send.py" <<'PYTHON'
from azure.core.settings import settings
from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider())
settings.tracing_implementation = "opentelemetry"
ours = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
message = ServiceBusMessage("hired", application_properties={"traceparent": ours, "Diagnostic-Id": ours})
with trace.get_tracer("sender").start_as_current_span("another request") as current:
    ServiceBusMessageBatch(max_size_in_bytes=10_000, tracing_attributes={}).add_message(message)
theirs = format(current.get_span_context().trace_id, "032x")
for name in sorted(message.application_properties, key=lambda name: (isinstance(name, bytes), name)):
    value = str(message.application_properties[name])
    print(f"{name!r}: {'ours' if value == ours else 'the current one' if theirs in value else value}")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/send.py")
printf '%s\n' "$seen"
[ "$seen" = "'Diagnostic-Id': ours
'traceparent': ours
b'Diagnostic-Id': the current one
b'traceparent': the current one" ]
