"""How holds are shown: what would be done, to whom, and why it waits.

Lives here: holds as lines, rows and JSON, for `holds` and for what else shows them. No reading, no deciding.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cli.answer import Cell, Part, Shade, Table, counted
from shared.answers.documents import Rows
from shared.answers.holds import hold_json
from shared.answers.known import Known, called
from shared.domain.guards.hold_listing import HoldGroup
from shared.domain.guards.holds import Hold, Status
from shared.domain.history.records import DecidedHold
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from shared.wording.say import say

WOULD: Final[Mapping[ActionKind, tuple[str, Shade]]] = {
    ActionKind.GRANTS: ("give", Shade.GIVEN),
    ActionKind.MOVER_REVOKES: ("remove", Shade.REMOVED),
    ActionKind.LEAVER_REVOKES: ("remove", Shade.REMOVED),
    ActionKind.PROFILE_UPDATES: ("turn on", Shade.GIVEN),
}
"""What an action does, as people say it."""

STATES: Final = {
    Status.OPEN: Part("waits", Shade.WAITS),
    Status.RELEASED: Part("released"),
    Status.DISMISSED: Part("dismissed", Shade.DIM),
}

COLUMNS: Final = (
    *("id", "group", "status", "do", "person_id", "person", "profile_id", "profile", "basis", "why", "stopped_by"),
    *("since", "renewed", "by", "by_name", "decided_at", "refused"),
)
"""Of the spreadsheet of holds."""


def minute(at: datetime) -> str:
    """A time in a table whose title says that it is UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def concerned(holds: Sequence[Hold], known: Known) -> str:
    """What holds would do, in a line: to how many people, on how many profiles; by name where it is one."""
    said = []
    for would in dict.fromkeys(WOULD[hold.kind][0] for hold in holds):
        of_it = [hold for hold in holds if WOULD[hold.kind][0] == would]
        keys = list(dict.fromkeys(hold.key for hold in of_it if isinstance(hold.key, PersonKey)))
        profiles = list(dict.fromkeys(hold.profile for hold in of_it))
        where = known.of(profiles[0]) if len(profiles) == 1 else counted(len(profiles), "profile")
        if keys:
            who = known.of(keys[0]) if len(keys) == 1 else counted(len(keys), "person", "people")
            said.append(f"{would} {who}, {where}")
        else:
            said.append(f"{would} invoice mail, {where}")
    return "; ".join(said)


def states(holds: Sequence[Hold]) -> Cell:
    """What was decided of holds: one state, or how many have which."""
    counts = Counter(hold.status for hold in holds)
    if len(counts) == 1:
        return STATES[holds[0].status]
    return ", ".join(f"{number} {STATES[status].text}" for status, number in counts.items())


def groups_table(groups: Sequence[HoldGroup], known: Known, proposers: Mapping[str, str]) -> Table:
    """A line for each group, and for each hold that is in none. `proposers` are who proposed something, by its id."""
    rows = []
    for group in groups:
        latest = max(group.holds, key=lambda hold: hold.renewed)
        state = states(group.holds)
        if group.id in proposers:
            state = Part(f"proposed by {proposers[group.id]}", Shade.WAITS)
        rows.append(
            (
                group.id,
                concerned(group.holds, known),
                len(group.holds),
                say(latest.why),
                minute(group.holds[0].since),
                state,
            )
        )
    return Table(("ID", "WOULD", "CHANGES", "WAITS BECAUSE", "SINCE (UTC)", "STATE"), rows)


def holds_table(holds: Sequence[Hold], known: Known) -> Table:
    """A line for each hold."""
    rows = [
        (
            Part(WOULD[hold.kind][0], WOULD[hold.kind][1]),
            known.of(hold.key) if isinstance(hold.key, PersonKey) else "invoice mail",
            known.of(hold.profile),
            "" if hold.basis is None else say(hold.basis),
            say(hold.why),
            minute(hold.since),
            _state(hold, known),
            Part(hold.id, Shade.DIM),
        )
        for hold in holds
    ]
    return Table(("WOULD", "WHO", "PROFILE", "BECAUSE", "WAITS BECAUSE", "SINCE (UTC)", "STATE", "ID"), rows)


def refusals(holds: Sequence[Hold]) -> list[str]:
    """Releases that were not carried out, each reason once."""
    reasons = Counter(say(hold.refused) for hold in holds if hold.refused is not None)
    return [f"{counted(number, 'release')} of these not carried out: {why}" for why, number in reasons.items()]


def as_rows(holds: Sequence[Hold], known: Known) -> Rows:
    """Holds for a spreadsheet, a row each."""
    things = []
    for hold in holds:
        told = hold_json(hold, known)
        person, profile = told["person"] or {}, told["profile"]
        reasons = {name: None if told[name] is None else say(told[name]) for name in ("basis", "why", "refused")}
        things.append(
            told
            | {"person": person.get("name"), "person_id": person.get("id")}
            | {"profile": profile["name"], "profile_id": profile["id"]}
            | reasons
        )
    return Rows.of(COLUMNS, things)


def action(hold: Hold | DecidedHold, known: Known) -> str:
    """An action in a line."""
    who = known.of(hold.key) if isinstance(hold.key, PersonKey) else "invoice mail"
    return f"{WOULD[hold.kind][0]} {who} on {known.of(hold.profile)}"


def _state(hold: Hold, known: Known) -> Cell:
    if hold.decided_at is None:
        return STATES[hold.status]
    return (STATES[hold.status], f" by {called(known.people, hold.by)}, {minute(hold.decided_at)}")
