"""Why somebody has access or not, asked of what a sweep saw and of the directory itself, in one world."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cli.answer import Answer, as_document, show
from cli.faults import UsageError
from cli.operating import StoreDesk
from cli.why import Question, as_read, as_seen
from shared.answers.documents import as_json
from shared.domain.access.changed_facts import read_change
from shared.domain.access.why import effects
from shared.errors import Permanent
from shared.services.operate.decisions import dismiss, list_holds, pause
from shared.services.operate.sight import read_sight
from shared.services.operate.why import seen_facts
from shared.services.operate.why_live import live_facts
from tests.simulation.small_world import DIETER, FEMKE, GREG, HARRY, NL, PIA, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage


async def asked(stage: Stage, person: str, profile: str = "", *sets: str, **more: Any) -> Answer:
    """The answer that the command line would give."""
    app = stage.app
    question = Question(person, profile, tuple(map(read_change, sets)), **more)
    desk = StoreDesk("sqlite:unused", app.clock, app.random, lambda: app.ledger, app.state)
    found = await as_seen(desk, app.policy, app.settings.settle, question)
    return found if isinstance(found, Answer) else await as_read(app, question, found)


def text(answer: Answer) -> str:
    return show(answer.text, io.StringIO(), colored=False)


async def told(stage: Stage, person: str, profile: str = "", *sets: str, **more: Any) -> str:
    return text(await asked(stage, person, profile, *sets, **more))


def step(answer: Answer, name: str) -> dict[str, Any]:
    (found,) = [one for one in as_document(answer)["steps"] if one["step"] == name]
    return dict(found)


async def test_who_has_it_by_a_rule_is_told_which_and_what_would_take_it(stage: Stage) -> None:
    await stage.settle()
    await stage.sweep()
    assert await told(stage, FEMKE, "Contoso Nederland") == (
        "femke holds Contoso Nederland. Rule own-company gives it.\n"
        "  directory  works here: enabled, no leave date\n"
        "  policy     own-company yes; treasury no: in no such group\n"
        "  billing    Invoice manager, managed, given 2026-03-02 by rule own-company (record 1)\n"
        "  changes    companyName other than Contoso Nederland, or department other than Finance: removed when seen "
        "again; account disabled: removed at once\n"
    )


async def test_who_moved_on_is_told_what_would_keep_it_and_until_when_it_waits(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, department="Sales")
    stage.join(TREASURY, FEMKE)
    await stage.sweep()
    await stage.run_until_quiet()
    answer = await told(stage, "E1", "Contoso Nederland")
    assert answer.startswith(
        "femke holds Contoso Nederland. No rule gives it any more; the removal waits until 12:05, to be seen again.\n"
    )
    assert "own-company no: department is Sales; treasury no: it gives 1 other profile" in answer
    assert "  evidence   no rule gives it: seen 12:00, acts from 12:05\n" in answer
    assert "  limits     2 of 2 removals a day are left\n" in answer
    assert "  changes    department Finance: stays; account disabled: removed at once\n" in answer


async def test_evidence_is_told_with_every_time_at_which_a_check_saw_it(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("mover_grace_hours: 0", "mover_grace_hours: 8"))
    await stage.settle()
    stage.change(FEMKE, department="Sales")
    await stage.event_about(FEMKE)
    await stage.advance(hours=2)
    await stage.event_about(FEMKE)
    await stage.sweep()
    answer = await asked(stage, FEMKE, "Contoso Nederland")
    evidence = step(answer, "evidence")
    first, *between, last = evidence["seen"]
    assert (first, last) == (stage.now.replace(hour=10), stage.now)
    assert len(between) == 1  # the check that settles what an event said
    assert (evidence["strength"], evidence["due"]) == ("weak", stage.now.replace(hour=18))
    assert "no rule gives it: seen 11:00 and 13:00, acts from 19:00" in text(answer)


async def test_what_somebody_gave_by_hand_is_told_with_who_did(stage: Stage) -> None:
    await stage.settle()
    answer = await told(stage, HARRY)
    assert answer.startswith("harry holds Contoso Nederland. Somebody else gave it, and the app leaves it alone.\n")
    assert "own-company no: department is Audit" in answer
    assert "Contoso Nederland: Invoice manager, unmanaged, made by " in answer
    assert ", since 2024-01-15\n" in answer


async def test_a_guest_is_told_that_the_rule_is_for_none_of_them(stage: Stage) -> None:
    await stage.settle()
    answer = await told(stage, GREG)
    assert "holds nothing. No rule gives anything." in answer
    assert "own-company no: an account of another tenant, or a guest's; treasury no: in no such group" in answer


async def test_who_is_protected_is_told_so_and_no_fact_changes_it(stage: Stage) -> None:
    await stage.settle()
    answer = await told(stage, PIA, "Fabrikam")
    assert answer.startswith(
        "pia does not hold Fabrikam. The policy protects this person: nothing is given or taken.\n"
    )
    assert "changes" not in answer


async def test_who_has_nothing_by_a_company_without_a_profile_is_told_which_text(stage: Stage) -> None:
    anna = stage.hire("anna", "Contoso Nederland BV")
    await stage.settle()
    answer = await told(stage, anna)
    assert answer.startswith("anna holds nothing. No rule gives anything.\n")
    no_profile = "no billing profile fits companyName 'Contoso Nederland BV', but there is 'Contoso Nederland'"
    assert f"own-company no: {no_profile}" in answer
    assert "companyName Contoso Nederland: Contoso Nederland given" in answer
    assert "group Treasury: Contoso Holding given" in answer.replace(TREASURY, "Treasury")


async def test_somebody_whom_no_rule_lists_is_read_from_the_directory_and_said_so(stage: Stage) -> None:
    anna = stage.hire("anna", department="Sales", mail="anna@contoso.example", employeeId="E77")
    await stage.settle()
    for name in (anna, "anna@contoso.example", "E77"):
        answer = await told(stage, name, "Contoso Nederland")
        assert answer.startswith(
            "The last full check cannot tell how they stand: directory and billing were asked just now.\n"
            "anna does not hold Contoso Nederland. No rule gives it.\n"
        )
        assert "department Finance: given" in answer


async def test_somebody_whom_nobody_knows_is_looked_for_and_not_found(stage: Stage) -> None:
    await stage.settle()
    with pytest.raises(UsageError, match=r"nobody is called 'qfemke@contoso\.example'") as refused:
        await asked(stage, "qfemke@contoso.example")
    assert (refused.value.code, refused.value.nearest[0]) == ("not-found", "femke@contoso.example")


async def test_a_person_of_the_view_is_told_of_without_a_call_to_azure(stage: Stage) -> None:
    await stage.settle()
    before = stage.app.calls()
    for person in (FEMKE, DIETER, TESS, HARRY):
        await asked(stage, person)
        await asked(stage, person, "Contoso Holding")
    assert stage.app.calls() == before


async def test_of_who_left_it_is_told_when_the_last_access_was_gone_and_how_soon(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    heard = stage.now
    await stage.event_about(FEMKE)
    await stage.advance(minutes=10)
    await stage.sweep()
    answer = await asked(stage, FEMKE)
    gone = (await stage.records(FEMKE))[-1]
    said = f"has nothing: the last was gone 11:00, 0.0 s after the app could act (record {gone.sequence})"
    assert f"  billing    {said}\n" in text(answer)
    billing = step(answer, "billing")
    assert (billing["heard"], billing["left"]) == (heard, None)
    assert billing["gone"] == gone.at
    assert billing["gone_by"] == gone.sequence


async def test_a_leaver_is_told_why_and_what_is_removed(stage: Stage) -> None:
    await stage.settle()
    stage.change(DIETER, accountEnabled=False)
    await stage.sweep()
    answer = await told(stage, DIETER, "Contoso Deutschland")
    assert answer.startswith(
        "dieter holds Contoso Deutschland. The account is disabled; the removal is due at the next check.\n"
        "  directory  left: disabled, no leave date; the account is disabled\n"
    )
    assert "  evidence   the account is disabled: acts at once\n" in answer
    assert "  changes    account enabled: stays\n" in answer


async def test_the_deleted_are_told_of_by_what_they_were_called(stage: Stage) -> None:
    await stage.settle()
    stage.delete(DIETER)
    await stage.sweep()
    answer = await told(stage, "dieter@contoso.example", "Contoso Deutschland")
    assert "dieter holds Contoso Deutschland. The directory keeps them as deleted; the removal" in answer
    await stage.settle()
    gone = await told(stage, "dieter@contoso.example")
    assert "holds nothing. The directory keeps them as deleted." in gone


async def test_what_waits_for_a_decision_is_told_with_the_hold_and_what_became_of_it(
    set_stage: Callable[..., Stage],
) -> None:
    limited = POLICY + "daily_limits: { grants: 0/0/0 % }\n"
    stage = set_stage(policy=limited)
    await stage.settle()
    answer = await told(stage, FEMKE, "Contoso Nederland")
    assert "Rule own-company gives it; the grant waits for a decision." in answer
    assert "waits in sweep:grants" in answer
    listed = await list_holds(stage.app)
    await dismiss(stage.app, ["sweep:grants"], "olga", listed)
    dismissed = await told(stage, FEMKE, "Contoso Nederland")
    assert "the grant was dismissed." in dismissed
    assert "dismissed by olga on 2026-03-02, as sweep:grants" in dismissed


async def test_where_the_policy_only_observes_that_is_told(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    answer = await told(stage, FEMKE, "Contoso Nederland")
    assert "Rule own-company gives it; the grant is only observed there." in answer
    assert "  limits     the policy only observes there: nothing is written\n" in answer


async def test_a_pause_that_stops_it_is_told(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await stage.sweep()
    await pause(stage.app, "olga", "Key rotation in HR")
    answer = await told(stage, FEMKE, "Contoso Nederland")
    assert "the grant waits until writes are resumed." in answer
    assert "writes are paused (operator-stop, since 10:00): Key rotation in HR" in answer


async def test_an_old_view_and_a_policy_that_no_sweep_saw_are_told_first(stage: Stage) -> None:
    await stage.settle()
    await stage.advance(hours=3)
    stage.restart(policy=POLICY.replace("department eq 'Finance'", "department eq 'Legal'"))
    first, second, third, *_ = (await told(stage, FEMKE, "Contoso Nederland")).split("\n")
    assert first.startswith("Not known since 11:00 Mon 2 Mar, 4 hours ago: no full check has ended since.")
    assert second == "No full check has seen this policy yet: nothing that a rule gave is removed before one has."
    assert third.startswith("femke holds Contoso Nederland. It stays: what rule own-company gave stays: nobody has")


@pytest.mark.parametrize(
    ("person", "profile", "sets", "said"),
    [
        (
            TESS,
            "Contoso Nederland",
            ["department=Finance"],
            "If department were Finance, tess would hold Contoso Nederland by rule own-company. It would be given.",
        ),
        (
            FEMKE,
            "Contoso Nederland",
            ["jobTitle=Controller"],
            (
                "If jobTitle were Controller, femke would hold Contoso Nederland by rule own-company. "
                "Nothing would change there."
            ),
        ),
        (
            FEMKE,
            "Contoso Nederland",
            ["companyName="],
            (
                "If companyName were blank, femke would not hold Contoso Nederland. No rule would give it. "
                "It would be removed once it was seen again."
            ),
        ),
        (
            FEMKE,
            "",
            [f"memberOf={TREASURY}", "companyName=Contoso Deutschland"],
            (
                f"If they were in group {TREASURY} and companyName were Contoso Deutschland, femke would hold "
                "Contoso Deutschland, Contoso Holding. "
                "It would be given Contoso Deutschland, Contoso Holding, and removed Contoso Nederland."
            ),
        ),
        (
            FEMKE,
            "Contoso Nederland",
            ["accountEnabled=false"],
            (
                "If the account were disabled, femke would not hold Contoso Nederland. The account is disabled. "
                "It would be removed at once."
            ),
        ),
    ],
)
async def test_what_would_be_is_one_sentence(
    stage: Stage, person: str, profile: str, sets: list[str], said: str
) -> None:
    await stage.settle()
    await stage.sweep()
    answer = await told(stage, person, profile, *sets)
    assert answer.replace("Treasury", TREASURY) == f"{said}\n"


async def test_a_day_to_come_is_decided_as_of_that_day(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime="2026-03-31T00:00:00Z")
    await stage.settle()
    await stage.sweep()
    on = stage.now.replace(month=4, day=1)
    assert await told(stage, FEMKE, "Contoso Nederland", on=on) == (
        "On 1 April 2026, femke would not hold Contoso Nederland. The leave date is past (2026-03-31 22:00 UTC). "
        "It would be removed at once.\n"
    )
    before = stage.now.replace(month=3, day=31)
    assert "would hold Contoso Nederland by rule own-company" in await told(
        stage, FEMKE, "Contoso Nederland", on=before
    )


async def test_programs_are_told_steps_and_flips_with_whole_ids(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, department="Sales")
    await stage.sweep()
    answer = as_document(await asked(stage, FEMKE, "Contoso Nederland"))
    assert as_json(answer, pretty=False)
    assert (answer["schema"], answer["complete"], answer["live"]) == ("invoice-access/why/1", True, False)
    assert answer["person"] == {"id": FEMKE, "name": "femke"}
    assert answer["profile"] == {"id": str(NL), "name": "Contoso Nederland"}
    assert (answer["holds"], answer["should"]) == (True, False)
    assert [one["step"] for one in answer["steps"]] == ["directory", "policy", "billing", "evidence", "limits"]
    own_company = answer["steps"][1]["rules"][0]
    assert {name: own_company[name] for name in ("rule", "gives", "attribute", "value", "wants")} == {
        "rule": "own-company",
        "gives": False,
        "attribute": "department",
        "value": "Sales",
        "wants": ["Finance"],
    }
    assert {(flip["if"], flip["then"]) for flip in answer["flips"]} == {
        ("department Finance", "stays"),
        ("accountEnabled false", "removed at once"),
    }


async def test_a_view_says_what_directory_and_billing_say(stage: Stage) -> None:
    stage.join(TREASURY, FEMKE)
    await stage.settle()
    stage.change(DIETER, department="Sales")
    await stage.sweep()
    sight, catalogue = await read_sight(stage.app.state, stage.clock), await stage.app.state.catalogue()
    assert catalogue is not None
    for person in (FEMKE, DIETER, TESS, HARRY):
        seen = seen_facts(sight, catalogue, stage.app.policy, person)
        read = await live_facts(stage.app, person, NL)
        assert seen is not None
        facts = replace(seen.facts, now=read.facts.now)
        assert effects(facts.plan(), facts.held) == effects(read.facts.plan(), read.facts.held)
        assert facts.plan().wanted == read.facts.plan().wanted


async def test_before_the_first_sweep_nothing_is_made_up(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    with pytest.raises(Permanent, match="has left a view yet"):
        await asked(stage, FEMKE, "Contoso Nederland")


async def test_who_cannot_be_read_is_told_what_is_odd_and_nothing_is_concluded(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, employeeHireDate="1601-01-01T00:00:00Z")
    await stage.sweep()
    answer = await told(stage, FEMKE, "Contoso Nederland")
    assert answer.startswith("femke holds Contoso Nederland. It stays: what the directory has of them cannot be read")
    assert "  directory  cannot be read: " in answer
    assert "changes" not in answer
