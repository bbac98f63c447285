"""Makes the extract of Microsoft's published types anew, as far as this project's resources go.

`python -m tests.infra.extract_types FOLDER COMMIT`, where FOLDER is `generated/` of a checkout of Azure/bicep-types-az
and COMMIT says which. An object keeps the names of all its properties, so that a slip of the pen is noticed, and the
types of those that are used.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.infra.bicep_tree import bicep_files, trees
from tests.infra.deployments import Infra
from tests.infra.published_types import EXTRACT

_REQUIRED: Final = 1
_READ_ONLY: Final = 2


class _Types:
    """One file of types: a list, in which a type refers to others by their place."""

    def __init__(self, file: Path) -> None:
        self._all: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))

    def resource(self, name: str) -> int | None:
        """The body of a resource type, by `type@version` in any case."""
        for each in self._all:
            if each["$type"] == "ResourceType" and each["name"].lower() == name.lower():
                return _at(each["body"])
        return None

    def kept(self, place: int, used: Sequence[Any]) -> Any:
        """What is kept of a type, for the values that are used of it."""
        kind = self._all[place]
        match kind["$type"]:
            case "AnyType":
                return "any"
            case "UnionType":
                # Most lists are open, for values that come later. Here a value that is on none is a mistake.
                choices = [self.kept(_at(each), used) for each in kind["elements"]]
                return [choice for choice in choices if choice != {"kind": "text"}]
            case "ArrayType":
                return {"items": self.kept(_at(kind["itemType"]), [item for each in _lists(used) for item in each])}
            case "ObjectType":
                return self._object(kind, used)
            case "DiscriminatedObjectType":
                return self._choice(kind, used)
            case _:
                return _scalar(kind)

    def _choice(self, kind: Mapping[str, Any], used: Sequence[Any]) -> dict[str, Any]:
        by = kind["discriminator"]
        taken = {each.get(by) for each in _objects(used)}
        return {
            "by": by,
            "shared": self._object({"properties": kind["baseProperties"]}, used)["properties"],
            "of": {
                name: self.kept(_at(each), [one for one in _objects(used) if one.get(by) == name])
                if name in taken
                else None
                for name, each in kind["elements"].items()
            },
        }

    def _object(self, kind: Mapping[str, Any], used: Sequence[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"properties": {}}
        for name, each in sorted(kind["properties"].items()):
            values = [one[name] for one in _objects(used) if name in one]
            flags = each["flags"]
            told: dict[str, Any] = {"type": self.kept(_at(each["type"]), values)} if values else {}
            told |= {"required": True} if flags & _REQUIRED else {}
            told |= {"read_only": True} if flags & _READ_ONLY else {}
            found["properties"][name] = told or None
        if "additionalProperties" in kind:
            others = [value for one in _objects(used) for name, value in one.items() if name not in kind["properties"]]
            found["others"] = self.kept(_at(kind["additionalProperties"]), others)
        return found


def _scalar(kind: Mapping[str, Any]) -> dict[str, Any]:
    match kind["$type"]:
        case "StringLiteralType":
            return {"value": kind["value"]}
        case "BooleanType":
            return {"kind": "bool"}
        case "IntegerType":
            told: dict[str, Any] = {"kind": "int", "least": kind.get("minValue"), "most": kind.get("maxValue")}
        case "StringType":
            limits = {"shortest": "minLength", "longest": "maxLength", "pattern": "pattern"}
            told = {"kind": "text", **{ours: kind.get(theirs) for ours, theirs in limits.items()}}
        case unknown:
            raise ValueError(f"a type of the kind {unknown} is new here")
    return {name: value for name, value in told.items() if value is not None}


def _at(reference: Mapping[str, str]) -> int:
    return int(reference["$ref"].removeprefix("#/"))


def _objects(used: Sequence[Any]) -> list[dict[str, Any]]:
    return [each for each in used if isinstance(each, dict)]


def _lists(used: Sequence[Any]) -> list[list[Any]]:
    return [each for each in used if isinstance(each, list)]


def main(folder: Path, commit: str) -> int:
    """Writes the extract; returns the exit status."""
    texts = bicep_files()
    used: dict[str, list[Any]] = {}
    for made in Infra(texts, trees(texts)).each:
        for each in made:
            config = {"name": each.name.rpartition("/")[2], **each.config}
            used.setdefault(f"{each.type}@{each.api}", []).append(config)
    kept = {}
    for name, configs in sorted(used.items()):
        provider, version = name.split("/")[0].lower(), name.rpartition("@")[2]
        files = [_Types(file) for file in sorted(folder.glob(f"*/{provider}/{version}/types.json"))]
        (kept[name],) = (file.kept(place, configs) for file in files if (place := file.resource(name)) is not None)
    source = f"Azure/bicep-types-az, generated/, commit {commit}; MIT"
    EXTRACT.write_text(json.dumps({"source": source, "types": kept}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
