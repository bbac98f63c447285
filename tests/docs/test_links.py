"""Links: those that lead to files of this project find them, and those that lead elsewhere are listed.

Links between pages are also mkdocs' own to check (`make docs`); these are read as on GitHub, where no site is built.
"""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
OUTSIDE: Final = Path(__file__).with_name("outside_links.txt")
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
SCHEME: Final = re.compile(r"[a-z]+:")
NAMED: Final = re.compile(r"\bdocs/[\w/.-]+\.(?:md|json)(?:#[\w-]+)?")


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"^( *)```.*?^\1```$|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Of each heading, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def leads_nowhere(page: Path, target: str) -> bool:
    name, _, heading = target.partition("#")
    found = (page.parent / name) if name else page
    return not found.exists() or bool(heading and heading not in anchors(found))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    targets = [target for target in LINK.findall(prose(page)) if not SCHEME.match(target)]
    assert [target for target in targets if leads_nowhere(page, target)] == []


def test_every_page_that_code_and_configuration_name_exists() -> None:
    files = [
        path
        for folder in ("shared", "functions", "cli", "sandbox", "deploy", "infra")
        for path in (ROOT / folder).rglob("*")
    ]
    files += [path for path in ROOT.iterdir() if path.suffix in {".py", ".yaml", ".yml", ".toml"}]
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in files
        if path.suffix in {".py", ".yaml", ".yml", ".toml", ".bicep", ".kql", ".json"}
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert [one for one in sorted(named) if leads_nowhere(ROOT / "README.md", one[1])] == []


def test_links_that_lead_elsewhere_are_those_of_the_list() -> None:
    """Nothing here can follow them: whoever reviews the list does."""
    found = {target for page in PAGES for target in LINK.findall(prose(page)) if SCHEME.match(target)}
    assert sorted(found) == [line for line in OUTSIDE.read_text("utf-8").splitlines() if not line.startswith("#")]
