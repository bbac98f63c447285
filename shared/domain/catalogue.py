"""The profile catalogue: what the last bulk read of billing and of the directory established for everybody.

The sweep writes it, every check reads it. It lets a single check know which profiles exist and which rules may be
trusted, without reading the whole estate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from shared.domain.billing import BillingAccount, BillingProfile, manageable_of
from shared.domain.keys import ProfileKey
from shared.domain.policy.profile_index import ProfileIndex
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True)  # without slots: what is worked out of it once is kept with it
class Catalogue:
    """Accounts and profiles as of `read_at`, and what the last complete sweep found about the policy's rules.

    `profiles` carry no raw properties. `other_roles` names, per profile, the principals who receive its invoices
    through another role than Invoice manager, and that role. `unknown_rules` maps a rule's name to why it is *not
    known* (it names something that does not exist, or matches nobody); None when nobody has judged the
    policy whose digest is `policy_digest` yet: then no rule is known. `cannot_read` are the principals of whom the last
    sweep knew that they cannot read mail, though they have a role that gets invoices. `addresses` says of those that
    named grants name whose each is, as object id: the one person of the directory who has it. One that nobody has, or
    several people have, is not among them.
    """

    read_at: datetime
    accounts: tuple[BillingAccount, ...]
    profiles: tuple[BillingProfile, ...]
    other_roles: Mapping[ProfileKey, Mapping[str, str]] = field(default_factory=dict)
    policy_digest: str | None = None
    unknown_rules: Mapping[str, tuple[Reason, ...]] | None = None
    cannot_read: frozenset[str] = frozenset()
    addresses: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def index(self) -> ProfileIndex:
        """Its profiles, to pick from."""
        return ProfileIndex(self.profiles)

    @cached_property
    def manageable(self) -> frozenset[str]:
        """The names, lower-case, of its accounts whose profiles know the Invoice manager role."""
        return manageable_of(self.accounts)

    @cached_property
    def others(self) -> Mapping[str, Sequence[tuple[ProfileKey, str]]]:
        """By principal, on which profiles they receive the invoices through another role, and that role."""
        found: dict[str, list[tuple[ProfileKey, str]]] = {}
        for profile, holders in self.other_roles.items():
            for principal, role in holders.items():
                found.setdefault(principal, []).append((profile, role))
        return found

    def why_unknown(self, rule: str, policy_digest: str) -> tuple[Reason, ...] | None:
        """Why nothing may be concluded from `rule` matching nobody or nothing; None when the rule is known."""
        if self.unknown_rules is None or self.policy_digest != policy_digest:
            return (Code.RULES_NOT_JUDGED(),)
        return self.unknown_rules.get(rule)
