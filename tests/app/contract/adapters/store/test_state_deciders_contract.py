"""What State promises about whoever decides, on every store."""

import asyncio
from datetime import UTC, datetime

import pytest

from shared.adapters.store.rows import Insert, Rows
from shared.adapters.store.state import RowsState
from shared.domain.actors import Actor, Actors
from shared.domain.guards.proposals import Deed, Proposal, Proposals
from shared.errors import Conflict, Permanent

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
OLGA, PETE = (Actor(f"7c0f5a0e-0000-4000-8000-00000000000{number}", name=f"No. {number}") for number in (1, 2))


@pytest.fixture
def state(rows: Rows) -> RowsState:
    return RowsState(rows)


async def test_who_acted_is_read_back_and_has_a_name_whatever_a_sweep_stores(state: RowsState, rows: Rows) -> None:
    empty = await state.actors()
    assert (empty.value, empty.is_there) == (Actors(), False)
    await state.put_actors(empty.becoming(Actors().with_one(OLGA, AT)))
    assert (await RowsState(rows).actors()).value == Actors().with_one(OLGA, AT)
    assert (await state.names())[OLGA.object_id].name == "No. 1"
    await state.put_names({PETE.object_id: PETE.called(AT)}, AT)
    assert (await state.names()).keys() == {OLGA.object_id, PETE.object_id}


async def test_of_several_who_act_for_the_first_time_at_once_one_is_stored(state: RowsState, rows: Rows) -> None:
    read = await state.actors()
    wants = [read.becoming(Actors().with_one(actor, AT)) for actor in (OLGA, PETE)]
    ends = await asyncio.gather(*(RowsState(rows).put_actors(one) for one in wants), return_exceptions=True)
    assert sum(isinstance(end, Conflict) for end in ends) == 1
    assert len((await state.actors()).value.called) == 1


async def test_a_list_of_who_acted_of_the_wrong_shape_is_an_error(state: RowsState, rows: Rows) -> None:
    await rows.write("guards", Insert("actors", {"format": 1, "value": {"called": []}}))
    with pytest.raises(Permanent, match="list of who acted"):
        await state.actors()


async def test_proposals_are_read_back_however_many_holds_they_are_about(state: RowsState, rows: Rows) -> None:
    empty = await state.proposals()
    assert (empty.value, empty.is_there) == (Proposals(), False)
    listed = {f"{number:016x}": f"{number:016x}" for number in range(5000)}
    made = Proposal(Deed.RELEASE, ("sweep:grants",), listed, OLGA.object_id, AT, "a first day")
    resumes = Proposal(Deed.RESUME, None, {"operator-stop": "1"}, PETE.object_id, AT)
    await state.put_proposals(empty.becoming(Proposals((made, resumes))))
    assert (await RowsState(rows).proposals()).value == Proposals((made, resumes))
    with pytest.raises(Conflict):
        await state.put_proposals(empty.becoming(Proposals()))
