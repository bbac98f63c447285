"""What operators ask of a Contoso that has two weeks behind it: each example, and the form of its answer.

The examples are those of `test_examples`' table. Days, names and figures are of the world that the fixture makes.
"""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

from cli.faults import Status
from sandbox.contoso.names import (
    APP_OBJECT_ID,
    CONTOSO_ACCOUNT,
    CONTOSO_FRANCE,
    CONTOSO_UK,
    GRACE_TAYLOR,
    JAN_VISSER,
    PORTAL_OBJECT_ID,
    TREASURY,
)
from tests.app.e2e.contoso.conftest import ZONE, Desk

QUENTIN = "b0a1d000-0000-4000-8000-000000000175"
UK, FRANCE = f"{CONTOSO_ACCOUNT}/{CONTOSO_UK}", f"{CONTOSO_ACCOUNT}/{CONTOSO_FRANCE}"
WAITS = "sweep:mover_revokes"

PAYROLL = """
  - name: payroll
    who: "department eq 'Human Resources'"
    profiles: [{ tag: { company: "{companyName}" } }]
"""


# -- status


def test_status_is_a_sentence_five_figures_and_what_needs_a_person(desk: Desk) -> None:
    said = desk.says("status")
    assert (said.status, said.err) == (Status.DONE, "")
    first, blank, *rest = said.lines
    assert re.fullmatch(r"All 11 active profiles will mail their next invoice\. \d things need a person\.", first)
    figures, needs = rest[: rest.index("")], rest[rest.index("") + 1 :]
    assert blank == ""
    told = {line[2:16].strip(): line[17:] for line in figures}
    assert list(told)[:3] == ["full check", "next invoices", "managed"]
    assert re.search(
        r"^\d\d:\d\d \(Europe/Amsterdam\), (just now|\d+ minutes? ago), \d+\.\d s; everything could be read; "
        r"enforcing on every profile$",
        told["full check"],
    )
    invoice_day = r"\w{3} \d{1,2} \w{3}( \d{4})? \d profiles, 9( to 13)? people each"
    assert re.fullmatch(f"{invoice_day}; {invoice_day}", told["next invoices"])
    assert told["managed"] == "104 assignments of 44 people; 6 unmanaged"
    assert told["limits, 24 h"] == "given 0/50, removed (stay) 0/10, removed (left) 0/50, mail turned on 0/5"
    decision = next(line for line in needs if line.startswith("  ▲ decision  remove 3 people from 11 profiles"))
    assert decision.endswith(f"  invoice-access holds show {WAITS}")
    grace = next(line for line in needs if "Grace Taylor left on 2025-07-01 and still has Contoso UK" in line)
    assert grace.startswith("  ◆ finding ")
    assert grace.endswith('  invoice-access who "Contoso UK"')


def test_status_ends_with_3_for_a_script_that_asks_for_it(desk: Desk) -> None:
    assert desk.says("status", "--exit-code").status == Status.FOUND


def test_status_for_programs_has_figures_and_needs(desk: Desk) -> None:
    told = desk.asks("status")
    assert told["schema"] == "invoice-access/status/1"
    assert (told["complete"], told["verdict"], told["mode"], told["paused"]) == (True, "attention", "enforcing", [])
    assert told["as_of"].endswith("Z")
    assert told["profiles"] == {"all": 12, "active": 11, "enforced": 12, "will_mail": 11}
    days = [(one["profiles"], one["fewest"], one["most"]) for one in told["next_invoices"]]
    assert days == [(9, 9, 13), (2, 9, 9)]
    assert told["assignments"] == {"managed": 104, "people": 44, "unmanaged": 6}
    assert told["limits"]["mover_revokes"] == [0, 10]
    needs = {one["kind"]: one for one in told["needs"]}
    decision = needs["decision"]
    assert (decision["id"], decision["changes"], decision["people"], decision["profiles"]) == (WAITS, 33, 3, 11)
    grace = needs["leaver-holds-unmanaged"]
    assert (grace["principal"], grace["profile"]) == (GRACE_TAYLOR, UK)


# -- plan


def test_plan_is_a_sentence_a_line_for_each_person_and_figures(desk: Desk) -> None:
    said = desk.says("plan")
    assert (said.status, said.err) == (Status.DONE, "")
    first, *changes, last = said.lines
    assert re.fullmatch(
        r"Nothing to do by itself: 33 changes wait for a decision\. 48 people and 12 profiles read, \d+\.\d s\.", first
    )
    assert [re.split(r"  +", line.strip())[:3] for line in changes] == [
        ["- remove", person, "11 profiles"] for person in ("Chloé Moreau", "Noah Lambert", "Quentin Wright")
    ]
    assert all(line.endswith(f"  waits: {WAITS}") for line in changes)
    assert last == "Plan: 0 to give, 0 to remove, 0 to turn on; 33 wait. --full lists each."


