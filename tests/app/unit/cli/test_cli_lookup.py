"""PERSON and PROFILE of every verb, against a view that a sweep left."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from cli.faults import UsageError
from cli.lookup import find_person, find_profile
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.reasons import Code
from shared.domain.view import Called, PeopleView, PersonView, View

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
ID = "b0a1d000-0000-4000-8000-{:012}"
UK = ProfileKey("e0a1:x_2019-05-31", "W5ZA-9JXF-BG7-TGB")
FRANCE = ProfileKey("e0a1:x_2019-05-31", "R8TC-2LNQ-BG7-TGB")


def called(number: int, name: str, address: str) -> Called:
    return Called(
        object_id=ID.format(number), kind=PrincipalKind.PERSON, name=name, address=address,
        employee_id=f"E{number:05}", asked=NOW, used=NOW,
    )  # fmt: skip


def seen(number: int, job: str, company: str) -> PersonView:
    person = Person(ID.format(number), True, None, None, None, {"jobTitle": job, "companyName": company})
    return PersonView(
        object_id=person.object_id,
        person=person,
        employment=Employment.EMPLOYED,
        employment_why=Code.SAID(said="x"),
        seen=NOW,
    )


@pytest.fixture
async def state() -> AsyncIterator[RowsState]:
    rows = SqliteRows(":memory:")
    made = RowsState(rows)
    names = (
        called(175, "Quentin Wright", "quentin.wright@contoso.example"),
        called(343, "Quentin Wright", "quentin.wright@litware.example"),
    )
    people = PeopleView(
        sweep="s", people=(seen(175, "Financial analyst", "Contoso UK"), seen(343, "Clerk", "Litware Services"))
    )
    view = View(
        sweep="s", as_of=NOW, complete=True, failures=(), time_zone="UTC", policy_digest="", accounts=(), profiles=()
    )
    await made.put_names({one.object_id: one for one in names}, NOW)
    await made.put_view(view, people)
    named = ((UK, "Contoso UK"), (FRANCE, "Contoso France"))
    profiles = tuple(BillingProfile(key, name, "Active", invoice_email_opt_in=True) for key, name in named)
    await made.put_catalogue(Catalogue(NOW, (), profiles))
    yield made
    await rows.close()


async def test_two_people_of_one_name_are_told_with_what_tells_them_apart(state: RowsState) -> None:
    with pytest.raises(UsageError) as told:
        await find_person(state, "quentin wright")
    assert told.value.message == "2 people are called Quentin Wright; say which:"
    assert told.value.details == (
        "quentin.wright@contoso.example  Financial analyst, Contoso UK  E00175",
        "quentin.wright@litware.example  Clerk, Litware Services        E00343",
    )
    assert (told.value.code, told.value.status) == ("ambiguous", 2)


@pytest.mark.parametrize("text", ["E00175", "quentin.wright@CONTOSO.example", ID.format(175)])
async def test_one_is_found_by_number_address_or_id(state: RowsState, text: str) -> None:
    assert (await find_person(state, text)).id == ID.format(175)


async def test_nobody_is_told_with_the_nearest_and_what_to_give(state: RowsState) -> None:
    with pytest.raises(UsageError) as told:
        await find_person(state, "qentin.wright@contoso.example")
    assert told.value.message == "nobody is called 'qentin.wright@contoso.example'"
    assert told.value.nearest[0] == "quentin.wright@contoso.example"
    assert told.value.mend == "Give a name, an address, an employee number or an object id."


async def test_an_object_id_that_no_view_has_is_taken_where_a_verb_reads_more(state: RowsState) -> None:
    stranger = ID.format(999).upper()
    assert (await find_person(state, stranger, or_id=True)).id == stranger.lower()
    with pytest.raises(UsageError, match="nobody is called"):
        await find_person(state, stranger)


@pytest.mark.parametrize("text", ["contoso uk", str(UK).upper(), "w5za-9jxf-bg7-tgb"])
async def test_a_profile_is_found_by_name_or_id_whole_or_its_end(state: RowsState, text: str) -> None:
    key, candidate = await find_profile(state, text)
    assert key == UK
    assert candidate.best == "Contoso UK"


async def test_a_profile_that_is_not_there_is_told_with_the_nearest(state: RowsState) -> None:
    with pytest.raises(UsageError) as told:
        await find_profile(state, "Contoso Frence")
    assert told.value.nearest[0] == "Contoso France"
    elsewhere, _ = await find_profile(state, "gone:1/GONE", or_id=True)
    assert elsewhere == ProfileKey("gone:1", "GONE")


async def test_before_the_first_sweep_it_is_said_that_no_names_are_known() -> None:
    rows = SqliteRows(":memory:")
    try:
        with pytest.raises(UsageError) as told:
            await find_person(RowsState(rows), "Quentin Wright")
    finally:
        await rows.close()
    assert told.value.mend == "No sweep has stored names yet; give an object id, or wait for the next sweep."
