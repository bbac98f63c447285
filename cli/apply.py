"""`apply FILE`: has a reviewed plan carried out by the app's checks, and tells what became of it.

Lives here: the words. What is done is `shared.services.sweep.apply_plan`'s.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli import plan_file
from cli.actor import introduce, signed_in
from cli.answer import Answer, Line, Part, Shade, Table, counted
from cli.faults import Moved as WorldMoved
from cli.operating import on_app
from cli.out import Out
from shared.answers.documents import Rows
from shared.domain.history.checks import CheckBody, Step
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.pinned import Moved, MovedKind, PinnedChange
from shared.domain.planned import DOES, Do, Planned
from shared.domain.reasons import Code
from shared.services.app import App
from shared.services.sweep.apply_plan import Asked, Refused, apply_plan, results
from shared.wording.say import say

_STEPS = {Do.GIVE: Step.GRANT, Do.REMOVE: Step.REVOKE, Do.TURN_ON: Step.OPT_IN}
_WORDS = {Do.GIVE: "give", Do.REMOVE: "remove", Do.TURN_ON: "turn on"}
_SIGNS = {MovedKind.CAME: "+ came in", MovedKind.GONE: "- is gone"}
_COLUMNS = ("do", "person_id", "person", "profile_id", "profile", "state", "why")

type _Told = Mapping[PersonKey | ProfileKey, CheckBody | None]


def apply_file(out: Out, file: Path, *, wait: int, yes: bool) -> int:
    """Applies the plan in a file; asks first. Raises `WorldMoved` where the world is no longer as it was planned."""
    plan = plan_file.read(file)
    waits = sum(bool(one.waits) for one in plan.changes)
    if not plan.to_apply:
        left = f" {counted(waits, 'change')} {'waits' if waits == 1 else 'wait'}, where `plan` says." if waits else ""
        return out.answer(_nothing(f"Nothing to apply: no change of this plan is made by itself.{left}", waits))
    out.note(f"Planned {plan.as_of:%Y-%m-%d %H:%M} UTC by policy {plan.policy[:8]}: {in_figures(plan.to_apply)}.")
    if not out.confirm("Have them made?", yes=yes):
        return out.answer(_nothing("Nothing was asked for.", waits))

    async def verb(app: App) -> tuple[Refused | Asked, _Told]:
        actor = await signed_in()
        found = await apply_plan(app, plan, by=actor.object_id)
        if isinstance(found, Refused):
            return found, {}
        await introduce(out, app, actor)
        return found, await results(app, found, within=timedelta(seconds=wait))

    found, told = on_app(verb)
    if isinstance(found, Refused):
        raise refusal(found, plan.policy)
    return out.answer(answer(found, told, waits))


def _nothing(said: str, waits: int) -> Answer:
    return Answer("apply", {"origin": None, "changes": [], "left": [], "wait": waits}, [said], Rows(_COLUMNS, []))


def refusal(found: Refused, policy: str) -> WorldMoved:
    """Why a plan is refused, with every difference."""
    now = found.now
    lines = [f"not read: {say(why)}" for why in now.failures]
    if now.policy != policy:
        lines.append(f"the policy in force is {now.policy[:8]}, and the plan was made by {policy[:8]}")
    else:
        lines += [_difference(one, now) for one in found.differences]
    mend = "Plan again with `invoice-access plan --out FILE`, and review it."
    return WorldMoved("Nothing was changed: it is not what you reviewed.", details=lines, mend=mend)


def answer(found: Asked, told: _Told, waits: int) -> Answer:
    """What was asked for, and what became of it."""
    things = [_thing(one, check, found.now) for key, check in told.items() for one in found.keys[key]]
    others = [
        {**_subject(key, profile, found.now), "do": do, "state": "left", "why": say(why)}
        for key, check in told.items()
        for do, profile, why in _not_reviewed(check, {one.profile for one in found.keys[key]})
    ]
    states = Counter(thing["state"] for thing in things)
    text: list[Line | Table] = [
        f"{counted(len(found.keys), 'check')} {'was' if len(found.keys) == 1 else 'were'} asked for: "
        + ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
        + "."
    ]
    text.append(
        Table(
            ("DO", "PERSON", "PROFILE", "STATE", "WHY"),
            [_row(one) for one in (*things, *others)],
            titled=False,
            indent=2,
        )
    )
    if others:
        text.append(Part("What is left was not in the plan; the next full check decides about it.", Shade.WAITS))
    if waits:
        text.append(f"{counted(waits, 'change')} of the plan {'waits' if waits == 1 else 'wait'} for something else.")
    body = {"origin": found.origin, "changes": things, "left": others, "wait": waits}
    rows = Rows(_COLUMNS, [_plain(thing) for thing in (*things, *others)])
    return Answer("apply", body, text, rows)


def _thing(change: PinnedChange, check: CheckBody | None, now: Planned) -> dict[str, Any]:
    """A change of the plan, and what became of it."""
    state, why = _ended(change, check)
    return {**_subject(change.key, change.profile, now), "do": DOES[change.kind].value, "state": state, "why": why}


def _ended(change: PinnedChange, check: CheckBody | None) -> tuple[str, str]:
    if check is None:
        return "not checked yet", ""
    step = _STEPS[DOES[change.kind]]
    for one in check.actions:
        if one.action is step and one.profile in {change.profile, None}:
            return ("done" if one.outcome is Outcome.DONE else one.outcome.value), say(one.why)
    for waiting in check.waiting:
        if waiting.profile == change.profile:
            return "seen once", f"{say(waiting.why)}; seen again at {waiting.due:%H:%M} UTC"
    return check.outcome.value, say(check.why) if check.why is not None else ""


def _not_reviewed(check: CheckBody | None, planned: set[ProfileKey]) -> Iterable[tuple[str, ProfileKey, Any]]:
    """What a check wanted besides, and left."""
    words = {Step.GRANT: Do.GIVE.value, Step.REVOKE: Do.REMOVE.value, Step.OPT_IN: Do.TURN_ON.value}
    for one in () if check is None else check.actions:
        if one.profile is not None and one.profile not in planned and one.why == Code.NOT_IN_THE_PLAN():
            yield words.get(one.action, one.action.value), one.profile, one.why


def _difference(one: Moved, now: Planned) -> str:
    change = one.change
    thing = _subject(change.key, change.profile, now)
    person = thing["person"]
    named = "invoice mail" if person is None else person["name"] or person["id"]
    what = f"{_WORDS[DOES[change.kind]]} {named} on {thing['profile']['name'] or thing['profile']['id']}"
    match one.kind:
        case MovedKind.BASIS if one.now is not None:
            was, is_now = (each.basis for each in (change, one.now))
            what += f": was {say(was) if was else 'not known'}, is now {say(is_now) if is_now else 'not known'}"
        case MovedKind.WAITS if one.now is not None:
            what += f": was {change.waits or 'made by itself'}, is now {one.now.waits or 'made by itself'}"
    return f"{_SIGNS.get(one.kind, '~ changed'):11}  {what}"


def _subject(key: PersonKey | ProfileKey, profile: ProfileKey, now: Planned) -> dict[str, Any]:
    person = {"id": key.object_id, "name": now.names.get(key.object_id)} if isinstance(key, PersonKey) else None
    return {"person": person, "profile": {"id": str(profile), "name": now.profile_names.get(profile)}}


def _plain(thing: Mapping[str, Any]) -> list[Any]:
    person, profile = thing["person"] or {}, thing["profile"]
    return [
        thing["do"],
        person.get("id"),
        person.get("name"),
        profile["id"],
        profile["name"],
        thing["state"],
        thing["why"],
    ]


def _row(thing: Mapping[str, Any]) -> tuple[Line | None, ...]:
    person = thing["person"]
    subject = "invoice mail" if person is None else person["name"] or person["id"]
    shade = Shade.GIVEN if thing["state"] == "done" else Shade.WAITS
    profile = thing["profile"]["name"] or thing["profile"]["id"]
    return _WORDS[Do(thing["do"])], subject, profile, Part(thing["state"], shade), thing["why"]


def in_figures(changes: Iterable[PinnedChange]) -> str:
    """How many changes there are, by what they do, in a line."""
    found = Counter(DOES[one.kind] for one in changes)
    return f"{found[Do.GIVE]:,} to give, {found[Do.REMOVE]:,} to remove, {found[Do.TURN_ON]:,} to turn on"
