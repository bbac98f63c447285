"""`events send FILE.csv`: asks for a check of everybody in a file, by one event per line on people-events.

Lives here: sending, and telling what is wrong and what was sent. What a file says is `people_file`'s.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any, Final

from cli.answer import Answer, counted
from cli.bus import on_bus
from cli.faults import Fault
from cli.out import Out
from cli.people_file import People, UnreadableFileError, read_people
from shared.adapters.queues.service_bus import ServiceBusQueues
from shared.answers.documents import Rows
from shared.errors import InvoiceAccessError
from shared.ports import EventQueue
from shared.sources.strict_json import JsonObject, encoded

EVENTS_A_MESSAGE: Final = 100
"""How many events travel together: some 25 KB, and one bad moment of the network costs no more."""


def send_file(out: Out, file: Path, *, skip_bad: bool, namespace: str, connection_string: str) -> int:
    """Sends the people of a file. Raises `Fault` where a line is wrong, and nothing is sent."""
    people = _read(file)
    if people.passed_over:
        out.note(f"{file}: nothing is read from {', '.join(map(repr, people.passed_over))}.")
    out.note(*(f"{file}, {odd}" for odd in people.undated))
    faults = [f"{file}, {mistake}" for mistake in people.wrong]
    if people.wrong and not skip_bad:
        remedy = f"Mend {counted(people.wrong_lines, 'line')}, or use --skip-bad to leave out what is wrong."
        raise Fault("Nothing was sent:", code="bad-lines", details=faults, mend=remedy)
    out.note(*faults)
    if not people.events:
        raise Fault(f"{file}: {_nobody(people)}. Nothing was sent.", code="nobody")
    messages = asyncio.run(_send_all(people.events, namespace, connection_string))
    sent, left_out = len(people.events), people.wrong_lines
    body: dict[str, Any] = {
        "sent": sent,
        "messages": messages,
        "left_out": left_out,
        "faults": [{"line": one.line, "column": one.column, "reason": one.reason} for one in people.wrong],
        "undated": [{"line": one.line, "reason": one.reason} for one in people.undated],
        "passed_over": list(people.passed_over),
    }
    asked = f"{counted(sent, 'check')} asked for in {counted(messages, 'message')}"
    columns = ("sent", "messages", "left_out")
    text = [f"{asked}, {counted(left_out, 'line')} left out."]
    return out.answer(Answer("events-send", body, text, Rows.of(columns, [body])))


async def send(queue: EventQueue, events: Sequence[JsonObject], advance: Callable[[int], None]) -> int:
    """Sends every event, a hundred a message; how many messages that were. `advance` hears of each that was sent."""
    messages = 0
    for together in batched(events, EVENTS_A_MESSAGE, strict=False):
        await queue.send_events([encoded([*together])])
        advance(len(together))
        messages += 1
    return messages


def _read(file: Path) -> People:
    try:
        return read_people(file.read_bytes(), now=datetime.now(UTC))
    except UnreadableFileError as error:
        raise Fault(f"{file}: {error}. Nothing was sent.", code="unreadable") from error


def _nobody(people: People) -> str:
    if not people.wrong:
        return "it names nobody"
    lines = people.wrong_lines
    return "its 1 line cannot be used" if lines == 1 else f"not one of its {lines} lines can be used"


async def _send_all(events: Sequence[JsonObject], namespace: str, connection_string: str) -> int:
    return await on_bus(namespace, connection_string, lambda *bus: _send_to(ServiceBusQueues(*bus), events))


async def _send_to(queues: ServiceBusQueues, events: Sequence[JsonObject]) -> int:
    sent = 0

    def advance(more: int) -> None:
        nonlocal sent
        sent += more
        if sys.stderr.isatty():
            sys.stderr.write(f"\rasking for checks: {sent:,}/{len(events):,}" + "\n" * (sent == len(events)))

    try:
        return await send(queues, events, advance)
    except InvoiceAccessError as failure:
        if not sent:
            raise
        raise Fault(
            f"{failure}",
            code="try-again",
            mend=f"{sent:,} of {len(events):,} were sent. Sending them again does no harm.",
        ) from failure
    finally:
        await queues.close()
