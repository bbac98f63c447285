"""Rows in Azure Table Storage (or Azurite): what a deployment keeps ledger and state in.

Everything about azure-data-tables lives here, and nothing of what the rows mean. A row is an entity; its
body is JSON text over as many properties as it needs. Writes are sent once, reads are repeated at most twice
within 10 s.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from http import HTTPStatus
from itertools import count, takewhile
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.data.tables import TableEntity, TableErrorCode, UpdateMode
from azure.data.tables.aio import TableClient

from shared.adapters.http.answers import asked_wait
from shared.adapters.http.credentials import Tokens
from shared.adapters.store.rows import (
    Changed,
    Damaged,
    Delete,
    Exists,
    Insert,
    Operation,
    Row,
    check_key,
    pieces,
    texts,
)
from shared.errors import (
    FailedRead,
    InvoiceAccessError,
    Misconfigured,
    Permanent,
    StoreForbidden,
    StoreRefused,
    Transient,
)
from shared.settings_values import LOOPBACK

TABLE: Final = "invoiceaccess"
"""The one table. Made on the first write."""

CALL_SECONDS: Final = 10.0
"""How long one call may take, its repetitions and whatever wait the service asks for included."""

_PROPERTY_CHARACTERS: Final = 32_000
"""Text per property: the service holds 64 KiB of UTF-16, which is 32,768 characters."""


_GONE_CODES: Final = frozenset({TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND})
_CHANGED_CODES: Final = frozenset({TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED, TableErrorCode.CONDITION_NOT_MET})
_BUSY_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})
_THIS_REQUEST_STATUSES: Final = frozenset({400, 413})
"""Refusals of this very request. Any other is of the app, or of the account, and may be over later."""

_SPELLED: Final = {
    **{code: f"!{code:02x}" for code in range(0x22)},  # control characters, the space (trimmed by some tools) and '!'
    **{
        ord(mark): f"{pair[0]}{n}"
        for pair in ('"#', "$%", "&'", "./", ">?", "[\\", "~\x7f")
        for n, mark in enumerate(pair)
    },
}
"""How keys are spelled, in the same order as the keys, and without what Table Storage forbids.

It forbids `/ \\ # ?` and control characters in keys, has trouble with `%`, and doubles `'` in addresses. Source:
"Understanding the Table service data model", characters disallowed in key fields.

