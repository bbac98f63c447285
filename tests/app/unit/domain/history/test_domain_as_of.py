"""Folding a person's records: what each kind says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Strength
from shared.domain.history.checks import CheckBody, Ended, ManagedRow, Step, Told
from shared.domain.history.records import (
    AdoptBody,
    Appeared,
    Body,
    DecisionBody,
    DigestBody,
    Disappeared,
    IntendedGrant,
    IntendedRevoke,
    IntentBody,
    Left,
    Mode,
    Record,
    UnmanagedBody,
    Verb,
)
from shared.domain.history.spells import Certainty, Ending, How, Spell, Window
from shared.domain.history.unmanaged_sightings import UnmanagedFold
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind
from tests.as_of_spells import entry, spells_of

GIVEN, LEFT, MADE = Code.GIVEN_BY(rules=("r",)), Code.ACCOUNT_DISABLED(), Code.MADE_BY(maker="y")

P: Final = ProfileKey("mca", "P1")
DAY: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


def chain(*entries: tuple[int, Body]) -> list[Record]:
    """Records, each so many minutes after the first day's nine o'clock."""
    return [entry(number, DAY + timedelta(minutes=minutes), body) for number, (minutes, body) in enumerate(entries, 1)]


def grant(mode: Mode = Mode.ENFORCE, rule: str = "r") -> IntentBody:
    return IntentBody((IntendedGrant("grant", P, mode, GIVEN, (rule,), found_nothing=True),))


def revoke(mode: Mode = Mode.ENFORCE) -> IntentBody:
    return IntentBody((IntendedRevoke("revoke", P, mode, LEFT, OwnershipBasis.CREATED_BY, Strength.STRONG),))


def check(step: str = "", outcome: str = "", **more: Any) -> CheckBody:
    """A check that was shortened to what it did, unless `held` and `read` are given."""
    actions = (Ended(Step(step), Outcome(outcome), LEFT, "", P),) if step else ()
    cause = Cause(CauseKind.EVENT, "/hr#1", "changed")
    return CheckBody.of(Told(actions=actions, **more), cause, Outcome.DONE, 0, ())


def seen(since: datetime | None, proof: OwnershipBasis = OwnershipBasis.CREATED_BY, **more: Any) -> CheckBody:
    return check(read=(P,), held={P: ManagedRow(proof, ("r",), since)}, **more)


def nothing() -> CheckBody:
    return check(read=(P,), held={})


def at(minutes: float) -> Window:
    return Window.of_moment(DAY + timedelta(minutes=minutes))


def only(spells: Any) -> Spell:
    (spell,) = spells
    assert isinstance(spell, Spell)
    return spell


def test_shortened_records_tell_of_grants_and_revokes() -> None:
    spell = only(
        spells_of(
            chain(
                (0, grant()),
                (1, check("grant", "done")),
                (60, revoke()),
                (61, check("revoke", "done")),
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
    assert (spell.ended.how, spell.ended.record, spell.ended.why) == (Ending.REVOKED, 3, LEFT)


def test_a_grant_over_nothing_says_that_what_was_there_has_gone() -> None:
    first, second = spells_of(
        chain(
            (0, grant()),
            (1, check("grant", "done")),
            (60, grant()),
            (61, check("grant", "done")),
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
    mode = Mode.OBSERVE if outcome == "would" else Mode.ENFORCE
    spells = spells_of(chain((0, grant(mode)), (0, check("grant", outcome))))
    assert [spell.certainty(at(1)) for spell in spells if spell.certainty(at(1))] == []


def test_an_observed_intent_writes_nothing_whatever_becomes_of_its_check() -> None:
    assert spells_of(chain((0, grant(Mode.OBSERVE)))) == []
    assert spells_of(chain((0, grant(Mode.OBSERVE)), (1, check("grant", "would")))) == []
    spell = only(spells_of(chain((0, seen(DAY)), (5, revoke(Mode.OBSERVE)))))
    assert spell.certainty(at(9)) is Certainty.HELD


def test_an_observed_revoke_says_that_it_was_there_and_takes_nothing_away() -> None:
    spell = only(spells_of(chain((0, revoke(Mode.OBSERVE)), (0, check("revoke", "would")))))
    assert (spell.began.how, spell.ended) == (How.FOUND, None)
    assert spell.certainty(at(5)) is Certainty.HELD


@pytest.mark.parametrize("outcome", ["retry", "gave-up", "held"])
def test_a_revoke_that_failed_takes_nothing_away(outcome: str) -> None:
    records = chain(
        (0, grant()),
        (1, check("grant", "done")),
        (60, revoke()),
        (61, check("revoke", outcome)),
    )
    assert only(spells_of(records)).certainty(at(90)) is Certainty.HELD


def test_an_unverified_revoke_makes_it_unsure_until_a_check_tells() -> None:
    records: list[tuple[int, Body]] = [
        (0, grant()),
        (1, check("grant", "done")),
        (60, revoke()),
        (61, check("revoke", "unverified")),
    ]
    spell = only(spells_of(chain(*records)))
    assert (spell.certainty(at(60)), spell.certainty(at(70))) == (Certainty.HELD, Certainty.PERHAPS)
    ended = only(spells_of(chain(*records, (80, nothing())))).ended
    assert ended is not None
    assert (ended.how, ended.origin, ended.at) == (Ending.REVOKED, "/hr#1", DAY + timedelta(minutes=80))
    still = only(spells_of(chain(*records, (80, seen(DAY)))))
    assert still.certainty(at(70)) is Certainty.HELD


def test_an_unverified_grant_is_perhaps_held_until_a_check_shows_it_or_not() -> None:
    records: list[tuple[int, Body]] = [(0, grant()), (1, check("grant", "unverified"))]
    assert only(spells_of(chain(*records))).certainty(at(600)) is Certainty.PERHAPS
    shown = only(spells_of(chain(*records, (30, seen(DAY + timedelta(seconds=20))))))
    assert shown.certainty(at(1)) is Certainty.HELD
    assert (shown.began.how, shown.began.origin, shown.began.rules) == (How.GRANTED, "/hr#1", ("r",))
    never = only(spells_of(chain(*records, (30, nothing()))))
    assert (never.certainty(at(29)), never.certainty(at(30))) == (Certainty.PERHAPS, None)


def test_a_read_that_comes_before_a_write_can_show_does_not_end_it() -> None:
    never = only(spells_of(chain((0, grant()), (1, nothing()))))
    assert (never.certainty(at(14)), never.certainty(at(15))) == (Certainty.PERHAPS, None)


def test_a_row_slow_to_show_is_that_of_the_first_grant() -> None:
    spell = only(
        spells_of(
            chain(
                (0, grant()),
                (1, check("grant", "unverified")),
                (20, grant()),
                (21, check("grant", "done")),
                (60, seen(DAY + timedelta(seconds=30))),
            )
        )
    )
    assert spell.began.at == DAY + timedelta(seconds=30)
    assert spell.began.record == 1


def test_what_a_wiped_ledger_no_longer_tells_is_found_with_when_it_was_made() -> None:
    spell = only(spells_of(chain((0, seen(DAY - timedelta(days=9))))))
    assert spell.began.how is How.FOUND
    assert spell.certainty(Window.of_day(date(2026, 2, 22), ZoneInfo("UTC"))) is Certainty.HELD
    assert spell.certainty(Window.of_day(date(2026, 2, 20), ZoneInfo("UTC"))) is None


def test_a_row_without_a_time_may_be_from_before_the_check_that_found_it() -> None:
    found = chain((0, nothing()), (60, seen(None)))
    spell = only(spells_of(found))
    assert [spell.certainty(at(m)) for m in (-1, 30, 60)] == [None, Certainty.PERHAPS, Certainty.HELD]
    assert only(spells_of(found[1:])).certainty(at(-9999)) is Certainty.PERHAPS


def test_another_row_than_before_is_another_spell() -> None:
    first, second = spells_of(chain((0, seen(DAY)), (90, seen(DAY + timedelta(minutes=60)))))
    assert first.ended is not None
    assert first.ended.at == second.began.at == DAY + timedelta(minutes=60)


def test_a_read_that_was_behind_the_times_ends_nothing() -> None:
    records = chain((0, seen(DAY)), (10, nothing()), (20, seen(DAY)))
    assert only(spells_of(records)).certainty(at(15)) is Certainty.HELD


def test_an_adoption_begins_it_and_names_who_adopted() -> None:
    made = DAY - timedelta(days=99)
    adoption = AdoptBody(
        P, "row", "somebody", made, "User", "olga", "given-by-rule", "stays", Code.STAYS_GIVEN_BY(rules=("r",)), ("r",)
    )
    records: list[tuple[int, Body]] = [(0, adoption), (0, adoption), (5, seen(made, OwnershipBasis.ADOPTED))]
    spell = only(spells_of(chain(*records)))
    assert (spell.began.how, spell.began.by, spell.began.at) == (How.ADOPTED, "olga", DAY)
    assert spell.certainty(at(-1)) is None
    lagging = only(spells_of(chain(records[0], (1, nothing()), (5, seen(made, OwnershipBasis.ADOPTED)))))
    assert lagging.certainty(at(3)) is Certainty.HELD


def test_the_rules_of_a_day_are_those_that_gave_it_then() -> None:
    given: dict[str, Any] = {"wanted": {P: ("other",)}}
    records = chain((0, grant()), (1, check("grant", "done")), (60, seen(DAY, **given)))
    spell = only(spells_of(records))
    assert (spell.rules_on(at(30)), spell.rules_on(at(61))) == (("r",), ("other",))
    assert spell.began.rules == ("r",)


@pytest.mark.parametrize("body", [check("grant", "done"), check("revoke", "done")])
def test_a_check_that_did_what_no_intent_tells_of_is_refused_with_its_number(body: CheckBody) -> None:
    with pytest.raises(ValueError, match=r"record 1 does not follow from those before it: it .* without an intent"):
        spells_of(chain((0, body)))


def test_records_of_other_kinds_are_passed_over() -> None:
    assert spells_of(chain((0, DecisionBody(Verb.PAUSE, "olga")), (1, DigestBody({})))) == []


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
        told = Appeared(P, "x", "User", MADE, DAY + timedelta(minutes=minutes))
        fold.take(entry(1, DAY, UnmanagedBody((told,))))
    assert [one.first for one in fold.there] == [DAY]


def test_what_left_is_told_also_where_its_coming_was_lost() -> None:
    told = Disappeared(P, "x", "User", MADE, DAY, DAY, Left.GONE)
    (one,) = UnmanagedFold().take(entry(1, DAY + timedelta(hours=1), UnmanagedBody(left=(told,))))
    assert (one.certainty(at(0)), one.certainty(at(30)), one.certainty(at(60))) == (
        Certainty.HELD,
        Certainty.PERHAPS,
        None,
    )
