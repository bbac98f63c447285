"""`policy test`: whether the policy's own examples hold.

Lives here: its answer. What holds is `shared.domain.access.examples`'.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli import snapshot_file
from cli.answer import Answer, Line
from cli.faults import Status, UsageError
from cli.operating import StoreDesk, on_store
from cli.policy import PolicyFile
from shared.answers.documents import Rows
from shared.domain.access.examples import Failure, Judged, described, judge_examples
from shared.domain.access.explain import RuleVerdict
from shared.domain.catalogue import Catalogue
from shared.domain.policy.example import Whole
from shared.wording.say import say

_NONE = "There are no examples; `tests:` in docs/reference/policy.md says how to write them."


def judge(found: PolicyFile, snapshot: Path | None = None) -> Answer:
    """The answer. Raises `UsageError` where the examples speak of profiles that exist, and nothing knows them."""
    tests = found.policy.tests
    catalogue = described(found.policy) if tests.profiles or not tests.examples else _existing(snapshot)
    judged = judge_examples(found.policy, catalogue)
    good = sum(one.holds for one in judged)
    said = f"{good} of {len(judged)} {'example holds' if len(judged) == 1 else 'examples hold'}."
    text: list[Line] = [said if judged else _NONE]
    lines = [(one, line) for one in judged for line in _lines(one, catalogue)]
    text += [f"  {found.path}:{one.example.line} {line}" for one, line in lines]
    body = {
        "file": str(found.path),
        "holds": good,
        "of": len(judged),
        "examples": [_as_json(one, catalogue) for one in judged],
    }
    rows = [
        (str(found.path), one.example.line, one.example.name, one.holds, list(_lines(one, catalogue))) for one in judged
    ]
    return Answer(
        "policy-test",
        body,
        text,
        Rows(("file", "line", "example", "holds", "what"), rows),
        status=Status.DONE if good == len(judged) else Status.FOUND,
    )


def _existing(snapshot: Path | None) -> Catalogue:
    """The profiles that the last full check saw, or that are in a snapshot."""
    if snapshot is not None:
        taken = snapshot_file.read(snapshot)
        return Catalogue(taken.as_of, taken.accounts, taken.profiles, policy_digest=taken.policy)
    if not os.environ.get("INVOICE_ACCESS_STORE", "").strip():
        raise UsageError(
            "the examples speak of billing profiles that exist; INVOICE_ACCESS_STORE names no store that knows them",
            mend="Describe the profiles in tests.profiles, give --snapshot FILE, or source the app's settings first.",
        )
    found = on_store(_catalogue)
    if found is None:
        raise UsageError(
            "no full check has stored the billing profiles that exist", mend="Describe the profiles in tests.profiles."
        )
    return found


async def _catalogue(desk: StoreDesk) -> Catalogue | None:
    return await desk.state.catalogue()


def _lines(judged: Judged, catalogue: Catalogue) -> Iterator[str]:
    """What of an example is not as it says, a sentence each."""
    names = {profile.key: profile.display_name for profile in catalogue.profiles}
    gets = ", ".join(f'"{names[key]}"' for key in judged.gets) or "nothing"
    for failure in judged.failures:
        if failure.unknown is not None:
            yield f"{judged.example.name}: {say(failure.unknown)}"
        elif failure.gets:
            rules = f"{'rule' if len(failure.rules) == 1 else 'rules'} {', '.join(failure.rules)}"
            if judged.example.gets is Whole.NONE:
                yield f'{judged.example.name} should get nothing, gets "{failure.profile}" by {rules}'
            else:
                yield f'{judged.example.name} should not get "{failure.profile}", gets it by {rules}'
        else:
            why = "; ".join(map(_wants, failure.verdicts)) or "the policy has no rules"
            yield f'{judged.example.name} should get "{failure.profile}", gets {gets}: {why}'


def _wants(one: RuleVerdict) -> str:
    """What a rule asks for; what is wrong where it asks for nothing of the person."""
    if one.asks:
        return f"rule {one.rule} wants {' or '.join(map(say, one.asks))}"
    if one.groups:
        return f"rule {one.rule} wants a member of {' or '.join(one.groups)}"
    return f"rule {one.rule}: {'' if one.why is None else say(one.why)}"


def _as_json(judged: Judged, catalogue: Catalogue) -> dict[str, Any]:
    names = {profile.key: profile.display_name for profile in catalogue.profiles}
    return {
        "name": judged.example.name,
        "line": judged.example.line,
        "holds": judged.holds,
        "gets": [{"id": str(key), "name": names[key]} for key in judged.gets],
        "failures": [_failure(one) for one in judged.failures],
        "what": list(_lines(judged, catalogue)),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "profile": failure.profile,
        "should": not failure.gets,
        "gets": failure.gets,
        "rules": [{"rule": name, "why": None} for name in failure.rules]
        or [{"rule": one.rule, "why": one.why} for one in failure.verdicts],
        "unknown": failure.unknown,
    }
