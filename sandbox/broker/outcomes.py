"""What becomes of a delivery: the AMQP outcomes, and what each does to a message of a queue.

The mapping is Service Bus's ("AMQP 1.0 in Azure Service Bus protocol guide", settlement).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sandbox.broker.amqp_types import AmqpError, Described, ULong, fields_of
from sandbox.broker.errors import BrokerError
from sandbox.broker.frames import error
from sandbox.broker.queue import Queue

RECEIVED = 0x23
"""Not an outcome yet: the receiver says how far it has come."""

_ACCEPTED = 0x24
_REJECTED = 0x25
_RELEASED = 0x26
_MODIFIED = 0x27

ACCEPTED = Described(ULong(_ACCEPTED), [])
"""The delivery was taken."""


def rejected(condition: str, description: str) -> Described:
    """The delivery was refused, and why."""
    return Described(ULong(_REJECTED), [error(condition, description)])


def settle(queue: Queue, lock_token: UUID, outcome: Described | None) -> Described:
    """Do to a locked message what its receiver's outcome says; returns the outcome to confirm.

    That is the same kind of outcome, bare; or a rejection with the reason why it could not be applied (a lost
    lock, most often). A dead letter's rejection must not repeat its error, by which clients know a refusal.
    Raises `AmqpError` for something that is no outcome.
    """
    try:
        _apply(queue, lock_token, outcome)
    except BrokerError as refusal:
        return rejected(refusal.condition, str(refusal))
    return Described(ULong(_RELEASED) if outcome is None else outcome.descriptor, [])


def _apply(queue: Queue, lock_token: UUID, outcome: Described | None) -> None:
    if outcome is None or outcome.descriptor == _RELEASED:
        queue.release(lock_token)
        return
    fields = fields_of(outcome)
    if outcome.descriptor == _ACCEPTED:
        queue.complete(lock_token)
    elif outcome.descriptor == _REJECTED:
        reason, description, others = _rejection(fields)
        queue.dead_letter(lock_token, reason, description, others)
    elif outcome.descriptor == _MODIFIED:
        failed, elsewhere, changed = [*fields, None, None, None][:3]
        properties = _named(changed)
        if elsewhere:
            queue.defer(lock_token, properties)
        elif failed:
            queue.abandon(lock_token, properties)
        else:
            queue.release(lock_token)
    else:
        raise AmqpError("amqp:invalid-field", f"{outcome.descriptor!r} is not an outcome.")


def _rejection(fields: list[Any]) -> tuple[str | None, str | None, dict[str, Any]]:
    """Reason, description and other properties from the error of a rejected outcome."""
    problem = fields[0] if fields else None
    parts = fields_of(problem) if isinstance(problem, Described) else []
    _, described, details = [*parts, None, None, None][:3]
    others = _named(details)
    reason = others.pop("DeadLetterReason", None)
    description = others.pop("DeadLetterErrorDescription", described)
    return _text(reason), _text(description), others


def _named(pairs: Any) -> dict[str, Any]:
    return {str(name): value for name, value in pairs.items()} if isinstance(pairs, Mapping) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
