"""A profile's invoice e-mail: turned on where it is literally off, and nothing else changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.history.records import IntendedUpdate, IntentBody, Mode
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.remembered import ProfileState
from tests.english import english
from tests.ledger_records import check_body
from tests.simulation.small_world import DE, EA, NL, POLICY, world
from tests.simulation.stage import Stage

FULL_ADDRESS = {"addressLine1": "2 Side Street", "country": "NL", "email": "billing@contoso.example"}


def puts(stage: Stage) -> int:
    """How often billing accepted an update of a profile from the app."""
    return sum(what == "put-profile" for what, _ in stage.writes())


def a_full_world() -> dict[str, Any]:
    given = world()
    profile = given["billingAccounts"][0]["billingProfiles"][0]
    profile["properties"] |= {"shipTo": FULL_ADDRESS, "billTo": FULL_ADDRESS}
    return given


@pytest.fixture
async def stage(set_stage: Callable[..., Stage]) -> Stage:
    made = set_stage(given=a_full_world())
    await made.settle()
    return made


async def opt_out(stage: Stage, profile: ProfileKey = NL) -> None:
    """Somebody opts a profile out, and the sweep finds it."""
    stage.set_profile(profile, invoiceEmailOptIn=False)
    await stage.sweep()
    await stage.run_until_quiet()


async def outcomes(stage: Stage) -> list[str]:
    return [check.outcome for check in await stage.checks(NL)]


async def test_a_profile_opted_out_by_hand_is_opted_in_and_nothing_else_changes(stage: Stage) -> None:
    before = dict(stage.profile(NL))
    tags = dict(stage.billing.account(NL.account).profiles["nl-bg7"].tags)  # type: ignore[union-attr]
    await opt_out(stage)
    assert await outcomes(stage) == ["waiting"]
    assert puts(stage) == 0
    await stage.advance(minutes=6)
    assert stage.profile(NL) == before
    assert stage.billing.account(NL.account).profiles["nl-bg7"].tags == tags  # type: ignore[union-attr]
    assert await outcomes(stage) == ["waiting", "done"]
    assert puts(stage) == 1


async def test_the_intent_precedes_the_update_and_the_image_before_it_is_kept(stage: Stage) -> None:
    await opt_out(stage)
    await stage.advance(minutes=6)
    _, intent, check = await stage.bodies(NL)
    assert isinstance(intent, IntentBody)
    (action,) = intent.actions
    assert isinstance(action, IntendedUpdate)
    assert action.mode is Mode.ENFORCE
    assert len(action.before) == 64
    assert "billing@contoso.example" not in str(intent) + str(check)
    kept = (await stage.app.state.profile(NL)).value.before
    assert kept is not None
    assert kept["properties"]["invoiceEmailOptIn"] is False
    assert kept["properties"]["shipTo"] == FULL_ADDRESS
    assert kept["properties"]["soldTo"]["addressLine1"] == "1 Main Street"
    assert kept["tags"] == {"company": "Contoso Nederland"}


async def test_a_service_that_merges_ends_the_same(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=a_full_world())
    stage.turn(update_replaces=False, read_only_refused=False, update_status=200)
    before = dict(stage.profile(NL))
    await opt_out(stage)
    await stage.advance(minutes=6)
    assert stage.profile(NL) == before


async def test_an_answer_that_does_not_say_is_no_no(stage: Stage) -> None:
    scope = stage.billing.account(NL.account).profiles["nl-bg7"]  # type: ignore[union-attr]
    scope.properties = {name: value for name, value in scope.properties.items() if name != "invoiceEmailOptIn"}
    report = await stage.sweep()
    assert report.drift == {}
    await stage.check(NL)
    assert await outcomes(stage) == ["unchanged"]
    assert puts(stage) == 0


@pytest.mark.parametrize("status", ["Disabled", "Warned", "UnderReview"])
async def test_a_profile_that_is_not_active_is_left_alone(stage: Stage, status: str) -> None:
    stage.set_profile(NL, status=status)
    await opt_out(stage)
    await stage.check(NL)
    assert english((await stage.last_check(NL)).why) == f"the profile is {status}"
    assert puts(stage) == 0


async def test_a_profile_that_the_policy_does_not_keep_opted_in_is_left_alone(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("opt_in: all", 'opt_in: [{ name: "Contoso Deutschland" }]'))
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await opt_out(stage, DE)
    await stage.check(NL)
    await stage.advance(minutes=6)
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    assert stage.profile(DE)["invoiceEmailOptIn"] is True


async def test_a_profile_of_an_account_that_is_not_managed_is_not_even_read(stage: Stage) -> None:
    key = ProfileKey(EA, "X")
    calls = stage.calls()
    assert await stage.check(key) is Outcome.UNCHANGED
    assert stage.calls() == calls


@pytest.mark.parametrize(
    "change",
    [{"poNumber": "PO-2"}, {"displayName": "Contoso Nederland BV"}, {"invoiceRecipients": ["x@contoso.example"]}],
)
async def test_a_field_that_changes_between_the_two_reads_begins_the_settling_anew(
    stage: Stage, change: dict[str, Any]
) -> None:
    await opt_out(stage)
    await stage.advance(minutes=3)
    stage.set_profile(NL, **change)
    await stage.advance(minutes=3)
    assert await outcomes(stage) == ["waiting", "waiting"]
    assert puts(stage) == 0
    await stage.advance(minutes=6)
    assert puts(stage) == 1
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert stage.profile(NL)["poNumber"] == change.get("poNumber", "PO-1")


async def test_who_opts_in_by_hand_between_the_two_reads_is_left_alone(stage: Stage) -> None:
    await opt_out(stage)
    stage.set_profile(NL, invoiceEmailOptIn=True)
    await stage.advance(minutes=6)
    assert puts(stage) == 0
    assert (await stage.app.state.profile(NL)).value.agreed is None
    await opt_out(stage)
    assert await outcomes(stage) == ["waiting", "unchanged", "waiting"]


async def test_two_checks_within_the_settling_time_are_not_two_reads_that_agree(stage: Stage) -> None:
    await opt_out(stage)
    await stage.advance(minutes=1)
    await stage.check(NL)
    assert puts(stage) == 0
    await stage.advance(minutes=6)
    assert puts(stage) == 1


async def test_an_update_is_not_repeated_within_ten_minutes(stage: Stage) -> None:
    await opt_out(stage)
    await stage.advance(minutes=6)
    stage.set_profile(NL, invoiceEmailOptIn=False)
    first = (await stage.app.state.profile(NL)).value.updates[-1]
    await stage.advance(seconds=30)
    await opt_out(stage)
    await stage.advance(to=first + timedelta(minutes=9, seconds=50))
    assert puts(stage) == 1
    await stage.advance(minutes=6)
    assert puts(stage) == 2
    assert stage.profile(NL)["invoiceEmailOptIn"] is True


async def test_three_updates_in_a_day_and_then_a_person_has_to_decide(stage: Stage) -> None:
    for _ in range(6):
        await opt_out(stage)
        await stage.advance(hours=1)
    assert puts(stage) == 3
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    check = await stage.last_check(NL)
    assert (check.outcome, check.finding) == ("held", "profile-fights-back")


async def test_a_read_back_that_differs_elsewhere_is_a_finding_and_ends_the_updates(stage: Stage) -> None:
    stage.turn(update_status=200)
    await opt_out(stage)
    scope = stage.billing.account(NL.account).profiles["nl-bg7"]  # type: ignore[union-attr]
    stage.faults.lift()
    stage.fault("arm", Effect(delay_seconds=1), method="PUT")
    handle = stage.app.billing

    async def harmful(profile: Any) -> Any:
        answer = await type(handle).opt_in(handle, profile)
        scope.properties = scope.properties | {"poNumber": "lost"}
        return None if answer is None else replace(answer, properties={**answer.properties, "poNumber": "lost"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle, "opt_in", harmful)
        await stage.advance(minutes=6)
    check = await stage.last_check(NL)
    assert (check.outcome, check.finding, check.changed) == ("gave-up", "profile-update-harm", ("poNumber",))
    assert check.alert
    await stage.advance(hours=2)
    await opt_out(stage)
    await stage.advance(hours=2)
    assert puts(stage) == 1
    check = await stage.last_check(NL)
    assert (check.outcome, check.finding) == ("held", "profile-update-blocked")


async def test_an_update_that_outlasts_the_handler_is_looked_after_and_not_repeated(stage: Stage) -> None:
    stage.turn(update_seconds=70.0)
    await opt_out(stage)
    await stage.advance(minutes=6)
    assert (await outcomes(stage))[1] == "unverified"
    await stage.advance(minutes=20)
    assert puts(stage) == 1
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert await outcomes(stage) == ["waiting", "unverified", "done"]


async def test_the_services_own_word_on_an_update_under_way_is_no_harm(stage: Stage) -> None:
    stage.turn(update_seconds=70.0)
    await opt_out(stage)
    await stage.advance(minutes=5, seconds=10)
    stage.set_profile(NL, provisioningState="Succeeded")
    handle = stage.app.billing

    async def under_way(profile: Any) -> Any:
        stage.set_profile(NL, provisioningState="Pending")
        return await type(handle).opt_in(handle, profile)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle, "opt_in", under_way)
        await stage.advance(minutes=1)
    assert (await outcomes(stage))[1] == "unverified"
    assert (await stage.app.state.profile(NL)).value.blocked is None


async def test_a_lost_answer_to_an_update_that_happened_is_done_once(stage: Stage) -> None:
    stage.turn(update_status=200)
    stage.fault("arm", Effect(hang_up=True, after=True), method="PUT", times=1)
    await opt_out(stage)
    await stage.advance(minutes=6)
    assert (await outcomes(stage))[-1] == "done"
    assert puts(stage) == 1


async def test_an_update_that_was_refused_for_now_counts_as_none(stage: Stage) -> None:
    wait = Effect(status=429, headers={"retry-after": "60"}, body={"error": {"code": "429", "message": "x"}})
    stage.fault("arm", wait, method="PUT", times=4)
    await opt_out(stage)
    await stage.advance(minutes=12)
    assert puts(stage) == 1
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert len((await stage.app.state.profile(NL)).value.updates) == 1


async def test_an_update_that_the_service_finds_wrong_is_given_up_with_an_alert(stage: Stage) -> None:
    bad = Effect(status=400, body={"error": {"code": "BadRequest", "message": "x"}})
    stage.fault("arm", bad, method="PUT")
    await opt_out(stage)
    await stage.advance(minutes=6)
    check = await stage.last_check(NL)
    assert check.outcome == "gave-up"
    assert check.alert
    assert puts(stage) == 0


async def test_observing_only_says_what_would_be_done(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"), given=a_full_world())
    await opt_out(stage)
    await stage.advance(minutes=6)
    assert stage.writes() == []
    assert (await outcomes(stage))[-1] == "would"
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    assert (await stage.app.state.profile(NL)).value == ProfileState(
        NL, agreed=(await stage.app.state.profile(NL)).value.agreed
    )
    (intent,) = await stage.intents(NL)
    assert intent.actions[0].mode is Mode.OBSERVE


async def test_a_lock_lost_before_the_update_costs_none_of_the_days_three(stage: Stage) -> None:
    await opt_out(stage)
    (message,) = [one for one in stage.queues.waiting if one.item.key == NL]
    await stage.advance(to=message.due - timedelta(seconds=1))
    chain = await stage.app.ledger.open(NL.canonical)
    profile = type(stage.app.billing).profile

    async def overtaken(self: Any, key: ProfileKey) -> Any:
        patch.undo()
        await chain.append(stage.now, check_body())
        return await profile(self, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(stage.app.billing), "profile", overtaken)
        await stage.advance(seconds=2)
    assert puts(stage) == 0
    assert (await stage.app.state.profile(NL)).value.updates == ()
    await stage.advance(minutes=2)
    assert puts(stage) == 1
