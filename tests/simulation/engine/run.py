"""One simulation: a seed decides a world, its weather and its history; the verdict says which promises were broken.

Lives here: the order of things. First everybody gets what they should have; then people and faults have their time;
then all becomes quiet, and the world is compared with what it should be.
"""

import asyncio
import contextvars
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.broker.model import Message
from shared.adapters.store.ledger import RowsLedger
from tests.simulation.engine import aftermath, aftermath_of_holds
from tests.simulation.engine.book import Book, Violation
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.drawing import draw_switches, draw_world
from tests.simulation.engine.faults import Fault, Weather
from tests.simulation.engine.faulty_rows import Store
from tests.simulation.engine.fleet import Fleet
from tests.simulation.engine.history import People
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.mishaps import Mishaps
from tests.simulation.engine.mortal import mortal_tasks
from tests.simulation.engine.oddities import Oddities
from tests.simulation.engine.operators import Operator
from tests.simulation.engine.outages import Outages
from tests.simulation.engine.place import Place
from tests.simulation.engine.policies import change_policy, draw_policy
from tests.simulation.engine.portal import Portal
from tests.simulation.engine.quarrels import Quarrels
from tests.simulation.engine.slips import Slips
from tests.simulation.engine.telling import Tale
from tests.simulation.engine.world import Refused, World
from tests.simulation.small_world import PROFILES
from tests.simulation.virtual_time import VirtualLoop

_STARTS: Final = (
    datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC),
    datetime(2026, 3, 28, 13, 0, 0, 250_000, tzinfo=UTC),  # the night in which the clocks go forward
    datetime(2026, 10, 24, 13, 0, 0, 250_000, tzinfo=UTC),  # and back
)
_SETTLE: Final = timedelta(minutes=5)
_SWEEPS_AT_MOST: Final = 6
_LONG: Final = 0.2
"""How many of the histories may be twice as long as the others."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one seed came to. `digest` is the trace's: equal for equal stories. `counts` say what happened how often."""

    seed: int
    violations: tuple[Violation, ...]
    trace: tuple[str, ...]
    digest: str
    counts: Counter[str]
    cpu_seconds: float

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations


def run_seed(seed: int) -> Verdict:
    """Runs one simulation. For code outside any event loop."""
    began = time.process_time()
    loop = VirtualLoop()
    loop.set_task_factory(mortal_tasks)
    # Graph's client takes its jitter from the module's own dice.
    before = random.getstate()
    random.seed(seed)
    try:
        book = loop.run_until_complete(_simulated(seed))
    finally:
        random.setstate(before)
        loop.close()
    counts = Counter(book.counts)
    return Verdict(seed, tuple(book.violations), tuple(book.lines), book.digest(), counts, time.process_time() - began)


async def _simulated(seed: int) -> Book:
    simulation = Simulation(seed)
    try:
        await simulation.play()
    finally:
        await simulation.close()
    return simulation.book


