"""PERSON and PROFILE of every verb: a name, an address, an employee number or an id becomes whom or what is meant.

Lives here: who can be meant (the view and its names, the catalogue), and what is said where it is nobody or several.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from cli.faults import UsageError
from shared.answers.known import people_candidates, profile_candidates
from shared.domain.alike import shown as shown_text
from shared.domain.catalogue import Catalogue
from shared.domain.guids import is_guid
from shared.domain.keys import ProfileKey
from shared.domain.lookup import Candidate, Lookup, look_up
from shared.domain.view import Called, PersonView
from shared.ports import State

_PERSON: Final = "Give a name, an address, an employee number or an object id."
_PROFILE: Final = "Give a display name or an id, as `invoice-access profiles` shows them."
_NO_VIEW: Final = "No sweep has stored names yet; give an object id, or wait for the next sweep."
_SHOWN: Final = 20
"""Of several that are meant, how many are told."""


async def find_person(state: State, text: str, *, or_id: bool = False) -> Candidate:
    """The one person (or other principal) who is called so.

    With `or_id` an object id that the view does not know is taken as it is: the verb reads what there is of it. Raises
    `UsageError` where nobody, or several, are called so.
    """
    names, people = await state.names(), await state.people_view()
    return person_among(names, {} if people is None else people.by_id, text, or_id=or_id)


def person_among(
    names: Mapping[str, Called], people: Mapping[str, PersonView], text: str, *, or_id: bool = False
) -> Candidate:
    """The same, where names and people have been read."""
    found = look_up(text, people_candidates(names, people))
    if found.only is None and or_id and is_guid(found.text):
        return Candidate(found.text.lower())
    known = bool(names) or bool(people)
    return _only(found, who="nobody", are="people are", mend=_PERSON if known else _NO_VIEW)


async def find_profile(state: State, text: str, *, or_id: bool = False) -> tuple[ProfileKey, Candidate]:
    """The one profile that is called so, by its name or its id, whole or the last segment. As `find_person`."""
    return profile_among(await state.catalogue(), text, or_id=or_id)


def profile_among(catalogue: Catalogue | None, text: str, *, or_id: bool = False) -> tuple[ProfileKey, Candidate]:
    """The same, where the catalogue has been read."""
    profiles = () if catalogue is None else catalogue.profiles
    found = look_up(text, profile_candidates({profile.key: profile.display_name for profile in profiles}))
    if found.only is None and or_id and "/" in found.text:
        try:
            key = ProfileKey.parse(found.text)
        except ValueError as wrong:
            raise UsageError(f"{wrong}") from wrong
        return key, Candidate(str(key))
    only = _only(found, who="no profile", are="profiles are", mend=_PROFILE)
    return ProfileKey.parse(only.id), only


async def find_scope(state: State, text: str) -> str:
    """What `--on` names, as pauses call it: a billing account's name or `<account>/<profile>`, lower-case.

    Raises `UsageError` where no account or profile of the catalogue is called so, or several are.
    """
    catalogue = await state.catalogue()
    if catalogue is None:
        # Before the first sweep nobody knows what there is, and an emergency stop waits for nobody.
        return text.strip().lower()
    profiles = profile_candidates({one.key: one.display_name for one in catalogue.profiles})
    accounts = [Candidate(one.name, (one.display_name,), "billing account") for one in catalogue.accounts]
    only = _only(
        look_up(text, [*accounts, *profiles]), who="no billing account or profile", are="parts are", mend=_PROFILE
    )
    return only.id.lower()


def _only(found: Lookup, *, who: str, are: str, mend: str) -> Candidate:
    if found.only is not None:
        return found.only
    if found.matches:
        shown = sorted(found.matches, key=_handle)[:_SHOWN]
        more = f" (these are the first {_SHOWN})" if len(found.matches) > _SHOWN else ""
        said = f"{len(found.matches)} {are} called {found.matches[0].best}{more}; say which:"
        raise UsageError(said, code="ambiguous", nearest=[_handle(one) for one in shown], details=_lines(shown))
    said = f"{who} is called {shown_text(found.text)}" if found.text else f"an empty text names {who}"
    raise UsageError(said, code="not-found", mend=mend, nearest=[_handle(one) for one in found.nearest])


def _handle(one: Candidate) -> str:
    """What names it alone, and a person knows."""
    return next((label for label in one.labels if "@" in label), one.best)


def _lines(several: Sequence[Candidate]) -> list[str]:
    """A line each, under one another: what names it alone, what tells it from the others, its number or id."""
    rows = [(_handle(one), one.about, _number(one)) for one in several]
    widths = [max(len(row[at]) for row in rows) for at in range(2)]
    return [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows]


def _number(one: Candidate) -> str:
    return next((label for label in one.labels[1:] if "@" not in label and label != one.best), one.id)
