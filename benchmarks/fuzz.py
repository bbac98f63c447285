"""Mutated requests over every source, through the real front: nothing raises, no event is lost and none invented.

`python -m benchmarks.fuzz [--count 100000] [--seed 1]`. A request is judged from outside, by the standard library's own
JSON: what was answered with 202 has to be on the queue, once, whoever is named there was named in the request, and what
intake will reject was said to be rejected.
One seed repeats a run exactly.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode

from shared.domain.keys import NameKey, PersonKey
from shared.errors import Rejected
from shared.services.front import Accepted, Answer, Refusal, take_notifications
from shared.sources.events import PersonEvent, Read
from shared.sources.posted import Posted
from shared.sources.read import read_message
from shared.sources.registry import SOURCES
from tests.app.unit.front_desk import KEYS, MEDIA_TYPES, NOW, Desk

ANSWERS: Final = frozenset({200, 202, 400, 401, 404, 413, 415})
GRAPH: Final = "graph"
FORM: Final = "application/x-www-form-urlencoded"
_STRANGE: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1e308, 2**70, "", " ", "\x00", "\ud800", "\u202e", "x" * 2000, [], {}, [[]], {"": {}}),
    *("id:", "upn:@", "mail:a@b", "employee-id:  ", "Users/x", "2026-02-30", "9999-12-31T23:59:59-14:00", "1e400"),
    *("2026-04-01", "2026-04-01T09:00:00+02:00", "Groups/7c0f5a0e-0000-4000-8000-0000000f1a4c", KEYS[GRAPH][0]),
)
_NOISE: Final = b'{}[]",:\\\x00\xff\xef\xbb\xbf 0189eE+-.tfnu\xed\xa0\x80'


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: to which source, and what."""

    source: str
    body: bytes
    media_type: str
    query: dict[str, str]
    headers: dict[str, str]


def seeds() -> list[Attempt]:
    """Good requests of every source in every form, to be spoilt."""
    made = [
        Attempt(
            source.name, json.dumps(source.example).encode(), MEDIA_TYPES.get(source.name, "application/json"), {}, {}
        )
        for source in SOURCES
    ]
    hr = next(source.example for source in SOURCES if source.name == "hr")
    batch = [{**hr, "id": str(number)} for number in range(5)]
    made.append(Attempt("hr", json.dumps(batch).encode(), "application/cloudevents-batch+json", {}, {}))
    binary = {f"ce-{name}": str(value) for name, value in hr.items() if name != "data"}
    made.append(Attempt("hr", json.dumps(hr["data"]).encode(), "application/json", {}, binary))
    employees = [
        {"id": 7, "action": "Updated", "fields": {"Hire Date": "2026-04-01", "terminationDate": "2027-01-01"}},
        {"id": "8", "fields": {"Employee #": {"value": "008"}, "Work Email": "b@contoso.com"}},
    ]
    made.append(Attempt("bamboohr", json.dumps({"employees": employees}).encode(), "application/json", {}, {}))
    form = {"type": "employee.created", "data[employeeId]": "9", "employees[11][Hire Date]": "2026-04-01"}
    made.append(Attempt("bamboohr", urlencode(form).encode(), FORM, {}, {}))
    items = [
        {
            "clientState": state,
            "subscriptionId": "7c0f5a0e-0000-4000-8000-0000000005b5",
            "resource": resource,
            "n": 2**60,
        }
        for state in (*KEYS[GRAPH], "wrong")
        for resource in ("Users/7c0f5a0e-0000-4000-8000-00000000a11a", "Groups/7c0f5a0e-0000-4000-8000-0000000f1a4c")
    ]
    made.append(Attempt(GRAPH, json.dumps({"value": items}).encode(), "application/json", {}, {}))
    return made


