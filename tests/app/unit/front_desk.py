"""A front with a queue that remembers, keys for every source, and senders who sign."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from shared.errors import Rejected
from shared.services.front import Answer, Front, take_events, take_notifications
from shared.settings import FrontSettings
from shared.sources.events import PersonEvent
from shared.sources.posted import Posted
from shared.sources.read import read_message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEYS = {
    "graph": ("a-client-state-that-is-old", "a-client-state-that-is-new"),
    "hr": ("hr-key-that-is-old-0001", "hr-key-that-is-new-0002"),
    "bamboohr": ("bamboo-key-that-is-old-1", "bamboo-key-that-is-new-2"),
    "personio": ("personio-secret-of-old-1", "personio-secret-new-2"),
}
ENVIRONMENT = {
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
    "INVOICE_ACCESS_GRAPH_CLIENT_STATES": " ".join(KEYS["graph"]),
    "INVOICE_ACCESS_HR_KEYS": " ".join(KEYS["hr"]),
    "INVOICE_ACCESS_BAMBOOHR_KEYS": " ".join(KEYS["bamboohr"]),
    "INVOICE_ACCESS_PERSONIO_SECRETS": " ".join(KEYS["personio"]),
    "INVOICE_ACCESS_FUNCTION_KEY_SOURCES": "event-grid lifecycle-workflows",
}
MEDIA_TYPES = {"hr": "application/cloudevents+json", "event-grid": "application/cloudevents+json"}


class RememberedQueue:
    """An event queue that keeps what it is sent, or fails with `failure`."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.sends = 0
        self.failure: Exception | None = None

    async def send_events(self, messages: Sequence[bytes]) -> None:
        self.sends += 1
        if self.failure is not None:
            raise self.failure
        self.messages += messages


class StandingClock:
    """A clock that shows one moment."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def signed_hr(body: bytes, at: datetime, key: str = KEYS["hr"][0]) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-signature": f"v1={digest}", "x-timestamp": stamp}


def signed_bamboohr(body: bytes, at: datetime, key: str = KEYS["bamboohr"][0]) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    return {"x-bamboohr-signature": digest, "x-bamboohr-timestamp": stamp}


class Desk:
    """Posts to a front as a source's system would, and shows what reached the queue."""

    def __init__(self, environment: Mapping[str, str] = ENVIRONMENT, queue: RememberedQueue | None = None) -> None:
        self.queue = queue or RememberedQueue()
        self.clock = StandingClock()
        self.front = Front(FrontSettings.read(environment), self.clock, self.queue)

    async def post(
        self,
        source: str,
        body: Any,
        *,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        proof: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if proof is None:
            match source:
                case "hr":
                    proof = signed_hr(content, NOW)
                case "bamboohr":
                    proof = signed_bamboohr(content, NOW)
                case _:
                    proof = {}
        if query is None:
            query = {"secret": KEYS["personio"][1]} if source == "personio" else {}
        media = MEDIA_TYPES.get(source, "application/json") if media_type is None else media_type
        sent = {"content-type": media, "content-length": str(len(content))}
        return await take_events(self.front, source, Posted(content, {**sent, **(headers or {}), **proof}, query))

    async def notify(self, body: Any, query: Mapping[str, str] | None = None) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", "content-length": str(len(content))}
        return await take_notifications(self.front, Posted(content, sent, query or {}))

    def named(self) -> list[tuple[str, str | None]]:
        """Whom the queue's messages name as intake reads them, and when; fails where intake would reject one."""
        assert self.rejected() == []
        return self.checked()

    def checked(self) -> list[tuple[str, str | None]]:
        """Whom the queue's messages name as intake reads them, and when, whatever else is in them."""
        return [
            (read.key.canonical, read.effective.isoformat() if isinstance(read.effective, date) else None)
            for message in self.queue.messages
            for read in read_message(message, now=NOW)
            if isinstance(read, PersonEvent)
        ]

    def rejected(self) -> list[tuple[str, Any]]:
        """What intake puts on rejected-events: each field, and what was sent, as JSON or as text."""
        found: list[tuple[str, Any]] = []
        for message in self.queue.messages:
            for read in read_message(message, now=NOW):
                if isinstance(read, Rejected):
                    assert read.reason
                    assert read.remedy
                    body = message if read.event is None else read.event
                    found.append((read.field, json.loads(body) if body[:1] in b"{[7" else body.decode()))
        return found

    def events(self) -> list[Any]:
        """The queue's events as JSON."""
        made: list[Any] = []
        for message in self.queue.messages:
            value = json.loads(message)
            made += value if isinstance(value, list) else [value]
        return made
