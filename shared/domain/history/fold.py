"""Who had managed access, and since when: folds one person's records into spells.

Lives here: what each kind of record says about access, and what follows from several. It reads nothing and
decides nothing; a record that cannot follow those before it raises ValueError. What was only observed (`would`) never
counts as held.

A record's time is a few seconds after what it tells of: a check leaves its record at its end, at most a handler's time
after it read.
"""

from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.clocks import CLOCKS_APART
from shared.domain.history.checks import CheckBody, Step
from shared.domain.history.records import (
    AdoptBody,
    Intended,
    IntendedGrant,
    IntendedRevoke,
    IntentBody,
    Mode,
    Record,
)
from shared.domain.history.spells import Beginning, End, Ending, How, Spell
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code, Reason

SHOWS_WITHIN: Final = timedelta(minutes=15)
"""How long a write may take to show. Until then a read that finds nothing does not say that there is nothing."""

_NOT_WRITTEN: Final = frozenset({Outcome.RETRY, Outcome.GAVE_UP})
"""How a grant ends that was tried and surely made nothing."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Where something is told: the record, its time, and the cause of the check that left it."""

    record: int
    at: datetime
    cause: str = ""
    origin: str = ""
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class _Revoking:
    """A revoke of ours whose end is not known yet, and the intent that told of it."""

    told: _Told
    why: Reason


@dataclass(slots=True)
class _Track:
    """What is known of one profile so far: closed spells, the open one, and when a read last found nothing.

    `empty` is the record of a read that found nothing of a grant which may still have been on its way. `adopted` is
    when the row was made that was adopted last.
    """

    profile: ProfileKey
    closed: list[Spell]
    open: Spell | None = None
    revoking: _Revoking | None = None
    absent: datetime | None = None
    empty: int | None = None
    adopted: datetime | None = None

    def begin(self, spell: Spell) -> None:
        """A new spell; of a grant that is still open by then nobody will know."""
        if self.open is not None:
            self.closed.append(_never_seen(self.open, _shows_by(self.open), self.empty or spell.began.record))
        self.open, self.empty = spell, None


class PersonFold:
    """One person's records, in their order, folded into spells. Holds the spells and nothing else of the records."""

    def __init__(self) -> None:
        self._tracks: dict[ProfileKey, _Track] = {}
        self._begun: set[ProfileKey] = set()
        """Profiles with an intent to grant after which no check has ended yet."""

    def take(self, record: Record) -> None:
        """Takes the next record. Raises ValueError for one that cannot follow those before it."""
        told = _Told(record.sequence, record.at)
        try:
            match record.body:
                case IntentBody(actions):
                    for action in actions:
                        self._intent(action, told)
                case AdoptBody() as adoption:
                    self._adopted(adoption, told)
                case CheckBody() as check:
                    self._check(check, told)
        except ValueError as error:
            raise ValueError(f"record {record.sequence} does not follow from those before it: {error}") from error

    @property
    def profiles(self) -> AbstractSet[ProfileKey]:
        """Every profile that a record named, whatever it said of it."""
        return self._tracks.keys()

    def spells(self) -> Sequence[Spell]:
        """Every spell so far, by profile and then by time."""
        found: list[Spell] = []
        for _, track in sorted(self._tracks.items()):
            found += track.closed
            if track.open is not None and track.empty is not None:
                found.append(_never_seen(track.open, _shows_by(track.open), track.empty))
            elif track.open is not None:
                unsure_from = None if track.revoking is None else track.revoking.told.at
                found.append(replace(track.open, unsure_from=unsure_from))
        return found

    def _track(self, profile: ProfileKey) -> _Track:
        return self._tracks.setdefault(profile, _Track(profile, []))

    # -- what each kind of record says

    def _intent(self, action: Intended, told: _Told) -> None:
        """We were about to write: the read before it found nothing to grant over, or something managed to revoke."""
        enforced = action.mode is Mode.ENFORCE
        match action:
            case IntendedGrant(profile=profile, why=why, rules=rules):
                track = self._track(profile)
                _absent(track, told)
                if enforced:
                    began = Beginning(How.GRANTED, told.at, None, rules, told.record, why=why)
                    track.begin(Spell(track.profile, began, seen=None, rules=((told.at, rules),)))
                    self._begun.add(track.profile)
            case IntendedRevoke(profile=profile, why=why, proof=proof):
                track = self._track(profile)
                _live(track, told, proof)
                if enforced:
                    track.revoking = _Revoking(told, why)

    def _adopted(self, body: AdoptBody, told: _Told) -> None:
        """A person made what somebody else had given ours. Whoever was interrupted does it once more."""
        track = self._track(body.profile)
        if track.open is not None and track.open.began.how is How.ADOPTED and track.adopted == body.created_on:
            return
        _absent(track, told)
        track.adopted = body.created_on
        why = Code.CHOSEN_TO_ADOPT(choice=body.why)
        began = Beginning(How.ADOPTED, told.at, told.at, body.rules, told.record, why=why, by=body.by)
        track.begin(Spell(track.profile, began, seen=told.at, rules=((told.at, body.rules),)))

    def _check(self, body: CheckBody, told: _Told) -> None:
        """A check says what it read before it acted, and then what became of each action."""
        told = replace(told, cause=body.cause.value, origin=body.origin, event_type=body.event_type)
        acted = {
            action.profile: action
            for action in body.actions
            if action.action in {Step.GRANT, Step.REVOKE} and action.profile is not None
        }
        held = body.held or {}
        for profile in body.read or ():
            track = self._track(profile)
            if (row := held.get(profile)) is not None:
                _live(track, _read_at(track, told, acted), row.proof, row.rules, row.since)
            elif profile not in acted:
                _absent(track, told)
        for profile, action in acted.items():
            track = self._track(profile)
            if action.action is Step.GRANT:
                self._granted(track, action.outcome, told)
            else:
                _revoked(track, action.outcome, told)
        for profile, rules in (body.wanted or {}).items():
            _given_by(self._track(profile), rules, told.at)
        self._begun.clear()

    def _granted(self, track: _Track, outcome: Outcome, told: _Told) -> None:
        """What became of a grant, which was wanted because the read before it found nothing."""
        spell = track.open
        perhaps = spell is not None and spell.began.at is None
        if outcome is Outcome.DONE and spell is not None and perhaps:
            track.open, track.empty = _shown(_with_cause(spell, told), told.at, None), None
        elif outcome is Outcome.DONE:
            raise ValueError(f"it granted {track.profile} without an intent")
        elif outcome is Outcome.UNVERIFIED:
            if spell is not None and perhaps and track.profile in self._begun:
                track.open = _with_cause(spell, told)
        elif outcome in _NOT_WRITTEN and perhaps:
            track.open = None
        else:
            _absent(track, told, at_once=track.profile in self._begun)


