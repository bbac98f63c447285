"""One process of the app: its own clients, caches and clock, and the pumps that feed it.

Lives here: building the real app over the simulation's seams, taking messages as a Functions host does, dying and
starting again. What a run proves is noted in the book, and judged elsewhere.
"""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from sandbox.broker.model import LockLost
from sandbox.host.bindings import Function, QueueTrigger
from sandbox.host.configuration import ServiceBusOptions
from sandbox.host.pump import Dispatch, QueuePump
from sandbox.wire import Request, Response
from shared.adapters.billing.arm import ArmBilling
from shared.adapters.billing.observed import DryRunBilling
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.queues.work_wire import decode
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.state import RowsState
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import Policy
from shared.domain.work import RejectedEvent, Scheduled
from shared.errors import InvoiceAccessError, Rejected
from shared.ports import Billing
from shared.services.app import App
from shared.services.catalogue import CatalogueStore
from shared.services.intake.intake import Incoming, Progress, intake
from shared.services.reconcile.reconcile import reconcile
from shared.services.sweep.sweep import sweep
from shared.settings import Settings
from tests.simulation.engine.book import RUN, Run
from tests.simulation.engine.broker_queues import PostOffice
from tests.simulation.engine.faults import Fault
from tests.simulation.engine.faulty_rows import FaultyRows
from tests.simulation.engine.mortal import LIFE, Life
from tests.simulation.engine.place import OwnClock, Place
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.wires import Shell, Token, Wire

_HOST: Final = json.loads((Path(__file__).parents[3] / "host.json").read_text())["extensions"]["serviceBus"]
_INTAKE: Final = Function("intake", "intake", "messages", QueueTrigger("people-events", batches=True, binary=True), {})
_RECONCILE: Final = Function(
    "reconcile", "reconcile", "message", QueueTrigger("access-work", sessions=True, binary=True), {}
)
_GRACE_SECONDS: Final = 50.0
"""How long a host that is asked to stop waits for what runs: longer than a handler takes."""


