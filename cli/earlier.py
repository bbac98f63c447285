"""The verbs that have not moved to `cli.verbs` yet, as argparse reads them."""

import argparse
from collections.abc import Sequence
from typing import Final

VERBS: Final = ("report", "describe")


def main(arguments: Sequence[str]) -> int:
    """Runs one command."""
    from cli import describe, report  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m cli", description="The command line of invoice-access.")
    commands = parser.add_subparsers(dest="command", required=True)
    report.add_to(commands)
    writing = commands.add_parser("describe", help="write docs/event.schema.json and docs/openapi.json anew")
    writing.set_defaults(run=lambda _: describe.describe())
    chosen = parser.parse_args(arguments)
    status: int = chosen.run(chosen)
    return status
