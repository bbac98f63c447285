"""As of a date on the page: what the record says of a day, for auditors; as a file that no spreadsheet computes."""

import csv
import io
import json
import logging

import pytest

from tests.simulation.at_the_desk import AUDITOR, READER, Browser, Seen
from tests.simulation.small_world import FEMKE, NL
from tests.simulation.stage import Stage


async def after_a_day(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.advance(hours=30)
    await stage.sweep()


async def test_it_answers_who_was_invoice_manager_on_a_day(stage: Stage) -> None:
    await after_a_day(stage)
    reply = await Browser(stage, AUDITOR).post("/as-of", {"on": "2026-03-02", "profile": str(NL)})
    seen = Seen(reply.body.decode())
    assert seen.h1 == "On 2 March 2026, 2 were Invoice managers of Contoso Nederland"
    assert "femke Invoice manager Contoso Nederland Rule own-company" in seen.text


async def test_a_person_is_found_by_name_and_named_by_id_in_the_links(stage: Stage) -> None:
    await after_a_day(stage)
    reply = await Browser(stage, AUDITOR).post("/as-of", {"on": "2026-03-02", "person": "femke"})
    seen = Seen(reply.body.decode())
    assert seen.h1 == "On 2 March 2026, femke had 1 role"
    (file,) = [link for link in seen.links if link.endswith("as=csv")]
    assert FEMKE in file
    assert "femke" not in file


async def test_page_and_json_say_the_same_people(stage: Stage) -> None:
    await after_a_day(stage)
    text = Seen(await Browser(stage, AUDITOR).page(f"/as-of?on=2026-03-02&profile={NL}")).text
    document = await Browser(stage, AUDITOR).document(f"/as-of?on=2026-03-02&profile={NL}")
    assert [one["person"] for one in document["access"]] != []
    assert all(one["person"] in text and one["record"] in text for one in document["access"])


async def test_a_file_has_a_row_each_and_no_formula(stage: Stage) -> None:
    stage.change(FEMKE, displayName="=HYPERLINK(1)")
    await after_a_day(stage)
    reply = await Browser(stage, AUDITOR).get("/as-of?on=2026-03-02&as=csv")
    assert reply.media_type == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="access-2026-03-02.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
    assert "'=HYPERLINK(1)" in {row["person"] for row in rows}
    lines = (await Browser(stage, AUDITOR).get("/as-of?on=2026-03-02&as=jsonl")).body.decode().splitlines()
    assert len([json.loads(line) for line in lines]) == len(rows)


async def test_readers_are_told_which_role_it_takes(stage: Stage) -> None:
    await after_a_day(stage)
    for url in ("/as-of", "/as-of?on=2026-03-02&as=csv", "/api/as-of?on=2026-03-02"):
        assert (await Browser(stage, READER).get(url)).status == 403
    assert "/as-of" not in Seen(await Browser(stage, READER).page("/")).links


@pytest.mark.parametrize("on", ["2026-02-30", "yesterday", "2036-01-01", "0000-00-00", "9999-12-31"])
async def test_what_is_no_day_of_the_past_is_said(stage: Stage, on: str) -> None:
    await after_a_day(stage)
    reply = await Browser(stage, AUDITOR).get(f"/as-of?on={on}")
    assert (reply.status, Seen(reply.body.decode()).h1) == (400, "That is not a date")


async def test_an_unknown_person_or_profile_is_looked_for_and_the_nearest_named(stage: Stage) -> None:
    await after_a_day(stage)
    browser = Browser(stage, AUDITOR)
    reply = await browser.post("/as-of", {"on": "2026-03-02", "person": "femka"})
    assert (reply.status, f"/people/{FEMKE}" in Seen(reply.body.decode()).links) == (404, True)
    assert (await browser.get("/as-of?on=2026-03-02&profile=none")).status == 404


async def test_who_asked_is_kept_in_the_log_by_id(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    await after_a_day(stage)
    with caplog.at_level(logging.INFO, "shared.desk.pages.as_of"):
        await Browser(stage, AUDITOR).post("/as-of", {"on": "2026-03-02", "person": "femke"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "shared.desk.pages.as_of"]
    assert AUDITOR in line
    assert FEMKE in line
    assert "femke" not in line
