"""Has checkov look at infra/: it reads every declaration, and complains of nothing but what has its reason.

`python -m deploy.scan_infra FOLDER` (`make scan`), where FOLDER is the environment that checkov is installed in. The
reasons are in infra/checkov.yaml. checkov passes over a file that it cannot parse and still ends well, so what it read
is counted first.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[1]
INFRA: Final = PROJECT / "infra"
CONFIGURATION: Final = INFRA / "checkov.yaml"

_DECLARED: Final = re.compile(r"^\s*(?:resource|module) \w+ '", re.MULTILINE)
_SKIP: Final = re.compile(r"^  - (CKV\w+)(?: # (.+))?$", re.MULTILINE)
_COUNT: Final = """
import json, sys
from pathlib import Path
from checkov.bicep.parser import Parser
parser, read = Parser(), {}
for name in sys.argv[1:]:
    tree, _ = parser.parse(Path(name))
    read[name] = len(tree.get("resources", {})) + len(tree.get("modules", {})) if tree else 0
print(json.dumps(read))
"""


def main(environment: Path) -> int:
    """Writes what is wrong to stderr; returns the exit status."""
    files = sorted(INFRA.rglob("*.bicep"))
    wrong = [*unread(files, environment), *unexpected(complaints(environment), reasons())]
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    if not wrong:
        declared = sum(map(declarations, files))
        sys.stdout.write(f"checkov read {declared} declarations in {len(files)} files, and says nothing new\n")
    return 1 if wrong else 0


def reasons() -> dict[str, str]:
    """Why a complaint stays, by check."""
    return dict(_SKIP.findall(CONFIGURATION.read_text(encoding="utf-8")))


def declarations(file: Path) -> int:
    """How many resources and modules a file declares."""
    return len(_DECLARED.findall(file.read_text(encoding="utf-8")))


def unread(files: list[Path], environment: Path) -> list[str]:
    """Files of which checkov reads less than they declare."""
    read: Mapping[str, int] = json.loads(_run(environment / "bin" / "python", "-c", _COUNT, *map(str, files)))
    counts = {file: (read[str(file)], declarations(file)) for file in files}
    return [f"{file}: checkov reads {few} of {all_}" for file, (few, all_) in counts.items() if few != all_]


def complaints(environment: Path, folder: Path = INFRA) -> dict[str, str]:
    """Every check that fails: its id, and what it says of which resource first."""
    scan = (
        "--directory",
        str(folder),
        "--framework",
        "bicep",
        "--skip-download",
        "--quiet",
        "--compact",
        "--soft-fail",
    )
    told: Any = json.loads(_run(environment / "bin" / "checkov", *scan, "--output", "json"))
    failed = told["results"]["failed_checks"]
    return {each["check_id"]: f"{each['check_name']} ({each['file_path']}: {each['resource']})" for each in failed}


def unexpected(found: Mapping[str, str], explained: Mapping[str, str]) -> list[str]:
    """Complaints without a reason, and reasons without a complaint."""
    new = [f"{check}: {said}" for check, said in sorted(found.items()) if not explained.get(check)]
    return new + [f"{check}: checkov no longer says this" for check in sorted(set(explained) - set(found))]


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT).stdout  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
