"""Folding a person's records: what each kind says, and records of earlier versions."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from shared.domain.history.records import Record
from shared.domain.history.spells import Certainty, Ending, How, Spell, Window
from shared.domain.history.unmanaged_sightings import UnmanagedFold, appeared
from shared.domain.keys import ProfileKey
from tests.as_of_spells import entry, spells_of

P: Final = ProfileKey("mca", "P1")
DAY: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


def chain(*entries: tuple[int, str, Mapping[str, Any]]) -> list[Record]:
    """Records, each so many minutes after the first day's nine o'clock."""
    return [
        entry(number, DAY + timedelta(minutes=minutes), kind, body)
        for number, (minutes, kind, body) in enumerate(entries, 1)
    ]


def grant(mode: str = "enforce", rule: str = "r") -> Mapping[str, Any]:
    action = {"action": "grant", "profile": str(P), "mode": mode, "why": "wanted", "rules": [rule]}
    return {"actions": [action | {"found_nothing": True}]}


def revoke(mode: str = "enforce") -> Mapping[str, Any]:
    action = {"action": "revoke", "profile": str(P), "mode": mode, "why": "left", "proof": "created-by"}
    return {"actions": [action | {"strength": "strong"}]}


def check(verb: str = "", outcome: str = "", **more: Any) -> Mapping[str, Any]:
    """A check of the version before, unless `held` and `read` are given."""
    actions = [{"action": verb, "outcome": outcome, "why": "x", "profile": str(P)}] if verb else []
    return {"cause": "event", "origin": "/hr#1", "event_type": "changed", "actions": actions, **more}


def seen(since: datetime | None, proof: str = "created-by", **more: Any) -> Mapping[str, Any]:
    row = {"proof": proof, "rules": ["r"], "since": None if since is None else since.isoformat()}
    return check(read=[str(P)], held={str(P): row}, **more)


def nothing() -> Mapping[str, Any]:
    return check(read=[str(P)], held={})


def at(minutes: float) -> Window:
    return Window.of_moment(DAY + timedelta(minutes=minutes))


def only(spells: Any) -> Spell:
    (spell,) = spells
    assert isinstance(spell, Spell)
    return spell


def test_records_of_the_version_before_tell_of_grants_and_revokes() -> None:
    spell = only(
        spells_of(
            chain(
                (0, "intent", grant()),
                (1, "check", check("grant", "done")),
                (60, "intent", revoke()),
                (61, "check", check("revoke", "done")),
            )
        )
    )
    assert [spell.certainty(at(m)) for m in (-1, 0.5, 1, 60, 60.5, 61)] == [
        None,
        Certainty.PERHAPS,
        Certainty.HELD,
        Certainty.HELD,
        Certainty.PERHAPS,
        None,
    ]
    assert (spell.began.origin, spell.began.record) == ("/hr#1", 1)
    assert spell.ended is not None
    assert (spell.ended.how, spell.ended.record, spell.ended.why) == (Ending.REVOKED, 3, "left")


def test_a_grant_over_nothing_says_that_what_was_there_has_gone() -> None:
    first, second = spells_of(
        chain(
            (0, "intent", grant()),
            (1, "check", check("grant", "done")),
            (60, "intent", grant()),
            (61, "check", check("grant", "done")),
        )
    )
    assert first.ended is not None
    assert (first.ended.how, first.ended.last_seen, first.ended.at) == (
        Ending.GONE,
        DAY + timedelta(minutes=1),
        DAY + timedelta(minutes=60),
    )
    assert second.ended is None


@pytest.mark.parametrize("outcome", ["would", "retry", "gave-up", "held", "unchanged"])
def test_what_was_not_written_is_not_held_afterwards(outcome: str) -> None:
    mode = "observe" if outcome == "would" else "enforce"
    spells = spells_of(chain((0, "intent", grant(mode)), (0, "check", check("grant", outcome))))
    assert [spell.certainty(at(1)) for spell in spells if spell.certainty(at(1))] == []


def test_an_observed_intent_writes_nothing_whatever_becomes_of_its_check() -> None:
    assert spells_of(chain((0, "intent", grant("observe")))) == []
    assert spells_of(chain((0, "intent", grant("observe")), (1, "check", check("grant", "would")))) == []
    spell = only(spells_of(chain((0, "check", seen(DAY)), (5, "intent", revoke("observe")))))
    assert spell.certainty(at(9)) is Certainty.HELD


def test_an_observed_revoke_says_that_it_was_there_and_takes_nothing_away() -> None:
    spell = only(spells_of(chain((0, "intent", revoke("observe")), (0, "check", check("revoke", "would")))))
    assert (spell.began.how, spell.ended) == (How.FOUND, None)
    assert spell.certainty(at(5)) is Certainty.HELD


@pytest.mark.parametrize("outcome", ["retry", "gave-up", "held"])
def test_a_revoke_that_failed_takes_nothing_away(outcome: str) -> None:
    records = chain(
        (0, "intent", grant()),
        (1, "check", check("grant", "done")),
        (60, "intent", revoke()),
        (61, "check", check("revoke", outcome)),
    )
    assert only(spells_of(records)).certainty(at(90)) is Certainty.HELD


def test_an_unverified_revoke_makes_it_unsure_until_a_check_tells() -> None:
    records = [
        (0, "intent", grant()),
        (1, "check", check("grant", "done")),
        (60, "intent", revoke()),
        (61, "check", check("revoke", "unverified")),
    ]
    spell = only(spells_of(chain(*records)))
    assert (spell.certainty(at(60)), spell.certainty(at(70))) == (Certainty.HELD, Certainty.PERHAPS)
    ended = only(spells_of(chain(*records, (80, "check", nothing())))).ended
    assert ended is not None
    assert (ended.how, ended.origin, ended.at) == (Ending.REVOKED, "/hr#1", DAY + timedelta(minutes=80))
    still = only(spells_of(chain(*records, (80, "check", seen(DAY)))))
    assert still.certainty(at(70)) is Certainty.HELD


def test_an_unverified_grant_is_perhaps_held_until_a_check_shows_it_or_not() -> None:
    records = [(0, "intent", grant()), (1, "check", check("grant", "unverified"))]
    assert only(spells_of(chain(*records))).certainty(at(600)) is Certainty.PERHAPS
    shown = only(spells_of(chain(*records, (30, "check", seen(DAY + timedelta(seconds=20))))))
    assert shown.certainty(at(1)) is Certainty.HELD
    assert (shown.began.how, shown.began.origin, shown.began.rules) == (How.GRANTED, "/hr#1", ("r",))
    never = only(spells_of(chain(*records, (30, "check", nothing()))))
    assert (never.certainty(at(29)), never.certainty(at(30))) == (Certainty.PERHAPS, None)


def test_a_read_that_comes_before_a_write_can_show_does_not_end_it() -> None:
    never = only(spells_of(chain((0, "intent", grant()), (1, "check", nothing()))))
    assert (never.certainty(at(14)), never.certainty(at(15))) == (Certainty.PERHAPS, None)


def test_a_row_slow_to_show_is_that_of_the_first_grant() -> None:
    spell = only(
        spells_of(
            chain(
                (0, "intent", grant()),
                (1, "check", check("grant", "unverified")),
                (20, "intent", grant()),
                (21, "check", check("grant", "done")),
                (60, "check", seen(DAY + timedelta(seconds=30))),
            )
        )
    )
    assert spell.began.at == DAY + timedelta(seconds=30)
    assert spell.began.record == 1


def test_what_a_wiped_ledger_no_longer_tells_is_found_with_when_it_was_made() -> None:
    spell = only(spells_of(chain((0, "check", seen(DAY - timedelta(days=9))))))
    assert spell.began.how is How.FOUND
    assert spell.certainty(Window.of_day(date(2026, 2, 22), ZoneInfo("UTC"))) is Certainty.HELD
    assert spell.certainty(Window.of_day(date(2026, 2, 20), ZoneInfo("UTC"))) is None


def test_a_row_without_a_time_may_be_from_before_the_check_that_found_it() -> None:
    found = chain((0, "check", nothing()), (60, "check", seen(None)))
    spell = only(spells_of(found))
    assert [spell.certainty(at(m)) for m in (-1, 30, 60)] == [None, Certainty.PERHAPS, Certainty.HELD]
    assert only(spells_of(found[1:])).certainty(at(-9999)) is Certainty.PERHAPS


def test_another_row_than_before_is_another_spell() -> None:
    first, second = spells_of(chain((0, "check", seen(DAY)), (90, "check", seen(DAY + timedelta(minutes=60)))))
    assert first.ended is not None
    assert first.ended.at == second.began.at == DAY + timedelta(minutes=60)


def test_a_read_that_was_behind_the_times_ends_nothing() -> None:
    records = chain((0, "check", seen(DAY)), (10, "check", nothing()), (20, "check", seen(DAY)))
    assert only(spells_of(records)).certainty(at(15)) is Certainty.HELD


def test_an_adoption_begins_it_and_names_who_adopted() -> None:
    made = DAY - timedelta(days=99)
    adoption = {"profile": str(P), "rules": ["r"], "by": "olga", "why": "given-by-rule", "created_on": made.isoformat()}
    records = [(0, "adopt", adoption), (0, "adopt", adoption), (5, "check", seen(made, "adopted"))]
    spell = only(spells_of(chain(*records)))
    assert (spell.began.how, spell.began.by, spell.began.at) == (How.ADOPTED, "olga", DAY)
    assert spell.certainty(at(-1)) is None
    lagging = only(spells_of(chain(records[0], (1, "check", nothing()), (5, "check", seen(made, "adopted")))))
    assert lagging.certainty(at(3)) is Certainty.HELD


def test_the_rules_of_a_day_are_those_that_gave_it_then() -> None:
    given: dict[str, Any] = {"wanted": {str(P): ["other"]}}
    records = chain((0, "intent", grant()), (1, "check", check("grant", "done")), (60, "check", seen(DAY, **given)))
    spell = only(spells_of(records))
    assert (spell.rules_on(at(30)), spell.rules_on(at(61))) == (("r",), ("other",))
    assert spell.began.rules == ("r",)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("check", {}),
        ("check", check("grant", "perhaps")),
        ("check", check("grant", "done")),
        ("check", check("revoke", "done")),
        ("check", {**nothing(), "read": ["no profile"]}),
        ("check", {**seen(None), "held": {str(P): {"rules": []}}}),
        ("intent", {"actions": [{"action": "grant"}]}),
        ("intent", {}),
        ("adopt", {"profile": str(P)}),
    ],
)
def test_a_record_that_does_not_fit_is_refused_with_its_number(kind: str, body: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"record 1 is no {kind} as this app writes them"):
        spells_of(chain((0, kind, body)))


def test_records_of_other_kinds_are_passed_over() -> None:
    assert spells_of(chain((0, "decision", {}), (1, "result", {"x": 1}))) == []


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 2), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_has_the_hours_it_has(day: date, hours: int) -> None:
    window = Window.of_day(day, ZoneInfo("Europe/Amsterdam"))
    assert window.end - window.start == timedelta(hours=hours)
    assert window.holds(window.start)
    assert not window.holds(window.end)


# -- what is unmanaged


def test_a_sweep_that_was_repeated_changes_no_first_sight() -> None:
    fold = UnmanagedFold()
    for minutes in (0, 60):
        told = appeared(P, "x", "User", "made by y", DAY + timedelta(minutes=minutes))
        fold.take(entry(1, DAY, "unmanaged", {"appeared": [told], "left": []}))
    assert [one.first for one in fold.there] == [DAY]


def test_what_left_is_told_also_where_its_coming_was_lost() -> None:
    told = appeared(P, "x", "User", "made by y", DAY) | {"last": DAY.isoformat(), "left": "gone"}
    (one,) = UnmanagedFold().take(entry(1, DAY + timedelta(hours=1), "unmanaged", {"appeared": [], "left": [told]}))
    assert (one.certainty(at(0)), one.certainty(at(30)), one.certainty(at(60))) == (
        Certainty.HELD,
        Certainty.PERHAPS,
        None,
    )


@pytest.mark.parametrize("body", [{}, {"appeared": [{}], "left": []}, {"appeared": [], "left": [{"profile": "a/b"}]}])
def test_a_list_of_what_is_unmanaged_that_does_not_fit_is_refused(body: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="record 1 is no list of what is unmanaged"):
        UnmanagedFold().take(entry(1, DAY, "unmanaged", body))
