"""What it takes to decide about an estate: a policy, a few settings, and the texts of a policy. No port.

Lives here: the protocols. Every `App` has it all; so has whoever decides about a snapshot.
"""

from datetime import timedelta
from typing import Protocol

from shared.domain.access.near_misses import Vocabulary
from shared.domain.catalogue import Catalogue
from shared.domain.policy.model import Policy


class JudgingSettings(Protocol):
    """The settings by which an estate is judged; see `shared.settings`."""

    @property
    def settle(self) -> timedelta:
        """How far apart weak evidence is seen twice."""

    @property
    def sweep_hours(self) -> float:
        """Hours from one sweep to the next."""

    @property
    def population_shrink_percent(self) -> int:
        """By how much a population may shrink."""

    @property
    def population_shrink_people(self) -> int:
        """By fewer than so many it may."""


class Vocabularies(Protocol):
    """The texts of policies."""

    def vocabulary(self, policy: Policy, catalogue: Catalogue) -> Vocabulary:
        """The texts with which a policy compares people."""
        ...


class Judging(Protocol):
    """What decides about an estate."""

    @property
    def policy(self) -> Policy:
        """The policy."""

    @property
    def settings(self) -> JudgingSettings:
        """The settings."""

    @property
    def catalogues(self) -> Vocabularies:
        """The texts of policies."""
