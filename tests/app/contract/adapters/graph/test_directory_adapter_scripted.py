"""The directory adapter against answers written by hand: what is sent, what is believed, what fails how."""

import asyncio
import contextlib
import json
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.graph.wire import UserAnswer
from shared.adapters.http.pipeline import request_options
from shared.domain.access.employment import standing
from shared.domain.access.plan import Employment, Strength
from shared.domain.keys import NameKey, NameKind
from shared.domain.people import (
    SELECT,
    TEXT_ATTRIBUTES,
    AbsentPerson,
    DeletedPerson,
    ListedPerson,
    Person,
    UnreadablePerson,
)
from shared.domain.policy.model import Policy
from shared.errors import FailedRead, Permanent, Transient
from shared.ports import Directory
from shared.settings import Settings

GRAPH = "https://graph.microsoft.com"
ANNA = "7c0f5a0e-0000-4000-8000-00000000000a"
BEN = "7c0f5a0e-0000-4000-8000-00000000000b"
CARL = "7c0f5a0e-0000-4000-8000-00000000000c"
GROUPS = [f"6b000000-0000-4000-8000-{n:012x}" for n in range(45)]
SELECTED = ",".join(SELECT)
NOT_FOUND = {
    "error": {
        "code": "Request_ResourceNotFound",
        "message": f"Resource '{ANNA}' does not exist.",
        "innerError": {},
    }
}

type Answer = Response | Exception
type Respond = Callable[[Request], Answer]


