"""`policy explain RULE`: whom a rule matches among the people whom the last full check saw.

Lives here: its answer. What a rule says of somebody is `shared.domain.access.explain`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cli.answer import Answer, Line, Table, counted
from cli.called import Names
from cli.faults import UsageError
from cli.operating import StoreDesk, on_store
from cli.policy import PolicyFile
from cli.sighted import doubts
from cli.snapshot_desk import not_in_it, on_snapshot
from shared.answers.documents import Rows
from shared.domain.access.explain import RuleVerdict, explain
from shared.domain.access.plan import Employment
from shared.domain.access.rules import managed_accounts, matches
from shared.domain.alike import plain
from shared.domain.catalogue import Catalogue
from shared.domain.people import Person
from shared.domain.policy.model import Everything, Policy, Rule
from shared.domain.policy.selectors import describe
from shared.domain.reasons import Code
from shared.domain.receiving import Sight
from shared.domain.view import PersonView
from shared.errors import Permanent
from shared.services.operate.sight import NO_VIEW, read_sight
from shared.wording.say import say


@dataclass(frozen=True, slots=True)
class _Matched:
    """Somebody whom the rule matches, and what it gives them."""

    view: PersonView
    person: Person
    verdict: RuleVerdict

    @property
    def is_employed(self) -> bool:
        """Whether they work here: to others no rule gives anything."""
        return self.view.employment is Employment.EMPLOYED


def explain_rule(found: PolicyFile, name: str, snapshot: Path | None = None) -> Answer:
    """The answer, perhaps on a snapshot.

    Raises `UsageError` for a rule that the policy does not have, or a file that is no snapshot, and `Permanent` before
    any sweep.
    """
    rule = _rule(found.policy, name)
    if snapshot is None:
        sight, catalogue = on_store(_read)
        return answer_of(found.policy, rule, sight, catalogue)
    taken, (sight, catalogue) = on_snapshot(snapshot, _read)
    answer = answer_of(found.policy, rule, sight, catalogue)
    return replace(answer, text=[not_in_it(taken), *answer.text])


def _rule(policy: Policy, name: str) -> Rule:
    for rule in policy.rules:
        if rule.name.casefold() == name.strip().casefold():
            return rule
    names = {rule.name.casefold(): rule.name for rule in policy.rules}
    near = [names[one] for one in get_close_matches(name.casefold(), names, 3)]
    mend = f"The policy has {', '.join(names.values())}." if names else "The policy has no rules."
    raise UsageError(f"no rule is called {name!r}", code="not-found", mend=mend, nearest=near)


async def _read(desk: StoreDesk) -> tuple[Sight, Catalogue]:
    catalogue = await desk.state.catalogue()
    if catalogue is None:
        raise Permanent(NO_VIEW)
    return await read_sight(desk.state, desk.clock), catalogue


def answer_of(policy: Policy, rule: Rule, sight: Sight, catalogue: Catalogue) -> Answer:
    """The answer from a view, and the catalogue of the same sweep."""
    managed = managed_accounts(policy, catalogue.manageable)
    seen = [(view, view.person) for view in sight.people.values() if view.person is not None]
    matched = [
        _Matched(view, person, explain(rule, person, catalogue, managed, sight.now))
        for view, person in seen
        if matches(rule, person)
    ]
    names = Names(sight.names, {one.key: one.display_name for one in catalogue.profiles}, policy.time_zone, sight.now)
    matched.sort(key=lambda one: (_called(one, names).casefold(), one.view.object_id))
    others = policy.digest != catalogue.policy_digest
    unknown = () if others else (catalogue.unknown_rules or {}).get(rule.name, ())
    text: list[Line | Table] = [*doubts(sight)]
    if others:
        text.append(
            "The last full check was under another policy: attributes and groups that it did not test are blank."
        )
    text += _text(rule, matched, len(seen), names)
    if unknown:
        text.append(
            f"The rule is not known, so that nothing that it gave is removed: {say(Code.TOGETHER(reasons=unknown))}."
        )
    body = {
        "rule": rule.name,
        "who": None if rule.who is None else rule.who.text,
        "member_of": sorted(rule.member_of),
        "guests": rule.guests,
        "people": len(seen),
        "unknown": list(unknown),
        "matches": [_as_json(one, names) for one in matched],
    }
    rows = [(one.view.object_id, _called(one, names), _gets(one, names)) for one in matched]
    return Answer(
        "policy-explain",
        body,
        text,
        Rows(("id", "name", "gets"), rows),
        as_of=sight.view.as_of,
        complete=sight.view.complete,
    )


def _text(rule: Rule, matched: Sequence[_Matched], people: int, names: Names) -> Iterator[Line | Table]:
    asks = [] if rule.who is None else [rule.who.text]
    asks += [names.principal(rule.grant.object_id)] if rule.grant is not None and rule.grant.object_id else []
    asks += [f"in group {' or '.join(map(names.principal, sorted(rule.member_of)))}"] if rule.member_of else []
    gives = rule.profiles.value if isinstance(rule.profiles, Everything) else ", ".join(map(describe, rule.profiles))
    yield f"Rule {rule.name} is for {' and '.join(asks)}; it gives {gives}{_lasting(rule)}."
    empty = sum(not one.verdict.gives for one in matched)
    nothing = f"; {empty} of them get{'s' * (empty == 1)} nothing by it" if empty else ""
    every = counted(people, "person", "people")
    yield f"It matches {len(matched)} of the {every} whom the last full check saw{nothing}."
    rows = [(_called(one, names), _about(one.person), _gets(one, names)) for one in matched]
    yield Table(("PERSON", "IS", "GETS"), rows, titled=False, indent=2)


def _lasting(rule: Rule) -> str:
    """Until when a named grant gives it, and why."""
    if rule.grant is None:
        return ""
    until = "" if rule.grant.until is None else f" until {rule.grant.until.isoformat()}"
    return f"{until}, because: {plain(rule.grant.why)}"


def _called(one: _Matched, names: Names) -> str:
    return one.person.display_name or names.principal(one.view.object_id)


def _about(person: Person) -> str:
    return ", ".join(text for name in ("jobTitle", "companyName") if (text := person.attributes.get(name)))


def _gets(one: _Matched, names: Names) -> str:
    if one.verdict.why is not None:
        return f"nothing: {say(one.verdict.why)}"
    if not one.is_employed:
        return f"nothing: {say(one.view.employment_why)}"
    return names.several(one.verdict.profiles)


def _as_json(one: _Matched, names: Names) -> dict[str, Any]:
    profiles = one.verdict.profiles if one.is_employed else ()
    return {
        "person": {"id": one.view.object_id, "name": _called(one, names)},
        "employment": one.view.employment.value,
        "profiles": [{"id": str(key), "name": names.profile(key)} for key in profiles],
        "why": one.verdict.why if one.is_employed else one.view.employment_why,
    }
