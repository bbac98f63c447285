"""`profiles`: every billing profile, and who has a role there."""

from typing import Annotated

import typer

from cli import completing
from cli.command import command, noun
from cli.options import Differs, Left, Unmanaged, Waiting
from cli.out import Out

app = noun()


@command(app, "list")
def list_(
    out: Out, *, unmanaged: Unmanaged = False, left: Left = False, waiting: Waiting = False, differs: Differs = False
) -> int:
    """Lists every billing profile, as the latest full check saw it.

    Several filters together list what all of them mean.
    """
    from cli.people import Filter
    from cli.profiles import list_profiles

    return list_profiles(out, Filter(unmanaged=unmanaged, left=left, waiting=waiting, differs=differs))


@command(app, "show")
def show(
    out: Out,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", show_default=False, autocompletion=completing.profile)],
) -> int:
    """Shows a profile and everybody with a role there. `who` tells who receives its next invoice."""
    from cli.profiles import show_profile

    return show_profile(out, profile)
