"""The page in a running app, behind a stand-in for App Service authentication: signing in, and what stays outside."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.settings import Options
from sandbox.up import Sandbox, running

CAMILLE = "b0a1d000-0000-4000-8000-000000000221"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(Options(page=True)) as found:
        yield found


async def test_whoever_signs_in_sees_the_page_and_the_sources_need_no_sign_in(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.page or "", follow_redirects=True, timeout=30) as browser:
        browser.headers["accept"] = "text/html"
        assert (await browser.get("/profiles")).url.path == "/.auth/login/aad"
        forged = {"x-ms-client-principal": "e30=", "x-ms-client-principal-id": CAMILLE}
        assert (await browser.get("/api/overview", headers=forged)).status_code == 401
        page = await browser.get(f"/.auth/login/aad?as={CAMILLE}&post_login_redirect_uri=/")
        assert (page.status_code, page.url.path) == (200, "/")
        assert "Camille Vos" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert (await browser.get("/style.css")).headers["content-type"] == "text/css; charset=utf-8"
    async with httpx.AsyncClient(base_url=sandbox.functions or "", timeout=30) as client:
        functions = {one["name"] for one in (await client.get("/admin/functions")).json()}
        assert {"desk_root", "desk_people", "desk_api_people", "sweep", "reconcile"} <= functions
        assert (await client.post("/api/events/hr", content=b"{}")).status_code == 404  # no key, no source
