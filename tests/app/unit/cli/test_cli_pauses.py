"""`pause`, `resume`, `pauses` as an operator types them: what they say, ask, change and exit with."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.operating import named_store
from shared.adapters.store.rows import Replace
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.history.records import DecisionBody, Verb
from shared.domain.history.report import HoldCounts
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code
from shared.ports import Stored
from shared.wording.say import say
from tests.app.unit.cli_desk import NOW, Said, Store, answering, deployed
from tests.app.unit.sign_in import OLGA, PETE, SignIn, signing_in
from tests.reports import report as a_report


@pytest.fixture(autouse=True)
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return deployed(tmp_path, monkeypatch)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return answering(monkeypatch)


def test_the_pause_is_set_told_and_cleared(store: Store, capsys: Said) -> None:
    assert main(["pauses"]) == 0
    assert "Nothing is paused." in capsys.readouterr().out
    assert main(["pause", "--why", "audit"]) == 0
    assert store.kinds() == {PauseKind.OPERATOR}
    assert main(["pauses", "--exit-code"]) == 3
    said = capsys.readouterr().out
    assert "set by Olga Berg: audit" in said
    assert "stops: everything\n" in said
    assert main(["resume", "--yes"]) == 0
    assert "Cleared: operator-stop" in capsys.readouterr().out
    assert store.kinds() == set()
    assert main(["resume", "--yes"]) == 0
    assert "nothing to resume" in capsys.readouterr().out


WANTED = {
    ActionKind.GRANTS: Room(4, 0, 50),
    ActionKind.MOVER_REVOKES: Room(36, 10, 10),
    ActionKind.LEAVER_REVOKES: Room(1, 50, 50),
    ActionKind.PROFILE_UPDATES: Room(0, 5, 5),
}
HELD = HoldCounts({ActionKind.MOVER_REVOKES: 33}, {}, {}, {})


@pytest.mark.parametrize(
    ("hours", "rooms", "said"),
    [
        (1, WANTED, "wanted 8 changes that were stopped: 4 to give, 4 to remove.\n"),
        (1, {ActionKind.GRANTS: Room(1, 0, 50)}, "wanted 1 change that was stopped: 1 to give.\n"),
        (1, {ActionKind.MOVER_REVOKES: Room(33, 0, 50)}, "wanted no change that was stopped.\n"),
        (-1, WANTED, "No full check has run since: what was stopped is not counted.\n"),
    ],
)
def test_a_resume_says_what_the_pause_stopped(
    store: Store,
    capsys: Said,
    answer: Callable[[str], None],
    hours: int,
    rooms: dict[ActionKind, Room],
    said: str,
) -> None:
    pauses_on(store, {PauseKind.OPERATOR: Setting(NOW, OLGA, Code.SAID(said="audit"))}, None)
    swept = a_report(NOW + timedelta(hours=hours), guards=rooms, holds=HELD)
    store.run(lambda state: state.put_report(swept))
    answer("n\n")
    assert main(["resume"]) == 1
    assert said in capsys.readouterr().err


SHRANK = Setting(NOW, "sweep:1", Code.POPULATION_SHRANK(now=33, at=NOW.isoformat(), before=50), seen=33)
LOST = Setting(NOW, "sweep:1", Code.ACCOUNT_NOT_LISTED(account="mca:2"))
COUNTED = Baseline(NOW - timedelta(hours=1), 7, 4, 50, "digest", accounts=("mca:1", "mca:2"))


def pauses_on(store: Store, kinds: dict[PauseKind, Setting], counted: Baseline | None = COUNTED) -> None:
    async def use(state: RowsState) -> None:
        await state.put_pauses(Stored(Pauses({Pause(pause_kind): setting for pause_kind, setting in kinds.items()})))
        if counted is not None:
            await state.put_baseline(Stored(counted))

    store.run(use)


def baseline(store: Store) -> Baseline | None:
    return store.run(lambda state: state.baseline()).value


ACCEPTED: list[tuple[PauseKind, Setting, Baseline | None, tuple[str, ...]]] = [
    (
        *(PauseKind.ROLE_LOST, LOST, COUNTED),
        (
            say(LOST.why),
            "saw 2 billing accounts: mca:1, mca:2. One of these that is gone as a whole is no longer missed",
        ),
    ),
    (PauseKind.ROLE_LOST, LOST, None, ("no good sweep has said which there were",)),
    (
        *(PauseKind.POPULATION_SHRANK, SHRANK, COUNTED),
        (say(SHRANK.why), "that 33 people match the rules; it was 50 at the last good sweep"),
    ),
    (PauseKind.POPULATION_SHRANK, replace(SHRANK, seen=1), None, ("that 1 person matches the rules",)),
    (PauseKind.POPULATION_SHRANK, replace(SHRANK, seen=0), None, ("however many people match the rules",)),
]


@pytest.mark.parametrize(("pause_kind", "setting", "counted", "words"), ACCEPTED)
@pytest.mark.parametrize(("said", "resumed"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_before_it_accepts_anything_a_resume_says_what_and_asks(
    store: Store,
    capsys: Said,
    answer: Callable[[str], None],
    pause_kind: PauseKind,
    setting: Setting,
    counted: Baseline | None,
    words: tuple[str, ...],
    said: str,
    resumed: bool,
) -> None:
    pauses_on(store, {pause_kind: setting}, counted)
    answer(said)
    assert main(["resume"]) == (0 if resumed else 1)
    asked, _, then = capsys.readouterr().err.partition("Accept that, and resume? [y/N]")
    for one in words:
        assert one in asked
    assert ("Nothing was changed." in then) is not resumed
    assert store.kinds() == (set() if resumed else {pause_kind})
    assert (baseline(store) == counted) is (counted is None or not resumed)


@pytest.mark.parametrize(("pause_kind", "setting", "counted", "words"), ACCEPTED)
def test_the_pause_names_what_a_resume_would_accept(
    store: Store,
    capsys: Said,
    pause_kind: PauseKind,
    setting: Setting,
    counted: Baseline | None,
    words: tuple[str, ...],
) -> None:
    pauses_on(store, {pause_kind: setting}, counted)
    assert main(["pauses", "--exit-code"]) == 3
    accepts = capsys.readouterr().out.partition("`resume` accepts: ")[2]
    assert words[-1] in accepts


def test_where_nobody_can_be_asked_nothing_is_accepted_unless_told_so(store: Store, capsys: Said) -> None:
    pauses_on(store, {PauseKind.ROLE_LOST: LOST, PauseKind.POPULATION_SHRANK: SHRANK})
    assert main(["resume"]) == 2
    assert "Give --yes." in capsys.readouterr().err
    assert store.kinds() == {PauseKind.ROLE_LOST, PauseKind.POPULATION_SHRANK}
    assert baseline(store) == COUNTED
    assert main(["resume", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "accepted: that 33 people match the rules" in out
    assert "accepted: whichever billing accounts" in out
    assert store.kinds() == set()
    assert baseline(store) == replace(COUNTED, population=33, accounts=())


@pytest.mark.parametrize("pause_kind", [PauseKind.OPERATOR, PauseKind.INCOMPLETE_SWEEP, PauseKind.HARM])
def test_what_accepts_nothing_is_cleared_without_a_question(store: Store, capsys: Said, pause_kind: PauseKind) -> None:
    pauses_on(store, {pause_kind: Setting(NOW, "sweep:1", Code.SAID(said="something"))})
    assert main(["pauses", "--exit-code"]) == 3
    assert "`resume` accepts" not in capsys.readouterr().out
    assert main(["resume", "--yes"]) == 0
    assert "accepted" not in capsys.readouterr().out
    assert store.kinds() == set()
    assert baseline(store) == COUNTED


def test_the_pause_says_when_a_sweep_found_the_same_again(store: Store, capsys: Said) -> None:
    again = Setting(NOW, "sweep:2", Code.SAID(said="one list failed"), renewed=NOW + timedelta(hours=1))
    store.run(lambda state: state.put_pauses(Stored(Pauses({Pause(PauseKind.INCOMPLETE_SWEEP): again}))))
    assert main(["pauses", "--exit-code"]) == 3
    out = capsys.readouterr().out
    assert re.search(r"since \S+ \S+.*, found again \S+ \S+.*, set by sweep:2: one list failed", out)


@pytest.mark.parametrize("why", [" ", "x" * 501, "half a character: \udcff", "\x1b[2J"])
def test_a_pause_needs_a_reason_that_can_be_shown(store: Store, capsys: Said, why: str) -> None:
    assert main(["pause", "--why", why]) == 2
    assert "--why" in capsys.readouterr().err
    assert main(["pause"]) == 2
    assert store.kinds() == set()


# -- an emergency stop


def damage_decisions(store: Store) -> None:
    """The head of the operators' chain is no head any more."""
    store.record(DecisionBody(Verb.RESUME, OLGA))

    async def use(rows: SqliteRows) -> None:
        row = await rows.get("ledger:operator", "head")
        assert row is not None
        await rows.write("ledger:operator", Replace(row.key, {"nothing": 1}, row.etag))

    store.run_rows(use)


