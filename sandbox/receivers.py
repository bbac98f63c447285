"""Whoever is told notices by the app: a webhook that takes JSON, and workflows of Microsoft Teams that take a card.

A workflow is reached by an address whose query has a signature; whoever has the address may post. It answers 202 once
it has a message, and posts it to its channel later. What it refuses here is what Teams refuses: another signature, what
is no message with one adaptive card, and a card over 28 KB. Lives here: what came, and the door that shows it.

Sources: "Create incoming webhooks with Workflows for Microsoft Teams" and "Microsoft Teams connector, known issues and
limitations", Microsoft Learn. What the real service answers to a wrong signature was not found: 401 here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from sandbox.wire import Clock, Handler, Request, Response, as_json

CARD_TYPE: Final = "application/vnd.microsoft.card.adaptive"

CARD_BYTES: Final = 28 * 1024
"""The most that a message of Teams may have."""

NAMES: Final = ("webhook", "teams", "finance")
"""The receivers of a sandbox."""

TEAMS: Final = frozenset({"teams", "finance"})
"""The receivers that are workflows of Teams; any other takes JSON."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a receiver took in: to whom it came, when, under which idempotency key, and what it says."""

    receiver: str
    at: str
    key: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class Receivers:
    """The receivers by name, each with the signature that its address carries, and what came to them."""

    clock: Clock
    signatures: Mapping[str, str]
    received: list[Received] = field(default_factory=list)

    def address(self, base: str, name: str) -> str:
        """A receiver's whole address at a server."""
        query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sig={self.signatures[name]}"
        return f"{base}/workflows/{name}/triggers/manual/paths/invoke?{query}"

    def handle(self, request: Request) -> Response:
        """Takes a message in, or refuses it."""
        parts = [part for part in request.path.split("/") if part]
        name = parts[1] if parts[:1] == ["workflows"] and len(parts) > 1 else ""
        if name not in self.signatures:
            return _refusal(HTTPStatus.NOT_FOUND, "there is no such workflow")
        if request.method != "POST":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "a workflow takes POST alone")
        if parse_qs(request.query).get("sig") != [self.signatures[name]]:
            return _refusal(HTTPStatus.UNAUTHORIZED, "the signature is not valid")
        return self._taken_in(name, request)

    def _taken_in(self, name: str, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a workflow takes application/json")
        try:
            body = json.loads(request.body)
        except ValueError:
            return _refusal(HTTPStatus.BAD_REQUEST, "the body is no JSON")
        if (wrong := _wrong(body, len(request.body)) if name in TEAMS else None) is not None:
            return wrong
        self.received.append(Received(name, self.clock().isoformat(), request.headers.get("idempotency-key", ""), body))
        return Response(HTTPStatus.ACCEPTED)

    def texts(self, name: str) -> list[list[str]]:
        """Of each message to a workflow, the lines of its card."""
        cards = [one.body["attachments"][0]["content"] for one in self.received if one.receiver == name]
        return [[run["text"] for block in card["body"] for run in block["inlines"]] for card in cards]


def with_notices(receivers: Receivers, door: Handler) -> Handler:
    """A door that shows at `GET /notices` what came, beside what it had."""

    def handle(request: Request) -> Response:
        if request.path.rstrip("/") != "/notices":
            return door(request)
        if request.method != "GET":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "GET /notices shows what came")
        found = [
            {"receiver": one.receiver, "at": one.at, "key": one.key, "body": one.body} for one in receivers.received
        ]
        return as_json(200, {"notices": found})

    return handle


def _wrong(body: Any, size: int) -> Response | None:
    """What is wrong with a message to a workflow that posts a card; None where nothing is."""
    if size > CARD_BYTES:
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a message of Teams has 28 KB at the most")
    match body:
        case {"type": "message", "attachments": [{"contentType": str(kind), "content": {"type": "AdaptiveCard"}}]}:
            return None if kind == CARD_TYPE else _refusal(HTTPStatus.BAD_REQUEST, f"{kind} is no adaptive card")
    return _refusal(HTTPStatus.BAD_REQUEST, "the body is no message with one adaptive card")


def _refusal(status: HTTPStatus, said: str) -> Response:
    return as_json(status, {"error": {"code": status.phrase.replace(" ", ""), "message": said}})
