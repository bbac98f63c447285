"""`status`: one sentence, then figures, then what needs a person.

Lives here: the words. What is counted is `shared.domain.overview`'s and the sweep's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.answer import Answer, Line, Part, Rows, Shade, Table, counted
from cli.faults import Status
from cli.operating import StoreDesk, on_store
from cli.sighted import LEFT, WAITS, ago, clock, day, doubts, iso, iso_day
from shared.domain.guards.hold_listing import HoldGroup, listing
from shared.domain.guards.holds import Status as Decision
from shared.domain.guards.pauses import Pauses
from shared.domain.guards.proposals import Proposal, about_all
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey
from shared.domain.overview import InvoiceDay, Mailing, invoice_days, mailings
from shared.domain.policy.model import ActionKind
from shared.domain.receiving import Sight
from shared.errors import Permanent
from shared.services.operate.sight import read_sight
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
class Seen:
    """Everything that the answer is made of."""

    sight: Sight
    report: Report
    pauses: Pauses
    groups: Sequence[HoldGroup]
    proposals: Sequence[Proposal]
    mailed: Sequence[Mailing]
    days: Sequence[InvoiceDay]


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person: its kind, what it is in words, the command that tells more, and its facts."""

    mark: Part
    kind: str
    said: str
    command: str
    facts: Mapping[str, Any]
    about: str = ""


def answer_of(*, full: bool, exit_code: bool) -> Answer:
    """The overview. With `exit_code` the status is 3 while something needs a person."""
    seen = on_store(_read)
    needs = list(_needs(seen))
    found = exit_code and bool(needs)
    return Answer(
        "status",
        _body(seen, needs),
        [*doubts(seen.sight), *_text(seen, needs, full=full)],
        Rows.of(("kind", "what", "command"), [{"kind": n.kind, "what": n.said, "command": n.command} for n in needs]),
        as_of=seen.sight.view.as_of,
        complete=seen.report.complete,
        status=Status.FOUND if found else Status.DONE,
    )


async def _read(desk: StoreDesk) -> Seen:
    sight = await read_sight(desk.state, desk.clock)
    report = next(iter(await desk.state.reports(1)), None)
    if report is None:
        raise Permanent("the full check (sweep) that left the view has not stored its report yet; ask again")
    holds = [hold async for row in desk.state.holds() for hold in row.value.holds.values()]
    pauses = (await desk.state.pauses()).value
    waiting = [hold for hold in holds if hold.status is Decision.OPEN]
    mailed = mailings(sight)
    groups = listing(waiting, sight.now).groups
    proposals = (await desk.state.proposals()).value.standing(sight.now)
    return Seen(sight, report, pauses, groups, proposals, mailed, invoice_days(mailed))


# -- what needs a person


def _needs(seen: Seen) -> Iterator[Need]:
    for pause, setting in seen.pauses.active.items():
        said = f"{pause}: {say(setting.why)}"
        yield Need(LEFT, "pause", said, "invoice-access resume", {"pause": str(pause), "since": iso(setting.since)})
    for group in seen.groups:
        proposal = about_all(group.holds, seen.proposals)
        first = None if proposal is None else seen.sight.called(proposal.by)
        facts = _decision_facts(group) | ({} if proposal is None else {"proposed_by": proposal.by})
        yield Need(WAITS, "decision", _decision(group, first), f"invoice-access holds show {group.id}", facts)
    for one in seen.mailed:
        if not one.is_sure:
            said = f"{one.profile.name} {_unsure(one)}"
            yield Need(
                LEFT, "will-not-mail", said, _who(one.profile.name), {"profile": str(one.profile.key)}, one.profile.name
            )
    unsure = {one.profile.key for one in seen.mailed if not one.is_sure}
    findings: dict[FindingKind, list[Need]] = {}
    for finding in seen.report.findings:
        if finding.kind is not FindingKind.FEW_RECIPIENTS or finding.profile not in unsure:
            findings.setdefault(finding.kind, []).append(_finding(seen.sight, finding))
    for of_kind in findings.values():
        yield from of_kind


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


def _decision_facts(group: HoldGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "changes": len(group.holds),
        "people": len({hold.key for hold in group.holds if isinstance(hold.key, PersonKey)}),
        "profiles": len({hold.profile for hold in group.holds}),
        "since": iso(min(hold.since for hold in group.holds)),
    }


def _unsure(one: Mailing) -> str:
    if one.profile.rows is None:
        return "may mail nothing: who has a role there could not be read"
    if one.profile.opted_in is not True:
        return "will mail nothing: invoice mail is off"
    return f"will reach nobody: {counted(one.recipients, 'person', 'people')} with a role, and none who can read mail"


def _finding(sight: Sight, finding: Finding) -> Need:
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
    facts = {
        "principal": finding.principal or None,
        "profile": None if finding.profile is None else str(finding.profile),
        "account": finding.account or None,
        "rule": finding.rule or None,
        "why": finding.why,
    }
    facts = {name: one for name, one in facts.items() if one is not None}
    return Need(LEFT, finding.kind.value, said, command, facts, about)


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


