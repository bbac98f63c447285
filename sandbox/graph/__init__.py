"""Microsoft Graph v1.0 on this machine: people, groups and deleted items, as strict as the real one.

Lives here: `GraphService` (`handle(Request) -> Response`) over `GraphModel` (the directory) with `Switches`
(what nobody knows, and bad days). Not here: sockets, tokens, and the format of the world file.
"""

from sandbox.graph.model import AuditEntry, Change, GraphModel
from sandbox.graph.service import AUDIENCE, GraphService
from sandbox.graph.switches import Switches

__all__ = ["AUDIENCE", "AuditEntry", "Change", "GraphModel", "GraphService", "Switches"]
