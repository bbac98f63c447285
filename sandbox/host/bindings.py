"""What an indexed function asks for: its trigger and outputs, read from the worker library's raw bindings.

What may live here: the reading of bindings and of `%SETTING%` in them. Acting on them is for `pump`, `timers`
and `routes`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.host.process import IndexedFunction
from sandbox.host.schedule import Schedule, ScheduleError

_SETTING = re.compile(r"%([^%\s]+)%")

_HTTP_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")


class BindingError(Exception):
    """Functions that this host cannot run as they are declared; one line each."""


class Settings:
    """The app settings, read as the platform reads them: without regard to the case of their names."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values = {name.casefold(): value for name, value in settings.items()}

    def get(self, name: str) -> str | None:
        """The value of a setting, or None when it is not set."""
        return self._values.get(name.casefold())

    def has_connection(self, name: str) -> bool:
        """Whether a connection of that name is set, as a connection string or part by part (`name__part`)."""
        prefixes = (f"{name.casefold()}__", f"{name.casefold()}:")
        return name.casefold() in self._values or any(known.startswith(prefixes) for known in self._values)

    def resolve(self, text: str) -> str:
        """`text` with every `%NAME%` replaced by that setting.

        Raises:
            BindingError: a setting is not there.
        """

        def value(found: re.Match[str]) -> str:
            setting = self.get(found[1])
            if setting is None:
                raise BindingError(f"'%{found[1]}%' does not resolve to a value: set the app setting {found[1]}")
            return setting

        return _SETTING.sub(value, text)


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """Messages of a Service Bus queue: one by one or in batches, with sessions or without."""

    queue: str
    sessions: bool = False
    batches: bool = False
    binary: bool = False
    auto_complete: bool | None = None


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A schedule; `monitored` ones remember a tick they missed."""

    schedule: Schedule
    run_on_startup: bool = False
    monitored: bool = True


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """A route under the app's prefix, the methods it answers and the key it asks for."""

    route: str
    methods: frozenset[str]
    auth_level: str


type Trigger = QueueTrigger | TimerTrigger | HttpTrigger


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A function's own retries: how many at most (-1 without end), and the delays between them in seconds."""

    max_retry_count: int
    minimum_seconds: float
    maximum_seconds: float

    def delay_seconds(self, retry: int) -> float:
        """How long to wait before retry number `retry`, counted from 1."""
        return min(self.minimum_seconds * 2.0 ** min(retry - 1, 32), self.maximum_seconds)


@dataclass(frozen=True, slots=True)
class Function:
    """One function that this host can run: who it is, what starts it, and where what it binds goes.

    `outputs` maps a parameter (or `$return`) to the queue that it is sent to.
    """

    id: str
    name: str
    parameter: str
    trigger: Trigger
    outputs: Mapping[str, str]
    retry: RetryPolicy | None = None
    disabled: bool = False


def read_functions(
    indexed: Iterable[IndexedFunction], settings: Settings, queues: Mapping[str, bool]
) -> tuple[Function, ...]:
    """The functions of an app, ready to run.

    `queues` are the queues there are, by lower-cased name, and whether each requires sessions.

    Raises:
        BindingError: what cannot be run, every function's mistakes at once.
    """
    functions: list[Function] = []
    mistakes: list[str] = []
    for found in indexed:
        try:
            functions.append(_read_function(found, settings, queues))
        except (BindingError, ScheduleError) as mistake:
            mistakes.append(f"The '{found.name}' function is in error: {mistake}")
    if mistakes:
        raise BindingError("\n".join(mistakes))
    return tuple(functions)


