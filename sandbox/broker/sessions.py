"""The sessions of one queue: who holds which, which ones wait for a holder, and their state.

Messages are not here: `queue` says which sessions have something to receive.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sandbox.broker.deadlines import Deadlines
from sandbox.broker.errors import SessionCannotBeLocked, SessionLockLost


@dataclass(frozen=True, slots=True)
class SessionLock:
    """The exclusive right to one session, until `locked_until` unless it is renewed."""

    session_id: str
    token: UUID
    locked_until: datetime


class SessionTable:
    """Locks, waiting sessions and session states of one queue."""

    def __init__(self, lock_duration: timedelta, new_token: Callable[[], UUID], on_earlier: Callable[[], None]) -> None:
        self._lock_duration = lock_duration
        self._new_token = new_token
        self._held: dict[str, SessionLock] = {}
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._states: dict[str, tuple[bytes, datetime]] = {}
        self._expiry: Deadlines[str] = Deadlines(on_earlier)

    def next_expiry(self) -> datetime | None:
        """When the next lock runs out."""
        return self._expiry.earliest()

    def run_out(self, now: datetime) -> Iterator[SessionLock]:
        """Take away and return the locks that ran out by `now`."""
        for session_id in self._expiry.due(now):
            yield self._held.pop(session_id)

    def offer(self, session_id: str) -> bool:
        """Line up a session that has something to receive; False when somebody holds it already."""
        if session_id in self._held:
            return False
        self._waiting.setdefault(session_id)
        return True

    def withdraw(self, session_id: str) -> None:
        """Take a session without receivable messages out of the line."""
        self._waiting.pop(session_id, None)

    def first_waiting(self) -> str | None:
        """The session that has waited longest for a holder."""
        return next(iter(self._waiting), None)

    def lock(self, session_id: str, now: datetime) -> SessionLock:
        """Lock a session; raises `SessionCannotBeLocked` when it is held."""
        if session_id in self._held:
            raise SessionCannotBeLocked(
                f"The requested session '{session_id}' cannot be accepted. "
                "It may be locked by another receiver: wait for its release or take another one."
            )
        self._waiting.pop(session_id, None)
        return self._keep(SessionLock(session_id, self._new_token(), now + self._lock_duration))

    def renew(self, lock: SessionLock, now: datetime) -> SessionLock:
        """Prolong a lock from now on; raises `SessionLockLost`."""
        return self._keep(replace(self.held(lock), locked_until=now + self._lock_duration))

    def release(self, lock: SessionLock) -> None:
        """Give a lock back; raises `SessionLockLost`."""
        session_id = self.held(lock).session_id
        self._expiry.drop(session_id)
        del self._held[session_id]

    def held(self, lock: SessionLock) -> SessionLock:
        """The lock as it stands now; raises `SessionLockLost` when it is not held any more."""
        current = self._held.get(lock.session_id)
        if current is None or current.token != lock.token:
            raise SessionLockLost(
                f"The lock on session '{lock.session_id}' has expired or was released. Accept the session again."
            )
        return current

    def lock_of(self, session_id: str) -> SessionLock | None:
        """The lock on a session, whoever has it; None when nobody has."""
        return self._held.get(session_id)

    def state(self, session_id: str) -> bytes | None:
        """What was stored with the session; None when nothing was."""
        stored = self._states.get(session_id)
        return None if stored is None else stored[0]

    def set_state(self, session_id: str, state: bytes | None, now: datetime) -> None:
        """Store bytes with the session, or clear them with None."""
        if state is None:
            self._states.pop(session_id, None)
        else:
            self._states[session_id] = (state, now)

    def with_state(self, set_after: datetime | None = None) -> list[str]:
        """The sessions that have a state, or a state set after a time."""
        return [
            session_id for session_id, (_, set_at) in self._states.items() if set_after is None or set_at > set_after
        ]

    def _keep(self, lock: SessionLock) -> SessionLock:
        self._held[lock.session_id] = lock
        self._expiry.put(lock.session_id, lock.locked_until)
        return lock
