"""The documentation as a site: it is built without a warning, holds every page, and loads nothing from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from mkdocs.config import load_config

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
POLICY: Final = re.compile(r"(?:'none'|'self'|'unsafe-inline'|file:|data:|blob:|[a-z]+-(?:src|uri|action)|[; ])+")
"""A content security policy that lets nobody in but the site itself."""
LOADED_BY_LINK: Final = frozenset(
    {"stylesheet", "preload", "prefetch", "icon", "preconnect", "modulepreload", "manifest"}
)


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As `make docs` does. Never with --quiet: then mkdocs counts no warning, and --strict fails for none."""
    return subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=project, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


class Loads(HTMLParser):
    """What a browser loads for a page by itself, and its content security policy."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        if tag == "link" and LOADED_BY_LINK & {*given.get("rel", "").split()}:
            self.found.append(given["href"])
        self.found += [given[name] for name in ("src", "srcset", "poster", "action", "data") if name in given]


def pages() -> set[str]:
    return {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def listed(nav: object) -> Iterator[str]:
    """Every page of a navigation."""
    match nav:
        case str():
            yield nav
        case list():
            for each in nav:
                yield from listed(each)
        case dict():
            for each in nav.values():
                yield from listed(each)


def test_the_navigation_holds_every_page_once_and_the_decisions_by_their_list() -> None:
    nav = [*listed(load_config(str(ROOT / "mkdocs.yml"))["nav"])]
    assert len(nav) == len({*nav})
    records = {page for page in pages() if re.fullmatch(r"decisions/\d{4}-.*\.md", page)}
    assert pages() - records == {*nav}


def test_a_page_loads_nothing_from_elsewhere_and_browsers_are_told_so(site: Path) -> None:
    built = [*site.rglob("*.html")]
    assert len(built) > len(pages())
    for page in built:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.found, page
        assert [one for one in loads.found if "//" in one] == [], page
        assert POLICY.fullmatch(loads.policy), page
        assert loads.policy.startswith("default-src 'none'"), page


def test_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    styles = [*site.rglob("*.css")]
    assert styles
    loaded = [one for style in styles for one in re.findall(r"(?:url\(|@import)\s*['\"]?([^)'\"]+)", style.read_text())]
    assert [one for one in loaded if not one.startswith("data:") and "//" in one] == []


def test_no_page_leads_a_script_to_load_what_it_would_load_from_elsewhere(site: Path) -> None:
    """The theme's script fetches a repository's stars and a library for diagrams, where a page asks for them."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'data-md-component="source"|class="[^"]*mermaid', text), page


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[a page](reference/nowhere.md)", "reference/nowhere.md"),
        ("[a heading](reference/settings.md#nowhere)", "#nowhere"),
        ("[a heading here](#nowhere)", "#nowhere"),
        ("[a folder](/reference/)", "/reference/"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(wrong: str, told: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "reference").mkdir(parents=True)
    shutil.copytree(DOCS / ".theme", docs / ".theme")
    (docs / "reference" / "settings.md").write_text("# Settings\n")
    (docs / "index.md").write_text(f"# Start\n\n{wrong}\n")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[0]
    (tmp_path / "mkdocs.yml").write_text(text, encoding="utf-8")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert told in built.stderr


def test_what_is_made_and_what_the_checks_run_is_built_strictly() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = makefile.partition("\ndocs:")[2].partition("\n\n")[0]
    assert "mkdocs build --strict\n" in f"{target}\n"
    assert "make docs" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("page", sorted(pages()))
def test_what_a_page_has_is_shown_whole(page: str, site: Path) -> None:
    """A list that is nested by less than four spaces, or a fence that is not understood, swallows what is in it."""
    written = re.sub(
        r"^( *)```.*?^\1```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    html = (site / page.replace("README", "index")).with_suffix(".html").read_text(encoding="utf-8")
    article = html.partition("<article")[2].partition("</article>")[0]
    assert len(re.findall(r"<h[2-6] id", article)) == len(re.findall(r"^#{2,6} ", written, re.MULTILINE))
    assert article.count("<table") == len(re.findall(r"^ *\|(?:[-:]+\|)+$", written, re.MULTILINE))
    assert article.count("<li>") == len(re.findall(r"^ *(?:- |\d+\. )", written, re.MULTILINE))
    assert re.findall(r"^ {1,3}- ", written, re.MULTILINE) == []
