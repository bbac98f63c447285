"""`who PROFILE`."""

from typing import Annotated

import typer

from cli import completing
from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "who")
def who(
    out: Out,
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", show_default=False, help="Its name or its id.", autocompletion=completing.profile
        ),
    ],
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", show_default=False, help="A past day, or a moment with its offset.")
    ] = "",
    time_zone: Annotated[
        str,
        typer.Option("--time-zone", metavar="NAME", show_default=False, help="Where the day is one (the policy's)."),
    ] = "",
) -> int:
    """Who receives a profile's next invoice, how each of them got there, and who may open it besides.

    With --on: who received it on a past day, by the ledger.
    """
    if on:
        from cli.who_on import answer_on

        return out.answer(answer_on(out, profile, on, time_zone))
    from cli.who import answer_of

    return out.answer(answer_of(profile))
