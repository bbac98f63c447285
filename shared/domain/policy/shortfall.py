"""Why a filter is not true of a person: the first comparison that is false or unknown.

Lives here: following the judgement of `filter_tree` down to the comparisons on which it rests. What follows for a
person is `explain`'s.
"""

from dataclasses import dataclass

from shared.domain.people import Person
from shared.domain.policy.filter_tree import Joined, Node, Not, OneOf, StartsWith, judge


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison that does not hold of a person: what their attribute is, and what it was to be.

    `value` is None where the directory has none: then nobody can say, and that gives nothing. `texts` are as the policy
    writes them. `begins` says that the attribute was to begin with the text, `negated` that it was to be none of them.
    """

    attribute: str
    value: str | None
    texts: tuple[str, ...]
    begins: bool = False
    negated: bool = False


def shortfall(node: Node, person: Person) -> tuple[Comparison, ...]:
    """The comparisons because of which a filter is not true of a person; none where it is.

    Of several that must all hold it is the first one that does not. Where one of several would do it is all of them,
    each with its own first.
    """
    return () if judge(node, person) is True else tuple(dict.fromkeys(_missed(node, person, negated=False)))


def _missed(node: Node, person: Person, *, negated: bool) -> tuple[Comparison, ...]:
    match node:
        case OneOf(attribute=attribute, texts=texts):
            return (Comparison(attribute, person.attributes.get(attribute), texts, negated=negated),)
        case StartsWith(attribute=attribute, text=text):
            return (Comparison(attribute, person.attributes.get(attribute), (text,), begins=True, negated=negated),)
        case Not(of=of):
            return _missed(of, person, negated=not negated)
        case Joined(every=every, of=parts):
            # Not all of them is one of them not, and the other way round: De Morgan's law has three values, too.
            failing = [part for part in parts if judge(part, person) is not (not negated)]
            if every is not negated:
                return _missed(failing[0], person, negated=negated)
            return tuple(one for part in failing for one in _missed(part, person, negated=negated))
