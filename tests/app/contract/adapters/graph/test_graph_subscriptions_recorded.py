"""Keeping subscriptions on a Graph that answers as it was recorded: hidden secrets, cold starts, incidents."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults import Effect, Faults, Rule
from sandbox.wire import Outgoing, Reply
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.sources.graph_webhook import read_collection
from tests.app.contract.subscribed_app import FIRST, MEMBERS, SECOND, Machine, settings
from tests.sandbox.contract.graph_tenant import ANNA, FINANCE, NOTIFICATIONS, PORTAL, TREASURY, wanted

AT_SUBSCRIPTIONS = "/subscriptions$"
ROTATED = {"INVOICE_ACCESS_GRAPH_CLIENT_STATES": f"{SECOND} {FIRST}"}
SECOND_ALONE = {"INVOICE_ACCESS_GRAPH_CLIENT_STATES": SECOND}


def refused(body: dict[str, Any]) -> Effect:
    return Effect(status=400, body=body)


def listing(*subscriptions: dict[str, Any]) -> Effect:
    return Effect(status=200, body={"value": subscriptions})


def error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "innerError": {"date": "2021-07-22T14:33:49"}}}


TIMED_OUT = error("ValidationError", "Subscription validation request timed out.")


async def a_change_is_told(app: Machine, *secrets: str) -> bool:
    """Whether a change of a person reaches an app that takes notifications with these secrets."""
    before = len(app.tenant.inbox.items())
    async with app.tenant.client(PORTAL) as portal:
        await portal.patch(f"/users/{ANNA}", json={"officeLocation": str(app.tenant.time())})
    await app.tenant.let_pass(minutes=5)
    told = app.tenant.inbox.items()[before:]
    return read_collection(json.dumps({"value": told}).encode(), secrets).known > 0


# A secret that no list shows


async def test_a_list_shows_no_secret_and_reading_one_does(app: Machine) -> None:
    await app.keep()
    async with app.tenant.client() as plain:
        [listed] = (await plain.get("/subscriptions")).json()["value"]
        one = (await plain.get(f"/subscriptions/{listed['id']}")).json()
    assert (listed["clientState"], one["clientState"]) == (None, FIRST)


async def test_a_rotation_as_documented_keeps_the_feed_alive_on_each_of_its_days(app: Machine) -> None:
    await app.keep(FINANCE)
    assert await a_change_is_told(app, FIRST)
    app.tenant.time.pass_by(hours=1)
    assert (await app.keep(FINANCE, **ROTATED))["replaced"] == ["users", MEMBERS]
    assert await a_change_is_told(app, SECOND, FIRST)
    for _ in range(24):
        app.tenant.time.pass_by(hours=1)
        assert (await app.keep(FINANCE, **ROTATED))["renewed"] == ["users", MEMBERS]
    for _ in range(24 * 3):
        app.tenant.time.pass_by(hours=1)
        assert (await app.keep(FINANCE, **SECOND_ALONE))["failures"] == []
    assert await a_change_is_told(app, SECOND), "the old secret is gone, and the feed is not"
    assert {found.client_state for found in app.tenant.book.live()} == {SECOND}
    assert app.resources == [MEMBERS, "users"]


async def test_a_renewal_that_does_not_show_the_secret_is_followed_by_reading_it(app: Machine, faults: Faults) -> None:
    await app.keep()
    [mine] = app.tenant.book.live()
    app.tenant.time.pass_by(hours=1)
    end = (app.tenant.time() + timedelta(hours=672)).isoformat()
    faults.lay(
        Rule(target="graph", method="PATCH", effect=Effect(status=200, body={"id": mine.id, "expirationDateTime": end}))
    )
    assert (await app.keep(**ROTATED))["replaced"] == ["users"]
    assert [found.client_state for found in app.tenant.book.live()] == [SECOND]


async def test_a_secret_that_no_answer_shows_is_believed_and_said_to_be(app: Machine) -> None:
    app.tenant.book.switches.client_state_shown = "nowhere"
    await app.keep()
    [mine] = app.tenant.book.live()
    summary = await app.keep()
    assert (summary["renewed"], summary["secret_not_shown"]) == (["users"], ["users"])
    assert [found.id for found in app.tenant.book.live()] == [mine.id]
    assert not await a_change_is_told(app, FIRST), "nor do its notifications carry it"


async def test_a_list_without_an_address_for_lifecycle_notifications_says_nothing_of_it(app: Machine) -> None:
    app.tenant.book.switches.list_lifecycle_url = False
    await app.keep()
    [mine] = app.tenant.book.live()
    for _ in range(3):
        app.tenant.time.pass_by(hours=1)
        assert (await app.keep())["renewed"] == ["users"]
    assert [found.id for found in app.tenant.book.live()] == [mine.id]


# Replacing one


async def test_while_one_is_replaced_there_is_always_one_that_tells(app: Machine) -> None:
    await app.keep()
    seen: list[int] = []

    async def send(call: Outgoing) -> Reply | None:
        seen.append(len(app.tenant.book.live()))
        return await app.tenant.inbox.send(call)

    adapter = GraphSubscriptions(settings(), app.tenant.credential(), transport=app.tenant.transport(send=send))
    assert (await Machine(app.tenant, adapter).keep(**ROTATED))["replaced"] == ["users"]
    await adapter.close()
    assert min(seen) == 1, "at each handshake there is another one"
    [found] = app.tenant.book.live()
    assert (found.client_state, found.changes) == (SECOND, {"updated", "deleted"})


async def test_a_front_that_is_down_for_hours_takes_nothing_away_from_a_rotation(app: Machine, faults: Faults) -> None:
    await app.keep()
    laid = faults.lay(Rule(target="graph", method="POST", path=AT_SUBSCRIPTIONS, effect=refused(TIMED_OUT)))
    for _ in range(5):
        app.tenant.time.pass_by(hours=1)
        [failure] = (await app.keep(**ROTATED))["failures"]
        assert "timed out" in failure
        assert await a_change_is_told(app, SECOND, FIRST)
    faults.lift(laid.id)
    assert (await app.keep(**ROTATED))["replaced"] == ["users"]
    assert await a_change_is_told(app, SECOND)


@pytest.mark.parametrize("broken_at", [1, 2, 3])
async def test_a_replacement_that_stops_half_way_is_finished_by_the_next_run(
    app: Machine, faults: Faults, broken_at: int
) -> None:
    await app.keep()
    app.tenant.time.pass_by(hours=1)
    inner, done = app.tenant.handler, 0

    def break_off(request: Any) -> Any:
        nonlocal done
        if request.method in {"DELETE", "POST"}:
            done += 1
            if done > broken_at:
                faults.lay(Rule(target="graph", times=1, effect=Effect(status=500)))
        return inner(request)

    app.tenant.handler = break_off
    assert len((await app.keep(**ROTATED))["failures"]) == 1
    assert await a_change_is_told(app, SECOND, FIRST)
    app.tenant.handler = inner
    app.tenant.time.pass_by(hours=1)
    assert (await app.keep(**ROTATED))["failures"] == []
    [found] = app.tenant.book.live()
    assert (found.client_state, found.changes) == (SECOND, {"updated", "deleted"})


async def test_a_bridge_of_a_run_that_broke_off_before_another_rotation_is_not_trusted(app: Machine) -> None:
    await app.keep()
    async with app.tenant.client() as plain:
        leftover = wanted(app.tenant, changeType="updated", clientState="a-secret-of-the-past")
        assert (await plain.post("/subscriptions", json=leftover)).status_code == 201
    assert (await app.keep(**ROTATED))["replaced"] == ["users"]
    assert [found.client_state for found in app.tenant.book.live()] == [SECOND]


async def test_where_a_resource_takes_one_subscription_only_the_old_one_goes_first(app: Machine) -> None:
    app.tenant.book.switches.conflict_by_resource = True
    await app.keep()
    assert (await app.keep(**ROTATED))["replaced"] == ["users"]
    assert [found.client_state for found in app.tenant.book.live()] == [SECOND]


async def test_one_place_of_the_quota_is_left_for_replacing(app: Machine) -> None:
    groups = sorted(app.tenant.directory.create("group", {"displayName": str(number)}).id for number in range(99))
    summary = await app.keep(*groups)
    assert (len(summary["created"]), summary["wanted"]) == (99, 100)
    [failure] = summary["failures"]
    assert groups[-1] in failure
    assert len((await app.keep(*groups, **ROTATED))["replaced"]) == 99
    assert {found.client_state for found in app.tenant.book.live()} == {SECOND}


# Handshakes


async def test_a_cold_start_is_waited_for_within_the_run(app: Machine, faults: Faults) -> None:
    faults.lay(Rule(target="graph", method="POST", path=AT_SUBSCRIPTIONS, times=2, effect=refused(TIMED_OUT)))
    began = app.tenant.time()
    assert await app.keep() == {"on": True, "wanted": 1, "created": ["users"], "failures": []}
    assert app.tenant.time() - began == timedelta(seconds=20)


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_dead_front_costs_a_run_two_tries_more_however_much_is_wanted(app: Machine, status: int) -> None:
    app.tenant.inbox.broken_handshake = Reply(status)
    summary = await app.keep(FINANCE, TREASURY)
    assert len(summary["failures"]) == 3
    assert len(app.tenant.inbox.handshakes) == (3 + 2) * 2
    if status != 200:
        assert {403: "'Forbidden'", 503: "'ServiceUnavailable'"}[status] in summary["failures"][0]


@pytest.mark.parametrize("code", ["InvalidRequest", "ValidationError", ""])
async def test_whatever_a_refused_handshake_is_called_it_is_tried_again(
    app: Machine, faults: Faults, code: str
) -> None:
    refusal = error(code, "The endpoint said something else.")
    faults.lay(Rule(target="graph", method="POST", path=AT_SUBSCRIPTIONS, times=1, effect=refused(refusal)))
    assert (await app.keep())["created"] == ["users"]


# Ends


async def test_a_subscription_whose_renewal_moves_nothing_is_replaced_before_it_ends(app: Machine) -> None:
    await app.keep()
    app.tenant.book.switches.renewal_moves_end = False
    said: Counter[str] = Counter()
    for _ in range(3):
        app.tenant.time.pass_by(hours=672 - 24 - 5)  # of its life, less its last day and some runs
        for _ in range(5):
            app.tenant.time.pass_by(hours=1)
            summary = await app.keep()
            said.update(kind for kind in ("renewed", "replaced", "created", "failures") if summary.get(kind))
            assert app.resources == ["users"]
    assert said == {"failures": 3 * 4, "replaced": 3}
    app.tenant.book.switches.renewal_moves_end = True
    app.tenant.time.pass_by(hours=1)
    assert (await app.keep())["renewed"] == ["users"]


# Refusals of the store behind a resource


@pytest.mark.parametrize("outer", [401, 403, 404, 500])
async def test_one_that_the_store_does_not_find_is_gone_whatever_the_status_around_it(
    app: Machine, faults: Faults, outer: int
) -> None:
    await app.keep()
    app.tenant.book.remove(app.tenant.book.live()[0])
    gone = error("ExtensionError", "Operation: Update; Exception: [Status Code: NotFound; Reason: Not Found]")
    faults.lay(Rule(target="graph", method="PATCH", effect=Effect(status=outer, body=gone)))
    ghost = {
        "id": "7c0f5a0e-0000-4000-8000-0000000005b5",
        "resource": "users",
        "changeType": "updated,deleted",
        "notificationUrl": NOTIFICATIONS,
        "expirationDateTime": "2026-03-20T11:00:00Z",
    }
    faults.lay(Rule(target="graph", method="GET", path=AT_SUBSCRIPTIONS, effect=listing(ghost)))
    assert (await app.keep())["created"] == ["users"]


async def test_deleting_what_the_store_does_not_find_is_done_and_not_told_each_hour(app: Machine) -> None:
    await app.keep(FINANCE)
    async with app.tenant.client() as plain:
        listed = (await plain.get("/subscriptions")).json()
    app.tenant.book.switches.extension_errors = True
    faults = Faults()
    app.tenant.handler = faults.wrap("graph", app.tenant.handler)
    faults.lay(Rule(target="graph", method="GET", path=AT_SUBSCRIPTIONS, effect=Effect(status=200, body=listed)))
    assert len((await app.keep())["deleted"]) == 1
    for _ in range(3):
        assert await app.keep() == {"on": True, "wanted": 1, "renewed": ["users"], "failures": []}


@pytest.mark.parametrize(
    ("status", "within", "said"),
    [
        (401, "Unauthorized; Reason: p#S256 doesn't match.", "Unauthorized"),
        (403, "Forbidden; Reason: Forbidden", "permission"),
        (500, "Forbidden; Reason: Forbidden", "permission"),
        (404, "SomethingNew; Reason: x", "404"),
    ],
)
async def test_a_refusal_of_the_store_is_told_by_its_own_status_and_takes_nothing_away(
    app: Machine, faults: Faults, status: int, within: str, said: str
) -> None:
    await app.keep()
    [mine] = app.tenant.book.live()
    body = error("ExtensionError", f"Operation: Update; Exception: [Status Code: {within}]")
    faults.lay(Rule(target="graph", method="PATCH", effect=Effect(status=status, body=body)))
    [failure] = (await app.keep())["failures"]
    assert said in failure
    assert app.tenant.book.live() == [mine]


# Lists that cannot be trusted


@pytest.mark.parametrize(
    "answer",
    [
        listing(),
        Effect(status=400, body=error("QueryNotSupported", "Get Subscriptions list is not supported.")),
    ],
)
async def test_a_list_that_is_empty_or_refused_for_a_day_makes_no_duplicates(
    app: Machine, faults: Faults, answer: Effect
) -> None:
    await app.keep()
    [mine] = app.tenant.book.live()
    laid = faults.lay(Rule(target="graph", method="GET", path=AT_SUBSCRIPTIONS, effect=answer))
    for _ in range(24):
        app.tenant.time.pass_by(minutes=59)
        assert len((await app.keep())["failures"]) == 1
        assert app.tenant.book.live() == [mine]
    faults.lift(laid.id)
    assert (await app.keep())["renewed"] == ["users"]
    assert [found.id for found in app.tenant.book.live()] == [mine.id]


async def test_a_twin_that_came_about_while_no_list_showed_the_first_is_ended(app: Machine, faults: Faults) -> None:
    await app.keep()
    [mine] = app.tenant.book.live()
    async with app.tenant.client() as plain:
        listed = (await plain.get("/subscriptions")).json()["value"]
    twin = {**listed[0], "id": "7c0f5a0e-0000-4000-8000-0000000005b5", "expirationDateTime": "2026-03-02T11:00:00Z"}
    faults.lay(
        Rule(
            target="graph",
            method="GET",
            path=AT_SUBSCRIPTIONS,
            effect=listing(twin, *listed),
        )
    )
    faults.lay(Rule(target="graph", method="DELETE", path=twin["id"], effect=Effect(status=204)))
    summary = await app.keep()
    assert (summary["renewed"], summary["deleted"]) == (["users"], [twin["id"]])
    assert [found.id for found in app.tenant.book.live()] == [mine.id]
