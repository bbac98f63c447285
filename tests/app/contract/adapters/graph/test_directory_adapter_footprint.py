"""What the directory adapter costs: modules loaded, counted in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

_READ_EVERYTHING = """
import asyncio, json, sys
from azure.core.credentials import AccessToken
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Response, as_json
from shared.adapters.graph.directory import GraphDirectory
from shared.domain.keys import IdentityKey, IdentityKind
from shared.domain.people import SELECT
from shared.settings import Settings

OBJECT = "7c0f5a0e-0000-4000-8000-00000000000a"
USER = {**dict.fromkeys(SELECT), "id": OBJECT, "userPrincipalName": "a@contoso.com"}

class Credential:
    async def get_token(self, *scopes, **options):
        return AccessToken("a-token", 9_999_999_999)

def answer(request):
    path = request.path
    if "/groups/" in path and path.endswith(OBJECT) or "deletedItems" in path:
        missing = {"error": {"code": "Request_ResourceNotFound", "message": "No."}}
        return as_json(404, missing)
    if path.endswith("checkMemberGroups"):
        return as_json(200, {"value": [OBJECT]})
    return as_json(200, USER if path.endswith(OBJECT) else {"value": [USER]})

async def main():
    settings = Settings.read(
        {"INVOICE_ACCESS_STORE": "sqlite:x", "ServiceBusConnection__fullyQualifiedNamespace": "unused.example"}
    )
    directory = GraphDirectory(settings, Credential(), transport=HandlerTransport(answer))
    assert (await directory.person(OBJECT, frozenset({OBJECT}))).groups == {OBJECT}
    assert await directory.find(IdentityKey(IdentityKind.MAIL, "a@contoso.com")) == [OBJECT]
    assert not await directory.group_exists(OBJECT)
    assert [p async for p in directory.people("")] and [p async for p in directory.members(OBJECT)]
    await directory.close()

asyncio.run(main())
print(json.dumps([name for name in sys.modules if name.startswith("msgraph.generated")]))
"""


def test_reading_everything_loads_none_of_the_generated_models() -> None:
    ran = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", _READ_EVERYTHING],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[5],
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    loaded: list[str] = json.loads(ran.stdout)
    models = [name for name in loaded if ".models" in name]
    assert len(models) < 10, models  # the error's own few; reading one user the SDK's way makes it 1,223
    assert len(loaded) < 80, loaded
