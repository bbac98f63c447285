"""Adoption: each consequence is shown first and comes true; what was not chosen, or is another row, is not touched."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from cli.adopt import adopt as adopt_verb
from cli.faults import UsageError
from cli.out import Form, Out
from sandbox.faults import Effect
from shared.adapters.store.rows import Changed
from shared.domain.access.ownership import ManagedAssignment, OwnershipBasis
from shared.domain.actors import Actor
from shared.domain.adoption.consequences import Choice, Consequence, Why
from shared.domain.history.records import AdoptBody, IntendedRevoke
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.reasons import Code
from shared.errors import Conflict
from shared.ports import Chain
from shared.services.operate.adopt import Adopted, AdoptionPlan, Fate, apply_adoption, plan_adoption
from shared.services.operate.first_contact import make_first_contact
from tests.english import english
from tests.ledger_records import check_body
from tests.reports import report as a_report
from tests.simulation.small_world import (
    APP,
    DE,
    EA,
    FEMKE,
    GREG,
    HARRY,
    HOLDING,
    NL,
    OTHER_APP,
    OWNER,
    PARTNER,
    PIA,
    POLICY,
    TREASURY,
    guid,
    world,
)
from tests.simulation.stage import START, Stage

RULE = Choice(given_by_rule=True)
LEAVERS = Choice(leavers=True)


def chosen(*pairs: tuple[ProfileKey, str]) -> Choice:
    return Choice(pairs=pairs)


OLGA = Actor(guid(6, 1), name="Olga Berg")


async def adopt(stage: Stage, choice: Choice) -> tuple[Adopted, ...]:
    """Plans, and adopts all that can be; nothing is checked yet."""
    plan = await plan_adoption(stage.app, choice)
    return await apply_adoption(stage.app, plan.able, "olga")


async def evidence(stage: Stage, person: str) -> list[AdoptBody]:
    return [body for body in await stage.bodies(person) if isinstance(body, AdoptBody)]


def shown(plan: AdoptionPlan) -> list[tuple[ProfileKey, str, Why, Consequence]]:
    return [(one.profile, one.principal_id, one.why, one.consequence) for one in plan.adoptions]


# -- each choice, and that its consequence comes true


async def test_what_a_rule_gives_is_adopted_stays_and_goes_when_the_person_moves(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.give(NL, anna)
    before = stage.everything_held()
    plan = await plan_adoption(stage.app, RULE)
    assert shown(plan) == [(NL, anna, Why.GIVEN_BY_RULE, Consequence.STAYS)]
    assert stage.everything_held() == before
    assert await evidence(stage, anna) == []  # what is only planned leaves nothing
    (fate,) = await apply_adoption(stage.app, plan.able, "olga")
    assert fate.fate is Fate.ADOPTED

    await stage.run_until_quiet()
    assert stage.everything_held() == before
    check = await stage.last_check(anna)
    assert (check.cause, check.origin, check.outcome) == ("operator", "operator:olga", "unchanged")
    assert check.held is not None
    assert check.held[NL].proof == "adopted"
    await stage.settle()
    assert stage.everything_held() == before

    stage.change(anna, companyName="Contoso Deutschland")
    await stage.event_about(anna)
    await stage.advance(minutes=10)
    assert stage.held(anna) == {DE}
    assert (await stage.app.state.person(anna)).value.holdings.keys() == {DE}
    (revoke,) = [
        action
        for intent in await stage.intents(anna)
        for action in intent.actions
        if isinstance(action, IntendedRevoke)
    ]
    assert (revoke.proof, revoke.profile) == (OwnershipBasis.ADOPTED, NL)


async def test_a_leavers_adopted_assignment_is_revoked_and_nothing_else_is(stage: Stage) -> None:
    stage.change(HARRY, accountEnabled=False)
    anna = stage.hire("anna", department="Sales")
    stage.give(DE, anna)
    before = stage.everything_held()
    plan = await plan_adoption(stage.app, LEAVERS)
    assert shown(plan) == [(NL, HARRY, Why.LEAVER, Consequence.REVOKED)]
    assert "at once: a leaver (strong evidence): the account is disabled" in english(plan.adoptions[0].text)
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.run_until_quiet()
    assert before.keys() - stage.everything_held().keys() == {(NL.folded, HARRY)}
    assert stage.everything_held().items() <= before.items()


async def test_who_is_gone_for_good_is_revoked_when_a_second_check_finds_the_same(stage: Stage) -> None:
    stage.delete(HARRY)
    stage.purge(HARRY)
    plan = await plan_adoption(stage.app, LEAVERS)
    assert shown(plan) == [(NL, HARRY, Why.LEAVER, Consequence.REVOKED)]
    assert "weak evidence" in english(plan.adoptions[0].text)
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.run_until_quiet()
    assert stage.held(HARRY) == {NL}
    await stage.advance(minutes=6)
    assert stage.held(HARRY) == set()


async def test_a_chosen_one_that_no_rule_gives_is_revoked_and_its_neighbour_is_not(stage: Stage) -> None:
    stage.give(DE, HARRY)
    plan = await plan_adoption(stage.app, chosen((NL, HARRY.upper())))
    assert shown(plan) == [(NL, HARRY, Why.CHOSEN, Consequence.REVOKED)]
    assert english(plan.adoptions[0].text) == "would be revoked when a second check finds the same: no rule gives it"
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.run_until_quiet()
    assert stage.held(HARRY) == {NL, DE}
    await stage.advance(minutes=6)
    assert stage.held(HARRY) == {DE}


async def test_several_of_one_person_are_adopted_together(stage: Stage) -> None:
    stage.give(DE, HARRY)
    stage.give(PARTNER, HARRY)
    fates = await adopt(stage, chosen((NL, HARRY), (DE, HARRY)))
    assert [fate.fate for fate in fates] == [Fate.ADOPTED, Fate.ADOPTED]
    assert [one.profile for one in await evidence(stage, HARRY)] == [DE, NL]
    await stage.advance(minutes=10)
    assert stage.held(HARRY) == {PARTNER}


async def test_a_guest_is_adopted_like_anybody(stage: Stage) -> None:
    stage.give(PARTNER, GREG)
    plan = await plan_adoption(stage.app, chosen((PARTNER, GREG)))
    assert shown(plan) == [(PARTNER, GREG, Why.CHOSEN, Consequence.REVOKED)]
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.advance(minutes=10)
    assert stage.held(GREG) == set()


async def test_on_an_observed_profile_it_is_managed_and_nothing_is_written(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    stage.change(HARRY, accountEnabled=False)
    plan = await plan_adoption(stage.app, LEAVERS)
    assert "only observed" in english(plan.adoptions[0].text)
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.settle()
    assert stage.writes() == []
    assert (await stage.last_check(HARRY)).outcome == "would"
    stage.restart(policy=POLICY)
    await stage.settle()
    assert stage.held(HARRY) == set()


# -- the evidence


async def test_the_evidence_says_what_was_taken_over_by_whom_and_what_they_were_shown(stage: Stage) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    row = stage.row(NL, HARRY)
    assert row is not None
    (kept,) = await evidence(stage, HARRY)
    assert kept == AdoptBody(
        profile=NL,
        name=row.name.lower(),
        created_by=OWNER,
        created_on=kept.created_on,
        principal_type="User",
        by="olga",
        why="chosen",
        consequence="revoked",
        shown=Code.REVOKED_WHEN_SEEN_AGAIN(because=Code.NO_RULE_GIVES_IT()),
        rules=(),
    )
    assert kept.created_on.isoformat()[:19] == row.created_on[:19]


async def test_the_state_alone_adopts_nothing(stage: Stage) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    stage.lose_ledger()
    for _ in range(3):
        await stage.settle()
        await stage.event_about(HARRY)
    assert stage.held(HARRY) == {NL}
    assert not any(one.adopted for one in (await stage.app.state.person(HARRY)).value.holdings.values())


async def test_the_ledger_alone_keeps_an_adoption_when_the_state_is_lost(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.give(NL, anna)
    await adopt(stage, RULE)
    await stage.run_until_quiet()
    stage.lose_state()
    # This check reads no more than the rules give, and the adopted one is not among them any more.
    stage.change(anna, companyName="Contoso Deutschland")
    await stage.event_about(anna)
    assert (await stage.app.state.person(anna)).value.holdings[NL].adopted
    await stage.advance(minutes=10)
    assert stage.row(NL, anna) is None


async def test_it_is_kept_also_where_the_checks_since_could_not_read_its_profile(stage: Stage) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    stage.queues.waiting.clear()
    stage.fault("arm", Effect(status=503), path=f".*/{NL.profile}/billingRoleAssignments/.*")
    await stage.event_about(HARRY)
    assert (await stage.last_check(HARRY)).adopted == (NL,)
    stage.faults.lift()
    stage.lose_state()
    await stage.advance(minutes=30)
    assert stage.held(HARRY) == set()
    # What is gone is forgotten: nothing is read of it any more, and a check says so.
    await stage.event_about(HARRY)
    last = await stage.last_check(HARRY)
    assert (last.read, last.adopted) == ((), ())


async def test_the_sweep_finds_it_without_state_as_well(stage: Stage) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    stage.queues.waiting.clear()
    stage.lose_state()
    stage.change(HARRY, accountEnabled=False)
    await stage.settle()
    assert stage.held(HARRY) == set()


# -- rows that somebody made anew


@pytest.mark.parametrize("by", [OWNER, OTHER_APP])
async def test_a_row_that_somebody_made_anew_is_unmanaged(stage: Stage, by: str) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    await stage.run_until_quiet()
    stage.take(NL, HARRY)
    await stage.advance(seconds=2)
    stage.give(NL, HARRY, by=by)
    stage.change(HARRY, accountEnabled=False)
    for _ in range(3):
        await stage.event_about(HARRY)
        await stage.settle()
    assert stage.held(HARRY) == {NL}
    assert HARRY not in {who for _, who in stage.writes()}
    assert (await stage.app.state.person(HARRY)).value.holdings == {}
    contact = await make_first_contact(stage.app)
    (one,) = [one for one in contact.existing if one.principal_id == HARRY]
    assert not isinstance(one.held, ManagedAssignment)


async def test_a_row_that_the_same_hand_made_anew_is_unmanaged(stage: Stage) -> None:
    stage.give(DE, HARRY)
    await adopt(stage, chosen((DE, HARRY)))
    await stage.run_until_quiet()
    stage.take(DE, HARRY)
    await stage.advance(seconds=2)
    stage.give(DE, HARRY)
    stage.change(HARRY, accountEnabled=False)
    await stage.settle()
    assert DE in stage.held(HARRY)


async def test_a_row_that_was_remade_since_it_was_shown_is_another_one_whoever_made_it(stage: Stage) -> None:
    stage.give(DE, HARRY)
    plan = await plan_adoption(stage.app, chosen((DE, HARRY)))
    stage.take(DE, HARRY)
    await stage.advance(seconds=2)
    stage.give(DE, HARRY)
    (other,) = await apply_adoption(stage.app, plan.able, "olga")
    assert other.fate is Fate.REFUSED
    assert english(other.why).startswith("it is not the one that was shown: its time was ")
    assert await evidence(stage, HARRY) == []


async def test_what_was_adopted_revoked_and_given_by_hand_again_is_unmanaged(stage: Stage) -> None:
    await adopt(stage, chosen((NL, HARRY)))
    await stage.advance(minutes=10)
    assert stage.held(HARRY) == set()
    stage.give(NL, HARRY)
    await stage.enqueue(PersonKey(HARRY), hints=(NL,))
    for _ in range(2):
        await stage.settle()
    assert stage.held(HARRY) == {NL}


# -- refusals


async def test_what_can_not_be_adopted_is_refused_with_the_reason(stage: Stage) -> None:
    stage.give(PARTNER, PIA)
    stage.give(DE, TREASURY)
    stage.give(DE, OTHER_APP)
    nobody = guid(9, 9)
    ea = ProfileKey(EA, "X")
    pairs = ((PARTNER, PIA), (DE, TREASURY), (DE, OTHER_APP), (NL, FEMKE), (NL, nobody), (ea, HARRY))
    before = stage.everything_held()
    state = {one.object_id: one async for one in stage.app.state.people()}
    plan = await plan_adoption(stage.app, chosen(*pairs))
    assert {(one.profile, one.principal_id): english(one.text) for one in plan.adoptions} == {
        (PARTNER, PIA): "the policy protects this person: nothing of theirs is ever ours to take",
        (DE, TREASURY): "a group has it, and we give and take people's only",
        (DE, OTHER_APP): "an app has it, and we give and take people's only",
        (NL, FEMKE): f"it is managed already: made by us, as {APP}",
        (NL, nobody): "there is no such assignment",
        (ea, HARRY): "there is no such billing profile in the accounts that the policy manages",
    }
    assert plan.able == ()
    fates = await apply_adoption(stage.app, plan.adoptions, "olga")  # also for who adopts what was refused
    assert {fate.fate for fate in fates} == {Fate.REFUSED}
    await stage.settle()
    assert stage.everything_held() == before
    assert {one.object_id: one async for one in stage.app.state.people()} == state


async def test_the_bulk_choices_leave_out_what_can_not_be_adopted(stage: Stage) -> None:
    stage.give(PARTNER, PIA)
    stage.give(DE, TREASURY)
    assert (await plan_adoption(stage.app, Choice(given_by_rule=True, leavers=True))).adoptions == ()


async def test_another_role_is_refused(set_stage: Callable[..., Stage]) -> None:
    given = world()
    reader = {"principalId": HARRY, "role": "Billing profile reader", "createdByPrincipalId": OWNER}
    given["billingAccounts"][0]["billingProfiles"][1]["billingRoleAssignments"] = [reader]
    stage = set_stage(given=given)
    (refused,) = (await plan_adoption(stage.app, chosen((DE, HARRY)))).adoptions
    assert english(refused.text) == "they have Billing profile reader there, and only Invoice manager can be managed"


async def test_a_row_that_changed_since_it_was_shown_is_refused_with_the_difference(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, chosen((NL, HARRY)))
    stage.take(NL, HARRY)
    (gone,) = await apply_adoption(stage.app, plan.able, "olga")
    assert (gone.fate, english(gone.why)) == (Fate.REFUSED, "a read of this one assignment does not find it (any more)")
    stage.give(NL, HARRY, by=OTHER_APP)
    (other,) = await apply_adoption(stage.app, plan.able, "olga")
    assert other.fate is Fate.REFUSED
    assert f"its maker was {OWNER} and is {OTHER_APP}; its time was " in english(other.why)
    assert await evidence(stage, HARRY) == []
    assert (await stage.app.state.person(HARRY)).value.holdings == {}
    assert stage.queues.waiting == []


async def test_what_is_managed_by_now_is_refused(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, chosen((NL, HARRY)))
    await apply_adoption(stage.app, plan.able, "olga")
    (again,) = await apply_adoption(stage.app, plan.able, "piet")
    assert (again.fate, english(again.why)) == (Fate.REFUSED, "it is managed already")
    assert [one.by for one in await evidence(stage, HARRY)] == ["olga"]


async def test_a_read_that_fails_adopts_nothing_and_hides_nothing(stage: Stage) -> None:
    stage.delete(HARRY)
    stage.fault("graph", Effect(status=503), path=f".*/users/{HARRY}")
    plan = await plan_adoption(stage.app, Choice(((NL, HARRY),), leavers=True))
    assert [one.is_refused for one in plan.adoptions] == [True]
    assert "could not be read" in english(plan.adoptions[0].text)
    stage.faults.lift()
    plan = await plan_adoption(stage.app, LEAVERS)
    stage.fault("arm", Effect(status=503), path=".*/billingRoleAssignments/.*")
    (fate,) = await apply_adoption(stage.app, plan.able, "olga")
    assert fate.fate is Fate.FAILED
    assert await evidence(stage, HARRY) == []


async def test_a_profile_whose_list_could_not_be_read_is_said_to_be_missing(stage: Stage) -> None:
    stage.fault("arm", Effect(status=503), path=f".*/billingProfiles/{NL.profile}/billingRoleAssignments$")
    plan = await plan_adoption(stage.app, chosen((NL, HARRY)))
    assert english(plan.adoptions[0].text) == "the assignments of its profile could not be read"
    assert any(str(NL) in english(failure) for failure in plan.failures)


# -- at the same time as a check, and interrupted


async def test_a_check_at_the_same_time_costs_neither_of_them_anything(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, chosen((NL, HARRY)))
    chain: Chain = await stage.app.ledger.open(f"person:{HARRY}")
    for number in range(3):
        await stage.enqueue(PersonKey(HARRY), hints=(NL, HOLDING), attempt=number)
    fates, _ = await asyncio.gather(apply_adoption(stage.app, plan.able, "olga"), stage.run_until_quiet())
    assert [fate.fate for fate in fates] == [Fate.ADOPTED]
    with pytest.raises(Conflict):  # who opened the chain before has lost it
        await chain.append(stage.now, check_body())
    await stage.advance(minutes=15)
    assert stage.held(HARRY) == set()
    assert stage.raised == []
    assert stage.queues.dead == []


@pytest.mark.parametrize(("checks", "fate"), [(3, Fate.ADOPTED), (99, Fate.FAILED)])
async def test_a_chain_that_checks_write_to_is_opened_anew_a_few_times(stage: Stage, checks: int, fate: Fate) -> None:
    stage.give(DE, HARRY)
    plan = await plan_adoption(stage.app, chosen((NL, HARRY), (DE, HARRY)))

    async def check_first() -> None:
        await (await stage.app.ledger.open(f"person:{HARRY}")).append(START, check_body())

    stage.ledger_rows.at_read(check_first, f"ledger:person:{HARRY}", key="head", times=checks)
    fates = await apply_adoption(stage.app, plan.able, "olga")
    stage.ledger_rows.lift()
    assert {one.fate for one in fates} == {fate}
    assert len(await evidence(stage, HARRY)) == (2 if fate is Fate.ADOPTED else 0)
    adopted = [holding.adopted for holding in (await stage.app.state.person(HARRY)).value.holdings.values()]
    assert adopted == ([True, True] if fate is Fate.ADOPTED else [])


async def test_who_is_interrupted_between_ledger_and_state_adopts_again(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, chosen((NL, HARRY)))
    await stage.app.state.put_person(await stage.app.state.person(HARRY))  # known, and not by this adoption
    stage.state_rows.at_write(Changed("somebody else is always quicker"), "people")
    (broken,) = await apply_adoption(stage.app, plan.able, "olga")
    stage.state_rows.lift()
    assert broken.fate is Fate.FAILED
    assert "its evidence is recorded, but" in english(broken.why)
    await stage.settle()
    assert stage.held(HARRY) == {NL}  # evidence without effect
    assert [fate.fate for fate in await adopt(stage, chosen((NL, HARRY)))] == [Fate.ADOPTED]
    await stage.advance(minutes=10)
    assert stage.held(HARRY) == set()


async def test_a_queue_that_cannot_be_reached_leaves_the_rest_to_the_sweep(stage: Stage) -> None:
    stage.change(HARRY, accountEnabled=False)
    stage.queues.unreachable = True
    (fate,) = await adopt(stage, LEAVERS)
    stage.queues.unreachable = False
    assert fate.fate is Fate.ADOPTED
    assert "the next sweep finds" in english(fate.why)
    await stage.settle()
    assert stage.held(HARRY) == set()


# -- whose eyes it is seen with


async def test_what_the_reader_made_by_hand_is_not_managed_for_that(stage: Stage) -> None:
    await stage.app.state.put_report(a_report(stage.now, identities=(APP,)))
    billing = stage.billing_as(OWNER)
    assert await billing.identities() == {OWNER}
    contact = await make_first_contact(replace(stage.app, billing=billing))
    await billing.close()
    assert contact.identities == {APP}
    assert contact.identities_known
    assert {one.principal_id: one.owner.value for one in contact.existing if one.profile == NL} == {
        FEMKE: "managed",
        HARRY: "unmanaged",
    }


# -- the verb


async def test_the_verb_shows_each_consequence_and_refuses_where_nobody_can_be_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(UsageError, match="no terminal to ask at") as told:
        await adopt_verb(stage.app, Out(), chosen((NL, HARRY)), OLGA, yes=False)
    assert told.value.mend == "Give --yes."
    shown = capsys.readouterr().err
    assert "Contoso Nederland  harry  is removed  would be revoked" in shown
    assert "would be revoked when a second check finds the same: no rule gives it" in shown
    assert await evidence(stage, HARRY) == []


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
async def test_the_verb_asks_on_a_terminal(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert await adopt_verb(stage.app, Out(), chosen((NL, HARRY)), OLGA, yes=False) == status
    assert len(await evidence(stage, HARRY)) == (status == 0)


async def test_the_verb_does_what_it_can_and_says_by_its_status_that_some_was_refused(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await adopt_verb(stage.app, Out(), chosen((NL, HARRY), (NL, FEMKE)), OLGA, yes=True) == 1
    assert "1 assignment adopted" in capsys.readouterr().out
    assert len(await evidence(stage, HARRY)) == 1
    assert await adopt_verb(stage.app, Out(Form.JSON), RULE, OLGA, yes=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["adopted"], found["adoptions"]) == ("invoice-access/adopt/1", 0, [])


async def test_nobody_adopts_their_own_access(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, chosen((NL, HARRY), (NL, FEMKE)), by=HARRY.upper())
    (own,) = [one for one in plan.adoptions if one.principal_id == HARRY]
    assert own.text == Code.OWN_ACCESS(profile=str(NL))
    assert HARRY not in {one.principal_id for one in plan.able}
    (by_anybody,) = (await plan_adoption(stage.app, chosen((NL, HARRY)))).able
    (fate,) = await apply_adoption(stage.app, [by_anybody], HARRY)
    assert (fate.fate, fate.why) == (Fate.REFUSED, Code.OWN_ACCESS(profile=str(NL)))
    assert await evidence(stage, HARRY) == []
    itself = replace(OLGA, object_id=HARRY)
    assert await adopt_verb(stage.app, Out(), chosen((NL, HARRY)), itself, yes=True) == 5
