"""What State promises on every store: versions, names never forgotten, a catalogue never half there."""

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.store.rows import Delete, Insert, Replace, Rows
from shared.adapters.store.state import RowsState
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import Report
from shared.domain.keys import NameKey, NameKind, PersonKey, ProfileKey
from shared.domain.reasons import Code
from shared.domain.remembered import FutureChecks, Holding, PersonState, ProfileState
from shared.errors import Conflict, FailedRead, Permanent
from shared.ports import Stored
from tests.reports import report

ANNA = "7c0f5a0e-0000-4000-8000-00000000000a"
BEN = "7c0f5a0e-0000-4000-8000-00000000000b"
AT = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
NL = ProfileKey("acc:ount_2019-05-31", "ABCD-EFGH-BG7-PGB")
UK = ProfileKey("acc:ount_2019-05-31", "IJKL-MNOP-BG7-PGB")


@pytest.fixture
def state(rows: Rows) -> RowsState:
    return RowsState(rows)


def person(**changes: object) -> PersonState:
    full = PersonState(
        ANNA,
        holdings={NL: Holding(("finance-nl", "own-company"), AT, found_nothing=True), UK: Holding(revoking_at=AT)},
        sightings={"out of scope: finance-nl": AT},
        names={NameKind.UPN: "Anna@Contoso.com", NameKind.EMPLOYEE_ID: "E 007"},
    )
    return replace(full, **changes)  # type: ignore[arg-type] # each test changes what it is about


def of(value: object) -> dict[str, Any]:
    """The body of a row that holds a value spelled so."""
    return {"format": 1, "value": value}


def upn(value: str) -> NameKey:
    return NameKey(NameKind.UPN, value)


def catalogue(count: int, at: datetime = AT, mark: str = "") -> Catalogue:
    keys = [ProfileKey("account", f"PROFILE-{number:04}") for number in range(count)]
    return Catalogue(
        read_at=at,
        accounts=(BillingAccount("account", f"Contoso {mark}", "MicrosoftCustomerAgreement", "Active"),),
        profiles=tuple(
            BillingProfile(key, f"Profile {n} {mark}", "Active", (None, True, False)[n % 3], {"company": f"C{n}"})
            for n, key in enumerate(keys)
        ),
        other_roles={key: {ANNA: "Billing profile owner"} for key in keys[::3]},
        policy_digest="d" * 64,
        unknown_rules={"treasury-group": (Code.NO_SUCH_GROUP(group="gone"), Code.MATCHES_NOBODY())},
    )


async def people(state: RowsState) -> list[PersonState]:
    return [found async for found in state.people()]


async def test_a_person_nobody_stored_is_empty_and_has_no_version(state: RowsState) -> None:
    assert await state.person(ANNA.upper()) == Stored(PersonState(ANNA))
    assert await people(state) == []


async def test_a_stored_person_is_read_back_whole_whatever_the_case_of_the_id(state: RowsState) -> None:
    stored = await state.put_person(Stored(person()))
    found = await state.person(ANNA.upper())
    assert found == stored
    assert found.value == person()
    assert found.is_there
    same = ProfileKey("ACC:OUNT_2019-05-31", "abcd-efgh-bg7-pgb")
    assert found.value.holdings[same].rules == ("finance-nl", "own-company")
    assert [str(key) for key in found.value.holdings] == [str(NL), str(UK)]


async def test_a_person_is_replaced_whole_at_the_version_that_was_read(state: RowsState) -> None:
    stored = await state.put_person(Stored(person()))
    slim = await state.put_person(stored.becoming(PersonState(ANNA)))
    assert slim.version != stored.version
    assert (await state.person(ANNA)).value == PersonState(ANNA)


@pytest.mark.parametrize("changed_name", [False, True])
async def test_a_person_somebody_else_stored_meanwhile_is_a_conflict(state: RowsState, changed_name: bool) -> None:
    first = await state.put_person(Stored(person()))
    second = await state.put_person(first.becoming(replace(first.value, sightings={})))
    names = {NameKind.UPN: "new@contoso.com"} if changed_name else first.value.names
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match=ANNA):
            await state.put_person(stale.becoming(replace(stale.value, holdings={}, names=names)))
    assert await state.person(ANNA) == second
    assert await state.called(upn("new@contoso.com")) == []


