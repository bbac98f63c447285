"""`people list | show | find`: everybody whom a rule lists or who has a role, as the latest full check saw them.

Lives here: lines, rows and JSON of people. What a view knows of them is `shared.domain.roster`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.answer import Answer, Cell, Line, Part, Shade, Table, counted
from cli.hold_words import WOULD, holds_table
from cli.lookup import find_person
from cli.operating import StoreDesk, on_store
from cli.out import Out
from cli.sighted import doubts, iso_day
from shared.answers.documents import Rows
from shared.answers.holds import hold_json
from shared.answers.known import Known, people_candidates
from shared.answers.roster import held_json, listed_json, profile_name, read_people
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.alike import likeness
from shared.domain.keys import ProfileKey
from shared.domain.receiving import Sight
from shared.domain.roster import Listed
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.domain.view import RoleRow

_COLUMNS: Final = (
    *("id", "name", "address", "employee_id", "kind", "job", "company", "employment", "left_on", "next_change"),
    *("entitled", "managed", "unmanaged", "waiting", "profiles"),
)

EMPLOYED: Final = {
    Employment.EMPLOYED: "works here",
    Employment.PRE_HIRE: "starts later",
    Employment.LEAVER: "left",
    Employment.UNREADABLE: "not known",
}
"""What people say for how somebody is employed."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; several narrow it together."""

    unmanaged: bool = False
    left: bool = False
    waiting: bool = False
    differs: bool = False

    def takes(self, one: Listed) -> bool:
        """Whether somebody is listed."""
        return not (
            (self.unmanaged and not one.unmanaged)
            or (self.left and not one.has_left)
            or (self.waiting and not one.waits)
            or (self.differs and not one.differs)
        )


def list_people(out: Out, narrowed: Filter) -> int:
    """Lists people."""
    sight, people, _ = on_store(read_people)
    kept = [one for one in people if narrowed.takes(one)]
    of = "" if len(kept) == len(people) else f" of {len(people):,}"
    said = (
        f"{counted(len(kept), 'person', 'people')}{of}." if kept else "Nobody: no one in the latest full check is so."
    )
    return out.answer(_listed(sight, kept, "people", said))


def find_people(out: Out, text: str) -> int:
    """Finds people by a part of what they are called."""
    wanted = likeness(text)

    async def find(desk: StoreDesk) -> tuple[Sight, list[Listed]]:
        sight, people, _ = await read_people(desk)
        candidates = people_candidates(sight.names, sight.people)
        found = {one.id for one in candidates if any(wanted in likeness(label) for label in (*one.labels, one.id))}
        return sight, [one for one in people if one.principal in found]

    sight, kept = on_store(find)
    said = f"{counted(len(kept), 'person', 'people')} with {text!r} in what they are called."
    return out.answer(_listed(sight, kept, "people-find", said))


def show_person(out: Out, text: str) -> int:
    """Shows what somebody has."""

    async def read(desk: StoreDesk) -> tuple[Sight, Listed, Known]:
        who = await find_person(desk.state, text)
        sight, people, known = await read_people(desk)
        found = next((one for one in people if one.principal == who.id), None)
        if found is None:  # a name of before, of whom the latest view has nothing
            found = Listed(who.id, sight.called(who.id), _kind_of(sight, who.id), None, (), ())
        return sight, found, known

    sight, one, known = on_store(read)
    lines: list[Line | Table] = [*doubts(sight), _sentence(sight, one)]
    if one.held:
        rows = [_held(sight, key, row) for key, row in one.held]
        lines.append(Table(("PROFILE", "ROLE", "BY", "SINCE"), rows, indent=2))
    if one.waits:
        lines += ["Waits for a decision:", holds_table(one.waits, known)]
    body = listed_json(sight, one) | {
        "held": [held_json(sight, key, row) for key, row in one.held],
        "waits": [hold_json(hold, known) for hold in one.waits],
    }
    complete = sight.view.complete
    rows_of = Rows.of(_COLUMNS, [_flat(sight, one)])
    return out.answer(Answer("people-show", body, lines, rows_of, as_of=sight.view.as_of, complete=complete))


