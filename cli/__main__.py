"""`python -m cli <command>`: parses the command line, runs the command, and exits with its status."""

import argparse
import sys
from collections.abc import Sequence

from cli import adopt, as_of, assignments, check, describe, holds, pauses, policy, report, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked."""
    parser = argparse.ArgumentParser(prog="python -m cli", description="The command line of invoice-access.")
    commands = parser.add_subparsers(dest="command", required=True)
    check.add_to(commands)
    assignments.add_to(commands)
    adopt.add_to(commands)
    as_of.add_to(commands)
    holds.add_to(commands)
    pauses.add_to(commands)
    report.add_to(commands)
    verify.add_to(commands)
    policy.add_to(commands)
    writing = commands.add_parser("describe", help="write docs/event.schema.json and docs/openapi.json anew")
    writing.set_defaults(run=lambda _: describe.describe())
    chosen = parser.parse_args(arguments)
    status: int = chosen.run(chosen)
    return status


if __name__ == "__main__":
    sys.exit(main())
