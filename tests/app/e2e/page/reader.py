"""Somebody with a browser at the page: Debian's `chromium` and `chromium-driver`, led by selenium.

Lives here: starting one, signing in, looking. No test.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from sandbox.contoso.names import FELIX_SMIT
from tests.npm import installed

ARGUMENTS: Final = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--accept-lang=en",
)
AXE: Final = Path(__file__).parents[3] / "axe"
HEIGHT: Final = 900


@dataclass
class Reader:
    """Somebody with a browser: where they are, and what the browser was told and asked for since they last looked."""

    chrome: Chrome
    home: str

    def sign_in(self, person: str = FELIX_SMIT) -> None:
        """Signs in at what stands for the platform's sign-in, as an object id of the sandbox."""
        self.chrome.delete_all_cookies()
        self.chrome.get(f"{self.home}.auth/login/aad?as={person}")
        self.look()

    def opens(self, path: str) -> None:
        """Opens a page of the app."""
        self.chrome.get(self.home + path.removeprefix("/"))

    @property
    def path(self) -> str:
        """Where the reader is."""
        return urlsplit(self.chrome.current_url).path

    @property
    def heading(self) -> str:
        """What the page says first."""
        return str(self.chrome.execute_script("return document.querySelector('h1').innerText"))

    def look(self) -> "Seen":
        """What the browser asked for, was answered and complained of since the last look."""
        asked: list[str] = []
        answered: dict[str, int] = {}
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            match message:
                case {"method": "Network.requestWillBeSent", "params": {"request": {"url": str(url)}}}:
                    asked.append(url)
                case {
                    "method": "Network.responseReceived",
                    "params": {"response": {"url": str(url), "status": status}},
                }:
                    answered[url] = int(status)
        return Seen(asked, answered, [entry["message"] for entry in self._log("browser")])

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self.chrome.get_log(kind))  # type: ignore[no-untyped-call]  # selenium has no types there

    def as_wide_as(self, width: int, scheme: str = "light") -> None:
        """Sets the width of the window in CSS pixels, and whether the reader wants it light or dark."""
        self.chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
        )
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def axe(self) -> list[str]:
        """What axe-core finds on the page: each rule, with the first element that breaks it."""
        self.chrome.execute_script(installed(AXE, "axe-core/axe.min.js").read_text(encoding="utf-8"))
        found: list[Mapping[str, Any]] = self.chrome.execute_async_script(
            "const done = arguments[0]; axe.run(document, {runOnly: arguments[1] || "
            "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})"
            ".then(found => done(found.violations))"
        )
        return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}" for one in found]


@dataclass(frozen=True, slots=True)
class Seen:
    """Addresses that a browser asked for, their statuses, and its complaints: a refused style is one of them."""

    asked: list[str]
    answered: Mapping[str, int]
    complaints: list[str]


class NoBrowserError(Exception):
    """There is no Chromium here; its text names the packages."""


def started_chrome(profile: Path) -> Chrome:
    """A browser whose profile lies in an empty folder. Raises `NoBrowserError`."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        raise NoBrowserError("chromium and chromedriver are missing: Debian's packages chromium and chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return Chrome(options=options, service=Service(driver))
