"""A stored message as it changes. `shelves` and `queue` hold it; everybody else gets a frozen snapshot."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sandbox.broker.messages import Delivery, Message, MessageState, StoredMessage


@dataclass(slots=True, eq=False)
class Entry:
    """One message on a queue's shelves. It is locked while `lock_token` is set."""

    sequence_number: int
    enqueued_sequence_number: int
    message: Message
    enqueued_at: datetime
    state: MessageState
    expires_at: datetime | None = None
    delivery_count: int = 0
    lock_token: UUID | None = None
    locked_until: datetime | None = None

    def snapshot(self) -> StoredMessage:
        """What a peek shows."""
        return StoredMessage(
            message=self.message,
            sequence_number=self.sequence_number,
            enqueued_sequence_number=self.enqueued_sequence_number,
            delivery_count=self.delivery_count,
            enqueued_at=self.enqueued_at,
            expires_at=self.expires_at,
            state=self.state,
        )

    def delivery(self, lock_token: UUID, locked_until: datetime) -> Delivery:
        """What a receiver gets that locked it."""
        return Delivery(
            message=self.message,
            sequence_number=self.sequence_number,
            enqueued_sequence_number=self.enqueued_sequence_number,
            delivery_count=self.delivery_count,
            enqueued_at=self.enqueued_at,
            expires_at=self.expires_at,
            state=self.state,
            lock_token=lock_token,
            locked_until=locked_until,
        )
