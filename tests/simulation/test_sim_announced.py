"""What a sweep says of its drift: announced or never announced, and when a feed that should tell is silent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Delete
from shared.domain.history.records import Record
from shared.domain.history.report import Labels, Report
from shared.domain.keys import PersonKey
from shared.domain.work import CauseKind
from shared.errors import FailedRead, Transient
from shared.services.sweep import feed_check as announced
from tests.english import english
from tests.simulation.small_world import DIETER, FEMKE, HOLDING, NL, PARTNER, POLICY
from tests.simulation.stage import Stage

FEED = {
    "notification_url": "https://invoice-access.example/api/graph/notifications",
    "graph_client_states": "s" * 32,
}
AMPLE = POLICY + "daily_limits: { grants: 99/99/100 }\n"
"""The usual policy with room for everybody whom nobody told of."""

REFUSED = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})


@pytest.fixture
async def fed(set_stage: Callable[..., Stage]) -> Stage:
    """The small company, swept twice, with a feed that should tell of people."""
    made = set_stage(policy=AMPLE, **FEED)
    await made.settle()
    await made.settle()
    return made


def labels(report: Report) -> dict[str, int]:
    """How much drift has which label, as far as there is any."""
    return {label: count for label in announced.Label if (count := getattr(report.feed_check.labels, label.value))}


def silent(report: Report) -> list[str]:
    return [english(finding.why) for finding in report.findings if finding.kind == "feed-silent"]


async def unheard(stage: Stage, count: int, mark: str = "clerk") -> list[str]:
    return [stage.hire(f"{mark}{number}") for number in range(count)]


class Unreadable:
    """A ledger of whose chains as much as a label needs cannot be read; everything else goes to the real one."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        if count < announced.RECORDS:
            records: Sequence[Record] = await self._ledger.latest(key, count)
            return records
        raise Transient(f"the ledger is away: {count} records of {key}")


async def test_without_drift_there_is_no_ratio(fed: Stage) -> None:
    report = await fed.sweep()
    assert report.drift == {}
    assert report.feed_check.labels.ratio is None
    assert report.feed_check.kinds == {}
    assert labels(report) == {}
    assert silent(report) == []


async def test_drift_is_announced_when_an_event_had_the_person_checked(fed: Stage) -> None:
    heard = fed.hire("anna")
    fed.fault("arm", Effect(status=500), method="POST")  # the check comes, and cannot fix it
    await fed.event_about(heard)
    fed.faults.lift()
    (unheard_of,) = await unheard(fed, 1)
    fed.delete(DIETER)
    report = await fed.sweep()
    assert report.drift == {"missing": 2, "holder-outside-every-rule": 1}
    assert labels(report) == {"announced": 1, "never_announced": 2}
    assert report.feed_check.kinds == {
        "missing": Labels(announced=1, never_announced=1),
        "holder-outside-every-rule": Labels(never_announced=1),
    }
    assert report.feed_check.labels.ratio == 0.333
    await fed.advance(hours=1)
    assert fed.held(heard) == fed.held(unheard_of) == {NL}
    assert (await fed.app.state.reports(1))[0] == report


async def test_an_event_by_name_and_one_for_a_date_announce_the_person_as_well(fed: Stage) -> None:
    anna, ben = await unheard(fed, 2)
    moment = fed.now + timedelta(hours=5)
    await fed.tell(f"id:{ben}", effective=moment.isoformat())
    await fed.advance(hours=4)
    await fed.settle()
    for person, company in ((anna, "Contoso Deutschland"), (ben, "Fabrikam")):
        fed.change(person, companyName=company)
    fed.fault("arm", Effect(status=500), method="POST")
    await fed.tell("upn:clerk0@contoso.example")
    await fed.advance(minutes=2)
    report = await fed.sweep()
    assert report.feed_check.kinds["missing"] == Labels(announced=2)


async def test_an_event_before_the_last_sweep_announces_nothing_new(fed: Stage) -> None:
    await fed.event_about(FEMKE)
    await fed.settle()
    await fed.settle()
    fed.change(FEMKE, companyName="Contoso Deutschland")
    assert labels(await fed.sweep()) == {"never_announced": 2}


async def test_a_sweep_by_hand_soon_after_another_still_counts_the_events_of_the_hour(fed: Stage) -> None:
    fed.fault("arm", Effect(status=500), method="POST")
    await fed.event_about(fed.hire("anna"))
    fed.faults.lift()
    await fed.advance(minutes=1)
    await fed.app.state.put_report(replace((await fed.app.state.reports(1))[0], started=fed.now))
    await fed.advance(minutes=1)
    assert labels(await fed.sweep()) == {"announced": 1}


async def test_drift_that_an_earlier_sweep_found_is_labelled_once(fed: Stage) -> None:
    await unheard(fed, 6)
    fed.fault("arm", REFUSED, method="POST")
    first = await fed.settle()
    assert labels(first) == {"never_announced": 6}
    for _ in range(2):
        report = await fed.settle()
        assert report.drift == {"missing": 6}
        assert labels(report) == {}
        assert silent(report) == []


