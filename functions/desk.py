"""HTTP -> the page, and the same as JSON. Who asks, App Service authentication says: no function key opens it.

Each first segment of a path is a function of its own: a route that catches everything would take the host's `/admin`
away where an older host tries functions first. A route cannot be empty, so that `/` is a segment of no characters.
"""

import os
from urllib.parse import unquote, urlsplit

import azure.functions as func

from shared import bootstrap_desk
from shared.desk.asked import Asked
from shared.desk.site import SECTIONS, answer

blueprint = func.Blueprint()

_API = "api"
_METHODS = ["GET", "POST"]


async def _answer(request: func.HttpRequest) -> func.HttpResponse:
    reply = await answer(await bootstrap_desk.desk(), asked(request), os.environ)
    return func.HttpResponse(
        reply.body, status_code=reply.status, headers={"Content-Type": reply.media_type, **reply.headers}
    )


def asked(request: func.HttpRequest) -> Asked:
    """The request, as the site sees it."""
    segments = [unquote(part) for part in urlsplit(request.url).path.split("/") if part]
    is_api = segments[:1] == [_API]
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = dict(request.params)
    return Asked(request.method, tuple(segments[is_api:]), query, headers, request.get_body(), is_api)


def _register(name: str, route: str) -> None:
    registered = blueprint.route(
        route=route, methods=_METHODS, auth_level=func.AuthLevel.ANONYMOUS, trigger_arg_name="request"
    )
    blueprint.function_name(f"desk_{name}")(registered(_answer))


bootstrap_desk.check()
_register("root", "{ignored:maxlength(0)?}")
for _section in SECTIONS:
    _register(_section.replace("-", "_"), f"{_section}/{{*rest}}")
    _register(f"api_{_section.replace('-', '_')}", f"{_API}/{_section}/{{*rest}}")
for _file in ("style.css", "language"):
    _register(_file.replace(".", "_"), _file)
