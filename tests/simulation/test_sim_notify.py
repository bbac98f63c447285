"""People outside are told what needs them: once for each reason, through outages and crashes, and without a name."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from sandbox.faults import Effect
from shared.adapters.webhook.payloads import plain_json, teams_message
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.health import Health, ShelfCount
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.notices.notice import Notice, NoticeKind
from shared.domain.reasons import Code
from shared.errors import Permanent, Transient
from shared.services.mail_check import check_mail
from shared.services.notify import notify
from shared.services.pauses import set_pause
from tests.reports import report
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, NL, POLICY, TESS, TREASURY, world
from tests.simulation.stage import Stage

ALL = frozenset(NoticeKind)
HOLDING_BACK = POLICY + "daily_limits: { mover_revokes: 0/0/0 }\n"


@dataclass
class Outside:
    """A channel that remembers what it was told, and can be away, refuse, or take a notice and lose the answer."""

    name: str = "webhook"
    kinds: frozenset[NoticeKind] = ALL - {NoticeKind.DIGEST}
    heard: list[Notice] = field(default_factory=list)
    fails: Exception | None = None
    loses_the_answer: bool = False
    asked: int = 0

    async def tell(self, notice: Notice) -> None:
        self.asked += 1
        if self.fails is not None and not self.loses_the_answer:
            raise self.fails
        self.heard.append(notice)
        if self.fails is not None:
            raise self.fails

    @property
    def told(self) -> list[str]:
        """The kinds of what arrived, each notice once, in order."""
        return [one.kind.value for one in {one.id: one for one in self.heard}.values()]

    def lines(self, kind: NoticeKind) -> list[str]:
        """What was said of a kind."""
        return [line["text"] for one in self.heard if one.kind is kind for line in plain_json(one, "")["lines"]]


async def runs(stage: Stage, outside: Outside, *, hours: int = 0, sweeps: bool = True) -> list[str]:
    """Runs the timer every five minutes for so long, and once more; the kinds that arrived meanwhile."""
    before = len(outside.told)
    for _ in range(hours):
        for _ in range(12):
            await notify(stage.app, [outside])
            await stage.advance(minutes=5)
        if sweeps:
            await stage.sweep()
    await notify(stage.app, [outside])
    return outside.told[before:]


async def trouble(stage: Stage) -> None:
    """One of each: a decision, a pause, a leaver's unmanaged access, an invoice that goes nowhere."""
    stage.leave(TREASURY, TESS)
    stage.give(NL, DIETER)
    stage.change(DIETER, accountEnabled=False)
    await stage.settle()
    await stage.sweep()
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said="Femke de Boer said so"), by="felix")
    await check_mail(stage.app)


@pytest.fixture
async def troubled(set_stage: Callable[..., Stage]) -> Stage:
    stage = set_stage(policy=HOLDING_BACK)
    stage.join(TREASURY, FEMKE)  # somebody stays in the group, so that its rule is known
    await stage.settle()
    await trouble(stage)
    return stage


async def test_each_reason_is_told_once(troubled: Stage) -> None:
    outside = Outside()
    told = await runs(troubled, outside, hours=3)
    assert sorted(told) == ["decision", "leaver-holds-unmanaged", "pause", "will-not-mail"]
    assert outside.lines(NoticeKind.DECISION) == ["remove (still work here): 1 person on 1 profile"]
    assert outside.lines(NoticeKind.LEAVERS) == ["Contoso Nederland: 1 person"]
    (pause,) = outside.lines(NoticeKind.PAUSE)
    assert pause.startswith("an operator paused them, everywhere, since 2026-03-02")
    assert "Fabrikam, invoice day 2026-03-05: nobody who gets its invoices can read mail" in "".join(
        outside.lines(NoticeKind.MAIL)
    )


async def test_nothing_of_a_person_leaves_the_house(troubled: Stage) -> None:
    outside = Outside()
    await runs(troubled, outside)
    said = json.dumps([plain_json(one, "https://page.example") for one in outside.heard])
    said += json.dumps([teams_message(one, "https://page.example") for one in outside.heard])
    people = [*world()["users"]]
    for inside in ["Femke", "felix", *(user["mail"] for user in people), *(user["id"] for user in people)]:
        assert inside.lower() not in said.lower()


