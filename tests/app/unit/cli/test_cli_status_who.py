"""`status` and `who`: the answer in one sentence, then what it rests on; old or partial views say so first."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment, StoppedBy
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.holds import Hold, action_id
from shared.domain.guards.proposals import Deed, Proposal, Proposals, listed, of_holds
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import Counts, FeedCheck, HoldCounts, Labels, Report
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.mail_check import MailStanding, MailVerdict, ProfileMail
from shared.domain.people import Person
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code, Reason
from shared.domain.view import AccountView, Called, Mailbox, PeopleView, PersonView, ProfileView, RoleRow, View
from shared.ports import Stored
from tests.app.unit.cli_desk import Store, deployed

ACCOUNT = "e0a1d000-5c1f-4d2b-9a60-0c7f5a0e0001:1f0be7b2-6c4e-4e0f-9d1a-7a3a5b1c0001_2019-05-31"
UK = ProfileKey(ACCOUNT, "W5ZA-9JXF-BG7-TGB")
FRANCE = ProfileKey(ACCOUNT, "R8TC-2LNQ-BG7-TGB")
GRACE, QUENTIN, KARIN, PORTAL, APP, BREAK_GLASS, AUDIT = (f"b0a1d000-0000-4000-8000-{n:012}" for n in range(1, 8))
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = datetime(2024, 3, 15, 22, 37, 20, tzinfo=UTC)


def row(principal: str, *, by: str = PORTAL, role: str = "Invoice manager", **more: object) -> RoleRow:
    kind = {"principal_type": "User"} | more
    return RoleRow(principal=principal, role=role, created_by=by, created_on=LONG_AGO, **kind)  # type: ignore[arg-type]


def person(object_id: str, employment: Employment = Employment.EMPLOYED, left: datetime | None = None) -> PersonView:
    read = Person(object_id, left is None, "Member", None, left, {})
    return PersonView(object_id=object_id, person=read, employment=employment, employment_why=Code.EMPLOYED(), seen=NOW)


def called(object_id: str, name: str, kind: PrincipalKind = PrincipalKind.PERSON) -> Called:
    mailbox = Mailbox.NOT_KNOWN if name == "Grace Taylor" else Mailbox.YES
    return Called(object_id=object_id, kind=kind, name=name, mailbox=mailbox, asked=NOW, used=NOW)


def profile(key: ProfileKey, name: str, rows: tuple[RoleRow, ...], **more: object) -> ProfileView:
    given = {"status": "Active", "opted_in": True, "enforced": True, "invoice_day": NOW.day} | more
    return ProfileView(key=key, name=name, rows=rows, seen=NOW, **given)  # type: ignore[arg-type]


AUDITORS = "External Audit with Karin Wilson (Billing profile reader of Contoso UK)"
ADDRESSES = "invoices.uk@contoso.example"
VIEW = View(
    sweep="s1",
    as_of=NOW,
    complete=True,
    failures=(),
    policy_digest="",
    time_zone="UTC",
    accounts=(
        AccountView(
            name=ACCOUNT,
            display_name="Contoso Group",
            agreement_type="MicrosoftCustomerAgreement",
            status="Active",
            managed=True,
            rows=(row(BREAK_GLASS, role="Billing account owner"),),
        ),
    ),
    profiles=(
        profile(
            UK,
            "Contoso UK",
            (
                row(KARIN, managed=True, by=APP, rules=("own-company",), given_by=("own-company",)),
                row(GRACE),
                row(QUENTIN, managed=True, by=APP, rules=("treasury-group",)),
                row(AUDIT, role="Billing profile reader", principal_type="Group"),
            ),
            addresses=(ADDRESSES,),
        ),
        profile(FRANCE, "Contoso France", (), opted_in=False),
    ),
    members={AUDIT: (KARIN,)},
)
PEOPLE = PeopleView(
    sweep="s1",
    people=(
        person(GRACE, Employment.LEAVER, datetime(2025, 6, 30, 22, tzinfo=UTC)),
        person(QUENTIN),
        person(KARIN),
    ),
)
NAMES = {
    one.object_id: one
    for one in (
        called(GRACE, "Grace Taylor"),
        called(QUENTIN, "Quentin Wright"),
        called(KARIN, "Karin Wilson"),
        called(PORTAL, "portal-administrator"),
        called(APP, "invoice-access", PrincipalKind.APP),
        called(BREAK_GLASS, "Break Glass"),
        called(AUDIT, "External Audit", PrincipalKind.GROUP),
    )
}
WAITS = Hold(
    id=action_id(PersonKey(QUENTIN), ActionKind.MOVER_REVOKES, UK),
    key=PersonKey(QUENTIN),
    kind=ActionKind.MOVER_REVOKES,
    profile=UK,
    basis=Code.NO_RULE_GIVES_IT(),
    why=Code.SAID(said="33 wanted, 10 of 10 a day left"),
    stopped_by=StoppedBy.SWEEP,
    since=NOW,
    renewed=NOW,
    group="sweep:mover_revokes",
)
REPORT = Report(
    sweep="s1",
    started=NOW,
    seconds=2.1,
    complete=True,
    failures=(),
    not_kept=(),
    remembered=0,
    counts=Counts(
        accounts=1,
        managed_accounts=1,
        profiles=2,
        assignments=4,
        managed=2,
        unmanaged=1,
        people_listed=3,
        people=3,
        people_unreadable=0,
    ),
    drift={"no-longer-given": 1},
    feed_check=FeedCheck(NOW, feed=True, labels=Labels(2, 1), kinds={}),
    enqueued=0,
    pauses=(),
    holds=HoldCounts({}, {}, {}, {}),
    guards={ActionKind.GRANTS: Room(0, 47, 50), ActionKind.MOVER_REVOKES: Room(1, 10, 10)},
    would_hold={},
    identities=(APP,),
    assignments={},
    left_alone=(),
    unmanaged=(),
    findings=(
        Finding(
            kind=FindingKind.LEAVER_HOLDS_UNMANAGED, profile=UK, principal=GRACE, why=Code.SAID(said="made by hand")
        ),
    ),
    api_calls={},
)

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return deployed(tmp_path, monkeypatch)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def give(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return give


def show(store: Store, view: View = VIEW, report: Report = REPORT) -> None:
    async def put(state: RowsState) -> None:
        await state.put_view(view, PEOPLE)
        await state.put_names(NAMES, NOW)
        await state.put_report(report)
        profiles = tuple(
            BillingProfile(one.key, one.name, one.status, invoice_email_opt_in=one.opted_in) for one in view.profiles
        )
        await state.put_catalogue(Catalogue(NOW, (), profiles))

    store.run(put)
    store.put(WAITS)


def test_who_tells_whoever_needs_a_look_first_and_how_each_got_there(store: Store, run: Run) -> None:
    show(store)
    status, out, err = run("who", "contoso uk")
    day = f"{NOW:%a} {NOW.day} {NOW:%b}"
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"Contoso UK (W5ZA-9JXF-BG7-TGB) mails its next invoice on {day} to 3 people. One of them has left.",
        "  ◆ Grace Taylor    left 2025-06-30  by hand, portal-administrator  since 2024-03-15  mailbox not known",
        "  ▲ Quentin Wright  removal waits    was rule treasury-group        since 2024-03-15  mailbox yes",
        "    Karin Wilson    as it should be  rule own-company               since 2024-03-15  mailbox yes",
        f"May open it without being sent it: {AUDITORS}; Break Glass (Billing account owner of Contoso Group).",
        f"Addresses set on the profile itself: {ADDRESSES}. Microsoft does not say what they do besides.",
    ]


def test_who_tells_programs_whole_ids_and_what_waits(store: Store, run: Run) -> None:
    show(store)
    status, out, _ = run("who", UK.profile, "--json")
    told = json.loads(out)
    assert (status, told["schema"], told["complete"]) == (0, "invoice-access/who/1", True)
    assert told["profile"]["id"] == str(UK)
    assert told["profile"]["invoice_day"] == NOW.date().isoformat()
    quentin = next(one for one in told["receives"] if one["id"] == QUENTIN)
    assert quentin["waits"] == "sweep:mover_revokes"
    assert quentin["by"] == {"id": APP, "name": "invoice-access"}
    assert (quentin["managed"], quentin["should"], quentin["mailbox"]) == (True, False, True)
    assert [one["group"] for one in told["may_see"]] == [None, AUDIT, None]


def test_somebody_of_two_roles_is_one_person(store: Store, run: Run) -> None:
    twice = replace(VIEW.profiles[1], opted_in=True, rows=(row(KARIN), row(KARIN, role="Billing profile reader")))
    show(store, replace(VIEW, profiles=(VIEW.profiles[0], twice)))
    _, out, _ = run("who", "Contoso France")
    assert " to 1 person." in out.splitlines()[0]
    assert len([line for line in out.splitlines() if "Karin Wilson" in line]) == 2


def test_a_profile_that_mails_nothing_says_why(store: Store, run: Run) -> None:
    show(store)
    _, out, _ = run("who", "Contoso France")
    assert out.startswith("Contoso France (R8TC-2LNQ-BG7-TGB) mails nothing: invoice mail is off. 0 people would")


def check(store: Store, standing: MailStanding, why: Reason, ago: timedelta = timedelta()) -> None:
    """The mail check left a verdict of Contoso UK's next invoice."""
    day, checked = NOW.date(), NOW - ago
    said = MailVerdict(
        period=day.isoformat(), day=day, standing=standing, why=why, since=checked, checked=checked, known=2, asked=2
    )
    row = Stored(ProfileMail(UK, "Contoso UK", (said,)))
    store.run(lambda state: state.put_profile_mail(row))


