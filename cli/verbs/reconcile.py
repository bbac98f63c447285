"""`reconcile`."""

from typing import Annotated

import typer

from cli.command import command, verbs
from cli.options import Yes
from cli.out import Out

app = verbs()

_Wait = Annotated[
    int, typer.Option("--wait", metavar="SECONDS", min=0, max=3600, help="How long to wait for what the checks did.")
]


@command(app, "reconcile", acts=True)
def reconcile(
    out: Out,
    people: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PERSON]...", show_default=False, help="Whom to check, by a name or an id each."),
    ] = None,
    *,
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody, and every profile, that is not as the policy says.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Wait until each check is done, and show on a terminal how many are.")
    ] = False,
    wait: _Wait = 60,
    yes: Yes = False,
) -> int:
    """Has the app check people now, and do what the policy says of them.

    The checks are those that an event causes: what the policy gives is given, and what it no longer gives is removed,
    under every limit, hold and pause. --all finds out first what differs, and has that alone done; the view and the
    report are the next full check's, which comes by its timer and by nothing else.
    """
    from cli.reconcile import reconcile_all, reconcile_people

    seconds = 3600 if watch else wait
    if everybody:
        return reconcile_all(out, people or (), wait=seconds, watch=watch, yes=yes)
    return reconcile_people(out, people or (), wait=seconds, watch=watch, yes=yes)