def test_plan_for_programs_has_each_change(desk: Desk) -> None:
    told = desk.asks("plan")
    assert (told["schema"], told["complete"]) == ("invoice-access/plan/1", True)
    assert {name: told["counts"][name] for name in ("give", "remove", "turn_on", "wait")} == {
        "give": 0,
        "remove": 0,
        "turn_on": 0,
        "wait": 33,
    }
    one = next(one for one in told["changes"] if one["person"]["id"] == QUENTIN and one["profile"]["id"] == UK)
    assert one["person"]["name"] == "Quentin Wright"
    assert one["profile"]["name"] == "Contoso UK"
    assert (one["do"], one["rules"], one["waits"]) == ("remove", ["treasury-group"], WAITS)
    assert one["why"]


def test_plan_of_another_policy_says_whom_it_would_give_what(desk: Desk) -> None:
    in_force = desk.contoso.sandbox.state / "policy.yaml"
    file = desk.file("new.yaml", in_force.read_text(encoding="utf-8").replace("rules:\n", f"rules:{PAYROLL}", 1))
    said = desk.says("plan", "--policy", str(file))
    assert (said.status, said.err) == (Status.DONE, "")
    first, *lines = said.lines
    assert re.fullmatch(
        r"new\.yaml against the policy in force \([0-9a-f]{8}\): rule payroll is new\. \d+ people and 12 profiles "
        r"read, \d+\.\d s\. Nothing is changed by this\.",
        first,
    )
    given = [line for line in lines if line.startswith("  + give ")]
    assert given
    assert all(line.endswith("  rule payroll") for line in given)
    assert lines[-1].startswith(f"Plan: {len(given)} to give, 0 to remove, 0 to turn on. ")
    assert lines[-1].endswith("The 33 that wait already stay as they are.")
    assert desk.says("plan", "--policy", str(file), "--exit-code").status == Status.FOUND


# -- why


def test_why_is_a_verdict_and_six_lines(desk: Desk) -> None:
    said = desk.says("why", "E00175", "Contoso UK")
    assert (said.status, said.err) == (Status.DONE, "")
    *_, verdict, directory, policy, billing, evidence, limits, changes = said.lines
    assert verdict == ("Quentin Wright holds Contoso UK. No rule gives it any more; the removal waits for a decision.")
    assert directory == "  directory  works here: enabled, no leave date, hired 2013-08-08"
    assert policy == (
        "  policy     finance-nl no: companyName is Contoso UK; own-company no: jobTitle is Financial analyst; "
        "treasury-group no: in no such group"
    )
    assert billing == (f"  billing    Invoice manager, managed, given {desk.given} by rule treasury-group (record 1)")
    assert re.fullmatch(r"  evidence   no rule gives it: seen \S+ and \S+", evidence)
    assert limits == f"  limits     33 removals wanted, 10 a day: waits in {WAITS}"
    assert changes == (
        "  changes    group Treasury, or jobTitle Accounts payable clerk or Controller: stays; account disabled: "
        "removed at once"
    )


def test_why_for_programs_has_five_steps_and_flips(desk: Desk) -> None:
    told = desk.asks("why", "E00175", "Contoso UK")
    assert told["schema"] == "invoice-access/why/1"
    assert told["person"] == {"id": QUENTIN, "name": "Quentin Wright"}
    assert told["profile"] == {"id": UK, "name": "Contoso UK"}
    assert (told["holds"], told["should"]) == (True, False)
    steps = {one["step"]: one for one in told["steps"]}
    assert list(steps) == ["directory", "policy", "billing", "evidence", "limits"]
    assert steps["directory"]["employment"] == "employed"
    own_company = next(one for one in steps["policy"]["rules"] if one["rule"] == "own-company")
    assert (own_company["gives"], own_company["attribute"]) == (False, "jobTitle")
    assert (own_company["value"], own_company["wants"]) == (
        "Financial analyst",
        ["Accounts payable clerk", "Controller"],
    )
    assert (steps["billing"]["managed"], steps["billing"]["record"]) == (True, 1)
    seen = steps["evidence"]["seen"]
    assert steps["evidence"]["strength"] == "weak"
    assert seen == sorted(set(seen))
    assert steps["limits"]["group"] == WAITS
    assert re.fullmatch(r"[0-9a-f]{16}", steps["limits"]["hold"])
    flips = {one["if"]: one["then"] for one in told["flips"]}
    assert flips[f"member of {TREASURY}"] == "stays"
    assert flips["accountEnabled false"] == "removed at once"