def spoil(seed: Attempt, chance: random.Random) -> Attempt:
    """A seed, changed in bytes, in values, in its headers, or not at all."""
    body = seed.body
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        body = chance.choice((_spoil_bytes, _spoil_value, _spoil_value))(body, chance)
    media_type = chance.choice(("", "text/plain", "application/json; charset=utf-8", FORM, *MEDIA_TYPES.values()))
    headers = dict(seed.headers)
    if headers and chance.random() < 0.5:
        name = chance.choice(sorted(headers))
        headers[name] = chance.choice(("", "%", "%ff", "1.0", "id%3A7", "2026-13-01", "\u20ac", headers[name] * 300))
    return Attempt(
        seed.source,
        body,
        media_type if chance.random() < 0.1 else seed.media_type,
        {"validationToken": chance.choice(("", "a<b>", "x" * 5000))} if chance.random() < 0.02 else {},
        headers,
    )


def _spoil_bytes(body: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    end = min(len(body), start + chance.choice((0, 1, 1, 8, 100)))
    noise = bytes(chance.choice(_NOISE) for _ in range(chance.choice((0, 1, 2, 5))))
    middle = chance.choice((noise, body[start:end] * 2, b"[" * 70, b""))
    return body[:start] + middle + body[end:]


def _spoil_value(body: bytes, chance: random.Random) -> bytes:
    try:
        root = [json.loads(body)]
    except (ValueError, RecursionError):
        return _spoil_bytes(body, chance)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(root)
    holder, key = chance.choice(places)
    match chance.randrange(4):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1 if isinstance(holder, list) and holder is not root:
            holder.insert(key, holder[key])
        case 2 if isinstance(holder, dict):
            holder[chance.choice(("employees", "data", "value", "subject", "fields", "\ud800"))] = holder[key]
        case _:
            holder[key] = chance.choice(_STRANGE)
    try:
        return json.dumps(root[0]).encode() if root else b""
    except (ValueError, RecursionError):
        return body


async def post(desk: Desk, attempt: Attempt, *, honest: bool) -> Answer:
    """Posts an attempt with a right proof, or with none."""
    if attempt.source == GRAPH:
        headers = {"content-type": attempt.media_type, "content-length": str(len(attempt.body))}
        posted = Posted(attempt.body, headers, attempt.query)
        return await take_notifications(desk.front, posted)
    return await desk.post(
        attempt.source,
        attempt.body,
        media_type=attempt.media_type,
        headers=attempt.headers,
        proof=None if honest else {},
        query=None if honest else {},
    )


def judge(attempt: Attempt, answer: Answer, sent: list[bytes]) -> str | None:  # noqa: PLR0911 - one per promise
    """What is wrong with how an attempt ended; None where nothing is."""
    if answer.status not in ANSWERS:
        return f"answered {answer.status}"
    if answer.status != 202:
        if answer.status == 400 and not (isinstance(answer.body, Refusal) and answer.body.field and answer.body.remedy):
            return "a 400 that does not say what to fix"
        return "refused, and yet sent" if sent else None
    if len(sent) > 1:
        return f"{len(sent)} messages for one request that fits one"
    reads = [read for message in sent for read in read_message(message, now=NOW)]
    people = [read for read in reads if isinstance(read, PersonEvent)]
    if attempt.source == GRAPH:
        return _judge_graph(attempt, sent, people)
    if not isinstance(answer.body, Accepted):
        return "a 202 that does not say how many"
    return _judge_counts(attempt, answer.body, sent, reads) or _invented(attempt, people)


def _judge_counts(attempt: Attempt, told: Accepted, sent: list[bytes], reads: list[Read]) -> str | None:
    """What is wrong with the counts of an answer, by what intake makes of the messages."""
    wanted = _events_in(attempt)
    if wanted is not None and told.accepted + told.ignored + told.rejected < wanted:
        return f"{wanted} events came, and {told} is what became of them"
    # An event that names somebody and is odd in part is counted as both.
    came = sum(_events_of(message) for message in sent)
    if not max(told.accepted, told.rejected) <= came <= told.accepted + told.rejected:
        return f"{came} events were sent, and {told} is what was said of them"
    if (told.rejected > 0) != any(isinstance(read, Rejected) for read in reads):
        return "intake and the front do not agree about what is rejected"
    if (told.accepted > 0) != any(isinstance(read, PersonEvent) for read in reads):
        return "intake and the front do not agree about who is checked"
    return None


class _Ambiguous(dict[str, Any]):
    """An object that has a name twice, or holds one that does: nobody knows what was meant."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) and not any(map(_is_ambiguous, made.values())) else _Ambiguous(made)


def _is_ambiguous(value: Any) -> bool:
    return isinstance(value, _Ambiguous) or (isinstance(value, list) and any(map(_is_ambiguous, value)))


def _judge_graph(attempt: Attempt, sent: list[bytes], people: list[PersonEvent]) -> str | None:
    items = json.loads(attempt.body, object_pairs_hook=_object)["value"]
    ours = [item for item in items if type(item) is dict and item.get("clientState") in KEYS[GRAPH]]
    passed = [item for message in sent for item in json.loads(message)["value"]]
    if passed != [{name: value for name, value in item.items() if name != "clientState"} for item in ours]:
        return "not the items that are managed"
    return _invented(attempt, people)


def _events_in(attempt: Attempt) -> int | None:
    """How many events a request must have come to at least, as far as that is plain from outside."""
    if attempt.media_type.startswith(FORM):
        return 1 if b"employeeId" in attempt.body or b"employees[" in attempt.body else None
    value = json.loads(attempt.body)
    if isinstance(value, list) and attempt.source in MEDIA_TYPES:  # the others' systems send no arrays
        return len(value)
    if attempt.source == "bamboohr" and isinstance(value, dict) and isinstance(value.get("employees"), list):
        return len(value["employees"])
    return 1


def _events_of(message: bytes) -> int:
    value = json.loads(message)
    return len(value) if isinstance(value, list) else 1


def _invented(attempt: Attempt, people: list[PersonEvent]) -> str | None:
    """Somebody on the queue whom the request did not name."""
    told = attempt.body.decode("utf-8", "replace")
    try:
        told += json.dumps(json.loads(attempt.body), ensure_ascii=False)
    except ValueError:
        told += unquote_plus(told)
    told = told.lower()  # what only a header says was not proved
    for event in people:
        match event.key:
            case PersonKey():
                name = event.key.object_id
            case NameKey():
                name = event.key.value
        if name.strip().lower() not in told:
            return f"{event.key.canonical} was not in the request"
    return None


async def fuzz(count: int, seed: int, report: Callable[[str], None], desk: Desk | None = None) -> int:
    """Runs `count` attempts, on a desk of its own unless one is given; how many of them broke a promise."""
    desk = desk or Desk()
    chance = random.Random(seed)
    starts = seeds()
    answers: Counter[tuple[str, int]] = Counter()
    broken = events = 0
    for number in range(count):
        attempt = spoil(chance.choice(starts), chance)
        desk.queue.messages.clear()
        answer = await post(desk, attempt, honest=chance.random() < 0.97)
        answers[attempt.source, answer.status] += 1
        events += sum(_events_of(message) for message in desk.queue.messages)
        mistake = judge(attempt, answer, desk.queue.messages)
        if mistake is not None:
            broken += 1
            report(f"attempt {number} of seed {seed}: {mistake}\n  {attempt}\n  {answer}\n  {desk.queue.messages}")
    for (source, status), times in sorted(answers.items()):
        report(f"{source:20} {status} {times:7}")
    report(f"{count} attempts, {events} messages' events, {broken} broken promises")
    return broken


def main() -> int:
    """Runs from the command line; 0 when every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)  # a refusal is logged, and here most are refused
    began = time.process_time()
    broken = asyncio.run(fuzz(chosen.count, chosen.seed, print))
    print(f"{time.process_time() - began:.0f} CPU seconds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
