"""Every page in a real browser: nobody is kept out, nothing comes from elsewhere, nothing breaks."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from sandbox.contoso import names
from shared.desk.site import PAGES
from tests.app.e2e.page.reader import Reader
from tests.simulation.two_weeks import BACK_OFFICE

UK: Final = f"/profiles/{quote(names.CONTOSO_ACCOUNT, safe='')}/{names.CONTOSO_UK}"
QUENTIN: Final = f"/people/{BACK_OFFICE[1]}"

READ: Final = {
    "": "/",
    "overview": "/overview",
    "todo": "/todo",
    "decision": "/decision?of=sweep:mover_revokes",
    "pause": "/pause",
    "profiles": "/profiles",
    "profiles/*": UK,
    "people": "/people?show=access",
    "people/*": QUENTIN,
    "activity": "/activity",
    "as-of": f"/as-of?on={datetime.now(UTC):%Y-%m-%d}&profile={UK.removeprefix('/profiles/')}",
    "health": "/health",
    "words": "/words",
}
"""Each page of the site, and an address of it that has something to show."""

REFUSED: Final = {
    "/words/nothing": 404,
    "/people/00000000-0000-4000-8000-00000000dead": 404,
    "/profiles/nobody/nothing": 404,
    "/decision?of=no-such-hold": 404,
    "/confirm": 405,
    "/check": 405,
    "/as-of?on=tomorrow": 400,
}
"""What is no page, with its status: each says what happened."""

SCREENS: Final = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
WIDTHS: Final = (320, 390, 768, 1280, 1920)
OWN: Final = ("data:", "about:")


ADDRESSES: Final = [*(path for name, path in READ.items() if name in PAGES), *REFUSED]


def test_every_page_of_the_site_is_read_here() -> None:
    assert PAGES.keys() - READ.keys() == {"confirm", "check"}  # reached by a form alone


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_keeps_nobody_out_on_any_screen(reader: Reader, path: str) -> None:
    found: dict[str, list[str]] = {}
    for width, scheme in SCREENS:
        reader.as_wide_as(width, scheme)
        reader.opens(path)
        if violations := reader.axe():
            found[f"{width} px, {scheme}"] = violations
    assert found == {}


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_is_whole_by_itself_and_never_scrolls_sideways(reader: Reader, path: str) -> None:
    for width in WIDTHS:
        reader.as_wide_as(width)
        reader.opens(path)
        beyond = reader.chrome.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert beyond <= 0, f"{path} at {width} px scrolls sideways by {beyond} px"
    seen = reader.look()
    assert {url for url in seen.asked if not url.startswith((reader.home, *OWN))} == set()
    expected = REFUSED.get(path, 200)
    statuses = {status for url, status in seen.answered.items() if url.endswith(path)}
    assert statuses == {expected}
    assert [one for one in seen.complaints if "Failed to load resource" not in one] == []
    inline = "return document.querySelectorAll('[style], style, script:not([src])').length"
    assert reader.chrome.execute_script(inline) == 0


@pytest.mark.parametrize("person", [names.SANNE_BAKKER, names.CAMILLE_VOS])
def test_whoever_may_not_decide_sees_no_button_for_it(reader: Reader, person: str) -> None:
    reader.sign_in(person)
    reader.opens(READ["decision"])
    buttons = reader.chrome.execute_script("return [...document.querySelectorAll('main button')].length")
    assert (buttons > 0) == (person == names.CAMILLE_VOS)


def test_a_decision_is_made_with_the_keyboard_alone(own_reader: Reader) -> None:
    own_reader.opens("/")
    _follow(own_reader, "/decision")
    assert own_reader.path == "/decision"
    _go_to(own_reader, "input[name=do]")
    _press(own_reader, Keys.SPACE)
    _go_to(own_reader, "textarea[name=why]")
    _press(own_reader, "Treasury moved to another office")
    _go_to(own_reader, "main form button")
    _press(own_reader, Keys.ENTER)
    WebDriverWait(own_reader.chrome, 20).until(lambda _: "Check and confirm" in own_reader.heading)
    assert own_reader.axe() == []
    _go_to(own_reader, "main form button")
    _press(own_reader, Keys.ENTER)
    WebDriverWait(own_reader.chrome, 20).until(lambda _: own_reader.path == "/todo")
    said = own_reader.chrome.execute_script("return document.querySelector('main').innerText")
    assert "33 changes are released" in said
    assert "No change waits for a decision." in said


def _press(reader: Reader, *keys: str) -> None:
    ActionChains(reader.chrome).send_keys(*keys).perform()


def _go_to(reader: Reader, selector: str) -> None:
    """Presses the tab key until it has brought the reader to an element; each stop on the way is to be seen."""
    for _ in range(200):
        _press(reader, Keys.TAB)
        if reader.chrome.execute_script(f"return document.activeElement.matches('{selector}')"):
            seen = reader.chrome.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
            assert seen != "none", f"nobody sees that {selector} has the focus"
            return
    raise AssertionError(f"the tab key never comes to {selector}")


def _follow(reader: Reader, path: str) -> None:
    _go_to(reader, f'main a[href^="{path}"]')
    _press(reader, Keys.ENTER)
    WebDriverWait(reader.chrome, 20).until(lambda _: reader.path == path)
