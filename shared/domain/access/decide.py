"""The decision: what one person should gain and lose, from facts alone.

Lives here: joining employment, rules and what a person has into a plan. Pure: the same facts give the same plan,
in the same order, and a plan that was applied leaves nothing to do. Guards, evidence and records come after
it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.access.employment import Standing
from shared.domain.access.employment import standing as standing_of
from shared.domain.access.ownership import AdoptedRow, Held, ManagedAssignment, UnmanagedAssignment
from shared.domain.access.plan import AskFirst, Employment, Grant, Note, NoteKind, Plan, Revoke, StoppedBy, Strength
from shared.domain.access.rules import Entitlements, ended, first_unknown, managed_accounts, wanted
from shared.domain.billing import OTHER_RECIPIENT_ROLES
from shared.domain.catalogue import Catalogue
from shared.domain.people import AbsentPerson, Person, PersonRead, UnreadablePerson
from shared.domain.policy.model import Policy, Rule
from shared.domain.policy.named_grants import bare_name
from shared.domain.reasons import Code, Reason


def decide(person: PersonRead, policy: Policy, catalogue: Catalogue, held: Sequence[Held], now: datetime) -> Plan:
    """Decides about one person at `now` (aware).

    `held` are the person's assignments as live reads found them, whoever made them; where it says nothing of
    a profile, the person counts as having nothing there.

    Raises:
        ValueError: `held` carries an assignment of somebody else, which is a mistake of the caller.
    """
    principal = person.object_id.lower()
    for each in held:
        if each.assignment.principal_id.lower() != principal:
            raise ValueError(f"an assignment of {each.assignment.principal_id} is no fact about {principal}")
    now_is = standing_of(person, policy, now)
    if principal in policy.protected:
        return Plan(now_is.employment, now_is.reason, notes=(Note(NoteKind.PROTECTED, Code.PROTECTED()),))
    unreadable = _unreadable(person)
    if now_is.employment is Employment.UNREADABLE:
        return Plan(now_is.employment, now_is.reason, notes=unreadable)
    gives = Entitlements(notes=unreadable)
    if isinstance(person, Person) and now_is.employment is Employment.EMPLOYED:
        gives = wanted(person, policy, catalogue, now)
    elif isinstance(person, Person) and _holds_managed(held) and may_serve(person, now_is):
        now_is, gives = _serving(now_is, wanted(person, policy, catalogue, now), held)
    return _Decision(
        principal=principal,
        is_known=not isinstance(person, AbsentPerson),
        policy=policy,
        catalogue=catalogue,
        held=held,
        standing=now_is,
        gives=gives,
        now=now,
    ).plan()


def may_keep(person: PersonRead, policy: Policy, now: datetime) -> bool:
    """Whether rules may let somebody keep what they have: who is employed, or may serve before their hire date."""
    if not isinstance(person, Person):
        return False
    stands = standing_of(person, policy, now)
    return stands.employment is Employment.EMPLOYED or may_serve(person, stands)


def may_serve(person: Person, stands: Standing) -> bool:
    """Whether somebody whose hire date lies ahead is at work all the same, if they have what we gave.

    We give nothing before the hire date (and the lead), so that it was moved ahead since: a new contract, a transfer.
    Nobody is at work under a disabled account.
    """
    return stands.employment is Employment.PRE_HIRE and person.account_enabled is not False


def _holds_managed(held: Sequence[Held]) -> bool:
    return any(isinstance(one, ManagedAssignment) for one in held)


def _serving(stands: Standing, gives: Entitlements, held: Sequence[Held]) -> tuple[Standing, Entitlements]:
    """Who serves keeps what a rule gives, and is given nothing more before the date."""
    kept = {one.profile for one in held if isinstance(one, ManagedAssignment)} & gives.rules.keys()
    reason = Code.AT_WORK_BEFORE_HIRE_DATE(because=stands.reason)
    note = Note(NoteKind.HIRE_DATE_AHEAD, Code.HOLDS_BEFORE_HIRE_DATE(because=stands.reason))
    rules = {profile: names for profile, names in gives.rules.items() if profile in kept}
    stands = replace(stands, employment=Employment.EMPLOYED, reason=reason)
    return stands, replace(gives, rules=rules, notes=(*gives.notes, note))


def _unreadable(person: PersonRead) -> tuple[Note, ...]:
    if not isinstance(person, UnreadablePerson):
        return ()
    return (Note(NoteKind.UNREADABLE, Code.ATTRIBUTES_UNREADABLE(said=person.why)),)


class _Decision:
    """One person's facts, side by side."""

    def __init__(
        self,
        *,
        principal: str,
        is_known: bool,
        policy: Policy,
        catalogue: Catalogue,
        held: Sequence[Held],
        standing: Standing,
        gives: Entitlements,
        now: datetime,
    ) -> None:
        self._principal = principal
        self._is_known = is_known
        self._policy = policy
        self._catalogue = catalogue
        self._standing = standing
        self._gives = gives
        self._now = now
        self._managed = managed_accounts(policy, catalogue.manageable)
        self._profiles = catalogue.index.by_key
        in_order = sorted(held, key=lambda each: (each.profile, each.assignment.name))
        self._own = [each for each in in_order if isinstance(each, ManagedAssignment)]
        self._unmanaged = [each for each in in_order if isinstance(each, UnmanagedAssignment)]
        self._notes: list[Note] = list(gives.notes)

    def plan(self) -> Plan:
        if self._standing.employment is Employment.PRE_HIRE:
            self._notes.append(Note(NoteKind.PRE_HIRE, self._standing.reason))
        grants = self._grants()
        revokes = self._revokes()
        self._note_others()
        return Plan(
            self._standing.employment,
            self._standing.reason,
            wanted=self._gives.rules,
            grants=tuple(grants),
            revokes=tuple(revokes),
            notes=tuple(sorted(dict.fromkeys(self._notes), key=_order)),
            next_change=min(filter(None, (self._standing.next_change, self._gives.until)), default=None),
        )

    def _grants(self) -> list[Grant]:
        # Another role on the profile does not stand in the way: it is a different assignment.
        taken = {each.profile for each in self._own}
        taken |= {each.profile for each in self._unmanaged if each.assignment.is_invoice_manager}
        grants = []
        for key, rules in self._gives.rules.items():
            if key in taken:
                continue
            if self._profiles[key].is_active:
                grants.append(Grant(key, rules, Code.GIVEN_BY(rules=rules)))
            else:
                status = self._profiles[key].status
                why = Code.GIVEN_WHERE_NOT_ACTIVE(rules=tuple(sorted(rules)), status=status)
                self._notes.append(Note(NoteKind.PROFILE_NOT_ACTIVE, why, key))
        return grants

    def _revokes(self) -> list[Revoke]:
        revokes = []
        for own in self._own:
            if own.profile in self._gives.rules:
                continue
            why_not = self._out_of_reach(own)
            if why_not is None and self._standing.employment is Employment.EMPLOYED:
                why_not = self._not_known(own)
            if why_not is not None:
                self._notes.append(why_not)
            elif self._standing.employment is Employment.EMPLOYED:
                revokes.append(self._of_mover(own))
            else:
                revokes.append(Revoke(own, self._standing.strength, self._standing.reason, self._ask_first(own)))
        return revokes

    def _ask_first(self, own: ManagedAssignment) -> AskFirst | None:
        """Whether a person has to judge an old leave date: had it been known, nothing would be left to take."""
        if not self._standing.stale:
            return None
        why = Code.STALE_LEAVE_DATE(because=self._standing.reason, days=self._policy.stale_leave_days)
        self._notes.append(Note(NoteKind.STALE_LEAVE_DATE, why, own.profile))
        return AskFirst(StoppedBy.STALE_LEAVE_DATE, why)

    def _out_of_reach(self, own: ManagedAssignment) -> Note | None:
        if own.profile.account.lower() not in self._managed:
            return Note(NoteKind.NOT_MANAGED, Code.STAYS_OUTSIDE_MANAGED_ACCOUNTS(), own.profile)
        return None

    def _not_known(self, own: ManagedAssignment) -> Note | None:
        """Why nothing may be concluded from no rule giving it: then it stays."""
        if own.profile not in self._profiles:
            return Note(NoteKind.RULE_NOT_KNOWN, Code.STAYS_WHERE_NOT_LISTED(), own.profile)
        unknown = first_unknown(own.rules, self._policy, self._catalogue, self._now)
        if unknown is not None:
            rule, why = unknown
            return Note(NoteKind.RULE_NOT_KNOWN, Code.STAYS_AS_RULE_NOT_KNOWN(rule=rule, because=why), own.profile)
        return None

    def _of_mover(self, own: ManagedAssignment) -> Revoke:
        """What is taken from somebody employed: by weak evidence, but for the end that the policy itself gave."""
        grants = ended(own.rules, self._policy, self._now)
        return Revoke(own, Strength.STRONG if grants else Strength.WEAK, _over(grants) or self._why_moved(own))

    def _why_moved(self, own: ManagedAssignment) -> Reason:
        if not own.rules:
            return Code.NO_RULE_GIVES_IT()
        gave = tuple(sorted(own.rules))
        gone = tuple(sorted(own.rules - {rule.name for rule in self._policy.rules}))
        if gone:
            return Code.NO_RULE_GIVES_IT_AND_RULES_ARE_GONE(gave=gave, gone=gone)
        return Code.NO_RULE_GIVES_IT_ANY_MORE(gave=gave)

    def _note_others(self) -> None:
        """What others gave: never touched, and worth knowing."""
        is_leaver = self._standing.employment is Employment.LEAVER
        other_roles = {(profile, _called(role)) for profile, role in self._catalogue.others.get(self._principal, ())}
        for each in self._unmanaged:
            if not each.assignment.is_invoice_manager:
                if is_leaver or each.assignment.role in OTHER_RECIPIENT_ROLES:
                    other_roles.add((each.profile, _called(each.assignment.role)))
            elif is_leaver:
                remedy = _how_to_remove(each, self._principal, is_known=self._is_known)
                why = Code.LEAVER_HOLDS_UNMANAGED(because=each.why, remedy=remedy)
                self._notes.append(Note(NoteKind.LEAVER_HOLDS_UNMANAGED, why, each.profile))
            else:
                self._notes.append(Note(NoteKind.UNMANAGED, Code.HOLDS_UNMANAGED(because=each.why), each.profile))
        for profile, role in other_roles:
            if is_leaver:
                self._notes.append(
                    Note(NoteKind.LEAVER_HOLDS_UNMANAGED, Code.LEAVER_HOLDS_OTHER_ROLE(role=role), profile)
                )
            elif profile in self._gives.rules:
                self._notes.append(Note(NoteKind.ALREADY_RECEIVES, Code.ALREADY_RECEIVES(role=role), profile))


def _over(grants: Sequence[Rule]) -> Reason | None:
    """That these named grants are over, with the last day of the last of them; None for none."""
    days = [rule.grant.until.isoformat() for rule in grants if rule.grant is not None and rule.grant.until is not None]
    return Code.GRANTS_OVER(grants=tuple(map(bare_name, grants)), until=max(days)) if days else None


def _how_to_remove(unmanaged: UnmanagedAssignment, principal: str, *, is_known: bool) -> Reason:
    """What a person does to have a leaver's unmanaged assignment taken away."""
    if not is_known and (unmanaged.assignment.principal_type or "").lower() != "user":
        return Code.REMOVE_BY_HAND_AS_NOBODY_IS_KNOWN()
    if AdoptedRow.of(unmanaged.assignment) is None:
        return Code.REMOVE_BY_HAND_AS_IT_HAS_NO_TIME()
    return Code.ADOPT_TO_REMOVE(profile=str(unmanaged.profile), principal=principal)


def _called(role: str) -> str:
    return OTHER_RECIPIENT_ROLES.get(role, role)


def _order(note: Note) -> tuple[str, str, str]:
    return ("" if note.profile is None else note.profile.folded, note.kind, str(note.why))
