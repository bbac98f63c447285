"""Who gives the command: whoever signed in, and no typed name.

Lives here: asking for that, and having the store know what they are called. A decision's record has their object id.
"""

from cli.operating import quiet
from cli.out import Out
from shared.domain.actors import Actor
from shared.errors import Permanent, Transient
from shared.services.operate.actors import remember
from shared.services.shared_row import StoreOnly


async def signed_in() -> Actor:
    """Who gives the command. Raises `NotSignedIn` where nobody signed in, and `Transient`."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for who acts

    from shared.adapters.http import claims  # noqa: PLC0415

    quiet()

    async with DefaultAzureCredential() as credential:
        return await claims.signed_in(credential)


async def introduce(out: Out, desk: StoreOnly, actor: Actor) -> None:
    """Has the store know what somebody is called who acted. What they did stands, whether that can be stored or not."""
    try:
        await remember(desk, actor)
    except (Permanent, Transient) as failure:
        out.note(f"What you are called is not stored, and the record shows your object id: {failure}")
