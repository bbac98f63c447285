"""A plan for people: a sentence first, then the changes, and last what they come to.

Lives here: the words and the order. What is in a plan, `shared.domain.planned` says.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from cli.answer import Line, Part, Shade, Table, counted
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.planned import Change, Compared, Do, Planned, PolicyDifference, Wait, WaitKind
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.wording.say import say

_SIGNS: Final = {Do.GIVE: ("+", Shade.GIVEN), Do.REMOVE: ("-", Shade.REMOVED), Do.TURN_ON: ("~", Shade.GIVEN)}
_WORDS: Final = {Do.GIVE: "give", Do.REMOVE: "remove", Do.TURN_ON: "turn on"}
_GIVEN_BACK: Final = {Code.NO_RULE_GIVES_IT, Code.NO_RULE_GIVES_IT_ANY_MORE}
_DIGEST: Final = 8
"""Characters of a policy's digest that are shown."""

_KINDS: Final = {
    ActionKind.GRANTS: "to give",
    ActionKind.MOVER_REVOKES: "to remove (stay)",
    ActionKind.LEAVER_REVOKES: "to remove (left)",
    ActionKind.PROFILE_UPDATES: "to turn on",
}


def of_planned(found: Planned, *, seconds: float, full: bool, most: int | None) -> Iterator[Line | Table]:
    """What the next full check would do. Without `full` what one person gains or loses is one line."""
    yield from _beginning(found, found.policy)
    yield f"{_sentence(found)} {_read(found, seconds)}."
    rows = _by_profile(found.changes, found) if full else _by_person(found.changes, found)
    yield from _changes(rows, most)
    yield from _soon(found)
    yield from _rules(found)
    yield from _room(found)
    lists_each = " --full lists each." if len(rows) < len(found.changes) else ""
    yield f"Plan: {_comes_to(found.changes)}.{lists_each}"


def of_compared(
    found: Compared, file: str, *, seconds: float, most: int | None, counts: bool = False
) -> Iterator[Line | Table]:
    """What another policy would do in place of the one in force. With `counts` nobody is named."""
    planned = found.planned
    yield from _beginning(planned, found.in_force)
    yield (
        f"{file} against the policy in force ({found.in_force[:_DIGEST]}): {_difference(found.difference)}. "
        f"{_read(planned, seconds)}. Nothing is changed by this."
    )
    if counts:
        yield from _counts(planned.changes, planned)
    else:
        yield from _changes(_by_profile(planned.changes, planned), most)
    if found.no_longer:
        yield "It would no longer:"
        rows = _counts(found.no_longer, planned) if counts else _changes(_by_profile(found.no_longer, planned), most)
        yield from rows
    yield from _recipients(planned, None if counts else most)
    yield from _rules(planned)
    yield " ".join(
        [f"Plan: {_counted(one for one in planned.changes if one.is_open)}.", *_limits(planned), *_stays(found.stay)]
    )


def _counts(changes: Sequence[Change], found: Planned) -> Iterator[Line | Table]:
    """A line for each profile that changes: how much of what."""
    by_profile: dict[str, list[Change]] = {}
    for one in changes:
        if one.is_open:
            by_profile.setdefault(_profile(one.profile, found), []).append(one)
    if by_profile:
        rows: list[_Row] = [(profile, _counted(ones)) for profile, ones in sorted(by_profile.items())]
        yield Table(("PROFILE", "CHANGES"), rows, titled=False, indent=2)


def _beginning(found: Planned, in_force: str) -> Iterator[Line]:
    """What has to be known before anything else: what could not be read, what is paused, whose policy this is."""
    if not found.complete:
        yield Part(
            f"INCOMPLETE: {counted(len(found.failures), 'read')} failed, so that less may be shown:", Shade.WAITS
        )
        for why in found.failures:
            yield f"  {say(why)}"
    for pause, one in found.pauses.active.items():
        yield Part(
            f"Paused: {pause} since {_moment(one.since)}, by {found.names.get(one.by, one.by)}: {say(one.why)}",
            Shade.WAITS,
        )
    if not found.identities_known:
        yield Part(
            "No full check has said yet under which identity the app works: what you made yourself counts as managed.",
            Shade.WAITS,
        )
    if found.swept not in {None, in_force}:
        yield Part(
            f"The latest full check went by another policy ({found.swept[:_DIGEST]}) than the one in force here "
            f"({in_force[:_DIGEST]}): is INVOICE_ACCESS_POLICY the one that is deployed?",
            Shade.WAITS,
        )


