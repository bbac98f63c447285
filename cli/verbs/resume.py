"""`resume`."""

from cli.command import command, verbs
from cli.options import Scope, Yes
from cli.out import Out

app = verbs()


@command(app, "resume", acts=True)
def resume(out: Out, *, on: Scope = "", yes: Yes = False) -> int:
    """Ends every pause, whatever set it; with --on those of one part. The next sweep takes up what was stopped.

    It shows what it would end and asks. After role-lost it accepts that accounts are missing, after population-shrank
    that there are fewer people: it says which, and how many.
    """
    from cli.pauses import end_pauses

    return end_pauses(out, on=on, yes=yes)
