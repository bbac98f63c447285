"""access-work -> the right access: one key at a time per session."""

import azure.functions as func

from shared import bootstrap
from shared.adapters.work_wire import decode
from shared.domain.work import RejectedEvent
from shared.errors import Rejected
from shared.services.reconcile import reconcile as take_a_look

bootstrap.check()
blueprint = func.Blueprint()


@blueprint.function_name("reconcile")
@blueprint.service_bus_queue_trigger(
    arg_name="message",
    connection="ServiceBusConnection",
    queue_name="access-work",
    is_sessions_enabled=True,
    data_type=func.DataType.BINARY,
    auto_complete_messages=True,
)
async def reconcile(message: func.ServiceBusMessage) -> None:
    """Hands one work item to the service; returning completes it, raising has it redelivered."""
    app = bootstrap.app()
    body = message.get_body()
    try:
        item = decode(body, message.session_id or "")
    except Rejected as wrong:
        event = RejectedEvent(body, wrong.field, wrong.reason, wrong.mend, message.message_id)
        await app.queues.send_rejected([event])
        return
    await take_a_look(app, item)
