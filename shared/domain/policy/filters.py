"""A rule's `who`: an OData filter, read once, judged for every person, and pushed down to Graph to preselect.

Lives here: `Filter`. `filter_text` reads one, `filter_tree` says what it means, `filter_push_down` what Graph is asked.

Truth has three values (Kleene): an attribute that is null is unknown, so is everything that depends on it,
and only true grants.
"""

from dataclasses import dataclass, field

from shared.domain.people import Person
from shared.domain.policy.filter_tree import Node, OneOf, StartsWith, asked_of, judge, spell


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read and understood.

    `text` is what was written. `requests` are what to send as Graph's `$filter` (not yet percent-encoded), in ever
    wider forms, each of one or more that together list everybody; they need `ConsistencyLevel: eventual` and
    `$count=true`, and preselect: whoever they list is still to be judged. `attributes` are the attributes that are
    tested. Two filters are equal when they were written alike; their `meaning` tells whether they say the same.
    """

    text: str
    requests: tuple[tuple[str, ...], ...] = field(compare=False)
    attributes: frozenset[str] = field(compare=False)
    root: Node = field(compare=False, repr=False)

    def judge(self, person: Person) -> bool | None:
        """Whether the person is meant: true, false, or None where a null attribute leaves it unknown."""
        return judge(self.root, person)

    @property
    def meaning(self) -> str:
        """A canonical spelling, itself a filter: two filters that differ in spaces and case only share it."""
        return spell(self.root)

    @property
    def asked(self) -> tuple[OneOf | StartsWith, ...]:
        """The tests that are not negated, left to right."""
        return tuple(asked_of(self.root))
