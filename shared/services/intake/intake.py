"""Intake: from events of any sender to work items. Nothing about access is decided here.

An event that cannot be used ends on rejected-events, and the other events go on. All events about one person become one
work item, for a check now. It carries the future moments at which the person is to be checked again.
"""

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final

from shared.domain.keys import NameKey, PersonKey, chain_key
from shared.domain.work import (
    FUTURE_CHECKS,
    RECORDED_CHARACTERS,
    Cause,
    CauseKind,
    RejectedEvent,
    Scheduled,
    WorkItem,
    at_once,
    nearest,
)
from shared.errors import InvoiceAccessError, Rejected, Transient
from shared.services.app import HANDLER_SECONDS, App, unique_id
from shared.services.bugs import BUG_RUNS, say_bug, shelved
from shared.services.health import note_sources
from shared.services.intake.traces import asked
from shared.services.outage import outlast, patience
from shared.sources.events import PersonEvent
from shared.sources.read import read_message
from shared.telemetry import Measure, Span

EVENTS_AT_ONCE: Final = 1000
"""After so many events the work items are sent: nobody waits for more than two messages' worth of events."""

_REMEMBERED: Final = 1000
"""How many messages are remembered: ten batches."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came from people-events: its bytes, and its sequence number there.

    Its MessageId is not known for certain: the Functions host drops empty MessageIds from the list of a batch, so that
    later ones stand at the place of earlier messages.
    """

    body: bytes
    number: int | None = None
    trace: str = ""
    """The `traceparent` that came with it, as its sender or the front wrote it; "" for none."""

    @property
    def mark(self) -> Hashable:
        """What is the same in each delivery."""
        return self.body if self.number is None else self.number

    @property
    def told(self) -> dict[str, str]:
        """The properties by which `rejected-events` says where it came from."""
        return {} if self.number is None else {"source-sequence-number": str(self.number)}


