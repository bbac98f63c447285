"""A stage with the queues of a deployment: the broker's own model, and pumps that feed the functions as the host does.

Lives here: locks, delivery counts and dead letters in virtual time, and queues that are away. Everything else is the
stage's.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from sandbox.broker.model import Broker, Message, Queue
from sandbox.host.bindings import Function, QueueTrigger
from sandbox.host.configuration import ServiceBusOptions
from sandbox.host.pump import Dispatch, QueuePump
from sandbox.settings import standard_queues
from shared.adapters.queues.work_wire import decode, encode
from shared.domain.keys import session_id
from shared.domain.work import RejectedEvent, Scheduled, WorkItem
from shared.errors import Transient
from shared.services.bugs import BugRuns, Delivered
from shared.services.intake.intake import Incoming, Progress, intake
from shared.services.outage import outlast, patience
from shared.services.reconcile.reconcile import reconcile
from tests.simulation.stage import Stage

_HOST: Final = json.loads((Path(__file__).parents[2] / "host.json").read_text())["extensions"]["serviceBus"]
_INTAKE: Final = Function("intake", "intake", "messages", QueueTrigger("people-events", batches=True), {})
_RECONCILE: Final = Function("reconcile", "reconcile", "message", QueueTrigger("access-work", sessions=True), {})


class Site:
    """The queues, and one process that takes from them. Use `running`."""

    def __init__(self, stage: Stage) -> None:
        self.broker = Broker(stage.clock.now, Random(1))
        self.events, self.work, self.rejected = (self.broker.create_queue(each) for each in standard_queues())
        self.stage = stage
        self.unreachable = False
        """Whether nothing can be sent: no token, no network, or no right."""
        self.send_seconds = 0.0
        self.buggy: Callable[[WorkItem], bool] = lambda _: False
        """Items that sending meets a bug with."""
        self.sent: Counter[str] = Counter()
        """How often a check for now was sent, by key."""
        self.runs: Counter[tuple[str, str]] = Counter()
        """How runs ended: the function, and the kind of what it raised."""
        self.app = replace(stage.app, queues=self)
        self._changed = asyncio.Event()
        self._ids = count()
        self._progress, self._bugs = Progress(), BugRuns()
        self._pumps = [
            QueuePump(
                function,
                queue,
                ServiceBusOptions.model_validate(_HOST),
                clock=stage.clock.now,
                new_id=lambda: str(next(self._ids)),
                on_change=self._changed.set,
            )
            for function, queue in ((_INTAKE, self.events), (_RECONCILE, self.work))
        ]
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def running(cls, stage: Stage) -> AsyncIterator["Site"]:
        """A site that takes messages until the end of the block."""
        site = cls(stage)
        site.broker.subscribe_wakeup(site._changed.set)
        site._begin(site._serve())
        try:
            yield site
        finally:
            for task in site._tasks:
                task.cancel()
            await asyncio.gather(*site._tasks, return_exceptions=True)

    def receive(self, *bodies: bytes) -> None:
        """Messages arrive on people-events."""
        self.events.send(*(Message(body, f"m-{next(self._ids)}") for body in bodies))

    def dead(self, queue: Queue) -> int:
        """How many dead letters a queue has."""
        return queue.counts().dead_lettered

    @property
    def lost_locks(self) -> int:
        """How many locks ran out under a run."""
        return sum(pump.lost_locks for pump in self._pumps)

    # -- `ports.Queues`

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """Puts checks on access-work."""
        await self._reach()
        for one in items:
            if self.buggy(one.item):
                raise ZeroDivisionError
        for one in items:
            if one.due is None:
                self.sent[one.item.key.canonical] += 1
            body, session = encode(one.item), session_id(one.item.key)
            self.work.send(Message(body, one.message_id, session, scheduled_at=one.due))

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """Puts events on rejected-events."""
        await self._reach()
        for event in events:
            self.rejected.send(Message(event.body, application_properties={"reason": event.reason, **event.properties}))

    async def _reach(self) -> None:
        await asyncio.sleep(self.send_seconds)
        if self.unreachable:
            raise Transient("no token for Service Bus")

    # -- the host

    async def _serve(self) -> None:
        while True:
            self._changed.clear()
            self.broker.expire()
            for pump in self._pumps:
                pump.keep()
                for dispatch in pump.poll():
                    self._begin(self._run(pump, dispatch))
            moments = (self.broker.next_wakeup(), *(pump.next_moment() for pump in self._pumps))
            due = min((moment for moment in moments if moment is not None), default=None)
            wait = None if due is None else max(1e-6, (due - self.stage.now).total_seconds())
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _run(self, pump: QueuePump, dispatch: Dispatch) -> None:
        work = self._take_in if pump.function is _INTAKE else self._check
        raised = ""
        try:
            await work(dispatch)
        except Exception as failure:  # noqa: BLE001 - the host catches whatever the app raises
            raised = type(failure).__name__
        self.runs[pump.function.name, raised] += 1
        await asyncio.sleep(0.01)  # no host is infinitely fast
        pump.settle(dispatch, ok=not raised)

    async def _take_in(self, dispatch: Dispatch) -> None:
        batch = [Incoming(one.message.body, one.sequence_number) for one in dispatch.deliveries]
        await intake(self.app, batch, self._progress)

    async def _check(self, dispatch: Dispatch) -> None:
        (delivery,) = dispatch.deliveries
        until, message = patience(), delivery.message
        came = Delivered(message.body, message.session_id or "", delivery.sequence_number, message.message_id)
        rejected = await self._bugs.guard(self._take(decode(message.body, message.session_id)), came)
        if rejected is not None:
            await outlast(lambda: self.send_rejected([rejected]), until, "reconcile")

    async def _take(self, item: WorkItem) -> Any:
        outcome = await reconcile(self.app, item)
        self.stage.outcomes.append((item.key, outcome))
        return outcome

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