async def test_of_two_who_store_at_once_one_succeeds(state: RowsState) -> None:
    read = await state.put_person(Stored(person()))
    outcomes = await asyncio.gather(
        *(
            state.put_person(read.becoming(replace(read.value, names={NameKind.UPN: f"name{n}@contoso.com"})))
            for n in range(4)
        ),
        return_exceptions=True,
    )
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert await state.person(ANNA) == won
    for n in range(4):
        name = f"name{n}@contoso.com"
        assert await state.called(upn(name)) == ([ANNA] if won.value.names[NameKind.UPN] == name else [])


async def test_a_person_is_found_by_every_name_in_any_case(state: RowsState) -> None:
    await state.put_person(Stored(person()))
    assert await state.called(upn(" ANNA@contoso.COM ")) == [ANNA]
    assert await state.called(NameKey(NameKind.EMPLOYEE_ID, "e 007")) == [ANNA]
    assert await state.called(NameKey(NameKind.MAIL, "anna@contoso.com")) == []
    assert await state.called(upn("anna@contoso.co")) == []


async def test_a_person_is_found_by_names_they_no_longer_have(state: RowsState) -> None:
    read = await state.put_person(Stored(person()))
    read = await state.put_person(read.becoming(replace(read.value, names={NameKind.UPN: "anna.jansen@contoso.com"})))
    read = await state.put_person(read.becoming(replace(read.value, names={})))
    await state.put_person(read.becoming(replace(read.value, names={NameKind.UPN: "anna@contoso.com"})))
    for name in ("anna@contoso.com", "anna.jansen@contoso.com"):
        assert await state.called(upn(name)) == [ANNA]
    assert await state.called(NameKey(NameKind.EMPLOYEE_ID, "E 007")) == [ANNA]


async def test_everybody_who_was_ever_called_that_is_found(state: RowsState) -> None:
    anna = await state.put_person(Stored(person()))
    await state.put_person(anna.becoming(replace(anna.value, names={})))
    await state.put_person(Stored(person(object_id=BEN)))
    assert sorted(await state.called(upn("anna@contoso.com"))) == [ANNA, BEN]


@pytest.mark.parametrize("name", ["ö" * 128 + "@" + "ö" * 255, "jörg/#?\\%'@contoso.com", "名前@contoso.com"])
async def test_names_of_any_length_and_script_are_found(state: RowsState, name: str) -> None:
    await state.put_person(Stored(person(names={NameKind.UPN: name, NameKind.MAIL: "  "})))
    assert await state.called(upn(name)) == [ANNA]


async def test_a_person_whose_row_was_removed_by_hand_can_be_stored_again(state: RowsState, rows: Rows) -> None:
    stored = await state.put_person(Stored(person()))
    assert stored.version is not None
    await rows.write("people", Delete(f"person:{ANNA}", stored.version))
    names = {NameKind.UPN: "anna@contoso.com", NameKind.MAIL: "anna@contoso.com"}
    await state.put_person(Stored(person(names=names)))
    assert (await state.person(ANNA)).value == person(names=names)
    assert await state.called(NameKey(NameKind.MAIL, "anna@contoso.com")) == [ANNA]


async def test_everybody_who_has_a_row_is_listed_once_and_names_are_no_people(state: RowsState) -> None:
    await state.put_person(Stored(person()))
    await state.put_person(Stored(PersonState(BEN)))
    assert await people(state) == [person(), PersonState(BEN)]


def any_profiles(count: int) -> list[ProfileKey]:
    """As the service names them, with nothing in common but the account."""
    letters = random.Random(7)
    account = "5f1c3d2e-1111-4222-8333-0123456789ab:6a2b4c8d-4444-4555-8666-abcdef012345_2019-05-31"
    names = {"-".join("".join(letters.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=4)) for _ in "1234"): None}
    while len(names) < count:
        names["-".join("".join(letters.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=4)) for _ in "1234")] = None
    return [ProfileKey(account, name) for name in names]


