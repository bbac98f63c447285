"""What operators do, on a Contoso that has two weeks behind it: each example, what it says and with what it ends."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from cli.faults import Status
from sandbox.contoso.names import CAMILLE_VOS, FELIX_SMIT, GRACE_TAYLOR, SANNE_BAKKER
from tests.app.e2e.contoso.conftest import CAMILLE, FELIX, SANNE, Desk

WAITS = "sweep:mover_revokes"
NOAH_WALKER = "b0a1d000-0000-4000-8000-000000000173"
TWO_PEOPLE = "\ndecisions: { two_people: { above: 10, always: [resume, policy] } }\n"


@pytest.fixture
def two_people(own_desk: Desk) -> Desk:
    """A desk where one proposes and another one confirms."""
    own_desk.more["INVOICE_ACCESS_POLICY"] = str(own_desk.file("two.yaml", in_force(own_desk) + TWO_PEOPLE))
    return own_desk


def in_force(desk: Desk) -> str:
    """The policy that the app has."""
    return (desk.contoso.sandbox.state / "policy.yaml").read_text(encoding="utf-8")


def as_listed(desk: Desk) -> str:
    found = desk.asks("holds")["as_listed"]
    assert isinstance(found, str)
    return found


# -- holds


def test_the_first_person_proposes_and_the_second_one_confirms(two_people: Desk) -> None:
    first = two_people.says(
        "holds", "release", WAITS, by=CAMILLE, typed="Back Office work went to Litware on 1 March.\ny\n"
    )
    assert first.status == Status.DONE
    assert "Why? " in first.err
    assert "Propose to release 33 changes: remove 3 people, 11 profiles? [y/N] " in first.err
    assert re.fullmatch(
        rf"Proposed\. A second operator has to confirm by \S+ \S+ UTC: invoice-access holds release {WAITS}\n",
        first.out,
    )
    listed = two_people.says("holds")
    assert "proposed by Camille Vos" in listed.lines[1]
    (group,) = two_people.asks("holds")["holds"]
    proposal = group["proposed"]
    assert (proposal["do"], proposal["by"]) == ("release", CAMILLE_VOS)
    ends = datetime.fromisoformat(proposal["ends"]) - datetime.fromisoformat(proposal["at"])
    assert ends == timedelta(days=7)
    assert "proposed by Camille Vos" in two_people.says("status").out

    again = two_people.says("holds", "release", WAITS, by=CAMILLE, typed="y\n")
    assert again.status == Status.REFUSED
    assert "you proposed this yourself" in again.err

    second = two_people.says("holds", "release", WAITS, "--why", "Confirmed by phone", by=FELIX, typed="y\n")
    assert second.status == Status.DONE
    assert "Camille Vos proposed to release 33 changes at " in second.err
    assert '"Back Office work went to Litware on 1 March."' in second.err
    assert ", as the second person? [y/N] " in second.err
    assert second.lines[0].startswith("33 changes released")
    assert "`invoice-access holds`" in second.lines[-1]


def test_a_release_without_a_terminal_says_what_starts_now(own_desk: Desk) -> None:
    said = own_desk.says("holds", "release", WAITS, "--why", "They moved", "--yes", "--as-listed", as_listed(own_desk))
    assert said.status == Status.DONE
    assert said.lines[0].startswith("33 changes released")
    later = own_desk.asks("holds", "log")["decisions"][-1]
    assert (later["verb"], later["by"], later["why"]) == ("release", FELIX_SMIT, "They moved")


def test_a_decision_about_a_world_that_moved_says_what_differs(own_desk: Desk) -> None:
    seen = datetime.fromisoformat(as_listed(own_desk)) - timedelta(hours=3)
    said = own_desk.says("holds", "release", WAITS, "--yes", "--as-listed", seen.isoformat())
    assert (said.status, said.out) == (Status.REFUSED, "")
    first, *differences, last = said.err.splitlines()
    assert first == "Nothing was changed: it is not what you listed."
    assert differences
    assert all("it came in" in line for line in differences)
    assert last == "List the holds, and decide again."


# -- pause and resume


def test_a_pause_says_who_and_what_it_stops_and_resume_asks(own_desk: Desk) -> None:
    paused = own_desk.says("pause", "--why", "Key rotation in HR")
    assert paused.status == Status.DONE
    assert "set by Felix Smit: Key rotation in HR" in paused.out
    assert "only `invoice-access resume` ends it" in paused.out
    assert own_desk.asks("status")["paused"] == ["operator-stop"]

    no = own_desk.says("resume", typed="n\n")
    assert no.status == Status.FAILED
    assert "No full check has run since: what was stopped is not counted." in no.err
    assert no.err.endswith("Nothing was changed.\n")
    yes = own_desk.says("resume", typed="y\n")
    assert yes.status == Status.DONE
    assert "Key rotation in HR" in yes.err
    assert "Resume? [y/N] " in yes.err
    assert own_desk.asks("status")["paused"] == []


# -- adopt


def test_adopting_says_what_follows_from_it_and_asks(own_desk: Desk) -> None:
    said = own_desk.says("adopt", "Contoso UK", "E00008", typed="y\n")
    assert said.status == Status.DONE
    assert "Grace Taylor" in said.err
    assert "is removed" in said.err
    assert "[y/N]" in said.err
    told = own_desk.says("people", "show", GRACE_TAYLOR).out
    assert "Grace Taylor" in told


# -- a check now


def test_a_person_who_is_as_the_policy_says_is_told_so(desk: Desk) -> None:
    desk.on_the_apps_store()
    said = desk.says("reconcile", "E00173", "--yes")
    assert said.status == Status.DONE
    assert re.fullmatch(
        r"Noah Walker is as the policy says: holds Contoso UK by rule own-company\. Nothing was changed "
        r"\(\d+\.\d s\)\.\n",
        said.out,
    )
    last = desk.asks("ledger", "show", NOAH_WALKER)["records"][-1]
    assert (last["kind"], last["body"]["outcome"]) == ("check", "unchanged")


def test_a_full_check_now_says_what_differs_and_what_waits(desk: Desk) -> None:
    desk.on_the_apps_store()
    said = desk.says("reconcile", "--all", "--watch", "--yes")
    assert (said.status, said.err) == (Status.DONE, "")
    assert said.out == (
        "Everything could be read. 33 differ, and wait for what `invoice-access plan` says; nothing else.\n"
    )


# -- events


@pytest.fixture
def rejected(desk: Desk) -> Iterator[Any]:
    """Sends what HR sent, and what cannot be used of it comes back rejected, with a reason."""
    asyncs = ThreadPoolExecutor(1)

    def send(**event: str) -> None:
        whole = {"specversion": "1.0", "source": "/hr/contoso", "type": "hired", **event}

        async def over_the_wire() -> None:
            client = ServiceBusClient.from_connection_string(desk.contoso.sandbox.service_bus)
            async with client, client.get_queue_sender("people-events") as sender:
                await sender.send_messages(ServiceBusMessage(json.dumps(whole)))

        asyncs.submit(asyncio.run, over_the_wire()).result()

    yield send
    asyncs.shutdown()


def until_there_are(desk: Desk, number: int) -> list[dict[str, Any]]:
    """The rejected events, once the app has rejected so many."""
    for _ in range(200):
        items = desk.asks("events", "rejected")["items"]
        if len(items) >= number:
            assert isinstance(items, list)
            return items
    raise AssertionError("the app rejected nothing")


def test_rejected_events_say_what_is_wrong_and_are_sent_again(desk: Desk, rejected: Any) -> None:
    rejected(id="2188", subject="employee:E00502")
    (item,) = until_there_are(desk, 1)
    assert (item["source"], item["type"], item["field"]) == ("/hr/contoso", "hired", "subject")
    listed = desk.says("events", "rejected")
    assert (listed.status, listed.err) == (Status.DONE, "")
    title, row = listed.lines
    assert title.split() == ["ID", "SOURCE", "TYPE", "SINCE", "(UTC)", "WHY"]
    assert re.split(r"  +", row)[:3] == [item["id"], "/hr/contoso", "hired"]
    assert "subject: " in row

    sent = desk.says("events", "rejected", "replay", item["id"], "--yes")
    assert sent.status == Status.DONE
    assert re.fullmatch(r"Sent again to people-events as \S+\. The copy here is gone\.\n", sent.out)
    # It is as wrong as before: the app rejects it again.
    (again,) = until_there_are(desk, 1)
    assert again["id"] != item["id"]


def test_a_file_with_a_wrong_line_sends_nothing_and_says_which(desk: Desk) -> None:
    lines = (
        "karin.wilson@contoso.example,",
        "noah.walker@contoso.example,2027-01-01",
        "vera.reid@x.example,01-04-2026",
    )
    file = desk.file("joiners.csv", "\n".join(("upn,effective", *lines)) + "\n")
    said = desk.says("events", "send", str(file))
    assert (said.status, said.out) == (Status.FAILED, "")
    first, wrong, last = said.err.splitlines()
    assert first == "Nothing was sent:"
    assert wrong.startswith(
        f"  {file}, line 4, effective: '01-04-2026' is no ISO 8601 date or time. Write it as 2026-04-01"
    )
    assert last == "Mend 1 line, or use --skip-bad to leave out what is wrong."


def test_dead_letters_for_programs_are_an_empty_list(desk: Desk) -> None:
    told = desk.asks("events", "dead")
    assert (told["schema"], told["complete"], told["items"]) == ("invoice-access/events-dead/1", True, [])


# -- the policy


BAD = """\
version: 1
accounts: all
enforce: all
rules:
  - name: own-company
    who: "jobtitel in ('Accounts payable clerk', 'Controller')"
    profiles: [{ tag: { company: "{companyName}" } }]