class Credential:
    """Gives a token, and remembers for which scopes it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self._error = error

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if self._error is not None:
            raise self._error
        self.scopes.append(scopes)
        return AccessToken("a-token", 9_999_999_999)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Script(HandlerTransport):
    """Answers from a function, each answer after some seconds; keeps what was sent, and when each request came."""

    def __init__(self, respond: Respond, seconds: float = 0) -> None:
        super().__init__(self._handle)
        self._respond = respond
        self._seconds = seconds
        self.sent: list[Request] = []
        self.begun: list[float] = []

    def _handle(self, request: Request) -> Response:
        self.sent.append(request)
        self.begun.append(asyncio.get_running_loop().time())
        answer = self._respond(request)
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, delay_seconds=self._seconds)

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.sent]


def user(object_id: str = ANNA, **changes: Any) -> dict[str, Any]:
    everything: dict[str, Any] = dict.fromkeys(SELECT)
    return {
        **everything,
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "id": object_id,
        "accountEnabled": True,
        "userType": "Member",
        "userPrincipalName": "anna@contoso.com",
        "onPremisesExtensionAttributes": {f"extensionAttribute{n}": None for n in range(1, 16)},
        **changes,
    }


def ok(body: Any) -> Response:
    return as_json(200, body, {"content-type": "application/json;odata.metadata=minimal"})


def refused(status: int, code: str = "Any", headers: dict[str, str] | None = None) -> Response:
    return as_json(status, {"error": {"code": code, "message": "No."}}, headers)


def one_after_another(*answers: Answer) -> Respond:
    left: Iterator[Answer] = iter(answers)
    return lambda _: next(left)


def adapter(url: str, credential: Credential, transport: HandlerTransport) -> GraphDirectory:
    settings = Settings.read(
        {
            "INVOICE_ACCESS_GRAPH_URL": url,
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
        }
    )
    return GraphDirectory(settings, credential, transport=transport)


@contextlib.asynccontextmanager
async def directory(
    respond: Respond, credential: Credential | None = None
) -> AsyncIterator[tuple[GraphDirectory, Script]]:
    script = Script(respond)
    made = adapter(GRAPH, credential or Credential(), script)
    try:
        yield made, script
    finally:
        await made.close()


async def read(*answers: Answer, groups: Sequence[str] = ()) -> Any:
    async with directory(one_after_another(*answers)) as (graph, _):
        return await graph.person(ANNA, frozenset(groups))


def in_virtual_time[T](work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Runs `work` on a loop whose clock jumps to the next timer; returns the result and the seconds."""

    class Jumping(selectors.DefaultSelector):
        now = 0.0

        def select(self, timeout: float | None = None) -> Any:
            self.now += timeout or 0.0
            return super().select(0)

    selector = Jumping()

    class Loop(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return selector.now

    with asyncio.Runner(loop_factory=lambda: Loop(selector)) as runner:
        return runner.run(work), selector.now


def test_the_adapter_is_a_directory_and_its_model_reads_exactly_what_is_selected() -> None:
    fits: type[Directory] = GraphDirectory
    assert fits is GraphDirectory
    assert {field.alias or name for name, field in UserAnswer.model_fields.items()} == set(SELECT)


async def test_a_person_is_read_with_one_request_for_all_attributes_with_our_token() -> None:
    credential = Credential()
    async with directory(one_after_another(ok(user())), credential) as (graph, script):
        await graph.person(ANNA.upper(), frozenset())
        assert script.targets == [f"/v1.0/users/{ANNA}?$select={SELECTED}"]
        assert script.sent[0].headers["authorization"] == "Bearer a-token"
        assert credential.scopes == [("https://graph.microsoft.com/.default",)]
        assert graph.calls == {"reads": 1}


async def test_every_attribute_arrives_under_its_own_name() -> None:
    answer = user(
        **{name: f"<{name}>" for name in TEXT_ATTRIBUTES if "/" not in name},
        onPremisesExtensionAttributes={f"extensionAttribute{n}": f"<{n}>" for n in range(1, 16)},
        employeeHireDate="2026-01-02T03:04:05.1234567+02:00",
        employeeLeaveDateTime="2026-12-31T23:00:00Z",
        displayName="Anna",
        accountEnabled=False,
        id=ANNA.upper(),
        somethingNew={"a": 1},
    )
    person = await read(ok(answer))
    assert person == Person(
        object_id=ANNA,
        account_enabled=False,
        user_type="Member",
        hire_date=datetime(2026, 1, 2, 1, 4, 5, 123456, UTC),
        leave_date=datetime(2026, 12, 31, 23, tzinfo=UTC),
        attributes={
            name: f"<{name.removeprefix('onPremisesExtensionAttributes/extensionAttribute')}>"
            for name in TEXT_ATTRIBUTES
        },
        display_name="Anna",
    )


@pytest.mark.parametrize("missing", SELECT)
async def test_a_selected_attribute_that_is_missing_is_a_failed_read_and_not_a_blank(missing: str) -> None:
    answer = user()
    del answer[missing]
    with pytest.raises(FailedRead, match=missing):
        await read(ok(answer))


async def test_a_missing_extension_attribute_is_a_failed_read_but_none_at_all_are_blanks() -> None:
    with pytest.raises(FailedRead, match="extensionAttribute15"):
        await read(ok(user(onPremisesExtensionAttributes={f"extensionAttribute{n}": None for n in range(1, 15)})))
    person = await read(ok(user(onPremisesExtensionAttributes=None)))
    assert person.attributes["onPremisesExtensionAttributes/extensionAttribute1"] is None


@pytest.mark.parametrize(
    ("attribute", "wrong"),
    [
        ("userPrincipalName", None),
        ("id", None),
        ("id", "anna"),
        ("id", BEN),
    ],
)
async def test_what_does_not_fit_is_a_failed_read(attribute: str, wrong: Any) -> None:
    with pytest.raises(FailedRead, match=ANNA):
        await read(ok(user(**{attribute: wrong})))


ODD = [
    ("employeeHireDate", "next monday"),
    ("employeeHireDate", "2026-02-30T00:00:00Z"),
    ("employeeHireDate", "10000-01-01T00:00:00Z"),
    ("employeeHireDate", "2026-02-03"),
    ("employeeHireDate", "2026-02-03T00:00:00"),
    ("employeeHireDate", 1770000000),
    ("employeeLeaveDateTime", ""),
    ("employeeLeaveDateTime", "2026-02-03T00:00:00+99:00"),
    ("department", 7),
    ("department", ["Finance"]),
    ("userType", True),
    ("onPremisesExtensionAttributes", []),
]


@pytest.mark.parametrize(("attribute", "odd"), ODD)
async def test_a_person_with_an_odd_value_is_unreadable_or_a_leaver_if_disabled(attribute: str, odd: Any) -> None:
    working = await read(ok(user(**{attribute: odd})), groups=GROUPS[:1])
    assert isinstance(working, UnreadablePerson)
    assert (working.object_id, working.account_enabled, working.withheld) == (ANNA, True, frozenset())
    assert working.why.startswith(f"{attribute}: ")
    now = datetime(2026, 7, 15, tzinfo=UTC)
    assert standing(working, Policy(()), now).employment is Employment.UNREADABLE
    disabled = standing(await read(ok(user(accountEnabled=False, **{attribute: odd}))), Policy(()), now)
    assert (disabled.employment, disabled.strength) == (Employment.LEAVER, Strength.STRONG)


@pytest.mark.parametrize("odd", ["true", 1, 0, "", []])
async def test_an_odd_word_about_the_account_is_neither_enabled_nor_disabled(odd: Any) -> None:
    person = await read(ok(user(accountEnabled=odd)))
    assert (type(person), person.account_enabled) == (UnreadablePerson, None)
    found = standing(person, Policy(()), datetime(2026, 7, 15, tzinfo=UTC))
    assert found.employment is Employment.UNREADABLE


async def test_a_disabled_account_in_an_incomplete_answer_is_not_believed() -> None:
    answer = user(accountEnabled=False)
    del answer["employeeHireDate"]
    with pytest.raises(FailedRead, match="employeeHireDate"):
        await read(ok(answer))
    async with directory(one_after_another(ok({"value": [answer, user(BEN)]}))) as (graph, _):
        (listed, _) = [person async for person in graph.people("")]
    assert isinstance(listed, UnreadablePerson)
    assert listed.account_enabled is None


async def test_no_failed_read_or_unreadable_person_repeats_what_the_directory_said() -> None:
    person = await read(ok(user(displayName="Anna Secret", department=7, employeeHireDate="Secret day")))
    assert "Secret" not in str(person)
    with pytest.raises(FailedRead) as failed:
        await read(ok(user(displayName="Anna Secret", department="Secret", id="Secret day")))
    assert "Secret" not in str(failed.value)


@pytest.mark.parametrize(
    "never",
    [
        "1899-12-31T16:00:00Z",
        "1900-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2099-12-31T00:00:00Z",
        "9999-12-30T23:00:00Z",
        "9999-12-31T23:59:59-05:00",
        "9999-12-31T23:59:59.9999999Z",
    ],
)
async def test_a_date_of_never_is_no_date_and_a_disabled_account_with_one_is_a_leavers(never: str) -> None:
    policy = Policy((), time_zone=ZoneInfo("Europe/Amsterdam"))
    person = await read(ok(user(accountEnabled=False, employeeHireDate=never, employeeLeaveDateTime=never)))
    assert (person.hire_date, person.leave_date) == (None, None)
    found = standing(person, policy, datetime(2026, 7, 15, tzinfo=UTC))
    assert (found.employment, found.strength) == (Employment.LEAVER, Strength.STRONG)
    working = await read(ok(user(accountEnabled=True, employeeHireDate=never, employeeLeaveDateTime=never)))
    assert standing(working, policy, datetime(2026, 7, 15, tzinfo=UTC)).next_change is None


@pytest.mark.parametrize(
    "zero",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1601-01-01T00:00:00Z",
        "1753-01-01T00:00:00Z",
        "1899-12-30T00:00:00Z",
        "10000-01-01T00:00:00Z",
    ],
)
@pytest.mark.parametrize("attribute", ["employeeHireDate", "employeeLeaveDateTime"])
async def test_a_date_that_nobody_can_have_makes_one_person_unreadable(attribute: str, zero: str) -> None:
    person = await read(ok(user(accountEnabled=True, **{attribute: zero})))
    assert isinstance(person, UnreadablePerson)
    assert attribute in person.why
    disabled = await read(ok(user(accountEnabled=False, **{attribute: zero})))
    found = standing(disabled, Policy(()), datetime(2026, 7, 15, tzinfo=UTC))
    assert (found.employment, found.strength) == (Employment.LEAVER, Strength.STRONG)


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, {"content-type": "text/html"}, b"<html>maintenance</html>"),
        Response(200, {"content-type": "application/json"}, b'{"id": "\xff"}'),
        Response(200, {"content-type": "application/json"}, b"[" * 5000),
        Response(200, {"content-type": "application/json"}),
        as_json(200, [user()]),
        as_json(200, None),
        Response(204),
        Response(302, {"location": "https://login.example/"}, b"moved"),
        Response(302),
        Response(404, {"content-type": "text/html"}, b"<html>no such site</html>"),
        as_json(404, {"error": {"code": "ResourceNotFound", "message": "Unknown segment"}}),
        as_json(404, {"error": "gone"}),
        as_json(404, []),
        Response(404),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:24]!r}",
)
async def test_an_answer_that_is_not_the_directorys_own_says_nothing(answer: Response) -> None:
    with pytest.raises(FailedRead):
        await read(answer)