def _read_at(track: _Track, told: _Told, acted: Container[ProfileKey]) -> _Told:
    """When a check read a profile: by its intent, where it had one, and by its record at the latest."""
    if track.revoking is not None and track.profile in acted:
        return replace(told, at=track.revoking.told.at)
    return told


def _live(
    track: _Track, told: _Told, proof: OwnershipBasis, rules: tuple[str, ...] = (), since: datetime | None = None
) -> None:
    """A read showed it live and managed. `since` is when billing says that it was made.

    A revoke that has not ended by then did not take it away, as far as anybody can tell.
    """
    if track.revoking is not None and track.revoking.told.at < told.at:
        track.revoking = None
    track.empty = None
    if track.open is None and track.closed and _is_the_same(track, since, proof):
        track.open = replace(track.closed.pop(), ended=None)  # a read that found nothing was behind the times
    spell = track.open
    if spell is not None and since is not None and _is_an_earlier_grants(track, spell, since):
        former = track.closed.pop()
        spell = replace(former, began=replace(former.began, at=spell.began.at), seen=spell.seen, ended=None)
    if spell is None:
        track.open = _found(track, told, proof, rules, since)
    elif spell.seen is not None and since is not None and since > spell.seen + CLOCKS_APART:
        track.closed.append(replace(spell, ended=End(Ending.GONE, spell.seen, since, told.record)))
        track.open = _found(track, told, proof, rules, since)
    else:
        track.open = _shown(spell, told.at, None if proof is OwnershipBasis.ADOPTED else since)


def _found(track: _Track, told: _Told, proof: OwnershipBasis, rules: tuple[str, ...], since: datetime | None) -> Spell:
    """A spell of whose beginning only the row itself tells."""
    if proof is OwnershipBasis.ADOPTED:  # when it was made is not when it became managed
        began = Beginning(How.FOUND, track.absent, told.at, rules, told.record, why=Code.ADOPTED_UNRECORDED())
    else:
        earliest = track.absent if since is None else since
        why = Code.PROVED_UNRECORDED(proof=proof.value)
        began = Beginning(How.FOUND, earliest, since or told.at, rules, told.record, why=why)
    return Spell(track.profile, began, told.at, ((told.at, rules),))


