"""Groups: what needs room in a daily limit, what is too much, and what a sweep makes of a key's holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Hold, KeyHolds, Status
from shared.domain.guards.sweep_holds import (
    SweepAction,
    SweepGroup,
    changed_rules,
    is_forgotten,
    is_stopped,
    needing_room,
    of_policy,
    policy_difference,
    renewed,
    same_basis,
    seen_rules,
    too_many,
)
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.load import load_policy, rule_digests
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason
from shared.wording.say import say

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=5)
PERSON = PersonKey("7c0f5a0e-0000-4000-8000-000000000001")
PROFILE = ProfileKey("account", "profile")
ACTION = SweepAction(PERSON, ActionKind.MOVER_REVOKES, PROFILE, Code.NO_RULE_GIVES_IT())
TOO_MANY = Code.SWEEP_WANTS_TOO_MANY(wanted=Code.MOVER_REVOKES(count=2), most=10, left=1)
CHANGED = Code.POLICY_CHANGED(changes=(Code.RULES_REMOVED(rules=("one",)),))
CHANGED_AGAIN = Code.POLICY_CHANGED_BUT_NO_RULE()
SWEEP = SweepGroup("sweep:mover_revokes", StoppedBy.SWEEP, TOO_MANY, frozenset({ACTION.id}))
POLICY = SweepGroup("policy:abc", StoppedBy.POLICY, CHANGED, frozenset({ACTION.id}))

RULES = """
version: 1
accounts: all
rules:
  - { name: one, who: "department eq 'Finance'", profiles: all }
  - { name: two, member_of: [7c0f5a0e-0000-4000-8000-000000000002], profiles: all }
