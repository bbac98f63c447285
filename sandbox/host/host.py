"""The Functions host: gives a running app what its triggers have.

What may live here: loading an app's triggers, feeding its worker, and what becomes of each run. The rules of
each trigger are in `pump`, `timers` and `routes`, the worker's life is in `supervision`, the doors for people
are in `admin`. Nothing is dispatched while no worker has the app indexed.
"""

import asyncio
import contextlib
import logging
import secrets
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.broker.model import Broker, BrokerError, Delivery, Message, MessageState
from sandbox.host.bindings import (
    Function,
    HttpTrigger,
    QueueTrigger,
    RetryPolicy,
    Settings,
    TimerTrigger,
    read_functions,
)
from sandbox.host.configuration import HostOptions, read_host_json
from sandbox.host.frames import Invocation, Outcome
from sandbox.host.message_metadata import BindingFailed, message_batch, one_message
from sandbox.host.process import AppLog, IndexedFunction, WorkerGoneError, WorkerProcess
from sandbox.host.pump import Dispatch, QueuePump
from sandbox.host.routes import Keys, Matched, Routes, as_response
from sandbox.host.supervision import HostState, Supervisor
from sandbox.host.timers import Monitors, TimerPump
from sandbox.wire import Clock, Request, Response

_logger = logging.getLogger(__name__)

_LAST_RUNS_SECONDS = 0.2
"""How long runs have to notice that their worker is gone."""


class HostStartError(Exception):
    """The host could not start the app; the text says why."""


class NoSuchFunctionError(Exception):
    """The app has no function of that name."""


class NotRunningError(Exception):
    """The host is not running the app now."""


@dataclass(slots=True)
class Tally:
    """What happened to one function so far."""

    invocations: int = 0
    failures: int = 0
    running: int = 0
    last_error: str = ""


