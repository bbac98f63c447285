"""How a trace goes through intake: from the messages of a batch to the checks that their events lead to.

A batch has messages of many traces, so it is in none of them, and linked to each. Each check goes on with one: that of
the first event about its key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.domain.keys import Key, chain_key
from shared.domain.work import Scheduled
from shared.services.app import App
from shared.sources.events import PersonEvent
from shared.telemetry import Span


def asked(app: App, checks: Sequence[Scheduled], read: Iterable[tuple[str, Sequence[PersonEvent]]]) -> list[Scheduled]:
    """The checks, each with its trace. `read` are the traces of messages, "" for none, with the events in them."""
    traces: dict[Key, dict[str, None]] = {}
    for trace, events in read:
        for event in events:
            traces.setdefault(event.key, {})[trace] = None
    return [_asked(app, check, *traces[check.item.key]) for check in checks]


def _asked(app: App, check: Scheduled, first: str, *others: str) -> Scheduled:
    with app.telemetry.span(Span.ASK, parent=first, links=others, key=chain_key(check.item.key)):
        return replace(check, trace=app.telemetry.trace())
