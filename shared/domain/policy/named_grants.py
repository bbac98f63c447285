"""Named grants: rules that are each for one person, whom the policy names by address or object id.

Lives here: how one is made and called, what the directory is asked for them, and whom they mean among the people that
it lists. What follows when that is nobody, or several people, is `rules`'.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import batched
from typing import Final

from shared.domain.guids import is_guid
from shared.domain.people import Person
from shared.domain.policy.filter_push_down import push_down
from shared.domain.policy.filter_tree import Joined, OneOf, fold, quote
from shared.domain.policy.model import Guests, NamedGrant, Rule, Selection

PREFIX: Final = "grant:"
"""What the names of named grants begin with wherever rules are named: in records, findings and answers."""

_ADDRESSES: Final = ("mail", "userPrincipalName")
"""The attributes that an address may stand in."""

_IDS_A_REQUEST: Final = 15
"""Object ids in one filter: as many clauses as a filter without advanced parameters may have."""

type Asked = tuple[tuple[str, ...], ...]
"""What to ask the directory for: `$filter`s in ever wider forms, as `Filter.requests` are."""


def named_grant(name: str, person: str, profiles: Selection, guests: Guests, grant: NamedGrant) -> Rule:
    """The rule that a named grant is. `person` is an address or an object id; of `grant` the rest is taken."""
    from shared.domain.policy.filter_text import parse_filter  # noqa: PLC0415 - the grammar, for who reads a policy

    if is_guid(person):
        return Rule(PREFIX + name, profiles, guests=guests, grant=replace(grant, object_id=person.lower()))
    who = parse_filter(" or ".join(f"{attribute} eq {quote(person)}" for attribute in _ADDRESSES))
    return Rule(PREFIX + name, profiles, who, guests=guests, grant=replace(grant, address=fold(person)))


def lasting(why: str, until: date | None, zone: tzinfo) -> NamedGrant:
    """How long a named grant is, and why: to the end of the day in a time zone. Who it is for is left open."""
    if until is None:
        return NamedGrant(why)
    end = datetime.combine(until + timedelta(days=1), time.min, zone)
    return NamedGrant(why, until=until, end=end.astimezone(UTC))


def bare_name(rule: Rule) -> str:
    """What the policy file calls a named grant."""
    return rule.name.removeprefix(PREFIX)


def questions(grants: Iterable[Rule]) -> Mapping[Asked, list[str]]:
    """What to ask the directory for these named grants, each with the names of those that it is for."""
    addresses: dict[str, list[str]] = {}
    ids: dict[str, list[str]] = {}
    for rule in grants:
        if rule.grant is not None:
            of, person = (ids, rule.grant.object_id) if rule.grant.object_id else (addresses, rule.grant.address)
            of.setdefault(person, []).append(rule.name)
    found: dict[Asked, list[str]] = {}
    if ids:
        batches = batched(sorted(ids), _IDS_A_REQUEST, strict=False)
        form = tuple(f"id in ({', '.join(map(quote, batch))})" for batch in batches)
        found[(form,)] = [name for names in ids.values() for name in names]
    if addresses:
        texts = tuple(sorted(addresses))
        asked = push_down(Joined(every=False, of=tuple(OneOf(attribute, texts) for attribute in _ADDRESSES)))
        found[asked] = [name for names in addresses.values() for name in names]
    return found


def owners(grants: Sequence[Rule], people: Iterable[Person]) -> Mapping[str, Sequence[Person]]:
    """By the name of each named grant, the people who have its address or object id, guests as well."""
    wanted: dict[str, list[str]] = {}
    for rule in grants:
        if rule.grant is not None:
            wanted.setdefault(rule.grant.object_id or rule.grant.address, []).append(rule.name)
    found: dict[str, list[Person]] = {rule.name: [] for rule in grants}
    for person in people if wanted else ():
        texts = [text for name in _ADDRESSES if (text := person.attributes.get(name)) is not None]
        for key in {person.object_id.lower(), *map(fold, texts)} & wanted.keys():
            for name in wanted[key]:
                found[name].append(person)
    return found
