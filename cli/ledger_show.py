"""`ledger show KEY`: one chain, readable.

Lives here: a line for each record, by its kind. What a record says is `shared.domain.history.records`'.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from cli.answer import Answer, Line, Part, Shade, Table, counted
from cli.faults import Fault, Status, UsageError
from cli.hold_words import action, minute
from cli.lookup import find_person, find_profile
from cli.operating import StoreDesk, on_store
from cli.out import Out
from shared.adapters.store.ledger_rows import body_text
from shared.answers.documents import Rows
from shared.answers.known import Known, called, read_known
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import (
    AdoptBody,
    DecisionBody,
    DigestBody,
    IntentBody,
    Mode,
    Record,
    UnmanagedBody,
)
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import PersonKey, ProfileKey
from shared.errors import Permanent
from shared.services.ledger_audit import DIGEST
from shared.services.operate.decisions import CHAIN
from shared.wording.say import say

_OWN: Final = (CHAIN, ESTATE, DIGEST)
"""Chains of nobody in particular."""

_KINDS: Final = ("person:", "profile:", "identity:")
"""How the other chains' names begin."""


def show_chain(out: Out, key: str) -> int:
    """Shows the records of a person, a profile or a chain."""

    async def read(desk: StoreDesk) -> tuple[str, list[Record], list[str], Known]:
        known = await read_known(desk.state)
        chain = await find_chain(desk, key)
        records: list[Record] = []
        faults: list[str] = []
        try:
            async for record in desk.ledger.read(chain):
                records.append(record)  # noqa: PERF401 - what comes before the damage is shown
        except Permanent as damaged:
            faults.append(str(damaged))
        return chain, records, faults or [*await desk.ledger.verify(chain)], known

    chain, records, faults, known = on_store(read)
    if not records and not faults:
        raise UsageError(
            f"there is no record of {chain}",
            code="not-found",
            mend="`invoice-access ledger verify` says how many there are.",
        )
    lines: list[Line | Table] = [f"{chain}: {counted(len(records), 'record')}."]
    for record in records:
        lines += _lines(record, known)
    told = [_as_json(record) for record in records]
    rows = Rows.of(
        ("sequence", "at", "kind", "digest", "body"),
        [one | {"body": json.dumps(one["body"], ensure_ascii=False)} for one in told],
    )
    out.answer(Answer("ledger-show", {"key": chain, "records": told}, lines, rows, complete=not faults))
    if faults:
        raise Fault(
            f"{chain} does not hold: {'; '.join(faults)}",
            code="damaged",
            mend="`invoice-access ledger verify` says what is wrong elsewhere.",
        )
    return Status.DONE


async def find_chain(desk: StoreDesk, key: str) -> str:
    """The chain that is meant: its own name, or that of a person or profile."""
    text = key.strip()
    if text.lower() in _OWN or text.startswith(_KINDS):
        return text.lower() if not text.startswith("identity:") else text
    try:
        person = await find_person(desk.state, text, or_id=True)
    except UsageError as nobody:
        if nobody.code == "ambiguous":
            raise
        try:
            profile, _ = await find_profile(desk.state, text, or_id=True)
        except UsageError as nothing:
            if nothing.code == "ambiguous":
                raise
            near = (*nobody.nearest, *nothing.nearest)[:3]
            raise UsageError(
                f"nobody and no profile is called {text!r}", code="not-found", mend=nobody.mend, nearest=near
            ) from nothing
        return profile.canonical
    return PersonKey(person.id).canonical


def _as_json(record: Record) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "at": record.at,
        "kind": record.kind,
        "body": json.loads(body_text(record.body)),
        "previous": record.previous,
        "digest": record.digest,
    }


def _lines(record: Record, known: Known) -> Iterator[Line]:
    head = (Part(f"#{record.sequence}", Shade.DIM), f"  {minute(record.at)} UTC  ")
    said = list(_said(record, known))
    yield (*head, said[0] if said else record.kind)
    yield from (f"    {line}" for line in said[1:])


def _said(record: Record, known: Known) -> Iterator[str]:
    match record.body:
        case IntentBody(actions):
            yield "about to write"
            for one in actions:
                why = f": {say(one.why)}" if hasattr(one, "why") else ""
                observed = " (only observed)" if one.mode is Mode.OBSERVE else ""
                yield f"{one.action} {known.of(one.profile)}{observed}{why}"
        case CheckBody() as check:
            yield from _check(check, known)
        case AdoptBody() as one:
            yield f"adopted {known.of(one.profile)} by {called(known.people, one.by)} ({one.why})"
        case DecisionBody() as one:
            yield f"{one.verb} by {called(known.people, one.by)}" + (f": {one.why}" if one.why else "")
            yield from (f"{hold.id}  {action(hold, known)}" for hold in one.holds)
        case DigestBody(heads):
            yield f"digest of {counted(len(heads), 'chain')}"
        case UnmanagedBody(appeared, left):
            yield f"unmanaged: {len(appeared):,} appeared, {len(left):,} left"
            yield from _sights("appeared", appeared, known)
            yield from (f"{one.left}: {_pair(one, known)}" for one in left)


def _check(check: CheckBody, known: Known) -> Iterator[str]:
    cause = " ".join(part for part in (check.cause.value, check.event_type, check.origin) if part)
    why = "" if check.why is None else f": {say(check.why)}"
    yield f"check, {cause}: {check.outcome.value}{why}"
    for done in check.actions:
        where = "" if done.profile is None else f" {known.of(done.profile)}"
        yield f"{done.action.value}{where}: {done.outcome.value}, {say(done.why)}"


def _sights(what: str, ones: Iterable[Any], known: Known) -> Iterator[str]:
    yield from (f"{what}: {_pair(one, known)}" for one in ones)


def _pair(one: Any, known: Known) -> str:
    who = known.person(one.principal)["name"]
    where = known.of(one.profile) if isinstance(one.profile, ProfileKey) else f"{one.profile}"
    return f"{who} on {where}"
