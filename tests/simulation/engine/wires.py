"""The ways from one process to the stand-ins: they take time, and fail as the weather is.

Lives here: what happens to a request and its answer on the way, and azure-core's end of it. What an answer
means to whoever watches is theirs.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Handler, Request, Response, as_json
from tests.simulation.engine.faults import Fault, Weather
from tests.simulation.engine.world import World

type Listener = Callable[[str, Request, Response], None]
"""Told of each answer as the process gets it: from whom, to what."""

_NEXT: Final = {"arm": "nextLink", "graph": "@odata.nextLink"}
_MARK: Final = "simulatedPage"
_GATEWAY: Final = Response(404, {"content-type": "text/html"}, b"<html>no such page</html>")

ELSEWHERE: Final = "https://elsewhere.example"
"""A host on which nobody but a thief waits for our token."""


class Wire:
    """One process's way to one stand-in."""

    def __init__(
        self,
        target: Literal["arm", "graph"],
        handler: Handler,
        weather: Weather,
        rng: random.Random,
        listener: Listener,
    ) -> None:
        self._target = target
        self._handler = handler
        self._weather = weather
        self._rng = rng
        self._listener = listener
        self._rests: dict[str, tuple[list[Any], str | None]] = {}

    async def pause(self) -> None:
        """Something is under way."""
        await asyncio.sleep(self._rng.uniform(0.005, 0.15))

    def answer(self, request: Request) -> Response:
        """What the process gets for a request."""
        if request.base == ELSEWHERE:
            answer = as_json(200, {"value": []})
        else:
            answer = self._arm(request) if self._target == "arm" else self._graph(request)
        self._listener(self._target, request, answer)
        return answer

    def _arm(self, request: Request) -> Response:
        if (refusal := self._arm_before()) is not None:
            return refusal
        answer = self._paged(request, self._handler)
        strikes, now = self._weather.strikes, asyncio.get_running_loop().time()
        if strikes(Fault.ARM_ERROR_AFTER, now):
            return as_json(self._weather.pick((500, 502, 504)), {"error": {"code": "Failed", "message": "broke off"}})
        if strikes(Fault.ARM_LOST_AFTER):
            return Response(500, hang_up=True)
        if strikes(Fault.ARM_GARBLED) and answer.status == 200:
            return _garbled(answer, ("properties", "name", "value", "id"), self._weather)
        if strikes(Fault.ARM_SLOW):
            return replace(answer, delay_seconds=self._weather.pick((3.0, 12.0, 19.0, 40.0)))
        return answer

    def _arm_before(self) -> Response | None:
        """What goes wrong before billing did anything."""
        strikes, now = self._weather.strikes, asyncio.get_running_loop().time()
        if strikes(Fault.ARM_THROTTLED, now):
            waits: tuple[dict[str, str], ...] = ({"retry-after": "3"}, {"retry-after": "30"}, {})
            return as_json(429, {"error": {"code": "429", "message": "Too many requests"}}, self._weather.pick(waits))
        if strikes(Fault.ARM_ERROR_BEFORE, now):
            return as_json(self._weather.pick((500, 503)), {"error": {"code": "Failed", "message": "not now"}})
        if strikes(Fault.ARM_LOST_BEFORE):
            return Response(500, hang_up=True)
        return _GATEWAY if strikes(Fault.ARM_GATEWAY, now) else None

    def _graph(self, request: Request) -> Response:
        if (refusal := self._graph_before()) is not None:
            return refusal
        answer = self._paged(request, self._handler)
        if self._weather.strikes(Fault.GRAPH_GARBLED) and answer.status == 200:
            return _garbled(answer, ("accountEnabled", "department", "id", "value", "userType"), self._weather)
        if self._weather.strikes(Fault.GRAPH_SLOW):
            return replace(answer, delay_seconds=self._weather.pick((3.0, 12.0, 28.0, 40.0)))
        return answer

    def _graph_before(self) -> Response | None:
        """What goes wrong before the directory was asked."""
        strikes, now = self._weather.strikes, asyncio.get_running_loop().time()
        if strikes(Fault.GRAPH_THROTTLED, now):
            waits: tuple[dict[str, str], ...] = ({"retry-after": "2"}, {"retry-after": "20"}, {})
            error = {"error": {"code": "TooManyRequests", "message": "too many"}}
            return as_json(429, error, self._weather.pick(waits))
        if strikes(Fault.GRAPH_ERROR, now):
            error = {"error": {"code": "UnknownError", "message": ""}}
            return as_json(self._weather.pick((500, 503, 504)), error)
        if strikes(Fault.GRAPH_LOST):
            return Response(500, hang_up=True)
        return _GATEWAY if strikes(Fault.GRAPH_GATEWAY, now) else None

    def _paged(self, request: Request, handler: Handler) -> Response:
        """The answer; a list may come in more pages than the stand-in makes of it."""
        mark = parse_qs(request.query).get(_MARK)
        if mark is not None:
            rows, link = self._rests[mark[0]]
            if self._weather.strikes(Fault.PAGE_EXPIRED):
                code = "Directory_ExpiredPageToken"
                return as_json(400, {"error": {"code": code, "message": "The page token has expired."}})
            return self._page(rows, link)
        answer = handler(request)
        if answer.status != 200 or request.method != "GET" or b'"value":[' not in answer.body:
            return answer
        split, emptied = self._weather.strikes(Fault.PAGE_SPLIT), self._weather.strikes(Fault.PAGE_EMPTY)
        if not (split or emptied):
            return answer
        body = json.loads(answer.body)
        rows = body["value"]
        cut = 0 if emptied else len(rows) // 2
        name = str(len(self._rests))
        self._rests[name] = (rows[cut:], body.get(_NEXT[self._target]))
        if self._weather.strikes(Fault.PAGE_ELSEWHERE):
            return self._page(rows[:cut], f"{ELSEWHERE}{request.target}")
        join = "&" if request.query else "?"
        return self._page(rows[:cut], f"{request.base}{request.target}{join}{_MARK}={name}")

    def _page(self, rows: list[Any], link: str | None) -> Response:
        return as_json(200, {"value": rows, **({_NEXT[self._target]: link} if link else {})})


