"""What must be true of the holds when all is quiet: an open one stops something, and no released one is left.

Lives here: asking the oracle about what each hold holds. Whether something is missing that no hold excuses is
`aftermath`'s.
"""

from shared.domain.access.opt_in import FLAG
from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from tests.simulation.engine import oracle
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.policies import SimPolicy


def judge_holds(judge: Judge, policy: SimPolicy) -> None:
    """Section 7: a check, or a sweep, that no longer wants an action closes its hold.

    What was released is done by then, or open again, or closed. Of whom nobody can read nothing can be said.
    """
    for row in judge.holds.values():
        for hold in row.holds.values():
            if isinstance(hold.key, PersonKey) and _is_odd(judge, hold.key.object_id):
                continue
            if hold.status is Status.OPEN and (why := _why_unwanted(judge, policy, hold)) is not None:
                what = f"{hold.kind.value} {hold.key.canonical} on {hold.profile}"
                judge.book.violate("holds_are_wanted", f"{what} is held and {why}")
            elif hold.status is Status.RELEASED and not _is_undecided(judge, policy, hold):
                what = f"{hold.kind.value} {hold.key.canonical} on {hold.profile}"
                judge.book.violate("released_is_done", f"{what} was released, and is neither done nor open again")


def _is_undecided(judge: Judge, policy: SimPolicy, hold: Hold) -> bool:
    """Whether nobody can say if a released action is still wanted.

    A rule is not known that may have given it, or the profile does not say whether its invoices are mailed.
    """
    if hold.kind is ActionKind.PROFILE_UPDATES and judge.world.profile(hold.profile).properties.get(FLAG) is None:
        return True
    facts = judge.world.facts[-1][1]
    unknown = oracle.unknown_rules(judge.world.graph.newest(), policy, facts, judge.world.odd)
    return hold.kind is ActionKind.MOVER_REVOKES and bool(unknown)


def _why_unwanted(judge: Judge, policy: SimPolicy, hold: Hold) -> str | None:
    facts = judge.world.facts[-1][1]
    if not oracle.is_enforced(hold.profile, policy, facts):
        return "the policy does not enforce the profile"
    if not isinstance(hold.key, PersonKey):
        flag = judge.world.profile(hold.profile).properties.get(FLAG)
        return f"the flag is {flag!r}" if flag else None  # of one that says nothing, nothing can be said
    person = hold.key.object_id
    row = judge.world.row(hold.profile, person)
    if (row is None) is not (hold.kind is ActionKind.GRANTS):
        return "there is nothing to take" if row is None else "it is given already"
    if oracle.unknown_rules(judge.world.graph.newest(), policy, facts, judge.world.odd):
        return None  # of what a rule gave that is not known, nothing can be said
    is_given = hold.profile in _wanted(judge, policy, person)
    if is_given is (hold.kind is ActionKind.GRANTS):
        return None
    return "a rule gives it" if is_given else "no rule gives it"


def _is_odd(judge: Judge, person: str) -> bool:
    user, _ = oracle.true_user(judge.world, person)
    return user is not None and oracle.is_odd(user)


def _wanted(judge: Judge, policy: SimPolicy, person: str) -> set[object]:
    world = judge.world
    user, deleted = oracle.true_user(world, person)
    if user is None or oracle.standing(user, deleted=deleted, policy=policy, now=world.now()).kind != "employed":
        return set()
    groups = oracle.groups_of(world.graph.newest(), person, policy)
    return {*oracle.wanted(user, groups, policy, world.facts[-1][1])}