def how(sight: Sight, row: RoleRow) -> str:
    """How somebody got a role: a rule, a hand, or nobody says."""
    if row.managed:
        rules = row.given_by or row.rules
        was = "" if row.given_by else "was "
        return f"{was}rule {', '.join(rules)}" if rules else "managed"
    if row.created_by is None:
        return "nobody says by whom"
    maker = sight.names.get(row.created_by)
    by = "by the app" if maker is not None and maker.kind is PrincipalKind.APP else "by hand,"
    return f"{by} {sight.called(row.created_by)}"


def _listed(sight: Sight, kept: Sequence[Listed], verb: str, said: str) -> Answer:
    rows = [_row(sight, one) for one in kept]
    text: list[Line | Table] = [*doubts(sight)]
    if kept:
        text.append(Table(("PERSON", "IS", "EMPLOYMENT", "HAS", "BY", "WAITS"), rows))
    text.append(said)
    things = [_flat(sight, one) for one in kept]
    body = {"people": [listed_json(sight, one) for one in kept]}
    return Answer(verb, body, text, Rows.of(_COLUMNS, things), as_of=sight.view.as_of, complete=sight.view.complete)


def _row(sight: Sight, one: Listed) -> list[Cell]:
    employment: Cell = _employment(sight, one)
    if one.has_left:
        employment = Part(_employment(sight, one), Shade.REMOVED)
    ways = dict.fromkeys(how(sight, row) for _, row in one.held)
    return [one.called, _is(one), employment, _places(sight, one), "; ".join(ways), _waits(one)]


def _is(one: Listed) -> str:
    person = None if one.person is None else one.person.person
    said = [] if person is None else [person.attributes.get(name) for name in ("jobTitle", "companyName")]
    return ", ".join(part for part in said if part) or ("" if one.kind is PrincipalKind.PERSON else one.kind.value)


def _employment(sight: Sight, one: Listed) -> str:
    if one.person is None:
        return ""
    said = EMPLOYED[one.person.employment]
    person = one.person.person
    if one.person.employment is Employment.LEAVER and person is not None and person.leave_date is not None:
        return f"{said} {iso_day(person.leave_date, sight.zone)}"
    return said


def _places(sight: Sight, one: Listed) -> str:
    profiles = list(dict.fromkeys(key for key, _ in one.held))
    if len(profiles) == 1:
        return profile_name(sight, profiles[0])
    return counted(len(profiles), "profile") if profiles else "nothing"


def _waits(one: Listed) -> Cell:
    if not one.waits:
        return ""
    kinds = dict.fromkeys(WOULD[hold.kind][0] for hold in one.waits)
    said = ", ".join(f"{kind} {sum(WOULD[hold.kind][0] == kind for hold in one.waits)}" for kind in kinds)
    return Part(said, Shade.WAITS)


def _sentence(sight: Sight, one: Listed) -> str:
    what = "; ".join(part for part in (_is(one), _employment(sight, one)) if part)
    entitled = 0 if one.person is None else one.person.entitled
    rules = "" if one.person is None or not one.person.rules else f", by {', '.join(one.person.rules)}"
    gives = f"The policy gives {counted(entitled, 'profile')}{rules}." if one.person is not None else ""
    return f"{one.called} ({one.principal}){f': {what}' if what else ''}. Has {_places(sight, one)}. {gives}".rstrip()


def _held(sight: Sight, key: ProfileKey, row: RoleRow) -> list[Cell]:
    return [profile_name(sight, key), row.role, how(sight, row), iso_day(row.created_on, sight.zone)]


def _flat(sight: Sight, one: Listed) -> dict[str, Any]:
    profiles = "; ".join(
        f"{profile_name(sight, key)}{'' if row.role == INVOICE_MANAGER_NAME else f' ({row.role})'}"
        for key, row in one.held
    )
    return listed_json(sight, one) | {"profiles": profiles}


def _kind_of(sight: Sight, principal: str) -> PrincipalKind:
    called = sight.names.get(principal)
    return PrincipalKind.UNKNOWN if called is None else called.kind
