"""What the last good sweep counted. Later sweeps and the daily limits are measured by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last good sweep counted: what later ones, and daily limits, are measured against.

    `managed` are our assignments, `profiles` the managed profiles, `population` the people whom the rules preselect.
    `policy_digest` and `rules`, each rule with the digest of its meaning, say what was seen of the policy: a rule that
    could not be judged since it changed is there as it was before, or not at all. `policy_digest` is "" where nothing
    was seen. `accounts` are the managed accounts, lower-case, of which it listed profiles. A population of 0 and no
    accounts mean that nobody knows: whatever there is next is accepted.
    """

    at: datetime
    managed: int
    profiles: int
    population: int
    policy_digest: str
    rules: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
