"""The stand-in for App Service authentication: who signed in is told to the app, and nobody else gets in."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from sandbox.host.authentication import COOKIE, AppServiceAuthentication
from sandbox.identity import Identity, IdentityEndpoint, Person
from sandbox.wire import Request, Response

TENANT: Final = "7c0f5a0e-0000-4000-8000-0000000000ff"
OLGA: Final = "7c0f5a0e-0000-4000-8000-0000000001a1"
PAGE: Final = "7c0f5a0e-0000-4000-8000-0000000000aa"
HTML: Final = {"accept": "text/html"}


class Desk:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        self.seen: list[Request] = []
        person = Identity("olga", PAGE, OLGA, TENANT, person=Person("Olga Berg", "olga@contoso.example", ("Operator",)))
        self.olga = person
        self.tokens = IdentityEndpoint([person], clock=lambda: self.now)
        self.door = AppServiceAuthentication(self.app, [person], self.tokens, PAGE, ("/api/events/*", "/admin/ping"))

    async def app(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(200)

    async def ask(self, target: str, method: str = "GET", **headers: str) -> Response:
        return await self.door.handle(
            Request(method, target, {name.replace("_", "-"): one for name, one in headers.items()})
        )

    async def cookie(self) -> str:
        answer = await self.ask(f"/.auth/login/aad?as={OLGA}")
        return answer.headers["set-cookie"].partition(";")[0]

    def claims(self) -> list[dict[str, str]]:
        told: dict[str, Any] = json.loads(base64.b64decode(self.seen[-1].headers["x-ms-client-principal"]))
        assert told["auth_typ"] == "aad"
        found: list[dict[str, str]] = told["claims"]
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_browser_without_a_session_is_sent_to_sign_in(desk: Desk) -> None:
    answer = await desk.ask("/people?show=left", **HTML)
    assert answer.status == 302
    assert answer.headers["location"] == "/.auth/login/aad?post_login_redirect_uri=%2Fpeople%3Fshow%3Dleft"
    assert desk.seen == []


@pytest.mark.parametrize(("target", "method"), [("/api/overview", "GET"), ("/people", "POST")])
async def test_a_program_without_a_token_gets_401(desk: Desk, target: str, method: str) -> None:
    assert (await desk.ask(target, method, **HTML)).status == 401
    assert desk.seen == []


async def test_whoever_signed_in_is_told_to_the_app_with_each_role(desk: Desk) -> None:
    assert (await desk.ask("/", cookie=await desk.cookie())).status == 200
    said = {(one["typ"].rpartition("/")[2], one["val"]) for one in desk.claims()}
    assert {("objectidentifier", OLGA), ("tenantid", TENANT), ("aud", PAGE), ("roles", "Operator")} <= said


async def test_headers_that_a_caller_made_up_are_taken_away(desk: Desk) -> None:
    forged = {"x-ms-client-principal": "forged", "x-ms-client-principal-id": "forged"}
    await desk.ask("/api/events/hr", "POST", **forged)
    assert not any(name.startswith("x-ms-client") for name in desk.seen[-1].headers)
    await desk.ask("/", cookie=await desk.cookie(), **forged)
    assert "forged" not in desk.seen[-1].headers.values()


async def test_a_token_for_the_page_signs_a_program_in_until_it_ends(desk: Desk) -> None:
    for audience in (PAGE, f"api://{PAGE}"):
        token = desk.tokens.issue(desk.olga, audience)
        assert (await desk.ask("/api/overview", authorization=f"Bearer {token}")).status == 200
    assert {"typ": "aud", "val": PAGE} in desk.claims()
    desk.now += timedelta(days=2)
    assert (await desk.ask("/api/overview", authorization=f"Bearer {token}")).status == 401


async def test_a_token_for_another_service_signs_nobody_in(desk: Desk) -> None:
    token = desk.tokens.issue(desk.olga, "https://management.azure.com")
    assert (await desk.ask("/api/overview", authorization=f"Bearer {token}")).status == 401


async def test_only_what_is_excluded_needs_no_sign_in(desk: Desk) -> None:
    assert [
        (await desk.ask(path)).status for path in ("/admin/ping", "/admin/pingpong", "/api/events", "/api/events/hr")
    ] == [*(200, 401, 401, 200)]


async def test_the_sign_in_page_lists_people_and_leads_back_to_this_site_alone(desk: Desk) -> None:
    listed = await desk.ask("/.auth/login/aad?post_login_redirect_uri=//evil.example")
    assert b"Olga Berg, Operator" in listed.body
    assert b"evil" not in listed.body
    back = await desk.ask(f"/.auth/login/aad?as={OLGA}&post_login_redirect_uri=%2Fpeople")
    assert back.headers["location"] == "/people"


async def test_whoever_signed_out_is_signed_out(desk: Desk) -> None:
    cookie = await desk.cookie()
    out = await desk.ask("/.auth/logout", cookie=cookie)
    assert out.headers["set-cookie"].startswith(f"{COOKIE}=; ")
    assert (await desk.ask("/", cookie=cookie, **HTML)).status == 302


async def test_who_one_is_can_be_asked(desk: Desk) -> None:
    assert (await desk.ask("/.auth/me")).status == 401
    told = json.loads((await desk.ask("/.auth/me", cookie=await desk.cookie())).body)
    assert {"typ": "roles", "val": "Operator"} in told[0]["user_claims"]
    assert (await desk.ask("/.auth/other")).status == 404
