"""The page in Dutch and Swedish: every page in every state, and no word that is of neither the language nor the world.

A word counts as the language's where its catalogue, its table of reasons or CLDR has it. What people, profiles, rules
and ids are called is the world's. Code and commands are marked as such, or as English.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

import pytest

from sandbox.faults import Effect
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.reasons import Code
from shared.services.operate import decisions
from shared.services.operate.decisions import pause
from shared.services.pauses import set_pause
from tests.simulation.at_the_desk import AUDITOR, HOST, NAMES, OLGA, PETE, READER, Browser, Seen, principal
from tests.simulation.page_words import OTHERS, Shown, language_words, said_by_others, words_of, world_words
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, MCA, NL, POLICY, TESS, TREASURY, guid, world
from tests.simulation.stage import Stage

WORDS: Final = world_words(world(), *NAMES.values(), "anna", "Europe/Amsterdam", *re.findall(r"name: (\S+)", POLICY))
"""What everybody and everything is called here."""

ALL: Final = (
    "/", "/todo", "/pause", "/profiles", f"/profiles/{NL}", f"/profiles/{DE}", "/people", "/people?show=others",
    f"/people/{FEMKE}", f"/people/{TESS}", f"/people/{HARRY}", "/activity", "/as-of", "/health", "/words",
)  # fmt: skip

type State = Callable[[Stage], Awaitable[None]]


class Tour:
    """Somebody who looks at pages in every other language, and notes each word that is not of it."""

    def __init__(self, stage: Stage, person: str = OLGA, **more: str) -> None:
        self.foreign: dict[tuple[str, str], list[str]] = {}
        self._browsers = {code: Browser(stage, person, language=code, **more) for code in OTHERS}
        self._stage = stage
        self._world = WORDS

    async def sees(self, url: str, form: Mapping[str, str] | None = None, *, status: int = 200) -> None:
        """Opens an address, or sends a form there."""
        for code, browser in self._browsers.items():
            reply = await (browser.get(url) if form is None else browser.post(url, form))
            assert reply.status == status, (url, reply.status)
            document = {} if form is not None else json.loads((await browser.get(f"/api{url}")).body)
            html = reply.body.decode()
            assert f'<html lang="{code}">' in html
            known = language_words(code) | self._world | said_by_others(document) | said_by_others(await self._doubts())
            known |= words_of(" ".join((form or {}).values()))
            for text in Shown(html, code).texts:
                if foreign := words_of(text) - known:
                    self.foreign.setdefault((code, url), []).append(f"{sorted(foreign)}: {' '.join(text.split())}")

    async def _doubts(self) -> list[object]:
        """Why the full check could not read everything, which every page says."""
        view = await self._stage.app.state.view()
        return [] if view is None else [reason.as_json() for reason in view.failures]

    async def sees_all(self, *more: str) -> None:
        """Opens every page."""
        for url in (*ALL, *more):
            await self.sees(url)


async def swept(stage: Stage) -> None:
    await stage.sweep()
    await stage.settle()
    await stage.sweep()


async def observing(stage: Stage) -> None:
    stage.restart(policy=POLICY.replace("enforce: all", "enforce: none"))
    stage.set_profile(NL, invoiceEmailOptIn=False)
    stage.set_profile(DE, status="Disabled")
    await stage.sweep()


async def whoever_left_stays(stage: Stage) -> None:
    await swept(stage)
    stage.give(NL, HARRY)
    stage.give(DE, FEMKE)
    stage.change(HARRY, accountEnabled=False)
    stage.change(DIETER, employeeLeaveDateTime=(stage.clock.now() + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    await stage.event_about(HARRY)
    await stage.settle()


async def incomplete(stage: Stage) -> None:
    await swept(stage)
    stage.fault("arm", Effect(status=503), path=f".*/{NL.profile}/billingRoleAssignments")
    await stage.sweep()


async def old(stage: Stage) -> None:
    await swept(stage)
    await stage.advance(hours=2, minutes=1)


async def paused(stage: Stage) -> None:
    await swept(stage)
    await pause(stage.app, PETE, "sleutels vernieuwen")
    counts = Code.POPULATION_SHRANK(now=2, before=9, at=stage.now.isoformat())
    await set_pause(stage.app, Pause(PauseKind.POPULATION_SHRANK), counts, by="sweep")
    lost = Code.ACCOUNT_NOT_LISTED(account=MCA)
    await set_pause(stage.app, Pause(PauseKind.ROLE_LOST, MCA), lost, by="sweep")
    await stage.sweep()


async def a_removal_waits(stage: Stage, policy: str = "") -> str:
    stage.join(TREASURY, stage.hire("anna"))
    await stage.settle()
    stage.restart(policy=f"{POLICY}daily_limits: {{ mover_revokes: 0/0/0 }}\n{policy}")
    stage.leave(TREASURY, TESS)
    await stage.settle()
    (group,) = (await decisions.list_holds(stage.app)).groups
    return f"/decision?of={group.id}"


@pytest.mark.parametrize("state", [swept, observing, whoever_left_stays, incomplete, old, paused, a_removal_waits])
async def test_in_no_state_has_a_page_a_word_of_another_language(stage: Stage, state: State) -> None:
    await state(stage)
    tour = Tour(stage)
    await tour.sees_all()
    assert tour.foreign == {}


async def test_what_is_decided_is_in_the_readers_language_at_each_step(stage: Stage) -> None:
    url = await a_removal_waits(stage, "decisions: { two_people: { above: 0, always: [resume] } }\n")
    olga, pete = Tour(stage), Tour(stage, PETE)
    browser = Browser(stage, OLGA)
    await Tour(stage, READER).sees(url)
    await olga.sees(url)
    form = Seen(await browser.page(url)).fields | {"do": "release", "why": "Tess"}
    for deed in ("release", "dismiss"):
        await olga.sees(url, form | {"do": deed})
    sent = await browser.post("/confirm", Seen((await browser.post(url, form)).body.decode()).fields)
    for tour in (olga, pete):
        await tour.sees(sent.headers["Location"])
        await tour.sees(url)
    listing = await decisions.list_holds(stage.app)
    await decisions.release(stage.app, [listing.groups[0].id], PETE, listing)
    await olga.sees("/confirm", form, status=400)
    for done in ("/todo?did=release&count=1", "/todo?did=dismiss&count=2", "/todo?did=pause", "/todo?did=resume", url):
        await olga.sees(done)
    assert (olga.foreign, pete.foreign) == ({}, {})


async def test_what_is_refused_is_said_in_the_readers_language(stage: Stage) -> None:
    tour = Tour(stage, AUDITOR)
    stage.lose_state()
    await tour.sees("/")
    await swept(stage)
    for url, status in {
        "/nothing": 404,
        f"/people/{guid(8, 8)}": 404,
        f"/profiles/{NL.account}/NL-BG8": 404,
        "/decision?of=sweep:gone": 404,
        "/activity?from=yesterday": 400,
        "/confirm": 403,
    }.items():
        await tour.sees(url, status=status)
    await tour.sees("/as-of", {"on": "1 maart"}, status=400)
    await tour.sees("/as-of", {"on": stage.now.date().isoformat()})
    await tour.sees("/as-of", {"on": stage.now.date().isoformat(), "person": "femke", "profile": str(NL)})
    await tour.sees("/people", {"q": "femka"})
    await tour.sees("/activity", {"q": "femka"}, status=404)
    await tour.sees("/pause", {"do": "pause"}, status=403)
    operator = Tour(stage)
    await operator.sees("/pause", {"do": "pause"}, status=400)
    assert (tour.foreign, operator.foreign) == ({}, {})


@pytest.mark.parametrize("code", OTHERS)
async def test_whoever_may_not_come_in_is_told_so_in_their_language(stage: Stage, code: str) -> None:
    await stage.sweep()
    said = language_words(code) | WORDS
    for otherwise, environment in (({"roles": None}, True), ({"tid": guid(1, 2)}, True), ({}, False)):
        browser = Browser(stage, OLGA, language=code)
        browser.headers = principal(OLGA, **otherwise) | {"host": HOST, "accept-language": code}
        if not environment:
            browser.environment = {}
        page = (await browser.get("/people")).body.decode()
        assert words_of(" ".join(Shown(page, code).texts)) - said == set()


async def test_the_link_to_another_language_leads_back_to_the_same_thing(stage: Stage) -> None:
    url = await a_removal_waits(stage)
    browser = Browser(stage, READER)
    (there,) = [link for link in Seen(await browser.page(url)).links if link.startswith("/language?to=sv")]
    assert (await browser.get(there)).headers["Location"] == url.replace(":", "%3A")


async def test_on_the_day_itself_an_invoice_goes_out_today(stage: Stage) -> None:
    await stage.advance(days=3)
    await swept(stage)
    for code, today in {"en": "today", "nl": "vandaag", "sv": "i dag"}.items():
        assert today in Seen(await Browser(stage, READER, language=code).page("/")).text
