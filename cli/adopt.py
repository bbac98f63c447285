"""`adopt`: makes assignments that somebody else made managed, after showing what would follow from each.

Lives here: reading the choice, showing and asking. What follows is `shared.domain.adoption.consequences`'s, the doing
`shared.services.operate.adopt`'s.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from cli.assignments import out, tell_doubts
from cli.faults import UsageError
from cli.operating import BAD_ARGUMENTS, DONE, REFUSED, counted, operate, who
from cli.terminal import complaints
from shared.domain.adoption.consequences import Adoption, Choice, Consequence
from shared.domain.keys import PersonKey, ProfileKey
from shared.services.app import App
from shared.services.operate.adopt import Adopted, AdoptionPlan, Fate, apply_adoption, plan_adoption
from shared.wording.say import say

_DESCRIPTION: Final = (
    "Makes assignments that somebody else made managed: kept where a rule gives them, taken away where none does. It "
    "shows what would follow from each and asks first. Nothing is written to Azure from here: the app's next check "
    "does that, where the policy enforces."
)

_WOULD: Final[Mapping[Consequence, str]] = {
    Consequence.STAYS: "would stay",
    Consequence.REVOKED: "would be revoked",
    Consequence.SPARED: "would be spared",
    Consequence.REFUSED: "can not be adopted",
}


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "adopt", help="make assignments that somebody else made managed", description=_DESCRIPTION
    )
    parser.add_argument(
        "pairs",
        nargs="*",
        metavar="PROFILE PRINCIPAL",
        help="an assignment: <billing account>/<billing profile> and an object id, as `assignments` shows them",
    )
    parser.add_argument("--given-by-rule", action="store_true", help="all that a rule of the policy gives anyway")
    parser.add_argument("--leavers", action="store_true", help="all that leavers have")
    parser.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Adopts. Returns 0 when all was adopted, 1 when some was refused or failed, 2 for wrong arguments."""
    try:
        choice, by = choice_of(chosen), who(chosen.by)
    except UsageError as mistake:
        complaints().print(f"{mistake}", markup=False, soft_wrap=True)
        return BAD_ARGUMENTS

    async def verb(app: App) -> int:
        return await adopt(app, out(), choice, by, ask=not chosen.yes)

    return operate(verb)


def choice_of(chosen: argparse.Namespace) -> Choice:
    """What the arguments choose. Raises `UsageError`."""
    if not (chosen.pairs or chosen.given_by_rule or chosen.leavers):
        raise UsageError("adopt: say what: PROFILE PRINCIPAL as `assignments` shows them, --given-by-rule or --leavers")
    if len(chosen.pairs) % 2:
        raise UsageError(
            f"adopt: {chosen.pairs[-1]!r} stands alone; give a profile and a principal for each assignment"
        )
    try:
        pairs = tuple(
            (ProfileKey.parse(profile), PersonKey(principal).object_id)
            for profile, principal in zip(chosen.pairs[::2], chosen.pairs[1::2], strict=True)
        )
    except ValueError as wrong:
        raise UsageError(f"adopt: {wrong}") from wrong
    return Choice(pairs, given_by_rule=chosen.given_by_rule, leavers=chosen.leavers)


async def adopt(app: App, out: Console, choice: Choice, by: str, *, ask: bool) -> int:
    """Shows what would follow, asks, and adopts; the exit status."""
    plan = await plan_adoption(app, choice)
    _tell_plan(out, plan)
    tell_doubts(plan.failures, identities_known=plan.identities_known)
    if not plan.able:
        out.print("There is nothing to adopt.")
        return REFUSED if plan.adoptions or plan.failures else DONE
    if ask:
        if not sys.stdin.isatty():
            raise UsageError("adopt: nothing was adopted, because there is no terminal to ask at; give --yes")
        question = f"adopt {counted(len(plan.able), 'assignment')}, as {by}? [y/N] "
        if out.input(question).strip().lower() not in {"y", "yes"}:
            out.print("Nothing was adopted.")
            return REFUSED
    adopted = await apply_adoption(app, plan.able, by)
    return _tell_fates(out, adopted, refused=len(plan.adoptions) - len(plan.able))


def _tell_plan(out: Console, plan: AdoptionPlan) -> None:
    for adoption in plan.adoptions:
        out.print(_named(adoption))
        out.print(f"    {say(adoption.text)}")
    if plan.adoptions:
        out.print(f"\n{figures(plan.adoptions)}")


def figures(adoptions: Iterable[Adoption]) -> str:
    """How many adoptions would have each consequence, in a line."""
    numbers = Counter(adoption.consequence for adoption in adoptions)
    return ", ".join(f"{said}: {numbers[one]:,}" for one, said in _WOULD.items() if numbers[one])


def _named(adoption: Adoption) -> str:
    named = f"{adoption.profile}  {adoption.principal_id}"
    said = ", ".join(one for one in (adoption.profile_name, adoption.called) if one)
    return f"{named}  ({said})" if said else named


def _tell_fates(out: Console, fates: Sequence[Adopted], *, refused: int) -> int:
    err = complaints()
    done = [one for one in fates if one.fate is Fate.ADOPTED]
    for one in fates:
        if one.why is not None:
            err.print(f"{one.fate.value}: {_named(one.adoption)}", markup=False, soft_wrap=True)
            err.print(f"    {say(one.why)}", markup=False, soft_wrap=True)
    out.print(f"{counted(len(done), 'assignment')} adopted. The app checks each of these people now.")
    return DONE if len(done) == len(fates) and not refused else REFUSED
