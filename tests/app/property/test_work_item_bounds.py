"""Whatever a work item says, looking for what it names comes to an end."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.queues.work_wire import decode, encode
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.domain.outcome import Outcome
from shared.domain.work import CauseKind, RejectedEvent, Scheduled
from shared.errors import Rejected, Transient
from shared.services.app import App
from shared.services.reconcile.reconcile import reconcile
from shared.settings import Settings
from shared.telemetry import NO_TELEMETRY

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SETTINGS = Settings.read(
    {"INVOICE_ACCESS_STORE": "sqlite:unused", "ServiceBusConnection__fullyQualifiedNamespace": "unused.example"}
)

RETRIES = 300
"""The most checks of a day of retries, the first of which come within seconds."""

TEN_YEARS_OF_WAITING = 53 * 10 + 2 * 14 * 4 + 40
"""One a week, four a day in two weeks at either end, and the first pauses, which double."""


@dataclass
class Clock:
    """The time, moved by hand."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class Sent:
    """Queues that keep what is sent."""

    checks: list[Scheduled] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        self.checks += items

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        self.rejected += events


class Services:
    """Directory, state and catalogue. Nobody is known to them; or they are away, all of them, for good."""

    def __init__(self, *, are_away: bool) -> None:
        self._are_away = are_away

    async def find(self, _: object) -> list[str]:
        return self._nobody()

    async def called(self, _: object) -> list[str]:
        return self._nobody()

    async def person(self, *_: object) -> None:
        raise Transient("it is away")

    async def current(self, *_: object, **__: object) -> None:
        raise Transient("it is away")

    async def future_checks(self, _: object) -> None:
        raise Transient("it is away")

    def _nobody(self) -> list[str]:
        if self._are_away:
            raise Transient("it is away")
        return []


MOMENTS = st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(datetime.isoformat)
KEYS = st.sampled_from(
    ["person:7c0f5a0e-0000-4000-8000-000000000001", "profile:account/profile", "identity:upn:anna@contoso.example"]
)
ITEMS = st.fixed_dictionaries(
    {
        "key": KEYS,
        "cause": st.fixed_dictionaries({"kind": st.sampled_from(CauseKind), "origin": st.text(max_size=20)}),
        "first_asked": MOMENTS,
        "attempt": st.integers(0, 1_000_000),
    },
    optional={"effective": MOMENTS, "failing_since": MOMENTS, "due": MOMENTS},
)


async def checks_of(wire: dict[str, Any], *, are_away: bool) -> int:
    """How many looks follow from an item in all."""
    clock, sent, rows = Clock(), Sent(), SqliteRows(IN_MEMORY)
    services = Services(are_away=are_away)
    app = SimpleNamespace(
        clock=clock,
        settings=SETTINGS,
        random=Random(1),
        ledger=RowsLedger(rows),
        directory=services,
        state=services,
        catalogues=services,
        queues=sent,
        telemetry=NO_TELEMETRY,
    )
    checks, waiting = 0, [Scheduled(decode(json.dumps(wire).encode()), "first")]
    while waiting:
        one = waiting.pop(0)
        clock.time = max(clock.time, one.due or NOW) + timedelta(milliseconds=250)
        outcome = await reconcile(cast("App", app), decode(encode(one.item)))
        checks += 1
        assert checks <= TEN_YEARS_OF_WAITING + RETRIES
        assert (outcome in {Outcome.RETRY, Outcome.WAITING}) == bool(sent.checks)
        waiting += sent.checks
        sent.checks.clear()
    if wire["key"].startswith("identity:"):
        assert len(sent.rejected) == 1, "a name ends where its sender finds it"
    await rows.close()
    return checks


@given(wire=ITEMS, are_away=st.booleans())
@settings(max_examples=40)
def test_every_item_stops_asking_within_a_bounded_number_of_checks(wire: dict[str, Any], *, are_away: bool) -> None:
    checks = asyncio.run(checks_of(wire, are_away=are_away))
    if are_away or not wire["key"].startswith("identity:"):
        assert checks <= RETRIES


def test_a_first_date_in_two_centuries_is_taken_for_now() -> None:
    wire = {"key": "identity:employee-id:nobody", "cause": {"kind": "wait", "origin": "forged"}}
    honest = asyncio.run(checks_of({**wire, "first_asked": NOW.isoformat()}, are_away=False))
    forged = asyncio.run(checks_of({**wire, "first_asked": "2199-01-01T00:00:00Z"}, are_away=False))
    assert forged == honest < 100


@given(key=st.text(max_size=60), origin=st.text(max_size=300), hints=st.lists(st.text(max_size=60), max_size=3))
def test_what_is_decoded_can_be_seen_and_sent_again(key: str, origin: str, hints: list[str]) -> None:
    for kind in ("profile:", "identity:upn:", "person:", ""):
        wire = {
            "key": kind + key,
            "cause": {"kind": "event", "origin": origin, "event_type": origin},
            "first_asked": NOW.isoformat(),
            "hints": hints,
        }
        try:
            item = decode(json.dumps(wire).encode())
        except Rejected:
            continue
        assert item.key.canonical.isprintable()
        assert item.cause.origin.isprintable()
        assert len(item.cause.origin) <= 200
        assert item.cause.event_type.isprintable()
        assert all(str(hint).isascii() and str(hint).isprintable() for hint in item.hints)
        assert decode(encode(item)) == item
