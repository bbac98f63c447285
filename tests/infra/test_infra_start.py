"""The app starts on exactly the settings that a deployment gives a part, with the functions that infra/ counts on."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.bicep_tree import ROOT, bicep_files, trees
from tests.infra.deployments import Infra, settings_of
from tests.infra.promises_of_apps import READY

FUNCTIONS = """
import json, function_app
print(json.dumps({
    function.get_function_name(): {key: str(value) for key, value in function.get_trigger().get_dict_repr().items()}
    for function in function_app.app.get_functions()
}))
"""
GUID = "7c0f5a0e-0000-4000-8000-0000000000cc"
OPEN_TO_THE_INTERNET = {
    "api/events/hr": ("ANONYMOUS", "a signature over body and time"),
    "api/events/bamboohr": ("ANONYMOUS", "a signature over body and time"),
    "api/events/personio": ("ANONYMOUS", "a secret in the address"),
    "api/events/lifecycle-workflows": ("FUNCTION", "the platform's function key"),
    "api/events/event-grid": ("FUNCTION", "the platform's function key"),
    "api/graph/notifications": ("ANONYMOUS", "the clientState of each item"),
    "api/graph/lifecycle": ("ANONYMOUS", "the clientState of each item"),
}
"""Every route of a part that has no sign-in of the platform's: its level, and how its senders prove who they are."""


def resolved(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the process sees them: ids that Azure gives filled in, references to the vault resolved."""
    filled = {name: re.sub(r"<[^<>]*>[\w.]*", GUID, value) for name, value in settings.items()}
    secret = {name for name, value in filled.items() if "@Microsoft.KeyVault" in value}
    addresses = {name: f"https://hooks.contoso.example/{name}" for name in secret if name.endswith("_URL")}
    return filled | dict.fromkeys(secret, "k" * 32) | addresses


def started(settings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The triggers of the app that starts on these settings, by function."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", FUNCTIONS],
        cwd=ROOT,
        env={"PATH": "", **resolved(settings)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def infra() -> Infra:
    texts = bicep_files()
    return Infra(texts, trees(texts))


@pytest.mark.parametrize("part", ["all", "core", "front", "desk"])
def test_a_part_starts_on_the_settings_that_it_is_given(part: str, infra: Infra) -> None:
    functions = started((settings_of(infra.whole) | settings_of(infra.in_one))[part])
    by_itself = {name for name, trigger in functions.items() if trigger["type"] != "httpTrigger"}
    routes = {trigger["route"]: trigger["authLevel"] for trigger in functions.values() if "route" in trigger}
    assert {name.removeprefix("function:") for name in READY[part] - {"http"}} <= by_itself
    assert bool(by_itself) == (part in {"all", "core"}), "only the core has queues and timers"
    if part in {"all", "front"}:
        assert routes == {route: level for route, (level, _) in OPEN_TO_THE_INTERNET.items()}
    else:
        assert not set(routes) & set(OPEN_TO_THE_INTERNET)
        assert bool(routes) == (part == "desk")


def test_the_first_start_needs_no_secret_and_no_source(infra: Infra) -> None:
    functions = started(settings_of(infra.smallest)["all"])
    assert {"intake", "reconcile", "sweep"} < set(functions)
    assert not [name for name, trigger in functions.items() if trigger["type"] == "httpTrigger"]
