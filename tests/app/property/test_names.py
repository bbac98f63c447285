"""A name that a sender may use is a name everywhere, and what is none is refused at the door."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.queues.work_wire import decode, encode
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.keys import NameKey, NameKind
from shared.domain.remembered import PersonState
from shared.domain.work import Cause, CauseKind, WorkItem
from shared.errors import Rejected
from shared.ports import Stored
from shared.sources.events import PersonEvent
from shared.sources.read import read_message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANNA = "7c0f5a0e-0000-4000-8000-00000000000a"
EVENT = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "left"}
KINDS = st.sampled_from(NameKind)
NAMES = st.text(max_size=30) | st.text(st.sampled_from("aA7@. -\u0130\u202e\x1b"), max_size=150)


@given(kind=KINDS, name=NAMES)
@example(kind=NameKind.MAIL, name="a" * 128 + "@" + "b" * 255)
@example(kind=NameKind.UPN, name="anna jansen was fired@contoso.example")
@example(kind=NameKind.EMPLOYEE_ID, name="call 0800 and ask for Anna")
@example(kind=NameKind.EMPLOYEE_ID, name="\u0130" * 40)
@example(kind=NameKind.EMPLOYEE_ID, name="\n17")
def test_whom_an_event_names_its_own_work_item_may_name(kind: NameKind, name: str) -> None:
    (read,) = read_message(json.dumps({**EVENT, "subject": f"{kind}:{name}"}).encode(), now=NOW)
    if isinstance(read, PersonEvent):
        item = WorkItem(read.key, Cause(CauseKind.EVENT, read.origin), NOW)
        assert decode(encode(item)) == item
        return
    assert isinstance(read, Rejected)
    assert read.field == "subject"
    assert "Name one person" in read.remedy
    wire = {"key": f"identity:{kind}:{name}", "cause": {"kind": "event", "origin": "x"}, "first_asked": NOW.isoformat()}
    with pytest.raises(Rejected) as refused:
        decode(json.dumps(wire).encode())
    assert refused.value.field == "key"


@given(names=st.dictionaries(KINDS, NAMES))
@example(names={NameKind.MAIL: "anna jansen@contoso.example", NameKind.EMPLOYEE_ID: "E17"})
def test_a_person_of_any_spelling_is_stored_and_found_by_each_usable_name(
    names: dict[NameKind, str],
) -> None:
    async def stored() -> None:
        rows = SqliteRows(IN_MEMORY)
        state = RowsState(rows)
        await state.put_person(Stored(PersonState(ANNA, names=names)))
        assert (await state.person(ANNA)).value.names == names
        for kind, name in names.items():
            try:
                key = NameKey(kind, name)
            except ValueError:
                continue
            assert await state.called(key) == [ANNA]
        await rows.close()

    asyncio.run(stored())
