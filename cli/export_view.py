"""`export view`: what the latest full check saw, to try policies on without Azure.

Lives here: what is said. What is left out and replaced, `shared.domain.snapshot` says.
"""

import os
import secrets
from pathlib import Path

from cli import snapshot_file
from cli.answer import Answer, counted
from cli.faults import Fault
from cli.operating import StoreDesk, on_store
from cli.out import Out
from shared.answers.documents import Rows
from shared.bootstrap_policy import read_policy
from shared.domain.snapshot import Snapshot, pseudonyms, take

_SALT_BYTES = 32
_COLUMNS = ("file", "as_of", "people", "profiles", "named")


def export_view(out: Out, to: Path, *, names: bool) -> int:
    """Writes the snapshot. Raises `Fault` where there is no view, or it is not of one piece."""
    protected = read_policy(os.environ).protected

    async def ask(desk: StoreDesk) -> Snapshot:
        view, people, catalogue = await desk.state.view(), await desk.state.people_view(), await desk.state.catalogue()
        if view is None or people is None or catalogue is None:
            raise Fault(
                "no full check has left a view yet", code="no-view", mend="Wait for the next one: they are hourly."
            )
        if people.sweep != view.sweep:
            raise Fault("a full check is just replacing the view", code="try-again", mend="Give the command again.")
        called = await desk.state.names() if names else {}
        pseudonym = None if names else pseudonyms(secrets.token_bytes(_SALT_BYTES))  # the salt is kept nowhere
        return take(view, people, catalogue, protected, called=called, pseudonym=pseudonym)

    found = on_store(ask)
    snapshot_file.write(to, found)
    who = "with their names" if names else "under pseudonyms"
    body = {"file": str(to), "people": len(found.people), "profiles": len(found.profiles), "named": found.named}
    people, profiles = counted(len(found.people), "person", "people"), counted(len(found.profiles), "profile")
    text = f"{to}: {people} {who} and {profiles}, as of {found.as_of:%Y-%m-%d %H:%M} UTC; no dates of anybody."
    row = (str(to), found.as_of, len(found.people), len(found.profiles), found.named)
    return out.answer(
        Answer("export-view", body, [text], Rows(_COLUMNS, [row]), as_of=found.as_of, complete=found.complete)
    )
