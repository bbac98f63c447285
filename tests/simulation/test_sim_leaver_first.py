"""Who left, and what was lost, comes first: a leaver's revokes wait for nothing that they do not need.

And what a revoke or a lost role means for others is told, or stops the rest, in the same check.
"""

from collections.abc import Callable

import pytest

from sandbox.faults import Effect
from shared.domain.access.plan import Note, NoteKind
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.history.checks import CheckBody
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.errors import Permanent, Transient
from shared.services.app import HANDLER_SECONDS
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HOLDING, NL, OWNER, PARTNER, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage

MEMBERSHIPS = "checkMemberGroups"
ASKED = "graph POST /v1.0/users/{}/checkMemberGroups"
LISTINGS = "arm GET /providers/Microsoft.Billing/billingAccounts/{}/billingProfiles/{}/billingRoleAssignments"

FEW = POLICY.replace("min_recipients: 0", "min_recipients: 2")
EVERY_PROFILE = POLICY.replace('profiles: [{ tag: { company: "{companyName}" } }]', "profiles: all")


@pytest.mark.parametrize("status", [403, 429, 500, 503])
@pytest.mark.parametrize(
    "left", [{"accountEnabled": False}, {"employeeLeaveDateTime": "2026-02-27T00:00:00Z"}], ids=["disabled", "dated"]
)
async def test_a_leaver_loses_everything_although_nobodys_groups_can_be_read(
    stage: Stage, left: dict[str, object], status: int
) -> None:
    stage.fault("graph", Effect(status=status), path=MEMBERSHIPS)
    for person in (FEMKE, TESS):  # one holds by attributes, one by a group
        stage.change(person, **left)
        await stage.event_about(person)
        assert stage.held(person) == set()
        check = await stage.last_check(person)
        assert (check.outcome, check.employment) == ("done", "leaver")


async def test_a_future_hire_loses_what_is_managed_although_nobodys_groups_can_be_read(stage: Stage) -> None:
    stage.fault("graph", Effect(status=403), path=MEMBERSHIPS)
    stage.change(TESS, accountEnabled=False, employeeHireDate="2026-09-01T00:00:00Z")
    await stage.event_about(TESS)
    assert stage.held(TESS) == {HOLDING}  # weak evidence, seen once
    await stage.advance(minutes=11)
    assert stage.held(TESS) == set()


@pytest.mark.parametrize(("status", "outcome"), [(403, "gave-up"), (503, "retry")])
async def test_of_who_is_employed_nothing_is_concluded_while_their_groups_cannot_be_read(
    stage: Stage, status: int, outcome: str
) -> None:
    stage.fault("graph", Effect(status=status), path=MEMBERSHIPS)
    stage.leave(TREASURY, TESS)
    stage.change(FEMKE, department="Kitchen")
    for person in (TESS, FEMKE):
        await stage.event_about(person)
        assert (await stage.last_check(person)).outcome == outcome
    await stage.advance(minutes=30)
    assert (stage.held(TESS), stage.held(FEMKE)) == ({HOLDING}, {NL})


async def test_a_leaver_costs_no_read_of_groups_and_an_employee_one(stage: Stage) -> None:
    before = stage.calls()
    await stage.check(PersonKey(DIETER))
    assert (stage.calls() - before)[ASKED] == 1
    stage.change(DIETER, accountEnabled=False)
    before = stage.calls()
    await stage.check(PersonKey(DIETER))
    assert (stage.calls() - before)[ASKED] == 0


async def test_a_check_whose_reads_show_our_role_lost_writes_no_more_on_that_account(
    stage: Stage,
) -> None:
    stage.restart(policy=EVERY_PROFILE)
    stage.fault("arm", Effect(status=403), path="HOLDING")
    person = stage.hire("anna")
    await stage.event_about(person)
    assert stage.held(person) == {PARTNER}  # another account
    check = await stage.last_check(person)
    assert check.outcome == "gave-up"
    assert {action.profile: action.outcome for action in check.actions} == {
        NL: Outcome.HELD,
        DE: Outcome.HELD,
        HOLDING: Outcome.GAVE_UP,
        PARTNER: Outcome.DONE,
    }
    pauses = (await stage.app.state.pauses()).value
    assert pauses.active[Pause(PauseKind.ROLE_LOST, HOLDING.account)].by == f"person:{person}"


async def test_a_check_that_cannot_pause_for_a_lost_role_writes_nothing_and_retries(
    stage: Stage,
) -> None:
    stage.restart(policy=EVERY_PROFILE)
    lost = stage.fault("arm", Effect(status=403), path="PARTNER")
    stage.state_rows.at_write(Transient("the store is busy"), "guards", holds="pauses=")
    written = len(stage.writes())
    person = stage.hire("anna")
    await stage.event_about(person)
    assert len(stage.writes()) == written
    assert (await stage.last_check(person)).outcome == "retry"
    stage.faults.lift(lost.id)
    stage.state_rows.lift()
    await stage.advance(minutes=10)
    assert stage.held(person) == {NL, DE, HOLDING, PARTNER}


