"""What pydantic finds wrong with a policy, in the words of the people who write one.

Lives here: one wording for each kind of mistake. `load` says where it is in the file.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from shared.domain.policy.schema import VERSION, allowed_keys
from shared.domain.policy.schema_values import did_you_mean
from shared.domain.policy.yaml_tree import Path

_LONGEST_SHOWN: Final = 60

_RENAMED: Final = {"budgets": "daily_limits"}
"""Keys that people may know by another name."""

_MISSING: Final = {
    "version": f"write version: {VERSION}",
    "rules": "write rules: [] where there are none",
    "name": "records and findings name the rule by it",
    "person": "write an address or an object id",
    "why": "say why, in a few words: a reviewer reads it, and so does whoever asks later",
    "profiles": "write all, none or a list of selectors",
    "floor": "a daily limit has floor, count and percent",
    "count": "a daily limit has floor, count and percent",
    "percent": "a daily limit has floor, count and percent",
}

_MISSING_IN_TESTS: Final[Mapping[str, Mapping[str, str]]] = {
    "profiles": {"name": "examples call the profile by it"},
    "examples": {
        "name": "say whom it is about, such as: a Controller of Contoso UK",
        "person": "write the attributes that matter, such as { jobTitle: Controller }, or {} for none",
    },
}


def say(detail: ErrorDetails, path: Path) -> str:
    """What is wrong with the value at a path of the file, and what to write instead."""
    return _WORDINGS.get(detail["type"], _as_pydantic_says)(detail, path)


def _missing(_: ErrorDetails, path: Path) -> str:
    remedies = _MISSING_IN_TESTS.get(str(path[1]), _MISSING) if path[0] == "tests" else _MISSING
    return f"this key is missing; {remedies[str(path[-1])]}"


def _no_such_key(_: ErrorDetails, path: Path) -> str:
    if (renamed := _RENAMED.get(str(path[-1]))) is not None:
        return f"there is no such key; it is called {renamed}"
    return f"there is no such key; {did_you_mean(str(path[-1]), allowed_keys(path[:-1]))}"


def _own(detail: ErrorDetails, _: Path) -> str:
    return str(detail["ctx"]["error"])


def _no_such_word(detail: ErrorDetails, path: Path) -> str:
    remedy = did_you_mean(detail["input"], _words(path))
    form = "mapping" if path == ("decisions", "two_people") else "list"
    return f"{_shown(detail)} is neither a {form} nor a word known here; {remedy}"


def _no_text(detail: ErrorDetails, _: Path) -> str:
    plain = isinstance(detail["input"], int | float)
    return f"{_shown(detail)} is not a text; {'put it in quotes' if plain else 'write one'}"


def _no_list(detail: ErrorDetails, path: Path) -> str:
    return f"{_shown(detail)} is not a list; write {' or '.join([*_words(path), 'a list'])}"


def _no_mapping(detail: ErrorDetails, path: Path) -> str:
    keys = ", ".join(allowed_keys(path))
    return f"{_shown(detail)} is not a mapping; write keys and values{': ' if keys else ''}{keys}"


def _empty(_: ErrorDetails, path: Path) -> str:
    words = _words(path)
    return f"it is empty; {f'write {" or ".join(words)}, or something in it' if words else 'take the key out'}"


def _as_pydantic_says(detail: ErrorDetails, _: Path) -> str:
    return f"{detail['msg']}; it is {_shown(detail)}"


_WORDINGS: Final[Mapping[str, Callable[[ErrorDetails, Path], str]]] = {
    "missing": _missing,
    "extra_forbidden": _no_such_key,
    "value_error": _own,
    "literal_error": _no_such_word,
    "string_type": _no_text,
    "int_type": lambda detail, _: f"{_shown(detail)} is not a whole number; write one, without quotes",
    "list_type": _no_list,
    "dict_type": _no_mapping,
    "model_type": _no_mapping,
    "too_short": _empty,
    "string_too_short": lambda *_: "the text is empty; write one, or take the key out",
    "string_too_long": lambda detail, _: f"the text has more than {detail['ctx']['max_length']} characters; shorten it",
    "greater_than_equal": lambda detail, _: (
        f"{_shown(detail)} is too little; at least {detail['ctx']['ge']} can stand here"
    ),
    "less_than_equal": lambda detail, _: f"{_shown(detail)} is too much; at most {detail['ctx']['le']} can stand here",
}


def _words(path: Path) -> tuple[str, ...]:
    """The words that may stand where a list may."""
    match path:
        case ("accounts",):
            return ("all",)
        case (
            ("enforce",)
            | ("email_invoicing", "opt_in")
            | ("rules" | "grants", _, "profiles")
            | ("tests", "examples", _, "gets")
        ):
            return ("all", "none")
        case ("decisions", "two_people"):
            return ("none",)
        case _:
            return ()


def _shown(detail: ErrorDetails) -> str:
    given: Any = detail["input"]
    match given:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(given).lower()
        case str() if len(given) > _LONGEST_SHOWN:
            return f"{given[:_LONGEST_SHOWN]!r}..."
        case _:
            return repr(given)
