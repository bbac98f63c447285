"""`plan`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, verbs
from cli.options import Snapshot
from cli.out import Out

app = verbs()

_Policy = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", show_default=False, help="What this policy would do instead."),
]
_Full = Annotated[bool, typer.Option("--full", help="Every change in a line of its own.")]
_ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="End with 3 where anything would change, also what waits.")
]


_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", show_default=False, help="Keep it as reviewed: `apply FILE` makes it so."),
]


_Counts = Annotated[bool, typer.Option("--counts", help="Profiles and counts, and nobody by name; with --policy.")]


@command(app, "plan")
def plan(
    out: Out,
    *,
    policy: _Policy = None,
    full: _Full = False,
    exit_code: _ExitCode = False,
    keep: _Out = None,
    snapshot: Snapshot = None,
    counts: _Counts = False,
) -> int:
    """What the next full check would do, or what another policy would. It reads live and changes nothing.

    It ends with 0, or with 1 where a part could not be read.
    """
    from cli.faults import UsageError

    if policy is None and (snapshot is not None or counts):
        raise UsageError("--snapshot and --counts say something of another policy", mend="Give --policy FILE.")
    if snapshot is not None and keep is not None:
        raise UsageError("--out: a plan on a snapshot cannot be applied", mend="Plan live: leave out --snapshot.")
    if snapshot is not None and policy is not None:
        from cli.plan_snapshot import compared_on

        return out.answer(compared_on(snapshot, policy, full=full, counts=counts).answer(exit_code=exit_code))
    from cli.plan import compared, planned

    found = planned(full=full) if policy is None else compared(policy, full=full, counts=counts)
    if keep is not None:
        found.keep(out, keep)
    return out.answer(found.answer(exit_code=exit_code))
