"""Whom a rule matches and gives nothing, because no billing profile fits what its template becomes for them.

Lives here: counting them, and the findings. Nobody is named: a finding tells the text, and one object id of those who
have it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.domain.access.explain import fits_no_profile
from shared.domain.access.plan import NoteKind, Plan
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.policy.model import Policy
from shared.domain.policy.selectors import filled_by
from shared.domain.policy.shortfall import Comparison
from shared.domain.reasons import Code, Reason

_MOST_TEXTS: Final = 20
"""Findings about one rule: a company of hundreds of firms without a profile is one sentence, and no list."""

_KINDS: Final = frozenset({NoteKind.TEMPLATE_BLANK, NoteKind.TEMPLATE_FITS_NOTHING})


@dataclass(slots=True)
class _Those:
    """How many they are, and the first of them by object id."""

    people: int = 0
    first: str = ""

    def add(self, object_id: str) -> None:
        self.people += 1
        self.first = min(self.first or object_id, object_id)


@dataclass(slots=True)
class EmptyHanded:
    """Those whom a rule matches and gives nothing, by the note that says so."""

    _by_note: dict[Reason, _Those] = field(default_factory=dict)

    def take(self, object_id: str, plan: Plan) -> None:
        """Counts a person, unless a finding of their own says it better: that they just miss a text."""
        if any(note.kind is NoteKind.NEAR_MISS for note in plan.notes):
            return
        giving = {rule for rules in plan.wanted.values() for rule in rules}
        for note in plan.notes:
            if note.kind in _KINDS and note.why.facts["rule"] not in giving:
                self._by_note.setdefault(note.why, _Those()).add(object_id)

    def findings(self, policy: Policy, catalogue: Catalogue) -> Iterator[Finding]:
        """The findings, by rule in policy order: the texts that most people have first, each with what may be meant."""
        by_rule: dict[object, list[tuple[Reason, _Those]]] = {}
        for why, those in self._by_note.items():
            by_rule.setdefault(why.facts["rule"], []).append((why, those))
        for rule in policy.rules:
            found = sorted(by_rule.get(rule.name, ()), key=lambda one: (-one[1].people, one[1].first, str(one[0])))
            texts: dict[str, list[str]] = {}
            for attribute, text in filled_by(rule.profiles, catalogue.profiles) if found else ():
                texts.setdefault(attribute, []).append(text)
            for number, (why, those) in enumerate(found[:_MOST_TEXTS], start=1):
                because, people = _because(why, texts), those.people
                if number == _MOST_TEXTS < len(found):
                    because = Code.AND_MORE(first=because, more=len(found) - number)
                    people = sum(one.people for _, one in found[number - 1 :])
                yield Finding(
                    kind=FindingKind.RULE_GAVE_NOTHING,
                    rule=rule.name,
                    principal=those.first,
                    why=Code.RULE_GAVE_NOTHING(people=people, because=because),
                )


def _because(why: Reason, texts: Mapping[str, list[str]]) -> Reason:
    """Why a rule gives these people nothing, by the note that says so, with the text that was perhaps meant."""
    attribute = str(why.facts["attribute"])
    if why.code is Code.TEMPLATE_BLANK:
        return Code.HAS_NO_TEXT(attribute=attribute)
    value = str(why.facts.get("value", ""))
    return fits_no_profile(Comparison(attribute, value, tuple(texts.get(attribute, ()))))
