"""`setup`: what has to be done once in a tenant, by somebody who may."""

from typing import Annotated

import typer

from cli.command import command, noun
from cli.options import Yes
from cli.out import Out

app = noun()

_Several = list[str] | None


@command(app, "permissions", acts=True)
def permissions(
    out: Out,
    identity: Annotated[
        str,
        typer.Argument(metavar="IDENTITY", show_default=False, help="The app's: its object id or client id."),
    ],
    *,
    profile: Annotated[
        _Several,
        typer.Option("--profile", metavar="PROFILE", show_default=False, help="Make it owner of this billing profile."),
    ] = None,
    profiles_of: Annotated[
        _Several,
        typer.Option(
            "--profiles-of", metavar="ACCOUNT", show_default=False, help="Of each active profile of this account."
        ),
    ] = None,
    account_owner: Annotated[
        _Several,
        typer.Option(
            "--account-owner",
            metavar="ACCOUNT",
            show_default=False,
            help="Of this whole account, profiles to come included.",
        ),
    ] = None,
    optional: Annotated[
        _Several,
        typer.Option(
            "--with",
            metavar="PERMISSION",
            show_default=False,
            help="Group.Read.All (notifications of groups) or Application.Read.All (names of apps) as well.",
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take away every permission of the app's, and the roles that are named.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it, and the commands for somebody else; change nothing.")
    ] = False,
    yes: Yes = False,
) -> int:
    """Gives the app's identity its permissions of Microsoft Graph, and makes it owner where it is to manage invoices.

    It shows what is there and what it would do, and asks. What is there already stays. Permissions take a Privileged
    Role Administrator or Global Administrator; a billing role takes an owner of the profile or account. Where you may
    not, it ends with 4 and the commands for somebody who may.
    """
    from cli.setup.permissions import Wanted, setup_permissions
    from cli.setup.scopes import Asked

    at = Asked(profile or [], profiles_of or [], account_owner or [])
    wanted = Wanted(identity.strip(), optional or [], at, undo)
    return setup_permissions(out, wanted, dry_run=dry_run, yes=yes)