def _is_the_same(track: _Track, since: datetime | None, proof: OwnershipBasis | None = None) -> bool:
    """Whether a live row made at `since` is the one of the latest spell that was thought to have ended."""
    spell = track.closed[-1]
    ended, start = spell.ended, spell.began.earliest or spell.began.at
    if proof is OwnershipBasis.ADOPTED:
        return spell.began.how is How.ADOPTED and since in {None, track.adopted}
    if since is None or ended is None or start is None or since < start - CLOCKS_APART:
        return False
    return ended.how is Ending.NEVER_SEEN or since <= ended.last_seen + CLOCKS_APART


def _is_an_earlier_grants(track: _Track, spell: Spell, since: datetime) -> bool:
    """Whether the row is that of a grant which was slow to show, so that it was granted once more."""
    earliest = spell.began.earliest
    if spell.began.how is not How.GRANTED or earliest is None or not track.closed:
        return False
    former = track.closed[-1]
    never_seen = former.ended is not None and former.ended.how is Ending.NEVER_SEEN
    # The service was seen to cut createdOn to whole seconds.
    return never_seen and since < earliest.replace(microsecond=0) and _is_the_same(track, since)


def _shown(spell: Spell, at: datetime, since: datetime | None) -> Spell:
    """A spell that a read showed live at `at`: it began by then, or when billing says, which is never after."""
    began = spell.began
    first = at if began.at is None else began.at
    if since is not None and since < first and (began.how is not How.ADOPTED):
        earliest = since if began.earliest is None else began.earliest
        if since < earliest - CLOCKS_APART:
            earliest = since  # made by a grant whose record is lost
        first = max(since, earliest)  # createdOn is cut to whole seconds
        began = replace(began, earliest=earliest)
    seen = at if spell.seen is None else max(at, spell.seen)
    return replace(spell, began=replace(began, at=first), seen=seen)


def _absent(track: _Track, told: _Told, *, at_once: bool = False) -> None:
    """A read showed that there is nothing managed.

    A grant that may still be on its way gets its time, unless `at_once` says that it hardly was made.
    """
    spell, revoking = track.open, track.revoking
    track.absent = told.at
    if spell is not None and spell.seen is None and not at_once and told.at < _shows_by(spell):
        track.empty = track.empty or told.record
        return
    if spell is not None and spell.seen is None:
        track.closed.append(_never_seen(spell, told.at, told.record))
    elif spell is not None and revoking is not None:
        track.closed.append(_ended_by_us(spell, revoking, told.at))
    elif spell is not None:
        track.closed.append(replace(spell, ended=End(Ending.GONE, spell.seen or told.at, told.at, told.record)))
    track.open = track.revoking = track.empty = None


def _shows_by(spell: Spell) -> datetime:
    """By when a grant shows, if it was made."""
    assert spell.began.earliest is not None, "a grant is intended first"
    return spell.began.earliest + SHOWS_WITHIN


def _never_seen(spell: Spell, at: datetime, record: int) -> Spell:
    assert spell.began.earliest is not None, "a grant is intended first"
    return replace(spell, ended=End(Ending.NEVER_SEEN, spell.began.earliest, at, record))


def _revoked(track: _Track, outcome: Outcome, told: _Told) -> None:
    """What became of a revoke, which was wanted because the read before it showed it live."""
    spell, revoking = track.open, track.revoking
    if revoking is not None and not revoking.told.cause:
        intent = revoking.told
        revoking = track.revoking = replace(revoking, told=replace(told, record=intent.record, at=intent.at))
    if outcome is Outcome.DONE:
        if spell is None or revoking is None:
            raise ValueError(f"it revoked {track.profile} without an intent")
        track.closed.append(_ended_by_us(spell, revoking, told.at))
        track.open = track.revoking = None
        track.absent = told.at
    elif outcome is not Outcome.UNVERIFIED:
        track.revoking = None
        if spell is not None:
            track.open = _shown(spell, told.at, None)


def _ended_by_us(spell: Spell, revoking: _Revoking, at: datetime) -> Spell:
    told = revoking.told
    ended = End(Ending.REVOKED, told.at, at, told.record, revoking.why, told.cause, told.origin, told.event_type)
    return replace(spell, ended=ended)


def _with_cause(spell: Spell, told: _Told) -> Spell:
    began = replace(spell.began, cause=told.cause, origin=told.origin, event_type=told.event_type)
    return replace(spell, began=began)


def _given_by(track: _Track, rules: tuple[str, ...], at: datetime) -> None:
    """Which rules a check says give it, where that is other than before."""
    if track.open is not None and rules and (not track.open.rules or track.open.rules[-1][1] != rules):
        track.open = replace(track.open, rules=(*track.open.rules, (at, rules)))