@pytest.mark.parametrize("count", [2000, 5000])
async def test_a_person_may_hold_thousands_of_profiles_and_be_seen_to_lose_them_all(
    state: RowsState, count: int
) -> None:
    """Written and sighted at as many moments: nothing of it is alike."""
    profiles = any_profiles(count)
    at = [AT + timedelta(microseconds=997 * number) for number in range(count)]
    holdings = {
        profile: Holding(("treasury-group", "own-company"), at[number], found_nothing=True, revoking_at=at[-number])
        for number, profile in enumerate(profiles)
    }
    sightings = {f"moved:{profile.folded}": at[number] for number, profile in enumerate(profiles)}
    many = PersonState(ANNA, holdings=holdings, sightings=sightings, names={NameKind.UPN: "anna@contoso.com"})
    stored = await state.put_person(Stored(many))
    assert (await state.person(ANNA)).value == many
    assert await people(state) == [many]
    assert await state.called(upn("anna@contoso.com")) == [ANNA]
    await state.put_person(stored.becoming(replace(stored.value, holdings={}, sightings={})))
    assert (await state.person(ANNA)).value == replace(many, holdings={}, sightings={})


@pytest.mark.parametrize(
    "packed", ["no base64", "bm8gemxpYg==", "eJwDAAAAAAE=", "eJyrrgUAAXU=", "eJyLjgUAARUAuQ==", None, 7]
)
async def test_a_person_row_whose_packed_body_is_damaged_is_an_error(
    state: RowsState, rows: Rows, packed: object
) -> None:
    """Neither base64, nor deflated, nothing, cut off, a list, or of another type."""
    await rows.write("people", Insert(f"person:{ANNA}", {"format": 1, "packed": packed}))
    with pytest.raises(Permanent, match="is no person"):
        await state.person(ANNA)


async def test_a_person_row_of_the_wrong_shape_is_an_error_and_not_an_empty_person(
    state: RowsState, rows: Rows
) -> None:
    await rows.write("people", Insert(f"person:{ANNA}", of({"state": {"object_id": ANNA, "holdings": []}})))
    with pytest.raises(Permanent, match="is no person"):
        await state.person(ANNA)


async def test_a_profile_is_stored_and_read_back_whatever_its_case(state: RowsState) -> None:
    assert (await state.profile(NL)).value == ProfileState(NL)
    updates = (AT, AT + timedelta(hours=1))
    full = ProfileState(
        NL,
        agreed=("d" * 64, AT),
        updates=updates,
        before={"properties": {"poNumber": "PO-1"}, "tags": {}},
        blocked=Code.UPDATE_DID_HARM(fields=("poNumber",)),
    )
    stored = await state.put_profile(Stored(full))
    found = await state.profile(ProfileKey("ACC%3AOUNT_2019-05-31", "abcd-efgh-bg7-pgb"))
    assert found == stored
    assert found.value == full
    assert (await state.profile(UK)).value == ProfileState(UK)


async def test_a_profile_somebody_else_stored_meanwhile_is_a_conflict(state: RowsState) -> None:
    first = await state.put_profile(Stored(ProfileState(NL)))
    second = await state.put_profile(first.becoming(replace(first.value, blocked=Code.SAID(said="by hand"))))
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match=str(NL)):
            await state.put_profile(stale.becoming(ProfileState(NL)))
    assert await state.profile(NL) == second


async def test_a_profile_with_a_long_foreign_name_has_a_row(state: RowsState) -> None:
    key = ProfileKey("Contoso Österreich", "x" * 300)
    await state.put_profile(Stored(ProfileState(key, blocked=Code.SAID(said="why not"))))
    assert (await state.profile(key)).value.blocked == Code.SAID(said="why not")


async def test_no_catalogue_is_none(state: RowsState) -> None:
    assert await state.catalogue() is None


async def test_a_catalogue_of_two_thousand_profiles_is_read_back_whole(state: RowsState, rows: Rows) -> None:
    stored = catalogue(2000)
    await state.put_catalogue(stored)
    found = await RowsState(rows).catalogue()
    assert found == stored
    assert found is not None
    assert found.other_roles[ProfileKey("ACCOUNT", "profile-0003")] == {ANNA: "Billing profile owner"}


async def test_a_catalogue_does_not_keep_raw_properties(state: RowsState) -> None:
    full = catalogue(1)
    raw = replace(full, profiles=(replace(full.profiles[0], properties={"soldTo": {"country": "NL"}}),))
    await state.put_catalogue(raw)
    assert await state.catalogue() == full


