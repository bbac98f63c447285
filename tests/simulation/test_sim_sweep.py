"""The sweep: finds every kind of drift in bulk, concludes nothing from what it could not read, and says what it saw."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.history.findings import Finding
from shared.domain.history.report import Counts, Report
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.reasons import Code
from shared.domain.work import MOST_HINTS, CauseKind
from shared.errors import Permanent, Transient
from shared.services.operate.decisions import resume
from tests.english import english
from tests.simulation.small_world import (
    DE,
    DIETER,
    EA,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    MPA,
    NL,
    OTHER_APP,
    OWNER,
    PARTNER,
    PIA,
    POLICY,
    PROFILES,
    TESS,
    TREASURY,
    by_hand,
    guid,
    user,
    world,
)
from tests.simulation.stage import Stage

ACCOUNTS = "/providers/Microsoft.Billing/billingAccounts"


def waiting(stage: Stage) -> Counter[str]:
    return Counter(message.item.key.canonical for message in stage.queues.waiting)


async def test_a_sweep_that_finds_nothing_drifted_enqueues_nothing_and_writes_nothing(stage: Stage) -> None:
    held, writes = stage.everything_held(), len(stage.writes())
    for _ in range(3):
        report = await stage.sweep()
        assert (report.complete, report.drift, report.enqueued) == (True, {}, 0)
        await stage.advance(hours=1)
    assert stage.everything_held() == held
    assert len(stage.writes()) == writes


async def test_every_kind_of_drift_is_found_and_fixed(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.change(FEMKE, accountEnabled=False)
    stage.change(DIETER, companyName="Contoso Nederland")
    stage.leave(TREASURY, TESS)
    stage.join(TREASURY, anna)
    stage.set_profile(PARTNER, invoiceEmailOptIn=False)
    report = await stage.settle()
    assert report.drift == {
        "missing": 2,  # Anna's two profiles, and Dieter's new one
        "leaver-holds": 1,
        "no-longer-given": 1,
        "holder-outside-every-rule": 1,
        "opted-out": 1,
    }
    assert report.enqueued == 5
    assert stage.held(anna) == {NL, HOLDING}
    assert stage.held(FEMKE) == stage.held(TESS) == set()
    assert stage.held(DIETER) == {NL}
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is True
    assert (await stage.sweep()).drift == {}


async def test_a_deleted_leaver_whose_event_was_lost_is_found(stage: Stage) -> None:
    stage.delete(FEMKE)
    report = await stage.settle()
    assert report.drift == {"holder-outside-every-rule": 1}
    assert stage.held(FEMKE) == set()


async def test_it_reads_in_bulk_and_nobody_in_particular(stage: Stage) -> None:
    for number in range(20):
        stage.hire(f"clerk{number}")
    before = stage.calls()
    report = await stage.sweep()
    calls = stage.calls() - before
    assert calls == {
        f"arm GET {ACCOUNTS}": 1,
        f"arm GET {ACCOUNTS}/{{}}/billingProfiles": 2,
        f"arm GET {ACCOUNTS}/{{}}/billingProfiles/{{}}/billingRoleAssignments": 4,
        f"arm GET {ACCOUNTS}/{{}}/billingRoleAssignments": 2,
        "graph GET /v1.0/users": 1,
        "graph GET /v1.0/groups/{}": 1,
        "graph GET /v1.0/groups/{}/transitiveMembers/graph.user": 1,
        "graph POST /v1.0/directoryObjects/getByIds": 1,
    }
    assert report.api_calls == {"billing reads": 9, "graph reads": 4}
    assert report.drift == {"missing": 20}


async def test_lists_of_members_that_are_days_behind_give_nobody_anything(stage: Stage) -> None:
    held, writes = stage.everything_held(), len(stage.writes())
    stage.graph.switches.stale_members[TREASURY] = [TESS, HARRY]  # Harry left the group long ago
    for _ in range(48):
        report = await stage.settle()
        assert report.drift == {"missing": 1}  # the sweep believes the list, and the check asks about him alone
    assert stage.everything_held() == held
    assert len(stage.writes()) == writes
    assert (await stage.last_check(HARRY)).outcome == "unchanged"


async def test_lists_of_members_that_are_days_behind_take_nothing_from_anybody(stage: Stage) -> None:
    stage.join(TREASURY, DIETER)
    await stage.settle()
    held, writes = stage.everything_held(), len(stage.writes())
    assert stage.held(TESS) == {HOLDING}
    stage.graph.switches.stale_members[TREASURY] = [DIETER]  # Tess joined some days ago
    for _ in range(48):
        report = await stage.settle()
        assert sum(report.drift.values()) == 1
    assert stage.everything_held() == held
    assert len(stage.writes()) == writes
    assert (await stage.last_check(TESS)).outcome == "unchanged"


async def test_leavers_go_first_and_the_rest_in_batches(set_stage: Callable[..., Stage]) -> None:
    given = world()
    given["users"] += [user(guid(7, n), f"clerk{n}", "Contoso Nederland") for n in range(7)]
    stage = set_stage(given=given, sweep_batch=3, sweep_batch_seconds=60)
    await stage.settle()
    for number in range(7):
        stage.take(NL, guid(7, number))
    stage.change(FEMKE, accountEnabled=False)
    await stage.sweep()
    at = stage.now
    queued = stage.queues.waiting
    assert queued[0].item.key == PersonKey(FEMKE)
    assert queued[0].due == at
    assert [round((message.due - at).total_seconds() / 60) for message in queued[1:]] == [0, 0, 0, 1, 1, 1, 2]
    await stage.advance(minutes=4)
    assert all(stage.held(guid(7, number)) == {NL} for number in range(7))


async def test_who_drifted_in_two_ways_gets_one_check(stage: Stage) -> None:
    stage.change(DIETER, companyName="Contoso Nederland")
    report = await stage.sweep()
    assert sum(report.drift.values()) == 2
    assert waiting(stage) == {f"person:{DIETER}": 1}


async def test_more_profiles_than_a_message_holds_are_found_in_the_end(set_stage: Callable[..., Stage]) -> None:
    given = world()
    account = given["billingAccounts"][0]
    account["billingProfiles"] += [
        {"name": f"P{n:03}", "properties": {"displayName": f"Extra {n}", "invoiceEmailOptIn": True}}
        for n in range(MOST_HINTS + 5)
    ]
    ample = "daily_limits: { grants: 999/999/100, mover_revokes: 999/999/100 }\n"
    stage = set_stage(given=given, policy=POLICY.replace('[{ name: "Contoso Holding" }]', "all") + ample)
    report = await stage.settle()
    assert report.complete
    assert len(stage.held(TESS)) == MOST_HINTS + 5 + len(PROFILES)
    stage.join(TREASURY, PIA)  # the rule still matches somebody
    stage.lose_state()  # nobody remembers where she holds anything: only hints lead there
    await stage.settle()
    stage.leave(TREASURY, TESS)
    for _ in range(3):
        await stage.settle()
    assert stage.held(TESS) == set()


# -- filters that one request does not hold, or that the directory does not take


async def test_fifty_job_titles_are_swept_whole_on_a_directory_that_takes_no_long_url(
    set_stage: Callable[..., Stage],
) -> None:
    titles = [f"Accounts Receivable Specialist {number}" for number in range(50)]
    who = f"jobTitle in ({', '.join(f"'{title}'" for title in titles)})"
    stage = set_stage(policy=POLICY.replace("department eq 'Finance'", who))
    first, last = (stage.hire(name, jobTitle=title) for name, title in (("anna", titles[0]), ("bert", titles[-1])))
    report = await stage.settle()
    assert (report.complete, report.failures) == (True, ())
    assert (stage.held(first), stage.held(last)) == ({NL}, {NL})
    assert report.counts.people_listed == 3, "each of them once, and who is in the group"


UNSUPPORTED = {"error": {"code": "Request_UnsupportedQuery", "message": "Not 'Finance', not in this way."}}


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_refused_filter_is_asked_in_a_wider_form_and_everybody_is_judged(stage: Stage, refused: int) -> None:
    anna = stage.hire("anna")
    other = stage.hire("bert", department="Sales")
    stage.fault("graph", Effect(status=400, body=UNSUPPORTED), path="/users$", times=refused)
    report = await stage.sweep()
    assert (report.complete, report.failures) == (True, ())
    assert report.drift == {"missing": 1}
    [finding] = report.findings
    assert (finding.kind, finding.rule) == ("filter-refused", "own-company")
    assert "Finance" not in english(finding.why)
    await stage.run_until_quiet()
    assert (stage.held(anna), stage.held(other), stage.held(FEMKE)) == ({NL}, set(), {NL})
    assert (await stage.sweep()).findings == ()


async def test_where_the_directory_takes_no_question_at_all_the_sweep_is_incomplete(stage: Stage) -> None:
    stage.fault("graph", Effect(status=400, body=UNSUPPORTED), path="/users$")
    report = await stage.sweep()
    assert report.complete is False
    assert "own-company" in english(report.failures[0])


# -- incomplete reads


async def test_a_profile_whose_list_fails_is_neither_missing_nor_empty(stage: Stage) -> None:
    catalogue = await stage.app.state.catalogue()
    stage.fault("arm", Effect(status=400), path="NL-BG7/billingRoleAssignments$")
    anna = stage.hire("anna", "Contoso Deutschland")
    report = await stage.sweep()
    assert report.complete is False
    failure = english(*report.failures)
    assert failure.startswith(f"assignments of {NL}")
    assert report.drift == {"missing": 1}
    assert await stage.app.state.catalogue() == catalogue
    await stage.run_until_quiet()
    assert stage.held(anna) == set()  # checked, and stopped by the pause
    stage.faults.lift()
    await stage.settle()
    assert stage.held(anna) == {DE}
    assert stage.held(FEMKE) == {NL}


@pytest.mark.parametrize(
    ("path", "said"), [("/users$", "people of rule own-company"), ("transitiveMembers", "members of group")]
)
async def test_a_population_that_cannot_be_listed_makes_nobody_a_leaver(stage: Stage, path: str, said: str) -> None:
    stage.change(FEMKE, accountEnabled=False)
    stage.join(TREASURY, DIETER)
    await stage.event_about(DIETER)
    await stage.advance(hours=1)
    stage.fault("graph", Effect(status=403, body={"error": {"code": "x", "message": "x"}}), path=path)
    catalogue = await stage.app.state.catalogue()
    report = await stage.sweep()
    assert report.complete is False
    assert said in english(report.failures[0])
    assert set(report.drift) <= {"leaver-holds"}
    assert report.findings == ()
    assert await stage.app.state.catalogue() == catalogue
    await stage.advance(hours=1)
    assert stage.held(DIETER) == {DE, HOLDING}
    assert stage.held(TESS) == {HOLDING}


async def test_a_link_to_another_host_makes_the_list_fail_and_sends_no_token_there(stage: Stage) -> None:
    stage.graph.switches.foreign_next_link = "https://graph.example"
    given = [stage.hire(f"clerk{number}") for number in range(3)]
    body = {"value": [], "@odata.nextLink": "https://graph.example/v1.0/users?$skiptoken=x"}
    stage.fault("graph", Effect(status=200, body=body), path="/users$")
    report = await stage.sweep()
    assert report.complete is False
    assert "another host" in english(report.failures[0])
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == {NL}
    assert given


async def test_a_link_to_another_host_in_a_list_of_assignments_makes_that_list_fail(stage: Stage) -> None:
    body = {"value": [], "nextLink": "https://arm.example/next"}
    stage.fault("arm", Effect(status=200, body=body), path="NL-BG7/billingRoleAssignments$")
    report = await stage.settle()
    assert report.complete is False
    assert "another host" in english(report.failures[0])
    assert report.drift == {}
    assert stage.held(FEMKE) == {NL}


async def test_what_nothing_can_be_said_of_raises_and_leaves_everything_as_it_is(stage: Stage) -> None:
    stage.fault("arm", Effect(status=429), path="billingAccounts$")
    with pytest.raises(Transient):
        await stage.sweep()
    stage.faults.lift()
    stage.fault("arm", Effect(status=400), path="billingProfiles$")
    with pytest.raises(Permanent):
        await stage.sweep()
    assert stage.queues.waiting == []
    assert stage.held(FEMKE) == {NL}


async def test_an_unreachable_queue_makes_the_sweep_raise(stage: Stage) -> None:
    stage.hire("anna")
    stage.queues.unreachable = True
    with pytest.raises(Transient):
        await stage.sweep()


async def test_a_sweep_outlasts_a_queue_that_is_away_for_three_minutes(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.queues.unreachable = True
    sweep = asyncio.ensure_future(stage.sweep())
    await asyncio.sleep(180)
    assert not sweep.done()
    stage.queues.unreachable = False
    report = await sweep
    assert report.complete
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}


# -- the report


async def test_the_report_counts_and_tells_what_is_left_alone(stage: Stage) -> None:
    report = await stage.sweep()
    assert report.counts == Counts(
        accounts=3,
        managed_accounts=2,
        profiles=4,
        assignments=4,
        managed=3,
        unmanaged=1,
        people_listed=5,
        people=5,
        people_unreadable=0,
    )
    (alone,) = report.left_alone
    assert alone.account == EA
    assert "EnterpriseAgreement" in english(alone.why)
    assert (await stage.app.state.reports(1))[0] == report


async def test_an_account_that_the_policy_does_not_name_is_left_alone(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("accounts: all", f'accounts: ["{MCA}"]'))
    report = await stage.settle()
    assert {english(alone.why) for alone in report.left_alone} >= {"the policy does not name it"}
    assert report.counts.profiles == 3


async def test_unmanaged_assignments_are_listed_since_when_they_were_first_seen(stage: Stage) -> None:
    first = (await stage.app.state.reports(1))[0]
    await stage.advance(hours=1)
    stage.give(DE, OWNER)
    report = await stage.sweep()
    rows = {(row.profile, row.principal_id): row for row in report.unmanaged}
    assert rows.keys() == {(NL, HARRY), (DE, OWNER)}
    assert rows[NL, HARRY].first == first.started
    assert rows[DE, OWNER].first == report.started
    assert rows[NL, HARRY].why == Code.MADE_BY(maker=OWNER)
    assert rows[NL, HARRY].principal_type == "User"


async def test_a_sweep_that_could_not_see_an_unmanaged_assignment_forgets_it_not(stage: Stage) -> None:
    first = (await stage.app.state.reports(1))[0]
    await stage.advance(hours=1)
    stage.fault("arm", Effect(status=400), path="NL-BG7/billingRoleAssignments$", times=1)
    await stage.sweep()
    await stage.advance(hours=1)
    (row,) = (await stage.sweep()).unmanaged
    assert row.first == first.started
    stage.take(NL, HARRY)
    await stage.advance(hours=1)
    assert (await stage.sweep()).unmanaged == ()


async def test_profiles_whose_invoices_reach_too_few_are_findings(set_stage: Callable[..., Stage]) -> None:
    given = world()
    given["billingAccounts"][0]["billingProfiles"][0]["billingRoleAssignments"] += [
        {"principalId": OWNER, "role": "Billing profile reader"}
    ]
    stage = set_stage(given=given, policy=POLICY.replace("min_recipients: 0", "min_recipients: 3"))
    await stage.settle()
    report = await stage.sweep()
    few = {finding.profile: english(finding.why)[0] for finding in report.findings}
    assert few == {DE: "1", HOLDING: "1", PARTNER: "0"}  # NL: Femke, Harry and Olga
    assert {finding.kind for finding in report.findings} == {"few-recipients"}


USERS = "graph GET /v1.0/users"


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


async def test_who_cannot_read_mail_is_no_recipient(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 2"))
    await stage.settle()
    reader, off, gone, without = (stage.hire(name, department="Kitchen") for name in ("rita", "otto", "gina", "walt"))
    for person in (reader, off, gone, without):
        stage.give(DE, person)
    stage.change(off, accountEnabled=False)
    stage.delete(gone)
    stage.change(without, mail=None)
    report = await stage.sweep()
    (few,) = [one for one in of_kind(report, "few-recipients") if one.profile == PARTNER]
    assert english(few.why) == "0 of the 2 people whom the policy asks for get its invoices"
    assert DE not in {one.profile for one in of_kind(report, "few-recipients")}  # Dieter and Rita
    stage.change(DIETER, mail=" ")
    before = stage.calls()
    report = await stage.sweep()
    (few,) = [one for one in of_kind(report, "few-recipients") if one.profile == DE]
    assert english(few.why) == (
        "1 of the 2 people whom the policy asks for get its invoices; 4 more hold a role there, and are disabled, "
        "deleted or without a mailbox"
    )
    assert report.complete
    assert (stage.calls() - before)[USERS] == 2  # the rule's and one more


async def test_a_check_counts_by_what_the_last_sweep_found_and_asks_nobody(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 1"))
    await stage.settle()
    ghost = stage.hire("ghost", department="Kitchen", mail=None)
    stage.take(DE, DIETER)
    stage.give(DE, ghost)
    await stage.settle()
    stage.change(DIETER, accountEnabled=False)
    before = stage.calls()
    await stage.event_about(DIETER)
    check = await stage.last_check(DIETER)
    (note,) = [one for one in check.notes if one.kind == "few-recipients"]
    assert english(note.why).startswith("0 of the 1 people")
    assert not (stage.calls() - before)[USERS]


async def test_a_sweep_that_cannot_ask_who_reads_mail_is_complete_and_says_so(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 2"))
    await stage.settle()
    stage.give(DE, stage.hire("rita", department="Kitchen"))
    people = stage.app.directory.people

    async def refused(odata_filter: str) -> AsyncIterator[Any]:
        if "id in (" in odata_filter:
            raise Permanent("not understood")
        async for person in people(odata_filter):
            yield person

    stage.app.directory.people = refused  # type: ignore[method-assign]
    report = await stage.sweep()
    assert report.complete
    assert any("who can read mail" in english(line) for line in report.not_kept)


@pytest.mark.parametrize("status", ["Disabled", "UnderReview", "Warned", "Other"])
async def test_a_profile_that_is_not_active_is_a_finding(stage: Stage, status: str) -> None:
    stage.set_profile(NL, status=status, statusReasonCode="PastDue")
    report = await stage.settle()
    (found,) = of_kind(report, "profile-not-active")
    assert found.profile == NL
    assert english(found.why).startswith(f"its status is {status} (PastDue)")
    stage.set_profile(NL, status="Active")
    assert not of_kind(await stage.settle(), "profile-not-active")


@pytest.mark.parametrize("status", ["Disabled", "UnderReview", "Expired"])
async def test_an_account_that_is_not_active_is_a_finding(set_stage: Callable[..., Stage], status: str) -> None:
    given = world()
    given["billingAccounts"][0]["properties"]["accountStatus"] = status
    report = await set_stage(given=given).settle()
    (found,) = of_kind(report, "account-not-active")
    assert (found.account, status in english(found.why)) == (MCA, True)


async def test_accounts_with_no_profile_or_of_no_kind_to_manage_are_findings(
    set_stage: Callable[..., Stage],
) -> None:
    given = world()
    given["billingAccounts"][1]["billingProfiles"] = []
    (found,) = of_kind(await set_stage(given=given).settle(), "account-without-profiles")
    assert found.account == MPA
    enterprise = set_stage(policy=POLICY.replace("accounts: all", f"accounts: ['{EA}']"))
    assert of_kind(await enterprise.settle(), "no-account-managed")


async def test_other_automations_and_protected_people_are_no_drift(set_stage: Callable[..., Stage]) -> None:
    given = world()
    rows: list[Any] = given["billingAccounts"][0]["billingProfiles"][1]["billingRoleAssignments"]
    rows += [by_hand(OTHER_APP), by_hand(PIA), by_hand(guid(8, 8))]
    stage = set_stage(given=given)
    await stage.settle()
    report = await stage.sweep()
    assert report.drift == {}
    assert report.counts.unmanaged == 4


async def test_a_key_that_was_given_up_is_tried_again_by_the_next_sweep(stage: Stage) -> None:
    anna = stage.hire("anna")
    refusal = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})
    laid = stage.fault("arm", refusal, method="POST")
    await stage.settle()
    assert (await stage.last_check(anna)).outcome == "gave-up"
    stage.faults.lift(laid.id)
    await resume(stage.app, "olga")
    await stage.settle()
    assert stage.held(anna) == {NL}


async def test_a_check_that_a_sweep_asked_for_does_not_use_an_older_catalogue(stage: Stage) -> None:
    await stage.check(PersonKey(FEMKE))  # this process has its copy of the catalogue
    account = stage.billing.account(MCA)
    assert account is not None
    scope = account.profiles["holding-bg7"]
    scope.tags = {"company": "Contoso Nederland"}
    await stage.settle()
    assert stage.held(FEMKE) == {NL, ProfileKey(MCA, "HOLDING-BG7")}
    assert (await stage.checks(FEMKE))[-1].cause in {CauseKind.SWEEP, "settle"}
