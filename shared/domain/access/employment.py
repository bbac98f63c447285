"""Where a person stands with the company at one moment: employed, not yet, or no longer.

Lives here: the reading of dates and of `accountEnabled`, first match wins. What follows for access is for
`decide`.

Graph stores employeeHireDate and employeeLeaveDateTime as moments in UTC, also where a system wrote a mere date. That
arrives as midnight: of UTC, of where the company is, or of where the HR system or its connector is (all three were
seen). Exactly midnight UTC, in the policy's `time_zone` or in one of its `date_zones` is therefore read as a date
without a time: a hire date begins with that day in `time_zone`, a leave date ends with it. Any other moment means
itself: every full hour is midnight somewhere, and nobody can tell such a one from a time of day.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from shared.domain.access.plan import Employment, Strength
from shared.domain.people import AbsentPerson, DeletedPerson, Person, PersonRead, UnreadablePerson
from shared.domain.policy.model import Policy
from shared.domain.reasons import Code, Reason

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_FIRST_READ, _LAST_READ = _EARLIEST + timedelta(days=1), _LATEST - timedelta(days=1)
"""Between these every zone can show a moment."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands, why, and how much that proves.

    `next_change` is the next moment at which time alone changes it, in UTC; None when it never does. `stale` says
    that it rests on a leave date so old that it may be a mistake: a person judges it before it takes anything.
    """

    employment: Employment
    reason: Reason
    strength: Strength
    next_change: datetime | None = None
    stale: bool = False


def standing(person: PersonRead, policy: Policy, now: datetime) -> Standing:
    """Says how a person stands at `now` (aware)."""
    match person:
        case DeletedPerson():
            return Standing(Employment.LEAVER, Code.DELETED(), Strength.STRONG)
        case UnreadablePerson(account_enabled=False):
            return Standing(Employment.LEAVER, Code.ACCOUNT_DISABLED(), Strength.STRONG)
        case UnreadablePerson():
            return Standing(Employment.UNREADABLE, Code.PERSON_UNREADABLE(said=person.why), Strength.WEAK)
        case AbsentPerson():
            return Standing(Employment.LEAVER, Code.NOT_IN_DIRECTORY(), Strength.WEAK)
        case Person():
            dates = _Dates.of(person, policy)
            found = _at(person, dates, now)
            change = next(
                (moment for moment in dates.turning_points(now) if _differs(found, _at(person, dates, moment))),
                None,
            )
            return found if change is None else replace(found, next_change=change)


def left_on(person: PersonRead, reason: Reason) -> datetime | None:
    """Since when somebody has left for this reason, as far as the directory says: it does not of a disabled account."""
    if reason.code is Code.LEAVE_DATE_PAST:
        return datetime.fromisoformat(str(reason.facts["left"]))
    return person.deleted if isinstance(person, DeletedPerson) else None


@dataclass(frozen=True, slots=True)
class _Dates:
    """Dates in UTC: the hire's begin, the leave's end, and whether the leave was before the hire."""

    lead: timedelta
    stale: timedelta
    hired: datetime | None
    left: datetime | None
    rehired: bool

    @classmethod
    def of(cls, person: Person, policy: Policy) -> "_Dates":
        hired = left = None
        rehired = False
        if person.hire_date is not None:
            hired = _begin(person.hire_date, _day(person.hire_date, policy), policy)
        if person.leave_date is not None:
            day = _day(person.leave_date, policy)
            left = _end(person.leave_date, day, policy)
            rehired = hired is not None and _begin(person.leave_date, day, policy) < hired
        stale = timedelta(days=policy.stale_leave_days)
        return cls(timedelta(days=policy.lead_days), stale, hired, left, rehired)

    def turning_points(self, now: datetime) -> list[datetime]:
        """The moments after `now` at which a different answer is possible, earliest first."""
        moments = [] if self.left is None else [self.left]
        if self.hired is not None and self.hired > now:
            moments += [self.hired, self.hired - self.lead]
        return sorted(moment for moment in moments if moment > now)


def _at(person: Person, dates: _Dates, now: datetime) -> Standing:
    hired, left = dates.hired, dates.left
    # A directory that does not say whether the account is enabled says nothing: None is neither.
    if person.account_enabled is False:
        if hired is not None and hired > now:
            reason = Code.DISABLED_UNTIL_HIRE_DATE(hired=hired.isoformat())
            return Standing(Employment.PRE_HIRE, reason, Strength.WEAK)
        return Standing(Employment.LEAVER, Code.ACCOUNT_DISABLED(), Strength.STRONG)
    if left is not None and left <= now and not dates.rehired:
        reason = Code.LEAVE_DATE_PAST(left=left.isoformat())
        return Standing(Employment.LEAVER, reason, Strength.STRONG, stale=now - left > dates.stale)
    if hired is not None and hired - now > dates.lead:
        return Standing(Employment.PRE_HIRE, Code.HIRE_DATE_TO_COME(hired=hired.isoformat()), Strength.WEAK)
    return Standing(Employment.EMPLOYED, Code.EMPLOYED(), Strength.STRONG)


def _differs(one: Standing, other: Standing) -> bool:
    return (one.employment, one.strength) != (other.employment, other.strength)


def _begin(moment: datetime, day: date | None, policy: Policy) -> datetime:
    return _utc(moment) if day is None else _midnight(day, policy.time_zone)


def _end(moment: datetime, day: date | None, policy: Policy) -> datetime:
    if day is None:
        return _utc(moment)
    # 9999-12-31 is how many HR systems write "never"; there is no day after it.
    return _LATEST if day == date.max else _midnight(day + timedelta(days=1), policy.time_zone)


def _day(moment: datetime, policy: Policy) -> date | None:
    """The date, where the moment is one without a time. In UTC first: that is how Graph's own dates are written."""
    moment = _utc(moment)
    if moment.time() == time.min:
        return moment.date()
    if not _FIRST_READ <= moment <= _LAST_READ:
        return None
    for zone in (policy.time_zone, *policy.date_zones):
        local = moment.astimezone(zone)
        # Where a clock goes from 23:59 to 01:00 the day has no midnight, and begins with that hour.
        if local.time() == time.min or moment == _midnight(local.date(), zone):
            return local.date()
    return None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return _utc(datetime.combine(day, time.min, zone))


def _utc(moment: datetime) -> datetime:
    """The moment in UTC; the first or last there is where the calendar ends."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _EARLIEST if moment.year == 1 else _LATEST
