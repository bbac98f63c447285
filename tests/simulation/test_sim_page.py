"""The page of a small company: each answers its question in its heading, in every state, and JSON says the same."""

import json
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it says nothing of its types
import pytest

from sandbox.faults import Effect
from shared.desk import openapi
from shared.services.mail_check import check_mail
from shared.services.operate.decisions import pause
from tests.simulation.at_the_desk import AUDITOR, HOST, OLGA, READER, Browser, Seen, principal
from tests.simulation.small_world import DIETER, FEMKE, HARRY, NL, PARTNER, POLICY, TENANT, TESS, TREASURY, guid
from tests.simulation.stage import Stage

PAGES = (
    "/",
    "/overview",
    "/todo",
    "/profiles",
    f"/profiles/{NL}",
    "/people",
    f"/people/{FEMKE}",
    "/activity",
    "/health",
    "/words",
)


async def heading(stage: Stage, url: str = "/", person: str = READER) -> str:
    return Seen(await Browser(stage, person).page(url)).h1


async def verdict(stage: Stage, url: str = "/") -> str:
    seen = Seen(await Browser(stage, READER).page(url))
    return next(value for tag, name, value in seen.attributes if name == "class" and value.startswith("verdict"))


async def a_removal_waits(stage: Stage) -> None:
    stage.join(TREASURY, stage.hire("anna"))
    await stage.settle()
    stage.restart(policy=POLICY + "daily_limits: { mover_revokes: 0/0/0 }\n")
    stage.leave(TREASURY, TESS)
    await stage.settle()


# -- Overview, in every state


async def test_before_the_first_full_check_it_says_when_that_is(stage: Stage) -> None:
    stage.lose_state()
    reply = await Browser(stage, READER).get("/")
    seen = Seen(reply.body.decode())
    assert (reply.status, seen.h1) == (200, "No full check yet")
    assert "The next full check is at 12:00 (Europe/Amsterdam)." in seen.text


