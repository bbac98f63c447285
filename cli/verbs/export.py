"""`export`: answers to take away."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, noun
from cli.out import Out

app = noun()


class FileForm(StrEnum):
    """The forms of a file."""

    CSV = "csv"
    JSONL = "jsonl"


_Format = Annotated[
    FileForm,
    typer.Option("--format", show_default=False, help="csv (default; for Excel) or jsonl (a JSON object per line)."),
]
_Target = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", show_default="stdout", help="Where it is written.")
]


@command(app, "access")
def access(
    out: Out,
    *,
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="DAY", show_default=False, help="2026-03-02, or a moment: 2026-03-02T09:00+01:00."
        ),
    ],
    person: Annotated[str, typer.Option("--person", metavar="PERSON", show_default=False, help="Only this one.")] = "",
    profile: Annotated[
        str, typer.Option("--profile", metavar="PROFILE", show_default=False, help="Only this one.")
    ] = "",
    time_zone: Annotated[
        str,
        typer.Option("--time-zone", metavar="NAME", show_default="the policy's", help="Where the day is a day."),
    ] = "",
    format_: _Format = FileForm.CSV,
    to: _Target = None,
) -> int:
    """Who had access on a day: since when, by which rule and event, until when, and how sure that is.

    From the ledger alone: neither the directory nor billing is asked. Whoever had it at any time of the day is there.
    Ends with 1 where a chain could not be read: then somebody may be missing.
    """
    from cli.export_access import Asked, export_access

    return export_access(out, Asked(on, person, profile, time_zone), lines=format_ is FileForm.JSONL, to=to)


@command(app, "view")
def view(
    out: Out,
    *,
    to: Annotated[Path, typer.Option("--out", metavar="FILE", show_default=False, help="Where it is written.")],
    names: Annotated[bool, typer.Option("--names", help="With people's names and object ids.")] = False,
) -> int:
    """What the latest full check saw, to try a policy on without Azure: `plan --policy FILE --snapshot FILE`.

    People and other principals have pseudonyms, which differ from one export to the next. Hire and leave dates are not
    in it, and of the attributes only those that the policy tests.
    """
    from cli.export_view import export_view

    return export_view(out, to, names=names)
