"""What deciding about holds needs: the store, the policy and the queue of checks; neither billing nor the directory."""

from datetime import timedelta
from typing import Protocol

from shared.domain.policy.model import Policy
from shared.ports import Queues
from shared.services.shared_row import StoreOnly


class Batches(Protocol):
    """How fast many checks go to work."""

    @property
    def sweep_batch(self) -> int:
        """Keys in a batch."""

    @property
    def sweep_batch_seconds(self) -> int:
        """Seconds between two batches."""

    @property
    def coalesce(self) -> timedelta:
        """Later checks are due at multiples of this."""


class Deciding(StoreOnly, Protocol):
    """What a decision is given. Every `App` is one, and so is the page's desk."""

    @property
    def policy(self) -> Policy:
        """The policy, which says where two people decide."""

    @property
    def settings(self) -> Batches:
        """How fast."""

    @property
    def queues(self) -> Queues:
        """Where checks go."""
