"""Who nearly matches: a person whose text looks like one that the policy asks for, and is not.

Lives here: which texts the policy compares each attribute with, whose text nearly is one of them, and what they would
be given if it were. Pure. A near miss gives nothing; it is told, and what it would take away waits for a person.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.access.plan import AskFirst, Employment, Note, NoteKind, Plan, StoppedBy
from shared.domain.access.rules import wanted
from shared.domain.alike import likeness, one_letter_apart
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import PERSONAL_ATTRIBUTES, Person, PersonRead
from shared.domain.policy.filter_tree import StartsWith, fold
from shared.domain.policy.model import Policy, Rule
from shared.domain.policy.selectors import filled_by, rule_attributes
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class Near:
    """A person's text that nearly is one that the policy asks for, or nearly begins with it."""

    attribute: str
    value: str
    text: str
    is_beginning: bool = False

    @property
    def reason(self) -> Reason:
        """What would have to be otherwise."""
        if self.is_beginning:
            return Code.TEXT_BEGAN_WITH(attribute=self.attribute, value=self.value, text=self.text)
        return Code.TEXT_WERE(attribute=self.attribute, value=self.value, text=self.text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The texts with which a policy compares people.

    `exact` has each attribute's texts as they are compared, `alike` the same by their likeness, `beginnings` those of
    startsWith. `everywhere` are the likenesses of every text that a rule, a tag, a profile or an account has.
    """

    exact: Mapping[str, frozenset[str]]
    alike: Mapping[str, Mapping[str, str]]
    beginnings: Mapping[str, tuple[str, ...]]
    everywhere: frozenset[str]

    @classmethod
    def of(cls, policy: Policy, catalogue: Catalogue) -> "Vocabulary":
        """The texts of a policy's rules, and of the profiles that their templates may stand for."""
        texts: dict[str, set[str]] = {}
        beginnings: dict[str, set[str]] = {}
        for rule in policy.rules:
            for test in rule.who.asked if rule.who is not None else ():
                if isinstance(test, StartsWith):
                    beginnings.setdefault(test.attribute, set()).add(test.text)
                else:
                    texts.setdefault(test.attribute, set()).update(test.texts)
            for attribute, text in filled_by(rule.profiles, catalogue.profiles):
                texts.setdefault(attribute, set()).add(text)
        used = {name: sorted(of) for name, of in texts.items() if name not in PERSONAL_ATTRIBUTES}
        begun = {name: tuple(sorted(of)) for name, of in beginnings.items() if name not in PERSONAL_ATTRIBUTES}
        return cls(
            {name: frozenset(_compared(of)) for name, of in used.items()},
            {name: {likeness(text): text for text in reversed(of)} for name, of in used.items()},
            begun,
            frozenset(map(likeness, _everywhere(used, begun, catalogue))),
        )

    def near(self, person: Person) -> tuple[Near, ...]:
        """Where a person's text differs from one that is asked for by nothing that the eye sees."""
        return tuple(self._near(person))

    def _near(self, person: Person) -> Iterator[Near]:
        for attribute in sorted(self.alike.keys() | self.beginnings.keys()):
            value = person.attributes.get(attribute)
            if value is None or self._is_asked_for(attribute, value):
                continue
            read = likeness(value)
            text = self.alike.get(attribute, {}).get(read)
            begun = (each for each in self.beginnings.get(attribute, ()) if read.startswith(likeness(each)))
            if text is not None:
                yield Near(attribute, value, text)
            elif (beginning := next(begun, None)) is not None:
                yield Near(attribute, value, beginning, is_beginning=True)

    def slips(self, person: Person, attributes: AbstractSet[str]) -> list[Near]:
        """Where one of these texts of a person is one letter away from one that is asked for, and is known nowhere."""
        return [
            near
            for attribute in sorted(attributes & self.alike.keys())
            if (value := person.attributes.get(attribute)) is not None
            for near in self.slip(attribute, value)
        ]

    def slip(self, attribute: str, value: str) -> tuple[Near, ...]:
        """The texts from which this one of a person is one letter away, where it is known nowhere."""
        if attribute not in self.alike or self._is_asked_for(attribute, value) or likeness(value) in self.everywhere:
            return ()
        texts = self.alike[attribute].values()
        return tuple(Near(attribute, value, text) for text in texts if one_letter_apart(value, text))

    def _is_asked_for(self, attribute: str, value: str) -> bool:
        folded = fold(value)
        if {folded, value.casefold()} & self.exact.get(attribute, frozenset()):
            return True
        return any(folded.startswith(fold(each)) for each in self.beginnings.get(attribute, ()))


def with_near_misses(
    plan: Plan, person: PersonRead, policy: Policy, catalogue: Catalogue, vocabulary: Vocabulary, now: datetime
) -> Plan:
    """A plan of this moment with a note for each profile that a person just misses.

    What that would take away, a person decides.
    """
    if not isinstance(person, Person) or plan.employment is not Employment.EMPLOYED:
        return plan
    near = vocabulary.near(person)
    if not near or person.object_id.lower() in policy.protected:
        return plan
    missed = missed_by(near, person, policy, catalogue, plan.wanted, now)
    notes = [Note(NoteKind.NEAR_MISS, why, profile) for profile, why in missed.items()]
    return ask_about(replace(plan, notes=(*plan.notes, *notes)), missed)


def missed_by(
    near: Sequence[Near],
    person: Person,
    policy: Policy,
    catalogue: Catalogue,
    given: Collection[ProfileKey],
    now: datetime,
) -> dict[ProfileKey, Reason]:
    """The profiles beyond those `given` that a person would have if their texts were as meant, each with why."""
    meant = replace(person, attributes={**person.attributes, **{one.attribute: one.text for one in near}})
    rules = {rule.name: rule for rule in policy.rules}
    return {
        profile: Code.NEAR_MISS(rules=names, near=_all_of(near, [rules[name] for name in names]))
        for profile, names in wanted(meant, policy, catalogue, now).rules.items()
        if profile not in given
    }


def ask_about(plan: Plan, missed: Mapping[ProfileKey, Reason]) -> Plan:
    """A plan whose revokes of what a person nearly has are asked about first."""
    if not any(revoke.profile in missed for revoke in plan.revokes):
        return plan
    return replace(
        plan,
        revokes=tuple(
            replace(revoke, ask_first=AskFirst(StoppedBy.NEAR_MISS, Code.MAY_BE_A_SLIP(because=missed[revoke.profile])))
            if revoke.profile in missed
            else revoke
            for revoke in plan.revokes
        ),
    )


def _all_of(near: Sequence[Near], rules: Iterable[Rule]) -> tuple[Reason, ...]:
    """Those of the texts that the rules check."""
    checked = frozenset[str]().union(*(rule_attributes(rule) for rule in rules))
    return tuple(one.reason for one in near if one.attribute in checked)


def _compared(texts: Iterable[str]) -> Iterator[str]:
    """Texts as filters compare them, and as selectors do."""
    for text in texts:
        yield fold(text)
        yield text.casefold()


def _everywhere(
    texts: Mapping[str, Iterable[str]], beginnings: Mapping[str, Iterable[str]], catalogue: Catalogue
) -> Iterator[str]:
    for of in (*texts.values(), *beginnings.values()):
        yield from of
    for account in catalogue.accounts:
        yield account.display_name
    for profile in catalogue.profiles:
        yield profile.display_name
        yield from profile.tags.values()