def _sentence(found: Planned) -> str:
    by_state = Counter(_state(one) for one in found.changes if one.is_open)
    now, observed = by_state["now"], by_state["observed"]
    held = sum(one.waits is not None and one.waits.kind is WaitKind.HOLD for one in found.changes)
    others = by_state["waits"] - held
    waits = " and ".join(
        [f"{counted(held, 'change')} {'waits' if held == 1 else 'wait'} for a decision"] * bool(held)
        + [f"{counted(others, 'change')} for a pause or a date"] * bool(others)
    )
    if now:
        return f"The next full check makes {counted(now, 'change')}{f'; {waits}' if waits else ''}."
    if waits:
        return f"Nothing to do by itself: {waits}."
    if observed:
        return f"Observing: {counted(observed, 'change')} would be made, and nothing is written."
    return "Nothing to do: everything is as the policy says."


def _read(found: Planned, seconds: float) -> str:
    people, profiles = counted(found.people, "person", "people"), counted(found.profiles, "profile")
    return f"{people} and {profiles} read, {seconds:.1f} s"


type _Row = tuple[Line | int | None, ...]


def _by_profile(changes: Iterable[Change], found: Planned) -> list[_Row]:
    """A line for each change, in the order of the profiles' names."""
    named = sorted((_profile(one.profile, found), _subject(one, found), one.id, one) for one in changes)
    return [_line(one, subject, profile) for profile, subject, _, one in named]


def _by_person(changes: Iterable[Change], found: Planned) -> list[_Row]:
    """A line for all that one person gains or loses in the same way."""
    alike: dict[tuple[str, str, str, str], list[Change]] = {}
    for one in changes:
        alike.setdefault((_subject(one, found), one.key.canonical, one.do, f"{_why(one)} {one.waits}"), []).append(one)
    rows = []
    for (subject, *_), ones in sorted(alike.items()):
        first, several = ones[0], len({one.profile for one in ones})
        rows.append(_line(first, subject, _profile(first.profile, found) if several == 1 else f"{several} profiles"))
    return rows


def _line(change: Change, subject: str, profile: str) -> _Row:
    sign, shade = _SIGNS[change.do]
    word = f"would {_WORDS[change.do]}" if change.is_observed else _WORDS[change.do]
    waits = None if change.waits is None or change.is_observed else Part(_waits(change.waits), Shade.WAITS)
    return (Part(f"{sign} {word:6}", shade), subject, profile, _why(change), waits)


def _changes(rows: Sequence[_Row], most: int | None) -> Iterator[Line | Table]:
    shown = rows if most is None else rows[:most]
    if shown:
        yield Table(("DO", "PERSON", "PROFILE", "WHY", "WAITS"), shown, titled=False, indent=2)
    if len(shown) < len(rows):
        yield f"    ... {len(rows) - len(shown):,} more; --full lists each"


def _subject(change: Change, found: Planned) -> str:
    if not isinstance(change.key, PersonKey):
        return "invoice mail"
    return found.names.get(change.key.object_id) or change.key.object_id


def _profile(key: ProfileKey, found: Planned) -> str:
    """Its name, with its id where another one is called the same."""
    name = found.profile_names.get(key)
    if name is None:
        return str(key)
    return name if Counter(found.profile_names.values())[name] == 1 else f"{name} ({key.profile})"


def _why(change: Change) -> str:
    rules = ", ".join(change.rules)
    if change.do is Do.GIVE and rules:
        return f"{'rule' if len(change.rules) == 1 else 'rules'} {rules}"
    if change.why.code in _GIVEN_BACK and rules:
        return f"no rule gives it any more ({rules})"
    return say(change.why)


def _waits(wait: Wait) -> str:
    match wait.kind:
        case WaitKind.HOLD:
            return f"waits: {wait.on}"
        case WaitKind.PAUSE:
            return f"paused: {wait.on}"
        case WaitKind.GRACE:
            return f"not before {_moment(datetime.fromisoformat(wait.on))}"
        case WaitKind.DISMISSED:
            return f"left alone, as {wait.on} decided"
        case WaitKind.OBSERVED:
            return "observed"


def _soon(found: Planned) -> Iterator[Line]:
    for key, at in found.soon:
        yield f"  . soon    {found.names.get(key.object_id) or key.object_id}: something changes at {_moment(at)}"