@dataclass(slots=True)
class _Loaded:
    """An indexed app with the pumps that feed it."""

    functions: dict[str, Function]
    queues: list[QueuePump] = field(default_factory=list)
    timers: dict[str, TimerPump] = field(default_factory=dict)
    routes: Routes | None = None
    turns: dict[str, asyncio.Lock] = field(default_factory=dict)


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class FunctionsHost:
    """One function app on this machine.

    `settings` is asked anew at every start of a worker, so that what it renders is fresh. `broker` holds the
    queues; its clock and this one should be the same. Lines of the app's log go to `state_directory`/app.log
    and to `echo`.
    """

    def __init__(
        self,
        app_directory: Path,
        settings: Callable[[], Mapping[str, str]],
        broker: Broker,
        state_directory: Path,
        *,
        clock: Clock = utc_now,
        keys: Keys | None = None,
        echo: Callable[[str], None] | None = None,
        silent_start: bool = False,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.app_directory = app_directory
        self.keys = keys or Keys(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        self.log = AppLog(state_directory / "app.log", echo)
        self.supervisor = Supervisor(self, self.log, silent=silent_start)
        self.started_at = clock()
        self.tallies: dict[str, Tally] = {}
        self._settings = settings
        self._broker = broker
        self._clock = clock
        self._options = HostOptions()
        self._resolved = Settings({})
        self._monitors = Monitors()
        self._loaded: _Loaded | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._runs: set[asyncio.Task[Any]] = set()

    @property
    def state(self) -> HostState:
        """What the host is doing."""
        return self.supervisor.state

    @property
    def worker(self) -> WorkerProcess | None:
        """The worker process, while there is one."""
        return self.supervisor.worker

    @property
    def route_prefix(self) -> str:
        """What stands before the app's HTTP routes."""
        return self._options.route_prefix

    def uptime_seconds(self) -> float:
        """How long this host has existed."""
        return (self._clock() - self.started_at).total_seconds()

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts the worker and returns when the app is indexed and being fed.

        Raises:
            HostStartError: the app cannot be started; the host has stopped again.
        """
        self._tasks = [
            asyncio.create_task(self.supervisor.run(), name="host-supervision"),
            asyncio.create_task(self._feed(), name="host-feeding"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._broke)
        try:
            await self.supervisor.settled()
        except asyncio.CancelledError:
            await self.stop(grace_seconds=0.0)
            raise
        if self.state is HostState.ERROR:
            errors = "\n".join(self.supervisor.errors)
            await self.stop(grace_seconds=0.0)
            raise HostStartError(errors)

    def _broke(self, task: asyncio.Task[None]) -> None:
        """The host's own tasks end only when they are stopped; anything else is a bug, and said."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            _logger.error("the host failed in %s", task.get_name(), exc_info=bug)
            self.supervisor.fail(f"the host itself failed: {bug!r}")

    async def stop(self, grace_seconds: float = 0.5) -> None:
        """Takes nothing new, gives what runs `grace_seconds` to end, then ends the worker."""
        self.supervisor.pause()
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.supervisor.close(grace_seconds)
        await self.let_go()
        self.log.close()

    async def restart(self, grace_seconds: float = 2.0) -> None:
        """Ends the worker and starts the app afresh; returns when that has succeeded or failed.

        What runs has `grace_seconds` to end first.
        """
        self.supervisor.pause()
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace_seconds)
        await self.supervisor.start_afresh(grace_seconds)

    # --- the app --------------------------------------------------------------------------------------------

    async def open_worker(self) -> WorkerProcess:
        """A worker process on the app, with host.json and settings as they are now.

        Raises:
            ConfigurationError: one of the two cannot be used.
        """
        options = read_host_json(self.app_directory / "host.json")
        if options != self._options:
            await self.let_go()
            self._options = options
        values = dict(self._settings())
        self._resolved = Settings(values)
        return await WorkerProcess.start(self.app_directory, values, self.log)

    async def take(self, indexed: Sequence[IndexedFunction]) -> None:
        """Makes the triggers of an app that was indexed; those of the same app stay as they are.

        Raises:
            BindingError: a function cannot be run here.
        """
        found = read_functions(indexed, self._resolved, self._known_queues())
        functions = {function.name: function for function in found}
        if self._loaded is None or self._loaded.functions != functions:
            await self.let_go()
            self._loaded = self._load(functions)
        self._changed.set()

    def _known_queues(self) -> dict[str, bool]:
        known: dict[str, bool] = {}
        for queue in self._broker.queues():
            known[queue.options.name.casefold()] = queue.options.requires_session
            if queue.dead_letters is not None:
                known[queue.dead_letters.options.name.casefold()] = False
        return known

    def _load(self, functions: dict[str, Function]) -> _Loaded:
        loaded = _Loaded(
            functions,
            routes=Routes(
                [found for found in functions.values() if not found.disabled],
                self._options.route_prefix,
                self.keys,
            ),
        )
        for function in functions.values():
            self.tallies.setdefault(function.name, Tally())
            loaded.turns[function.name] = asyncio.Lock()
            if function.disabled:
                continue
            match function.trigger:
                case QueueTrigger(queue=name):
                    loaded.queues.append(
                        QueuePump(
                            function,
                            self._broker.queue(name),
                            self._options.service_bus,
                            clock=self._clock,
                            new_id=_new_id,
                            on_change=self._changed.set,
                        )
                    )
                case TimerTrigger():
                    loaded.timers[function.name] = TimerPump(function, self._monitors, clock=self._clock)
        return loaded

    async def let_go(self) -> None:
        """Lets go of the app's triggers, when no worker is left and so what ran has failed."""
        if self._runs:
            await asyncio.wait(self._runs, timeout=_LAST_RUNS_SECONDS)
        # What is left waits for its next retry, which this app will not see.
        for run in self._runs:
            run.cancel()
        if self._runs:
            await asyncio.wait(self._runs)
        if self._loaded is not None:
            for pump in self._loaded.queues:
                pump.close()
            self._loaded = None

    # --- feeding --------------------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while True:
            self._changed.clear()
            loaded = self._loaded
            moments: list[datetime | None] = []
            if loaded is not None:
                for pump in loaded.queues:
                    pump.keep()
                    if self.supervisor.ready:
                        for dispatch in pump.poll():
                            self._begin(self._run_messages(pump, dispatch), dispatch.id)
                    moments.append(pump.next_moment())
                if self.supervisor.ready:
                    for timer in loaded.timers.values():
                        if timer.poll():
                            self._begin(self._run_tick(loaded, timer), timer.function.name)
                        moments.append(timer.next_moment())
            soonest = min((moment for moment in moments if moment is not None), default=None)
            wait = None if soonest is None else max((soonest - self._clock()).total_seconds(), 0.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def _begin(self, run: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(run, name=f"run {name}")
        self._runs.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._runs.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            # Not a failure of the app, which is an outcome, but of this host: say so where it is seen.
            _logger.error("the host failed in %s", task.get_name(), exc_info=bug)

    async def _run_messages(self, pump: QueuePump, dispatch: Dispatch) -> None:
        ok = False
        try:
            ok = (await self._invoke(pump.function, dispatch.invocation())).ok
        except BindingFailed as failed:
            self._count_failure(pump.function, dispatch.id, str(failed))
        finally:
            pump.settle(dispatch, ok=ok)

    async def _run_tick(self, loaded: _Loaded, timer: TimerPump) -> None:
        async with loaded.turns[timer.function.name]:
            await self._run_timer(timer)

    async def _run_timer(self, timer: TimerPump) -> Outcome:
        function = timer.function
        value = timer.begin()
        retry = 0
        policy = function.retry or RetryPolicy(0, 0.0, 0.0)
        try:
            while True:
                outcome = await self._invoke(
                    function,
                    Invocation(
                        _new_id(),
                        function.id,
                        ((function.parameter, value),),
                        retry_count=retry,
                        max_retry_count=policy.max_retry_count,
                    ),
                )
                if outcome.ok or (0 <= policy.max_retry_count <= retry):
                    return outcome
                retry += 1
                await asyncio.sleep(policy.delay_seconds(retry))
        finally:
            timer.finish()
            self._changed.set()

    async def _invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Runs one function once; every way it can fail is an outcome."""
        tally = self.tallies[function.name]
        tally.invocations += 1
        tally.running += 1
        try:
            outcome = await self._on_worker(function, invocation)
            if outcome.ok:
                outcome = self._send_outputs(function, outcome)
        finally:
            tally.running -= 1
        if not outcome.ok:
            self._count_failure(function, invocation.id, outcome.error)
        return outcome

    def _count_failure(self, function: Function, run_id: str, error: str) -> None:
        tally = self.tallies[function.name]
        tally.failures += 1
        tally.last_error = error
        _logger.warning("%s failed, run %s: %s", function.name, run_id, error)

    async def _on_worker(self, function: Function, invocation: Invocation) -> Outcome:
        worker = self.worker
        if worker is None:
            return Outcome(ok=False, error="no worker process is running")
        limit = self._options.function_timeout
        try:
            async with asyncio.timeout(None if limit is None else limit.total_seconds()):
                return await worker.invoke(invocation)
        except WorkerGoneError as gone:
            return Outcome(ok=False, error=str(gone))
        except TimeoutError:
            _logger.error(  # noqa: TRY400 - where the time ran out in the host is of no use to anybody
                "%s ran longer than functionTimeout (%s): ending the worker process", function.name, limit
            )
            worker.kill()
            return Outcome(ok=False, error=f"Timeout value of {limit} was exceeded by function: {function.name}")

    def _send_outputs(self, function: Function, outcome: Outcome) -> Outcome:
        bound = dict(outcome.outputs)
        if "$return" in function.outputs:
            bound["$return"] = outcome.returned
        try:
            for name, datum in bound.items():
                if datum.kind is not None:
                    body = datum.value if isinstance(datum.value, bytes) else str(datum.value).encode()
                    self._broker.queue(function.outputs[name]).send(Message(body=body))
        except BrokerError as refused:
            return Outcome(ok=False, error=f"the output could not be sent: {refused}")
        return outcome

    # --- on demand ------------------------------------------------------------------------------------------

    def functions(self) -> dict[str, Function]:
        """The functions of the app as last indexed, by name."""
        return self._loaded.functions if self._loaded is not None else {}

    def run_now(self, name: str, text: str) -> asyncio.Task[Outcome]:
        """Begins a run of a timer function, or of a queue function on a body of `text`.

        The task ends with the run. A timer never runs twice at once: a run asked for during another one follows it.

        Raises:
            NotRunningError: no app is running now.
            NoSuchFunctionError: there is no such function.
            ValueError: it is an HTTP function, which is called over HTTP.
        """
        loaded = self._loaded
        if loaded is None or not self.supervisor.ready:
            said = "; ".join(self.supervisor.errors)
            raise NotRunningError(said or f"the host is not running the app (state {self.state})")
        known = {key.casefold(): function for key, function in loaded.functions.items()}
        function = known.get(name.casefold())
        if function is None:
            raise NoSuchFunctionError(f"the app has no function {name!r}; it has: {', '.join(loaded.functions)}")
        if isinstance(function.trigger, HttpTrigger):
            said = f"'{function.name}' has an HTTP trigger: call its route"
            raise ValueError(said)  # noqa: TRY004 - the type that is wrong is a function's, not an argument's
        run = asyncio.create_task(self._run_by_hand(loaded, function, text), name=f"run by hand {function.name}")
        self._runs.add(run)
        run.add_done_callback(self._ended)
        return run

    async def _run_by_hand(self, loaded: _Loaded, function: Function, text: str) -> Outcome:
        trigger = function.trigger
        if isinstance(trigger, TimerTrigger):
            async with loaded.turns[function.name]:
                # A disabled timer has no pump, and can be run by hand all the same.
                timer = loaded.timers.get(function.name) or TimerPump(function, Monitors(), clock=self._clock)
                return await self._run_timer(timer)
        assert isinstance(trigger, QueueTrigger), "HTTP functions are refused before"
        delivery = self._by_hand(text)
        value, metadata = (
            message_batch([delivery], binary=trigger.binary)
            if trigger.batches
            else one_message(delivery, binary=trigger.binary)
        )
        return await self._invoke(
            function, Invocation(_new_id(), function.id, ((function.parameter, value),), metadata)
        )

    def _by_hand(self, text: str) -> Delivery:
        """A message that was on no queue, for a run by hand."""
        now = self._clock()
        return Delivery(
            message=Message(body=text.encode(), message_id=uuid.uuid4().hex),
            sequence_number=0,
            enqueued_sequence_number=0,
            delivery_count=0,
            enqueued_at=now,
            expires_at=None,
            state=MessageState.ACTIVE,
            lock_token=uuid.UUID(int=0),
            locked_until=now + timedelta(minutes=1),
        )

    async def answer(self, request: Request) -> Response:
        """The answer of the app's HTTP function for `request`, or the refusal."""
        loaded = self._loaded
        not_running = Response(503, {"content-type": "text/plain"}, b"Function host is not running.")
        if loaded is None or loaded.routes is None or self.state is not HostState.RUNNING:
            return not_running
        matched = loaded.routes.match(request)
        if not isinstance(matched, Matched):
            return matched
        if not self.supervisor.ready:
            return not_running
        outcome = await self._invoke(
            matched.function,
            Invocation(_new_id(), matched.function.id, ((matched.function.parameter, matched.value),)),
        )
        return as_response(outcome.returned) if outcome.ok else Response(500)


def _new_id() -> str:
    return str(uuid.uuid4())
