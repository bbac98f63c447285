"""What must be true of every write that the app makes to billing, asked at the moment of the write.

Lives here: one function per promise, named as it is reported; each answers None, or what is broken. They are judged by
what the process was told and by what is truly stored, never by the app's own reasoning.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.access.opt_in import FLAG, WRITABLE
from shared.domain.billing import INVOICE_MANAGER
from shared.domain.guards.daily_limits import limit
from shared.domain.guards.holds import Status, action_id
from shared.domain.guards.pauses import PauseKind
from shared.domain.history.records import IntendedUpdate
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind, DailyLimit
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.oracle import Standing
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import APP

HANDLER_SECONDS: Final = 45
_ON_ITS_WAY: Final = 2.0
"""Seconds that a request may take to the service once it was begun."""

VERBS: Final = {
    "create-role-assignment": "grant",
    "delete-role-assignment": "revoke",
    "put-profile": "opt-in",
}
_YOUNG_SECONDS: Final = 120 - 2 * 20
"""An intent's youth, less what two processes' clocks may differ by."""

_DAY: Final = timedelta(hours=24)
_CLOCKS: Final = timedelta(minutes=10)
"""By how much clocks may be off, and more."""


def only_invoice_manager(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 4: no role but Invoice manager, and nothing but grants, revokes and updates of profiles."""
    del judge, run
    if write.entry.operation not in VERBS or write.profile is None:
        return "not one of the three things that the app writes"
    if write.entry.operation != "put-profile" and write.entry.role != INVOICE_MANAGER:
        return f"role {write.entry.role}"
    return None