"""


def hold(**changes: Any) -> Hold:
    usual: dict[str, Any] = {
        "id": ACTION.id,
        "key": PERSON,
        "kind": ACTION.kind,
        "profile": PROFILE,
        "basis": ACTION.basis,
        "why": Code.DAILY_LIMIT_USED_UP(kind="mover_revokes", most=3),
        "stopped_by": StoppedBy.DAILY_LIMIT,
        "since": EARLIER,
        "renewed": EARLIER,
    }
    return Hold(**usual | changes)


def after(before: Hold | None, group: SweepGroup | None, action: SweepAction = ACTION) -> Hold | None:
    """The hold that a sweep leaves of the one before."""
    row = KeyHolds(PERSON, {} if before is None else {before.id: before})
    groups = {} if group is None else {action.id: group}
    result = renewed(row, [action], groups, NOW, unseen=frozenset())
    assert result.key == PERSON
    return result.holds.get(action.id)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Code.DELETED(), Code.DELETED(), True),
        (Code.DELETED(), Code.EMPLOYED(), False),
        (Code.GIVEN_BY(rules=("a",)), Code.GIVEN_BY(rules=("b",)), False),
        (None, Code.EMPLOYED(), True),
        (Code.DELETED(), None, True),
        (None, None, True),
    ],
)
def test_a_basis_that_nobody_could_tell_matches_any(one: Reason | None, other: Reason | None, same: bool) -> None:
    assert same_basis(one, other) is same


@pytest.mark.parametrize(
    ("before", "needs"),
    [
        (None, True),
        (hold(), False),
        (hold(basis=Code.EMPLOYED()), False),
        (hold(status=Status.RELEASED), False),
        (hold(status=Status.RELEASED, basis=Code.EMPLOYED()), True),
        (hold(status=Status.DISMISSED), False),
        (hold(status=Status.DISMISSED, basis=Code.EMPLOYED()), True),
        (hold(status=Status.RELEASED, basis=None), False),
        (hold(stopped_by=StoppedBy.FIGHTS_BACK), False),
        (hold(stopped_by=StoppedBy.HARM), False),
    ],
)
def test_what_waits_for_a_person_or_was_decided_by_one_needs_no_room(before: Hold | None, needs: bool) -> None:
    holds = {} if before is None else {before.id: before}
    assert needing_room([ACTION], holds, frozenset()) == [ACTION] * needs


def test_nor_does_what_is_reserved_or_not_due() -> None:
    assert needing_room([ACTION], {}, frozenset({ACTION.id})) == []
    assert needing_room([replace(ACTION, until=NOW)], {}, frozenset()) == []


def test_as_many_as_are_left_are_not_too_many() -> None:
    assert too_many(ActionKind.GRANTS, [ACTION, ACTION], 2, 10) is None
    group = too_many(ActionKind.GRANTS, [ACTION, ACTION], 1, 10)
    assert group is not None
    assert group.name == "sweep:grants"
    assert say(group.why) == "one full check wants to give access 2 times; 10 a day are allowed, and 1 is left"


def test_a_changed_policy_holds_movers_alone_due_or_not() -> None:
    grant = SweepAction(PERSON, ActionKind.GRANTS, PROFILE, Code.GIVEN_BY(rules=("one",)))
    group = of_policy([grant, replace(ACTION, until=NOW)], {}, "0123456789abcdef", CHANGED)
    assert group is not None
    assert (group.name, set(group.actions)) == ("policy:0123456789ab", {ACTION.id})
    assert of_policy([grant], {}, "0123", CHANGED) is None
    assert of_policy([ACTION], {ACTION.id: hold(status=Status.RELEASED)}, "0123", CHANGED) is None


def test_a_rule_that_became_known_later_holds_what_it_gave() -> None:
    given = replace(ACTION, rules=frozenset({"one", "two"}))
    assert of_policy([given], {}, "0123", CHANGED, frozenset({"two"})) is not None
    assert of_policy([given], {}, "0123", CHANGED, frozenset({"three"})) is None
    assert of_policy([ACTION], {}, "0123", CHANGED, frozenset({"three"})) is not None  # nobody remembers what gave it
    assert of_policy([given], {ACTION.id: hold()}, "0123", CHANGED, frozenset({"two"})) is not None  # waits already


@pytest.mark.parametrize(
    ("before", "now", "unknown", "seen"),
    [
        ({}, {"one": "a"}, set(), {"one": "a"}),
        ({}, {"one": "a"}, {"one"}, {}),
        ({"one": "a"}, {"one": "b"}, set(), {"one": "b"}),
        ({"one": "a"}, {"one": "b"}, {"one"}, {"one": "a"}),
        ({"one": "a", "gone": "g"}, {"one": "a"}, set(), {"one": "a"}),
        ({"one": "a", "gone": "g"}, {"one": "a"}, {"one"}, {"one": "a", "gone": "g"}),
        ({"one": "a", "gone": "g"}, {"one": "a", "two": "t"}, {"two"}, {"one": "a", "gone": "g"}),
    ],
)
def test_a_rule_counts_as_seen_once_it_could_be_judged(
    before: dict[str, str], now: dict[str, str], unknown: set[str], seen: dict[str, str]
) -> None:
    assert seen_rules(before, now, unknown) == seen


def test_rules_that_came_went_or_changed_are_told() -> None:
    before = {"same": "a", "changed": "b", "gone": "c"}
    assert changed_rules(before, {"same": "a", "changed": "x", "new": "d"}) == {"changed", "gone", "new"}


def test_what_is_in_a_group_is_held_since_now() -> None:
    new = after(None, SWEEP)
    assert new == hold(why=TOO_MANY, stopped_by=StoppedBy.SWEEP, group="sweep:mover_revokes", since=NOW, renewed=NOW)
    assert after(None, None) is None


def test_an_open_hold_is_renewed_and_joins_the_group() -> None:
    assert after(hold(), None) == hold(renewed=NOW)
    assert after(hold(), SWEEP) == hold(
        renewed=NOW, group="sweep:mover_revokes", why=TOO_MANY, stopped_by=StoppedBy.SWEEP
    )


def test_a_hold_that_a_clock_ahead_renewed_is_not_set_back() -> None:
    assert after(hold(renewed=NOW + timedelta(minutes=1)), None) == hold(renewed=NOW + timedelta(minutes=1))


def test_a_hold_for_a_changed_policy_keeps_its_reason_until_the_policy_changes_again() -> None:
    before = hold(stopped_by=StoppedBy.POLICY, group="policy:abc", why=CHANGED)
    assert after(before, SWEEP) == replace(before, renewed=NOW)
    again = after(before, replace(POLICY, name="policy:def", why=CHANGED_AGAIN))
    assert again == replace(before, renewed=NOW, group="policy:def", why=CHANGED_AGAIN)


@pytest.mark.parametrize("reason", [StoppedBy.FIGHTS_BACK, StoppedBy.HARM])
def test_a_group_takes_over_no_profile_that_somebody_has_to_look_after(reason: StoppedBy) -> None:
    assert after(hold(stopped_by=reason), SWEEP) == hold(stopped_by=reason, renewed=NOW)


def test_another_basis_is_another_action() -> None:
    moved_on = replace(ACTION, basis=Code.ACCOUNT_DISABLED())
    opened = after(hold(), None, moved_on)
    assert opened == hold(basis=Code.ACCOUNT_DISABLED(), since=NOW, renewed=NOW)
    unknown = after(hold(), None, replace(ACTION, basis=None))
    assert unknown == hold(renewed=NOW)
    told = after(hold(basis=None), None)
    assert told == hold(renewed=NOW)


@pytest.mark.parametrize("status", [Status.RELEASED, Status.DISMISSED])
def test_a_decision_stays_on_the_same_basis_and_is_the_checks_to_judge_on_another(status: Status) -> None:
    decided = hold(status=status, by="olga", decided_at=EARLIER)
    moved_on = replace(ACTION, basis=Code.ACCOUNT_DISABLED())
    assert after(decided, SWEEP) == decided
    assert after(decided, None, moved_on) == decided
    anew = after(decided, SWEEP, moved_on)
    assert anew is not None
    assert (anew.status, anew.by, anew.decided_at, anew.since) == (Status.OPEN, "", None, NOW)
    difference = Code.RELEASED_FOR_ANOTHER_REASON(was=Code.NO_RULE_GIVES_IT(), now=Code.ACCOUNT_DISABLED())
    assert anew.refused == (difference if status is Status.RELEASED else None)


def test_other_holds_of_the_key_stay_unless_nobody_wants_them() -> None:
    other = hold(id="other", kind=ActionKind.GRANTS)
    row = KeyHolds(PERSON, {"other": other})
    assert renewed(row, [ACTION], {}, NOW, unseen=frozenset()).holds == {"other": other}
    assert renewed(row, [ACTION], {}, NOW, unseen=frozenset({"other"})).holds == {}


@pytest.mark.parametrize(
    ("before", "stopped"),
    [
        (None, False),
        (hold(), True),
        (hold(basis=Code.EMPLOYED()), True),
        (hold(status=Status.RELEASED), False),
        (hold(status=Status.DISMISSED), True),
        (hold(status=Status.DISMISSED, basis=Code.EMPLOYED()), False),
    ],
)
def test_no_check_is_asked_for_what_waits_for_a_person_or_was_refused_by_one(
    before: Hold | None, stopped: bool
) -> None:
    assert is_stopped(ACTION, before) is stopped


@pytest.mark.parametrize(
    ("before", "wanted", "undecided", "goes"),
    [
        (hold(), (), (), True),
        (hold(), (ACTION.id,), (), False),
        (hold(), (), (ACTION.id,), False),
        (hold(renewed=NOW), (), (), False),
        (hold(status=Status.DISMISSED), (), (), True),
        (hold(status=Status.RELEASED), (), (), False),
    ],
)
def test_a_hold_goes_when_nobody_has_wanted_it_since_the_sweep_began(
    before: Hold, wanted: tuple[str, ...], undecided: tuple[str, ...], goes: bool
) -> None:
    assert is_forgotten(before, frozenset(wanted), frozenset(undecided), NOW) is goes


def test_the_difference_of_two_policies_names_their_rules() -> None:
    before = rule_digests(load_policy(RULES))
    again = rule_digests(load_policy(RULES.replace("department eq", "department  eq  ")))
    assert again == before
    changed = RULES.replace("Finance", "Audit").replace("name: two", "name: three")
    assert say(policy_difference(before, rule_digests(load_policy(changed)))) == (
        "the policy changed: rules added three; removed two; changed one"
    )
    assert policy_difference(before, again) == Code.POLICY_CHANGED_BUT_NO_RULE()
    assert policy_difference(None, before) == Code.POLICY_UNKNOWN_BEFORE()
