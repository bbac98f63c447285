"""How long somebody who left kept their access: what a check that took it away knows of that, for its record.

Only facts for people live here: nothing is decided by them.
"""

from collections.abc import Mapping, Sequence

from shared.domain.access.employment import left_on
from shared.domain.access.evidence import sighting_on
from shared.domain.access.plan import Employment, Plan
from shared.domain.billing import Assignment
from shared.domain.history.checks import LeaverTimes, Step
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.people import PersonRead
from shared.domain.remembered import PersonState
from shared.domain.work import WorkItem, heard_at
from shared.services.reconcile.apply import Result
from shared.services.reconcile.guard import Guard


def leaver_times(
    item: WorkItem,
    plan: Plan,
    person: PersonRead,
    guard: Guard,
    before: PersonState,
    rows: Mapping[ProfileKey, Assignment | None],
    results: Sequence[Result],
) -> LeaverTimes | None:
    """When the app heard that somebody left, and since when they have; None where they lost nothing by this check."""
    if plan.employment is not Employment.LEAVER:
        return None
    gone = {one.profile for one in results if one.action is Step.REVOKE and one.outcome is Outcome.DONE}
    # Sent by a check before this one, which did not see it.
    gone |= {one for one, holding in before.holdings.items() if holding.revoking_at and rows.get(one, "") is None}
    profiles = {one for one in gone if one is not None}
    if not profiles:
        return None
    seen = [seen for revoke in plan.revokes if (seen := before.sightings.get(sighting_on(plan, revoke.profile)))]
    waited = guard.held_since(profiles)
    heard = min([heard_at(item), *seen, *([] if waited is None else [waited])])
    return LeaverTimes(heard, left_on(person, plan.reason))
