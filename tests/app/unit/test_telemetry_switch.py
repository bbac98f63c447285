"""Telemetry is off by default, and then free: nothing of it is loaded. The platform's own switch turns it on, once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.describe_telemetry import SETTINGS
from shared.telemetry import is_switched_on
from tests.app.unit.front_desk import ENVIRONMENT

PROJECT = Path(__file__).parents[3]
CORE = {"INVOICE_ACCESS_STORE": "sqlite:x.db", **ENVIRONMENT}
MODULES = "import sys, json; print(json.dumps(sorted(sys.modules)))"
INDEXED = f"import function_app; {MODULES}"
BUILT = f"import function_app; from shared import bootstrap; bootstrap.app(); {MODULES}"
SWITCH = {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"}
DISTRO = """
import json
from azure.core.settings import settings
from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry import trace
nowhere = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1:9/"
configure_azure_monitor(connection_string=nowhere, enable_live_metrics=False, disable_offline_storage=True)
sampler = trace.get_tracer_provider().sampler.get_description()
print(json.dumps([sampler, settings.tracing_implementation() is not None]), flush=True)
import os
os._exit(0)
"""
"""What Microsoft's package makes of the settings, without the last sends to an address where nobody is."""


def _run(program: str, **environment: str) -> object:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=PROJECT, env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def _telemetry(modules: object) -> set[str]:
    assert isinstance(modules, list)
    return {one for one in modules if one.startswith(("opentelemetry", "azure.monitor", "shared.adapters.telemetry"))}


@pytest.mark.parametrize("part", ["all", "front", "core"])
def test_an_app_that_starts_without_the_switch_loads_nothing_of_telemetry(part: str) -> None:
    assert _telemetry(_run(INDEXED, INVOICE_ACCESS_PART=part, **CORE)) == set()


def test_an_app_with_its_clients_built_loads_what_graphs_library_does_and_no_more() -> None:
    found = _telemetry(_run(BUILT, **CORE))
    assert found, "msgraph's own library imports the API"
    assert not {
        one for one in found if one.startswith(("opentelemetry.sdk", "opentelemetry.metrics", "azure", "shared"))
    }


def test_the_platforms_switch_turns_it_on_and_the_app_sets_nothing_up() -> None:
    found = _telemetry(_run(BUILT, **CORE, **SWITCH))
    assert "shared.adapters.telemetry" in found
    assert not {one for one in found if one.startswith(("opentelemetry.sdk", "azure.monitor"))}


@pytest.mark.parametrize(("value", "on"), [("true", True), (" 1 ", True), ("YES", True), ("false", False), ("", False)])
def test_the_switch_is_read_as_the_worker_reads_it(value: str, *, on: bool) -> None:
    for name in ("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "PYTHON_ENABLE_OPENTELEMETRY"):
        assert is_switched_on({name: value}) is on


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["RateLimitedSampler{5.0}", True]),
        (SETTINGS, ["ApplicationInsightsSampler1.0", False]),
    ],
)
def test_the_settings_of_the_page_keep_every_trace_and_silence_azures_own_spans(
    settings: dict[str, str], expected: list[object]
) -> None:
    """By itself the exporter keeps five traces a second, and Azure's libraries tell the addresses of rows."""
    off = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true"}
    assert _run(DISTRO, **settings, **off) == expected
