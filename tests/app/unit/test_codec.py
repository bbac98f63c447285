"""How rows of the state are refused: what a build before the first release wrote, and what somebody damaged."""

import json
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.store.rows import Insert, Replace
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import NameKind, PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import FutureChecks, Holding, PersonState, ProfileState
from shared.errors import Permanent, StoreRefused
from shared.ports import Stored

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
WHEN = AT.isoformat()
ANNA = PersonKey("7c0f5a0e-0000-4000-8000-00000000000a")
NL = ProfileKey("account", "NL")

PERSON = {"object_id": ANNA.object_id, "holdings": {}, "sightings": {}, "names": {}, "called": []}
DEFLATED = b64encode(zlib.compress(json.dumps(PERSON).encode())).decode()
PROFILE: dict[str, Any] = {"key": "account/NL", "agreed": None, "updates": [], "before": None, "blocked": None}
HOLDS = {"key": ANNA.canonical, "texts": ["grants", "account", "NL", WHEN], "holds": {"1": [0, 1, 2, 3]}}
BASELINE = {"at": WHEN, "managed": 1, "profiles": 1, "population": 1, "policy_digest": "d", "rules": {}, "accounts": []}

type Read = Callable[[RowsState], Awaitable[object]]


@pytest.fixture
async def rows() -> AsyncIterator[SqliteRows]:
    store = SqliteRows(IN_MEMORY)
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("partition", "key", "body", "read"),
    [
        ("people", f"person:{ANNA.object_id}", PERSON, lambda state: state.person(ANNA.object_id)),
        ("people", f"person:{ANNA.object_id}", {"packed": DEFLATED}, lambda state: state.person(ANNA.object_id)),
        ("profiles", "profile:account/nl", PROFILE, lambda state: state.profile(NL)),
        ("future", f"due:{ANNA.canonical}", {"due": {WHEN: True}}, lambda state: state.future_checks(ANNA)),
        ("holds", f"hold:{ANNA.canonical}", HOLDS, lambda state: state.key_holds(ANNA)),
        ("guards", "reservations:grants", {"taken": {"a": 1}}, lambda state: state.reservations(ActionKind.GRANTS)),
        ("guards", "pauses", {"pauses": {"operator-stop": [WHEN, "olga", "why", True]}}, lambda state: state.pauses()),
        ("guards", "baseline", BASELINE, lambda state: state.baseline()),
        ("catalogue", "head", {"prefix": "part:", "parts": 1}, lambda state: state.catalogue()),
        ("sighted", "head", {"prefix": "part:", "parts": 0}, lambda state: state.sighted()),
        ("reports", "report:1:2:0000", {"parts": 1, "text": "{}"}, lambda state: state.reports(1)),
        ("guards", "pauses", {"format": 2, "value": {"pauses": {}}}, lambda state: state.pauses()),
    ],
)
async def test_a_row_of_another_form_is_refused_in_a_sentence_that_says_what_to_do(
    rows: SqliteRows, partition: str, key: str, body: Mapping[str, Any], read: Read
) -> None:
    """As builds before the first release wrote them, and as a later one may."""
    await rows.write(partition, Insert(key, body))
    with pytest.raises(StoreRefused) as refused:
        await read(RowsState(rows))
    assert refused.value.reason == (
        f"row '{key}' in '{partition}' is not of form 1, the only one read here: a build from before the first release "
        "wrote it; name an empty store in INVOICE_ACCESS_STORE"
    )


