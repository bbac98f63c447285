"""What the broker refuses, in Service Bus's words.

Each error carries the AMQP condition under which the service reports it. No other module invents a condition.
"""

from typing import ClassVar


class BrokerError(Exception):
    """A refusal by the broker.

    `condition` is the AMQP error symbol a client gets; `status` the code of the same refusal in an answer of
    `$management`.

        BrokerError
        +-- EntityNotFound
        +-- EntityDisabled
        +-- EntityExists
        +-- InvalidOperation
        +-- MessageTooLarge
        +-- MessageNotFound
        +-- LockLost
        |   +-- SessionLockLost
        +-- SessionCannotBeLocked
    """

    condition: ClassVar[str] = "amqp:internal-error"
    status: ClassVar[int] = 500


class EntityNotFound(BrokerError):  # noqa: N818 - the service's own word
    """There is no queue of that name."""

    condition = "amqp:not-found"
    status = 404


class EntityDisabled(BrokerError):  # noqa: N818 - the service's own word
    """Somebody switched the queue off: it keeps what it has, and nobody sends or receives."""

    condition = "com.microsoft:entity-disabled"
    status = 403


class EntityExists(BrokerError):  # noqa: N818 - the service's own word
    """There is a queue of that name already."""

    condition = "com.microsoft:entity-already-exists"
    status = 409


class InvalidOperation(BrokerError):  # noqa: N818 - the service's own word
    """The queue cannot do this, whoever asks: no session id given, no session asked for, and the like."""

    condition = "amqp:not-allowed"
    status = 400


class MessageTooLarge(BrokerError):  # noqa: N818 - the service's own word
    """A message, a batch or a session state is larger than the service takes."""

    condition = "amqp:link:message-size-exceeded"
    status = 413


class MessageNotFound(BrokerError):  # noqa: N818 - the service's own word
    """No scheduled or deferred message has that sequence number."""

    condition = "com.microsoft:message-not-found"
    status = 404


class LockLost(BrokerError):  # noqa: N818 - the service's own word
    """The message is not locked under this token any more: it ran out, or was settled before."""

    condition = "com.microsoft:message-lock-lost"
    status = 410


class SessionLockLost(LockLost):
    """The session is not locked by this holder any more, and so none of its messages."""

    condition = "com.microsoft:session-lock-lost"


class SessionCannotBeLocked(BrokerError):  # noqa: N818 - the service's own word
    """Somebody else holds the session."""

    condition = "com.microsoft:session-cannot-be-locked"
    status = 409
