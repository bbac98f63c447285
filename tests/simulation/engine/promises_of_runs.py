"""What must be true of every run that ended well, before its messages are let go, and of every message.

Lives here: one function per promise, named as it is reported; each answers None, or what is broken.
"""

from datetime import timedelta
from typing import Final

from shared.adapters.queues.work_wire import decode
from shared.domain.access.opt_in import FLAG
from shared.domain.history.checks import CheckBody, Step
from shared.domain.outcome import Outcome
from shared.domain.work import Scheduled
from tests.simulation.engine.book import RUN, Run
from tests.simulation.engine.case import Case
from tests.simulation.small_world import APP

_COMES_BACK: Final = frozenset({"waiting", "unverified", "retry"})
_ROUNDING: Final = timedelta(seconds=31)


def every_check_is_recorded(judge: Case, run: Run, bodies: tuple[bytes, ...]) -> str | None:
    """Promise 6: every check leaves a record; one that must be taken again says so in the next."""
    del judge, bodies
    if run.function != "reconcile" or not run.outcome or run.outcome == "retry" or run.checks:
        return None
    return f"it ended {run.outcome} and left no record"


def what_follows_is_sent_first(judge: Case, run: Run, bodies: tuple[bytes, ...]) -> str | None:
    """Section 9: what has to follow is on the queue before the message is completed."""
    del judge, bodies
    if run.function != "reconcile":
        return None
    if run.outcome in _COMES_BACK and not any(key == run.key and due is not None for key, due in run.sent):
        return f"it ended {run.outcome}, and no check is scheduled"
    if run.outcome == "retry":
        return None  # the whole check comes back, also what it wanted to follow
    evidence = [one.due for one in run.checks[-1].waiting] if run.checks else []
    if evidence and not any(key == run.key and due is not None and due >= min(evidence) for key, due in run.sent):
        return f"its evidence has to be seen again at {min(evidence)}, and no check is due then"
    dues = {due for _, due in run.sent}
    for promised in run.checks[-1].next if run.checks else ():
        if promised.due not in dues:
            return f"its record promises a check ({promised.kind}, {promised.due or 'now'}) that was not sent"
    return None


def no_event_is_lost(judge: Case, run: Run, bodies: tuple[bytes, ...]) -> str | None:
    """Section 3: whoever a batch names is checked, now and on the day that was named; the rest is rejected."""
    if run.function != "intake":
        return None
    sent = {key for key, _ in run.sent}
    rubbish = 0
    for body in bodies:
        for told in judge.told[body][-1:]:
            rubbish += not told.keys
            for key in told.keys:
                if key not in sent:
                    return f"nobody will check {key}"
                day = told.effective
                if day is not None and day > judge.world.now() + timedelta(minutes=15):
                    dues = [*judge.dues.get(key, []), *judge.days.get(key, [])]
                    if not any(day <= due <= day + _ROUNDING for due in dues):
                        return f"nobody will check {key} on {day}"
    return f"{rubbish} events are of no use, and {run.rejected} were rejected" if rubbish > run.rejected else None


def days_to_come_are_seen_to(judge: Case, run: Run, bodies: tuple[bytes, ...]) -> str | None:
    """Section 3: the days that a check was sent with are scheduled when it ends, or go on with another one."""
    if run.function != "reconcile" or not run.key:
        return None
    soon = judge.world.now() + timedelta(minutes=15)
    for day in decode(bodies[0]).moments:
        dues = judge.dues.get(run.key, [])
        if day > soon and day not in run.carried and not any(day <= due <= day + _ROUNDING for due in dues):
            return f"nobody will check {run.key} on {day}"
    return None


def done_is_true(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Promise 6: what a record calls done is so, unless somebody undid it in the very moment."""
    for action in check.actions:
        profile = action.profile
        if action.outcome is not Outcome.DONE or profile is None:
            continue
        person = run.key.removeprefix("person:")
        if action.action is Step.OPT_IN:
            is_so = judge.world.profile(profile).properties.get(FLAG) is True
            is_so = is_so or judge.people_changed.get(profile, judge.world.start) >= run.began
        else:
            row = judge.world.row(profile, person)
            managed = row is not None and judge.world.maker(profile, row) == APP
            is_so = managed if action.action is Step.GRANT else not managed
            is_so = is_so or judge.world.touched.get((profile, person), judge.world.start) >= run.began
        if not is_so:
            return f"{action.action} on {profile} is called done and is not"
    return None


def who_loses_the_lock_stops(judge: Case, run: Run) -> str | None:
    """Section 9: nobody appends to a chain to which another check appended since they opened it."""
    other = judge.appended.get(run.key)
    if other is None or other[0] is run or run.opened is None or other[1] <= run.opened:
        return None
    return f"run {run.number} appended to {run.key} although run {other[0].number} had, since it began"


def duplicates_keep_a_check(judge: Case, check: Scheduled) -> str | None:
    """Section 9: what duplicate detection drops is looked after by one that stays, or was taken since it was due."""
    run = RUN.get()
    if run is not None and run.message_id == check.message_id and run.locked():
        return f"{check.message_id} was dropped as a duplicate of the very message that asks for it"
    if any(message_id == check.message_id for _, _, message_id in judge.post.waiting()):
        return None
    begun = judge.begun.get(check.item.key.canonical)
    wanted = check.due or judge.accepted.get(check.message_id, judge.world.now())
    if begun is not None and begun >= wanted:
        return None  # what was sent once more had been taken by then
    return f"{check.message_id} was dropped, and no other check is there for it"


def one_check_at_a_time(judge: Case, run: Run) -> str | None:
    """Promise 2: while somebody's lock for a key holds, nobody else checks it."""
    for other in judge.runs_about.get(run.key, ()):
        if not other.ended and other.locked():
            return f"run {run.number} checks {run.key} while run {other.number} by {other.process} does"
    return None


RUN_PROMISES: Final = (
    every_check_is_recorded,
    what_follows_is_sent_first,
    no_event_is_lost,
    days_to_come_are_seen_to,
)
"""Every promise that a run which ended well is judged by."""
