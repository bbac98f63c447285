"""The commands of the documentation: every block of a shell in README.md, CONTRIBUTING.md and docs/.

Lives here: reading the blocks, and what kind of command each line is. What running one means is its tests'.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions")]
)
BLOCK: Final = re.compile(r"^( *)```(console|sh|bash|shell)\b([^\n]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
MARK: Final = re.compile(r' title="Needs (?:Azure|Docker)[^"]*"')
"""What a block's fence says where nothing runs it. It is shown above the block."""

ELSEWHERE: Final = {
    "python -m sandbox up": "tests/sandbox/e2e/test_up_sandbox.py",
    "curl -X POST": "tests/sandbox/e2e/test_host_functions.py",
    ".ci/run": ".ci/run",
    "azurite-table": "tests/azurite_server.py",
}
"""What others start, by its first words, and where."""

SETS_UP: Final = re.compile(r"(?:\. |set -a|export |openssl |[a-z]+=).*", re.DOTALL)
"""A line that readies a shell for the lines after it: a shell runs these."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands: its page, where it begins, whether it is marked, and its lines."""

    page: Path
    line: int
    marked: bool
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a test calls it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> list[Block]:
    """Every block, in the order of its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for each in BLOCK.finditer(text):
            line = text.count("\n", 0, each.start()) + 1
            found.append(Block(page, line, MARK.fullmatch(each[3]) is not None, _commands(textwrap.dedent(each[4]))))
    return found


def _commands(text: str) -> tuple[str, ...]:
    """The lines that somebody types. With a prompt before any, the others are what was answered."""
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
