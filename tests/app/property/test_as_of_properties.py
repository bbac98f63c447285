"""As-of: whatever happens, what the fold says of a moment is what was, as far as checks saw it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Strength
from shared.domain.history.checks import CheckBody, Ended, ManagedRow, Step, Told
from shared.domain.history.fold import SHOWS_WITHIN
from shared.domain.history.records import (
    AdoptBody,
    Body,
    Intended,
    IntendedGrant,
    IntendedRevoke,
    IntentBody,
    Mode,
    Record,
)
from shared.domain.history.spells import Certainty, Ending, Spell, Window
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind
from tests.as_of_spells import entry, spells_of

WHY = Code.EMPLOYED()

START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
PROFILES: Final = tuple(ProfileKey("mca", f"P{number}") for number in range(2))

EXACT: Final = ("done", "retry", "held", "done")
"""How actions end of which a check knows at once what became of them."""
ANYHOW: Final = (*EXACT, "unverified", "unverified-late", "unverified-lost", "crash", "crash-lost")


@dataclass
class Stretch:
    """A time for which a row of ours was truly there. `told` says that a record of the present ledger knows of it.

    `shown` is when it was shown at the earliest, where all that is told is that it was there by then.
    """

    start: datetime
    end: datetime | None = None
    told: bool = False
    shown: datetime = START


@dataclass
class Row:
    """A live row: whose, when it was made, and from when on reads show it."""

    managed: bool
    created: datetime
    visible: datetime
    adopted: bool = False


@dataclass
class Model:
    """One person's assignments as they truly are, and the ledger that checks leave."""

    says_since: bool
    now: datetime = START
    rows: dict[ProfileKey, Row] = field(default_factory=dict)
    truth: dict[ProfileKey, list[Stretch]] = field(default_factory=lambda: {profile: [] for profile in PROFILES})
    records: list[Record] = field(default_factory=list)
    read_at: dict[ProfileKey, datetime] = field(default_factory=dict)
    certain: list[tuple[ProfileKey, datetime]] = field(default_factory=list)
    """Moments at which a check had just read a profile and nothing was under way."""
    wiped: datetime = START
    may_show: dict[ProfileKey, datetime] = field(default_factory=dict)
    """Until when a grant of which nobody knows may still show."""

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def record(self, body: Body) -> None:
        self.records.append(entry(len(self.records) + 1, self.now, body))

    def begin(self, profile: ProfileKey, *, told: bool) -> None:
        self.truth[profile].append(Stretch(self.now, told=told))

    def end(self, profile: ProfileKey) -> None:
        row = self.rows.pop(profile, None)
        if row is not None and row.managed:
            self.truth[profile][-1].end = self.now

    def take(self, profile: ProfileKey) -> None:
        self.end(profile)

    def give(self, profile: ProfileKey) -> None:
        if profile not in self.rows:
            self.rows[profile] = Row(managed=False, created=self.now, visible=self.now)

    def adopt(self, profile: ProfileKey) -> None:
        row = self.rows.get(profile)
        if row is not None and not row.managed:
            row.managed = row.adopted = True
            self.begin(profile, told=True)
            self.record(AdoptBody(profile, "n", "x", row.created, "User", "somebody", "chosen", "stays", WHY, ("r",)))

    def wipe(self) -> None:
        """The ledger is lost: what was adopted is unmanaged again, what is not found again was never told."""
        self.records.clear()
        self.read_at.clear()
        self.certain.clear()
        self.wiped = self.now
        for stretch in (one for stretches in self.truth.values() for one in stretches):
            stretch.told = False
        for profile, row in self.rows.items():
            if row.adopted:
                row.managed = row.adopted = False
                self.truth[profile][-1].end = self.now

    def check(
        self, wanted: Mapping[ProfileKey, str], endings: Mapping[ProfileKey, str], unread: set[ProfileKey]
    ) -> None:
        """One check, a second a step: read, intend, write, record."""
        read = [profile for profile in PROFILES if profile not in unread]
        shown = {
            profile: row for profile in read if (row := self.rows.get(profile)) is not None and row.visible <= self.now
        }
        held = {profile: row for profile, row in shown.items() if row.managed}
        actions = [(profile, "grant") for profile in read if profile in wanted and profile not in shown]
        actions += [(profile, "revoke") for profile in held if profile not in wanted]
        started = [(profile, verb) for profile, verb in actions if endings[profile] != "held"]
        self.pass_time(1)
        if started:
            self.record(IntentBody(tuple(intent(profile, verb, wanted) for profile, verb in started)))
        for profile in held:
            self.truth[profile][-1].told |= bool(started and profile in dict(started))
        self.pass_time(1)
        crashes = any(endings[profile].startswith("crash") for profile, _ in started)
        if crashes:
            self.may_show |= {profile: self.now + SHOWS_WITHIN for profile, verb in started if verb == "grant"}
        results = [self.act(profile, verb, endings[profile]) for profile, verb in actions]
        self.pass_time(1)
        if crashes:
            return
        for profile in held:
            self.truth[profile][-1].told = True
        told = Told(
            wanted={profile: (rule,) for profile, rule in wanted.items()},
            read=tuple(read),
            held={profile: self.managed_row(row) for profile, row in held.items()},
            actions=tuple(results),
        )
        self.record(CheckBody.of(told, Cause(CauseKind.EVENT, "o", "t"), Outcome.DONE, 0, ()))
        for profile in read:
            self.read_at[profile] = self.now
            row = self.rows.get(profile)
            if (row is None or not row.managed) and self.now < self.may_show.get(profile, START):
                continue
            under_way = not endings[profile].startswith(("done", "retry", "held")) and profile in dict(actions)
            if not under_way and (row is None or row.visible <= self.now):
                self.certain.append((profile, self.now))

    def act(self, profile: ProfileKey, verb: str, ending: str) -> Ended:
        """What becomes of one action."""
        if verb == "grant" and ending.startswith(("unverified", "crash")):
            self.may_show[profile] = self.now + SHOWS_WITHIN
        if ending in {"done", "unverified", "unverified-late", "crash"}:
            if verb == "revoke":
                self.end(profile)
            elif (row := self.rows.get(profile)) is not None:
                row.visible = min(row.visible, self.now)  # granted before, and shown by now
                if not row.managed:
                    ending = "unchanged"
                elif not (stretch := self.truth[profile][-1]).told:
                    stretch.told, stretch.shown = True, self.now + 2 * SECOND
            else:
                late = timedelta(minutes=10) if ending == "unverified-late" else 0 * SECOND
                self.rows[profile] = Row(managed=True, created=self.now, visible=self.now + late)
                self.begin(profile, told=True)
        outcome = ending.partition("-")[0]
        known = Outcome.UNVERIFIED if outcome == "crash" else Outcome(outcome)  # who crashes tells nothing
        return Ended(Step(verb), known, WHY, "", profile)

    def managed_row(self, row: Row) -> ManagedRow:
        proof = OwnershipBasis.ADOPTED if row.adopted else OwnershipBasis.CREATED_BY
        return ManagedRow(proof, ("r",), row.created if self.says_since else None)


