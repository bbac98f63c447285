"""The managed identity's credential, through the endpoint that the platform has."""

from collections.abc import AsyncIterator

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError

from sandbox.identity import Identity, IdentityEndpoint
from sandbox.shell import serve
from shared.adapters.http.claims import ARM_SCOPE
from shared.adapters.http.credentials import managed_identity

TENANT = "76e9ab9c-0000-4000-8000-0000000000aa"
SYSTEM = Identity("system", "5c1f0000-0000-4000-8000-000000000001", "object-of-system", TENANT, default=True)
APP = Identity("app", "5c1f0000-0000-4000-8000-000000000002", "object-of-app", TENANT)
SCOPES = [
    ARM_SCOPE,
    "https://graph.microsoft.com/.default",
    "https://servicebus.azure.net//.default",
    "https://storage.azure.com/.default",
]


@pytest.fixture(autouse=True)
async def _platform(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    server = await serve(IdentityEndpoint([SYSTEM, APP], key=b"k" * 32).handle)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret of the platform")
    yield
    await server.close()


@pytest.mark.parametrize(("client_id", "identity"), [(None, SYSTEM), ("", SYSTEM), (APP.client_id, APP)])
async def test_the_identity_that_was_named_speaks(client_id: str | None, identity: Identity) -> None:
    async with managed_identity(client_id) as credential:
        token = (await credential.get_token(ARM_SCOPE)).token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["oid"], claims["tid"]) == (identity.object_id, TENANT)


async def test_one_credential_serves_every_service_and_keeps_its_tokens() -> None:
    async with managed_identity(APP.client_id) as credential:
        tokens = {scope: (await credential.get_token(scope)).token for scope in SCOPES}
        audiences = [jwt.decode(t, options={"verify_signature": False})["aud"] for t in tokens.values()]
        assert len(set(audiences)) == len(SCOPES)
        assert {scope: (await credential.get_token(scope)).token for scope in SCOPES} == tokens


async def test_an_identity_that_is_not_assigned_gets_no_token() -> None:
    async with managed_identity("5c1f0000-0000-4000-8000-00000000dead") as credential:
        with pytest.raises(ClientAuthenticationError):
            await credential.get_token(ARM_SCOPE)
