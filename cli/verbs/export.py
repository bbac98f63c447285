"""`export`: answers to take away."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import completing
from cli.command import command, noun
from cli.out import Out

app = noun()


class FileForm(StrEnum):
    """The forms of a file."""

    CSV = "csv"
    JSONL = "jsonl"


class Kind(StrEnum):
    """The kinds of activity: `shared.domain.history.activity`'s, spelled here so that help imports nothing."""

    GIVEN = "given"
    REMOVED = "removed"
    MAIL_ON = "mail-on"
    HELD = "held"
    DECIDED = "decided"
    ADOPTED = "adopted"
    PAUSED = "paused"
    RESUMED = "resumed"
    NOT_FOUND = "not-found"
    GAVE_UP = "gave-up"
    BY_OTHERS = "by-others"


class CauseOf(StrEnum):
    """Why somebody looked: `shared.domain.work`'s causes, spelled here for the same reason."""

    EVENT = "event"
    SCHEDULE = "schedule"
    SETTLE = "settle"
    VERIFY = "verify"
    RETRY = "retry"
    WAIT = "wait"
    SWEEP = "sweep"
    OPERATOR = "operator"


_Format = Annotated[
    FileForm,
    typer.Option("--format", show_default=False, help="csv (default; for Excel) or jsonl (a JSON object per line)."),
]
_Target = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", show_default="stdout", help="Where it is written.")
]

_Person = Annotated[str, typer.Option("--person", metavar="PERSON", show_default=False, help="Only this one.")]
_Zone = Annotated[
    str,
    typer.Option("--time-zone", metavar="NAME", show_default="the policy's", help="Where the day is a day."),
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
    person: _Person = "",
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            metavar="PROFILE",
            show_default=False,
            help="Only this one.",
            autocompletion=completing.profile,
        ),
    ] = "",
    time_zone: _Zone = "",
    format_: _Format = FileForm.CSV,
    to: _Target = None,
) -> int:
    """Who had access on a day: since when, by which rule and event, until when, and how sure that is.

    From the ledger alone: neither the directory nor billing is asked. Whoever had it at any time of the day is there.
    Ends with 1 where a chain could not be read: then somebody may be missing.
    """
    from cli.export_access import Asked, export_access

    return export_access(out, Asked(on, person, profile, time_zone), lines=format_ is FileForm.JSONL, to=to)


@command(app, "activity")
def activity(
    out: Out,
    *,
    from_: Annotated[
        str, typer.Option("--from", metavar="DAY", show_default=False, help="The first day, or a moment.")
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", show_default=False, help="The last day, or a moment.")
    ] = "",
    person: _Person = "",
    profile: Annotated[
        str, typer.Option("--profile", metavar="PROFILE", show_default=False, help="Only this one.")
    ] = "",
    kind: Annotated[
        list[Kind] | None, typer.Option("--kind", show_default=False, help="Only of this kind. Repeatable.")
    ] = None,
    cause: Annotated[
        list[CauseOf] | None,
        typer.Option("--cause", show_default=False, help="Only what somebody looked for this reason. Repeatable."),
    ] = None,
    time_zone: _Zone = "",
    format_: _Format = FileForm.CSV,
    to: _Target = None,
) -> int:
    """What was changed, held or decided, newest first: by which record, why, and by whom.

    From the index of activity, which the daily proof keeps whole. What was only observed, and checks that changed
    nothing, are not in it.
    """
    from cli.export_activity import Wanted, export_activity
    from shared.domain.history.activity import ActivityKind

    kinds = [ActivityKind(one.value) for one in kind or ()]
    wanted = Wanted(from_, until, person, profile, kinds, [one.value for one in cause or ()], time_zone)
    return export_activity(out, wanted, lines=format_ is FileForm.JSONL, to=to)


@command(app, "ledger")
def ledger(
    out: Out,
    *,
    key: Annotated[
        str,
        typer.Option("--key", metavar="KEY", show_default="all", help="One chain, as `ledger show` takes it."),
    ] = "",
    from_: Annotated[
        str, typer.Option("--from", metavar="DAY", show_default=False, help="The first day, or a moment.")
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", show_default=False, help="The last day, or a moment.")
    ] = "",
    format_: _Format = FileForm.CSV,
    to: _Target = None,
) -> int:
    """Every record as it is stored, chain by chain, oldest first: with ids, and no names.

    Ends with 1 where a record could not be read. Whether the chains hold, `ledger verify` says.
    """
    from cli.export_ledger import export_ledger

    return export_ledger(out, key, from_, until, lines=format_ is FileForm.JSONL, to=to)


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
