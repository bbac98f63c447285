"""Nodes that answer requests: the pair of links to them, and `$cbs`, which takes tokens.

`$management` is in `management`. A request comes on one link; its answer leaves on the other link that the
client attached to the same node, in the same AMQP session.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.broker.amqp_types import AmqpError, Described, Int, fields_of
from sandbox.broker.carrier import Carrier
from sandbox.broker.errors import EntityNotFound
from sandbox.broker.frames import Attach
from sandbox.broker.links import IncomingLink, OutgoingLink
from sandbox.broker.model import Broker
from sandbox.broker.outcomes import ACCEPTED, rejected
from sandbox.broker.wire_messages import Request, decode_request, encode_answer

type AcceptToken = Callable[[str, str], bool]
"""Says whether a token is good for an audience (`sb://host/queue`).

It is a bearer token (JWT), or a shared access signature, which begins with `SharedAccessSignature `.
"""

_MANAGEMENT = "/$management"
_TOKEN_TYPES = frozenset({"jwt", "servicebus.windows.net:sastoken"})


class Node(Protocol):
    """Something that answers requests."""

    def answer(self, request: Request) -> tuple[dict[str, Any], Any]:
        """The answer's application properties and value."""


class RequestLink(IncomingLink):
    """The way in to a node."""

    def __init__(self, carrier: Carrier, attach: Attach, address: str, node: Node) -> None:
        super().__init__(carrier, attach)
        self._address = address
        self._node = node

    def take(self, payload: bytes, message_format: int) -> Described:  # noqa: ARG002 - requests have one format
        """Answer the request on the other link; a request nobody could answer is rejected."""
        try:
            request = decode_request(payload)
            way_back = self._way_back(request.reply_to)
        except AmqpError as refusal:
            return rejected(refusal.condition, str(refusal))
        properties, value = self._node.answer(request)
        way_back.put(encode_answer(request, properties, value))
        return ACCEPTED

    def _way_back(self, reply_to: str | None) -> "AnswerLink":
        candidates = [
            link
            for link in self.carrier.links.values()
            if isinstance(link, AnswerLink) and link.address == self._address
        ]
        named = [link for link in candidates if reply_to is not None and link.target_address == reply_to]
        chosen = named or candidates
        if not chosen:
            raise AmqpError("amqp:not-allowed", f"There is no link to answer on from '{self._address}'.")
        return chosen[-1]


class AnswerLink(OutgoingLink):
    """The way back from a node; answers wait here for credit."""

    def __init__(self, carrier: Carrier, attach: Attach, address: str) -> None:
        super().__init__(carrier, attach)
        self.address = address
        fields = fields_of(attach.target)
        self.target_address = fields[0] if fields else None
        self._waiting: deque[bytes] = deque()
        self._sent = 0

    def start(self) -> None:
        """Answer the attach."""
        self.answer_attach(self.attach.source)

    def put(self, payload: bytes) -> None:
        """Send an answer as soon as there is credit."""
        self._waiting.append(payload)
        self.pump()

    def pump(self) -> None:
        """Send what waits, within credit."""
        while self._waiting and self.credit > 0:
            self._sent += 1
            self.deliver(self._waiting.popleft(), self._sent.to_bytes(8), settled=True)
        self.finish_drain()

    def on_settled(self, delivery_id: int, outcome: Described | None) -> None:
        """Nothing to do: answers are sent settled."""


class Tokens:
    """`$cbs`: the tokens that one connection has shown, and what they open (CBS 1.0 working draft)."""

    def __init__(self, accept_token: AcceptToken, broker: Broker) -> None:
        self._accept_token = accept_token
        self._broker = broker
        self._opened: set[str] = set()

    def opens(self, path: str) -> bool:
        """Whether a token for this entity, or for one above it, was accepted."""
        key = path.lower()
        return any(not opened or key == opened or key.startswith(opened + "/") for opened in self._opened)

    def answer(self, request: Request) -> tuple[dict[str, Any], Any]:
        """Take a token: 202; 401 when it is refused, 404 for an entity that does not exist, 400 for no request.

        Who may not see an entity does not learn whether it exists. Source: Azure/azure-sdk-for-net#44734.
        """
        audience = request.application_properties.get("name")
        kind = request.application_properties.get("type")
        if request.application_properties.get("operation") != "put-token":
            return _status(400, "The only operation here is put-token.")
        if not isinstance(audience, str) or not isinstance(request.value, str):
            return _status(400, "A put-token request needs an audience as its name and a token as its value.")
        if kind not in _TOKEN_TYPES:
            return _status(400, f"There is no token type '{kind}'.")
        if not self._accept_token(request.value, audience):
            return _status(401, f"InvalidToken: the token is not valid for '{audience}'.")
        path = path_of(audience)
        try:
            if path:
                self._broker.queue(entity_of(path))
        except EntityNotFound:
            return _status(404, f"The messaging entity '{audience}' could not be found.")
        self._opened.add(path.lower())
        return _status(202, "Accepted")


def path_of(address: str) -> str:
    """The entity's path in an address, which may be a whole URI (`amqps://host/queue`)."""
    _, separator, rest = address.partition("://")
    return (rest.partition("/")[2] if separator else address).strip("/")


def entity_of(path: str) -> str:
    """The entity that a path is about: its own, or the one whose `$management` it names."""
    return path[: -len(_MANAGEMENT)] if path.lower().endswith(_MANAGEMENT) else path


def _status(code: int, description: str) -> tuple[dict[str, Any], Any]:
    return {"status-code": Int(code), "status-description": description}, None
