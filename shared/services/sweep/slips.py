"""Who misses a rule by one letter, among those whom a sweep listed.

Lives here: looking for them without asking anybody. What a check asks the directory before something is taken for such
a slip is `reconcile.slips`'.
"""

from collections import Counter
from collections.abc import Iterable

from shared.domain.access.near_misses import Near, Vocabulary, missed_by
from shared.domain.access.plan import Employment, Note, NoteKind, Plan
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.policy.filter_tree import fold
from shared.domain.policy.model import Policy
from shared.domain.policy.selectors import rule_attributes
from shared.domain.reasons import Reason


class Slips:
    """Looks at each text once, however many people have it. Who shares a text with others moved, and did not slip."""

    def __init__(self, policy: Policy, catalogue: Catalogue, vocabulary: Vocabulary, people: Iterable[Person]) -> None:
        self._policy = policy
        self._catalogue = catalogue
        self._vocabulary = vocabulary
        self._people = people
        self._checked = sorted(frozenset[str]().union(*(rule_attributes(rule) for rule in policy.rules)))
        self._known: dict[tuple[str, str], tuple[Near, ...]] = {}
        self._shared: dict[str, Counter[str]] = {}

    def of(self, person: Person, plan: Plan) -> list[Note]:
        """What a person would be given if one letter of theirs were another, as notes; each rule's once."""
        if plan.employment is not Employment.EMPLOYED or person.object_id.lower() in self._policy.protected:
            return []
        near = [one for attribute in self._checked for one in self._near(person, attribute)]
        missed: dict[ProfileKey, Reason] = {}
        for one in near:
            also = (one, *self._vocabulary.near(person))
            missed |= missed_by(also, person, self._policy, self._catalogue, plan.wanted, self._catalogue.read_at)
        return [Note(NoteKind.NEAR_MISS, why) for why in dict.fromkeys(missed.values())]

    def _near(self, person: Person, attribute: str) -> tuple[Near, ...]:
        value = person.attributes.get(attribute)
        if value is None:
            return ()
        known = self._known.get((attribute, value))
        if known is None:
            known = self._known[attribute, value] = self._vocabulary.slip(attribute, value)
        return known if known and not self._is_shared(attribute, value) else ()

    def _is_shared(self, attribute: str, value: str) -> bool:
        counted = self._shared.get(attribute)
        if counted is None:
            texts = (person.attributes.get(attribute) for person in self._people)
            counted = self._shared[attribute] = Counter(fold(text) for text in texts if text is not None)
        return counted[fold(value)] > 1
