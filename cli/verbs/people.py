"""`people`: everybody whom a rule lists or who has a role at a profile."""

from typing import Annotated

import typer

from cli.command import command, noun
from cli.options import Differs, Left, Unmanaged, Waiting
from cli.out import Out

app = noun()


@command(app, "list")
def list_(
    out: Out, *, unmanaged: Unmanaged = False, left: Left = False, waiting: Waiting = False, differs: Differs = False
) -> int:
    """Lists everybody whom a rule lists or who has a role at a profile, as the latest full check saw them.

    Several filters together list whom all of them mean.
    """
    from cli.people import Filter, list_people

    return list_people(out, Filter(unmanaged=unmanaged, left=left, waiting=waiting, differs=differs))


@command(app, "show")
def show(out: Out, person: Annotated[str, typer.Argument(metavar="PERSON", show_default=False)]) -> int:
    """Shows what somebody has: where, how, since when and by whom; and what waits. `why` tells why."""
    from cli.people import show_person

    return show_person(out, person)


@command(app, "find")
def find(out: Out, text: Annotated[str, typer.Argument(metavar="TEXT", show_default=False)]) -> int:
    """Finds people by a part of a name, an address or an employee number."""
    from cli.people import find_people

    return find_people(out, text)
