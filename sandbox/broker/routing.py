"""Which link an attach asks for: by its address, its direction, and what its connection may see."""

from typing import TYPE_CHECKING

from sandbox.broker.amqp_types import AmqpError, Described, fields_of
from sandbox.broker.frames import Attach
from sandbox.broker.links import Link
from sandbox.broker.management import Management
from sandbox.broker.nodes import AnswerLink, Node, RequestLink, entity_of, path_of
from sandbox.broker.queue_links import QueueReceiver, QueueSender

if TYPE_CHECKING:
    from sandbox.broker.channel import Channel

_CBS = "$cbs"


def link_for(channel: "Channel", attach: Attach) -> Link:
    """The link, not yet started.

    Raises `AmqpError` (no address, no permission), `EntityNotFound` or `EntityDisabled`.
    """
    receives = attach.role
    path = path_of(_address(attach.source if receives else attach.target))
    connection = channel.connection
    if path.lower() == _CBS:
        return _node_link(channel, attach, path, connection.tokens)
    entity = entity_of(path)
    if not connection.may_use(entity):
        raise AmqpError(
            "amqp:unauthorized-access",
            f"Unauthorized access to '{entity}'. Put a token for it to $cbs on this connection first.",
        )
    queue = connection.broker.queue(entity)
    queue.refuse_if_disabled()
    if entity != path:
        return _node_link(channel, attach, path, Management(queue, connection.session_lock))
    return QueueReceiver(channel, attach, queue) if receives else QueueSender(channel, attach, queue)


def _node_link(channel: "Channel", attach: Attach, path: str, node: Node) -> Link:
    address = path.lower()
    return AnswerLink(channel, attach, address) if attach.role else RequestLink(channel, attach, address, node)


def _address(end: Described | None) -> str:
    """The address of a source or target; transaction coordinators and dynamic nodes have none."""
    fields = fields_of(end)
    address = fields[0] if fields else None
    if not isinstance(address, str):
        raise AmqpError("amqp:not-implemented", "Links need an address: no dynamic nodes, no transactions.")
    return address
