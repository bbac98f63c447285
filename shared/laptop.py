"""Whether the app runs on a developer's machine, started by `func start`, and what it may do there.

Lives here: telling it, and what its settings must be there. On such a machine the app signs in as the developer
(`az login`), because there is no managed identity. So it observes only, and keeps its store and its queues to the
machine: nothing of a deployment is taken away from it, and no developer's rights write to billing.

Whatever Azure's platform sets says that this is no laptop, so that no setting of a deployment leads here. Sources:
Azure Functions Core Tools set AZURE_FUNCTIONS_ENVIRONMENT; App Service sets the others ("Environment variables and app
settings reference", "How to use managed identities for App Service and Azure Functions").
"""

from collections.abc import Mapping
from typing import Final

_STARTED_BY: Final = "AZURE_FUNCTIONS_ENVIRONMENT"
_PLATFORM: Final = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME")
_STORE: Final = "INVOICE_ACCESS_STORE"
_BUS: Final = "ServiceBusConnection"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def is_laptop(environment: Mapping[str, str]) -> bool:
    """Whether this is a developer's machine without an identity of its own."""
    started_there = environment.get(_STARTED_BY, "").strip().lower() == "development"
    return started_there and not any(environment.get(name, "").strip() for name in _PLATFORM)


def laptop_mistakes(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Settings that reach beyond a developer's machine, and what is wrong with each; none where this is no laptop."""
    if not is_laptop(environment):
        return {}
    mistakes = {}
    store, namespace = environment.get(_STORE, ""), environment.get(f"{_BUS}__fullyQualifiedNamespace", "")
    if store and not store.startswith("sqlite:"):
        mistakes[_STORE] = "on a developer's machine ledger and state are a file: give sqlite:<path>"
    if namespace and not namespace.startswith(_LOOPBACK):
        mistakes[f"{_BUS}__fullyQualifiedNamespace"] = (
            "on a developer's machine the queues are the emulator's: give localhost:5672, so that no message of a "
            "deployment is taken"
        )
    elif namespace and not environment.get(_BUS, "").strip():
        mistakes[_BUS] = "give the emulator's connection string, which ends in UseDevelopmentEmulator=true"
    return mistakes
