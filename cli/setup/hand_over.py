"""The same as commands of Azure's own command line, for whoever may and has no checkout of this app.

Lives here: the texts. They are for a POSIX shell, such as Azure Cloud Shell's.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.setup.billing import create_body, create_url, delete_url
from cli.setup.directory import App, Graph
from cli.setup.table import Owner, Permission, State, Step
from shared.settings import ClientSettings


@dataclass(frozen=True, slots=True)
class Places:
    """Where the commands go, and in which tenant."""

    settings: ClientSettings
    graph: Graph
    tenant_id: str


def commands(app: App, places: Places, steps: Sequence[Step], *, undo: bool) -> Iterator[tuple[str, str]]:
    """Who may, and a command, for each step that is still to be done."""
    for step in steps:
        if step.state in {State.HAS, State.DONE, State.LEFT}:
            continue
        match step.thing:
            case Permission(role_id=""):
                continue
            case Permission() as permission:
                yield permission.who_may, _graph(app, places, permission, undo=undo)
            case Owner() as owner:
                yield owner.who_may, _billing(app, places, owner, undo=undo)


def _graph(app: App, places: Places, permission: Permission, *, undo: bool) -> str:
    root = f"{places.settings.graph_url.rstrip('/')}/v1.0/servicePrincipals/{places.graph.object_id}/appRoleAssignedTo"
    if undo:
        return _az("DELETE", f"{root}/{permission.assignment}")
    body = {"principalId": app.object_id, "resourceId": places.graph.object_id, "appRoleId": permission.role_id}
    return _az("POST", root, body)


def _billing(app: App, places: Places, owner: Owner, *, undo: bool) -> str:
    base = places.settings.arm_url
    if undo:
        return _az("DELETE", delete_url(base, owner))
    return _az("POST", create_url(base, owner), create_body(owner, app.object_id, places.tenant_id))


def _az(method: str, url: str, body: Mapping[str, str] | None = None) -> str:
    words = ["az", "rest", "--method", method, "--url", url]
    if body is not None:
        words += ["--headers", "Content-Type=application/json", "--body", json.dumps(body)]
    return shlex.join(words)
