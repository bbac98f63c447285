"""Decisions on the page: decided, checked and confirmed by operators, and refused in every other case."""

from collections.abc import Mapping

import pytest

from shared.desk.asked import Reply
from shared.domain.guards.holds import Status
from shared.domain.guards.pauses import PauseKind
from shared.domain.history.records import DecisionBody, Verb
from shared.services.operate import decisions
from tests.simulation.at_the_desk import AUDITOR, OLGA, PETE, READER, Browser, Seen
from tests.simulation.small_world import DE, FEMKE, HOLDING, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage

TWO_PEOPLE = "decisions: { two_people: { above: 0, always: [resume] } }\n"
NONE_LEFT = "daily_limits: { mover_revokes: 0/0/0 }\n"


async def a_removal_waits(stage: Stage, policy: str = "") -> str:
    """Somebody left Treasury, and no removal is made by itself; returns what the decision is called."""
    stage.join(TREASURY, stage.hire("anna"))
    await stage.settle()
    stage.restart(policy=POLICY + NONE_LEFT + policy)
    stage.leave(TREASURY, TESS)
    await stage.settle()
    (group,) = (await decisions.list_holds(stage.app)).groups
    return group.id


def form_of(page: str) -> dict[str, str]:
    return Seen(page).fields


async def checked(browser: Browser, name: str, do: str = "release", why: str = "Agreed by phone") -> dict[str, str]:
    """The fields of the page on which a decision is checked."""
    form = form_of(await browser.page(f"/decision?of={name}"))
    reply = await browser.post(f"/decision?of={name}", {"token": form["token"], "do": do, "why": why})
    assert reply.status == 200, reply.body.decode()
    return form_of(reply.body.decode())


async def statuses(stage: Stage) -> set[Status]:
    return {hold.status for hold in (await decisions.list_holds(stage.app)).holds}


def heading(reply: Reply) -> str:
    return Seen(reply.body.decode()).h1


async def decided(stage: Stage) -> list[tuple[Verb, str, str]]:
    return [(body.verb, body.by, body.why) for _, body in await decisions.log(stage.app)]


