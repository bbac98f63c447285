"""Reads people whom the directory is asked about by object id, in few listings.

Lives here: how many ids fit one listing. Who is asked about, and what it means, is the caller's.
"""

from collections.abc import Iterable
from itertools import batched
from typing import Final

from shared.domain.people import ListedPerson
from shared.domain.policy.filter_tree import quote
from shared.ports import Directory

_IDS_A_QUERY: Final = 15
"""Object ids in one filter: as many clauses as a filter without advanced parameters may have."""


async def people_by_id(directory: Directory, ids: Iterable[str]) -> dict[str, ListedPerson]:
    """Those of the ids whom the directory lists, without their groups: one listing for every 15.

    Who is missing there is deleted, of another tenant, or nobody. Raises as `Directory.people` does.
    """
    found: dict[str, ListedPerson] = {}
    for chunk in batched(ids, _IDS_A_QUERY, strict=False):
        odata_filter = f"id in ({', '.join(map(quote, chunk))})"
        found |= {one.object_id: one async for one in directory.people(odata_filter)}
    return found
