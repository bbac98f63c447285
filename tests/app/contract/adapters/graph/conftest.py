"""A tenant whose Graph can be made to fail, an app that keeps its subscriptions there, and what adapters load."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sandbox.faults import Faults
from shared.adapters.graph.subscriptions import GraphSubscriptions
from tests.app.contract.subscribed_app import Machine, settings
from tests.sandbox.contract.graph_tenant import Tenant


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant()
    made.quiet()
    return made


@pytest.fixture
def faults(tenant: Tenant) -> Faults:
    """Faults in front of the stand-in."""
    faults = Faults()
    tenant.handler = faults.wrap("graph", tenant.handler)
    return faults


@pytest.fixture
async def app(tenant: Tenant) -> AsyncIterator[Machine]:
    adapter = GraphSubscriptions(settings(), tenant.credential(), transport=tenant.transport())
    yield Machine(tenant, adapter)
    await adapter.close()


_BEFORE = """
import asyncio, json, sys
from azure.core.credentials import AccessToken
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Response, as_json
from shared.settings import Settings

class Credential:
    async def get_token(self, *scopes, **options):
        return AccessToken("a-token", 9_999_999_999)

SETTINGS = Settings.read(
    {"INVOICE_ACCESS_STORE": "sqlite:x", "ServiceBusConnection__fullyQualifiedNamespace": "unused.example"}
)
"""
_AFTER = """
asyncio.run(main())
print(json.dumps([name for name in sys.modules if name.startswith("msgraph.generated")]))
"""


@pytest.fixture
def generated_modules() -> Callable[[str], list[str]]:
    """Runs a script's `main()` in a process of its own; which of the SDK's generated modules that loaded."""

    def run(script: str) -> list[str]:
        ran = subprocess.run(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-c", _BEFORE + script + _AFTER],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[5],
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        loaded: list[str] = json.loads(ran.stdout)
        return loaded

    return run
