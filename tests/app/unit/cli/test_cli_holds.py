"""`holds` as an operator types it: what it says, asks, changes and exits with."""

import asyncio
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.operating import moment
from sandbox.settings import Options, Places, app_settings, shell_environment
from sandbox.up import running
from shared.adapters.queues.work_wire import decode
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import StoppedBy
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.holds import Hold, Status, action_id
from shared.domain.history.records import DecisionBody, Verb
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import ProfileState
from shared.domain.work import CauseKind
from shared.ports import Stored
from tests.app.unit.cli_desk import NOW, Said, Store, answering, called, deployed
from tests.app.unit.sign_in import OLGA, PETE, PIPELINE, PIPELINES_APP, SignIn, signing_in
from tests.reports import report as a_report

ANNA, BEN, CLEO = (PersonKey(f"7c0f5a0e-0000-4000-8000-00000000000{number}") for number in range(1, 4))
NL = ProfileKey("mca:1", "NL-BG7")
GROUP = "sweep:mover_revokes"
TOO_MANY = Code.SAID(said="too many")


def hold(key: PersonKey, **more: Any) -> Hold:
    """A mover's revoke that a daily limit stopped."""
    kind = ActionKind.MOVER_REVOKES
    made = Hold(
        action_id(key, kind, NL), key, kind, NL, Code.NO_RULE_GIVES_IT(), TOO_MANY, StoppedBy.DAILY_LIMIT, NOW, NOW
    )
    return replace(made, **more)


HARMED = Hold(
    action_id(NL, ActionKind.PROFILE_UPDATES, NL),
    NL,
    ActionKind.PROFILE_UPDATES,
    NL,
    Code.OPTED_OUT(),
    Code.UPDATE_DID_HARM(fields=("poNumber",)),
    StoppedBy.HARM,
    NOW,
    NOW,
)
HOLDS = (
    hold(ANNA),
    hold(BEN, group=GROUP, stopped_by=StoppedBy.SWEEP),
    hold(CLEO, group=GROUP, stopped_by=StoppedBy.SWEEP),
)


@pytest.fixture(autouse=True)
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return deployed(tmp_path, monkeypatch)


@pytest.fixture
def filled(store: Store) -> Store:
    store.put(*HOLDS)
    return store


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return answering(monkeypatch)


# -- checking


def test_a_group_is_one_line_with_its_figures(filled: Store, capsys: Said) -> None:
    assert main(["holds", "list"]) == 0
    said = capsys.readouterr().out
    assert re.search(rf"^{GROUP}  remove 2 people, {NL} +2  too many +\S+ \S+  waits$", said, re.MULTILINE)
    assert HOLDS[0].id in said
    assert HOLDS[1].id not in said
    assert said.endswith(f"As listed: {NOW.isoformat()}\n")


