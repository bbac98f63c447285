"""The stand-in's subscriptions, over HTTP: what is accepted, what is refused and how, and how they end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.subscription import Subscription as TypedSubscription
from msgraph.generated.models.subscription_collection_response import SubscriptionCollectionResponse

from sandbox.faults import Effect, Faults, Rule
from sandbox.wire import Outgoing, Reply
from tests.published import PUBLISHED, needs_published
from tests.sandbox.contract.graph_tenant import (
    ANNA,
    FINANCE,
    LIFECYCLE,
    NOTIFICATIONS,
    PORTAL,
    Tenant,
    app_identity,
    wanted,
)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


async def create(tenant: Tenant, **changes: Any) -> httpx.Response:
    async with tenant.client() as app:
        return await app.post("/subscriptions", json=wanted(tenant, **changes))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert error["innerError"]["request-id"]
    return answer.status_code, error["code"], error["message"]


async def test_both_urls_answer_a_token_of_their_own_before_a_subscription_is_made(
    tenant: Tenant,
) -> None:
    answer = await create(tenant)
    assert answer.status_code == 201
    assert [url.partition("&validationToken=")[0] for url in tenant.inbox.handshakes] == [NOTIFICATIONS, LIFECYCLE]
    tokens = [parse_qs(urlsplit(url).query)["validationToken"][0] for url in tenant.inbox.handshakes]
    assert tokens[0] != tokens[1]
    assert all(" " in token and ":" in token and "+" in token for token in tokens), "decoding must matter"
    sent = tenant.inbox.handshakes[0].partition("validationToken=")[2]
    assert ("+" in sent, "%20" in sent, "%2B" in sent) == (True, False, True), "blanks are plus signs, as recorded"
    assert answer.json()["expirationDateTime"] == "2026-03-21T12:00:00Z"


async def test_the_same_url_twice_is_asked_twice(tenant: Tenant) -> None:
    await create(tenant, lifecycleNotificationUrl=NOTIFICATIONS)
    assert len(tenant.inbox.handshakes) == 2


@needs_published
async def test_the_answer_has_every_member_that_the_published_one_has(tenant: Tenant) -> None:
    published = json.loads((PUBLISHED / "graph" / "subscription-create-response-201.official.json").read_text())
    made = (await create(tenant)).json()
    assert published.keys() <= made.keys()
    assert made["@odata.context"].endswith("/v1.0/$metadata#subscriptions/$entity")
    assert made["applicationId"] == "c1"
    assert made["creatorId"] == app_identity().object_id
    async with tenant.client() as app:
        renewal = json.loads((PUBLISHED / "graph" / "subscription-renew-request.official.json").read_text())
        renewal["expirationDateTime"] = "2026-03-25T11:00:00Z"
        renewed = await app.patch(f"/subscriptions/{made['id']}", json=renewal)
    assert (renewed.status_code, renewed.json()["expirationDateTime"]) == (200, "2026-03-25T11:00:00Z")


TEXT = {"content-type": "text/plain"}


@pytest.mark.parametrize(
    "reply", [Reply(202, TEXT, b"x"), Reply(200, TEXT, b"another token"), Reply(200, {}, b"x"), Reply(404, TEXT)]
)
async def test_a_url_that_does_not_echo_its_token_makes_no_subscription(tenant: Tenant, reply: Reply) -> None:
    tenant.inbox.broken_handshake = reply
    assert refusal(await create(tenant))[:2] == (400, "ValidationError")
    assert tenant.book.live() == []


async def test_a_url_that_does_not_answer_makes_no_subscription(tenant: Tenant) -> None:
    tenant.inbox.deaf = True
    status, code, message = refusal(await create(tenant))
    assert (status, code) == (400, "ValidationError")
    assert "timed out" in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"changeType": "created,updated"}, "Invalid 'changeType' attribute: 'created'."),
        ({"changeType": "updated,missing"}, "Invalid 'changeType' attribute: 'missing'."),
        ({"changeType": None}, "changeType"),
        ({"notificationUrl": "http://contoso.example/api"}, "notificationUrl"),
        ({"notificationUrl": "ftp://127.0.0.1/"}, "notificationUrl"),
        ({"lifecycleNotificationUrl": "http://contoso.example/api"}, "lifecycleNotificationUrl"),
        ({"resource": "https://graph.microsoft.com/v1.0/users"}, "resource"),
        ({"clientState": "x" * 129}, "clientState"),
        ({"expirationDateTime": "soon"}, "expirationDateTime"),
        ({"expirationDateTime": "2026-03-21T12:00:00"}, "expirationDateTime"),
        ({"expirationDateTime": "2026-02-21T12:00:00Z"}, "future"),
        ({"expirationDateTime": "2026-03-30T12:01:00Z"}, "41760"),
        ({"includeResourceData": True}, "includeResourceData"),
        ({"surprise": "x"}, "surprise"),
    ],
)
async def test_a_body_that_graph_would_refuse_is_refused(tenant: Tenant, changes: dict[str, Any], said: str) -> None:
    status, code, message = refusal(await create(tenant, **changes))
    assert (status, code) == (400, "InvalidRequest")
    assert said in message
    assert tenant.inbox.handshakes == []


async def test_the_longest_lifetime_is_29_days_to_the_minute_and_the_shortest_45_minutes(tenant: Tenant) -> None:
    longest = await create(tenant, expirationDateTime="2026-03-30T12:00:00Z")
    assert longest.status_code == 201
    shortest = await create(tenant, resource="groups", expirationDateTime="2026-03-01T12:01:00Z")
    assert shortest.json()["expirationDateTime"] == "2026-03-01T12:45:00Z"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-03-18T11:00:00.0000000Z", "2026-03-18T11:00:00Z"),
        ("2026-03-18T11:00:00.1200000Z", "2026-03-18T11:00:00.12Z"),
        ("2026-03-18T13:00:00+02:00", "2026-03-18T11:00:00Z"),
    ],
)
async def test_an_end_comes_back_as_it_was_sent_without_the_zeros_of_its_fraction(
    tenant: Tenant, sent: str, shown: str
) -> None:
    made = (await create(tenant, expirationDateTime=sent)).json()
    async with tenant.client() as app:
        path = f"/subscriptions/{made['id']}"
        one = (await app.get(path)).json()
        renewed = (await app.patch(path, json={"expirationDateTime": sent})).json()
    assert [answer["expirationDateTime"] for answer in (made, one, renewed)] == [shown] * 3


async def test_switches_accept_what_graph_may_accept(tenant: Tenant) -> None:
    tenant.book.switches.accept_created = True
    tenant.book.switches.refuse_longer = False
    made = await create(tenant, changeType="Updated,Deleted,Created", expirationDateTime="2027-01-01T00:00:00Z")
    assert made.status_code == 201
    assert made.json()["expirationDateTime"] == "2026-03-30T12:00:00Z"


async def test_a_second_one_to_the_same_is_a_conflict_however_it_is_written(tenant: Tenant) -> None:
    first = (await create(tenant)).json()["id"]
    again = await create(tenant, resource="/users", changeType="deleted,updated")
    assert refusal(again) == (
        409,
        "Conflict",
        f"Subscription Id {first} already exists for the requested combination",
    )
    assert (await create(tenant, changeType="updated")).status_code == 201


async def test_a_quota_says_which_it_is(tenant: Tenant) -> None:
    tenant.book.switches.most_per_app = 1
    await create(tenant)
    status, code, message = refusal(await create(tenant, resource="groups"))
    assert (status, code) == (403, "Forbidden")
    assert "per application in the tenant" in message


@pytest.mark.parametrize(
    ("permissions", "resource", "status"),
    [
        ({"User.Read.All"}, "users", 201),
        ({"User.ReadWrite.All"}, "users", 403),
        ({"User.Read.All"}, f"groups/{FINANCE}/members", 403),
        ({"GroupMember.Read.All"}, f"groups/{FINANCE}/members", 403),
        ({"Group.Read.All"}, f"groups/{FINANCE}/members", 201),
        ({"Group.Read.All"}, f"users/{ANNA}", 403),
        ({"Group.Read.All"}, "groups/7c0f5a0e-0000-4000-8000-0000000000ee/members", 404),
    ],
)
async def test_it_takes_the_permission_to_read(permissions: set[str], resource: str, status: int) -> None:
    tenant = Tenant(app_identity(frozenset(permissions)))
    assert (await create(tenant, resource=resource)).status_code == status


async def test_membership_permission_is_enough_where_a_switch_says_so() -> None:
    tenant = Tenant(app_identity(frozenset({"GroupMember.Read.All"})))
    tenant.book.switches.group_member_permission = True
    assert (await create(tenant, resource=f"groups/{FINANCE}/members")).status_code == 201


async def test_only_the_app_that_made_a_subscription_sees_it() -> None:
    tenant = Tenant(app_identity(), app_identity(number=2))
    path = f"/subscriptions/{(await create(tenant)).json()['id']}"
    for other in (tenant.identities[2], PORTAL):
        async with tenant.client(other) as client:
            assert (await client.get("/subscriptions")).json()["value"] == []
            for call in (
                client.get(path),
                client.patch(path, json={"expirationDateTime": "2026-03-25T11:00:00Z"}),
                client.post(f"{path}/reauthorize"),
                client.delete(path),
            ):
                assert refusal(await call)[:2] == (404, "ResourceNotFound")
            same = await client.post("/subscriptions", json=wanted(tenant))
            assert same.status_code == 201, "the same combination is another app's own affair"
    async with tenant.client() as app:
        assert len((await app.get("/subscriptions")).json()["value"]) == 1


async def test_only_the_end_can_be_changed(tenant: Tenant) -> None:
    made = (await create(tenant, lifecycleNotificationUrl=None)).json()
    path = f"/subscriptions/{made['id']}"
    async with tenant.client() as app:
        added = await app.patch(path, json={"lifecycleNotificationUrl": LIFECYCLE})
        assert refusal(added)[:2] == (400, "InvalidRequest")
        assert (await app.get(path)).json() == made
        assert (await app.post(f"{path}/reauthorize", content=b"")).status_code == 204
        assert (await app.get(path)).json()["expirationDateTime"] == made["expirationDateTime"]


async def test_one_that_expired_is_gone_without_a_word(tenant: Tenant) -> None:
    made = (await create(tenant)).json()
    tenant.time.pass_by(days=20)
    async with tenant.client() as app:
        assert (await app.get("/subscriptions")).json()["value"] == []
        path = f"/subscriptions/{made['id']}"
        assert (await app.get(path)).status_code == 404
        assert (await app.patch(path, json={"expirationDateTime": "2026-03-25T11:00:00Z"})).status_code == 404
        assert (await app.delete(path)).status_code == 404
    assert tenant.inbox.items() == []


async def test_a_deleted_one_is_gone_and_may_be_made_again(tenant: Tenant) -> None:
    made = (await create(tenant)).json()
    async with tenant.client() as app:
        assert (await app.delete(f"/subscriptions/{made['id']}")).status_code == 204
    assert (await create(tenant)).status_code == 201


async def test_two_creates_at_once_make_one(tenant: Tenant) -> None:
    """Both pass the first check, and whoever finishes the handshake second meets the other's."""
    second: list[httpx.Response] = []

    async def send(call: Outgoing) -> Reply | None:
        if not second:
            second.append(await create(tenant))
        return await tenant.inbox.send(call)

    async with tenant.client(send=send) as app:
        first = await app.post("/subscriptions", json=wanted(tenant))
    assert (first.status_code, second[0].status_code) == (409, 201)
    assert len(tenant.book.live()) == 1


