"""A pytest plugin: no module of msgraph is found but those that ship (`pytest -p deploy.only_what_ships`)."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final, override

from deploy.package import kept_modules

_KEPT: Final = kept_modules()


class _Missing(MetaPathFinder):
    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Nothing for what ships, whose folders are found as ever. Raises ModuleNotFoundError for the rest."""
        is_shipped = fullname in _KEPT or any(kept.startswith(f"{fullname}.") for kept in _KEPT)
        if fullname.partition(".")[0] == "msgraph" and not is_shipped:
            raise ModuleNotFoundError(f"{fullname} is not shipped: see deploy/msgraph_modules.txt", name=fullname)
        return None


sys.meta_path.insert(0, _Missing())
