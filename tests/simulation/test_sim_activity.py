"""Activity: what was changed, held or decided is found in the order in which it happened, and nothing else is."""

from datetime import timedelta

import pytest

from shared.adapters.store.rows import Delete
from shared.domain.history.activity import ActivityKind, Noted
from shared.domain.keys import NameKind
from shared.domain.reasons import Code
from shared.errors import Transient
from shared.services.operate.activity import Asked, every_activity, read_activity
from shared.services.operate.decisions import pause, resume
from shared.services.proof import prove_when_due
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, HOLDING, NL, POLICY, TESS
from tests.simulation.stage import Stage, identity

NARROW = POLICY + "daily_limits: { mover_revokes: 0/0/0 % }\n"


async def told(stage: Stage, **asked: object) -> list[tuple[str, str, tuple[object, ...]]]:
    """Kind, person and profiles of each item, the newest first."""
    return [
        (item.kind.value, item.person, item.profiles)
        async for entry in every_activity(stage.app.ledger, Asked(**asked))  # type: ignore[arg-type]
        for item in entry.items
    ]


async def entries(stage: Stage) -> list[Noted]:
    return [one async for one in every_activity(stage.app.ledger, Asked())]


async def test_what_was_given_and_removed_is_told_with_its_reason_cause_and_record(stage: Stage) -> None:
    stage.change(DIETER, accountEnabled=False)
    await stage.event_about(DIETER, event_id="77")
    removed = (await entries(stage))[0]
    assert (removed.key, removed.cause, removed.origin) == (f"person:{DIETER}", "event", "/hr#77")
    (item,) = removed.items
    assert (item.kind, item.person, item.profiles) == (ActivityKind.REMOVED, DIETER, (DE,))
    assert item.why == Code.ACCOUNT_DISABLED()
    record = (await stage.records(DIETER))[removed.sequence - 1]
    assert (record.at, record.kind) == (removed.at, "check")


async def test_a_check_that_changes_nothing_leaves_no_entry_and_writes_no_row_more(stage: Stage) -> None:
    await stage.settle()
    before, written = len(await entries(stage)), len(stage.ledger_rows.written)
    await stage.event_about(FEMKE)
    assert (await stage.last_check(FEMKE)).outcome == "unchanged"
    assert len(await entries(stage)) == before
    assert [partition for partition, _ in stage.ledger_rows.written[written:]] == [f"ledger:person:{FEMKE}"]


async def test_what_is_held_is_told_once_however_often_it_is_checked(stage: Stage) -> None:
    await stage.settle()
    stage.restart(policy=NARROW)
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert (await stage.last_check(FEMKE)).outcome == "held"
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    held = [one for one in await told(stage) if one[0] == "held"]
    assert held == [("held", FEMKE, (NL,))]


async def test_an_operators_pause_and_resume_are_told_with_who_and_why(stage: Stage) -> None:
    await pause(stage.app, HARRY, "Key rotation in HR")
    await resume(stage.app, TESS)
    resumed, paused = (await entries(stage))[:2]
    assert (paused.by, paused.items[0].kind) == (HARRY, ActivityKind.PAUSED)
    assert (resumed.by, resumed.items[0].kind) == (TESS, ActivityKind.RESUMED)
    assert paused.items[0].why == Code.SAID(said="Key rotation in HR")


async def test_a_name_that_nobody_has_is_told_when_it_comes_and_not_at_each_look(stage: Stage) -> None:
    await stage.tell("employee-id:E502")
    await stage.advance(hours=3)
    assert len(await stage.records(identity(NameKind.EMPLOYEE_ID, "E502"))) > 2
    assert len(await told(stage, kinds={ActivityKind.NOT_FOUND})) == 1


async def test_what_others_gave_is_told_when_a_sweep_sees_it(stage: Stage) -> None:
    await stage.settle()
    stage.give(HOLDING, DIETER)
    await stage.settle()
    found = [one for one in await told(stage, person=DIETER) if one[0] == "by-others"]
    assert found == [("by-others", DIETER, (HOLDING,))]


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"person": FEMKE}, {"given", "removed"}),
        ({"person": FEMKE.upper(), "kinds": {ActivityKind.REMOVED}}, {"removed"}),
        ({"profile": DE}, {"given"}),
        ({"causes": {"operator"}}, set()),
        ({"kinds": {ActivityKind.MAIL_ON}}, set()),
    ],
)
async def test_a_filter_leaves_what_it_asks_for(stage: Stage, asked: dict[str, object], kinds: set[str]) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    found = await told(stage, **asked)
    assert {kind for kind, *_ in found} - {"by-others"} == kinds
    for _, person, profiles in found:
        assert person == FEMKE if "person" in asked else True
        assert DE in profiles if "profile" in asked else True


async def test_pages_join_to_the_whole_and_days_bound_it(stage: Stage) -> None:
    await stage.settle()
    await stage.advance(days=1)
    noon = stage.now
    for person in (FEMKE, TESS):
        stage.change(person, accountEnabled=False)
        await stage.event_about(person)
    whole = await entries(stage)
    paged: list[Noted] = []
    mark = ""
    while True:
        page = await read_activity(stage.app.ledger, Asked(), most=1, before=mark)
        paged += page.entries
        mark = page.older
        if not mark:
            break
    assert paged == whole
    assert len(await told(stage, start=noon)) == 2
    assert {kind for kind, *_ in await told(stage, end=noon)} == {"given", "by-others"}
    assert await told(stage, start=noon + timedelta(hours=1)) == []


async def test_an_entry_that_could_not_be_written_is_put_in_by_the_daily_proof(stage: Stage) -> None:
    stage.ledger_rows.at_write(Transient("away"), "activity")
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()  # nothing waited for it
    assert ("removed", FEMKE, (NL,)) not in await told(stage)
    stage.ledger_rows.lift()
    await prove_when_due(stage.app)
    assert (await told(stage))[0] == ("removed", FEMKE, (NL,))


async def test_an_index_that_was_lost_is_made_of_the_chains_again(stage: Stage) -> None:
    await stage.settle()
    await pause(stage.app, HARRY, "A test")
    before = await entries(stage)
    rows = [row async for row in stage.ledger_rows.range("activity", "", "~")]
    await stage.ledger_rows.write("activity", *(Delete(row.key, row.etag) for row in rows))
    assert await entries(stage) == []
    await prove_when_due(stage.app)
    assert await entries(stage) == before


async def test_the_next_proof_reads_only_what_came_since(stage: Stage) -> None:
    await stage.settle()
    await stage.advance(days=1)
    await stage.sweep()  # takes a digest of everything so far
    await prove_when_due(stage.app)
    await stage.advance(days=1)
    rows = [row async for row in stage.ledger_rows.range("activity", "", "~")]
    await stage.ledger_rows.write("activity", *(Delete(row.key, row.etag) for row in rows))
    await prove_when_due(stage.app)
    assert await entries(stage) == []


async def test_observing_nothing_is_told_as_given(stage: Stage) -> None:
    stage.restart(policy=POLICY.replace("enforce: all", "enforce: none"))
    anna, before = stage.hire("anna"), len(await told(stage))
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).outcome == "would"
    assert len(await told(stage)) == before
