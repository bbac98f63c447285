"""The app on a developer's machine: signed in by `az login`, on the emulator's key, observing.

Azure's own command line is played by a script that asks the sandbox for a person's token; the emulator by the sandbox's
broker, on the queues of deploy/local/Config.json.
"""

import json
import os
import stat
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.contoso import contoso
from sandbox.settings import Options
from sandbox.up import Sandbox, running
from shared import bootstrap
from shared.adapters.http.credentials import app_credential
from shared.domain.policy.model import Everything
from shared.errors import Misconfigured
from shared.services.app import App
from shared.services.sweep.sweep import sweep
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
LOCAL = ROOT / "deploy" / "local"

AZ = """#!{python}
import json, sys, urllib.parse, urllib.request
resource = sys.argv[sys.argv.index("--resource") + 1]
query = urllib.parse.urlencode({{"api-version": "2019-08-01", "resource": resource, "client_id": "{client_id}"}})
request = urllib.request.Request("{identity}/msi/token?" + query, headers={{"X-IDENTITY-HEADER": "az"}})
told = json.load(urllib.request.urlopen(request))
print(json.dumps({{"accessToken": told["access_token"], "expires_on": int(told["expires_on"]), "tokenType": "Bearer"}}))
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Contoso, with one who may read all that a sweep reads."""
    found: dict[str, Any] = contoso()
    for one in found["signIns"]:
        one["graphPermissions"] = ["User.Read.All", "GroupMember.Read.All", "User-LifeCycleInfo.Read.All"]
    path = tmp_path / "world.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def developer(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, str]:
    """What `func start` gives the app on a machine whose developer has signed in, as the environment from now on."""
    person = sandbox.world.people_signing_in()[0]
    az = tmp_path / "bin" / "az"
    az.parent.mkdir()
    az.write_text(AZ.format(python=sys.executable, client_id=person.client_id, identity=sandbox.identity))
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    for name in [name for name in os.environ if name.startswith(("INVOICE_ACCESS_", "IDENTITY_", "WEBSITE_", "MSI_"))]:
        monkeypatch.delenv(name)
    values = json.loads((LOCAL / "settings.json").read_text(encoding="utf-8"))["Values"]
    endpoint = sandbox.service_bus.partition(";")[0].removeprefix("Endpoint=sb://").rstrip("/")
    given = {
        **{name: value for name, value in values.items() if not name.startswith("AzureWebJobs")},
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "PATH": f"{az.parent}{os.pathsep}{os.environ['PATH']}",
        "ServiceBusConnection": sandbox.service_bus,
        "ServiceBusConnection__fullyQualifiedNamespace": endpoint,
        "INVOICE_ACCESS_STORE": f"sqlite:{tmp_path / 'laptop.sqlite'}",
        "INVOICE_ACCESS_POLICY": str(ROOT / "sandbox" / "contoso-policy.yaml"),
        "INVOICE_ACCESS_ARM_URL": sandbox.arm,
        "INVOICE_ACCESS_GRAPH_URL": sandbox.graph,
        **settings,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


async def test_a_developer_sees_what_the_app_would_do_and_writes_nothing(
    tmp_path: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(app=False, world=world, state=tmp_path / "state", queues=LOCAL / "Config.json")
    async with running(options) as sandbox, AsyncExitStack() as closing:
        given = developer(sandbox, tmp_path, monkeypatch)
        assert bootstrap.read_configuration(given).policy.enforce is Everything.ALL
        configuration = bootstrap.check.__wrapped__()
        credential = await closing.enter_async_context(app_credential(configuration.settings.client_id))
        app: App = bootstrap.build(configuration, credential, closing)
        person = sandbox.world.people_signing_in()[0]
        assert await app.billing.identities() == {person.object_id}
        before = len(sandbox.billing.audit)
        await sweep(app)
        report = (await app.state.reports(1))[0]
        assert report.complete, report.failures
        assert len(report.would_hold) > 0
        waiting = sandbox.broker.queue("access-work").peek(0, count=1000)
        assert len(waiting) > 0, "the emulator took what the sweep asked for, by its key"
        assert [one for one in sandbox.billing.audit[before:] if one.changed] == []


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        ({"INVOICE_ACCESS_STORE": "https://contoso.table.core.windows.net"}, "INVOICE_ACCESS_STORE", "are a file"),
        (
            {"ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net"},
            "ServiceBusConnection__fullyQualifiedNamespace",
            "no message of a deployment is taken",
        ),
        ({"ServiceBusConnection": ""}, "ServiceBusConnection", "give the emulator's connection string"),
    ],
)
def test_a_developers_machine_reaches_nothing_of_a_deployment(changed: dict[str, str], name: str, said: str) -> None:
    values = json.loads((LOCAL / "settings.json").read_text(encoding="utf-8"))["Values"]
    assert Settings.read({**values, "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}).service_bus == "localhost:5672"
    with pytest.raises(Misconfigured) as wrong:
        Settings.read({**values, "AZURE_FUNCTIONS_ENVIRONMENT": "Development", **changed})
    assert any(line.startswith(f"{name}: ") and said in line for line in wrong.value.mistakes)
