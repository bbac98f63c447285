"""`$management` of a queue: what a client asks for besides sending, receiving and settling.

Operations, their fields and their answers are those of "AMQP 1.0 in Azure Service Bus: request-response-based
operations". Each is a few lines from the request's map to a call of the queue.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sandbox.broker.amqp_types import (
    AmqpError,
    Int,
    Symbol,
    Timestamp,
    array_of_longs,
    array_of_timestamps,
)
from sandbox.broker.errors import BrokerError
from sandbox.broker.messages import Delivery, StoredMessage
from sandbox.broker.queue import Queue
from sandbox.broker.sessions import SessionLock
from sandbox.broker.wire_messages import Request, decode_message, encode_delivery

type FindSession = Callable[[Queue, str], SessionLock]
"""The lock that the asking connection has on a session; raises `SessionLockLost` when it has none."""

_LISTING_ALL = 253402300800000
"""The year 10000, .NET's last moment: clients send it to list sessions whenever their state was set."""

_RECEIVE_AND_DELETE = 0
_OK = 200
_NO_CONTENT = 204


class Management:
    """The management node of one queue, as one connection sees it."""

    def __init__(self, queue: Queue, find_session: FindSession) -> None:
        self._queue = queue
        self._find_session = find_session
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "com.microsoft:renew-lock": self._renew_lock,
            "com.microsoft:renew-session-lock": self._renew_session_lock,
            "com.microsoft:schedule-message": self._schedule,
            "com.microsoft:cancel-scheduled-message": self._cancel,
            "com.microsoft:peek-message": self._peek,
            "com.microsoft:receive-by-sequence-number": self._receive_deferred,
            "com.microsoft:update-disposition": self._settle,
            "com.microsoft:get-session-state": self._get_state,
            "com.microsoft:set-session-state": self._set_state,
            "com.microsoft:get-message-sessions": self._list_sessions,
        }

    def answer(self, request: Request) -> tuple[dict[str, Any], Any]:
        """Do what is asked; refusals become the status and condition that the service answers."""
        name = request.application_properties.get("operation")
        operation = self._operations.get(str(name))
        if operation is None:
            return _status(501, f"There is no operation '{name}'.", "amqp:not-implemented"), None
        if not isinstance(request.value, dict):
            return _status(400, "The request's body is not a map.", "com.microsoft:argument-error"), None
        try:
            value = operation(request.value)
        except BrokerError as refusal:
            return _status(refusal.status, str(refusal), refusal.condition), None
        except AmqpError as mistake:
            return _status(400, str(mistake), mistake.condition), None
        if value is None:
            return _status(_NO_CONTENT, "No Content", None), {}
        return _status(_OK, "OK", None), value

    def _renew_lock(self, body: dict[str, Any]) -> dict[str, Any]:
        renewed = [self._queue.renew(token) for token in _items(body, "lock-tokens", UUID)]
        return {"expirations": array_of_timestamps(renewed)}

    def _renew_session_lock(self, body: dict[str, Any]) -> dict[str, Any]:
        renewed = self._queue.renew_session(self._session(body))
        return {"expiration": Timestamp.of(renewed.locked_until)}

    def _schedule(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = [decode_message(_get(item, "message", bytes)) for item in _items(body, "messages", dict)]
        return {"sequence-numbers": array_of_longs(self._queue.schedule(*messages))}

    def _cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        self._queue.cancel_scheduled(*_items(body, "sequence-numbers", int))
        return {}

    def _peek(self, body: dict[str, Any]) -> dict[str, Any] | None:
        found = self._queue.peek(
            _get(body, "from-sequence-number", int),
            _get(body, "message-count", int),
            session_id=body.get("session-id"),
        )
        return {"messages": [{"message": encode_delivery(stored)} for stored in found]} if found else None

    def _receive_deferred(self, body: dict[str, Any]) -> dict[str, Any]:
        numbers = _items(body, "sequence-numbers", int)
        session = None if body.get("session-id") is None else self._session(body)
        received: list[Delivery] | list[StoredMessage]
        if _get(body, "receiver-settle-mode", int) == _RECEIVE_AND_DELETE:
            received = self._queue.receive_and_delete_deferred(numbers, session=session)
        else:
            received = self._queue.receive_deferred(numbers, session=session)
        return {"messages": [_with_token(stored) for stored in received]}

    def _settle(self, body: dict[str, Any]) -> dict[str, Any]:
        status = _get(body, "disposition-status", str)
        tokens = _items(body, "lock-tokens", UUID)
        changed = body.get("properties-to-modify")
        properties = {str(name): value for name, value in changed.items()} if isinstance(changed, dict) else {}
        if body.get("session-id") is not None:
            self._session(body)
        for token in tokens:
            match status:
                case "completed":
                    self._queue.complete(token)
                case "abandoned":
                    self._queue.abandon(token, properties)
                case "defered" | "deferred":  # the service's spelling, and everybody else's
                    self._queue.defer(token, properties)
                case "suspended":
                    reason, description = body.get("deadletter-reason"), body.get("deadletter-description")
                    self._queue.dead_letter(token, reason, description, properties)
                case _:
                    raise _argument_error(f"There is no disposition status '{status}'.")
        return {}

    def _get_state(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"session-state": self._queue.session_state(self._session(body))}

    def _set_state(self, body: dict[str, Any]) -> dict[str, Any]:
        state = body.get("session-state")
        if state is not None and not isinstance(state, bytes):
            raise _argument_error("A session state is neither binary nor null.")
        self._queue.set_session_state(self._session(body), state)
        return {}

    def _list_sessions(self, body: dict[str, Any]) -> dict[str, Any] | None:
        after = _get(body, "last-updated-time", Timestamp)
        skip, top = _get(body, "skip", int), _get(body, "top", int)
        since = None if after >= _LISTING_ALL else after.moment()
        page = self._queue.session_ids(state_set_after=since)[skip : skip + top]
        return {"skip": Int(skip), "sessions-ids": page} if page else None

    def _session(self, body: dict[str, Any]) -> SessionLock:
        return self._find_session(self._queue, _get(body, "session-id", str))


def _with_token(stored: Delivery | StoredMessage) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": encode_delivery(stored)}
    if isinstance(stored, Delivery):
        entry["lock-token"] = stored.lock_token
    return entry


def _get[T](body: dict[str, Any], name: str, kind: type[T]) -> T:
    value = body.get(name)
    if not isinstance(value, kind):
        raise _argument_error(f"The request's '{name}' is missing or of a wrong type.")
    return value


def _items[T](body: dict[str, Any], name: str, kind: type[T]) -> list[T]:
    items = _get(body, name, list)
    if not all(isinstance(item, kind) for item in items):
        raise _argument_error(f"The request's '{name}' has an item of a wrong type.")
    return list(items)


def _argument_error(description: str) -> AmqpError:
    return AmqpError("com.microsoft:argument-error", description)


def _status(code: int, description: str, condition: str | None) -> dict[str, Any]:
    status: dict[str, Any] = {"statusCode": Int(code), "statusDescription": description}
    if condition is not None:
        status["errorCondition"] = Symbol(condition)
    return status
