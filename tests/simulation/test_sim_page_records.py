"""Activity and Health on the page: what was done, by which record; and whether anything does not run."""

import csv
import io
import logging
from dataclasses import replace

import pytest

from shared.domain.health import Health, LastHeard, ShelfCount
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.leavers import Departure, LeaverDay, LeaverDays
from shared.domain.history.proof import Fault, Proof, Proofs
from shared.domain.history.records import DecisionBody, Record, Verb
from shared.domain.reasons import Code
from shared.services.operate import decisions
from shared.services.operate.activity import MOST_LOOKED_AT
from tests.simulation.at_the_desk import AUDITOR, OLGA, READER, Browser, Seen
from tests.simulation.small_world import FEMKE, NL
from tests.simulation.stage import Stage


async def swept(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.sweep()


async def look(stage: Stage, *shelves: ShelfCount) -> None:
    await stage.app.state.put_health(Health(stage.now, shelves, (LastHeard("/hr", stage.now),)))


def shelf(queue: str, count: int | None, *, is_dead: bool = False) -> ShelfCount:
    return ShelfCount(queue, is_dead=is_dead, count=count)


async def prove(stage: Stage, *faults: Fault) -> None:
    row = await stage.app.state.proofs()
    proof = Proof(stage.now, "7:3f9a17c2", 5, 40, len(faults), faults)
    await stage.app.state.put_proofs(row.becoming(Proofs(proof)))


# -- Activity


async def test_what_was_given_is_told_with_its_reason_and_its_record(stage: Stage) -> None:
    await swept(stage)
    text = Seen(await Browser(stage, READER).page("/activity")).text
    assert "femke was given Contoso Nederland Given by rule own-company" in text
    assert f"person:{FEMKE}#" in text


async def test_page_and_json_have_the_same_entries(stage: Stage) -> None:
    await swept(stage)
    await decisions.pause(stage.app, OLGA, "key rotation")
    text = Seen(await Browser(stage, READER).page("/activity")).text
    entries = (await Browser(stage, READER).document("/activity"))["entries"]
    assert [item["kind"] for item in entries[0]["items"]] == ["paused"]
    assert len(entries) > 1
    assert all(f"{one['key']}#{one['record']}" in text for one in entries)


async def test_it_is_narrowed_to_a_person_by_a_search_whose_name_is_in_no_link(stage: Stage) -> None:
    await swept(stage)
    reply = await Browser(stage, AUDITOR).post("/activity", {"q": "femke"})
    seen = Seen(reply.body.decode())
    assert seen.h1 == "What happened to femke"
    assert "dieter" not in seen.text
    assert f"/activity?as=csv&person={FEMKE}" in seen.links


async def test_it_is_narrowed_to_a_kind(stage: Stage) -> None:
    await swept(stage)
    await decisions.pause(stage.app, OLGA, "key rotation")
    document = await Browser(stage, READER).document("/activity?what=paused")
    assert {item["kind"] for one in document["entries"] for item in one["items"]} == {"paused"}


@pytest.mark.parametrize(
    ("form", "status"),
    [({"q": "nobody at all"}, 404), ({"from": "yesterday"}, 400), ({"from": "2036-01-01"}, 400), ({"until": "x"}, 400)],
)
async def test_what_cannot_be_asked_is_said(stage: Stage, form: dict[str, str], status: int) -> None:
    await swept(stage)
    assert (await Browser(stage, READER).post("/activity", form)).status == status


async def test_a_file_of_it_is_for_auditors(stage: Stage) -> None:
    await swept(stage)
    assert (await Browser(stage, READER).get("/activity?as=csv")).status == 403
    reply = await Browser(stage, AUDITOR).get(f"/activity?as=csv&person={FEMKE}")
    rows = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
    assert [(row["kind"], row["person"], row["profiles"]) for row in rows] == [("given", "femke", "Contoso Nederland")]


async def test_a_file_of_it_has_all_of_it_and_who_took_it_is_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.sweep()
    for number in range(MOST_LOOKED_AT + 1):
        await stage.app.ledger.index(Record("operator", number + 1, stage.now, DecisionBody(Verb.PAUSE, OLGA), "", ""))
    with caplog.at_level(logging.INFO):
        reply = await Browser(stage, AUDITOR).get("/activity?as=csv&what=paused")
    assert reply.body.decode().count(",paused,") == MOST_LOOKED_AT + 1
    (told,) = [one.getMessage() for one in caplog.records if one.getMessage().startswith("page: ")]
    assert f'"asked": "activity", "by": "{AUDITOR}"' in told


async def test_the_overview_has_the_latest_changes(stage: Stage) -> None:
    await swept(stage)
    assert "femke was given Contoso Nederland" in Seen(await Browser(stage, READER).page("/")).text


# -- Health


async def heading(stage: Stage) -> str:
    return Seen(await Browser(stage, READER).page("/health")).h1


async def test_everything_runs_where_every_check_is_good(stage: Stage) -> None:
    await swept(stage)
    await look(stage, shelf("people-events", 0), shelf("rejected-events", 0), shelf("access-work", 0, is_dead=True))
    await prove(stage)
    assert await heading(stage) == "Everything runs"
    assert (await Browser(stage, READER).document("/health"))["verdict"] == "good"


@pytest.mark.parametrize(
    ("shelves", "said"),
    [
        ((shelf("rejected-events", 2),), "1 check needs somebody"),
        ((shelf("access-work", 1, is_dead=True), shelf("rejected-events", 1)), "2 checks need somebody"),
        ((shelf("people-events", None),), "Everything that is known runs"),
        ((shelf("access-work", None),), "Everything runs"),
        ((shelf("people-events", 40),), "Everything runs"),
    ],
)
async def test_a_queue_that_needs_somebody_is_in_the_heading(
    stage: Stage, shelves: tuple[ShelfCount, ...], said: str
) -> None:
    await swept(stage)
    await look(stage, *shelves)
    await prove(stage)
    assert await heading(stage) == said


async def test_a_record_that_does_not_hold_is_never_good(stage: Stage) -> None:
    await swept(stage)
    await look(stage)
    await prove(stage, Fault(f"profile:{NL}", "record 2 is missing"))
    assert await heading(stage) == "1 check needs somebody"


async def test_what_is_not_looked_at_any_more_is_not_known(stage: Stage) -> None:
    await swept(stage)
    await look(stage, shelf("people-events", 0))
    await prove(stage)
    await stage.advance(minutes=16)
    seen = Seen(await Browser(stage, READER).page("/health"))
    assert seen.h1 == "1 check needs somebody"
    assert "not known since the last look, 16 minutes ago" in seen.text


async def test_a_feed_is_not_good_where_full_checks_are_too_old_to_say_so(stage: Stage) -> None:
    await swept(stage)
    feed = {one["name"]: one["state"] for one in (await Browser(stage, READER).document("/health"))["checks"]}["feed"]
    assert feed == "good"
    await stage.advance(hours=3)
    feed = {one["name"]: one["state"] for one in (await Browser(stage, READER).document("/health"))["checks"]}["feed"]
    assert feed == "unknown"


async def test_leavers_have_a_chart_with_a_table_and_a_sentence(stage: Stage) -> None:
    await swept(stage)
    today = stage.now.date().isoformat()
    gone = (Departure(FEMKE, 3, stage.now, 4.0), Departure(OLGA, 3, stage.now, 700.0))
    await stage.app.state.put_leaver_days(LeaverDays(stage.now, (LeaverDay(today, gone),)), stage.now)
    page = await Browser(stage, READER).page("/health")
    seen = Seen(page)
    assert "2 people who left were removed in the last 30 days, each within 12 minutes of being known." in seen.text
    assert 'class="dot late"' in page
    assert "As a table" in seen.text


async def test_what_health_finds_is_something_to_do_as_well(stage: Stage) -> None:
    await swept(stage)
    await look(stage, shelf("rejected-events", 2), shelf("access-work", 1, is_dead=True))
    await prove(stage, Fault(f"profile:{NL}", "record 2 is missing"))
    for url in ("/", "/todo"):
        text = Seen(await Browser(stage, READER).page(url)).text
        assert "2 events could not be used" in text
        assert "1 message was given up" in text
        assert "1 chain of the record does not hold" in text


@pytest.mark.parametrize("kind", list(FindingKind))
async def test_every_kind_of_finding_has_words_on_the_page(stage: Stage, kind: FindingKind) -> None:
    await swept(stage)
    (report,) = await stage.app.state.reports(1)
    await stage.advance(minutes=1)
    finding = Finding(kind=kind, why=Code.SAID(said="what was found"), profile=NL, principal=FEMKE)
    await stage.app.state.put_report(replace(report, sweep="later", started=stage.now, findings=(finding,)))
    text = Seen(await Browser(stage, READER).page("/todo")).text
    assert "femke" in text
    assert "Contoso Nederland" in text