def test_a_list_for_programs_has_every_member_and_the_time_to_release_by(filled: Store, capsys: Said) -> None:
    assert main(["holds", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["as_listed"] == NOW.isoformat()
    lines = {line["id"]: line for line in found["holds"]}
    assert [one["person"]["id"] for one in lines[GROUP]["holds"]] == [BEN.object_id, CLEO.object_id]
    assert (lines[GROUP]["is_group"], lines[HOLDS[0].id]["is_group"]) == (True, False)
    assert {one["group"] for one in lines[GROUP]["holds"]} == {GROUP}
    assert lines[HOLDS[0].id]["holds"][0]["group"] is None


def test_no_holds_is_an_answer(store: Store, capsys: Said) -> None:
    assert main(["holds", "list"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


def test_show_says_everything_of_each_member(filled: Store, capsys: Said) -> None:
    assert main(["holds", "show", GROUP]) == 0
    said = capsys.readouterr().out
    for one in HOLDS[1:]:
        assert re.search(
            rf"^remove +\S*{one.key.canonical.removeprefix('person:')} .*waits +{one.id}$", said, re.MULTILINE
        )
    assert "no rule gives it" in said
    assert main(["holds", "show", "nothing"]) == 2
    assert "nothing: there is no hold or group of this name" in capsys.readouterr().err


def test_what_harmed_a_profile_is_shown_field_by_field(store: Store, capsys: Said) -> None:
    before = {"properties": {"poNumber": "PO-1", "billTo": {"city": "Bonn", "country": "DE"}}, "tags": {}}
    after = {"properties": {"poNumber": "PO-2", "billTo": {"city": "Bonn"}}, "tags": {"a": "b"}}
    store.put(HARMED)
    store.run(
        lambda state: state.put_profile(
            Stored(ProfileState(NL, before=before, blocked=Code.SAID(said="harm"), after=after))
        )
    )
    assert main(["holds", "show", HARMED.id]) == 0
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    begin = said.index(f"{HARMED.id} properties.billTo.country")
    assert said[begin : begin + 6] == [
        *(f"{HARMED.id} properties.billTo.country", '- "DE"', "+ null"),
        *(f"{HARMED.id} properties.poNumber", '- "PO-1"', '+ "PO-2"'),
    ]
    assert main(["holds", "show", HARMED.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"][0]["changed"]["properties.poNumber"] == ["PO-1", "PO-2"]


def test_a_noun_alone_lists_and_takes_the_options_of_its_list(filled: Store, capsys: Said) -> None:
    assert main(["holds", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "invoice-access/holds/1"
    assert main(["holds", "--exit-code"]) == 3
    assert main(["holds", "lst"]) == 2
    assert "  list\n" in capsys.readouterr().err


def test_people_and_profiles_are_named_and_programs_have_their_ids_too(filled: Store, capsys: Said) -> None:
    names = {one.object_id: called(one.object_id, name) for one, name in ((ANNA, "Anna Berg"), (BEN, "Ben\x1b[2J"))}
    catalogue = Catalogue(NOW, (), (BillingProfile(NL, "Contoso Nederland", "Active", invoice_email_opt_in=True),))
    filled.run(lambda state: state.put_names(names, NOW))
    filled.run(lambda state: state.put_catalogue(catalogue))
    assert main(["holds"]) == 0
    assert "remove Anna Berg, Contoso Nederland" in capsys.readouterr().out
    assert main(["holds", "show", GROUP]) == 0
    assert r"Ben\x1b[2J" in capsys.readouterr().out
    assert main(["holds", "show", HOLDS[0].id, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["holds"][0]
    assert found["person"] == {"id": ANNA.object_id, "name": "Anna Berg"}
    assert found["profile"] == {"id": str(NL), "name": "Contoso Nederland"}
    assert main(["holds", "-o", "csv"]) == 0
    columns, first, *_ = capsys.readouterr().out.splitlines()
    assert columns.startswith("id,group,status,do,person_id,person,profile_id,profile,")
    assert f"{ANNA.object_id},Anna Berg,{NL},Contoso Nederland,no rule gives it,too many," in first


@pytest.mark.parametrize("verb", [["list"], ["log"], ["show", "x"]], ids=" ".join)
def test_a_store_that_is_not_there_is_said_to_be_none_and_not_made(
    store: Store, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    path = tmp_path / "elsewhere" / "store.sqlite"
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path}")
    assert main(["holds", *verb]) == 2
    said = capsys.readouterr()
    assert f"INVOICE_ACCESS_STORE: there is no file {path}" in said.err
    assert said.out == ""
    assert not path.parent.exists()


@pytest.mark.parametrize("verb", ["list", "log"])
def test_a_store_without_a_sweep_is_doubted(store: Store, capsys: Said, verb: str) -> None:
    assert main(["holds", verb]) == 0
    assert "This store has no sweep yet. Is it the one that the app uses?" in capsys.readouterr().err
    store.run(lambda state: state.put_report(a_report()))
    assert main(["holds", verb]) == 0
    assert capsys.readouterr().err == ""


# -- deciding


def test_dismissing_changes_the_hold_and_says_so(filled: Store, capsys: Said) -> None:
    assert main(["holds", "dismiss", GROUP, "--yes"]) == 0
    assert "2 changes dismissed:" in capsys.readouterr().out
    assert filled.statuses() == {
        HOLDS[0].id: Status.OPEN,
        HOLDS[1].id: Status.DISMISSED,
        HOLDS[2].id: Status.DISMISSED,
    }
    assert main(["holds", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(rf"^{GROUP} .* dismissed$", listed, re.MULTILINE)
    assert re.search(rf"^{HOLDS[0].id} .* waits$", listed, re.MULTILINE)


@pytest.mark.parametrize(("said", "decided"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_on_a_terminal_it_shows_what_it_would_do_and_asks(
    filled: Store, capsys: Said, answer: Callable[[str], None], said: str, decided: bool
) -> None:
    answer(said)
    assert main(["holds", "dismiss", HOLDS[0].id]) == (0 if decided else 1)
    asked = capsys.readouterr().err
    assert ANNA.object_id in asked
    assert f"Dismiss 1 change: remove {ANNA.object_id}, {NL}? [y/N]" in asked
    assert (filled.statuses()[HOLDS[0].id] is Status.DISMISSED) is decided


def dismiss(store: Store, *holds: Hold) -> None:
    async def use(state: RowsState) -> None:
        for one in holds:
            row = await state.key_holds(one.key)
            dismissed = replace(one, status=Status.DISMISSED, by=OLGA, decided_at=NOW)
            await state.put_key_holds(row.becoming(replace(row.value, holds={one.id: dismissed})))

    store.run(use)


def test_a_release_of_a_dismissed_group_says_how_to_release_it(
    filled: Store, capsys: Said, answer: Callable[[str], None]
) -> None:
    dismiss(filled, *HOLDS[1:])
    release = ["holds", "release", GROUP, "--yes", "--as-listed", NOW.isoformat()]
    assert main(release) == 0
    ids = ", ".join(sorted(one.id for one in HOLDS[1:]))
    assert capsys.readouterr().out == f"2 are dismissed; release each by its own id: {ids}\n"
    answer("y")  # nothing is asked about what would not be released
    assert main(["holds", "release", GROUP]) == 0
    assert capsys.readouterr().out == f"2 are dismissed; release each by its own id: {ids}\n"
    store_of_one = replace(HOLDS[1], group="sweep:grants")
    dismiss(filled, store_of_one)
    assert main(["holds", "release", "sweep:grants", "--yes", "--as-listed", NOW.isoformat()]) == 0
    assert capsys.readouterr().out == f"1 is dismissed; release it by its own id {HOLDS[1].id}\n"


def test_of_many_dismissed_ones_it_says_where_they_are_listed(store: Store, capsys: Said) -> None:
    many = [hold(PersonKey(f"7c0f5a0e-0000-4000-8000-{number:012}"), group=GROUP) for number in range(7)]
    dismiss(store, *many)
    assert main(["holds", "release", GROUP, "--yes", "--as-listed", NOW.isoformat()]) == 0
    said = "7 are dismissed; release each by its own id, as `invoice-access holds show` lists them\n"
    assert capsys.readouterr().out == said


def test_where_nothing_is_dismissed_either_nothing_waits(store: Store, capsys: Said) -> None:
    assert main(["holds", "release", "--all", "--yes", "--as-listed", NOW.isoformat()]) == 0
    assert capsys.readouterr().out == "There is nothing that waits.\n"


def test_what_a_group_leaves_out_is_not_asked_about(filled: Store, capsys: Said, answer: Callable[[str], None]) -> None:
    dismiss(filled, HOLDS[1])
    answer("n")
    assert main(["holds", "release", GROUP]) == 1
    asked = capsys.readouterr().err
    assert "Release 1 change: " in asked
    assert HOLDS[1].id not in asked
    answer("n")
    assert main(["holds", "release", HOLDS[1].id]) == 1
    assert "Release 1 change: " in capsys.readouterr().err


def test_the_help_is_for_operators(capsys: Said) -> None:
    assert main(["holds", "list", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Lives here" not in said
    assert "decision" in said


def test_a_refusal_names_each_difference_and_changes_nothing(filled: Store, capsys: Said) -> None:
    early = (NOW - timedelta(seconds=1)).isoformat()
    assert main(["holds", "release", GROUP, "gone", "--yes", "--as-listed", early]) == 5
    said = capsys.readouterr().err
    for name in ("gone", HOLDS[1].id, HOLDS[2].id):
        assert f"{name}: " in said
    assert "Nothing was changed: it is not what you listed." in said
    assert set(filled.statuses().values()) == {Status.OPEN}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["release", GROUP, "--yes"], "--as-listed"),
        (["release", GROUP], "--yes and --as-listed TIME"),
        (["release", "--yes", "--as-listed", NOW.isoformat()], "--all"),
        (["release", GROUP, "--all", "--yes", "--as-listed", NOW.isoformat()], "not both"),
        (["release", GROUP, "--yes", "--as-listed", "yesterday"], "--as-listed: 'yesterday' is not a time"),
        (["release", GROUP, "--yes", "--as-listed", "2026-03-02T09:00"], "does not say of which zone"),
        (["dismiss"], "holds dismiss: name holds or groups"),
        (["dismiss", GROUP], "there is no terminal to ask at"),
    ],
)
def test_what_was_asked_wrongly_is_named_with_the_remedy(
    filled: Store, capsys: Said, arguments: list[str], named: str
) -> None:
    assert main(["holds", *arguments]) == 2
    assert named in capsys.readouterr().err
    assert set(filled.statuses().values()) == {Status.OPEN}


def test_wrong_settings_are_listed_and_exit_with_2(store: Store, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_STORE", "nowhere")
    monkeypatch.setenv("INVOICE_ACCESS_SWEEP_BATCH", "0")
    assert main(["holds", "dismiss", GROUP, "--yes"]) == 2
    said = capsys.readouterr().err
    assert "2 mistakes" in said
    assert "INVOICE_ACCESS_STORE" in said


def test_a_time_keeps_its_moment_whatever_its_zone() -> None:
    assert moment("2026-03-02T10:00:00+01:00", "--as-listed") == NOW


# -- who decides


def test_who_decides_is_recorded_by_id_and_shown_by_name(filled: Store, sign_in: SignIn, capsys: Said) -> None:
    sign_in.as_(PETE)
    assert main(["holds", "dismiss", HOLDS[0].id, "--yes"]) == 0
    assert "dismissed by Pete Vos" in capsys.readouterr().out
    assert main(["holds", "show", HOLDS[0].id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["holds"][0]
    assert (told["by"], told["by_name"]) == (PETE, "Pete Vos")
    assert "Pete" not in filled.ledger_text(), "the ledger has ids and no names"
    known = filled.run(lambda state: state.names())[PETE]
    assert (known.name, known.upn) == ("Pete Vos", "pete@contoso.example")


def test_an_app_that_decides_is_named_by_its_application(filled: Store, sign_in: SignIn, capsys: Said) -> None:
    sign_in.as_(PIPELINE)
    assert main(["holds", "dismiss", HOLDS[0].id, "--yes"]) == 0
    assert f"dismissed by app {PIPELINES_APP}" in capsys.readouterr().out
    assert main(["holds", "log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decisions"][0]["by"] == PIPELINE


@pytest.mark.parametrize(
    "verb", [["holds", "dismiss", GROUP, "--yes"], ["pause", "--why", "stop"], ["resume", "--yes"]], ids=" ".join
)
def test_whoever_is_not_signed_in_decides_nothing(
    filled: Store, sign_in: SignIn, capsys: Said, caplog: pytest.LogCaptureFixture, verb: list[str]
) -> None:
    sign_in.out()
    assert main(verb) == 4
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "You are not signed in. `az login`, then give the command again."
    assert [line for line in said[:-1] if not line.startswith(("Store: ", "This store has"))] == []
    assert caplog.records == [], "what a library logs is on stderr as well"
    assert set(filled.statuses().values()) == {Status.OPEN}
    assert filled.kinds() == set()
    assert main(["holds"]) == 0, "who only asks of a store beside them needs no sign-in"


# -- the log


def test_the_log_tells_every_decision_the_newest_last(filled: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(["holds", "log"]) == 0
    assert capsys.readouterr().out == "0 decisions.\n"
    assert main(["holds", "dismiss", GROUP, "--yes", "--why", "they stay [for :now:]"]) == 0
    sign_in.as_(PETE)
    assert main(["pause", "--why", "audit"]) == 0
    sign_in.as_(OLGA)
    assert main(["resume", "--yes"]) == 0
    capsys.readouterr()
    assert main(["holds", "log"]) == 0
    said = capsys.readouterr().out
    places = [
        said.index(words)
        for words in (
            "3 decisions.",
            "dismiss by Olga Berg: they stay [for :now:]",
            f"{HOLDS[1].id}  remove {BEN.object_id} on {NL}  of group {GROUP}",
            "pause by Pete Vos: audit",
            "resume by Olga Berg",
            "set by Pete Vos: audit",
        )
    ]
    assert places == sorted(places)
    assert main(["holds", "log", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["decisions"]
    assert [(one["sequence"], one["verb"], one["by"]) for one in found] == [
        (1, "dismiss", OLGA),
        (2, "pause", PETE),
        (3, "resume", OLGA),
    ]
    assert {one["id"] for one in found[0]["holds"]} == {HOLDS[1].id, HOLDS[2].id}


def test_a_decision_that_was_refused_halfway_is_told_with_what_stood_against_it(store: Store, capsys: Said) -> None:
    store.record(DecisionBody(Verb.RELEASE, OLGA, refused=(Code.OF_HOLD(name="1", because=Code.HOLD_GONE()),)))
    assert main(["holds", "log"]) == 0
    assert "refused: 1: it is gone" in capsys.readouterr().out


# -- with a queue


async def test_a_release_reaches_the_queue_by_the_environment_that_a_sandbox_tells(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    async with running(Options(app=False, state=tmp_path / "sandbox")) as sandbox:
        identity = next(one for one in sandbox.world.principals() if one.name == "invoice-access")
        namespace = sandbox.service_bus.split("sb://")[1].split(";")[0]
        places = Places(
            service_bus=namespace,
            arm=sandbox.arm,
            graph=sandbox.graph,
            identity=sandbox.identity,
            policy=tmp_path / "policy.yaml",
            ledger=tmp_path / "store.sqlite",
        )
        told = shell_environment(
            app_settings(places, client_id=identity.client_id, identity_header="it's me", own={"A:B": "1", "C": "x y"})
        )
        lines = [shlex.split(line, comments=True) for line in told.splitlines()]
        environment = dict(word.split("=", 1) for line in lines for word in line)
        assert environment["IDENTITY_HEADER"] == "it's me"
        assert environment["C"] == "x y"
        assert "A:B" not in environment
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        arguments = ["holds", "release", "--all", "--yes", "--as-listed", NOW.isoformat()]
        assert await asyncio.to_thread(main, arguments) == 0
        said = capsys.readouterr().out
        assert "3 changes released:" in said
        assert all(key.object_id in said for key in (ANNA, BEN, CLEO)), "it names what went"
        sent = [stored.message for stored in sandbox.broker.queue("access-work").peek(0, count=10)]
        assert {decode(message.body).key for message in sent} == {ANNA, BEN, CLEO}
        assert {decode(message.body).cause.kind for message in sent} == {CauseKind.OPERATOR}
    async with filled.state() as state:
        rows = [row async for row in state.holds()]
    assert {one.status for row in rows for one in row.value.holds.values()} == {Status.RELEASED}
