"""Who had another role than Invoice manager, and when sweeps saw it: roles, members of groups, profiles' settings.

Lives here: what a sweep's view says of them, what changed since the sweep before, and folding the records of that. When
it is noted is `shared.services.sweep.roles_seen`'s.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.domain.history.records import Left, Record, RoleGone, RolesBody, RoleSeen, SettingsSeen
from shared.domain.history.spells import Certainty, Window, certainty_of_sight
from shared.domain.keys import ProfileKey


@dataclass(frozen=True, slots=True)
class Seen:
    """What sweeps saw last: the roles that are there, each profile's settings, and when each scope was looked at."""

    roles: tuple[RoleSeen, ...] = ()
    settings: tuple[SettingsSeen, ...] = ()
    looked: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What one sweep's view says: by scope, lower-case, the roles there; of `unread` scopes nothing is known."""

    at: datetime
    roles: Mapping[str, tuple[RoleSeen, ...]]
    settings: Mapping[str, SettingsSeen]
    unread: frozenset[str]


def after(before: Seen, look: Look, opted_in_by_us: Collection[ProfileKey] = ()) -> Seen:
    """What is there after a look: since when, and where nothing could be read, what was there before."""
    known = {_key(one): one for one in before.roles}
    roles = [one for one in before.roles if one.where.lower() in look.unread]
    for seen in look.roles.values():
        roles += [replace(one, first=known[_key(one)].first) if _key(one) in known else one for one in seen]
    was = {str(one.profile).lower(): one for one in before.settings}
    settings = [one for where, one in was.items() if where in look.unread]
    for where, now in look.settings.items():
        if where in was and _said(was[where]) == _said(now):
            settings.append(was[where])
        else:
            settings.append(replace(now, ours=now.profile in opted_in_by_us))
    looked = {where: at for where, at in before.looked.items() if where in look.unread}
    return Seen(tuple(roles), tuple(settings), looked | dict.fromkeys(look.roles, look.at))


def changes(before: Seen, now: Seen, look: Look) -> RolesBody:
    """What is to be recorded: what came, what went, and which settings are others."""
    there, was = {_key(one) for one in now.roles}, {_key(one) for one in before.roles}
    told = {_said(one) for one in before.settings}
    return RolesBody(
        appeared=tuple(one for one in now.roles if _key(one) not in was),
        left=tuple(
            RoleGone(
                one.where,
                one.role,
                one.principal,
                one.type,
                one.first,
                max(one.first, before.looked.get(one.where.lower(), one.first)),
                Left.GONE if one.where.lower() in look.roles else Left.NOT_MANAGED,
            )
            for one in before.roles
            if _key(one) not in there
        ),
        settings=tuple(one for one in now.settings if _said(one) not in told),
    )


def turned_on(before: Seen, look: Look) -> Iterator[tuple[ProfileKey, datetime | None]]:
    """The profiles whose invoice e-mail is on and was not, each with when it was looked at before."""
    was = {str(one.profile).lower(): one for one in before.settings}
    for where, now in look.settings.items():
        if now.opted_in and where in was and not was[where].opted_in:
            yield now.profile, before.looked.get(where)


@dataclass(frozen=True, slots=True)
class RoleSpell:
    """A role as sweeps saw it: from `first` until `last`; by `left_at` it was gone, None where it is there since."""

    where: str
    role: str
    principal: str
    type: str
    first: datetime
    last: datetime
    left_at: datetime | None = None
    left: Left | None = None

    def certainty(self, window: Window) -> Certainty | None:
        """How sure it is that it was there within `window`; None when it was not seen by then or was gone."""
        return certainty_of_sight(self.first, self.last, self.left_at, window)

    def as_record(self, window: Window) -> dict[str, Any]:
        """For people and programs, as JSON."""
        certainty = self.certainty(window)
        return {
            "where": self.where,
            "role": self.role,
            "principal": self.principal,
            "principal_type": self.type or None,
            "certainty": None if certainty is None else certainty.value,
            "first_seen": self.first.isoformat(),
            "last_seen": self.last.isoformat(),
            "left_at": None if self.left_at is None else self.left_at.isoformat(),
            "left": None if self.left is None else self.left.value,
        }


class RolesFold:
    """The records of roles, in their order. `began` is when the first was written: of before, nothing is known."""

    def __init__(self) -> None:
        self.began: datetime | None = None
        self.left: list[RoleSpell] = []
        self._there: dict[tuple[str, str, str], RoleSeen] = {}
        self._settings: dict[str, list[SettingsSeen]] = {}

    @property
    def seen(self) -> Seen:
        """What is there after the records so far; when it was looked at, no record says."""
        return Seen(tuple(self._there.values()), tuple(each[-1] for each in self._settings.values()))

    def take(self, record: Record) -> None:
        """Takes the next record of the chain; those of other kinds say nothing here."""
        body = record.body
        if not isinstance(body, RolesBody):
            return
        self.began = record.at if self.began is None else self.began
        for one in body.appeared:
            # A sweep that stopped half-way is repeated by the next one: what came first stands.
            self._there.setdefault(_key(one), one)
        for gone in body.left:
            known = self._there.pop(_key(gone), gone)
            first = min(known.first, gone.first)
            self.left.append(
                RoleSpell(gone.where, gone.role, gone.principal, gone.type, first, gone.last, record.at, gone.left)
            )
        for settings in body.settings:
            self._settings.setdefault(str(settings.profile).lower(), []).append(settings)

    def spells(self, looked: Mapping[str, datetime]) -> Sequence[RoleSpell]:
        """Every role there was: those that left, and those that are there, last seen when `looked` says."""
        there = [
            RoleSpell(
                one.where,
                one.role,
                one.principal,
                one.type,
                one.first,
                max(one.first, looked.get(one.where.lower(), one.first)),
            )
            for one in self._there.values()
        ]
        return [*self.left, *there]

    def settings_on(self, window: Window) -> Mapping[ProfileKey, SettingsSeen]:
        """Each profile's settings as they were seen last by the end of `window`; none where none was seen by then."""
        found = {}
        for every in self._settings.values():
            by_then = [one for one in every if one.at < window.end or one.at == window.start]
            if by_then:
                found[by_then[-1].profile] = by_then[-1]
        return found


def _key(one: RoleSeen) -> tuple[str, str, str]:
    return one.where.lower(), one.role, one.principal


def _said(one: SettingsSeen) -> tuple[str, bool | None, int, str]:
    return str(one.profile).lower(), one.opted_in, one.addresses, one.digest
