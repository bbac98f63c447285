"""`reconcile PERSON...` and `reconcile --all`: a check now, and what became of it.

Lives here: asking, and the words. A person's check is asked for by `shared.services.operate.check_now`; `--all` is a
plan that is applied at once, so that what a full check would hold back is not done by checks one by one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from cli import apply as applied
from cli.actor import introduce, signed_in
from cli.answer import Answer, Line, counted
from cli.faults import Fault, Status, UsageError
from cli.lookup import find_person
from cli.operating import on_app
from cli.out import Out
from cli.progress import counting
from shared.answers.documents import Rows
from shared.answers.known import Known, read_known
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.history.checks import CheckBody, Ended, Step
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.pinned import pin
from shared.domain.planned import Planned
from shared.services.app import App
from shared.services.check_results import nobody_listens, results
from shared.services.operate.check_now import ask_for_checks
from shared.services.sweep import apply_plan as pinned_plan
from shared.services.sweep.plan import plan
from shared.wording.say import say

_COLUMNS: Final = ("person_id", "person", "outcome", "do", "profile_id", "profile", "state", "why")

_NOT_PEOPLE: Final = frozenset({PrincipalKind.GROUP, PrincipalKind.APP})

_FEW: Final = 5
"""Profiles that are named in one sentence, as `plan` and `why` do."""

_FAILED: Final = frozenset({Outcome.RETRY, Outcome.GAVE_UP, Outcome.REJECTED})

_DID: Final[Mapping[tuple[Step, Outcome], str]] = {
    (Step.GRANT, Outcome.DONE): "gained",
    (Step.REVOKE, Outcome.DONE): "lost",
    (Step.GRANT, Outcome.WOULD): "would gain",
    (Step.REVOKE, Outcome.WOULD): "would lose",
    (Step.GRANT, Outcome.HELD): "waits for a decision to gain",
    (Step.REVOKE, Outcome.HELD): "waits for a decision to lose",
    (Step.GRANT, Outcome.UNVERIFIED): "was given, which is not to be seen yet,",
    (Step.REVOKE, Outcome.UNVERIFIED): "had taken away, which is not to be seen yet,",
}
"""What became of an action, as people say it."""


def reconcile_people(out: Out, people: Sequence[str], *, wait: int, watch: bool, yes: bool) -> int:
    """Has people checked, and tells what became of each. 1 where a check failed, or is not done yet."""
    if not people:
        raise UsageError("reconcile: say whom: PERSON..., or --all")

    async def verb(app: App) -> int:
        actor = await signed_in()
        keys = tuple(dict.fromkeys([await _person(app, text) for text in people]))
        known = await read_known(app.state)
        named = known.of(keys[0]) if len(keys) == 1 else counted(len(keys), "person", "people")
        out.note(
            f"A check applies what the policy says to {named}: what it gives is given, and what it no longer gives is "
            "removed. Limits, holds and pauses stand."
        )
        if not out.confirm(f"Check {named} now, as {actor.best}?", yes=yes):
            out.note("Nothing was asked for.")
            return Status.FAILED
        begun = time.monotonic()
        origin = await ask_for_checks(app, keys, by=actor.object_id)
        await introduce(out, app, actor)
        advance = counting(len(keys), "checks done:") if watch else nobody_listens
        told = await results(app, origin, keys, within=timedelta(seconds=wait), advance=advance)
        return out.answer(answer(origin, told, known, seconds=time.monotonic() - begun))

    return on_app(verb)


def reconcile_all(out: Out, people: Sequence[str], *, wait: int, watch: bool, yes: bool) -> int:
    """Has everything done that the next full check would do. Raises as `apply` does where the world moves meanwhile."""
    if people:
        raise UsageError("reconcile: --all and a person: give one of them")

    async def verb(app: App) -> int:
        actor = await signed_in()
        planned = await plan(app)
        if not planned.complete:
            raise not_all_read(planned)
        pinned = pin(planned.policy, planned.as_of, planned.changes)
        waits = len(pinned.changes) - len(pinned.to_apply)
        if not pinned.to_apply:
            return out.answer(nothing_to_do(waits))
        out.note(
            "This applies what the policy says to everybody, as the next full check does: "
            f"{applied.in_figures(pinned.to_apply)}. Limits, holds and pauses stand."
        )
        if not out.confirm(f"Have them made, as {actor.best}?", yes=yes):
            out.note("Nothing was asked for.")
            return Status.FAILED
        found = await pinned_plan.apply_plan(app, pinned, by=actor.object_id)
        if isinstance(found, pinned_plan.Refused):
            raise applied.refusal(found, pinned.policy)
        await introduce(out, app, actor)
        advance = counting(len(found.keys), "checks done:") if watch else nobody_listens
        told = await pinned_plan.results(app, found, within=timedelta(seconds=wait), advance=advance)
        return out.answer(replace(applied.answer(found, told, waits), verb="reconcile-all"))

    return on_app(verb)


def not_all_read(planned: Planned) -> Fault:
    """Why nothing is asked for: what differs is not known whole."""
    return Fault(
        "nothing was asked for, as not everything could be read",
        details=[say(why) for why in planned.failures],
        mend="Give the command again; or name the people to check.",
    )


def nothing_to_do(waits: int) -> Answer:
    """What is said where nothing differs that a check would change."""
    said = "Everything could be read. "
    said += (
        f"{waits:,} differ, and wait for what `invoice-access plan` says; nothing else."
        if waits
        else "All is as the policy says."
    )
    body: dict[str, Any] = {"origin": None, "changes": [], "left": [], "wait": waits}
    return Answer("reconcile-all", body, [said], Rows((), []))


async def _person(app: App, text: str) -> PersonKey:
    found = await find_person(app.state, text, or_id=True)
    kind = (await app.state.names()).get(found.id)
    if kind is not None and kind.kind in _NOT_PEOPLE:
        raise UsageError(
            f"reconcile: {kind.best} is no person (it is a {kind.kind.value})", mend="Name the people to check."
        )
    return PersonKey(found.id)


def answer(origin: str, told: Mapping[PersonKey, CheckBody | None], known: Known, *, seconds: float) -> Answer:
    """What became of each check."""
    things = [_thing(key, check, known) for key, check in told.items()]
    took = f" ({seconds:.1f} s)" if len(told) == 1 else ""
    text: list[Line] = [f"{line}{took}." for key, check in told.items() for line in [_sentence(key, check, known)]]
    if len(told) > 1:
        done = sum(check is not None for check in told.values())
        text.append(f"{done:,} of {counted(len(told), 'check')} done in {seconds:.1f} s.")
    failed = any(check is None or check.outcome in _FAILED for check in told.values())
    return Answer(
        "reconcile",
        {"origin": origin, "seconds": round(seconds, 1), "people": things},
        text,
        Rows(_COLUMNS, [row for thing in things for row in _rows(thing)]),
        complete=not failed,
        status=Status.FAILED if failed else Status.DONE,
    )


def _sentence(key: PersonKey, check: CheckBody | None, known: Known) -> str:
    name = known.of(key)
    if check is None:
        return f"{name}: not checked yet; when it is, `invoice-access ledger show {key.canonical}` has it"
    parts = [*_parts(check, known)]
    if not parts and check.outcome is Outcome.UNCHANGED:
        left_alone = [f"left alone: {say(note.why)}" for note in check.notes]
        said = f"{name} is as the policy says: {_holds(check, known)}. Nothing was changed"
        return "; ".join([said, *left_alone])
    if not parts or check.outcome in _FAILED:
        parts.append(f"{check.outcome.value}{f': {say(check.why)}' if check.why is not None else ''}")
    return f"{name}: {'; '.join(parts)}"


def _parts(check: CheckBody, known: Known) -> Iterator[str]:
    """What was done, or stopped, and what is seen again, a piece of a sentence each."""
    done: dict[tuple[str, str], list[ProfileKey]] = {}
    for one in check.actions:
        if one.outcome is not Outcome.UNCHANGED:
            done.setdefault((_did(one), say(one.why)), []).extend([] if one.profile is None else [one.profile])
    for (did, why), profiles in done.items():
        yield f"{' '.join(filter(None, (did, _several(profiles, known))))} ({why})"
    again: dict[tuple[str, str], list[ProfileKey]] = {}
    for waiting in check.waiting:
        again.setdefault((say(waiting.why), f"{waiting.due:%H:%M}"), []).append(waiting.profile)
    for (why, due), profiles in again.items():
        yield f"is to lose {_several(profiles, known)} ({why}), looked at again at {due} UTC"


def _did(one: Ended) -> str:
    return _DID.get((one.action, one.outcome), f"{one.action.value} {one.outcome.value}")


def _holds(check: CheckBody, known: Known) -> str:
    """What somebody had, managed, when the check read it, and by which rules."""
    if check.held is None:
        return "what they hold is not in the record"
    if not check.held:
        left = check.employment is Employment.LEAVER
        return "they left, and hold nothing" if left else "no rule gives anything, and they hold nothing"
    by_rules: dict[str, list[ProfileKey]] = {}
    for profile, held in check.held.items():
        rules = (check.wanted or {}).get(profile) or held.rules
        by = f" by {'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}" if rules else ""
        by_rules.setdefault(by, []).append(profile)
    return "holds " + ", ".join(f"{_several(profiles, known)}{by}" for by, profiles in by_rules.items())


def _several(profiles: Sequence[ProfileKey], known: Known) -> str:
    """Profiles by name, or how many."""
    return counted(len(profiles), "profile") if len(profiles) > _FEW else ", ".join(map(known.of, profiles))


def _thing(key: PersonKey, check: CheckBody | None, known: Known) -> dict[str, Any]:
    """A person and what their check told, for programs."""
    person = {"person": known.person(key.object_id)}
    if check is None:
        return {**person, "outcome": None, "why": None, "held": None, "changes": [], "seen_once": []}
    held = None
    if check.held is not None:
        held = [{**known.profile(profile), "rules": list(row.rules)} for profile, row in check.held.items()]
    return {
        **person,
        "outcome": check.outcome.value,
        "why": check.why,
        "held": held,
        "changes": [
            {
                "do": one.action.value,
                "profile": None if one.profile is None else known.profile(one.profile),
                "state": one.outcome.value,
                "why": one.why,
            }
            for one in check.actions
        ],
        "seen_once": [
            {"profile": known.profile(one.profile), "why": one.why, "again_at": one.due} for one in check.waiting
        ],
    }


def _rows(thing: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A row for each thing that was done, or one where nothing was."""
    head = [thing["person"]["id"], thing["person"]["name"], thing["outcome"]]
    for one in thing["changes"]:
        profile = one["profile"] or {"id": None, "name": None}
        yield [*head, one["do"], profile["id"], profile["name"], one["state"], say(one["why"])]
    if not thing["changes"]:
        yield [*head, None, None, None, None, None if thing["why"] is None else say(thing["why"])]
