"""`holds log`: every decision of operators, as it was recorded."""

from typing import Any

from cli.answer import Answer, Line, Table, counted
from cli.hold_words import action, minute
from cli.operating import StoreDesk, doubts, on_store
from cli.out import Out
from shared.answers.documents import Rows
from shared.answers.known import Known, called, read_known
from shared.domain.history.records import DecisionBody, Record
from shared.domain.keys import PersonKey
from shared.services.operate import decisions
from shared.wording.say import say


def tell_log(out: Out) -> int:
    """Lists the decisions, the newest last."""

    async def read(desk: StoreDesk) -> tuple[list[tuple[Record, DecisionBody]], Known, list[str]]:
        return [*await decisions.log(desk)], await read_known(desk.state), await doubts(desk)

    records, known, doubted = on_store(read)
    out.note(*doubted)
    text: list[Line | Table] = [f"{counted(len(records), 'decision')}."]
    for record, decision in records:
        text += _lines(record, decision, known)
    told = [_as_json(record, decision, known) for record, decision in records]
    columns = ("sequence", "at", "verb", "scope", "by", "by_name", "why", "changes")
    rows = Rows.of(columns, [one | {"changes": len(one.get("holds", ()))} for one in told])
    return out.answer(Answer("holds-log", {"decisions": told}, text, rows))


def _lines(record: Record, decision: DecisionBody, known: Known) -> list[Line | Table]:
    """What was decided, and where, if it was not everywhere."""
    why = f": {decision.why}" if decision.why else ""
    where = f" on {decision.scope}" if decision.scope else ""
    told: list[Line | Table] = [
        "",
        f"{minute(record.at)} UTC  {_verb(decision, known)}{where} by {called(known.people, decision.by)}{why}",
    ]
    for pause, setting in (decision.pauses or {}).items():
        by = called(known.people, setting.by)
        told.append(f"    {pause}, since {minute(setting.since)} UTC, set by {by}: {say(setting.why)}")
    for hold in decision.holds:
        of = f"  of group {hold.group}" if hold.group else ""
        told.append(f"    {hold.id}  {action(hold, known)}{of}")
    told += [f"    refused: {say(difference)}" for difference in decision.refused]
    return told


def _verb(decision: DecisionBody, known: Known) -> str:
    """What was decided, and who proposed it."""
    if decision.deed:
        return f"{decision.verb} to {decision.deed}"
    first = f" what {called(known.people, decision.proposed_by)} proposed" if decision.proposed_by else ""
    return f"{decision.verb}{first}"


def _as_json(record: Record, decision: DecisionBody, known: Known) -> dict[str, Any]:
    """What a decision says, without what it says nothing of."""
    pauses = {
        pause: {
            "since": setting.since,
            "by": setting.by,
            "by_name": called(known.people, setting.by),
            "why": setting.why,
        }
        for pause, setting in (decision.pauses or {}).items()
    }
    holds = [
        {
            "id": hold.id,
            "group": hold.group or None,
            "kind": hold.kind.value,
            "person": known.person(hold.key.object_id) if isinstance(hold.key, PersonKey) else None,
            "profile": known.profile(hold.profile),
            "basis": hold.basis,
        }
        for hold in decision.holds
    ]
    told: dict[str, Any] = {
        "verb": decision.verb.value,
        "by": decision.by,
        "by_name": called(known.people, decision.by),
        "why": decision.why,
        "scope": decision.scope,
        "pauses": pauses,
        "holds": holds,
        "refused": list(decision.refused),
        "differences": decision.differences,
        "decided": list(decision.decided),
        "deed": decision.deed,
        "proposed_by": decision.proposed_by,
        "digest": decision.digest,
    }
    return {"sequence": record.sequence, "at": record.at} | {name: one for name, one in told.items() if one}
