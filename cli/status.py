"""`status`: one sentence, then figures, then what needs a person.

Lives here: the words. What is counted is `shared.domain.overview`'s and the sweep's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cli import completing
from cli.answer import Answer, Line, Part, Shade, Table, counted
from cli.faults import Status
from cli.operating import on_store
from cli.sighted import LEFT, WAITS, ago, clock, day, doubts, iso_day, lasted
from shared.answers.documents import Rows
from shared.answers.overview import (
    DecisionNeeds,
    FindingNeeds,
    MailNeeds,
    Need,
    Overview,
    PauseNeeds,
    ProofNeeds,
    ShelfNeeds,
    needs_of,
    overview_body,
    read_overview,
)
from shared.domain.guards.hold_listing import HoldGroup
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.overview import InvoiceDay, Mailing
from shared.domain.policy.model import ActionKind
from shared.domain.receiving import Sight
from shared.wording.say import say

_EACH: Final = 3
"""How many of a kind are told one by one without `--full`."""

_COLUMN: Final = 100
"""Characters of a text behind which the commands still stand in a column."""

_MANY: Final = {
    "will-not-mail": "profiles will mail nothing, or reach nobody",
    FindingKind.FEW_RECIPIENTS: "profiles have fewer recipients than the policy asks for",
    FindingKind.LEAVER_HOLDS_UNMANAGED: "who left still have access that is not managed",
    FindingKind.UNREADABLE: "people cannot be read",
    FindingKind.NEAR_MISS: "people miss a rule by a slip of the pen",
    FindingKind.PROFILE_NOT_ACTIVE: "profiles are not active",
    FindingKind.GRANT_ENDS: "named grants end within a week",
}
"""What is said of more than that of a kind; of the other kinds, the kind itself."""

_HEADINGS: Final = {
    "will-not-mail": "mail",
    "rejected-events": "events",
    "dead-letters": "events",
    "record-broken": "record",
}
"""What stands before a need of a kind; before others `finding`."""

_LIMITS: Final = {
    ActionKind.GRANTS: "given",
    ActionKind.MOVER_REVOKES: "removed (stay)",
    ActionKind.LEAVER_REVOKES: "removed (left)",
    ActionKind.PROFILE_UPDATES: "mail turned on",
}

WOULD: Final = {
    ActionKind.GRANTS: "give",
    ActionKind.MOVER_REVOKES: "remove",
    ActionKind.LEAVER_REVOKES: "remove",
    ActionKind.PROFILE_UPDATES: "turn on mail for",
}
"""What releasing a hold of a kind does."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that needs a person, in words: its kind, what it is, the command that tells more, what it is about."""

    mark: Part
    kind: str
    said: str
    command: str
    about: str = ""


def answer_of(*, full: bool, exit_code: bool) -> Answer:
    """The overview. With `exit_code` the status is 3 while something needs a person."""
    seen = on_store(read_overview)
    completing.leave(profiles=seen.sight.view.profiles, holds=seen.groups)
    found = list(needs_of(seen))
    needs = [_told(seen.sight, need) for need in found]
    return Answer(
        "status",
        overview_body(seen, found),
        [*doubts(seen.sight), *_text(seen, needs, full=full)],
        Rows.of(("kind", "what", "command"), [{"kind": n.kind, "what": n.said, "command": n.command} for n in needs]),
        as_of=seen.sight.view.as_of,
        complete=seen.report.complete,
        status=Status.FOUND if exit_code and found else Status.DONE,
    )


def _told(sight: Sight, need: Need) -> Told:
    match need:
        case PauseNeeds(pause=pause, setting=setting):
            return Told(LEFT, need.kind, f"{pause}: {say(setting.why)}", "invoice-access resume")
        case DecisionNeeds(group=group, proposal=proposal):
            first = None if proposal is None else sight.called(proposal.by)
            return Told(WAITS, need.kind, _decision(group, first), f"invoice-access holds show {group.id}")
        case MailNeeds(mailing=one):
            name = one.profile.name
            return Told(LEFT, need.kind, f"{name} {_unsure(one)}", _who(name), name)
        case FindingNeeds(finding=finding):
            return _finding(sight, finding)
        case ShelfNeeds(kind=kind, count=count):
            verb = "rejected" if kind == "rejected-events" else "dead"
            what = "rejected" if kind == "rejected-events" else "dead letters"
            return Told(WAITS, kind, f"{count.said} {what}", f"invoice-access events {verb}")
        case ProofNeeds(proof=proof):
            said = f"{counted(proof.faulty, 'fault')} in the record, found {iso_day(proof.at, sight.zone)}"
            return Told(LEFT, need.kind, said, "invoice-access ledger verify --last")


