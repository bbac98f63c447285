"""`why PERSON [PROFILE]`."""

from typing import Annotated

import typer

from cli import completing
from cli.command import command, verbs
from cli.options import Snapshot
from cli.out import Out

app = verbs()


@command(app, "why")
def why(
    out: Out,
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="A name, an address, an employee number or an object id.")
    ],
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", help="A display name or an id; all if left out.", autocompletion=completing.profile
        ),
    ] = "",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ATTRIBUTE=TEXT",
            help="What if: jobTitle=Controller, companyName= (blank), memberOf=ID, accountEnabled=false. Repeatable.",
        ),
    ] = None,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="What if: today or a day to come.")] = "",
    snapshot: Snapshot = None,
) -> int:
    """Why somebody has or has not access: directory, policy, billing, evidence, limits, and what would change it."""
    from cli.why import answer_of

    return out.answer(answer_of(person, profile, sets or [], on, snapshot))