async def test_gone_twice_is_absent_and_gone_once_is_deleted() -> None:
    gone = as_json(404, NOT_FOUND)
    async with directory(one_after_another(gone, ok({"@odata.type": "#microsoft.graph.user", "id": ANNA}))) as (
        graph,
        script,
    ):
        assert await graph.person(ANNA, frozenset(GROUPS)) == DeletedPerson(ANNA)
        assert script.targets[1] == f"/v1.0/directory/deletedItems/{ANNA}?$select=id,deletedDateTime"
        assert graph.calls == {"reads": 2}
    assert await read(gone, as_json(404, NOT_FOUND)) == AbsentPerson(ANNA)


async def test_a_deleted_group_of_that_id_is_no_deleted_person() -> None:
    gone = as_json(404, NOT_FOUND)
    assert await read(gone, ok({"@odata.type": "#microsoft.graph.group", "id": ANNA})) == AbsentPerson(ANNA)


@pytest.mark.parametrize("second", [ok({"id": BEN}), ok({}), refused(500), refused(403), Response(404, {}, b"?")])
async def test_gone_among_the_living_and_a_doubt_about_the_deleted_is_not_absence(
    second: Response,
) -> None:
    with pytest.raises((Transient, Permanent)):
        await read(as_json(404, NOT_FOUND), *[second] * 3)  # as often as a read is sent


