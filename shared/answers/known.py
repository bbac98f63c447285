"""What people and profiles are called, and what they may be looked for by.

Lives here: names for ids, as the latest view and whoever acted left them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.keys import NameKey, PersonKey, ProfileKey
from shared.domain.lookup import Candidate
from shared.domain.people import Person
from shared.domain.receiving import Sight
from shared.domain.view import Called, PersonView
from shared.ports import State


def called(names: Mapping[str, Called], object_id: str) -> str:
    """What somebody is called; the object id of whom no view has shown."""
    known = names.get(object_id.lower())
    return object_id if known is None else known.best


@dataclass(frozen=True, slots=True)
class Known:
    """What people and profiles are called, to show instead of ids."""

    people: Mapping[str, Called]
    profiles: Mapping[ProfileKey, str]

    def of(self, key: PersonKey | NameKey | ProfileKey) -> str:
        """What a key is called; its id where nobody has said."""
        match key:
            case PersonKey():
                return called(self.people, key.object_id)
            case ProfileKey():
                return self.profiles.get(key) or f"{key}"
            case NameKey():
                return key.value

    def person(self, object_id: str) -> dict[str, str]:
        """A person for programs."""
        return {"id": object_id, "name": called(self.people, object_id)}

    def profile(self, key: ProfileKey) -> dict[str, str]:
        """A profile for programs."""
        return {"id": f"{key}", "name": self.of(key)}


async def read_known(state: State) -> Known:
    """What everybody and everything is called, as the latest sweep left it."""
    catalogue = await state.catalogue()
    profiles = {} if catalogue is None else {one.key: one.display_name for one in catalogue.profiles}
    return Known(await state.names(), profiles)


def profile_json(key: ProfileKey, name: str) -> Mapping[str, Any]:
    """A profile for programs."""
    return {"id": str(key), "name": name}


def person_json(sight: Sight, principal: str) -> Mapping[str, Any]:
    """A principal for programs."""
    return {"id": principal, "name": sight.called(principal)}


def people_candidates(names: Mapping[str, Called], people: Mapping[str, PersonView]) -> Iterator[Candidate]:
    """Everybody whom a view showed within the last 400 days, and whoever the latest one has."""
    for object_id in names.keys() | people.keys():
        called, view = names.get(object_id), people.get(object_id)
        person = None if view is None else view.person
        labels = [] if called is None else [called.name, called.address, called.upn, called.employee_id]
        if person is not None:
            labels += [person.display_name or "", *(person.attributes.get(name) or "" for name in _NAMES)]
        yield Candidate(object_id, tuple(dict.fromkeys(label for label in labels if label)), _about(person))


def profile_candidates(names: Mapping[ProfileKey, str]) -> Iterator[Candidate]:
    """Profiles by their keys and names."""
    for key, name in names.items():
        yield Candidate(str(key), (name, key.profile), key.account)


_NAMES: Final = ("mail", "userPrincipalName", "employeeId")


def _about(person: Person | None) -> str:
    if person is None:
        return ""
    return ", ".join(said for name in ("jobTitle", "companyName") if (said := person.attributes.get(name)))