async def test_a_profile_that_will_not_mail_is_told_first_and_red(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    stage.set_profile(NL, invoiceEmailOptIn=False)
    stage.restart(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.sweep()
    assert "of 4 active profiles will not mail their next invoice." in await heading(stage)
    assert await verdict(stage) == "verdict bad"
    assert "Contoso Nederland : invoice mail is off" in Seen(await Browser(stage, READER).page("/")).text


async def test_what_the_mail_check_found_is_believed_on_every_page(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.sweep()
    await stage.advance(minutes=10)
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await check_mail(stage.app)
    assert "of 4 active profiles will not mail" in await heading(stage)
    assert await verdict(stage, f"/profiles/{NL}") == "verdict bad"
    listed = (await Browser(stage, READER).document("/profiles"))["profiles"]
    assert next(one["will_mail"] for one in listed if one["id"] == str(NL)) is False


async def test_observing_says_that_nothing_is_written(stage: Stage) -> None:
    stage.restart(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.sweep()
    assert "Observing nothing is written" in Seen(await Browser(stage, READER).page("/")).text


async def test_a_pause_is_in_the_heading_and_red(stage: Stage) -> None:
    await stage.sweep()
    await pause(stage.app, OLGA, "key rotation")
    assert (await heading(stage)).startswith("Changes are paused.")
    assert await verdict(stage) == "verdict bad"


async def test_more_than_two_hours_after_the_full_check_nothing_is_green(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, READER)
    await stage.advance(hours=2, minutes=1)
    for url in ("/", f"/profiles/{NL}", f"/people/{FEMKE}"):
        seen = Seen(await browser.page(url))
        assert "verdict bad" in [value for _, name, value in seen.attributes if name == "class"], url
        assert "Not known" in seen.text, url
    assert (await heading(stage)).startswith("Not known since")
    assert (await browser.document("/overview"))["verdict"] == "not-known"


async def test_what_could_not_be_read_is_named_and_red(stage: Stage) -> None:
    await stage.sweep()
    stage.fault("arm", Effect(status=503), path=f".*/{NL.profile}/billingRoleAssignments")
    await stage.sweep()
    seen = Seen(await Browser(stage, READER).page("/"))
    assert seen.h1.startswith("Not everything is known")
    assert "The full check could not read everything" in seen.text


async def test_that_nothing_is_to_do_is_said_of_no_old_and_no_incomplete_check(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    stage.give(PARTNER, HARRY)
    await stage.sweep()
    assert await heading(stage, "/todo") == "Nothing needs a person"
    await stage.advance(hours=2, minutes=1)
    assert (await heading(stage, "/todo")).startswith("Not known since")


async def test_what_waits_is_told_with_how_many_it_is_about(stage: Stage) -> None:
    await a_removal_waits(stage)
    assert "Remove 1 person from 1 profile?" in Seen(await Browser(stage, READER).page("/")).text
    assert "1 change waits for a decision." in await heading(stage, f"/people/{TESS}")


# -- a profile, a person, the lists


async def test_a_profile_says_when_it_mails_and_to_how_many(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.sweep()
    assert await heading(stage, f"/profiles/{NL}") == (
        "Contoso Nederland mails its next invoice on Thursday 5 March to 2 people."
    )


async def test_whoever_left_and_still_receives_is_said_in_the_heading(stage: Stage) -> None:
    stage.give(NL, HARRY)
    stage.change(HARRY, accountEnabled=False)
    await stage.advance(hours=25)
    await stage.settle()
    assert "One of them has left." in await heading(stage, f"/profiles/{NL}")
    assert (await heading(stage, f"/people/{HARRY}")).endswith("They have left.")


async def test_a_person_is_explained_in_five_steps_with_what_would_change_it(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.sweep()
    text = Seen(await Browser(stage, READER).page(f"/people/{FEMKE}")).text
    for step in (
        "1 The directory",
        "2 The policy own-company yes",
        "3 Azure billing",
        "4 The evidence",
        "5 The limits",
    ):
        assert step in text
    assert "Account disabled : Contoso Nederland would be removed at once" in text


async def test_a_search_is_posted_and_finds_by_a_part_of_a_name(stage: Stage) -> None:
    await stage.sweep()
    reply = await Browser(stage, READER).post("/people", {"q": "FEM"})
    seen = Seen(reply.body.decode())
    assert seen.h1 == "1 person matches “FEM”"
    assert f"/people/{FEMKE}" in seen.links
    assert not any("FEM" in link for link in seen.links)


async def test_a_search_that_finds_nobody_names_the_nearest(stage: Stage) -> None:
    await stage.sweep()
    seen = Seen((await Browser(stage, READER).post("/people", {"q": "femka"})).body.decode())
    assert seen.h1 == "0 people match “femka”"
    assert f"/people/{FEMKE}" in seen.links


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"/people/{guid(8, 8)}", "Nobody of this id is known here"),
        ("/people/femke", "Nobody of this id is known here"),
        ("/profiles/none/NL-BG8", "There is no such billing profile"),
        ("/nothing", "There is no such page"),
    ],
)
async def test_what_is_not_there_is_said_with_404(stage: Stage, url: str, said: str) -> None:
    await stage.sweep()
    reply = await Browser(stage, READER).get(url)
    assert (reply.status, Seen(reply.body.decode()).h1) == (404, said)
    program = await Browser(stage, READER).get(f"/api{url}")
    assert (program.status, json.loads(program.body)["schema"]) == (404, "invoice-access/problem/1")


async def test_an_unknown_profile_has_the_nearest_ones_to_go_to(stage: Stage) -> None:
    await stage.sweep()
    seen = Seen((await Browser(stage, READER).get(f"/profiles/{NL.account}/NL-BG8")).body.decode())
    assert any(link.endswith("/NL-BG7") for link in seen.links)


# -- page and JSON


async def test_page_and_json_say_the_same(stage: Stage) -> None:
    await a_removal_waits(stage)
    stage.give(NL, HARRY)
    await stage.sweep()
    browser = Browser(stage, READER)
    for url in PAGES[1:]:
        text = Seen(await browser.page(url)).text
        document = await browser.document(url)
        assert document["complete"] is True
        for shown in told(document):
            assert shown in text, (url, shown)


def told(document: Any) -> list[str]:
    """The names, ids of rules and addresses that a document has: what a reader would miss."""
    found: list[str] = []
    if isinstance(document, dict):
        for name, value in document.items():
            if name in {"name", "rule", "address"} and isinstance(value, str) and "by" not in document:
                found.append(value)
            elif name not in {"by", "person", "should", "roles", "groups", "evidence", "flips", "account", "checks"}:
                found += told(value)
    elif isinstance(document, list):
        for value in document:
            found += told(value)
    return found


async def test_the_documents_are_as_the_openapi_document_promises(stage: Stage) -> None:
    await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    schemas = openapi.schemas()
    (waits,) = (await browser.document(f"/people/{TESS}"))["waits"]
    known = {"{account}/{profile}": str(NL), "{person}": FEMKE}
    for path, operation in openapi.paths().items():
        url = path
        for name, value in known.items():
            url = url.replace(name, value)
        document = await browser.document(url + (f"?of={waits}" if path == "/decision" else ""))
        reference = operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        jsonschema.validate(document, schemas[reference.rpartition("/")[2]])


async def test_before_the_first_full_check_programs_are_told_to_come_again(stage: Stage) -> None:
    stage.lose_state()
    reply = await Browser(stage, READER).get("/api/overview")
    assert (reply.status, json.loads(reply.body)["code"]) == (503, "first-start")


# -- who may see what


async def test_without_the_platforms_sign_in_nothing_is_served(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, OLGA)
    browser.environment = {}
    for url in (*PAGES, *(f"/api{url}" for url in PAGES), "/style.css"):
        reply = await browser.get(url)
        assert reply.status == 503, url
        assert b"Contoso" not in reply.body


@pytest.mark.parametrize("otherwise", [{"tid": guid(1, 2)}, {"aud": guid(9, 9)}, {"oid": None}])
async def test_whoever_is_not_of_ours_gets_401_and_nothing(stage: Stage, otherwise: dict[str, str | None]) -> None:
    await stage.sweep()
    browser = Browser(stage, OLGA)
    browser.headers = principal(OLGA, **otherwise) | {"host": HOST}
    reply = await browser.get("/")
    assert (reply.status, b"Contoso" in reply.body) == (401, False)


async def test_whoever_has_no_role_is_told_whom_to_ask(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, OLGA)
    browser.headers = principal(OLGA, roles=None) | {"host": HOST}
    reply = await browser.get("/people")
    assert (reply.status, Seen(reply.body.decode()).h1) == (403, "You have no role in this app yet")


async def test_a_leave_date_to_come_is_for_operators_alone(stage: Stage) -> None:
    leaves = stage.clock.now() + timedelta(days=20)
    stage.change(DIETER, employeeLeaveDateTime=leaves.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await stage.sweep()
    url = f"/people/{DIETER}"
    day = f"{leaves.day} {leaves:%b}"
    assert f"leave date {day}" in Seen(await Browser(stage, OLGA).page(url)).text
    for person in (READER, AUDITOR):
        text = Seen(await Browser(stage, person).page(url)).text
        assert "leave date" not in text
        assert f"Changes on {day}" in text
        assert leaves.date().isoformat() not in json.dumps((await Browser(stage, person).document(url))["why"])


async def test_a_leave_date_to_come_of_a_disabled_account_is_no_day_on_which_they_left(stage: Stage) -> None:
    leaves = stage.clock.now() + timedelta(days=20)
    await stage.sweep()
    await stage.advance(minutes=5)
    stage.give(NL, DIETER)
    stage.change(DIETER, accountEnabled=False, employeeLeaveDateTime=leaves.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await stage.sweep()
    day = f"{leaves.day} {leaves:%b}"
    for url in ("/todo", "/people?show=left", f"/people/{DIETER}", f"/profiles/{NL}"):
        seen = Seen(await Browser(stage, READER).page(url)).text
        assert "dieter" in seen, url
        assert day not in seen, url
        assert leaves.date().isoformat() not in json.dumps(await Browser(stage, READER).document(url)), url


# -- what a browser is told besides


async def test_every_page_is_kept_by_nobody_and_loads_nothing_of_elsewhere(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, READER)
    for url in (*PAGES, "/nothing"):
        reply = await browser.get(url)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
        seen = Seen(reply.body.decode())
        names = {(tag, name) for tag, name, _ in seen.attributes}
        assert not any(tag == "script" or name == "style" or name.startswith("on") for tag, name in names), url
        sources = [value for _, name, value in seen.attributes if name in {"src", "href", "action"}]
        assert all(value.startswith(("/", "#")) for value in sources), url


async def test_a_name_is_text_and_never_markup(stage: Stage) -> None:
    evil = '"><svg onload=alert(1)><script>x</script>'
    stage.change(FEMKE, displayName=evil)
    await stage.sweep()
    for url in ("/people", f"/people/{FEMKE}", f"/profiles/{NL}"):
        page = await Browser(stage, READER).page(url)
        assert "<svg onload" not in page, url
        assert "<script" not in page, url
    reply = await Browser(stage, READER).post("/people", {"q": evil})
    assert b"<svg onload" not in reply.body


@pytest.mark.parametrize("url", ["/people", "/activity", "/pause", "/decision", "/confirm", "/check"])
async def test_a_form_that_is_none_or_has_no_end_is_refused(stage: Stage, url: str) -> None:
    await stage.sweep()
    browser = Browser(stage, OLGA)
    assert (await browser.post(url, {"q": "x" * 20_000})).status == 413
    assert (await browser.post(url, {"q": "x"}, content_type="multipart/form-data")).status == 400
    assert (await browser.post(f"/api{url}", {"q": "x"})).status == 405


async def test_another_language_leads_back_to_the_same_question(stage: Stage) -> None:
    await stage.sweep()
    seen = Seen(await Browser(stage, READER).page("/profiles?show=left"))
    assert "/language?to=nl&back=%2Fprofiles%3Fshow%3Dleft" in seen.links
    found = Seen((await Browser(stage, READER).post("/people", {"q": "femke"})).body.decode())
    assert "/language?to=nl&back=%2Fpeople" in found.links


async def test_a_language_is_remembered_and_leads_nowhere_else(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, READER)
    reply = await browser.get("/language?to=nl&back=/people")
    assert (reply.status, reply.headers["Location"]) == (303, "/people")
    assert reply.headers["Set-Cookie"].startswith("language=nl; ")
    away = await browser.get("/language?to=xx&back=//evil.example")
    assert (away.headers["Location"], "Set-Cookie" in away.headers) == ("/", False)
    assert 'lang="sv"' in await Browser(stage, READER, language="sv-SE,sv;q=0.9").page("/words")
    assert TENANT not in await browser.page("/")