async def test_groups_are_asked_about_twenty_at_a_time_and_only_when_there_are_any() -> None:
    asked: list[list[str]] = []

    def respond(request: Request) -> Response:
        if request.method == "GET":
            return ok(user())
        assert request.path == f"/v1.0/users/{ANNA}/checkMemberGroups"
        asked.append(json.loads(request.body)["groupIds"])
        return ok({"value": [asked[-1][0].upper()]})

    async with directory(respond) as (graph, _):
        person = await graph.person(ANNA, frozenset(group.upper() for group in GROUPS))
        assert isinstance(person, Person)
        assert [len(call) for call in asked] == [20, 20, 5]
        assert sorted(group for call in asked for group in call) == sorted(GROUPS)
        assert person.groups == {call[0] for call in asked}
        assert graph.calls == {"reads": 4}


@pytest.mark.parametrize("value", [[BEN], [None], "x", None])
async def test_a_membership_answer_that_does_not_fit_is_a_failed_read(value: Any) -> None:
    with pytest.raises(FailedRead):
        await read(ok(user()), ok({"value": value}), groups=GROUPS[:2])


async def test_a_person_who_vanishes_between_two_reads_is_checked_again() -> None:
    with pytest.raises(Transient) as raised:
        await read(ok(user()), as_json(404, NOT_FOUND), groups=GROUPS[:1])
    assert not isinstance(raised.value, FailedRead)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (NameKey(NameKind.UPN, "anna@contoso.com"), "userPrincipalName eq 'anna@contoso.com'"),
        (NameKey(NameKind.MAIL, "o'brien+x@contoso.com"), "mail eq 'o''brien+x@contoso.com'"),
        (NameKey(NameKind.EMPLOYEE_ID, "00&#/?%41 7"), "employeeId eq '00&#/?%41 7'"),
        (
            NameKey(NameKind.UPN, "j_x.com#EXT#@contoso.com"),
            "userPrincipalName eq 'j_x.com#ext#@contoso.com'",
        ),
        (NameKey(NameKind.UPN, "zoë@contoso.com"), "userPrincipalName eq 'zoë@contoso.com'"),
        (NameKey(NameKind.MAIL, "'or'@id'ne'"), "mail eq '''or''@id''ne'''"),
    ],
)
async def test_a_name_is_looked_up_literally(identity: NameKey, expected: str) -> None:
    async with directory(one_after_another(ok({"value": [{"id": ANNA.upper()}, {"id": BEN}]}))) as (
        graph,
        script,
    ):
        assert await graph.find(identity) == [ANNA, BEN]
        query = dict(part.split("=", 1) for part in script.targets[0].partition("?")[2].split("&"))
        assert unquote(query["$filter"]) == expected
        assert query["$select"] == "id"


