"""What a new deployment gets wrong: what each check of `doctor` concludes from the facts that were read.

Lives here: the conclusions, as codes with facts. Reading is `services.operate.doctor`'s, the words are the command
line's. What the app itself may do is judged by what its own full checks saw: whoever asks has rights of their own.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.clocks import CLOCKS_APART
from shared.domain.guards.pauses import PauseKind, Pauses
from shared.domain.health import Health
from shared.domain.history.proof import Proof
from shared.domain.history.report import Report
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.subscription import Subscription
from shared.domain.view import Called, PeopleView, ProfileView, RoleRow, View

HOST: Final[Mapping[str, object]] = {
    "extensions.serviceBus.prefetchCount": 0,
    "extensions.serviceBus.autoCompleteMessages": True,
    "extensions.serviceBus.maxAutoLockRenewalDuration": "24.00:00:00",
    "extensions.serviceBus.maxConcurrentSessions": 32,
    "extensions.serviceBus.maxMessageBatchSize": 100,
    "functionTimeout": "00:10:00",
}
"""The values of host.json that the app stands on: see docs/reference/settings.md for why."""

DIGEST_DAYS: Final = timedelta(days=2)
"""From this age on a digest was missed: one is taken each day, by its first full check."""

LAST_DAY: Final = timedelta(hours=24)
"""A subscription that ends sooner was not renewed: each hour moves the end four weeks on."""

_SERVICE_BUS: Final = ".servicebus.windows.net"
"""What stands behind a namespace's name in Azure's public cloud."""

_ACCOUNT_OWNER: Final = "Billing account owner"
_PROFILE_OWNER: Final = "Billing profile owner"
"""The two roles that may assign Invoice manager."""


class State(StrEnum):
    """What a check concludes."""

    GOOD = "good"
    TO_MEND = "to-mend"
    NOT_READ = "not-read"
    """A read failed: another time it may be told."""
    NOT_TOLD = "not-told"
    """Nothing that may be read here tells it."""


class Name(StrEnum):
    """The checks, in the order in which they are told. The values are what people read."""

    SETTINGS = "settings"
    POLICY = "policy"
    HOST = "host.json"
    SIGN_IN = "sign-in"
    STORE = "store"
    FULL_CHECK = "full check"
    PAUSES = "pauses"
    ROLE = "our role, billing"
    CREATED_BY = "createdBy"
    PEOPLE = "people"
    LEAVE_DATES = "leave dates"
    NAMES = "names"
    GROUPS = "groups"
    QUEUES = "queues"
    QUEUE_SETTINGS = "queue settings"
    SUBSCRIPTIONS = "subscriptions"
    KEPT_MESSAGES = "rejected, dead"
    RECORD = "record"
    PROOF = "proof"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Check:
    """One check's conclusion. `code` says which of its conclusions it is, `facts` fill its words."""

    name: Name
    state: State
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotRead:
    """A read that failed, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Digest:
    """The ledger's latest digest against the chains that it names.

    `named` is how many heads it has, `compared` how many of them were looked at, `faults` what is wrong there.
    """

    sequence: int
    at: datetime
    named: int
    compared: int
    faults: Sequence[str]


class Reached(StrEnum):
    """What became of opening a link to send to a queue."""

    THERE = "there"
    MISSING = "missing"
    """It does not exist, or is disabled."""
    REFUSED = "refused"
    """Whoever asks may not send to it. Whether it exists is not told."""
    SILENT = "silent"


def not_read(name: Name, failed: NotRead) -> Check:
    """A check whose facts could not be read."""
    return Check(name, State.NOT_READ, "not-read", {"why": failed.why})


# -- what the environment has


def settings(mistakes: Sequence[str]) -> Check:
    """Whether every setting can be used."""
    if mistakes:
        return Check(Name.SETTINGS, State.TO_MEND, "settings-wrong", {"mistakes": mistakes})
    return Check(Name.SETTINGS, State.GOOD, "settings-good")


def policy(digest: str, mistakes: Sequence[str], view: View | NotRead | None) -> Check:
    """Whether the policy can be used, and is the one that the latest full check used."""
    if mistakes:
        return Check(Name.POLICY, State.TO_MEND, "policy-wrong", {"mistakes": mistakes})
    if isinstance(view, View) and view.policy_digest != digest:
        return Check(Name.POLICY, State.TO_MEND, "policy-other", {"digest": digest, "used": view.policy_digest})
    return Check(Name.POLICY, State.GOOD, "policy-good", {"digest": digest})


def host(found: Mapping[str, object] | None, overridden: Sequence[str]) -> Check:
    """Whether host.json (its values by path; None where there is no file) is as the app needs it.

    `overridden` are settings by which the platform would take another value.
    """
    if overridden:
        return Check(Name.HOST, State.TO_MEND, "host-overridden", {"names": overridden})
    if found is None:
        return Check(Name.HOST, State.NOT_TOLD, "host-nowhere")
    wrong = {path: found.get(path) for path, right in HOST.items() if found.get(path) != right}
    if wrong:
        said = [f"{path} is {one!r}, and should be {HOST[path]!r}" for path, one in wrong.items()]
        return Check(Name.HOST, State.TO_MEND, "host-wrong", {"wrong": said})
    return Check(Name.HOST, State.GOOD, "host-good")


# -- what the app's own full checks saw


def full_check(report: Report | NotRead | None, now: datetime, rest: timedelta) -> Check:
    """Whether the latest full check is recent and read everything. `rest` is the longest between two of them."""
    match report:
        case NotRead():
            return not_read(Name.FULL_CHECK, report)
        case None:
            return Check(Name.FULL_CHECK, State.TO_MEND, "never-checked")
    facts = {"at": report.started, "age": now - report.started}
    if now - report.started > 2 * rest:
        return Check(Name.FULL_CHECK, State.TO_MEND, "check-old", facts)
    if not report.complete:
        return Check(Name.FULL_CHECK, State.TO_MEND, "check-incomplete", {**facts, "failures": report.failures})
    return Check(Name.FULL_CHECK, State.GOOD, "check-good", facts)


def pauses(found: Pauses | NotRead) -> Check:
    """Whether nothing stops writes."""
    if isinstance(found, NotRead):
        return not_read(Name.PAUSES, found)
    if found.active:
        paused = [(str(pause), setting.why) for pause, setting in found.active.items()]
        return Check(Name.PAUSES, State.TO_MEND, "paused", {"paused": paused})
    return Check(Name.PAUSES, State.GOOD, "not-paused")


def role(report: Report | NotRead | None, view: View | NotRead | None, found: Pauses | NotRead) -> Check:
    """Whether the app sees its accounts, and has a role by which Invoice manager can be given on each of them."""
    unseen = _unseen(Name.ROLE, report, view)
    if unseen is not None:
        return unseen
    assert isinstance(report, Report) and isinstance(view, View)  # noqa: PT018 - what `_unseen` says
    us = _us(report)
    if (blind := _blind(report)) is not None:
        return blind
    if isinstance(found, Pauses):
        lost = [pause.scope or "billing" for pause in found.active if pause.kind is PauseKind.ROLE_LOST]
        if lost:
            return Check(Name.ROLE, State.TO_MEND, "role-lost", {"us": us, "where": lost})
    lacking, unknown, managed = _rights(view, frozenset(report.identities))
    if lacking:
        return Check(Name.ROLE, State.TO_MEND, "role-lacking", {"us": us, "where": lacking, "all": len(view.profiles)})
    if unknown:
        return Check(Name.ROLE, State.NOT_TOLD, "role-not-told", {"where": unknown})
    return Check(Name.ROLE, State.GOOD, "role-good", {"accounts": managed, "profiles": len(view.profiles)})


def created_by(report: Report | NotRead | None, view: View | NotRead | None) -> Check:
    """Whether billing names the app as the maker of what it gave."""
    unseen = _unseen(Name.CREATED_BY, report, view)
    if unseen is not None:
        return unseen
    assert isinstance(report, Report) and isinstance(view, View)  # noqa: PT018 - what `_unseen` says
    given = [row for one in view.profiles for row in one.rows or () if row.role == INVOICE_MANAGER_NAME]
    ours = sum(row.created_by in report.identities for row in given)
    if ours:
        return Check(Name.CREATED_BY, State.GOOD, "created-by-us", {"rows": ours, "us": _us(report)})
    return Check(Name.CREATED_BY, State.NOT_TOLD, "created-by-nobody-yet", {"us": _us(report)})


def people(report: Report | NotRead | None, found: PeopleView | NotRead | None) -> Check:
    """Whether the rules mean somebody, and everybody can be read."""
    if isinstance(found, NotRead):
        return not_read(Name.PEOPLE, found)
    if isinstance(report, NotRead):
        return not_read(Name.PEOPLE, report)
    if found is None or report is None:
        return Check(Name.PEOPLE, State.NOT_TOLD, "no-full-check")
    matched = sum(bool(one.rules) for one in found.people)
    facts = {"people": len(found.people), "matched": matched, "unreadable": report.counts.people_unreadable}
    if report.counts.people_unreadable:
        return Check(Name.PEOPLE, State.TO_MEND, "people-unreadable", facts)
    if not matched:
        return Check(Name.PEOPLE, State.TO_MEND, "people-none", facts)
    return Check(Name.PEOPLE, State.GOOD, "people-good", facts)


def leave_dates(report: Report | NotRead | None, found: PeopleView | NotRead | None) -> Check:
    """Whether anybody shows a leave date: without its permission Graph leaves it out, and says nothing."""
    if isinstance(found, NotRead):
        return not_read(Name.LEAVE_DATES, found)
    read = [] if found is None else [one.person for one in found.people if one.person is not None]
    if not read:
        return Check(Name.LEAVE_DATES, State.NOT_TOLD, "no-people")
    dated = sum(one.leave_date is not None for one in read)
    us = _us(report) if isinstance(report, Report) else ""
    facts = {"people": len(read), "dated": dated, "us": us}
    if not dated:
        return Check(Name.LEAVE_DATES, State.TO_MEND, "leave-dates-blank", facts)
    return Check(Name.LEAVE_DATES, State.GOOD, "leave-dates-good", facts)


def names(
    report: Report | NotRead | None,
    view: View | NotRead | None,
    called: Mapping[str, Called] | NotRead,
) -> Check:
    """Whether the directory said what those with a role are called. What apps are called, no decision needs."""
    unseen = _unseen(Name.NAMES, report, view)
    if unseen is not None:
        return unseen
    if isinstance(called, NotRead):
        return not_read(Name.NAMES, called)
    assert isinstance(report, Report) and isinstance(view, View)  # noqa: PT018 - what `_unseen` says
    ours = {row.principal for one in view.profiles for row in one.rows or () if not row.elsewhere}
    if not ours:
        return Check(Name.NAMES, State.NOT_TOLD, "nobody-to-name")
    nameless: dict[PrincipalKind, int] = dict.fromkeys(PrincipalKind, 0)
    for one in ours:
        known = called.get(one)
        if known is None or not (known.name or known.address or known.upn):
            nameless[PrincipalKind.UNKNOWN if known is None else known.kind] += 1
    folk = nameless[PrincipalKind.PERSON] + nameless[PrincipalKind.GUEST]
    groups, apps = nameless[PrincipalKind.GROUP], nameless[PrincipalKind.APP]
    unknown = nameless[PrincipalKind.UNKNOWN]
    facts = {"all": len(ours), "people": folk, "groups": groups, "apps": apps, "unknown": unknown, "us": _us(report)}
    if folk or groups:
        return Check(Name.NAMES, State.TO_MEND, "names-blank", facts)
    if unknown == len(ours):
        return Check(Name.NAMES, State.TO_MEND, "names-none", facts)
    return Check(Name.NAMES, State.GOOD, "names-good", facts)


# -- what is looked at now


def groups(named: Mapping[str, Sequence[str]], found: Mapping[str, bool | NotRead]) -> Check:
    """Whether every group that a rule names is there. `named` has the rules by group, `found` what the directory says.

    One group that is missing is to mend, whatever could not be asked about the others.
    """
    if not named:
        return Check(Name.GROUPS, State.GOOD, "no-groups")
    missing = [f"{group} (rule {', '.join(named[group])})" for group in sorted(named) if found.get(group) is False]
    if missing:
        return Check(Name.GROUPS, State.TO_MEND, "groups-missing", {"groups": missing, "all": len(named)})
    for one in found.values():
        if isinstance(one, NotRead):
            return not_read(Name.GROUPS, one)
    return Check(Name.GROUPS, State.GOOD, "groups-good", {"all": len(named)})


def queues(found: Mapping[str, Reached] | NotRead) -> Check:
    """Whether each queue takes a link of whoever asks. Nothing is sent."""
    if isinstance(found, NotRead):
        return not_read(Name.QUEUES, found)
    by_state = {state: [queue for queue, one in found.items() if one is state] for state in Reached}
    facts = {"all": len(found), **{state.value: listed for state, listed in by_state.items()}}
    if by_state[Reached.MISSING]:
        return Check(Name.QUEUES, State.TO_MEND, "queues-missing", facts)
    if by_state[Reached.REFUSED]:
        return Check(Name.QUEUES, State.NOT_TOLD, "queues-refused", facts)
    if by_state[Reached.SILENT]:
        return Check(Name.QUEUES, State.NOT_READ, "queues-silent", facts)
    return Check(Name.QUEUES, State.GOOD, "queues-good", facts)


def queue_settings(namespace: str) -> Check:
    """What no sender may see: it takes the right to manage the namespace."""
    name = namespace.removesuffix(_SERVICE_BUS)
    return Check(Name.QUEUE_SETTINGS, State.NOT_TOLD, "queue-settings", {"namespace": name})


def subscriptions(
    wanted: AbstractSet[str], mine: Sequence[Subscription] | NotRead | None, url: str, now: datetime
) -> Check:
    """Whether Graph says when something changes. `wanted` are resources, none where that is off.

    `mine` is None where whoever asks is not the app, whose own subscriptions are shown to nobody else.
    """
    if not wanted:
        return Check(Name.SUBSCRIPTIONS, State.GOOD, "subscriptions-off")
    if mine is None:
        return Check(Name.SUBSCRIPTIONS, State.NOT_TOLD, "subscriptions-not-told", {"wanted": len(wanted)})
    if isinstance(mine, NotRead):
        return not_read(Name.SUBSCRIPTIONS, mine)
    ends = {one.resource.lower(): one.expires for one in mine if one.notification_url == url}
    missing = sorted(one for one in wanted if one.lower() not in ends)
    if missing:
        return Check(Name.SUBSCRIPTIONS, State.TO_MEND, "subscriptions-missing", {"missing": missing})
    ending = sorted(one for one in wanted if ends[one.lower()] - now < LAST_DAY)
    if ending:
        return Check(Name.SUBSCRIPTIONS, State.TO_MEND, "subscriptions-ending", {"ending": ending})
    return Check(Name.SUBSCRIPTIONS, State.GOOD, "subscriptions-good", {"wanted": len(wanted)})


def record(found: Digest | NotRead | None, now: datetime) -> Check:
    """Whether the latest digest is recent, and the chains that it names are not shorter or other than it says."""
    if isinstance(found, NotRead):
        return not_read(Name.RECORD, found)
    if found is None:
        return Check(Name.RECORD, State.NOT_TOLD, "no-digest")
    facts = {"sequence": found.sequence, "at": found.at, "named": found.named, "compared": found.compared}
    if found.faults:
        return Check(Name.RECORD, State.TO_MEND, "record-broken", {**facts, "faults": found.faults})
    if now - found.at > DIGEST_DAYS:
        return Check(Name.RECORD, State.TO_MEND, "digest-old", {**facts, "age": now - found.at})
    return Check(Name.RECORD, State.GOOD, "record-good", facts)


def kept_messages(found: Health | NotRead | None, now: datetime) -> Check:
    """Whether the timer that looks at the queues runs, may look, and found nothing that somebody has to mend."""
    if isinstance(found, NotRead):
        return not_read(Name.KEPT_MESSAGES, found)
    if found is None:
        return Check(Name.KEPT_MESSAGES, State.NOT_TOLD, "no-look")
    rejected, dead = found.rejected, found.dead
    facts = {"age": now - found.at, "rejected": "not known" if rejected is None else rejected.said, "dead": dead.said}
    if found.is_stale(now):
        return Check(Name.KEPT_MESSAGES, State.TO_MEND, "look-old", facts)
    counted = [one for one in (rejected, dead) if one is not None]
    unknown = next((one for one in counted if one.count is None), None)
    if unknown is not None:
        return Check(Name.KEPT_MESSAGES, State.TO_MEND, "look-refused", {**facts, "why": unknown.why})
    if any(one.count for one in counted):
        return Check(Name.KEPT_MESSAGES, State.TO_MEND, "messages-kept", facts)
    return Check(Name.KEPT_MESSAGES, State.GOOD, "messages-none", facts)


def proof(found: Proof | NotRead | None, now: datetime) -> Check:
    """Whether the latest daily proof is recent, and found the whole ledger as it was written."""
    if isinstance(found, NotRead):
        return not_read(Name.PROOF, found)
    if found is None:
        return Check(Name.PROOF, State.NOT_TOLD, "no-proof")
    facts = {"chains": found.chains, "records": found.records, "age": now - found.at, "faulty": found.faulty}
    if not found.holds:
        said = [f"{one.chain}: {one.said}" for one in found.faults]
        return Check(Name.PROOF, State.TO_MEND, "proof-broken", {**facts, "faults": said})
    if found.is_old(now):
        return Check(Name.PROOF, State.TO_MEND, "proof-old", facts)
    return Check(Name.PROOF, State.GOOD, "proof-good", facts)


def clock(apart: timedelta | NotRead | None) -> Check:
    """Whether this machine and billing agree about the time. None: billing did not say it."""
    match apart:
        case NotRead():
            return not_read(Name.CLOCK, apart)
        case None:
            return Check(Name.CLOCK, State.NOT_TOLD, "no-time")
        case _ if abs(apart) > CLOCKS_APART:
            return Check(Name.CLOCK, State.TO_MEND, "clock-off", {"seconds": apart.total_seconds()})
        case _:
            return Check(Name.CLOCK, State.GOOD, "clock-good", {"seconds": apart.total_seconds()})


# -- helpers


def _unseen(name: Name, report: Report | NotRead | None, view: View | NotRead | None) -> Check | None:
    """What to say where no full check tells anything; None where one does."""
    if isinstance(report, NotRead):
        return not_read(name, report)
    if isinstance(view, NotRead):
        return not_read(name, view)
    if report is None or view is None or not report.identities:
        return Check(name, State.NOT_TOLD, "no-full-check")
    return None


def _blind(report: Report) -> Check | None:
    """What to say where the app sees or manages no account; None where it does."""
    if report.counts.accounts == 0:
        return Check(Name.ROLE, State.TO_MEND, "sees-no-account", {"us": _us(report)})
    if report.counts.managed_accounts == 0:
        return Check(Name.ROLE, State.TO_MEND, "manages-no-account", {"accounts": report.counts.accounts})
    return None


def _us(report: Report) -> str:
    return ", ".join(report.identities)


def _rights(view: View, us: AbstractSet[str]) -> tuple[list[str], list[str], int]:
    """On which profiles the app has no right to give access, on which that is not known, and the managed accounts."""
    lacking: list[str] = []
    unknown: list[str] = []
    managed = {one.name.lower(): one for one in view.accounts if one.managed}
    for profile in view.profiles:
        account = managed.get(profile.key.account.lower())
        if account is None:
            continue
        may = _may(account.rows, _ACCOUNT_OWNER, us) or _may(_read_now(profile), _PROFILE_OWNER, us)
        if may:
            continue
        by_group = _by_group(account.rows, _ACCOUNT_OWNER) or _by_group(profile.rows, _PROFILE_OWNER)
        is_told = _read_now(profile) is not None and not by_group
        (lacking if is_told else unknown).append(profile.name)
    return lacking, unknown, len(managed)


def _read_now(profile: ProfileView) -> Sequence[RoleRow] | None:
    """A profile's rows, where the latest full check read them itself."""
    return profile.rows if profile.seen is None else None


def _may(rows: Sequence[RoleRow] | None, role: str, us: AbstractSet[str]) -> bool:
    return any(row.role == role and row.principal in us for row in rows or ())


def _by_group(rows: Sequence[RoleRow] | None, role: str) -> bool:
    """Whether a group has the role, of which the app may be a member: who is in it besides people, nobody asks."""
    return any(row.role == role and "group" in (row.principal_type or "").lower() for row in rows or ())
