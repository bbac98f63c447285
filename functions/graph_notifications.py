"""HTTP -> people-events: Microsoft Graph's change notifications, and its notices about our subscriptions.

Graph shows no key. Each item has a `clientState`, and the answer is the same whether it is right or wrong.
"""

import azure.functions as func

from functions.http import answered, posted
from shared import bootstrap_front
from shared.services.front import take_notifications

blueprint = func.Blueprint()


async def _take(request: func.HttpRequest) -> func.HttpResponse:
    return answered(await take_notifications(await bootstrap_front.front(), posted(request)))


if bootstrap_front.check().graph_client_states:

    @blueprint.function_name("graph_notifications")
    @blueprint.route(
        route="api/graph/notifications",
        methods=["POST"],
        auth_level=func.AuthLevel.ANONYMOUS,
        trigger_arg_name="request",
    )
    async def graph_notifications(request: func.HttpRequest) -> func.HttpResponse:
        """Takes in change notifications, and answers the handshake."""
        return await _take(request)

    @blueprint.function_name("graph_lifecycle")
    @blueprint.route(
        route="api/graph/lifecycle",
        methods=["POST"],
        auth_level=func.AuthLevel.ANONYMOUS,
        trigger_arg_name="request",
    )
    async def graph_lifecycle(request: func.HttpRequest) -> func.HttpResponse:
        """Takes in lifecycle notifications, and answers the handshake."""
        return await _take(request)
