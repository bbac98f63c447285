"""Adoption: what would follow if an assignment that somebody else made became managed.

Lives here: who may be adopted, the consequence of each, and which ones a choice means. Pure, and no order: what really
follows the next check decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.domain.access.decide import decide
from shared.domain.access.ownership import AdoptedRow, prove
from shared.domain.access.plan import Employment, Plan, Revoke, Strength
from shared.domain.adoption.first_contact import Existing, Owner, PrincipalKind
from shared.domain.billing import Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import Policy
from shared.domain.reasons import Code, Reason


class Consequence(StrEnum):
    """What the next check would do with an adopted assignment."""

    STAYS = "stays"
    """A rule gives it: it stays for as long as one does."""
    REVOKED = "revoked"
    """It is taken away, once the evidence suffices and the guards let it pass."""
    SPARED = "spared"
    """Nothing gives it, but that nothing does is not known well enough."""
    REFUSED = "refused"
    """It can not be adopted."""


class Why(StrEnum):
    """Why an assignment is among those to be adopted."""

    CHOSEN = "chosen"
    GIVEN_BY_RULE = "given-by-rule"
    LEAVER = "leaver"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which assignments to adopt: chosen ones, all unmanaged ones that a rule gives, all unmanaged ones of leavers."""

    pairs: tuple[tuple[ProfileKey, str], ...] = ()
    given_by_rule: bool = False
    leavers: bool = False


@dataclass(frozen=True, slots=True)
class Adoption:
    """One assignment that could be adopted, and what would follow. `row` is None where there is none to adopt."""

    profile: ProfileKey
    principal_id: str
    why: Why
    consequence: Consequence
    text: Reason
    row: Assignment | None = None
    rules: tuple[str, ...] = ()
    called: str | None = None
    profile_name: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether it can not be adopted."""
        return self.consequence is Consequence.REFUSED


def chosen_of(existing: Existing, choice: Choice) -> Why | None:
    """Why a choice means this assignment; None where it does not. The bulk choices mean what can be adopted alone."""
    if (existing.profile, existing.principal_id) in choice.pairs:
        return Why.CHOSEN
    if refusal(existing) is not None:
        return None
    if choice.leavers and existing.is_leaver:
        return Why.LEAVER
    if choice.given_by_rule and existing.given_by:
        return Why.GIVEN_BY_RULE
    return None


def refusal(existing: Existing) -> Reason | None:
    """Why an assignment can not be adopted; None where it can."""
    if existing.protected:
        return Code.ADOPTS_NOTHING_PROTECTED()
    if existing.owner is Owner.MANAGED:
        return Code.MANAGED_ALREADY(because=existing.owner_why)
    if existing.principal in {PrincipalKind.GROUP, PrincipalKind.APP}:
        return Code.HELD_BY_NO_PERSON(holder=existing.principal.value)
    if existing.principal is PrincipalKind.UNKNOWN:
        return Code.HOLDER_NOT_KNOWN(because=existing.principal_why)
    if AdoptedRow.of(existing.held.assignment) is None:
        return Code.HAS_NO_TIME()
    return None


def consequences(
    chosen: Sequence[tuple[Existing, Why]],
    *,
    policy: Policy,
    catalogue: Catalogue,
    enforced: frozenset[ProfileKey],
    now: datetime,
) -> list[Adoption]:
    """What would follow from adopting one person's chosen assignments, each decided as if it were managed."""
    adoptions: list[Adoption] = []
    able: list[tuple[Existing, Why]] = []
    for existing, why in chosen:
        reason = refusal(existing)
        if reason is None:
            able.append((existing, why))
        else:
            adoptions.append(_of(existing, why, Consequence.REFUSED, reason))
    if not able:
        return adoptions
    person = able[0][0].person
    assert person is not None, "whom the directory did not answer about is refused"
    held = [
        prove(
            existing.held.assignment,
            identities=frozenset(),
            adopted=AdoptedRow.of(existing.held.assignment),
            rules=frozenset(existing.given_by) or None,
        )
        for existing, _ in able
    ]
    plan = decide(person, policy, catalogue, held, now)
    for existing, why in able:
        consequence, text = _follows(existing, plan)
        if existing.profile not in enforced:
            text = Code.ONLY_OBSERVED(because=text)
        adoptions.append(replace(_of(existing, why, consequence, text), rules=existing.given_by))
    return adoptions


def _follows(existing: Existing, plan: Plan) -> tuple[Consequence, Reason]:
    profile = existing.profile
    if rules := plan.wanted.get(profile):
        return Consequence.STAYS, Code.STAYS_GIVEN_BY(rules=rules)
    revoke = next((one for one in plan.revokes if one.profile == profile), None)
    if revoke is None:
        why = tuple(note.why for note in plan.notes if note.profile in {profile, None})
        return Consequence.SPARED, Code.STAYS_FOR_NOW(because=why)
    because = _because(plan, revoke)
    if revoke.ask_first is not None:
        return Consequence.REVOKED, Code.REVOKED_ONCE_RELEASED(because=because)
    if revoke.strength is Strength.STRONG:
        return Consequence.REVOKED, Code.REVOKED_AT_ONCE(because=because)
    return Consequence.REVOKED, Code.REVOKED_WHEN_SEEN_AGAIN(because=because)


def _because(plan: Plan, revoke: Revoke) -> Reason:
    match plan.employment:
        case Employment.LEAVER:
            return Code.LEAVER(strength=revoke.strength.value, because=revoke.reason)
        case Employment.PRE_HIRE:
            return Code.YET_TO_BEGIN(because=revoke.reason)
        case Employment.EMPLOYED | Employment.UNREADABLE:
            return revoke.reason


def _of(existing: Existing, why: Why, consequence: Consequence, text: Reason) -> Adoption:
    return Adoption(
        profile=existing.profile,
        principal_id=existing.principal_id,
        why=why,
        consequence=consequence,
        text=text,
        row=existing.held.assignment,
        called=existing.called,
        profile_name=existing.profile_name,
    )