employment: { time_zone: Europe/Amsterdam }
email_invoice: { opt_in: all }
"""

EXAMPLES = """\
version: 1
accounts: all
enforce: all
rules:
  - name: own-company
    who: "jobTitle in ('Accounts payable clerk', 'Controler')"
    profiles: [{ tag: { company: "{companyName}" } }]
employment: { time_zone: Europe/Amsterdam }
tests:
  profiles:
    - { name: Contoso UK, tag: { company: Contoso UK } }
  examples:
    - { name: a clerk, person: { jobTitle: Accounts payable clerk, companyName: Contoso UK }, gets: [Contoso UK] }
    - { name: an analyst, person: { jobTitle: Financial analyst, companyName: Contoso UK }, gets: none }
    - { name: a Controller, person: { jobTitle: Controller, companyName: Contoso UK }, gets: [Contoso UK] }
"""


def test_a_policys_mistakes_have_line_column_and_what_was_meant(desk: Desk) -> None:
    file = desk.file("new.yaml", BAD)
    said = desk.says("policy", "check", str(file))
    assert (said.status, said.err) == (Status.FOUND, "")
    first, second, last = said.lines
    assert first.startswith(f"{file}:6:10 rules[0].who: ")
    assert first.endswith("'jobtitel' is not an attribute; did you mean 'jobTitle'?")
    assert second == f"{file}:9:1 email_invoice: there is no such key; did you mean 'email_invoicing'?"
    assert last == "2 mistakes."


def test_a_policys_own_examples_are_judged_with_the_reason(desk: Desk) -> None:
    file = desk.file("new.yaml", EXAMPLES)
    said = desk.says("policy", "test", str(file))
    assert (said.status, said.err) == (Status.FOUND, "")
    first, second = said.lines
    assert first == "2 of 3 examples hold."
    assert second.startswith(f"  {file}:15")
    assert "a Controller should get Contoso UK" in second.replace('"', "")
    assert "own-company" in second
    assert "jobTitle" in second


# -- the record


def test_a_record_that_somebody_changed_is_named(own_desk: Desk) -> None:
    newest = own_desk.asks("ledger", "show", "digest")["records"][-1]
    with closing(sqlite3.connect(own_desk.store)) as store, store:
        where = "partition LIKE 'ledger:person:%173' AND body LIKE '%own-company%'"
        partition, key, body = store.execute(f"SELECT partition, key, body FROM rows WHERE {where}").fetchone()  # noqa: S608
        changed = (
            body.replace(b"own-company", b"own_company") if isinstance(body, bytes) else body.replace("own-", "own_")
        )
        store.execute("UPDATE rows SET body = ? WHERE partition = ? AND key = ?", (changed, partition, key))
    said = own_desk.says("ledger", "verify", "--digest", f"{newest['sequence']}:{newest['digest']}")
    assert said.status == Status.FOUND
    assert any(f"person:{NOAH_WALKER}" in line for line in said.lines)
    assert "1 fault" in said.out


# -- who may


def test_what_a_reader_does_is_recorded_as_hers(own_desk: Desk) -> None:
    """The page asks for a role; the command line writes the store itself, and whoever may write that may pause."""
    assert own_desk.says("pause", "--why", "test", by=SANNE).status == Status.DONE
    last = own_desk.asks("holds", "log")["decisions"][-1]
    assert (last["verb"], last["by"]) == ("pause", SANNE_BAKKER)


UNSEEN = "kees.muller@contoso.example"
"""An HR adviser whom no rule lists, so that no view has him."""
GRANTS = """
grants:
  - { name: auditor, person: vera.nobody@contoso.example, profiles: [{ name: Contoso UK }], why: an audit }
  - { name: kees, person: ADDRESS, profiles: [{ name: Contoso UK }], why: he asked }
"""


def test_an_address_that_nobody_has_is_a_mistake_that_the_directory_knows_of(desk: Desk) -> None:
    file = desk.file("new.yaml", in_force(desk) + GRANTS.replace("ADDRESS", UNSEEN))
    said = desk.says("policy", "check", str(file))
    assert (said.status, said.err) == (Status.FOUND, "")
    first, last = said.lines
    assert first.startswith(f"{file}:")
    assert "grants[0].person" in first
    assert last.endswith("1 mistake; 3 rules, 2 named grants.")


def test_whoever_is_not_signed_in_is_told_that_addresses_are_not_known(desk: Desk) -> None:
    file = desk.file("new.yaml", in_force(desk) + GRANTS.replace("ADDRESS", UNSEEN))
    said = desk.says("policy", "check", str(file), by="c0a1d000-0000-4000-8000-00000000dead")
    assert (said.status, said.err) == (Status.DONE, "")
    assert "The directory was not asked whom named grants auditor, kees means: You are not signed in." in said.out
    assert "2 warnings" in said.lines[-1]
