"""Two parts, one package: what each registers, and what the public one never loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.unit.front_desk import ENVIRONMENT, KEYS

PROJECT = Path(__file__).parents[4]
CORE = {"health", "intake", "mail_check", "proof", "reconcile", "subscriptions", "sweep"}
FRONT = {
    "events_hr",
    "events_bamboohr",
    "events_personio",
    "events_lifecycle_workflows",
    "events_event_grid",
    "graph_notifications",
    "graph_lifecycle",
}
NAMES = """
import json, function_app
print(json.dumps([function.get_function_name() for function in function_app.app.get_functions()]))
"""
HANDLERS = """
import inspect, json, function_app
handlers = {}
for function in function_app.app.get_functions():
    called = function.get_user_function()
    answers = any(binding.name == "$return" for binding in function.get_bindings())
    handlers[function.get_function_name()] = [
        inspect.iscoroutinefunction(called), answers, inspect.get_annotations(called, eval_str=True)["return"] is None
    ]
print(json.dumps(handlers))
"""
ONE_REQUEST = """
import asyncio, json, sys
import azure.functions as func
import function_app

async def main():
    functions = {function.get_function_name(): function for function in function_app.app.get_functions()}
    take = functions["graph_notifications"].get_user_function()
    # Nobody listens there: the request goes the whole way, with the real client, and ends in a 503.
    body = json.dumps({"value": [{"clientState": "STATE", "resource": "Users/7c0f5a0e-0000-4000-8000-00000000a11a"}]})
    request = func.HttpRequest("POST", "http://front/api/graph/notifications", body=body.encode())
    answer = await take(request)
    print(json.dumps([answer.status_code, sorted(sys.modules)]))

asyncio.run(main())
"""


def run(program: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "", **settings}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("part", "expected"), [("all", CORE | FRONT), ("front", FRONT), ("core", CORE)])
def test_each_part_registers_its_own(part: str, expected: set[str]) -> None:
    core = {} if part == "front" else {"INVOICE_ACCESS_STORE": "sqlite:x.db", "SWEEP_SCHEDULE": "0 0 * * * *"}
    done = run(NAMES, INVOICE_ACCESS_PART=part, **ENVIRONMENT, **core)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == expected


LOADED = """
import json, sys
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
print(json.dumps([names, sorted(sys.modules)]))
"""
CORE_ALONE = {"INVOICE_ACCESS_PART": "core", "INVOICE_ACCESS_STORE": "sqlite:x.db", "SWEEP_SCHEDULE": "0 0 * * * *"}


def test_nothing_that_tells_is_loaded_where_nobody_is_told() -> None:
    done = run(LOADED, **ENVIRONMENT, **CORE_ALONE)
    names, loaded = json.loads(done.stdout)
    assert set(names) == CORE
    telling = {"shared.services.notify", "shared.domain.notices.matters", "shared.domain.notices.digest"}
    assert not telling & set(loaded)
    assert not [one for one in loaded if one.startswith("shared.adapters.webhook")]


@pytest.mark.parametrize("name", ["WEBHOOK_URL", "TEAMS_URL", "DIGEST_URL"])
def test_each_address_brings_the_timer_that_tells(name: str) -> None:
    done = run(NAMES, **ENVIRONMENT, **CORE_ALONE, **{f"INVOICE_ACCESS_{name}": "https://hooks.example/a?sig=b"})
    assert set(json.loads(done.stdout)) == CORE | {"notify"}, done.stderr


def test_every_handler_runs_on_the_loop_and_returns_what_its_bindings_take() -> None:
    """The worker runs what is no coroutine function in a thread, and fails whoever returns without an output."""
    done = run(HANDLERS, **ENVIRONMENT, INVOICE_ACCESS_STORE="sqlite:x.db", SWEEP_SCHEDULE="0 0 * * * *")
    handlers = json.loads(done.stdout)
    assert set(handlers) == CORE | FRONT
    for name, (is_coroutine, answers, returns_nothing) in handlers.items():
        assert is_coroutine, f"{name}: something hides that its handler is async"
        assert answers is not returns_nothing, name


def test_a_source_without_its_keys_has_no_function() -> None:
    namespace = "ServiceBusConnection__fullyQualifiedNamespace"
    done = run(NAMES, INVOICE_ACCESS_PART="front", **{namespace: "contoso.servicebus.windows.net"})
    assert json.loads(done.stdout) == []


def test_a_source_behind_a_function_key_alone_has_a_function_once_it_is_switched_on() -> None:
    on = {"INVOICE_ACCESS_FUNCTION_KEY_SOURCES": "event-grid"}
    namespace = "ServiceBusConnection__fullyQualifiedNamespace"
    done = run(NAMES, INVOICE_ACCESS_PART="front", **on, **{namespace: "contoso.servicebus.windows.net"})
    assert json.loads(done.stdout) == ["events_event_grid"]


def test_each_mistake_is_a_line_in_log_and_stderr_before_the_start_fails(tmp_path: Path) -> None:
    """What is raised while the app is loaded is seen by nobody in Azure."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nacounts: all\nrules: []\n")
    code = (
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=logging.INFO)\n"
        "try:\n    import function_app\nexcept Exception as error:\n    print(type(error).__name__)"
    )
    key = "@Microsoft.KeyVault(SecretUri=https://kv.example/secrets/hr)"
    given = {**ENVIRONMENT, "INVOICE_ACCESS_POLICY": str(policy), "INVOICE_ACCESS_HR_KEYS": key}
    done = run(code, **given, INVOICE_ACCESS_STORE="http://127.0.0.1:10002/devstoreaccount1")
    logged = [line for line in done.stdout.splitlines() if line.startswith("ERROR")]
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR ")]
    assert done.stdout.splitlines()[-1] == "Misconfigured"
    for lines in (logged, said):
        assert len(lines) == 3
        for named in ("INVOICE_ACCESS_HR_KEYS: the platform did not", "INVOICE_ACCESS_STORE: give https://", "acounts"):
            assert sum(named in line for line in lines) == 1, lines
    assert "kv.example" not in done.stdout + done.stderr


def test_a_wrong_part_stops_the_start() -> None:
    done = run(NAMES, INVOICE_ACCESS_PART="back", **ENVIRONMENT)
    assert done.returncode != 0
    assert "INVOICE_ACCESS_PART" in done.stderr


def test_the_public_part_answers_a_request_without_any_graph_or_billing_client() -> None:
    settings = {
        **ENVIRONMENT,
        "ServiceBusConnection__fullyQualifiedNamespace": "127.0.0.1:9",
        "INVOICE_ACCESS_PART": "front",
        "IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token",
        "IDENTITY_HEADER": "x",
    }
    done = run(ONE_REQUEST.replace("STATE", KEYS["graph"][0]), **settings)
    assert done.returncode == 0, done.stderr
    status, loaded = json.loads(done.stdout)
    assert status == 503
    assert "azure.servicebus" in loaded
    for forbidden in ("msgraph", "msgraph_core", "kiota_abstractions", "azure.mgmt", "azure.data", "ruamel", "sqlite3"):
        assert [name for name in loaded if name == forbidden or name.startswith(f"{forbidden}.")] == []
    assert [name for name in loaded if "billing" in name and name.startswith("shared.adapters")] == []