def intent(profile: ProfileKey, verb: str, wanted: Mapping[ProfileKey, str]) -> Intended:
    if verb == "grant":
        return IntendedGrant("grant", profile, Mode.ENFORCE, WHY, (wanted[profile],), found_nothing=True)
    return IntendedRevoke("revoke", profile, Mode.ENFORCE, WHY, OwnershipBasis.CREATED_BY, Strength.STRONG)


def stories(endings: tuple[str, ...], steps: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, int, Any]]]:
    """What happens: what, how many seconds after the thing before, and the details."""
    checks = st.tuples(
        st.dictionaries(st.sampled_from(PROFILES), st.sampled_from(["r", "s"])),
        st.fixed_dictionaries({profile: st.sampled_from(endings) for profile in PROFILES}),
        st.sets(st.sampled_from(PROFILES), max_size=1) if "unread" in steps else st.just(set()),
    )
    some = st.sampled_from(PROFILES)
    details = {"check": checks, "take": some, "give": some, "adopt": some, "wipe": st.none()}
    chosen = [step for step in details if step in steps]
    return st.lists(
        st.sampled_from([*chosen, "check", "check"]).flatmap(
            lambda step: st.tuples(st.just(step), st.sampled_from([1, 60, 900, 86_400]), details[step])
        ),
        min_size=1,
        max_size=14,
    )