def _decision(group: HoldGroup, proposer: str | None) -> str:
    """What a group's release would do, and why it waits: for its reason, or for a second operator."""
    first = group.holds[0]
    because = f": {say(first.why)}" if proposer is None else f", proposed by {proposer}"
    profiles = {hold.profile for hold in group.holds}
    if first.kind is ActionKind.PROFILE_UPDATES:
        return f"turn on mail for {counted(len(profiles), 'profile')}{because}"
    people = {hold.key for hold in group.holds}
    verb, where = ("give", "on") if first.kind is ActionKind.GRANTS else ("remove", "from")
    who = counted(len(people), "person", "people")
    return f"{verb} {who} {where} {counted(len(profiles), 'profile')}{because}"


def _unsure(one: Mailing) -> str:
    if one.verdict is not None:
        return f"will mail nothing: {say(one.verdict.why)}"
    if one.profile.rows is None:
        return "may mail nothing: who has a role there could not be read"
    if one.profile.opted_in is not True:
        return "will mail nothing: invoice mail is off"
    return f"will reach nobody: {counted(one.recipients, 'person', 'people')} with a role, and none who can read mail"


def _finding(sight: Sight, finding: Finding) -> Told:
    profile = None if finding.profile is None else sight.view.by_key.get(finding.profile)
    who = sight.called(finding.principal) if finding.principal else ""
    where = profile.name if profile is not None else str(finding.profile or finding.account or "")
    about = " on ".join(part for part in (who, where) if part) or finding.rule or finding.key
    said = _short(sight, finding, who, where) or (f"{about}: {say(finding.why)}" if about else say(finding.why))
    if profile is not None:
        command = _who(profile.name)
    elif finding.principal:
        command = f'invoice-access why "{who}"'
    elif finding.rule:
        command = f"invoice-access policy explain {finding.rule}"
    else:
        command = ""
    return Told(LEFT, finding.kind.value, said, command, about)


def _short(sight: Sight, finding: Finding, who: str, where: str) -> str:
    """A finding in few words, where its command tells the rest; "" for any other."""
    facts = finding.why.facts
    if finding.kind is FindingKind.LEAVER_HOLDS_UNMANAGED and where:
        seen = sight.people.get(finding.principal)
        left = None if seen is None or seen.person is None else seen.person.leave_date
        return f"{who} left{f' on {iso_day(left, sight.zone)}' if left else ''} and still has {where}"
    if finding.kind is FindingKind.FEW_RECIPIENTS:
        return f"{where} reaches {facts['reached']} of the {facts['asked']} people whom the policy asks for"
    if finding.kind is FindingKind.PROFILE_NOT_ACTIVE:
        return f"{where} is {facts['status'] or 'of no status'}: nobody is given access until it is Active"
    return ""


def _who(profile: str) -> str:
    return f'invoice-access who "{profile}"'


# -- for people


def _text(seen: Overview, needs: Sequence[Told], *, full: bool) -> Iterator[Line | Table]:
    yield (Part(f"{_sentence(seen, needs)}", Shade.BOLD),)
    yield ""
    yield Table(("", ""), [[name, said] for name, said in _figures(seen)], titled=False, indent=2)
    told = [(need, need.said, need.command) for need in needs] if full else list(_together(needs))
    if told:
        yield ""
        yield from _lines(told)
    if len(told) < len(needs):
        yield "  --full lists each by itself."


type _Line = tuple[Told, str, str]
"""A line: one of the needs that it tells, its words and its command."""


def _together(needs: Sequence[Told]) -> Iterator[_Line]:
    """A line for each, and one for more than three of a kind: what they are about."""
    kinds: dict[str, list[Told]] = {}
    for need in needs:
        kinds.setdefault(need.kind, []).append(need)
    for kind, of_kind in kinds.items():
        if len(of_kind) <= _EACH or kind == "decision":
            yield from ((need, need.said, need.command) for need in of_kind)
            continue
        about = ", ".join(need.about for need in of_kind[:_EACH])
        said = f"{len(of_kind)} {_MANY.get(kind, kind)}: {about} and {len(of_kind) - _EACH} more"
        yield of_kind[0], said, "invoice-access status --full"


def _lines(told: Sequence[_Line]) -> Iterator[Line]:
    """Commands stand in a column, but for those behind a long text."""
    width = max((len(said) for _, said, _ in told if len(said) <= _COLUMN), default=0)
    for need, said, command in told:
        yield ("  ", need.mark, f"{_heading(need):8}  {said:{width}}  {command}".rstrip())


