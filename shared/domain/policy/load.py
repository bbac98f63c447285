"""policy.yaml, read: from its text to a `Policy`, or to every mistake with its place.

Lives here: joining the parts, what is wrong between keys, and the digest. `yaml_tree` reads YAML, `schema` knows the
keys, `mistakes` has the words. Takes text; opens no file.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.domain.misfits import place_of
from shared.domain.policy.decisions_schema import DecisionsKeys, TwoPeopleKeys
from shared.domain.policy.example import Example, ExampleProfile, Examples, Whole
from shared.domain.policy.example_schema import TestsKeys
from shared.domain.policy.mistakes import say
from shared.domain.policy.model import (
    DEFAULT_DAILY_LIMITS,
    DailyLimit,
    Everything,
    Policy,
    Rule,
    Selection,
    Selector,
    TwoPeople,
)
from shared.domain.policy.named_grants import lasting, named_grant
from shared.domain.policy.schema import (
    VERSION,
    DailyLimitKeys,
    GrantKeys,
    PlainSelector,
    PolicyKeys,
    RuleKeys,
    RuleSelector,
)
from shared.domain.policy.schema_values import LIST, WORD, did_you_mean
from shared.domain.policy.yaml_tree import Path, Place, Tree, read_yaml
from shared.errors import Misconfigured

type _Found = tuple[Place, Path, str]

_KEY: Final = "[key]"
"""What pydantic puts behind a key in a location, where it is the key that does not fit."""


def load_policy(text: str, source: str = "policy.yaml") -> Policy:
    """Reads a policy. `source` is what the text is called in the error.

    `digest` covers everything that decides who is given what: rules, named grants, accounts, employment (its time
    zones, lead and grace) and protected people. Comments, order, quoting and the spelling of a filter do not matter;
    nor do `enforce`, `email_invoicing`, `daily_limits` and `decisions`: to begin to enforce a policy does not change
    it.

    Raises:
        Misconfigured: With every mistake, in the order of the text, each `line L, column C: <key>: <what>`.
    """
    tree = read_yaml(text)
    found = [(mistake.place, mistake.path, mistake.what) for mistake in tree.mistakes]
    model = None
    if not isinstance(tree.value, dict):
        found = found or [(tree.place(()), (), f"a policy is a mapping; begin with version: {VERSION}")]
    elif tree.complete:
        blanks = list(_blanks(tree))
        try:
            model = PolicyKeys.model_validate(tree.value)
        except ValidationError as error:
            # Of what is blank or was left out, it is known already that it is wrong.
            settled = tree.unread.union(path for _, path, _ in blanks)
            found += _misfits(error, tree, settled)
        found += blanks
        found += _across_keys(tree)
        found += _across_examples(tree)
    if found or model is None:
        lines = [_line(*each) for each in sorted(dict.fromkeys(found), key=lambda each: each[0])]
        raise Misconfigured(source, lines)
    return _policy(model, tree)


# ------------------------------------------------------------------------------------ what is wrong with it


def _misfits(error: ValidationError, tree: Tree, settled: AbstractSet[Path]) -> Iterator[_Found]:
    """What does not fit its model, without what is at or under the settled paths."""
    for detail in error.errors():
        path: Path = tuple(part for part in detail["loc"] if part not in {WORD, LIST, _KEY})
        if not any(path[:length] in settled for length in range(len(path) + 1)):
            place = tree.place(path, key=detail["type"] == "extra_forbidden" or _KEY in detail["loc"])
            yield place, path, say(detail, path)


def _blanks(tree: Tree) -> Iterator[_Found]:
    """Keys without a value and list items without content."""
    pending: list[tuple[Path, Any]] = [((), tree.value)]
    while pending:
        path, value = pending.pop()
        if value is None and path not in tree.unread:
            yield tree.place(path, key=True), path, "nothing is written here; give a value, or take it out"
        elif isinstance(value, dict):
            pending += [((*path, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            pending += [((*path, i), each) for i, each in enumerate(value)]


def _across_keys(tree: Tree) -> Iterator[_Found]:
    """What is wrong between keys: a rule for nobody, and two rules or named grants of one name."""
    for path, rule in _mappings(tree, "rules"):
        if not rule.keys() & {"who", "member_of"}:
            what = "the rule says nothing of whom it is for; give it who, member_of or both"
            yield tree.place(path), path, what
    for key, called in (("rules", "rule"), ("grants", "grant")):
        first: dict[str, Path] = {}
        for path, rule in _mappings(tree, key):
            name = rule.get("name")
            before = first.setdefault(name.casefold(), path) if isinstance(name, str) else path
            if before != path:
                place, line = tree.place((*path, "name")), tree.place((*before, "name")).line
                yield place, (*path, "name"), f"another {called} is called {name!r}, in line {line}; names are unique"


def _mappings(tree: Tree, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Those of a list of the file that are mappings, each with its path."""
    found = tree.value.get(key)
    for i, one in enumerate(found if isinstance(found, list) else []):
        if isinstance(one, dict):
            yield (key, i), one


def _across_examples(tree: Tree) -> Iterator[_Found]:
    """Examples of which nothing is expected, and profiles that they name and nobody describes."""
    tests = tree.value.get("tests")
    examples = tests.get("examples") if isinstance(tests, dict) else None
    described = _described(tests.get("profiles")) if isinstance(tests, dict) else None
    for i, example in enumerate(examples if isinstance(examples, list) else []):
        path: Path = ("tests", "examples", i)
        if not isinstance(example, dict):
            continue
        if not example.keys() & {"gets", "gets_not"}:
            yield tree.place(path), path, "the example expects nothing; give gets, gets_not or both"
        for key in ("gets", "gets_not") if described is not None else ():
            names = example.get(key)
            for j, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str) and described is not None and name.casefold() not in described:
                    remedy = did_you_mean(name, list(described.values()))
                    yield tree.place((*path, key, j)), (*path, key, j), f"tests.profiles has no {name!r}; {remedy}"


