"""Picking by an index gives what trying every profile would give, whatever the policy and the profiles."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Final, cast
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.access.decide import decide
from shared.domain.access.ownership import Held
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person, PersonRead
from shared.domain.policy.filters import Filter
from shared.domain.policy.model import Everything, Policy, Rule, Selection, Selector
from shared.domain.policy.profile_index import Picked, ProfileIndex
from tests.app.deciding import (
    NOW,
    catalogues,
    filters,
    holdings,
    mostly,
    policies,
    reads,
)

_TEMPLATE: Final = re.compile(r"\{([^{}]*)\}")
_ATTRIBUTES: Final = ("companyName", "city", "department")


def plainly(selection: Selection, profiles: Iterable[BillingProfile], person: Person | None) -> Picked:
    """What a selection picks, by definition: every profile is tried."""
    in_order = tuple(sorted(profiles, key=lambda profile: profile.key))
    if isinstance(selection, Everything):
        return Picked(in_order if selection is Everything.ALL else ())
    known = {name: _text(person, name) for name in TEXT_ATTRIBUTES}
    asked = {id(selector): _named(selector) for selector in selection}
    blanks = dict.fromkeys(name for selector in selection for name in asked[id(selector)] if known[name] is None)
    filled = [selector for selector in selection if all(known[name] is not None for name in asked[id(selector)])]
    return Picked(tuple(one for one in in_order if any(_takes(each, one, known) for each in filled)), tuple(blanks))


def _text(person: Person | None, name: str) -> str | None:
    text = None if person is None else person.attributes.get(name)
    return text if text and text.strip() else None


def _named(selector: Selector) -> list[str]:
    texts = (selector.name, selector.account, selector.profile, *selector.tags.values())
    return [name for text in texts if text is not None for name in _TEMPLATE.findall(text)]


def _takes(selector: Selector, profile: BillingProfile, known: Mapping[str, str | None]) -> bool:
    tags = {tag.casefold(): text for tag, text in profile.tags.items()}
    wanted = [
        (selector.name, profile.display_name, True),
        (selector.account and unquote(selector.account), profile.key.account, False),
        (selector.profile and unquote(selector.profile), profile.key.profile, False),
        *((text, tags.get(tag.casefold()), False) for tag, text in selector.tags.items()),
    ]
    return all(text is None or (there is not None and _fits(text, there, known, star)) for text, there, star in wanted)


def _fits(text: str, there: str, known: Mapping[str, str | None], star: bool) -> bool:
    pattern = ""
    for number, part in enumerate(_TEMPLATE.split(text)):
        said = str(known[part]) if number % 2 else part
        pieces = said.split("*") if star and not number % 2 else [said]
        pattern += ".*".join(re.escape(piece.casefold()) for piece in pieces)
    return re.fullmatch(pattern, there.casefold(), re.DOTALL) is not None


class _Plain:
    """An index that is none."""

    def __init__(self, profiles: Iterable[BillingProfile]) -> None:
        self._profiles = tuple(profiles)
        self.by_key = {profile.key: profile for profile in self._profiles}

    def pick(self, selection: Selection, person: Person | None = None) -> Picked:
        return plainly(selection, self._profiles, person)


texts = st.sampled_from(["Contoso", "contoso", "Contoso NL", "NL", "Straße", "STRASSE", "*", "a*b", "İ", "\n", " x"])
said = st.lists(
    st.sampled_from(["Contoso", "contoso ", "*", "**", "NL", "straße", "a", *(f"{{{name}}}" for name in _ATTRIBUTES)]),
    min_size=1,
    max_size=3,
).map("".join)
tag_names = st.sampled_from(["company", "Company", "stage"])
selectors = st.builds(
    Selector,
    name=mostly(said, st.none()),
    account=mostly(st.none(), st.sampled_from(["acc:1", "ACC%3A1", "acc:2"])),
    profile=mostly(st.none(), st.sampled_from(["P1", "p2", "{city}"])),
    tags=mostly(st.just({}), st.dictionaries(tag_names, said, max_size=2)),
)
only_tags = st.builds(Selector, tags=st.dictionaries(tag_names, said, min_size=1, max_size=2))
several: st.SearchStrategy[Selection] = st.lists(selectors | only_tags, min_size=1, max_size=4).map(tuple)
selections = mostly(several, st.sampled_from(list(Everything)))
profiles = st.lists(
    st.builds(
        BillingProfile,
        key=st.builds(ProfileKey, st.sampled_from(["acc:1", "acc:2"]), st.sampled_from(["P1", "P2", "P3", "NL"])),
        display_name=texts,
        status=st.just("Active"),
        invoice_email_opt_in=st.none(),
        tags=st.dictionaries(tag_names, texts, max_size=2),
    ),
    max_size=12,
)
people = st.fixed_dictionaries({name: texts | st.none() for name in _ATTRIBUTES}).map(
    lambda known: Person("7c0f5a0e-0000-4000-8000-000000000001", True, "Member", None, None, known)
)


@settings(max_examples=500)
@given(st.lists(selections, min_size=1, max_size=3), profiles, st.lists(people | st.none(), min_size=1, max_size=3))
def test_an_index_picks_for_everybody_what_trying_every_profile_would(
    asked: list[Selection], given_profiles: list[BillingProfile], somebody: list[Person | None]
) -> None:
    index = ProfileIndex(given_profiles)
    for person in (*somebody, *somebody):  # what is remembered of the first answers the second time
        for selection in asked:
            assert index.pick(selection, person) == plainly(selection, given_profiles, person)
            nobodys = {profile.key for profile in plainly(selection, given_profiles, None).profiles}
            assert index.keys(selection) == nobodys


class _TriedOneByOne(Catalogue):
    """A catalogue that is not indexed."""

    @property
    def index(self) -> ProfileIndex:
        return cast("ProfileIndex", _Plain(self.profiles))


@given(reads, policies, catalogues(), holdings(), st.lists(several, min_size=1, max_size=3), filters)
def test_a_decision_is_the_one_that_trying_every_profile_would_give(
    person: PersonRead,
    policy: Policy,
    catalogue: Catalogue,
    before: tuple[Held, ...],
    more: list[Selection],
    who: Filter,
) -> None:
    rules = tuple(Rule(f"more{number}", selection, who) for number, selection in enumerate(more))
    policy = replace(policy, rules=(*policy.rules, *rules))
    plain = _TriedOneByOne(**{each.name: getattr(catalogue, each.name) for each in fields(catalogue)})
    assert decide(person, policy, catalogue, before, NOW) == decide(person, policy, plain, before, NOW)
