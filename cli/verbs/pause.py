"""`pause`."""

from typing import Annotated

import typer

from cli.command import command, verbs
from cli.options import Scope
from cli.out import Out

app = verbs()


@command(app, "pause", acts=True)
def pause(
    out: Out,
    *,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", show_default=False, help="For those who find it paused.")
    ],
    on: Scope = "",
) -> int:
    """Stops every write to Azure, a leaver's as well, until `resume`; with --on only those on one part.

    Checks and sweeps go on. It does not ask: it is an emergency stop.
    """
    from cli.pauses import set_pause

    return set_pause(out, why=why, on=on)