async def test_a_catalogue_that_no_sweep_judged_knows_no_rule(state: RowsState) -> None:
    await state.put_catalogue(Catalogue(AT, (), ()))
    assert await state.catalogue() == Catalogue(AT, (), ())


async def test_a_replaced_catalogue_is_seen_by_others_and_leaves_nothing_behind(state: RowsState, rows: Rows) -> None:
    reader = RowsState(rows)
    for hour in range(3):
        newer = catalogue(1500 - 500 * hour, AT + timedelta(hours=hour))
        await state.put_catalogue(newer)
        assert await reader.catalogue() == newer
        assert await reader.catalogue() == newer
    parts = [row.key async for row in rows.range("catalogue", "part:", "part;")]
    assert len(parts) == 1
    assert parts[0].startswith("part:2026-03-01T11:30:15.250000Z:")


async def test_what_a_crashed_writer_left_is_removed_a_day_later(state: RowsState, rows: Rows) -> None:
    await rows.write("catalogue", Insert("part:2026-03-01T09:00:00.000000Z:0badc0de:0000", {"text": "half"}))
    await state.put_catalogue(catalogue(1))
    assert len([row async for row in rows.range("catalogue", "part:", "part;")]) == 2
    await state.put_catalogue(catalogue(1, AT + timedelta(days=1)))
    assert len([row async for row in rows.range("catalogue", "part:", "part;")]) == 1


async def test_readers_see_the_old_catalogue_or_the_new_one_while_it_is_replaced(state: RowsState, rows: Rows) -> None:
    marks = ["a", "b", "c"]
    whole = {mark: catalogue(900, AT + timedelta(hours=n), mark) for n, mark in enumerate(marks)}
    await state.put_catalogue(whole["a"])
    done = asyncio.Event()
    seen: list[str] = []

    async def read() -> None:
        while not done.is_set():
            found = await RowsState(rows).catalogue()  # remembers nothing
            assert found in whole.values()
            assert found is not None
            seen.append(found.accounts[0].display_name.removeprefix("Contoso "))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        for mark in marks[1:]:
            await state.put_catalogue(whole[mark])
        done.set()
    assert seen == sorted(seen)
    assert await state.catalogue() == whole["c"]


async def test_of_several_catalogues_stored_at_once_one_stands_whole(state: RowsState, rows: Rows) -> None:
    several = [catalogue(700, AT + timedelta(minutes=n), str(n)) for n in range(3)]
    await asyncio.gather(*(state.put_catalogue(one) for one in several))
    assert await RowsState(rows).catalogue() in several


@pytest.mark.parametrize("damage", ["part", "head"])
async def test_a_damaged_catalogue_is_a_failed_read_until_the_next_sweep(
    state: RowsState, rows: Rows, damage: str
) -> None:
    await state.put_catalogue(catalogue(10))
    if damage == "part":
        (part,) = [row async for row in rows.range("catalogue", "part:", "part;")]
        await rows.write("catalogue", Delete(part.key, part.etag))
    else:
        head = await rows.get("catalogue", "head")
        assert head is not None
        await rows.write("catalogue", Replace("head", of({"prefix": 1}), head.etag))
    with pytest.raises(FailedRead, match="the next sweep"):
        await RowsState(rows).catalogue()
    await state.put_catalogue(catalogue(11))
    assert await RowsState(rows).catalogue() == catalogue(11)


HOUR = timedelta(hours=1)


async def test_reports_are_newest_first_however_they_were_stored(state: RowsState) -> None:
    first, second, third = (report(AT + number * HOUR) for number in range(3))
    for each in (third, first, second):
        await state.put_report(each)
    assert await state.reports(10) == [third, second, first]
    assert await state.reports(2) == [third, second]
    assert await state.reports(0) == []


def long_report(at: datetime) -> Report:
    """A report of some parts."""
    finding = Finding(
        kind=FindingKind.RULE_NOT_KNOWN, rule="Zürich", why=Code.NO_PROFILE_OF_NAME(text=Code.TEXT(text='"Zürich"'))
    )
    return report(at, findings=(finding,) * 5_000)


