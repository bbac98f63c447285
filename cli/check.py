"""`check FILE.csv`: asks for a check of everybody in a file, by one event per line on people-events.

A file is checked whole before anything is sent. Its columns are `id`, `upn`, `mail`, `employee-id` and `effective`;
others are passed over. A line names a person by the first of the four that it fills in. A date that cannot be used
costs the second check and no line: the person is checked now, and the date is named.
"""

import argparse
import asyncio
import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.faults import SETTINGS_FIRST
from cli.terminal import complaints, out
from shared.adapters.queues.service_bus import ServiceBusQueues
from shared.errors import Permanent, Rejected, Transient
from shared.ports import EventQueue
from shared.sources.cloud_event import read_cloud_event
from shared.sources.effective import read_effective
from shared.sources.strict_json import JsonObject, encoded, shown

NAMES: Final = ("id", "upn", "mail", "employee-id")
"""The columns that name a person, best first."""

WHEN: Final = "effective"
"""The column with the date of a second check."""

EVENTS_A_MESSAGE: Final = 100
"""How many events travel together: some 25 KB, and one bad moment of the network costs no more."""

CONNECTION: Final = "SERVICE_BUS_CONNECTION_STRING"
NAMESPACE: Final = "ServiceBusConnection__fullyQualifiedNamespace"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot be used, its column, and what to do about it."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, column '{self.column}': {self.reason}"


@dataclass(frozen=True, slots=True)
class People:
    """A file, read: an event per good line, what is wrong with the others, and whose date asks for no second check."""

    events: Sequence[JsonObject]
    wrong: Sequence[Wrong]
    undated: Sequence[Wrong] = ()


class UnreadableFileError(Exception):
    """The file is no CSV of people at all; the text says why."""


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("check", help="ask for a check of everybody in a CSV file", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--skip-bad", action="store_true", help="leave lines out that are wrong, and send the others")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--connection-string", help=f"of the Service Bus namespace (or {CONNECTION})")
    where.add_argument("--namespace", help=f"its host name, with your own Azure login (or {NAMESPACE})")
    parser.set_defaults(run=run)


