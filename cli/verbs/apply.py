"""`apply`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, verbs
from cli.options import Yes
from cli.out import Out

app = verbs()

_Wait = Annotated[
    int, typer.Option("--wait", metavar="SECONDS", min=0, max=3600, help="How long to wait for what the checks did.")
]


@command(app, "apply", acts=True)
def apply(
    out: Out,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="What `plan --out` wrote.")],
    *,
    wait: _Wait = 60,
    yes: Yes = False,
) -> int:
    """Has the app make the changes of a plan that was reviewed, and no others.

    Each person and profile is checked again by the app. What differs from the plan by then is not done, and told. What
    waits for a decision stays where it waits; limits and pauses hold. It ends with 5, and asks for nothing, where the
    world is no longer as it was planned.
    """
    from cli.apply import apply_file

    return apply_file(out, file, wait=wait, yes=yes)
