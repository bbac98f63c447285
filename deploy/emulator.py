"""Makes the configuration of Microsoft's Service Bus emulator out of the one definition of the queues.

`python -m deploy.emulator` writes deploy/local/Config.json of deploy/queues.json; a test says where it was forgotten.
What the emulator cannot do is cut down to the most that it can, as its published schema has it.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[1]
DEFINITION: Final = PROJECT / "deploy" / "queues.json"
CONFIGURATION: Final = PROJECT / "deploy" / "local" / "Config.json"

_NAMESPACE: Final = "sbemulatorns"
"""The only name that the emulator's namespace may have."""

_DEFAULT_WINDOW: Final = "PT20S"

_MOST: Final = {"defaultMessageTimeToLive": "PT1H", "duplicateDetectionHistoryTimeWindow": "PT5M"}
"""The longest that the emulator does; ours are all longer."""

_MOST_DELIVERIES: Final = 10


def configuration(queues: list[dict[str, Any]]) -> dict[str, Any]:
    """The emulator's configuration of these queues, whose properties are named as Azure Resource Manager has them."""
    made = [{"Name": queue["name"], "Properties": _properties(queue["properties"])} for queue in queues]
    return {
        "UserConfig": {
            "Namespaces": [{"Name": _NAMESPACE, "Queues": made, "Topics": []}],
            "Logging": {"Type": "Console"},
        }
    }


def _properties(given: dict[str, Any]) -> dict[str, Any]:
    cut = {
        **given,
        **{name: most for name, most in _MOST.items() if name in given},
        "maxDeliveryCount": min(given["maxDeliveryCount"], _MOST_DELIVERIES),
    }
    cut.setdefault("duplicateDetectionHistoryTimeWindow", _DEFAULT_WINDOW)
    return {f"{name[0].upper()}{name[1:]}": cut[name] for name in sorted(cut)}


def text() -> str:
    """The file as it should be."""
    return f"{json.dumps(configuration(json.loads(DEFINITION.read_text('utf-8'))['queues']), indent=2)}\n"


def main() -> int:
    """Writes it; returns the exit status."""
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{CONFIGURATION}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
