"""`events rejected` and `events dead`: what could not be used, why, and sending it again.

Lives here: the words, and asking. Messages are `shared.adapters.queues.kept`'s; their bodies, which name people, are
not shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from cli.answer import Answer, Line, Part, Shade, Table, counted
from cli.bus import on_bus
from cli.faults import Fault, Status, UsageError
from cli.out import Out
from shared.adapters.queues.kept import DEAD, MOST, REJECTED, Kept, KeptMessages, Shelf
from shared.answers.documents import Rows
from shared.errors import InvoiceAccessError

_COLUMNS: Final = (
    "id",
    "since",
    "source",
    "type",
    "field",
    "reason",
    "remedy",
    "bytes",
    "deliveries",
    "goes_to",
    "whole",
)


class Where:
    """Rejected events or dead letters, on a namespace."""

    def __init__(self, *, dead: bool, namespace: str, connection_string: str) -> None:
        self.shelves: Sequence[Shelf] = DEAD if dead else (REJECTED,)
        self.verb = "events-dead" if dead else "events-rejected"
        self._bus = namespace, connection_string

    def on[T](self, use: Callable[[KeptMessages], Awaitable[T]]) -> T:
        """What is found there. Raises the app's errors, and `UsageError` where no namespace is named."""

        async def opened(*bus: Any) -> T:
            async with KeptMessages(*bus) as messages:
                return await use(messages)

        return asyncio.run(on_bus(*self._bus, opened))

    def parse(self, text: str) -> tuple[Shelf, int]:
        """The message that an id names. Raises `UsageError`."""
        queue, _, number = text.strip().rpartition("/")
        shelf = next(
            (one for one in self.shelves if one.queue == (queue or (one.queue if len(self.shelves) == 1 else ""))), None
        )
        if shelf is None or not (number.isascii() and number.isdigit()):
            mend = f"Give an id as `invoice-access {self.verb.replace('-', ' ')}` shows it."
            raise UsageError(f"{text!r} is no message's id", mend=mend)
        return shelf, int(number)


def list_kept(out: Out, where: Where) -> int:
    """Lists them, oldest first."""
    found = where.on(lambda messages: _all(messages, where.shelves))
    return out.answer(listed(where.verb, found))


def show_kept(out: Out, where: Where, text: str) -> int:
    """Shows one. Raises `Fault` where it is not among the first hundred."""
    shelf, number = where.parse(text)
    found = where.on(lambda messages: _all(messages, (shelf,)))
    return out.answer(shown(where.verb, _only(found, number, text)))


def replay_kept(out: Out, where: Where, texts: Sequence[str], *, yes: bool) -> int:
    """Sends them again, and takes each away once its copy was sent. 1 where some could not be."""
    if not texts:
        raise UsageError("say which: ID...")
    wanted = dict.fromkeys(where.parse(text) for text in texts)

    async def find(messages: KeptMessages) -> list[Kept]:
        found = await _all(messages, tuple(dict.fromkeys(shelf for shelf, _ in wanted)))
        return [_only([one for one in found if one.shelf == shelf], number, f"{number}") for shelf, number in wanted]

    found = where.on(find)
    for one in found:
        if not one.whole:
            raise Fault(f"{id_of(one)} is not kept whole. Nothing was sent.", mend="Have its sender send it anew.")
    out.note(
        *(f"{id_of(one)} is sent to {one.goes_to} again as it came, and taken away here. {_why(one)}" for one in found)
    )
    if not out.confirm(f"Send {counted(len(found), 'message')} again?", yes=yes):
        out.note("Nothing was sent.")
        return Status.FAILED

    async def send(messages: KeptMessages) -> list[tuple[Kept, str, str]]:
        return [await _replayed(messages, one) for one in found]

    return out.answer(replayed(where.verb, where.on(send)))


async def _replayed(messages: KeptMessages, one: Kept) -> tuple[Kept, str, str]:
    try:
        return one, await messages.replay(one.shelf, one.number), ""
    except InvoiceAccessError as failure:
        return one, "", f"{failure}"


async def _all(messages: KeptMessages, shelves: Iterable[Shelf]) -> list[Kept]:
    return [one for shelf in shelves for one in await messages.peek(shelf)]


def _only(found: Iterable[Kept], number: int, text: str) -> Kept:
    for one in found:
        if one.number == number:
            return one
    raise Fault(
        f"{text} is not among the first {MOST} messages. Nothing was changed.", code="not-found", status=Status.MISUSE
    )


def id_of(one: Kept) -> str:
    """How a message is named: its number, for dead letters with the queue's name."""
    return f"{one.shelf.queue}/{one.number}" if one.shelf.is_dead else f"{one.number}"


def listed(verb: str, found: Sequence[Kept]) -> Answer:
    """A line each."""
    rows = [
        [id_of(one), one.source, one.event_type, "" if one.since is None else f"{one.since:%Y-%m-%d %H:%M}", _why(one)]
        for one in found
    ]
    text: list[Line | Table] = (
        [Table(("ID", "SOURCE", "TYPE", "SINCE (UTC)", "WHY"), rows)] if rows else ["There is none."]
    )
    full = {one.shelf.queue for one in found if sum(each.shelf == one.shelf for each in found) >= MOST}
    text += [Part(f"{queue}: {MOST} or more; these are the oldest.", Shade.WAITS) for queue in sorted(full)]
    items = [_thing(one) for one in found]
    return Answer(verb, {"items": items, "more": sorted(full)}, text, Rows.of(_COLUMNS, items))


def shown(verb: str, one: Kept) -> Answer:
    """One, with everything but its body."""
    thing = _thing(one)
    table = Table(
        ("", ""), [[name, f"{value}"] for name, value in thing.items() if value not in {None, ""}], titled=False
    )
    return Answer(f"{verb}-show", thing, [table], Rows.of(_COLUMNS, [thing]))


def replayed(verb: str, fates: Sequence[tuple[Kept, str, str]]) -> Answer:
    """What became of each."""
    text: list[Line] = []
    for one, message_id, failure in fates:
        if failure:
            text.append(Part(f"{id_of(one)} still lies there, unless somebody else took it: {failure}", Shade.REMOVED))
        else:
            text.append(f"Sent again to {one.goes_to} as {message_id}. The copy here is gone.")
    things = [
        {"id": id_of(one), "sent_as": sent or None, "goes_to": one.goes_to, "why": why} for one, sent, why in fates
    ]
    failed = any(failure for _, _, failure in fates)
    return Answer(
        f"{verb}-replay",
        {"items": things},
        text,
        Rows.of(("id", "sent_as", "goes_to", "why"), things),
        status=Status.FAILED if failed else Status.DONE,
    )


def _why(one: Kept) -> str:
    said = ": ".join(part for part in (one.field, one.reason) if part) or "no reason was given"
    return f"{said}. {one.remedy}" if one.remedy else f"{said}."


def _thing(one: Kept) -> dict[str, Any]:
    return {
        "id": id_of(one),
        "since": one.since,
        "source": one.source,
        "type": one.event_type,
        "field": one.field,
        "reason": one.reason,
        "remedy": one.remedy,
        "bytes": one.length,
        "deliveries": one.deliveries,
        "goes_to": one.goes_to,
        "whole": one.whole,
    }
