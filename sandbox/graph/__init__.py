"""Microsoft Graph v1.0 on this machine: people, groups, deleted items and subscriptions, as strict as the real one.

Lives here: `GraphService` (`handle(Request) -> Response`) over `GraphModel` (the directory) with `Switches`
(what nobody knows, and bad days), and `Deliveries`, the notifications that are due. Not here: sockets, tokens,
and the format of the world file.
"""

from sandbox.graph.deliveries import Deliveries
from sandbox.graph.model import AuditEntry, Change, GraphModel
from sandbox.graph.service import AUDIENCE, GraphService
from sandbox.graph.switches import Switches

__all__ = ["AUDIENCE", "AuditEntry", "Change", "Deliveries", "GraphModel", "GraphService", "Switches"]