async def test_an_empty_list_finds_nobody_and_an_answer_without_a_list_is_a_failed_read() -> None:
    anna = NameKey(NameKind.UPN, "anna@contoso.com")
    nobody = ok({"value": []})
    async with directory(one_after_another(nobody, nobody, nobody, ok({}))) as (graph, _):
        assert await graph.find(anna) == []
        with pytest.raises(FailedRead):
            await graph.find(anna)


async def test_pages_are_followed_verbatim_past_empty_ones_with_the_header_on_each() -> None:
    links = [
        f"{GRAPH}/v1.0/users?$select=id&$skiptoken=RFNw%2Ba+b==_-/%20~'",
        f"{GRAPH}:443/v1.0/users?%24skiptoken=x",
    ]
    async with directory(
        one_after_another(
            ok({"value": [user(ANNA)], "@odata.nextLink": links[0], "@odata.count": 2}),
            ok({"value": [], "@odata.nextLink": links[1]}),
            ok({"value": [user(BEN)]}),
        )
    ) as (graph, script):
        people = [person.object_id async for person in graph.people("department eq 'Finance & co'")]
        assert people == [ANNA, BEN]
        first, second, _ = script.targets
        finance = "department%20eq%20%27Finance%20%26%20co%27"
        assert first == f"/v1.0/users?$count=true&$filter={finance}&$select={SELECTED}&$top=999"
        assert GRAPH + second == links[0]
        assert [request.headers["consistencylevel"] for request in script.sent] == ["eventual"] * 3
        assert graph.calls == {"reads": 3}


async def test_a_group_is_listed_through_its_transitive_members_who_are_people() -> None:
    async with directory(
        one_after_another(
            ok({"value": [user(ANNA)], "@odata.nextLink": f"{GRAPH}/v1.0/groups/x?$skiptoken=2"}),
            ok({"value": [user(BEN)]}),
        )
    ) as (graph, script):
        assert [person.object_id async for person in graph.members(GROUPS[0])] == [ANNA, BEN]
        assert script.targets == [
            f"/v1.0/groups/{GROUPS[0]}/transitiveMembers/graph.user?$count=true&$select={SELECTED}&$top=999",
            "/v1.0/groups/x?$skiptoken=2",
        ]
        assert [request.headers["consistencylevel"] for request in script.sent] == ["eventual"] * 2


async def test_a_member_of_whom_only_the_id_is_shown_is_a_failed_read() -> None:
    hidden = dict.fromkeys(SELECT) | {"id": ANNA}
    async with directory(one_after_another(ok({"value": [hidden]}))) as (graph, _):
        with pytest.raises(FailedRead, match="userPrincipalName"):
            assert [person async for person in graph.members(GROUPS[0])]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users?$skiptoken=x",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com:8443/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://x:y@graph.microsoft.com/v1.0/users",
        "//evil.example/v1.0/users",
        "/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com\\@evil.example/",
        "https://[/",
        "",
    ],
)
async def test_no_request_follows_a_link_to_anywhere_else(link: str) -> None:
    async with directory(lambda _: ok({"value": [user()], "@odata.nextLink": link})) as (graph, script):
        with pytest.raises(FailedRead):
            assert [person async for person in graph.people("")]
        assert len(script.sent) == 1


async def test_pages_that_go_round_in_a_circle_end_in_a_failed_read() -> None:
    link = f"{GRAPH}/v1.0/users?$skiptoken="
    turns = iter("abcab")
    async with directory(lambda _: ok({"value": [], "@odata.nextLink": link + next(turns)})) as (graph, _):
        with pytest.raises(FailedRead, match="circle"):
            assert [person async for person in graph.people("")]


