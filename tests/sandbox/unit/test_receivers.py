"""The stand-in for whoever is told notices: it takes what Teams takes, under the address's signature alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.receivers import CARD_BYTES, CARD_TYPE, Receivers, with_notices
from sandbox.wire import Request, Response

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
JSON = {"content-type": "application/json"}
CARD: dict[str, Any] = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "body": [{"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "hello"}]}],
}
MESSAGE: dict[str, Any] = {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": CARD}]}


def receivers() -> Receivers:
    return Receivers(lambda: AT, {"webhook": "w", "teams": "t", "finance": "f"})


def post(to: Receivers, name: str, body: object, *, target: str | None = None, **more: Any) -> int:
    asked = target or to.address("", name)
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    given: dict[str, Any] = {"method": "POST", "headers": JSON, **more}
    return to.handle(Request(target=asked, body=text, **given)).status


@pytest.mark.parametrize(("name", "body"), [("teams", MESSAGE), ("finance", MESSAGE), ("webhook", {"kind": "pause"})])
def test_what_a_receiver_takes_is_shown(name: str, body: object) -> None:
    to = receivers()
    assert post(to, name, body, headers={**JSON, "idempotency-key": "k1"}) == 202
    shown = with_notices(to, lambda _: Response(404))(Request("GET", "/notices"))
    assert json.loads(shown.body)["notices"] == [
        {"receiver": name, "at": "2026-03-02T09:00:00+00:00", "key": "k1", "body": body}
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ([], 400),
        ({"kind": "pause"}, 400),
        ({**MESSAGE, "type": "text"}, 400),
        ({**MESSAGE, "attachments": []}, 400),
        ({"type": "message", "attachments": [{"contentType": "text/html", "content": CARD}]}, 400),
        ({"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": {"type": "Card"}}]}, 400),
        ({**MESSAGE, "more": "x" * CARD_BYTES}, 413),
    ],
)
def test_a_workflow_refuses_what_is_no_message_with_a_card(body: object, status: int) -> None:
    to = receivers()
    assert post(to, "teams", body) == status
    assert to.received == []


def test_only_the_signature_of_the_address_lets_in() -> None:
    to = receivers()
    for target in (
        "/workflows/teams",
        "/workflows/teams?sig=w",
        "/workflows/teams?sig=t&sig=t",
        "/workflows/teams?sig",
    ):
        assert post(to, "teams", MESSAGE, target=target) == 401
    assert post(to, "teams", MESSAGE, target="/workflows/nobody?sig=t") == 404
    assert post(to, "teams", MESSAGE, target="/?sig=t") == 404
    assert post(to, "teams", MESSAGE, method="GET") == 405
    assert post(to, "teams", MESSAGE, headers={"content-type": "text/plain"}) == 415
    assert to.received == []


def test_a_door_keeps_what_it_had() -> None:
    door = with_notices(receivers(), lambda request: Response(207, body=request.path.encode()))
    assert door(Request("GET", "/faults")).status == 207
    assert door(Request("DELETE", "/notices")).status == 405
