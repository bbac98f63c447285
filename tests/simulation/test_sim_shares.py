"""What a day's limit is a percentage of, in a world in which everything that could be counted is another number."""

from collections.abc import Callable

import pytest

from shared.domain.policy.model import ActionKind
from shared.services.operate.decisions import list_holds
from tests.english import english
from tests.simulation.small_world import DIETER, FEMKE, HOLDING, NL, OWNER, POLICY, by_hand, guid, user, world
from tests.simulation.stage import Stage

ALL = "0/999/100"
LIMITED = {"leaver_revokes": "removals (left)", "grants": "giving access"}
SHARES = POLICY.replace("accounts: all", f"accounts: ['{NL.account}']") + (
    f"daily_limits: {{ grants: {ALL}, mover_revokes: {ALL}, leaver_revokes: {ALL}, profile_updates: {ALL} }}\n"
)
CLERKS = tuple(guid(7, number) for number in range(6))
MANAGED = len(CLERKS) + 3
"""Six clerks, Femke, Dieter and Tess."""


@pytest.fixture
async def counted(set_stage: Callable[..., Stage]) -> Stage:
    """Nine managed assignments, two of others', three managed profiles of four, and twelve people."""
    given = world()
    given["users"] += [user(one, f"clerk{number}", "Contoso Nederland") for number, one in enumerate(CLERKS)]
    given["users"].append(user(guid(7, 99), "nobody", None))
    rows = given["billingAccounts"][0]["billingProfiles"][2]["billingRoleAssignments"]
    rows.append(by_hand(OWNER))
    stage = set_stage(given=given, policy=SHARES.replace(f"grants: {ALL}", "grants: 99/99/100"))
    await stage.settle()
    stage.restart(policy=SHARES)
    report = await stage.settle()
    counts = {
        name: getattr(report.counts, name) for name in ("managed", "unmanaged", "assignments", "profiles", "people")
    }
    assert counts["managed"] == MANAGED
    assert counts["profiles"] == 3
    assert len({*counts.values()}) == len(counts), f"some are the same number: {counts}"
    return stage


async def test_a_sweep_takes_its_percentage_of_what_is_managed_and_of_managed_profiles(counted: Stage) -> None:
    report = await counted.sweep()
    assert {kind: room.limit for kind, room in report.guards.items()} == {
        "grants": MANAGED,
        "mover_revokes": MANAGED,
        "leaver_revokes": MANAGED,
        "profile_updates": 3,
    }


@pytest.mark.parametrize("kind", ["leaver_revokes", "grants"])
async def test_a_check_takes_its_percentage_of_what_is_managed(counted: Stage, kind: str) -> None:
    half = SHARES.replace(f"{kind}: {ALL}", f"{kind}: 0/999/12")
    counted.restart(policy=half)
    if kind == "grants":
        for number in range(3):
            await counted.event_about(counted.hire(f"new{number}"))
    else:
        for person in (FEMKE, DIETER, CLERKS[0]):
            counted.change(person, accountEnabled=False)
            await counted.event_about(person)
    held = (await list_holds(counted.app)).holds
    assert {(hold.kind, english(hold.why)) for hold in held} == {
        (
            ActionKind(kind),
            f"the daily limit for {LIMITED[kind]} is used up: 24 h allow 2",
        )  # twelve percent of nine
    }


async def test_a_check_of_a_profile_takes_its_percentage_of_managed_profiles(counted: Stage) -> None:
    counted.restart(policy=SHARES.replace(f"profile_updates: {ALL}", "profile_updates: 0/999/33"))
    for profile in (NL, HOLDING):
        counted.set_profile(profile, invoiceEmailOptIn=False)
        await counted.enqueue(profile)
    await counted.advance(minutes=11)
    (hold,) = (await list_holds(counted.app)).holds
    assert english(hold.why).endswith("24 h allow 1"), "a third of three"
    assert hold.profile in {NL, HOLDING}