def play(story: list[tuple[str, int, Any]], *, says_since: bool) -> Model:
    model = Model(says_since)
    for step, seconds, detail in story:
        model.pass_time(seconds)
        match step:
            case "check":
                model.check(*detail)
            case "wipe":
                model.wipe()
            case _:
                getattr(model, step)(detail)
    return model


def moments(model: Model, spells: list[Spell]) -> list[datetime]:
    """Every moment at which anything changes, and those right before and after it."""
    edges = {START, model.now, *(one.at for one in model.records)}
    for stretch in (one for stretches in model.truth.values() for one in stretches):
        edges |= {stretch.start, stretch.end or model.now}
    for spell in spells:
        edges |= {at for at in (spell.began.at, spell.began.earliest, spell.seen) if at is not None}
        if spell.ended is not None:
            edges |= {spell.ended.at, spell.ended.last_seen}
    near = {edge + offset * SECOND / 2 for edge in edges for offset in (-1, 0, 1)}
    return sorted(at for at in near if at <= model.now)


def said(spells: list[Spell], profile: ProfileKey, at: datetime) -> Certainty | None:
    found = {spell.certainty(Window.of_moment(at)) for spell in spells if spell.profile == profile}
    return Certainty.HELD if Certainty.HELD in found else Certainty.PERHAPS if Certainty.PERHAPS in found else None


def was(model: Model, profile: ProfileKey, at: datetime) -> Stretch | None:
    return next((one for one in model.truth[profile] if one.start <= at and (one.end is None or at < one.end)), None)


@given(stories(ANYHOW, ("check", "take", "give", "adopt", "wipe", "unread")), st.booleans())
def test_what_is_said_to_be_held_was_and_what_checks_saw_is_said(
    story: list[tuple[str, int, Any]], says_since: bool
) -> None:
    model = play(story, says_since=says_since)
    spells = list(spells_of(model.records))
    for at in moments(model, spells):
        for profile in PROFILES:
            if at > model.read_at.get(profile, START):
                continue  # nobody has checked since
            answer, truth = said(spells, profile, at), was(model, profile, at)
            if answer is Certainty.HELD:
                assert truth is not None, (profile, at)
            if truth is not None and truth.told and at >= truth.shown and (at >= model.wiped or says_since):
                assert answer is not None, (profile, at)


@given(stories(ANYHOW, ("check", "take", "give", "adopt", "wipe", "unread")), st.booleans())
def test_what_a_check_has_just_seen_is_sure(story: list[tuple[str, int, Any]], says_since: bool) -> None:
    model = play(story, says_since=says_since)
    spells = list(spells_of(model.records))
    for profile, at in model.certain:
        expected = Certainty.HELD if was(model, profile, at) is not None else None
        assert said(spells, profile, at) is expected, (profile, at)


@given(stories(EXACT, ("check",)))
def test_when_every_write_is_ours_and_seen_only_the_seconds_of_a_check_are_unsure(
    story: list[tuple[str, int, Any]],
) -> None:
    model = play(story, says_since=True)
    spells = list(spells_of(model.records))
    writing = [(one.at, one.at + 2 * SECOND) for one in model.records if one.kind == "intent"]
    for at in moments(model, spells):
        if any(start <= at <= end for start, end in writing):
            continue
        for profile in PROFILES:
            expected = Certainty.HELD if was(model, profile, at) is not None else None
            assert said(spells, profile, at) is expected, (profile, at)


@given(stories(ANYHOW, ("check", "take", "give", "adopt", "unread")), st.booleans())
def test_spells_of_a_profile_follow_each_other(story: list[tuple[str, int, Any]], says_since: bool) -> None:
    model = play(story, says_since=says_since)
    for profile in PROFILES:
        spells = [spell for spell in spells_of(model.records) if spell.profile == profile]
        for before, after in pairwise(spells):
            assert before.ended is not None
            assert before.ended.last_seen <= before.ended.at
            begins = after.began.at or after.began.earliest
            assert begins is not None
            assert begins >= before.ended.last_seen
        for spell in spells:
            if spell.began.at is None:
                assert spell.ended is None or spell.ended.how is Ending.NEVER_SEEN
