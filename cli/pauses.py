"""`pause`, `resume`, `pauses`: whether the app writes to Azure at all.

Lives here: the words for pauses. What each stops is in `shared.domain.guards.pauses`.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cli import proposed
from cli.actor import introduce, signed_in
from cli.answer import Answer, Line, counted
from cli.faults import Fault, Status, UsageError
from cli.hold_words import WOULD
from cli.lookup import find_scope
from cli.operating import StoreDesk, doubts, on_store, shown
from cli.out import Out
from shared.answers.documents import Rows
from shared.answers.holds import proposal_json
from shared.answers.known import Known, called, read_known
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import ENDED_BY_SWEEPS, STOPS_LEAVERS, Pause, PauseKind, Pauses, Setting
from shared.domain.guards.proposals import Deed, needs_two
from shared.domain.history.report import Report
from shared.errors import Permanent, Transient
from shared.services.operate import decisions
from shared.services.operate.decisions import Resumed
from shared.services.operate.two_people import standing_proposals
from shared.wording.harmless import harmless
from shared.wording.say import say

_LONGEST_WHY: Final = 500

_CLEARED_BY: Final[Mapping[bool, str]] = {
    True: "a complete sweep that finds nothing wrong ends it, or `invoice-access resume`",
    False: "only `invoice-access resume` ends it",
}

_EVERYWHERE: Final = "everywhere"
"""How `resume --on` calls what stops everything."""

_COLUMNS: Final = ("kind", "scope", "since", "renewed", "by", "by_name", "why", "stops", "accepts")


@dataclass(frozen=True, slots=True)
class _Words:
    """What everybody is called, and what `resume` accepts, by the pause that told of it."""

    known: Known
    accepted: Mapping[Pause, str] = field(default_factory=dict)


def set_pause(out: Out, *, why: str, on: str) -> int:
    """Sets the pause; 1 when that could not be recorded."""
    why = why.strip()
    if not 0 < len(why) <= _LONGEST_WHY or harmless(why) != why:
        raise UsageError(
            f"--why: say why, for those who find it paused, in 1 to {_LONGEST_WHY} characters that can be shown"
        )

    async def verb(desk: StoreDesk) -> tuple[decisions.Paused, Pauses, Known]:
        out.note(f"Store: {desk.store}", *await doubts(desk))
        actor = await signed_in()
        scope = await find_scope(desk.state, on) if on.strip() else ""
        paused = await decisions.pause(desk, actor.object_id, why, scope)
        await introduce(out, desk, actor)
        return paused, await decisions.read_pauses(desk), await _known(out, desk)

    paused, pauses, known = on_store(verb)
    if paused.unrecorded is not None:
        raise Fault(
            f"Writes are paused; it could not be recorded: {paused.unrecorded}",
            code="unrecorded",
            mend=(
                "`invoice-access ledger verify` says what is wrong with the ledger. Once that is fixed, pause again to "
                "have it there."
            ),
        )
    text: list[Line] = []
    if paused.already:
        text.append("Already paused; your reason is recorded in `invoice-access holds log`.")
    return out.answer(_answer("pause", pauses, _Words(known), text, already=paused.already))


def end_pauses(out: Out, *, on: str, yes: bool) -> int:
    """Ends pauses; 5 when one was set again meanwhile, 1 when the answer was no."""
    from shared.bootstrap_policy import read_policy  # noqa: PLC0415 - the policy's reader, which no other verb needs

    async def verb(desk: StoreDesk) -> tuple[Resumed, _Words, str | None] | None:
        out.note(f"Store: {desk.store}", *await doubts(desk))
        actor = await signed_in()
        scope = await _scope(desk, on)
        pauses = _of(await decisions.read_pauses(desk), scope)
        words = _Words(await _known(out, desk), await _accepted(desk, pauses))
        rule = None
        if pauses.active:
            rule = read_policy(os.environ).two_people
            out.note(*_lines(pauses, words), *_stopped(await desk.state.reports(1), pauses))
            if not out.confirm(await _question(out, desk, words, needs_two(rule, Deed.RESUME)), yes=yes):
                return None
        resumed = await decisions.resume(desk, actor.object_id, pauses.active, rule=rule, scope=scope)
        await introduce(out, desk, actor)
        return resumed, words, scope

    found = on_store(verb)
    if found is None:
        out.note("Nothing was changed.")
        return Status.FAILED
    return _tell_resumed(out, *found)


def tell_pauses(out: Out, *, exit_code: bool) -> int:
    """Says what stops writes."""

    async def verb(desk: StoreDesk) -> tuple[Pauses, _Words]:
        out.note(f"Store: {desk.store}", *await doubts(desk))
        pauses, known = await decisions.read_pauses(desk), await _known(out, desk)
        try:
            resumes = [one for one in await standing_proposals(desk) if one.deed is Deed.RESUME]
            out.note(*proposed.lines(resumes, known))
            return pauses, _Words(known, await _accepted(desk, pauses))
        except (Permanent, Transient) as failure:
            out.note(f"What `invoice-access resume` accepts is not known: {failure}")
            return pauses, _Words(known)

    pauses, words = on_store(verb)
    status = Status.FOUND if exit_code and pauses.active else Status.DONE
    return out.answer(_answer("pauses", pauses, words, [], status=status))


def _stopped(reports: Sequence[Report], pauses: Pauses) -> Iterator[str]:
    """What the latest full check wanted and a pause stopped, as far as one ran since."""
    since = min(setting.since for setting in pauses.active.values())
    report = next(iter(reports), None)
    if report is None or report.started < since:
        yield "No full check has run since: what was stopped is not counted."
        return
    held = report.holds.open
    wanted = {kind: max(0, room.wanted - held.get(kind, 0)) for kind, room in report.guards.items()}
    by_deed: dict[str, int] = {}
    for kind, number in wanted.items():
        by_deed[WOULD[kind][0]] = by_deed.get(WOULD[kind][0], 0) + number
    told = ", ".join(f"{number:,} to {deed}" for deed, number in by_deed.items() if number)
    changes = counted(sum(wanted.values()), "change")
    at = f"The full check of {shown(report.started)}"
    yield (
        f"{at} wanted {changes} that {'was' if changes == '1 change' else 'were'} stopped: {told}."
        if told
        else (f"{at} wanted no change that was stopped.")
    )


async def _scope(desk: StoreDesk, on: str) -> str | None:
    """What `resume --on` means: "" for what stops everything, None for every pause."""
    if not on.strip():
        return None
    return "" if on.strip().lower() == _EVERYWHERE else await find_scope(desk.state, on)


async def _question(out: Out, desk: StoreDesk, words: _Words, two: bool) -> str:
    """What is asked before a resume; whoever is the second person is shown what the first one proposed."""
    does = "resume"
    if two:
        before = [one for one in await standing_proposals(desk) if one.deed is Deed.RESUME]
        out.note(*(proposed.said(one, words.known) for one in before))
        does = "resume, as the second person" if before else "propose to resume"
    return f"Accept that, and {does}?" if words.accepted else f"{does.capitalize()}?"


async def _known(out: Out, desk: StoreDesk) -> Known:
    """What everybody is called. An emergency stop waits for no name, and a pause is told without."""
    try:
        return await read_known(desk.state)
    except (Permanent, Transient) as failure:
        out.note(f"Names could not be read, ids are shown: {failure}")
        return Known({}, {})


def _of(pauses: Pauses, scope: str | None) -> Pauses:
    """The pauses of a scope, or all of them."""
    if scope is None:
        return pauses
    return Pauses({pause: setting for pause, setting in pauses.active.items() if pause.scope == scope})


async def _accepted(app: StoreDesk, pauses: Pauses) -> Mapping[Pause, str]:
    """What `resume` accepts, in words, by the pause that told of it."""
    accepted = {pause: setting for pause, setting in pauses.active.items() if pause.kind in _ACCEPTED}
    if not accepted:
        return {}
    before = await decisions.last_good_sweep(app)
    return {pause: _ACCEPTED[pause.kind](pause, setting, before) for pause, setting in accepted.items()}


def _people(_: Pause, setting: Setting, before: Baseline | None) -> str:
    matching = "1 person matches" if setting.seen == 1 else f"{setting.seen:,} people match"
    now = f"that {matching} the rules" if setting.seen else "however many people match the rules at the next sweep"
    if before is None or not before.population:
        return now
    return f"{now}; it was {before.population:,} at the last good sweep, {shown(before.at)}"


def _accounts(pause: Pause, _: Setting, before: Baseline | None) -> str:
    if pause.scope:
        return f"that billing account {pause.scope} may be gone: where nothing of it is listed, it is no longer missed"
    now = "whichever billing accounts the next sweep finds"
    if before is None or not before.accounts:
        return f"{now}; no good sweep has said which there were"
    return (
        f"{now}. The last good sweep, {shown(before.at)}, saw {counted(len(before.accounts), 'billing account')}: "
        f"{', '.join(before.accounts)}. One of these that is gone as a whole is no longer missed"
    )


_ACCEPTED: Final[Mapping[PauseKind, Callable[[Pause, Setting, Baseline | None], str]]] = {
    PauseKind.POPULATION_SHRANK: _people,
    PauseKind.ROLE_LOST: _accounts,
}


def _tell_resumed(out: Out, resumed: Resumed, words: _Words, scope: str | None) -> int:
    others = _Words(words.known)
    if resumed.refused is not None:
        raise proposed.refusal(resumed.refused, resumed.differences, words.known)
    if resumed.proposed is not None:
        told: dict[str, Any] = {"resumed": [], "proposed": proposal_json(resumed.proposed, words.known)}
        return out.answer(Answer("resume", told, [proposed.made(resumed.proposed)], Rows((), ())))
    again = _of(Pauses(resumed.remaining), scope)
    if again.active:
        raise Fault(
            "Set again meanwhile, and left as it is:",
            code="moved",
            status=Status.REFUSED,
            details=_lines(again, others),
        )
    text: list[Line] = []
    for pause, setting in resumed.cleared.items():
        text.append(f"Cleared: {_said(pause, setting, words)}")
        if pause in words.accepted:
            text.append(f"  accepted: {words.accepted[pause]}")
    if resumed.remaining:
        text += ["Still paused:", *_lines(Pauses(resumed.remaining), others)]
    if resumed.cleared:
        text.append("The next sweep takes up what was stopped. Holds still wait: `invoice-access holds` shows them.")
    else:
        where = "" if scope is None else f" for {scope or _EVERYWHERE}"
        text.append(f"Nothing is paused{where}: there is nothing to resume.")
    cleared = [_as_json(pause, setting, words) for pause, setting in resumed.cleared.items()]
    remaining = [_as_json(pause, setting, others) for pause, setting in resumed.remaining.items()]
    body = {"resumed": cleared, "still_paused": remaining, "proposed": None}
    return out.answer(Answer("resume", body, text, Rows.of(_COLUMNS, _flat(cleared))))


def _answer(
    verb: str,
    pauses: Pauses,
    words: _Words,
    text: list[Line],
    *,
    status: Status = Status.DONE,
    **more: Any,
) -> Answer:
    told = [_as_json(pause, setting, words) for pause, setting in sorted(pauses.active.items())]
    lines = [*text, *_lines(pauses, words)] if pauses.active else ["Nothing is paused."]
    return Answer(verb, {"paused": told, **more}, lines, Rows.of(_COLUMNS, _flat(told)), status=status)


def _as_json(pause: Pause, setting: Setting, words: _Words) -> dict[str, Any]:
    return {
        "kind": pause.kind.value,
        "scope": pause.scope or None,
        "since": setting.since,
        "renewed": setting.renewed,
        "by": setting.by,
        "by_name": called(words.known.people, setting.by),
        "why": setting.why,
        "stops": _stops(pause),
        "accepts": words.accepted.get(pause),
    }


def _flat(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"why": say(one["why"])} for one in told]


def _lines(pauses: Pauses, words: _Words) -> list[str]:
    """Each pause: since when and why, what it stops, what ends it."""
    told = []
    for pause, setting in sorted(pauses.active.items()):
        told += [_said(pause, setting, words), f"  stops: {_stops(pause)}"]
        told.append(f"  ends:  {_CLEARED_BY[pause.kind in ENDED_BY_SWEEPS]}")
        if pause in words.accepted:
            told.append(f"  `resume` accepts: {words.accepted[pause]}")
    return told


def _stops(pause: Pause) -> str:
    passes = pause.kind not in STOPS_LEAVERS
    return f"{_WHAT[pause.scope.count('/') + bool(pause.scope)]}{_LEAVERS * passes}"


_WHAT: Final = ("everything", "everything on this billing account", "everything on this billing profile")
_LEAVERS: Final = ", but no leaver's revoke on strong evidence"


def _said(pause: Pause, setting: Setting, words: _Words) -> str:
    again = "" if setting.renewed is None else f", found again {shown(setting.renewed)}"
    by = called(words.known.people, setting.by)
    return f"{pause}, since {shown(setting.since)}{again}, set by {by}: {say(setting.why)}"
