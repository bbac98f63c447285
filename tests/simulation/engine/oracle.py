"""What should be: a second reading of the policy and the directory, which shares nothing with the app's.

Lives here: employment, what rules give, and which rules cannot be judged, from plain properties as Graph holds them and
a `SimPolicy`. Written from the design's words, so that a mistake has to be made twice to stay unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.graph.objects import View
from shared.domain.keys import ProfileKey
from tests.simulation.engine.policies import SimPolicy, SimRule
from tests.simulation.engine.world import Facts, World
from tests.simulation.small_world import MCA

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")

_BEFORE_ANYBODY: Final = 1900
_AFTER_EVERYBODY: Final = 2079
_FIRST_DAY: Final = date(1899, 12, 31)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands, and whether that is proved at once.

    "employed", "pre-hire", "leaver", or "unreadable" where a value is odd and nothing can be concluded.
    """

    kind: str
    strong: bool


def standing(user: Mapping[str, Any] | None, *, deleted: bool, policy: SimPolicy, now: datetime) -> Standing:
    """Where somebody stands by their properties; None of them is somebody whom the directory does not list."""
    if user is None or is_odd(user):
        return _standing_of_the_odd(user, deleted=deleted)
    hired, left = _moment(user.get("employeeHireDate")), _moment(user.get("employeeLeaveDateTime"))
    begins = None if hired is None else _day_begins(hired)
    if user.get("accountEnabled") is False:
        if begins is not None and begins > now:
            return Standing("pre-hire", strong=False)
        return Standing("leaver", strong=True)
    if left is not None and _day_ends(left) <= now and not (begins is not None and _day_begins(left) < begins):
        return Standing("leaver", strong=True)
    if begins is not None and begins > now + timedelta(days=policy.lead_days):
        return Standing("pre-hire", strong=False)
    return Standing("employed", strong=True)


def _standing_of_the_odd(user: Mapping[str, Any] | None, *, deleted: bool) -> Standing:
    if user is None:
        return Standing("leaver", deleted)
    is_disabled = user.get("accountEnabled") is False
    return Standing("leaver", strong=True) if is_disabled else Standing("unreadable", strong=False)


def turns(user: Mapping[str, Any] | None, policy: SimPolicy) -> list[datetime]:
    """The moments at which time alone may change where somebody stands."""
    if user is None or is_odd(user):
        return []
    hired, left = _moment(user.get("employeeHireDate")), _moment(user.get("employeeLeaveDateTime"))
    found = [] if left is None else [_day_ends(left)]
    if hired is not None:
        found += [_day_begins(hired), _day_begins(hired) - timedelta(days=policy.lead_days)]
    return found


def gives(rule: SimRule, user: Mapping[str, Any], groups: Mapping[str, bool]) -> bool:
    """Whether a rule means somebody who is employed; nobody is meant of whom a value cannot be read."""
    if is_odd(user):
        return False
    guest = str(user.get("userType") or "").lower() == "guest" or "#ext#" in str(user["userPrincipalName"]).lower()
    if guest and not rule.guests:
        return False
    if rule.department is not None and _text(user, "department") != rule.department.casefold():
        return False
    if rule.job is not None and _text(user, "jobTitle") != rule.job.casefold():
        return False
    return rule.group is None or groups.get(rule.group, False)


def targets(rule: SimRule, user: Mapping[str, Any], facts: Mapping[ProfileKey, Facts]) -> set[ProfileKey]:
    """The profiles that a rule gives to somebody it means."""
    if rule.target == "all":
        return set(facts)
    if rule.target == "own-company":
        company = _text(user, "companyName")
        return {key for key, one in facts.items() if company and (one.company or "").casefold() == company}
    return {key for key, one in facts.items() if one.name.casefold() == rule.target.casefold()}


def wanted(
    user: Mapping[str, Any], groups: Mapping[str, bool], policy: SimPolicy, facts: Mapping[ProfileKey, Facts]
) -> set[ProfileKey]:
    """What somebody who is employed should hold; disabled profiles are among it, but are not granted."""
    given: set[ProfileKey] = set()
    for rule in policy.rules:
        if gives(rule, user, groups):
            given |= targets(rule, user, facts)
    return {key for key in given if is_managed(key, policy)}


