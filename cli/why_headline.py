"""The first sentences of `why`: what is so, what the policy says of it, and what becomes of it; and what would be.

Lives here: the verdict in words. What each step says is `why_steps`'.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from cli.called import Names
from cli.why_steps import fact, waits
from shared.domain.access.changed_facts import MEMBER_OF, Change
from shared.domain.access.plan import Employment, NoteKind, Plan
from shared.domain.access.why import Effect, Facts, effects
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.reasons import Reason
from shared.domain.view import STALE
from shared.services.operate.why import Found, There, Why
from shared.wording.say import say

REMOVED: Final = frozenset({Effect.REMOVED_AT_ONCE, Effect.REMOVED_WHEN_SEEN_AGAIN, Effect.REMOVED_ONCE_RELEASED})
_HELD_THEN: Final = frozenset({Effect.GIVEN, Effect.STAYS, Effect.UNMANAGED})
"""What leaves somebody with access once it was done."""

_STAYS: Final = frozenset({NoteKind.PROTECTED, NoteKind.RULE_NOT_KNOWN, NoteKind.NOT_MANAGED})
_STAYS_AWAY: Final = frozenset({NoteKind.PROTECTED, NoteKind.PROFILE_NOT_ACTIVE, NoteKind.UNREADABLE})

_WOULD: Final = {
    Effect.GIVEN: "It would be given.",
    Effect.REMOVED_AT_ONCE: "It would be removed at once.",
    Effect.REMOVED_WHEN_SEEN_AGAIN: "It would be removed once it was seen again.",
    Effect.REMOVED_ONCE_RELEASED: "It would be removed once somebody releases it.",
}


def name_of(why: Why, names: Names) -> str:
    """What the person is called."""
    person = why.found.facts.person
    own = person.display_name if isinstance(person, Person) else None
    return own or names.principal(why.object_id)


def caveats(found: Found, names: Names) -> Iterator[str]:
    """What a reader has to know first: who was asked, and when; and that no sweep has seen this policy."""
    facts = found.facts
    if found.live:
        yield "The last full check cannot tell how they stand: directory and billing were asked just now."
    elif found.as_of - found.read > STALE:
        yield f"No rule lists them, so that the directory was asked about them last at {names.time(found.read)}."
    if facts.catalogue.policy_digest != facts.policy.digest:
        yield "No full check has seen this policy yet: nothing that a rule gave is removed before one has."


def headline(why: Why, names: Names) -> str:
    """What somebody holds, and what becomes of it."""
    who = name_of(why, names)
    if why.profile is not None:
        (there,) = why.there
        held = "holds" if there.held is not None else "does not hold"
        return f"{who} {held} {names.profile(why.profile)}. {_becomes(why, there, names)}"
    held_there = [one.profile for one in why.there if one.held is not None]
    said = [f"{who} holds {names.several(held_there) if held_there else 'nothing'}."]
    by_sentence: dict[str, list[ProfileKey]] = {}
    for there in why.there:
        by_sentence.setdefault(_becomes(why, there, names), []).append(there.profile)
    if not by_sentence:
        said.append(_nothing(why.plan, None))
    for sentence, keys in by_sentence.items():
        said.append(sentence if len(by_sentence) == 1 else f"{names.several(keys)}: {sentence}")
    return " ".join(said)


def _becomes(why: Why, there: There, names: Names) -> str:
    """Why it is given or not, and what becomes of it."""
    plan, rules = why.plan, why.plan.wanted.get(there.profile, ())
    waiting = waits(there, names)
    match there.effect:
        case Effect.GIVEN:
            return f"{_give(rules)}; the grant {waiting}."
        case Effect.STAYS if rules:
            return f"{_give(rules)}."
        case Effect.STAYS:
            notes = [note for note in plan.notes if note.kind in _STAYS and note.profile in {None, there.profile}]
            return f"It stays: {'; '.join(say(note.why) for note in notes) or say(plan.reason)}."
        case Effect.UNMANAGED:
            also = f" {_give(rules)} as well." if rules else ""
            left = f"{_capital(plan.reason)}. " if plan.employment is Employment.LEAVER else ""
            return f"{left}Somebody else gave it, and the app leaves it alone.{also}"
        case Effect.NOTHING:
            return f"{_otherwise(there, names)}{_nothing(plan, there.profile)}"
        case _:
            gone = "No rule gives it any more" if plan.employment is Employment.EMPLOYED else _capital(plan.reason)
            return f"{gone}; the removal {waiting}."


def _otherwise(there: There, names: Names) -> str:
    """That they receive the invoices all the same, where they do."""
    if not there.others:
        return ""
    roles = " and ".join(there.others)
    return f"They receive the invoices of {names.profile(there.profile)} as {roles}, which the app leaves alone. "


def _nothing(plan: Plan, profile: ProfileKey | None) -> str:
    for note in plan.notes:
        if note.kind in _STAYS_AWAY and note.profile in {None, profile}:
            return f"{_capital(note.why)}."
    if plan.employment is not Employment.EMPLOYED:
        return f"{_capital(plan.reason)}."
    return "No rule gives it." if profile is not None else "No rule gives anything."


def _give(rules: Sequence[str]) -> str:
    return f"Rule {rules[0]} gives it" if len(rules) == 1 else f"Rules {', '.join(rules)} give it"


def _capital(reason: Reason) -> str:
    text = say(reason)
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------------------------- what would be


def what_if(why: Why, changed: Facts, changes: Sequence[Change], on: datetime | None, names: Names) -> Iterator[str]:
    """What would be so with these facts otherwise, or on a day to come."""
    condition = " and ".join(_condition(change, names) for change in changes)
    day = "" if on is None else f"{on.astimezone(names.zone):%-d %B %Y}"
    opening = f"If {condition}{f' on {day}' * bool(day)}," if condition else f"On {day},"
    plan, then = changed.plan(), effects(changed.plan(), changed.held)
    now = {one.profile for one in why.there if one.held is not None}
    who = name_of(why, names)
    if why.profile is not None:
        yield f"{opening} {who} {_would(plan, then.get(why.profile, Effect.NOTHING), why.profile, now, names)}"
        return
    held = [key for key in sorted(then) if then[key] in _HELD_THEN]
    yield f"{opening} {who} would hold {names.several(held) if held else 'nothing'}. {_differs(then, now, names)}"


def _condition(change: Change, names: Names) -> str:
    if change.attribute == MEMBER_OF:
        return f"they were {'no longer ' * change.no_longer}in group {fact(change, names)}"
    if change.attribute == "accountEnabled":
        return f"the {fact(change, names).replace('account', 'account were')}"
    return f"{change.attribute} were {fact(change, names)}"


def _would(plan: Plan, then: Effect, profile: ProfileKey, now: Iterable[ProfileKey], names: Names) -> str:
    called, rules = names.profile(profile), plan.wanted.get(profile, ())
    by = f" by {'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}" if rules else ""
    unchanged = (profile in now) == (then in _HELD_THEN)
    follows = "Nothing would change there." if unchanged else _WOULD[then]
    if then in _HELD_THEN:
        return f"would hold {called}{by}. {follows}"
    why = _nothing(plan, profile).replace("No rule gives it.", "No rule would give it.")
    return f"would not hold {called}. {why} {follows}"


def _differs(then: Mapping[ProfileKey, Effect], now: Iterable[ProfileKey], names: Names) -> str:
    now = set(now)
    gained = sorted(key for key, effect in then.items() if effect in _HELD_THEN and key not in now)
    lost = sorted(key for key in now if then.get(key) not in _HELD_THEN)
    if not gained and not lost:
        return "Nothing would change."
    said = [f"given {names.several(gained)}"] if gained else []
    said += [f"removed {names.several(lost)}"] if lost else []
    return f"It would be {', and '.join(said)}."