def _rules(found: Planned) -> Iterator[Line]:
    for rule, reasons in sorted(found.unknown_rules.items()):
        why = "; ".join(map(say, reasons))
        yield Part(f"  ! rule {rule} is not known: {why}. What it gave stays.", Shade.WAITS)


def _room(found: Planned) -> Iterator[Line]:
    """What enforcing everything would hold: for whoever only observes, or on a part."""
    for kind, room in found.would_hold.items():
        left = f"of {room.limit:,} a day {room.left:,} are left"
        yield f"  ! enforced everywhere, {room.wanted:,} {_KINDS[kind]} would wait: {left}"


def _recipients(found: Planned, most: int | None) -> Iterator[Line | Table]:
    rows: list[_Row] = [
        (_profile(profile, found), f"{counted(each.before, 'recipient')}, then {each.after:,}")
        for profile, each in sorted(found.recipients.items(), key=lambda one: _profile(one[0], found))
    ]
    if rows:
        yield Table(("PROFILE", "RECIPIENTS"), rows if most is None else rows[:most], titled=False, indent=4)


def _comes_to(changes: Sequence[Change]) -> str:
    """What the changes come to: those made by themselves, and how many wait or are only observed."""
    by_state = Counter(_state(one) for one in changes if one.is_open)
    if by_state["observed"] and not (by_state["now"] or by_state["waits"]):
        did = Counter(one.do for one in changes if one.is_open)
        would = f"{did[Do.GIVE]:,} would be given, {did[Do.REMOVE]:,} removed, {did[Do.TURN_ON]:,} turned on"
        return f"{would}: nothing is written, because the policy only observes there"
    told = [_counted(one for one in changes if one.waits is None)]
    told += [f"{by_state['waits']:,} wait"] if by_state["waits"] else []
    told += [f"{by_state['observed']:,} are only observed"] if by_state["observed"] else []
    return "; ".join(told)


def _state(change: Change) -> str:
    if change.waits is None:
        return "now"
    return "observed" if change.is_observed else "waits"


def _counted(changes: Iterable[Change]) -> str:
    found = Counter(one.do for one in changes)
    return f"{found[Do.GIVE]:,} to give, {found[Do.REMOVE]:,} to remove, {found[Do.TURN_ON]:,} to turn on"


def _limits(found: Planned) -> Iterator[str]:
    """How much of each day's room the changes need, and what of them would wait for what."""
    wanted = Counter(one.kind for one in found.changes if one.is_open and not one.is_observed)
    several = len(wanted) > 1
    of_limits = [
        f"{wanted[kind]:,} of {room.limit:,}{f' {_KINDS[kind]}' if several else ''} a day"
        for kind, room in found.rooms.items()
        if wanted[kind]
    ]
    waits = Counter(_waits(one.waits).removeprefix("waits: ") for one in found.changes if one.waits and one.is_open)
    if of_limits:
        told = "; ".join(f"{count:,} would wait ({what})" for what, count in sorted(waits.items()))
        yield f"{', '.join(of_limits)}: {told or 'nothing would wait'}."
    elif waits:
        yield "The policy only observes there: nothing would be written."


def _stays(stay: Iterable[Change]) -> Iterator[str]:
    """What both policies want."""
    by_state = Counter(_state(one) for one in stay if one.is_open)
    if waiting := by_state["waits"]:
        are = "that waits already stays as it is" if waiting == 1 else "that wait already stay as they are"
        yield f"The {waiting:,} {are}."
    if made := by_state["now"]:
        yield f"{made:,} more {'is' if made == 1 else 'are'} made under both policies."
    if observed := by_state["observed"]:
        yield f"{observed:,} more {'is' if observed == 1 else 'are'} only observed under both."


def _difference(difference: PolicyDifference) -> str:
    told = []
    for names, one, several in (
        (difference.added, "is new", "are new"),
        (difference.changed, "is changed", "are changed"),
        (difference.removed, "is gone", "are gone"),
    ):
        if names:
            told.append(
                f"{'rule' if len(names) == 1 else 'rules'} {', '.join(names)} {one if len(names) == 1 else several}"
            )
    if difference.keys:
        told.append(f"{', '.join(difference.keys)} {'differs' if len(difference.keys) == 1 else 'differ'}")
    return "; ".join(told) or "it means the same"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
