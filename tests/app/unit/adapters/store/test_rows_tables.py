"""Table Storage's own: what is repeated and what is not, and what each answer means."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.store.rows import Insert
from shared.adapters.store.rows_tables import TableRows
from shared.errors import FailedRead, Misconfigured, Permanent, StoreRefused, Transient

CREDENTIAL = AzureNamedKeyCredential("account", base64.b64encode(b"not a secret").decode())
ENTITY = {"odata.etag": 'W/"1"', "PartitionKey": "p", "RowKey": "k", "body00": "{}"}


@dataclass
class Service:
    """A table endpoint that answers as told; `seen` are the methods of the requests that came."""

    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request.method)
        await request.read()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer()


def says(status: int, code: str, **headers: str) -> Callable[[], web.Response]:
    body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": "as told"}}}
    return lambda: web.json_response(body, status=status, headers={"x-ms-error-code": code, **headers})


def gives(body: object) -> Callable[[], web.Response]:
    return lambda: web.json_response(body)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def endpoint(service: Service) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/account"))
    await server.close()


@pytest.fixture
async def rows(endpoint: str) -> AsyncIterator[TableRows]:
    store = TableRows(endpoint, CREDENTIAL)
    yield store
    await store.close()


async def write(rows: TableRows) -> object:
    return await rows.write("p", Insert("k", {}))


async def get(rows: TableRows) -> object:
    return await rows.get("p", "k")


async def listed(rows: TableRows) -> object:
    return [row.key async for row in rows.range("p", "a", "z")]


@pytest.mark.parametrize("status", [500, 503, 504, 408, 429])
async def test_a_write_is_sent_once_whatever_the_answer(rows: TableRows, service: Service, status: int) -> None:
    service.answers = [says(status, "ServerBusy")]
    with pytest.raises(Transient):
        await write(rows)
    assert service.seen == ["POST"]


@pytest.mark.parametrize("read", [get, listed])
async def test_a_read_is_repeated_twice_and_then_transient(
    rows: TableRows, service: Service, read: Callable[[TableRows], Awaitable[object]]
) -> None:
    service.answers = [says(503, "ServerBusy")]
    with pytest.raises(Transient, match="503 ServerBusy"):
        await read(rows)
    assert service.seen == ["GET"] * 3


@pytest.mark.parametrize(("read", "answer", "found"), [(get, ENTITY, True), (listed, {"value": [ENTITY]}, ["k"])])
async def test_a_read_that_succeeds_at_last_is_read(
    rows: TableRows,
    service: Service,
    read: Callable[[TableRows], Awaitable[object]],
    answer: object,
    found: object,
) -> None:
    service.answers = [says(500, "InternalError"), gives(answer)]
    result = await read(rows)
    assert result == found or (found is True and result is not None)
    assert service.seen == ["GET"] * 2


async def test_how_long_the_service_asks_to_wait_is_passed_on(rows: TableRows, service: Service) -> None:
    service.answers = [says(503, "ServerBusy", **{"Retry-After": "17"})]
    with pytest.raises(Transient) as error:
        await write(rows)
    assert error.value.retry_after == timedelta(seconds=17)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_identity_waits_for_a_person_and_names_the_role(
    rows: TableRows, service: Service, status: int
) -> None:
    service.answers = [says(status, "AuthorizationPermissionMismatch")]
    for call in (get, listed, write):
        with pytest.raises(StoreRefused, match="Storage Table Data Contributor"):
            await call(rows)


async def test_a_table_that_is_being_deleted_comes_back_later(rows: TableRows, service: Service) -> None:
    service.answers = [says(409, "TableBeingDeleted")]
    with pytest.raises(Transient):
        await write(rows)


async def test_an_unknown_refusal_is_permanent_and_says_why(rows: TableRows, service: Service) -> None:
    service.answers = [says(400, "PropertyNameInvalid")]
    with pytest.raises(Permanent, match="400 PropertyNameInvalid: as told"):
        await write(rows)


@pytest.mark.parametrize("status", [402, 404, 405, 409, 410, 411, 451])
async def test_whatever_else_the_service_refuses_is_no_answer_about_a_row(
    rows: TableRows, service: Service, status: int
) -> None:
    service.answers = [says(status, "SomethingElse")]
    for call in (get, listed, write):
        with pytest.raises(StoreRefused, match=f"{status} SomethingElse: as told"):
            await call(rows)


@pytest.mark.parametrize(
    "entity",
    [{"body00": 7}, {"body01": "{}"}, {"body00": "[]"}, {"body00": "{"}],
    ids=["number", "gap", "list", "cut"],
)
async def test_an_entity_that_is_no_row_of_ours_is_an_error(
    rows: TableRows, service: Service, entity: dict[str, object]
) -> None:
    service.answers = [gives({name: value for name, value in ENTITY.items() if name != "body00"} | entity)]

    async def body_of_what_is_read() -> object:
        found = await rows.get("p", "k")
        return None if found is None else found.body

    with pytest.raises(Permanent):
        await body_of_what_is_read()


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"RowKey": "k"}'])
async def test_an_answer_that_is_no_entity_is_a_failed_read(rows: TableRows, service: Service, body: bytes) -> None:
    service.answers = [lambda: web.Response(body=body, content_type="application/json")]
    with pytest.raises(FailedRead):
        await get(rows)


async def test_a_service_that_asks_to_wait_for_long_is_given_up(service: Service, endpoint: str) -> None:
    rows = TableRows(endpoint, CREDENTIAL, call_seconds=0.2)
    service.answers = [says(503, "ServerBusy", **{"Retry-After": "3600"})]
    with pytest.raises(Transient, match=r"did not answer within 0\.2 s"):
        await asyncio.wait_for(get(rows), 5)
    await rows.close()


async def test_a_service_that_is_not_there_is_transient(unused_tcp_port: int) -> None:
    rows = TableRows(f"http://127.0.0.1:{unused_tcp_port}/account", CREDENTIAL)
    with pytest.raises(Transient, match="cannot be reached"):
        await write(rows)
    await rows.close()


class NoToken:
    """A credential whose identity endpoint is away."""

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        raise ClientAuthenticationError("the identity endpoint is away")

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_no_token_is_transient() -> None:
    rows = TableRows("https://account.table.core.windows.net", NoToken())
    with pytest.raises(Transient, match="no token"):
        await get(rows)
    await rows.close()


@pytest.mark.parametrize("endpoint", ["http://account.table.core.windows.net", "ftp://127.0.0.1", "account"])
def test_plain_http_to_another_machine_is_refused(endpoint: str) -> None:
    with pytest.raises(Misconfigured, match="https://"):
        TableRows(endpoint, CREDENTIAL)
