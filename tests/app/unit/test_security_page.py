"""docs/explanation/security.md: every part has its section, and everything that is named there exists."""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
PARTS = (
    "The queue sender",
    "The HTTP caller",
    "The directory writer",
    "The policy writer",
    "The state writer",
    "The ledger writer",
    "The operator",
    "The app's identity itself",
)
PLACES = ("shared/", "functions/", "cli/", "sandbox/", "tests/", "docs/", "benchmarks/")


def sections() -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def claims() -> list[tuple[str, list[str], list[str]]]:
    """What is claimed, the modules it is about, and the tests that prove it."""
    rows = [row.strip("|").split("|") for row in sections()["Claims"].splitlines() if row.startswith("| ")][1:]
    assert all(len(row) == 3 for row in rows), "a row of the table has three cells"
    return [(claim.strip(), _quoted(where), _quoted(proof)) for claim, where, proof in rows]


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@functools.cache
def found_in(path: Path) -> dict[str, bool]:
    """The tests of a file, each with whether it is expected to fail."""
    return {
        node.name: any("xfail" in ast.unparse(mark) for mark in node.decorator_list)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def named_tests(text: str) -> list[tuple[Path, str]]:
    """The tests that a text names."""
    return [(ROOT / path, name) for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)]


def test_every_part_says_who_what_they_can_what_stops_it_and_what_does_not() -> None:
    found = sections()
    for part in PARTS:
        said = " ".join(re.findall(r"\*\*([^*]+)\*\*", found[part]))
        for word in ("who", "can", "what stops it", "what does not"):
            assert re.search(rf"\b{word}\b", said, re.IGNORECASE), f"{part}: {word}"


def test_every_file_that_the_page_names_exists() -> None:
    named = {name.partition("::")[0] for name in _quoted(PAGE) if name.startswith(PLACES)}
    assert len(named) > 30
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = named_tests(PAGE)
    assert len(named) > 50
    assert [f"{path.name}::{name}" for path, name in named if name not in found_in(path)] == []


def test_every_claim_names_a_module_and_a_test_that_passes() -> None:
    for claim, where, proof in claims():
        assert where, claim
        assert all((ROOT / path).is_file() for path in where), claim
        tests = named_tests(" ".join(f"`{name}`" for name in proof))
        assert tests, claim
        assert len(tests) == len(proof), claim
        assert not any(found_in(path)[name] for path, name in tests), f"{claim}: a test that is expected to fail"


def test_every_threat_is_on_the_page_and_a_gap_is_a_known_one() -> None:
    threats = ROOT / "tests" / "simulation" / "test_sim_threats.py"
    gaps = {name for path, name in named_tests(sections()["Known gaps"]) if path == threats}
    assert gaps == {name for name, fails in found_in(threats).items() if fails}
    assert {name for path, name in named_tests(PAGE) if path == threats} == set(found_in(threats))


def test_links_lead_to_pages_and_headings_that_exist() -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE):
        page, _, heading = target.partition("#")
        text = PAGE if not page else (ROOT / "docs" / "explanation" / page).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not heading or heading in anchors, target