class Process:
    """One process, from its start to its end. `policy` is what it was deployed with."""

    def __init__(
        self,
        name: str,
        place: Place,
        rng: random.Random,
        policy: tuple[SimPolicy, Policy],
        on_end: Callable[["Process"], None],
    ) -> None:
        self.name = name
        self.place = place
        self.sim_policy, loaded = policy
        self._rng = random.Random(rng.random())
        self._on_end = on_end
        self.life = Life(name, self._died)
        self.clock = OwnClock(place.world, timedelta(seconds=rng.uniform(-20.0, 20.0)))
        self.stopping = False
        self._changed = asyncio.Event()
        self._adapters: list[ArmBilling | GraphDirectory] = []
        self.app = self._build(loaded)
        options = {**_HOST, "maxConcurrentSessions": place.sessions}
        self.pumps = [
            QueuePump(
                function,
                queue,
                ServiceBusOptions.model_validate(options),
                clock=place.world.now,
                new_id=lambda: f"{self._rng.getrandbits(64):016x}",
                on_change=self._changed.set,
            )
            for function, queue in ((_INTAKE, place.post.events), (_RECONCILE, place.post.work))
        ]
        self._progress = Progress()
        self._runs: dict[str, Run] = {}

    # -- life

    def start(self) -> None:
        """Begins to take messages."""
        self.life.begin(self._serve(), f"{self.name} serves")

    def sweep(self) -> None:
        """The timer fires here."""
        self.life.begin(self._sweep(), f"{self.name} sweeps")

    def crash_within(self, steps: int) -> None:
        """Lets it die at one of its next awaits."""
        self.life.fatal_step = self.life.steps + steps

    async def stop(self) -> None:
        """Asks it to end in peace: it takes nothing more, and what runs may end."""
        self.stopping = True
        self._changed.set()
        waited = 0.0
        while not self.life.over and self._runs and waited < _GRACE_SECONDS:
            await asyncio.sleep(1.0)
            waited += 1.0
        if not self.life.over:
            for pump in self.pumps:
                pump.close()
            self.life.end()

    def kill(self) -> None:
        """Ends it at once; nobody starts it again."""
        self.stopping = True
        self.life.end()

    def recover(self) -> None:
        """Sets its clock right, and calls off its death."""
        self.jump(timedelta(0))
        self.life.fatal_step = None

    def jump(self, off: timedelta) -> None:
        """Its clock is set to be off by so much."""
        self.clock.off = off
        for run in self._runs.values():
            run.jumped = True

    async def close(self) -> None:
        """Lets go of its clients, once it is over."""
        for adapter in self._adapters:
            await adapter.close()

    def _died(self, _: Life) -> None:
        for pump in self.pumps:  # its links are gone; what it held comes back when its locks run out
            pump.die()
        self.place.book.say(self.name, f"ends with {len(self._runs)} runs under way")
        for run in self._runs.values():
            run.ended = "died"
        self._on_end(self)

    # -- taking messages

    async def _serve(self) -> None:
        while True:
            self._changed.clear()
            if self.place.post.is_down:
                await self.place.post.back()
            for pump in self.pumps:
                pump.keep()
                for dispatch in () if self.stopping else pump.poll():
                    self.life.begin(self._carry_out(pump, dispatch), f"{self.name} {dispatch.id}")
            moment = min((each for pump in self.pumps if (each := pump.next_moment()) is not None), default=None)
            wait = None if moment is None else max(1e-6, (moment - self.place.world.now()).total_seconds())
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _carry_out(self, pump: QueuePump, dispatch: Dispatch) -> None:
        bodies = tuple(delivery.message.body for delivery in dispatch.deliveries)
        run = self._begin(pump.function.name)
        work: Coroutine[Any, Any, None]
        if pump.function is _INTAKE:
            batch = [Incoming(one.message.body, one.sequence_number) for one in dispatch.deliveries]
            self.place.book.say(self.name, f"run {run.number} intake of {len(batch)}")
            work = self._take_in(batch)
        else:
            assert dispatch.session is not None, "access-work has sessions"
            held = dispatch.session
            run.message_id = dispatch.deliveries[0].message.message_id
            run.locked = lambda: not held.lost and _holds(pump, held)
            if self.place.weather.strikes(Fault.LOCK_LOST):
                after = self.place.weather.seconds(0.0, 3.0)
                asyncio.get_running_loop().call_later(after, self.place.post.lose_lock, held.lock.session_id)
            work = self._check(run, bodies[0])
        ok = await self._guarded(run, work)
        self.place.watch.ended(run, bodies, ok=ok)
        await self.place.post.back()
        run.ended = "ok" if ok else "failed"
        del self._runs[dispatch_key(run)]
        pump.settle(dispatch, ok=ok)

    def _begin(self, function: str) -> Run:
        book = self.place.book
        book.runs += 1
        run = Run(book.runs, self.name, function, self.sim_policy, self.place.world.now())
        run.policy_digest, run.beside = self.app.policy.digest, self._runs
        self._runs[dispatch_key(run)] = run
        RUN.set(run)
        if self.place.weather.strikes(Fault.CRASH) and LIFE.get() is self.life and self.life.fatal_step is None:
            self.crash_within(int(self.place.weather.seconds(1, 120)))
        return run

    async def _guarded(self, run: Run, work: Coroutine[Any, Any, None]) -> bool:
        """Runs a function; whatever it raises, the host catches."""
        try:
            await work
        except InvoiceAccessError as failure:
            self.place.book.say(self.name, f"run {run.number} raised {failure}")
        except Exception as bug:  # noqa: BLE001 - the host catches whatever the app raises
            self.place.book.violate("NoBug", f"run {run.number} {run.function} {run.key}: {bug!r}")
        else:
            return True
        return False

    # -- the functions: what `functions/` does with the app in hand

    async def _take_in(self, batch: list[Incoming]) -> None:
        await intake(self.app, batch, self._progress)

    async def _check(self, run: Run, body: bytes) -> None:
        try:
            item = decode(body)
        except Rejected as wrong:
            await self.app.queues.send_rejected([RejectedEvent(body, wrong.field, wrong.reason, wrong.remedy)])
            return
        run.key = item.key.canonical
        self.place.watch.checked_in(run)
        book = self.place.book
        book.say(self.name, f"run {run.number} checks {run.key} ({item.cause.kind}, attempt {item.attempt})")
        outcome: Outcome = await reconcile(self.app, item)
        run.outcome = outcome.value
        book.count(f"outcome:{outcome.value}")
        book.say(self.name, f"run {run.number} ends {outcome.value}")

    async def _sweep(self) -> None:
        run = self._begin("sweep")
        self.place.book.say(self.name, f"run {run.number} sweeps")
        unknown = self.place.watch.judge_rules(self.sim_policy)
        try:
            report = await sweep(self.app)
        except InvoiceAccessError as failure:
            self.place.book.say(self.name, f"sweep failed: {failure}")
            self.place.book.count("sweep:failed")
        except Exception as bug:  # noqa: BLE001 - the host catches whatever the app raises
            self.place.book.violate("NoBug", f"run {run.number} sweep: {bug!r}")
        else:
            self.place.watch.swept(run, report)
            complete = "complete" if report.complete else "incomplete"
            if report.complete:
                unknown &= self.place.watch.judge_rules(self.sim_policy)
                self.place.watch.unknown_rules = (self.sim_policy, unknown)
            self.place.book.count(f"sweep:{complete}")
            self.place.book.say(self.name, f"sweep {complete}: {json.dumps(report.drift, sort_keys=True)}")
        run.ended = "ok"
        del self._runs[dispatch_key(run)]

    # -- building

    def _build(self, policy: Policy) -> App:
        place, rng = self.place, self._rng
        settings = Settings.read(place.settings)
        token = Token(place.world, place.weather)

        def listener(target: str, request: Request, response: Response) -> None:
            place.watch.heard(self, target, request, response)

        arm = Wire("arm", place.world.ask_arm, place.weather, random.Random(rng.random()), listener)
        graph = Wire("graph", place.world.ask_graph, place.weather, random.Random(rng.random()), listener)
        hang_up = rng.choice((ServiceRequestError, ServiceResponseError))
        billing = ArmBilling(settings, token, transport=Shell(arm, hang_up))
        directory = GraphDirectory(settings, token, transport=Shell(graph, hang_up))
        self._adapters += [billing, directory]
        state = RowsState(FaultyRows(place.state, place.weather, random.Random(rng.random()), place.watch.read))
        ledger = RowsLedger(FaultyRows(place.ledger, place.weather, random.Random(rng.random()), place.watch.read))

        def for_check(enforced: Callable[[ProfileKey], bool]) -> Billing:
            return DryRunBilling(billing, enforced)

        def sent(check: Scheduled, dropped: bool) -> None:
            place.watch.sent(check, dropped=dropped)

        return App(
            policy=policy,
            settings=settings,
            clock=self.clock,
            random=random.Random(rng.random()),
            directory=directory,
            billing=billing,
            billing_for_check=for_check,
            queues=PostOffice(place.post, place.weather, random.Random(rng.random()), sent),
            ledger=ledger,
            state=state,
            catalogues=CatalogueStore(state, billing, policy, timedelta(hours=settings.catalogue_hours)),
        )


def dispatch_key(run: Run) -> str:
    """The name of a run among those of its process."""
    return str(run.number)


def _holds(pump: QueuePump, held: Any) -> bool:
    try:
        pump.queue.check_session(held.lock)
    except LockLost:
        return False
    return True