async def test_all_is_well_and_nobody_is_told_anything(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await stage.settle()
    stage.give(DE, HARRY)
    outside = Outside()
    assert await runs(stage, outside, hours=1) == []
    assert (await stage.app.state.telling("webhook")).value.told == {}


async def test_what_ended_and_comes_back_is_told_again(stage: Stage) -> None:
    outside = Outside()
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said=""), by="felix")
    assert await runs(stage, outside) == ["pause"]
    row = await stage.app.state.pauses()
    await stage.app.state.put_pauses(row.becoming(type(row.value)()))
    assert await runs(stage, outside) == []
    await stage.advance(minutes=1)
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said=""), by="felix")
    assert await runs(stage, outside) == ["pause"]


async def test_an_outage_of_the_channel_loses_nothing_and_repeats_nothing(troubled: Stage) -> None:
    outside = Outside(fails=Transient("away"))
    assert await runs(troubled, outside, hours=24) == []
    assert 24 <= outside.asked <= 30  # every five minutes at first, then once an hour
    outside.fails = None
    told = await runs(troubled, outside, hours=2)
    assert sorted(told) == ["decision", "leaver-holds-unmanaged", "pause", "will-not-mail"]
    assert len(outside.heard) == len(told)


async def test_a_notice_whose_answer_is_lost_comes_again_under_the_same_id(troubled: Stage) -> None:
    outside = Outside(fails=Transient("no answer"), loses_the_answer=True)
    await runs(troubled, outside, hours=1)
    assert len(outside.heard) > 1
    outside.fails = None
    await runs(troubled, outside, hours=2)
    assert sorted(outside.told) == ["decision", "leaver-holds-unmanaged", "pause", "will-not-mail"]


@pytest.mark.parametrize("write", [1, 2, 3], ids=["before", "the first was told", "the second was told"])
async def test_a_crash_at_any_write_tells_everything_all_the_same(troubled: Stage, write: int) -> None:
    outside = Outside()

    async def dies() -> None:
        raise KeyboardInterrupt

    troubled.state_rows.at_write(dies, "notices", spare=write - 1, times=1)
    with pytest.raises(KeyboardInterrupt):
        await notify(troubled.app, [outside])
    troubled.restart()
    await runs(troubled, outside)
    assert sorted(outside.told) == ["decision", "leaver-holds-unmanaged", "pause", "will-not-mail"]
    assert len(outside.heard) == 4 + (write > 1)  # the one whose arrival was not stored came twice


async def test_a_refused_notice_stands_in_nobody_s_way(troubled: Stage) -> None:
    outside = Outside(fails=Permanent("answers 400"))
    await runs(troubled, outside, hours=1)
    refused = outside.asked
    assert refused > 1
    outside.fails = None
    await runs(troubled, outside, hours=2)
    assert sorted(outside.told) == ["decision", "leaver-holds-unmanaged", "pause", "will-not-mail"]


async def test_a_channel_that_is_away_costs_no_other(troubled: Stage) -> None:
    away, there = Outside(name="webhook", fails=Transient("away")), Outside(name="teams")
    await notify(troubled.app, [away, there])
    assert len(there.told) == 4
    assert away.told == []


async def test_a_channel_that_comes_later_is_told_what_stands(troubled: Stage) -> None:
    await runs(troubled, Outside(name="webhook"))
    assert len(await runs(troubled, Outside(name="teams"))) == 4


async def test_checks_that_fail_are_told_once_until_they_are_well_for_hours(stage: Stage) -> None:
    outside = Outside()
    broken = stage.fault("graph", Effect(status=503), path=".*/groups/.*")
    await stage.sweep()
    assert await runs(stage, outside) == ["check-failed"]
    await stage.advance(hours=1)
    await stage.sweep()
    assert await runs(stage, outside) == []
    stage.faults.lift(broken.id)
    await stage.advance(hours=1)
    await stage.sweep()
    assert await runs(stage, outside, hours=1) == []
    broken = stage.fault("graph", Effect(status=503), path=".*/groups/.*")
    await stage.sweep()
    assert await runs(stage, outside) == []  # on and off within hours is one reason
    stage.faults.lift(broken.id)
    for _ in range(8):
        await stage.settle()
        await runs(stage, outside)
    stage.fault("graph", Effect(status=503), path=".*/groups/.*")
    await stage.sweep()
    assert await runs(stage, outside) == ["check-failed"]