@pytest.fixture
async def two_wanted(set_stage: Callable[..., Stage]) -> Stage:
    """The policy asks for two recipients; HARRY, by hand, and FEMKE receive what Contoso Nederland is invoiced."""
    stage = set_stage(policy=FEW)
    await stage.settle()
    return stage


def about_recipients(check: CheckBody) -> list[Note]:
    return [note for note in check.notes if note.kind is NoteKind.FEW_RECIPIENTS]


async def test_a_revoke_that_leaves_a_profile_with_too_few_recipients_says_so_at_once(two_wanted: Stage) -> None:
    stage = two_wanted
    stage.change(FEMKE, accountEnabled=False)
    before = stage.calls()
    await stage.event_about(FEMKE)
    check = await stage.last_check(FEMKE)
    assert check.outcome == "done"
    why = Code.FEW_RECIPIENTS(reached=1, asked=2)
    assert about_recipients(check) == [Note(NoteKind.FEW_RECIPIENTS, why, NL)]
    assert (stage.calls() - before)[LISTINGS] == 1
    findings = (await stage.sweep()).findings
    assert Finding(kind=FindingKind.FEW_RECIPIENTS, why=why, profile=NL) in findings


async def test_a_revoke_that_leaves_enough_says_nothing(two_wanted: Stage) -> None:
    stage = two_wanted
    stage.give(NL, OWNER)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    assert about_recipients(await stage.last_check(FEMKE)) == []


@pytest.mark.parametrize(
    "policy",
    [
        FEW.replace("opt_in: all", 'opt_in: [{ name: "Contoso Deutschland" }]'),
        FEW.replace("enforce: all", 'enforce: [{ name: "Contoso Deutschland" }]'),
        POLICY,
    ],
    ids=["not opted in", "only observed", "none wanted"],
)
async def test_nothing_is_counted_where_nobody_asks_or_nothing_was_taken(two_wanted: Stage, policy: str) -> None:
    stage = two_wanted
    stage.restart(policy=policy)
    stage.change(FEMKE, accountEnabled=False)
    before = stage.calls()
    await stage.check(PersonKey(FEMKE))
    assert (await stage.last_check(FEMKE)).outcome in {"done", "would"}
    assert about_recipients(await stage.last_check(FEMKE)) == []
    assert (stage.calls() - before)[LISTINGS] == 0


async def test_recipients_that_cannot_be_counted_are_noted_and_fail_nothing(two_wanted: Stage) -> None:
    stage = two_wanted
    stage.change(FEMKE, accountEnabled=False)
    stage.fault("arm", Effect(status=503), method="GET", path=r"billingRoleAssignments(\?|$)")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    check = await stage.last_check(FEMKE)
    assert check.outcome == "done"
    (note,) = about_recipients(check)
    assert english(note.why).startswith("its recipients could not be counted: ")


async def test_recipients_are_left_to_the_sweep_once_the_handlers_time_is_over(two_wanted: Stage) -> None:
    stage = two_wanted
    stage.change(FEMKE, accountEnabled=False)
    third = HANDLER_SECONDS / 3 + 1
    stage.fault("arm", Effect(delay_seconds=third), path=f"_{FEMKE}")  # the read, the revoke and the read-back
    before = stage.calls()
    await stage.check(PersonKey(FEMKE))
    assert stage.held(FEMKE) == set()
    (note,) = about_recipients(await stage.last_check(FEMKE))
    assert english(note.why) == "its recipients were not counted: the handler's time was over"
    assert (stage.calls() - before)[LISTINGS] == 0


# -- what others gave a leaver


@pytest.mark.parametrize("gone", [True, False])
async def test_what_others_gave_a_leaver_is_told_by_the_check_that_learns_of_it(stage: Stage, gone: bool) -> None:
    person = stage.hire("otto", company="Nowhere")  # no rule lists them, and nobody checks them
    stage.give(DE, person)
    await stage.settle()
    if gone:
        stage.delete(person)
    else:
        stage.change(person, accountEnabled=False)
    await stage.event_about(person)
    notes = (await stage.last_check(PersonKey(person))).notes
    assert [(note.kind, note.profile) for note in notes] == [(NoteKind.LEAVER_HOLDS_UNMANAGED, DE)]
    assert stage.held(person) == {DE}


async def test_of_who_is_employed_nobody_reads_what_others_gave_elsewhere(stage: Stage) -> None:
    person = stage.hire("otto", company="Nowhere")
    stage.give(DE, person)
    await stage.settle()
    await stage.event_about(person)
    assert (await stage.last_check(PersonKey(person))).read == ()


async def test_a_leaver_loses_what_is_managed_although_nobody_can_say_what_others_gave(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    stage.state_rows.at_read(Permanent("the rows are damaged"), "sighted")
    await stage.event_about(FEMKE)
    assert stage.state_rows.happened
    assert stage.held(FEMKE) == set()