async def test_a_decision_says_whom_it_is_about_and_what_is_left_afterwards(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    seen = Seen(await Browser(stage, READER).page(f"/decision?of={name}"))
    assert seen.h1 == "Remove tess from 1 profile?"
    document = await Browser(stage, READER).document(f"/decision?of={name}")
    (profile,) = document["recipients"]
    assert (profile["id"], profile["now"] - profile["after"]) == (str(HOLDING), 1)
    assert "Whoever has the app role Operator decides." in seen.text
    assert "token" not in seen.fields


async def test_a_release_is_decided_checked_confirmed_and_made(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    fields = await checked(browser, name)
    assert await statuses(stage) == {Status.OPEN}
    reply = await browser.post("/confirm", fields)
    assert (reply.status, reply.headers["Location"]) == (303, "/todo?did=release&count=1")
    assert await decided(stage) == [(Verb.RELEASE, OLGA, "Agreed by phone")]
    assert "1 change is released." in Seen(await browser.page("/todo?did=release&count=1")).text
    seen = Seen(await browser.page(f"/decision?of={name}"))
    assert seen.h1 == "Released: 1 change that is not made yet"
    assert "Olga Berg decided it on" in seen.text
    assert "token" not in seen.fields
    await stage.run_until_quiet()
    assert stage.held(TESS) == set()
    assert (await stage.app.state.names())[OLGA].name == "Olga Berg"


async def test_a_dismissal_leaves_things_as_they_are(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    await browser.post("/confirm", await checked(browser, name, "dismiss"))
    await stage.run_until_quiet()
    assert await statuses(stage) == {Status.DISMISSED}
    assert stage.held(TESS) == {HOLDING}
    assert Seen(await browser.page(f"/decision?of={name}")).h1 == "Left alone: 1 change"


async def test_where_the_policy_wants_two_people_the_first_proposes_and_another_confirms(stage: Stage) -> None:
    name = await a_removal_waits(stage, TWO_PEOPLE)
    olga, pete = Browser(stage, OLGA), Browser(stage, PETE)
    reply = await olga.post("/confirm", await checked(olga, name))
    assert reply.headers["Location"].endswith("&proposed=1")
    assert await statuses(stage) == {Status.OPEN}
    own = Seen(await olga.page(f"/decision?of={name}"))
    assert "You proposed it." in own.text
    assert "token" not in own.fields
    assert "Olga Berg proposed it" in Seen(await pete.page(f"/decision?of={name}")).text
    await pete.post("/confirm", await checked(pete, name, why="So do I"))
    assert await statuses(stage) == {Status.RELEASED}
    assert [verb for verb, _, _ in await decided(stage)] == [Verb.PROPOSE, Verb.RELEASE]


async def test_a_proposal_ends_after_seven_days(stage: Stage) -> None:
    name = await a_removal_waits(stage, TWO_PEOPLE)
    olga, pete = Browser(stage, OLGA), Browser(stage, PETE)
    await olga.post("/confirm", await checked(olga, name))
    await stage.advance(days=7, minutes=1)
    await stage.sweep()
    await pete.post("/confirm", await checked(pete, name))
    assert await statuses(stage) == {Status.OPEN}


async def test_nobody_decides_about_their_own_access(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, TESS, role="Operator")
    seen = Seen(await browser.page(f"/decision?of={name}"))
    assert "nobody decides about themselves" in seen.text
    assert "token" not in seen.fields
    olga = await checked(Browser(stage, OLGA), name)
    reply = await browser.post("/confirm", olga)
    assert (reply.status, await statuses(stage)) == (400, {Status.OPEN})


async def test_what_somebody_else_released_meanwhile_is_not_left_alone_unseen(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    fields = await checked(browser, name, "dismiss")
    listing = await decisions.list_holds(stage.app)
    await decisions.release(stage.app, [name], PETE, listing)
    assert (await browser.post("/confirm", fields)).status == 409
    assert await statuses(stage) == {Status.RELEASED}


async def test_a_moved_world_refuses_with_what_is_different(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    fields = await checked(browser, name)
    (hold,) = (await decisions.list_holds(stage.app)).holds
    await decisions.dismiss(stage.app, [hold.id], PETE)
    reply = await browser.post("/confirm", fields)
    assert (reply.status, heading(reply)) == (409, "Something is different from what you saw. Nothing was changed")
    assert await statuses(stage) == {Status.DISMISSED}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": ""}, 400),
        ({"token": "forged.forged.forged"}, 400),
        ({"do": "dismiss"}, 400),
        ({"digest": "0" * 64}, 400),
        ({"of": "sweep:grants"}, 400),
        ({"as_listed": "2026-01-01T00:00:00+00:00"}, 400),
        ({"do": "everything"}, 400),
    ],
)
async def test_a_form_that_is_not_as_it_was_given_changes_nothing(
    stage: Stage, change: Mapping[str, str], status: int
) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    fields = await checked(browser, name)
    reply = await browser.post("/confirm", {**fields, **change})
    assert (reply.status, await statuses(stage), await decided(stage)) == (status, {Status.OPEN}, [])


async def test_a_form_of_somebody_else_or_from_another_site_changes_nothing(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    fields = await checked(Browser(stage, OLGA), name)
    tried = [
        await Browser(stage, PETE).post("/confirm", fields),
        await Browser(stage, READER).post("/confirm", fields),
        await Browser(stage, AUDITOR).post("/confirm", fields),
        await Browser(stage, OLGA).post("/confirm", fields, origin="https://evil.example"),
        await Browser(stage, OLGA).post("/confirm", fields, sec_fetch_site="cross-site"),
        await Browser(stage, OLGA).post("/confirm", fields, content_type="text/plain"),
        await Browser(stage, OLGA).post("/api/confirm", fields),
        await Browser(stage, OLGA).post("/confirm", {**fields, "why": "x" * 20_000}),
        await Browser(stage, OLGA).get("/confirm"),
    ]
    assert [reply.status for reply in tried] == [400, 403, 403, 400, 400, 400, 405, 413, 405]
    assert (await statuses(stage), await decided(stage)) == ({Status.OPEN}, [])


async def test_a_decision_needs_a_choice_and_a_reason(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    token = form_of(await browser.page(f"/decision?of={name}"))["token"]
    for form in ({"do": "release", "why": "  "}, {"why": "because"}):
        reply = await browser.post(f"/decision?of={name}", {"token": token, **form})
        assert (reply.status, heading(reply)) == (400, "Something is missing in the form. Nothing was changed")


async def test_a_decision_without_its_reason_is_made_by_no_form(stage: Stage) -> None:
    browser, name = Browser(stage, OLGA), await a_removal_waits(stage)
    reply = await browser.post("/confirm", {**await checked(browser, name), "why": " "})
    assert (reply.status, await statuses(stage), await decided(stage)) == (400, {Status.OPEN}, [])


async def test_what_does_not_wait_any_more_is_said(stage: Stage) -> None:
    await stage.sweep()
    reply = await Browser(stage, OLGA).get("/decision?of=sweep:mover_revokes")
    assert (reply.status, heading(reply)) == (404, "This does not wait for a decision any more")


async def test_to_do_has_what_the_overview_counts(stage: Stage) -> None:
    await a_removal_waits(stage)
    seen = Seen(await Browser(stage, READER).page("/todo"))
    needs = (await Browser(stage, READER).document("/todo"))["needs"]
    assert needs == (await Browser(stage, READER).document("/overview"))["needs"]
    assert seen.h1.startswith(f"{len(needs)} thing")
    assert "Remove 1 person from 1 profile?" in seen.text


async def test_a_pause_is_one_form_and_a_resume_is_of_what_was_seen(stage: Stage) -> None:
    await stage.sweep()
    browser = Browser(stage, OLGA)
    token = next(value for _, name, value in Seen(await browser.page("/pause")).attributes if name == "value")
    reply = await browser.post("/pause", {"token": token, "do": "pause", "why": "key rotation"})
    assert (reply.status, reply.headers["Location"]) == (303, "/todo?did=pause")
    assert [pause.kind for pause in (await decisions.read_pauses(stage.app)).active] == [PauseKind.OPERATOR]
    page = await browser.page("/pause")
    assert Seen(page).h1 == "Changes are paused"
    resume = resume_form(page)
    stale = await browser.post("/pause", {**resume, "digest": "0"})
    assert stale.status == 400
    done = await browser.post("/pause", resume)
    assert done.headers["Location"] == "/todo?did=resume"
    assert (await decisions.read_pauses(stage.app)).active == {}


async def test_a_pause_that_came_in_meanwhile_refuses_a_resume(stage: Stage) -> None:
    await stage.sweep()
    await decisions.pause(stage.app, PETE, "one")
    browser = Browser(stage, OLGA)
    resume = resume_form(await browser.page("/pause"))
    await decisions.pause(stage.app, PETE, "two", HOLDING.folded)
    assert (await browser.post("/pause", resume)).status == 409
    assert len((await decisions.read_pauses(stage.app)).active) == 2


async def test_readers_neither_pause_nor_resume(stage: Stage) -> None:
    await stage.sweep()
    assert "token" not in Seen(await Browser(stage, READER).page("/pause")).fields
    reply = await Browser(stage, READER).post("/pause", {"do": "pause", "why": "x"})
    assert (reply.status, (await decisions.read_pauses(stage.app)).active) == (403, {})


def resume_form(page: str) -> dict[str, str]:
    """The fields of the first form of the page, which resumes while something is paused."""
    fields: dict[str, str] = {}
    name = ""
    for tag, attribute, value in Seen(page.partition("</form>")[0]).attributes:
        if tag == "input" and attribute == "name":
            name = value
        elif tag == "input" and attribute == "value" and name:
            fields[name] = value
    return fields


async def test_what_was_decided_is_recorded_under_who_decided(stage: Stage) -> None:
    name = await a_removal_waits(stage)
    browser = Browser(stage, OLGA)
    await browser.post("/confirm", await checked(browser, name, why="=HYPERLINK(1)\r\nX: y"))
    (body,) = [body for _, body in await decisions.log(stage.app)]
    assert isinstance(body, DecisionBody)
    assert (body.by, body.why) == (OLGA, "=HYPERLINK(1)  X: y")


async def test_an_operator_has_somebody_checked_now(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    browser = Browser(stage, OLGA)
    fields = form_of(await browser.page(f"/people/{FEMKE}"))
    reply = await browser.post("/check", fields)
    assert (reply.status, reply.headers["Location"]) == (303, f"/people/{FEMKE}?asked=1")
    assert "Asked for" in Seen(await browser.page(f"/people/{FEMKE}?asked=1")).text
    await stage.run_until_quiet()
    assert DE in stage.held(FEMKE)


async def test_nobody_else_has_anybody_checked(stage: Stage) -> None:
    await stage.sweep()
    fields = form_of(await Browser(stage, OLGA).page(f"/people/{FEMKE}"))
    assert "token" not in form_of(await Browser(stage, READER).page(f"/people/{FEMKE}"))
    tried = [
        await Browser(stage, READER).post("/check", fields),
        await Browser(stage, PETE).post("/check", fields),
        await Browser(stage, OLGA).post("/check", {**fields, "person": TESS}),
        await Browser(stage, OLGA).get("/check"),
    ]
    assert [reply.status for reply in tried] == [403, 400, 400, 405]
