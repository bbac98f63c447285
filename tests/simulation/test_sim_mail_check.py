"""Before each invoice day it is proved, live, that the invoice will reach people who can read it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.billing import INVOICE_MANAGER, OTHER_RECIPIENT_ROLES
from shared.domain.keys import ProfileKey
from shared.domain.mail_check import MailStanding, MailVerdict
from shared.domain.overview import mailings
from shared.errors import InvoiceAccessError
from shared.services.mail_check import check_mail
from shared.services.operate.sight import read_sight
from tests.simulation.small_world import (
    DE,
    DIETER,
    GREG,
    HARRY,
    HOLDING,
    NL,
    OWNER,
    PARTNER,
    POLICY,
    TREASURY,
    guid,
    user,
    world,
)
from tests.simulation.stage import START, Stage

ASKING = POLICY.replace("min_recipients: 0", "min_recipients: 2")
EXCHANGE = [{"service": "exchange", "capabilityStatus": "Enabled"}]
READER = "40000000-aaaa-bbbb-cccc-100000000002"
NEXT = date(2026, 3, 5)
"""The invoice day of every profile of the small world, three days from the stage's first."""


def company(*more: Any, **invoice_days: int) -> dict[str, Any]:
    """The small world, in which all of its own people have a mailbox."""
    given = world()
    for one in [*given["users"], *more]:
        if one["id"] != GREG:
            one["assignedPlans"] = EXCHANGE
    given["users"] += more
    for account in given["billingAccounts"]:
        for profile in account.get("billingProfiles", []):
            if (day := invoice_days.get(profile["name"].partition("-")[0])) is not None:
                profile["properties"]["invoiceDay"] = day
    return given


def one_more(number: int, **properties: Any) -> Any:
    """Somebody of no department."""
    return user(f"0000000a-0000-4000-8000-{number:012x}", f"extra{number}", None, "Kitchen", **properties)


async def checked(stage: Stage, profile: ProfileKey) -> MailVerdict:
    """What a mail check says of a profile now; it is stored."""
    said = (await check_mail(stage.app)).verdicts[profile]
    (kept,) = [one for one in await stage.app.state.mail_verdicts() if one.profile == profile]
    assert kept.of(said.period) == said
    return said


async def test_a_profile_is_proved_once_two_people_with_a_mailbox_get_it(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=ASKING, given=company())
    await stage.settle()
    said = await checked(stage, NL)  # Femke by a rule, Harry by hand
    assert (said.standing, said.day, said.known, said.asked) == (MailStanding.WILL_MAIL, NEXT, 2, 2)


async def test_disabled_deleted_and_mailboxless_people_are_no_readers(set_stage: Callable[..., Stage]) -> None:
    off, gone, without, left = (one_more(number) for number in range(4))
    stage = set_stage(policy=ASKING, given=company(off, gone, without, left))
    await stage.settle()
    for one in (off, gone, without, left):
        stage.give(DE, one["id"])
    stage.change(off["id"], accountEnabled=False)
    stage.delete(gone["id"])
    stage.change(without["id"], mail=None)
    stage.change(left["id"], employeeLeaveDateTime="2026-02-27T00:00:00Z")
    said = await checked(stage, DE)  # Dieter alone
    assert (said.standing, said.known, said.unsure, said.cannot) == (MailStanding.TOO_FEW, 1, 0, 4)
    assert said.why.code == "few-can-read"


async def test_who_has_not_begun_and_is_disabled_until_then_is_no_reader(set_stage: Callable[..., Stage]) -> None:
    soon = one_more(1)
    stage = set_stage(policy=POLICY, given=company(soon))
    stage.give(HOLDING, soon["id"])
    stage.change(soon["id"], accountEnabled=False, employeeHireDate="2026-03-16T00:00:00Z")
    said = await checked(stage, HOLDING)
    assert (said.standing, said.cannot) == (MailStanding.WILL_NOT_MAIL, 1)


async def test_somebody_of_another_tenant_is_asked_of_nobody_and_proves_nothing(
    set_stage: Callable[..., Stage],
) -> None:
    given = company()
    elsewhere = {"principalId": DIETER, "role": INVOICE_MANAGER, "principalTenantId": guid(1, 2)}
    given["billingAccounts"][0]["billingProfiles"][2]["billingRoleAssignments"].append(elsewhere)
    stage = set_stage(policy=POLICY, given=given)
    said = await checked(stage, HOLDING)  # of our own people, Dieter has a mailbox
    assert (said.standing, said.known, said.unsure) == (MailStanding.NOT_PROVED, 0, 1)


