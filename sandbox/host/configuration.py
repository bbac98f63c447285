"""`host.json` as this host reads it, with the platform's defaults.

What may live here: the few settings of host.json that this host acts on, and their reading. Settings it does
not know are left alone, as the platform does; settings it knows with a value that cannot be are an error.

Defaults follow ServiceBusOptions of the Service Bus extension 5.x and the host.json reference of Functions
4.x.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.misfits import lines

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,7}))?")


class ConfigurationError(Exception):
    """The app's configuration cannot be used; the text names the place and the remedy."""


def parse_time_span(text: Any) -> timedelta | None:
    """A .NET time span, `[d.]hh:mm:ss[.fffffff]`; None for `-1`, which means without limit.

    Raises:
        ValueError: it is not a time span.
    """
    if isinstance(text, str) and text.strip() == "-1":
        return None
    found = _TIME_SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"write a time span like 00:05:00, not {text!r}")
    days, hours, minutes, seconds, fraction = found.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:  # noqa: PLR2004 - a clock's own figures
        raise ValueError(f"{text!r} is no time: hours go to 23, minutes and seconds to 59; write days as 1.00:00:00")
    return timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or "0").ljust(7, "0")[:6]),
    )


def _bounded_time_span(text: Any) -> timedelta:
    if isinstance(text, timedelta):
        return text
    span = parse_time_span(text)
    if span is None:
        raise ValueError("this one needs a limit, -1 is none")
    return span


def _time_span(text: Any) -> timedelta | None:
    return text if isinstance(text, timedelta) else parse_time_span(text)


type TimeSpan = Annotated[timedelta, BeforeValidator(_bounded_time_span)]
type TimeLimit = Annotated[timedelta | None, BeforeValidator(_time_span)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class ServiceBusOptions(_Part):
    """How queue triggers take messages; `extensions.serviceBus` of host.json."""

    prefetch_count: int = Field(default=0, ge=0)
    """Messages taken ahead of need. This host takes none ahead whatever the number, which is what 0 means."""
    auto_complete_messages: bool = True
    """Complete on success, abandon on failure; a trigger may say otherwise for itself."""
    max_auto_lock_renewal_duration: TimeSpan = timedelta(minutes=5)
    """How long a lock is kept alive: a message's from its receive, a session's from its acceptance. Not for batches.

    There is no value for "without end": the extension refuses a negative one."""
    max_concurrent_calls: int = Field(default=16, ge=1)
    """Runs at once of a function on single messages without sessions."""
    max_concurrent_sessions: int = Field(default=8, ge=1)
    """Sessions held at once by a function on single messages."""
    max_concurrent_calls_per_session: int = Field(default=1, ge=1)
    """Runs at once within one session; more than one gives up their order."""
    session_idle_timeout: TimeSpan = timedelta(minutes=1)
    """How long after the last receive a session without messages is kept."""
    max_message_batch_size: int = Field(default=1000, ge=1)
    """The most messages in one run of a function on batches."""


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What this host takes from host.json.

    `function_timeout` is the longest a run may take before its worker process is ended, None for no limit.
    `route_prefix` stands before every HTTP route and may be empty.
    """

    function_timeout: timedelta | None = timedelta(minutes=30)
    service_bus: ServiceBusOptions = field(default_factory=ServiceBusOptions)
    route_prefix: str = "api"


class _Http(_Part):
    route_prefix: str = "api"


class _Extensions(_Part):
    service_bus: ServiceBusOptions = ServiceBusOptions()
    http: _Http = _Http()


class _HostJson(_Part):
    version: Literal["2.0"]
    function_timeout: TimeLimit = HostOptions().function_timeout
    extensions: _Extensions = _Extensions()


def read_host_json(path: Path) -> HostOptions:
    """The options in the host.json at `path`.

    Raises:
        ConfigurationError: there is none, or it is not one; every mistake is named with its place.
    """
    try:
        found = _HostJson.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f'{path} is missing: a function app has one, at least {{"version": "2.0"}}') from None
    except ValidationError as refusal:
        raise ConfigurationError(f"{path}: {'; '.join(lines(refusal, 'host.json'))}") from None
    return HostOptions(found.function_timeout, found.extensions.service_bus, found.extensions.http.route_prefix)
