"""Chromium at the page of a Contoso with two weeks behind it. Where there is none, tests are skipped, but for CI."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.app.e2e.contoso_running import going_on, two_weeks
from tests.app.e2e.page.reader import NoBrowserError, Reader, started_chrome


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for the whole session."""
    try:
        browser = started_chrome(tmp_path_factory.mktemp("chromium"))
    except NoBrowserError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}; under CI=true these tests are required", pytrace=False)
        pytest.skip(str(missing))
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the two weeks left."""
    folder = tmp_path_factory.mktemp("lived")
    two_weeks(folder)
    return folder


@pytest.fixture(scope="session")
def page(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page, where nobody decides anything."""
    state = tmp_path_factory.mktemp("read")
    shutil.copytree(lived, state, dirs_exist_ok=True)
    with going_on(state, page=True) as sandbox:
        yield f"{sandbox.page}/"


@pytest.fixture
def reader(chrome: Chrome, page: str) -> Reader:
    """Felix Smit, an operator, at the page."""
    found = Reader(chrome, page)
    found.as_wide_as(1280)
    found.sign_in()
    return found


@pytest.fixture
def own_reader(chrome: Chrome, lived: Path, tmp_path: Path) -> Iterator[Reader]:
    """Felix Smit at a Contoso of his own: what he decides, no other test sees."""
    shutil.copytree(lived, tmp_path / "own")
    with going_on(tmp_path / "own", page=True) as sandbox:
        found = Reader(chrome, f"{sandbox.page}/")
        found.as_wide_as(1280)
        found.sign_in()
        yield found
