"""Whom named grants mean, asked of the directory itself: for those of whom no full check can say it.

Lives here: the asking, with the operator's own sign-in.
"""

import asyncio
import os
from collections.abc import Sequence

from cli.operating import quiet
from shared.domain.people import Person
from shared.domain.policy.model import Rule
from shared.domain.policy.named_grants import Asked, questions
from shared.errors import QueryRefused
from shared.ports import Directory
from shared.settings import ClientSettings


def people_meant(grants: Sequence[Rule]) -> list[Person]:
    """Everybody who has an address or object id of these, guests as well. Raises the app's errors."""
    return asyncio.run(_asked(grants))


async def _asked(grants: Sequence[Rule]) -> list[Person]:
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only where it is asked

    from shared.adapters.graph.directory import GraphDirectory  # noqa: PLC0415 - Graph's client as well

    quiet()
    async with DefaultAzureCredential() as credential:
        directory = GraphDirectory(ClientSettings.read(os.environ), credential)
        try:
            found = [person for asked in questions(grants) for person in await _listed(directory, asked)]
        finally:
            await directory.close()
    return [*{person.object_id: person for person in found}.values()]


async def _listed(directory: Directory, asked: Asked) -> list[Person]:
    """Whom a question lists; where the directory refuses its first form, whom the next wider one does."""
    for wider, form in enumerate(asked, start=1):
        try:
            return [
                person
                for odata_filter in form
                async for person in directory.people(odata_filter)
                if isinstance(person, Person)
            ]
        except QueryRefused:
            if wider == len(asked):
                raise
    return []
