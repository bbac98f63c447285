"""`status`."""

from typing import Annotated

import typer

from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "status")
def status(
    out: Out,
    *,
    full: Annotated[bool, typer.Option("--full", help="List everything that needs a person.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 3 while something needs a person, as `git diff` does.")
    ] = False,
) -> int:
    """Whether every invoice will be mailed, and what needs a person."""
    from cli.status import answer_of

    return out.answer(answer_of(full=full, exit_code=exit_code))