async def test_checks_that_do_not_come_any_more_are_told(stage: Stage) -> None:
    outside = Outside()
    await stage.sweep()
    assert await runs(stage, outside, hours=2, sweeps=False) == []
    assert await runs(stage, outside, hours=2, sweeps=False) == ["check-failed"]
    assert outside.lines(NoticeKind.CHECK_FAILED) == [
        "the last one began at 2026-03-02 10:00 UTC, and none has ended since"
    ]


async def test_an_incomplete_check_forgets_nothing_that_was_told(troubled: Stage) -> None:
    outside = Outside()
    await runs(troubled, outside)
    troubled.fault("graph", Effect(status=503), path=".*/users$")  # nobody is listed, so that nobody is found
    for _ in range(30):
        await troubled.sweep()
        await troubled.advance(hours=1)
        await notify(troubled.app, [outside])
    troubled.faults.lift()
    await troubled.sweep()
    await notify(troubled.app, [outside])
    assert outside.told.count("leaver-holds-unmanaged") == 1


async def test_a_mail_finding_is_told_once_for_each_invoice_day(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    stage.set_profile(NL, invoiceEmailOptIn=False)
    outside = Outside(kinds=frozenset({NoticeKind.MAIL}))
    for _ in range(24 * 4):
        await check_mail(stage.app)
        await notify(stage.app, [outside])
        await stage.advance(hours=1)
    mine = [line for line in outside.lines(NoticeKind.MAIL) if line.startswith("Contoso Nederland")]
    assert mine == [
        "Contoso Nederland, invoice day 2026-03-05: opted out although the policy keeps it opted in",
    ]
    await stage.advance(to=datetime(2026, 4, 2, 9, tzinfo=UTC))
    await check_mail(stage.app)
    await notify(stage.app, [outside])
    again = [line for line in outside.lines(NoticeKind.MAIL) if line.startswith("Contoso Nederland")]
    assert len(again) == 2
    assert "2026-04-05" in again[1]


async def test_the_digest_comes_on_monday_morning_and_once_a_week(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(start=datetime(2026, 3, 1, 22, tzinfo=UTC))  # a Sunday evening in Amsterdam
    outside = Outside(name="digest", kinds=frozenset({NoticeKind.DIGEST}))
    arrived: list[datetime] = []
    for monday in (2, 9):
        for _ in range(12):
            await stage.sweep()
            await stage.run_until_quiet()
            before = len(outside.heard)
            await notify(stage.app, [outside])
            arrived += [stage.now] * (len(outside.heard) - before)
            await stage.advance(hours=1)
        await stage.advance(to=datetime(2026, 3, monday + 6, 22, tzinfo=UTC))
    # The first at once, for the week that is under way: whoever turned it on sees that it works.
    assert [f"{one:%a %H}" for one in arrived] == ["Sun 22", "Mon 07", "Mon 07"]
    titles = [plain_json(one, "")["title"]["text"] for one in outside.heard]
    assert titles[1:] == ["3 of 4 active profiles will mail their next invoice"] * 2  # nobody is at Fabrikam's
    first, second = ([line["text"] for line in plain_json(one, "")["lines"]] for one in outside.heard[1:])
    assert first[0].startswith("Fabrikam, invoice day 2026-03-05: nobody who gets its invoices can read mail")
    assert first[1:] == ["2026-03-05: 3 profiles, 1 to 2 people each"]
    assert second[1:] == ["2026-04-05: 3 profiles, 1 to 2 people each"]


async def test_a_digest_without_a_check_that_is_new_enough_waits_and_then_says_so(stage: Stage) -> None:
    outside = Outside(name="digest", kinds=frozenset({NoticeKind.DIGEST}))
    await notify(stage.app, [outside])  # Monday, eleven in the morning
    assert len(outside.heard) == 1
    await stage.advance(to=datetime(2026, 3, 9, 8, tzinfo=UTC))
    assert await runs(stage, outside) == []
    await stage.advance(to=datetime(2026, 3, 9, 13, 30, tzinfo=UTC))
    assert await runs(stage, outside) == ["digest"]
    assert plain_json(outside.heard[-1], "")["title"]["text"].startswith("nobody knows whether the next invoices")


async def looked(stage: Stage, rejected: int | None, dead: int, *, more: bool = False) -> None:
    """A look at the queues found so many."""
    shelves = (
        ShelfCount("rejected-events", is_dead=False, count=rejected, more=more),
        ShelfCount("people-events", is_dead=True, count=dead),
        ShelfCount("access-work", is_dead=True, count=0),
    )
    await stage.app.state.put_health(Health(stage.now, shelves))


async def test_shelves_are_told_when_something_lies_there_and_when_it_doubles(stage: Stage) -> None:
    outside = Outside()
    told = []
    for rejected, dead in [(0, 0), (1, 0), (1, 0), (2, 0), (3, 0), (9, 1), (4, 1), (9, 1), (0, 0), (1, 0)]:
        await stage.advance(minutes=5)
        await looked(stage, rejected, dead)
        told.append(await runs(stage, outside))
    assert told == [
        *([], ["rejected-events"], [], ["rejected-events"], []),
        *(["rejected-events", "dead-letters"], [], ["rejected-events"], [], ["rejected-events"]),
    ]
    assert outside.lines(NoticeKind.REJECTED)[:3] == [
        "1 waits until their sender corrects them",
        "2 wait until their sender corrects them",
        "9 wait until their sender corrects them",
    ]


async def test_a_look_that_is_old_or_knows_nothing_tells_and_forgets_nothing(stage: Stage) -> None:
    outside = Outside()
    await looked(stage, 100, 0, more=True)
    assert await runs(stage, outside) == ["rejected-events"]
    assert outside.lines(NoticeKind.REJECTED) == ["100 or more wait until their sender corrects them"]
    await looked(stage, None, 0)
    assert await runs(stage, outside) == []
    await stage.advance(minutes=20)
    await looked(stage, 100, 0, more=True)
    assert await runs(stage, outside) == []
    await looked(stage, 0, 0)
    await stage.advance(minutes=20)
    assert await runs(stage, outside) == []  # by now it is old, and nobody has seen that they are gone
    await looked(stage, 100, 0)
    assert await runs(stage, outside) == []


async def test_a_silent_feed_is_told_once_a_spell(stage: Stage) -> None:
    outside, silent = Outside(), Finding(kind=FindingKind.FEED_SILENT, why=Code.FEED_SILENT(never=6, of=6))
    told = []
    for hour, findings in enumerate([(), (silent,), (), (silent,), *[()] * 25, (silent,)]):
        started = stage.now
        await stage.app.state.put_report(report(started, findings=findings))
        told += [(hour, kind) for kind in await runs(stage, outside)]
        await stage.advance(hours=1)
    assert told == [(1, "feed-silent"), (29, "feed-silent")]
    assert outside.lines(NoticeKind.FEED)[0].startswith("6 of 6 drifts of people within a day were never announced")


async def test_a_profile_that_cannot_be_checked_is_told_after_hours(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await stage.settle()
    stage.give(DE, HARRY)
    stage.fault("arm", Effect(status=403), path=f".*/{DE.profile}/billingRoleAssignments$")
    outside = Outside(kinds=frozenset({NoticeKind.MAIL}))
    told = []
    for hour in range(10):
        await check_mail(stage.app)
        await notify(stage.app, [outside])
        told.append(any(line.startswith("Contoso Deutschland") for line in outside.lines(NoticeKind.MAIL)))
        await stage.advance(hours=1)
        assert told[-1] == (hour >= 6)
    assert "could not be checked for hours" in outside.lines(NoticeKind.MAIL)[-1]
    assert "403" not in "".join(outside.lines(NoticeKind.MAIL))


async def test_where_nothing_is_written_checks_that_fail_are_told_as_well(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    outside = Outside(kinds=frozenset({NoticeKind.CHECK_FAILED, NoticeKind.PAUSE}))
    await stage.sweep()
    assert await runs(stage, outside) == []
    stage.fault("graph", Effect(status=503), path=".*/groups/.*")
    await stage.sweep()
    assert await runs(stage, outside) == ["check-failed"]


async def test_a_state_that_cannot_be_read_tells_nothing_and_forgets_nothing(stage: Stage) -> None:
    outside = Outside()
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said=""), by="felix")
    assert await runs(stage, outside) == ["pause"]

    stage.state_rows.at_read(Permanent("a row is damaged"), "guards", key="pauses")
    assert await runs(stage, outside) == []
    stage.state_rows.lift()
    assert await runs(stage, outside) == []
