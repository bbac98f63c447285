"""The daily proof: what the latest audit of the whole ledger found, and how far one that is under way has come.

Only facts live here. The audit is `shared.services.ledger_audit`'s, taking it daily `shared.services.proof`'s.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST_FAULTS: Final = 20
"""Faults that are kept in words; `ledger verify` tells all."""

OLD: Final = timedelta(days=2)
"""From this age on a proof was missed: one is taken each day."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain of the ledger."""

    chain: str
    said: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of an audit that came to its end at `at`.

    `digest` is the digest with which the ledger was compared, `<sequence>:<sha256>`, "" where there was none. `faults`
    are the first of `faulty` in all.
    """

    at: datetime
    digest: str
    chains: int
    records: int
    faulty: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faulty

    def is_old(self, now: datetime) -> bool:
        """Whether a proof was missed since."""
        return now - self.at > OLD


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An audit that has not come to its end: every chain up to `position` was audited, in their order.

    `oldest_added` is the time of the oldest record of them that the index of activity may have got by this audit.
    """

    began: datetime
    position: str
    so_far: Proof
    oldest_added: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is kept of the daily proof.

    `latest` is the last one that came to its end. `indexed` is the digest up to whose heads the index of activity is
    known to have everything, 0 for none.
    """

    latest: Proof | None = None
    under_way: UnderWay | None = None
    indexed: int = 0
