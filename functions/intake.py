"""people-events -> access-work: a batch of events from anybody, each of which may be wrong."""

from typing import List  # noqa: UP035 - the worker library knows typing.List, and refuses list[...]

import azure.functions as func

from functions.messages import trace_of
from shared import bootstrap
from shared.services.intake.intake import Incoming, Progress, intake

bootstrap.check()
blueprint = func.Blueprint()
_progress = Progress()


@blueprint.function_name("intake")
@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    connection="ServiceBusConnection",
    queue_name="people-events",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
    auto_complete_messages=True,
)
async def on_people_events(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006 - see above
    """Hands a batch to the service; returning completes it."""
    app = bootstrap.app()
    batch = [
        Incoming(message.get_body(), message.sequence_number, trace_of(app, "people-events", message))
        for message in messages
    ]
    await intake(app, batch, _progress)
