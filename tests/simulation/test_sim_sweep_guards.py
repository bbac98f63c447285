"""What a sweep holds back: too much of a kind at once, what a changed policy takes, and everything it cannot trust."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Changed
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.history.findings import FindingKind
from shared.domain.history.report import HoldCounts
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code
from shared.domain.remembered import Holding
from shared.errors import Permanent, Transient
from shared.ports import Stored
from shared.services.ledger_audit import DIGEST
from shared.services.operate.decisions import dismiss, release, resume
from tests.english import english
from tests.simulation.small_world import (
    DE,
    DIETER,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    NL,
    OWNER,
    PARTNER,
    POLICY,
    TESS,
    TREASURY,
    guid,
    user,
    world,
)
from tests.simulation.stage import Stage

CLERKS = tuple(guid(7, number) for number in range(12))
KITCHEN = "Kitchen"
NARROWED = POLICY.replace("department eq 'Finance'", "department eq 'Finance' and companyName ne 'Contoso Nederland'")
"""The usual rules without whoever works in the Netherlands."""


def office() -> dict[str, Any]:
    """The small company, and a dozen clerks in the Netherlands."""
    given = world()
    given["users"] += [user(one, f"clerk{number}", "Contoso Nederland") for number, one in enumerate(CLERKS)]
    return given


def limited(**daily_limits: str) -> str:
    """The usual policy under these daily limits; what is not named has room for everybody."""
    named = {"mover_revokes": "99/99/100", "leaver_revokes": "99/99/100", "grants": "99/99/100"} | daily_limits
    return POLICY + "daily_limits: {" + ", ".join(f"{kind}: {figures}" for kind, figures in named.items()) + "}\n"


@pytest.fixture
async def clerks(set_stage: Callable[..., Stage]) -> Stage:
    """Fifteen people hold what they should; three movers' and five leavers' revokes a day."""
    stage = set_stage(given=office(), policy=limited(mover_revokes="3/3/100", leaver_revokes="5/5/100"))
    await stage.settle()
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)
    return stage


async def holds(stage: Stage) -> list[Hold]:
    """Every hold, by key."""
    rows = sorted([row.value async for row in stage.app.state.holds()], key=lambda row: row.key.canonical)
    return [hold for row in rows for hold in row.holds.values()]


async def paused(stage: Stage) -> dict[Pause, Setting]:
    return dict((await stage.app.state.pauses()).value.active)


def move(stage: Stage, people: Sequence[str]) -> None:
    """They work for a company without a profile, and are listed all the same."""
    for person in people:
        stage.change(person, companyName="Tailwind Traders")


def leave(stage: Stage, people: Sequence[str]) -> None:
    for person in people:
        stage.change(person, accountEnabled=False)


def queued(stage: Stage) -> set[str]:
    return {message.item.key.canonical for message in stage.queues.waiting}


def lists_fail(stage: Stage) -> None:
    stage.fault("graph", Effect(status=400), path="/v1.0/users$")


# -- groups


async def test_of_a_kind_that_is_too_much_nothing_is_enqueued_and_one_hold_carries_it_all(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    report = await clerks.sweep()
    held = await holds(clerks)
    assert {hold.key.canonical for hold in held} == {f"person:{clerk}" for clerk in CLERKS[:4]}
    assert {(hold.kind, hold.profile, hold.group, hold.stopped_by, hold.status) for hold in held} == {
        (ActionKind.MOVER_REVOKES, NL, "sweep:mover_revokes", StoppedBy.SWEEP, Status.OPEN)
    }
    assert {english(hold.why) for hold in held} == {
        "one full check wants 4 removals (still work here); 3 a day are allowed, and 3 are left"
    }
    assert report.drift == {"no-longer-given": 4}
    assert (report.enqueued, queued(clerks)) == (0, set())
    assert report.holds == HoldCounts({ActionKind.MOVER_REVOKES: 4}, {}, {}, {"sweep:mover_revokes": 4})
    assert report.guards[ActionKind.MOVER_REVOKES] == Room(4, 3, 3)
    await clerks.advance(hours=24 * 3)
    await clerks.settle()
    assert all(clerks.held(clerk) == {NL} for clerk in CLERKS)


async def test_what_there_is_room_for_goes_on(clerks: Stage) -> None:
    move(clerks, CLERKS[:3])
    await clerks.settle()
    assert [clerk for clerk in CLERKS if not clerks.held(clerk)] == list(CLERKS[:3])
    assert await holds(clerks) == []


async def test_what_is_left_is_what_events_have_not_used(clerks: Stage) -> None:
    move(clerks, CLERKS[:1])
    await clerks.event_about(CLERKS[0])
    await clerks.advance(minutes=11)
    assert clerks.held(CLERKS[0]) == set()
    move(clerks, CLERKS[1:4])
    report = await clerks.sweep()
    assert report.guards[ActionKind.MOVER_REVOKES] == Room(3, 2, 3)
    assert len(await holds(clerks)) == 3


async def test_a_sweep_measures_daily_limits_by_what_it_counts_itself(clerks: Stage) -> None:
    clerks.restart(policy=POLICY)
    clerks.lose_state()
    newcomers = [clerks.hire(f"new{number}") for number in range(12)]
    report = await clerks.settle()
    assert report.guards[ActionKind.GRANTS] == Room(12, 15, 15)
    assert all(clerks.held(person) == {NL} for person in newcomers)


async def test_a_leaver_is_not_stuck_behind_movers(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    leave(clerks, CLERKS[4:9])
    await clerks.settle()
    assert [clerk for clerk in CLERKS if not clerks.held(clerk)] == list(CLERKS[4:9])
    assert {hold.kind for hold in await holds(clerks)} == {ActionKind.MOVER_REVOKES}


async def test_leavers_and_grants_have_groups_of_their_own(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=office(), policy=limited(grants="15/15/100", leaver_revokes="2/2/100"))
    await stage.settle()
    leave(stage, CLERKS[:3])
    newcomer = stage.hire("anna")
    report = await stage.settle()
    assert report.holds.groups == {"daily_limit:leaver_revokes": 1, "sweep:grants": 1}
    assert report.enqueued == 2
    assert stage.held(newcomer) == set()
    assert [clerk for clerk in CLERKS if not stage.held(clerk)] == list(CLERKS[:2])


async def test_profile_updates_have_a_group_of_their_own(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: {profile_updates: 1/1/100}\n")
    await stage.settle()
    for profile in (NL, DE):
        stage.set_profile(profile, invoiceEmailOptIn=False)
    await stage.settle()
    assert [(hold.key, hold.group) for hold in await holds(stage)] == [
        (DE, "sweep:profile_updates"),
        (NL, "sweep:profile_updates"),
    ]
    assert not any(stage.profile(profile)["invoiceEmailOptIn"] for profile in (NL, DE))
    await release(stage.app, None, "olga", stage.now)
    await stage.advance(hours=1)
    assert all(stage.profile(profile)["invoiceEmailOptIn"] for profile in (NL, DE))


async def test_who_drifted_in_another_way_as_well_is_checked_for_that(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(mover_revokes="0/0/0"))
    await stage.settle()
    stage.change(DIETER, companyName="Contoso Nederland")
    await stage.settle()
    assert stage.held(DIETER) == {DE, NL}
    assert [hold.group for hold in await holds(stage)] == ["sweep:mover_revokes"]


async def test_holders_outside_every_rule_are_held_as_movers_and_leavers_among_them_leave(clerks: Stage) -> None:
    for clerk in CLERKS[:4]:
        clerks.change(clerk, department=KITCHEN)
    clerks.change(CLERKS[3], accountEnabled=False)
    report = await clerks.sweep()
    assert report.drift == {"holder-outside-every-rule": 4}
    assert {english(hold.basis) for hold in await holds(clerks)} == {""}
    await clerks.advance(hours=1)
    assert [clerk for clerk in CLERKS if not clerks.held(clerk)] == [CLERKS[3]]
    held = await holds(clerks)
    assert [hold.key for hold in held] == [PersonKey(clerk) for clerk in CLERKS[:3]]
    assert all(hold.basis for hold in held)  # the checks could tell
    await clerks.settle()
    assert [(hold.basis, hold.since) for hold in await holds(clerks)] == [(hold.basis, hold.since) for hold in held]


async def test_what_a_missing_group_gave_is_no_mover_and_fills_no_daily_limit(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(mover_revokes="0/0/0"))
    await stage.settle()
    stage.call_graph("DELETE", f"/groups/{TREASURY}")
    await stage.settle()
    assert await holds(stage) == []
    assert stage.held(TESS) == {HOLDING}


async def test_who_is_in_a_period_of_grace_takes_no_room_until_it_ends(set_stage: Callable[..., Stage]) -> None:
    graced = limited(mover_revokes="6/6/100").replace("mover_grace_hours: 0", "mover_grace_hours: 72")
    stage = set_stage(given=office(), policy=graced, sweep_schedule="0 0 */6 * * *")

    async def pass_days(days: int) -> None:
        for _ in range(4 * days):
            await stage.sweep()
            await stage.advance(hours=6)

    await pass_days(1)
    for first in range(0, 9, 3):
        move(stage, CLERKS[first : first + 3])
        await pass_days(1)
    await pass_days(3)
    assert await holds(stage) == []
    assert [clerk for clerk in CLERKS if not stage.held(clerk)] == list(CLERKS[:9])


async def test_profiles_only_observed_have_no_holds_and_the_report_says_what_would_be_held(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=limited(grants="2/2/100").replace("enforce: all", "enforce: none"))
    report = await stage.settle()
    assert report.would_hold[ActionKind.GRANTS] == Room(3, 2, 2)
    assert report.enqueued == 3
    assert await holds(stage) == []
    stage.restart(policy=limited(grants="2/2/100").replace("enforce: all", 'enforce: [{ name: "Contoso Holding" }]'))
    assert (await stage.settle()).would_hold[ActionKind.GRANTS] == Room(3, 2, 2)
    assert stage.held(TESS) == {HOLDING}
    assert (await stage.settle()).would_hold[ActionKind.GRANTS] == Room(2, 1, 2)


async def test_a_held_person_is_no_news_to_the_feed(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=office(), policy=limited(mover_revokes="3/3/100"))
    await stage.settle()
    await stage.settle()
    move(stage, CLERKS[:6])
    first = await stage.settle()
    again = await stage.settle()
    assert first.feed_check.labels.never_announced == 6
    assert again.feed_check.labels.never_announced == 0


# -- renewing, deciding, closing


async def test_a_second_sweep_renews_and_changes_nothing_else(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    first = await holds(clerks)
    report = await clerks.settle()
    again = await holds(clerks)
    assert report.enqueued == 0
    assert [replace(hold, renewed=was.renewed) for hold, was in zip(again, first, strict=True)] == first
    assert all(hold.renewed > was.renewed for hold, was in zip(again, first, strict=True))


async def test_a_dismissed_action_is_neither_counted_nor_checked_again(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    await dismiss(clerks.app, [(await holds(clerks))[0].id], "olga", clerks.now)
    before = await holds(clerks)
    report = await clerks.settle()
    assert report.guards[ActionKind.MOVER_REVOKES].wanted == 0
    assert report.enqueued == 0
    held = await holds(clerks)
    assert held[0] == before[0]
    assert [hold.status for hold in held] == [Status.DISMISSED, *[Status.OPEN] * 3]


async def test_what_was_dismissed_and_moved_on_in_another_way_is_held_anew(clerks: Stage) -> None:
    clerks.join(TREASURY, CLERKS[0])
    await clerks.settle()
    move(clerks, CLERKS[:4])
    await clerks.settle()
    await dismiss(clerks.app, ["sweep:mover_revokes"], "olga", clerks.now)
    since = (await holds(clerks))[0].since
    state = await clerks.app.state.person(CLERKS[0])
    other = {**state.value.holdings, NL: Holding(rules=("treasury",))}
    await clerks.app.state.put_person(state.becoming(replace(state.value, holdings=other)))
    move(clerks, CLERKS[4:7])
    await clerks.settle()
    changed = next(hold for hold in await holds(clerks) if hold.key == PersonKey(CLERKS[0]))
    assert changed.status is Status.OPEN
    assert changed.since > since
    assert "treasury" in english(changed.basis)


async def test_released_actions_are_done_and_the_rest_stays_held(clerks: Stage) -> None:
    move(clerks, CLERKS[:5])
    await clerks.settle()
    chosen = [hold.id for hold in await holds(clerks)][:2]
    await release(clerks.app, chosen, "olga", clerks.now)
    await clerks.settle()
    await clerks.settle()
    assert [clerk for clerk in CLERKS[:5] if not clerks.held(clerk)] == list(CLERKS[:2])
    assert [hold.status for hold in await holds(clerks)] == [Status.OPEN] * 3


async def test_a_released_hold_whose_check_was_lost_is_checked_after_the_next_sweep(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    await release(clerks.app, None, "olga", clerks.now)
    clerks.queues.waiting.clear()
    await clerks.settle()
    assert not any(clerks.held(clerk) for clerk in CLERKS[:4])
    assert await holds(clerks) == []


async def test_a_released_hold_that_nobody_wants_any_more_does_not_wait_for_its_day(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    await release(clerks.app, None, "olga", clerks.now)
    clerks.queues.waiting.clear()
    for clerk in CLERKS[:4]:
        clerks.change(clerk, companyName="Contoso Nederland")
    await clerks.advance(minutes=1)
    report = await clerks.settle()
    assert report.drift == {"released-hold": 4}
    assert await holds(clerks) == []
    assert (await clerks.sweep()).drift == {}


async def test_holds_close_when_a_later_complete_sweep_no_longer_wants_them(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    for clerk in CLERKS[:4]:
        clerks.change(clerk, companyName="Contoso Nederland")
    lists_fail(clerks)
    await clerks.settle()
    assert len(await holds(clerks)) == 4  # nothing is concluded from what could not be read
    clerks.faults.lift()
    await clerks.settle()
    assert await holds(clerks) == []


async def test_a_rule_that_becomes_unknown_closes_no_hold(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    before = await holds(clerks)
    for profile in (NL, DE, PARTNER):
        scope = clerks.scope(profile)
        scope.tags = {}
    report = await clerks.settle()
    assert {finding.kind for finding in report.findings} == {"rule-not-known", "rule-gave-nothing"}
    assert await holds(clerks) == before


async def test_a_decision_made_while_the_sweep_stores_is_kept(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.settle()
    chosen = (await holds(clerks))[0]

    async def somebody_decides() -> None:
        await dismiss(clerks.app, [chosen.id], "olga", clerks.now)

    clerks.state_rows.at_write(somebody_decides, "holds", times=1)
    report = await clerks.settle()
    assert clerks.state_rows.happened == 1
    assert [hold.status for hold in await holds(clerks)] == [Status.DISMISSED, *[Status.OPEN] * 3]
    assert report.holds.dismissed == {"mover_revokes": 1}


async def test_rows_that_keep_changing_let_nothing_loose(clerks: Stage) -> None:
    clerks.state_rows.at_write(Changed("somebody else wrote"), "holds")
    move(clerks, CLERKS[:4])
    catalogue = await clerks.app.state.catalogue()
    with pytest.raises(Transient):
        await clerks.sweep()
    assert queued(clerks) == set()
    assert await clerks.app.state.catalogue() == catalogue


# -- a changed policy


async def test_what_a_changed_policy_takes_is_held_with_the_difference(stage: Stage) -> None:
    treasury = POLICY[POLICY.index("  - name: treasury") : POLICY.index("email_invoicing")]
    audit = "  - name: audit\n    who: \"department eq 'Audit'\"\n    profiles: all\n"
    changed = NARROWED.replace(treasury, audit)
    stage.restart(policy=changed)
    report = await stage.settle()
    held = {hold.key: hold for hold in await holds(stage)}
    assert held.keys() == {PersonKey(FEMKE), PersonKey(TESS)}
    assert {hold.stopped_by for hold in held.values()} == {StoppedBy.POLICY}
    assert {hold.group for hold in held.values()} == {f"policy:{stage.app.policy.digest[:12]}"}
    why = "the policy changed: rules added audit; removed treasury; changed own-company"
    assert {english(hold.why) for hold in held.values()} == {
        f"{why}; 2 removals (still work here) wait for a person to see that"
    }
    assert report.holds.groups == {f"policy:{stage.app.policy.digest[:12]}": 2}
    for _ in range(30):
        await stage.settle()
    assert (stage.held(FEMKE), stage.held(TESS)) == ({NL}, {HOLDING})
    assert {hold.stopped_by for hold in await holds(stage)} == {StoppedBy.POLICY}
    await release(stage.app, None, "olga", stage.now)
    await stage.settle()
    assert (stage.held(FEMKE), stage.held(TESS)) == (set(), set())


async def test_a_policy_that_only_changed_otherwise_says_so(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.restart(policy=POLICY.replace(f"protected: [{guid(3, 6)}]", f"protected: [{guid(3, 6)}, {HARRY}]"))
    await stage.settle()
    (hold,) = await holds(stage)
    assert english(hold.why).startswith(
        "the policy changed: not its rules, but its accounts, employment or protected people"
    )


async def test_what_follows_after_the_first_sweep_of_a_policy_is_not_held(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    await stage.settle()
    stage.change(DIETER, companyName="Tailwind Traders")
    await stage.settle()
    assert stage.held(DIETER) == set()
    assert [hold.key for hold in await holds(stage)] == [PersonKey(FEMKE)]


async def test_a_leaver_and_a_grant_pass_a_changed_policy(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    leave(stage, [FEMKE])
    anna = stage.hire("anna", "Contoso Deutschland")
    await stage.settle()
    assert stage.held(FEMKE) == set()
    assert stage.held(anna) == {DE}


async def test_no_check_slips_through_between_the_change_and_its_sweep_nor_after(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {NL}
    await stage.sweep()
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {NL}
    assert (await stage.last_check(FEMKE)).outcome == "held"


async def test_nor_through_a_catalogue_that_became_too_old_meanwhile(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    await stage.advance(hours=4)
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {NL}
    assert [note.kind for note in (await stage.last_check(FEMKE)).notes] == ["rule-not-known"]
    await stage.settle()
    assert [hold.stopped_by for hold in await holds(stage)] == [StoppedBy.POLICY]


async def test_an_incomplete_sweep_leaves_the_change_to_the_next_complete_one(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    stage.fault("arm", Effect(status=400), path="DE-BG7/billingRoleAssignments$")
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    stage.faults.lift()
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    assert [hold.stopped_by for hold in await holds(stage)] == [StoppedBy.POLICY]


class _Died(Exception):  # noqa: N818 - no error of the app's
    """The process is gone."""


@pytest.mark.parametrize(("rows", "at"), [("holds", ""), ("catalogue", ""), ("guards", "baseline="), ("reports", "")])
async def test_a_crash_anywhere_in_the_first_sweep_of_a_policy_lets_nothing_through(
    stage: Stage, rows: str, at: str
) -> None:
    stage.restart(policy=NARROWED)
    stage.state_rows.at_write(_Died(), rows, holds=at)
    with pytest.raises(_Died):
        await stage.sweep()
    before = await holds(stage)
    stage.state_rows.lift()
    stage.restart()
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {NL}
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    (hold,) = await holds(stage)
    assert hold.stopped_by is StoppedBy.POLICY
    assert [hold.since] == [each.since for each in before] or rows == "holds"


async def test_holds_are_stored_before_the_judged_catalogue(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    held: list[int] = []

    async def count() -> None:
        held.append(len(await holds(stage)))

    stage.state_rows.at_write(count, "catalogue", holds="head=")
    await stage.sweep()
    assert held == [1]
    catalogue = await stage.app.state.catalogue()
    assert catalogue is not None
    assert catalogue.policy_digest == stage.app.policy.digest


async def test_without_a_baseline_nobody_knows_the_policy_and_every_movers_revoke_is_held(stage: Stage) -> None:
    stage.lose_state()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    leave(stage, [DIETER])
    await stage.settle()
    (hold,) = await holds(stage)
    assert (hold.key, hold.stopped_by) == (PersonKey(FEMKE), StoppedBy.POLICY)
    assert english(hold.why).startswith("no sweep was completed before")
    assert stage.held(DIETER) == set()
    await stage.settle()
    assert stage.held(FEMKE) == {NL, DE}


# -- the pause


async def test_an_incomplete_sweep_sets_the_pause_and_a_complete_one_clears_it(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    lists_fail(stage)
    baseline = (await stage.app.state.baseline()).value
    report = await stage.settle()
    assert report.pauses == ("incomplete-sweep",)
    setting = (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)]
    assert setting.by == f"sweep#{report.sweep}"
    assert "people of rule" in english(setting.why)
    assert [record.levelno for record in caplog.records if "writes are paused" in record.message] == [logging.WARNING]
    assert (await stage.app.state.baseline()).value == baseline
    anna = stage.hire("anna")
    leave(stage, [DIETER])
    await stage.event_about(anna)
    await stage.event_about(DIETER)
    assert stage.held(anna) == set()
    assert stage.held(DIETER) == set()  # a leaver passes
    since = setting.since
    await stage.settle()
    assert (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)].since == since
    stage.faults.lift()
    assert (await stage.settle()).pauses == ()
    assert await paused(stage) == {}
    assert stage.held(anna) == {NL}


@pytest.mark.parametrize(
    ("effect", "error", "expected"),
    [
        (Effect(status=429), Transient, {Pause(PauseKind.INCOMPLETE_SWEEP)}),
        (
            Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}}),
            Permanent,
            {Pause(PauseKind.INCOMPLETE_SWEEP), Pause(PauseKind.ROLE_LOST)},
        ),
    ],
)
async def test_a_sweep_that_fails_altogether_sets_the_pause(
    stage: Stage, effect: Effect, error: type[Exception], expected: set[Pause]
) -> None:
    stage.fault("arm", effect, path="billingAccounts$")
    with pytest.raises(error):
        await stage.sweep()
    assert (await paused(stage)).keys() == expected
    stage.faults.lift()
    await stage.settle()
    assert await paused(stage) == {}


async def test_the_loss_of_our_role_pauses_the_account_until_a_sweep_reads_it(stage: Stage) -> None:
    refused = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})
    stage.fault("arm", refused, path="NL-BG7/billingRoleAssignments$")
    leave(stage, [DIETER])
    report = await stage.settle()
    assert (report.complete, [*report.pauses]) == (False, [f"role-lost on {MCA}"])
    assert stage.held(DIETER) == {DE}
    stage.faults.lift()
    await stage.settle()
    assert await paused(stage) == {}
    assert stage.held(DIETER) == set()


async def test_a_sweep_clears_nothing_that_only_a_person_ends(stage: Stage) -> None:
    setting = Setting(stage.now, "olga", Code.SAID(said="because"))
    by_hand = dict.fromkeys(
        (
            Pause(PauseKind.OPERATOR),
            Pause(PauseKind.OPERATOR, MCA),
            Pause(PauseKind.HARM, NL.folded),
        ),
        setting,
    )
    await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(Pauses(by_hand)))
    lists_fail(stage)
    await stage.settle()
    stage.faults.lift()
    await stage.settle()
    assert await paused(stage) == by_hand


async def test_a_pause_that_others_write_meanwhile_is_read_anew(stage: Stage) -> None:
    lists_fail(stage)
    await stage.settle()
    stage.faults.lift()
    state = stage.app.state

    class Meanwhile:
        tries = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(state, name)

        async def put_pauses(self, row: Stored[Pauses]) -> Stored[Pauses]:
            self.tries += 1
            if self.tries == 1:
                fresh = await state.pauses()
                pause = {
                    **fresh.value.active,
                    Pause(PauseKind.OPERATOR): Setting(stage.now, "olga", Code.SAID(said="because")),
                }
                await state.put_pauses(fresh.becoming(Pauses(pause)))
            return await state.put_pauses(row)

    meanwhile: Any = Meanwhile()
    stage.app = replace(stage.app, state=meanwhile)
    report = await stage.sweep()
    assert report.pauses == ("operator-stop",)
    assert (await paused(stage)).keys() == {Pause(PauseKind.OPERATOR)}


# -- the population


async def test_a_population_that_shrank_sets_the_pause_and_keeps_the_baseline(clerks: Stage) -> None:
    baseline = (await clerks.app.state.baseline()).value
    assert baseline is not None
    assert baseline.population == 16
    for clerk in CLERKS[:5]:
        clerks.change(clerk, department=KITCHEN)
    clerks.change(CLERKS[0], accountEnabled=False)
    report = await clerks.settle()
    assert report.pauses == ("population-shrank",)
    why = (await paused(clerks))[Pause(PauseKind.POPULATION_SHRANK)].why
    assert english(why).startswith("11 people match the rules; at the last good sweep, of 2026-03-02 09:00")
    assert (await clerks.app.state.baseline()).value == baseline
    assert [clerk for clerk in CLERKS if not clerks.held(clerk)] == [CLERKS[0]]  # strong evidence passes
    await clerks.settle()
    assert (await paused(clerks)).keys() == {Pause(PauseKind.POPULATION_SHRANK)}


async def test_the_pause_is_cleared_when_they_are_back(clerks: Stage) -> None:
    for clerk in CLERKS[:5]:
        clerks.change(clerk, department=KITCHEN)
    await clerks.settle()
    for clerk in CLERKS[:5]:
        clerks.change(clerk, department="Finance")
    lists_fail(clerks)
    await clerks.settle()
    assert (await paused(clerks)).keys() == {Pause(PauseKind.INCOMPLETE_SWEEP), Pause(PauseKind.POPULATION_SHRANK)}
    clerks.faults.lift()
    await clerks.settle()
    assert await paused(clerks) == {}
    assert await holds(clerks) == []
    assert all(clerks.held(clerk) == {NL} for clerk in CLERKS)


async def test_an_operator_who_resumes_accepts_the_population_as_it_is(clerks: Stage) -> None:
    for clerk in CLERKS[:5]:
        clerks.change(clerk, department=KITCHEN)
    await clerks.settle()
    await resume(clerks.app, "olga")
    report = await clerks.settle()
    assert report.pauses == ()
    baseline = (await clerks.app.state.baseline()).value
    assert baseline is not None
    assert baseline.population == 11
    assert report.holds.groups == {"sweep:mover_revokes": 5}  # the group still waits
    for clerk in CLERKS[5:10]:
        clerks.change(clerk, department=KITCHEN)
    assert (await clerks.settle()).pauses == ("population-shrank",)


@pytest.mark.parametrize(("gone", "percent"), [(4, 25), (5, 35)])
async def test_fewer_than_that_is_an_ordinary_day(clerks: Stage, gone: int, percent: int) -> None:
    clerks.restart(population_shrink_percent=percent)
    for clerk in CLERKS[:gone]:
        clerks.change(clerk, department=KITCHEN)
    assert (await clerks.settle()).pauses == ()


async def test_a_policy_that_changed_elsewhere_hides_no_population_that_shrank(clerks: Stage) -> None:
    for clerk in CLERKS[:5]:
        clerks.change(clerk, department=KITCHEN)
    clerks.restart(policy=limited().replace("Europe/Amsterdam", "Europe/Lisbon"))
    assert (await clerks.settle()).pauses == ("population-shrank",)


async def test_who_is_listed_and_matches_no_rule_is_not_of_the_population(set_stage: Callable[..., Stage]) -> None:
    # A name of which the directory may know too many spellings: whoever has a department is listed.
    policy = limited().replace("department eq 'Finance'", "department in ('Finance', 'ÄÖÜÄÖÜÄÖÜÄÖÜ')")
    stage = set_stage(given=office(), policy=policy)
    await stage.settle()
    baseline = (await stage.app.state.baseline()).value
    assert baseline is not None
    assert baseline.population == 16
    for clerk in CLERKS[:5]:
        stage.change(clerk, department=KITCHEN)
    assert (await stage.settle()).pauses == ("population-shrank",)


async def test_under_other_rules_populations_are_not_compared(clerks: Stage) -> None:
    clerks.restart(policy=limited().replace("department eq 'Finance'", "department eq 'Audit'"))
    assert (await clerks.settle()).pauses == ()
    baseline = (await clerks.app.state.baseline()).value
    assert baseline is not None
    assert baseline.policy_digest == clerks.app.policy.digest


# -- the report


async def test_leavers_who_hold_what_others_gave_are_findings(stage: Stage) -> None:
    stage.give(DE, FEMKE)
    assert (await stage.sweep()).findings == ()
    leave(stage, [FEMKE])
    report = await stage.settle()
    assert [(one.kind, one.principal, one.profile) for one in report.findings] == [
        (FindingKind.LEAVER_HOLDS_UNMANAGED, FEMKE, DE)
    ]
    assert f"made by {OWNER}" in english(report.findings[0].why)
    assert stage.held(FEMKE) == {DE}


async def test_a_profile_that_fights_back_is_a_finding_as_long_as_its_hold_is_open(stage: Stage) -> None:
    for _ in range(4):
        stage.set_profile(PARTNER, invoiceEmailOptIn=False)
        await stage.settle()
    (hold,) = await holds(stage)
    assert hold.stopped_by is StoppedBy.FIGHTS_BACK
    report = await stage.settle()
    assert [(one.kind, one.profile) for one in report.findings] == [(FindingKind.PROFILE_FIGHTS_BACK, PARTNER)]
    assert (await holds(stage))[0].stopped_by is StoppedBy.FIGHTS_BACK
    assert report.enqueued == 0
    stage.set_profile(PARTNER, invoiceEmailOptIn=True)
    assert (await stage.settle()).findings == ()
    assert await holds(stage) == []


async def test_records_that_cannot_be_kept_are_told_of_and_hide_no_report(stage: Stage) -> None:
    stage.ledger_rows.at_read(Transient("the ledger is away"), f"ledger:{ESTATE}")
    report = await stage.sweep()
    assert report.complete
    assert any("the ledger is away" in english(line) for line in report.not_kept)
    assert (await stage.app.state.reports(1))[0] == report


async def test_a_sweep_takes_the_days_digest_once(stage: Stage) -> None:
    taken = await stage.app.ledger.head(DIGEST)
    assert taken[0] == 1
    await stage.settle()
    assert await stage.app.ledger.head(DIGEST) == taken
    await stage.advance(hours=24)
    await stage.settle()
    assert (await stage.app.ledger.head(DIGEST))[0] == 2
