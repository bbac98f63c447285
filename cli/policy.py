"""`python -m cli policy check [FILE]`: whether a policy can be deployed, for people and pipelines.

Lives here: the verb. What a policy may say is known to `shared.domain.policy.load`, which the app reads it with.
"""

import os
import re
from pathlib import Path
from typing import Any, Final

from cli.operating import BAD_ARGUMENTS, DONE, counted
from cli.terminal import complaints, out
from shared import bootstrap
from shared.errors import Misconfigured

FOUND: Final = 3
"""A check that found something. The policy was read, and it is wrong."""

_PLACE: Final = re.compile(r"line (\d+), column (\d+): ")


def add_to(commands: Any) -> None:
    """Adds the noun and its verb to the command line."""
    policy = commands.add_parser("policy", help="the policy file, before it is deployed")
    verbs = policy.add_subparsers(dest="verb", required=True)
    checking = verbs.add_parser(
        "check",
        help="list every mistake with line and column; exits with 0 (none), 3 (some) or 2 (no such file)",
    )
    checking.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: the policy that the app reads")
    checking.set_defaults(run=lambda given: check(given.file))


def check(file: Path | None) -> int:
    """Reads a policy as the app does at its start; says every mistake on stdout, as `file:line:column what`."""
    path = file if file is not None else bootstrap.policy_path(os.environ)
    answer = out()
    try:
        policy = bootstrap.read_policy_file(path)
    except FileNotFoundError:
        complaints().print(f"{path}: there is no such file", soft_wrap=True)
        return BAD_ARGUMENTS
    except OSError as wrong:
        complaints().print(f"{path}: it cannot be read: {wrong.strerror}", soft_wrap=True)
        return BAD_ARGUMENTS
    except Misconfigured as wrong:
        for mistake in wrong.mistakes:
            place = _PLACE.match(mistake)
            line = f"{path}:{place[1]}:{place[2]} {mistake[place.end() :]}" if place else f"{path}: {mistake}"
            answer.print(line)
        answer.print(f"{counted(len(wrong.mistakes), 'mistake')}.")
        return FOUND
    answer.print(f"{path}: no mistakes; {counted(len(policy.rules), 'rule')}.")
    return DONE
