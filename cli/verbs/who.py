"""`who PROFILE`."""

from typing import Annotated

import typer

from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "who")
def who(
    out: Out,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", show_default=False, help="Its name or its id.")],
) -> int:
    """Who receives a profile's next invoice, how each of them got there, and who may open it besides."""
    from cli.who import answer_of

    return out.answer(answer_of(profile))
