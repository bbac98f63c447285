"""Why one person has or has not something, as a document.

Lives here: what programs, and the page, are told of each step. What is so is `shared.services.operate.why`'s.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.answers.known import profile_json
from shared.domain.access.explain import RuleVerdict
from shared.domain.access.ownership import ManagedAssignment
from shared.domain.access.why import Flip
from shared.domain.keys import ProfileKey
from shared.domain.seen import made_on
from shared.services.operate.why import There, Why

type _Profiles = Mapping[ProfileKey, str]


def why_body(why: Why, name: str, profiles: _Profiles) -> dict[str, Any]:
    """The answer for programs. `name` is what the person is called, `profiles` what profiles are."""
    held = [one for one in why.there if one.held is not None]
    plan = why.plan
    return {
        "person": {"id": why.object_id, "name": name},
        "profile": None if why.profile is None else _named(why.profile, profiles),
        "live": why.found.live,
        "holds": bool(held),
        "should": bool(plan.wanted) if why.profile is None else why.profile in plan.wanted,
        "steps": [
            {"step": "directory", "employment": plan.employment.value, "reason": plan.reason},
            {"step": "policy", "rules": [_rule(one, profiles) for one in why.verdicts], "notes": _notes(why)},
            {"step": "billing", **_of(why, profiles, _billing), **_gone(why)},
            {"step": "evidence", **_of(why, profiles, _evidence_of(why))},
            {"step": "limits", **_of(why, profiles, _limits)},
        ],
        "flips": [_flip(flip, profiles) for flip in why.flips],
    }


def _gone(why: Why) -> dict[str, Any]:
    """When access of somebody who left was gone, where it was taken as they had."""
    gone = why.gone
    if gone is None:
        return {}
    return {"gone": gone.at, "heard": gone.times.heard, "left": gone.times.left, "gone_by": gone.record}


def _named(key: ProfileKey, profiles: _Profiles) -> Mapping[str, Any]:
    return profile_json(key, profiles.get(key) or str(key))


def _notes(why: Why) -> list[dict[str, Any]]:
    notes = [note for note in why.plan.notes if why.profile is None or note.profile in {None, why.profile}]
    return [
        {"kind": note.kind.value, "profile": None if note.profile is None else str(note.profile), "why": note.why}
        for note in notes
    ]


def _rule(one: RuleVerdict, profiles: _Profiles) -> dict[str, Any]:
    """A rule's verdict: the first comparison by itself, and all of them where there are several."""
    body: dict[str, Any] = {"rule": one.rule, "gives": one.gives}
    if one.gives:
        return body | {"profiles": [_named(key, profiles) for key in one.profiles]}
    compared = [
        {
            "attribute": each.attribute,
            "value": each.value,
            "wants": list(each.texts),
            **({"begins": True} if each.begins else {}),
            **({"not": True} if each.negated else {}),
        }
        for each in one.comparisons
    ]
    body |= compared[0] if compared else {}
    body |= {"alternatives": compared} if len(compared) > 1 else {}
    body |= {"groups": list(one.groups)} if one.groups else {}
    return body | {"why": one.why}


type _Part = Callable[[There], dict[str, Any]]


def _of(why: Why, profiles: _Profiles, part: _Part) -> dict[str, Any]:
    """A step's facts about the one profile, or about each."""
    if why.profile is not None:
        return dict(part(why.there[0]))
    return {"profiles": [{"profile": _named(one.profile, profiles), **part(one)} for one in why.there]}


def _billing(there: There) -> dict[str, Any]:
    held, spell = there.held, there.spell
    made = None if held is None else made_on(held)
    since = made if spell is None else spell.began.at or spell.began.earliest or made
    return {
        "effect": there.effect.value,
        "holds": held is not None,
        "managed": isinstance(held, ManagedAssignment),
        "since": since,
        "by": None if held is None else held.assignment.created_by,
        "rules": sorted(held.rules or ()) if isinstance(held, ManagedAssignment) else [],
        "other_roles": list(there.others),
        "record": None if spell is None else spell.began.record,
    }


def _evidence_of(why: Why) -> _Part:
    strengths = {one.profile: one.strength.value for one in why.plan.revokes}

    def part(there: There) -> dict[str, Any]:
        found = there.evidence
        return {
            "strength": strengths.get(there.profile),
            "seen": [] if found is None else list(found.seen),
            "due": None if found is None else found.due,
        }

    return part


def _limits(there: There) -> dict[str, Any]:
    found = there.limits
    if found is None:
        return {"kind": None, "hold": None, "pause": None}
    hold = found.hold
    return {
        "kind": found.kind.value,
        "enforced": found.enforced,
        "left": found.left,
        "most": found.most,
        "hold": None if hold is None else hold.id,
        "group": None if hold is None else hold.group or None,
        "status": None if hold is None else hold.status.value,
        "pause": None if found.pause is None else str(found.pause[0]),
    }


def _flip(flip: Flip, profiles: _Profiles) -> dict[str, Any]:
    return {
        "if": str(flip.change),
        "fact": {"attribute": flip.change.attribute, "text": flip.change.text, "no_longer": flip.change.no_longer},
        "then": flip.then.value,
        "rules": list(flip.rules),
        "profiles": [_named(key, profiles) for key in flip.profiles],
    }
