"""What `plan` says of what was planned: a sentence first, each change once, and in JSON everything."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cli import plan_text
from cli.answer import Answer, Line, Table, as_document, show
from cli.faults import Status, UsageError
from cli.plan import Found, body_of_compared, read_policy
from cli.plan import body as body_of
from shared.answers.documents import as_csv, as_json
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.planned import Change, Compared, Planned, PolicyDifference, Recipients, Wait, WaitKind
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code

AT = datetime(2026, 3, 3, 8, 14, 20, tzinfo=UTC)
CHLOE, NOAH, BRAM = (PersonKey(f"b0a1d000-0000-4000-8000-00000000000{number}") for number in range(3))
NL, DE = ProfileKey("A:1", "NL"), ProfileKey("A:1", "DE")
GROUP = Wait(WaitKind.HOLD, "sweep:mover_revokes", Code.NO_SUCH_HOLD())


class Tty:
    """A terminal that is wide enough."""

    def isatty(self) -> bool:
        return False


def remove(key: PersonKey, profile: ProfileKey, waits: Wait | None = GROUP) -> Change:
    why = Code.NO_RULE_GIVES_IT_ANY_MORE(gave=("treasury-group",))
    id_ = f"{key.object_id[-1]}{profile.profile}-"
    return Change(id_, ActionKind.MOVER_REVOKES, key, profile, why, ("treasury-group",), waits)


def give(key: PersonKey, profile: ProfileKey, waits: Wait | None = None) -> Change:
    id_ = f"{key.object_id[-1]}{profile.profile}+"
    return Change(id_, ActionKind.GRANTS, key, profile, Code.GIVEN_BY(rules=("payroll",)), ("payroll",), waits)


def turn_on(profile: ProfileKey, waits: Wait | None = None) -> Change:
    return Change("on", ActionKind.PROFILE_UPDATES, profile, profile, Code.OPTED_OUT(), (), waits)


def planned(*changes: Change, **more: Any) -> Planned:
    nothing = Planned(
        as_of=AT,
        policy="3f9a17c2" + 56 * "0",
        swept=None,
        identities_known=True,
        complete=True,
        failures=(),
        people=74,
        profiles=12,
        changes=changes,
        soon=(),
        rooms={kind: Room(0, 50, 50) for kind in ActionKind},
        would_hold={},
        pauses=Pauses(),
        unknown_rules={},
        recipients={},
        names={CHLOE.object_id: "Chloé Moreau", NOAH.object_id: "Noah Lambert", BRAM.object_id: "Bram Wagner"},
        profile_names={NL: "Contoso Nederland", DE: "Contoso Deutschland"},
    )
    return replace(nothing, **more)


def compared(found: Planned, **more: Any) -> Compared:
    nothing = Compared(
        in_force="3f9a17c2" + 56 * "0",
        difference=PolicyDifference(added=("payroll",)),
        planned=found,
        no_longer=(),
        stay=(),
    )
    return replace(nothing, **more)


def lines(text: Iterable[Line | Table]) -> list[str]:
    return show(list(text), Tty(), colored=False).splitlines()  # type: ignore[arg-type] # all that it is asked


def said(found: Planned, *, full: bool = False, most: int | None = None) -> list[str]:
    return lines(plan_text.of_planned(found, seconds=1.94, full=full, most=most))


def said_of_both(found: Compared, *, most: int | None = None) -> list[str]:
    return lines(plan_text.of_compared(found, "new.yaml", seconds=1.94, most=most))


def test_what_waits_is_told_by_person() -> None:
    found = planned(remove(NOAH, NL), remove(NOAH, DE), remove(CHLOE, NL), remove(CHLOE, DE))
    assert said(found) == [
        "Nothing to do by itself: 4 changes wait for a decision. 74 people and 12 profiles read, 1.9 s.",
        "  - remove  Chloé Moreau  2 profiles  no rule gives it any more (treasury-group)  waits: sweep:mover_revokes",
        "  - remove  Noah Lambert  2 profiles  no rule gives it any more (treasury-group)  waits: sweep:mover_revokes",
        "Plan: 0 to give, 0 to remove, 0 to turn on; 4 wait. --full lists each.",
    ]


def test_in_full_each_change_has_a_line_in_the_order_of_profiles() -> None:
    found = planned(remove(NOAH, NL), give(BRAM, NL), turn_on(DE), remove(NOAH, DE))
    assert said(found, full=True) == [
        "The next full check makes 2 changes; 2 changes wait for a decision. 74 people and 12 profiles read, 1.9 s.",
        (
            "  - remove   Noah Lambert  Contoso Deutschland  no rule gives it any more (treasury-group)       "
            "waits: sweep:mover_revokes"
        ),
        "  ~ turn on  invoice mail  Contoso Deutschland  opted out although the policy keeps it opted in",
        "  + give     Bram Wagner   Contoso Nederland    rule payroll",
        (
            "  - remove   Noah Lambert  Contoso Nederland    no rule gives it any more (treasury-group)       "
            "waits: sweep:mover_revokes"
        ),
        "Plan: 1 to give, 0 to remove, 1 to turn on; 2 wait.",
    ]


def test_nothing_to_do_is_said() -> None:
    assert said(planned()) == [
        "Nothing to do: everything is as the policy says. 74 people and 12 profiles read, 1.9 s.",
        "Plan: 0 to give, 0 to remove, 0 to turn on.",
    ]


def test_what_is_only_observed_would_be_done() -> None:
    found = planned(give(BRAM, NL, Wait(WaitKind.OBSERVED)), would_hold={ActionKind.GRANTS: Room(103, 50, 50)})
    assert said(found) == [
        "Observing: 1 change would be made, and nothing is written. 74 people and 12 profiles read, 1.9 s.",
        "  + would give  Bram Wagner  Contoso Nederland  rule payroll",
        "  ! enforced everywhere, 103 to give would wait: of 50 a day 50 are left",
        "Plan: 1 would be given, 0 removed, 0 turned on: nothing is written, because the policy only observes there.",
    ]


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        (Wait(WaitKind.PAUSE, "profile-harm"), "paused: profile-harm"),
        (Wait(WaitKind.GRACE, "2026-03-05T09:00:00+01:00"), "not before 2026-03-05 08:00 UTC"),
        (Wait(WaitKind.DISMISSED, "Felix"), "left alone, as Felix decided"),
    ],
)
def test_what_a_change_waits_for_is_told(waits: Wait, told: str) -> None:
    assert said(planned(remove(CHLOE, NL, waits)))[1].endswith(told)


def test_what_is_amiss_comes_first() -> None:
    paused = Pauses({Pause(PauseKind.OPERATOR): Setting(AT, "Felix", Code.SAID(said="Key rotation"))})
    found = planned(
        complete=False, failures=(Code.SAID(said="the list failed"),), pauses=paused, swept=64 * "a", soon=((BRAM, AT),)
    )
    assert said(found)[:4] == [
        "INCOMPLETE: 1 read failed, so that less may be shown:",
        "  the list failed",
        "Paused: operator-stop since 2026-03-03 08:14 UTC, by Felix: Key rotation",
        (
            "The latest full check went by another policy (aaaaaaaa) than the one in force here (3f9a17c2): "
            "is INVOICE_ACCESS_POLICY the one that is deployed?"
        ),
    ]
    assert "  . soon    Bram Wagner: something changes at 2026-03-03 08:14 UTC" in said(found)


def test_another_policy_is_told_by_profile_with_the_recipients() -> None:
    found = planned(
        give(NOAH, NL),
        give(BRAM, DE),
        give(CHLOE, NL),
        recipients={NL: Recipients(9, 11), DE: Recipients(1, 2)},
    )
    waiting = tuple(remove(PersonKey(CHLOE.object_id[:-1] + f"{number}"), NL) for number in range(4, 7))
    assert said_of_both(compared(found, stay=waiting)) == [
        (
            "new.yaml against the policy in force (3f9a17c2): rule payroll is new. 74 people and 12 profiles read, "
            "1.9 s. Nothing is changed by this."
        ),
        "  + give    Bram Wagner   Contoso Deutschland  rule payroll",
        "  + give    Chloé Moreau  Contoso Nederland    rule payroll",
        "  + give    Noah Lambert  Contoso Nederland    rule payroll",
        "    Contoso Deutschland  1 recipient, then 2",
        "    Contoso Nederland    9 recipients, then 11",
        (
            "Plan: 3 to give, 0 to remove, 0 to turn on. 3 of 50 a day: nothing would wait. "
            "The 3 that wait already stay as they are."
        ),
    ]


def test_on_a_terminal_lines_beyond_the_most_are_counted() -> None:
    found = compared(planned(give(NOAH, NL), give(BRAM, DE), give(CHLOE, NL)))
    assert said_of_both(found, most=1)[1:3] == [
        "  + give    Bram Wagner  Contoso Deutschland  rule payroll",
        "    ... 2 more; --full lists each",
    ]


def test_what_would_wait_or_no_longer_be_done_is_told() -> None:
    difference = PolicyDifference(changed=("a", "b"), removed=("c",), keys=("enforce",))
    found = compared(
        planned(remove(CHLOE, NL), give(BRAM, NL), unknown_rules={"a": (Code.MATCHES_NOBODY(),)}),
        difference=difference,
        no_longer=(turn_on(DE),),
    )
    told = said_of_both(found)
    assert told[0].startswith(
        "new.yaml against the policy in force (3f9a17c2): rules a, b are changed; rule c is gone; enforce differs."
    )
    assert told[3:] == [
        "It would no longer:",
        "  ~ turn on  invoice mail  Contoso Deutschland  opted out although the policy keeps it opted in",
        "  ! rule a is not known: it matches nobody. What it gave stays.",
        (
            "Plan: 1 to give, 1 to remove, 0 to turn on. 1 of 50 to give a day, 1 of 50 to remove (stay) a day: "
            "1 would wait (sweep:mover_revokes)."
        ),
    ]


def answer(found: Planned, *, exit_code: bool = False, compared_with: Compared | None = None) -> Answer:
    body = {"policy": found.policy, **body_of(found)} if compared_with is None else body_of_compared(compared_with)
    return Found(found, found.changes, body, ["told"]).answer(exit_code=exit_code)


def test_json_has_ids_and_names_and_what_each_change_waits_for() -> None:
    found = planned(remove(CHLOE, NL), turn_on(DE), recipients={NL: Recipients(3, 2)})
    document = json.loads(as_json(as_document(answer(found)), pretty=False))
    assert (document["schema"], document["as_of"], document["complete"]) == (
        "invoice-access/plan/1",
        "2026-03-03T08:14:20Z",
        True,
    )
    assert document["counts"] == {"give": 0, "remove": 0, "turn_on": 1, "wait": 1, "observe": 0, "dismissed": 0}
    assert document["changes"][0] == {
        "id": "0NL-",
        "do": "remove",
        "person": {"id": CHLOE.object_id, "name": "Chloé Moreau"},
        "profile": {"id": "A:1/NL", "name": "Contoso Nederland"},
        "why": "no rule gives it any more; it was given by rule treasury-group",
        "reason": {"code": "no-rule-gives-it-any-more", "facts": {"gave": ["treasury-group"]}},
        "rules": ["treasury-group"],
        "waits": "sweep:mover_revokes",
    }
    assert (document["changes"][1]["person"], document["changes"][1]["waits"]) == (None, None)
    assert document["profiles"] == [
        {"id": "A:1/NL", "name": "Contoso Nederland", "recipients": {"before": 3, "after": 2}}
    ]
    assert document["limits"]["grants"] == {"wanted": 0, "left": 50, "limit": 50}


def test_json_of_two_policies_says_how_they_differ() -> None:
    both = compared(planned(give(BRAM, NL)), no_longer=(turn_on(DE),), stay=(remove(CHLOE, NL),))
    document = as_document(answer(both.planned, compared_with=both))
    assert document["rules"] == {"added": ("payroll",), "changed": (), "removed": ()}
    assert [one["do"] for one in document["no_longer"]] == ["turn_on"]
    assert document["stay"]["wait"] == 1


def test_a_spreadsheet_has_a_row_for_each_change() -> None:
    assert as_csv(answer(planned(give(BRAM, NL))).rows).splitlines() == [
        "do,person_id,person,profile_id,profile,rules,why,waits",
        f"give,{BRAM.object_id},Bram Wagner,A:1/NL,Contoso Nederland,payroll,given by rule payroll,",
    ]


@pytest.mark.parametrize(
    ("found", "exit_code", "status"),
    [
        (planned(), True, Status.DONE),
        (planned(give(BRAM, NL)), False, Status.DONE),
        (planned(give(BRAM, NL)), True, Status.FOUND),
        (planned(remove(CHLOE, NL)), True, Status.FOUND),
        (planned(remove(CHLOE, NL, Wait(WaitKind.DISMISSED, "Felix"))), True, Status.DONE),
        (planned(complete=False), False, Status.FAILED),
        (planned(give(BRAM, NL), complete=False), True, Status.FAILED),
    ],
)
def test_the_status_says_whether_anything_would_change(found: Planned, exit_code: bool, status: Status) -> None:
    assert answer(found, exit_code=exit_code).status is status


def test_a_policy_that_only_drops_something_is_a_change() -> None:
    both = compared(planned(), no_longer=(turn_on(DE),))
    assert answer(both.planned, exit_code=True, compared_with=both).status is Status.FOUND


def test_a_policy_with_mistakes_is_told_with_each_of_them(tmp_path: Any) -> None:
    file = tmp_path / "new.yaml"
    file.write_text("version: 1\nrules: 3\nacounts: all\n")
    with pytest.raises(UsageError) as wrong:
        read_policy(file)
    assert len(wrong.value.details) == 2
    assert "acounts" in " ".join(wrong.value.details)
