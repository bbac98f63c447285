"""What there is to tell: the facts of the state that are worth a notice, each as a line that may leave the house.

Lives here: picking them, and leaving out what stays inside. A line has counts, kinds, days and names of profiles. It
has no name, address or object id of a person, no date of theirs, and nothing that somebody wrote: why an operator
paused, what an error said.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final

from shared.domain.guards.hold_listing import HoldGroup, listing
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import PauseKind, Pauses
from shared.domain.history.findings import FindingKind
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.mail_check import MailStanding, MailVerdict, ProfileMail, verdicts_of_today
from shared.domain.notices.notice import Matter, NoticeKind
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason

type Called = Callable[[ProfileKey], str]
"""What a profile is called."""

_UNREAD: Final = timedelta(hours=6)
"""How long a mail check may be unable to read a profile before that is told: an outage of an hour mends itself."""


def decisions(holds: Iterable[Hold], now: datetime) -> list[Matter]:
    """What waits for a decision: each group of holds, and each hold by itself. What joins a group is no news."""
    waiting = [hold for hold in holds if hold.status is Status.OPEN]
    return [Matter(NoticeKind.DECISION, group.id, (_decision(group),)) for group in listing(waiting, now).groups]


def _decision(group: HoldGroup) -> Reason:
    kind = group.holds[0].kind
    profiles = len({hold.profile for hold in group.holds})
    if kind is ActionKind.PROFILE_UPDATES:
        return Code.MAIL_DECISION_WAITS(profiles=profiles)
    count = len({hold.key for hold in group.holds if isinstance(hold.key, PersonKey)})
    return Code.DECISION_WAITS(kind=kind.value, count=count, profiles=profiles)


def pauses(standing: Pauses) -> list[Matter]:
    """The pauses that stand, but for those of a full check that failed: `failed_checks` tells of these."""
    return [
        Matter(
            NoticeKind.PAUSE,
            f"{pause}|{setting.since.isoformat()}",
            (Code.PAUSE_STANDS(kind=pause.kind.value, scope=pause.scope, since=setting.since.isoformat()),),
        )
        for pause, setting in standing.active.items()
        if pause.kind is not PauseKind.INCOMPLETE_SWEEP
    ]


def failed_checks(report: Report | None, standing: Pauses, now: datetime, longest_rest: timedelta) -> list[Matter]:
    """That the latest full check could not read everything, or that none came for longer than sweeps may rest."""
    found: list[Matter] = []
    since = [one.since for pause, one in standing.active.items() if pause.kind is PauseKind.INCOMPLETE_SWEEP]
    if report is not None and not report.complete:
        since.append(report.started)
    if since:
        line = Code.CHECK_INCOMPLETE(since=min(since).isoformat())
        found.append(Matter(NoticeKind.CHECK_FAILED, "incomplete", (line,)))
    if report is not None and now - report.started > longest_rest:
        line = Code.CHECK_OVERDUE(last=report.started.isoformat())
        found.append(Matter(NoticeKind.CHECK_FAILED, "overdue", (line,)))
    return found


def leavers(report: Report | None, called: Called) -> list[Matter] | None:
    """Who left and still has access that is not managed, by profile. None where the latest report does not say."""
    if report is None or not report.complete:
        return None
    return [
        Matter(
            NoticeKind.LEAVERS,
            f"{finding.principal}|{finding.profile}",
            (Code.LEFT_AND_HAS(people=1, profile=called(finding.profile)),),
        )
        for finding in report.findings
        if finding.kind is FindingKind.LEAVER_HOLDS_UNMANAGED and finding.profile is not None
    ]


def silent_feed(report: Report | None) -> list[Matter] | None:
    """That the feed of events is silent. None where the latest report does not say."""
    if report is None or not report.complete:
        return None
    return [
        Matter(NoticeKind.FEED, "feed", (finding.why,))
        for finding in report.findings
        if finding.kind is FindingKind.FEED_SILENT
    ][:1]


def mail(found: Iterable[ProfileMail], today: date, now: datetime) -> list[Matter]:
    """The profiles whose next invoice will reach nobody or too few, or could not be checked for hours."""
    profiles = list(found)
    verdicts = verdicts_of_today(profiles, today)
    names = {one.profile: one.name for one in profiles}
    return [
        Matter(NoticeKind.MAIL, f"{key}|{verdict.period}|{verdict.standing.value}", (_mail_line(names[key], verdict),))
        for key, verdict in verdicts.items()
        if not verdict.is_lapsed(now) and (verdict.standing.is_wrong or _is_unread(verdict))
    ]


def _is_unread(verdict: MailVerdict) -> bool:
    return verdict.standing is MailStanding.NOT_READ and verdict.checked - verdict.since >= _UNREAD


def _mail_line(name: str, verdict: MailVerdict) -> Reason:
    because = Code.NOT_CHECKED() if verdict.standing is MailStanding.NOT_READ else verdict.why
    day = "" if verdict.day is None else verdict.day.isoformat()
    return Code.PROFILE_MAIL(profile=name, day=day, because=because)


def rejected(count: int | None, *, more: bool) -> list[Matter] | None:
    """That so many events were rejected, or with `more` at least so many. None where nobody knows."""
    if count is None:
        return None
    return _each_doubling(NoticeKind.REJECTED, count, Code.REJECTED_WAIT(count=count, more="more" if more else ""))


def dead_letters(count: int | None, *, more: bool) -> list[Matter] | None:
    """That so many messages are dead letters; as `rejected`."""
    if count is None:
        return None
    line = Code.DEAD_LETTERS_WAIT(count=count, more="more" if more else "")
    return _each_doubling(NoticeKind.DEAD_LETTERS, count, line)


def _each_doubling(kind: NoticeKind, count: int, line: Reason) -> list[Matter]:
    """What is news again each time there are twice as many."""
    return [Matter(kind, str(step), (line,)) for step in range(count.bit_length())]
