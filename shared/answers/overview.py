"""The overview: whether each invoice will be mailed, when and to how many, and what needs a person.

Lives here: reading it, its figures, what needs a person, and the document. What is counted is
`shared.domain.overview`'s and the sweep's; its words are the command line's and the page's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.answers.documents import iso
from shared.answers.known import person_json, profile_json
from shared.answers.watch import leavers_body, proof_body, queues_body
from shared.domain.guards.hold_listing import HoldGroup, listing
from shared.domain.guards.holds import Hold
from shared.domain.guards.holds import Status as Decision
from shared.domain.guards.pauses import Pause, Pauses, Setting
from shared.domain.guards.proposals import Proposal, about_all
from shared.domain.health import Health, ShelfCount
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.leavers import Summary, summary
from shared.domain.history.proof import Proof
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey
from shared.domain.overview import InvoiceDay, Mailing, invoice_days, mailings
from shared.domain.policy.model import ActionKind, Room
from shared.domain.receiving import Sight
from shared.errors import Permanent
from shared.services.operate.sight import read_sight
from shared.services.shared_row import StoreOnly

LIMITED: Final = (
    ActionKind.GRANTS,
    ActionKind.MOVER_REVOKES,
    ActionKind.LEAVER_REVOKES,
    ActionKind.PROFILE_UPDATES,
)
"""The kinds of actions that have a daily limit, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the answer is made of."""

    sight: Sight
    report: Report
    pauses: Pauses
    holds: Sequence[Hold]
    groups: Sequence[HoldGroup]
    proposals: Sequence[Proposal]
    mailed: Sequence[Mailing]
    days: Sequence[InvoiceDay]
    health: Health | None
    proof: Proof | None
    leavers: Summary

    @property
    def rooms(self) -> list[tuple[ActionKind, Room]]:
        """What the daily limits had left at the full check."""
        return [(kind, self.report.guards[kind]) for kind in LIMITED if kind in self.report.guards]

    @property
    def enforced(self) -> int:
        """On how many profiles the policy is enforced."""
        return sum(profile.enforced for profile in self.sight.view.profiles)

    @property
    def people(self) -> int:
        """How many people have something that is managed."""
        rows = (row for profile in self.sight.view.profiles for row in profile.rows or ())
        return len({row.principal for row in rows if row.managed})


@dataclass(frozen=True, slots=True)
class PauseNeeds:
    """Writes are paused."""

    pause: Pause
    setting: Setting

    kind = "pause"


@dataclass(frozen=True, slots=True)
class DecisionNeeds:
    """Something waits for a decision, and was perhaps proposed by somebody."""

    group: HoldGroup
    proposal: Proposal | None

    kind = "decision"

    @property
    def profiles(self) -> int:
        """How many profiles it is about."""
        return len({hold.profile for hold in self.group.holds})

    @property
    def people(self) -> int:
        """How many people it is about."""
        return len({hold.key for hold in self.group.holds if isinstance(hold.key, PersonKey)})


@dataclass(frozen=True, slots=True)
class MailNeeds:
    """A profile that will mail nothing, or reach nobody."""

    mailing: Mailing

    kind = "will-not-mail"


@dataclass(frozen=True, slots=True)
class FindingNeeds:
    """A finding of the full check."""

    finding: Finding

    @property
    def kind(self) -> str:
        """Its kind, as programs read it."""
        return self.finding.kind.value


@dataclass(frozen=True, slots=True)
class ShelfNeeds:
    """Events that could not be used, or dead letters, as the look at `at` counted them."""

    kind: str
    count: ShelfCount
    at: datetime


@dataclass(frozen=True, slots=True)
class ProofNeeds:
    """The latest proof found something wrong with the ledger."""

    proof: Proof

    kind = "record-broken"


type Need = PauseNeeds | DecisionNeeds | MailNeeds | FindingNeeds | ShelfNeeds | ProofNeeds


async def read_overview(desk: StoreOnly) -> Overview:
    """Reads the view, its report, and what stands and waits. Raises `Permanent` before the first full check."""
    sight = await read_sight(desk.state, desk.clock)
    report = next(iter(await desk.state.reports(1)), None)
    if report is None:
        raise Permanent("the full check (sweep) that left the view has not stored its report yet; ask again")
    holds = [hold async for row in desk.state.holds() for hold in row.value.holds.values()]
    pauses = (await desk.state.pauses()).value
    waiting = [hold for hold in holds if hold.status is Decision.OPEN]
    mailed = mailings(sight, await desk.state.mail_verdicts())
    proposals = (await desk.state.proposals()).value.standing(sight.now)
    groups = listing(waiting, sight.now).groups
    return Overview(
        sight,
        report,
        pauses,
        holds,
        groups,
        proposals,
        mailed,
        invoice_days(mailed),
        await desk.state.health(),
        (await desk.state.proofs()).value.latest,
        summary((await desk.state.leaver_days()).days, sight.today),
    )


def needs_of(seen: Overview) -> Iterator[Need]:
    """What needs a person, the most urgent first, findings of one kind together."""
    for pause, setting in seen.pauses.active.items():
        yield PauseNeeds(pause, setting)
    for group in seen.groups:
        yield DecisionNeeds(group, about_all(group.holds, seen.proposals))
    unsure = {one.profile.key for one in seen.mailed if not one.is_sure}
    yield from (MailNeeds(one) for one in seen.mailed if not one.is_sure)
    findings: dict[FindingKind, list[Finding]] = {}
    for finding in seen.report.findings:
        if finding.kind is not FindingKind.FEW_RECIPIENTS or finding.profile not in unsure:
            findings.setdefault(finding.kind, []).append(finding)
    yield from (FindingNeeds(finding) for of_kind in findings.values() for finding in of_kind)
    yield from _of_watch(seen)


def _of_watch(seen: Overview) -> Iterator[Need]:
    if seen.health is not None:
        for kind, count in (("rejected-events", seen.health.rejected), ("dead-letters", seen.health.dead)):
            if count is not None and count.count:
                yield ShelfNeeds(kind, count, seen.health.at)
    if seen.proof is not None and not seen.proof.holds:
        yield ProofNeeds(seen.proof)


def overview_body(seen: Overview, needs: Sequence[Need]) -> dict[str, Any]:
    """The overview for programs."""
    view, report = seen.sight.view, seen.report
    labels = report.feed_check.labels
    stale = view.is_stale(seen.sight.now)
    return {
        "verdict": "not-known" if stale or not report.complete else "attention" if needs else "good",
        "mode": "observing" if not seen.enforced else "enforcing" if seen.enforced == len(view.profiles) else "partly",
        "paused": [str(pause) for pause in seen.pauses.active],
        "profiles": {
            "all": len(view.profiles),
            "active": len(seen.mailed),
            "will_mail": sum(one.is_sure for one in seen.mailed),
            "enforced": seen.enforced,
        },
        "next_invoices": [
            {"day": one.day.isoformat(), "profiles": one.profiles, "fewest": one.fewest, "most": one.most}
            for one in seen.days
        ],
        "assignments": {
            "managed": report.counts.managed,
            "people": seen.people,
            "unmanaged": report.counts.unmanaged,
        },
        "differs": sum(report.drift.values()),
        "announced": {"share": labels.ratio, "of": labels.announced + labels.never_announced},
        "queues": queues_body(seen.health, seen.sight.now),
        "record": proof_body(seen.proof),
        "leavers": leavers_body(seen.leavers),
        "limits": {kind.value: [room.limit - room.left, room.limit] for kind, room in seen.rooms},
        "needs": [{"kind": need.kind, **need_facts(seen.sight, need)} for need in needs],
    }


def need_facts(sight: Sight, need: Need) -> Mapping[str, Any]:
    """What is so of something that needs a person."""
    match need:
        case PauseNeeds(pause=pause, setting=one):
            by = {"by": person_json(sight, one.by)} if one.by else {}
            return {"pause": str(pause), "since": iso(one.since), "why": one.why, **by}
        case DecisionNeeds():
            return _decision_facts(sight, need)
        case MailNeeds(mailing=one):
            profile = one.profile
            return {
                "profile": str(profile.key),
                "name": profile.name,
                "opted_in": profile.opted_in,
                "read": profile.rows is not None,
                "recipients": one.recipients,
                "day": None if one.day is None else one.day.isoformat(),
                **({} if one.verdict is None else {"why": one.verdict.why, "checked": iso(one.verdict.checked)}),
            }
        case FindingNeeds(finding=finding):
            return _finding_facts(sight, finding)
        case ShelfNeeds(count=count, at=at):
            return {"count": count.count, "more": count.more, "oldest": iso(count.oldest), "as_of": iso(at)}
        case ProofNeeds(proof=proof):
            return {"faulty": proof.faulty, "at": iso(proof.at)}


def _decision_facts(sight: Sight, need: DecisionNeeds) -> dict[str, Any]:
    first = need.group.holds[0]
    facts = {
        "id": need.group.id,
        "do": first.kind.value,
        "why": first.why,
        "changes": len(need.group.holds),
        "people": need.people,
        "profiles": need.profiles,
        "since": iso(min(hold.since for hold in need.group.holds)),
    }
    if need.proposal is None:
        return facts
    return facts | {"proposed_by": need.proposal.by, "proposer": person_json(sight, need.proposal.by)}


def _finding_facts(sight: Sight, finding: Finding) -> dict[str, Any]:
    facts: dict[str, Any] = {"principal": finding.principal or None}
    facts["profile"] = None if finding.profile is None else str(finding.profile)
    facts |= {"account": finding.account or None, "rule": finding.rule or None, "why": finding.why}
    if finding.principal:
        facts["person"] = person_json(sight, finding.principal)
        seen = sight.people.get(finding.principal)
        facts["left_on"] = None if seen is None else iso(seen.left_on(sight.now))
    if finding.profile is not None:
        shown = sight.view.by_key.get(finding.profile)
        facts["at"] = profile_json(finding.profile, str(finding.profile) if shown is None else shown.name)
    return {name: one for name, one in facts.items() if one is not None}
