"""What reading a person from Graph costs: sent by msgraph-sdk's own request adapter, and as the app sends.

Run it alone with `python -m benchmarks.directory_cost`. Both are measured in turns in one run, against stand-ins in
a process of their own, so that their ratio holds on any machine.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from subprocess import DEVNULL, PIPE
from typing import Final

from azure.core.credentials_async import AsyncTokenCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

from benchmarks.figures import Figure, show
from sandbox.contoso import names
from shared.adapters.graph.client import SCOPE
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.http.credentials import managed_identity
from shared.domain.people import SELECT
from shared.settings import Settings

READS: Final = 256
ROUNDS: Final = 3
GROUPS: Final = frozenset({names.TREASURY})

_SELECTED: Final = RequestConfiguration(
    query_parameters=UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=list(SELECT))
)

type Read = Callable[[], Awaitable[object]]


async def measure() -> list[Figure]:
    """CPU milliseconds per person read (two requests), one after another and 32 side by side."""
    figures = []
    async with _standins() as settings:
        credential = managed_identity(None)
        directory = GraphDirectory(settings, credential)
        ways: dict[str, Read] = {
            "the SDK's own way": _by_the_sdk(settings, credential),
            "managed": lambda: directory.person(names.FEMKE_DE_BOER, GROUPS),
        }
        for at_once in (1, 32):
            found = dict.fromkeys(ways, float("inf"))
            for _ in range(ROUNDS):
                for name, read in ways.items():
                    found[name] = min(found[name], await _cpu_ms(read, at_once))
            where = "one after another" if at_once == 1 else f"{at_once} side by side"
            figures += [Figure(f"{name}, {where}", cost, "ms") for name, cost in found.items()]
            figures.append(Figure("  ratio, ours to the SDK's", found["managed"] / found["the SDK's own way"], "x"))
        await directory.close()
        await credential.close()
    return figures


def _by_the_sdk(settings: Settings, credential: AsyncTokenCredential) -> Read:
    """The same two requests, their answers taken as bytes: its models would cost as much again."""
    adapter = GraphRequestAdapter(
        AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=["127.0.0.1"])
    )
    adapter.base_url = f"{settings.graph_url}/v1.0"
    user = GraphServiceClient(request_adapter=adapter).users.by_user_id(names.FEMKE_DE_BOER)
    asked = CheckMemberGroupsPostRequestBody(group_ids=sorted(GROUPS))

    async def read() -> None:
        await adapter.send_primitive_async(user.to_get_request_information(_SELECTED), "bytes", {})
        await adapter.send_primitive_async(user.check_member_groups.to_post_request_information(asked), "bytes", {})

    return read


async def _cpu_ms(read: Read, at_once: int) -> float:
    async def several(count: int) -> None:
        for _ in range(count):
            await read()

    await asyncio.gather(*(several(2) for _ in range(at_once)))  # opens the connections
    begun = time.process_time()
    await asyncio.gather(*(several(READS // at_once) for _ in range(at_once)))
    return 1000 * (time.process_time() - begun) / READS


@asynccontextmanager
async def _standins() -> AsyncIterator[Settings]:
    arguments = ("-m", "sandbox", "up", "--no-app")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None, "it was asked for"
    try:
        places = json.loads(await process.stdout.readline())
        os.environ["IDENTITY_ENDPOINT"] = f"{places['identity']}/msi/token"
        os.environ["IDENTITY_HEADER"] = "any"
        yield Settings.read(
            {
                "INVOICE_ACCESS_STORE": "sqlite::memory:",
                "INVOICE_ACCESS_GRAPH_URL": places["graph"],
                "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            }
        )
    finally:
        process.terminate()
        await process.wait()


async def main() -> None:
    """Prints the figures."""
    show("A person read from Graph (two requests), CPU", await measure())


if __name__ == "__main__":
    asyncio.run(main())
