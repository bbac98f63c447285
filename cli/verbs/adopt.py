"""`adopt`."""

from typing import Annotated

import typer

from cli import completing
from cli.command import command, verbs
from cli.options import Yes
from cli.out import Out

app = verbs()


@command(app, "adopt", acts=True)
def adopt(
    out: Out,
    pairs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROFILE PERSON]...",
            show_default=False,
            help="An assignment each, by names or ids.",
            autocompletion=completing.profile,
        ),
    ] = None,
    *,
    given_by_rule: Annotated[
        bool, typer.Option("--given-by-rule", help="All that a rule of the policy gives anyway.")
    ] = False,
    left: Annotated[bool, typer.Option("--left", help="All that those have who left.")] = False,
    yes: Yes = False,
) -> int:
    """Makes assignments that somebody else made managed: kept where a rule gives them, taken away where none does.

    It shows what would follow from each and asks first. Nothing is written to Azure from here: the app's next check
    does that, where the policy enforces.
    """
    from cli.adopt import adopt_assignments

    return adopt_assignments(out, pairs or [], given_by_rule=given_by_rule, left=left, yes=yes)
