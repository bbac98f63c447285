"""From a change to a POST: which notifications are due when, to whom, and what becomes of them.

Lives here: a queue of deliveries on an injected clock and random source: latency, batches, duplicates, what comes
out of order or never, repetitions with back-off, the slow and the dropping state of a URL, and the requests to
reauthorize. No socket and no waiting: a shell (`sandbox.notifier`) sends what is due and says how it went.

Source: Graph, "Receive change notifications through webhooks" (answers, retries, states) and "Reduce missing change
notifications" (lifecycle). What they leave open is a switch; see `delivery_switches`.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from sandbox.graph.delivery_switches import DeliverySwitches
from sandbox.graph.model import Change, GraphModel
from sandbox.graph.notices import addressed, concerns, content, reauthorization_required, ticks
from sandbox.graph.subscription_book import Subscription
from sandbox.wire import Outgoing

_SUCCESS: Final = range(200, 300)
_HELD_SECONDS: Final = 15.0
"""How often it is asked whether a subscription has its authorization back."""


@dataclass(slots=True)
class Counts:
    """What became of notifications so far, in items.

    `made` for a change and a subscription, copies included; `lost` on the way, `dropped` because the URL is too slow,
    `delivered` with a 2xx, `failed` without one (each time), `given_up` after four hours.
    """

    made: int = 0
    lost: int = 0
    dropped: int = 0
    delivered: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """One item on its way: what it says (None: a request to reauthorize), for which subscription, since when."""

    subscription_id: str
    url: str
    item: Mapping[str, Any] | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """A POST that is due: some items for one URL, sent for the `attempt`-th time."""

    url: str
    items: tuple[Mapping[str, Any], ...]
    since: datetime
    attempt: int = 1

    def outgoing(self, timeout_seconds: float) -> Outgoing:
        """The request itself."""
        body = json.dumps({"value": self.items}, separators=(",", ":")).encode()
        return Outgoing(self.url, {"content-type": "application/json; charset=utf-8"}, body, timeout_seconds)


@dataclass(slots=True)
class _Endpoint:
    """How a URL answers: when, and whether slowly, within the window."""

    answers: deque[tuple[datetime, bool]] = field(default_factory=deque)

    def slow_share(self, now: datetime, switches: DeliverySwitches) -> float:
        horizon = now - timedelta(seconds=switches.window_seconds)
        while self.answers and self.answers[0][0] <= horizon:
            self.answers.popleft()
        if len(self.answers) < switches.least_answers:
            return 0.0
        return sum(slow for _, slow in self.answers) / len(self.answers)


class Deliveries:
    """The notifications of one tenant, from now on: it listens to the directory and to its subscriptions."""

    def __init__(self, model: GraphModel, *, random_source: Random) -> None:
        self.switches = DeliverySwitches()
        self.counts = Counts()
        self._model = model
        self._random = random_source
        self._notices: list[tuple[datetime, Notice]] = []
        self._posts: list[tuple[datetime, Post]] = []
        self._endpoints: dict[str, _Endpoint] = {}
        self._asked: dict[str, datetime] = {}
        self._sequence = 0
        self._listeners: list[Callable[[], None]] = []
        model.on_change(self._on_change)
        model.subscriptions.on_change(self._tell)

    def on_work(self, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever `next_moment` may have become earlier."""
        self._listeners.append(callback)

    def next_moment(self) -> datetime | None:
        """When something is due next; None while nothing ever is."""
        moments = [due for due, _ in self._notices] + [due for due, _ in self._posts]
        moments += [moment for found in self._model.subscriptions.live() if (moment := self._asking_moment(found))]
        return min(moments, default=None)

    def due(self) -> list[Post]:
        """What is to be sent now. It is no longer waiting; see `answered`."""
        now = self._model.now()
        for found in self._model.subscriptions.live():
            if (moment := self._asking_moment(found)) is not None and moment <= now:
                self._ask(found, now)
        ready = [post for due, post in self._posts if due <= now]
        self._posts = [(due, post) for due, post in self._posts if due > now]
        return ready + self._batches(now)

    def answered(self, post: Post, status: int | None, seconds: float) -> None:
        """How a POST went: the status, None where no answer came in time, and how long it took."""
        now = self._model.now()
        endpoint = self._endpoints.setdefault(post.url, _Endpoint())
        endpoint.answers.append((now, seconds >= self.switches.answer_seconds))
        if status in _SUCCESS:
            self.counts.delivered += len(post.items)
            return
        self.counts.failed += len(post.items)
        wait = min(
            self.switches.first_retry_seconds * 2.0 ** min(post.attempt - 1, 30), self.switches.longest_retry_seconds
        )
        due = now + timedelta(seconds=wait)
        if due - post.since > timedelta(seconds=self.switches.give_up_seconds):
            self.counts.given_up += len(post.items)
            return
        self._posts.append((due, Post(post.url, post.items, post.since, post.attempt + 1)))
        self._tell()

    def ask_to_reauthorize(self, subscription: Subscription) -> bool:
        """Asks a subscription's app now, as when consent was touched; False where it gave no URL for that."""
        if subscription.lifecycle_url is None:
            return False
        self._ask(subscription, self._model.now())
        self._tell()
        return True

    # From changes to notices

    def _on_change(self, change: Change) -> None:
        for subscription in self._model.subscriptions.live():
            if concerns(subscription, change):
                edits = self._random.randint(1, self.switches.updates_per_edit) if change.kind == "updated" else 1
                for _ in range(edits):
                    self._announce(subscription, content(change, self._model.tenant_id, self._next_sequence()))
        self._tell()

    def _announce(self, subscription: Subscription, item: Mapping[str, Any]) -> None:
        """Puts an item on its way, once, twice, or never."""
        now, switches = self._model.now(), self.switches
        notice = Notice(subscription.id, subscription.notification_url, item, now)
        copies = 2 if self._random.random() < switches.duplicate_share else 1
        slow = self._endpoints.setdefault(notice.url, _Endpoint()).slow_share(now, switches)
        for _ in range(copies):
            self.counts.made += 1
            wait = self._random.uniform(
                switches.least_latency_seconds, max(switches.least_latency_seconds, switches.most_latency_seconds)
            )
            if self._random.random() < switches.late_share:
                wait += switches.late_seconds
            if self._random.random() < switches.drop_share:
                self.counts.lost += 1
            elif slow > switches.dropping_share:
                self.counts.dropped += 1
            else:
                wait += switches.slow_delay_seconds if slow > switches.slow_share else 0.0
                self._notices.append((now + timedelta(seconds=wait), notice))

    def _next_sequence(self) -> int:
        self._sequence = max(self._sequence + 1, ticks(self._model.now()))
        return self._sequence

    # Asking for a reauthorization

    def _asking_moment(self, found: Subscription) -> datetime | None:
        if found.lifecycle_url is None:
            return None
        first = min(found.expires, found.authorized_until) - timedelta(seconds=self.switches.ask_ahead_seconds)
        asked = self._asked.get(found.id)
        if asked is None or asked < first:
            return first
        return asked + timedelta(seconds=self.switches.ask_every_seconds)

    def _ask(self, found: Subscription, now: datetime) -> None:
        assert found.lifecycle_url is not None, "asked by whoever knows that there is one"
        self._asked[found.id] = now
        self._notices.append((now, Notice(found.id, found.lifecycle_url, None, now)))

    # From notices to posts

    def _batches(self, now: datetime) -> list[Post]:
        """The notices that are due, and those for the same URL that are nearly so, in POSTs of bounded size."""
        urls = dict.fromkeys(notice.url for due, notice in self._notices if due <= now)
        nearly = now + timedelta(seconds=self.switches.batch_seconds)
        taken: dict[str, list[tuple[datetime, Notice]]] = {url: [] for url in urls}
        left = []
        for due, notice in self._notices:
            if notice.url in taken and due <= nearly:
                taken[notice.url].append((due, notice))
            else:
                left.append((due, notice))
        self._notices = left
        posts = []
        for url, found in taken.items():
            items = [
                item
                for _, notice in sorted(found, key=lambda pair: pair[0])
                if (item := self._item(notice, now)) is not None
            ]
            size = self.switches.most_items
            posts += [Post(url, tuple(items[start : start + size]), now) for start in range(0, len(items), size)]
        return posts

    def _item(self, notice: Notice, now: datetime) -> dict[str, Any] | None:
        """An item as it goes out now; None where its subscription has ended, or has to be reauthorized first."""
        found = self._model.subscriptions.get(notice.subscription_id)
        if found is None:
            return None
        hours = self.switches.date_offset_hours
        if self._model.subscriptions.switches.client_state_shown == "nowhere":
            found = replace(found, client_state=None)
        if notice.item is None:
            as_seen = self.switches.organization_instead_of_tenant
            return reauthorization_required(found, self._model.tenant_id, offset_hours=hours, as_seen=as_seen)
        if found.authorized_until > now:
            return addressed(notice.item, found, self._model.tenant_id, offset_hours=hours)
        due = now + timedelta(seconds=_HELD_SECONDS)
        if due - notice.since > timedelta(seconds=self.switches.give_up_seconds):
            self.counts.given_up += 1
        else:
            self._notices.append((due, notice))
        return None

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
