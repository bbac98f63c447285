"""The policy as it was read before, where the file still says the same: to read one takes as long as an answer.

Lives here: a policy as JSON and back, and by what one is known again. Mistakes are told by whoever reads the file
(`shared.bootstrap_policy`), which is done wherever this has nothing. What is only for `policy test` is not kept.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from cli import cache
from shared import bootstrap_policy
from shared.domain.policy.filter_tree import Joined, Node, Not, OneOf, StartsWith
from shared.domain.policy.filters import Filter
from shared.domain.policy.model import (
    Always,
    DailyLimit,
    Everything,
    NamedGrant,
    Policy,
    Rule,
    Selection,
    Selector,
    TwoPeople,
)
from shared.domain.time_zones import zone

_NAME: Final = "policy.json"
_POLICY_FOLDER: Final = Path(__file__).parent.parent / "shared" / "domain" / "policy"


def read_policy(environment: Mapping[str, str]) -> Policy:
    """The policy that `INVOICE_ACCESS_POLICY` names, without its examples. Raises as `bootstrap_policy.read_policy`."""
    try:
        known_by = _known_by(bootstrap_policy.policy_path(environment).read_bytes())
    except OSError:
        known_by = ""
    kept = cache.read(_NAME) if known_by else None
    if isinstance(kept, dict) and kept.get("known_by") == known_by:
        try:
            return from_json(kept["policy"])
        except (KeyError, TypeError, ValueError):
            pass  # somebody wrote into it; it is written anew
    policy = bootstrap_policy.read_policy(environment)
    cache.leave(_NAME, {"known_by": known_by, "policy": as_json(policy)})
    return policy


def _known_by(text: bytes) -> str:
    """A digest of the file and of the code that reads it."""
    digest = hashlib.sha256(text)
    for file in sorted(_POLICY_FOLDER.glob("*.py")):
        found = file.stat()
        digest.update(f"\0{file.name} {found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()


# ------------------------------------------------------------------------------------------------ as JSON


def as_json(policy: Policy) -> dict[str, Any]:
    """A policy without its examples, as JSON has it."""
    return {
        "rules": [_rule(rule) for rule in policy.rules],
        "accounts": policy.accounts.value if isinstance(policy.accounts, Everything) else sorted(policy.accounts),
        "enforce": _selection(policy.enforce),
        "opt_in": _selection(policy.opt_in),
        "numbers": {name: getattr(policy, name) for name in _NUMBERS},
        "time_zone": policy.time_zone.key,
        "date_zones": [one.key for one in policy.date_zones],
        "protected": sorted(policy.protected),
        "daily_limits": {kind: [one.floor, one.count, one.percent] for kind, one in policy.daily_limits.items()},
        "two_people": None if policy.two_people is None else _two_people(policy.two_people),
        "digest": policy.digest,
    }


_NUMBERS: Final = ("min_recipients", "check_days", "lead_days", "mover_grace_hours", "stale_leave_days")


def _rule(rule: Rule) -> dict[str, Any]:
    who, grant = rule.who, rule.grant
    return {
        "name": rule.name,
        "profiles": _selection(rule.profiles),
        "who": None if who is None else [who.text, who.requests, sorted(who.attributes), _node(who.root)],
        "member_of": sorted(rule.member_of),
        "guests": rule.guests,
        "grant": None
        if grant is None
        else [
            grant.why,
            grant.object_id,
            grant.address,
            None if grant.until is None else grant.until.isoformat(),
            None if grant.end is None else grant.end.isoformat(),
        ],
    }


def _selection(selection: Selection) -> Any:
    if isinstance(selection, Everything):
        return selection.value
    return [[one.name, one.account, one.profile, dict(one.tags)] for one in selection]


def _two_people(two: TwoPeople) -> list[Any]:
    return [two.above, sorted(one.value for one in two.always)]


def _node(node: Node) -> list[Any]:
    match node:
        case OneOf():
            return ["in", node.attribute, node.texts]
        case StartsWith():
            return ["begins", node.attribute, node.text]
        case Not():
            return ["not", _node(node.of)]
        case Joined():
            return ["all" if node.every else "any", [_node(one) for one in node.of]]


# ------------------------------------------------------------------------------------------------ and back


def from_json(kept: Mapping[str, Any]) -> Policy:
    """The policy of `as_json`. Raises KeyError, TypeError or ValueError for what is none."""
    accounts = kept["accounts"]
    return Policy(
        rules=tuple(map(_read_rule, kept["rules"])),
        accounts=Everything(accounts) if isinstance(accounts, str) else frozenset(accounts),
        enforce=_read_selection(kept["enforce"]),
        opt_in=_read_selection(kept["opt_in"]),
        min_recipients=kept["numbers"]["min_recipients"],
        check_days=kept["numbers"]["check_days"],
        lead_days=kept["numbers"]["lead_days"],
        mover_grace_hours=kept["numbers"]["mover_grace_hours"],
        stale_leave_days=kept["numbers"]["stale_leave_days"],
        time_zone=zone(kept["time_zone"]),
        date_zones=tuple(zone(name) for name in kept["date_zones"]),
        protected=frozenset(kept["protected"]),
        daily_limits={kind: DailyLimit(*numbers) for kind, numbers in kept["daily_limits"].items()},
        two_people=None if kept["two_people"] is None else _read_two_people(kept["two_people"]),
        digest=kept["digest"],
    )


def _read_rule(kept: Mapping[str, Any]) -> Rule:
    return Rule(
        kept["name"],
        _read_selection(kept["profiles"]),
        None if kept["who"] is None else _read_filter(*kept["who"]),
        frozenset(kept["member_of"]),
        kept["guests"],
        None if kept["grant"] is None else _read_grant(*kept["grant"]),
    )


def _read_filter(text: str, requests: list[list[str]], attributes: list[str], root: list[Any]) -> Filter:
    return Filter(text, tuple(map(tuple, requests)), frozenset(attributes), _read_node(root))


def _read_grant(why: str, object_id: str, address: str, until: str | None, end: str | None) -> NamedGrant:
    last = None if until is None else date.fromisoformat(until)
    return NamedGrant(why, object_id, address, last, None if end is None else datetime.fromisoformat(end))


def _read_selection(kept: Any) -> Selection:
    if isinstance(kept, str):
        return Everything(kept)
    return tuple(Selector(*parts) for parts in kept)


def _read_two_people(kept: list[Any]) -> TwoPeople:
    above, always = kept
    return TwoPeople(above, frozenset(map(Always, always)))


def _read_node(kept: list[Any]) -> Node:
    match kept:
        case ["in", attribute, texts]:
            return OneOf(attribute, tuple(texts))
        case ["begins", attribute, text]:
            return StartsWith(attribute, text)
        case ["not", of]:
            return Not(_read_node(of))
        case ["all" | "any" as joined, of]:
            return Joined(joined == "all", tuple(map(_read_node, of)))
        case _:
            raise ValueError(f"{kept!r} is no node of a filter")
