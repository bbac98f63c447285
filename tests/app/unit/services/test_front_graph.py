"""Microsoft Graph at the door: the handshake, whose items pass, and what a stranger learns."""

import json
import logging
from typing import Any

import pytest

from shared.errors import Permanent, Transient
from shared.services.front import BODY_BYTES
from tests.app.unit.front_desk import ENVIRONMENT, KEYS, Desk
from tests.published import PUBLISHED, needs_published

TENANT = "7c0f5a0e-0000-4000-8000-000000007e7a"
OLD, NEW = KEYS["graph"]


def item(number: int, state: str | None = NEW, **other: Any) -> dict[str, Any]:
    who = f"7c0f5a0e-0000-4000-8000-{number:012}"
    made: dict[str, Any] = {
        "changeType": "updated",
        "resource": f"Users/{who}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": who, "organizationId": TENANT},
        "subscriptionExpirationDateTime": "2022-12-10T10:23:45.9356913-08:00",
        "subscriptionId": "7c0f5a0e-0000-4000-8000-0000000005b5",
        "tenantId": TENANT,
        **other,
    }
    return made if state is None else {**made, "clientState": state}


def people(desk: Desk) -> list[str]:
    return [key for key, _ in desk.named()]


async def test_the_handshake_is_answered_with_the_decoded_token_as_text() -> None:
    token = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e+/%"
    answer = await Desk().notify(b"", {"validationToken": token})
    assert (answer.status, answer.content) == (200, (token, "text/plain; charset=utf-8"))


async def test_a_token_is_no_way_to_put_html_on_our_domain() -> None:
    answer = await Desk().notify(b"", {"validationToken": "<script>alert('1')</script>&"})
    assert answer.content[0] == "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_token_that_is_none_of_graphs_is_not_echoed() -> None:
    answer = await Desk().notify(b"", {"validationToken": "x" * 5000})
    assert answer.status == 400
    assert "xxx" not in answer.content[0]


async def test_the_handshake_puts_nothing_on_the_queue() -> None:
    desk = Desk()
    await desk.notify({"value": [item(1)]}, {"validationToken": "token"})
    assert desk.queue.sends == 0


async def test_a_hundred_notifications_are_one_message_in_one_send() -> None:
    desk = Desk()
    answer = await desk.notify({"value": [item(number) for number in range(100)]})
    assert (answer.status, answer.content[0]) == (202, "")
    assert desk.queue.sends == 1
    assert len(desk.queue.messages) == 1
    assert people(desk) == [f"person:7c0f5a0e-0000-4000-8000-{number:012}" for number in range(100)]


async def test_items_of_several_subscriptions_and_both_states_pass_and_others_are_dropped() -> None:
    desk = Desk()
    batch = [item(1, OLD), item(2, "a-guess-of-somebody"), item(3, NEW), item(4, None), item(5, ""), "noise", None]
    answer = await desk.notify({"value": [*batch, item(6, None, clientState=None)], "validationTokens": ["eyJ0"]})
    assert answer.status == 202
    assert people(desk) == [f"person:7c0f5a0e-0000-4000-8000-{number:012}" for number in (1, 3)]


async def test_no_client_state_reaches_the_queue_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.DEBUG):
        await desk.notify({"value": [item(1, OLD), item(2, "a-guess-of-somebody", subscriptionId="<who knows>")]})
    said = caplog.text + repr(desk.front)
    assert b"clientState" not in desk.queue.messages[0]
    for secret in (OLD, NEW, "a-guess-of-somebody", "<who knows>"):
        assert secret not in said
    assert "items passed on: 1, dropped for their clientState: 1" in caplog.text


async def test_a_rogue_caller_is_answered_like_graph() -> None:
    right, wrong = Desk(), Desk()
    answers = [await right.notify({"value": [item(1)]}), await wrong.notify({"value": [item(1, "a-wrong-guess")]})]
    assert answers[0] == answers[1]
    assert (len(right.queue.messages), wrong.queue.sends) == (1, 0)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"{}", b'{"value":{}}', b'{"value":1}', b"\xff", b'{"value":[' + b"[" * 500]
)
async def test_what_is_no_collection_is_malformed_with_its_field(body: bytes) -> None:
    desk = Desk()
    answer = await desk.notify(body)
    assert answer.status == 400
    assert set(json.loads(answer.content[0])) == {"field", "reason", "remedy"}
    assert desk.queue.sends == 0


async def test_the_body_has_a_limit() -> None:
    desk = Desk()
    body = json.dumps({"value": [item(1)]}).encode()
    assert (await desk.notify(body.ljust(BODY_BYTES))).status == 202
    assert (await desk.notify(body.ljust(BODY_BYTES + 1))).status == 413


async def test_a_thousand_items_are_read_and_one_more_is_413() -> None:
    desk = Desk()
    assert (await desk.notify({"value": [{}] * 1_000})).status == 202
    answer = await desk.notify({"value": [{}] * 1_001})
    assert answer.status == 413
    assert json.loads(answer.content[0])["field"] == "value"


@pytest.mark.parametrize("failure", [Transient("the broker is away"), Permanent("the role is missing")])
async def test_a_queue_that_is_away_has_graph_come_again(failure: Exception) -> None:
    desk = Desk()
    desk.queue.failure = failure
    answer = await desk.notify({"value": [item(1)]})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert "broker" not in answer.content[0]


async def test_every_shape_of_the_wire_passes() -> None:
    desk = Desk()
    sequence = "638059995676961300"
    members = [{"id": item(7)["resourceData"]["id"]}, {"id": item(7)["resourceData"]["id"], "@removed": "deleted"}]
    batch = {
        "value": [
            item(1, resourceData={"id": item(1)["resourceData"]["id"], "sequenceNumber": int(sequence)}),
            item(2, tenantId=None, organizationId=TENANT),
            item(3, resource="Groups/7c0f5a0e-0000-4000-8000-0000000f1a4c", resourceData={"members@delta": members}),
            item(4, id="lsgTZMr9KwAAA", encryptedContent=None, sequence=None),
        ]
    }
    await desk.notify(batch)
    assert sequence.encode() in desk.queue.messages[0]
    assert people(desk) == [f"person:7c0f5a0e-0000-4000-8000-{number:012}" for number in (1, 2, 7, 4)]


@needs_published
@pytest.mark.parametrize(
    "name", ["change-notification-message", "lifecycle-notification", "eventhubs-validation-message"]
)
async def test_published_payloads_are_answered_with_202(name: str) -> None:
    text = (PUBLISHED / "graph" / f"{name}.official.json").read_text(encoding="utf-8")
    managed = json.loads(text)
    for each in managed["value"]:
        each["clientState"] = NEW
    assert (await Desk().notify(json.loads(text))).status == 202
    assert (await Desk().notify(managed)).status == 202


async def test_a_lifecycle_notice_is_told_once_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    subscription = "7c0f5a0e-0000-4000-8000-0000000005b5"
    notice = {"subscriptionId": subscription, "organizationId": TENANT, "resource": "", "sequence": None}
    batch = {"value": [{**notice, "lifecycleEvent": "reauthorizationRequired", "clientState": OLD}]}
    assert (await desk.notify(batch)).status == 202
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line == f"graph: subscription {subscription} asks for 'reauthorizationRequired'"
    assert desk.queue.sends == 0


async def test_without_client_states_there_is_no_such_door() -> None:
    desk = Desk({name: value for name, value in ENVIRONMENT.items() if "CLIENT_STATES" not in name})
    assert (await desk.notify({"value": [item(1, None)]})).status == 404
    assert (await desk.notify(b"", {"validationToken": "token"})).status == 404
