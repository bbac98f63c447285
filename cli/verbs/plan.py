"""`plan`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, verbs
from cli.out import Out

app = verbs()

_Policy = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", show_default=False, help="What this policy would do instead."),
]
_Full = Annotated[bool, typer.Option("--full", help="Every change in a line of its own.")]
_ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="End with 3 where anything would change, also what waits.")
]


_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", show_default=False, help="Keep it as reviewed: `apply FILE` makes it so."),
]


@command(app, "plan")
def plan(
    out: Out, *, policy: _Policy = None, full: _Full = False, exit_code: _ExitCode = False, keep: _Out = None
) -> int:
    """What the next full check would do, or what another policy would. It reads live and changes nothing.

    It ends with 0, or with 1 where a part could not be read.
    """
    from cli.plan import compared, planned

    found = planned(full=full) if policy is None else compared(policy, full=full)
    if keep is not None:
        found.keep(out, keep)
    return out.answer(found.answer(exit_code=exit_code))