def _described(profiles: Any) -> dict[str, str] | None:
    """The names by which examples may call the profiles that are described, as they are compared; None for none."""
    if not isinstance(profiles, list):
        return None
    named = [one for one in profiles if isinstance(one, dict)]
    texts = [text for one in named for text in (one.get("name"), one.get("profile"))]
    texts += [f"{one['account']}/{one['profile']}" for one in named if one.keys() >= {"account", "profile"}]
    return {text.casefold(): text for text in texts if isinstance(text, str)}


def _line(place: Place, path: Path, what: str) -> str:
    return ": ".join(filter(None, (f"line {place.line}, column {place.column}", place_of(path), what)))


# -------------------------------------------------------------------------------------- what it then means


def _policy(model: PolicyKeys, tree: Tree) -> Policy:
    given: dict[str, DailyLimitKeys | None] = {name: getattr(model.daily_limits, name) for name in DEFAULT_DAILY_LIMITS}
    policy = Policy(
        rules=(*map(_rule, model.rules), *(_grant(grant, model.employment.time_zone) for grant in model.grants)),
        accounts=Everything.ALL
        if isinstance(model.accounts, str)
        else frozenset(unquote(name).lower() for name in model.accounts),
        enforce=_selection(model.enforce),
        opt_in=_selection(model.email_invoicing.opt_in),
        min_recipients=model.email_invoicing.min_recipients,
        check_days=model.email_invoicing.check_days,
        lead_days=model.employment.lead_days,
        mover_grace_hours=model.employment.mover_grace_hours,
        stale_leave_days=model.employment.stale_leave_days,
        time_zone=model.employment.time_zone,
        date_zones=tuple(model.employment.date_zones),
        protected=frozenset(model.protected),
        tests=_tests(model.tests, tree),
        two_people=_two_people(model.decisions),
        daily_limits={
            **DEFAULT_DAILY_LIMITS,
            **{name: _daily_limit(keys) for name, keys in given.items() if keys is not None},
        },
    )
    return replace(policy, digest=digest(policy))


def _two_people(keys: DecisionsKeys) -> TwoPeople | None:
    match keys.two_people:
        case None:
            return None
        case TwoPeopleKeys(above=above, always=always):
            return TwoPeople(above, frozenset(always))
        case _:
            return TwoPeople()


def _tests(keys: TestsKeys, tree: Tree) -> Examples:
    profiles = tuple(ExampleProfile(one.name, one.account, one.profile, dict(one.tag)) for one in keys.profiles or ())
    examples = tuple(
        Example(
            one.name,
            dict(one.person),
            frozenset(one.member_of),
            Whole(one.gets) if isinstance(one.gets, str) else None if one.gets is None else tuple(one.gets),
            tuple(one.gets_not),
            tree.place(("tests", "examples", number)).line,
        )
        for number, one in enumerate(keys.examples)
    )
    return Examples(profiles, examples)


def _daily_limit(keys: DailyLimitKeys) -> DailyLimit:
    return DailyLimit(keys.floor, keys.count, keys.percent)


def _rule(keys: RuleKeys) -> Rule:
    return Rule(keys.name, _selection(keys.profiles), keys.who, frozenset(keys.member_of), keys.guests)


def _grant(keys: GrantKeys, zone: ZoneInfo) -> Rule:
    how_long = lasting(keys.why, keys.until, zone)
    return named_grant(keys.name, keys.person, _selection(keys.profiles), keys.guests, how_long)


def _selection(selection: str | Sequence[PlainSelector | RuleSelector]) -> Selection:
    if isinstance(selection, str):
        return Everything(selection)
    return tuple(Selector(each.name, each.account, each.profile, dict(each.tag)) for each in selection)


def digest(policy: Policy) -> str:
    """SHA-256 over what decides who is given what; see `load_policy` for what that leaves out."""
    meaning = {
        "rules": sorted(map(_rule_meaning, policy.rules), key=lambda rule: str(rule["name"])),
        "accounts": policy.accounts if isinstance(policy.accounts, Everything) else sorted(policy.accounts),
        "employment": [policy.lead_days, policy.mover_grace_hours, policy.time_zone.key, policy.stale_leave_days],
        "date_zones": [zone.key for zone in policy.date_zones],
        "protected": sorted(policy.protected),
    }
    return _sha256(meaning)


def rule_digests(policy: Policy) -> dict[str, str]:
    """Each rule's name with the SHA-256 of its meaning, so that it can be said later which of them changed."""
    return {rule.name: _sha256(_rule_meaning(rule)) for rule in policy.rules}


def _sha256(meaning: Any) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _rule_meaning(rule: Rule) -> dict[str, Any]:
    until = None if rule.grant is None or rule.grant.until is None else rule.grant.until.isoformat()
    return ({} if rule.grant is None else {"person": rule.grant.object_id, "until": until}) | {
        "name": rule.name,
        "who": None if rule.who is None else rule.who.meaning,
        "member_of": sorted(rule.member_of),
        "profiles": _meaning(rule.profiles),
        "guests": rule.guests,
    }


def _meaning(selection: Selection) -> str | list[str]:
    if isinstance(selection, Everything):
        return selection
    return sorted(
        {
            json.dumps([each.name, each.account, each.profile, sorted(each.tags.items())]).casefold()
            for each in selection
        }
    )
