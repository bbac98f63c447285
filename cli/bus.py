"""Where the queues are, and with which login: the options that verbs of `events` have.

Lives here: reading them and the environment. No verb.
"""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from cli.faults import SETTINGS_FIRST, UsageError

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential

CONNECTION: Final = "SERVICE_BUS_CONNECTION_STRING"
NAMESPACE: Final = "ServiceBusConnection__fullyQualifiedNamespace"


async def on_bus[T](
    namespace: str,
    connection_string: str,
    use: "Callable[[str, AsyncTokenCredential | AzureNamedKeyCredential], Awaitable[T]]",
) -> T:
    """What `use` finds with the namespace's host name and a credential. Raises `UsageError` where none is named."""
    from shared.adapters.queues.service_bus import named_key  # noqa: PLC0415 - the SDK, and only for who asks it

    if namespace and connection_string:
        raise UsageError("--namespace and --connection-string: give one of them")
    connection = connection_string or ("" if namespace else os.environ.get(CONNECTION, ""))
    if connection:
        try:
            host, key = named_key(connection)
        except ValueError as wrong:
            raise UsageError(f"the connection string cannot be used: {wrong}") from wrong
        return await use(host, key)
    host = namespace or os.environ.get(NAMESPACE, "")
    if not host:
        raise UsageError(
            f"say where to: --namespace, --connection-string, {NAMESPACE} or {CONNECTION}", mend=SETTINGS_FIRST
        )
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for Azure

    async with DefaultAzureCredential() as credential:
        return await use(host, credential)