async def test_a_fault_after_the_work_still_does_the_work(tenant: Tenant) -> None:
    faults = Faults()
    tenant.handler = faults.wrap("graph", tenant.handler)
    faults.lay(Rule(target="graph", method="POST", times=1, effect=Effect(status=503, after=True)))
    assert (await create(tenant)).status_code == 503
    assert [found.expires for found in tenant.book.live()] == [datetime(2026, 3, 21, 12, tzinfo=UTC)]
    faults.lay(Rule(target="graph", method="POST", times=1, effect=Effect(status=503)))
    assert (await create(tenant, resource="groups")).status_code == 503
    assert len(tenant.book.live()) == 1


async def test_microsofts_typed_models_read_what_the_stand_in_answers(tenant: Tenant) -> None:
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=tenant.client())
    adapter.base_url = "http://127.0.0.1:1/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    end = tenant.time() + timedelta(days=3)
    made = await client.subscriptions.post(
        TypedSubscription(
            change_type="updated",
            notification_url=NOTIFICATIONS,
            resource="users",
            expiration_date_time=end,
            client_state="state",
        )
    )
    assert isinstance(made, TypedSubscription)
    assert made.id is not None
    assert (made.expiration_date_time, made.application_id) == (end, "c1")
    assert made.latest_supported_tls_version == "v1_2"
    one = client.subscriptions.by_subscription_id(made.id)
    later = end + timedelta(days=1)
    renewed = await one.patch(TypedSubscription(expiration_date_time=later))
    assert isinstance(renewed, TypedSubscription)
    assert renewed.expiration_date_time == later
    await one.reauthorize.post()
    listed = await client.subscriptions.get()
    assert isinstance(listed, SubscriptionCollectionResponse)
    assert [found.id for found in listed.value or []] == [made.id]
    await one.delete()
    assert tenant.book.live() == []