def _text(seen: Seen, needs: Sequence[Need], *, full: bool) -> Iterator[Line | Table]:
    yield (Part(f"{_sentence(seen, needs)}", Shade.BOLD),)
    yield ""
    yield Table(("", ""), [[name, said] for name, said in _figures(seen)], titled=False, indent=2)
    told = [(need, need.said, need.command) for need in needs] if full else list(_together(needs))
    if told:
        yield ""
        yield from _lines(told)
    if len(told) < len(needs):
        yield "  --full lists each by itself."


type _Told = tuple[Need, str, str]
"""A line: one of the needs that it tells, its words and its command."""


def _together(needs: Sequence[Need]) -> Iterator[_Told]:
    """A line for each, and one for more than three of a kind: what they are about."""
    kinds: dict[str, list[Need]] = {}
    for need in needs:
        kinds.setdefault(need.kind, []).append(need)
    for kind, of_kind in kinds.items():
        if len(of_kind) <= _EACH or kind == "decision":
            yield from ((need, need.said, need.command) for need in of_kind)
            continue
        about = ", ".join(need.about for need in of_kind[:_EACH])
        said = f"{len(of_kind)} {_MANY.get(kind, kind)}: {about} and {len(of_kind) - _EACH} more"
        yield of_kind[0], said, "invoice-access status --full"


def _lines(told: Sequence[_Told]) -> Iterator[Line]:
    """Commands stand in a column, but for those behind a long text."""
    width = max((len(said) for _, said, _ in told if len(said) <= _COLUMN), default=0)
    for need, said, command in told:
        yield ("  ", need.mark, f"{_heading(need):8}  {said:{width}}  {command}".rstrip())


def _heading(need: Need) -> str:
    return need.kind if need.kind in {"decision", "pause"} else "mail" if need.kind == "will-not-mail" else "finding"


def _sentence(seen: Seen, needs: Sequence[Need]) -> str:
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


def _figures(seen: Seen) -> Iterator[tuple[str, str]]:
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
        f"{counted(report.counts.managed, 'assignment')} of {_holders(sight)}; {report.counts.unmanaged:,} unmanaged",
    )
    labels = report.feed_check.labels
    if total := labels.announced + labels.never_announced:
        yield "events", f"{labels.announced:,} of {counted(total, 'difference')} were announced by an event"
    used = [f"{_LIMITS[kind]} {room.limit - room.left:,}/{room.limit:,}" for kind, room in _rooms(report)]
    if used:
        yield "limits, 24 h", ", ".join(used)


def _rooms(report: Report) -> list[tuple[ActionKind, Any]]:
    return [(kind, report.guards[kind]) for kind in _LIMITS if kind in report.guards]


def _profiles(one: InvoiceDay) -> str:
    return f"{counted(one.profiles, 'profile')}, {_range(one)}"


def _range(one: InvoiceDay) -> str:
    if one.fewest == one.most:
        return f"{counted(one.most, 'person', 'people')}{' each' if one.profiles > 1 else ''}"
    return f"{one.fewest:,} to {one.most:,} people each"


def _holders(sight: Sight) -> str:
    return counted(
        len({row.principal for profile in sight.view.profiles for row in profile.rows or () if row.managed}),
        "person",
        "people",
    )


def _mode(seen: Seen) -> str:
    enforced = sum(profile.enforced for profile in seen.sight.view.profiles)
    if not enforced:
        return "observing: nothing is written"
    every = len(seen.sight.view.profiles)
    return (
        "enforcing on every profile"
        if enforced == every
        else f"enforcing on {enforced:,} of {counted(every, 'profile')}"
    )


# -- for programs


def _body(seen: Seen, needs: Sequence[Need]) -> Mapping[str, Any]:
    view, report = seen.sight.view, seen.report
    enforced = sum(profile.enforced for profile in view.profiles)
    labels = report.feed_check.labels
    stale = view.is_stale(seen.sight.now)
    return {
        "verdict": "not-known" if stale or not report.complete else "attention" if needs else "good",
        "mode": "observing" if not enforced else "enforcing" if enforced == len(view.profiles) else "partly",
        "paused": [str(pause) for pause in seen.pauses.active],
        "profiles": {
            "all": len(view.profiles),
            "active": len(seen.mailed),
            "will_mail": sum(one.is_sure for one in seen.mailed),
        },
        "next_invoices": [
            {"day": one.day.isoformat(), "profiles": one.profiles, "fewest": one.fewest, "most": one.most}
            for one in seen.days
        ],
        "assignments": {
            "managed": report.counts.managed,
            "people": _holders(seen.sight),
            "unmanaged": report.counts.unmanaged,
        },
        "differs": sum(report.drift.values()),
        "announced": {"share": labels.ratio, "of": labels.announced + labels.never_announced},
        "limits": {kind.value: [room.limit - room.left, room.limit] for kind, room in _rooms(report)},
        "needs": [{"kind": need.kind, **need.facts} for need in needs],
    }
