"""`doctor` on a company that runs, with one thing broken at a time: that one is told, and every other check as well."""

from collections.abc import Callable, Mapping, Sequence

from sandbox.faults import Effect
from shared.domain.diagnosis import Check, Name, Reached, State
from shared.domain.history.records import DigestBody
from shared.domain.subscription import Subscription
from shared.services.health import look
from shared.services.ledger_audit import DIGEST
from shared.services.operate.doctor import (
    NEEDS_SETTINGS,
    NEEDS_STORE,
    Looks,
    examine_kept,
    examine_live,
    read_kept,
)
from shared.services.proof import prove_when_due
from tests.simulation.shelves import Shelves
from tests.simulation.small_world import APP, FEMKE, MCA, POLICY, TREASURY, guid, world
from tests.simulation.stage import Stage

ACCOUNT_OWNER = "50000000-aaaa-bbbb-cccc-100000000000"
LEAVES = "2026-09-01T00:00:00Z"


async def reach() -> Mapping[str, Reached]:
    return {"access-work": Reached.THERE}


async def mine() -> Sequence[Subscription]:
    return []


async def examined(stage: Stage, me: str = "") -> Mapping[Name, Check]:
    kept = await read_kept(stage.app)
    found = [*examine_kept(kept, stage.app), *await examine_live(stage.app, kept, Looks(reach, mine), me)]
    checks = {check.name: check for check in found}
    assert checks.keys() == {*NEEDS_STORE, *NEEDS_SETTINGS}
    assert len(checks) == len(found)
    return checks


def to_mend(checks: Mapping[Name, Check]) -> Mapping[Name, str]:
    return {name: check.code for name, check in checks.items() if check.state is State.TO_MEND}


def dated() -> dict[str, object]:
    """The small company, of whom one has a leave date."""
    given = world()
    femke = next(one for one in given["users"] if one["id"] == FEMKE)
    femke["employeeLeaveDateTime"] = LEAVES
    return given


async def test_a_company_that_runs_has_nothing_to_mend(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    await stage.settle()  # the first gave access, and this one sees it
    await prove_when_due(stage.app)
    await look(stage.app, Shelves())
    checks = await examined(stage)
    assert to_mend(checks) == {}
    assert [name for name, one in checks.items() if one.state is not State.GOOD] == [Name.QUEUE_SETTINGS]
    assert checks[Name.ROLE].facts == {"accounts": 2, "profiles": 4}
    assert checks[Name.CREATED_BY].facts["us"] == APP


async def test_without_the_permission_for_leave_dates_their_silence_is_told(set_stage: Callable[..., Stage]) -> None:
    given = dated()
    given["identities"][1]["graphPermissions"].remove("User-LifeCycleInfo.Read.All")  # type: ignore[index]
    stage = set_stage(given=given)
    await stage.settle()
    checks = await examined(stage)
    assert to_mend(checks) == {Name.LEAVE_DATES: "leave-dates-blank"}
    assert checks[Name.LEAVE_DATES].facts["us"] == APP


async def test_a_role_that_is_lost_is_told_with_where(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    stage.take_at_account(MCA, APP, ACCOUNT_OWNER)
    await stage.sweep()
    found = to_mend(await examined(stage))
    assert found[Name.ROLE] == "role-lost"
    assert found.keys() <= {Name.ROLE, Name.PAUSES, Name.FULL_CHECK}


async def test_a_role_that_may_read_alone_is_told_by_profile(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated(), policy=POLICY.replace("enforce: all", "enforce: none"))
    stage.give_at_account(MCA, APP, "50000000-aaaa-bbbb-cccc-100000000002")
    stage.take_at_account(MCA, APP, ACCOUNT_OWNER)
    await stage.settle()
    checks = await examined(stage)
    assert checks[Name.ROLE].code == "role-lacking"
    assert sorted(checks[Name.ROLE].facts["where"]) == ["Contoso Deutschland", "Contoso Holding", "Contoso Nederland"]


async def test_a_group_that_nobody_knows_is_told_with_its_rule(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    stage.restart(policy=POLICY.replace(TREASURY, guid(4, 9)))
    checks = await examined(stage)
    assert to_mend(checks) == {Name.GROUPS: "groups-missing"}
    assert checks[Name.GROUPS].facts["groups"] == [f"{guid(4, 9)} (rule treasury)"]


async def test_a_service_that_is_away_hides_no_other_check(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    stage.fault("graph", Effect(status=503))
    checks = await examined(stage)
    assert checks[Name.GROUPS].state is State.NOT_READ
    assert "503" in checks[Name.GROUPS].facts["why"]
    assert checks[Name.CLOCK].state is State.GOOD
    assert to_mend(checks) == {}


async def test_a_chain_that_is_shorter_than_its_digest_says_is_told(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    chain = await stage.app.ledger.open(DIGEST)
    await chain.append(stage.now, DigestBody({f"person:{FEMKE}": (900, "x" * 64)}))
    assert to_mend(await examined(stage)) == {Name.RECORD: "record-broken"}


async def test_only_the_app_itself_is_shown_its_subscriptions(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(
        given=dated(),
        notification_url="https://app.example/api/graph/notifications",
        graph_client_states="a-secret-that-nobody-guesses",
    )
    await stage.settle()
    assert (await examined(stage))[Name.SUBSCRIPTIONS].code == "subscriptions-not-told"
    assert to_mend(await examined(stage, APP)) == {Name.SUBSCRIPTIONS: "subscriptions-missing"}


async def test_examining_writes_nothing(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=dated())
    await stage.settle()
    before = ([key async for key in stage.app.ledger.keys()], len(stage.queues.sent), len(stage.billing.audit))  # noqa: SIM118
    pauses = await stage.app.state.pauses()
    await examined(stage)
    assert before == (
        [key async for key in stage.app.ledger.keys()],  # noqa: SIM118 - it is no mapping
        len(stage.queues.sent),
        len(stage.billing.audit),
    )
    assert await stage.app.state.pauses() == pauses