def read_people(content: bytes, *, now: datetime) -> People:
    """Reads a CSV file in UTF-8, parted by commas, semicolons or tabs; raises `UnreadableFileError`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"byte {error.start + 1} is not UTF-8; save the file as 'CSV UTF-8'") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    digest = hashlib.sha256(content).hexdigest()[:12]
    events: list[JsonObject] = []
    wrong: list[Wrong] = []
    undated: list[Wrong] = []
    columns: list[str] | None = None
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells)
                continue
            try:
                event, odd = _event(columns, cells, f"{digest}/{lines.line_num}", now)
                events.append(event)
                undated += [Wrong(lines.line_num, WHEN, f"{odd}. They are checked now, and not again")] if odd else []
            except Rejected as rejected:
                wrong.append(Wrong(lines.line_num, rejected.field, f"{rejected.reason}. {rejected.remedy}"))
    except csv.Error as error:
        raise UnreadableFileError(f"line {lines.line_num}: {error}") from error
    if columns is None:
        raise UnreadableFileError(f"it is empty; its first line names the columns: {', '.join((*NAMES, WHEN))}")
    return People(events, wrong, undated)


async def send(queue: EventQueue, events: Sequence[JsonObject], progress: Progress) -> int:
    """Sends every event, a hundred a message; how many messages that were."""
    task = progress.add_task("asking for checks", total=len(events))
    messages = 0
    for together in batched(events, EVENTS_A_MESSAGE, strict=False):
        await queue.send_events([encoded([*together])])
        progress.advance(task, len(together))
        messages += 1
    return messages


def run(chosen: argparse.Namespace) -> int:
    """Runs the command; 0 when every line that should be sent was."""
    say = complaints()
    try:
        people = read_people(chosen.file.read_bytes(), now=datetime.now(UTC))
    except (OSError, UnreadableFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        say.print(f"{chosen.file}: {reason}", markup=False, soft_wrap=True)
        return 1
    for mistake in (*people.wrong, *people.undated):
        say.print(f"{chosen.file}, {mistake}", markup=False, soft_wrap=True)
    if people.wrong and not chosen.skip_bad:
        remedy = f"Fix {_counted(len(people.wrong), 'line')}, or use --skip-bad to leave out what is wrong."
        say.print(f"Nothing was sent. {remedy}", soft_wrap=True)
        return 1
    if not people.events:
        lines = len(people.wrong)
        none = "its 1 line cannot be used" if lines == 1 else f"not one of its {lines} lines can be used"
        reason = none if lines else "it names nobody"
        say.print(f"{chosen.file}: {reason}. Nothing was sent.", markup=False, soft_wrap=True)
        return 1
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=say)
    try:
        messages = asyncio.run(_send_all(chosen, people.events, progress))
    except (Transient, Permanent, ValueError) as error:
        say.print(f"{error}", markup=False, soft_wrap=True)
        if any(task.completed for task in progress.tasks):
            say.print("What the bar shows as done was sent. Sending it again does no harm.", soft_wrap=True)
        return 1
    asked = f"{_counted(len(people.events), 'check')} asked for in {_counted(messages, 'message')}"
    out().print(f"{asked}, {_counted(len(people.wrong), 'line')} left out.", soft_wrap=True)
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


async def _send_all(chosen: argparse.Namespace, events: Sequence[JsonObject], progress: Progress) -> int:
    connection = chosen.connection_string or (None if chosen.namespace else os.environ.get(CONNECTION))
    if connection:
        queues = ServiceBusQueues.from_connection_string(connection)
        try:
            with progress:
                return await send(queues, events, progress)
        finally:
            await queues.close()
    namespace = chosen.namespace or os.environ.get(NAMESPACE)
    if not namespace:
        where = f"say where to: --namespace, --connection-string, {NAMESPACE} or {CONNECTION}"
        raise ValueError(f"{where} {SETTINGS_FIRST}")
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for Azure

    async with DefaultAzureCredential() as credential:
        queues = ServiceBusQueues(namespace, credential)
        try:
            with progress:
                return await send(queues, events, progress)
        finally:
            await queues.close()


def _columns(cells: Sequence[str]) -> list[str]:
    columns = [cell.strip().casefold() for cell in cells]
    known = [column for column in columns if column in {*NAMES, WHEN}]
    if not set(known) & set(NAMES):
        raise UnreadableFileError(f"line 1 names no column of {', '.join(NAMES)}, but {', '.join(map(repr, cells))}")
    twice = sorted({column for column in known if known.count(column) > 1})
    if twice:
        raise UnreadableFileError(f"line 1 names '{twice[0]}' twice")
    return columns


def _event(columns: Sequence[str], cells: Sequence[str], event_id: str, now: datetime) -> tuple[JsonObject, str]:
    """The event of one line, and why its date asks for no check ("" where it does); raises `Rejected` of a column."""
    if len(cells) > len(columns):
        remedy = "Put quotation marks around values that contain it"
        raise Rejected(
            columns[-1], f"the line has {_counted(len(cells), 'value')} for {_counted(len(columns), 'column')}", remedy
        )
    values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    name = next((name for name in NAMES if name in values), None)
    if name is None:
        raise Rejected(next(column for column in columns if column in NAMES), "the line names nobody", "Fill in one")
    event = JsonObject(
        specversion="1.0", id=event_id, source="/cli/check", type="check", subject=f"{name}:{values[name]}"
    )
    try:
        read_cloud_event(event, "", now=now)
    except Rejected as rejected:
        column = {"subject": name}.get(rejected.field, rejected.field)
        raise Rejected(column, rejected.reason, rejected.remedy) from rejected
    if WHEN not in values:
        return event, ""
    try:
        effective = read_effective(values[WHEN], WHEN, now=now)
    except Rejected as rejected:
        return event, rejected.reason
    if effective is None:
        return event, f"'{shown(values[WHEN])}' means never, is long past, or is more than ten years ahead"
    event["data"] = JsonObject(effective=values[WHEN])
    return event, ""
