"""What notifications say, of what, how often, and in which order."""

import json
from datetime import datetime, timedelta

import pytest

from sandbox.graph.notices import ticks
from tests.published import PUBLISHED, needs_published
from tests.sandbox.contract.graph_tenant import (
    ANNA,
    BERT,
    FINANCE,
    TENANT,
    TREASURY,
    change,
    new_user,
    subscribed,
)


async def test_an_edit_is_told_in_the_shape_that_was_seen_on_the_wire() -> None:
    tenant = await subscribed()
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(seconds=60)
    [(_, _, [item])] = tenant.inbox.posts
    assert item["resource"] == item["resourceData"]["@odata.id"] == f"Users/{ANNA}"
    assert item["resourceData"]["@odata.type"] == "#Microsoft.Graph.User"
    assert item["resourceData"]["organizationId"] == item["tenantId"] == TENANT
    assert item["clientState"] == "a-secret-of-the-app"
    assert item["changeType"] == "updated"
    assert item["subscriptionExpirationDateTime"] == "2026-03-21T04:00:00.0000000-08:00"
    sequence = item["resourceData"]["sequenceNumber"]
    assert isinstance(sequence, int)
    assert sequence > 2**53
    assert "department" not in json.dumps(item), "no changed property is named"
    assert ticks(datetime.fromisoformat("2022-12-07T04:39:27.676961+00:00")) == 638059847676769610


@needs_published
async def test_a_group_is_told_with_the_members_of_the_published_example() -> None:
    tenant = await subscribed("groups")
    await change(tenant, "PATCH", f"/groups/{FINANCE}", {"displayName": "Money"})
    await tenant.let_pass(seconds=60)
    [item] = tenant.inbox.items()
    published = json.loads((PUBLISHED / "graph" / "eventgrid-group-updated.cloudevent.official.json").read_text())[
        "data"
    ]
    assert item.keys() == published.keys()
    assert item["resourceData"].keys() == published["resourceData"].keys() - {"eventTime"}, "Event Grid's own"
    assert item["resourceData"]["@odata.type"] == published["resourceData"]["@odata.type"]


async def test_creation_and_soft_deletion_are_updates_and_only_final_deletion_is_deleted() -> None:
    tenant = await subscribed()
    made = await change(tenant, "POST", "/users", new_user("carla"))
    await tenant.let_pass(seconds=60)
    await change(tenant, "DELETE", f"/users/{made['id']}")
    await tenant.let_pass(seconds=60)
    await change(tenant, "DELETE", f"/directory/deletedItems/{made['id']}")
    await tenant.let_pass(seconds=60)
    assert [item["changeType"] for item in tenant.inbox.items()] == ["updated", "updated", "deleted"]
    assert {item["resource"] for item in tenant.inbox.items()} == {f"Users/{made['id']}"}


async def test_who_joins_and_leaves_a_group_is_named_and_removal_is_a_text() -> None:
    tenant = await subscribed(f"groups/{FINANCE}/members")
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{ANNA}"}
    await change(tenant, "POST", f"/groups/{FINANCE}/members/$ref", reference)
    await tenant.let_pass(seconds=60)
    await change(tenant, "DELETE", f"/groups/{FINANCE}/members/{BERT}/$ref")
    await change(tenant, "PATCH", f"/groups/{FINANCE}", {"displayName": "Money"})
    await change(tenant, "POST", f"/groups/{TREASURY}/members/$ref", reference)
    await tenant.let_pass(seconds=60)
    joined, left = tenant.inbox.items()
    assert joined["resource"] == left["resource"] == f"Groups/{FINANCE}"
    assert joined["resourceData"]["members@delta"] == [{"id": ANNA}]
    assert left["resourceData"]["members@delta"] == [{"id": BERT, "@removed": "deleted"}]


@pytest.mark.parametrize(
    ("resource", "changes", "told"),
    [
        (f"users/{ANNA}", "updated,deleted", 1),
        (f"users/{BERT}", "updated,deleted", 0),
        ("users", "deleted", 0),
        ("groups", "updated", 0),
        (f"groups/{FINANCE}/owners", "updated", 0),
    ],
)
async def test_only_what_was_asked_for_is_told(resource: str, changes: str, told: int) -> None:
    tenant = await subscribed(resource, changeType=changes)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(seconds=60)
    assert len(tenant.inbox.items()) == told


async def test_many_changes_come_in_few_posts_that_mix_subscriptions_and_are_bounded() -> None:
    tenant = await subscribed("users", "groups")
    tenant.deliveries.switches.batch_seconds = 5.0
    tenant.deliveries.switches.most_items = 25
    for number in range(60):
        await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": str(number)})
    await change(tenant, "PATCH", f"/groups/{FINANCE}", {"displayName": "Money"})
    await tenant.let_pass(seconds=60)
    sizes = [len(items) for _, _, items in tenant.inbox.posts]
    assert sorted(sizes) == [11, 25, 25]
    assert len({item["subscriptionId"] for item in tenant.inbox.items()}) == 2
    sequences = [item["resourceData"]["sequenceNumber"] for item in tenant.inbox.items()]
    assert len(set(sequences)) == 61
    assert sequences != sorted(sequences), "each has a latency of its own, so they overtake each other"


async def test_an_edit_may_be_told_several_times_twice_over_and_late() -> None:
    tenant = await subscribed(quiet=False)
    switches = tenant.deliveries.switches
    switches.updates_per_edit, switches.duplicate_share, switches.late_share = 3, 0.5, 0.3
    began = tenant.time()
    for number in range(100):
        await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": str(number)})
    await tenant.let_pass(seconds=60)
    items = tenant.inbox.items()
    told = [json.dumps(item, sort_keys=True) for item in items]
    assert len(set(told)) > 150, "up to three for one edit"
    assert len(told) - len(set(told)) > 50, "and some word for word again"
    late = [at for at, _, _ in tenant.inbox.posts if at - began > timedelta(seconds=switches.most_latency_seconds)]
    assert late
    assert tenant.deliveries.counts.delivered == tenant.deliveries.counts.made == len(told)


async def test_dropped_ones_never_come_and_are_counted() -> None:
    tenant = await subscribed()
    tenant.deliveries.switches.drop_share = 0.3
    for number in range(200):
        await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": str(number)})
    await tenant.let_pass(hours=5)
    counts = tenant.deliveries.counts
    assert 30 < counts.lost < 90
    assert len(tenant.inbox.items()) == counts.delivered == 200 - counts.lost


async def test_the_same_seed_tells_the_same_story() -> None:
    stories = []
    for seed in (7, 7, 8):
        tenant = await subscribed(quiet=False, seed=seed)
        for number in range(20):
            await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": str(number)})
        await tenant.let_pass(seconds=60)
        stories.append(tenant.inbox.posts)
    assert stories[0] == stories[1]
    assert [at for at, _, _ in stories[0]] != [at for at, _, _ in stories[2]]