def may_keep(
    user: Mapping[str, Any] | None, view: View, policy: SimPolicy, facts: Mapping[ProfileKey, Facts], now: datetime
) -> set[ProfileKey]:
    """What somebody keeps who holds it, though nobody would give it now: an enabled account whose hire is to come."""
    if user is None or user.get("accountEnabled") is False:
        return set()
    if standing(user, deleted=False, policy=policy, now=now).kind != "pre-hire":
        return set()
    return wanted(user, groups_of(view, str(user["id"]), policy), policy, facts)


def is_managed(key: ProfileKey, policy: SimPolicy) -> bool:
    """Whether the policy names the account that a profile is in."""
    return policy.accounts == "all" or key.account == MCA


def is_enforced(key: ProfileKey, policy: SimPolicy, facts: Mapping[ProfileKey, Facts]) -> bool:
    """Whether the app may write to a profile."""
    return is_managed(key, policy) and policy.names(facts[key].name, policy.enforce)


def true_user(world: World, person: str) -> tuple[dict[str, Any] | None, bool]:
    """Somebody's properties as they truly are (None: not among the living), and whether they are a deleted item."""
    entry = world.graph.newest().entry(person)
    if entry is None:
        return None, False
    if entry.state == "deleted":
        return None, True
    return seen_properties(world.odd, person, entry.properties), False


def seen_properties(odd: Mapping[str, Mapping[str, Any]], person: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody's properties as the directory answers them, odd values included."""
    return {**properties, **odd.get(person, {})}


def is_odd(user: Mapping[str, Any]) -> bool:
    """Whether one of somebody's values cannot be read."""
    texts = (user.get(name) for name in ("department", "jobTitle", "companyName"))
    dates = (user.get(name) for name in ("employeeHireDate", "employeeLeaveDateTime"))
    return any(text is not None and not isinstance(text, str) for text in texts) or not all(map(_is_date, dates))


def _is_date(text: Any) -> bool:
    """Whether it is no date, or one that somebody may have meant: not the zero of some computer's calendar."""
    try:
        return not text or datetime.fromisoformat(str(text)).date() >= _FIRST_DAY
    except ValueError:
        return False


def groups_of(view: View, person: str, policy: SimPolicy) -> dict[str, bool]:
    """Which of the policy's groups somebody is in, as a view of the directory has it."""
    found = {}
    for rule in policy.rules:
        if rule.group is not None:
            group = view.live(rule.group, "group")
            found[rule.group] = group is not None and person in group.members
    return found


def unknown_rules(
    view: View, policy: SimPolicy, facts: Mapping[ProfileKey, Facts], odd: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The rules that name what does not exist, or match nobody: nothing is taken because of them."""
    users = [seen_properties(odd, entry.id, entry.properties) | {"id": entry.id} for entry in view.entries("user")]
    found = set()
    for rule in policy.rules:
        group_is_gone = rule.group is not None and view.live(rule.group, "group") is None
        matched = any(gives(rule, user, groups_of(view, str(user["id"]), policy)) for user in users)
        named = rule.target not in {"all", "own-company"} and not any(
            one.name.casefold() == rule.target.casefold() for one in facts.values()
        )
        if group_is_gone or not matched or named:
            found.add(rule.name)
    return found


def _text(user: Mapping[str, Any], name: str) -> str | None:
    value = user.get(name)
    return None if value is None else str(value).casefold()


def _moment(text: Any) -> datetime | None:
    """A moment; None where there is none, and for the dates by which systems say that there is none."""
    if not text:
        return None
    at = datetime.fromisoformat(str(text))
    return None if at.year <= _BEFORE_ANYBODY or at.year >= _AFTER_EVERYBODY else at.astimezone(UTC)


def _day_of(moment: datetime) -> date | None:
    """The date that a moment stands for: midnight in UTC or in Amsterdam; None for any other moment."""
    local = moment.astimezone(AMSTERDAM)
    if moment.time() == time():
        return moment.date()
    return local.date() if local.time() == time() else None


def _day_begins(moment: datetime) -> datetime:
    """A date without a time begins with that day in Amsterdam; any other moment is itself."""
    day = _day_of(moment)
    return moment if day is None else datetime.combine(day, time(), AMSTERDAM).astimezone(UTC)


def _day_ends(moment: datetime) -> datetime:
    day = _day_of(moment)
    return moment if day is None else datetime.combine(day + timedelta(days=1), time(), AMSTERDAM).astimezone(UTC)
