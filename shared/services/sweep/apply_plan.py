"""Applying a plan that a person reviewed: a check of each of its keys, which may do what was reviewed and nothing else.

Lives here: comparing the plan with the world as it is, asking for the checks, and reading what became of them. Nothing
is written to Azure from here, and no limit, pause or hold is passed: the checks decide anew, as any check does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched

from shared.domain.history.checks import CheckBody
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.pinned import Moved, PinnedChange, PinnedPlan, by_key, moved
from shared.domain.planned import Planned
from shared.domain.work import MOST_REVIEWED, Cause, CauseKind, Scheduled, WorkItem, at_once, later
from shared.services import check_results
from shared.services.app import App, unique_id
from shared.services.check_results import nobody_listens
from shared.services.sweep.plan import plan as plan_anew


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a plan was not applied: how the world differs from it. `now` is what is planned instead."""

    now: Planned
    differences: Sequence[Moved]


@dataclass(frozen=True, slots=True)
class Asked:
    """The checks that were asked for: their origin, by which their records are found, and what each may do."""

    now: Planned
    origin: str
    keys: Mapping[PersonKey | ProfileKey, Sequence[PinnedChange]]


async def apply_plan(app: App, reviewed: PinnedPlan, *, by: str) -> Refused | Asked:
    """Asks for a check of every key of which a reviewed change waits for nothing.

    Refused as a whole, and nothing is asked for, where anything is planned otherwise now, or not everything can be
    read. Raises as `plan` does, and where the queue cannot be reached: then a part may have been asked for, and to
    apply the same plan again is safe.
    """
    named = {one.key.object_id for one in reviewed.changes if isinstance(one.key, PersonKey)}
    now = await plan_anew(app, named=named)
    differences = moved(reviewed, now)
    if differences or not now.complete or now.policy != reviewed.policy:
        return Refused(now, differences)
    unique = unique_id(app.random)
    origin = f"plan#{unique}:{by}"
    keys = by_key(reviewed.to_apply)
    checks = _checks(app, keys, origin, unique)
    if checks:
        await app.queues.send_work(checks)
    return Asked(now, origin, keys)


def _checks(
    app: App, keys: Mapping[PersonKey | ProfileKey, Sequence[PinnedChange]], origin: str, unique: str
) -> list[Scheduled]:
    """A check for each key, in batches as a sweep sends them; of very many changes of one key, several."""
    now, cause = app.clock.now(), Cause(CauseKind.OPERATOR, origin)
    checks: list[Scheduled] = []
    for number, (key, changes) in enumerate(keys.items()):
        batch = number // app.settings.sweep_batch
        due = now + timedelta(seconds=batch * app.settings.sweep_batch_seconds)
        for part, together in enumerate(batched(changes, MOST_REVIEWED, strict=False)):
            hints = tuple(sorted(one.profile for one in together)) if isinstance(key, PersonKey) else ()
            only = frozenset(one.reviewed for one in together)
            item = WorkItem(key, cause, first_asked=due, hints=hints, only=only)
            if batch:
                checks.append(later(item, due, coalesce=app.settings.coalesce))
            else:
                checks.append(at_once(item, f"{unique}.{part}"))
    return checks


async def results(
    app: App, asked: Asked, *, within: timedelta, advance: Callable[[int], None] = nobody_listens
) -> Mapping[PersonKey | ProfileKey, CheckBody | None]:
    """What the first check of each key told, as its record has it; None where there is no record yet after `within`.

    `advance` hears how many have one.
    """
    return await check_results.results(app, asked.origin, asked.keys, within=within, advance=advance)
