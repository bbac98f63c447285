"""Decisions that take two people, and those about oneself: what is said, asked and changed, and the status."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import KeyHolds, Status
from shared.domain.guards.pauses import PauseKind
from shared.domain.guards.proposals import STANDS, Proposals
from shared.domain.keys import PersonKey
from shared.domain.reasons import Code
from tests.app.policy_texts import LEAST
from tests.app.unit.cli.test_cli_holds import ANNA, BEN, CLEO, GROUP, NL, hold
from tests.app.unit.cli_desk import Said, Store, answering, deployed
from tests.app.unit.sign_in import OLGA, PETE, SignIn, signing_in

TWO = LEAST + "decisions: { two_people: { above: 1, always: [resume, policy] } }\n"
HOLDS = (hold(ANNA), hold(BEN, group=GROUP), hold(CLEO, group=GROUP))
DISMISS = ["holds", "dismiss", GROUP, "--yes", "--why", "they stay"]


@pytest.fixture(autouse=True)
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = deployed(tmp_path, monkeypatch)
    (tmp_path / "policy.yaml").write_text(TWO)
    store.put(*HOLDS)
    return store


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return answering(monkeypatch)


def dismissed(store: Store) -> set[str]:
    return {one for one, status in store.statuses().items() if status is Status.DISMISSED}


def proposals(store: Store) -> Proposals:
    return store.run(lambda state: state.proposals()).value


# -- two people


def test_one_proposes_and_another_one_confirms(store: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(DISMISS) == 0
    assert "Proposed. A second operator has to confirm by " in capsys.readouterr().out
    assert dismissed(store) == set()
    assert main(["holds"]) == 0
    listed = capsys.readouterr().out
    assert "proposed by Olga Berg" in listed
    assert f"invoice-access holds dismiss {GROUP}" in listed
    assert main(["holds", "--json"]) == 0
    told = {one["id"]: one["proposed"] for one in json.loads(capsys.readouterr().out)["holds"]}
    assert (told[GROUP]["do"], told[GROUP]["by"], told[GROUP]["why"]) == ("dismiss", OLGA, "they stay")
    assert told[HOLDS[0].id] is None
    assert main(["holds", "show", GROUP]) == 0
    assert "Olga Berg proposed to dismiss 2 changes at" in capsys.readouterr().out

    sign_in.as_(PETE)
    assert main(DISMISS) == 0
    assert "2 changes dismissed" in capsys.readouterr().out
    assert dismissed(store) == {HOLDS[1].id, HOLDS[2].id}
    assert proposals(store).all == ()
    assert main(["holds", "log", "--json"]) == 0
    proposed, done = json.loads(capsys.readouterr().out)["decisions"]
    assert (proposed["verb"], proposed["by"], proposed["deed"]) == ("propose", OLGA, "dismiss")
    assert (done["verb"], done["by"], done["proposed_by"]) == ("dismiss", PETE, OLGA)
    assert done["digest"] == proposed["digest"]


def test_whoever_proposed_it_is_not_the_second_person(store: Store, capsys: Said) -> None:
    assert main(DISMISS) == 0
    assert main(DISMISS) == 5
    assert "you proposed this yourself" in capsys.readouterr().err
    assert dismissed(store) == set()
    assert len(proposals(store).all) == 1


def test_what_moved_since_is_told_and_proposed_no_more(store: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(DISMISS) == 0
    late = PersonKey("7c0f5a0e-0000-4000-8000-000000000004")

    async def move(state: RowsState) -> None:
        """Ben's goes, and Cleo's rests on something else."""
        for key, kept in ((BEN, {}), (CLEO, {HOLDS[2].id: replace(HOLDS[2], basis=Code.EMPLOYED())})):
            await state.put_key_holds((await state.key_holds(key)).becoming(KeyHolds(key, kept)))

    store.run(move)
    store.put(hold(late, group=GROUP))
    sign_in.as_(PETE)
    assert main(DISMISS) == 5
    said = capsys.readouterr().err
    assert "it is not what Olga Berg proposed on " in said
    assert f"{HOLDS[1].id}: it is gone" in said
    assert f"{HOLDS[2].id}: it changed" in said
    assert f"{hold(late).id}: it came in" in said
    assert dismissed(store) == set()
    assert proposals(store).all == ()


def test_a_proposal_ends_after_seven_days(store: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(DISMISS) == 0

    async def age(state: RowsState) -> None:
        row = await state.proposals()
        (one,) = row.value.all
        await state.put_proposals(row.becoming(Proposals((replace(one, at=one.at - STANDS),))))

    store.run(age)
    capsys.readouterr()
    assert main(["holds"]) == 0
    assert "proposed" not in capsys.readouterr().out
    sign_in.as_(PETE)
    assert main(DISMISS) == 0
    assert "Proposed." in capsys.readouterr().out
    assert [one.by for one in proposals(store).all] == [PETE]


def test_so_few_that_one_person_is_enough(store: Store, capsys: Said) -> None:
    assert main(["holds", "dismiss", HOLDS[0].id, "--yes"]) == 0
    assert dismissed(store) == {HOLDS[0].id}


def test_what_a_changed_policy_takes_needs_two_however_few(store: Store, capsys: Said) -> None:
    store.put(one := hold(PersonKey("7c0f5a0e-0000-4000-8000-000000000005"), stopped_by=StoppedBy.POLICY))
    assert main(["holds", "dismiss", one.id, "--yes"]) == 0
    assert "Proposed." in capsys.readouterr().out
    assert dismissed(store) == set()


def test_on_a_terminal_the_second_person_sees_who_proposed_it(
    store: Store, sign_in: SignIn, capsys: Said, answer: Callable[[str], None]
) -> None:
    answer("they stay\ny")
    assert main(["holds", "dismiss", GROUP]) == 0
    asked = capsys.readouterr().err
    assert "Why? " in asked
    assert "Propose to dismiss 2 changes" in asked
    sign_in.as_(PETE)
    answer("y")
    assert main(["holds", "dismiss", GROUP]) == 0
    asked = capsys.readouterr().err
    assert "Olga Berg proposed to dismiss 2 changes at" in asked
    assert '"they stay"' in asked
    assert ", as the second person? [y/N]" in asked
    assert len(dismissed(store)) == 2


def test_a_pause_needs_one_person_and_its_end_two(store: Store, sign_in: SignIn, capsys: Said) -> None:
    assert main(["pause", "--why", "stop"]) == 0
    assert store.kinds() == {PauseKind.OPERATOR}
    assert main(["resume", "--yes"]) == 0
    assert "Proposed. A second operator has to confirm by" in capsys.readouterr().out
    assert store.kinds() == {PauseKind.OPERATOR}
    assert main(["pauses"]) == 0
    assert "Olga Berg proposed to resume at" in capsys.readouterr().err
    assert main(["resume", "--yes"]) == 5
    assert "you proposed this yourself" in capsys.readouterr().err
    sign_in.as_(PETE)
    assert main(["resume", "--yes"]) == 0
    assert store.kinds() == set()
    capsys.readouterr()
    assert main(["holds", "log", "--json"]) == 0
    *_, done = json.loads(capsys.readouterr().out)["decisions"]
    assert (done["verb"], done["by"], done["proposed_by"]) == ("resume", PETE, OLGA)


def test_a_policy_that_is_wrong_ends_no_pause(store: Store, tmp_path: Path, capsys: Said) -> None:
    assert main(["pause", "--why", "stop"]) == 0
    (tmp_path / "policy.yaml").write_text("rules: [")
    assert main(["resume", "--yes"]) == 2
    assert "policy.yaml" in capsys.readouterr().err
    assert store.kinds() == {PauseKind.OPERATOR}


# -- oneself


@pytest.mark.parametrize("verb", [["dismiss"], ["release", "--as-listed", (HOLDS[0].since + timedelta(1)).isoformat()]])
def test_nobody_decides_about_their_own_access(store: Store, capsys: Said, verb: list[str]) -> None:
    own = hold(PersonKey(OLGA))
    store.put(own)
    assert main(["holds", *verb, own.id, "--yes"]) == 5
    said = capsys.readouterr().err
    assert "nobody decides about their own access" in said
    assert f"{own.id}: it is your own access, on {NL}" in said
    assert store.statuses()[own.id] is Status.OPEN


def test_a_group_with_ones_own_access_is_refused_whole(store: Store, tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "policy.yaml").write_text(LEAST)
    own = hold(PersonKey(OLGA), group=GROUP)
    store.put(own)
    assert main(["holds", "dismiss", GROUP, "--yes", "--json"]) == 5
    told = json.loads(capsys.readouterr().err)
    assert told["code"] == "only-for-others"
    assert "by their own ids, or have another operator" in told["mend"]
    assert dismissed(store) == set()
    assert main(["holds", "dismiss", HOLDS[1].id, HOLDS[2].id, "--yes"]) == 0
    assert dismissed(store) == {HOLDS[1].id, HOLDS[2].id}
