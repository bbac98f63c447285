"""Which link an attach asks for: by its address, its direction, and what its connection may see."""

from dataclasses import dataclass

from sandbox.broker.amqp_types import AmqpError, Described, fields_of
from sandbox.broker.carrier import Carrier
from sandbox.broker.frames import Attach
from sandbox.broker.links import Link
from sandbox.broker.management import FindSession, Management
from sandbox.broker.model import Broker
from sandbox.broker.nodes import AnswerLink, Node, RequestLink, Tokens, entity_of, path_of
from sandbox.broker.queue_links import QueueReceiver, QueueSender

_CBS = "$cbs"


@dataclass(frozen=True, slots=True)
class Routes:
    """What one connection can attach to. `find_session` finds a session's lock among the connection's links."""

    broker: Broker
    tokens: Tokens
    find_session: FindSession
    sessions_survive_drop: bool

    def open_link(self, carrier: Carrier, attach: Attach) -> Link:
        """The link, not yet started.

        Raises `AmqpError` (no address, no permission), `EntityNotFound` or `EntityDisabled`.
        """
        receives = attach.role
        path = path_of(_address(attach.source if receives else attach.target))
        if path.lower() == _CBS:
            return _node_link(carrier, attach, path, self.tokens)
        entity = entity_of(path)
        if not self.tokens.opens(entity):
            raise AmqpError(
                "amqp:unauthorized-access",
                f"Unauthorized access to '{entity}'. Put a token for it to $cbs on this connection first.",
            )
        queue = self.broker.queue(entity)
        queue.refuse_if_disabled()
        if entity != path:
            return _node_link(carrier, attach, path, Management(queue, self.find_session))
        if receives:
            return QueueReceiver(carrier, attach, queue, survives_drop=self.sessions_survive_drop)
        return QueueSender(carrier, attach, queue)


def _node_link(carrier: Carrier, attach: Attach, path: str, node: Node) -> Link:
    address = path.lower()
    return AnswerLink(carrier, attach, address) if attach.role else RequestLink(carrier, attach, address, node)


def _address(end: Described | None) -> str:
    """The address of a source or target; transaction coordinators and dynamic nodes have none."""
    fields = fields_of(end)
    address = fields[0] if fields else None
    if not isinstance(address, str):
        raise AmqpError("amqp:not-implemented", "Links need an address: no dynamic nodes, no transactions.")
    return address