def _read_function(found: IndexedFunction, settings: Settings, queues: Mapping[str, bool]) -> Function:
    triggers = [binding for binding in found.bindings if str(binding["type"]).endswith("Trigger")]
    if len(triggers) != 1:
        raise BindingError(f"a function has exactly one trigger, this one has {len(triggers)}")
    binding = triggers[0]
    trigger = _read_trigger(found.name, binding, settings, queues)
    outputs: dict[str, str] = {}
    for other in found.bindings:
        if other is binding or (other["type"] == "http" and other["name"] == "$return"):
            continue
        if other["type"] != "serviceBus" or "queueName" not in other:
            raise BindingError(
                f"this host has no binding '{other['type']}' ({other['name']}); it has serviceBus queues"
            )
        _require_connection(other, settings)
        queue = settings.resolve(str(other["queueName"]))
        if queue.casefold() not in queues:
            raise BindingError(_unknown_queue(queue, queues))
        outputs[str(other["name"])] = queue
    retry = _read_retry(found.retry)
    if retry is not None and not isinstance(trigger, TimerTrigger):
        raise BindingError("retry policies exist for timers only; a queue retries by redelivery")
    disabled = settings.get(f"AzureWebJobs.{found.name}.Disabled") or ""
    return Function(
        id=found.id,
        name=found.name,
        parameter=str(binding["name"]),
        trigger=trigger,
        outputs=outputs,
        retry=retry,
        disabled=disabled.casefold() in {"1", "true"},
    )


def _read_trigger(name: str, binding: Mapping[str, Any], settings: Settings, queues: Mapping[str, bool]) -> Trigger:
    match binding["type"]:
        case "serviceBusTrigger" if "queueName" in binding:
            return _read_queue_trigger(binding, settings, queues)
        case "timerTrigger":
            schedule = Schedule.parse(settings.resolve(str(binding["schedule"])))
            return TimerTrigger(
                schedule=schedule,
                run_on_startup=bool(binding.get("runOnStartup", False)),
                monitored=bool(binding.get("useMonitor", True)),
            )
        case "httpTrigger":
            methods = binding.get("methods") or _HTTP_METHODS
            route = binding.get("route")
            return HttpTrigger(
                route=settings.resolve(str(name if route is None else route)).strip("/"),
                methods=frozenset(str(method).upper() for method in methods),
                auth_level=str(binding.get("authLevel") or "FUNCTION").lower(),
            )
        case other:
            raise BindingError(
                f"this host has no trigger '{other}' of that kind; it has Service Bus queues, timers and HTTP"
            )


def _read_queue_trigger(binding: Mapping[str, Any], settings: Settings, queues: Mapping[str, bool]) -> QueueTrigger:
    _require_connection(binding, settings)
    queue = settings.resolve(str(binding["queueName"]))
    if queue.casefold() not in queues:
        raise BindingError(_unknown_queue(queue, queues))
    sessions = bool(binding.get("isSessionsEnabled", False))
    if sessions != queues[queue.casefold()]:
        raise BindingError(
            f"the queue '{queue}' {'requires' if not sessions else 'has no'} sessions: "
            f"set is_sessions_enabled={not sessions} on the trigger, or change the queue"
        )
    auto_complete = binding.get("autoCompleteMessages")
    return QueueTrigger(
        queue=queue,
        sessions=sessions,
        batches=str(binding.get("cardinality") or "one").casefold() == "many",
        binary=str(binding.get("dataType") or "").casefold() == "binary",
        auto_complete=None if auto_complete is None else bool(auto_complete),
    )


def _require_connection(binding: Mapping[str, Any], settings: Settings) -> None:
    connection = str(binding.get("connection") or "AzureWebJobsServiceBus")
    if not settings.has_connection(connection):
        raise BindingError(
            f"the connection '{connection}' is missing: set {connection}__fullyQualifiedNamespace or {connection}"
        )


def _unknown_queue(queue: str, queues: Iterable[str]) -> str:
    return f"there is no queue '{queue}'; there are: {', '.join(sorted(queues)) or 'none'}"


def _read_retry(options: Mapping[str, Any] | None) -> RetryPolicy | None:
    if options is None:
        return None
    fixed = options.get("delay_interval")
    return RetryPolicy(
        max_retry_count=int(options["max_retry_count"]),
        minimum_seconds=float(fixed if fixed is not None else options["minimum_interval"]),
        maximum_seconds=float(fixed if fixed is not None else options["maximum_interval"]),
    )
