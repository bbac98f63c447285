"""What another policy would do in place of the one in force: only what differs, to whom, and what it would wait for."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from shared.domain.keys import PersonKey
from shared.domain.planned import Compared, Do, PolicyDifference, Recipients, policy_differences
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import ActionKind, DailyLimit, Everything, Policy, Room, Selector, TwoPeople
from shared.domain.time_zones import zone
from shared.services.sweep.plan import compare, plan
from tests.simulation.small_world import (
    DE,
    DIETER,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    MPA,
    NL,
    PARTNER,
    POLICY,
    TESS,
    TREASURY,
)
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, NARROWED, limited, move, office

SetStage = Callable[..., Stage]

AUDIT = """
  - name: audit
    who: "department eq 'Audit'"
    profiles: [{ name: "Contoso Deutschland" }]
email_invoicing"""
"""A rule for Harry."""


def with_audit(policy: str = POLICY) -> str:
    return policy.replace("\nemail_invoicing", AUDIT)


async def compared(stage: Stage, policy: str) -> Compared:
    return await compare(stage.app, load_policy(policy, "new.yaml"))


def told(found: Compared) -> set[tuple[Do, str, str, str | None]]:
    return {
        (one.do, one.key.canonical, one.profile.profile, None if one.waits is None else str(one.waits))
        for one in found.planned.changes
    }


async def test_a_new_rule_shows_whom_it_gives_what_and_nothing_else(stage: Stage) -> None:
    nora = stage.hire("nora")
    found = await compared(stage, with_audit())
    assert told(found) == {(Do.GIVE, f"person:{HARRY}", DE.profile, None)}
    assert found.difference == PolicyDifference(added=("audit",))
    assert (len(found.stay), found.no_longer) == (1, ())
    assert dict(found.planned.recipients) == {DE: Recipients(1, 2)}
    assert found.planned.names[HARRY]
    assert nora not in found.planned.names
    assert found.in_force == stage.app.policy.digest


async def test_what_it_would_take_waits_for_a_decision_as_after_a_deployment(stage: Stage) -> None:
    found = await compared(stage, NARROWED)
    group = f"policy:{load_policy(NARROWED, 'new').digest[:12]}"
    assert told(found) == {(Do.REMOVE, f"person:{FEMKE}", NL.profile, group)}
    assert found.difference == PolicyDifference(changed=("own-company",))
    stage.restart(policy=NARROWED)
    await stage.settle()
    groups = {hold.group async for row in stage.app.state.holds() for hold in row.value.holds.values()}
    assert groups == {group}


async def test_more_than_a_day_has_room_for_waits(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(grants="15/15/100"))
    await stage.settle()
    everybody = limited(grants="4/4/100").replace("\nemail_invoicing", AUDIT.replace("'Audit'", "'Finance'"))
    found = await compared(stage, everybody)
    # Dieter has it already; 12 clerks and Femke do not. The guest and whom the policy protects get nothing.
    assert {one[3] for one in told(found)} == {"sweep:grants"}
    assert len(found.planned.changes) == 13
    assert found.planned.rooms[ActionKind.GRANTS] == Room(13, 0, 4)
    assert found.difference == PolicyDifference(added=("audit",), keys=("daily_limits",))


async def test_to_enforce_is_a_change_of_whatever_was_only_observed(set_stage: SetStage) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    found = await compared(stage, POLICY)
    assert {one[1:] for one in told(found)} == {
        (f"person:{FEMKE}", NL.profile, None),
        (f"person:{DIETER}", DE.profile, None),
        (f"person:{TESS}", HOLDING.profile, None),
    }
    assert found.difference == PolicyDifference(keys=("enforce",))
    assert (found.no_longer, found.stay) == ((), ())


async def test_to_enforce_no_longer_is_told(stage: Stage) -> None:
    nora = stage.hire("nora")
    found = await compared(stage, POLICY.replace("enforce: all", "enforce: none"))
    assert told(found) == {(Do.GIVE, f"person:{nora}", NL.profile, "observe")}
    assert {one.key for one in found.no_longer} == {PersonKey(nora)}


async def test_what_is_taken_by_itself_would_wait_under_a_policy_whose_rules_changed(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    assert {str(one.waits) for one in (await plan(stage.app)).changes} == {"None"}
    found = await compared(stage, with_audit())
    group = f"policy:{load_policy(with_audit(), 'new').digest[:12]}"
    assert told(found) == {
        (Do.GIVE, f"person:{HARRY}", DE.profile, None),
        (Do.REMOVE, f"person:{FEMKE}", NL.profile, group),
    }
    assert (len(found.stay), found.no_longer) == (1, ())


async def test_what_it_would_do_no_longer_is_told(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    found = await compared(stage, NARROWED.replace("opt_in: all", "opt_in: none"))
    assert {(one.do, one.key.canonical) for one in found.no_longer} == {
        (Do.GIVE, f"person:{nora}"),
        (Do.TURN_ON, HOLDING.canonical),
    }
    assert found.difference == PolicyDifference(changed=("own-company",), keys=("email_invoicing.opt_in",))


async def test_what_waits_already_stays_and_is_no_change(set_stage: SetStage) -> None:
    policy = limited(mover_revokes="3/3/100")
    stage = set_stage(given=office(), policy=policy)
    await stage.settle()
    move(stage, CLERKS[:4])
    await stage.sweep()
    found = await compared(stage, with_audit(policy))
    assert told(found) == {(Do.GIVE, f"person:{HARRY}", DE.profile, None)}
    assert [str(one.waits) for one in found.stay] == 4 * [f"policy:{found.planned.policy[:12]}"]


async def test_the_same_policy_changes_nothing(stage: Stage) -> None:
    stage.hire("nora")
    found = await compared(stage, POLICY.replace("all, min", "  all, min"))
    assert (found.planned.changes, found.no_longer, len(found.stay)) == ((), (), 1)
    assert found.difference.is_none


async def test_a_rule_that_would_match_nobody_is_told(stage: Stage) -> None:
    found = await compared(stage, with_audit().replace("'Audit'", "'Adit'"))
    assert (found.planned.changes, [*found.planned.unknown_rules]) == ((), ["audit"])


async def test_another_account_is_read_and_changes_nothing_for_the_policy_in_force(set_stage: SetStage) -> None:
    only_contoso = POLICY.replace("accounts: all", f"accounts: ['{MCA}']")
    stage = set_stage(policy=only_contoso)
    stage.change(HARRY, department="Finance")
    await stage.settle()
    assert (await plan(stage.app)).profiles == 3
    found = await compared(stage, POLICY)
    assert told(found) == {(Do.GIVE, f"person:{HARRY}", PARTNER.profile, None)}
    assert found.planned.profiles == 4
    stage.set_profile(PARTNER, invoiceEmailOptIn=False)
    assert (await compared(stage, only_contoso)).stay == ()


async def test_a_policy_that_drops_an_account_does_nothing_there(set_stage: SetStage) -> None:
    stage = set_stage()
    stage.change(HARRY, department="Finance")
    await stage.settle()
    stage.set_profile(PARTNER, invoiceEmailOptIn=False)
    found = await compared(stage, POLICY.replace("accounts: all", f"accounts: ['{MCA}']"))
    assert (told(found), [one.do for one in found.no_longer]) == (set(), [Do.TURN_ON])
    assert found.difference == PolicyDifference(keys=("accounts",))


async def test_a_group_of_the_new_policy_is_read(stage: Stage) -> None:
    stage.join(TREASURY, HARRY)
    group = POLICY.replace('"Contoso Holding"', '"Contoso *"').replace(
        f"member_of: [{TREASURY}]", f"member_of: [{TREASURY}]\n    who: \"department eq 'Audit'\""
    )
    found = await compared(stage, group)
    assert {one[:3] for one in told(found)} == {
        (Do.REMOVE, f"person:{TESS}", HOLDING.profile),
        (Do.GIVE, f"person:{HARRY}", DE.profile),
    }


async def test_both_policies_are_judged_of_one_reading(stage: Stage) -> None:
    before = stage.calls()
    await plan(stage.app)
    once = stage.calls() - before
    before = stage.calls()
    await compared(stage, with_audit())
    both = stage.calls() - before
    assert both.total() == once.total() + 1, "the one list that only the new rule needs"


async def test_a_comparison_writes_nothing(stage: Stage) -> None:
    stage.hire("nora")
    before = stage.state_rows.copy(), stage.ledger_rows.copy(), len(stage.queues.sent), stage.writes()
    await compared(stage, NARROWED)
    assert (stage.state_rows.copy(), stage.ledger_rows.copy(), len(stage.queues.sent), stage.writes()) == before


DECIDE_NOTHING = {"rules", "digest", "tests"}
"""Rules are compared one by one; examples are tried, and give nobody anything."""

OTHER: dict[str, Any] = {
    "accounts": frozenset({MPA}),
    "enforce": Everything.ALL,
    "opt_in": (Selector(name="x"),),
    "min_recipients": 7,
    "check_days": 7,
    "lead_days": 7,
    "mover_grace_hours": 7,
    "stale_leave_days": 7,
    "time_zone": zone("Europe/Amsterdam"),
    "date_zones": (zone("Europe/Amsterdam"),),
    "protected": frozenset({HARRY}),
    "daily_limits": {**Policy(()).daily_limits, ActionKind.GRANTS: DailyLimit(1, 1, 1)},
    "two_people": TwoPeople(7),
}


@pytest.mark.parametrize("name", [one.name for one in fields(Policy) if one.name not in DECIDE_NOTHING])
def test_no_key_of_a_policy_differs_unseen(name: str) -> None:
    changed = replace(Policy(()), **{name: OTHER[name]})
    (key,) = policy_differences(Policy(()), changed).keys
    assert key.rpartition(".")[2] == name