async def test_whoever_the_directory_has_forgotten_is_no_reader(set_stage: Callable[..., Stage]) -> None:
    gone = one_more(1)
    stage = set_stage(policy=POLICY, given=company(gone))
    stage.give(HOLDING, gone["id"])
    stage.delete(gone["id"])
    stage.purge(gone["id"])
    said = await checked(stage, HOLDING)
    assert (said.standing, said.cannot) == (MailStanding.WILL_NOT_MAIL, 1)


async def test_a_person_with_several_roles_is_one_reader_and_every_role_counts(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=ASKING, given=company())
    for role in [INVOICE_MANAGER, *OTHER_RECIPIENT_ROLES]:
        stage.give(HOLDING, OWNER, role=role)
    said = await checked(stage, HOLDING)
    assert (said.standing, said.known) == (MailStanding.TOO_FEW, 1)
    stage.give(HOLDING, HARRY, role=READER)
    assert (await checked(stage, HOLDING)).standing is MailStanding.WILL_MAIL


async def test_members_of_a_group_and_account_roles_are_no_proof(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.give(HOLDING, TREASURY, role=READER)  # Tess is in it; Olga owns the account
    said = await checked(stage, HOLDING)
    assert (said.standing, said.why.code) == (MailStanding.WILL_NOT_MAIL, "nobody-can-read")


async def test_a_guest_may_have_a_mailbox_and_proves_nothing(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.give(PARTNER, GREG)
    said = await checked(stage, PARTNER)
    assert (said.standing, said.unsure) == (MailStanding.NOT_PROVED, 1)
    assert not said.standing.is_wrong


async def test_a_profile_that_was_turned_off_is_wrong_until_it_is_on(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"), given=company())
    stage.give(DE, DIETER)
    stage.set_profile(DE, invoiceEmailOptIn=False)
    said = await checked(stage, DE)
    assert (said.standing, said.why.code) == (MailStanding.WILL_NOT_MAIL, "opted-out")
    await stage.advance(hours=1)
    again = await checked(stage, DE)
    assert (again.since, again.checked) == (said.since, stage.now)
    stage.set_profile(DE, invoiceEmailOptIn=True)
    assert (await checked(stage, DE)).standing is MailStanding.WILL_MAIL


async def test_what_is_proved_is_not_asked_for_again_that_day(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    for profile, person in ((DE, DIETER), (HOLDING, OWNER), (PARTNER, HARRY)):
        stage.give(profile, person)
    assert len((await check_mail(stage.app)).verdicts) == 4
    await stage.advance(hours=1)
    before = stage.calls()
    again = await check_mail(stage.app)
    assert (again.due, again.verdicts) == (4, {})
    assert sum((stage.calls() - before).values()) == 3  # the accounts, and the profiles of two
    await stage.advance(hours=20)
    assert len((await check_mail(stage.app)).verdicts) == 4


async def test_a_profile_that_cannot_be_read_says_so_and_costs_no_other(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.give(DE, DIETER)
    broken = stage.fault("arm", Effect(status=403), path=f".*/{NL.profile}/billingRoleAssignments$")
    verdicts = (await check_mail(stage.app)).verdicts
    assert (verdicts[NL].standing, verdicts[NL].why.code) == (MailStanding.NOT_READ, "readers-not-read")
    assert verdicts[DE].standing is MailStanding.WILL_MAIL
    stage.faults.lift(broken.id)
    assert (await checked(stage, NL)).standing is MailStanding.WILL_MAIL  # Harry


async def test_a_directory_that_is_down_leaves_profiles_unread(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.set_profile(DE, invoiceEmailOptIn=False)
    stage.fault("graph", Effect(status=503))
    verdicts = (await check_mail(stage.app)).verdicts
    assert verdicts[NL].standing is MailStanding.NOT_READ
    assert verdicts[DE].standing is MailStanding.WILL_NOT_MAIL  # that it is off needs nobody's mailbox


async def test_a_check_fails_aloud_where_billing_lists_nothing(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.fault("arm", Effect(status=503))
    with pytest.raises(InvoiceAccessError):
        await check_mail(stage.app)


@pytest.mark.parametrize(
    ("policy", "due"),
    [
        (POLICY, {NL, DE, HOLDING, PARTNER}),
        (POLICY.replace("opt_in: all", "opt_in: [{ name: 'Contoso D*' }]"), {DE}),
        (POLICY.replace("opt_in: all", "opt_in: none"), set()),
        (POLICY.replace("min_recipients: 0", "min_recipients: 0, check_days: 2"), set()),
        (POLICY.replace("min_recipients: 0", "min_recipients: 0, check_days: 0"), set()),
    ],
    ids=["all", "of a selector", "none kept on", "not near yet", "never"],
)
async def test_due_is_what_the_policy_keeps_on_and_what_is_near(
    policy: str, due: set[ProfileKey], set_stage: Callable[..., Stage]
) -> None:
    stage = set_stage(policy=policy, given=company())
    assert (await check_mail(stage.app)).verdicts.keys() == due


@pytest.mark.parametrize(
    ("zone", "due"), [("Pacific/Auckland", True), ("UTC", False)], ids=["where it is tomorrow", "where it is today"]
)
async def test_days_are_those_of_the_policy_s_zone(zone: str, due: bool, set_stage: Callable[..., Stage]) -> None:
    policy = POLICY.replace("Europe/Amsterdam", zone).replace("recipients: 0", "recipients: 0, check_days: 1")
    stage = set_stage(policy=policy, given=company(), start=datetime(2026, 3, 3, 20, tzinfo=UTC))
    assert bool((await check_mail(stage.app)).verdicts) == due


async def test_a_month_without_the_invoice_day_has_it_on_its_last(set_stage: Callable[..., Stage]) -> None:
    start = datetime(2026, 2, 26, 9, tzinfo=UTC)
    stage = set_stage(policy=POLICY, given=company(NL=31, DE=1, HOLDING=15, PARTNER=25), start=start)
    verdicts = (await check_mail(stage.app)).verdicts
    assert {key: one.day for key, one in verdicts.items()} == {NL: date(2026, 2, 28), DE: date(2026, 3, 1)}


async def test_a_profile_without_an_invoice_day_is_checked_every_day(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company(), start=datetime(2026, 3, 20, 9, tzinfo=UTC))
    stage.set_profile(NL, invoiceDay=None)
    verdicts = (await check_mail(stage.app)).verdicts
    assert {key: (one.day, one.period) for key, one in verdicts.items()} == {NL: (None, "2026-03")}


async def test_each_invoice_day_has_a_verdict_of_its_own_that_is_kept(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    await check_mail(stage.app)
    await stage.advance(to=START.replace(month=4))
    stage.take(NL, HARRY)
    await check_mail(stage.app)
    (kept,) = [one for one in await stage.app.state.mail_verdicts() if one.profile == NL]
    assert [(one.day, one.standing.value) for one in kept.verdicts] == [
        (date(2026, 3, 5), "will-mail"),
        (date(2026, 4, 5), "will-not-mail"),
    ]


async def test_a_sweep_that_fails_takes_no_proof_away(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    await stage.settle()
    stage.fault("graph", Effect(status=503), path=".*/groups/.*")
    assert not (await stage.sweep()).complete
    assert (await checked(stage, NL)).standing is MailStanding.WILL_MAIL


async def test_it_writes_nothing_to_billing(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY, given=company())
    stage.set_profile(DE, invoiceEmailOptIn=False)
    await check_mail(stage.app)
    assert not stage.app.calls()["billing writes"]


async def sure(stage: Stage, profile: ProfileKey) -> bool:
    """Whether the overview says that a profile will mail."""
    sight = await read_sight(stage.app.state, stage.clock)
    (found,) = [one for one in mailings(sight, await stage.app.state.mail_verdicts()) if one.profile.key == profile]
    return found.is_sure


async def test_the_overview_believes_whoever_looked_last(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"), given=company())
    await stage.settle()
    assert await sure(stage, NL)
    stage.set_profile(NL, invoiceEmailOptIn=False)
    assert await sure(stage, NL)  # nobody has looked yet
    await check_mail(stage.app)
    assert not await sure(stage, NL)
    stage.set_profile(NL, invoiceEmailOptIn=True)
    await stage.advance(minutes=1)
    await stage.sweep()
    assert await sure(stage, NL)
    stage.fault("arm", Effect(status=403), path=f".*/{NL.profile}/billingRoleAssignments$")
    await check_mail(stage.app)
    assert await sure(stage, NL)  # what could not be read says nothing
