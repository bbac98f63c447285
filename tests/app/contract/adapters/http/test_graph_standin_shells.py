"""Both shells around a stand-in: they carry a request untouched, and wait and hang up as they are told."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.identity.aio import ManagedIdentityCredential

from sandbox.identity import Identity, IdentityEndpoint
from sandbox.shell import Server, serve
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Handler, Request, Response, as_json
from shared.adapters.http.pipeline import SendOnceTransport

type Transport = AsyncHttpTransport[HttpRequest, AsyncHttpResponse]
type Client = Callable[[Handler], contextlib.AbstractAsyncContextManager[tuple[Transport, str]]]


@contextlib.asynccontextmanager
async def over_a_socket(handler: Handler) -> AsyncIterator[tuple[Transport, str]]:
    server = await serve(handler)
    transport = SendOnceTransport()
    try:
        yield transport, server.url
    finally:
        await transport.close()
        await server.close()


@contextlib.asynccontextmanager
async def in_process(handler: Handler) -> AsyncIterator[tuple[Transport, str]]:
    yield HandlerTransport(handler), "http://127.0.0.1:1"


async def sent(client: Transport, request: HttpRequest) -> AsyncHttpResponse:
    return await client.send(request, read_timeout=5)


@pytest.fixture(params=[over_a_socket, in_process])
def shell(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


def echo(request: Request) -> Response:
    return as_json(
        200,
        {
            "method": request.method,
            "target": request.target,
            "headers": dict(request.headers),
            "body": request.body.decode(),
            "base": request.base,
        },
    )


async def test_the_target_arrives_exactly_as_sent(shell: Client) -> None:
    target = "/a%3Ab/x:y/%23EXT%23?$filter=a%20eq%20'%2B'&$skiptoken=%2Fa%3D%3D&%24top=1"
    async with shell(echo) as (client, base):
        seen = (await sent(client, HttpRequest("GET", base + target))).json()
        assert seen["target"] == target
        assert seen["base"] == base


async def test_header_names_are_lower_cased_and_bodies_whole(shell: Client) -> None:
    body = "x" * 1_000_000
    headers = {"X-Mixed-Case": "Kept", "X-Big": "y" * 20_000}
    async with shell(echo) as (client, base):
        seen = (await sent(client, HttpRequest("PATCH", f"{base}/", content=body, headers=headers))).json()
        assert seen["method"] == "PATCH"
        assert seen["headers"]["x-mixed-case"] == "Kept"
        assert len(seen["headers"]["x-big"]) == 20_000
        assert len(seen["body"]) == len(body)


async def test_a_url_of_16_kilobytes_passes(shell: Client) -> None:
    async with shell(echo) as (client, base):
        seen = (await sent(client, HttpRequest("GET", f"{base}/?$skiptoken=" + "t" * 16_000))).json()
        assert len(seen["target"]) > 16_000


async def test_an_answer_without_a_body_has_none(shell: Client) -> None:
    async with shell(lambda _: Response(204, {"request-id": "r"})) as (client, base):
        response = await sent(client, HttpRequest("DELETE", f"{base}/x"))
        assert response.status_code == 204
        assert response.content == b""
        assert response.headers["request-id"] == "r"
        assert "content-type" not in response.headers


async def test_hanging_up_is_a_broken_read_after_the_work_was_done(shell: Client) -> None:
    done: list[str] = []

    def works_and_hangs_up(request: Request) -> Response:
        done.append(request.target)
        return Response(200, body=b"never seen", hang_up=request.target == "/break")

    async with shell(works_and_hangs_up) as (client, base):
        with pytest.raises(ServiceRequestError):
            await sent(client, HttpRequest("POST", f"{base}/break"))
        assert (await sent(client, HttpRequest("GET", f"{base}/next"))).status_code == 200
    assert done == ["/break", "/next"]


async def test_in_process_delays_go_through_the_injected_sleep() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    transport = HandlerTransport(lambda _: Response(200, delay_seconds=250), sleep=sleep)
    assert (await transport.send(HttpRequest("GET", "http://x/"))).status_code == 200
    assert slept == [250]


async def test_a_socket_waits_as_long_as_latency_and_answer_say() -> None:
    server = await serve(lambda _: Response(200, delay_seconds=0.05), latency_seconds=0.05)
    try:
        async with aiohttp.ClientSession(server.url) as client:
            begun = asyncio.get_running_loop().time()
            async with client.get("/") as response:
                await response.read()
            assert asyncio.get_running_loop().time() - begun >= 0.1
    finally:
        await server.close()


async def test_a_stand_in_refuses_to_listen_beyond_this_machine() -> None:
    with pytest.raises(ValueError, match="this machine only"):
        await serve(echo, host="0.0.0.0")  # noqa: S104  that it is refused is the point


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
            await serve(echo, port=taken.getsockname()[1])


async def test_keep_alive_requests_are_not_held_back_by_nagle() -> None:
    server = await serve(echo)
    try:
        async with aiohttp.ClientSession(server.url) as client:
            took = []
            for _ in range(10):  # the first one also connects
                begun = asyncio.get_running_loop().time()
                async with client.get("/") as response:
                    await response.read()
                took.append(asyncio.get_running_loop().time() - begun)
            # Nagle against delayed ACK costs every one of them 40 ms; a busy machine only some.
            assert min(took) < 0.03
    finally:
        await server.close()


@pytest.fixture
async def identity_server(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[IdentityEndpoint, Server, list[str]]]:
    endpoint = IdentityEndpoint(
        [
            Identity("portal", "c-portal", "o-portal", "tenant", default=True),
            Identity("app", "c-app", "o-app", "tenant"),
        ]
    )
    asked: list[str] = []

    def counted(request: Request) -> Response:
        asked.append(request.target)
        return endpoint.handle(request)

    server = await serve(counted)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "a secret of this process")
    yield endpoint, server, asked
    await server.close()


@pytest.mark.parametrize(
    "audience",
    ["https://graph.microsoft.com", "https://management.azure.com", "https://servicebus.azure.net/"],
)
async def test_azure_identity_gets_tokens_that_the_stand_ins_accept(
    identity_server: tuple[IdentityEndpoint, Server, list[str]], audience: str
) -> None:
    endpoint, _, asked = identity_server
    async with ManagedIdentityCredential(client_id="c-app") as app, ManagedIdentityCredential() as portal:
        token = (await app.get_token(f"{audience}/.default")).token
        assert (await app.get_token(f"{audience}/.default")).token == token
        assert len(asked) == 1, "the client caches by the echoed resource; a wrong echo would ask again"
        as_portal = (await portal.get_token(f"{audience}/.default")).token
    caller = endpoint.authenticate(audience)(Request("GET", "/", {"authorization": f"Bearer {token}"}))
    assert caller is not None
    assert caller.object_id == "o-app"
    by_default = endpoint.authenticate(audience)(Request("GET", "/", {"authorization": f"Bearer {as_portal}"}))
    assert by_default is not None
    assert by_default.object_id == "o-portal"


async def test_an_unknown_identity_is_a_refusal_that_the_client_understands(
    identity_server: tuple[IdentityEndpoint, Server, list[str]],
) -> None:
    _, server, _ = identity_server
    async with aiohttp.ClientSession() as client:
        query = "api-version=2019-08-01&resource=https://graph.microsoft.com&client_id=c-nobody"
        async with client.get(f"{server.url}/msi/token?{query}", headers={"X-IDENTITY-HEADER": "x"}) as response:
            assert response.status == 400
            assert "No User Assigned" in json.loads(await response.text())["message"]
