"""What must be true once something bad is over: a lost state is remembered again, and old decisions have ended.

Lives here: one function per promise, named as it is reported; each answers None, or what is broken.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sandbox.billing.holdings import Assignment
from shared.domain.guards.holds import Hold, Status, action_id
from shared.domain.history.checks import CheckBody
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.promises_of_writes import kind_of_write
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import APP

_SHOWN: Final = timedelta(minutes=10)
"""After how long every list shows what was written, whatever hung."""

_CLOCKS: Final = timedelta(minutes=10)
"""By how much clocks may be off, and more."""

_MOST_CHECKS: Final = 100
"""How many looks in 24 h a name that nobody has is worth, and more: several items forge it, and tries fail."""

_STANDS: Final = timedelta(days=3)
"""How long a release stands that is not carried out."""


def checks_know_what_sweeps_saw(judge: Case, run: Run, check: CheckBody) -> str | None:
    """First contact: after a complete sweep, on whatever store, a check reads all that is managed."""
    if judge.known is None or check.employment is None or check.read is None:
        return None
    if check.piece is not None:  # the other pieces read the rest
        return None
    began, ended, policy = judge.known
    person = run.key.removeprefix("person:")
    if run.began < ended or person in run.policy.protected:
        return None
    known = {*check.read, *(one.profile for one in check.actions)}
    for key, row in _surely_managed(judge, person, began - _SHOWN):
        if key in known or (key, row.name) in judge.unread:
            continue
        if oracle.is_managed(key, run.policy) and oracle.is_managed(key, policy):
            return f"it did not read {key}, where a complete sweep at {began:%H:%M:%S} saw what is managed ({row.name})"
    return None


def _surely_managed(judge: Case, person: str, since: datetime) -> Iterator[tuple[ProfileKey, Assignment]]:
    """A person's assignments that are managed by what billing says or the ledger keeps, and that were there by then."""
    for key, row in judge.world.managers():
        made = datetime.fromisoformat(row.created_on)
        if row.principal_id != person or made > since or key.account in judge.out_of_sight:
            continue
        adopted = judge.surely_adopted.get((key, person)) == made.replace(microsecond=0) and judge.ledger_lost is None
        if row.created_by == APP == judge.world.maker(key, row) or adopted:
            yield key, row


def forged_items_end(judge: Case, run: Run) -> str | None:
    """Threats: an item with dates that never come costs some checks, as an honest one does, and not one a minute."""
    if run.key not in judge.forged or not run.key.startswith("identity:"):
        return None
    checks = sum(run.began - other.began < timedelta(hours=24) for other in judge.runs_about.get(run.key, ()))
    if checks != _MOST_CHECKS:
        return None
    return f"check {checks} in 24 h at {run.key}, which was forged at {judge.forged[run.key]}"


def is_over(hold: Hold, now: datetime, grace_hours: float) -> bool:
    """Section 7: a release stands for three days, and for a mover's grace on top."""
    grace = timedelta(hours=grace_hours if hold.kind is ActionKind.MOVER_REVOKES else 0.0)
    return now - (hold.decided_at or hold.since) >= _STANDS + grace


def releases_are_recent(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 7: what was released days ago is for a person to decide anew; nothing is written by it."""
    if run is None or write.profile is None or (row := judge.holds.get(run.key)) is None:
        return None
    kind = kind_of_write(judge, write, run)
    key: PersonKey | ProfileKey = PersonKey(write.entry.principal) if write.entry.principal else write.profile
    hold = row.holds.get(action_id(key, kind, write.profile))
    if hold is None or hold.status is not Status.RELEASED:
        return None
    if not is_over(hold, write.at - _CLOCKS, run.policy.grace_hours):
        return None
    return f"it is written by a release of {hold.decided_at}"


def releases_end(judge: Case, run: Run, report: Report) -> str | None:
    """Section 7: no release lies in wait: a sweep leaves none behind that is older than three days."""
    del report
    for row in judge.holds.values():
        for hold in row.holds.values():
            old = is_over(hold, run.began - _CLOCKS, run.policy.grace_hours)
            if hold.status is Status.RELEASED and old:
                return f"{hold.kind.value} {hold.key.canonical} on {hold.profile} is released since {hold.decided_at}"
    return None
