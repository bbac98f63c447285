"""Arguments become values without pydantic: typer would import it for any flag, which is most of a verb's start.

Lives here: the few types that arguments have here. What is none of them is left to typer. It sets a private attribute
of typer's parameters, whose version is pinned; a test that counts imports tells when that no longer serves.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from typer import BadParameter
from typer._coercion import RuntimeParam

_BY_TYPE: Final[dict[Any, Callable[[Any], Any]]] = {str: str, bool: bool, Path: Path, int: int}


class Plain(RuntimeParam):
    """Makes a value of the words of the command line, one of several for a list."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        make = _maker(_one(self.annotation))
        assert make is not None, "others are left to typer"
        try:
            return [make(each) for each in value] if _is_list(self.annotation) else make(value)
        except ValueError as wrong:
            raise BadParameter(f"{wrong}", ctx=ctx, param=param) from wrong


def quicken(parameters: Iterable[Any]) -> None:
    """Gives every parameter whose type is plain a plain way to its value."""
    for parameter in parameters:
        told = parameter.type_descriptor
        plain = told.file_annotation is None and _maker(_one(told.annotation)) is not None
        if plain and parameter._runtime_param is None:  # noqa: SLF001 - see the module's docstring
            parameter._runtime_param = Plain(told.parameter_info, told.annotation)  # noqa: SLF001


def _is_list(annotation: Any) -> bool:
    of: Any = get_origin(annotation)
    return of is list


def _one(annotation: Any) -> Any:
    """The type of one value of a list, or of the value."""
    return get_args(annotation)[0] if _is_list(annotation) else annotation


def _maker(annotation: Any) -> Callable[[Any], Any] | None:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return lambda value: _one_of(annotation, value)
    return _BY_TYPE.get(annotation)


def _one_of(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is none of {', '.join(each.value for each in kind)}") from None
