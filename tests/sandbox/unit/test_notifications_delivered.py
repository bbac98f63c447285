"""What becomes of notifications that nobody takes, takes late, or may not have any more."""

from tests.sandbox.contract.graph_tenant import (
    ANNA,
    LIFECYCLE,
    NOTIFICATIONS,
    TENANT,
    change,
    subscribed,
)


async def test_what_is_refused_is_repeated_with_growing_waits_and_arrives_once() -> None:
    tenant = await subscribed()
    tenant.inbox.status = 503
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(minutes=5)
    assert tenant.deliveries.counts.failed == 6, "after 5, 10, 20, 40, 80 and, not yet, 160 seconds"
    tenant.inbox.status = 202
    await tenant.let_pass(minutes=20)
    assert len(tenant.inbox.items()) == 1


async def test_after_four_hours_it_is_given_up_for_good() -> None:
    tenant = await subscribed()
    tenant.inbox.status = 500
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=5)
    assert tenant.deliveries.counts.given_up == 1
    assert 25 < tenant.deliveries.counts.failed < 40
    tenant.inbox.status = 202
    await tenant.let_pass(hours=5)
    assert tenant.inbox.items() == []


async def test_slow_answers_delay_new_notifications_and_slower_ones_drop_them_for_a_while() -> None:
    tenant = await subscribed()

    async def edit(times: int, seconds: float) -> None:
        tenant.inbox.seconds = seconds
        for number in range(times):
            await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": f"{number}-{seconds}"})
            await tenant.let_pass(seconds=3)

    await edit(17, 0.1)
    await edit(2, 11.0)  # 2 of 19: above 10 %, below 15 %
    tenant.inbox.seconds = 0.1
    told = len(tenant.inbox.items())
    await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": "slow"})
    await tenant.let_pass(seconds=9)
    assert len(tenant.inbox.items()) == told
    await tenant.let_pass(seconds=5)
    assert len(tenant.inbox.items()) == told + 1
    await edit(1, 11.0)
    await tenant.let_pass(seconds=15)
    await edit(1, 11.0)
    await tenant.let_pass(seconds=15)  # 4 of 22: above 15 %
    told = len(tenant.inbox.items())
    await change(tenant, "PATCH", f"/users/{ANNA}", {"officeLocation": "dropped"})
    await tenant.let_pass(minutes=11)
    assert tenant.deliveries.counts.dropped == 1
    assert len(tenant.inbox.items()) == told
    await edit(1, 0.1)
    assert len(tenant.inbox.items()) == told + 1, "nothing slow is left in the window"


async def test_an_answer_that_does_not_come_is_repeated_as_well() -> None:
    tenant = await subscribed()
    tenant.inbox.deaf = True
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(seconds=4)
    assert tenant.deliveries.counts.failed == 1
    tenant.inbox.deaf = False
    await tenant.let_pass(minutes=1)
    assert len(tenant.inbox.items()) == 1


async def test_a_subscription_that_ended_is_told_nothing_more_not_even_what_is_on_its_way() -> None:
    tenant = await subscribed(expirationDateTime="2026-03-01T13:00:00Z", lifecycleNotificationUrl=None)
    tenant.time.pass_by(minutes=59, seconds=59.9)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=1)
    assert tenant.inbox.posts == []


async def test_before_its_end_the_app_is_asked_every_quarter_of_an_hour_to_reauthorize() -> None:
    tenant = await subscribed(expirationDateTime="2026-03-01T14:00:00Z")
    tenant.deliveries.switches.ask_ahead_seconds = 1800
    await tenant.let_pass(hours=3)
    moments = [at for at, url, _ in tenant.inbox.posts if url == LIFECYCLE]
    assert [moment.strftime("%H:%M") for moment in moments] == ["13:30", "13:45"]
    [item, _] = tenant.inbox.items(LIFECYCLE)
    published = {"subscriptionId", "subscriptionExpirationDateTime", "tenantId", "clientState", "lifecycleEvent"}
    assert item.keys() == published
    assert item["lifecycleEvent"] == "reauthorizationRequired"


async def test_without_an_authorization_nothing_is_told_until_there_is_one_again() -> None:
    tenant = await subscribed()
    subscription = tenant.book.live()[0]
    await tenant.let_pass(hours=24, minutes=1)
    assert tenant.inbox.items(LIFECYCLE), "it was asked for ahead of time"
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=1)
    assert tenant.inbox.items() == []
    tenant.book.reauthorize(subscription)
    await tenant.let_pass(minutes=1)
    assert len(tenant.inbox.items()) == 1
    assert tenant.deliveries.counts.given_up == 0


async def test_what_waits_longer_than_four_hours_for_an_authorization_is_lost() -> None:
    tenant = await subscribed()
    await tenant.let_pass(hours=24, minutes=1)
    await change(tenant, "PATCH", f"/users/{ANNA}", {"department": "Finance"})
    await tenant.let_pass(hours=5)
    tenant.book.reauthorize(tenant.book.live()[0])
    await tenant.let_pass(hours=1)
    assert tenant.inbox.items() == []
    assert tenant.deliveries.counts.given_up == 1


async def test_a_request_to_reauthorize_comes_on_demand_and_in_the_undocumented_form_too() -> None:
    tenant = await subscribed()
    tenant.deliveries.switches.organization_instead_of_tenant = True
    assert tenant.deliveries.ask_to_reauthorize(tenant.book.live()[0])
    await tenant.let_pass(seconds=1)
    [item] = tenant.inbox.items(LIFECYCLE)
    assert item["organizationId"] == TENANT
    assert "tenantId" not in item
    assert (item["resource"], item["sequence"], item["encryptedContent"]) == ("", None, None)
    assert tenant.inbox.items(NOTIFICATIONS) == []
