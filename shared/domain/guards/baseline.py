"""What the last good sweep counted. Later sweeps and the daily limits are measured by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last good sweep counted: what later ones, and daily limits, are measured against.

    `managed` counts the managed assignments, `profiles` the managed profiles, `population` the people whom a rule
    matches. `policy_digest` and `rules` (each rule with the digest of its meaning) say what was seen of the policy. A
    changed rule that was not judged keeps its old digest, or has none if it is new. `policy_digest` is "" if nothing
    was seen. `accounts` are the managed accounts, lower-case, of which the sweep listed profiles. A population of 0, or
    no accounts, means not known: the next sweep accepts what it finds.
    """

    at: datetime
    managed: int
    profiles: int
    population: int
    policy_digest: str
    rules: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
