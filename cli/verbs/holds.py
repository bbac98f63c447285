"""`holds`: what waits for a person, and what that person decides."""

from typing import Annotated

import typer

from cli import completing
from cli.command import command, noun
from cli.options import AsListed, ExitCode, Why, Yes
from cli.out import Out

app = noun()

_Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID|GROUP", show_default=False, help="As `holds` shows them.", autocompletion=completing.hold
    ),
]


@command(app, "list")
def list_(out: Out, *, exit_code: ExitCode = False) -> int:
    """Lists what waits for a decision, and what was decided; a group is one line.

    Daily limits, a sweep, a changed policy or a profile's history stopped these actions. A released one is done,
    whatever the daily limit; a dismissed one is left alone until its reason changes. Nothing is written to Azure from
    here: the app's next checks do that. More: docs/explanation/guards.md.
    """
    from cli.holds import list_holds

    return list_holds(out, exit_code=exit_code)


@command(app, "show")
def show(
    out: Out,
    name: Annotated[str, typer.Argument(metavar="ID|GROUP", show_default=False, autocompletion=completing.hold)],
) -> int:
    """Shows everything about one hold, or every member of a group."""
    from cli.holds import show_holds

    return show_holds(out, name)


@command(app, "release", acts=True)
def release(
    out: Out,
    names: _Names = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything that waits.")] = False,
    as_listed: AsListed = "",
    why: Why = "",
    yes: Yes = False,
) -> int:
    """Has actions done, whatever the daily limit. It shows them and asks; --yes needs --as-listed."""
    from cli.holds import release_holds

    return release_holds(out, names or [], everything=everything, as_listed=as_listed, why=why, yes=yes)


@command(app, "dismiss", acts=True)
def dismiss(out: Out, names: _Names = None, *, as_listed: AsListed = "", why: Why = "", yes: Yes = False) -> int:
    """Has actions left alone until they change. It shows them and asks."""
    from cli.holds import dismiss_holds

    return dismiss_holds(out, names or [], as_listed=as_listed, why=why, yes=yes)


@command(app, "log")
def log(out: Out) -> int:
    """Lists every decision that was recorded, pauses and resumes as well, the newest last."""
    from cli.decisions_log import tell_log

    return tell_log(out)
