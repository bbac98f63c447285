"""`pauses`."""

from cli.command import command, verbs
from cli.options import ExitCode
from cli.out import Out

app = verbs()


@command(app, "pauses")
def pauses(out: Out, *, exit_code: ExitCode = False) -> int:
    """Shows what stops writes now: where, since when and why, and what `resume` would accept."""
    from cli.pauses import tell_pauses

    return tell_pauses(out, exit_code=exit_code)
