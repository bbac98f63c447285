"""`ledger`: the record of everything, audited or read."""

from typing import Annotated

import typer

from cli.command import command, noun
from cli.out import Out

app = noun()


@command(app, "verify")
def verify(
    out: Out,
    *,
    digest: Annotated[
        str,
        typer.Option(
            "--digest",
            metavar="SEQUENCE:SHA256",
            show_default=False,
            help="A 'ledger digest:' line of the log, which was kept outside.",
        ),
    ] = "",
    last: Annotated[
        bool, typer.Option("--last", help="Audit nothing: show what the app's own audit of the day found.")
    ] = False,
    newer: Annotated[bool, typer.Option("--newer", help="List every chain with records after the digest.")] = False,
) -> int:
    """Audits every chain of the ledger; ends with 3 where anything is wrong.

    With a digest from the log (the line 'ledger digest: SEQUENCE SHA256') any change, removal or reordering up to it is
    found, and what is newer is named.
    """
    from cli.ledger import tell_last, verify_ledger

    return tell_last(out, digest, every=newer) if last else verify_ledger(out, digest, every=newer)


@command(app, "show")
def show(
    out: Out,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            show_default=False,
            help="A person, a profile, or a chain's own name: operator, estate, digest, or as `verify` tells it.",
        ),
    ],
) -> int:
    """Shows the records of one chain, the newest last."""
    from cli.ledger_show import show_chain

    return show_chain(out, key)
