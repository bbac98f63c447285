"""Queues from a file: the official Service Bus emulator's `config.json`, or what a deployment makes its queues from.

Reading and checking only. What the file can say and this broker cannot do is refused, but for topics: they are left
out with a warning, because the official sample file has some.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from sandbox.broker.options import QueueOptions
from sandbox.misfits import lines

_logger = logging.getLogger(__name__)


class QueueConfigError(Exception):
    """A queue file cannot be used; the text lists every mistake with the place where it is."""


def _iso_duration(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("P"):
        raise ValueError("is not an ISO 8601 duration such as PT1M")
    return value


def _at_least_20_seconds_at_most_7_days(window: timedelta) -> timedelta:
    if not timedelta(seconds=20) <= window <= timedelta(days=7):
        raise ValueError("is not between PT20S and P7D")
    return window


def _at_most_5_minutes(duration: timedelta) -> timedelta:
    if duration > timedelta(minutes=5):
        raise ValueError("is longer than PT5M")
    return duration


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("is not longer than nothing")
    return duration


def _none_of(what: str) -> AfterValidator:
    def check(value: Any) -> Any:
        if value:
            raise ValueError(f"asks for {what}, which this broker does not have")
        return value

    return AfterValidator(check)


type _Duration = Annotated[timedelta, BeforeValidator(_iso_duration), AfterValidator(_positive)]


def _capitalised(value: Any) -> Any:
    """An object as the emulator spells it: Resource Manager's names begin with a small letter, and are the same."""
    return {name[:1].upper() + name[1:]: each for name, each in value.items()} if isinstance(value, dict) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _QueueProperties(_Strict):
    """Defaults are those of a queue created in the service; ranges are those of its quotas page."""

    DeadLetteringOnMessageExpiration: bool = False
    DefaultMessageTimeToLive: _Duration | None = None
    DuplicateDetectionHistoryTimeWindow: Annotated[_Duration, AfterValidator(_at_least_20_seconds_at_most_7_days)] = (
        timedelta(minutes=10)
    )
    ForwardDeadLetteredMessagesTo: Annotated[str | None, _none_of("forwarding")] = None
    ForwardTo: Annotated[str | None, _none_of("forwarding")] = None
    LockDuration: Annotated[_Duration, AfterValidator(_at_most_5_minutes)] = timedelta(minutes=1)
    MaxDeliveryCount: Annotated[int, Field(ge=1, le=2000)] = 10
    RequiresDuplicateDetection: bool = False
    RequiresSession: bool = False


class _Queue(_Strict):
    Name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$")]
    Properties: _QueueProperties = _QueueProperties()


class _Namespace(_Strict):
    Name: str
    Queues: list[_Queue] = []
    Topics: list[Any] = []

    @field_validator("Queues")
    @classmethod
    def _names_differ(cls, queues: list[_Queue]) -> list[_Queue]:
        names = [queue.Name.lower() for queue in queues]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names two queues alike: {', '.join(twice)} (case does not count)")
        return queues


class _UserConfig(_Strict):
    Namespaces: Annotated[list[_Namespace], Field(min_length=1, max_length=1)]
    Logging: dict[str, Any] = {}


class _File(_Strict):
    UserConfig: _UserConfig


class _DeployedQueue(_Queue):
    Properties: Annotated[_QueueProperties, BeforeValidator(_capitalised)]


class _Deployed(_Strict):
    queues: list[Annotated[_DeployedQueue, BeforeValidator(_capitalised)]]


def read_queues(file: Path) -> list[QueueOptions]:
    """The queues that a file describes. Raises `QueueConfigError`, also when there is no such file."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueueConfigError(f"Queue file {file} cannot be read: {error}") from error
    return parse_queues(text, origin=str(file))


def parse_queues(text: str, *, origin: str) -> list[QueueOptions]:
    """The queues that a JSON text describes; `origin` names it in `QueueConfigError`."""
    try:
        parsed = _File.model_validate_json(text)
    except ValidationError as error:
        raise QueueConfigError(
            "\n  ".join([f"Queue file {origin} cannot be used:", *lines(error, "the file")])
        ) from error
    if parsed.UserConfig.Namespaces[0].Topics:
        _logger.warning("%s: topics are left out, this broker has queues only", origin)
    return [_options(queue) for queue in parsed.UserConfig.Namespaces[0].Queues]


def read_deployed_queues(file: Path) -> list[QueueOptions]:
    """The queues of a deployment: a list of `name` and `properties`, spelled as Resource Manager does.

    Raises OSError when there is no such file, and ValidationError where the file is wrong: it is this project's own.
    """
    return [_options(queue) for queue in _Deployed.model_validate_json(file.read_text(encoding="utf-8")).queues]


def _options(queue: _Queue) -> QueueOptions:
    properties = queue.Properties
    return QueueOptions(
        name=queue.Name,
        requires_session=properties.RequiresSession,
        lock_duration=properties.LockDuration,
        max_delivery_count=properties.MaxDeliveryCount,
        default_time_to_live=properties.DefaultMessageTimeToLive,
        requires_duplicate_detection=properties.RequiresDuplicateDetection,
        duplicate_detection_window=properties.DuplicateDetectionHistoryTimeWindow,
        dead_lettering_on_message_expiration=properties.DeadLetteringOnMessageExpiration,
    )
