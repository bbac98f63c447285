"""Pictures of the page for README and docs: `make screenshots`. It needs Chromium; days in them are those of today."""

import base64
import logging
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sandbox.contoso import names
from tests.app.e2e.contoso_running import going_on, two_weeks
from tests.app.e2e.page.reader import Reader, started_chrome
from tests.simulation.two_weeks import BACK_OFFICE

PICTURES: Final = {
    "overview": "/",
    "profile": f"/profiles/{quote(names.CONTOSO_ACCOUNT, safe='')}/{names.CONTOSO_UK}",
    "person": f"/people/{BACK_OFFICE[1]}",
    "decision": "/decision?of=sweep:mover_revokes",
}
WIDTH: Final = 1120


def main() -> None:
    """Writes one PNG for each picture into the folder that is named."""
    logging.disable(logging.ERROR)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own, tempfile.TemporaryDirectory() as profile:
        two_weeks(Path(own))
        with going_on(Path(own), page=True) as sandbox:
            chrome = started_chrome(Path(profile))
            try:
                reader = Reader(chrome, f"{sandbox.page}/")
                reader.as_wide_as(WIDTH)
                reader.sign_in()
                for name, path in PICTURES.items():
                    reader.opens(path)
                    shot = chrome.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
                    (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
            finally:
                chrome.quit()


if __name__ == "__main__":
    main()