def test_a_profile_that_will_not_mail_is_told_before_its_invoice_day(store: Store, run: Run) -> None:
    show(store)
    check(store, MailStanding.WILL_NOT_MAIL, Code.OPTED_OUT())
    _, out, _ = run("status")
    assert out.startswith("0 of 2 active profiles will mail their next invoice.")
    assert "Contoso UK will mail nothing: opted out although the policy keeps it opted in" in out
    _, out, _ = run("who", "Contoso UK")
    assert "mails nothing: opted out although the policy keeps it opted in." in out.splitlines()[0]
    told = json.loads(run("who", "Contoso UK", "--json")[1])["profile"]
    assert (told["will_mail"], told["mail_check"]["standing"]) == (False, "will-not-mail")


def test_a_profile_that_was_proved_says_when_and_by_how_many(store: Store, run: Run) -> None:
    show(store)
    check(store, MailStanding.WILL_MAIL, Code.ENOUGH_CAN_READ(reached=2, asked=2))
    said = re.compile(r"^Checked (just now|\d+ minutes? ago): 2 people can read it, and 2 must\.$", re.MULTILINE)
    assert said.search(run("who", "Contoso UK")[1])


def test_a_mail_check_from_before_the_view_says_nothing_more(store: Store, run: Run) -> None:
    show(store)
    check(store, MailStanding.WILL_NOT_MAIL, Code.OPTED_OUT(), timedelta(minutes=15))
    assert run("status")[1].startswith("1 of 2 active profiles will mail their next invoice.")
    assert json.loads(run("who", "Contoso UK", "--json")[1])["profile"]["mail_check"] is None


