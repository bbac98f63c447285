"""What pydantic finds wrong with what people give the sandbox, in one wording: `queues[1].name: Field required`.

The stand-ins' own answers are not said like this: those speak as the service does.
"""

from pydantic import ValidationError


def misfits(error: ValidationError, whole: str) -> list[tuple[str, str]]:
    """Each mistake: its place, and what is wrong there. `whole` names the value, for what is wrong with all of it."""
    return [
        (_place(one["loc"]) or whole, one["msg"].removeprefix("Value error, "))
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def lines(error: ValidationError, whole: str) -> list[str]:
    """Each mistake as a line of text."""
    return [f"{place}: {what}" for place, what in misfits(error, whole)]


def _place(path: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
