"""The lines that `why` says for people: the five steps of a check, and what would change the answer.

Lives here: one step each. Reasons have their own words (`shared.wording`); what is so is decided elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cli.called import Names
from cli.sighted import lasted
from shared.domain.access.changed_facts import MEMBER_OF, Change
from shared.domain.access.explain import RuleVerdict
from shared.domain.access.ownership import ManagedAssignment, UnmanagedAssignment
from shared.domain.access.plan import Employment, NoteKind
from shared.domain.access.why import Effect, Flip
from shared.domain.alike import plain
from shared.domain.guards.holds import Hold, Status
from shared.domain.history.spells import How
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.policy.model import ActionKind, NamedGrant
from shared.domain.reasons import Code, Reason
from shared.domain.seen import INVOICE_MANAGER_NAME, made_on
from shared.services.operate.why import There, Why
from shared.wording.say import say

_STANDS: Final = {
    Employment.EMPLOYED: "works here",
    Employment.PRE_HIRE: "starts later",
    Employment.LEAVER: "left",
    Employment.UNREADABLE: "cannot be read",
}

_KINDS: Final = {
    ActionKind.GRANTS: "grants",
    ActionKind.MOVER_REVOKES: "removals",
    ActionKind.LEAVER_REVOKES: "removals (left)",
    ActionKind.PROFILE_UPDATES: "updates",
}


def steps(why: Why, names: Names, *, dated: bool = True) -> Iterator[tuple[str, str]]:
    """Each step of the answer, and what it says; a step that has nothing to say is left out.

    `dated` is whether the facts have the dates and the account's state, by which somebody works here or not.
    """
    lines = (
        ("directory", _directory(why, names) if dated else f"{_STANDS[why.plan.employment]} at that time"),
        ("policy", _policy(why, names)),
        ("billing", _each(why, names, [(one, _billing(why, one, names)) for one in why.there]) or _nothing(why, names)),
        ("evidence", _each(why, names, [(one, _evidence(why, one, names)) for one in why.there])),
        ("limits", _each(why, names, [(one, limits(one, names)) for one in why.there])),
        ("changes", changes(why.flips, names, named=why.profile is None)),
    )
    yield from ((step, said) for step, said in lines if said)


def _each(why: Why, names: Names, said: Iterable[tuple[There, str]]) -> str:
    """What is said of the one profile; of several, each sentence once, behind the profiles of which it is true."""
    by_sentence: dict[str, list[ProfileKey]] = {}
    for there, sentence in said:
        if sentence:
            by_sentence.setdefault(sentence, []).append(there.profile)
    if why.profile is not None:
        return "".join(by_sentence)
    return "; ".join(f"{names.several(keys)}: {sentence}" for sentence, keys in by_sentence.items())


def _nothing(why: Why, names: Names) -> str:
    """That there is nothing; of who left, since when and how soon."""
    if why.gone is None:
        return "has nothing"
    heard = f"{lasted(why.gone.seconds)} after the app could act"
    return f"has nothing: the last was gone {names.time(why.gone.at)}, {heard} (record {why.gone.record})"


def _directory(why: Why, names: Names) -> str:
    person, plan = why.found.facts.person, why.plan
    said = [_STANDS[plan.employment]]
    if isinstance(person, Person):
        told = {True: "enabled", False: "disabled", None: "enabled or not is not said"}[person.account_enabled]
        left = "no leave date" if person.leave_date is None else f"leave date {names.day(person.leave_date)}"
        hired = [] if person.hire_date is None else [f"hired {names.day(person.hire_date)}"]
        said.append(", ".join([told, left, *hired]))
    if plan.reason.code is not Code.EMPLOYED:
        said.append(say(plan.reason))
    kinds = {NoteKind.PROTECTED, NoteKind.HIRE_DATE_AHEAD}
    said += [say(note.why) for note in plan.notes if note.kind in kinds]
    first, *rest = said
    return f"{first}: {'; '.join(rest)}" if rest else first


def _policy(why: Why, names: Names) -> str:
    works = why.plan.employment is Employment.EMPLOYED
    grants = {rule.name: rule.grant for rule in why.found.facts.policy.grants}
    named = why.profile is None
    said = [_verdict(one, grants.get(one.rule), names, named=named, works=works) for one in why.verdicts]
    near = [note for note in why.plan.notes if note.kind is NoteKind.NEAR_MISS]
    said += [say(note.why) for note in near if why.profile in {None, note.profile}]
    return "; ".join(dict.fromkeys(said)) or ("the policy has no rules" if why.found.facts.policy.rules == () else "")


def _verdict(one: RuleVerdict, grant: NamedGrant | None, names: Names, *, named: bool, works: bool) -> str:
    """Yes or no; to somebody who does not work here no rule gives anything, though it would."""
    if one.why is None:
        gives = "yes" if works else "would"
        gives += "" if grant is None else f" ({_lasting(grant)})"
        return f"{one.rule} {gives}: {names.several(one.profiles)}" if named else f"{one.rule} {gives}"
    return f"{one.rule} no: {say(one.why)}"


def _lasting(grant: NamedGrant) -> str:
    """Until when a named grant gives something, and why."""
    until = "" if grant.until is None else f"until {grant.until.isoformat()}: "
    return until + plain(grant.why)


def _billing(why: Why, there: There, names: Names) -> str:
    """What is there, whose it is and since when; and what else the person is on that profile."""
    said = [] if there.held is None else [INVOICE_MANAGER_NAME]
    match there.held:
        case ManagedAssignment():
            said += ["managed", _since(there, names)]
        case UnmanagedAssignment(assignment=row, why=reason):
            made = say(reason) if row.created_by is None else f"made by {names.principal(row.created_by)}"
            said += ["unmanaged", made, *([] if row.created_on is None else [f"since {names.day(row.created_on)}"])]
    said += there.others
    notes = [note for note in why.plan.notes if note.profile == there.profile]
    told = {NoteKind.PROFILE_NOT_ACTIVE, NoteKind.NOT_MANAGED, NoteKind.RULE_NOT_KNOWN, NoteKind.LEAVER_HOLDS_UNMANAGED}
    first = ", ".join(filter(None, said)) or "nothing there"
    # What a leaver's unmanaged assignment is has been said; what to do about it has not.
    return "; ".join([first, *(say(_remedy(note.why)) for note in notes if note.kind in told)])


def _remedy(why: Reason) -> Reason:
    remedy = why.facts.get("remedy")
    return remedy if isinstance(remedy, Reason) else why


def _since(there: There, names: Names) -> str:
    """How and when it came to be managed, as the ledger knows it, or billing where the ledger does not."""
    held, spell = there.held, there.spell
    if held is None:
        return ""
    rules = sorted(held.rules or ()) if isinstance(held, ManagedAssignment) else []
    by = f" by {'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}" if rules else ""
    if spell is None:
        made = made_on(held)
        return f"given{'' if made is None else f' {names.day(made)}'}{by}"
    at = spell.began.at or spell.began.earliest
    on = "" if at is None else f" {names.day(at)}"
    record = f" (record {spell.began.record})"
    if spell.began.how is How.ADOPTED:
        return f"adopted{on}{f' by {names.principal(spell.began.by)}' if spell.began.by else ''}{record}"
    return f"{'given' if spell.began.how is How.GRANTED else 'found'}{on}{by}{record}"


def _evidence(why: Why, there: There, names: Names) -> str:
    if there.evidence is None:
        return f"{say(_reason(why, there))}: acts at once" if there.effect is Effect.REMOVED_AT_ONCE else ""
    seen = there.evidence.seen
    due = f"acts from {names.time(there.evidence.due)}" if there.evidence.due > names.now else ""
    if not seen:
        return f"{_short(why, there)}: not seen by a check yet"
    times = " and ".join(dict.fromkeys(names.time(at) for at in (seen[0], seen[-1])))
    return ", ".join(filter(None, [f"{_short(why, there)}: seen {times}", due]))


def _short(why: Why, there: There) -> str:
    """The reason in few words; what it says besides is in the headline."""
    reason = _reason(why, there)
    return "no rule gives it" if why.plan.employment is Employment.EMPLOYED else say(reason)


def _reason(why: Why, there: There) -> Reason:
    return next(one.reason for one in why.plan.revokes if one.profile == there.profile)


def limits(there: There, names: Names) -> str:
    """What the action waits for, or what its daily limit has left."""
    found = there.limits
    if found is None:
        return ""
    if not found.enforced:
        return "the policy only observes there: nothing is written"
    said = []
    if found.hold is not None:
        said.append(_hold(found.hold, names))
    if found.pause is not None:
        pause, setting = found.pause
        said.append(f"writes are paused ({pause}, since {names.time(setting.since)}): {say(setting.why)}")
    return "; ".join(said) or f"{found.left} of {found.most} {_KINDS[found.kind]} a day are left"


def _hold(hold: Hold, names: Names) -> str:
    name = hold.group or hold.id
    match hold.status:
        case Status.DISMISSED | Status.RELEASED:
            on = "" if hold.decided_at is None else f" on {names.day(hold.decided_at)}"
            return f"{hold.status} by {names.principal(hold.by)}{on}, as {name}"
        case Status.OPEN if hold.why.code is Code.SWEEP_WANTS_TOO_MANY:
            facts = hold.why.facts
            wanted = facts["wanted"]
            count = wanted.facts["count"] if isinstance(wanted, Reason) else wanted
            return f"{count} {_KINDS[hold.kind]} wanted, {facts['most']} a day: waits in {name}"
        case Status.OPEN:
            return f"{say(hold.why)}: waits in {name}"


def waits(there: There, names: Names) -> str:
    """What is about to become of an action, behind "the removal" or "the grant"."""
    hold = None if there.limits is None else there.limits.hold
    if there.limits is not None and not there.limits.enforced:
        return "is only observed there"
    if hold is not None and hold.status is not Status.OPEN:
        return f"was {hold.status}"
    if there.limits is not None and there.limits.pause is not None:
        return "waits until writes are resumed"
    if hold is not None or there.effect is Effect.REMOVED_ONCE_RELEASED:
        return "waits for a decision"
    if there.evidence is not None and there.evidence.due > names.now:
        return f"waits until {names.time(there.evidence.due)}, to be seen again"
    return "is due at the next check"


# -------------------------------------------------------------------------------------- what would change it


def changes(flips: Sequence[Flip], names: Names, *, named: bool) -> str:
    """The facts that would change the answer, by what would follow."""
    groups: dict[tuple[Effect, tuple[ProfileKey, ...]], list[Change]] = {}
    for flip in flips:
        groups.setdefault((flip.then, flip.profiles if named else ()), []).append(flip.change)
    said = []
    for (then, profiles), of in groups.items():
        whose = f"{names.several(profiles)} " if profiles else ""
        said.append(f"{_alternatives(of, names)}: {whose}{'not given' if then is Effect.NOTHING else then}")
    return "; ".join(said)


def _alternatives(of: Iterable[Change], names: Names) -> str:
    """Changes of which each one does it: groups first, and those of one attribute together."""
    texts: dict[tuple[str, bool], list[str]] = {}
    for change in of:
        texts.setdefault((change.attribute, change.no_longer), []).append(fact(change, names))
    in_order = sorted(texts.items(), key=lambda one: one[0][0] != MEMBER_OF)
    return ", or ".join(f"{_subject(*about)}{' or '.join(each)}" for about, each in in_order)


def _subject(attribute: str, no_longer: bool) -> str:
    """What a fact is of, in front of it."""
    match attribute:
        case "accountEnabled":
            return ""
        case "memberOf":
            return "no longer in group " if no_longer else "group "
        case _:
            return f"{attribute} other than " if no_longer else f"{attribute} "


def fact(change: Change, names: Names) -> str:
    """What a fact would be."""
    match change.attribute:
        case "accountEnabled":
            return "account disabled" if change.text == "false" else "account enabled"
        case "memberOf":
            return names.principal(change.text or "none")
        case _:
            return plain(change.text) if change.text else "blank"
