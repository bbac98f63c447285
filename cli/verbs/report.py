"""`report`."""

from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "report")
def report(out: Out) -> int:
    """Tells what the latest full check (sweep) found, counted, held and could not do, in all its figures."""
    from cli.report import tell_report

    return tell_report(out)