def test_why_says_what_would_be_if_a_fact_were_another(desk: Desk) -> None:
    on = datetime.now(UTC).astimezone(ZONE) + timedelta(days=40)
    said = desk.says("why", "E00175", "Contoso UK", "--set", "jobTitle=Controller", "--on", f"{on:%Y-%m-%d}")
    assert said.status == Status.DONE
    assert said.lines[-1] == (
        f"If jobTitle were Controller on {on.day} {on:%B %Y}, Quentin Wright would hold Contoso UK by rule "
        "own-company. Nothing would change there."
    )


def test_two_of_one_name_are_told_apart_and_nobody_is_chosen(desk: Desk) -> None:
    said = desk.says("why", "quentin wright")
    assert (said.status, said.out) == (Status.MISUSE, "")
    assert said.err.splitlines() == [
        "2 people are called Quentin Wright; say which:",
        "  quentin.wright@contoso.example  Financial analyst, Contoso UK             E00175",
        "  quentin.wright@litware.example  Accounts payable clerk, Litware Services  E00343",
    ]


def test_an_unknown_person_is_an_object_with_the_nearest(desk: Desk) -> None:
    said = desk.says("why", "qentin.wright@contoso.example", "--json")
    assert (said.status, said.out) == (Status.MISUSE, "")
    told = json.loads(said.err)
    assert told["code"] == "not-found"
    assert "qentin.wright@contoso.example" in told["message"]
    assert told["mend"] == "Give a name, an address, an employee number or an object id."
    assert told["nearest"][:2] == ["quentin.wright@contoso.example", "quentin.wright@litware.example"]
    assert len(told["nearest"]) <= 3


# -- who


def test_who_is_a_sentence_and_a_line_for_each_who_receives_it(desk: Desk) -> None:
    said = desk.says("who", "Contoso UK")
    assert (said.status, said.err) == (Status.DONE, "")
    first, *lines = said.lines
    assert re.fullmatch(
        rf"Contoso UK \({CONTOSO_UK}\) mails its next invoice on \w{{3}} \d+ \w{{3}}( \d{{4}})? to 12 people\. "
        r"One of them has left\.",
        first,
    )
    cells = [re.split(r"  +", line.strip()) for line in lines]
    grace = next(one for one in cells if one[0] == "◆ Grace Taylor")
    assert grace[1:3] == ["left 2025-07-01", "by the app portal-administrator"]
    assert grace[3:] == ["since 2024-03-15", "mailbox not known"]
    quentin = next(one for one in cells if one[0] == "▲ Quentin Wright")
    assert quentin[1:] == ["removal waits", "was rule treasury-group", f"since {desk.given}", "mailbox yes"]
    karin = next(one for one in cells if one[0] == "Karin Wilson")
    assert karin[1:] == ["as it should be", "rule own-company", f"since {desk.given}", "mailbox yes"]
    assert "Break Glass and 2 apps (Billing account owner of Contoso Europe)" in said.out
    assert [one[0] for one in cells].index("◆ Grace Taylor") == 0, "what needs a look comes first"


