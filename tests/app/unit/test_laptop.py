"""What makes a developer's machine, and what is cut to fit it: no deployment is ever taken for one."""

import json
from pathlib import Path
from typing import Any

import pytest
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

from deploy.emulator import CONFIGURATION, configuration, text
from sandbox.broker.config import read_queues
from sandbox.settings import standard_queues
from shared import bootstrap
from shared.adapters.http.credentials import app_credential
from shared.domain.policy.model import Everything
from shared.errors import Misconfigured
from shared.laptop import is_laptop
from shared.settings import Settings
from tests.app.policy_texts import LEAST

ROOT = Path(__file__).parents[3]
STARTED = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
EMULATOR = "Endpoint=sb://localhost;SharedAccessKeyName=Root;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
REAL = "Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0c2VjcmV0"
LEAST_SETTINGS = {"INVOICE_ACCESS_STORE": "sqlite:x", "ServiceBusConnection__fullyQualifiedNamespace": "localhost:5672"}


@pytest.mark.parametrize(
    ("environment", "is_one"),
    [
        (STARTED, True),
        ({"AZURE_FUNCTIONS_ENVIRONMENT": "development "}, True),
        ({}, False),
        ({"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, False),
        *(
            ({**STARTED, name: "x"}, False)
            for name in ("IDENTITY_ENDPOINT", "WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME")
        ),
        ({**STARTED, "IDENTITY_ENDPOINT": " "}, True),
    ],
)
async def test_whatever_the_platform_sets_says_that_this_is_no_laptop(
    environment: dict[str, str], *, is_one: bool
) -> None:
    assert is_laptop(environment) is is_one
    async with app_credential(None, environment) as credential:
        assert isinstance(credential, AzureCliCredential if is_one else ManagedIdentityCredential)


@pytest.mark.parametrize(
    "value", [REAL, EMULATOR.replace("localhost", "10.0.0.4"), EMULATOR.replace("=true", "=false")]
)
def test_a_connection_string_of_a_real_namespace_is_a_mistake_and_not_shown(value: str) -> None:
    with pytest.raises(Misconfigured) as wrong:
        Settings.read({**LEAST_SETTINGS, "ServiceBusConnection": value})
    (line,) = wrong.value.mistakes
    assert line.startswith("ServiceBusConnection: ")
    assert "give the app's identity its roles" in line
    assert "SharedAccessKey" not in line
    assert "c2VjcmV0" not in line


def test_the_emulators_key_is_sent_to_this_machine_only() -> None:
    settings = Settings.read({**LEAST_SETTINGS, "ServiceBusConnection": EMULATOR})
    assert settings.emulator is not None
    assert "SAS_KEY_VALUE" not in repr(settings)
    namespace = {"ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net"}
    with pytest.raises(Misconfigured, match=r"it is for the emulator"):
        Settings.read({**LEAST_SETTINGS, **namespace, "ServiceBusConnection": EMULATOR})


def test_a_developers_app_observes_whatever_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"{LEAST}enforce: all\n")
    given = {**LEAST_SETTINGS, "ServiceBusConnection": EMULATOR, "INVOICE_ACCESS_POLICY": str(policy)}
    for name, value in {**given, **STARTED}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    assert bootstrap.read_configuration(given).policy.enforce is Everything.ALL
    assert bootstrap.check.__wrapped__().policy.enforce is Everything.NONE
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    assert bootstrap.check.__wrapped__().policy.enforce is Everything.ALL


# -- Microsoft's emulator


def test_the_emulators_configuration_is_of_the_queues_as_they_are() -> None:
    """After a change of deploy/queues.json: `.venv/bin/python -m deploy.emulator`."""
    assert CONFIGURATION.read_text(encoding="utf-8") == text()


def test_the_emulators_queues_are_ours_cut_to_what_it_can() -> None:
    ours = {queue.name: queue for queue in standard_queues()}
    cut = {queue.name: queue for queue in read_queues(CONFIGURATION)}
    assert set(cut) == set(ours)
    for name, queue in cut.items():
        assert queue.requires_session is ours[name].requires_session
        assert queue.requires_duplicate_detection is ours[name].requires_duplicate_detection
        assert queue.lock_duration == ours[name].lock_duration
    file = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    (namespace,) = file["UserConfig"]["Namespaces"]
    assert namespace["Name"] == "sbemulatorns"
    for queue in namespace["Queues"]:
        properties = queue["Properties"]
        assert properties["DefaultMessageTimeToLive"] == "PT1H"
        assert properties["DuplicateDetectionHistoryTimeWindow"] in {"PT20S", "PT5M"}
        assert 1 <= properties["MaxDeliveryCount"] <= 10


def test_a_property_of_a_queue_is_cut_or_kept() -> None:
    properties: dict[str, Any] = {"requiresSession": True, "maxDeliveryCount": 3, "lockDuration": "PT30S"}
    made = configuration([{"name": "q", "properties": properties}])
    (queue,) = made["UserConfig"]["Namespaces"][0]["Queues"]
    assert queue["Properties"] == {
        "DuplicateDetectionHistoryTimeWindow": "PT20S",
        "LockDuration": "PT30S",
        "MaxDeliveryCount": 3,
        "RequiresSession": True,
    }


def test_the_compose_file_fits_its_published_schema_and_is_for_this_machine_only() -> None:
    from check_jsonschema import main  # type: ignore[import-untyped] # noqa: PLC0415 - a command line of its own
    from ruamel.yaml import YAML  # noqa: PLC0415

    path = ROOT / "deploy" / "local" / "compose.yaml"
    with pytest.raises(SystemExit) as ended:
        main(["--builtin-schema", "vendor.compose-spec", str(path)])
    assert ended.value.code == 0
    services = YAML(typ="safe").load(path)["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)
    mounted = [volume["source"] for service in services.values() for volume in service.get("volumes", ())]
    assert [(path.parent / source).is_file() for source in mounted] == [True]
    assert all("://" not in service["image"] and service["image"].startswith("${") for service in services.values())