async def test_a_long_report_is_kept_whole_among_others(state: RowsState) -> None:
    first, long, last = report(AT), long_report(AT + HOUR), report(AT + 2 * HOUR)
    for each in (first, long, last):
        await state.put_report(each)
    assert await state.reports(3) == [last, long, first]


async def test_a_report_that_was_never_finished_is_not_seen(state: RowsState, rows: Rows) -> None:
    await state.put_report(report(AT))
    await state.put_report(long_report(AT + HOUR))
    first = await anext(rows.range("reports", "report:", "report;"))
    await rows.write("reports", Delete(first.key, first.etag))
    assert await state.reports(5) == [report(AT)]


async def test_reports_of_one_moment_are_all_kept(state: RowsState, rows: Rows) -> None:
    long, later = long_report(AT), report(AT + timedelta(microseconds=1))
    other, third = report(AT, sweep="2"), report(AT, sweep="3")
    await asyncio.gather(state.put_report(long), state.put_report(other), RowsState(rows).put_report(third))
    await state.put_report(later)
    first, *others = await state.reports(5)
    assert first == later
    assert sorted(others, key=lambda one: one.sweep) == [long, other, third]


async def test_a_report_of_a_later_build_is_refused_in_one_sentence(state: RowsState, rows: Rows) -> None:
    await state.put_report(report(AT, findings=(Finding(kind=FindingKind.FEED_SILENT, why=Code.NOT_NAMED()),)))
    row = await anext(rows.range("reports", "report:", "report;"))
    body = json.loads(row.text.replace("not-named", "of-tomorrow"))
    await rows.write("reports", Replace(row.key, body, row.etag))
    with pytest.raises(Permanent, match="this build knows no reason 'of-tomorrow'; a later one wrote it"):
        await state.reports(1)


# -- future checks


@pytest.mark.parametrize("key", [PersonKey(ANNA), upn("Jörg@contoso.com"), upn("ö" * 128 + "@" + "ö" * 255)])
async def test_the_future_checks_of_a_key_are_read_back_whole(state: RowsState, key: PersonKey | NameKey) -> None:
    assert await state.future_checks(key) == Stored(FutureChecks(key))
    due = {AT + timedelta(days=n): n > 1 for n in range(5)}
    stored = await state.put_future_checks(Stored(FutureChecks(key, due)))
    assert await state.future_checks(key) == stored
    assert stored.value == FutureChecks(key, due)
    assert stored.is_there
    await state.put_future_checks(stored.becoming(FutureChecks(key)))
    assert (await state.future_checks(key)).value == FutureChecks(key)


async def test_future_checks_that_somebody_else_stored_meanwhile_are_a_conflict(state: RowsState) -> None:
    key = PersonKey(ANNA)
    first = await state.put_future_checks(Stored(FutureChecks(key, {AT: False})))
    second = await state.put_future_checks(first.becoming(replace(first.value, due={AT: True})))
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match=ANNA):
            await state.put_future_checks(stale)
    assert await state.future_checks(key) == second


async def test_of_two_who_store_future_checks_at_once_one_succeeds(state: RowsState) -> None:
    key = PersonKey(ANNA)
    outcomes = await asyncio.gather(
        *(state.put_future_checks(Stored(FutureChecks(key, {AT + timedelta(days=n): False}))) for n in range(4)),
        return_exceptions=True,
    )
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert await state.future_checks(key) == won


async def test_future_checks_say_nobodys_name(state: RowsState, rows: Rows) -> None:
    checks = Stored(FutureChecks(upn("anna@contoso.com"), {AT: False}))
    await state.put_future_checks(checks)
    with pytest.raises(Conflict) as lost:
        await state.put_future_checks(checks)
    stored = [row async for row in rows.range("future", "due:", "due;")]
    assert len(stored) == 1
    assert not any("anna" in text for text in (str(lost.value), stored[0].key, stored[0].text))


async def test_a_row_of_future_checks_of_the_wrong_shape_is_an_error_and_not_an_empty_one(
    state: RowsState, rows: Rows
) -> None:
    await rows.write("future", Insert(f"due:person:{ANNA}", of({"tomorrow": True})))
    with pytest.raises(Permanent, match="is no list of future checks"):
        await state.future_checks(PersonKey(ANNA))
