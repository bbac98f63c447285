"""`who PROFILE --on DAY`: who received a profile's invoices on a past day, and who could open them.

Lives here: the words. It reads the store alone; what was so is the ledger's, by `services/operate`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cli.answer import Answer, Cell, Line, Part, Shade, Table, counted
from cli.faults import Status
from cli.lookup import find_profile
from cli.on_day import read_window, read_zone
from cli.operating import StoreDesk, on_store
from cli.out import Out
from cli.sighted import NOTHING, WAITS, day, iso_day
from shared.answers.documents import Rows, utc
from shared.answers.known import Known as Names
from shared.answers.known import read_known
from shared.domain.history.records import MEMBER
from shared.domain.history.roles_seen import RoleSpell
from shared.domain.history.spells import Certainty, How, Window
from shared.domain.history.unmanaged_sightings import UnmanagedSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.errors import Permanent
from shared.services.operate.as_of import HeldOn, Known, Unreadable, held_on, unmanaged_on
from shared.services.operate.roles_on import RolesOn, roles_on

_COLUMNS: Final = (
    *("day", "profile_id", "profile", "id", "name", "role", "receives", "how", "since", "until", "certainty", "record"),
)

_SURE: Final = {Certainty.HELD: "certain", Certainty.PERHAPS: "perhaps"}


@dataclass(frozen=True, slots=True)
class _Had:
    """Somebody who received a profile's invoices on a day, or could open them without."""

    principal: str
    role: str
    receives: bool
    how: str
    since: datetime | None
    until: datetime | None
    certainty: Certainty | None
    record: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger says of a profile on a day."""

    names: Names
    profile: ProfileKey
    window: Window
    zone: ZoneInfo
    had: Sequence[_Had]
    roles: RolesOn
    since: datetime | None
    unreadable: Sequence[str]


def answer_on(out: Out, profile: str, on: str, time_zone: str) -> Answer:
    """Answers; with `FAILED` where a chain could not be read. Raises `UsageError` for an unknown profile or day."""
    zone = read_zone(out, time_zone)
    window = read_window(on, zone, datetime.now(UTC))
    found = on_store(lambda desk: _read(desk, profile, window, zone))
    out.note(*(f"{said}, and is not told of" for said in found.unreadable))
    things = [_thing(found, one, on) for one in found.had]
    return Answer(
        "who-on",
        {
            "profile": found.names.profile(found.profile),
            "from": window.start,
            "to": window.end,
            "known_from": found.since,
            "roles_recorded_from": found.roles.recorded_from,
            "had": things,
            "settings": _settings(found),
        },
        _text(found, on),
        Rows.of(_COLUMNS, things),
        complete=not found.unreadable,
        status=Status.FAILED if found.unreadable else Status.DONE,
    )


async def _read(desk: StoreDesk, profile: str, window: Window, zone: ZoneInfo) -> _Found:
    key, _ = await find_profile(desk.state, profile, or_id=True)
    ledger, state, known = desk.ledger, desk.state, Known()
    had: list[_Had] = []
    unreadable: list[str] = []
    async for held in held_on(ledger, state, window, profile=key, known=known):
        if isinstance(held, Unreadable):
            unreadable.append(f"{held.key} could not be read: {held.why}")
        else:
            had.append(_managed(held, window))
    groups: set[str] = set()
    async for one in unmanaged_on(ledger, state, window, profile=key, known=known):
        if isinstance(one, Unreadable):
            unreadable.append(f"{one.key} could not be read: {one.why}")
            continue
        had.append(_unmanaged(one, window))
        groups |= {one.principal_id} if one.principal_type.lower() == "group" else set()
    try:
        roles = await roles_on(ledger, state, window, profile=key, groups=groups)
    except Permanent as damage:
        unreadable.append(f"who had another role could not be read: {damage}")
        roles = RolesOn(None)
    had += [_other(one, key, window) for one in roles.roles]
    names = await read_known(state)
    had.sort(key=lambda one: (not one.receives, one.role != INVOICE_MANAGER_NAME, names.person(one.principal)["name"]))
    return _Found(names, key, window, zone, had, roles, known.since, unreadable)


def _managed(held: HeldOn, window: Window) -> _Had:
    spell = held.spell
    rules = spell.rules_on(window)
    how = f"{'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}" if rules else "managed"
    if spell.began.how is How.ADOPTED:
        how = f"adopted, {how}" if rules else "adopted"
    since = spell.began.at if spell.began.at is not None else spell.began.earliest
    until = None if spell.ended is None else spell.ended.at
    record = f"{PersonKey(held.person).canonical}#{spell.began.record}"
    return _Had(held.person, INVOICE_MANAGER_NAME, True, how, since, until, held.certainty, record)


def _unmanaged(one: UnmanagedSpell, window: Window) -> _Had:
    return _Had(
        one.principal_id, INVOICE_MANAGER_NAME, True, "unmanaged", one.first, one.left_at, one.certainty(window)
    )


def _other(one: RoleSpell, profile: ProfileKey, window: Window) -> _Had:
    is_here = one.where.lower() == str(profile).lower()
    group = one.where if one.role == MEMBER else ""
    how = "role at the profile" if is_here else "member of a group" if group else "role at the account"
    certainty = one.certainty(window)
    return _Had(one.principal, one.role, is_here, how, one.first, one.left_at, certainty, group=group)


def _text(found: _Found, on: str) -> Iterator[Line | Table]:
    names, had = found.names, found.had
    managers = sum(one.role == INVOICE_MANAGER_NAME for one in had)
    others = sum(one.receives for one in had) - managers
    by_others = f", {others} more by another role" if others else ""
    when = f"on {on}" if len(on) == len("2026-01-31") else f"at {on}"
    yield (
        f"{names.of(found.profile)} {when} ({found.zone.key}): {counted(managers, 'Invoice manager')}{by_others}."
        f"{_not_recorded(found)}"
    )
    if found.since is None or found.window.start < found.since:
        began = "has no record" if found.since is None else f"begins {iso_day(found.since, found.zone)}"
        yield Part(f"The ledger {began}; of what was before, it knows nothing.", Shade.WAITS)
    receives = [one for one in had if one.receives]
    if receives:
        yield Table(("", "", "", "", ""), [_cells(found, one) for one in receives], titled=False, indent=2)
    if could := [one for one in had if not one.receives]:
        yield "Could open it without being sent it:"
        yield Table(("", "", "", "", ""), [_cells(found, one) for one in could], titled=False, indent=2)
    if (settings := found.roles.settings.get(found.profile)) is not None:
        mail = "not known to be on" if settings.opted_in is None else "on" if settings.opted_in else "off"
        addresses = counted(settings.addresses, "address", "addresses")
        yield f"Invoice mail was {mail}; {addresses} set on the profile itself."


def _not_recorded(found: _Found) -> str:
    """That other roles were not recorded then; "" where they were."""
    if found.roles.is_recorded(found.window):
        return ""
    since = found.roles.recorded_from
    today = datetime.now(UTC).astimezone(found.zone).date()
    before = "" if since is None else f" before {day(since.astimezone(found.zone).date(), today)}"
    return f" Owners, contributors, readers and account roles: not recorded{before}."


def _cells(found: _Found, one: _Had) -> list[Cell]:
    is_sure = one.certainty is Certainty.HELD
    until = "until now" if one.until is None else f"until {iso_day(one.until, found.zone)}"
    role = "" if one.role == INVOICE_MANAGER_NAME else f"{one.role}, "
    how = f"member of {found.names.person(one.group)['name']}" if one.group else f"{role}{one.how}"
    # What only sweeps saw may have been there before: an assignment of ours has a record of its beginning.
    since = f"{'' if one.record else 'seen '}since {iso_day(one.since, found.zone)}"
    name: Cell = (NOTHING if is_sure else WAITS, found.names.person(one.principal)["name"])
    sure = _SURE.get(one.certainty, "not known") if one.certainty is not None else "not known"
    return [name, how, since, until, f"{sure}{', record ' + one.record.rpartition('#')[2] if one.record else ''}"]


def _thing(found: _Found, one: _Had, on: str) -> dict[str, Any]:
    person = found.names.person(one.principal)
    return {
        "day": on,
        "profile_id": str(found.profile),
        "profile": found.names.of(found.profile),
        "id": one.principal,
        "name": person["name"],
        "role": one.role,
        "receives": one.receives,
        "how": one.how,
        "group": found.names.person(one.group) if one.group else None,
        "since": None if one.since is None else utc(one.since),
        "until": None if one.until is None else utc(one.until),
        "certainty": None if one.certainty is None else one.certainty.value,
        "record": one.record or None,
    }


def _settings(found: _Found) -> Mapping[str, Any] | None:
    settings = found.roles.settings.get(found.profile)
    if settings is None:
        return None
    return {
        "opted_in": settings.opted_in,
        "addresses": settings.addresses,
        "addresses_digest": settings.digest,
        "since": utc(settings.at),
        "ours": settings.ours,
    }