class Simulation:
    """One seed's world, processes and people."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed}:story")
        rng = random.Random(f"{seed}:world")
        start = rng.choice(_STARTS) + timedelta(seconds=rng.randrange(3600))
        self.world = World(rng, start, draw_world(rng, people=rng.randint(4, 6)))
        self.book = Book(self.world.now)
        self.weather = Weather(random.Random(f"{seed}:weather"))
        self.weather.counts = self.book.counts
        self.weather.calm = True
        self.post = Post(self.world.now, rng)
        self._sweep_hours = rng.choice((1, 3, 3, 6))
        catalogue_hours = max(3, self._sweep_hours)
        self.judge = Judge(self.world, self.post, self.book, timedelta(hours=catalogue_hours, minutes=15), _SETTLE)
        self.ledger, self.state = Store(self.judge.stored), Store(self.judge.stored)
        self.people = People(self.world, self.judge, random.Random(f"{seed}:people"), later=self._later)
        self.portal = Portal(self.world, self.judge, random.Random(f"{seed}:portal"))
        self.oddities = Oddities(self.world, self.judge, random.Random(f"{seed}:oddities"))
        self.slips = Slips(self.world, self.judge, random.Random(f"{seed}:slips"), later=self._later)
        self.mishaps = Mishaps(
            self.world,
            self.judge,
            self.portal,
            self.weather,
            self.post,
            self.ledger,
            self._rng,
            lambda: self.fleet.some_process(),  # noqa: PLW0108 - there is no fleet yet
            lambda: self.fleet.sweep(),  # noqa: PLW0108 - nor here
            self._behind,
        )
        self.operator = Operator(
            self.judge,
            self._rng,
            told_again=lambda person: self._happen("told-again", lambda: self.people.told_again(person)),
            overtake=lambda person: self._happen("overtake", lambda: self.people.overtake(person, self.fleet.policy)),
        )
        self.judge.on_update = self.mishaps.meddle
        policy = draw_policy(rng)
        self.judge.shrinks_by = random.Random(f"{seed}:settings").choice((5, 2))
        settings = {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "SWEEP_SCHEDULE": f"0 0 */{self._sweep_hours} * * *",
            "INVOICE_ACCESS_POPULATION_SHRINK_PEOPLE": str(self.judge.shrinks_by),
        }
        place = Place(
            self.world,
            self.post,
            self.ledger,
            self.state,
            self.weather,
            self.book,
            self.judge,
            settings,
            sessions=rng.choice((2, 8, 32)),
        )
        self._switches = draw_switches(random.Random(f"{seed}:switches"))
        self.fleet = Fleet(place, self._rng, policy, self._behind)
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._rest: Coroutine[Any, Any, None] | None = None
        self._rests = False
        self._outages = Outages(
            self.world,
            self.judge,
            self.ledger,
            self.state,
            self.fleet,
            self.operator,
            self._rng,
            self._behind,
            rest=self._rest_for,
            somebody_leaves=lambda: self._unless_quiet("leave", self.people.leave),
            somebody_is_told_of=lambda: self._unless_quiet("idle-event", self.people.idle_event),
        )
        self._quarrels = Quarrels(
            self.judge, self.portal, self.fleet, self.operator, self._rng, self._happen, self._behind
        )

    # -- the story

    async def play(self) -> None:
        """Plays it from the beginning to the end."""
        self._behind(self.post.drive())
        for _ in range(self._rng.choice((1, 2, 2, 3))):
            self.fleet.start()
        self.world.billing.switches, self.world.graph.switches = self._switches
        for target, switches in (("billing", self._switches[0]), ("graph", self._switches[1])):
            for name, value in asdict(switches).items():
                self.book.count(f"switch:{target}.{name}={value}")
        self.fleet.sweep()
        await asyncio.sleep(self._rng.uniform(5, 120))
        if (command := self.operator.at_first()) is not None:
            await self.fleet.decide(command)
        await asyncio.sleep(self._rng.uniform(5, 1800))
        self.weather.calm = False
        self._behind(self._timer())
        longest = 28 if self._rng.random() < _LONG else 14
        for _ in range(self._rng.randint(6, longest)):
            gap = self._rng.choice(((0, 5), (0, 5), (5, 120), (5, 120), (120, 900), (900, 7200)))
            await asyncio.sleep(self._rng.uniform(*gap))
            self._step()
            if self._rest is not None:
                rest, self._rest = self._rest, None
                self._rests = True
                await rest
                self._rests = False
        await self._quarrels.over()
        await self._quieten()

    def _step(self) -> None:
        """The next thing happens."""
        kinds: dict[str, tuple[int, Callable[[], Any]]] = {
            **self.people.kinds(),
            **self.portal.kinds(),
            **self.oddities.kinds(),
            **self.slips.kinds(),
            **self.mishaps.kinds(),
            **self._outages.kinds(),
            **self._own_kinds(),
        }
        name = self._rng.choices([*kinds], [weight for weight, _ in kinds.values()])[0]
        self._happen(name, kinds[name][1])

    def _rest_for(self, rest: Coroutine[Any, Any, None]) -> None:
        """Has the story wait for something, during which no timer fires: days of sweeps would tell nothing new."""
        self._rest = rest

    def _later(self, seconds: float, act: Callable[[], list[Tale]]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            self._unless_quiet("and again", act)

        self._behind(wait())

    def _unless_quiet(self, name: str, act: Callable[[], Any]) -> None:
        if not self.weather.calm:
            self._happen(name, act)

    def _happen(self, name: str, act: Callable[[], Any]) -> None:
        try:
            found = act()
        except Refused as refused:
            self.book.say("people", f"{name} is not possible: {str(refused)[:120]}")
            return
        self.book.count(f"step:{name}")
        self.book.say("people", name)
        for tale in found or ():
            self._tell(tale)

    def _own_kinds(self) -> dict[str, tuple[int, Callable[[], Any]]]:
        return {
            "sweep-by-hand": (2, self.fleet.sweep),
            "policy-changed": (2, self._change_policy),
            "flag-unsaid": (1, self._unsay),
            "profile-fought-over": (2, self._quarrels.begin),
            "operator": (10, lambda: self._behind(self.fleet.decide(self.operator.something()))),
        }

    async def _quieten(self) -> None:
        """Faults stop, people rest, and sweeps follow each other until two in a row found the pause off."""
        self.book.say("story", "quiet")
        self.weather.calm = True
        self.world.turn(
            create_seconds=self._switches[0].create_seconds,
            create_polls=self._switches[0].create_polls,
            update_seconds=self._switches[0].update_seconds,
            update_polls=self._switches[0].update_polls,
            operation_failure_status=None,
        )
        self.portal.give_our_roles_back()
        self.judge.clocks_moved = self.world.now()
        self.fleet.recover()
        await self.post.back()
        await self._outages.over()
        await asyncio.sleep(max(0.0, (self.world.tokens_refused_until - self.world.now()).total_seconds()))
        wait = max(_SETTLE, timedelta(hours=self.fleet.policy.grace_hours)) + timedelta(minutes=25)
        await asyncio.sleep(20 * 60)
        good = 0
        for _ in range(_SWEEPS_AT_MOST):
            if self.judge.pauses.active:
                good = 0
                await self.fleet.decide(self.operator.resume)
            self.fleet.sweep()
            await asyncio.sleep(wait.total_seconds())
            good += not self.judge.pauses.active
            if good == 2:
                break
        else:
            self.book.violate("pause_clears", f"it is on again and again: {sorted(map(str, self.judge.pauses.active))}")
        aftermath.compare(self.judge, self.fleet.policy)
        aftermath_of_holds.judge_holds(self.judge, self.fleet.policy)
        aftermath.account_for_events(self.judge)
        await aftermath.verify_chains(self.judge, RowsLedger(self.ledger.rows))

    def _unsay(self) -> None:
        """A profile is opted out, a sweep finds it, and when it is checked it no longer says whether it is."""
        profile = self._rng.choice(PROFILES)
        self.portal.opt_out(profile)
        self.fleet.sweep()
        self._later(self._rng.uniform(5, 280), lambda: self.portal.unsay(profile))

    def _change_policy(self) -> None:
        what, self.fleet.policy = change_policy(self.fleet.policy, self._rng)
        self.book.count(f"policy:{what}")
        self._behind(self.fleet.deploy(gently=self._rng.random() < 0.5))

    async def _timer(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_hours * 3600)
            if not (self.weather.calm or self._rests):
                self.fleet.sweep()

    # -- what is told

    def _tell(self, tale: Tale) -> None:
        strikes = self.weather.strikes
        if strikes(Fault.EVENT_LOST):
            return
        late = self._rng.uniform(30, 4000) if strikes(Fault.EVENT_LATE) else 0.0
        if strikes(Fault.EVENTS_SWAPPED):
            late += self._rng.uniform(0, 30)
        self._behind(self._put(tale, late))
        if strikes(Fault.EVENT_TWICE):
            self._behind(self._put(tale, late + self._rng.choice((0.0, 1.0, 900.0))))

    async def _put(self, tale: Tale, after: float) -> None:
        await asyncio.sleep(after)
        await self.post.back()
        self.judge.told.setdefault(tale.body, []).append(tale.told(self.world.now()))
        self.post.events.send(Message(tale.body))

    # -- keeping house

    def _behind(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # In a context of its own: whoever calls this may be dying, and what dies begins nothing.
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def close(self) -> None:
        """Ends everything, and lets go of it."""
        self.book.seal()
        for task in [*self._tasks]:
            task.cancel()
        await self.fleet.close()
        await self.ledger.close()
        await self.state.close()


def coverage(verdicts: list[Verdict]) -> Mapping[str, int]:
    """What happened how often over many seeds."""
    return sum((verdict.counts for verdict in verdicts), Counter[str]())
