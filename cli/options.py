"""Options that several verbs have, worded once."""

from pathlib import Path
from typing import Annotated

import typer

from cli import completing

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", show_default=False, help="For the record.")]
AsListed = Annotated[
    str,
    typer.Option(
        "--as-listed",
        metavar="TIME",
        show_default=False,
        help="Refuse what came in or changed after this time, which `holds` ends with.",
    ),
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="End with 3 where there is something.")]
Scope = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="PART",
        show_default=False,
        help="A billing profile or a billing account, by name or id; for `resume` also `everywhere`.",
        autocompletion=completing.profile,
    ),
]
Unmanaged = Annotated[
    bool, typer.Option("--unmanaged", help="Only with an Invoice manager whom somebody else made, and nobody adopted.")
]
Left = Annotated[bool, typer.Option("--left", help="Only those who left and still have a role.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="Only where something waits for a decision.")]
Differs = Annotated[bool, typer.Option("--differs", help="Only where what there is is not what the policy says.")]
Snapshot = Annotated[
    Path | None,
    typer.Option("--snapshot", metavar="FILE", show_default=False, help="On what `export view` wrote, without Azure."),
]