async def test_pages_without_end_end_in_a_failed_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.adapters.graph.client.PAGES_AT_MOST", 7)
    counted = iter(range(100))
    async with directory(
        lambda _: ok({"value": [], "@odata.nextLink": f"{GRAPH}/v1.0/users?$skiptoken={next(counted)}"})
    ) as (graph, script):
        with pytest.raises(FailedRead, match="no end"):
            assert [person async for person in graph.people("")]
        assert len(script.sent) == 7


type List = Callable[[GraphDirectory], AsyncIterator[ListedPerson]]

LISTS: list[List] = [lambda graph: graph.people(""), lambda graph: graph.members(GROUPS[0])]


def without(attribute: str, object_id: str) -> dict[str, Any]:
    return {name: value for name, value in user(object_id).items() if name != attribute}


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize(("attribute", "odd"), ODD)
async def test_one_odd_person_in_a_list_leaves_the_others_readable(listing: List, attribute: str, odd: Any) -> None:
    pages = [{"value": [user(ANNA, **{attribute: odd}), user(BEN)], "@odata.nextLink": f"{GRAPH}/v1.0/users?$s=1"}]
    async with directory(one_after_another(*map(ok, pages), ok({"value": [user(CARL)]}))) as (graph, _):
        found = {person.object_id: person async for person in listing(graph)}
    assert {object_id: type(one) for object_id, one in found.items()} == {
        ANNA: UnreadablePerson,
        BEN: Person,
        CARL: Person,
    }


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("missing", [name for name in SELECT if name != "id"])
async def test_an_attribute_missing_from_all_fails_the_read_and_from_one_only_that_one(
    listing: List, missing: str
) -> None:
    everybody = [ok({"value": [without(missing, ANNA)], "@odata.nextLink": f"{GRAPH}/v1.0/users?$s=1"})]
    everybody += [ok({"value": [without(missing, BEN)]})]
    async with directory(one_after_another(*everybody)) as (graph, _):
        with pytest.raises(FailedRead, match=f"leave out {missing} of everybody"):
            assert [person async for person in listing(graph)]
    one = ok({"value": [without(missing, ANNA), user(BEN)]})
    async with directory(one_after_another(one)) as (graph, _):
        found = [(type(person), person.object_id) async for person in listing(graph)]
    assert found == [(UnreadablePerson, ANNA), (Person, BEN)]


async def test_members_all_blanked_fail_the_read_and_a_single_one_is_unreadable() -> None:
    hidden = {**dict.fromkeys(SELECT), "id": ANNA}
    async with directory(one_after_another(ok({"value": [hidden]}))) as (graph, _):
        with pytest.raises(FailedRead, match="userPrincipalName"):
            assert [person async for person in graph.members(GROUPS[0])]
    async with directory(one_after_another(ok({"value": [hidden, user(BEN)]}))) as (graph, _):
        assert [type(person) async for person in graph.members(GROUPS[0])] == [UnreadablePerson, Person]


@pytest.mark.parametrize("odd", [7, None, "Anna", {"id": "anna"}, {**dict.fromkeys(SELECT)}, []])
async def test_an_item_that_does_not_say_whom_it_is_about_makes_the_list_a_failed_read(odd: Any) -> None:
    async with directory(one_after_another(ok({"value": [user(BEN), odd]}))) as (graph, _):
        with pytest.raises(FailedRead, match="people by filter"):
            assert [person async for person in graph.people("")]


async def test_a_group_is_known_or_not() -> None:
    async with directory(one_after_another(ok({"id": GROUPS[0]}), as_json(404, NOT_FOUND), ok({"id": GROUPS[1]}))) as (
        graph,
        script,
    ):
        assert await graph.group_exists(GROUPS[0].upper())
        assert not await graph.group_exists(GROUPS[0])
        with pytest.raises(FailedRead):
            await graph.group_exists(GROUPS[0])
        assert script.targets[0] == f"/v1.0/groups/{GROUPS[0]}?$select=id"


async def test_listing_a_group_that_is_gone_is_permanent_and_names_it() -> None:
    async with directory(one_after_another(as_json(404, NOT_FOUND))) as (graph, _):
        with pytest.raises(Permanent, match=GROUPS[0]):
            assert [person async for person in graph.members(GROUPS[0])]