@pytest.mark.parametrize(
    ("path", "forged", "said"),
    [
        (
            ["state", "holdings", "account/NL", "rules"],
            "finance",
            "value.state.holdings.account/NL.rules: it is not",
        ),
        (
            ["state", "holdings", "account/NL", "adopted"],
            1,
            "value.state.holdings.account/NL.adopted: it is neither",
        ),
        (["state", "holdings", "account/NL", "more"], 1, "value.state.holdings.account/NL.more: Unexpected keyword"),
        (["state", "holdings", "NL"], {}, "value.state.holdings.NL.[key]: 'NL' is not '<billing account>/"),
        (["state", "sightings", "moved"], "2026-03-01T09:30:15", "value.state.sightings.moved: the time has no zone"),
        (["state", "names", "nickname"], "Anna", "value.state.names.nickname.[key]: Input should be 'upn', 'mail' or"),
        (["state", "object_id"], ANNA.object_id[:-1] + "b", "it is the row of 'person:7c0f5a0e-0000-4000-8000-0000000"),
        (["state", "version"], "7", "value.state.version: Unexpected keyword"),
        (["called"], None, "value.called: it is not an array"),
    ],
)
async def test_a_forged_field_of_a_person_is_refused_and_named(
    rows: SqliteRows, path: list[str], forged: object, said: str
) -> None:
    state = RowsState(rows)
    await state.put_person(Stored(PersonState(ANNA.object_id, {NL: Holding(("finance",), AT)}, {"moved": AT})))
    stored = await rows.get("people", f"person:{ANNA.object_id}")
    assert stored is not None
    body = stored.body
    inner = body["value"]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = forged
    await rows.write("people", Replace(stored.key, body, stored.etag))
    with pytest.raises(Permanent) as refused:
        await state.person(ANNA.object_id)
    assert f"row '{stored.key}' in 'people' is no person: {said}" in refused.value.reason


@pytest.mark.parametrize("field", ["read_at", "profiles", "other_roles", "policy_digest", "unknown_rules"])
async def test_a_catalogue_that_lost_a_field_is_a_failed_read_that_names_it(rows: SqliteRows, field: str) -> None:
    state = RowsState(rows)
    await state.put_catalogue(Catalogue(AT, (), (BillingProfile(NL, "Nederland", "Active", True),)))
    (part,) = [row async for row in rows.range("catalogue", "part:", "part;")]
    body = part.body
    text = json.loads(body["value"]["text"])
    del text["value"][field]
    body["value"]["text"] = json.dumps(text)
    await rows.write("catalogue", Replace(part.key, body, part.etag))
    with pytest.raises(Exception, match=rf"is no catalogue: value\.{field} is missing; the next sweep"):
        await RowsState(rows).catalogue()


async def test_a_head_that_leads_to_other_rows_is_refused_and_they_stay(rows: SqliteRows) -> None:
    head = {"format": 1, "value": {"prefix": "h", "parts": 1}}
    await rows.write("catalogue", Insert("head", head))
    state = RowsState(rows)
    with pytest.raises(Exception, match="leads to what is no part: 'h'"):
        await state.catalogue()
    await state.put_catalogue(Catalogue(AT, (), ()))
    assert await state.catalogue() == Catalogue(AT, (), ())


async def test_raw_json_of_another_system_is_kept_however_deep_and_odd(rows: SqliteRows) -> None:
    deep: Any = {"odd": "\ud800", "many": 10**400, "share": 0.1}
    for _ in range(400):
        deep = {"in": [deep]}
    state = RowsState(rows)
    await state.put_profile(Stored(ProfileState(NL, before=deep)))
    found = (await state.profile(NL)).value.before
    assert found is not None
    assert json.dumps(found) == json.dumps(deep)


@pytest.mark.parametrize(
    "put",
    [
        lambda state: state.put_person(
            Stored(PersonState(ANNA.object_id, names={NameKind.UPN: "anna\ud800@contoso.com"}))
        ),
        lambda state: state.put_pauses(
            Stored(Pauses({Pause(PauseKind.OPERATOR): Setting(AT, "olga", Code.SAID(said="\udcff"))}))
        ),
    ],
)
async def test_a_text_that_is_not_unicode_is_refused_and_nothing_is_stored(rows: SqliteRows, put: Read) -> None:
    state = RowsState(rows)
    with pytest.raises(Permanent, match="a text that is not Unicode"):
        await put(state)
    assert (await state.person(ANNA.object_id)).value == PersonState(ANNA.object_id)
    assert (await state.pauses()).value == Pauses()


async def test_a_row_of_few_is_for_people_to_read(rows: SqliteRows) -> None:
    state = RowsState(rows)
    await state.put_future_checks(Stored(FutureChecks(ANNA, {AT: False})))
    row = await rows.get("future", f"due:{ANNA.canonical}")
    assert row is not None
    assert row.text == f'{{"format":1,"value":{{"{WHEN}":false}}}}'