def test_an_unknown_profile_is_told_with_what_is_near_and_nothing_is_chosen(store: Store, run: Run) -> None:
    show(store)
    status, out, err = run("who", "Contoso U")
    assert (status, out) == (2, "")
    assert "Contoso UK" in err


def test_before_the_first_sweep_there_is_nothing_to_tell(store: Store, run: Run) -> None:
    store.run(
        lambda state: state.put_catalogue(Catalogue(NOW, (), (BillingProfile(UK, "Contoso UK", "Active", None),)))
    )
    for arguments in (("who", "Contoso UK"), ("status",)):
        status, out, err = run(*arguments)
        assert (status, out) == (1, "")
        assert "no full check (sweep) has left a view yet" in err


@pytest.mark.parametrize("arguments", [("who", "Contoso UK"), ("status",)])
def test_an_old_view_says_so_first(store: Store, run: Run, arguments: tuple[str, ...]) -> None:
    show(store, replace(VIEW, as_of=NOW - timedelta(hours=3)))
    _, out, _ = run(*arguments)
    assert out.startswith(f"Not known since {NOW - timedelta(hours=3):%H:%M} ")
    assert json.loads(run("status", "--json")[1])["verdict"] == "not-known"


@pytest.mark.parametrize("arguments", [("who", "Contoso UK"), ("status",)])
def test_a_view_that_could_not_read_everything_says_so_first(
    store: Store, run: Run, arguments: tuple[str, ...]
) -> None:
    failures = (Code.SAID(said="the list of Contoso UK: 503"), Code.SAID(said="another"))
    show(store, replace(VIEW, complete=False, failures=failures))
    _, out, _ = run(*arguments)
    first = out.splitlines()[0]
    assert first.startswith("The full check could not read everything: the list of Contoso UK: 503, and 1 more read.")


