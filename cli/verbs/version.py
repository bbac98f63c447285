"""`version`."""

from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "version")
def version(out: Out) -> int:
    """Says which version of the command line this is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from cli.answer import Answer
    from shared.answers.documents import Rows

    try:
        found = installed("invoice-access")
    except PackageNotFoundError:
        found = "not installed: it runs from a folder"
    return out.answer(
        Answer("version", {"version": found}, [f"invoice-access {found}"], Rows(("version",), [(found,)]))
    )
