"""The page of everything that telemetry tells: spans, measures, and the app settings that turn it on.

What may live here: putting them into a page. What is told is `shared.telemetry`'s. The settings are the platform's and
its libraries' own: none of them is read by the app but the first.
"""

from typing import Final

from shared.telemetry import Kind, Measure, Span

SETTINGS: Final = {
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
    "AzureFunctionsJobHost__telemetryMode": "OpenTelemetry",
    "OTEL_TRACES_SAMPLER": "microsoft.fixed_percentage",
    "OTEL_TRACES_SAMPLER_ARG": "1",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": (
        "azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3"
    ),
}
"""The app settings that turn telemetry on. `infra/part.bicep` sets them."""

_WHY: Final = {
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": """
        The switch. The worker sets up OpenTelemetry and the export to Application Insights before it loads the app, and
        the host no longer passes the worker's log on: else every line would be there twice""",
    "AzureFunctionsJobHost__telemetryMode": """
        The host tells the same way, so that its spans and the app's are of one trace. It stands here and not in
        host.json because there it would hold for who has the switch off as well""",
    "OTEL_TRACES_SAMPLER": """
        Without it the exporter keeps five traces a second, counted over a tenth of a second: of a burst of a hundred
        events it would keep one or two, and bursts are what one looks at""",
    "OTEL_TRACES_SAMPLER_ARG": """
        Every trace. An event makes some eight spans of a kilobyte, and a company of 5,000 has a few hundred events a
        day; 0.1 is a tenth of them. Logs, measures and alerts are never sampled""",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": """
        Libraries say nothing by themselves. What Azure's would say has addresses of rows in it, and a row may be called
        after a person's mail address""",
}

_HEAD: Final = """# Telemetry: spans and measures

`make describe` writes this page from the code, and a test keeps it so.

The app tells of its work through [OpenTelemetry](../decisions/0048-telemetry-by-the-platforms-own-switch.md).
**It is off unless these app settings turn it on**, and then nothing of it is loaded. `azd up` sets them where its
parameter `telemetry` is true. The log is there without them, and so are the [alerts](alerts.md), which read the log and
the queues' own figures. Nothing of this was run in Azure.

| app setting | value | why |
|---|---|---|"""

_SPANS: Final = """
The exporter is Microsoft's, sends to the address in `APPLICATIONINSIGHTS_CONNECTION_STRING`, and signs in as
`APPLICATIONINSIGHTS_AUTHENTICATION_STRING` says. It costs an instance about a second at its start and 43 MiB. Who
sends elsewhere sets `PYTHON_ENABLE_OPENTELEMETRY=true` instead and sets OpenTelemetry's SDK up before the app is
loaded; the app sets up nothing.

## Spans

A trace begins where an event comes in over HTTP, or with intake, and goes on over both queues: each message carries
`traceparent` and `Diagnostic-Id`. Checks that follow at once, to settle, to verify and to retry, are in it too. A check
for which a date or a sweep asked, or that waits for somebody to appear, has a trace of its own, linked to the one that
it follows from: that may be months old, or have thousands of such checks.

Facts are ids, codes and counts. Each is an attribute `invoice_access.<fact>`. A span of work that raised has
`error.type`, and no text of the error. In Application Insights the spans are *dependencies* (table `AppDependencies`).
Graph's own library adds a few that cannot be switched off, such as `_get_serialization_writer`: they name the kind of
request, and nobody.

| span | facts | what it is |
|---|---|---|"""

_MEASURES: Final = """
## Measures

In Application Insights they are *custom metrics* (table `AppMetrics`), exported once a minute by each instance.

| measure | kind | unit | facts | what it is |
|---|---|---|---|---|"""

_KINDS: Final = """
A *counter* and a *total* add up, of a *histogram* each value counts, of a *gauge* the last one. A *total* counts from
the start of its process; the exporter sends the differences.
"""


def metrics_page() -> str:
    """The page as Markdown."""
    settings = [f"| `{name}` | `{value}` | {' '.join(_WHY[name].split())}. |" for name, value in SETTINGS.items()]
    spans = [f"| `{one.value.name}` | {_facts(one.value.facts)} | {one.value.words} |" for one in Span]
    measures = [
        f"| `{one.value.name}` | {one.value.kind} | {_unit(one.value.unit)} | {_facts(one.value.facts)} | "
        f"{one.value.words} |"
        for one in sorted(Measure, key=lambda one: one.value.name)
    ]
    assert {one.value.kind for one in Measure} == set(Kind), "the page explains the kinds that there are"
    return "\n".join([_HEAD, *settings, _SPANS, *spans, _MEASURES, *measures, _KINDS])


def _facts(facts: tuple[str, ...]) -> str:
    return ", ".join(f"`{fact}`" for fact in facts)


def _unit(unit: str) -> str:
    """A unit in words: UCUM writes `{check}` for a count of checks, and `1` for a share."""
    return {"1": "share", "s": "seconds"}.get(unit) or f"{unit.strip('{}')}s"