@pytest.mark.parametrize(
    "answer",
    [
        refused(401, "InvalidAuthenticationToken"),
        refused(401, headers={"www-authenticate": 'Bearer error="insufficient_claims", claims="a"'}),  # no base64
        refused(401, headers={"www-authenticate": 'Bearer error="insufficient_claims", claims="_w=="'}),  # no UTF-8
        refused(400, "Directory_ExpiredPageToken"),
    ],
    ids=str,
)
async def test_what_only_the_queue_repeats_is_transient(answer: Answer) -> None:
    async with directory(lambda _: answer) as (graph, script):
        with pytest.raises(Transient) as raised:
            await graph.person(ANNA, frozenset())
        assert not isinstance(raised.value, FailedRead)
        assert raised.value.retry_after is None
        assert len(script.sent) == 1


async def test_a_credential_without_a_token_is_transient() -> None:
    credential = Credential(ClientAuthenticationError("the identity endpoint is not up yet"))
    async with directory(lambda _: ok(user()), credential) as (graph, script):
        with pytest.raises(Transient, match="not up yet"):
            await graph.person(ANNA, frozenset())
        assert script.sent == []


@pytest.mark.parametrize(
    "answer",
    [
        *(refused(status) for status in (408, 429, 500, 503, 504)),
        Response(502, {"content-type": "text/html"}, b"<html>bad gateway</html>"),
        ServiceRequestError("refused"),
        ServiceResponseError("reset"),
        ServiceResponseTimeoutError("slow"),
        IncompleteReadError("half an answer"),
    ],
    ids=str,
)
def test_what_may_pass_is_asked_twice_more_within_ten_seconds(answer: Answer) -> None:
    async def play() -> Script:
        async with directory(lambda _: answer) as (graph, script):
            with pytest.raises(Transient) as raised:
                await graph.person(ANNA, frozenset())
            assert not isinstance(raised.value, FailedRead)
            assert raised.value.retry_after is None
            assert graph.calls == {"reads": 3}
            return script

    script, seconds = in_virtual_time(play())
    assert len(script.sent) == 3
    assert 0.5 < seconds < 3


def begun_until_it_gave_up(slow: Script) -> tuple[list[float], Transient]:
    """When each try began, in seconds after the first, and what the call ended in."""

    async def play() -> Transient:
        graph = adapter(GRAPH, Credential(), slow)
        with pytest.raises(Transient) as raised:
            await graph.person(ANNA, frozenset())
        await graph.close()
        return raised.value

    gave_up, _ = in_virtual_time(play())
    return [at - slow.begun[0] for at in slow.begun], gave_up


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize(("seconds", "tries"), [(3, 3), (6, 2), (8.5, 2), (9.8, 1), (14, 1)])
def test_no_repetition_begins_later_than_ten_seconds_after_the_first_try(
    status: int, seconds: float, tries: int
) -> None:
    begun, gave_up = begun_until_it_gave_up(Script(lambda _: refused(status), seconds))
    assert len(begun) == tries
    assert max(begun) <= 10
    assert gave_up.retry_after is None


@pytest.mark.parametrize(("asked", "tries"), [("3", 2), ("4", 1), ("5", 1)])
def test_a_retry_after_that_ends_after_those_ten_seconds_is_handed_on(asked: str, tries: int) -> None:
    begun, gave_up = begun_until_it_gave_up(Script(lambda _: refused(503, headers={"retry-after": asked}), 6.5))
    assert len(begun) == tries
    assert max(begun) <= 10
    assert gave_up.retry_after == timedelta(seconds=int(asked))


def test_each_read_has_ten_seconds_of_its_own() -> None:
    answers = iter([refused(503), ok(user()), refused(503), ok({"value": []})])

    async def play() -> Any:
        graph = adapter(GRAPH, Credential(), Script(lambda _: next(answers), 6))
        person = await graph.person(ANNA, frozenset(GROUPS[:1]))
        await graph.close()
        return person

    person, seconds = in_virtual_time(play())
    assert isinstance(person, Person)
    assert seconds > 24


