"""What pydantic finds wrong with a value, in one wording: where, and why, and nothing of the value itself.

Whoever answers for a value's form (a policy, settings) has words of its own for it; everybody else says it like this.
"""

from collections.abc import Sequence

from pydantic import ValidationError

_SHOWN = 3


def misfits(error: ValidationError) -> list[tuple[str, str]]:
    """Each mistake: its place (`data.hints[2]`, "" for the value as a whole), and what is wrong there."""
    return [
        (place(mistake["loc"]), "it is missing" if mistake["type"] == "missing" else said(mistake["msg"]))
        for mistake in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def in_one_line(error: ValidationError, whole: str) -> str:
    """The first mistakes, and how many more there are. `whole` names the value, for what is wrong with all of it."""
    found = [f"{where or whole}: {what}" for where, what in misfits(error)]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def place(path: Sequence[str | int]) -> str:
    """A path into a value, as people write it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def said(message: str) -> str:
    """The words of a check of ours, without what pydantic puts before them."""
    return message.removeprefix("Value error, ")