def test_a_pause_that_cannot_be_recorded_is_on_and_says_so(store: Store, capsys: Said) -> None:
    damage_decisions(store)
    for _ in range(2):
        assert main(["pause", "--why", "stop"]) == 1
        said = capsys.readouterr().err
        assert "Writes are paused; it could not be recorded: " in said
        assert "verify" in said
        assert store.kinds() == {PauseKind.OPERATOR}
    assert main(["pauses", "--exit-code"]) == 3
    assert "set by Olga Berg: stop" in capsys.readouterr().out


def test_who_pauses_again_is_told_where_their_reason_is(store: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(["pause", "--why", "audit"]) == 0
    assert "Already paused" not in capsys.readouterr().out
    sign_in.as_(PETE)
    assert main(["pause", "--why", "audit, too"]) == 0
    out = capsys.readouterr().out
    assert "Already paused; your reason is recorded in `invoice-access holds log`." in out
    assert "set by Olga Berg: audit\n" in out
    assert main(["holds", "log"]) == 0
    assert "pause by Pete Vos: audit, too" in capsys.readouterr().out


# -- the store


@pytest.mark.parametrize("verb", [["pause", "--why", "oops"], ["resume"], ["pauses"]])
def test_the_store_is_named_first_and_doubted_where_no_sweep_was_kept(
    store: Store, capsys: Said, verb: list[str]
) -> None:
    doubt = "This store has no sweep yet. Is it the one that the app uses?"
    main(verb)
    told = capsys.readouterr()
    named = f"Store: {os.environ['INVOICE_ACCESS_STORE']}"
    assert told.err.splitlines()[:2] == [named, doubt]
    store.run(lambda state: state.put_report(a_report()))
    main(verb)
    assert capsys.readouterr().err.splitlines()[0:2][0] == named


def test_a_baseline_alone_tells_that_sweeps_use_the_store(store: Store, capsys: Said) -> None:
    store.run(lambda state: state.put_baseline(Stored(COUNTED)))
    assert main(["pauses"]) == 0
    assert "no sweep yet" not in capsys.readouterr().err


def test_a_store_is_named_without_what_is_secret() -> None:
    assert named_store("sqlite:/var/a@b?c") == "sqlite:/var/a@b?c"
    assert named_store("https://x.table.core.windows.net") == "https://x.table.core.windows.net"
    assert named_store("http://me:key@127.0.0.1:1/dev?sv=1&sig=2#f") == "http://127.0.0.1:1/dev"


# -- a part of it

ACCOUNT, PROFILE = "mca:1", "mca:1/nl-bg7"


def put_catalogue(store: Store) -> None:
    accounts = (BillingAccount("MCA:1", "Contoso", "MicrosoftCustomerAgreement", "Active"),)
    profiles = (BillingProfile(ProfileKey("MCA:1", "NL-BG7"), "NL", "Active", True),)
    store.run(lambda state: state.put_catalogue(Catalogue(NOW, accounts, profiles)))


def pauses(store: Store) -> set[Pause]:
    return set(store.run(lambda state: state.pauses()).value.active)


def test_one_account_is_paused_and_resumed_and_the_rest_stands(store: Store, capsys: Said) -> None:
    put_catalogue(store)
    pauses_on(store, {PauseKind.HARM: Setting(NOW, "profile:x", Code.SAID(said="a field"))})
    assert main(["pause", "--why", "audit", "--on", "MCA:1"]) == 0
    assert main(["pause", "--why", "audit", "--on", PROFILE]) == 0
    said = capsys.readouterr().out
    assert f"operator-stop on {ACCOUNT}, since" in said
    assert "stops: everything on this billing account\n" in said
    assert "stops: everything on this billing profile\n" in said
    everywhere = Pause(PauseKind.HARM)
    assert pauses(store) == {everywhere, Pause(PauseKind.OPERATOR, ACCOUNT), Pause(PauseKind.OPERATOR, PROFILE)}
    assert main(["resume", "--on", ACCOUNT, "--yes"]) == 0
    said = capsys.readouterr().out
    assert f"Cleared: operator-stop on {ACCOUNT}" in said
    assert "Still paused:" in said
    assert pauses(store) == {everywhere, Pause(PauseKind.OPERATOR, PROFILE)}
    assert main(["resume", "--on", "everywhere", "--yes"]) == 0
    assert pauses(store) == {Pause(PauseKind.OPERATOR, PROFILE)}
    assert main(["resume", "--on", "everywhere", "--yes"]) == 0
    assert "Nothing is paused for everywhere" in capsys.readouterr().out
    assert main(["resume", "--yes"]) == 0
    assert pauses(store) == set()
    assert main(["holds", "log"]) == 0
    assert f"pause on {PROFILE} by Olga Berg: audit" in capsys.readouterr().out


def test_a_pause_on_what_nobody_knows_is_refused_and_changes_nothing(store: Store, capsys: Said) -> None:
    put_catalogue(store)
    assert main(["pause", "--why", "audit", "--on", "mca:2"]) == 2
    assert "no billing account or profile is called 'mca:2'" in capsys.readouterr().err
    assert pauses(store) == set()


def test_a_resume_of_one_lost_account_accepts_no_other(store: Store, capsys: Said) -> None:
    async def use(state: RowsState) -> None:
        lost = {Pause(PauseKind.ROLE_LOST, account): LOST for account in ("mca:1", "mca:2")}
        await state.put_pauses(Stored(Pauses(lost)))
        await state.put_baseline(Stored(COUNTED))

    store.run(use)
    assert main(["resume", "--on", "mca:2", "--yes"]) == 0
    assert "accepted: that billing account mca:2 may be gone" in capsys.readouterr().out
    assert pauses(store) == {Pause(PauseKind.ROLE_LOST, "mca:1")}
    assert baseline(store) == replace(COUNTED, accounts=("mca:1",))