def test_a_short_retry_after_is_waited_for_and_the_second_answer_counts() -> None:
    async def play() -> Any:
        return await read(refused(429, headers={"retry-after": "4"}), ok(user()))

    person, seconds = in_virtual_time(play())
    assert person.object_id == ANNA
    assert 4 <= seconds < 5


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "11"}, timedelta(seconds=11)),
        ({"retry-after": "200"}, timedelta(seconds=200)),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "86400"}, timedelta(minutes=15)),
        (
            {
                "retry-after": "Sun, 22 Nov 2099 10:01:00 GMT",
                "date": "Sun, 22 Nov 2099 10:00:00 GMT",
            },
            timedelta(minutes=1),
        ),
    ],
)
def test_a_long_retry_after_is_not_slept_through_but_handed_on(
    headers: dict[str, str], expected: timedelta | None
) -> None:
    async def play() -> timedelta | None:
        async with directory(lambda _: refused(429, headers=headers)) as (graph, _):
            with pytest.raises(Transient) as raised:
                await graph.person(ANNA, frozenset())
            return raised.value.retry_after

    asked, seconds = in_virtual_time(play())
    if expected is not None:
        assert (asked, seconds) == (expected, 0)
    assert seconds < 10


@pytest.mark.parametrize("text", ["0", "-5", "soon", ""])
def test_a_retry_after_that_says_nothing_is_none(text: str) -> None:
    async def play() -> timedelta | None:
        async with directory(lambda _: refused(503, headers={"retry-after": text})) as (graph, _):
            with pytest.raises(Transient) as raised:
                await graph.person(ANNA, frozenset())
            return raised.value.retry_after

    asked, seconds = in_virtual_time(play())
    assert asked is None
    assert seconds < 10


def test_an_answer_that_never_comes_is_transient_after_twenty_seconds() -> None:
    async def play() -> None:
        graph = adapter(GRAPH, Credential(), Script(lambda _: ok(user()), 1e9))
        with pytest.raises(Transient, match="20 s"):
            await graph.person(ANNA, frozenset())
        await graph.close()

    _, seconds = in_virtual_time(play())
    assert 20 <= seconds < 21


@pytest.mark.parametrize(
    ("ask", "permission"),
    [
        (lambda graph: graph.person(ANNA, frozenset()), "User.Read.All"),
        (lambda graph: graph.find(NameKey(NameKind.MAIL, "a@b.c")), "User.Read.All"),
        (lambda graph: graph.group_exists(GROUPS[0]), "GroupMember.Read.All"),
        (lambda graph: anext(graph.members(GROUPS[0])), "GroupMember.Read.All"),
        (lambda graph: anext(graph.people("")), "User-LifeCycleInfo.Read.All"),
    ],
)
async def test_a_missing_permission_is_permanent_and_named(
    ask: Callable[[GraphDirectory], Any], permission: str
) -> None:
    async with directory(lambda _: refused(403, "Authorization_RequestDenied")) as (graph, _):
        with pytest.raises(Permanent, match=permission) as raised:
            await ask(graph)
        assert "Authorization_RequestDenied" in raised.value.reason


@pytest.mark.parametrize(("status", "code"), [(400, "Request_UnsupportedQuery"), (501, "NotImplemented")])
async def test_a_request_that_graph_will_never_accept_is_permanent_with_its_words(status: int, code: str) -> None:
    with pytest.raises(Permanent, match=f"{status} {code}: No."):
        await read(refused(status, code))


@pytest.mark.parametrize(
    "url", ["http://graph.microsoft.com", "ftp://x", "graph.microsoft.com", "https://", "http://["]
)
def test_a_token_is_not_sent_to_an_address_that_anybody_can_read_along(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|IPv6"):
        request_options(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000"])
async def test_this_machine_may_be_asked_without_https(url: str) -> None:
    script = Script(one_after_another(ok(user())))
    graph = adapter(url, Credential(), script)
    assert isinstance(await graph.person(ANNA, frozenset()), Person)
    assert script.sent[0].headers["authorization"] == "Bearer a-token"
    assert script.targets[0].startswith("/v1.0/users/")
    await graph.close()


async def test_something_that_is_no_object_id_is_never_made_part_of_an_address() -> None:
    async with directory(lambda _: ok(user())) as (graph, script):
        for wrong in ("../groups", "me", "anna@contoso.com", ""):
            with pytest.raises(ValueError, match="object id"):
                await graph.person(wrong, frozenset())
            with pytest.raises(ValueError, match="object id"):
                await graph.person(ANNA, frozenset({wrong}))
        assert len(script.sent) == 4
