"""What a page costs, on the store of a large estate: 2,000 people, 200 profiles.

CPU of the desk in this process, from a request to the answer's bytes; and beside it, in turn, that of a Flask page that
has the same rows at hand and renders them with jinja2. Run it alone with `python -m benchmarks.page_cost`.
"""

import asyncio
import json
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from flask import Flask, render_template_string

from benchmarks import answers
from benchmarks.figures import Figure, show
from shared import bootstrap_desk
from shared.desk.app import Desk
from shared.desk.asked import Asked, Reply
from shared.desk.site import answer

MOST_MS: Final = 60
MOST_KB: Final = 150
MOST_RATIO: Final = 1.5
RUNS: Final = 20
"""The quickest counts: on a busy machine the others are its own doing."""

_TENANT: Final = "0b5e6d1c-0000-4000-8000-000000000001"
_AUDIENCE: Final = "0b5e6d1c-0000-4000-8000-000000000002"
_PART: Final = {
    "WEBSITE_AUTH_ENABLED": "True",
    "INVOICE_ACCESS_PART": "desk",
    "INVOICE_ACCESS_DESK_TENANT": _TENANT,
    "INVOICE_ACCESS_DESK_AUDIENCE": _AUDIENCE,
}
_LISTS: Final = ("profiles", "people")
_TEMPLATE: Final = """<!doctype html><html lang="en"><title>{{ title }}</title><table>
{% for row in rows %}<tr>{% for name, value in row.items() %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table></html>"""


def _visitor() -> dict[str, str]:
    claims = {"oid": answers.person_id(1), "tid": _TENANT, "aud": _AUDIENCE, "name": "Person 1", "roles": "Operator"}
    said = [{"typ": typ, "val": val} for typ, val in claims.items()]
    header = {"auth_typ": "aad", "claims": said, "name_typ": "name", "role_typ": "roles"}
    return {"x-ms-client-principal": b64encode(json.dumps(header).encode()).decode()}


def _least_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(RUNS):
        begun = time.process_time()
        work()
        took.append(1000 * (time.process_time() - begun))
    return min(took)


def _in_flask(title: str, rows: list[dict[str, Any]]) -> Callable[[], object]:
    """A request to a page with these rows, as Flask serves it."""
    app = Flask("compared")
    app.add_url_rule("/", "rows", lambda: render_template_string(_TEMPLATE, title=title, rows=rows))
    client = app.test_client()
    assert client.get("/").status_code == 200
    return lambda: client.get("/").data


def figures(folder: Path) -> list[Figure]:
    """Of each page the CPU and the size; of the lists also what they are of Flask's."""
    answers.prepare(folder)
    known = answers.environment(folder) | _PART
    desk = bootstrap_desk.build(bootstrap_desk.read_configuration(known))
    with asyncio.Runner() as runner:
        return _measured(lambda *path, api=False: runner.run(_answered(desk, known, path, api=api)))


async def _answered(desk: Desk, known: Mapping[str, str], path: tuple[str, ...], *, api: bool) -> Reply:
    reply = await answer(desk, Asked("GET", path, headers=_visitor(), api=api), known)
    assert reply.status == 200, (path, reply.status, reply.body[:300])
    return reply


def _measured(get: Callable[..., Reply]) -> list[Figure]:
    listed = json.loads(get("profiles", api=True).body)["profiles"]
    account, _, profile = listed[117]["id"].rpartition("/")
    pages = {
        "overview": ("overview",),
        "profiles": ("profiles",),
        "people": ("people",),
        "a profile": ("profiles", account, profile),
        "a person": ("people", quote(answers.person_id(1234))),
    }
    found = []
    for name, path in pages.items():
        took = _least_ms(lambda path=path: get(*path))  # type: ignore[misc]
        found.append(Figure(f"{name}: CPU", took, "ms", MOST_MS))
        found.append(Figure("  size", len(get(*path).body) / 1000, "KB", MOST_KB))
        if name in _LISTS:
            rows = json.loads(get(*path, api=True).body)[name]
            flask = _least_ms(_in_flask(name, rows))
            found.append(Figure(f"  of Flask with the same {len(rows)} rows", took / flask, "x", MOST_RATIO))
    return found


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        show("The page, for 2,000 people and 200 profiles", figures(Path(folder)))


if __name__ == "__main__":
    main()