@dataclass(slots=True)
class Progress:
    """What this process did with messages that may come back, so that it asks for no check twice.

    A batch is completed as a whole or comes back as a whole. `checked` are the messages whose work items were sent,
    `bugs` says how often each message met a bug. Another process does not know them, and asks for the checks again,
    which does no harm. `noted` is when the last event of each source was noted.
    """

    checked: set[Hashable] = field(default_factory=set)
    bugs: Counter[Hashable] = field(default_factory=Counter)
    noted: dict[str, datetime] = field(default_factory=dict)

    def begin(self) -> None:
        """Forgets everything when it has become much: then other processes got the messages that came back."""
        if len(self.checked) + len(self.bugs) > _REMEMBERED:
            self.checked.clear()
            self.bugs.clear()
        if len(self.noted) > _REMEMBERED:
            self.noted.clear()

    def forget(self, batch: Iterable[Incoming]) -> None:
        """The messages do not come again."""
        for message in batch:
            self.checked.discard(message.mark)
            self.bugs.pop(message.mark, None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: checks sent, events rejected, and items that name nobody."""

    checks: int
    rejected: int
    ignored: int


async def intake(app: App, batch: Sequence[Incoming], progress: Progress | None = None) -> Taken:
    """Turns a batch of events into work items. Returns when everything has reached a queue: the batch can be completed.

    Otherwise it raises, and the batch comes back: `Transient` or `Permanent` for an outage that was longer than a
    message may be kept, `Transient` when the batch took more than a handler's time, or a bug. The tenth time, the
    messages that meet a bug are put on rejected-events instead. With the same `progress` nothing is done twice.
    """
    with app.telemetry.span(Span.INTAKE, links=(message.trace for message in batch)) as told:
        taken = await _intake(app, batch, progress or Progress())
        for became, number in (("check", taken.checks), ("rejected", taken.rejected), ("ignored", taken.ignored)):
            app.telemetry.measure(Measure.INTAKE, number, became=became)
        told(messages=len(batch), checks=taken.checks, rejected=taken.rejected, ignored=taken.ignored)
    return taken


async def _intake(app: App, batch: Sequence[Incoming], progress: Progress) -> Taken:
    progress.begin()
    run = _Run(app, progress, app.clock.now(), patience())
    clock = asyncio.get_running_loop().time
    over = clock() + HANDLER_SECONDS
    # Messages that met a bug together are tried one by one: any of them may be the one.
    most = 1 if any(message.mark in progress.bugs for message in batch) else EVENTS_AT_ONCE
    chunk: list[_Read] = []
    events = 0
    for number, message in enumerate(batch):
        chunk.append(run.read(message))
        events += len(chunk[-1].events)
        await asyncio.sleep(0)  # reading a thousand events takes a while, and others run here
        if events < most and number + 1 < len(batch):
            continue
        await run.send_checks(chunk)
        chunk, events = [], 0
        if clock() >= over and number + 1 < len(batch):
            raise Transient(f"{number + 1} of {len(batch)} messages took {HANDLER_SECONDS} s: the rest comes back")
    if run.failures:
        raise run.failures[0]
    if run.rejected:
        await outlast(lambda: app.queues.send_rejected(run.rejected), run.until, "intake")
    progress.forget(batch)
    await note_sources(app, dict.fromkeys(run.sources, run.now), progress.noted)
    for notice in run.notices:
        _log.warning("people-events: %s", notice)
    _log.info(
        "intake: %d messages, %d checks, %d rejected, %d ignored",
        len(batch),
        run.checks,
        len(run.rejected),
        run.ignored,
    )
    return Taken(run.checks, len(run.rejected), run.ignored)


@dataclass(slots=True)
class _Read:
    """A message with what is in it."""

    message: Incoming
    events: list[PersonEvent]


@dataclass(slots=True)
class _Run:
    """One run over a batch. It may wait for a queue until `until`."""

    app: App
    progress: Progress
    now: datetime
    until: float
    checks: int = 0
    ignored: int = 0
    notices: dict[str, None] = field(default_factory=dict)
    rejected: list[RejectedEvent] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)

    def read(self, message: Incoming) -> _Read:
        """What is in a message. Without its events if their work items were sent at an earlier delivery."""
        read, mistakes = _Read(message, []), list[Rejected]()
        try:
            for found in read_message(message.body, now=self.now):
                if isinstance(found, PersonEvent):
                    read.events.append(found)
                    self.sources.add(_source(found))
                elif isinstance(found, Rejected):
                    mistakes.append(found)
                else:
                    self.ignored += 1
                    self.notices |= dict.fromkeys([found.notice] if found.notice else [])
        except Exception as bug:  # noqa: BLE001 - a bug about one event must not stop the rest of its batch
            _log_bug(bug, f"in message {message.number}")
            mistakes.append(say_bug(bug))
        self.rejected += _rejections(message, mistakes)
        if message.mark in self.progress.checked:
            read.events.clear()
        return read

    async def send_checks(self, chunk: Sequence[_Read]) -> None:
        """Sends the work items of some messages. Raises an outage; puts a bug into `failures`."""
        messages = [read.message.mark for read in chunk if read.events]
        try:
            checks = _checks(self.app, (event for read in chunk for event in read.events), self.now)
            if self.app.telemetry.is_on:
                checks = asked(self.app, checks, ((read.message.trace, read.events) for read in chunk))
            if checks:
                await outlast(lambda: self.app.queues.send_work(checks), self.until, "intake")
        except InvoiceAccessError:
            raise
        except Exception as bug:  # noqa: BLE001 - a bug about one message must not stop the others
            _log_bug(bug, f"sending the checks of {len(messages)} messages")
            self.progress.bugs.update(messages)
            if any(self.progress.bugs[message] < BUG_RUNS for message in messages):
                self.failures.append(bug)
                return
            self.rejected += (
                shelved(read.message.body, bug, properties=read.message.told) for read in chunk if read.events
            )
        else:
            self.checks += len(checks)
            self.progress.checked.update(messages)


def _log_bug(bug: Exception, where: str) -> None:
    """Logs a bug's kind and place, without its text, which may name a person."""
    place = "".join(traceback.format_tb(bug.__traceback__))
    _log.error("intake met a bug %s: %s\n%s", where, type(bug).__name__, place)


def _checks(app: App, events: Iterable[PersonEvent], now: datetime) -> list[Scheduled]:
    """One check now for each key that events name."""
    by_key: dict[PersonKey | NameKey, list[PersonEvent]] = {}
    for event in events:
        by_key.setdefault(event.key, []).append(event)
    return [_check_now(app, key, about, now) for key, about in by_key.items()]


def _check_now(app: App, key: PersonKey | NameKey, about: Sequence[PersonEvent], now: datetime) -> Scheduled:
    effective = [moment for event in about if (moment := _moment(app, event.effective)) is not None]
    wanted = {moment for moment in effective if moment > now}
    moments = nearest(wanted, now, coalesce=app.settings.coalesce) if wanted else ()
    if len(wanted) > len(moments) == FUTURE_CHECKS:
        _log.warning("%s has %d future dates in one batch; only the nearest are scheduled", chain_key(key), len(wanted))
    item = WorkItem(key, _cause(about), first_asked=now, effective=max(effective, default=None), moments=moments)
    return at_once(item, unique_id(app.random))


def _cause(about: Sequence[PersonEvent]) -> Cause:
    """The cause, in the words of the first event."""
    more = f" (+{len(about) - 1})" if len(about) > 1 else ""
    return Cause(CauseKind.EVENT, _bounded(about[0].origin + more), _bounded(about[0].event_type))


def _source(event: PersonEvent) -> str:
    """Where an event comes from, without its id."""
    return Cause(CauseKind.EVENT, _bounded(event.origin.rpartition("#")[0])).origin


def _bounded(text: str) -> str:
    """A sender's text, cut in the middle if it is too long: both ends help to find the event again."""
    if len(text) <= RECORDED_CHARACTERS:
        return text
    head = RECORDED_CHARACTERS // 2
    return f"{text[:head]}…{text[head + 1 - RECORDED_CHARACTERS :]}"


def _moment(app: App, effective: date | datetime | None) -> datetime | None:
    """An effective date as a moment in UTC: a date without a time begins with that day in the policy's time zone.

    If the clocks go forward at midnight, that day begins an hour later. If they go back, it begins with the first of
    two midnights. `combine` gives both.
    """
    if effective is None or isinstance(effective, datetime):
        return effective
    return datetime.combine(effective, time(), app.policy.time_zone).astimezone(UTC)


def _rejections(incoming: Incoming, mistakes: Sequence[Rejected]) -> list[RejectedEvent]:
    """The mistakes of a message, by event: an event that came together with others is rejected alone."""
    together: dict[bytes, list[Rejected]] = {}
    for mistake in mistakes:
        together.setdefault(incoming.body if mistake.event is None else mistake.event, []).append(mistake)
    return [_rejection(Incoming(body, incoming.number), wrong) for body, wrong in together.items()]


def _rejection(incoming: Incoming, mistakes: Sequence[Rejected]) -> RejectedEvent:
    """One rejected event, with its first ten mistakes side by side."""
    shown = mistakes[:10]
    more = f" (and {len(mistakes) - 10} more)" if len(mistakes) > 10 else ""  # noqa: PLR2004
    return RejectedEvent(
        incoming.body,
        field_name="; ".join(mistake.field for mistake in shown),
        reason="; ".join(mistake.reason for mistake in shown) + more,
        remedy="; ".join(dict.fromkeys(mistake.remedy for mistake in shown)),
        properties=incoming.told,
    )
