"""Remembers what those are called who act: the ledger has their object ids alone."""

from shared.domain.actors import Actor
from shared.services.shared_row import StoreOnly, change_row


async def remember(app: StoreOnly, actor: Actor) -> None:
    """Has `State.names` say what somebody is called, for 400 days after they acted. Raises `Transient`."""
    now = app.clock.now()

    await change_row(
        app, "the list of who acted", app.state.actors, lambda actors: actors.with_one(actor, now), app.state.put_actors
    )
