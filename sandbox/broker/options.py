"""How a queue behaves: the properties a Service Bus queue is created with, and the service's fixed limits."""

from dataclasses import dataclass
from datetime import timedelta

MAX_MESSAGE_BYTES = 256 * 1024
"""Largest message, batch and session state of the Standard tier (Service Bus quotas page)."""

MAX_ID_CHARACTERS = 128
"""Longest message id, session id and partition key (Service Bus quotas page)."""

DEAD_LETTER_SUFFIX = "/$deadletterqueue"
"""Follows a queue's name in the name of its dead-letter queue; compared without regard to case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """The properties of one queue; defaults are the service's own.

    `max_delivery_count` is the number of deliveries after which a message is dead-lettered, None for never
    (only a dead-letter queue is like that). `default_time_to_live` None means for ever.
    """

    name: str
    requires_session: bool = False
    lock_duration: timedelta = timedelta(minutes=1)
    max_delivery_count: int | None = 10
    default_time_to_live: timedelta | None = None
    requires_duplicate_detection: bool = False
    duplicate_detection_window: timedelta = timedelta(minutes=10)
    dead_lettering_on_message_expiration: bool = False
