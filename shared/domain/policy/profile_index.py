"""Which billing profiles a selection picks, found by what it asks for and not by trying them one after another.

Lives here: the index over the profiles of one bulk read, and picking from it. What a selector means for one profile is
`selectors`'.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from typing import Final

from shared.domain.billing import BillingProfile
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.policy.model import Everything, Selection, Selector
from shared.domain.policy.selectors import NAME, Pattern, Patterns, compiled, folded, person_text, takes

_ANYTHING: Final[Pattern] = ("", "")


@dataclass(frozen=True, slots=True)
class Picked:
    """What a selection picks: profiles in the order of their keys.

    `blanks` are the attributes that a template names and the person lacks. A selector with one picks nothing.
    """

    profiles: tuple[BillingProfile, ...]
    blanks: tuple[str, ...] = ()


class ProfileIndex:
    """Profiles in the order of their keys, and where in it those are that have a text in a place.

    It is made at the first question and answers as long as its profiles are the ones to ask for. What a selector
    without templates picks is remembered: it is the same for everybody.
    """

    def __init__(self, profiles: Iterable[BillingProfile]) -> None:
        self._given = tuple(profiles)
        self._fixed: dict[Selector, Collection[int]] = {}
        self._keys: dict[Selection, frozenset[ProfileKey]] = {}

    @cached_property
    def profiles(self) -> tuple[BillingProfile, ...]:
        """All of them, in the order of their keys."""
        return tuple(sorted(self._given, key=lambda profile: profile.key.folded))

    @cached_property
    def by_key(self) -> Mapping[ProfileKey, BillingProfile]:
        """All of them by key."""
        return {profile.key: profile for profile in self._given}

    @cached_property
    def texts(self) -> Sequence[Mapping[str, str]]:
        """Each one's texts by place, as they are compared, in the same order."""
        return [folded(profile) for profile in self.profiles]

    def pick(self, selection: Selection, person: Person | None = None) -> Picked:
        """Picks profiles, for a person or for nobody in particular.

        Without a person every template is blank: the policy's loader allows none there.
        """
        if isinstance(selection, Everything):
            return Picked(self.profiles if selection is Everything.ALL else ())
        blanks: dict[str, None] = {}
        numbers: set[int] = set()
        for selector in selection:
            found, missing = self._of(selector, person)
            numbers.update(found)
            blanks |= dict.fromkeys(missing)
        return Picked(tuple(self.profiles[number] for number in sorted(numbers)), tuple(blanks))

    def keys(self, selection: Selection) -> frozenset[ProfileKey]:
        """The keys of what a selection picks for nobody in particular; remembered."""
        known = self._keys.get(selection)
        if known is None:
            known = self._keys[selection] = frozenset(profile.key for profile in self.pick(selection).profiles)
        return known

    def _of(self, selector: Selector, person: Person | None) -> tuple[Collection[int], Sequence[str]]:
        """The numbers of what a selector picks for a person, and which attributes they lack for it."""
        known = self._fixed.get(selector)
        if known is not None:
            return known, ()
        read = compiled(selector)
        texts = {name: person_text(person, name) for name in read.attributes}
        if missing := [name for name, text in texts.items() if text is None]:
            return (), missing
        found = self._find(read.filled(texts.__getitem__))
        if not texts:
            self._fixed[selector] = found
        return found, ()

    def _find(self, patterns: Patterns) -> Collection[int]:
        """Numbers of those that fit everywhere. An exact text leaves few to look at, the beginning of a name some."""
        exact = [self._places.get(place, {}).get(of[0], ()) for place, of in patterns if len(of) == 1]
        near = min(exact, key=len) if exact else self._called(dict(patterns).get(NAME, _ANYTHING))
        return [number for number in near if takes(patterns, self.texts[number])]

    def _called(self, pattern: Pattern) -> Collection[int]:
        """The numbers of those whose name begins as a pattern does."""
        begin, (names, numbers) = pattern[0], self._names
        first = bisect_left(names, begin)
        following = takewhile(lambda name: name.startswith(begin), islice(names, first, None))
        return [numbers[at] for at, _ in enumerate(following, first)]

    @cached_property
    def _places(self) -> Mapping[str, Mapping[str, Sequence[int]]]:
        """By place and text, the numbers of those that have the text there."""
        found: dict[str, dict[str, list[int]]] = {}
        for number, texts in enumerate(self.texts):
            for place, text in texts.items():
                found.setdefault(place, {}).setdefault(text, []).append(number)
        return found

    @cached_property
    def _names(self) -> tuple[Sequence[str], Sequence[int]]:
        """The names in order, and whose each is."""
        pairs = sorted((texts[NAME], number) for number, texts in enumerate(self.texts))
        return [name for name, _ in pairs], [number for _, number in pairs]
