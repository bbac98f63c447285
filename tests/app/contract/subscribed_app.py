"""A deployment of the app that keeps subscriptions, on a stand-in and a clock of the test's own.

Lives here: the policy and settings of such a deployment, and running its timer once. What should come of it is the
tests' business.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.health import SubscriptionsKept
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.services.subscriptions import Keeper, keep_subscriptions
from shared.settings import Settings
from tests.sandbox.contract.graph_tenant import FINANCE, NOTIFICATIONS, Tenant

FIRST: Final = "first-secret-of-ours"
SECOND: Final = "second-secret-of-ours"
MEMBERS: Final = f"groups/{FINANCE}/members"


def policy(*groups: str) -> Policy:
    """One that names these groups, and people by their department."""
    rules = "".join(
        f"  - name: group-{number}\n    member_of: [{group}]\n    profiles: all\n"
        for number, group in enumerate(groups)
    )
    own = "rules:\n  - name: finance\n    who: \"department eq 'Finance'\"\n    profiles: all\n"
    return load_policy(f"version: 1\naccounts: all\nenforce: all\n{own}{rules}", "policy.yaml")


def settings(**more: str) -> Settings:
    """Those of a deployment that is told of changes."""
    return Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:x",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_GRAPH_URL": "http://127.0.0.1:1",
            "INVOICE_ACCESS_GRAPH_CLIENT_STATES": f"{FIRST} {SECOND}",
            "INVOICE_ACCESS_NOTIFICATION_URL": NOTIFICATIONS,
            **more,
        }
    )


class Machine:
    """One deployment of the app: runs the keeper as its timer does. While it waits, the tenant's time passes."""

    def __init__(self, tenant: Tenant, adapter: GraphSubscriptions) -> None:
        self.tenant = tenant
        self.adapter = adapter
        self.left: SubscriptionsKept | None = None
        """What the last run left in the state."""

    async def keep(self, *groups: str, **more: str) -> Mapping[str, Any]:
        """Runs it once; the summary."""

        async def pause(seconds: float) -> None:
            self.tenant.time.pass_by(seconds=seconds)

        rows = SqliteRows(IN_MEMORY)
        state = RowsState(rows)
        try:
            return await keep_subscriptions(
                Keeper(self.adapter, policy(*groups), settings(**more), self.tenant.time, state, pause)
            )
        finally:
            self.left = await state.subscriptions_kept()
            await rows.close()

    @property
    def resources(self) -> list[str]:
        """What is subscribed to at Graph."""
        return sorted(found.resource for found in self.tenant.book.live())
