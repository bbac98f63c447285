"""The week's word to finance: whether every invoice will be mailed, when, and to how many people.

Lives here: when a week's digest is due, and what it says. Read from a view and the verdicts of the mail check.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.mail_check import ProfileMail
from shared.domain.notices.notice import Matter, NoticeKind
from shared.domain.overview import Mailing, invoice_days, mailings
from shared.domain.reasons import Code, Reason
from shared.domain.receiving import Sight

_HOUR: Final = 8
"""Monday at eight, in the policy's zone: before anybody asks, and nobody would have it at another hour."""

_LAST_HOUR: Final = 14
"""Until then a Monday's digest waits for a full check that is new enough; then it says that nobody knows."""


def week_of(now: datetime, zone: ZoneInfo) -> str | None:
    """The week whose digest is due, such as `2026-W10` (ISO 8601); None before eight on a Monday."""
    local = now.astimezone(zone)
    year, week, weekday = local.isocalendar()
    return None if weekday == 1 and local.hour < _HOUR else f"{year}-W{week:02}"


def digest(week: str, sight: Sight | None, mail: Iterable[ProfileMail], now: datetime, zone: ZoneInfo) -> Matter | None:
    """A week's digest. Without a view, or with one that is too old, there is none yet, and in the end it says so."""
    if sight is None or sight.view.is_stale(now):
        local = now.astimezone(zone)
        if local.isoweekday() == 1 and local.hour < _LAST_HOUR:
            return None
        since = None if sight is None else sight.view.as_of.isoformat()
        title = Code.NOTICE_NO_CHECK_YET() if since is None else Code.NOTICE_MAIL_NOT_KNOWN(since=since)
        return Matter(NoticeKind.DIGEST, week, (), title)
    mailed = mailings(sight, mail)
    return Matter(NoticeKind.DIGEST, week, tuple(_lines(mailed)), _title(mailed))


def _title(mailed: Sequence[Mailing]) -> Reason:
    sure = sum(one.is_sure for one in mailed)
    if not mailed:
        return Code.NOTICE_NO_PROFILE()
    if sure == len(mailed):
        return Code.NOTICE_ALL_WILL_MAIL(count=sure)
    return Code.NOTICE_SOME_WILL_MAIL(count=sure, of=len(mailed))


def _lines(mailed: Sequence[Mailing]) -> Iterable[Reason]:
    """What is wrong first, then the invoice days."""
    for one in mailed:
        if (why := _why(one)) is not None:
            day = "" if one.day is None else one.day.isoformat()
            yield Code.PROFILE_MAIL(profile=one.profile.name, day=day, because=why)
    for of in invoice_days(mailed):
        day = of.day.isoformat()
        if of.fewest == of.most:
            yield Code.MAILS_ON(day=day, profiles=of.profiles, each=of.most)
        else:
            yield Code.MAILS_ON_TO_SOME(day=day, profiles=of.profiles, fewest=of.fewest, most=of.most)
    if unknown := sum(one.is_sure and one.day is None for one in mailed):
        yield Code.MAILS_ON_NO_KNOWN_DAY(profiles=unknown)


def _why(one: Mailing) -> Reason | None:
    """What is wrong with a profile's next mail; None where nothing is."""
    if one.verdict is not None:
        return one.verdict.why if one.verdict.standing.is_wrong else None
    if one.is_sure:
        return None
    if one.profile.rows is None:
        return Code.NOT_CHECKED()
    if one.profile.opted_in is not True:
        return Code.MAIL_NOT_SAID() if one.profile.opted_in is None else Code.OPTED_OUT()
    return Code.NOBODY_CAN_READ(missed=one.recipients)
