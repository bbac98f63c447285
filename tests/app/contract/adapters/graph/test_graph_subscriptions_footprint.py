"""What keeping subscriptions costs: modules loaded, counted in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

_DO_EVERYTHING = """
import asyncio, json, sys
from datetime import UTC, datetime
from azure.core.credentials import AccessToken
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Response, as_json
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.ports import WantedSubscription
from shared.settings import Settings

ONE = {"id": "1", "resource": "users", "changeType": "updated", "expirationDateTime": "2026-03-20T11:00:00.0000000Z"}

class Credential:
    async def get_token(self, *scopes, **options):
        return AccessToken("a-token", 9_999_999_999)

def answer(request):
    if request.method == "DELETE":
        return Response(204)
    is_list = request.method == "GET" and request.path.endswith("/subscriptions")
    return as_json(200, {"value": [ONE]} if is_list else ONE)

async def main():
    settings = Settings.read(
        {"INVOICE_ACCESS_STORE": "sqlite:x", "ServiceBusConnection__fullyQualifiedNamespace": "unused.example"}
    )
    subscriptions = GraphSubscriptions(settings, Credential(), transport=HandlerTransport(answer))
    wanted = WantedSubscription("users", frozenset({"updated"}), "https://x/n", "https://x/l", "state")
    [found] = await subscriptions.mine()
    assert await subscriptions.create(wanted, datetime.now(UTC)) == found
    assert await subscriptions.renew(found, datetime.now(UTC)) == found
    assert await subscriptions.delete("1")
    await subscriptions.close()

asyncio.run(main())
print(json.dumps([name for name in sys.modules if name.startswith("msgraph.generated")]))
"""


def test_keeping_subscriptions_loads_a_handful_of_the_generated_models() -> None:
    ran = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", _DO_EVERYTHING],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[5],
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    loaded: list[str] = json.loads(ran.stdout)
    assert len([name for name in loaded if ".models" in name]) < 12, loaded  # the SDK's own way makes it 1,223
    assert len(loaded) < 60, loaded
