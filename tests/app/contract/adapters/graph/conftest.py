"""A tenant whose Graph can be made to fail, and an app that keeps its subscriptions there."""

from collections.abc import AsyncIterator

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