def test_status_is_one_sentence_figures_and_what_needs_a_person(store: Store, run: Run) -> None:
    show(store)
    status, out, err = run("status")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0] == "1 of 2 active profiles will mail their next invoice. 3 things need a person."
    assert f"next invoices  {NOW:%a} {NOW.day} {NOW:%b} 1 profile, 2 people" in out
    assert "managed        2 assignments of 2 people; 1 unmanaged" in out
    assert "events         2 of 3 differences were announced by an event" in out
    assert "limits, 24 h   given 3/50, removed (stay) 0/10" in out
    assert "enforcing on every profile" in out
    told = [line.rpartition("  ")[2].strip() for line in lines[-3:]]
    assert told == [
        "invoice-access holds show sweep:mover_revokes",
        'invoice-access who "Contoso France"',
        'invoice-access who "Contoso UK"',
    ]
    assert "◆ finding   Grace Taylor left on 2025-06-30 and still has Contoso UK" in lines[-1]


def test_status_ends_with_3_only_where_it_was_asked_to(store: Store, run: Run) -> None:
    show(store)
    assert run("status", "--exit-code")[0] == 3
    assert run("status")[0] == 0


def test_status_tells_programs_figures_and_needs(store: Store, run: Run) -> None:
    show(store)
    told = json.loads(run("status", "--json")[1])
    assert (told["verdict"], told["mode"], told["paused"]) == ("attention", "enforcing", [])
    assert told["profiles"] == {"all": 2, "active": 2, "will_mail": 1, "enforced": 2}
    assert told["limits"] == {"grants": [3, 50], "mover_revokes": [0, 10]}
    assert told["announced"] == {"share": 0.667, "of": 3}
    decision = next(one for one in told["needs"] if one["kind"] == "decision")
    assert (decision["id"], decision["changes"], decision["people"]) == ("sweep:mover_revokes", 1, 1)
    finding = next(one for one in told["needs"] if one["kind"] == "leaver-holds-unmanaged")
    assert (finding["principal"], finding["profile"]) == (GRACE, str(UK))


def test_status_tells_who_proposed_a_decision(store: Store, run: Run) -> None:
    show(store)

    async def propose(state: RowsState) -> None:
        holds = [one async for row in state.holds() for one in row.value.holds.values()]
        made = Proposal(Deed.RELEASE, None, listed(of_holds(holds)), GRACE, NOW)
        await state.put_proposals(Stored(Proposals((made,))))

    store.run(propose)
    assert "from 1 profile, proposed by Grace Taylor" in run("status")[1]
    needs = json.loads(run("status", "--json")[1])["needs"]
    assert next(one for one in needs if one["kind"] == "decision")["proposed_by"] == GRACE


def test_many_of_a_kind_are_one_line_unless_each_is_asked_for(store: Store, run: Run) -> None:
    off = tuple(profile(ProfileKey(ACCOUNT, f"P{n}-BG7"), f"Off {n}", (), opted_in=False) for n in range(5))
    show(store, replace(VIEW, profiles=off))
    _, out, _ = run("status")
    assert "5 profiles will mail nothing, or reach nobody: Off 0, Off 1, Off 2 and 2 more" in out
    _, full, _ = run("status", "--full")
    assert [f"Off {n} will mail nothing" in full for n in range(5)] == [True] * 5


def test_names_do_nothing_to_a_terminal(store: Store, run: Run) -> None:
    show(store)
    bad = {KARIN: replace(NAMES[KARIN], name="Karin\x1b[2J")}
    store.run(lambda state: state.put_names({**NAMES, **bad}, NOW))
    _, out, _ = run("who", "Contoso UK")
    assert "\x1b" not in out
    assert r"Karin\x1b[2J" in out
