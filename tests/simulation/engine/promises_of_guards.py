"""What must be true of the guards: groups, the rests between updates, what sets a pause, and what a release is worth.

Lives here: one function per promise, named as it is reported; each answers None, or what is broken. Those that are
asked at a write of what stops it (`pause_respected`, `holds_respected`, `within_daily_limit`) are
`promises_of_writes`'.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.domain.access.opt_in import FLAG
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.daily_limits import limit
from shared.domain.guards.holds import Hold, Status, action_id
from shared.domain.guards.pauses import PauseKind
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.people import SELECT
from shared.domain.policy.model import ActionKind, DailyLimit
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.promises_of_recoveries import is_over
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import APP, OWNER

_DAY: Final = timedelta(hours=24)
_CLOCKS: Final = timedelta(minutes=10)
"""By how much clocks may be off, and more."""

_UPDATES_A_DAY: Final = 3
_REST: Final = timedelta(minutes=10) - timedelta(seconds=2 * 20)
"""Between two updates of a profile, less what two processes' clocks differ by."""

_SETTLED: Final = timedelta(minutes=10)
"""For how long nothing may have changed for a sweep to be sure to have seen it as it is."""

_SHRINK_PERCENT: Final = 20
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


# -- updates


def updates_are_rare(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 8: one update of a profile in 10 minutes, and three in 24 h; one more only where a person released it.

    An update that the service accepts and that fails in the end is none: the profile is as it was.
    """
    if run is None or write.entry.operation != "put-profile" or write.profile is None:
        return None
    log = judge.updates.setdefault(write.profile, [])
    today = [at for at in log if write.at - at < _DAY - _CLOCKS]
    if judge.world.billing.switches.operation_failure_status is None:
        log.append(write.at)
    if today and write.at - today[-1] < _REST and not judge.clocks_moved_since(today[-1]):
        return f"the profile was updated {(write.at - today[-1]).total_seconds():.0f} s before"
    if len(today) < _UPDATES_A_DAY:
        return None
    row = judge.holds.get(run.key)
    hold = row.holds.get(action_id(write.profile, ActionKind.PROFILE_UPDATES, write.profile)) if row else None
    let_through = hold is not None and hold.status is Status.RELEASED
    if hold is not None and let_through and hold.stopped_by in {StoppedBy.FIGHTS_BACK, StoppedBy.HARM}:
        return None
    return f"it is number {len(today) + 1} in 24 h, and nobody released that"


# -- sweeps


def one_group_of_too_many(judge: Case, run: Run, report: Report) -> str | None:
    """Section 7: of a kind of which one sweep wants more than is left, none is enqueued: one hold carries them all.

    Of leavers there go as many as there is room for, and the rest is held. A sweep during which the state was lost is
    spared: what was reserved when it decided is not known any more. So is one that could not read more people than are
    odd, because an answer was garbled: it concluded nothing about them.
    """
    garbled = report.complete and report.counts.people_unreadable > len(judge.world.odd)
    if not report.complete or garbled or judge.state_lost_during(run):
        return None
    wanted: dict[ActionKind, set[str]] = {}
    for kind, action in _surely_wanted(judge, run):
        wanted.setdefault(kind, set()).add(action)
    for kind, loose in wanted.items():
        of_leavers = kind is ActionKind.LEAVER_REVOKES
        stopped_by = StoppedBy.DAILY_LIMIT if of_leavers else StoppedBy.SWEEP
        # What was released and is open again was held before: it is no part of what is wanted anew.
        anew = [hold for hold in run.held_anew.values() if hold.kind is kind and not hold.refused]
        group = {hold.id for hold in anew if hold.stopped_by is stopped_by}
        free = loose - group
        room = _room(judge, run, kind)
        if free and len(free if of_leavers else free | group) > room:
            held = f", and holds {len(group)}" if group else ""
            return f"it enqueues {len(free)} {kind.value}{held}, where the daily limit has room for {room}"
    return None


def leavers_go_as_far_as_the_daily_limit(judge: Case, run: Run, report: Report) -> str | None:
    """The leavers that one sweep finds go for as long as there is room: it holds none for whom there is."""
    kind = ActionKind.LEAVER_REVOKES
    found = [hold for hold in run.held_anew.values() if hold.kind is kind and not hold.refused]
    held = [hold for hold in found if hold.stopped_by is StoppedBy.DAILY_LIMIT]
    if not report.complete or not held or judge.state_lost_during(run):
        return None
    loose = report.guards[kind].wanted - len(held)
    since = run.began - _DAY - 2 * _CLOCKS
    rows = [row for at, row in judge.reservations.get(kind, ()) if at > run.began]
    rows += [row for at, row in judge.reservations.get(kind, ()) if at <= run.began][-1:]
    taken = max((sum(at > since for at in row.taken.values()) for row in rows), default=0)
    counted = [one for at, one in judge.baselines if at > run.began]
    counted += [one for at, one in judge.baselines if at <= run.began][-1:]
    least = min((judge.base(kind, one, doubt=-_CLOCKS) for one in counted), default=0)
    room = limit(DailyLimit(*run.policy.daily_limits[kind.value]), least) - taken
    if loose < room:
        return f"it holds {len(held)} leavers' revokes and lets {loose} loose, where there is room for {room}"
    return None


def what_waits_is_one_group(judge: Case, hold: Hold) -> str | None:
    """What a daily limit has no room for waits as one group of its kind, and is told of within the day."""
    if hold.stopped_by is not StoppedBy.DAILY_LIMIT or hold.status is not Status.OPEN or hold.refused:
        return None
    if hold.group != f"daily_limit:{hold.kind}":
        return f"{hold.kind} {hold.key.canonical} waits in '{hold.group}'"
    row = judge.reservations.get(hold.kind, ())[-1:]
    if row and (row[0][1].told is None or judge.world.now() - row[0][1].told > _DAY + _CLOCKS):
        return f"{hold.kind} {hold.key.canonical} waits, and nobody was told that any does"
    return None


def told_once_a_day(judge: Case, run: Run, said: str) -> str | None:
    """That a daily limit is used up is told once a day: `said` is what a check or sweep told.

    What a run told in which the state was lost is lost with it: nobody knows of it any more.
    """
    if judge.state_lost_during(run):
        return None
    now = judge.world.now()
    for group in _GROUPS_OF_DAILY_LIMITS.findall(said):
        before = judge.daily_limits_told.get(group)
        judge.daily_limits_told[group] = now
        if before is not None and now - before < _DAY - _CLOCKS and not judge.clocks_moved_since(before):
            return f"{group} was told {(now - before).total_seconds():.0f} s before"
    return None


_GROUPS_OF_DAILY_LIMITS: Final = re.compile(r"daily_limit:\w+")


def _room(judge: Case, run: Run, kind: ActionKind) -> int:
    """How much of a daily limit is left at most, for whoever read it during a run."""
    now = judge.world.now()
    at_first = [row for at, row in judge.reservations.get(kind, ()) if at <= run.began][-1:]
    taken = sum(now - at < _DAY for row in at_first for at in row.taken.values())
    counted = [one for at, one in judge.baselines if at > run.began]
    counted += [one for at, one in judge.baselines if at <= run.began][-1:]
    base = [judge.base(kind, one) for one in counted]
    return max(0, limit(DailyLimit(*run.policy.daily_limits[kind.value]), max(base, default=0)) - taken)


def _surely_wanted(judge: Case, run: Run) -> Iterator[tuple[ActionKind, str]]:
    """What a complete sweep that just ended must have wanted and enqueued: nothing is reserved for it or holds it."""
    world, policy = judge.world, run.policy
    since, facts = run.began - _SETTLED, world.facts[-1][1]
    directory = world.graph.newest()
    is_still = len(world.facts) == 1 or world.facts[-1][0] <= since
    if not is_still or oracle.unknown_rules(directory, policy, facts, world.odd):
        return
    profiles = [key for key in _shown(judge) if oracle.is_enforced(key, policy, facts)]
    for key in profiles:
        action = action_id(key, ActionKind.PROFILE_UPDATES, key)
        is_off = world.profile(key).properties.get(FLAG) is False and facts[key].active
        is_wanted = is_off and policy.names(facts[key].name, policy.opt_in)
        if is_wanted and judge.people_changed.get(key, _LONG_AGO) <= since:
            yield from _loose(judge, key.canonical, ActionKind.PROFILE_UPDATES, action)
    touched = world.directory_touched
    if touched.get("", _LONG_AGO) > since:
        return
    for entry in directory.entries("user"):
        if touched.get(entry.id, _LONG_AGO) <= since and entry.id not in {OWNER, *policy.protected}:
            yield from _surely_wanted_about(judge, run, entry.id, profiles)


def _surely_wanted_about(
    judge: Case, run: Run, person: str, profiles: Sequence[ProfileKey]
) -> Iterator[tuple[ActionKind, str]]:
    world, policy, facts = judge.world, run.policy, judge.world.facts[-1][1]
    user, _ = oracle.true_user(world, person)
    if user is None:
        return
    moments = (run.began - _SETTLED, run.began, world.now())
    stands = {oracle.standing(user, deleted=False, policy=policy, now=now).kind for now in moments}
    groups = oracle.groups_of(world.graph.newest(), person, policy)
    given = oracle.wanted(user, groups, policy, facts)
    is_meant = any(oracle.gives(rule, user, groups) for rule in policy.rules)
    slip = judge.slips.get(person)
    slipped = slip is not None and user.get(slip.attribute) == slip.wrong
    for key in profiles:
        row = world.row(key, person)
        if _changed_at(judge, key, person) > run.began - _SETTLED:
            continue
        kind: ActionKind | None = None
        if row is None:
            kind = ActionKind.GRANTS if stands == {"employed"} and key in given and facts[key].active else None
        elif row.created_by == APP == world.maker(key, row):
            # What follows from a slip is asked about first, and takes no room.
            if stands == {"employed"} and key not in given and not policy.grace_hours and not slipped:
                kind = ActionKind.MOVER_REVOKES
            elif stands == {"leaver"} and is_meant:
                kind = ActionKind.LEAVER_REVOKES
        if kind is not None:
            yield from _loose(judge, f"person:{person}", kind, action_id(PersonKey(person), kind, key))


def _loose(judge: Case, key: str, kind: ActionKind, action: str) -> Iterator[tuple[ActionKind, str]]:
    if judge.status(key, action) is None and action not in judge.reserved.get(kind, ()):
        yield kind, action


def _shown(judge: Case) -> list[ProfileKey]:
    """The profiles of the accounts on which the app has its role."""
    found = []
    for key in judge.world.profiles():
        account = judge.world.billing.account(key.account)
        if account is not None and any(one.principal_id == APP for one in account.assignments.every()):
            found.append(key)
    return found


def _changed_at(judge: Case, key: ProfileKey, person: str) -> datetime:
    """When somebody's assignment was last given or taken, by whomever."""
    row = judge.world.row(key, person)
    moments = [judge.world.touched.get((key, person), _LONG_AGO)]
    moments += [judge.latest_write.get((f"person:{person}", key.folded, verb), _LONG_AGO) for verb in _VERBS]
    if row is not None and (key, person) in judge.world.makers:
        moments.append(datetime.fromisoformat(row.created_on))
    return max(moments)


_VERBS: Final = ("grant", "revoke")


def shrinking_sets_the_pause(judge: Case, run: Run, report: Report) -> str | None:
    """Section 7: a population that shrank more than 20 % since the last good sweep sets a pause."""
    if not report.complete:
        return None
    now = sum(_is_meant(run, person, user) for person, user in run.listed.items())
    others = [(at, one) for at, one in judge.baselines if one.at != report.started]
    befores = [one for at, one in others if at > run.began] + [one for at, one in others if at <= run.began][-1:]
    for before in befores:
        gone = before.population - now
        is_far = gone >= judge.shrinks_by and gone * 100 > _SHRINK_PERCENT * before.population
        if not is_far or before.policy_digest != run.policy_digest:
            return None
    if not befores or judge.stood_since(PauseKind.POPULATION_SHRANK, run.began):
        return None
    return f"{now} people match the rules where {befores[-1].population} did, and the pause is not on"


def _is_meant(run: Run, person: str, user: Mapping[str, Any]) -> bool:
    groups = {group: person in members for group, members in run.members.items()}
    whole = {"userPrincipalName": "", **user}
    is_cut = not user.keys() >= set(SELECT)
    return is_cut or oracle.is_odd(whole) or any(oracle.gives(rule, whole, groups) for rule in run.policy.rules)


SWEEP_GUARD_PROMISES: Final = (one_group_of_too_many, leavers_go_as_far_as_the_daily_limit, shrinking_sets_the_pause)
"""Every promise about guards that a sweep which ended well is judged by."""


# -- checks


def lost_role_sets_the_pause(judge: Case, run: Run, bodies: tuple[bytes, ...]) -> str | None:
    """Section 7: a check to which billing says that our role is gone sets a pause, where the policy writes at all.

    A check that is taken again is spared, and one that was refused after it wrote: its read-back is taken again.
    """
    del bodies
    about_billing = run.key.startswith(("person:", "profile:"))
    if not run.refused or not about_billing or run.written or run.outcome in {"", "retry"}:
        return None
    if run.policy.enforce == "none" or judge.stood_since(PauseKind.ROLE_LOST, run.began):
        return None
    return f"billing refused it {run.refused}, and the pause is not on"


# -- releases


def reopened_for_a_reason(judge: Case, run: Run | None, was: Hold, hold: Hold) -> str | None:
    """Section 7: a released hold is open again only where the world moved or three days passed, and says so."""
    if was.status is not Status.RELEASED or hold.status is not Status.OPEN:
        return None
    what = f"{hold.kind.value} {hold.key.canonical} on {hold.profile}"
    if not hold.refused:
        return f"{what} was released, and is open again without a word"
    another = (was.basis and hold.basis != was.basis) or hold.stopped_by is not was.stopped_by
    if another or is_over(was, judge.world.now() + _CLOCKS, 0.0 if run is None else run.policy.grace_hours):
        return None
    if hold.profile.account in judge.out_of_sight:
        return None  # a catalogue without the profile may still be in use
    versions = judge.world.facts_since((judge.world.now() if run is None else run.began) - judge.catalogue_age)
    if run is not None and not all(oracle.is_enforced(hold.profile, run.policy, facts) for facts in versions):
        return None
    return f"{what} was released as '{was.basis}', and is open again as the same: {hold.refused}"


def release_asks_for_a_check(judge: Case, released: Iterable[Hold], since: datetime) -> str | None:
    """Promise 2: an operator writes nothing; whoever is told that holds are released has checks them on the queue."""
    for hold in released:
        asked = judge.asked_by_operators.get(hold.key.canonical)
        if asked is None or asked < since:
            return f"{hold.kind.value} {hold.key.canonical} was released, and no check of it was asked for"
    return None
