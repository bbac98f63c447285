"""HTTP triggers without sockets: which function a request is for, whether it may, and what it becomes.

What may live here: route templates, keys, and the translation between HTTP and a function's values. A route
that no function has, or has with another method, is 404; a missing or wrong key is 401, as on the platform,
and here with a message. A function gets a request as `GrpcMessageConversionExtensions.ToRpcHttp` of the Functions host
hands it on: without its body where no `Content-Length` says how long that is (`Transfer-Encoding: chunked`), the values
of a query key that comes more than once joined, and empty ones left out.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.host.bindings import BindingError, Function, HttpTrigger
from sandbox.host.frames import Datum
from sandbox.wire import Request, Response, as_json

_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?::(?P<kind>\w+(?:\(\d+\))?))?(?P<optional>\?)?\}")
_KINDS = {
    "": "[^/]+",
    "int": r"-?\d+",
    "long": r"-?\d+",
    "alpha": "[A-Za-z]+",
    "bool": "(?i:true|false)",
    "maxlength(0)": "",
    "guid": "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this host: the master key opens everything, the function key what asks for `function`."""

    master: str
    function: str

    def open(self, level: str, given: str) -> bool:
        """Whether the key `given` (empty for none) is enough for a function of that authorization level."""
        if level == "anonymous":
            return True
        enough = (self.master,) if level == "admin" else (self.master, self.function)
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in enough)


@dataclass(frozen=True, slots=True)
class _Route:
    function: Function
    trigger: HttpTrigger
    pattern: re.Pattern[str]
    literal_segments: int


@dataclass(frozen=True, slots=True)
class Matched:
    """A request that a function is to answer, as the trigger's value."""

    function: Function
    value: Datum


class Routes:
    """The HTTP functions of an app under `prefix` (may be empty).

    Raises:
        BindingError: a route template cannot be read.
    """

    def __init__(self, functions: Iterable[Function], prefix: str, keys: Keys) -> None:
        self._keys = keys
        found = [
            _compile(function, function.trigger, prefix)
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        # The more of a template is literal, the sooner it is tried: /people/me before /people/{id}.
        self._routes = sorted(found, key=lambda route: -route.literal_segments)

    def match(self, request: Request) -> Matched | Response:
        """The function that answers `request`, or the refusal."""
        path = request.target.partition("?")[0].strip("/")
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found is None or request.method.upper() not in route.trigger.methods:
                continue
            if not self._keys.open(route.trigger.auth_level, _key_of(request)):
                wanted = "x-functions-key, or code in the URL; GET /admin/host/keys tells it"
                return as_json(401, {"message": f"the key is missing or wrong: {wanted}"})
            params = [(name, unquote(text)) for name, text in found.groupdict().items() if text is not None]
            return Matched(route.function, _as_datum(request, params))
        return Response(404)


def _compile(function: Function, trigger: HttpTrigger, prefix: str) -> _Route:
    pattern = ""
    literals = 0
    segments = [segment for segment in f"{prefix}/{trigger.route}".split("/") if segment]
    for number, segment in enumerate(segments):
        slash = "/" if number else ""
        whole = _PARAMETER.fullmatch(segment)
        if whole is None:
            pattern += slash + _compile_mixed(segment, trigger.route)
            literals += "{" not in segment
        elif whole["star"]:
            pattern += f"(?:{slash}(?P<{whole['name']}>.*))?"
        elif whole["optional"]:
            pattern += f"(?:{slash}(?P<{whole['name']}>{_kind(whole, trigger.route)}))?"
        else:
            pattern += f"{slash}(?P<{whole['name']}>{_kind(whole, trigger.route)})"
    return _Route(function, trigger, re.compile(pattern, re.IGNORECASE), literals)


def _compile_mixed(segment: str, route: str) -> str:
    pattern, end = "", 0
    for found in _PARAMETER.finditer(segment):
        pattern += re.escape(segment[end : found.start()]) + f"(?P<{found['name']}>{_kind(found, route)})"
        end = found.end()
    rest = segment[end:]
    if "{" in rest or "}" in rest:
        raise BindingError(f"the route '{route}' cannot be read at '{segment}'")
    return pattern + re.escape(rest)


def _kind(found: re.Match[str], route: str) -> str:
    kind = found["kind"] or ""
    if kind not in _KINDS:
        raise BindingError(
            f"the route '{route}' asks for '{kind}'; this host knows {', '.join(sorted(filter(None, _KINDS)))}"
        )
    return _KINDS[kind]


def _key_of(request: Request) -> str:
    return request.headers.get("x-functions-key") or dict(parse_qsl(request.query)).get("code", "")


def _as_datum(request: Request, params: list[tuple[str, str]]) -> Datum:
    value: dict[str, Any] = {
        "method": request.method,
        "url": f"{request.base}{request.target}",
        "headers": list(request.headers.items()),
        "params": params,
        "query": list(_query(request).items()),
        "body": request.body if request.headers.get("content-length") else b"",
    }
    return Datum("http", value)


def _query(request: Request) -> dict[str, str]:
    """Keys are one whatever their case, in the spelling that came first; `parse_qsl` leaves empty values out."""
    spelled: dict[str, str] = {}
    joined: dict[str, list[str]] = {}
    for name, text in parse_qsl(request.query):
        joined.setdefault(spelled.setdefault(name.casefold(), name), []).append(text)
    return {name: ",".join(texts) for name, texts in joined.items()}


def as_response(returned: Datum) -> Response:
    """The HTTP answer that a function's return value stands for; 204 when it returned nothing."""
    match returned.kind:
        case None:
            return Response(204)
        case "http":
            headers = dict(returned.value["headers"])
            # One header per cookie is more than a mapping holds; several become one, as HTTP/1.1 allows for
            # most readers.
            if returned.value["cookies"]:
                headers["set-cookie"] = ", ".join(returned.value["cookies"])
            return Response(returned.value["status"], headers, returned.value["body"])
        case "bytes":
            return Response(200, {"content-type": "application/octet-stream"}, returned.value)
        case "json":
            return Response(200, {"content-type": "application/json; charset=utf-8"}, returned.value.encode())
        case _:
            return Response(200, {"content-type": "text/plain; charset=utf-8"}, str(returned.value).encode())
