"""Keeping subscriptions, with the real adapter on the stand-in and a clock of the test's own."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.faults import Effect, Faults, Rule
from sandbox.wire import Reply, Request, Response
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.errors import MaybeWritten
from shared.services.subscriptions import LIFE, wanted_subscriptions
from tests.app.contract.subscribed_app import FIRST, MEMBERS, SECOND, Machine, policy, settings
from tests.sandbox.contract.graph_tenant import (
    ANNA,
    FINANCE,
    LIFECYCLE,
    NOTIFICATIONS,
    PORTAL,
    TREASURY,
    Tenant,
    app_identity,
    wanted,
)


async def test_nothing_is_asked_of_graph_without_a_notification_url(app: Machine, faults: Faults) -> None:
    summary = await app.keep(FINANCE, INVOICE_ACCESS_NOTIFICATION_URL="")
    assert summary == {"on": False, "wanted": 0, "failures": []}
    assert not faults.calls["graph"]


async def test_users_and_every_group_of_the_policy_are_subscribed_with_the_first_secret(app: Machine) -> None:
    summary = await app.keep(FINANCE, TREASURY)
    assert summary["created"] == ["users", MEMBERS, f"groups/{TREASURY}/members"]
    assert summary["failures"] == []
    for found in app.tenant.book.live():
        assert found.changes == {"updated", "deleted"}
        assert found.notification_url == NOTIFICATIONS
        assert found.lifecycle_url == LIFECYCLE
        assert found.client_state == FIRST
        assert found.expires == app.tenant.time() + timedelta(hours=672)


async def test_what_is_subscribed_tells_of_a_change_in_a_person_and_of_who_joins(app: Machine) -> None:
    await app.keep(FINANCE)
    async with app.tenant.client(PORTAL) as portal:
        await portal.patch(f"/users/{ANNA}", json={"department": "Finance"})
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{ANNA}"}
        await portal.post(f"/groups/{FINANCE}/members/$ref", json=reference)
    await app.tenant.let_pass(minutes=1)
    assert sorted(item["resource"] for item in app.tenant.inbox.items()) == [f"Groups/{FINANCE}", f"Users/{ANNA}"]
    assert {item["clientState"] for item in app.tenant.inbox.items()} == {FIRST}


async def test_a_second_run_makes_nothing_and_authorizes_everything_anew(app: Machine) -> None:
    await app.keep(FINANCE)
    before = app.tenant.book.live()
    app.tenant.time.pass_by(hours=1)
    summary = await app.keep(FINANCE)
    assert summary == {"on": True, "wanted": 2, "renewed": ["users", MEMBERS], "failures": []}
    after = app.tenant.book.live()
    assert [found.id for found in after] == [found.id for found in before]
    assert all(found.expires == app.tenant.time() + timedelta(hours=672) for found in after)
    assert all(found.authorized_until == app.tenant.time() + timedelta(hours=24) for found in after)


async def test_a_subscription_over_hundreds_of_hourly_runs_stays_and_never_nears_its_end(
    app: Machine,
) -> None:
    await app.keep()
    first = app.tenant.book.live()[0].id
    for _ in range(1, 200):
        app.tenant.time.pass_by(hours=1)
        summary = await app.keep()
        assert summary == {"on": True, "wanted": 1, "renewed": ["users"], "failures": []}
        [found] = app.tenant.book.live()
        assert (found.id, found.expires) == (first, app.tenant.time() + timedelta(hours=672))


async def test_the_token_that_made_it_may_lapse_every_hour(app: Machine) -> None:
    """Tokens of an hour: the timer alone keeps notifications coming, whatever becomes of the lifecycle ones."""
    app.tenant.book.switches.authorized_seconds = 3600.0
    await app.keep()
    for number in range(10):
        await app.tenant.let_pass(minutes=59)
        await app.keep()
        async with app.tenant.client(PORTAL) as portal:
            await portal.patch(f"/users/{ANNA}", json={"officeLocation": str(number)})
        await app.tenant.let_pass(minutes=1)
    assert len(app.tenant.inbox.items(NOTIFICATIONS)) == 10
    assert app.tenant.inbox.items(LIFECYCLE), "it was asked for, too"


async def test_one_that_expired_in_silence_or_was_deleted_is_made_anew(app: Machine) -> None:
    await app.keep(FINANCE)
    app.tenant.time.pass_by(days=28)
    assert app.resources == []
    assert (await app.keep(FINANCE))["created"] == ["users", MEMBERS]
    app.tenant.book.remove(app.tenant.book.live()[0])
    summary = await app.keep(FINANCE)
    assert (summary["created"], summary["renewed"]) == (["users"], [MEMBERS])


async def test_one_that_goes_between_the_list_and_the_renewal_is_made_anew(app: Machine) -> None:
    await app.keep()
    app.tenant.time.pass_by(days=20)
    inner = app.tenant.handler

    def lose_it_after_the_list(request: Request) -> Response:
        if request.method == "PATCH":
            app.tenant.book.remove(app.tenant.book.live()[0])
            app.tenant.handler = inner
        return inner(request)

    app.tenant.handler = lose_it_after_the_list
    assert (await app.keep())["created"] == ["users"]
    assert app.resources == ["users"]


async def test_a_group_new_in_the_policy_is_subscribed_and_one_gone_is_not_any_more(app: Machine) -> None:
    await app.keep(FINANCE)
    summary = await app.keep(TREASURY)
    assert summary["created"] == [f"groups/{TREASURY}/members"]
    assert len(summary["deleted"]) == 1
    assert app.resources == [f"groups/{TREASURY}/members", "users"]


async def test_a_url_that_moved_is_followed(app: Machine) -> None:
    await app.keep(FINANCE)
    moved = "http://127.0.0.1:7072/api/graph/notifications"
    summary = await app.keep(FINANCE, INVOICE_ACCESS_NOTIFICATION_URL=moved)
    assert summary["replaced"] == ["users", MEMBERS]
    assert {found.notification_url for found in app.tenant.book.live()} == {moved}
    assert {found.lifecycle_url for found in app.tenant.book.live()} == {moved.replace("notifications", "lifecycle")}


async def test_one_that_has_no_address_for_lifecycle_notifications_is_replaced(app: Machine) -> None:
    async with app.tenant.client() as somebody:
        body = wanted(app.tenant, lifecycleNotificationUrl=None, clientState=FIRST)
        assert (await somebody.post("/subscriptions", json=body)).status_code == 201
    assert (await app.keep())["replaced"] == ["users"]
    assert [found.lifecycle_url for found in app.tenant.book.live()] == [LIFECYCLE]


async def test_what_a_lost_answer_made_is_found_by_the_next_run(app: Machine, faults: Faults) -> None:
    faults.lay(Rule(target="graph", method="POST", times=1, effect=Effect(hang_up=True, after=True)))
    first = await app.keep(FINANCE)
    assert len(first["failures"]) == 1
    assert first["created"] == [MEMBERS]
    second = await app.keep(FINANCE)
    assert second["renewed"] == ["users", MEMBERS]
    assert app.resources == [MEMBERS, "users"]


async def test_one_that_the_list_does_not_show_yet_is_found_after_the_conflict(app: Machine, faults: Faults) -> None:
    await app.keep()
    [mine] = app.tenant.book.live()
    app.tenant.time.pass_by(hours=5)
    faults.lay(Rule(target="graph", method="GET", times=1, effect=Effect(status=200, body={"value": []})))
    summary = await app.keep()
    assert summary["found"] == ["users"]
    [still] = app.tenant.book.live()
    assert still.id == mine.id
    assert still.expires == app.tenant.time() + timedelta(hours=672)


async def test_one_in_the_way_that_leads_elsewhere_is_replaced_after_the_conflict(app: Machine, faults: Faults) -> None:
    async with app.tenant.client() as somebody:
        elsewhere = wanted(app.tenant, notificationUrl="http://127.0.0.1:9/other")
        assert (await somebody.post("/subscriptions", json=elsewhere)).status_code == 201
    faults.lay(Rule(target="graph", method="GET", times=1, effect=Effect(status=200, body={"value": []})))
    assert (await app.keep())["replaced"] == ["users"]
    assert [found.notification_url for found in app.tenant.book.live()] == [NOTIFICATIONS]


async def test_a_conflict_that_no_list_explains_is_left_to_the_next_run(app: Machine, faults: Faults) -> None:
    await app.keep()
    faults.lay(Rule(target="graph", method="GET", times=2, effect=Effect(status=200, body={"value": []})))
    [failure] = (await app.keep())["failures"]
    assert "does not list it" in failure
    assert (await app.keep())["renewed"] == ["users"]


async def test_what_leads_elsewhere_and_is_in_nobodys_way_is_left_alone(app: Machine) -> None:
    async with app.tenant.client() as somebody:
        body = wanted(app.tenant, resource="groups", notificationUrl="http://127.0.0.1:9/other")
        other = (await somebody.post("/subscriptions", json=body)).json()["id"]
    assert (await app.keep())["left_alone"] == [other]
    assert app.resources == ["groups", "users"]


async def test_a_quota_that_is_used_up_is_reported_for_each_that_found_no_room(app: Machine) -> None:
    app.tenant.book.switches.most_per_app = 2
    summary = await app.keep(FINANCE, TREASURY)
    assert summary["created"] == ["users", MEMBERS]
    [failure] = summary["failures"]
    assert failure.startswith(f"groups/{TREASURY}/members: ")
    assert "limit of 2" in failure
    assert "403" in failure


async def test_without_the_permission_for_groups_users_are_subscribed_all_the_same() -> None:
    tenant = Tenant(app_identity(frozenset({"User.Read.All"})))
    adapter = GraphSubscriptions(settings(), tenant.credential(), transport=tenant.transport())
    summary = await Machine(tenant, adapter).keep(FINANCE)
    await adapter.close()
    assert summary["created"] == ["users"]
    [failure] = summary["failures"]
    assert "Group.Read.All" in failure


async def test_a_group_that_does_not_exist_stops_no_other(app: Machine) -> None:
    nobody = "7c0f5a0e-0000-4000-8000-0000000000ee"
    summary = await app.keep(nobody, FINANCE)
    assert summary["created"] == ["users", MEMBERS]
    [failure] = summary["failures"]
    assert nobody in failure


async def test_a_front_that_does_not_answer_is_said_and_made_up_for_later(app: Machine) -> None:
    app.tenant.inbox.broken_handshake = Reply(503)
    summary = await app.keep(FINANCE)
    assert len(summary["failures"]) == 2
    assert "validation" in summary["failures"][0]
    app.tenant.inbox.broken_handshake = None
    assert (await app.keep(FINANCE))["created"] == ["users", MEMBERS]


async def test_graph_down_is_a_failure_that_changes_nothing(app: Machine, faults: Faults) -> None:
    await app.keep(FINANCE)
    laid = faults.lay(Rule(target="graph", effect=Effect(status=500)))
    summary = await app.keep(TREASURY)
    assert len(summary["failures"]) == 1
    assert summary.keys() == {"on", "wanted", "failures"}
    faults.lift(laid.id)
    assert app.resources == [MEMBERS, "users"]


@pytest.mark.parametrize("status", [429, 503, 504])
async def test_a_write_is_sent_once_whatever_the_answer(app: Machine, faults: Faults, status: int) -> None:
    faults.lay(Rule(target="graph", method="POST", effect=Effect(status=status)))
    await app.keep()
    assert faults.calls["graph"]["POST /v1.0/subscriptions"] == 1


async def test_a_lost_answer_says_that_it_may_have_been_written(app: Machine, faults: Faults) -> None:
    faults.lay(Rule(target="graph", method="POST", effect=Effect(hang_up=True)))
    [one] = wanted_subscriptions(policy(), settings())
    with pytest.raises(MaybeWritten):
        await app.adapter.create(one, datetime(2026, 3, 20, tzinfo=UTC))


async def test_a_run_is_told_in_the_log_without_addresses_or_secrets(
    app: Machine, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await app.keep(FINANCE)
    faults.lay(Rule(target="graph", method="POST", effect=Effect(status=400, body={"error": {"code": "X"}})))
    await app.keep(FINANCE, TREASURY, INVOICE_ACCESS_NOTIFICATION_URL="http://127.0.0.1:1/x/notifications?code=hush")
    managed = [record for record in caplog.records if record.name == "shared.services.subscriptions"]
    assert [record.levelname for record in managed] == ["INFO", "ERROR"]
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("shared"))
    assert json.loads(re.sub("^subscriptions: ", "", managed[0].getMessage()))["created"] == ["users", MEMBERS]
    for secret in (FIRST, SECOND, "code=", "hush", "127.0.0.1:7071"):
        assert secret not in told


async def test_many_pages_are_read_to_their_end(app: Machine) -> None:
    await app.keep(FINANCE)
    inner = app.tenant.handler

    def one_a_page(request: Request) -> Response:
        answer = inner(request)
        if request.method != "GET":
            return answer
        body = json.loads(answer.body)
        place = int(request.query.partition("page=")[2] or 0)
        page: dict[str, Any] = {"value": body["value"][place : place + 1]}
        if place + 1 < len(body["value"]):
            page["@odata.nextLink"] = f"{request.base}/v1.0/subscriptions?page={place + 1}"
        return Response(200, answer.headers, json.dumps(page).encode())

    app.tenant.handler = one_a_page
    assert {found.resource for found in await app.adapter.mine()} == {"users", MEMBERS}


async def test_a_run_leaves_what_there_is_and_until_when_for_whoever_asks(app: Machine) -> None:
    await app.keep(FINANCE)
    left = app.left
    assert left is not None
    assert (left.at, left.on, left.failures) == (app.tenant.time.now(), True, ())
    live = {found.id: found for found in app.tenant.book.live()}
    assert {one.resource for one in left.found} == {"users", MEMBERS}
    assert {one.id for one in left.found} == {*live}
    assert {one.ends for one in left.found} == {app.tenant.time.now() + LIFE}


async def test_what_could_not_be_renewed_is_left_with_the_end_that_it_has(app: Machine, faults: Faults) -> None:
    await app.keep()
    first = app.left
    app.tenant.time.pass_by(hours=1)
    faults.lay(Rule(target="graph", method="PATCH", effect=Effect(status=503)))
    await app.keep()
    assert first is not None
    assert app.left is not None
    assert [one.ends for one in app.left.found] == [one.ends for one in first.found]
    assert len(app.left.failures) == 1


async def test_where_nobody_is_to_be_told_it_is_left_that_it_is_off(app: Machine) -> None:
    await app.keep(INVOICE_ACCESS_NOTIFICATION_URL="")
    assert app.left is not None
    assert (app.left.on, app.left.found) == (False, ())
