"""What Graph's stand-in tells is read as the people it is about."""

import json

from shared.domain.keys import PersonKey
from shared.sources.events import PersonEvent
from shared.sources.read import read_message
from tests.sandbox.contract.graph_tenant import ANNA, BERT, FINANCE, change, subscribed


async def test_a_changed_user_and_a_removed_member_are_read_as_events_about_them() -> None:
    tenant = await subscribed("users", f"groups/{FINANCE}/members", quiet=False)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await change(tenant, "DELETE", f"/groups/{FINANCE}/members/{BERT}/$ref")
    await tenant.let_pass(seconds=60)
    keys = set()
    for _, _, items in tenant.inbox.posts:
        for found in read_message(json.dumps({"value": items}).encode(), now=tenant.time()):
            assert isinstance(found, PersonEvent)
            keys.add(found.key)
    assert keys == {PersonKey(ANNA), PersonKey(BERT)}