def test_who_for_programs_has_who_receives_and_who_may_see(desk: Desk) -> None:
    told = desk.asks("who", "Contoso UK")
    assert told["schema"] == "invoice-access/who/1"
    profile = told["profile"]
    assert (profile["id"], profile["name"], profile["opted_in"]) == (UK, "Contoso UK", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", profile["invoice_day"])
    assert profile["addresses"] == ["invoices.uk@contoso.example"]
    grace = next(one for one in told["receives"] if one["id"] == GRACE_TAYLOR)
    assert grace == {
        "id": GRACE_TAYLOR,
        "name": "Grace Taylor",
        "type": "User",
        "role": "Invoice manager",
        "managed": False,
        "since": "2024-03-15T22:37:20Z",
        "by": {"id": PORTAL_OBJECT_ID, "name": "portal-administrator"},
        "rules": [],
        "should": False,
        "employment": "leaver",
        "left_on": "2025-06-30T22:00:00Z",
        "mailbox": None,
        "waits": None,
    }
    karin = next(one for one in told["receives"] if one["name"] == "Karin Wilson")
    assert (karin["by"]["id"], karin["rules"], karin["mailbox"]) == (APP_OBJECT_ID, ["own-company"], True)
    assert ("Break Glass", "Billing account owner") in {(one["name"], one["role"]) for one in told["may_see"]}


def test_who_on_a_past_day_says_how_sure_that_is(desk: Desk) -> None:
    said = desk.says("who", "Contoso UK", "--on", desk.day(12))
    assert (said.status, said.err) == (Status.DONE, "")
    first, *lines = said.lines
    assert first == f"Contoso UK on {desk.day(12)} (Europe/Amsterdam): 11 Invoice managers."
    cells = {one[0]: one[1:] for one in (re.split(r"  +", line.strip()) for line in lines)}
    assert cells["Karin Wilson"] == ["rule own-company", f"since {desk.given}", "until now", "certain, record 1"]
    assert cells["Grace Taylor"] == ["unmanaged", f"seen since {desk.day(14)}", "until now", "certain"]
    assert "Noor de Wit" not in cells, "she came two days later"


def test_who_on_a_day_before_the_record_says_what_is_not_known(desk: Desk) -> None:
    said = desk.says("who", "Contoso UK", "--on", desk.day(30))
    assert said.status == Status.DONE
    assert "0 Invoice managers. Owners, contributors, readers and account roles: not recorded before " in said.lines[0]
    assert said.lines[1] == f"The ledger begins {desk.day(14)}; of what was before, it knows nothing."


# -- lists


def test_profiles_that_differ_are_a_table(desk: Desk) -> None:
    said = desk.says("profiles", "--differs")
    assert (said.status, said.err) == (Status.DONE, "")
    title, *rows, last = said.lines
    assert title.split() == ["PROFILE", "ID", "MAIL", "NEXT", "RECIPIENTS", "MANAGED", "DIFFERS"]
    uk = next(re.split(r"  +", row) for row in rows if row.startswith("Contoso UK "))
    assert uk[1:3] == [CONTOSO_UK, "on"]
    assert uk[4:] == ["12", "10", "3 wait, 1 left"]
    assert last == "11 profiles of 12."


def test_people_who_left_are_a_table(desk: Desk) -> None:
    said = desk.says("people", "--left")
    title, row, last = said.lines
    assert title.split() == ["PERSON", "IS", "EMPLOYMENT", "HAS", "BY", "WAITS"]
    assert re.split(r"  +", row) == [
        "Grace Taylor",
        "Controller, Contoso UK",
        "left 2025-07-01",
        "Contoso UK",
        "by the app portal-administrator",
    ]
    assert last == "1 person of 55."


def test_holds_are_a_table_that_ends_with_as_listed(desk: Desk) -> None:
    said = desk.says("holds")
    assert (said.status, said.err) == (Status.DONE, "")
    title, row, last = said.lines
    assert re.split(r"  +", title) == ["ID", "WOULD", "CHANGES", "WAITS BECAUSE", "SINCE (UTC)", "STATE"]
    cells = re.split(r"  +", row)
    assert cells[:3] == [WAITS, "remove 3 people, 11 profiles", "33"]
    assert cells[-1] == "waits"
    assert datetime.fromisoformat(last.removeprefix("As listed: ")).tzinfo is not None


def test_holds_for_programs_have_ids_that_a_pipe_can_take(desk: Desk) -> None:
    told = desk.asks("holds")
    assert told["schema"] == "invoice-access/holds/1"
    assert datetime.fromisoformat(told["as_listed"]).tzinfo is not None
    assert [one["id"] for one in told["holds"]] == [WAITS]
    (group,) = told["holds"]
    assert (group["is_group"], group["changes"], group["proposed"]) == (True, 33, None)
    assert len(group["holds"]) == 33


# -- the record


def test_a_record_is_verified_up_to_a_digest_that_was_kept_outside(desk: Desk) -> None:
    newest = desk.asks("ledger", "show", "digest")["records"][-1]
    said = desk.says("ledger", "verify", "--digest", f"{newest['sequence']}:{newest['digest']}")
    assert (said.status, said.err) == (Status.DONE, "")
    text = " ".join(said.lines)
    assert re.match(r"\d+ chains, \d+ records\. ", text)
    assert "Nothing that it covers was changed, removed or reordered" in text


def test_an_export_is_a_row_for_each_who_had_access_on_a_day(desk: Desk) -> None:
    said = desk.says("export", "access", "--on", desk.day(12), "--profile", "Contoso France")
    assert said.status == Status.DONE
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert list(rows[0])[:4] == ["day", "profile_id", "profile", "person_id"]
    names = {row["person"] for row in rows}
    assert "Claire Martin" in names, "she left four days later"
    assert "Jan Visser" not in names, "he came three days later"
    claire = next(row for row in rows if row["person"] == "Claire Martin")
    assert (claire["role"], claire["managed"], claire["rules"]) == ("Invoice manager", "true", "own-company")
    assert claire["until"]
    assert claire["certainty"] == "held"
    assert claire["record"].startswith("person:")
    later = desk.says("export", "access", "--on", desk.day(1), "--profile", "Contoso France", "--format", "jsonl")
    had = {one["person_id"]: one for one in map(json.loads, later.lines)}
    assert had[JAN_VISSER]["rules"] == ["own-company"]
    assert (had[JAN_VISSER]["event_source"], had[JAN_VISSER]["until"]) == ("/hr", None)
    assert had[JAN_VISSER]["profile_id"] == FRANCE


def test_an_export_has_other_roles_and_says_whether_they_receive_anything(desk: Desk) -> None:
    said = desk.says("export", "access", "--on", desk.day(1), "--profile", "Contoso UK", "--format", "jsonl")
    assert (said.status, said.err) == (Status.DONE, "")
    rows = {(one["person"], one["role"]): one for one in map(json.loads, said.lines)}
    reader = rows["Ines Castro", "Billing profile reader"]
    assert (reader["receives"], reader["managed"], reader["where"], reader["profile_id"]) == (True, False, UK, UK)
    assert reader["record"] == "estate"
    owner = rows["Break Glass", "Billing account owner"]
    assert (owner["receives"], owner["where"], owner["profile"]) == (False, CONTOSO_ACCOUNT, "Contoso UK")
    karin = rows["Karin Wilson", "Invoice manager"]
    assert (karin["receives"], karin["where"]) == (True, UK)


def test_a_group_that_is_invoice_manager_is_sent_nothing(desk: Desk) -> None:
    said = desk.says("export", "access", "--on", desk.day(1), "--profile", "Contoso France", "--format", "jsonl")
    rows = {(one["person"], one["role"]): one for one in map(json.loads, said.lines)}
    assert rows["External Audit", "Invoice manager"]["receives"] is False


def test_an_export_of_everything_has_accounts_and_groups_as_they_are_called(desk: Desk) -> None:
    said = desk.says("export", "access", "--on", desk.day(1), "--format", "jsonl")
    rows = [*map(json.loads, said.lines)]
    accounts = {one["where"] for one in rows if one["role"] == "Billing account owner"}
    assert CONTOSO_ACCOUNT in accounts
    assert {one["profile"] for one in rows if one["where"] in accounts} == {None}
    members = {one["person"] for one in rows if one["role"] == "member"}
    assert members
    assert not any(one["receives"] for one in rows if one["role"] == "member")


def test_an_export_of_a_day_before_other_roles_were_recorded_says_so(desk: Desk) -> None:
    said = desk.says("export", "access", "--on", desk.day(30), "--profile", "Contoso UK")
    assert "Owners, contributors, readers and account roles: not recorded before " in said.err


def test_doctor_is_a_line_for_each_check_and_a_mend_for_each_fault(desk: Desk) -> None:
    said = desk.says("doctor")
    assert (said.status, said.err) == (Status.DONE, "")
    *checks, last = said.lines
    assert re.fullmatch(r"\d+ checks, 0 to mend, \d not known\.", last)
    marks = {line[4:27].strip(): line[2] for line in checks if not line.startswith("      ")}
    assert {marks[name] for name in ("sign-in", "our role, billing", "leave dates", "queues", "record", "clock")} == {
        "✓"
    }
    assert "Felix Smit" in said.out
    assert "may give access on 12 profiles of 3 managed accounts" in said.out


def test_doctor_ends_with_3_where_something_is_to_mend(desk: Desk) -> None:
    desk.more["INVOICE_ACCESS_POLICY"] = str(desk.folder / "nowhere.yaml")
    said = desk.says("doctor", "--json")
    assert said.status == Status.FOUND
    told = said.document
    assert told["schema"] == "invoice-access/doctor/1"
    bad = next(one for one in told["checks"] if one["name"] == "policy")
    assert bad["state"] == "to-mend"
    assert bad["mend"]


# -- who is not signed in


def test_whoever_is_not_signed_in_is_told_so_in_one_line(desk: Desk) -> None:
    said = desk.says("plan", by="c0a1d000-0000-4000-8000-00000000dead")
    assert (said.status, said.out) == (Status.NOT_ALLOWED, "")
    assert said.err == "You are not signed in. `az login`, then give the command again.\n"
