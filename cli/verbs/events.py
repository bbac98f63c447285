"""`events`: what asks for checks, and what of it could not be used."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, noun
from cli.options import Yes
from cli.out import Out

_Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        metavar="HOST",
        show_default="ServiceBusConnection__fullyQualifiedNamespace",
        help="The Service Bus namespace's host name, with your own Azure login.",
    ),
]
_ConnectionString = Annotated[
    str,
    typer.Option(
        "--connection-string",
        show_default="SERVICE_BUS_CONNECTION_STRING",
        help="Of the Service Bus namespace, in the place of a login.",
    ),
]
_Id = Annotated[str, typer.Argument(metavar="ID", show_default=False, help="As the list shows it.")]
_Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", show_default=False, help="As the list shows them.")]

app = noun()


@command(app, "send", acts=True)
def send(
    out: Out,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave lines out that are wrong, and send the others.")
    ] = False,
    namespace: _Namespace = "",
    connection_string: _ConnectionString = "",
) -> int:
    """Asks for a check of everybody in a CSV file, by one event per line.

    Its columns are id, upn, mail, employee-id and effective (the date of a second check). A line names a person by the
    first of the four that it fills in. The file is checked whole before anything is sent. Where a line is wrong,
    nothing is sent, and it ends with 1.
    """
    from cli.events_send import send_file

    return send_file(out, file, skip_bad=skip_bad, namespace=namespace, connection_string=connection_string)


def _kept(name: str, *, dead: bool, what: str) -> None:
    """Declares `list`, `show` and `replay` of rejected events, or of dead letters."""
    kept = noun()

    @command(kept, "list")
    def list_(out: Out, *, namespace: _Namespace = "", connection_string: _ConnectionString = "") -> int:
        """Lists the oldest hundred, with what is wrong and what to do. Nothing is taken away."""
        from cli.kept import Where, list_kept

        return list_kept(out, Where(dead=dead, namespace=namespace, connection_string=connection_string))

    @command(kept, "show")
    def show(out: Out, id_: _Id, *, namespace: _Namespace = "", connection_string: _ConnectionString = "") -> int:
        """Shows everything that is known of one, without its body."""
        from cli.kept import Where, show_kept

        return show_kept(out, Where(dead=dead, namespace=namespace, connection_string=connection_string), id_)

    @command(kept, "replay", acts=True)
    def replay(
        out: Out,
        ids: _Ids = None,
        *,
        yes: Yes = False,
        namespace: _Namespace = "",
        connection_string: _ConnectionString = "",
    ) -> int:
        """Sends messages again as they came, and takes each away once that was done.

        What was wrong with an event has to be mended first (such as the employee number in the directory), or it is
        rejected again. An event that is wrong in itself is sent anew by its sender.
        """
        from cli.kept import Where, replay_kept

        where = Where(dead=dead, namespace=namespace, connection_string=connection_string)
        return replay_kept(out, where, ids or (), yes=yes)

    app.add_typer(kept, name=name, help=what)


_kept("rejected", dead=False, what="Events that could not be used: list, show, replay.")
_kept("dead", dead=True, what="Dead letters, which nobody looks at any more: list, show, replay.")
