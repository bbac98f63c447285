"""The page is a part of its own: what it registers and loads, and that nobody else loads any of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.unit.front_desk import ENVIRONMENT

PROJECT = Path(__file__).parents[4]
TENANT, AUDIENCE = "7c0f5a0e-0000-4000-8000-0000000000ff", "7c0f5a0e-0000-4000-8000-0000000000aa"
SIGN_IN = {"INVOICE_ACCESS_DESK_TENANT": TENANT, "INVOICE_ACCESS_DESK_AUDIENCE": AUDIENCE}
STORE = {"INVOICE_ACCESS_STORE": "sqlite:x.db", "SWEEP_SCHEDULE": "0 0 * * * *"}
ITS_OWN = ("jinja2", "babel", "itsdangerous", "shared.desk")
LOADED = """
import json, sys
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
print(json.dumps([names, sorted(sys.modules)]))
"""
ONE_REQUEST = """
import asyncio, json, sys
import azure.functions as func
import function_app

async def main():
    functions = {function.get_function_name(): function for function in function_app.app.get_functions()}
    show = functions["desk_root"].get_user_function()
    request = func.HttpRequest("GET", "http://page/", headers=HEADERS, body=b"")
    answer = await show(request)
    print(json.dumps([answer.status_code, answer.get_body().decode(), sorted(sys.modules)]))

asyncio.run(main())
"""


def run(program: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={"PATH": "", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_page_registers_pages_and_nothing_else() -> None:
    done = run(LOADED, INVOICE_ACCESS_PART="desk", **ENVIRONMENT, **STORE, **SIGN_IN)
    assert done.returncode == 0, done.stderr
    names, _ = json.loads(done.stdout)
    assert {"desk_root", "desk_people", "desk_api_people", "desk_style_css"} <= set(names)
    assert all(name.startswith("desk_") for name in names)


@pytest.mark.parametrize("part", ["all", "front", "core"])
def test_nobody_else_loads_any_of_it(part: str) -> None:
    store = {} if part == "front" else STORE
    names, loaded = json.loads(run(LOADED, INVOICE_ACCESS_PART=part, **ENVIRONMENT, **store).stdout)
    assert not [name for name in names if name.startswith("desk_")]
    assert [name for name in loaded if name.startswith(ITS_OWN)] == []


def test_in_the_one_app_there_is_a_page_where_somebody_may_sign_in() -> None:
    names, _ = json.loads(run(LOADED, **ENVIRONMENT, **STORE, **SIGN_IN).stdout)
    assert {"desk_root", "sweep", "events_hr"} <= set(names)


@pytest.mark.parametrize("missing", list(SIGN_IN))
def test_a_page_that_nobody_may_sign_in_to_does_not_start(missing: str) -> None:
    given = {name: value for name, value in SIGN_IN.items() if name != missing}
    done = run(LOADED, INVOICE_ACCESS_PART="desk", **ENVIRONMENT, **STORE, **given)
    assert done.returncode != 0
    assert missing in done.stderr


def test_it_answers_without_any_graph_or_billing_client(tmp_path: Path) -> None:
    settings = {
        **ENVIRONMENT,
        **SIGN_IN,
        "INVOICE_ACCESS_PART": "desk",
        "INVOICE_ACCESS_STORE": f"sqlite:{tmp_path / 'store.sqlite'}",
        "ServiceBusConnection__fullyQualifiedNamespace": "127.0.0.1:9",
    }
    done = run(ONE_REQUEST.replace("HEADERS", "{}"), **settings)
    assert done.returncode == 0, done.stderr
    status, text, loaded = json.loads(done.stdout)
    assert status == 503
    assert "Sign-in is not set up" in text
    for forbidden in ("msgraph", "msgraph_core", "kiota_abstractions", "azure.mgmt", "httpx"):
        assert [name for name in loaded if name == forbidden or name.startswith(f"{forbidden}.")] == []
    assert [name for name in loaded if "billing" in name and name.startswith("shared.adapters")] == []
