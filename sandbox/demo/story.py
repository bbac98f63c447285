"""The story: what happens in a finance department, and what has to be true of Azure afterwards.

Lives here: the steps, in the order they are told. A step plays something through the office and returns what it
expected of the world and what it saw. Steps of one chapter do not depend on each other and are played side by side.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sandbox.contoso import names
from sandbox.demo.office import ACCOUNT_OF, INVOICE_MANAGER, Office, Somebody, moment

PROJECT_RULE: Final = """
  - name: project-aurora     # the demo takes this rule away again
    who: "officeLocation eq 'Aurora'"
    profiles: [{ name: "Litware Services" }]
"""
"""A rule that the demo adds to the sandbox's own policy, so that it can remove one."""


@dataclass(slots=True)
class Seen:
    """What a step expected of the world and what it saw: by what is meant, in words."""

    expected: dict[str, Any] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def check(self, what: str, expected: Any, observed: Any) -> None:
        """Notes one comparison."""
        self.expected[what] = expected
        self.observed[what] = observed

    def say(self, line: str) -> None:
        """Adds a line to the narration."""
        self.told.append(line)

    @property
    def ok(self) -> bool:
        """Whether everything was as expected."""
        return self.expected == self.observed


type Play = Callable[[Office, Seen], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, and how it is played."""

    name: str
    play: Play


async def first_sweep(office: Office, seen: Seen) -> None:
    """More than the daily limit is held as one; once a person released it, everybody has what the policy gives."""
    expected = await _wanted(office)
    unmanaged = await _held(office, managed=False)
    await office.sweep()
    listed = await office.holds()
    groups = [(line["id"], len(line["holds"])) for line in listed["holds"]]
    seen.check("held, all of it together", [("sweep:grants", len(expected - unmanaged))], groups)
    seen.check("assignments made before anybody decided", [], _shown(await _held(office, managed=True)))
    await office.release(listed)
    managed = await office.until(lambda: _held(office, managed=True), lambda held: held == expected - unmanaged)
    seen.say(
        f"{len(expected)} assignments follow from the policy; {len(unmanaged & expected)} of them stood there by hand."
    )
    await office.sweep()  # from here on, daily limits are measured by what is managed now
    seen.say(f"The sweep wanted {len(expected - unmanaged)} grants, more than the daily limit: one hold carries them.")
    seen.say(f"An operator checked it and released it; the app made {len(managed)} of them, one person at a time.")
    seen.check("assignments made", _shown(expected - unmanaged), _shown(managed))
    seen.check("assignments by hand, still there", _shown(unmanaged), _shown(await _held(office, managed=False)))


async def hire(office: Office, seen: Seen) -> None:
    """An event names the new colleague's object id."""
    femke = await office.hire("Sofie Jansen", "Contoso Nederland")
    await office.announce(f"id:{femke.object_id}", "hired")
    held = await office.sees(names.CONTOSO_NEDERLAND, femke, holds=True)
    seen.say("Sofie Jansen joined Finance at Contoso Nederland and gets the invoices of Contoso Nederland.")
    seen.say(f"Why: {await office.why(femke.object_id, 'grant')}")
    seen.check("Sofie manages invoices of Contoso Nederland", expected=True, observed=held)


async def hire_before_the_directory(office: Office, seen: Seen) -> None:
    """HR is early: the event names an address that the directory does not know yet."""
    await office.announce("upn:milan.kovacs@contoso.example", "hired")
    await asyncio.sleep(1.5)
    milan = await office.hire("Milan Kovacs", "Contoso Deutschland")
    held = await office.sees(names.CONTOSO_DEUTSCHLAND, milan, holds=True)
    seen.say("HR announced milan.kovacs@contoso.example before the directory knew him; the app waited and asked again.")
    seen.say(f"Why: {await office.why(milan.object_id, 'grant')}")
    seen.check("Milan manages invoices of Contoso Deutschland", expected=True, observed=held)


async def future_hire(office: Office, seen: Seen) -> None:
    """The hire date is some seconds away; nothing may happen before."""
    starts = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    nora = await office.hire("Nora Lind", "Contoso France", employee_hire_date=starts)
    await office.announce(f"employee-id:{nora.employee_id}", "hired", effective=moment(starts))
    await asyncio.sleep(max(0.0, (starts - datetime.now(UTC)).total_seconds() - 1))
    early = await office.assignment(names.CONTOSO_FRANCE, nora.object_id)
    still_early = datetime.now(UTC) < starts
    held = await office.sees(names.CONTOSO_FRANCE, nora, holds=True)
    seen.say(f"Nora Lind's first day at Contoso France begins at {starts:%H:%M:%S}; a second before she held nothing.")
    seen.say(f"Why: {await office.why(nora.object_id, 'grant')}")
    seen.check("nothing before the hire date", expected=True, observed=early is None and still_early)
    seen.check("Nora manages invoices of Contoso France from then on", expected=True, observed=held)


async def move(office: Office, seen: Seen) -> None:
    """From one company to another: the new profile first, then the old one after the evidence was seen twice."""
    mats = await office.hire("Mats Peeters", "Contoso België")
    await office.announce(f"id:{mats.object_id}", "hired")
    seen.check(
        "Mats begins at Contoso België",
        expected=True,
        observed=await office.sees(names.CONTOSO_BELGIE, mats, holds=True),
    )
    await office.change(mats, company_name="Contoso UK")
    await office.announce(f"id:{mats.object_id}", "moved")
    gained = await office.sees(names.CONTOSO_UK, mats, holds=True)
    kept = await office.sees(names.CONTOSO_BELGIE, mats, holds=False)
    seen.say("Mats Peeters moved from Contoso België to Contoso UK: the new profile in, the old one out.")
    seen.say(f"Why: {await office.why(mats.object_id, 'grant')}; {await office.why(mats.object_id, 'revoke')}")
    seen.check("Mats manages invoices of Contoso UK", expected=True, observed=gained)
    seen.check("Mats still manages invoices of Contoso België", expected=False, observed=kept)


async def leaver_disabled(office: Office, seen: Seen) -> None:
    """A disabled account is strong evidence: one check is enough."""
    lea = await _employed(office, "Lea Fournier", "Contoso France", names.CONTOSO_FRANCE, seen)
    await office.change(lea, account_enabled=False)
    await office.announce(f"mail:{lea.upn}", "left")
    await office.announce(f"upn:{lea.upn}", "left")
    held = await office.sees(names.CONTOSO_FRANCE, lea, holds=False)
    seen.say("Lea Fournier left Contoso France; IT disabled her account.")
    seen.say(f"Why: {await office.why(lea.object_id, 'revoke')}")
    seen.check("Lea still manages invoices of Contoso France", expected=False, observed=held)


async def leaver_deleted(office: Office, seen: Seen) -> None:
    """The directory no longer shows her, but its deleted items do."""
    ines = await _employed(office, "Ines Moreau", "Contoso France", names.CONTOSO_FRANCE, seen)
    await office.delete(ines)
    await office.announce(f"id:{ines.object_id}", "left")
    held = await office.sees(names.CONTOSO_FRANCE, ines, holds=False)
    seen.say("Ines Moreau left and was deleted from the directory the same minute.")
    seen.say(f"Why: {await office.why(ines.object_id, 'revoke')}")
    seen.check("Ines still manages invoices of Contoso France", expected=False, observed=held)


async def leaver_by_employee_id(office: Office, seen: Seen) -> None:
    """HR knows an employee id, the directory knows nobody by it any more; the app remembers whom it gave access."""
    tom = await _employed(office, "Tom Walker", "Contoso UK", names.CONTOSO_UK, seen)
    await office.delete(tom)
    await office.forget(tom)
    await office.announce(f"employee-id:{tom.employee_id}", "left")
    held = await office.sees(names.CONTOSO_UK, tom, holds=False)
    seen.say(f"Tom Walker is gone for good; HR only says that {tom.employee_id} left.")
    seen.say(f"Why: {await office.why(tom.object_id, 'revoke')}")
    seen.check("Tom still manages invoices of Contoso UK", expected=False, observed=held)


async def rehire(office: Office, seen: Seen) -> None:
    """Left, then came back under the same account."""
    ana = await _employed(office, "Ana Ribeiro", "Contoso Nederland", names.CONTOSO_NEDERLAND, seen)
    await office.change(ana, account_enabled=False)
    await office.announce(f"id:{ana.object_id}", "left")
    away = await office.sees(names.CONTOSO_NEDERLAND, ana, holds=False)
    await office.change(ana, account_enabled=True)
    await office.announce(f"id:{ana.object_id}", "hired")
    back = await office.sees(names.CONTOSO_NEDERLAND, ana, holds=True)
    seen.say("Ana Ribeiro left Contoso Nederland, and was hired again.")
    seen.say(f"Why: {await office.why(ana.object_id, 'grant')}")
    seen.check("Ana holds access while away", expected=False, observed=away)
    seen.check("Ana holds access again", expected=True, observed=back)


async def ten_times(office: Office, seen: Seen) -> None:
    """Ten copies of one event, one grant."""
    eva = await office.hire("Eva Nowak", "Litware Polska")
    for _ in range(10):
        await office.announce(f"id:{eva.object_id}", "hired", event_id=f"hire-{eva.employee_id}")
    held = await office.sees(names.LITWARE_POLSKA, eva, holds=True)
    made = [
        entry
        for entry in office.sandbox.billing.audit
        if entry.principal == eva.object_id and entry.caller == names.APP_OBJECT_ID
    ]
    seen.say("HR's system stuttered and announced Eva Nowak ten times.")
    seen.say(f"Why: {await office.why(eva.object_id, 'grant')}")
    seen.check("Eva manages invoices of Litware Polska", expected=True, observed=held)
    seen.check("writes for Eva", 1, len(made))


async def out_of_order(office: Office, seen: Seen) -> None:
    """The events come in the wrong order; what counts is the directory."""
    sven = await office.hire("Sven Larsen", "Fabrikam Nordics")
    await office.change(sven, company_name="Fabrikam Nederland")
    await office.announce(f"id:{sven.object_id}", "moved")
    await office.announce(f"id:{sven.object_id}", "left")
    await office.announce(f"id:{sven.object_id}", "hired")
    held = await office.sees(names.FABRIKAM_NEDERLAND, sven, holds=True)
    old = await office.assignment(names.FABRIKAM_NORDICS, sven.object_id)
    seen.say("For Sven Larsen came 'moved', then 'left', then 'hired'. He works at Fabrikam Nederland, so that is it.")
    seen.say(f"Why: {await office.why(sven.object_id, 'grant')}")
    seen.check("Sven manages invoices of Fabrikam Nederland", expected=True, observed=held)
    seen.check("Sven holds nothing at Fabrikam Nordics", expected=True, observed=old is None)


async def garbage(office: Office, seen: Seen) -> None:
    """Nothing usable ends up anywhere but on rejected-events, with the reason; fixed, it works."""
    kim = await office.hire("Kim de Graaf", "Fabrikam Nederland")
    wrong = json.dumps(
        {
            "specversion": "1.0",
            "id": "7",
            "source": "/hr/contoso",
            "type": "com.contoso.hr.person.hired",
            "subject": f"object:{kim.object_id}",
        }
    ).encode()
    await office.put(b"\xff\xfe not an event at all")
    await office.put(wrong)
    found: list[tuple[bytes, dict[str, str]]] = []
    for _ in range(4):
        found += await office.rejected(2)
        if len(found) >= 2:  # noqa: PLR2004 - the two that were sent
            break
    told = dict(found)
    for body, properties in told.items():
        seen.say(f"Rejected ({body[:24]!r}...): {properties.get('field')}: {properties.get('reason')}")
    seen.check(
        "rejected whole, byte for byte",
        sorted([wrong[:40], b"\xff\xfe not an event at all"]),
        sorted(body[:40] for body in told),
    )
    seen.check(
        "each with field, reason and remedy",
        expected=True,
        observed=all({"field", "reason", "remedy"} <= properties.keys() for properties in told.values()),
    )
    await office.put(wrong.replace(b"object:", b"id:"))
    held = await office.sees(names.FABRIKAM_NEDERLAND, kim, holds=True)
    seen.say("HR fixed the subject as told and sent the event again: Kim de Graaf has access.")
    seen.check("Kim manages invoices of Fabrikam Nederland", expected=True, observed=held)


async def unmanaged_stays(office: Office, seen: Seen) -> None:
    """What somebody gave by hand is not ours to take, not even from a leaver."""
    rui = await office.hire("Rui Costa", "Litware Services", job_title="Planner", department="Operations")
    await office.give(names.LITWARE_SERVICES, rui.object_id)
    await office.change(rui, account_enabled=False)
    await office.announce(f"id:{rui.object_id}", "left")
    await office.until(_checked(office, rui), lambda checks: checks >= 1)
    row = await office.assignment(names.LITWARE_SERVICES, rui.object_id)
    seen.say("Rui Costa left; a colleague once gave him Litware Services in the portal. Reported, not touched.")
    seen.check("the assignment made by hand is still there", expected=True, observed=row is not None)


async def remade_by_hand(office: Office, seen: Seen) -> None:
    """Managed, deleted in the portal and made again there: it belongs to whoever made it."""
    jo = await _employed(office, "Jo Verhoeven", "Contoso België", names.CONTOSO_BELGIE, seen)
    await office.take(names.CONTOSO_BELGIE, jo.object_id)
    await office.give(names.CONTOSO_BELGIE, jo.object_id)
    before = len(office.checks(jo.object_id))
    await office.change(jo, account_enabled=False)
    await office.announce(f"id:{jo.object_id}", "left")
    await office.until(_checked(office, jo), lambda checks: checks > before)
    row = await office.assignment(names.CONTOSO_BELGIE, jo.object_id)
    maker = None if row is None else row.properties.created_by_principal_id
    seen.say("Jo Verhoeven's access was managed until the portal's administrator deleted it and gave it again by hand.")
    seen.check("who made what Jo still holds", names.PORTAL_OBJECT_ID, maker)


async def opted_out_by_hand(office: Office, seen: Seen) -> None:
    """The sweep notices, two reads agree, one PUT, and nothing but the flag differs."""
    before = await office.profile(names.CONTOSO_UK)
    await office.set_opt_in(names.CONTOSO_UK, opt_in=False)
    out = (await office.profile(names.CONTOSO_UK)).get("invoiceEmailOptIn")
    await office.sweep()
    after = await office.until(
        lambda: office.profile(names.CONTOSO_UK), lambda shown: shown.get("invoiceEmailOptIn") is True
    )
    seen.say("Somebody opted Contoso UK out of invoice e-mail. It is opted in again, everything else as it was.")
    seen.check("opted out by hand", expected=False, observed=out)
    seen.check("the profile afterwards", before, after)


async def lost_event(office: Office, seen: Seen) -> None:
    """Nobody said a word; the sweep finds it all the same."""
    ada = await office.hire("Ada Berg", "Fabrikam Nordics")
    await asyncio.sleep(0.5)
    unannounced = await office.assignment(names.FABRIKAM_NORDICS, ada.object_id)
    await office.sweep()
    held = await office.sees(names.FABRIKAM_NORDICS, ada, holds=True)
    seen.say(
        "The event about Ada Berg got lost on its way. The next sweep found that she should hold Fabrikam Nordics."
    )
    seen.say(f"Why: {await office.why(ada.object_id, 'grant')}")
    seen.check("nothing without event or sweep", expected=True, observed=unannounced is None)
    seen.check("Ada manages invoices of Fabrikam Nordics", expected=True, observed=held)


async def odd_person(office: Office, seen: Seen) -> None:
    """HR writes a date that is none for one person; everybody else is served, and a leaver is a leaver."""
    otto = await _employed(office, "Otto Odd", "Contoso UK", names.CONTOSO_UK, seen)
    await office.change(otto, employee_hire_date=datetime(1601, 1, 1, tzinfo=UTC))
    pia = await office.hire("Pia Moore", "Contoso UK")
    await office.sweep()
    report = json.loads(await office.operate("report", "--json"))
    told = [one["text"] for one in report["findings"] if one.get("principal") == otto.object_id]
    served = await office.sees(names.CONTOSO_UK, pia, holds=True)
    kept = await office.assignment(names.CONTOSO_UK, otto.object_id) is not None
    await office.change(otto, account_enabled=False)
    await office.announce(f"id:{otto.object_id}", "left")
    left = await office.sees(names.CONTOSO_UK, otto, holds=False)
    seen.say("HR wrote 1601 as Otto Odd's hire date. The sweep names him, concludes nothing, and serves the rest.")
    seen.say(f"It says: {told[0] if told else 'nothing'}")
    seen.say(f"When his account was disabled, he lost his access. Why: {await office.why(otto.object_id, 'revoke')}")
    seen.check("the sweep was complete", expected=True, observed=report["complete"])
    seen.check("findings about Otto", 1, len(told))
    seen.check("Pia, of whom nobody told, manages invoices of Contoso UK", expected=True, observed=served)
    seen.check("Otto keeps his access while nobody can read him", expected=True, observed=kept)
    seen.check("Otto still manages invoices of Contoso UK", expected=False, observed=left)


def removed_rule(policy: Path) -> Play:
    """A rule leaves the policy: what it gave is revoked, after the evidence was seen twice."""

    async def play(office: Office, seen: Seen) -> None:
        team = [
            await office.hire(
                name,
                "Litware Services",
                department="Operations",
                job_title="Planner",
                office_location="Aurora",
            )
            for name in ("Cora Reid", "Dan Hughes")
        ]
        for one in team:
            await office.announce(f"id:{one.object_id}", "moved")
        given = [await office.sees(names.LITWARE_SERVICES, one, holds=True) for one in team]
        seen.check("the rule gave", [True, True], given)
        text = await asyncio.to_thread(policy.read_text, encoding="utf-8")
        await asyncio.to_thread(policy.write_text, text.replace(PROJECT_RULE, ""), encoding="utf-8")
        await office.restart()
        await office.sweep()
        listed = await office.holds()
        kept = [await office.assignment(names.LITWARE_SERVICES, one.object_id) is not None for one in team]
        seen.check("held until somebody decides", [True, True], kept)
        await office.release(listed)
        left = [await office.sees(names.LITWARE_SERVICES, one, holds=False) for one in team]
        seen.say(
            "Project Aurora is over and its rule left the policy. What that takes away was held until an operator "
            "had seen the difference; Cora Reid and Dan Hughes hold nothing by it now."
        )
        seen.say(f"Why: {await office.why(team[0].object_id, 'revoke')}")
        seen.check("what the rule gave is gone", [False, False], left)

    return play


async def nothing_else(office: Office, seen: Seen) -> None:
    """The whole world once more: what is managed is what the policy gives, the rest is as it was."""
    await office.sweep()
    expected = await _wanted(office)
    unmanaged = await _held(office, managed=False)
    managed = await office.until(lambda: _held(office, managed=True), lambda held: held == expected - unmanaged)
    by_app = [e for e in office.sandbox.billing.audit if e.caller == names.APP_OBJECT_ID]
    roles = {entry.role for entry in by_app if entry.role}
    protected = [entry for entry in by_app if entry.principal == names.BREAK_GLASS]
    elsewhere = [entry for entry in by_app if f"/{names.ENTERPRISE_ACCOUNT}" in entry.scope]
    seen.say(
        f"{len(managed)} assignments are managed and exactly what the policy gives; {len(unmanaged)} are not managed."
    )
    seen.say(f"The app wrote {len(by_app)} times in all.")
    seen.check("managed", _shown(expected - unmanaged), _shown(managed))
    seen.check("roles ever written", [INVOICE_MANAGER], sorted(roles))
    seen.check("writes about the protected account", 0, len(protected))
    seen.check("writes to the Enterprise Agreement", 0, len(elsewhere))


async def graph_tells(office: Office, seen: Seen) -> None:
    """Nobody sends an event: Graph's own change notifications come in over HTTP."""
    zoe = await office.hire("Zoë Claes", "Contoso België")
    held = await office.sees(names.CONTOSO_BELGIE, zoe, holds=True)
    await office.change(zoe, account_enabled=False)
    kept = await office.sees(names.CONTOSO_BELGIE, zoe, holds=False)
    seen.say("Zoë Claes was hired and left again; HR sent nothing. Microsoft Graph notified the app both times.")
    seen.say(f"Why: {await office.why(zoe.object_id, 'grant')}; {await office.why(zoe.object_id, 'revoke')}")
    seen.check("Zoë manages invoices of Contoso België", expected=True, observed=held)
    seen.check("Zoë still manages invoices of Contoso België", expected=False, observed=kept)


CHAPTERS: Final[tuple[tuple[str, tuple[Step, ...]], ...]] = (
    ("The first day", (Step("the first sweep wants more than the daily limit; an operator releases it", first_sweep),)),
    (
        "Joiners",
        (
            Step("a hire", hire),
            Step("a hire announced before the directory knows them", hire_before_the_directory),
            Step("a future-dated hire", future_hire),
            Step("the same event ten times", ten_times),
        ),
    ),
    (
        "Movers and leavers",
        (
            Step("a move between companies", move),
            Step("a leaver disabled", leaver_disabled),
            Step("a leaver deleted", leaver_deleted),
            Step("a leaver named by an employee id that the directory no longer knows", leaver_by_employee_id),
            Step("a rehire", rehire),
            Step("events out of order", out_of_order),
        ),
    ),
    (
        "What others do",
        (
            Step("garbage on the queue is rejected, fixed and replayed", garbage),
            Step("an unmanaged assignment stays", unmanaged_stays),
            Step("a managed assignment, re-made by hand, is unmanaged now", remade_by_hand),
        ),
    ),
    ("A profile opted out", (Step("a profile opted out by hand is put back", opted_out_by_hand),)),
    ("Nobody said a word", (Step("a lost event is healed by the sweep", lost_event),)),
    ("One person's odd value", (Step("a hire date of 1601 stops nobody else", odd_person),)),
)
"""The story up to where the policy changes and the app is killed."""


async def _employed(office: Office, name: str, company: str, profile: str, seen: Seen) -> Somebody:
    who = await office.hire(name, company)
    await office.announce(f"id:{who.object_id}", "hired")
    held = await office.sees(profile, who, holds=True)
    seen.check(f"{name} has access at first", expected=True, observed=held)
    return who


def _checked(office: Office, who: Somebody) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return len(office.checks(who.object_id))

    return count


async def _wanted(office: Office) -> set[tuple[str, str]]:
    """What the sandbox's policy gives, worked out here by hand: (profile, object id)."""
    of_company = {
        "Contoso Nederland": names.CONTOSO_NEDERLAND,
        "Contoso Deutschland": names.CONTOSO_DEUTSCHLAND,
        "Contoso France": names.CONTOSO_FRANCE,
        "Contoso UK": names.CONTOSO_UK,
        "Contoso België": names.CONTOSO_BELGIE,
        "Contoso Shared Services": names.CONTOSO_SHARED_SERVICES,
        "Fabrikam Nederland": names.FABRIKAM_NEDERLAND,
        "Fabrikam Deutschland": names.FABRIKAM_DEUTSCHLAND,
        "Fabrikam Nordics": names.FABRIKAM_NORDICS,
        "Litware Services": names.LITWARE_SERVICES,
        "Litware Polska": names.LITWARE_POLSKA,
    }
    treasury = await office.members(names.TREASURY)
    wanted: set[tuple[str, str]] = set()
    for user in await office.everybody():
        assert user.id is not None
        guest = user.user_type == "Guest" or "#EXT#" in (user.user_principal_name or "")
        if guest or not user.account_enabled or user.id == names.BREAK_GLASS:
            continue
        company = of_company.get(user.company_name or "")
        if user.department == "Finance" and user.company_name == "Contoso Nederland":
            wanted.add((names.CONTOSO_NEDERLAND, user.id))
        if user.job_title in {"Accounts payable clerk", "Controller"} and company is not None:
            wanted.add((company, user.id))
        if user.id in treasury:
            wanted |= {(profile, user.id) for profile in of_company.values()}
    return wanted


async def _held(office: Office, *, managed: bool) -> set[tuple[str, str]]:
    """Who holds Invoice manager on what, made by the app or by anybody else."""
    found: set[tuple[str, str]] = set()
    for profile in ACCOUNT_OF:
        for row in await office.assignments(profile):
            by_app = row.properties.created_by_principal_id == names.APP_OBJECT_ID
            if row.name.lower().startswith(INVOICE_MANAGER) and by_app is managed:
                found.add((profile, row.properties.principal_id))
    return found


def _shown(pairs: set[tuple[str, str]]) -> list[str]:
    return sorted(f"{profile} {person}" for profile, person in pairs)
