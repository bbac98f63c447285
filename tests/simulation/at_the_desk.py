"""Somebody at the page: a browser's requests to the desk of a small company, signed in as the platform says it.

Lives here: the desk over the stage's store, and who visits it. No test.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.desk.app import Desk
from shared.desk.asked import FORM, Asked, Reply
from shared.desk.site import answer
from shared.settings import DeskSettings
from tests.simulation.small_world import TENANT, guid
from tests.simulation.stage import Stage

AUDIENCE: Final = guid(9, 1)
READER, AUDITOR, OLGA, PETE = (guid(9, number) for number in range(2, 6))
"""Somebody of finance, an auditor, and two operators."""

NAMES: Final = {READER: "Rita Reader", AUDITOR: "Ada Auditor", OLGA: "Olga Berg", PETE: "Pete Vos"}
ROLES: Final = {READER: "Reader", AUDITOR: "Auditor", OLGA: "Operator", PETE: "Operator"}
HOST: Final = "invoices.contoso.example"
SIGN_IN_ON: Final = {"WEBSITE_AUTH_ENABLED": "True"}


def desk_of(stage: Stage) -> Desk:
    """The desk of the stage's app: its store, its queues and its policy."""
    settings = DeskSettings.read(
        {
            "INVOICE_ACCESS_PART": "desk",
            "INVOICE_ACCESS_DESK_TENANT": TENANT,
            "INVOICE_ACCESS_DESK_AUDIENCE": AUDIENCE,
            "INVOICE_ACCESS_STORE": "sqlite::memory:",
            "ServiceBusConnection__fullyQualifiedNamespace": "127.0.0.1:9",
        }
    )
    app = stage.app
    return Desk(app.policy, settings, app.clock, app.random, app.queues, app.ledger, app.state)


def principal(person: str, **otherwise: str | None) -> dict[str, str]:
    """The platform's header for somebody; `otherwise` are claims that they have instead, None for none."""
    claims = {
        "oid": person,
        "tid": TENANT,
        "aud": AUDIENCE,
        "name": NAMES.get(person, person),
        "roles": ROLES.get(person),
    }
    said = [{"typ": typ, "val": val} for typ, val in (claims | otherwise).items() if val is not None]
    header = {"auth_typ": "aad", "claims": said, "name_typ": "name", "role_typ": "roles"}
    return {"x-ms-client-principal": b64encode(json.dumps(header).encode()).decode()}


class Browser:
    """A browser in which somebody is signed in."""

    def __init__(self, stage: Stage, person: str, *, language: str = "en", role: str = "") -> None:
        self.desk = desk_of(stage)
        self.person = person
        self.headers = principal(person, **({"roles": role} if role else {})) | {
            "host": HOST,
            "accept-language": language,
        }
        self.environment: Mapping[str, str] = SIGN_IN_ON

    async def get(self, url: str, **headers: str) -> Reply:
        """Opens an address."""
        return await self._send("GET", url, b"", headers)

    async def page(self, url: str) -> str:
        """The HTML of an address, which has to be there."""
        reply = await self.get(url)
        assert (reply.status, reply.media_type) == (200, "text/html; charset=utf-8"), reply.body.decode()
        return reply.body.decode()

    async def document(self, url: str) -> dict[str, Any]:
        """The JSON of an address, which has to be there."""
        reply = await self.get(f"/api{url}")
        assert (reply.status, reply.media_type) == (200, "application/json"), reply.body.decode()
        found: dict[str, Any] = json.loads(reply.body)
        return found

    async def post(self, url: str, form: Mapping[str, str], **headers: str) -> Reply:
        """Sends a form, as a browser does from a page of the site."""
        own = {"content-type": FORM, "origin": f"https://{HOST}", "sec-fetch-site": "same-origin"}
        return await self._send("POST", url, urlencode(form).encode(), own | headers)

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        parts = urlsplit(url)
        segments = [part for part in parts.path.split("/") if part]
        api = segments[:1] == ["api"]
        query = dict(parse_qsl(parts.query))  # without empty values, as the host gives them
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = Asked(method, tuple(segments[api:]), query, self.headers | sent, body, api)
        return await answer(self.desk, asked, self.environment)


class Seen(HTMLParser):
    """What a page shows: its text, its headings, its links and the fields of its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.h1 = ""
        self.links: list[str] = []
        self.fields: dict[str, str] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.text, self.h1 = " ".join(self.text.split()), " ".join(self.h1.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in given.items()]
        self._open.append(tag)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open and self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"
        if "h1" in self._open:
            self.h1 += data
