"""access-work -> the right access: one key at a time per session."""

import logging

import azure.functions as func

from functions.messages import trace_of
from shared import bootstrap
from shared.adapters.queues.work_wire import decode, waiting_event
from shared.domain.work import RejectedEvent, WorkItem
from shared.errors import Rejected
from shared.services.bugs import BugRuns, Delivered
from shared.services.outage import outlast, patience
from shared.services.reconcile.reconcile import reconcile

bootstrap.check()
blueprint = func.Blueprint()
_bugs = BugRuns()
_log = logging.getLogger(__name__)


@blueprint.function_name("reconcile")
@blueprint.service_bus_queue_trigger(
    arg_name="message",
    connection="ServiceBusConnection",
    queue_name="access-work",
    is_sessions_enabled=True,
    data_type=func.DataType.BINARY,
    auto_complete_messages=True,
)
async def on_access_work(message: func.ServiceBusMessage) -> None:
    """Hands one work item to the service; returning completes it, raising has it redelivered at once."""
    app, until = bootstrap.app(), patience()
    body = message.get_body()
    read = _read(body, message)
    if isinstance(read, WorkItem):
        came = Delivered(body, message.session_id or "", message.sequence_number, message.message_id)
        trace = trace_of(app, "access-work", message, read.due)
        rejected = await _bugs.guard(reconcile(app, read, trace), came)
    else:
        rejected = read
    if rejected is not None:
        await outlast(lambda: app.queues.send_rejected([rejected]), until, "reconcile")


def _read(body: bytes, message: func.ServiceBusMessage) -> WorkItem | RejectedEvent:
    waiting = waiting_event(body, message.application_properties or {})
    if waiting is not None:
        return waiting
    try:
        return decode(body, message.session_id or "")
    except Rejected as wrong:
        # Without the reason, which may quote a name; rejected-events has it.
        number = message.sequence_number
        _log.warning("access-work: message %s is no work item (%s), and goes to rejected-events", number, wrong.field)
        return RejectedEvent(body, wrong.field, wrong.reason, wrong.remedy, message.message_id)