A run of forbidden characters borrows the nearest allowed one before it, which is then spelled longer itself. So spelled
keys compare as the keys do, and no spelling begins with another one.
"""

_MEANT: Final = {spelled: chr(code) for code, spelled in _SPELLED.items()}
_ANY_SPELLED: Final = re.compile(r"![01][0-9a-f]|!2[01]|[\"$&.>\[~][01]")


class TableRows:
    """`Rows` in the table `table` of a storage account.

    `endpoint` is the table endpoint (`https://<account>.table.core.windows.net`, for Azurite
    `http://127.0.0.1:<port>/devstoreaccount1`). The credential is a token credential whose identity is
    *Storage Table Data Contributor*, or a named key for Azurite; it stays its owner's to close. Raises
    `Misconfigured` for plain http to another machine.
    """

    def __init__(
        self,
        endpoint: str,
        credential: AsyncTokenCredential | AzureNamedKeyCredential,
        *,
        table: str = TABLE,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        address = urlsplit(endpoint)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
            raise Misconfigured(
                "store", [f"'{endpoint}': give an https:// table endpoint; http:// is for this machine only"]
            )
        self._call_seconds = call_seconds
        self._where = f"table '{table}' at {address.netloc}"
        known = credential if isinstance(credential, AzureNamedKeyCredential) else Tokens(credential, "Table Storage")
        self._make_client: Callable[[], TableClient] = lambda: TableClient(
            endpoint,
            table,
            credential=known,
            retry_total=2,
            retry_backoff_factor=0.4,
            retry_backoff_max=2,
        )
        self._opened: TableClient | None = None

    async def get(self, partition: str, key: str) -> Row | None:
        """One row, None when there is none."""
        check_key(key)
        try:
            entity = await self._call(lambda: self._client.get_entity(spell(partition), spell(key)))
        except HttpResponseError as error:
            if _code(error) in _GONE_CODES or _code(error) == TableErrorCode.TABLE_NOT_FOUND:
                return None
            raise self._explained(error) from error
        return self._row(partition, entity)

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """Does all of the operations or none; see `Rows.write`."""
        bodies = texts(partition, operations)
        if not operations:
            return ()
        batch = [_operation(spell(partition), *pair) for pair in zip(operations, bodies, strict=True)]
        try:
            try:
                done = await self._call(lambda: self._client.submit_transaction(batch, retry_total=0))
            except HttpResponseError as error:
                if _code(error) != TableErrorCode.TABLE_NOT_FOUND:
                    raise
                # Nothing was written, so this is the first time still.
                await self._create_table()
                done = await self._call(lambda: self._client.submit_transaction(batch, retry_total=0))
        except HttpResponseError as error:
            keys = ", ".join(repr(operation.key) for operation in operations)
            if _code(error) == TableErrorCode.ENTITY_ALREADY_EXISTS:
                raise Exists(f"one of the rows {keys} in '{partition}' is there already") from error
            if _code(error) in _CHANGED_CODES | _GONE_CODES:
                raise Changed(f"one of the rows {keys} in '{partition}' is no longer what was read") from error
            raise self._explained(error) from error
        return tuple(part.get("etag") or "" for part in done)

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """The rows from `start` up to but not including `end`; see `Rows.range`."""
        pages = self._client.query_entities(
            "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end",
            parameters={"partition": spell(partition), "start": spell(start), "end": spell(end)},
            results_per_page=page,
        ).by_page()

        async def next_page() -> list[TableEntity] | None:
            try:
                return [entity async for entity in await anext(pages)]
            except StopAsyncIteration:
                return None

        while True:
            try:
                entities = await self._call(next_page)
            except HttpResponseError as error:
                if _code(error) == TableErrorCode.TABLE_NOT_FOUND:
                    return
                raise self._explained(error) from error
            if entities is None:
                return
            for entity in entities:
                yield self._row(partition, entity)

    async def close(self) -> None:
        """Closes the connections."""
        if self._opened is not None:
            client, self._opened = self._opened, None
            await client.close()

    @property
    def _client(self) -> TableClient:
        if self._opened is None:
            self._opened = self._make_client()
        return self._opened

    async def _create_table(self) -> None:
        try:
            await self._call(lambda: self._client.create_table(retry_total=0))
        except ResourceExistsError as error:
            if _code(error) != TableErrorCode.TABLE_ALREADY_EXISTS:
                raise

    async def _call[T](self, call: Callable[[], Awaitable[T]]) -> T:
        """Makes one call within its time. Lets answers of the service through, and explains what is none."""
        try:
            async with asyncio.timeout(self._call_seconds):
                return await call()
        except TimeoutError as error:
            raise Transient(f"{self._where} did not answer within {self._call_seconds:g} s") from error
        except HttpResponseError:
            raise
        except AzureError as error:
            raise Transient(f"{self._where} cannot be reached, or its answer not be read: {error.message}") from error

    def _explained(self, error: HttpResponseError) -> InvoiceAccessError:
        said = f"{self._where} answered {error.status_code} {_code(error)}"
        if error.status_code is not None and error.status_code < HTTPStatus.BAD_REQUEST:
            return FailedRead(f"{self._where} gave an answer that cannot be read: {error.message}")
        if error.status_code in _BUSY_STATUSES or _code(error) == TableErrorCode.TABLE_BEING_DELETED:
            return Transient(said, retry_after=asked_wait(getattr(error.response, "headers", {})))
        if error.status_code in _THIS_REQUEST_STATUSES:
            return Permanent(f"{said}: {error.message}")
        if error.status_code in {401, 403}:
            return StoreForbidden(
                f"{said}; give the app's identity the role Storage Table Data Contributor on the account, "
                "and check whether its firewall lets the app through"
            )
        return StoreRefused(f"{said}: {error.message}")

    def _row(self, partition: str, entity: TableEntity) -> Row:
        spelled, etag = entity.get("RowKey"), entity.metadata.get("etag")
        if not isinstance(spelled, str) or not isinstance(etag, str):
            raise FailedRead(f"{self._where} gave an entity without RowKey or etag")
        key = unspell(spelled)
        parts = [entity[name] for name in takewhile(lambda name: name in entity, map(_property, count()))]
        if not parts or not all(isinstance(part, str) for part in parts):
            raise Damaged(f"row '{key}' in '{partition}' has no body in {self._where}")
        return Row(partition, key, "".join(parts), etag)


def spell(key: str) -> str:
    """The spelling of an ASCII key: at most three characters for each of its own."""
    return key.translate(_SPELLED)


def unspell(spelled: str) -> str:
    """The key that was spelled so."""
    return _ANY_SPELLED.sub(lambda match: _MEANT[match[0]], spelled)


def _property(number: int) -> str:
    return f"body{number:02}"


def _operation(partition: str, operation: Operation, text: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    entity = {"PartitionKey": partition, "RowKey": spell(operation.key)}
    for number, piece in enumerate(pieces(text, _PROPERTY_CHARACTERS)):
        entity[_property(number)] = piece
    if isinstance(operation, Insert):
        return "create", entity, {}
    condition = {"etag": operation.etag, "match_condition": MatchConditions.IfNotModified}
    if isinstance(operation, Delete):
        return "delete", entity, condition
    return "update", entity, {**condition, "mode": UpdateMode.REPLACE}


def _code(error: HttpResponseError) -> str | None:
    """The service's own word for what is wrong; azure-data-tables adds it to the errors that it raises."""
    code = getattr(error, "error_code", None)
    return None if code is None else str(getattr(code, "value", code))