def only_in_a_check(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 2: only `reconcile` writes, and only about the key of its message."""
    del judge
    if run is None or run.function != "reconcile":
        return "written outside a check"
    about = _key(write)
    return None if run.key == about else f"a check of {run.key} wrote about {about}"


def only_where_allowed(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promises 4 and 7: only inside managed accounts, and only on profiles that the policy enforces."""
    if run is None or write.profile is None:
        return None
    if not oracle.is_managed(write.profile, run.policy):
        return "the account is not managed"
    versions = judge.world.facts_since(write.at - judge.catalogue_age)
    if not any(oracle.is_enforced(write.profile, run.policy, facts) for facts in versions):
        return f"the policy of {run.process} does not enforce it"
    return None


def nothing_unmanaged(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 4: what somebody else made is never taken away, unless it was adopted.

    A DELETE names no row: one that was remade by hand since the check read it, or before the service shows that, is a
    gap that the service leaves open.
    """
    if write.entry.operation != "delete-role-assignment" or write.maker == APP:
        return None
    if run is not None and write.profile is not None and write.row is not None:
        made = datetime.fromisoformat(write.row.created_on)
        if judge.adopted.get((write.profile, write.entry.principal or "")) == made.replace(microsecond=0):
            return None
        _, maker = run.rows_read.get(write.profile, (False, None))
        if maker == APP or _is_another(run.rows_made.get(write.profile, ""), made):
            judge.book.count("remade-before-its-revoke")
            return None
        if maker is None and _was_made_beside_ours(judge, write.profile, write.entry.principal or "", made):
            judge.book.count("made-by-hand-beside-ours")
            return None
    return f"it was made by {write.maker}"


def _was_made_beside_ours(judge: Case, profile: ProfileKey, person: str, made: datetime) -> bool:
    """Whether a row was made while a grant of ours was under way: nobody can tell them apart where no row says whose.

    A handler that grants reads back within a minute.
    """
    granted = judge.latest_write.get((f"person:{person}", profile.folded, "grant"))
    return granted is not None and timedelta() <= made - granted <= timedelta(minutes=1)


def _is_another(read: str, made: datetime) -> bool:
    """Whether a row as it was read is another one than that of `made`; a service may cut off what is below a second."""
    try:
        return datetime.fromisoformat(read).replace(microsecond=0) != made.replace(microsecond=0)
    except ValueError:
        return False


def nothing_protected(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 4: a protected person's assignments are never touched."""
    del judge
    return "protected" if run is not None and write.entry.principal in run.policy.protected else None


def no_revoke_without_evidence(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 3: strong evidence, or weak evidence that an earlier check saw as well, long enough before."""
    if write.entry.operation != "delete-role-assignment" or run is None or write.profile is None:
        return None
    seen = judge.stands(run, holding=True)
    if seen is None:
        return "Graph told this check nothing whole about the person"
    if seen.kind == "employed" and not judge.is_surplus(run, write.profile):
        return "by what Graph said, the policy gives it"
    if seen.strong and seen.kind != "employed":
        return None
    needed = judge.settle
    if seen.kind == "employed":
        needed = max(needed, timedelta(hours=run.policy.grace_hours))
    if _was_seen_before(judge, run, write.profile, seen, needed):
        return None
    return f"weak evidence ({seen.kind}) that no check saw {needed} before"


def _was_seen_before(judge: Case, run: Run, profile: ProfileKey, seen: Standing, needed: timedelta) -> bool:
    """Whether an earlier check saw the same, long enough before, and none in between saw otherwise."""
    assert run.asked_at is not None, "it was told something"
    for earlier in reversed(judge.runs_about.get(run.key, [])):
        other = judge.stands(earlier, holding=True)
        if earlier is run or other is None or earlier.asked_at is None:
            continue
        if other.kind == "unreadable":
            continue  # nothing is concluded from odd values, and what was seen before stays
        same = other.kind == seen.kind and (seen.kind != "employed" or judge.is_surplus(earlier, profile))
        if same and run.asked_at - earlier.asked_at >= needed:
            return True
        if not same and earlier.outcome not in {"", "retry"}:
            return False  # this check saw otherwise, and remembered that
    return False


def nothing_by_unknown_rules(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 5: what a rule gave stays while the rule is not known: its group is gone, or it matches nobody."""
    if write.entry.operation != "delete-role-assignment" or run is None or write.profile is None:
        return None
    seen = judge.stands(run)
    if seen is None or seen.kind != "employed":
        return None
    gave = set(judge.given_by.get((run.key, write.profile.folded), ()))
    known = {rule.name for rule in run.policy.rules}
    if judge.unknown_rules is not None and judge.unknown_rules[0] == run.policy:
        doubtful = gave & known & judge.unknown_rules[1] & judge.judge_rules(run.policy)
        if doubtful:
            return f"it was given by {sorted(doubtful)}, of which the last sweep knew nothing, and nothing is known now"
    for rule in run.policy.rules:
        gone = judge.groups_gone_since(rule.group) if rule.group is not None and rule.name in gave else None
        if gone is not None and write.at - gone > timedelta(minutes=10):
            return f"it was given by {rule.name}, whose group is gone since {gone}"
    return None


def grants_are_given_by_rules(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 1: an event is a hint; only what Graph says of an employed person and the policy give access."""
    if write.entry.operation != "create-role-assignment" or run is None or write.profile is None:
        return None
    seen = judge.stands(run)
    if seen is None:
        return "Graph told this check nothing whole about the person"
    if seen.kind != "employed":
        return f"by what Graph said the person is {seen.kind}"
    return None if judge.is_given(run, write.profile) else "by what Graph said, no rule gives it"


def intent_before_write(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 6: the ledger has this run's intent before the service has the write."""
    del judge
    if run is None or write.profile is None:
        return None
    verb = VERBS.get(write.entry.operation, "")
    return None if (write.profile.folded, verb) in run.intents else "no intent of this run is in the ledger"


def one_writer(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 2: between the intent of a run and its write, no other run intended and wrote the same.

    One that lost its lock may be under way beside its successor: of two intents the state lets one through to a write.
    """
    if run is None or write.profile is None:
        return None
    last = judge.last_intent.get((run.key, write.profile.folded, VERBS.get(write.entry.operation, "")))
    if last is None or last is run or not last.writes:
        return None
    return f"run {last.number} by {last.process} has the later intent"


def no_write_after_the_handlers_time(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 3: a handler has 45 s and starts no write after that, so that its lock still holds."""
    del judge
    if run is None or run.jumped:
        return None
    seconds = (write.at - run.began).total_seconds()
    return f"{seconds:.1f} s after it began" if seconds > HANDLER_SECONDS + _ON_ITS_WAY else None


def grants_come_first(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 3: a mover gets what is new before losing what is old."""
    if run is None:
        return None
    verb = VERBS.get(write.entry.operation, "")
    run.writes.append(verb)
    return "it granted after it revoked" if verb == "grant" and "revoke" in run.writes else None


def not_repeated_at_once(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 9: a write is not repeated while its intent is young: it may only be slow to show."""
    if run is None or write.profile is None or write.entry.operation == "put-profile":
        return None
    what = (run.key, write.profile.folded, VERBS.get(write.entry.operation, ""))
    before = judge.latest_write.get(what)
    judge.latest_write[what] = write.at
    if before is None or write.entry.changed or judge.clocks_moved_since(before):
        return None
    seconds = (write.at - before).total_seconds()
    return f"the same was written {seconds:.0f} s before" if seconds < _YOUNG_SECONDS else None


def pause_respected(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 7: the pause is read between the intent and the write, and stops what it stops."""
    if run is None:
        return None
    if not run.pauses_read or run.pauses is None:
        return "the pause was not read between the intent and the write"
    seen = judge.stands(run)
    passes = (
        write.entry.operation == "delete-role-assignment" and seen is not None and seen.strong and seen.kind == "leaver"
    )
    stopping = {PauseKind.OPERATOR, PauseKind.ROLE_LOST} if passes else set(PauseKind)
    where = {"", *(() if write.profile is None else (write.profile.account.lower(), write.profile.folded))}
    standing = sorted(str(one) for one in run.pauses.active if one.kind in stopping and one.scope in where)
    return f"the pause was on: {', '.join(standing)}" if standing else None


def within_daily_limit(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Promise 5: no more different actions of a kind in any 24 h than the daily limit allows, but for released ones."""
    if run is None or write.profile is None:
        return None
    kind = kind_of_write(judge, write, run)
    key = ProfileKey(*str(write.profile).split("/")) if kind is ActionKind.PROFILE_UPDATES else None
    action = action_id(key or PersonKey(write.entry.principal or ""), kind, write.profile)
    if judge.released(run, action) or judge.let_through(run, kind, action):
        return None
    log = judge.written.setdefault(kind, [])
    before = {each for at, each in log if write.at - at < _DAY}
    log.append((write.at, action))
    if action in before:
        return None
    latest = [one for at, one in judge.baselines if at > write.at - timedelta(minutes=2)] + [
        one for _, one in judge.baselines[-1:]
    ]
    older = [one for at, one in judge.baselines if at <= write.at - timedelta(minutes=2)][-1:]
    base = [judge.base(kind, one) for one in (*latest, *older)] or [0]
    most = limit(DailyLimit(*run.policy.daily_limits[kind.value]), max(base))
    if len(before) + 1 > most:
        return f"number {len(before) + 1} of {kind.value} in 24 h, and the daily limit allows {most}"
    return None


def holds_respected(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 7: done is neither what waits for a person, nor what was dismissed, nor what was released as another."""
    if run is None or write.profile is None:
        return None
    kind = kind_of_write(judge, write, run)
    key: PersonKey | ProfileKey = (
        write.profile if kind is ActionKind.PROFILE_UPDATES else PersonKey(write.entry.principal or "")
    )
    row, intent = judge.holds.get(run.key), run.intents.get((write.profile.folded, VERBS[write.entry.operation]))
    action = action_id(key, kind, write.profile)
    hold = row.holds.get(action) if row is not None else None
    hold = hold or run.undismissed.get(action)
    if hold is None or intent is None:
        return None
    if hold.status is Status.OPEN:
        return "its hold is open"
    if judge.decided.get(hold.id, run.began) > run.began:
        return None  # decided while this was under way
    (intended,) = (one for one in intent.actions if one.profile == write.profile)
    why = "" if isinstance(intended, IntendedUpdate) else intended.why
    same = not hold.basis or not why or hold.basis == why
    if same is (hold.status is Status.RELEASED):
        return None
    return f"it was {hold.status.value} as '{hold.basis}', and is done as '{why}'"


def two_reads_agree(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 8: a PUT follows two reads, the settling time apart, that agree in every writable field.

    What agreed before an earlier update says nothing of what came after it.
    """
    if write.entry.operation != "put-profile" or run is None or write.profile is None:
        return None
    read = run.profiles_read.get(write.profile)
    updated = max((at for at in judge.updates.get(write.profile, ()) if at < write.at), default=None)
    for earlier in judge.runs_about.get(run.key, []) if read is not None else ():
        if earlier is run or read is None or (seen := earlier.profiles_read.get(write.profile)) is None:
            continue
        if updated is not None and seen[1] < updated:
            continue
        if _writable(seen[2]) == _writable(read[2]) and read[0] - seen[0] >= judge.settle - timedelta(seconds=1):
            return None
    return "no earlier read agreed long enough before"


def update_carries_everything(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 8: a PUT sends back every writable field as the last read had it, and the flag, which was off."""
    if write.entry.operation != "put-profile" or run is None or write.profile is None:
        return None
    read = run.profiles_read.get(write.profile)
    if read is None or not isinstance(read[2], dict):
        return "this run did not read the profile"
    judge.updating[write.profile] = read[1]
    run.updated_from[write.profile] = read[2]
    before, sent = read[2]["properties"], json.loads(write.request.body)
    if before.get(FLAG) is not False:
        return f"the flag was {before.get(FLAG)!r}, not false"
    expected = {name: before[name] for name in WRITABLE if name in before} | {FLAG: True}
    properties = {name: value for name, value in sent["properties"].items() if name != "tags"}
    if properties != expected:
        return f"it sends {sorted(properties)} and not {sorted(expected)}, or another value"
    tags = read[2].get("tags", before.get("tags")) or {}
    is_whole = not tags or sent.get("tags", sent["properties"].get("tags")) == tags
    return None if is_whole else "the tags are not sent back"


def flag_alone(judge: Case) -> None:
    """Section 8: an update changes the flag and nothing else, unless somebody else was at it at the same time."""
    for key, (before, before_tags) in [*judge.profiles.items()]:
        profile = judge.world.profile(key)
        after = profile.properties
        if after is before or (after == before and profile.tags == before_tags):
            continue
        names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        harm = sorted(names - {FLAG, "provisioningState"}) + ["tags"] * (profile.tags != before_tags)
        judge.profiles[key] = (dict(after), dict(profile.tags))
        if not harm:
            continue
        read_at = judge.updating.get(key, judge.world.start)
        if judge.people_changed.get(key, judge.world.start) >= read_at:
            judge.book.count("race:profile-changed-while-updated")
        else:
            judge.book.violate("flag_alone", f"an update of {key} changed {', '.join(harm)}")


def _writable(answer: Any) -> Any:
    if not isinstance(answer, dict) or "properties" not in answer:
        return None
    return {name: answer["properties"].get(name) for name in WRITABLE}, answer.get("tags")


def kind_of_write(judge: Case, write: AppWrite, run: Run) -> ActionKind:
    """The daily limit that a write counts in, by what its check was told."""
    if write.entry.operation == "put-profile":
        return ActionKind.PROFILE_UPDATES
    if write.entry.operation == "create-role-assignment":
        return ActionKind.GRANTS
    seen = judge.stands(run)
    return ActionKind.LEAVER_REVOKES if seen is not None and seen.kind == "leaver" else ActionKind.MOVER_REVOKES


def _key(write: AppWrite) -> str:
    if write.entry.operation == "put-profile":
        return write.profile.canonical if write.profile is not None else ""
    return f"person:{write.entry.principal}"


WRITE_PROMISES: Final = (
    only_invoice_manager,
    only_in_a_check,
    only_where_allowed,
    nothing_unmanaged,
    nothing_protected,
    no_revoke_without_evidence,
    nothing_by_unknown_rules,
    grants_are_given_by_rules,
    grants_come_first,
    intent_before_write,
    one_writer,
    not_repeated_at_once,
    no_write_after_the_handlers_time,
    pause_respected,
    holds_respected,
    within_daily_limit,
    update_carries_everything,
    two_reads_agree,
)
"""Every promise that a write is judged by, in this order."""
