"""`adopt`: makes assignments that somebody else made managed, after showing what would follow from each.

Lives here: reading the choice, showing and asking. What follows is `shared.domain.adoption.consequences`'s, the doing
`shared.services.operate.adopt`'s.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from cli.actor import introduce, signed_in
from cli.answer import Answer, Cell, Line, Part, Shade, Table, counted
from cli.faults import Status, UsageError
from cli.lookup import find_person, find_profile
from cli.operating import on_app
from cli.out import Out
from shared.answers.documents import Rows
from shared.answers.known import Known, read_known
from shared.domain.actors import Actor
from shared.domain.adoption.consequences import Adoption, Choice, Consequence
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code, Reason
from shared.ports import State
from shared.services.app import App
from shared.services.operate.adopt import Adopted, AdoptionPlan, Fate, apply_adoption, plan_adoption
from shared.wording.say import say

_WOULD: Final[Mapping[Consequence, tuple[str, Shade]]] = {
    Consequence.STAYS: ("stays", Shade.PLAIN),
    Consequence.REVOKED: ("is removed", Shade.REMOVED),
    Consequence.SPARED: ("stays for now", Shade.WAITS),
    Consequence.REFUSED: ("can not be adopted", Shade.DIM),
}
"""What would follow, as people say it."""

_FIGURES: Final[Mapping[Consequence, str]] = {
    Consequence.STAYS: "to stay",
    Consequence.REVOKED: "to be removed",
    Consequence.SPARED: "to stay for now",
    Consequence.REFUSED: "that can not be adopted",
}

_COLUMNS: Final = ("profile_id", "profile", "person_id", "person", "why", "consequence", "text", "fate", "fate_why")


def adopt_assignments(out: Out, pairs: Sequence[str], *, given_by_rule: bool, left: bool, yes: bool) -> int:
    """Adopts. 1 when some could not be adopted or the answer was no, 5 when the world had moved or it is one's own."""
    if not (pairs or given_by_rule or left):
        raise UsageError("adopt: say what: PROFILE PERSON, --given-by-rule or --left")
    if len(pairs) % 2:
        raise UsageError(f"adopt: {pairs[-1]!r} stands alone; give a profile and a person for each assignment")

    async def verb(app: App) -> int:
        actor = await signed_in()
        choice = Choice(await read_pairs(app.state, pairs), given_by_rule=given_by_rule, leavers=left)
        return await adopt(app, out, choice, actor, yes=yes)

    return on_app(verb)


async def read_pairs(state: State, pairs: Sequence[str]) -> tuple[tuple[ProfileKey, str], ...]:
    """The assignments that are named. Raises `UsageError` where a name means nobody or several."""
    found = []
    for profile, person in zip(pairs[::2], pairs[1::2], strict=True):
        key, _ = await find_profile(state, profile, or_id=True)
        found.append((key, (await find_person(state, person, or_id=True)).id))
    return tuple(found)


async def adopt(app: App, out: Out, choice: Choice, actor: Actor, *, yes: bool) -> int:
    """Shows what would follow, asks, and adopts; the status to end with."""
    plan, known = await plan_adoption(app, choice, actor.object_id), await read_known(app.state)
    if plan.adoptions:
        out.note(_plan_table(plan, known), figures(plan.adoptions))
    out.note(*_doubts(plan.failures, identities_known=plan.identities_known))
    fates: tuple[Adopted, ...] = ()
    if plan.able:
        if not out.confirm(f"Adopt {counted(len(plan.able), 'assignment')}, as {actor.best}?", yes=yes):
            out.note("Nothing was adopted.")
            return Status.FAILED
        fates = await apply_adoption(app, plan.able, actor.object_id)
        await introduce(out, app, actor)
    return out.answer(_answer(plan, fates, known))


def figures(adoptions: Iterable[Adoption]) -> str:
    """How many adoptions would have each consequence, in a line."""
    numbers = Counter(adoption.consequence for adoption in adoptions)
    return ", ".join(f"{numbers[one]:,} {said}" for one, said in _FIGURES.items() if numbers[one])


def _answer(plan: AdoptionPlan, fates: Sequence[Adopted], known: Known) -> Answer:
    refused = [one for one in plan.adoptions if one.is_refused]
    adopted = sum(one.fate is Fate.ADOPTED for one in fates)
    things = [_json(one.adoption, known, one) for one in fates] + [_json(one, known, None) for one in refused]
    body = {"adopted": adopted, "not_adopted": len(things) - adopted, "adoptions": things}
    flat = [
        one
        | {"profile_id": one["profile"]["id"], "profile": one["profile"]["name"]}
        | {"person_id": one["person"]["id"], "person": one["person"]["name"]}
        | {name: None if one[name] is None else say(one[name]) for name in ("text", "fate_why")}
        for one in things
    ]
    return Answer(
        "adopt",
        body,
        list(_text(plan, fates, adopted, known)),
        Rows.of(_COLUMNS, flat),
        complete=not plan.failures,
        status=_status(plan, fates, refused),
    )


def _status(plan: AdoptionPlan, fates: Sequence[Adopted], refused: Sequence[Adoption]) -> Status:
    own = any(one.text.code is Code.OWN_ACCESS for one in refused)
    if own or any(one.fate is Fate.REFUSED for one in fates):
        return Status.REFUSED
    if refused or any(one.fate is Fate.FAILED for one in fates) or (plan.failures and not fates):
        return Status.FAILED
    return Status.DONE


def _text(plan: AdoptionPlan, fates: Sequence[Adopted], adopted: int, known: Known) -> Iterator[Line]:
    for one in fates:
        if one.why is not None:
            yield f"{one.fate.value}: {_named(one.adoption, known)}: {say(one.why)}"
    if not plan.able:
        yield "There is nothing to adopt."
    else:
        yield f"{counted(adopted, 'assignment')} adopted. The app checks each of these people now."


def _plan_table(plan: AdoptionPlan, known: Known) -> Table:
    rows: list[list[Cell]] = []
    for one in plan.adoptions:
        said, shade = _WOULD[one.consequence]
        rows.append([_profile(one, known), _person(one, known), Part(said, shade), say(one.text)])
    return Table(("PROFILE", "WHO", "THEN", "BECAUSE"), rows)


def _doubts(failures: Sequence[Reason], *, identities_known: bool) -> Iterator[str]:
    """What may be missing, or counted as somebody else's."""
    for failure in failures:
        yield f"not read: {say(failure)}"
    if failures:
        yield "What could not be read may hide assignments, people and rules."
    if not identities_known:
        yield "No sweep has said yet under which identity the app works: what you made yourself counts as managed."


def _profile(one: Adoption, known: Known) -> str:
    return one.profile_name or known.of(one.profile)


def _person(one: Adoption, known: Known) -> str:
    name = known.person(one.principal_id)["name"]
    return name if name != one.principal_id else one.called or name


def _named(one: Adoption, known: Known) -> str:
    return f"{_person(one, known)} on {_profile(one, known)}"


def _json(one: Adoption, known: Known, fate: Adopted | None) -> dict[str, Any]:
    return {
        "profile": {"id": str(one.profile), "name": _profile(one, known)},
        "person": {"id": one.principal_id, "name": _person(one, known)},
        "why": one.why.value,
        "consequence": one.consequence.value,
        "text": one.text,
        "rules": list(one.rules),
        "fate": "refused" if fate is None else fate.fate.value,
        "fate_why": None if fate is None else fate.why,
    }
