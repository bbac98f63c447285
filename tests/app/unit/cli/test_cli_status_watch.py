"""`status` of what is watched: rejected events, dead letters, who left, and the proof, each as known and dated."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.state import RowsState
from shared.domain.health import Health, ShelfCount
from shared.domain.history.leavers import Departure, LeaverDay, LeaverDays
from shared.domain.history.proof import Fault, Proof, Proofs
from tests.app.unit.cli.test_cli_status_who import GRACE, NOW, QUENTIN, show
from tests.app.unit.cli_desk import Said, Store, deployed

EMPTY = ShelfCount("access-work", is_dead=True, count=0)
TWO = ShelfCount("rejected-events", is_dead=False, count=2, oldest=NOW)
HOLDS = Proof(NOW - timedelta(hours=3), f"49:{'a' * 64}", 61, 1204)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = deployed(tmp_path, monkeypatch)
    show(made)
    return made


def looked(store: Store, *shelves: ShelfCount, ago: timedelta = timedelta()) -> None:
    store.run(lambda state: state.put_health(Health(NOW - ago, shelves)))


def proved(store: Store, proof: Proof) -> None:
    async def put(state: RowsState) -> None:
        await state.put_proofs((await state.proofs()).becoming(Proofs(latest=proof)))

    store.run(put)


def figure(capsys: Said, name: str) -> str:
    """What stands behind a figure's name."""
    assert main(["status"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    return next(line.removeprefix(name).strip() for line in lines if line.startswith(name))


def needs(capsys: Said) -> dict[str, dict[str, object]]:
    assert main(["status", "--json"]) == 0
    return {one["kind"]: one for one in json.loads(capsys.readouterr().out)["needs"]}


def test_before_the_first_look_counts_are_not_known_and_never_nought(store: Store, capsys: Said) -> None:
    assert figure(capsys, "events").endswith("; rejected events and dead letters not known yet")
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queues"] is None


def test_counts_are_told_and_what_is_rejected_needs_a_person(store: Store, capsys: Said) -> None:
    looked(store, TWO, EMPTY)
    assert figure(capsys, "events") == "2 of 3 differences were announced by an event; 2 rejected, 0 dead letters"
    assert main(["status"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split("  ")[0:2] == ["", "▲ events"]
    assert "2 rejected" in last
    assert last.endswith("invoice-access events rejected")
    found = needs(capsys)
    assert found["rejected-events"]["count"] == 2
    assert "dead-letters" not in found


def test_a_hundred_dead_letters_may_be_more(store: Store, capsys: Said) -> None:
    looked(store, ShelfCount("people-events", is_dead=True, count=100, more=True), replace_count(TWO, 0))
    assert figure(capsys, "events").endswith("0 rejected, 100 or more dead letters")
    assert needs(capsys)["dead-letters"]["more"] is True


def replace_count(shelf: ShelfCount, count: int | None) -> ShelfCount:
    return ShelfCount(shelf.queue, is_dead=shelf.is_dead, count=count, why="" if count is not None else "refused")


def test_counts_that_nobody_may_read_are_not_known(store: Store, capsys: Said) -> None:
    looked(store, replace_count(TWO, None), EMPTY)
    assert figure(capsys, "events").endswith("rejected events not known, 0 dead letters")
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queues"]["rejected"] == {
        "count": None,
        "more": False,
        "oldest": None,
        "why": "refused",
    }


def test_an_old_look_is_told_with_its_age(store: Store, capsys: Said) -> None:
    looked(store, TWO, EMPTY, ago=timedelta(hours=2))
    assert figure(capsys, "events").endswith("2 rejected, 0 dead letters 2 hours ago: nobody has looked since")


def test_how_long_those_who_left_kept_access_is_told_with_the_longest(store: Store, capsys: Said) -> None:
    today = NOW.date().isoformat()
    gone = [Departure(GRACE, 4, NOW, 3.2), Departure(QUENTIN, 9, NOW, 240.0, swept=True)]
    days = LeaverDays(NOW, (LeaverDay(today, tuple(gone)),))
    store.run(lambda state: state.put_leaver_days(days, NOW))
    assert figure(capsys, "who left") == "2 in 30 days, access gone after 3.2 s (p95 4 min, longest 4 min)"
    assert main(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["leavers"]
    assert (told["people"], told["swept"], told["left"]) == (2, 1, None)
    assert told["heard"] == {"p50": 3.2, "p95": 240.0, "max": 240.0}
    assert told["slowest"]["person"] == QUENTIN


def test_where_nobody_left_nothing_is_told_of_it(store: Store, capsys: Said) -> None:
    assert main(["status"]) == 0
    assert "who left" not in capsys.readouterr().out


def test_the_latest_proof_is_told_with_its_digest(store: Store, capsys: Said) -> None:
    assert figure(capsys, "record") == "not proved yet: the first proof is taken within a day"
    proved(store, HOLDS)
    assert figure(capsys, "record").endswith("digest 49; 61 chains, 1,204 records, unbroken")
    assert "record-broken" not in needs(capsys)


def test_a_proof_that_was_missed_since_is_told_with_its_age(store: Store, capsys: Said) -> None:
    proved(store, Proof(NOW - timedelta(days=4), "", 3, 9))
    assert figure(capsys, "record").endswith("no digest yet; 3 chains, 9 records, unbroken; no proof since, 4 days ago")


def test_a_broken_record_needs_a_person(store: Store, capsys: Said) -> None:
    proved(store, Proof(NOW, "", 3, 9, 1, (Fault("person:x", "record 9 was changed"),)))
    assert figure(capsys, "record").startswith("proved ")
    found = needs(capsys)["record-broken"]
    assert found["faulty"] == 1
    assert main(["status", "--exit-code"]) == 3


def test_the_last_proof_is_shown_as_it_was_kept(store: Store, capsys: Said) -> None:
    assert main(["ledger", "verify", "--last"]) == 1
    assert "no proof was taken yet" in capsys.readouterr().err
    proved(store, HOLDS)
    assert main(["ledger", "verify", "--last"]) == 0
    out = capsys.readouterr().out
    assert f"3 hours ago with digest {HOLDS.digest}: 61 chains, 1,204 records, unbroken." in out
    proved(store, Proof(NOW, "", 3, 9, 25, (Fault("person:x", "record 9 was changed"),)))
    assert main(["ledger", "verify", "--last"]) == 3
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "person:x: record 9 was changed"
    assert "25 faults, 24 of them not shown here" in out
    assert main(["ledger", "verify", "--last", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["holds"], told["faulty"]) == ("invoice-access/ledger-proof/1", False, 25)
    assert told["faults"] == [{"chain": "person:x", "fault": "record 9 was changed"}]


def test_what_is_kept_and_an_audit_are_not_asked_at_once(store: Store, capsys: Said) -> None:
    assert main(["ledger", "verify", "--last", "--newer"]) == 2
    assert "--last" in capsys.readouterr().err