def _heading(need: Told) -> str:
    return need.kind if need.kind in {"decision", "pause"} else _HEADINGS.get(need.kind, "finding")


def _sentence(seen: Overview, needs: Sequence[Told]) -> str:
    active, sure = len(seen.mailed), sum(one.is_sure for one in seen.mailed)
    if not active:
        mails = "No active profile is managed"
    elif sure == active:
        mails = (
            "The active profile will mail its next invoice"
            if active == 1
            else f"All {active:,} active profiles will mail their next invoice"
        )
    else:
        mails = f"{sure:,} of {active:,} active profiles will mail their next invoice"
    if not needs:
        return f"{mails}. Nothing needs a person."
    return f"{mails}. {counted(len(needs), 'thing')} {'needs' if len(needs) == 1 else 'need'} a person."


def _figures(seen: Overview) -> Iterator[tuple[str, str]]:
    sight, report, zone = seen.sight, seen.report, seen.sight.zone
    read = "everything could be read" if report.complete else f"{counted(len(report.failures), 'read')} failed"
    at = sight.view.as_of
    yield (
        "full check",
        f"{clock(at, zone)} ({zone.key}), {ago(sight.now - at)}, {report.seconds:.1f} s; {read}; {_mode(seen)}",
    )
    if seen.days:
        yield (
            "next invoices",
            "; ".join(
                f"{day(one.day, sight.today)} {counted(one.profiles, 'profile')}, {_range(one)}" for one in seen.days
            ),
        )
    yield (
        "managed",
        (
            f"{counted(report.counts.managed, 'assignment')} of {counted(seen.people, 'person', 'people')}; "
            f"{report.counts.unmanaged:,} unmanaged"
        ),
    )
    yield "events", "; ".join(_events(seen))
    if seen.leavers.heard is not None:
        yield "who left", _left(seen)
    yield "record", _record(seen)
    used = [f"{_LIMITS[kind]} {room.limit - room.left:,}/{room.limit:,}" for kind, room in seen.rooms]
    if used:
        yield "limits, 24 h", ", ".join(used)


def _events(seen: Overview) -> Iterator[str]:
    """What came of the feed, and what lies where somebody has to look, dated where that look is old."""
    labels = seen.report.feed_check.labels
    if total := labels.announced + labels.never_announced:
        yield f"{labels.announced:,} of {counted(total, 'difference')} were announced by an event"
    health, sight = seen.health, seen.sight
    if health is None or health.rejected is None:
        yield "rejected events and dead letters not known yet"
        return
    rejected, dead = health.rejected, health.dead
    said = f"rejected events {rejected.said}" if rejected.count is None else f"{rejected.said} rejected"
    said += f", dead letters {dead.said}" if dead.count is None else f", {dead.said} dead letters"
    yield said + (f" {ago(sight.now - health.at)}: nobody has looked since" if health.is_stale(sight.now) else "")


def _left(seen: Overview) -> str:
    """How long the access of those who left was there after the app could act."""
    clock_ = seen.leavers
    heard = clock_.heard
    assert heard is not None, "asked only where somebody left"
    days = (clock_.last - clock_.first).days + 1
    if clock_.people == 1:
        return f"1 in {days} days, access gone after {lasted(heard.longest)}"
    typical, worst = lasted(heard.p50), lasted(heard.longest)
    return f"{clock_.people:,} in {days} days, access gone after {typical} (p95 {lasted(heard.p95)}, longest {worst})"


def _record(seen: Overview) -> str:
    proof, sight = seen.proof, seen.sight
    if proof is None:
        return "not proved yet: the first proof is taken within a day"
    when = f"{iso_day(proof.at, sight.zone)} {clock(proof.at, sight.zone)}"
    of = f"{counted(proof.chains, 'chain')}, {counted(proof.records, 'record')}"
    digest = f"digest {proof.digest.partition(':')[0]}" if proof.digest else "no digest yet"
    said = f"proved {when}, {digest}; {of}, {counted(proof.faulty, 'fault') if proof.faulty else 'unbroken'}"
    return said + (f"; no proof since, {ago(sight.now - proof.at)}" if proof.is_old(sight.now) else "")


def _range(one: InvoiceDay) -> str:
    if one.fewest == one.most:
        return f"{counted(one.most, 'person', 'people')}{' each' if one.profiles > 1 else ''}"
    return f"{one.fewest:,} to {one.most:,} people each"


def _mode(seen: Overview) -> str:
    enforced = seen.enforced
    if not enforced:
        return "observing: nothing is written"
    every = len(seen.sight.view.profiles)
    return (
        "enforcing on every profile"
        if enforced == every
        else f"enforcing on {enforced:,} of {counted(every, 'profile')}"
    )
