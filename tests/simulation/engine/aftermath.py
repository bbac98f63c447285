"""What must be true when all is quiet: faults are over, time has passed, and two sweeps had their checks.

Lives here: comparing the world as it is with what the oracle says of it. What excuses a difference is an open hold that
is listed, or what the design says is left alone.
"""

from datetime import datetime, timedelta
from typing import Final

from sandbox.billing.holdings import Assignment as Row
from sandbox.broker.model import Message
from shared.adapters.queues.work_wire import decode
from shared.domain.access.opt_in import FLAG
from shared.domain.guards.holds import Status, action_id
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.errors import Rejected
from shared.ports import Ledger
from tests.simulation.engine import oracle
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.small_world import APP

_JUST_TURNED: Final = timedelta(minutes=20)
"""A date that has just come may not have been acted on yet."""

_YOUNG: Final = timedelta(seconds=90)
"""How old an intent is at least when a check says that it came to nothing, less what clocks differ by."""

_EXCUSES: Final = frozenset({Status.OPEN, Status.DISMISSED})
"""The holds that excuse a difference. One that was released has been carried out by then, or is open again."""


def compare(judge: Judge, policy: SimPolicy) -> None:
    """Notes every difference between what is and what should be."""
    world = judge.world
    facts = world.facts[-1][1]
    people = {entry.id for entry in world.graph.newest().entries("user")}
    enforced = [key for key in world.profiles() if oracle.is_enforced(key, policy, facts)]
    for person in sorted({*people, *(row.principal_id for _, row in world.managers())} - {*policy.protected}):
        _compare_person(judge, policy, person, enforced)
    for key in enforced:
        wanted = facts[key].active and policy.names(facts[key].name, policy.opt_in)
        held = judge.status(key.canonical, action_id(key, ActionKind.PROFILE_UPDATES, key)) in _EXCUSES
        if wanted and not held and world.profile(key).properties.get(FLAG) is False:
            judge.book.violate("actual_is_desired", f"{key} should be opted in and is not")


def _compare_person(judge: Judge, policy: SimPolicy, person: str, enforced: list[ProfileKey]) -> None:
    world, book = judge.world, judge.book
    now, facts, directory = world.now(), world.facts[-1][1], world.graph.newest()
    user, deleted = oracle.true_user(world, person)
    stands = oracle.standing(user, deleted=deleted, policy=policy, now=now)
    is_turning = any(now - _JUST_TURNED < turn <= now for turn in oracle.turns(user, policy))
    if is_turning or stands.kind == "unreadable":
        return
    wanted: set[ProfileKey] = set()
    if user is not None and stands.kind == "employed":
        wanted = oracle.wanted(user, oracle.groups_of(directory, person, policy), policy, facts)
    kept = oracle.may_keep(user, directory, policy, facts, now)
    for key in enforced:
        row = world.row(key, person)
        if row is None:
            if key in wanted and facts[key].active and not _held(judge, person, "grants", key):
                book.violate("actual_is_desired", f"{person} should hold {key} and does not")
            continue
        if key in wanted | kept or not _is_managed(judge, key, row) or _is_unprovable(judge, key, person):
            continue
        if _held(judge, person, "leaver_revokes" if stands.kind == "leaver" else "mover_revokes", key):
            book.count("quiet:excused-by-hold")
        elif stands.kind == "leaver":
            book.violate("no_leaver_holds_managed", f"{person} left and holds {key}")
        elif stands.kind in {"employed", "pre-hire"} and oracle.unknown_rules(directory, policy, facts, world.odd):
            book.count("quiet:excused-by-unknown-rule")
        else:
            book.violate("actual_is_desired", f"{person} ({stands.kind}) holds {key} and should not")


def account_for_events(judge: Judge) -> None:
    """Section 9: every event that reached the queue led to a check, a wait, a rejected event or a dead letter."""
    waiting = {item.key.canonical for item, _, _ in judge.post.waiting()}
    dead_work = {key for message in judge.post.dead(judge.post.work) if (key := _key(message)) is not None}
    dead_events = {message.body for message in judge.post.dead(judge.post.events)}
    queued = {one.message.body for one in judge.post.events.peek(count=100_000)}
    for body, tolds in judge.told.items():
        for told in tolds:
            for key in told.keys:
                checked = any(at >= told.at for at in judge.checks.get(key, ()))
                if not (checked or key in waiting or key in dead_work or body in dead_events or body in queued):
                    judge.book.violate("no_event_is_lost", f"nothing became of an event about {key}")
    judge.book.counts["dead:events"] += len(dead_events)
    judge.book.counts["dead:work"] += len(dead_work)
    if dead_events or dead_work:
        what = f"{len(dead_events)} events and checks {', '.join(sorted(dead_work)) or 'nobody'}"
        judge.book.violate("no_outage_dead_letters", f"{what} are dead letters, and nothing but outages befell them")


async def verify_chains(judge: Judge, ledger: Ledger) -> None:
    """Section 9: every chain of the ledger holds, and has every digest that was ever stored since it was lost."""
    keys = sorted([key async for key in ledger.keys()])  # noqa: SIM118 - a ledger is no mapping
    for key in keys:
        for wrong in await ledger.verify(key, judge.chains.get(key)):
            judge.book.violate("chains_verify", f"{key}: {wrong}")
    for key in sorted(judge.chains.keys() - keys):
        judge.book.violate("chains_verify", f"{key}: it has records, and is not listed")
    judge.book.counts["chains"] += len(keys)


def _held(judge: Judge, person: str, kind: str, key: ProfileKey) -> bool:
    return judge.status(f"person:{person}", action_id(PersonKey(person), ActionKind(kind), key)) in _EXCUSES


def _is_managed(judge: Judge, key: ProfileKey, row: Row) -> bool:
    """Whether the app made it, or an operator was told that it is adopted and the ledger still knows."""
    if judge.world.maker(key, row) == APP:
        return True
    adopted = judge.surely_adopted.get((key, row.principal_id))
    made = datetime.fromisoformat(row.created_on).replace(microsecond=0)
    return adopted is not None and judge.ledger_lost is None and adopted == made


def _is_unprovable(judge: Judge, key: ProfileKey, person: str) -> bool:
    """Whether nobody can know who made a row that does not say so.

    The ledger that did know is lost; or the operation that made it hung until a check had found that it came to
    nothing.
    """
    row = judge.world.row(key, person)
    if row is None or row.created_by:
        return False
    intent = judge.last_intent.get((f"person:{person}", key.folded, "grant"))
    made = datetime.fromisoformat(row.created_on)
    hung = intent is not None and any(
        intent.began + _YOUNG <= seen <= made for seen in judge.found_nothing.get((f"person:{person}", key.folded), ())
    )
    judge.book.counts["quiet:excused-by-hung-operation"] += hung
    return hung or judge.ledger_lost is not None


def _key(message: Message) -> str | None:
    try:
        return decode(message.body).key.canonical
    except Rejected:
        return None
