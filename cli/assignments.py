"""`assignments`: every Invoice manager assignment there is, managed or not, and who has it. It only reads.

Lives here: showing first contact on a terminal or as JSON. What an assignment is is
`shared.domain.adoption.first_contact`'s.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from cli import terminal
from cli.operating import DONE, REFUSED, operate, shown
from cli.terminal import complaints
from shared.domain.adoption.first_contact import Existing, Owner, PrincipalKind
from shared.domain.reasons import Code, Reason
from shared.services.app import App
from shared.services.operate.first_contact import FirstContact, make_first_contact
from shared.wording.say import say, with_text

_DESCRIPTION: Final = (
    "Lists every Invoice manager assignment: managed or unmanaged, and who has it (person, guest, group, app "
    "or gone). It shows user principal names where they are known. The exit status is 1 when a read failed."
)


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "assignments", help="every existing assignment: managed or not, and who has it", description=_DESCRIPTION
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--unmanaged", action="store_true", help="list those that are not managed")
    only.add_argument("--managed", action="store_true", help="list those that are managed")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Lists the assignments; 0, or 1 when a read failed and the list may lack some."""
    only = Owner.UNMANAGED if chosen.unmanaged else Owner.MANAGED if chosen.managed else None

    async def verb(app: App) -> int:
        return tell(out(), await make_first_contact(app), only=only, as_json=chosen.json)

    return operate(verb)


def out() -> Console:
    """Where answers are said: stdout, as they are."""
    return terminal.out()


def tell(out: Console, contact: FirstContact, *, only: Owner | None = None, as_json: bool = False) -> int:
    """Says what first contact found, all of it or one owner's; the exit status. The counts are always of all."""
    if as_json:
        found = contact.as_json()
        kept = [one for one in found["assignments"] if only is None or one["owner"] == only.value]
        out.print(json.dumps(found | {"assignments": kept}, indent=2, default=with_text))
    else:
        for line in _lines(contact, only):
            out.print(line)
        out.print(_counts(contact))
    tell_doubts(contact.failures, identities_known=contact.identities_known)
    return REFUSED if contact.failures else DONE


def tell_doubts(failures: tuple[Reason, ...], *, identities_known: bool) -> None:
    """Says on stderr what may be missing, or counted as somebody else's."""
    err = complaints()
    for failure in failures:
        err.print(f"not read: {say(failure)}", markup=False, soft_wrap=True)
    if failures:
        err.print("What could not be read may hide assignments, people and rules.", soft_wrap=True)
    if not identities_known:
        err.print(
            "No sweep has said yet under which identity the app works: what you made yourself counts as managed.",
            soft_wrap=True,
        )


def _lines(contact: FirstContact, only: Owner | None) -> Iterator[str]:
    kept = [one for one in contact.existing if only is None or one.owner is only]
    for profile, ones in groupby(kept, key=lambda one: one.profile):
        listed = list(ones)
        yield f"{listed[0].profile_name}  {profile}"
        for one in listed:
            yield f"  {one.principal_id}  {one.owner.value:7}  {one.principal.value:7}  {one.called or ''}".rstrip()
            yield f"      {'; '.join(_remarks(one))}"


def _remarks(one: Existing) -> Iterator[str]:
    made = one.held.assignment.created_on
    yield say(one.owner_why) + ("" if made is None else f", {shown(made)}")
    if one.standing is not None:
        said, why = one.standing.employment.value, say(one.standing.reason)
        yield said if said == why else f"{said}: {why}"
    else:
        yield say(one.principal_why)
    if one.given_by:
        yield say(Code.GIVEN_BY(rules=one.given_by))
    if one.protected:
        yield "protected"


def _counts(contact: FirstContact) -> Table:
    table = Table(title=f"Invoice manager assignments, {shown(contact.estate.read_at)}", title_justify="left")
    table.add_column("")
    for kind in PrincipalKind:
        table.add_column(kind.value, justify="right")
    table.add_column("all", justify="right")
    for owner, kinds in contact.table.items():
        table.add_row(owner.value, *(f"{number:,}" for number in kinds.values()), f"{sum(kinds.values()):,}")
    return table
