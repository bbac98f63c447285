"""HTTP -> people-events: one function per source of events, so that each has the access level that it needs.

A source whose keys are not set has no function: its URL answers 404.
"""

from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.http import answered, posted
from shared import bootstrap_front
from shared.services.front import shake_hands, take_events
from shared.sources.event_grid import EVENT_GRID
from shared.sources.registry import in_force
from shared.sources.signatures import FunctionKey
from shared.sources.source import Source

blueprint = func.Blueprint()


def _taker(source: Source) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    async def take(request: func.HttpRequest) -> func.HttpResponse:
        front = await bootstrap_front.front()
        if request.method == "OPTIONS":
            return answered(shake_hands(front, posted(request)))
        return answered(await take_events(front, source.name, posted(request)))

    return take


def _register(source: Source) -> None:
    level = func.AuthLevel.FUNCTION if isinstance(source.proof, FunctionKey) else func.AuthLevel.ANONYMOUS
    methods = ["POST", "OPTIONS"] if source is EVENT_GRID else ["POST"]
    route = blueprint.route(
        route=f"api/events/{source.name}", methods=methods, auth_level=level, trigger_arg_name="request"
    )
    blueprint.function_name(f"events_{source.name.replace('-', '_')}")(route(_taker(source)))


for _source in in_force(bootstrap_front.check()).values():
    _register(_source)
