"""How far a sweep is trusted: what it cannot see, cannot compare or was not the latest to find out changes nothing."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from sandbox.billing.call import Call
from sandbox.faults import Effect
from shared.domain.access.plan import NoteKind, StoppedBy
from shared.domain.catalogue import Catalogue
from shared.domain.guards.pauses import MOST_SCOPES, Pause, PauseKind
from shared.domain.history.findings import FindingKind
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason
from shared.errors import Conflict, Transient
from shared.services.ledger_audit import DIGEST
from shared.services.operate.decisions import dismiss, release, resume
from shared.services.pauses import set_pause
from tests.english import english
from tests.simulation.small_world import (
    DIETER,
    FEMKE,
    HARRY,
    MCA,
    MPA,
    NL,
    PARTNER,
    PIA,
    POLICY,
    TESS,
    guid,
    user,
    world,
)
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import (
    CLERKS,
    KITCHEN,
    NARROWED,
    holds,
    leave,
    limited,
    lists_fail,
    move,
    office,
    paused,
    queued,
)

SetStage = Callable[..., Stage]

FORBIDDEN = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})


@contextmanager
def out_of_sight(*accounts: str) -> Iterator[None]:
    """The service leaves these accounts out of its lists, as it does with what we have no role on."""
    seen = Call.sees_within
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "sees_within", lambda self, account: account.name not in accounts and seen(self, account))
        yield


def set_while_it_sweeps(stage: Stage, pause: Pause, why: Reason, by: str) -> None:
    """From now on a cause is found again right before a sweep stores its catalogue."""
    app = stage.app

    class Meanwhile:
        def __getattr__(self, name: str) -> Any:
            return getattr(app.state, name)

        async def put_catalogue(self, catalogue: Catalogue) -> None:
            await asyncio.sleep(1)
            await set_pause(app, pause, why, by=by)
            await app.state.put_catalogue(catalogue)

    meanwhile: Any = Meanwhile()
    stage.app = replace(app, catalogues=replace(app.catalogues, state=meanwhile))


# -- what a sweep cannot judge


@pytest.mark.parametrize("dismissed", [False, True])
async def test_a_leavers_hold_outlives_their_account(set_stage: SetStage, dismissed: bool) -> None:
    stage = set_stage(given=office(), policy=limited(leaver_revokes="1/1/100"))
    await stage.settle()
    for clerk in CLERKS[:2]:
        stage.delete(clerk)
        await stage.event_about(clerk)
    await stage.run_until_quiet()
    (hold,) = await holds(stage)
    if dismissed:
        await dismiss(stage.app, [hold.id], "olga")
    for _ in range(27):
        await stage.settle()
    (after,) = await holds(stage)
    assert after.id == hold.id
    assert stage.held(CLERKS[0]) | stage.held(CLERKS[1]) == {NL}


@pytest.mark.parametrize("kind", ["leaver", "mover"])
async def test_a_hold_goes_with_the_policys_word_to_enforce_also_where_the_person_is_gone(
    set_stage: SetStage, kind: str
) -> None:
    policy = limited(leaver_revokes="1/1/100", mover_revokes="1/1/100")
    stage = set_stage(given=office(), policy=policy)
    await stage.settle()
    for clerk in CLERKS[:2]:
        if kind == "leaver":
            stage.delete(clerk)
        else:
            stage.change(clerk, companyName=KITCHEN)
        await stage.event_about(clerk)
    await stage.advance(hours=1)
    assert [hold.kind.value for hold in await holds(stage)] == [f"{kind}_revokes"]
    if kind == "mover":
        for clerk in CLERKS[:2]:
            stage.delete(clerk)
    stage.restart(policy=policy.replace("enforce: all", "enforce: none"))
    await stage.settle()
    await stage.settle()
    assert await holds(stage) == []


async def test_leavers_held_as_a_group_stay_held_when_they_are_deleted(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(leaver_revokes="0/0/0"))
    await stage.settle()
    leave(stage, CLERKS[:2])
    await stage.settle()
    before = {hold.id for hold in await holds(stage)}
    for clerk in CLERKS[:2]:
        stage.delete(clerk)
    await stage.settle()
    await stage.settle()
    assert {hold.id for hold in await holds(stage)} == before
    assert [stage.held(clerk) for clerk in CLERKS[:2]] == [{NL}] * 2


async def test_open_holds_starve_nobody_else(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(leaver_revokes="5/5/100"))
    await stage.settle()
    leave(stage, CLERKS[:6])
    await stage.settle()
    assert len(await holds(stage)) == 1
    await stage.advance(hours=30)
    leave(stage, CLERKS[6:7])
    report = await stage.settle()
    assert report.guards[ActionKind.LEAVER_REVOKES].wanted == 1
    assert stage.held(CLERKS[6]) == set()
    assert len(await holds(stage)) == 1


async def test_daily_limits_are_measured_by_the_last_good_sweep_where_this_one_read_less(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(mover_revokes="1/10/50"))
    await stage.settle()
    await stage.settle()
    stage.fault("arm", Effect(status=400), path="NL-BG7/billingRoleAssignments$")
    report = await stage.sweep()
    assert report.counts.managed == 2
    assert report.guards[ActionKind.MOVER_REVOKES].limit == 8  # half of the 15 that are managed


# -- accounts that are out of sight


async def test_an_account_that_is_not_listed_any_more_is_a_role_lost(stage: Stage) -> None:
    baseline = (await stage.app.state.baseline()).value
    assert baseline is not None
    assert baseline.accounts == (MCA, MPA)
    with out_of_sight(MCA):
        report = await stage.settle()
    assert (report.complete, [*report.pauses]) == (False, [f"role-lost on {MCA.lower()}"])
    assert [english(line).split(":")[0] for line in report.failures] == [
        "billing account 10000000-0000-0000-0000-000000000000"
    ]
    after = (await stage.app.state.baseline()).value
    assert after is not None
    assert after.accounts == (MCA, MPA)  # it is missed until it is back
    assert (await stage.settle()).pauses == ()


async def test_all_accounts_out_of_sight_are_a_role_lost(stage: Stage) -> None:
    with out_of_sight(MCA, MPA):
        report = await stage.sweep()
    assert [*report.pauses] == [f"role-lost on {account}" for account in (MCA, MPA)]
    await stage.settle()
    assert not await paused(stage)


async def test_an_account_whose_profiles_we_may_not_list_is_paused_and_the_others_go_on(stage: Stage) -> None:
    stage.fault("arm", FORBIDDEN, path="20000000[^/]*/billingProfiles$")
    anna = stage.hire("anna")
    eva = stage.hire("eva", companyName="Fabrikam")
    for _ in range(3):
        report = await stage.settle()
        assert (report.complete, [*report.pauses]) == (False, [f"role-lost on {MPA}"])
        assert report.findings == ()  # no rule is doubted for what nobody could list
    assert (stage.held(anna), stage.held(eva)) == ({NL}, set())
    stage.faults.lift()
    assert (await stage.settle()).pauses == ()
    assert stage.held(eva) == {PARTNER}


async def test_what_a_changed_policy_takes_is_held_also_on_an_account_lost_at_the_time(stage: Stage) -> None:
    eva = stage.hire("eva", companyName="Fabrikam")
    await stage.settle()
    with out_of_sight(MPA):
        stage.restart(policy=POLICY.replace("department eq 'Finance'", "companyName eq 'Contoso Nederland'"))
        for _ in range(3):
            await stage.settle()
    for _ in range(3):
        await stage.settle()
    assert stage.held(eva) == {PARTNER}
    assert {hold.stopped_by for hold in await holds(stage) if hold.profile == PARTNER} == {StoppedBy.POLICY}


async def test_a_resume_of_a_lost_account_accepts_that_it_is_gone_and_no_other(stage: Stage) -> None:
    with out_of_sight(MCA, MPA):
        await stage.settle()
        pauses = (await stage.app.state.pauses()).value.active
        wanted = Pause(PauseKind.ROLE_LOST, MPA)
        assert (await resume(stage.app, "olga", {wanted: pauses[wanted]})).cleared.keys() == {wanted}
        assert (await stage.settle()).pauses == (f"role-lost on {MCA}",)


async def test_a_check_that_finds_a_lost_role_again_is_not_overruled_by_an_older_sweep(stage: Stage) -> None:
    app, lost = stage.app, Pause(PauseKind.ROLE_LOST, MPA)
    await set_pause(app, lost, Code.SAID(said="a check was refused"), by="profile:1")
    await stage.advance(minutes=10)

    set_while_it_sweeps(stage, lost, Code.SAID(said="a check was refused again"), by="profile:2")
    assert [*(await stage.sweep()).pauses] == [str(lost)]
    assert (await paused(stage))[lost].by == "profile:2"
    stage.app = app
    assert (await stage.settle()).pauses == ()


async def test_a_cause_found_in_too_many_places_stands_everywhere(stage: Stage) -> None:
    for number in range(MOST_SCOPES + 1):
        await set_pause(stage.app, Pause(PauseKind.HARM, f"a/{number}"), Code.SAID(said="a field"), by="x")
    assert Pause(PauseKind.HARM) in await paused(stage)
    assert len(await paused(stage)) == MOST_SCOPES + 1


async def test_an_identity_that_sees_no_account_is_told_on_its_first_sweep(set_stage: SetStage) -> None:
    for enforce in ("all", "none"):
        stage = set_stage(policy=POLICY.replace("enforce: all", f"enforce: {enforce}"))
        stage.fault("arm", Effect(status=200, body={"value": []}), path="billingAccounts$")
        report = await stage.sweep()
        assert report.complete is False
        assert "billing lists no account at all" in english(report.failures[0])
        assert [*report.pauses] == ["incomplete-sweep", *["role-lost"] * (enforce == "all")]
        assert stage.writes() == []
        stage.faults.lift()
        assert (await stage.settle()).pauses == ()


async def test_an_identity_that_sees_no_account_any_more_takes_nothing_away(stage: Stage) -> None:
    before = {person: stage.held(person) for person in (FEMKE, DIETER, TESS)}
    stage.fault("arm", Effect(status=200, body={"value": []}), path="billingAccounts$")
    leave(stage, [DIETER])
    for _ in range(3):
        report = await stage.settle()
        assert {"incomplete-sweep", "role-lost"} <= {*report.pauses}
    assert {person: stage.held(person) for person in before} == before
    stage.faults.lift()
    await stage.settle()
    assert (await paused(stage)) == {}
    assert stage.held(DIETER) == set()


async def test_a_policy_hold_outlives_the_time_its_account_is_out_of_sight(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    await stage.settle()
    (before,) = await holds(stage)
    assert before.stopped_by is StoppedBy.POLICY
    with out_of_sight(MCA):
        await stage.settle()
    for _ in range(3):
        await stage.settle()
    (after,) = await holds(stage)
    assert (after.id, after.since) == (before.id, before.since)
    assert stage.held(FEMKE) == {NL}


async def test_what_was_dismissed_stays_so_while_its_account_is_out_of_sight(set_stage: SetStage) -> None:
    stage = set_stage(policy=limited(grants="0/0/0"))
    await stage.settle()
    await dismiss(stage.app, [hold.id for hold in await holds(stage)], "olga")
    before = await holds(stage)
    with out_of_sight(MCA):
        await stage.settle()
    stage.restart(policy=limited())
    await stage.settle()
    assert await holds(stage) == before
    assert stage.held(FEMKE) == set()


async def test_where_an_operator_accepted_the_loss_holds_stay_for_its_return(stage: Stage) -> None:
    stage.restart(policy=NARROWED)
    await stage.settle()
    before = await holds(stage)
    with out_of_sight(MCA):
        await stage.settle()
        await resume(stage.app, "olga")
        report = await stage.settle()
        assert (report.complete, report.pauses) == (True, ())
        assert await holds(stage) == before
        accepted = (await stage.app.state.baseline()).value
        assert accepted is not None
        assert accepted.accounts == (MPA,)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


async def test_what_is_managed_in_an_account_out_of_sight_is_told_of_as_long_as_it_is(stage: Stage) -> None:
    await stage.settle()
    managed = (await stage.settle()).counts.managed
    assert managed == 3
    with out_of_sight(MCA):
        await stage.settle()
        await resume(stage.app, "olga")
        for _ in range(2):
            findings = {finding.kind: finding for finding in (await stage.settle()).findings}
            assert findings[FindingKind.ACCOUNT_OUT_OF_SIGHT].account == MCA
            assert english(findings[FindingKind.ACCOUNT_OUT_OF_SIGHT].why).startswith(
                f"{managed} managed assignments are remembered"
            )
        stage.change(FEMKE, accountEnabled=False)
        await stage.event_about(FEMKE)
        (note,) = (await stage.last_check(PersonKey(FEMKE))).notes
        assert (note.kind, note.profile) == (NoteKind.NOT_MANAGED, NL)
    assert (await stage.settle()).findings == ()
    assert stage.held(FEMKE) == set()


async def test_an_account_that_the_policy_drops_is_not_lost_and_takes_its_holds_along(set_stage: SetStage) -> None:
    stage = set_stage(policy=limited(profile_updates="0/0/0"))
    await stage.settle()
    stage.set_profile(PARTNER, invoiceEmailOptIn=False)
    await stage.settle()
    assert [hold.profile for hold in await holds(stage)] == [PARTNER]
    stage.restart(policy=limited().replace("accounts: all", f"accounts: ['{MCA}']"))
    assert (await stage.settle()).pauses == ()
    assert await holds(stage) == []


async def test_where_nothing_is_written_no_loss_of_a_role_sets_the_pause(set_stage: SetStage) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    with out_of_sight(MCA):
        assert (await stage.settle()).pauses == ()
    stage.fault("arm", FORBIDDEN, path="NL-BG7/billingRoleAssignments$")
    report = await stage.settle()
    assert (report.pauses, report.complete) == ((), False)
    assert "no billing role on" in english(report.failures[0])


# -- a changed policy


async def test_what_a_rule_that_becomes_known_later_takes_is_held_as_the_changed_policys(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited())
    await stage.settle()
    stage.restart(policy=limited().replace("department eq 'Finance'", "department eq 'Finance & Control'"))
    report = await stage.settle()
    assert [finding.kind for finding in report.findings] == ["rule-not-known"]
    stage.change(FEMKE, department="Finance & Control")
    await stage.settle()
    await stage.advance(hours=1)
    await stage.settle()
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)
    held = await holds(stage)
    assert {hold.stopped_by for hold in held} == {StoppedBy.POLICY}
    assert len(held) == 13  # the clerks, and whoever works in Germany
    assert english(held[0].why).startswith("the policy changed: rules changed own-company")


async def test_nor_does_a_check_let_it_through_before_a_sweep(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited())
    await stage.settle()
    stage.restart(policy=limited().replace("department eq 'Finance'", "department eq 'Finance & Control'"))
    await stage.settle()
    stage.change(FEMKE, department="Finance & Control")
    await stage.advance(hours=4)  # the catalogue is too old to trust
    await stage.event_about(CLERKS[0])
    await stage.advance(minutes=20)
    assert stage.held(CLERKS[0]) == {NL}
    assert "no sweep could judge it" in english((await stage.last_check(CLERKS[0])).notes[0].why)


async def test_a_rule_that_was_away_for_a_while_is_no_change(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited())
    await stage.settle()
    scopes = [stage.scope(profile) for profile in stage.profiles()]
    tags = [scope.tags for scope in scopes]
    for scope in scopes:
        scope.tags = {}
    assert "rule-not-known" in {finding.kind for finding in (await stage.settle()).findings}
    for scope, tag in zip(scopes, tags, strict=True):
        scope.tags = tag
    move(stage, CLERKS[:1])
    await stage.settle()
    assert await holds(stage) == []
    assert stage.held(CLERKS[0]) == set()


async def test_what_was_seen_without_enforcing_is_held_by_the_first_sweep_that_enforces(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited())
    await stage.settle()
    narrowed = limited().replace(
        "department eq 'Finance'", "department eq 'Finance' and companyName ne 'Contoso Nederland'"
    )
    stage.restart(policy=narrowed.replace("enforce: all", "enforce: none"))
    await stage.settle()
    await stage.settle()
    assert await holds(stage) == []
    stage.restart(policy=narrowed)
    await stage.settle()
    await stage.settle()
    assert {hold.stopped_by for hold in await holds(stage)} == {StoppedBy.POLICY}
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)
    await release(stage.app, None, "olga", stage.now)
    await stage.settle()
    move(stage, [guid(3, 3)])
    await stage.settle()
    assert await holds(stage) == []  # by now the policy is seen


async def test_observing_from_the_start_holds_nothing_once_it_enforces(set_stage: SetStage) -> None:
    stage = set_stage(policy=limited().replace("enforce: all", "enforce: none"))
    await stage.settle()
    stage.restart(policy=limited())
    await stage.settle()
    baseline = (await stage.app.state.baseline()).value
    assert baseline is not None
    assert baseline.policy_digest == stage.app.policy.digest
    assert stage.held(FEMKE) == {NL}


async def test_a_changed_policy_does_not_hide_that_the_population_shrank(set_stage: SetStage) -> None:
    given = world()
    people = [guid(8, number) for number in range(15)]
    given["users"] += [user(one, f"person{number}", "Contoso Nederland") for number, one in enumerate(people)]
    stage = set_stage(given=given, policy=limited())
    await stage.settle()
    for person in people:
        stage.change(person, department=KITCHEN)
    assert (await stage.settle()).pauses == ("population-shrank",)
    stage.restart(policy=limited().replace(f"protected: [{PIA}]", f"protected: [{PIA}, {HARRY}]"))
    for _ in range(3):
        assert (await stage.settle()).pauses == ("population-shrank",)
    for person in people:
        stage.change(person, department="Finance")
    assert (await stage.settle()).pauses == ()


# -- several sweeps


async def test_an_older_sweep_leaves_the_pause_that_a_newer_one_set(stage: Stage) -> None:
    app = stage.app

    set_while_it_sweeps(stage, Pause(PauseKind.INCOMPLETE_SWEEP), Code.SAID(said="another sweep failed"), by="sweep#2")
    report = await stage.sweep()
    assert report.pauses == ("incomplete-sweep",)
    assert (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)].by == "sweep#2"
    stage.app = app
    assert (await stage.settle()).pauses == ()


async def test_an_older_sweep_leaves_a_cause_that_a_newer_one_found_again(stage: Stage) -> None:
    app = stage.app
    await set_pause(app, Pause(PauseKind.INCOMPLETE_SWEEP), Code.SAID(said="the first failed"), by="sweep#1")
    began = (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)].since
    await stage.advance(minutes=10)

    set_while_it_sweeps(stage, Pause(PauseKind.INCOMPLETE_SWEEP), Code.SAID(said="the third failed"), by="sweep#3")
    assert (await stage.sweep()).pauses == ("incomplete-sweep",)
    stands = (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)]
    assert (stands.since, english(stands.why), stands.by) == (began, "the third failed", "sweep#3")
    stage.app = app
    assert (await stage.settle()).pauses == ()


async def test_a_sweep_that_finds_what_only_a_person_ends_leaves_it_theirs(stage: Stage) -> None:
    await set_pause(stage.app, Pause(PauseKind.HARM, "a/x"), Code.SAID(said="a field"), by="profile:a/x")
    before = await paused(stage)
    await set_pause(stage.app, Pause(PauseKind.HARM, "a/x"), Code.SAID(said="another field"), by="profile:a/x")
    assert await paused(stage) == before


# -- sweeps that fail


async def test_the_days_digest_is_taken_while_sweeps_fail(stage: Stage) -> None:
    before, _ = await stage.app.ledger.head(DIGEST)
    stage.fault("arm", Effect(status=429), path="billingProfiles$")
    for _ in range(2):
        await stage.advance(hours=24)
        with pytest.raises(Transient):
            await stage.sweep()
    assert (await stage.app.ledger.head(DIGEST))[0] == before + 2


@pytest.mark.parametrize("at", ["put_key_holds", "put_report"])
async def test_a_sweep_that_cannot_store_what_it_found_sets_the_pause(
    set_stage: SetStage, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage(given=office(), policy=limited(mover_revokes="3/3/100"))
    await stage.settle()
    move(stage, CLERKS[:4])
    state = stage.app.state

    class Contested:
        def __getattr__(self, name: str) -> Any:
            return self._refuse if name == at else getattr(state, name)

        async def _refuse(self, *_: Any, **__: Any) -> None:
            raise Conflict("somebody else wrote it")

    contested: Any = Contested()
    living = stage.app
    stage.app = replace(living, state=contested)
    with pytest.raises(Transient):
        await stage.sweep()
    stage.app = living
    assert (await paused(stage)).keys() == {Pause(PauseKind.INCOMPLETE_SWEEP)}
    assert queued(stage) == set()
    await stage.settle()
    assert await paused(stage) == {}


# -- the log


async def test_findings_are_counted_in_the_log(set_stage: SetStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 4"))
    report = await stage.sweep()
    (line,) = [record for record in caplog.records if record.message.startswith(f"sweep {report.sweep}: {{")]
    assert line.levelno == logging.WARNING
    assert json.loads(line.message.partition(": ")[2])["findings"] == {"few-recipients": 4}
    lists_fail(stage)
    failed = await stage.sweep()
    (line,) = [record for record in caplog.records if record.message.startswith(f"sweep {failed.sweep}: {{")]
    assert line.levelno == logging.ERROR
