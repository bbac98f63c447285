"""What a deployment makes: modules unfolded, conditions decided, loops run, for given parameters.

A small reader of the Bicep that this project writes, and no compiler: what it does not know is an `UnknownError`.
What Azure alone can say (an object id, a host name) stays a text in angle brackets that says whose it is.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from tests.infra.bicep_tree import INFRA, LITERAL

_HOLE: Final = re.compile(r"\$\{([^{}]+)\}")
_PATH: Final = re.compile(r"(\w+)(\(\))?((?:\.\w+)*)")


SUFFIX: Final = "abcdefghijklm"
"""What stands for the thirteen characters of `uniqueString`."""


class UnknownError(Exception):
    """Something in a Bicep file that this reader does not know."""


@dataclass(frozen=True)
class Made:
    """A resource of a deployment: where it is declared, and what it is with its values filled in."""

    file: str
    symbol: str
    type: str
    api: str
    group: str
    name: str
    existing: bool
    scope: str
    """The resource that it is about, for a role, a lock or a diagnostic setting; else its resource group."""
    config: Mapping[str, Any] = field(hash=False)

    @property
    def id(self) -> str:
        return f"<{self.type} {self.name}>"


@dataclass
class _Module:
    outputs: Mapping[str, Any]


@dataclass
class _File:
    """One file's names while it is unfolded: parameters and loops' items, variables, resources, modules."""

    path: str
    tree: Mapping[str, Any]
    group: str
    given: dict[str, Any]
    deployment: "Deployment"
    resources: dict[str, Made | list[Made]] = field(default_factory=dict)
    modules: dict[str, _Module | None] = field(default_factory=dict)

    # --- values ----------------------------------------------------------------------------------

    def value(self, tree: Any) -> Any:
        """What an expression is."""
        if isinstance(tree, str):
            return self._text(tree.removeprefix(LITERAL)) if tree.startswith(LITERAL) else self._name(tree)
        if isinstance(tree, list):
            return [self.value(each) for each in tree]
        if isinstance(tree, dict):
            if set(tree) == {"operator"}:
                return self._operator(tree["operator"]["type"], tree["operator"]["operands"])
            if set(tree) == {"function"}:
                return self._function(tree["function"]["type"], tree["function"]["parameters"])
            return {self._key(name): self.value(each) for name, each in tree.items()}
        return tree

    def _key(self, name: str) -> str:
        return self._text(name.strip("'").removeprefix(LITERAL))

    def _text(self, text: str) -> str:
        return _HOLE.sub(self._hole, text)

    def _hole(self, found: re.Match[str]) -> str:
        path = _PATH.fullmatch(found[1].strip())
        if path is None:
            raise UnknownError(f"{self.path}: {found[0]}")
        base = self._function(path[1], {}) if path[2] else self._name(path[1])
        for step in path[3].split(".")[1:]:
            base = self._property(base, step)
        return str(base)

    def _name(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name in self.tree.get("variables", {}):
            return self.value(self.tree["variables"][name]["value"])
        if name in self.modules:
            return self.modules[name]
        if name not in self.resources:
            self.make(name)
        return self.resources[name]

    def _operator(self, kind: str, operands: Mapping[str, Any]) -> Any:
        if kind == "conditional":
            return self.value(operands["true_value" if self.value(operands["condition"]) else "false_value"])
        if kind == "not":
            return not self.value(operands["bool_value"])
        if kind == "equals":
            return self.value(operands["operand_1"]) == self.value(operands["operand_2"])
        if kind == "index_accessor":
            return self.value(operands["operand_1"])[self.value(operands["operand_2"])]
        if kind in {"property_accessor", "nested_resource_accessor"}:
            return self._steps({"operator": {"type": kind, "operands": operands}})
        raise UnknownError(f"{self.path}: the operator {kind}")

    def _steps(self, tree: Any) -> Any:
        """`a::b.c`, which pycep nests to the right."""
        base: Any = None
        nested, way, first = "", "", True
        while True:
            operator = tree.get("operator") if isinstance(tree, dict) else None
            chained = operator is not None and operator["type"] in {"property_accessor", "nested_resource_accessor"}
            step = operator["operands"]["operand_1"] if operator is not None and chained else tree
            if first:
                base = self.value(step)
                nested = step if isinstance(step, str) else ""
            elif way == "nested_resource_accessor":
                nested = f"{nested}__{step}"
                base = self._name(nested)
            else:
                base = self._property(base, step)
            if operator is None or not chained:
                return base
            first, way, tree = False, operator["type"], operator["operands"]["operand_2"]

    def _property(self, base: Any, step: str) -> Any:
        if isinstance(base, Made):
            return {"id": base.id, "name": base.name.rpartition("/")[2]}.get(step, f"{base.id}.{step}")
        if isinstance(base, _Module):
            return base.outputs if step == "outputs" else {}
        if isinstance(base, Mapping):
            return base[step]
        if base is None and step == "outputs":
            return {}
        return f"{base}.{step}"

    def _function(self, kind: str, given: Mapping[str, Any]) -> Any:
        known = _FUNCTIONS.get(kind)
        if known is None:
            raise UnknownError(f"{self.path}: the function {kind}")
        return known(self, *(self.value(each) for each in given.values() if each is not None))

    def read(self, name: str) -> str:
        """A file beside this one."""
        return (INFRA / PurePosixPath(self.path).parent / name).read_text(encoding="utf-8")

    # --- resources and modules -------------------------------------------------------------------

    def make(self, symbol: str) -> None:
        """Makes the resource or the module of this name, unless it is there."""
        if symbol in self.resources or symbol in self.modules:
            return
        if symbol in self.tree.get("modules", {}):
            self.modules[symbol] = self._module(self.tree["modules"][symbol])
            return
        declared = self.tree.get("resources", {}).get(symbol)
        if declared is None:
            raise UnknownError(f"{self.path}: nothing is called {symbol}")
        config = declared["config"]
        if "loop_type" in config:
            self.resources[symbol] = [
                self._resource(symbol, declared, config["config"], item) for item in self._items(config["loop_type"])
            ]
        elif "condition" in config and not self.value(config["condition"]):
            self.resources[symbol] = []
        else:
            self.resources[symbol] = self._resource(symbol, declared, config.get("config", config), {})

    def _items(self, loop: Mapping[str, Any]) -> list[dict[str, Any]]:
        detail = loop["detail"]
        items = enumerate(self.value(detail["array_name"]))
        return [{detail["item_name"]: item, detail.get("index_name", "index"): index} for index, item in items]

    def _resource(self, symbol: str, declared: Mapping[str, Any], config: Any, item: dict[str, Any]) -> Made:
        outside = dict(self.given)
        self.given.update(item)
        try:
            parents = [self._name(config["parent"])] if "parent" in config else []
            if symbol.rpartition("__")[0]:
                parents = [self._name(symbol.rpartition("__")[0])]
            name = "/".join([*(parent.name for parent in parents), str(self.value(config["name"]))])
            group, scope = self.group, ""
            if "scope" in config:
                on = self.value(config["scope"])
                if declared["existing"]:
                    group = on.name
                else:
                    scope = on.id if isinstance(on, Made) else str(on)
            inner = {
                each: self.value(tree)
                for each, tree in config.items()
                if each not in {"name", "parent", "scope", "depends_on", "dependsOn"}
            }
            made = Made(
                self.path,
                symbol,
                declared["type"],
                declared["api_version"],
                group,
                name,
                declared["existing"],
                scope or group,
                inner,
            )
        finally:
            self.given = outside
        self.deployment.made.append(made)
        return made

    def _module(self, declared: Mapping[str, Any]) -> _Module | None:
        config = declared["config"]
        if "condition" in config:
            if not self.value(config["condition"]):
                return None
            config = config["config"]
        group = self.group
        if "scope" in config:
            on = self.value(config["scope"])
            group = on.name if isinstance(on, Made) else str(on)
        given = {name: self.value(tree) for name, tree in config.get("params", {}).items()}
        path = str(PurePosixPath(self.path).parent / declared["detail"]["path"])
        return _Module(self.deployment.unfold(path, group, given))


def _union(_: _File, *parts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(item for part in parts for item in part.items())


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "concat": lambda _, *parts: [item for part in parts for item in part],
    "contains": lambda _, container, item: item in container,
    "empty": lambda _, value: not value,
    "environment": lambda _: {
        "suffixes": {"storage": "core.windows.net"},
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    },
    "guid": lambda _, *parts: f"<guid of {' '.join(map(str, parts))}>",
    "load_json_content": lambda file, name: json.loads(file.read(name)),
    "load_text_content": lambda file, name: file.read(name),
    "resource_group": lambda file, *name: name[0] if name else file.group,
    "split": lambda _, text, by: text.split(by),
    "subscription": lambda _: {"subscriptionId": "<subscription>", "tenantId": "<tenant>"},
    "subscription_resource_id": lambda _, __, name: name,
    "union": _union,
    "unique_string": lambda _, *__: SUFFIX,
}


@dataclass
class Deployment:
    """A deployment while it is unfolded; `made` has everything that it makes or names."""

    trees: Mapping[str, Mapping[str, Any]]
    made: list[Made] = field(default_factory=list)

    def unfold(self, path: str, group: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Unfolds one file, and returns its outputs. A parameter that is missing or not declared is an UnknownError."""
        tree = self.trees[path]
        declared = tree.get("parameters", {})
        if extra := set(given) - set(declared):
            raise UnknownError(f"{path} has no parameter {', '.join(sorted(extra))}")
        file = _File(path, tree, group, {}, self)
        for name, parameter in declared.items():
            if name in given:
                file.given[name] = given[name]
            elif parameter["default"] is None:
                raise UnknownError(f"{path} needs the parameter {name}")
            else:
                file.given[name] = file.value(parameter["default"])
        for symbol in [*tree.get("resources", {}), *tree.get("modules", {})]:
            file.make(symbol)
        return {name: file.value(output["value"]) for name, output in tree.get("outputs", {}).items()}


KEPT: Final[Mapping[str, Any]] = {"environmentName": "contoso", "location": "westeurope"}
"""What the layer `kept` is given."""


def expand(trees: Mapping[str, Mapping[str, Any]], **chosen: Any) -> list[Made]:
    """Everything that both layers make with these parameters of the app's layer. Raises UnknownError."""
    deployment = Deployment(trees)
    network = chosen.get("network", False)
    kept = deployment.unfold("kept/main.bicep", "<subscription>", {**KEPT, "network": network})
    deployment.unfold(
        "main.bicep",
        "<subscription>",
        {
            **KEPT,
            "keptResourceGroup": kept["KEPT_RESOURCE_GROUP"],
            "ledgerAccount": kept["LEDGER_ACCOUNT"],
            "storeEndpoint": kept["INVOICE_ACCESS_STORE"],
            "vaultName": kept["VAULT_NAME"],
            "logName": kept["LOG_NAME"],
            "identityName": kept["IDENTITY_NAME"],
            **chosen,
        },
    )
    return deployment.made
