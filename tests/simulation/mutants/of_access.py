"""Mutants of who may have what: rules, employment, evidence and ownership."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        name="absent-at-once",
        promise="No revoke from absence: a person whom the directory does not list is weak evidence, seen twice.",
        file="shared/domain/access/employment.py",
        old="return Standing(Employment.LEAVER, Code.NOT_IN_DIRECTORY(), Strength.WEAK)",
        new="return Standing(Employment.LEAVER, Code.NOT_IN_DIRECTORY(), Strength.STRONG)",
        caught_by=("no_revoke_without_evidence",),
    ),
    Mutant(
        name="settle-of-zero",
        promise="Weak evidence must be seen twice, the settling time apart.",
        file="shared/domain/access/evidence.py",
        old="needed = max(settle, grace) if _kind(plan) is Evidence.MOVED else settle",
        new="needed = timedelta(0)",
        caught_by=("no_revoke_without_evidence",),
    ),
    Mutant(
        name="evidence-outlives-doubt",
        promise="Weak evidence that a check does not see is forgotten, and starts anew when it returns.",
        file="shared/services/reconcile/person.py",
        old="{**_unread(before.sightings, unread, piece.elsewhere, plan), **weighed.sightings},",
        new="{**before.sightings, **weighed.sightings},",
        caught_by=("no_revoke_without_evidence",),
    ),
    Mutant(
        name="grace-ignored",
        promise="Who moved on keeps what they had for the hours of grace that the policy gives.",
        file="shared/domain/access/evidence.py",
        old="needed = max(settle, grace) if _kind(plan) is Evidence.MOVED else settle",
        new="needed = settle",
        caught_by=("no_revoke_without_evidence",),
    ),
    Mutant(
        name="unmanaged-is-managed",
        promise="Only what is managed: what somebody else made is never taken away.",
        file="shared/domain/access/ownership.py",
        old="return UnmanagedAssignment(assignment, Code.MADE_BY(maker=assignment.created_by))",
        new="return ManagedAssignment(assignment, OwnershipBasis.CREATED_BY, rules, _PROVED)",
        caught_by=("nothing_unmanaged",),
    ),
    Mutant(
        name="nameless-row-is-managed",
        promise="A row that does not say who made it is managed only where an intent of ours explains it.",
        file="shared/domain/access/ownership.py",
        old="return UnmanagedAssignment(assignment, Code.MAKER_UNSAID_NO_INTENT())",
        new="return ManagedAssignment(assignment, OwnershipBasis.INTENT, rules, _PROVED)",
        caught_by=("nothing_unmanaged",),
    ),
    Mutant(
        name="protected-ignored",
        promise="A protected person's assignments are never touched.",
        file="shared/domain/access/decide.py",
        old="if principal in policy.protected:",
        new="if principal in policy.protected and held:",
        caught_by=("nothing_protected",),
    ),
    Mutant(
        name="account-not-named",
        promise="Only inside the billing accounts that the policy names.",
        file="shared/domain/access/rules.py",
        old="    if policy.accounts is Everything.ALL:\n        return manageable\n",
        new="    if policy.accounts is not Everything.NONE:\n        return manageable\n",
        caught_by=("only_where_allowed",),
    ),
    Mutant(
        name="enforce-ignored",
        promise="Observe first: nothing is written to a profile that the policy does not enforce.",
        file="shared/services/catalogue.py",
        old="return catalogue.index.keys(policy.enforce)",
        new="return frozenset(catalogue.index.by_key)",
        caught_by=("only_where_allowed",),
    ),
    Mutant(
        name="guests-are-people",
        promise="A guest is given something only by rules that say so.",
        file="shared/domain/access/rules.py",
        old="        if not lets_in(rule, person):\n",
        new="        if not lets_in(rule, person) and not rule.name:\n",
        caught_by=("grants_are_given_by_rules",),
    ),
    Mutant(
        name="leave-date-ignored",
        promise="A leave date that is past makes a leaver.",
        file="shared/domain/access/employment.py",
        old="if left is not None and left <= now and not dates.rehired:",
        new=("if left is not None and left <= now and not dates.rehired and person.account_enabled is None:"),
        caught_by=("grants_are_given_by_rules", "no_leaver_holds_managed"),
    ),
    Mutant(
        name="leave-day-not-over",
        promise="A leave date without a time ends with that day in the policy's time zone, and does not begin it.",
        file="shared/domain/access/employment.py",
        old=("return _LATEST if day == date.max else _midnight(day + timedelta(days=1), policy.time_zone)"),
        new="return _LATEST if day == date.max else _midnight(day, policy.time_zone)",
        caught_by=("no_revoke_without_evidence",),
    ),
    Mutant(
        name="changed-policy-not-held",
        promise="What the first sweep under a changed policy takes from movers waits for a person.",
        file="shared/domain/guards/sweep_guard.py",
        old="(group := _of_changed_policy(standing, guarded, holds)) is not None:",
        new=("(group := _of_changed_policy(standing, guarded, holds)) is not None and standing.before is None:"),
        caught_by=("changed_policy_is_held",),
    ),
)
"""What gives or takes something that it should not."""
