"""`reconcile`: what it refuses before it asks for anything, and what it tells of each check."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.answer import as_document
from cli.faults import Status
from cli.reconcile import answer, not_all_read, nothing_to_do
from shared.adapters.store.state import RowsState
from shared.answers.documents import as_csv, as_json
from shared.answers.known import Known
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Employment, Note, NoteKind
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.history.checks import CheckBody, Ended, ManagedRow, Step, Waiting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.view import Called
from shared.domain.work import CauseKind
from tests.app.unit.cli.test_cli_plan import planned
from tests.app.unit.cli_desk import NOW, Said, Store, answering, called, deployed
from tests.app.unit.sign_in import SignIn, signing_in

NOAH, BRAM, GROUP = (f"b0a1d000-0000-4000-8000-00000000000{number}" for number in range(3))
UK, NL = ProfileKey("mca:1", "UK"), ProfileKey("mca:1", "NL")
KNOWN = Known({NOAH: called(NOAH, "Noah Walker"), BRAM: called(BRAM, "Bram Wagner")}, {UK: "Contoso UK"})
HELD = {UK: ManagedRow(OwnershipBasis.CREATED_BY, ("own-company",), NOW)}
GIVEN = Ended(Step.GRANT, Outcome.DONE, Code.GIVEN_BY(rules=("own-company",)), profile=UK)


@pytest.fixture(autouse=True)
def _sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    async def fill(state: RowsState) -> None:
        group = Called(object_id=GROUP, kind=PrincipalKind.GROUP, name="Treasury", asked=NOW, used=NOW)
        await state.put_names({**KNOWN.people, GROUP: group}, NOW)

    found = deployed(tmp_path, monkeypatch)
    found.run(fill)
    return found


def check(outcome: Outcome = Outcome.UNCHANGED, **more: Any) -> CheckBody:
    return CheckBody(cause=CauseKind.OPERATOR, origin="operator#1:Felix", outcome=outcome, **more)


def told(*checks: CheckBody | None) -> tuple[list[str], Status]:
    keys = [PersonKey(one) for one in (NOAH, BRAM)][: len(checks)]
    found = answer("operator#1:Felix", dict(zip(keys, checks, strict=True)), KNOWN, seconds=1.2345)
    return [f"{line}" for line in found.text], found.status


MANY = tuple(ProfileKey("mca:1", f"P{number}") for number in range(11))


def test_what_is_alike_of_many_profiles_is_told_once() -> None:
    lost = [Ended(Step.REVOKE, Outcome.DONE, Code.NO_RULE_GIVES_IT(), profile=one) for one in MANY]
    lines, _ = told(check(Outcome.DONE, actions=(*lost, GIVEN)))
    assert lines == [
        "Noah Walker: lost 11 profiles (no rule gives it); gained Contoso UK (given by rule own-company) (1.2 s)."
    ]
    waiting = tuple(Waiting(one, Code.NO_RULE_GIVES_IT(), NOW) for one in MANY)
    assert told(check(waiting=waiting))[0] == [
        "Noah Walker: is to lose 11 profiles (no rule gives it), looked at again at 09:00 UTC (1.2 s)."
    ]
    row = ManagedRow(OwnershipBasis.CREATED_BY, ("treasury-group",), NOW)
    assert told(check(held=HELD | dict.fromkeys(MANY, row)))[0] == [
        (
            "Noah Walker is as the policy says: holds Contoso UK by rule own-company, 11 profiles by rule "
            "treasury-group. Nothing was changed (1.2 s)."
        )
    ]


# -- asking


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "reconcile: say whom: PERSON..., or --all"),
        (["Noah Walker", "--all"], "reconcile: --all and a person: give one of them"),
        (["Noah Walter", "--yes"], "nobody is called 'Noah Walter'"),
        (["Treasury", "--yes"], "reconcile: Treasury is no person (it is a group)"),
        (["Noah Walker"], "nothing was changed, because there is no terminal to ask at"),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_cannot_be_asked_for_is_misuse(arguments: list[str], said: str, capsys: Said) -> None:
    assert main(["reconcile", *arguments]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


@pytest.mark.usefixtures("store")
def test_it_says_what_a_check_does_before_it_asks(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    answering(monkeypatch)("n")
    assert main(["reconcile", "noah walker"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("A check applies what the policy says to Noah Walker: what it gives is given")
    assert "Check Noah Walker now, as Olga Berg" in said
    assert said.endswith("Nothing was asked for.\n")


@pytest.mark.usefixtures("store")
def test_a_queue_that_is_away_is_no_success(capsys: Said) -> None:
    assert main(["reconcile", NOAH, BRAM, "--yes"]) == 1
    assert "access-work" in capsys.readouterr().err


# -- what became of a check


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            check(held=HELD, wanted={UK: ("own-company",)}),
            "Noah Walker is as the policy says: holds Contoso UK by rule own-company. Nothing was changed (1.2 s).",
        ),
        (
            check(held={}),
            (
                "Noah Walker is as the policy says: no rule gives anything, and they hold nothing. "
                "Nothing was changed (1.2 s)."
            ),
        ),
        (
            check(held={}, employment=Employment.LEAVER),
            "Noah Walker is as the policy says: they left, and hold nothing. Nothing was changed (1.2 s).",
        ),
        (
            check(),
            "Noah Walker is as the policy says: what they hold is not in the record. Nothing was changed (1.2 s).",
        ),
        (
            check(held=HELD, notes=(Note(NoteKind.GUEST, Code.SAID(said="a guest"), NL),)),
            (
                "Noah Walker is as the policy says: holds Contoso UK by rule own-company. Nothing was changed; "
                "left alone: a guest (1.2 s)."
            ),
        ),
        (check(Outcome.DONE, actions=(GIVEN,)), "Noah Walker: gained Contoso UK (given by rule own-company) (1.2 s)."),
        (
            check(Outcome.HELD, actions=(Ended(Step.REVOKE, Outcome.HELD, Code.SAID(said="10 a day"), "h", UK),)),
            "Noah Walker: waits for a decision to lose Contoso UK (10 a day) (1.2 s).",
        ),
        (
            check(
                Outcome.WAITING, waiting=(Waiting(UK, Code.NO_RULE_GIVES_IT(), datetime(2026, 3, 2, 9, 5, tzinfo=UTC)),)
            ),
            "Noah Walker: is to lose Contoso UK (no rule gives it), looked at again at 09:05 UTC (1.2 s).",
        ),
    ],
)
def test_one_line_tells_what_became_of_a_check(body: CheckBody, said: str) -> None:
    assert told(body) == ([said], Status.DONE)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            None,
            f"Noah Walker: not checked yet; when it is, `invoice-access ledger show person:{NOAH}`",
        ),
        (check(Outcome.RETRY, why=Code.SAID(said="billing is away")), "Noah Walker: retry: billing is away (1.2 s)."),
        (
            check(Outcome.GAVE_UP, actions=(GIVEN,)),
            "Noah Walker: gained Contoso UK (given by rule own-company); gave-up",
        ),
    ],
)
def test_what_is_not_done_is_no_success(body: CheckBody | None, said: str) -> None:
    (line,), status = told(body)
    assert line.startswith(said)
    assert status is Status.FAILED


def test_of_several_each_has_a_line_and_the_last_counts_them() -> None:
    lines, status = told(check(Outcome.DONE, actions=(GIVEN,)), None)
    assert [line.partition(":")[0] for line in lines[:2]] == ["Noah Walker", "Bram Wagner"]
    assert (lines[2], status) == ("1 of 2 checks done in 1.2 s.", Status.FAILED)


def test_for_programs_there_are_whole_ids_and_what_each_action_ended_as() -> None:
    found = answer("o", {PersonKey(NOAH): check(Outcome.DONE, held=HELD, actions=(GIVEN,))}, KNOWN, seconds=1)
    document = json.loads(as_json(as_document(found), pretty=False))
    assert document["schema"] == "invoice-access/reconcile/1"
    (person,) = document["people"]
    assert person["person"] == {"id": NOAH, "name": "Noah Walker"}
    assert person["held"] == [{"id": f"{UK}", "name": "Contoso UK", "rules": ["own-company"]}]
    assert [(one["do"], one["profile"]["id"], one["state"]) for one in person["changes"]] == [
        ("grant", f"{UK}", "done")
    ]
    assert as_csv(found.rows).splitlines()[1].startswith(f"{NOAH},Noah Walker,done,grant,{UK},Contoso UK,done,")


# -- everybody


def test_where_nothing_differs_or_all_waits_it_says_so_and_succeeds() -> None:
    assert [*nothing_to_do(0).text] == ["Everything could be read. All is as the policy says."]
    (said,) = nothing_to_do(33).text
    assert f"{said}".startswith("Everything could be read. 33 differ, and wait for")


def test_where_not_everything_could_be_read_nothing_is_asked_for() -> None:
    refused = not_all_read(planned(complete=False, failures=(Code.SAID(said="a list"),)))
    assert ([*refused.details], refused.status) == (["a list"], Status.FAILED)
