"""The standard world: Contoso, its companies and people, and the billing accounts that they pay.

It is a world file like anybody's; see `sandbox.world`. `sandbox.contoso.names` has the names one may rely on.
"""

import json
from pathlib import Path
from typing import Any, Final

STANDARD_WORLD: Final = Path(__file__).with_name("world.json")
"""The file: one line for each person, group and billing profile."""


def contoso() -> dict[str, Any]:
    """The standard world as a world document, to change and write elsewhere."""
    document: dict[str, Any] = json.loads(STANDARD_WORLD.read_text(encoding="utf-8"))
    return document
