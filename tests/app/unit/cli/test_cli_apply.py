"""`apply`: the file of a plan, what it refuses and why, and what became of each change."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import plan_file
from cli.apply import answer, refusal
from cli.faults import Status, UsageError
from shared.domain.history.checks import CheckBody, Ended, Step, Waiting
from shared.domain.outcome import Outcome
from shared.domain.pinned import Moved, MovedKind, PinnedPlan, pin
from shared.domain.planned import Wait, WaitKind
from shared.domain.reasons import Code
from shared.domain.work import CauseKind
from shared.services.sweep.apply_plan import Asked, Refused
from tests.app.unit.cli.test_cli_plan import AT, BRAM, CHLOE, DE, NL, NOAH, give, lines, planned, remove, turn_on

PLAN = pin(
    "3f9a17c2", AT, [give(BRAM, DE), remove(CHLOE, NL), turn_on(DE), remove(NOAH, NL, Wait(WaitKind.GRACE, "x"))]
)


def check(outcome: Outcome, *actions: Ended, waiting: tuple[Waiting, ...] = ()) -> CheckBody:
    return CheckBody(
        cause=CauseKind.OPERATOR, origin="plan#1", outcome=outcome, actions=actions, waiting=waiting, why=None
    )


def test_a_plan_is_read_as_it_was_written_and_has_no_names(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    plan_file.write(file, PLAN)
    assert plan_file.read(file) == PLAN
    assert "Moreau" not in file.read_text()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace('"kind": "grants"', '"kind": "leaver_revokes"'), "it was changed after it was made"),
        (lambda text: text.replace("reviewed-plan/1", "reviewed-plan/2"), "its schema is not"),
        (lambda text: text[:-20], "this is no plan"),
        (lambda _: "[]", "its schema is not"),
    ],
)
def test_what_is_no_plan_is_misuse(tmp_path: Path, spoil: Callable[[str], str], said: str) -> None:
    file = tmp_path / "p.json"
    plan_file.write(file, PLAN)
    file.write_text(spoil(file.read_text()))
    with pytest.raises(UsageError, match=said) as wrong:
        plan_file.read(file)
    assert wrong.value.mend


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "person:anna"}, "is not an object id"),
        ({"key": "identity:upn:a@b.example"}, "neither a person nor a profile"),
        ({"kind": "all"}, r"changes\[0\].kind"),
        ({"basis": {"code": "not-of-this-build"}}, "knows no reason"),
        ({"more": 1}, r"changes\[0\].more"),
    ],
)
def test_a_plan_of_another_build_names_what_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    file = tmp_path / "p.json"
    plan_file.write(file, PLAN)
    document = json.loads(file.read_text())
    document["changes"][0] |= change
    monkeypatch.setattr(plan_file, "_digest", lambda _: document["digest"])
    file.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=said):
        plan_file.read(file)


def test_a_refusal_tells_each_difference() -> None:
    was = {one.id: one for one in PLAN.changes}
    now = pin("other", AT, [give(NOAH, DE)]).changes[0]
    again = pin("other", AT, [remove(CHLOE, NL, None)]).changes[0]
    differences = [
        Moved(MovedKind.CAME, now, now),
        Moved(MovedKind.GONE, was[give(BRAM, DE).id]),
        Moved(MovedKind.WAITS, again, was[again.id]),
    ]
    now_is = planned(complete=False, failures=(Code.SAID(said="a list"),))
    refused = refusal(Refused(now_is, differences), now_is.policy)
    assert refused.status is Status.REFUSED
    assert [*refused.details] == [
        "not read: a list",
        "+ came in    give Noah Lambert on Contoso Deutschland",
        "- is gone    give Bram Wagner on Contoso Deutschland",
        "~ changed    remove Chloé Moreau on Contoso Nederland: was made by itself, is now sweep:mover_revokes",
    ]


def test_under_another_policy_the_refusal_says_that_alone() -> None:
    refused = refusal(Refused(planned(), [Moved(MovedKind.GONE, PLAN.changes[0])]), "aaaaaaaaaa")
    assert [*refused.details] == ["the policy in force is 3f9a17c2, and the plan was made by aaaaaaaa"]


def asked(plan: PinnedPlan) -> Asked:
    keys = {one.key: [each for each in plan.to_apply if each.key == one.key] for one in plan.to_apply}
    return Asked(planned(), "plan#1:Felix", keys)


def test_what_became_of_each_change_is_told_and_what_was_left() -> None:
    plan = pin("3f9a17c2", AT, [give(BRAM, DE), remove(CHLOE, NL, None), turn_on(DE), give(NOAH, DE)])
    given = Ended(Step.GRANT, Outcome.DONE, Code.GIVEN_BY(rules=("payroll",)), profile=DE)
    left = Ended(Step.GRANT, Outcome.UNCHANGED, Code.NOT_IN_THE_PLAN(), profile=NL)
    seen = Waiting(NL, Code.NO_RULE_GIVES_IT(), AT + timedelta(minutes=5))
    found = answer(
        asked(plan),
        {
            BRAM: check(Outcome.DONE, given, left),
            CHLOE: check(Outcome.WAITING, waiting=(seen,)),
            NOAH: None,
            DE: check(Outcome.HELD, Ended(Step.OPT_IN, Outcome.HELD, Code.PROFILE_GONE(), profile=DE)),
        },
        2,
    )
    assert [*map(str.rstrip, lines(found.text))] == [
        "4 checks were asked for: 1 done, 1 held, 1 not checked yet, 1 seen once.",
        "  give     Bram Wagner   Contoso Deutschland  done             given by rule payroll",
        "  remove   Chloé Moreau  Contoso Nederland    seen once        no rule gives it; seen again at 08:19 UTC",
        "  give     Noah Lambert  Contoso Deutschland  not checked yet",
        "  turn on  invoice mail  Contoso Deutschland  held             there is no such profile",
        (
            "  give     Bram Wagner   Contoso Nederland    left             "
            "it is not in the plan that was applied: left to the next check"
        ),
        "What is left was not in the plan; the next full check decides about it.",
        "2 changes of the plan wait for something else.",
    ]
    assert [one["state"] for one in found.body["changes"]] == ["done", "seen once", "not checked yet", "held"]
    assert [(one["person"]["name"], one["profile"]["name"]) for one in found.body["left"]] == [
        ("Bram Wagner", "Contoso Nederland")
    ]
