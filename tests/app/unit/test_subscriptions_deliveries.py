"""Notifications on their way: what is said, when, how often, and what becomes of what nobody takes."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.graph.notices import ticks
from shared.domain.keys import PersonKey
from shared.sources.events import PersonEvent
from shared.sources.read import read_message
from tests.published import PUBLISHED, needs_published
from tests.sandbox.contract.graph_tenant import (
    ANNA,
    BERT,
    FINANCE,
    LIFECYCLE,
    NOTIFICATIONS,
    PORTAL,
    TENANT,
    TREASURY,
    Tenant,
    wanted,
)


async def subscribed(*resources: str, quiet: bool = True, seed: int = 1, **changes: Any) -> Tenant:
    tenant = Tenant(seed=seed)
    if quiet:
        tenant.quiet()
    async with tenant.client() as app:
        for resource in resources or ("users",):
            made = await app.post("/subscriptions", json=wanted(tenant, resource=resource, **changes))
            assert made.status_code == 201, made.text
    return tenant


async def change(tenant: Tenant, method: str, path: str, body: Any = None) -> Any:
    async with tenant.client(PORTAL) as portal:
        answer = await portal.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def new_user(name: str) -> dict[str, Any]:
    return {
        "accountEnabled": True,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": f"{name}@contoso.example",
        "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
    }


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


async def test_the_app_reads_each_of_them_as_the_people_it_is_about() -> None:
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


async def test_what_is_refused_is_repeated_with_growing_waits_and_arrives_once() -> None:
    tenant = await subscribed()
    tenant.inbox.status = 503
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(minutes=5)
    assert tenant.deliveries.counts.failed == 6, "after 5, 10, 20, 40, 80 and, not yet, 160 seconds"
    tenant.inbox.status = 202
    await tenant.let_pass(minutes=20)
    assert len(tenant.inbox.items()) == 1


async def test_after_four_hours_it_is_given_up_for_good() -> None:
    tenant = await subscribed()
    tenant.inbox.status = 500
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=5)
    assert tenant.deliveries.counts.given_up == 1
    assert 25 < tenant.deliveries.counts.failed < 40
    tenant.inbox.status = 202
    await tenant.let_pass(hours=5)
    assert tenant.inbox.items() == []


async def test_slow_answers_delay_new_notifications_and_slower_ones_drop_them_for_a_while() -> None:
    tenant = await subscribed()

    async def edit(times: int, seconds: float) -> None:
        tenant.inbox.seconds = seconds
        for number in range(times):
            await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": f"{number}-{seconds}"})
            await tenant.let_pass(seconds=3)

    await edit(17, 0.1)
    await edit(2, 11.0)  # 2 of 19: above 10 %, below 15 %
    tenant.inbox.seconds = 0.1
    told = len(tenant.inbox.items())
    await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": "slow"})
    await tenant.let_pass(seconds=9)
    assert len(tenant.inbox.items()) == told
    await tenant.let_pass(seconds=5)
    assert len(tenant.inbox.items()) == told + 1
    await edit(1, 11.0)
    await tenant.let_pass(seconds=15)
    await edit(1, 11.0)
    await tenant.let_pass(seconds=15)  # 4 of 22: above 15 %
    told = len(tenant.inbox.items())
    await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": "dropped"})
    await tenant.let_pass(minutes=11)
    assert tenant.deliveries.counts.dropped == 1
    assert len(tenant.inbox.items()) == told
    await edit(1, 0.1)
    assert len(tenant.inbox.items()) == told + 1, "nothing slow is left in the window"


async def test_an_answer_that_does_not_come_is_repeated_as_well() -> None:
    tenant = await subscribed()
    tenant.inbox.deaf = True
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(seconds=4)
    assert tenant.deliveries.counts.failed == 1
    tenant.inbox.deaf = False
    await tenant.let_pass(minutes=1)
    assert len(tenant.inbox.items()) == 1


async def test_a_subscription_that_ended_is_told_nothing_more_not_even_what_is_on_its_way() -> None:
    tenant = await subscribed(expirationDateTime="2026-03-01T13:00:00Z", lifecycleNotificationUrl=None)
    tenant.time.pass_by(minutes=59, seconds=59.9)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=1)
    assert tenant.inbox.posts == []


async def test_before_its_end_the_app_is_asked_every_quarter_of_an_hour_to_reauthorize() -> None:
    tenant = await subscribed(expirationDateTime="2026-03-01T14:00:00Z")
    tenant.deliveries.switches.ask_ahead_seconds = 1800
    await tenant.let_pass(hours=3)
    moments = [at for at, url, _ in tenant.inbox.posts if url == LIFECYCLE]
    assert [moment.strftime("%H:%M") for moment in moments] == ["13:30", "13:45"]
    [item, _] = tenant.inbox.items(LIFECYCLE)
    published = {"subscriptionId", "subscriptionExpirationDateTime", "tenantId", "clientState", "lifecycleEvent"}
    assert item.keys() == published
    assert item["lifecycleEvent"] == "reauthorizationRequired"


async def test_without_an_authorization_nothing_is_told_until_there_is_one_again() -> None:
    tenant = await subscribed()
    subscription = tenant.book.live()[0]
    await tenant.let_pass(hours=24, minutes=1)
    assert tenant.inbox.items(LIFECYCLE), "it was asked for ahead of time"
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=1)
    assert tenant.inbox.items() == []
    tenant.book.reauthorize(subscription)
    await tenant.let_pass(minutes=1)
    assert len(tenant.inbox.items()) == 1
    assert tenant.deliveries.counts.given_up == 0


async def test_what_waits_longer_than_four_hours_for_an_authorization_is_lost() -> None:
    tenant = await subscribed()
    await tenant.let_pass(hours=24, minutes=1)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=5)
    tenant.book.reauthorize(tenant.book.live()[0])
    await tenant.let_pass(hours=1)
    assert tenant.inbox.items() == []
    assert tenant.deliveries.counts.given_up == 1


async def test_a_request_to_reauthorize_comes_on_demand_and_in_the_undocumented_form_too() -> None:
    tenant = await subscribed()
    tenant.deliveries.switches.organization_instead_of_tenant = True
    assert tenant.deliveries.ask_to_reauthorize(tenant.book.live()[0])
    await tenant.let_pass(seconds=1)
    [item] = tenant.inbox.items(LIFECYCLE)
    assert item["organizationId"] == TENANT
    assert "tenantId" not in item
    assert (item["resource"], item["sequence"], item["encryptedContent"]) == ("", None, None)
    assert tenant.inbox.items(NOTIFICATIONS) == []
