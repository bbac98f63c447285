"""People sign in: azure-identity's own classes get the tokens of whoever the environment names."""

import shlex
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from azure.identity.aio import DefaultAzureCredential

from sandbox.contoso import STANDARD_WORLD, names
from sandbox.identity import IdentityEndpoint
from sandbox.settings import shell_environment
from sandbox.shell import serve
from sandbox.world import WorldError, load_world, parse_world

OWN_API = "api://invoice-access"
WORLD = load_world(STANDARD_WORLD)


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    tokens = IdentityEndpoint((*WORLD.principals(), *WORLD.people_signing_in()))
    listening = await serve(tokens.handle)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{listening.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "a secret of this process")
    yield
    await listening.close()


async def claims(monkeypatch: pytest.MonkeyPatch, client_id: str, scope: str) -> dict[str, Any]:
    monkeypatch.setenv("AZURE_CLIENT_ID", client_id)
    async with DefaultAzureCredential() as credential:
        token = (await credential.get_token(scope)).token
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(
    ("client_id", "object_id", "name", "roles"),
    [
        (names.FELIX_CLIENT_ID, names.FELIX_SMIT, "Felix Smit", ["Operator"]),
        (names.CAMILLE_CLIENT_ID, names.CAMILLE_VOS, "Camille Vos", ["Operator"]),
        (names.SANNE_CLIENT_ID, names.SANNE_BAKKER, "Sanne Bakker", ["Reader"]),
    ],
)
async def test_a_person_gets_tokens_in_their_own_name_with_their_roles(
    monkeypatch: pytest.MonkeyPatch, client_id: str, object_id: str, name: str, roles: list[str]
) -> None:
    found = await claims(monkeypatch, client_id, f"{OWN_API}/.default")
    assert (found["oid"], found["name"], found["roles"]) == (object_id, name, roles)
    assert (found["tid"], found["idtyp"]) == (names.TENANT_ID, "user")
    assert found["upn"].endswith("@contoso.example")


@pytest.mark.usefixtures("endpoint")
async def test_tokens_for_microsofts_services_have_no_app_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await claims(monkeypatch, names.FELIX_CLIENT_ID, "https://management.azure.com/.default")
    assert (found["oid"], found["scp"]) == (names.FELIX_SMIT, "user_impersonation")
    assert "roles" not in found


@pytest.mark.usefixtures("endpoint")
async def test_the_app_has_no_name_and_no_role(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await claims(monkeypatch, names.APP_CLIENT_ID, f"{OWN_API}/.default")
    assert (found["oid"], found["idtyp"]) == (names.APP_OBJECT_ID, "app")
    assert not {"name", "upn", "roles"} & found.keys()


def test_a_shell_that_reads_the_environment_knows_whom_it_can_sign_in_as() -> None:
    text = shell_environment({"AZURE_CLIENT_ID": names.APP_CLIENT_ID}, WORLD.people_signing_in())
    script = f'set -a; eval {shlex.quote(text)}; echo "$SIGN_IN_FELIX_SMIT $SIGN_IN_CAMILLE_VOS2 $AZURE_CLIENT_ID"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607
    assert said.split() == [names.FELIX_CLIENT_ID, names.CAMILLE_CLIENT_ID, names.APP_CLIENT_ID]


def test_a_sign_in_of_nobody_and_a_client_id_of_two_are_mistakes_of_the_world() -> None:
    document = {
        "users": [{"id": names.FELIX_SMIT, "userPrincipalName": "felix@contoso.example"}],
        "signIns": [
            {"user": names.FELIX_SMIT, "clientId": names.APP_CLIENT_ID},
            {"user": names.CAMILLE_VOS, "clientId": names.CAMILLE_CLIENT_ID},
        ],
    }
    with pytest.raises(WorldError) as mistakes:
        parse_world(document)
    assert f"a sign-in is of nobody among the users of this world: {names.CAMILLE_VOS}" in str(mistakes.value)
    assert f"clientId {names.APP_CLIENT_ID} is used twice" in str(mistakes.value)


def test_operators_may_read_the_directory_and_a_reader_may_not() -> None:
    may = {person.object_id: person.graph_permissions for person in WORLD.people_signing_in()}
    assert "User.Read.All" in may[names.FELIX_SMIT] & may[names.CAMILLE_VOS]
    assert may[names.SANNE_BAKKER] == frozenset()
