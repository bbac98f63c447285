"""No value of the domain knows which version of a row it was read as: that is the store's, and `Stored` carries it."""

import importlib
import pkgutil
from dataclasses import fields, is_dataclass
from types import ModuleType

import shared.domain


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(shared.domain.__path__, f"{shared.domain.__name__}.")
    return [importlib.import_module(one.name) for one in found]


def test_no_domain_value_has_a_field_for_the_stores_version() -> None:
    values = {value for module in modules() for value in vars(module).values() if is_dataclass(value)}
    assert len(values) > 50
    named = {f"{value}.{field.name}" for value in values for field in fields(value)}
    assert not {name for name in named if name.rpartition(".")[2] in {"version", "etag"}}