def _garbled(answer: Response, names: tuple[str, ...], weather: Weather) -> Response:
    """The answer without one thing that it must have, or cut off."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer
    present = tuple(name for name in names if isinstance(body, dict) and name in body)
    if not present or weather.seconds(0, 1) < 0.2:
        return Response(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    name = weather.pick(present)
    rows = body.get("value")
    if (
        name == "value"
        and isinstance(rows, list)
        and rows
        and isinstance(rows[0], dict)
        and weather.seconds(0, 1) < 0.5
    ):
        inner = weather.pick(tuple(sorted(rows[0])))
        rows[0].pop(inner)
        if inner.startswith("@") or inner in {"type", "tags", "systemData"}:
            body.pop(name)
    else:
        body.pop(name)
    return as_json(answer.status, body)


class Shell(HandlerTransport):
    """azure-core's end of a wire."""

    def __init__(self, wire: Wire, hang_up_as: type[ServiceRequestError | ServiceResponseError]) -> None:
        super().__init__(wire.answer, hang_up_as=hang_up_as)
        self._wire = wire

    async def send(self, request: HttpRequest, **kwargs: Any) -> AsyncHttpResponse:
        """Sends a request, which takes time both ways."""
        await self._wire.pause()
        answer = await super().send(request, **kwargs)
        await self._wire.pause()
        return answer


class Token:
    """The app's credential: tokens of a few hours, from an endpoint that is not always there."""

    def __init__(self, world: World, weather: Weather) -> None:
        self._world = world
        self._weather = weather

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the first scope. Raises ClientAuthenticationError when the endpoint does not answer."""
        await asyncio.sleep(0)
        if self._world.now() < self._world.tokens_missing_until or self._weather.strikes(Fault.TOKEN_MISSING):
            raise ClientAuthenticationError("the identity endpoint does not answer (simulated)")
        parts = urlsplit(scopes[0])
        text = self._world.token(self._world.app, f"{parts.scheme}://{parts.netloc}")
        # Already over by the machine's clock, which the clients go by: they ask again for every request.
        return AccessToken(text, 0)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None