async def test_what_an_observed_policy_would_do_is_labelled_once(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"), **FEED)
    for _ in range(3):
        report = await stage.settle()
        assert report.drift["missing"] >= 3
        assert labels(report) == {}
        assert silent(report) == []


async def test_what_people_did_not_change_nobody_could_announce(fed: Stage) -> None:
    fed.take(NL, FEMKE)  # in the portal
    account = fed.billing.account(HOLDING.account)
    assert account is not None
    account.profiles["holding-bg7"].tags = {"company": "Contoso Deutschland"}
    report = await fed.sweep()
    assert report.drift == {"missing": 2}
    assert labels(report) == {}


async def test_who_moved_while_a_profile_changed_is_told_apart(fed: Stage) -> None:
    account = fed.billing.account(HOLDING.account)
    assert account is not None
    account.profiles["holding-bg7"].tags = {"company": "Contoso Deutschland"}
    fed.change(FEMKE, companyName="Contoso Deutschland")
    report = await fed.sweep()
    assert report.feed_check.kinds == {
        "missing": Labels(never_announced=1),  # Femke, also on a profile that is as it was
        "no-longer-given": Labels(never_announced=1),
    }


async def test_a_changed_policy_is_no_silent_feed_and_nor_is_the_first_sweep(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=AMPLE, **FEED)
    for number in range(8):
        stage.hire(f"clerk{number}")
    first = await stage.settle()
    assert first.drift["missing"] == 11
    assert labels(first) == {}
    stage.restart(policy=AMPLE.replace("department eq 'Finance'", "department eq 'Audit'"))
    report = await stage.settle()
    assert sum(report.drift.values()) >= 8
    assert labels(report) == {}
    assert silent(first) == silent(report) == []


async def test_profiles_that_are_opted_out_are_no_part_of_it(fed: Stage) -> None:
    fed.set_profile(PARTNER, invoiceEmailOptIn=False)
    report = await fed.sweep()
    assert report.drift == {"opted-out": 1}
    assert labels(report) == {}


async def test_a_chain_that_cannot_be_read_gives_no_label_and_the_sweep_goes_on(
    fed: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    anna, *_ = await unheard(fed, 6)
    fed.app = replace(fed.app, ledger=Unreadable(fed.app.ledger))
    report = await fed.settle()
    assert report.complete
    assert report.drift == {"missing": 6}
    assert labels(report) == {}
    assert silent(report) == []
    assert "the ledger is away" in caplog.text
    assert fed.held(anna) == {NL}


async def test_a_catalogue_that_cannot_be_read_is_nothing_to_compare_with(fed: Stage) -> None:
    await unheard(fed, 6)
    head = await fed.state_rows.get("catalogue", "head")
    assert head is not None
    parts = [row async for row in fed.state_rows.range("catalogue", "part:", "part;")]
    await fed.state_rows.write("catalogue", *(Delete(row.key, row.etag) for row in parts))
    fed.restart()
    with pytest.raises(FailedRead):
        await fed.app.state.catalogue()
    report = await fed.sweep()
    assert report.complete
    assert report.drift == {"missing": 6}
    assert labels(report) == {}


async def test_of_a_long_chain_only_the_end_is_read(fed: Stage) -> None:
    loud, quiet = await unheard(fed, 2)
    fed.fault("arm", REFUSED, method="POST")
    for person, checks in ((loud, announced.RECORDS), (quiet, announced.RECORDS // 2 - 1)):
        await fed.check(PersonKey(person))
        for _ in range(checks):
            await fed.check(PersonKey(person), CauseKind.VERIFY)
    report = await fed.sweep()
    assert report.drift == {"missing": 2}
    assert labels(report) == {"announced": 1}


async def test_of_very_many_people_a_sample_is_labelled(fed: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "CHAINS", 4)
    fed.take(NL, FEMKE)
    await unheard(fed, 6)
    report = await fed.sweep()
    assert report.drift == {"missing": 7}
    assert labels(report) == {"never_announced": 4}


# -- a silent feed


async def test_a_feed_that_should_be_on_and_tells_nothing_is_a_finding(fed: Stage) -> None:
    await unheard(fed, 5)
    report = await fed.settle()
    (text,) = silent(report)
    assert "5 of 5" in text
    assert "never announced" in text
    assert "docs/how-to/subscriptions.md" in text


async def test_a_few_in_each_of_several_sweeps_add_up_and_a_quiet_hour_says_nothing(fed: Stage) -> None:
    for number in range(2):
        await unheard(fed, 2, f"clerk{number}-")
        assert silent(await fed.settle()) == []
    assert silent(await fed.settle()) == []
    await unheard(fed, 2, "clerk-last-")
    (text,) = silent(await fed.settle())
    assert "6 of 6" in text
    assert silent(await fed.settle()) == []


async def test_what_is_a_day_old_counts_no_longer(fed: Stage) -> None:
    await unheard(fed, 4)
    await fed.settle()
    for _ in range(24):
        await fed.settle()
    await unheard(fed, 1, "later")
    assert silent(await fed.settle()) == []


async def test_a_feed_that_is_merely_late_now_and_then_is_no_finding(fed: Stage) -> None:
    fed.fault("arm", Effect(status=500), method="POST")
    for person in await unheard(fed, 4, "heard"):
        await fed.event_about(person)
    await unheard(fed, 8)
    report = await fed.sweep()
    assert labels(report) == {"announced": 4, "never_announced": 8}
    assert silent(report) == []


async def test_where_no_feed_should_be_on_there_is_a_ratio_and_no_finding(stage: Stage) -> None:
    await stage.settle()
    await unheard(stage, 9)
    report = await stage.settle()
    assert labels(report) == {"never_announced": 9}
    assert report.feed_check.feed is False
    assert silent(report) == []
    stage.restart(**FEED)
    await unheard(stage, 1, "later")
    assert silent(await stage.settle()) == []  # what came before the feed was turned on does not count


async def test_five_whom_a_feed_reaches_in_time_never_come_to_the_sweep(fed: Stage) -> None:
    for person in await unheard(fed, 9):
        await fed.event_about(person)
    report = await fed.settle()
    assert report.drift == {}
    assert silent(report) == []
