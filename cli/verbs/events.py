"""`events`: what asks for checks."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, noun
from cli.out import Out

app = noun()


@command(app, "send", acts=True)
def send(
    out: Out,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave lines out that are wrong, and send the others.")
    ] = False,
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace",
            metavar="HOST",
            show_default="ServiceBusConnection__fullyQualifiedNamespace",
            help="The Service Bus namespace's host name, with your own Azure login.",
        ),
    ] = "",
    connection_string: Annotated[
        str,
        typer.Option(
            "--connection-string",
            show_default="SERVICE_BUS_CONNECTION_STRING",
            help="Of the Service Bus namespace, in the place of a login.",
        ),
    ] = "",
) -> int:
    """Asks for a check of everybody in a CSV file, by one event per line.

    Its columns are id, upn, mail, employee-id and effective (the date of a second check). A line names a person by the
    first of the four that it fills in. The file is checked whole before anything is sent. Where a line is wrong,
    nothing is sent, and it ends with 1.
    """
    from cli.events_send import send_file

    return send_file(out, file, skip_bad=skip_bad, namespace=namespace, connection_string=connection_string)
